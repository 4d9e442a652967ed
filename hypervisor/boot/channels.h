/* SPDX-License-Identifier: Apache-2.0 */
/* bulkhead,channel nodes: two one-way regions of memory between two domains, and a doorbell each way. */
#ifndef BOOT_CHANNELS_H
#define BOOT_CHANNELS_H

#include "boot/planner.h"

/* All channels; their memory and ports. After static event channels and shared memory. */
void channels_read(struct planner *p);

/* The domain's maps, doorbell pages, interrupts and device tree. Its other maps and its interrupts are final.
 * Returns how many doorbells its record will have for them. */
uint32_t channels_place(struct planner *p, struct draft *d);

/* All domains have been placed: each doorbell learns what it raises in the peer. */
void channels_connect(struct planner *p);

#endif
