/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The socket device (VIRTIO 1.2, 5.10): queue 0 receives, queue 1 transmits, queue 2 (events) is not used.
 * Each device is a port of a switch that passes packets on by their context number (CID). It keeps no
 * connections: credit, and what belongs to a connection, is the business of the two drivers.
 *
 * Nothing is lost or doubled, whatever the receiver does and wherever the backend dies:
 * - A packet for which the receiver has no buffers stays in flight in the sender's queue. So do all later
 * ones of that sender for that receiver; those for others go on, up to VSOCK_WAITING that wait. A receiver's
 * buffers go to those who wait for it in turn.
 * - A packet may be larger than the receiver's buffers, and is delivered in pieces. What of it the receiver
 * has got is in the class area of the sender's state page (struct vsock_ledger).
 * - Who cannot be reached (no such CID, not ready, isolated as the sender is), and what breaks the rules of a
 * packet, is answered with a RST to the sender. What claims another's CID is dropped.
 *
 * When a port is reset, its packets that wait are forgotten, and those for it are answered with a RST. */
#ifndef DEVICES_VSOCK_H
#define DEVICES_VSOCK_H

#include "devices/device.h"
#include "devices/vsock_packet.h"

#define VSOCK_RX 0u
#define VSOCK_TX 1u

#define VSOCK_MAX_PORTS 8u
#define VSOCK_WAITING   48u    /* packets of one sender that wait */
#define VSOCK_PEERS     64u    /* connections of a port that are remembered */
#define VSOCK_RUN       32u    /* packets taken and pieces delivered in one device_run() */
#define VSOCK_PIECE     65536u /* bytes of payload at most */
#define VSOCK_BATCH     8u     /* pieces that become visible at once */

#define VIRTIO_VSOCK_F_STREAM    (UINT64_C(1) << 0)
#define VIRTIO_VSOCK_F_SEQPACKET (UINT64_C(1) << 1)

/* What a sender's state page remembers, so that each piece is delivered once.
 *
 * Stores: order[] and done[] name the packet that the receiver gets; then `before`, `after` and, last,
 * `intent` say which piece is being delivered; it becomes visible by the receiver's used->idx; then done[] is
 * stored and `intent` cleared; then the packet is completed if that was all. After a crash the receiver's
 * ring tells whether the piece was delivered: it has used more chains than `before`. */
struct vsock_ledger {
    uint64_t order[VSOCK_MAX_PORTS]; /* by receiver: of the head (struct bh_virtio_state_head) that is being
                                        delivered */
    uint32_t done[VSOCK_MAX_PORTS];  /* bytes of its payload; VSOCK_ALL */
    uint64_t before;                 /* chains that the receiver had used */
    uint32_t after;                  /* done[] when the piece has been delivered */
    uint32_t intent;                 /* 0: none; else number of the receiver, and a check of the two */
};
_Static_assert(sizeof(struct vsock_ledger) <= BH_VIRTIO_STATE_CLASS, "in the class area");
#define VSOCK_ALL UINT32_MAX

struct vsock_counters {
    uint64_t sent, received; /* packets that the frontend sent; pieces that it got */
    uint64_t dropped, answered;
    uint64_t waited;
};

struct vsock_waiting {
    uint64_t order; /* of a head in flight in the sender's queue */
    uint16_t head;
    uint16_t to; /* number of the port; the sender's own: it gets a RST */
};

/* A connection of the port, of which its packets have told. */
struct vsock_peer {
    uint32_t own, other; /* port numbers */
    uint16_t type;
    uint8_t to;    /* number of the other end's port */
    uint8_t state; /* enum vsock_peer_state */
};
enum vsock_peer_state { VSOCK_FREE, VSOCK_KNOWN, VSOCK_ORPHAN /* the other end is gone: to be told */ };

struct vsock_port {
    /* Set by the host before vsock_add(). */
    struct device *device;
    uint32_t cid;
    bool isolated; /* does not reach others that are isolated */
    /* The library's. */
    struct vsock *vsock;
    uint32_t number;
    bool tx_again, rx_again; /* there may be chains that were taken and not used */
    bool dry;                /* has no receive buffers, and rings when it has */
    uint64_t order;          /* of the head that was taken last */
    uint32_t waited_by;      /* ports with packets for this one, bit n for port n */
    uint32_t turn;           /* which of them was served last */
    uint32_t helped;         /* for whom this one has gone on last */
    uint32_t nr_waiting;
    struct vsock_waiting waiting[VSOCK_WAITING]; /* of this sender, in order */
    uint32_t nr_orphans;
    struct vsock_peer peers[VSOCK_PEERS];
    struct vsock_counters counters;
};

struct vsock {
    struct vsock_port *ports[VSOCK_MAX_PORTS];
    uint32_t nr;
    bool settled;
    uint32_t budget; /* of this device_run() */
    /* One packet at a time. */
    struct queue_chain from, to;
    struct vsock_header header;
};

extern const struct device_class vsock_class;

/* Before device_init(): sets class, user and features of port->device. False: there are VSOCK_MAX_PORTS, the
 * device has fewer than three queues, or the CID is reserved or another port's. */
bool vsock_add(struct vsock *vsock, struct vsock_port *port);

/* All devices whose driver is there have been initialised; until then nothing moves, because what an earlier
 * backend left can be read from both ends of it only. */
void vsock_settle(struct vsock *vsock);

#endif
