/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include <stdbool.h>

#include "faults.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/tree.h"

enum { MEAN = 60, LEAST_MS = 50, MAX_DEVICES = 16, RESET_STORES = 10 };
#define ANY 0xffffffffu

/* Those that a load without resets meets come first. */
static const uint8_t order_of_steps[QUEUE_STEPS] = {
    QUEUE_TAKE_ORDER,     QUEUE_TAKE_IN_FLIGHT,      QUEUE_TAKE_LAST_AVAIL,  QUEUE_TAKE_DONE,
    QUEUE_COMPLETE_LINK,  QUEUE_COMPLETE_BATCH_HEAD, QUEUE_COMPLETE_ELEMENT, QUEUE_COMPLETE_PUBLISHED,
    QUEUE_COMPLETE_CLEAR, QUEUE_COMPLETE_USED_IDX,   DEVICE_REGISTER_STORE,  QUEUE_RESET_STORE,
};
/* An endless loop costs a second, until the watchdog ends it. */
static const uint8_t faults[] = {
    FAULT_UNDEFINED, FAULT_TEXT,    FAULT_VARIABLES, FAULT_NOWHERE,   FAULT_OBJECTS, FAULT_STACK,
    FAULT_OUTSIDE,   FAULT_LOOP,    FAULT_UNDEFINED, FAULT_VARIABLES, FAULT_NOWHERE, FAULT_OBJECTS,
    FAULT_STACK,     FAULT_OUTSIDE, FAULT_RETURN,    FAULT_TEXT,
};

static struct {
    uint32_t life, turn, which, left, kind, freeze_ms, damage, control;
    bool chosen, dying;
    uint64_t from;
} fate;
static struct device *devices[MAX_DEVICES];
static uint32_t nr_devices;
static const struct queue *completing;

uint32_t steps_control(void)
{
    return fate.control;
}

static void set_fate(void)
{
    uint32_t mean = tree_argument("mean", MEAN), steps = tree_argument("steps", QUEUE_STEPS - 1);
    uint32_t n = fate.life + fate.turn;

    fate.which = tree_argument("step", ANY);
    fate.kind = tree_argument("kind", ANY);
    if (fate.which == ANY) {
        fate.which = order_of_steps[n % steps];
    }
    if (fate.kind == ANY) {
        fate.kind = faults[(n / steps + n % steps * 3) % sizeof faults];
    }
    fate.left = 1 + (uint32_t)(steps_roll(n) % mean);
    if (fate.which == QUEUE_RESET_STORE) {
        fate.left = 1 + (uint32_t)(steps_roll(n) % RESET_STORES);
    }
    fate.from = ticks_now() + tree_argument("least", LEAST_MS) * ticks_per_ms();
    if (fate.life >= tree_argument("lives", ANY)) {
        fate.from = UINT64_MAX; /* it dies no more */
    }
}

/* By the number of this life, which the state page keeps in a field that means nothing. */
static void choose(struct bh_virtio_state *state)
{
    fate.life = state->reserved++;
    fate.freeze_ms = tree_argument("freeze", 0);
    fate.damage = tree_argument("damage", 0);
    fate.control = tree_argument("control", 0);
    set_fate();
    fate.chosen = true;
}

static uint32_t in_flight(const struct device *device)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct bh_virtio_state_queue *queue = bh_virtio_state_queue(device->state, i, device->queue_max);

        for (uint32_t head = 0; queue->ready != 0 && head < device->queue_max; head++) {
            count += bh_virtio_state_heads(queue)[head].in_flight;
        }
    }
    return count;
}

void __wrap_device_init(struct device *device);
void __real_device_init(struct device *device);

void __wrap_device_init(struct device *device)
{
    fault_object(device, sizeof *device);
    fault_object(device->user, 64);
    if (nr_devices < MAX_DEVICES) {
        devices[nr_devices++] = device;
    }
    if (!fate.chosen) {
        choose(device->state);
    }
    if (device->state->magic == BH_VIRTIO_STATE_MAGIC) {
        log_line("life %u finds %u in flight, status %x", fate.life, in_flight(device),
                 device->state->status);
    }
    __real_device_init(device);
}

static void freeze(void)
{
    uint64_t end = ticks_now() + fate.freeze_ms * ticks_per_ms();

    log_line("freezes behind store %u", fate.which);
    while (ticks_now() < end) {
    }
    if (tree_argument("then", 0) == 0) {
        log_line("goes on behind store %u", fate.which);
        fate.turn++;
        set_fate();
    }
}

