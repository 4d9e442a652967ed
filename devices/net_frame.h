/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A frame on its way: pieces in memory that may be a frontend's, behind an Ethernet header that is ours. */
#ifndef DEVICES_NET_FRAME_H
#define DEVICES_NET_FRAME_H

#include "devices/link.h"
#include "devices/queue.h"

#define NET_HEADER 14u /* Ethernet */

struct net_frame {
    uint8_t header[NET_HEADER]; /* read once */
    uint8_t sum[2];             /* the checksum, if it was completed here */
    uint32_t length;            /* with the header */
    struct link_checksum checksum;
    uint32_t nr;
    struct queue_buffer pieces[QUEUE_MAX_BUFFERS + 3u]; /* the first is the header */
};

/* A place in a list of buffers. */
struct net_cursor {
    const struct queue_buffer *buffers;
    uint32_t nr, offset;
};

/* Copies up to `length` bytes and moves both; returns how many there was room and matter for. */
uint32_t net_copy(struct net_cursor *to, struct net_cursor *from, uint32_t length);

/* Builds a frame from what follows at `from`, `length` bytes, at least NET_HEADER and all there; `from` moves
 * behind the header. */
void net_frame_build(struct net_frame *frame, struct net_cursor *from, uint32_t length,
                     const struct link_checksum *checksum);

/* The partial checksum can be completed: inside the frame and behind the Ethernet header. */
bool net_frame_sum_fits(const struct link_checksum *checksum, uint32_t length);

/* The same frame with its checksum completed; a sender that changes the matter meanwhile gets a wrong sum.
 * `to` refers to the pieces of `from`. */
void net_frame_finish(struct net_frame *to, struct net_frame *from);

#endif
