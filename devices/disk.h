/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What stands behind the block device: a disk, whose driver is the host's. */
#ifndef DEVICES_DISK_H
#define DEVICES_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/queue.h"

#define DISK_SECTOR 512u

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_WRITE_ZEROES };

/* One request; the disk calls `done` when it is over, never from inside submit(). */
struct disk_request {
    enum disk_operation operation;
    uint64_t sector;
    uint64_t sectors;                   /* of discard and write zeroes; else the length of the buffers */
    const struct queue_buffer *buffers; /* local addresses; valid until done */
    uint32_t nr_buffers;
    void (*done)(struct disk_request *request, bool ok);
    struct disk_request *next; /* the disk's while it has it */
};

struct disk {
    uint64_t sectors;
    uint32_t max_requests; /* at once */
    bool read_only;
    bool has_flush, has_discard, has_write_zeroes; /* has_flush false: what is done is durable */
    uint8_t physical_blocks;                       /* log2 of the logical blocks of a physical one */
    uint8_t aligned_block; /* logical blocks before the first that begins a physical one */
    uint16_t min_io;       /* in logical blocks, as opt_io; 0: it does not say */
    uint32_t opt_io;
    uint32_t block_size; /* bytes of a logical block: every request is of whole ones; 0: DISK_SECTOR */
    /* What one request may have at most; 0: any. */
    uint32_t max_segment, max_segments;     /* bytes of a buffer, and buffers */
    uint32_t max_discard, max_write_zeroes; /* sectors */
    uint32_t discard_alignment;             /* sectors; 0: a logical block */
    void *user;
    /* False: no room now; the disk calls `ready` when there is, not from inside submit(). A request of 0
     * sectors is not made. */
    bool (*submit)(struct disk *disk, struct disk_request *request);
    void (*ready)(struct disk *disk); /* set by block_init() */
    void *clients;                    /* of block.c */
};

#endif
