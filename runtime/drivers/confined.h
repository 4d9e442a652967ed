/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A domain whose VIRTIO devices do not see its memory (bulkhead,buffers = "bounce" or "grants"), as their
 * frontend. */
#ifndef DRIVERS_CONFINED_H
#define DRIVERS_CONFINED_H

#include <stdint.h>

enum { CONFINED_RESERVED = 8 }; /* entries of a grant table that are not the domain's (Xen) */

/* Before anything is allocated for a device. With a restricted pool in the tree, all that is allocated from
 * now on lies in it. With devices behind the node for grants, all RAM of the domain that is
 * not used yet is granted to the backend of the first one. Neither: nothing. */
void confined_start(void);
/* The entry of that page of RAM in the domain's grant table (Xen public grant_table.h, version 1). */
struct confined_entry {
    uint16_t flags, domid;
    uint32_t frame;
};
volatile struct confined_entry *confined_entry(const void *page);

#endif
