/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A VIRTIO device behind the MMIO transport (VIRTIO 1.2, 4.2.2, version 2). A plain library: it knows nothing
 * of who hosts it. The host gives it accesses to its registers, tells it of doorbells, and is asked for
 * interrupts; a class (block, net, ...) gives it meaning. No call blocks. All calls of one device come from
 * one thread. */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include "devices/queue.h"

#define DEVICE_MAX_QUEUES 8u

#define VIRTIO_F_INDIRECT_DESC   (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX       (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1       (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)
#define VIRTIO_F_RING_RESET      (UINT64_C(1) << 40)

/* Device status (VIRTIO 1.2, 2.1). */
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u
#define VIRTIO_FAILED      128u

#define VIRTIO_VENDOR 0x44484c42u /* "BLHD" */

struct device;

/* What a class does. Every function is called with a device that was initialised; `device->user` is the
 * class's. */
struct device_class {
    uint32_t id;          /* VIRTIO 1.2, 5 */
    uint32_t config_size; /* bytes of its configuration space */
    /* The driver is ready (DRIVER_OK), or the backend has recovered: the queues that are ready may be used.
     * Heads in flight are taken up again by the class (queue_again()) before anything else. */
    void (*start)(struct device *device);
    /* Whether the class can work with this set, a subset of what was offered. NULL: with any. */
    bool (*features_ok)(struct device *device, uint64_t features);
    /* A doorbell, or something that may be one: look at every queue. Bounded work; true: there is more, call
     * again. */
    bool (*run)(struct device *device);
    /* Forget every request of that queue, or of all (DEVICE_ALL_QUEUES). True: nothing of them has an effect
     * any more. False: wait; the class calls device_quiet() when it is so for all that it was asked
     * for until then. */
    bool (*quiesce)(struct device *device, uint32_t queue);
    /* The driver is new, or what it had set up is gone (a reset, another frontend, a damaged state page):
     * what the class keeps outside of the state page goes back to its beginning. The device may not have been
     * started; it may be called again. NULL: there is nothing. */
    void (*forget)(struct device *device);
    /* A field of the configuration, naturally aligned, inside config_size. */
    uint32_t (*config_read)(struct device *device, uint32_t offset, uint32_t size);
    void (*config_write)(struct device *device, uint32_t offset, uint32_t size, uint32_t value);
};
#define DEVICE_ALL_QUEUES (~0u)

struct device {
    /* Set by the host before device_init(). */
    const struct device_class *class;
    void *user;
    struct bh_virtio_state *state; /* BH_VIRTIO_STATE_BYTES(nr_queues, queue_max) */
    const struct dev_memory *memory;
    uint32_t nr_queues, queue_max;
    uint64_t features; /* offered: of the class; the transport adds its own (28, 29, 32, 40) */
    uint32_t frontend; /* incarnation of the frontend */
    void (*interrupt)(struct device *device); /* an edge to the driver */
    void (*quiet)(struct device *device);     /* a write that waited is over; see device_write() */
    void *host;
    /* The library's. */
    struct queue queue[DEVICE_MAX_QUEUES];
    bool failed; /* DEVICE_NEEDS_RESET */
    bool started;
    bool gone; /* the frontend */
    bool more; /* the host calls device_run() when it has time, without a doorbell */
};

/* Begins, or goes on where an earlier backend left off: if the state is of the same frontend incarnation and
 * device, the negotiation and the requests in flight are kept. A damaged state gives DEVICE_NEEDS_RESET until
 * the driver resets the device; one that an earlier backend set for another reason is judged anew, because
 * that backend may have erred: the ring is still there, and broken or not. Calls start() if the driver was
 * ready; then notifies it once for each queue, and of a configuration change if one was pending. */
void device_init(struct device *device);

/* The frontend has gone, and comes back as incarnation `frontend`: the device is reset. True: quiet. False:
 * wait for `quiet`. */
bool device_frontend_gone(struct device *device, uint32_t frontend);

/* Accesses to the registers: offset below 0x100 + config_size, 1, 2, 4 (8: no) bytes. What is not a register
 * reads 0 and ignores writes. device_write() returns false if the answer must wait: the host completes all
 * writes that wait when `quiet` is called. */
uint32_t device_read(struct device *device, uint32_t offset, uint32_t size);
bool device_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value);

/* Doorbell; true: there is more to do, call again. */
bool device_run(struct device *device);

/* Called by the class, not from inside quiesce(), when what that began is over. */
void device_quiet(struct device *device);

/* For classes. The queue if it may be used now, else NULL. */
struct queue *device_queue(struct device *device, uint32_t queue);
/* Publishes and notifies. Ignored once the device has failed or is reset: the class may complete what it
 * was asked to forget. */
void device_complete(struct device *device, uint32_t queue, const uint16_t *heads, const uint32_t *written,
                     uint32_t count);
void device_config_changed(struct device *device);
/* The driver broke the rules: DEVICE_NEEDS_RESET. */
void device_needs_reset(struct device *device);
/* What the driver has accepted. */
static inline bool device_has(const struct device *device, uint64_t feature)
{
    return (device->state->driver_features & feature) != 0;
}

#endif
