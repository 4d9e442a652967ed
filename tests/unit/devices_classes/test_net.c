/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "net_world.h"

#define MERGE VIRTIO_NET_F_MRG_RXBUF
#define CSUM  (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)
#define RINGS (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static const struct world_header plain;
static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t outside[6] = {2, 0xaa, 0, 0, 0, 1};

/* The port has got this frame in a buffer of its own at `at`. */
static void got(struct world *world, uint32_t port, uint64_t at, const uint8_t *frame, uint32_t length,
                struct world_header *header)
{
    struct world_header own;
    uint32_t written;

    assert_true(rig_used(&world->rig[port], 0, NULL, &written));
    assert_int_equal(written, length + sizeof own);
    memcpy(&own, rig_at(&world->rig[port], at), sizeof own);
    assert_int_equal(own.buffers, 1);
    assert_int_equal(own.gso_type, 0);
    assert_memory_equal(rig_at(&world->rig[port], at) + sizeof own, frame, length);
    if (header != NULL) {
        *header = own;
    } else {
        assert_int_equal(own.flags, 0);
    }
}

static void sent(struct world *world, uint32_t port)
{
    uint32_t written;

    assert_true(rig_used(&world->rig[port], 1, NULL, &written));
    assert_int_equal(written, 0);
}

static void nothing(struct world *world, uint32_t port)
{
    assert_false(rig_used(&world->rig[port], 0, NULL, NULL));
}

static void frames_go_from_one_to_the_other(void **state)
{
    static const uint64_t features[] = {0, RINGS, MERGE, RINGS | MERGE | CSUM};
    uint8_t frame[WORLD_FRAME];
    struct world world;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        world_create(&world, 3, false);
        world_start(&world, features[i]);
        for (uint32_t length = 14; length <= WORLD_FRAME; length += 94) {
            uint32_t from = length % 2u, to = 1u - from;
            uint64_t at;

            world_frame(frame, length, world_mac(&world, to), world_mac(&world, from), (uint8_t)length);
            if (length == WORLD_FRAME) { /* of a VLAN */
                frame[12] = 0x81;
                frame[13] = 0;
            }
            rig_room(&world.rig[to], 0, 1530, &at);
            world_send(&world, from, &plain, frame, length);
            rig_run(&world.rig[from]);
            sent(&world, from);
            got(&world, to, at, frame, length, NULL);
            nothing(&world, 2);
        }
        assert_true(world.rig[0].interrupts != 0 && world.rig[1].interrupts != 0);
        world_destroy(&world);
    }
}

static void frames_in_pieces(void **state)
{
    uint8_t frame[800], bytes[812] = {0};
    struct world world;

    (void)state;
    world_create(&world, 2, false);
    world_start(&world, 0);
    for (uint32_t step = 1; step < 200; step += 13) {
        struct rig_buffer out[64], in[64];
        uint32_t nr_out = 0, nr_in = 0, written;
        uint64_t from = rig_memory(&world.rig[0], sizeof bytes), to = rig_memory(&world.rig[1], sizeof bytes);

        world_frame(frame, sizeof frame, world_mac(&world, 1), world_mac(&world, 0), (uint8_t)step);
        memcpy(bytes + 12, frame, sizeof frame);
        memcpy(rig_at(&world.rig[0], from), bytes, sizeof bytes);
        for (uint32_t done = 0, part; done < sizeof bytes; done += part) {
            part = nr_out < 60 ? step : (uint32_t)sizeof bytes;
            part = part < sizeof bytes - done ? part : (uint32_t)sizeof bytes - done;
            out[nr_out++] = (struct rig_buffer){from + done, part, false};
        }
        for (uint32_t done = 0, part; done < sizeof bytes; done += part) {
            part = nr_in < 60 ? step + 4u : (uint32_t)sizeof bytes;
            part = part < sizeof bytes - done ? part : (uint32_t)sizeof bytes - done;
            in[nr_in++] = (struct rig_buffer){to + done, part, true};
        }
        rig_add(&world.rig[0], 1, out, nr_out);
        rig_add(&world.rig[1], 0, in, nr_in);
        rig_run(&world.rig[0]);
        sent(&world, 0);
        assert_true(rig_used(&world.rig[1], 0, NULL, &written));
        assert_int_equal(written, sizeof bytes);
        bytes[10] = 1; /* num_buffers */
        assert_memory_equal(rig_at(&world.rig[1], to), bytes, sizeof bytes);
        bytes[10] = 0;
    }
    world_destroy(&world);
}

