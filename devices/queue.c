/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* See queue.h. */
#include "devices/queue.h"
#include "devices/libc.h"

/* VIRTIO 1.2, 2.7.5 to 2.7.10. */
#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u
#define DESC_BYTES    16u
#define NO_INTERRUPT  1u
#define NO_NOTIFY     1u

/* Descriptors of a chain that are looked at, those of length 0 and the one of an indirect table included. */
#define MAX_DESCRIPTORS (2u * QUEUE_MAX_BUFFERS)
#define MAX_BYTES       (UINT64_C(1) << 32)

#define QUEUE_REFUSED 1u /* in `ready`; no check is that */

_Static_assert(sizeof(struct queue_descriptor) == DESC_BYTES, "VIRTIO 1.2, 2.7.5");

static uint16_t load(const uint8_t *at)
{
    return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_RELAXED);
}

static uint16_t load_acquire(const uint8_t *at)
{
    return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static void store(uint8_t *at, uint16_t value)
{
    __atomic_store_n((uint16_t *)(void *)at, value, __ATOMIC_RELAXED);
}

static struct bh_virtio_state_head *head_of(const struct queue *queue, uint32_t head)
{
    return bh_virtio_state_heads(queue->state) + head;
}

static uint32_t mix(uint64_t sum, uint64_t value)
{
    return (uint32_t)(((sum + value + 1u) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static uint32_t head_check(uint32_t head, uint64_t order)
{
    return mix(head, order);
}

static uint32_t queue_check(const struct bh_virtio_state_queue *state)
{
    return mix(mix(mix(mix(0, state->size), state->desc), state->driver), state->device) | 3u;
}

void queue_enable(struct queue *queue)
{
    queue->state->ready = queue_check(queue->state);
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

void queue_refuse(struct queue *queue)
{
    queue->state->ready = QUEUE_REFUSED;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

bool queue_is_enabled(const struct queue *queue)
{
    return queue->state->ready != 0 && queue->state->ready != QUEUE_REFUSED;
}

static void begin(const struct queue *queue, uint32_t part)
{
    struct dev_mapper *mapper = queue->memory->mapper;

    if (mapper != NULL) {
        mapper->begin(mapper, queue, part);
    }
}

static void release(const struct queue *queue, const uint16_t *heads, uint32_t count)
{
    struct dev_mapper *mapper = queue->memory != NULL ? queue->memory->mapper : NULL;

    if (mapper != NULL) {
        mapper->release(mapper, queue, heads, count);
    }
}

bool queue_open(struct queue *queue)
{
    const struct bh_virtio_state_queue *state = queue->state;
    uint32_t size = state->size;
    uint8_t *desc, *avail, *used;

    if (size == 0 || size > queue->max || (size & (size - 1u)) != 0 || state->desc % 16u != 0 ||
        state->driver % 2u != 0 || state->device % 4u != 0) {
        return false;
    }
    begin(queue, DEV_MAPPER_RINGS);
    desc = dev_memory_place(queue->memory, state->desc, (uint64_t)DESC_BYTES * size, false);
    avail = dev_memory_place(queue->memory, state->driver, 6u + 2u * (uint64_t)size, false);
    used = dev_memory_place(queue->memory, state->device, 6u + 8u * (uint64_t)size, true);
    if (!dev_memory_commit(queue->memory) || desc == NULL || avail == NULL || used == NULL) {
        release(queue, NULL, 0);
        return false;
    }
    queue->desc = desc;
    queue->avail = avail;
    queue->used = used;
    queue->notified = state->used_idx;
    queue->broken = false;
    return true;
}

void queue_reset(struct queue *queue)
{
    struct bh_virtio_state_queue *state = queue->state;

    release(queue, NULL, 0);
    state->ready = 0;
    QUEUE_STEP(QUEUE_RESET_STORE);
    for (uint32_t head = 0; head < queue->max; head++) {
        head_of(queue, head)->in_flight = 0;
    }
    QUEUE_STEP(QUEUE_RESET_STORE);
    state->size = 0;
    state->desc = 0;
    state->driver = 0;
    state->device = 0;
    state->last_avail = 0;
    state->used_idx = 0;
    state->batch_head = BH_VIRTIO_STATE_NO_HEAD;
    state->order = 1;
    QUEUE_STEP(QUEUE_RESET_STORE);
    state->resetting = 0;
    queue->desc = NULL;
    queue->avail = NULL;
    queue->used = NULL;
    queue->broken = false;
}

/* One buffer behind those that the chain has. */
static bool add_buffer(const struct queue *queue, struct queue_chain *chain, struct queue_descriptor d)
{
    uint32_t nr = chain->nr_readable + chain->nr_writable;
    bool writable = d.flags % (2u * DESC_WRITE) >= DESC_WRITE;
    uint8_t *data;

    if (d.length == 0) {
        return true;
    }
    if (nr >= QUEUE_MAX_BUFFERS || (!writable && chain->nr_writable != 0)) {
        return false;
    }
    data = dev_memory_place(queue->memory, d.address, d.length, writable);
    if (data == NULL) {
        return false;
    }
    chain->buffers[nr].data = data;
    chain->buffers[nr].length = d.length;
    /*@ assert granted(queue->memory, data, d.length); */
    /*@ assert \forall integer i; 0 <= i <= nr ==>
            granted(queue->memory, chain->buffers[i].data, chain->buffers[i].length); */
    if (writable) {
        chain->nr_writable++;
        chain->writable += d.length;
    } else {
        chain->nr_readable++;
        chain->readable += d.length;
    }
    return true;
}

/* Read once: the driver may change it meanwhile. A table needs no alignment if it is indirect. */
static struct queue_descriptor read_descriptor(const uint8_t *table, uint32_t index)
{
    struct queue_descriptor d;

    memcpy(&d, table + (size_t)index * DESC_BYTES, sizeof(d));
    __asm__ volatile("" ::: "memory");
    return d;
}

/* The table that `d` describes, or NULL. */
static const uint8_t *indirect_table(const struct queue *queue, struct queue_descriptor d)
{
    const uint8_t *table;

    if (!queue->indirect || (d.flags & DESC_NEXT) != 0 || d.length == 0 || d.length % DESC_BYTES != 0) {
        return NULL;
    }
    table = dev_memory_place(queue->memory, d.address, d.length, false);
    return table != NULL && dev_memory_commit(queue->memory) ? table : NULL;
}

static bool read_chain(const struct queue *queue, uint16_t head, struct queue_chain *chain)
{
    const uint8_t *table = queue->desc;
    uint32_t entries = queue->state->size;
    uint32_t index = head;
    bool inside = false;

    chain->head = head;
    chain->nr_readable = 0;
    chain->nr_writable = 0;
    chain->readable = 0;
    chain->writable = 0;
    /*@ loop invariant 0 <= seen <= MAX_DESCRIPTORS;
        loop invariant granted(queue->memory, (uint8_t *)table, 16 * entries);
        loop invariant chain->nr_readable + chain->nr_writable <= QUEUE_MAX_BUFFERS;
        loop invariant buffers_granted(queue->memory, chain) && chain->head == head;
        loop assigns seen, table, entries, index, inside, *chain;
        loop variant MAX_DESCRIPTORS - seen; */
    for (uint32_t seen = 0; seen < MAX_DESCRIPTORS; seen++) {
        struct queue_descriptor d;

        if (index >= entries) {
            return false;
        }
        /*@ assert granted(queue->memory, (uint8_t *)table + index * DESC_BYTES, DESC_BYTES); */
        d = read_descriptor(table, index);
        if ((d.flags & DESC_INDIRECT) != 0) {
            table = inside ? NULL : indirect_table(queue, d);
            if (table == NULL) {
                return false;
            }
            entries = d.length / DESC_BYTES;
            inside = true;
            index = 0;
            continue;
        }
        if (!add_buffer(queue, chain, d)) {
            return false;
        }
        if ((d.flags & DESC_NEXT) == 0) {
            return chain->readable + chain->writable <= MAX_BYTES;
        }
        index = d.next;
    }
    return false;
}

/* A chain as new input. */
static enum queue_status read_head(struct queue *queue, uint16_t head, struct queue_chain *chain)
{
    const struct dev_mapper *mapper = queue->memory->mapper;
    bool good;

    begin(queue, head);
    good = read_chain(queue, head, chain);
    if (dev_memory_commit(queue->memory) && good) {
        return QUEUE_OK;
    }
    release(queue, &head, 1);
    if (!good && mapper != NULL && mapper->full && queue->patient) {
        return QUEUE_LATER;
    }
    queue->broken = true;
    return QUEUE_BROKEN;
}

enum queue_status queue_take(struct queue *queue, struct queue_chain *chain)
{
    struct bh_virtio_state_queue *state = queue->state;
    struct bh_virtio_state_head *entry;
    uint16_t pending, head;
    enum queue_status status;

    if (queue->broken) {
        return QUEUE_BROKEN;
    }
    pending = (uint16_t)(load_acquire(queue->avail + 2) - state->last_avail);
    if (pending == 0) {
        return QUEUE_EMPTY;
    }
    if (pending > state->size) {
        queue->broken = true;
        return QUEUE_BROKEN;
    }
    head = load(queue->avail + 4 + 2u * (state->last_avail % state->size));
    if (head >= state->size || head_of(queue, head)->in_flight != 0) {
        queue->broken = true;
        return QUEUE_BROKEN;
    }
    status = read_head(queue, head, chain);
    if (status != QUEUE_OK) {
        return status;
    }
    entry = head_of(queue, head);
    entry->order = state->order;
    entry->check = head_check(head, state->order);
    QUEUE_STEP(QUEUE_TAKE_ORDER);
    entry->in_flight = 1;
    QUEUE_STEP(QUEUE_TAKE_IN_FLIGHT);
    state->last_avail = (uint16_t)state->order;
    QUEUE_STEP(QUEUE_TAKE_LAST_AVAIL);
    state->order++;
    QUEUE_STEP(QUEUE_TAKE_DONE);
    return QUEUE_OK;
}

static void link_batch(struct queue *queue, const uint16_t *heads, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        head_of(queue, heads[i])->next = i + 1u < count ? heads[i + 1u] : BH_VIRTIO_STATE_NO_HEAD;
        QUEUE_STEP(QUEUE_COMPLETE_LINK);
    }
    queue->state->batch_head = heads[0];
    QUEUE_STEP(QUEUE_COMPLETE_BATCH_HEAD);
}

static uint32_t *used_element(const struct queue *queue, uint32_t index)
{
    return (uint32_t *)(void *)(queue->used + 4u + 8u * (index % queue->state->size));
}

void queue_complete(struct queue *queue, const uint16_t *heads, const uint32_t *written, uint32_t count)
{
    struct bh_virtio_state_queue *state = queue->state;
    uint16_t next = (uint16_t)(state->used_idx + count);

    if (queue->broken || count == 0 || count > state->size) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (heads[i] >= state->size || head_of(queue, heads[i])->in_flight == 0) {
            queue->broken = true;
            return;
        }
    }
    release(queue, heads, count);
    link_batch(queue, heads, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *element = used_element(queue, state->used_idx + i);

        __atomic_store_n(&element[0], heads[i], __ATOMIC_RELAXED);
        __atomic_store_n(&element[1], written[i], __ATOMIC_RELAXED);
        QUEUE_STEP(QUEUE_COMPLETE_ELEMENT);
    }
    __atomic_store_n((uint16_t *)(void *)(queue->used + 2), next, __ATOMIC_RELEASE);
    QUEUE_STEP(QUEUE_COMPLETE_PUBLISHED);
    for (uint32_t i = 0; i < count; i++) {
        head_of(queue, heads[i])->in_flight = 0;
        QUEUE_STEP(QUEUE_COMPLETE_CLEAR);
    }
    state->used_idx = next;
    QUEUE_STEP(QUEUE_COMPLETE_USED_IDX);
}

bool queue_interrupts(struct queue *queue)
{
    uint16_t now = queue->state->used_idx;
    uint16_t before = queue->notified;

    if (now == before) {
        return false;
    }
    queue->notified = now;
    /* used->idx before used_event or flags: the driver stores those and then looks at used->idx. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (queue->event_index) {
        uint16_t event = load(queue->avail + 4u + 2u * queue->state->size);

        return (uint16_t)(now - event - 1u) < (uint16_t)(now - before);
    }
    return (load(queue->avail) & NO_INTERRUPT) == 0;
}

bool queue_ask(struct queue *queue, bool ring)
{
    uint16_t last = queue->state->last_avail;

    if (queue->event_index) {
        store(queue->used, 0);
        if (ring) {
            store(queue->used + 4u + 8u * queue->state->size, last);
        }
    } else {
        store(queue->used, ring ? 0 : NO_NOTIFY);
    }
    if (!ring) {
        return false;
    }
    /* The request before avail->idx: the driver stores that and then looks whether it shall ring. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return load(queue->avail + 2) != last;
}

/* Whether the batch that begins at batch_head is what used->idx says was published: its heads are in the used
 * ring, and those cleared come first. */
static bool batch_fits(const struct queue *queue, uint16_t count)
{
    const struct bh_virtio_state_queue *state = queue->state;
    uint16_t head = state->batch_head;
    bool rest = false;

    for (uint32_t i = 0; i < count; i++) {
        const struct bh_virtio_state_head *entry;

        if (head >= state->size ||
            __atomic_load_n(used_element(queue, state->used_idx + i), __ATOMIC_RELAXED) != head) {
            return false;
        }
        entry = head_of(queue, head);
        if (entry->in_flight > 1 || (rest && entry->in_flight == 0)) {
            return false;
        }
        rest = entry->in_flight != 0;
        head = entry->next;
    }
    return head == BH_VIRTIO_STATE_NO_HEAD;
}

/* The batch that was being published when the backend died. */
static bool recover_batch(struct queue *queue)
{
    struct bh_virtio_state_queue *state = queue->state;
    uint16_t published = load_acquire(queue->used + 2);
    uint16_t count = (uint16_t)(published - state->used_idx);
    uint16_t head = state->batch_head;

    if (count == 0) {
        return true;
    }
    if (count > state->size || !batch_fits(queue, count)) {
        return false;
    }
    while (head != BH_VIRTIO_STATE_NO_HEAD) {
        head_of(queue, head)->in_flight = 0;
        QUEUE_STEP(QUEUE_COMPLETE_CLEAR);
        head = head_of(queue, head)->next;
    }
    state->used_idx = published;
    QUEUE_STEP(QUEUE_COMPLETE_USED_IDX);
    return true;
}

/* A head whose order is the next one was being taken. */
static bool recover_take(struct queue *queue, bool taking)
{
    struct bh_virtio_state_queue *state = queue->state;

    if (!taking) {
        return state->last_avail == (uint16_t)(state->order - 1u);
    }
    if (state->last_avail != (uint16_t)(state->order - 1u) && state->last_avail != (uint16_t)state->order) {
        return false;
    }
    state->last_avail = (uint16_t)state->order;
    QUEUE_STEP(QUEUE_TAKE_LAST_AVAIL);
    state->order++;
    QUEUE_STEP(QUEUE_TAKE_DONE);
    return true;
}

bool queue_recover(struct queue *queue)
{
    struct bh_virtio_state_queue *state = queue->state;
    uint32_t in_flight = 0;
    bool taking = false;

    if (state->ready != queue_check(state) || !recover_batch(queue)) {
        return false;
    }
    for (uint32_t head = 0; head < queue->max; head++) {
        const struct bh_virtio_state_head *entry = head_of(queue, head);

        if (entry->in_flight == 0) {
            continue;
        }
        if (entry->in_flight > 1 || head >= state->size || entry->order == 0 || entry->order > state->order ||
            entry->check != head_check(head, entry->order) || (taking && entry->order == state->order)) {
            return false;
        }
        taking |= entry->order == state->order;
        in_flight++;
    }
    if (!recover_take(queue, taking) || in_flight != (uint16_t)(state->last_avail - state->used_idx)) {
        return false;
    }
    queue->notified = state->used_idx;
    return true;
}

bool queue_is_new(const struct queue *queue)
{
    const struct bh_virtio_state_queue *state = queue->state;
    uint32_t in_flight = 0;

    for (uint32_t head = 0; head < queue->max; head++) {
        in_flight |= head_of(queue, head)->in_flight;
    }
    return in_flight == 0 && state->last_avail == 0 && state->used_idx == 0 && state->order == 1 &&
           state->batch_head == BH_VIRTIO_STATE_NO_HEAD;
}

enum queue_status queue_again(struct queue *queue, uint64_t *order, struct queue_chain *chain)
{
    uint64_t best = UINT64_MAX;
    uint16_t head = 0;
    enum queue_status status;

    if (queue->broken) {
        return QUEUE_BROKEN;
    }
    for (uint32_t i = 0; i < queue->state->size; i++) {
        const struct bh_virtio_state_head *entry = head_of(queue, i);

        if (entry->in_flight != 0 && entry->order > *order && entry->order < best) {
            best = entry->order;
            head = (uint16_t)i;
        }
    }
    if (best == UINT64_MAX) {
        return QUEUE_EMPTY;
    }
    status = read_head(queue, head, chain);
    if (status != QUEUE_LATER) {
        *order = best;
    }
    return status;
}

void queue_rest(struct queue *queue, uint16_t head)
{
    release(queue, &head, 1);
}
