/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A switch with frontends, and a link to the outside that records what was sent. */
#ifndef NET_WORLD_H
#define NET_WORLD_H

#include "rig.h"

#include "devices/net.h"

#define WORLD_PORTS 4u
#define WORLD_FRAME 1518u

struct world {
    struct net net;
    struct link link;
    struct net_port port[WORLD_PORTS];
    struct net_rules rules[WORLD_PORTS]; /* of the description: survive a crash */
    uint32_t rate[WORLD_PORTS];
    struct rig rig[WORLD_PORTS];
    uint32_t nr;
    bool has_uplink;
    uint64_t now, alarm;
    void (*on_clock)(struct world *world); /* in the middle of a frame */
    /* The link. */
    uint8_t room[WORLD_FRAME];
    bool busy;
    uint32_t sent, length; /* the last one is in room */
    struct link_checksum checksum;
};

/* VIRTIO 1.2, 5.1.6. */
struct world_header {
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size, start, offset, buffers;
};

/* `nr` ports with addresses 02:00:00:00:00:n, not started. */
void world_create(struct world *world, uint32_t nr, bool uplink);
void world_destroy(struct world *world);
/* Adds and starts all devices. */
void world_start(struct world *world, uint64_t features);
/* The backend dies and comes back. */
void world_crash(struct world *world);

/* An Ethernet frame with a body that depends on `seed`. */
void world_frame(uint8_t *frame, uint32_t length, const uint8_t *to, const uint8_t *from, uint8_t seed);

/* Makes a frame available to be sent, header and frame in one buffer; runs nothing. */
void world_send(struct world *world, uint32_t port, const struct world_header *header, const uint8_t *frame,
                uint32_t length);

static inline const uint8_t *world_mac(const struct world *world, uint32_t port)
{
    return world->rules[port].mac;
}

#endif
