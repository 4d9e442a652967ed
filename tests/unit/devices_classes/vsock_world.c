/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "vsock_world.h"

static void set_up(struct sockets *world)
{
    memset(&world->vsock, 0xa5, sizeof world->vsock);
    memset(&world->port, 0xa5, sizeof world->port);
    world->vsock.nr = 0;
    world->vsock.settled = false;
    for (uint32_t i = 0; i < world->nr; i++) {
        world->port[i] = (struct vsock_port){
            .device = &world->rig[i].device, .cid = 3u + i, .isolated = world->isolated[i]};
        world->rig[i].device.features = 0;
        assert(vsock_add(&world->vsock, &world->port[i]));
    }
}

void sockets_create(struct sockets *world, uint32_t nr)
{
    memset(world, 0, sizeof *world);
    world->nr = nr;
    for (uint32_t i = 0; i < nr; i++) {
        rig_create(&world->rig[i], 3);
    }
}

void sockets_destroy(struct sockets *world)
{
    for (uint32_t i = 0; i < world->nr; i++) {
        rig_destroy(&world->rig[i]);
    }
}

void sockets_start(struct sockets *world, uint64_t features)
{
    set_up(world);
    for (uint32_t i = 0; i < world->nr; i++) {
        rig_start(&world->rig[i], features);
    }
    vsock_settle(&world->vsock);
    sockets_run(world);
}

void sockets_crash(struct sockets *world)
{
    for (uint32_t i = 0; i < world->nr; i++) {
        rig_crash(&world->rig[i]);
        world->rig[i].device.started = false;
        world->rig[i].device.failed = false;
    }
    set_up(world);
    for (uint32_t i = 0; i < world->nr; i++) {
        device_init(&world->rig[i].device);
        (void)device_run(&world->rig[i].device); /* of which nothing comes yet */
    }
    vsock_settle(&world->vsock);
}

void sockets_run(struct sockets *world)
{
    uint32_t turns = 0;
    bool more = true;

    for (uint32_t i = 0; i < world->nr; i++) { /* as if each had rung */
        world->rig[i].device.more = true;
    }
    while (more) {
        more = false;
        for (uint32_t i = 0; i < world->nr; i++) {
            if (world->rig[i].device.more) {
                (void)device_run(&world->rig[i].device);
                more = true;
            }
        }
        assert(++turns < 10000u);
    }
}

struct vsock_header sockets_header(uint32_t from, uint32_t to, uint16_t op, uint32_t length)
{
    return (struct vsock_header){.src_cid = 3u + from,
                                 .dst_cid = 3u + to,
                                 .src_port = 1000,
                                 .dst_port = 2000,
                                 .length = length,
                                 .type = VSOCK_STREAM,
                                 .op = op,
                                 .buf_alloc = 0x40000,
                                 .fwd_cnt = 77};
}

uint16_t sockets_send(struct sockets *world, uint32_t from, const struct vsock_header *header,
                      const void *payload, uint32_t length)
{
    struct rig *rig = &world->rig[from];
    struct rig_buffer buffers[2] = {{.address = rig_memory(rig, VSOCK_HEADER), .length = VSOCK_HEADER},
                                    {.length = length}};

    memcpy(rig_at(rig, buffers[0].address), header, VSOCK_HEADER);
    if (length != 0) {
        buffers[1].address = rig_memory(rig, length);
        memcpy(rig_at(rig, buffers[1].address), payload, length);
    }
    return rig_add(rig, VSOCK_TX, buffers, length != 0 ? 2 : 1);
}

void sockets_room(struct sockets *world, uint32_t port, uint32_t bytes)
{
    uint64_t address;
    uint16_t head = rig_room(&world->rig[port], VSOCK_RX, bytes, &address);

    world->room[port][head] = address;
}

bool sockets_receive(struct sockets *world, uint32_t port, struct vsock_header *header, uint8_t *payload)
{
    struct rig *rig = &world->rig[port];
    uint32_t length;
    uint16_t head;

    if (!rig_used(rig, VSOCK_RX, &head, &length)) {
        return false;
    }
    memcpy(header, rig_at(rig, world->room[port][head]), VSOCK_HEADER);
    assert_int_equal(length, VSOCK_HEADER + header->length);
    memcpy(payload, rig_at(rig, world->room[port][head]) + VSOCK_HEADER, header->length);
    return true;
}
