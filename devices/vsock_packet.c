/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/vsock_packet.h"

#include "devices/net_frame.h"

#define FLAGS 3u /* the two of a shutdown; end of message and of record */

enum vsock_verdict vsock_read(struct vsock_header *header, const struct queue_chain *chain, uint32_t cid)
{
    struct queue_buffer own = {.data = (uint8_t *)header, .length = VSOCK_HEADER};
    struct net_cursor to = {.buffers = &own, .nr = 1};
    struct net_cursor from = {.buffers = chain->buffers, .nr = chain->nr_readable};
    enum vsock_verdict bad;

    if (chain->readable < VSOCK_HEADER) {
        return VSOCK_DROP;
    }
    (void)net_copy(&to, &from, VSOCK_HEADER);
    if (header->src_cid != cid || header->dst_cid > UINT32_MAX) {
        return VSOCK_DROP;
    }
    bad = header->op == VSOCK_RST ? VSOCK_DROP : VSOCK_REPLY;
    if (header->type != VSOCK_STREAM && header->type != VSOCK_SEQPACKET) {
        return bad;
    }
    if (header->op < VSOCK_REQUEST || header->op > VSOCK_CREDIT_REQUEST ||
        header->length > chain->readable - VSOCK_HEADER || (header->op != VSOCK_RW && header->length != 0)) {
        return bad;
    }
    if (header->op != VSOCK_SHUTDOWN && (header->op != VSOCK_RW || header->type != VSOCK_SEQPACKET)) {
        header->flags = 0;
    }
    header->flags %= FLAGS + 1u;
    return VSOCK_PASS;
}

struct vsock_header vsock_reset(const struct vsock_header *header)
{
    return (struct vsock_header){.src_cid = header->dst_cid,
                                 .dst_cid = header->src_cid,
                                 .src_port = header->dst_port,
                                 .dst_port = header->src_port,
                                 .type = header->type,
                                 .op = VSOCK_RST};
}

static void skip(struct net_cursor *cursor, uint64_t bytes)
{
    uint64_t left = bytes;

    while (left != 0 && cursor->nr != 0) {
        uint32_t part = cursor->buffers->length - cursor->offset;

        if (left < part) {
            cursor->offset += (uint32_t)left;
            return;
        }
        left -= part;
        cursor->buffers++;
        cursor->nr--;
        cursor->offset = 0;
    }
}

void vsock_write(const struct queue_chain *to, const struct queue_chain *from,
                 const struct vsock_header *header, uint32_t offset, uint32_t length, bool last)
{
    struct vsock_header own = *header;
    struct queue_buffer whole = {.data = (uint8_t *)&own, .length = VSOCK_HEADER};
    struct net_cursor head = {.buffers = &whole, .nr = 1};
    struct net_cursor room = {.buffers = to->buffers, .nr = to->nr_writable};
    struct net_cursor matter = {.buffers = from->buffers, .nr = from->nr_readable};

    own.length = length;
    if (own.op == VSOCK_RW && !last) {
        own.flags = 0; /* the message does not end here */
    }
    (void)net_copy(&room, &head, VSOCK_HEADER);
    skip(&matter, VSOCK_HEADER + (uint64_t)offset);
    (void)net_copy(&room, &matter, length);
}
