/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A hostile frontend on a switch with an honest and an isolated one and an uplink. Whatever the hostile one
 * does, and when ever the backend dies: no access outside (AddressSanitizer), nothing of the honest one's
 * memory changes but what it gave to be written, the frames that it gets are of senders that may send them,
 * and its own frames arrive.
 *
 * With -DFUZZER for libFuzzer; else a program that makes its inputs itself: [number [seed]]. */
#include "classes_hostile.h"
#include "net_world.h"

#include <stdio.h>

#define HOSTILE  0u
#define HONEST   1u
#define ISOLATED 2u
#define BUFFERS  16u
#define BUFFER   2048u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct honest {
    uint64_t room[RIG_QUEUE]; /* by head */
    uint64_t out;
    uint8_t shadow[0x4000]; /* what only its driver writes */
};

static uint64_t received;

static void give_room(struct world *world, struct honest *honest, uint64_t at)
{
    struct rig_buffer buffer = {.address = at, .length = BUFFER, .write = true};

    honest->room[rig_add(&world->rig[HONEST], 0, &buffer, 1)] = at;
}

static void remember(struct world *world, struct honest *honest)
{
    memcpy(honest->shadow, world->rig[HONEST].memory, sizeof honest->shadow);
}

static void check_memory(struct world *world, struct honest *honest)
{
    struct rig *rig = &world->rig[HONEST];

    for (uint32_t i = 0; i < 2; i++) {
        uint64_t used = rig->ring[i].used - RIG_BASE;

        memcpy(honest->shadow + used, rig->memory + used, 6u + 8u * RIG_QUEUE);
    }
    assert(memcmp(honest->shadow, rig->memory, sizeof honest->shadow) == 0);
}

static bool same(const uint8_t *left, const uint8_t *right)
{
    return memcmp(left, right, 6) == 0;
}

/* What the honest one may be given. */
static void check_frame(const struct world *world, const uint8_t *bytes, uint32_t length)
{
    const uint8_t *frame = bytes + 12, *source = frame + 6;

    assert(length >= 26 && length <= 12 + WORLD_FRAME);
    assert(bytes[0] <= 2 && bytes[1] == 0 && bytes[10] == 1 && bytes[11] == 0);
    assert(frame[0] % 2u != 0 || !same(frame, world_mac(world, HOSTILE)));
    assert(source[0] % 2u == 0);
    assert(!same(source, world_mac(world, HONEST)) && !same(source, world_mac(world, ISOLATED)));
}

static void collect(struct world *world, struct honest *honest)
{
    struct rig *rig = &world->rig[HONEST];
    uint32_t length;
    uint16_t head;

    check_memory(world, honest);
    assert(!rig_failed(rig));
    while (rig_used(rig, 0, &head, &length)) {
        check_frame(world, rig_at(rig, honest->room[head]), length);
        give_room(world, honest, honest->room[head]);
        received++;
    }
    while (rig_used(rig, 1, NULL, NULL)) {
    }
    remember(world, honest);
}

static const uint8_t outside[6] = {2, 0xaa, 0, 0, 0, 1}; /* a station on the wire */

static void honest_sends(struct world *world, struct honest *honest, struct input *input, bool must)
{
    struct rig *rig = &world->rig[HONEST];
    uint32_t length = 14u + input_word(input) % (WORLD_FRAME - 13u), sent = world->sent;
    struct rig_buffer buffer = {.address = honest->out, .length = 12u + length};
    uint8_t frame[WORLD_FRAME];
    bool up = input_byte(input) % 2u != 0;

    if (rig->ring[1].nr_free == 0) {
        return;
    }
    world_frame(frame, length, up ? outside : world_mac(world, HOSTILE), world_mac(world, HONEST), 1);
    memset(rig_at(rig, honest->out), 0, 12);
    memcpy(rig_at(rig, honest->out + 12), frame, length);
    rig_add(rig, 1, &buffer, 1);
    remember(world, honest);
    rig_run(rig);
    if (must && up) {
        assert(world->sent > sent && world->length == length && memcmp(world->room, frame, length) == 0);
    }
}

static void from_outside(struct world *world, struct input *input)
{
    struct link_checksum checksum = {.partial = input_byte(input) % 4u == 0,
                                     .valid = input_byte(input) % 4u == 0};
    uint32_t length = input_word(input) % 1600u;
    uint8_t *frame = malloc(length + 1u), port = input_byte(input) % 4u;
    uint8_t to[6] = {2, 0, 0, 0, 0, port}, from[6] = {2, input_byte(input), 0, 0, 0, input_byte(input) % 8u};

    checksum.start = input_word(input) % 200u;
    checksum.offset = input_word(input) % 200u;
    if (length >= 14) {
        world_frame(frame, length, to, from, port);
    }
    world->link.receive(&world->link, frame, length, &checksum);
    free(frame);
}

