/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/drivers/virtio.h"

#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/virtio_pci.h"
#include "runtime/gic.h"
#include "runtime/loop.h"
#include "runtime/memory.h"

enum { MAGIC = 0, VERSION = 4, DEVICE_ID = 8, INTERRUPT_ACK = 0x64, REGISTERS = 0x200 };

/* Registers that both transports have: where, and of how many bytes over PCI; over MMIO all have four. */
enum register_name {
    DEVICE_FEATURES,
    DEVICE_SELECT,
    DRIVER_FEATURES,
    DRIVER_SELECT,
    QUEUE_SELECT,
    QUEUE_MAX,
    QUEUE_SIZE,
    QUEUE_READY,
    STATUS,
    QUEUE_DESCRIPTORS,
    QUEUE_AVAILABLE,
    QUEUE_USED,
    QUEUE_NOTIFY, /* over PCI: which of the bells */
};
static const struct {
    uint8_t mmio, pci, bytes;
} registers[] = {
    [DEVICE_FEATURES] = {0x10, 0x04, 4}, [DEVICE_SELECT] = {0x14, 0x00, 4},
    [DRIVER_FEATURES] = {0x20, 0x0c, 4}, [DRIVER_SELECT] = {0x24, 0x08, 4},
    [QUEUE_SELECT] = {0x30, 0x16, 2},    [QUEUE_MAX] = {0x34, 0x18, 2},
    [QUEUE_SIZE] = {0x38, 0x18, 2},      [QUEUE_READY] = {0x44, 0x1c, 2},
    [STATUS] = {0x70, 0x14, 1},          [QUEUE_DESCRIPTORS] = {0x80, 0x20, 4},
    [QUEUE_AVAILABLE] = {0x90, 0x28, 4}, [QUEUE_USED] = {0xa0, 0x30, 4},
    [QUEUE_NOTIFY] = {0x50, 0x1e, 2},
};
#define INTERRUPT_STATUS 0x60u

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64 };
enum { NEXT = 1, WRITE = 2 };
enum { NO_INTERRUPT = 1, NO_NOTIFY = 1 };
enum { RESET_MS = 1000, MAGIC_VALUE = 0x74726976 };
#define VERSION_1 (UINT64_C(1) << 32)
#define ACCESS_PLATFORM \
    (UINT64_C(1) << 33) /* an SMMU translates for it; nothing is different for its driver */

static uint32_t get(uintptr_t base, enum register_name name)
{
    return virtio_pci_at(base) == NULL ? read32(base + registers[name].mmio)
                                       : read_sized(base + registers[name].pci, registers[name].bytes);
}

static void put(uintptr_t base, enum register_name name, uint32_t value)
{
    if (virtio_pci_at(base) == NULL) {
        write32(base + registers[name].mmio, value);
    } else {
        write_sized(base + registers[name].pci, registers[name].bytes, value);
    }
}

uint64_t virtio_offset;

/* A device that an earlier life of the domain has left working may still use its memory. */
static uintptr_t reset(uintptr_t base, tree_node node)
{
    uint64_t end = ticks_now() + RESET_MS * ticks_per_ms();

    put(base, STATUS, 0);
    while (get(base, STATUS) != 0) {
        if (ticks_now() > end) {
            crash("does not come out of reset: ", tree_name(node));
        }
    }
    return base;
}

uintptr_t virtio_find(uint32_t id, uint32_t n, tree_node *found)
{
    const struct virtio_pci *pci;

    for (tree_node node = tree_find(TREE_NONE, "virtio,mmio"); node != TREE_NONE;
         node = tree_find(node, "virtio,mmio")) {
        uintptr_t base = tree_number(node, "reg", 0, 2, 0);

        if (base == 0) {
            continue;
        }
        memory_map(base, REGISTERS, MEMORY_DEVICE);
        if (read32(base + MAGIC) != MAGIC_VALUE || read32(base + DEVICE_ID) != id || n-- != 0) {
            continue;
        }
        if (read32(base + VERSION) != 2) {
            crash("a legacy device: ", tree_name(node));
        }
        *found = node;
        return reset(base, node);
    }
    pci = virtio_pci_find(id, n);
    if (pci == NULL) {
        return 0;
    }
    *found = tree_find(TREE_NONE, "pci-host-ecam-generic");
    return reset(pci->common, *found);
}

