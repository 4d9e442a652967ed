/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain may do of Xen's guest ABI, and how large its tables for that are. */
#ifndef BOOT_ENHANCED_H
#define BOOT_ENHANCED_H

#include "boot/planner.h"

/* The sizes and xen,enhanced, from the domain's node. */
void enhanced_read(struct planner *p, struct draft *d);

/* A device whose buffers the domain d grants to its backend: both get what it takes. */
void enhanced_need_grants(struct planner *p, struct draft *d, struct draft *backend,
                          const struct virtio_draft *v);

/* When all of the domain's maps are in p->maps: the regions of its hypervisor node. */
void enhanced_place(struct planner *p, struct draft *d);

#endif
