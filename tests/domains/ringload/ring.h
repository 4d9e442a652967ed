/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's side of a split ring (VIRTIO 1.2, 2.7) with indirect descriptors and event index, which
 * believes nothing: each answer must be for a request that is on its way, and there once. */
#ifndef RINGLOAD_RING_H
#define RINGLOAD_RING_H

#include <stdbool.h>
#include <stdint.h>

enum { RING_SIZE = 32, RING_PIECES = 4, RING_SLOTS = RING_SIZE / RING_PIECES };

struct ring_piece {
    void *data;
    uint32_t length;
    bool written; /* by the device */
};

struct ring_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct ring {
    uintptr_t base; /* registers of the device */
    uint32_t index; /* of the queue */
    struct ring_descriptor *descriptors;
    struct ring_descriptor (*tables)[RING_PIECES]; /* indirect, one for each slot */
    volatile uint16_t *available, *used;
    uint16_t made, seen;
    uint32_t on_its_way;        /* a bit for each slot */
    uint32_t answers, overtook; /* so far; those that overtook an older request */
    uint32_t number[RING_SLOTS], next_number;
};

/* Memory for a ring, once. */
void ring_create(struct ring *ring, uintptr_t base, uint32_t index);
/* Tells the device; nothing is on its way. */
void ring_start(struct ring *ring);
/* The request of a slot, of at most RING_PIECES pieces. Rings the doorbell if the device asks for it. */
void ring_add(struct ring *ring, uint32_t slot, const struct ring_piece *pieces, uint32_t count,
              bool indirect);
/* The slot that was answered, and the bytes written; -1: none; -2: an answer that cannot be, in *written. */
int32_t ring_answer(struct ring *ring, uint32_t *written);
/* The device shall interrupt from here on; false: it has answered meanwhile. */
bool ring_wait(struct ring *ring);

#endif
