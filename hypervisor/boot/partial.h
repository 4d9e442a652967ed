/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain's partial device tree adds to its generated one: /gic gives its phandle, /aliases and
 * /passthrough are copied (Xen's passthrough binding). What it adds to the domain's record is passthrough.h.
 */
#ifndef BOOT_PARTIAL_H
#define BOOT_PARTIAL_H

#include "base/status.h"
#include "boot/fdt.h"
#include "boot/fdt_write.h"
#include "boot/report.h"

/* The path by which messages name a node of a partial tree. */
char *partial_path(const struct fdt *partial, fdt_node_t node, char *buf, size_t size);

/* If /gic has a phandle, *phandle becomes it; otherwise *phandle stays, and a node that uses the same is an
 * error. */
enum status partial_gic_phandle(const struct fdt *partial, struct report *report,
                                uint32_t *phandle) MUST_CHECK;

/* Copies /aliases and /passthrough without the properties that are meant for the hypervisor. */
void partial_copy(struct fdt_writer *writer, const struct fdt *partial);

#endif
