/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The driver's side of VIRTIO over MMIO (VIRTIO 1.2, 4.2, version 2) and over PCI (4.1), with the split ring
 * (2.7), for devices that the domain owns. They read and write memory by its address in the domain. Without
 * an SMMU that has to be the machine's (direct-map).
 *
 * `base` names a device: over MMIO it is the address of its registers, over PCI that of the common ones. */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/tree.h"

enum { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_ENTROPY = 4 };
enum { VIRTIO_CONFIG = 0x100 }; /* of a device over MMIO */

struct virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct virtio_queue {
    uintptr_t bell;
    bool pci; /* whose bell has two bytes */
    uint32_t index, size;
    struct virtio_descriptor *descriptors;
    volatile uint16_t *available, *used; /* flags, idx, ring */
    uint16_t first_free, nr_free;
    uint16_t made, seen; /* idx of what was made available, and of what was seen used */
    bool event_index;
    bool silent; /* no interrupt, until it is asked for: virtio_wait() */
};

/* Between an address of the domain and what its devices are told: 0 but for a frontend that grants
 * (drivers/confined.h). */
extern uint64_t virtio_offset;

struct virtio_piece {
    const void *data;
    uint32_t length;
    bool written; /* by the device */
};

/* The n-th device of that kind in the tree, those behind PCI bridges last; its registers are mapped, and it
 * is quiet (reset). 0: there is none. *node: the device, or its bridge. */
uintptr_t virtio_find(uint32_t id, uint32_t n, tree_node *node);
#define VIRTIO_EVENT_INDEX (UINT64_C(1) << 29)

/* Accepts what both sides have; VIRTIO_F_VERSION_1 always. */
uint64_t virtio_negotiate(uintptr_t base, uint64_t wanted);
/* A queue of at most `size` entries. */
void virtio_queue_start(struct virtio_queue *queue, uintptr_t base, uint32_t index, uint32_t size);
/* Fewer interrupts and bells, before virtio_start(): uses the event index if it is among `features`.
 * `silent`: the device interrupts for this queue only after virtio_wait(). */
void virtio_queue_quieten(struct virtio_queue *queue, uint64_t features, bool silent);
/* The driver is ready; interrupts go to `handler`, which begins with virtio_interrupt(). */
void virtio_start(uintptr_t base, tree_node node, void (*handler)(void *context), void *context);
/* The word of its configuration space at that offset. */
uint32_t virtio_config(uintptr_t base, uint32_t offset);
/* A field of 1, 2 or 4 bytes (4.2.2.2: each is read by its own width). */
uint32_t virtio_config_sized(uintptr_t base, uint32_t offset, uint32_t bytes);
/* What the interrupt is for: bit 0 used buffers, bit 1 the configuration. */
uint32_t virtio_acknowledge(uintptr_t base);
/* The same; a device that needs a reset ends this life of the domain: the next one takes up what it had. */
uint32_t virtio_interrupt(uintptr_t base);

/* Makes a chain available, and rings if the device asks for it; returns its head, which is below `size`, or
 * -1: too few descriptors are free. */
int32_t virtio_add(struct virtio_queue *queue, const struct virtio_piece *pieces, uint32_t count);
/* The next chain that the device is done with, which is free now; -1: there is none. `length`: bytes written.
 */
int32_t virtio_used(struct virtio_queue *queue, uint32_t *length);
/* The device interrupts for the next chain that it is done with. False: there is one already. */
bool virtio_wait(struct virtio_queue *queue);

#endif