static void broadcasts_reach_everybody(void **state)
{
    uint8_t frame[60];
    struct world world;
    uint64_t at[4];

    (void)state;
    world_create(&world, 4, true);
    world.rules[3].isolated = true;
    world_start(&world, 0);
    for (uint32_t i = 0; i < 4; i++) {
        rig_room(&world.rig[i], 0, 100, &at[i]);
    }
    world_frame(frame, sizeof frame, all, world_mac(&world, 0), 1);
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    got(&world, 1, at[1], frame, sizeof frame, NULL);
    got(&world, 2, at[2], frame, sizeof frame, NULL);
    nothing(&world, 0);
    nothing(&world, 3);
    assert_int_equal(world.sent, 1);
    assert_memory_equal(world.room, frame, sizeof frame);
    world_destroy(&world);
}

static uint16_t sum(const uint8_t *data, uint32_t length)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i + 1u < length; i += 2) {
        total += data[i] * 256u + data[i + 1u];
    }
    total += length % 2u != 0 ? data[length - 1u] * 256u : 0;
    total = total % 65536u + total / 65536u;
    return (uint16_t)(total % 65536u + total / 65536u);
}

/* Passed through to those who know it; completed for the others. */
static void checksums(void **state)
{
    uint8_t frame[200];
    struct world world;
    uint64_t at[3];

    (void)state;
    world_create(&world, 3, true);
    world_start(&world, CSUM);
    rig_reset(&world.rig[2]);
    rig_start(&world.rig[2], VIRTIO_NET_F_CSUM);
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t length = 100u + i;
        struct world_header partial = {
            .flags = 1, .start = (uint16_t)(14u + i % 7u), .offset = (uint16_t)(i % 9u)};
        struct world_header header;
        uint32_t place = (uint32_t)partial.start + partial.offset;

        world_frame(frame, length, all, world_mac(&world, 0), (uint8_t)i);
        world.link.tx_checksum = i % 2u != 0;
        rig_room(&world.rig[1], 0, 300, &at[1]);
        rig_room(&world.rig[2], 0, 300, &at[2]);
        world_send(&world, 0, &partial, frame, length);
        rig_run(&world.rig[0]);
        sent(&world, 0);
        got(&world, 1, at[1], frame, length, &header);
        assert_int_equal(header.flags, 1);
        assert_int_equal(header.start, partial.start);
        assert_int_equal(header.offset, partial.offset);
        assert_int_equal(world.checksum.partial, i % 2u != 0);
        if (world.checksum.partial) {
            assert_int_equal(world.checksum.start, partial.start);
            assert_memory_equal(world.room, frame, length);
        }
        uint16_t expected = (uint16_t)~sum(frame + partial.start, length - partial.start);
        expected = expected != 0 ? expected : 0xffff;
        frame[place] = (uint8_t)(expected / 256u);
        frame[place + 1u] = (uint8_t)expected;
        got(&world, 2, at[2], frame, length, NULL);
        if (!world.checksum.partial) {
            assert_memory_equal(world.room, frame, length);
        }
    }
    world_destroy(&world);
}

/* A sum of 0 means "none" to UDP: the other zero is sent. */
static void a_checksum_of_zero(void **state)
{
    const struct world_header partial = {.flags = 1, .start = 20, .offset = 6};
    uint8_t frame[100] = {0};
    struct world world;
    uint64_t at;

    (void)state;
    world_create(&world, 2, false);
    world_start(&world, VIRTIO_NET_F_CSUM);
    memcpy(frame, world_mac(&world, 1), 6);
    memcpy(frame + 6, world_mac(&world, 0), 6);
    frame[98] = frame[99] = 0xff;
    rig_room(&world.rig[1], 0, 200, &at);
    world_send(&world, 0, &partial, frame, sizeof frame);
    rig_run(&world.rig[0]);
    frame[26] = frame[27] = 0xff;
    got(&world, 1, at, frame, sizeof frame, NULL);
    world_destroy(&world);
}

