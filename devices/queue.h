/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The device's side of a split virtqueue (VIRTIO 1.2, 2.7) with indirect descriptors and event index, whose
 * state lies in a state page and survives the backend (include/bulkhead/virtio_state.h).
 *
 * Everything in the rings is hostile and may change while it is looked at: each field is read once, a chain
 * has at most QUEUE_MAX_BUFFERS buffers, and each buffer lies inside one window of the memory. What is wrong
 * makes the queue QUEUE_BROKEN: the device sets DEVICE_NEEDS_RESET, other devices are not affected.
 *
 * Take: order, then in-flight, then last_avail are stored before the head's first effect. Complete: the batch
 * is linked, batch_head set, used elements written, used->idx stored (release), in-flight of the batch
 * cleared, used_idx stored; then the driver is notified. After a crash, queue_recover() finishes the last
 * batch if used->idx says that it was published, and queue_again() gives the heads in flight once more, in
 * their order. */
#ifndef DEVICES_QUEUE_H
#define DEVICES_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/virtio_state.h>

#include "devices/memory.h"

#define QUEUE_MAX_BUFFERS \
    66u /* of a chain: 64 segments and two more, what Linux's block driver sends at most */

/* Stores after which a backend may have died. QUEUE_STEP(step) stands behind each; a build for tests replaces
 * it by a call. The stores around it keep their order: what a dead backend has left is what one processor had
 * stored up to some point of its program. */
enum queue_step {
    QUEUE_TAKE_ORDER,
    QUEUE_TAKE_IN_FLIGHT,
    QUEUE_TAKE_LAST_AVAIL,
    QUEUE_TAKE_DONE,
    QUEUE_COMPLETE_LINK,
    QUEUE_COMPLETE_BATCH_HEAD,
    QUEUE_COMPLETE_ELEMENT,
    QUEUE_COMPLETE_PUBLISHED,
    QUEUE_COMPLETE_CLEAR,
    QUEUE_COMPLETE_USED_IDX,
    QUEUE_RESET_STORE,
    DEVICE_REGISTER_STORE,
    QUEUE_STEPS
};
#ifndef QUEUE_STEP
#define QUEUE_STEP(step) __asm__ volatile("" ::: "memory")
#endif

/* QUEUE_LATER: the memory of the chain cannot be mapped now, but when others have been completed. Only with
 * `patient`; without, the queue is broken then. */
enum queue_status { QUEUE_OK, QUEUE_EMPTY, QUEUE_BROKEN, QUEUE_LATER };

/* As it lies in the frontend's memory (VIRTIO 1.2, 2.7.5). */
struct queue_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct queue_buffer {
    uint8_t *data;
    uint32_t length;
};

/* Buffers that the device reads come first (VIRTIO 1.2, 2.7.4.2); zero-length ones are left out. */
struct queue_chain {
    uint16_t head;
    uint16_t nr_readable, nr_writable;
    uint64_t readable, writable; /* bytes */
    struct queue_buffer buffers[QUEUE_MAX_BUFFERS];
};

struct queue {
    struct bh_virtio_state_queue *state;
    const struct dev_memory *memory;
    uint32_t max; /* entries of the table of heads */
    bool event_index, indirect;
    bool broken;
    bool patient; /* the class knows QUEUE_LATER */
    /* The rings, once the queue is ready. */
    const uint8_t *desc, *avail;
    uint8_t *used;
    uint16_t notified; /* used->idx when the driver was notified last */
};

/* Uses the addresses in the state; false: they are not in the memory, or not aligned (VIRTIO 1.2, 2.7). */
bool queue_open(struct queue *queue);

/* The driver enables the queue that was opened. */
void queue_enable(struct queue *queue);

/* The driver enables a queue that cannot be opened: the state says so, and a later life gives the device up.
 */
void queue_refuse(struct queue *queue);

/* Enabled and not refused (QueueReady). */
bool queue_is_enabled(const struct queue *queue);

/* As after reset: not ready, nothing in flight. */
void queue_reset(struct queue *queue);

/* The next chain that the driver has made available. */
enum queue_status queue_take(struct queue *queue, struct queue_chain *chain);

/* Publishes `count` heads that were taken, with the bytes written into each, as one batch: they become
 * visible by one store of used->idx. Any order of heads; each must be in flight and there once. */
/* With a mapper their buffers are released first. */
void queue_complete(struct queue *queue, const uint16_t *heads, const uint32_t *written, uint32_t count);

/* Whether the driver wants to be interrupted for what was completed since it was asked last (2.7.7, 2.7.10).
 */
bool queue_interrupts(struct queue *queue);

/* The driver shall ring when it makes more available. True if it has done so already: take again. Also called
 * with `ring` false: it need not. */
bool queue_ask(struct queue *queue, bool ring);

/* After a restart, when queue_open() succeeded. False: the state is damaged. */
bool queue_recover(struct queue *queue);
/* After a restart, of a queue that is neither ready nor being reset: whether it begins as a new one. False:
 * the state is damaged. */
bool queue_is_new(const struct queue *queue);
/* The next head in flight after `order` (0 at first), read again as new input; *order becomes its.
 * QUEUE_EMPTY: there is none. */
enum queue_status queue_again(struct queue *queue, uint64_t *order, struct queue_chain *chain);
/* The chain of a head in flight is not used until queue_again() gives it once more: with a mapper, its
 * buffers are released, so that what waits for long takes no room from others. */
void queue_rest(struct queue *queue, uint16_t head);

#endif
