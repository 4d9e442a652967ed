/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "net_world.h"

static uint64_t on_clock(struct net *net)
{
    struct world *world = net->host;

    if (world->on_clock != NULL) {
        world->on_clock(world);
    }
    return world->now;
}

static void on_alarm(struct net *net, uint64_t when)
{
    struct world *world = net->host;

    assert(when > world->now);
    world->alarm = when;
}

static uint8_t *reserve(struct link *link)
{
    struct world *world = link->user;

    return world->busy ? NULL : world->room;
}

static void send_up(struct link *link, uint32_t length, const struct link_checksum *checksum)
{
    struct world *world = link->user;

    assert(!world->busy && length >= 14 && length <= WORLD_FRAME);
    assert(link->tx_checksum || !checksum->partial);
    world->sent++;
    world->length = length;
    world->checksum = *checksum;
}

static void set_up(struct world *world)
{
    memset(&world->net, 0, sizeof world->net);
    memset(&world->port, 0, sizeof world->port);
    world->net.host = world;
    world->net.clock = on_clock;
    world->net.alarm = on_alarm;
    world->net.uplink = world->has_uplink ? &world->link : NULL;
    net_init(&world->net);
    for (uint32_t i = 0; i < world->nr; i++) {
        world->port[i].device = &world->rig[i].device;
        world->port[i].rules = world->rules[i];
        world->port[i].rate_kbit = world->rate[i];
        assert(net_add(&world->net, &world->port[i]));
    }
}

void world_create(struct world *world, uint32_t nr, bool uplink)
{
    memset(world, 0, sizeof *world);
    world->nr = nr;
    world->has_uplink = uplink;
    world->link.user = world;
    world->link.mtu = 1500;
    world->link.up = true;
    world->link.reserve = reserve;
    world->link.send = send_up;
    world->now = 1000;
    for (uint32_t i = 0; i < nr; i++) {
        rig_create(&world->rig[i], 2);
        world->rules[i].mac[0] = 2;
        world->rules[i].mac[5] = (uint8_t)i;
    }
}

void world_destroy(struct world *world)
{
    for (uint32_t i = 0; i < world->nr; i++) {
        rig_destroy(&world->rig[i]);
    }
}

void world_start(struct world *world, uint64_t features)
{
    set_up(world);
    for (uint32_t i = 0; i < world->nr; i++) {
        rig_start(&world->rig[i], features);
        rig_run(&world->rig[i]);
    }
}

void world_crash(struct world *world)
{
    for (uint32_t i = 0; i < world->nr; i++) {
        rig_crash(&world->rig[i]);
    }
    set_up(world);
    for (uint32_t i = 0; i < world->nr; i++) {
        device_init(&world->rig[i].device);
    }
}

void world_frame(uint8_t *frame, uint32_t length, const uint8_t *to, const uint8_t *from, uint8_t seed)
{
    uint32_t value = seed;

    memcpy(frame, to, 6);
    memcpy(frame + 6, from, 6);
    for (uint32_t i = 12; i < length; i++) {
        value = value * 1103515245u + 12345u;
        frame[i] = (uint8_t)(value / 65536u);
    }
}

void world_send(struct world *world, uint32_t port, const struct world_header *header, const uint8_t *frame,
                uint32_t length)
{
    uint8_t all[16384];

    assert(length <= sizeof all - sizeof *header);
    memcpy(all, header, sizeof *header);
    memcpy(all + sizeof *header, frame, length);
    rig_send(&world->rig[port], 1, all, (uint32_t)sizeof *header + length);
}
