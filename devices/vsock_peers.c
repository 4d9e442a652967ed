/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/vsock_peers.h"

#include "devices/libc.h"
#include "devices/vsock_deliver.h"

/* The connection, a free entry, or NULL. */
static struct vsock_peer *find(struct vsock_port *port, const struct vsock_port *to, uint32_t own,
                               uint32_t other)
{
    struct vsock_peer *unused = NULL;

    for (uint32_t i = 0; i < VSOCK_PEERS; i++) {
        struct vsock_peer *peer = &port->peers[i];

        if (peer->state == VSOCK_KNOWN && peer->to == to->number && peer->own == own &&
            peer->other == other) {
            return peer;
        }
        if (peer->state == VSOCK_FREE && unused == NULL) {
            unused = peer;
        }
    }
    return unused;
}

static void release(struct vsock_port *port, const struct vsock_port *to, uint32_t own, uint32_t other)
{
    struct vsock_peer *peer = find(port, to, own, other);

    if (peer != NULL) {
        peer->state = VSOCK_FREE;
    }
}

void vsock_note(struct vsock_port *from, struct vsock_port *to, const struct vsock_header *header)
{
    struct vsock_peer *peer;

    if (header->op == VSOCK_RST) {
        release(from, to, header->src_port, header->dst_port);
        release(to, from, header->dst_port, header->src_port);
        return;
    }
    peer = find(from, to, header->src_port, header->dst_port);
    if (peer != NULL) {
        *peer = (struct vsock_peer){.own = header->src_port,
                                    .other = header->dst_port,
                                    .type = header->type,
                                    .to = (uint8_t)to->number,
                                    .state = VSOCK_KNOWN};
    }
}

void vsock_orphan(struct vsock_port *gone)
{
    struct vsock *vsock = gone->vsock;

    for (uint32_t i = 0; i < vsock->nr; i++) {
        struct vsock_port *port = vsock->ports[i];

        for (uint32_t k = 0; k < VSOCK_PEERS; k++) {
            if (port->peers[k].state == VSOCK_KNOWN && port->peers[k].to == gone->number) {
                port->peers[k].state = VSOCK_ORPHAN;
                port->nr_orphans++;
                port->device->more = true;
            }
        }
    }
}

bool vsock_tell_orphans(struct vsock_port *port)
{
    struct vsock *vsock = port->vsock;

    for (uint32_t i = 0; i < VSOCK_PEERS && port->nr_orphans != 0; i++) {
        struct vsock_peer *peer = &port->peers[i];
        struct vsock_header reset;

        if (peer->state != VSOCK_ORPHAN) {
            continue;
        }
        reset = (struct vsock_header){.src_cid = vsock->ports[peer->to]->cid,
                                      .dst_cid = port->cid,
                                      .src_port = peer->other,
                                      .dst_port = peer->own,
                                      .type = peer->type,
                                      .op = VSOCK_RST};
        if (!vsock_tell(port, &reset)) {
            return false;
        }
        peer->state = VSOCK_FREE;
        port->nr_orphans--;
    }
    return true;
}

void vsock_forget_peers(struct vsock_port *port)
{
    memset(port->peers, 0, sizeof port->peers);
    port->nr_orphans = 0;
}
