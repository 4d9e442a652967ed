/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain's partial device tree adds to its generated one: /gic gives its phandle, /aliases and
 * /passthrough are copied (Xen's passthrough binding). What it adds to the domain's record is passthrough.h.
 */
#ifndef BOOT_PARTIAL_H
#define BOOT_PARTIAL_H

#include "boot/fdt.h"
#include "boot/fdt_write.h"

/* How messages name a node of a partial tree: path of the module's node in the host tree, colon, path in the
 * partial tree. */
char *partial_path(const struct fdt *host, fdt_node_t module, const struct fdt *partial, fdt_node_t node,
                   char *buf, size_t size);

/* The phandle that the interrupt controller gets: that of /gic, else `standard`. *user is a node of the
 * partial tree that has the same phandle without being /gic, or FDT_NONE. */
uint32_t partial_gic_phandle(const struct fdt *partial, uint32_t standard, fdt_node_t *user);

/* Copies /aliases and /passthrough without the properties that are meant for the hypervisor. */
void partial_copy(struct fdt_writer *writer, const struct fdt *partial);

#endif
