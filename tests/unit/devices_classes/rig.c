/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "rig.h"

#ifdef MAPPED
#include "mapped.h"
#endif

#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u

static void on_interrupt(struct device *device)
{
    struct rig *rig = (struct rig *)(void *)device;

    rig->interrupts++;
}

/* For a new backend. */
static void look(struct rig *rig)
{
#ifdef MAPPED
    rig->view = (struct dev_memory){.mapper = mapped_mapper(rig->memory)};
#else
    rig->window = (struct dev_window){.address = RIG_BASE, .size = RIG_MEMORY, .local = rig->memory};
    rig->view = (struct dev_memory){.windows = &rig->window, .nr = 1};
#endif
}

void rig_create(struct rig *rig, uint32_t queues)
{
    memset(rig, 0, sizeof *rig);
#ifdef MAPPED
    rig->memory = mapped_memory();
#else
    rig->memory = calloc(1, RIG_MEMORY);
#endif
    look(rig);
    rig->device.state = calloc(1, BH_VIRTIO_STATE_BYTES(queues, RIG_QUEUE));
    rig->device.memory = &rig->view;
    rig->device.nr_queues = queues;
    rig->device.queue_max = RIG_QUEUE;
    rig->device.frontend = 1;
    rig->device.interrupt = on_interrupt;
    rig->next = RIG_BASE;
}

void rig_destroy(struct rig *rig)
{
#ifdef MAPPED
    mapped_free(rig->memory);
#else
    free(rig->memory);
#endif
    free(rig->device.state);
}

uint8_t *rig_at(const struct rig *rig, uint64_t address)
{
    assert(address >= RIG_BASE && address < RIG_BASE + RIG_MEMORY);
    return rig->memory + (address - RIG_BASE);
}

uint64_t rig_memory(struct rig *rig, uint32_t length)
{
    uint64_t address = rig->next;

    rig->next += (length + 15u) / 16u * 16u;
    assert(rig->next <= RIG_BASE + RIG_MEMORY);
    return address;
}

static void put16(struct rig *rig, uint64_t address, uint16_t value)
{
    memcpy(rig_at(rig, address), &value, 2);
}

static uint16_t get16(const struct rig *rig, uint64_t address)
{
    uint16_t value;

    memcpy(&value, rig_at(rig, address), 2);
    return value;
}

static void reg(struct rig *rig, uint32_t offset, uint32_t value)
{
    assert(device_write(&rig->device, offset, 4, value));
}

void rig_start_queue(struct rig *rig, uint32_t queue)
{
    struct rig_ring *ring = &rig->ring[queue];

    memset(ring, 0, sizeof *ring);
    ring->desc = rig_memory(rig, 16u * RIG_QUEUE);
    ring->avail = rig_memory(rig, 6u + 2u * RIG_QUEUE);
    ring->used = rig_memory(rig, 6u + 8u * RIG_QUEUE);
    memset(rig_at(rig, ring->desc), 0, rig->next - ring->desc);
    for (uint16_t i = 0; i < RIG_QUEUE; i++) {
        ring->free[ring->nr_free++] = (uint16_t)(RIG_QUEUE - 1u - i);
    }
    reg(rig, 0x30, queue);
    reg(rig, 0x38, RIG_QUEUE);
    reg(rig, 0x80, (uint32_t)ring->desc);
    reg(rig, 0x90, (uint32_t)ring->avail);
    reg(rig, 0xa0, (uint32_t)ring->used);
    reg(rig, 0x44, 1);
}

void rig_start(struct rig *rig, uint64_t features)
{
    uint64_t accepted = features | VIRTIO_F_VERSION_1;

    device_init(&rig->device);
    reg(rig, 0x70, 0);
    reg(rig, 0x70, 3);
    reg(rig, 0x24, 0);
    reg(rig, 0x20, (uint32_t)accepted);
    reg(rig, 0x24, 1);
    reg(rig, 0x20, (uint32_t)(accepted >> 32));
    reg(rig, 0x70, 11);
    assert((device_read(&rig->device, 0x70, 4) & 8u) != 0);
    rig->indirect = (features & VIRTIO_F_INDIRECT_DESC) != 0;
    for (uint32_t i = 0; i < rig->device.nr_queues; i++) {
        rig_start_queue(rig, i);
    }
    reg(rig, 0x70, 15);
}

void rig_reset(struct rig *rig)
{
    reg(rig, 0x70, 0);
}

void rig_crash(struct rig *rig)
{
    struct device old = rig->device;

    look(rig);
    memset(&rig->device, 0xa5, sizeof rig->device);
    rig->device.state = old.state;
    rig->device.memory = old.memory;
    rig->device.nr_queues = old.nr_queues;
    rig->device.queue_max = old.queue_max;
    rig->device.frontend = old.frontend;
    rig->device.interrupt = old.interrupt;
    rig->device.quiet = NULL;
}