/* The same with a sender's frame in pieces of any length at any address. */
static void checksums_of_pieces(void **state)
{
    uint8_t frame[1000];
    struct world world;
    uint64_t at;

    (void)state;
    srand(5);
    world_create(&world, 2, false);
    world_start(&world, VIRTIO_NET_F_CSUM);
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t length = 60u + (uint32_t)rand() % 900u, nr = 1, done = 0;
        struct world_header partial = {.flags = 1, .start = (uint16_t)(14 + rand() % 30), .offset = 6};
        struct rig_buffer pieces[8] = {{0}};
        uint64_t from = RIG_BASE + RIG_MEMORY / 2;

        world.rig[0].next = from + 2 * sizeof frame;
        world.rig[1].next = RIG_BASE + RIG_MEMORY / 2 + (uint64_t)rand() % 9u;
        world_frame(frame, length, world_mac(&world, 1), world_mac(&world, 0), (uint8_t)i);
        memcpy(rig_at(&world.rig[0], from), &partial, sizeof partial);
        pieces[0] = (struct rig_buffer){.address = from, .length = sizeof partial};
        for (uint64_t to = from + 16; done < length; nr++) {
            uint32_t part = nr < 7 ? 1u + (uint32_t)rand() % 200u : length;

            part = part < length - done ? part : length - done;
            to += (uint64_t)rand() % 9u;
            memcpy(rig_at(&world.rig[0], to), frame + done, part);
            pieces[nr] = (struct rig_buffer){.address = to, .length = part};
            to += part;
            done += part;
        }
        rig_room(&world.rig[1], 0, 1200, &at);
        rig_add(&world.rig[0], 1, pieces, nr);
        rig_run(&world.rig[0]);
        sent(&world, 0);
        uint16_t expected = (uint16_t)~sum(frame + partial.start, length - partial.start);
        expected = expected != 0 ? expected : 0xffff;
        frame[partial.start + 6u] = (uint8_t)(expected / 256u);
        frame[partial.start + 7u] = (uint8_t)expected;
        got(&world, 1, at, frame, length, NULL);
    }
    world_destroy(&world);
}

static void from_outside(void **state)
{
    const struct link_checksum none = {0}, valid = {.valid = true},
                               partial = {.partial = true, .start = 34, .offset = 6};
    uint8_t frame[100];
    struct world world;
    struct world_header header;
    uint64_t at;

    (void)state;
    world_create(&world, 2, true);
    world_start(&world, VIRTIO_NET_F_GUEST_CSUM);
    world_frame(frame, sizeof frame, world_mac(&world, 1), outside, 1);
    rig_room(&world.rig[1], 0, 200, &at);
    world.link.receive(&world.link, frame, sizeof frame, &none);
    got(&world, 1, at, frame, sizeof frame, NULL);
    rig_room(&world.rig[1], 0, 200, &at);
    world.link.receive(&world.link, frame, sizeof frame, &valid);
    got(&world, 1, at, frame, sizeof frame, &header);
    assert_int_equal(header.flags, 2);
    rig_room(&world.rig[1], 0, 200, &at);
    world.link.receive(&world.link, frame, sizeof frame, &partial);
    got(&world, 1, at, frame, sizeof frame, &header);
    assert_int_equal(header.flags, 1);
    assert_int_equal(header.start, 34);
    world.link.receive(&world.link, frame, sizeof frame, &none); /* no buffer: lost */
    assert_int_equal(world.port[1].counters.no_buffer, 1);
    rig_room(&world.rig[1], 0, 200, &at);
    nothing(&world, 1);
    world.link.receive(&world.link, frame, 13, &none);
    world.link.receive(&world.link, frame, 50,
                       &(struct link_checksum){.partial = true, .start = 45, .offset = 4});
    world.link.receive(&world.link, frame, 50,
                       &(struct link_checksum){.partial = true, .start = 6, .offset = 4});
    nothing(&world, 1);
    nothing(&world, 0);
    world_destroy(&world);
}

