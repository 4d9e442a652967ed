/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The block device (VIRTIO 1.2, 5.2): read, write, flush, discard, write zeroes and get id on a range of the
 * sectors of a disk. Several devices may share a disk; none reaches a sector outside its range. There is no
 * write cache: an acknowledged write is on the disk (or in the disk's own cache, if the driver has negotiated
 * FLUSH). */
#ifndef DEVICES_BLOCK_H
#define DEVICES_BLOCK_H

#include "devices/device.h"
#include "devices/disk.h"

#define BLOCK_ID_BYTES     20u
#define BLOCK_MAX_RANGES   4u  /* of one discard or write zeroes request */
#define BLOCK_MAX_SEGMENTS 64u /* of one read or write */
/* Sectors of one range of a discard or write zeroes request, unless the disk takes less. */
#define BLOCK_MAX_RANGE_SECTORS 0x400000u

struct block;

struct block_range {
    uint64_t sector;
    uint32_t sectors;
};

/* A request between take and completion. */
struct block_request {
    struct disk_request disk;
    struct block *block;
    struct block_request *next; /* free, or waiting for room at the disk */
    uint8_t *status;            /* where the driver reads the result */
    uint32_t written;           /* bytes for the used ring if it succeeds, the status included */
    uint16_t queue;
    bool dropped; /* the driver has reset the queue: nothing is said about it any more */
    bool at_disk;
    uint8_t nr_ranges, range;
    struct block_range ranges[BLOCK_MAX_RANGES];
    struct queue_chain chain;
};

struct block {
    /* Set by the host before block_init(). */
    struct disk *disk;
    uint64_t first, sectors; /* 0 sectors: all from `first` on */
    bool read_only;
    char id[BLOCK_ID_BYTES]; /* NUL-padded */
    uint32_t max_segment;    /* longest buffer, bytes; 0: any. Not more than the disk's */
    uint32_t max_segments;   /* buffers of a read or write; 0: BLOCK_MAX_SEGMENTS. Not more than the disk's */
    struct block_request *requests;
    uint32_t nr_requests; /* at least 1 */
    /* The library's. */
    struct device *device;
    struct block *next_client;
    struct block_request *free, *waiting, **waiting_end;
    uint32_t dropped; /* requests at the disk whose driver has gone */
    bool starved;     /* requests were left in a queue for want of a struct block_request */
    bool again[DEVICE_MAX_QUEUES];
    uint64_t order[DEVICE_MAX_QUEUES];
};

extern const struct device_class block_class;

/* Makes `device` a block device: sets its class, user and features; the host then calls device_init(). False:
 * the range is not on the disk or not of its whole logical blocks, or a parameter has no sense. */
bool block_init(struct block *block, struct device *device);

#endif
