/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A hostile frontend on a switch of sockets with two honest ones. Whatever the hostile one does, and when
 * ever the backend dies: no access outside (AddressSanitizer), what an honest one gets is of the one that it
 * claims to be from, a stream between the honest ones arrives whole, in order and once, and all that they
 * sent comes back.
 *
 * With -DFUZZER for libFuzzer; else a program that makes its inputs itself: [number [seed]]. */
#include "classes_hostile.h"
#include "vsock_world.h"

#include <stdio.h>

#define HOSTILE 0u
#define HONEST  1u /* and the next one */
#define BUFFERS 8u
#define BUFFER  (VSOCK_HEADER + 500u)
#define STREAM  4242u /* source port of the honest ones */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct honest {
    uint64_t rooms[BUFFERS], out;
    uint64_t room[RIG_QUEUE]; /* by head */
    uint32_t sent, got;       /* bytes of the stream to the other one, from it */
    uint32_t packets, returned;
};

static uint64_t received;

static uint8_t byte_of(uint32_t port, uint32_t at)
{
    return (uint8_t)((at * 2654435761u + port * 77u) >> 15);
}

static void give_room(struct sockets *world, struct honest *honest, uint32_t port, uint64_t at)
{
    struct rig_buffer buffer = {.address = at, .length = BUFFER, .write = true};

    honest->room[rig_add(&world->rig[port], VSOCK_RX, &buffer, 1)] = at;
}

static void check_packet(struct honest *honest, uint32_t port, const uint8_t *bytes, uint32_t length)
{
    uint32_t other = HONEST + (port == HONEST);
    struct vsock_header header;

    assert(length >= VSOCK_HEADER);
    memcpy(&header, bytes, VSOCK_HEADER);
    assert(header.length == length - VSOCK_HEADER && header.dst_cid == 3u + port);
    assert(header.op >= VSOCK_REQUEST && header.op <= VSOCK_CREDIT_REQUEST && header.flags <= 3);
    assert(header.type == VSOCK_STREAM || header.type == VSOCK_SEQPACKET);
    received++;
    if (header.src_cid == 3u + other) {
        assert(header.op == VSOCK_RW && header.src_port == STREAM); /* always there: no RST */
        for (uint32_t i = 0; i < header.length; i++) {
            assert(bytes[VSOCK_HEADER + i] == byte_of(other, honest->got + i));
        }
        honest->got += header.length;
    } else {
        assert(header.src_cid == 3u + HOSTILE);
    }
}

static void collect(struct sockets *world, struct honest *all)
{
    for (uint32_t port = HONEST; port < HONEST + 2u; port++) {
        struct honest *honest = &all[port - HONEST];
        struct rig *rig = &world->rig[port];
        uint32_t length;
        uint16_t head;

        assert(!rig_failed(rig));
        while (rig_used(rig, VSOCK_RX, &head, &length)) {
            check_packet(honest, port, rig_at(rig, honest->room[head]), length);
            give_room(world, honest, port, honest->room[head]);
        }
        while (rig_used(rig, VSOCK_TX, NULL, NULL)) {
            honest->returned++;
        }
    }
}

static void honest_sends(struct sockets *world, struct honest *all, struct input *input)
{
    uint32_t port = HONEST + input_byte(input) % 2u, other = HONEST + (port == HONEST);
    struct honest *honest = &all[port - HONEST];
    struct rig *rig = &world->rig[port];
    struct vsock_header header = sockets_header(port, other, VSOCK_RW, input_word(input) % 900u);
    uint64_t out = honest->out + honest->packets % 8u * 1024u;
    struct rig_buffer buffer = {.address = out, .length = VSOCK_HEADER + header.length};

    if (honest->packets - honest->returned == 8) {
        return;
    }
    header.src_port = STREAM;
    memcpy(rig_at(rig, out), &header, VSOCK_HEADER);
    for (uint32_t i = 0; i < header.length; i++) {
        rig_at(rig, out + VSOCK_HEADER)[i] = byte_of(port, honest->sent + i);
    }
    honest->sent += header.length;
    honest->packets++;
    (void)rig_add(rig, VSOCK_TX, &buffer, 1);
    (void)device_run(&rig->device);
}