/* A set of small buffers becomes visible at once; what does not suffice is kept for the next frame. */
static void merged_buffers(void **state)
{
    uint8_t frame[500], joined[500];
    struct world world;
    uint64_t at[8];
    uint32_t written, done = 0;
    uint16_t buffers;

    (void)state;
    world_create(&world, 2, false);
    world_start(&world, MERGE);
    world_frame(frame, sizeof frame, world_mac(&world, 1), world_mac(&world, 0), 3);
    for (uint32_t i = 0; i < 3; i++) {
        rig_room(&world.rig[1], 0, 128, &at[i]);
    }
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    nothing(&world, 1); /* 384 bytes do not suffice */
    assert_int_equal(world.port[1].counters.no_buffer, 1);
    for (uint32_t i = 3; i < 5; i++) {
        rig_room(&world.rig[1], 0, 128, &at[i]);
    }
    uint32_t before = world.rig[1].interrupts;
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    assert_int_equal(rig_used_idx(&world.rig[1], 0), 4);
    assert_int_equal(world.rig[1].interrupts, before + 1); /* one publication */
    memcpy(&buffers, rig_at(&world.rig[1], at[0]) + 10, 2);
    assert_int_equal(buffers, 4);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t skip = i == 0 ? 12 : 0;

        assert_true(rig_used(&world.rig[1], 0, NULL, &written));
        assert_int_equal(written, i < 3 ? 128 : 128);
        memcpy(joined + done, rig_at(&world.rig[1], at[i]) + skip, written - skip);
        done += written - skip;
    }
    assert_int_equal(done, sizeof frame);
    assert_memory_equal(joined, frame, sizeof frame);
    /* the fifth is still there */
    world_frame(frame, 60, world_mac(&world, 1), world_mac(&world, 0), 4);
    world_send(&world, 0, &plain, frame, 60);
    rig_run(&world.rig[0]);
    got(&world, 1, at[4], frame, 60, NULL);
    world_destroy(&world);
}

static void too_small_buffers_are_kept(void **state)
{
    uint8_t frame[WORLD_FRAME];
    struct world world;
    uint64_t at;

    (void)state;
    world_create(&world, 2, false);
    world_start(&world, 0);
    rig_room(&world.rig[1], 0, 100, &at);
    for (uint32_t i = 0; i < 5; i++) {
        world_frame(frame, 200, world_mac(&world, 1), world_mac(&world, 0), 4);
        world_send(&world, 0, &plain, frame, 200);
        rig_run(&world.rig[0]);
        nothing(&world, 1);
    }
    world_send(&world, 0, &plain, frame, 60);
    rig_run(&world.rig[0]);
    got(&world, 1, at, frame, 60, NULL);
    /* With merging there is a limit to the number. */
    world_destroy(&world);
    world_create(&world, 2, false);
    world_start(&world, MERGE);
    for (uint32_t i = 0; i < 40; i++) {
        rig_room(&world.rig[1], 0, 40, NULL);
    }
    world_frame(frame, 8 * 40 - 11, world_mac(&world, 1), world_mac(&world, 0), 4);
    world_send(&world, 0, &plain, frame, 8 * 40 - 11);
    rig_run(&world.rig[0]);
    nothing(&world, 1);
    world_send(&world, 0, &plain, frame, 8 * 40 - 12);
    rig_run(&world.rig[0]);
    assert_int_equal(rig_used_idx(&world.rig[1], 0), 8);
    world_destroy(&world);
}

/* A sender waits for room on the uplink, and each of its frames goes out once. */
static void a_busy_uplink(void **state)
{
    uint8_t frame[60];
    struct world world;

    (void)state;
    world_create(&world, 2, true);
    world_start(&world, 0);
    world.busy = true;
    for (uint32_t i = 0; i < 3; i++) {
        world_frame(frame, sizeof frame, outside, world_mac(&world, 0), (uint8_t)i);
        world_send(&world, 0, &plain, frame, sizeof frame);
        rig_run(&world.rig[0]);
    }
    assert_int_equal(world.sent, 0);
    assert_false(rig_used(&world.rig[0], 1, NULL, NULL));
    world.busy = false;
    world.link.ready(&world.link);
    assert_true(world.rig[0].device.more);
    assert_false(world.rig[1].device.more);
    rig_run(&world.rig[0]);
    assert_int_equal(world.sent, 3);
    assert_memory_equal(world.room, frame, sizeof frame);
    for (uint32_t i = 0; i < 3; i++) {
        sent(&world, 0);
    }
    world.link.up = false; /* lost, as on a wire that is not there */
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    sent(&world, 0);
    assert_int_equal(world.sent, 3);
    world_destroy(&world);
}

