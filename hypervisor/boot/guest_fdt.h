/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree that a domain is started with: what its record gives it, in the shape that Xen gives its
 * static domains. */
#ifndef BOOT_GUEST_FDT_H
#define BOOT_GUEST_FDT_H

#include "base/status.h"
#include "boot/fdt.h"
#include "boot/guest_links.h"
#include "boot/host.h"
#include "boot/report.h"
#include "core/record.h"

struct guest_fdt_input {
    const struct host *host;
    const struct domain_record
        *record;          /* maps, vcpus, gicd, gicr_or_gicc, uart, flags, nr_spis must be final */
    const char *bootargs; /* /chosen/bootargs, or NULL */
    uint64_t initrd_start, initrd_end; /* IPA of the ramdisk, end exclusive; 0, 0 = none */
    const struct fdt *partial;         /* the opened partial device tree, or NULL */
    fdt_node_t module;                 /* its module node, for messages */
    const fdt_node_t *hidden;          /* hardware domain: host nodes that it does not get */
    uint32_t nr_hidden;
    const struct guest_links *links; /* or NULL */
    struct report *report;
};

/* Upper bound of what guest_fdt_build() writes for this input: what an arena must have left. */
size_t guest_fdt_bound(const struct guest_fdt_input *in);

/* Writes the tree into `buf` of `capacity` bytes (8-byte aligned); *size is its totalsize. ERR_NOMEM if it
 * does not fit, ERR_INVALID (reported) if the partial tree cannot be merged. */
enum status guest_fdt_build(const struct guest_fdt_input *in, void *buf, size_t capacity,
                            size_t *size) MUST_CHECK;

#endif