/* A packet of the hostile one that may well arrive. */
static void hostile_sends(struct sockets *world, struct input *input)
{
    struct rig *rig = &world->rig[HOSTILE];
    uint8_t how = input_byte(input);
    struct vsock_header header = sockets_header(how < 16 ? input_byte(input) : HOSTILE, how % 4u,
                                                1u + input_byte(input) % 9u, input_word(input) % 2000u);
    struct rig_buffer buffer = {.address = RIG_BASE + 0x20000u, .length = VSOCK_HEADER + header.length};

    if (rig_failed(rig)) {
        return;
    }
    if (rig->ring[VSOCK_TX].nr_free == 0) {
        rig->ring[VSOCK_TX].nr_free = RIG_QUEUE;
    }
    header.type = 1u + how / 4u % 3u;
    header.flags = input_byte(input);
    header.length += how / 16u == 7 ? 1 : 0;
    header.length = header.op == VSOCK_RW || how % 8u == 0 ? header.length : 0;
    memcpy(rig_at(rig, buffer.address), &header, VSOCK_HEADER);
    rig_add(rig, VSOCK_TX, &buffer, 1);
    hostile_chains++;
    (void)device_run(&rig->device);
}

static void honest_starts(struct sockets *world, struct honest *all)
{
    memset(all, 0, 2u * sizeof *all);
    for (uint32_t i = 0; i < 2; i++) {
        struct rig *rig = &world->rig[HONEST + i];

        rig->indirect = false; /* its own chains are plain */
        all[i].out = rig_memory(rig, 8u * 1024u);
        for (uint32_t k = 0; k < BUFFERS; k++) {
            all[i].rooms[k] = rig_memory(rig, BUFFER);
            give_room(world, &all[i], HONEST + i, all[i].rooms[k]);
        }
    }
}

/* Nothing of the honest ones is missing, and the offender is served once it behaves. */
static void all_is_well(struct sockets *world, struct honest *all, uint64_t features)
{
    struct vsock_header header = sockets_header(HONEST, HOSTILE, VSOCK_REQUEST, 0), seen;
    struct rig *rig = &world->rig[HOSTILE];
    struct rig_buffer buffer = {.address = all[0].out, .length = VSOCK_HEADER};
    uint64_t at;

    for (uint32_t i = 0; i < 64; i++) {
        sockets_run(world);
        collect(world, all);
    }
    for (uint32_t i = 0; i < 2; i++) {
        assert(all[i].got == all[1u - i].sent && all[i].returned == all[i].packets);
    }
    hostile_restart(rig, features);
    rig->next = RIG_BASE + 0x8000u;
    rig_room(rig, VSOCK_RX, 100, &at);
    memcpy(rig_at(&world->rig[HONEST], all[0].out), &header, VSOCK_HEADER);
    (void)rig_add(&world->rig[HONEST], VSOCK_TX, &buffer, 1);
    sockets_run(world);
    assert(rig_used_idx(rig, VSOCK_RX) == 1);
    memcpy(&seen, rig_at(rig, at), VSOCK_HEADER);
    assert(memcmp(&seen, &header, VSOCK_HEADER) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sockets world;
    static struct honest all[2];
    struct input input = {.data = data, .left = size};
    uint8_t options = input_byte(&input);
    uint64_t features = options % 2u != 0 ? VIRTIO_VSOCK_F_SEQPACKET : 0;

    features |= options / 2u % 2u != 0 ? VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC : 0;
    sockets_create(&world, 3);
    world.isolated[HOSTILE] = world.isolated[HONEST + 1u] = options / 4u % 2u != 0;
    sockets_start(&world, features);
    honest_starts(&world, all);
    while (input.left != 0) {
        uint8_t who = input_byte(&input);

        if (who < 70) {
            hostile_sends(&world, &input);
        } else if (who < 190) {
            hostile_step(&world.rig[HOSTILE], &input, features);
        } else if (who < 240) {
            honest_sends(&world, all, &input);
        } else if (who < 248) {
            sockets_crash(&world);
        } else {
            sockets_run(&world);
        }
        collect(&world, all);
    }
    all_is_well(&world, all, features);
    sockets_destroy(&world);
    return 0;
}

#ifndef FUZZER
int main(int argc, char **argv)
{
    uint32_t number = hostile_inputs(argc, argv, LLVMFuzzerTestOneInput);

    printf("vsock: %u inputs, %llu hostile chains, %llu packets received by the honest ones\n", number,
           (unsigned long long)hostile_chains, (unsigned long long)received);
    return received > number ? 0 : 1;
}
#endif