static void write_descriptor(struct rig *rig, uint64_t at, const struct rig_buffer *buffer, uint16_t flags,
                             uint16_t next)
{
    uint16_t all = (uint16_t)(flags | (buffer->write ? DESC_WRITE : 0u));

    memcpy(rig_at(rig, at), &buffer->address, 8);
    memcpy(rig_at(rig, at + 8), &buffer->length, 4);
    memcpy(rig_at(rig, at + 12), &all, 2);
    memcpy(rig_at(rig, at + 14), &next, 2);
}

static uint16_t add_indirect(struct rig *rig, struct rig_ring *ring, const struct rig_buffer *buffers,
                             uint32_t nr)
{
    struct rig_buffer table = {.address = rig_memory(rig, 16u * nr), .length = 16u * nr};
    uint16_t head = ring->free[--ring->nr_free];

    for (uint32_t i = 0; i < nr; i++) {
        write_descriptor(rig, table.address + 16u * i, &buffers[i], i + 1u < nr ? DESC_NEXT : 0,
                         (uint16_t)(i + 1u));
    }
    write_descriptor(rig, ring->desc + 16u * head, &table, DESC_INDIRECT, 0);
    ring->chain[head] = 1;
    return head;
}

static uint16_t add_direct(struct rig *rig, struct rig_ring *ring, const struct rig_buffer *buffers,
                           uint32_t nr)
{
    uint16_t head = ring->free[ring->nr_free - 1u];

    for (uint32_t i = 0; i < nr; i++) {
        uint16_t this = ring->free[--ring->nr_free];
        bool last = i + 1u == nr;

        write_descriptor(rig, ring->desc + 16u * this, &buffers[i], last ? 0 : DESC_NEXT,
                         last ? 0 : ring->free[ring->nr_free - 1u]);
    }
    ring->chain[head] = (uint16_t)nr;
    return head;
}

uint16_t rig_add(struct rig *rig, uint32_t queue, const struct rig_buffer *buffers, uint32_t nr)
{
    struct rig_ring *ring = &rig->ring[queue];
    uint16_t idx = get16(rig, ring->avail + 2), head;

    assert(nr != 0 && ring->nr_free >= nr);
    head = rig->indirect ? add_indirect(rig, ring, buffers, nr) : add_direct(rig, ring, buffers, nr);
    put16(rig, ring->avail + 4u + 2u * (idx % RIG_QUEUE), head);
    put16(rig, ring->avail + 2, (uint16_t)(idx + 1u));
    return head;
}

uint16_t rig_send(struct rig *rig, uint32_t queue, const void *data, uint32_t length)
{
    struct rig_buffer buffer = {.address = rig_memory(rig, length), .length = length};

    memcpy(rig_at(rig, buffer.address), data, length);
    return rig_add(rig, queue, &buffer, 1);
}

uint16_t rig_room(struct rig *rig, uint32_t queue, uint32_t length, uint64_t *address)
{
    struct rig_buffer buffer = {.address = rig_memory(rig, length), .length = length, .write = true};

    if (address != NULL) {
        *address = buffer.address;
    }
    return rig_add(rig, queue, &buffer, 1);
}

void rig_run(struct rig *rig)
{
    uint32_t turns = 0;

    while (device_run(&rig->device)) {
        assert(++turns < 10000u);
    }
}

uint16_t rig_used_idx(const struct rig *rig, uint32_t queue)
{
    return get16(rig, rig->ring[queue].used + 2);
}

bool rig_used(struct rig *rig, uint32_t queue, uint16_t *head, uint32_t *length)
{
    struct rig_ring *ring = &rig->ring[queue];
    uint64_t element = ring->used + 4u + 8u * (ring->taken % RIG_QUEUE);
    uint32_t id;

    if (rig_used_idx(rig, queue) == ring->taken) {
        return false;
    }
    memcpy(&id, rig_at(rig, element), 4);
    if (length != NULL) {
        memcpy(length, rig_at(rig, element + 4), 4);
    }
    assert(id < RIG_QUEUE && ring->chain[id] != 0);
    for (uint16_t at = (uint16_t)id, left = ring->chain[id]; left != 0; left--) {
        uint16_t next = get16(rig, ring->desc + 16u * at + 14u);

        ring->free[ring->nr_free++] = at;
        at = next;
    }
    ring->chain[id] = 0;
    ring->taken++;
    if (head != NULL) {
        *head = (uint16_t)id;
    }
    return true;
}