static void a_reset_while_the_uplink_is_busy(void **state)
{
    uint8_t frame[60];
    struct world world;

    (void)state;
    world_create(&world, 1, true);
    world_start(&world, 0);
    world.busy = true;
    world_frame(frame, sizeof frame, outside, world_mac(&world, 0), 1);
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    rig_reset(&world.rig[0]);
    world.busy = false;
    world.link.ready(&world.link);
    rig_run(&world.rig[0]);
    assert_int_equal(world.sent, 0);
    rig_start(&world.rig[0], 0);
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    assert_int_equal(world.sent, 1);
    sent(&world, 0);
    world_destroy(&world);
}

/* Transmissions in flight are returned; receive buffers taken and not used are the next ones. */
static void after_a_crash(void **state)
{
    uint8_t frame[400];
    struct world world;
    uint64_t at[4];

    (void)state;
    world_create(&world, 2, true);
    world_start(&world, MERGE | RINGS);
    world.busy = true;
    world_frame(frame, sizeof frame, outside, world_mac(&world, 0), 1);
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    world.busy = false;
    for (uint32_t i = 0; i < 2; i++) {
        rig_room(&world.rig[1], 0, 128, &at[i]);
    }
    world_frame(frame, sizeof frame, world_mac(&world, 1), outside, 2);
    world.link.receive(&world.link, frame, sizeof frame, &(struct link_checksum){0});
    world_crash(&world);
    rig_run(&world.rig[0]);
    rig_run(&world.rig[1]);
    sent(&world, 0);
    assert_int_equal(world.sent, 0);
    nothing(&world, 1);
    for (uint32_t i = 2; i < 4; i++) {
        rig_room(&world.rig[1], 0, 128, &at[i]);
    }
    world.link.receive(&world.link, frame, sizeof frame, &(struct link_checksum){0});
    assert_int_equal(rig_used_idx(&world.rig[1], 0), 4);
    assert_memory_equal(rig_at(&world.rig[1], at[0]) + 12, frame, 116);
    assert_memory_equal(rig_at(&world.rig[1], at[3]), frame + 372, 28);
    world_frame(frame, 60, outside, world_mac(&world, 0), 3);
    world_send(&world, 0, &plain, frame, 60);
    rig_run(&world.rig[0]);
    sent(&world, 0);
    assert_int_equal(world.sent, 1);
    world_destroy(&world);
}

static void a_limited_port_waits_for_the_clock(void **state)
{
    uint8_t frame[1000];
    struct world world;
    uint32_t done = 0;

    (void)state;
    world_create(&world, 2, true);
    world.rate[0] = 8000; /* 1 byte in a microsecond */
    world_start(&world, RINGS);
    world_frame(frame, sizeof frame, outside, world_mac(&world, 0), 1);
    while (world.now < 100000000u) {
        while (world.rig[0].ring[1].nr_free > 8) {
            world.rig[0].next =
                world.rig[0].next > RIG_BASE + RIG_MEMORY / 2 ? RIG_BASE + RIG_MEMORY / 4 : world.rig[0].next;
            world_send(&world, 0, &plain, frame, sizeof frame);
        }
        rig_run(&world.rig[0]);
        while (rig_used(&world.rig[0], 1, NULL, NULL)) {
            done++;
        }
        assert_int_not_equal(world.alarm, 0);
        world.now = world.alarm;
        world.alarm = 0;
        net_alarm(&world.net);
        assert_true(world.rig[0].device.more);
    }
    assert_int_equal(done, world.sent);
    assert_in_range(done, 98, 112); /* 100 ms, of frames of 1,012 bytes, and the bucket of 10,000 */
    world_destroy(&world);
}

