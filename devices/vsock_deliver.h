/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* From a sender's queue into a receiver's, once. */
#ifndef DEVICES_VSOCK_DELIVER_H
#define DEVICES_VSOCK_DELIVER_H

#include "devices/vsock.h"

enum vsock_outcome {
    VSOCK_WHOLE,   /* delivered; the sender's head is to be completed */
    VSOCK_MORE,    /* a part of it; the receiver may have room for more */
    VSOCK_NO_ROOM, /* the receiver rings when it has some */
    VSOCK_GONE,    /* there is no receiver any more */
};

/* Goes on with the packet in vsock->from, with `header`, whose head has this order. */
enum vsock_outcome vsock_deliver(struct vsock_port *from, struct vsock_port *to, uint64_t order,
                                 const struct vsock_header *header);

/* Gives the port a packet without payload that nobody has sent. False: it has no room, or has failed. */
bool vsock_tell(struct vsock_port *to, const struct vsock_header *header);

/* After a restart, when the receiver's queue is there or known not to be: finishes the piece that was being
 * delivered. False: the state page is damaged. */
bool vsock_recover(struct vsock_port *port);

/* The driver gives its queue a new life: no head of it has been delivered. */
void vsock_forget(struct vsock_port *port);

#endif
