/* SPDX-License-Identifier: Apache-2.0 */
/* bulkhead,virtio nodes: VIRTIO devices of a domain (the frontend) that another one serves (the backend, a
 * driver domain). docs/configuration.md has the properties, core/frontend.h what becomes of them. */
#ifndef BOOT_VIRTIO_DEVICES_H
#define BOOT_VIRTIO_DEVICES_H

#include "boot/planner.h"

#define VIRTIO_SIZE 0x200u /* bytes of the registers of a device, its configuration included */

/* All nodes; their ports, and memory for their state. After static event channels, shared memory and
 * channels. */
void virtio_read(struct planner *p);

/* The properties of v->node but bulkhead,server, into *v; false after an error. */
bool virtio_read_device(struct planner *p, const struct draft *d, struct virtio_draft *v);

/* True if every domain that it serves has been placed. */
bool virtio_can_place(const struct planner *p, const struct draft *d);

/* How many doorbells its record will have for devices. */
uint32_t virtio_doorbells(const struct planner *p, const struct draft *d);

/* The domain's record, maps and device tree, as a frontend and as a backend. Its other maps and its
 * interrupts are final, and d->doorbells has room. */
void virtio_place(struct planner *p, struct draft *d);

/* What of this, beside maps, the domain at hand has at these guest addresses, or NULL. */
const char *virtio_at(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size);
/* Takes that out of the set; false if the pieces are too many. */
bool virtio_cut(const struct planner *p, const struct draft *d, struct ranges *set);

#endif