/* Each is a frame of port 0 that must not arrive; the next good one must. */
static void bad_frames_are_dropped(void **state)
{
    static const struct {
        struct world_header header;
        uint32_t length;
    } bad[] = {
        {.length = 13},
        {.length = 0},
        {.length = WORLD_FRAME + 1},
        {.length = 16000},
        {.header = {.gso_type = 1}, .length = 100},
        {.header = {.flags = 1, .start = 13, .offset = 6}, .length = 100},
        {.header = {.flags = 1, .start = 0, .offset = 0}, .length = 100},
        {.header = {.flags = 1, .start = 97, .offset = 2}, .length = 100},
        {.header = {.flags = 1, .start = 65535, .offset = 65535}, .length = 100},
    };
    uint8_t frame[16000];
    struct world world;
    uint64_t at;

    (void)state;
    world_create(&world, 2, true);
    world_start(&world, CSUM);
    rig_room(&world.rig[1], 0, 2000, &at);
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        world.rig[0].next = RIG_BASE + RIG_MEMORY / 2;
        world_frame(frame, sizeof frame, world_mac(&world, 1), world_mac(&world, 0), 1);
        world_send(&world, 0, &bad[i].header, frame, bad[i].length);
        rig_run(&world.rig[0]);
        sent(&world, 0);
        nothing(&world, 1);
        assert_int_equal(world.port[0].counters.malformed, i + 1);
    }
    world_frame(frame, 100, world_mac(&world, 1), world_mac(&world, 1), 1); /* another's address */
    world_send(&world, 0, &plain, frame, 100);
    rig_run(&world.rig[0]);
    sent(&world, 0);
    assert_int_equal(world.port[0].counters.refused, 1);
    nothing(&world, 1);
    world_frame(frame, 100, world_mac(&world, 1), world_mac(&world, 0), 1);
    world_send(&world, 0, &plain, frame, 100);
    rig_run(&world.rig[0]);
    got(&world, 1, at, frame, 100, NULL);
    assert_int_equal(world.sent, 0);
    world_destroy(&world);
}

/* What breaks the rules of the rings costs the offender its device, and nobody else anything. */
static void offenders_need_a_reset(void **state)
{
    uint8_t frame[100], bytes[112] = {0};
    uint64_t at;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        struct world world;

        world_create(&world, 3, true);
        world_start(&world, MERGE);
        rig_room(&world.rig[2], 0, 200, &at);
        if (i == 0) { /* a transmission that is to be written */
            rig_room(&world.rig[0], 1, 200, NULL);
        } else if (i == 1) { /* a receive buffer that is to be read */
            rig_send(&world.rig[0], 0, frame, 100);
        } else if (i == 2) { /* no room for the header */
            rig_room(&world.rig[0], 0, 11, NULL);
        } else {
            struct rig_buffer wild = {.address = RIG_BASE + RIG_MEMORY - 50, .length = 100};
            rig_add(&world.rig[0], 1, &wild, 1);
        }
        world_frame(frame, sizeof frame, all, world_mac(&world, 1), 1);
        memcpy(bytes + 12, frame, sizeof frame);
        world_send(&world, 1, &plain, frame, sizeof frame);
        rig_run(&world.rig[0]);
        rig_run(&world.rig[1]);
        assert_true(rig_failed(&world.rig[0]));
        assert_false(rig_failed(&world.rig[1]) || rig_failed(&world.rig[2]));
        sent(&world, 1);
        got(&world, 2, at, frame, sizeof frame, NULL);
        rig_reset(&world.rig[0]);
        rig_start(&world.rig[0], MERGE);
        rig_room(&world.rig[0], 0, 200, &at);
        world_frame(frame, sizeof frame, world_mac(&world, 0), world_mac(&world, 1), 1);
        world_send(&world, 1, &plain, frame, sizeof frame);
        rig_run(&world.rig[1]);
        got(&world, 0, at, frame, sizeof frame, NULL);
        world_destroy(&world);
    }
}

static void forge(struct world *world)
{
    uint8_t *frame = rig_at(&world->rig[0], RIG_BASE + RIG_MEMORY / 2);

    memset(frame + 12, 0xee, 14); /* both addresses, after they were read */
}

/* The header that was judged is what arrives. */
static void a_header_that_changes_meanwhile(void **state)
{
    uint8_t frame[100];
    struct world world;
    uint64_t at;

    (void)state;
    world_create(&world, 2, true);
    world_start(&world, 0);
    rig_room(&world.rig[1], 0, 200, &at);
    world.rig[0].next = RIG_BASE + RIG_MEMORY / 2;
    world_frame(frame, sizeof frame, world_mac(&world, 1), world_mac(&world, 0), 1);
    world_send(&world, 0, &plain, frame, sizeof frame);
    world.on_clock = forge;
    rig_run(&world.rig[0]);
    assert_int_equal(rig_at(&world.rig[0], RIG_BASE + RIG_MEMORY / 2)[12], 0xee);
    got(&world, 1, at, frame, sizeof frame, NULL);
    world_destroy(&world);
}

