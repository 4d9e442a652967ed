/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Packets of the socket device (VIRTIO 1.2, 5.10.6): what a frontend has sent is judged here. */
#ifndef DEVICES_VSOCK_PACKET_H
#define DEVICES_VSOCK_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/queue.h"

/* Context numbers that no guest has (5.10.4). */
#define VSOCK_CID_HOST 2u
#define VSOCK_CID_ANY  UINT32_MAX

enum vsock_type { VSOCK_STREAM = 1, VSOCK_SEQPACKET = 2 };

enum vsock_op {
    VSOCK_REQUEST = 1,
    VSOCK_RESPONSE,
    VSOCK_RST,
    VSOCK_SHUTDOWN,
    VSOCK_RW,
    VSOCK_CREDIT_UPDATE,
    VSOCK_CREDIT_REQUEST,
};

struct vsock_header {
    uint64_t src_cid, dst_cid;
    uint32_t src_port, dst_port;
    uint32_t length; /* of the payload */
    uint16_t type, op;
    uint32_t flags;
    uint32_t buf_alloc, fwd_cnt; /* the credit of the two ends: passed on as it is */
} __attribute__((packed));

#define VSOCK_HEADER 44u
_Static_assert(sizeof(struct vsock_header) == VSOCK_HEADER, "VIRTIO 1.2, 5.10.6");

enum vsock_verdict {
    VSOCK_DROP,  /* it does not say who sent it, or needs no answer */
    VSOCK_REPLY, /* the sender gets a RST: the connection ends */
    VSOCK_PASS,  /* to dst_cid, if there is one */
};

/* Reads the header of the packet in `chain`, which has no writable buffers, once. `cid` is the sender's. */
enum vsock_verdict vsock_read(struct vsock_header *header, const struct queue_chain *chain, uint32_t cid);

/* The RST that the sender of *header gets; never the answer to a RST. */
struct vsock_header vsock_reset(const struct vsock_header *header);

/* Writes header and the `length` bytes from `offset` of the payload of `from` on into `to`, which has room
 * for both; `last`: the payload ends with them. */
void vsock_write(const struct queue_chain *to, const struct queue_chain *from,
                 const struct vsock_header *header, uint32_t offset, uint32_t length, bool last);

#endif