uint64_t virtio_negotiate(uintptr_t base, uint64_t wanted)
{
    uint64_t offered;

    put(base, STATUS, ACKNOWLEDGE | DRIVER);
    put(base, DEVICE_SELECT, 1);
    offered = (uint64_t)get(base, DEVICE_FEATURES) << 32;
    put(base, DEVICE_SELECT, 0);
    offered |= get(base, DEVICE_FEATURES);
    wanted = (wanted | VERSION_1 | ACCESS_PLATFORM) & offered;
    put(base, DRIVER_SELECT, 1);
    put(base, DRIVER_FEATURES, (uint32_t)(wanted >> 32));
    put(base, DRIVER_SELECT, 0);
    put(base, DRIVER_FEATURES, (uint32_t)wanted);
    put(base, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if ((wanted & VERSION_1) == 0 || (get(base, STATUS) & FEATURES_OK) == 0) {
        crash("a virtio device refuses its features", "");
    }
    return wanted;
}

/* In halves: also over PCI each may be written by itself (4.1.3.1). */
static void put_address(uintptr_t base, enum register_name name, const volatile void *address)
{
    uintptr_t at = base + (virtio_pci_at(base) == NULL ? registers[name].mmio : registers[name].pci);

    uint64_t bus = (uintptr_t)address + virtio_offset;

    write32(at, (uint32_t)bus);
    write32(at + 4, (uint32_t)(bus >> 32));
}

uint32_t virtio_config_sized(uintptr_t base, uint32_t offset, uint32_t bytes)
{
    const struct virtio_pci *pci = virtio_pci_at(base);

    return read_sized((pci == NULL ? base + VIRTIO_CONFIG : pci->config) + offset, bytes);
}

uint32_t virtio_config(uintptr_t base, uint32_t offset)
{
    return virtio_config_sized(base, offset, 4);
}

static void find_bell(struct virtio_queue *queue, uintptr_t base)
{
    const struct virtio_pci *pci = virtio_pci_at(base);

    queue->pci = pci != NULL;
    queue->bell =
        pci == NULL ? base + registers[QUEUE_NOTIFY].mmio : pci->notify + get(base, QUEUE_NOTIFY) * pci->step;
}

/* Where the driver says for which chain it wants to be interrupted, and where the device says for which one
 * it wants the bell (2.7.7, 2.7.10). */
static volatile uint16_t *used_event(const struct virtio_queue *queue)
{
    return &queue->available[2 + queue->size];
}

static volatile uint16_t *avail_event(const struct virtio_queue *queue)
{
    return &queue->used[2 + queue->size * 4];
}

void virtio_queue_start(struct virtio_queue *queue, uintptr_t base, uint32_t index, uint32_t size)
{
    uint32_t max;

    put(base, QUEUE_SELECT, index);
    max = get(base, QUEUE_MAX);
    size = max < size ? max : size;
    if (size == 0) {
        crash("a virtio device lacks a queue", "");
    }
    find_bell(queue, base);
    queue->index = index;
    queue->size = size;
    queue->descriptors = arena_alloc(size * 16, 16, "a virtqueue");
    queue->available = arena_alloc(size * 2 + 6, 4, "a virtqueue");
    queue->used = arena_alloc(size * 8 + 6, 4, "a virtqueue");
    for (uint32_t i = 0; i < size; i++) {
        queue->descriptors[i].next = (uint16_t)(i + 1);
    }
    queue->nr_free = (uint16_t)size;
    put(base, QUEUE_SIZE, size);
    put_address(base, QUEUE_DESCRIPTORS, queue->descriptors);
    put_address(base, QUEUE_AVAILABLE, queue->available);
    put_address(base, QUEUE_USED, queue->used);
    put(base, QUEUE_READY, 1);
}

void virtio_queue_quieten(struct virtio_queue *queue, uint64_t features, bool silent)
{
    queue->event_index = (features & VIRTIO_EVENT_INDEX) != 0;
    queue->silent = silent;
    if (silent && queue->event_index) {
        *used_event(queue) = UINT16_MAX;
    } else if (silent) {
        queue->available[0] = NO_INTERRUPT;
    }
}

void virtio_start(uintptr_t base, tree_node node, void (*handler)(void *context), void *context)
{
    const struct virtio_pci *pci = virtio_pci_at(base);
    bool edge = pci != NULL && pci->edge;
    uint32_t intid = pci != NULL ? pci->intid : gic_intid(node, &edge);

    if (intid == 0) {
        crash("no interrupt: ", tree_name(node));
    }
    DEVICE_BARRIER();
    put(base, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    gic_handle(intid, edge, handler, context);
}

uint32_t virtio_acknowledge(uintptr_t base)
{
    const struct virtio_pci *pci = virtio_pci_at(base);
    uint32_t reasons = pci != NULL ? read_sized(pci->isr, 1) : read32(base + INTERRUPT_STATUS);

    if (pci == NULL) {
        write32(base + INTERRUPT_ACK, reasons);
    }
    return reasons;
}

uint32_t virtio_interrupt(uintptr_t base)
{
    uint32_t reasons = virtio_acknowledge(base);

    if (reasons / 2 % 2 != 0 && (get(base, STATUS) & NEEDS_RESET) != 0) {
        crash("a virtio device has failed", ""); /* the next life takes up what it had */
    }
    return reasons;
}

/* The chain that was made available last wants a bell. */
static bool must_ring(const struct virtio_queue *queue)
{
    return queue->event_index ? *avail_event(queue) == (uint16_t)(queue->made - 1)
                              : (queue->used[0] & NO_NOTIFY) == 0;
}

int32_t virtio_add(struct virtio_queue *queue, const struct virtio_piece *pieces, uint32_t count)
{
    uint16_t head = queue->first_free, at = head;
    struct virtio_descriptor *last = NULL;

    if (count > queue->nr_free) {
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        last = &queue->descriptors[at];
        last->address = (uintptr_t)pieces[i].data + virtio_offset;
        last->length = pieces[i].length;
        last->flags = (pieces[i].written ? WRITE : 0) | NEXT;
        at = last->next;
    }
    last->flags &= WRITE;
    queue->first_free = at;
    queue->nr_free -= (uint16_t)count;
    queue->available[2 + queue->made % queue->size] = head;
    DEVICE_BARRIER();
    queue->available[1] = ++queue->made;
    DEVICE_BARRIER();
    if (must_ring(queue)) {
        write_sized(queue->bell, queue->pci ? 2 : 4, queue->index);
    }
    return head;
}

/* The chain goes back to the free descriptors. Its links are the driver's own: the device reads them only. */
static void release(struct virtio_queue *queue, uint16_t head)
{
    uint16_t at = head;

    for (;;) {
        queue->nr_free++;
        if ((queue->descriptors[at].flags & NEXT) == 0) {
            break;
        }
        at = queue->descriptors[at].next;
    }
    queue->descriptors[at].next = queue->first_free;
    queue->first_free = head;
}

bool virtio_wait(struct virtio_queue *queue)
{
    if (queue->event_index) {
        *used_event(queue) = queue->seen;
    } else {
        queue->available[0] = 0;
    }
    DEVICE_BARRIER();
    return queue->used[1] == queue->seen;
}

int32_t virtio_used(struct virtio_queue *queue, uint32_t *length)
{
    volatile uint16_t *element = queue->used + 2 + queue->seen % queue->size * 4;
    uint16_t head;

    if (queue->used[1] == queue->seen && (queue->silent || !queue->event_index || virtio_wait(queue))) {
        return -1;
    }
    DEVICE_BARRIER();
    head = element[0];
    *length = element[2] | (uint32_t)element[3] << 16;
    if (head >= queue->size) {
        crash("a virtio device returns what it was not given", "");
    }
    queue->seen++;
    release(queue, head);
    return head;
}