/* What was learned from a frontend goes with it. */
static void a_reset_forgets_addresses(void **state)
{
    uint8_t frame[60];
    struct world world;

    (void)state;
    world_create(&world, 2, true);
    world.rules[1].any_source = true;
    world_start(&world, 0);
    world_frame(frame, sizeof frame, all, outside, 1);
    world_send(&world, 1, &plain, frame, sizeof frame);
    rig_run(&world.rig[1]);
    assert_int_equal(world.sent, 1);
    world_frame(frame, sizeof frame, outside, world_mac(&world, 0), 1);
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    assert_int_equal(world.sent, 1); /* it is behind port 1 */
    rig_reset(&world.rig[1]);
    world_send(&world, 0, &plain, frame, sizeof frame);
    rig_run(&world.rig[0]);
    assert_int_equal(world.sent, 2);
    world_destroy(&world);
}

static void configuration(void **state)
{
    struct world world;

    (void)state;
    world_create(&world, 2, true);
    world.rules[1].isolated = true;
    world_start(&world, VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_MTU);
    assert_int_equal(device_read(&world.rig[1].device, 0x100, 4), 2);
    assert_int_equal(device_read(&world.rig[1].device, 0x104, 2), 0x100);
    assert_int_equal(device_read(&world.rig[1].device, 0x105, 1), 1);
    assert_int_equal(device_read(&world.rig[1].device, 0x106, 2), 1);
    assert_int_equal(device_read(&world.rig[1].device, 0x10a, 2), 1500);
    device_write(&world.rig[1].device, 0x100, 1, 7);
    assert_int_equal(device_read(&world.rig[1].device, 0x100, 1), 2);
    uint32_t before = world.rig[1].interrupts, generation = device_read(&world.rig[1].device, 0xfc, 4);
    world.link.up = false;
    world.link.changed(&world.link);
    assert_int_equal(device_read(&world.rig[1].device, 0x106, 2), 0);
    assert_int_equal(device_read(&world.rig[0].device, 0x106, 2), 1);
    assert_int_equal(world.rig[1].interrupts, before + 1);
    assert_int_not_equal(device_read(&world.rig[1].device, 0xfc, 4), generation);
    world_destroy(&world);
}

static void runs_are_bounded(void **state)
{
    uint8_t frame[60];
    struct world world;

    (void)state;
    world_create(&world, 1, true);
    world_start(&world, 0);
    world_frame(frame, sizeof frame, outside, world_mac(&world, 0), 1);
    for (uint32_t i = 0; i < RIG_QUEUE; i++) {
        world_send(&world, 0, &plain, frame, sizeof frame);
    }
    assert_true(device_run(&world.rig[0].device));
    assert_int_equal(world.sent, NET_RUN);
    assert_int_equal(rig_used_idx(&world.rig[0], 1), NET_RUN);
    rig_run(&world.rig[0]);
    assert_int_equal(world.sent, RIG_QUEUE);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_from_one_to_the_other),
        cmocka_unit_test(frames_in_pieces),
        cmocka_unit_test(broadcasts_reach_everybody),
        cmocka_unit_test(checksums),
        cmocka_unit_test(a_checksum_of_zero),
        cmocka_unit_test(checksums_of_pieces),
        cmocka_unit_test(from_outside),
        cmocka_unit_test(merged_buffers),
        cmocka_unit_test(too_small_buffers_are_kept),
        cmocka_unit_test(a_busy_uplink),
        cmocka_unit_test(a_reset_while_the_uplink_is_busy),
        cmocka_unit_test(after_a_crash),
        cmocka_unit_test(a_limited_port_waits_for_the_clock),
        cmocka_unit_test(bad_frames_are_dropped),
        cmocka_unit_test(offenders_need_a_reset),
        cmocka_unit_test(a_header_that_changes_meanwhile),
        cmocka_unit_test(a_reset_forgets_addresses),
        cmocka_unit_test(configuration),
        cmocka_unit_test(runs_are_bounded),
    };

    return cmocka_run_group_tests_name("devices_net", tests, NULL, NULL);
}
