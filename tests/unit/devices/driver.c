/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_state = 1;
int step_countdown = -1;
jmp_buf step_death;
unsigned int step_died_at;
void (*step_hook)(unsigned int step);

uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % bound;
}

void queue_step(unsigned int step)
{
    if (step_hook != NULL) {
        step_hook(step);
    }
    if (step_countdown >= 0 && step_countdown-- == 0) {
        step_died_at = step;
        longjmp(step_death, 1);
    }
}

static void count_interrupt(struct device *device)
{
    ((struct rig *)device->host)->interrupts++;
}

static void count_quiet(struct device *device)
{
    ((struct rig *)device->host)->quiet++;
}

void rig_forget(struct rig *rig, uint32_t frontend)
{
    struct device old = rig->device;

    memset(&rig->device, 0xa5, sizeof(rig->device));
    rig->device.class = old.class;
    rig->device.user = old.user;
    rig->device.state = rig->state;
#ifdef GRANTED
    rig->granted = (struct dev_memory){.mapper = granted_mapper(rig)};
    rig->device.memory = &rig->granted;
#else
    rig->device.memory = &rig->memory;
#endif
    rig->device.nr_queues = old.nr_queues;
    rig->device.queue_max = old.queue_max;
    rig->device.features = rig->features;
    rig->device.frontend = frontend;
    rig->device.interrupt = count_interrupt;
    rig->device.quiet = count_quiet;
    rig->device.host = rig;
}

static void *guest_memory(size_t bytes)
{
#ifdef GRANTED
    return granted_memory(bytes);
#else
    return aligned_alloc(4096, bytes);
#endif
}

void rig_create(struct rig *rig, const struct device_class *class, void *user, uint32_t nr_queues,
                uint32_t queue_max, uint64_t features)
{
    assert(nr_queues <= MAX_QUEUES && queue_max <= 1024);
    memset(rig, 0, sizeof(*rig));
    rig->state = calloc(1, BH_VIRTIO_STATE_BYTES(nr_queues, queue_max));
    rig->window[0] = (struct dev_window){GUEST_BASE, GUEST_BYTES, guest_memory(GUEST_BYTES)};
    rig->window[1] = (struct dev_window){HIGH_BASE, HIGH_BYTES, guest_memory(HIGH_BYTES)};
    memset(rig->window[0].local, 0, GUEST_BYTES);
    memset(rig->window[1].local, 0, HIGH_BYTES);
    rig->memory = (struct dev_memory){.windows = rig->window, .nr = 2};
    rig->features = features;
    rig->device.class = class;
    rig->device.user = user;
    rig->device.nr_queues = nr_queues;
    rig->device.queue_max = queue_max;
    rig_forget(rig, 1);
}

void rig_destroy(struct rig *rig)
{
    free(rig->state);
#ifdef GRANTED
    granted_free(rig->window[0].local, GUEST_BYTES);
    granted_free(rig->window[1].local, HIGH_BYTES);
#else
    free(rig->window[0].local);
    free(rig->window[1].local);
#endif
}

uint32_t reg(struct rig *rig, uint32_t offset)
{
    return device_read(&rig->device, offset, 4);
}

bool set(struct rig *rig, uint32_t offset, uint32_t value)
{
    return device_write(&rig->device, offset, 4, value);
}

void *guest(struct rig *rig, uint64_t address)
{
    void *at = dev_memory_at(&rig->memory, address, 1);

    assert(at != NULL);
    return at;
}

