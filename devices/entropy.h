/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The entropy device (VIRTIO 1.2, 5.4): one queue. Several devices share one source; their requests take
 * turns. Without a source requests wait for ever: bytes are never made up. */
#ifndef DEVICES_ENTROPY_H
#define DEVICES_ENTROPY_H

#include "devices/device.h"

#define ENTROPY_CHUNK       64u /* bytes at once; a request is answered with so many at most */
#define ENTROPY_MAX_DEVICES 16u

/* Where the bytes come from. The driver is the host's. */
struct entropy_source {
    void *user;
    /* Asks for up to `length` random bytes at `data`. The source calls entropy_arrived() when it has some:
     * never from inside. There is one request at a time. */
    void (*request)(struct entropy_source *source, uint8_t *data, uint32_t length);
    struct entropy *owner; /* set by entropy_init() */
};

/* All entropy devices of a source. */
struct entropy {
    struct entropy_source *source; /* NULL: none */
    struct device *devices[ENTROPY_MAX_DEVICES];
    bool waiting[ENTROPY_MAX_DEVICES]; /* has a request without an answer */
    uint32_t nr, next;                 /* next: whose turn it is */
    bool asked;
    uint8_t bytes[ENTROPY_CHUNK];
    struct queue_chain chain; /* the one that is looked at */
};

extern const struct device_class entropy_class;

/* `source` may be NULL. */
void entropy_init(struct entropy *entropy, struct entropy_source *source);

/* Before device_init(): sets class, user and features of a device that is zero but for what the host sets.
 * False: there are ENTROPY_MAX_DEVICES, or it has no queue. */
bool entropy_add(struct entropy *entropy, struct device *device);

/* `length` bytes, at most as many as were asked for, are at their place. 0: the source failed, and is asked
 * again with the next doorbell. */
void entropy_arrived(struct entropy_source *source, uint32_t length);

#endif
