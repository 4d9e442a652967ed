/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The state page of a VIRTIO device: what the driver has negotiated, and which requests have been taken and
 * not answered. It belongs to the hypervisor, which clears it before the first start and never looks inside;
 * the backend maps it, and it survives the backend's crash. The backend alone writes it, never the frontend.
 *
 * Queue i begins at bh_virtio_state_queue(state, i); behind its fields lies the table of its heads, one entry
 * for each descriptor. The order of stores, in a take and in a completion, is that of devices/queue.h. */
#ifndef BULKHEAD_VIRTIO_STATE_H
#define BULKHEAD_VIRTIO_STATE_H

#include <stdint.h>

#define BH_VIRTIO_STATE_MAGIC  0x53564842u /* "BHVS" */
#define BH_VIRTIO_STATE_LAYOUT 2u
#define BH_VIRTIO_STATE_CONFIG 64u
#define BH_VIRTIO_STATE_CLASS  120u
/* More than one bit, so that a damaged flag is seen. */
#define BH_VIRTIO_STATE_PENDING 0x5a5au

struct bh_virtio_state {
    uint32_t magic;  /* 0: never used; written last */
    uint32_t layout; /* of this structure */
    uint32_t device_id;
    uint32_t nr_queues;
    uint32_t queue_max; /* entries of each table of heads: a power of two, at most 32768 */
    uint32_t frontend;  /* the incarnation of the frontend whose state this is (struct bh_ioreq_tail) */
    /* Registers of the MMIO transport (VIRTIO 1.2, 4.2.2). */
    uint32_t status;        /* bits 7:0, and their complement in bits 15:8 */
    uint32_t reset_pending; /* Status = 0 was written and not all of its effects are there yet:
                               BH_VIRTIO_STATE_PENDING; else 0 */
    uint32_t device_features_sel;
    uint32_t driver_features_sel;
    uint64_t driver_features; /* what the driver has accepted */
    uint32_t queue_sel;
    uint32_t interrupt_status;
    uint32_t config_generation;
    uint32_t identity_check; /* of the fields before status */
    uint32_t features_check; /* of driver_features, once FEATURES_OK is set */
    uint32_t reserved;
    uint8_t config[BH_VIRTIO_STATE_CONFIG]; /* fields of the configuration that the driver wrote: each class
                                               its own */
    /* What a class has to remember besides, each its own layout (devices/, 8-byte aligned). Zero after a
     * reset of the device. */
    uint8_t class_area[BH_VIRTIO_STATE_CLASS];
};

struct bh_virtio_state_queue {
    uint32_t size;                 /* chosen by the driver, 1 .. queue_max */
    uint32_t ready;                /* 0; a check of size and addresses, above 1; or 1: cannot be used */
    uint64_t desc, driver, device; /* addresses in the frontend */
    uint16_t last_avail;           /* heads taken */
    uint16_t used_idx;             /* what used->idx is when no batch is being published */
    uint16_t batch_head; /* first head of the batch that was published last; BH_VIRTIO_STATE_NO_HEAD: none */
    uint16_t resetting; /* BH_VIRTIO_STATE_PENDING: the driver disabled or reset it, and requests are not over
                           yet */
    uint64_t order;     /* of the head that is taken next, from 1; last_avail is order - 1 modulo 65536 */
    uint64_t reserved[2];
};

#define BH_VIRTIO_STATE_NO_HEAD 0xffffu

struct bh_virtio_state_head {
    uint64_t order; /* in which the heads were taken */
    uint16_t next;  /* in its batch; BH_VIRTIO_STATE_NO_HEAD: the last one */
    uint8_t in_flight;
    uint8_t reserved;
    uint32_t check; /* of order and the head's number */
};

_Static_assert(sizeof(struct bh_virtio_state) == 256 && sizeof(struct bh_virtio_state_queue) == 64 &&
                   sizeof(struct bh_virtio_state_head) == 16,
               "layout 2");

#define BH_VIRTIO_STATE_QUEUE_BYTES(queue_max) (64u + 16u * (queue_max))
/* Bytes of a state page, which the description sizes in whole pages. The queues begin at 256. */
#define BH_VIRTIO_STATE_BYTES(nr_queues, queue_max) \
    (256u + (nr_queues) * BH_VIRTIO_STATE_QUEUE_BYTES(queue_max))

static inline struct bh_virtio_state_queue *bh_virtio_state_queue(struct bh_virtio_state *state,
                                                                  uint32_t queue, uint32_t queue_max)
{
    return (struct bh_virtio_state_queue *)(void *)((uint8_t *)state + 256u +
                                                    queue * BH_VIRTIO_STATE_QUEUE_BYTES(queue_max));
}

static inline struct bh_virtio_state_head *bh_virtio_state_heads(struct bh_virtio_state_queue *queue)
{
    return (struct bh_virtio_state_head *)(void *)(queue + 1);
}

#endif