/* One field after the other, in ways that no order of stores can leave behind. */
static void damage(struct device *device)
{
    struct bh_virtio_state *state = device->state;
    struct bh_virtio_state_queue *queue = bh_virtio_state_queue(state, 0, device->queue_max);
    struct bh_virtio_state_head *head = bh_virtio_state_heads(queue);
    uint32_t what = fate.life % 12;

    log_line("damages %u of its state", what);
    switch (what) {
    case 0:
        state->magic ^= 1u << 9;
        break;
    case 1:
        state->queue_max *= 2;
        break;
    case 2:
        state->status ^= VIRTIO_DRIVER_OK;
        break;
    case 3:
        state->driver_features ^= VIRTIO_F_EVENT_IDX;
        break;
    case 4:
        state->reset_pending = 1;
        break;
    case 5:
        queue->size *= 2;
        break;
    case 6:
        queue->desc += 4096;
        break;
    case 7:
        queue->last_avail += 7;
        break;
    case 8:
        queue->used_idx -= 3;
        break;
    case 9:
        queue->order += 5;
        break;
    case 10:
        for (uint32_t i = 0; i < queue->size; i++) {
            head[i].in_flight = 1;
        }
        break;
    default:
        for (uint32_t i = 0; i < device->queue_max * 2; i++) { /* all of it, of the queues */
            ((uint64_t *)queue)[i] = steps_roll(i + fate.life);
        }
        break;
    }
}

/* The device whose state is to be damaged is at work. */
static bool can_damage(void)
{
    uint32_t n = fate.damage - 1;

    return fate.damage == 0 || (n < nr_devices && (devices[n]->state->status & VIRTIO_DRIVER_OK) != 0 &&
                                (devices[n]->state->status & VIRTIO_NEEDS_RESET) == 0);
}

static void die(void)
{
    uint32_t count = 0;

    fate.dying = true;
    for (uint32_t i = 0; i < nr_devices; i++) {
        count += in_flight(devices[i]);
    }
    log_begin("");
    log_add("dies behind store %u, by %u, in flight %u,", fate.which, fate.kind, count);
    log_add(" overtook %u of %u", shuffle_overtook, shuffle_answers);
    log_end();
    if (fate.damage != 0 && fate.damage <= nr_devices) {
        damage(devices[fate.damage - 1]);
    }
    fault(fate.kind);
}

/* state.used_idx before used->idx: behind the element of a batch of one. */
static void store_early(uint32_t which)
{
    if (which == QUEUE_COMPLETE_ELEMENT && completing != NULL) {
        completing->state->used_idx++;
    }
}

void __wrap_queue_complete(struct queue *queue, const uint16_t *heads, const uint32_t *written,
                           uint32_t count);
void __real_queue_complete(struct queue *queue, const uint16_t *heads, const uint32_t *written,
                           uint32_t count);

void __wrap_queue_complete(struct queue *queue, const uint16_t *heads, const uint32_t *written,
                           uint32_t count)
{
    completing = fate.control == CONTROL_USED && count == 1 ? queue : NULL;
    __real_queue_complete(queue, heads, written, count);
    completing = NULL;
}

enum queue_status __wrap_queue_again(struct queue *queue, uint64_t *order, struct queue_chain *chain);
enum queue_status __real_queue_again(struct queue *queue, uint64_t *order, struct queue_chain *chain);

/* The newest head first, then the others. */
static enum queue_status again_reordered(struct queue *queue, uint64_t *order, struct queue_chain *chain)
{
    static struct {
        const struct queue *queue;
        uint64_t newest;
    } known[DEVICE_MAX_QUEUES];
    uint32_t i = 0;
    uint64_t at = *order;
    enum queue_status status;

    while (i < DEVICE_MAX_QUEUES - 1 && known[i].queue != NULL && known[i].queue != queue) {
        i++;
    }
    if (known[i].queue == NULL) {
        known[i].queue = queue;
        while (__real_queue_again(queue, &at, chain) == QUEUE_OK) {
            known[i].newest = at;
        }
        if (known[i].newest == 0) {
            return QUEUE_EMPTY;
        }
        at = known[i].newest - 1;
        return __real_queue_again(queue, &at, chain);
    }
    status = __real_queue_again(queue, order, chain);
    return status == QUEUE_OK && *order == known[i].newest ? QUEUE_EMPTY : status;
}

enum queue_status __wrap_queue_again(struct queue *queue, uint64_t *order, struct queue_chain *chain)
{
    static bool once;
    uint64_t same = *order;
    bool first = !once;

    once = true;
    switch (fate.control) {
    case CONTROL_SKIP:
        if (first) {
            (void)__real_queue_again(queue, order, chain);
        }
        return __real_queue_again(queue, order, chain);
    case CONTROL_REPEAT:
        return __real_queue_again(queue, first ? &same : order, chain);
    case CONTROL_REORDER:
        return again_reordered(queue, order, chain);
    default:
        return __real_queue_again(queue, order, chain);
    }
}

void step(uint32_t which)
{
    if (!fate.chosen || fate.dying) {
        return;
    }
    if (fate.control == CONTROL_USED) {
        store_early(which);
    }
    if (which != fate.which || ticks_now() <= fate.from || !can_damage() || --fate.left != 0) {
        return;
    }
    if (fate.freeze_ms != 0) {
        freeze();
    }
    if (fate.freeze_ms == 0 || tree_argument("then", 0) != 0) {
        die();
    }
}
