/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include "runtime/arch.h"
#include "runtime/memory.h"

enum {
    QUEUE_SELECT = 0x30,
    QUEUE_SIZE = 0x38,
    QUEUE_READY = 0x44,
    QUEUE_NOTIFY = 0x50,
    QUEUE_DESCRIPTORS = 0x80,
    QUEUE_AVAILABLE = 0x90,
    QUEUE_USED = 0xa0,
};
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

void ring_create(struct ring *ring, uintptr_t base, uint32_t index)
{
    ring->base = base;
    ring->index = index;
    ring->descriptors = arena_alloc(RING_SIZE * sizeof *ring->descriptors, 16, "a ring");
    ring->tables = arena_alloc(RING_SLOTS * sizeof *ring->tables, 16, "indirect tables");
    ring->available = arena_alloc(RING_SIZE * 2 + 6, 4, "a ring");
    ring->used = arena_alloc(RING_SIZE * 8 + 6, 4, "a ring");
}

static void write_address(uintptr_t at, const volatile void *address)
{
    write32(at, (uint32_t)(uintptr_t)address);
    write32(at + 4, (uint32_t)((uintptr_t)address >> 32));
}

void ring_start(struct ring *ring)
{
    ring->made = 0;
    ring->seen = 0;
    ring->on_its_way = 0;
    ring->available[0] = 0;
    ring->available[1] = 0;
    ring->available[2 + RING_SIZE] = 0;
    ring->used[0] = 0;
    ring->used[1] = 0;
    ring->used[2 + 4 * RING_SIZE] = 0;
    write32(ring->base + QUEUE_SELECT, ring->index);
    write32(ring->base + QUEUE_SIZE, RING_SIZE);
    write_address(ring->base + QUEUE_DESCRIPTORS, ring->descriptors);
    write_address(ring->base + QUEUE_AVAILABLE, ring->available);
    write_address(ring->base + QUEUE_USED, ring->used);
    DEVICE_BARRIER();
    write32(ring->base + QUEUE_READY, 1);
}

void ring_add(struct ring *ring, uint32_t slot, const struct ring_piece *pieces, uint32_t count,
              bool indirect)
{
    uint32_t head = slot * RING_PIECES;
    struct ring_descriptor *list = indirect ? ring->tables[slot] : &ring->descriptors[head];
    uint16_t before = ring->made, event;

    for (uint32_t i = 0; i < count; i++) {
        list[i].address = (uintptr_t)pieces[i].data;
        list[i].length = pieces[i].length;
        list[i].flags = (uint16_t)((pieces[i].written ? WRITE : 0) | (i + 1 < count ? NEXT : 0));
        list[i].next = (uint16_t)((indirect ? 0 : head) + i + 1);
    }
    if (indirect) {
        ring->descriptors[head] =
            (struct ring_descriptor){(uintptr_t)list, count * (uint32_t)sizeof *list, INDIRECT, 0};
    }
    ring->on_its_way |= 1u << slot;
    ring->number[slot] = ring->next_number++;
    ring->available[2 + before % RING_SIZE] = (uint16_t)head;
    DEVICE_BARRIER();
    ring->available[1] = ++ring->made;
    DEVICE_BARRIER();
    event = ring->used[2 + 4 * RING_SIZE]; /* avail_event (2.7.10) */
    if ((uint16_t)(ring->made - event - 1) < (uint16_t)(ring->made - before)) {
        write32(ring->base + QUEUE_NOTIFY, ring->index);
    }
}

static void account(struct ring *ring, uint32_t slot)
{
    ring->answers++;
    for (uint32_t i = 0; i < RING_SLOTS; i++) {
        if ((ring->on_its_way >> i & 1) != 0 && (int32_t)(ring->number[i] - ring->number[slot]) < 0) {
            ring->overtook++;
            return;
        }
    }
}

int32_t ring_answer(struct ring *ring, uint32_t *written)
{
    volatile uint16_t *element = ring->used + 2 + ring->seen % RING_SIZE * 4;
    uint16_t ready = (uint16_t)(ring->used[1] - ring->seen);
    uint32_t id;

    if (ready == 0) {
        return -1;
    }
    DEVICE_BARRIER();
    id = element[0] | (uint32_t)element[1] << 16;
    if (ready > RING_SLOTS || id % RING_PIECES != 0 || id >= RING_SIZE ||
        (ring->on_its_way >> (id / RING_PIECES) & 1) == 0) {
        *written = id;
        return -2;
    }
    *written = element[2] | (uint32_t)element[3] << 16;
    ring->seen++;
    ring->on_its_way &= ~(1u << (id / RING_PIECES));
    account(ring, id / RING_PIECES);
    return (int32_t)(id / RING_PIECES);
}

bool ring_wait(struct ring *ring)
{
    ring->available[2 + RING_SIZE] = ring->seen; /* used_event */
    DEVICE_BARRIER();
    return ring->used[1] == ring->seen;
}