/* A frame of the hostile one that may well arrive. */
static void hostile_sends(struct world *world, struct input *input)
{
    struct world_header header = {
        .flags = input_byte(input) % 2u, .start = input_byte(input), .offset = input_byte(input)};
    uint8_t how = input_byte(input), frame[WORLD_FRAME];
    uint8_t to[6] = {2, 0, 0, 0, 0, how % 4u}, from[6] = {2, 0, 0, 0, 0, how < 128 ? 0 : input_byte(input)};
    uint32_t length = 14u + input_word(input) % (WORLD_FRAME - 13u);
    struct rig *rig = &world->rig[HOSTILE];
    struct rig_buffer buffer = {.address = RIG_BASE + 0x20000u, .length = 12u + length};

    to[0] = how % 4u == 3 ? 3 : 2;
    if (rig_failed(rig)) {
        return;
    }
    if (rig->ring[1].nr_free == 0) {
        rig->ring[1].nr_free = RIG_QUEUE;
    }
    world_frame(frame, length, to, from, how);
    memcpy(rig_at(rig, buffer.address), &header, sizeof header);
    memcpy(rig_at(rig, buffer.address + sizeof header), frame, length);
    rig_add(rig, 1, &buffer, 1);
    hostile_chains++;
    (void)device_run(&rig->device);
}

static void environment(struct world *world, struct input *input)
{
    uint8_t what = input_byte(input);

    if (what < 60) {
        world->busy = !world->busy;
        if (!world->busy) {
            world->link.ready(&world->link);
        }
    } else if (what < 80) {
        world->link.up = !world->link.up;
        world->link.changed(&world->link);
    } else if (what < 160) {
        world->now += input_word(input) * UINT64_C(1000000);
        net_alarm(&world->net);
    } else if (what < 180) {
        world_crash(world);
    } else {
        from_outside(world, input);
    }
}

/* A port of any source may have sent from that address, too; it is where it was heard last. */
static void outside_is_heard(struct world *world)
{
    const struct link_checksum none = {0};
    uint8_t frame[60];

    world_frame(frame, sizeof frame, world_mac(world, HONEST), outside, 0);
    world->link.receive(&world->link, frame, sizeof frame, &none);
}

/* After all that: the uplink is free, and the honest one and the offender, once reset, are served. */
static void all_is_well(struct world *world, struct honest *honest, uint64_t features)
{
    static const uint8_t finish[3] = {200, 0, 1}, other[3] = {200, 0, 0};
    struct input input = {.data = finish, .left = sizeof finish};
    struct rig *rig = &world->rig[HOSTILE];
    uint64_t at;

    world->busy = false;
    world->link.up = true;
    world->link.changed(&world->link);
    rig_run(&world->rig[HONEST]);
    collect(world, honest);
    outside_is_heard(world);
    collect(world, honest);
    honest_sends(world, honest, &input, true);
    collect(world, honest);
    hostile_restart(rig, features);
    rig->next = RIG_BASE + 0x8000u;
    rig_room(rig, 0, BUFFER, &at);
    input = (struct input){.data = other, .left = sizeof other};
    honest_sends(world, honest, &input, true);
    assert(rig_used_idx(rig, 0) == 1 && same(rig_at(rig, at) + 18, world_mac(world, HONEST)));
    collect(world, honest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    static struct honest honest;
    struct input input = {.data = data, .left = size};
    uint8_t options = input_byte(&input);
    uint64_t features = options % 2u != 0 ? VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM : 0;

    features |= options / 2u % 2u != 0 ? VIRTIO_NET_F_MRG_RXBUF : 0;
    features |= options / 4u % 2u != 0 ? VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC : 0;
    world_create(&world, 3, true);
    world.rules[HOSTILE].any_source = options / 8u % 2u != 0;
    world.rules[ISOLATED].isolated = true;
    world.rate[HOSTILE] = options / 16u % 2u != 0 ? 10000 : 0;
    world.link.tx_checksum = options / 32u % 2u != 0;
    world_start(&world, features);
    world.rig[HONEST].indirect = false; /* its own chains are plain */
    memset(&honest, 0, sizeof honest);
    world.rig[HONEST].next = RIG_BASE + sizeof honest.shadow;
    for (uint32_t i = 0; i < BUFFERS; i++) {
        give_room(&world, &honest, rig_memory(&world.rig[HONEST], BUFFER));
    }
    honest.out = rig_memory(&world.rig[HONEST], BUFFER);
    remember(&world, &honest);
    while (input.left != 0) {
        uint8_t who = input_byte(&input);

        if (who < 60) {
            hostile_sends(&world, &input);
        } else if (who < 200) {
            hostile_step(&world.rig[HOSTILE], &input, features);
        } else if (who < 225) {
            honest_sends(&world, &honest, &input, false);
        } else {
            environment(&world, &input);
        }
        collect(&world, &honest);
    }
    all_is_well(&world, &honest, features);
    world_destroy(&world);
    return 0;
}

#ifndef FUZZER
int main(int argc, char **argv)
{
    uint32_t number = hostile_inputs(argc, argv, LLVMFuzzerTestOneInput);

    printf("net: %u inputs, %llu hostile chains, %llu frames received by the honest one\n", number,
           (unsigned long long)hostile_chains, (unsigned long long)received);
    return received > number ? 0 : 1;
}
#endif