bool driver_negotiate(struct rig *rig, uint64_t features)
{
    features |= VIRTIO_F_VERSION_1;
    set(rig, STATUS, 0);
    set(rig, STATUS, VIRTIO_ACKNOWLEDGE);
    set(rig, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    set(rig, DRIVER_FEATURES_SEL, 0);
    set(rig, DRIVER_FEATURES, (uint32_t)features);
    set(rig, DRIVER_FEATURES_SEL, 1);
    set(rig, DRIVER_FEATURES, (uint32_t)(features >> 32));
    set(rig, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    return (reg(rig, STATUS) & VIRTIO_FEATURES_OK) != 0;
}

void driver_queue(struct rig *rig, uint32_t queue, uint32_t size)
{
    struct driver_queue *q = &rig->queue[queue];
    uint64_t base = GUEST_BASE + queue * 0x40000u;

    memset(guest(rig, base), 0, 0x40000);
    q->size = size;
    q->desc_at = base;
    q->avail_at = base + 0x4000 + 2; /* 2 bytes are enough */
    q->used_at = base + 0x8000 + 4;
    q->indirect_at = base + 0x10000;
    q->desc = guest(rig, q->desc_at);
    q->avail = guest(rig, q->avail_at);
    q->used = guest(rig, q->used_at);
    q->event_index = device_has(&rig->device, VIRTIO_F_EVENT_IDX);
    q->avail_idx = 0;
    q->used_idx = 0;
    q->nr_free = 0;
    for (uint32_t i = size; i-- > 0;) {
        q->free[q->nr_free++] = (uint16_t)i;
    }
    set(rig, QUEUE_SEL, queue);
    set(rig, QUEUE_NUM, size);
    set(rig, QUEUE_DESC, (uint32_t)q->desc_at);
    set(rig, QUEUE_DESC + 4, (uint32_t)(q->desc_at >> 32));
    set(rig, QUEUE_DRIVER, (uint32_t)q->avail_at);
    set(rig, QUEUE_DRIVER + 4, (uint32_t)(q->avail_at >> 32));
    set(rig, QUEUE_DEVICE, (uint32_t)q->used_at);
    set(rig, QUEUE_DEVICE + 4, (uint32_t)(q->used_at >> 32));
    set(rig, QUEUE_READY, 1);
}

void driver_start(struct rig *rig, uint64_t features, uint32_t size)
{
    bool ok = driver_negotiate(rig, features);

    assert(ok);
    for (uint32_t i = 0; i < rig->device.nr_queues; i++) {
        driver_queue(rig, i, size);
    }
    set(rig, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

void driver_offer(struct rig *rig, uint32_t queue, uint16_t head)
{
    struct driver_queue *q = &rig->queue[queue];

    q->avail[2 + q->avail_idx % q->size] = head;
    q->avail_idx++;
    __atomic_store_n(&q->avail[1], q->avail_idx, __ATOMIC_SEQ_CST);
}

int driver_add(struct rig *rig, uint32_t queue, const struct part *parts, uint32_t nr, uint32_t indirect)
{
    struct driver_queue *q = &rig->queue[queue];
    uint32_t direct = indirect < nr ? indirect + 1 : nr;
    struct desc *last = NULL;
    uint16_t head, at;
    struct desc *table;

    if (q->nr_free < direct) {
        return -1;
    }
    head = q->free[q->nr_free - 1];
    q->taken[head] = (uint16_t)direct;
    for (uint32_t i = 0; i < direct; i++) {
        at = q->free[--q->nr_free];
        if (last != NULL) {
            last->next = at;
            last->flags |= DESC_F_NEXT;
        }
        last = &q->desc[at];
        if (i < indirect) {
            *last = (struct desc){parts[i].address, parts[i].length, parts[i].write ? DESC_F_WRITE : 0, 0};
        }
    }
    if (indirect < nr) {
        /* Not aligned: a table need not be. The flag of writing has no meaning (2.7.5.3). */
        uint64_t address = q->indirect_at + head * 0x100u + 8u;

        *last =
            (struct desc){address, (nr - indirect) * 16u, DESC_F_INDIRECT | (head % 2u * DESC_F_WRITE), 0};
        table = guest(rig, address);
        for (uint32_t i = indirect; i < nr; i++) {
            struct desc d = {parts[i].address, parts[i].length, parts[i].write ? DESC_F_WRITE : 0, 0};

            if (i + 1 < nr) {
                d.flags |= DESC_F_NEXT;
                d.next = (uint16_t)(i - indirect + 1);
            }
            memcpy((uint8_t *)table + (i - indirect) * 16u, &d, sizeof(d));
        }
    }
    driver_offer(rig, queue, head);
    return head;
}

bool driver_rings(struct rig *rig, uint32_t queue, uint16_t before)
{
    struct driver_queue *q = &rig->queue[queue];

    if (q->event_index) {
        uint16_t event = q->used[2 + q->size * 4];

        return (uint16_t)(q->avail_idx - event - 1) < (uint16_t)(q->avail_idx - before);
    }
    return (q->used[0] & 1) == 0;
}

bool driver_used(struct rig *rig, uint32_t queue, uint32_t *head, uint32_t *length)
{
    struct driver_queue *q = &rig->queue[queue];
    uint16_t index = __atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE);
    uint32_t element[2];
    uint16_t at;

    if (index == q->used_idx) {
        return false;
    }
    memcpy(element, &q->used[2 + q->used_idx % q->size * 4], sizeof(element));
    q->used_idx++;
    *head = element[0];
    *length = element[1];
    if (element[0] >= q->size) {
        return true;
    }
    at = (uint16_t)element[0];
    for (uint32_t i = 0; i < q->taken[element[0]]; i++) {
        q->free[q->nr_free++] = at;
        at = q->desc[at].next;
    }
    q->taken[element[0]] = 0;
    return true;
}

void driver_want(struct rig *rig, uint32_t queue, bool interrupt)
{
    struct driver_queue *q = &rig->queue[queue];

    if (q->event_index) {
        q->avail[2 + q->size] = interrupt ? q->used_idx : (uint16_t)(q->used_idx - 1);
    } else {
        q->avail[0] = !interrupt;
    }
}
