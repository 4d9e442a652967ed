/* SPDX-License-Identifier: Apache-2.0 */
/* What VIRTIO 1.2 demands of network, console and entropy devices and no other test of this folder shows
 * (docs/virtio-conformance.md). */
#include "net_world.h"

#include "devices/console.h"
#include "devices/entropy.h"

#define COMMON (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET)
#define VLAN   18u /* bytes of an Ethernet header with a tag */

static uint64_t offered(struct rig *rig)
{
    uint64_t features;

    device_write(&rig->device, 0x14, 4, 0);
    features = device_read(&rig->device, 0x10, 4);
    device_write(&rig->device, 0x14, 4, 1);
    return features | (uint64_t)device_read(&rig->device, 0x10, 4) << 32;
}

static uint32_t discard(struct text *text, const uint8_t *data, uint32_t length)
{
    (void)text;
    (void)data;
    return length;
}

struct terminal {
    struct text text;
    struct console_mux mux;
    struct console console;
    struct rig rig;
};

static void console_create(struct terminal *t, uint32_t queues, uint64_t features)
{
    memset(t, 0, sizeof *t);
    t->text.put = discard;
    console_mux_init(&t->mux, &t->text);
    rig_create(&t->rig, queues);
    t->console.device = &t->rig.device;
    t->console.name = "one";
    assert_true(console_add(&t->mux, &t->console));
    rig_start(&t->rig, features);
    rig_run(&t->rig);
}

/* 2.2.1: exactly what the manual says; nothing that needs what is not offered (5.1.3.1, 5.2.5.2). */
static void what_is_offered(void **state)
{
    struct entropy entropy;
    struct terminal t;
    struct world world;
    struct rig rig;

    (void)state;
    world_create(&world, 1, true);
    world_start(&world, 0);
    assert_true(offered(&world.rig[0]) ==
                (COMMON | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC |
                 VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_STATUS));
    world_destroy(&world);
    for (uint32_t queues = 2; queues <= 6; queues += 4) {
        console_create(&t, queues, 0);
        assert_true(offered(&t.rig) == (COMMON | VIRTIO_CONSOLE_F_SIZE | VIRTIO_CONSOLE_F_EMERG_WRITE |
                                        (queues == 2 ? 0 : VIRTIO_CONSOLE_F_MULTIPORT)));
        rig_destroy(&t.rig);
    }
    entropy_init(&entropy, NULL);
    rig_create(&rig, 1);
    assert_true(entropy_add(&entropy, &rig.device));
    rig_start(&rig, 0);
    assert_true(offered(&rig) == COMMON);
    rig_destroy(&rig);
}

/* The buffer of port 1 that the next frame comes to. */
static uint64_t place;

static void make_place(struct world *world)
{
    if (place == 0) {
        rig_room(&world->rig[1], 0, 1600, &place);
    }
}

static bool arrived(struct world *world, uint64_t *at)
{
    bool is_there = rig_used(&world->rig[1], 0, NULL, NULL);

    *at = place;
    place = is_there ? 0 : place;
    return is_there;
}

static void deliver(struct world *world, const uint8_t *frame, uint32_t length,
                    const struct world_header *header, bool arrives)
{
    uint64_t at;

    make_place(world);
    world_send(world, 0, header, frame, length);
    rig_run(&world->rig[0]);
    assert_true(rig_used(&world->rig[0], 1, NULL, NULL));
    assert_int_equal(arrived(world, &at), arrives);
    if (arrives) {
        static const struct world_header plain = {.buffers = 1};

        assert_memory_equal(rig_at(&world->rig[1], at), &plain, sizeof plain);
        assert_memory_equal(rig_at(&world->rig[1], at) + sizeof plain, frame, length);
    }
}

/* 5.1.6.2.2: a sender's flags that nobody knows are ignored, and so are the places of a checksum that was not
 * asked for. 5.1.6.4.1: without the features for it a receiver's header is all zero, but one buffer. */
static void header_of_a_frame(void **state)
{
    static const struct world_header headers[] = {
        {.flags = 0},
        {.flags = 0xf8},
        {.flags = 2},
        {.flags = 4},
        {.start = 65535, .offset = 65535},
        {.start = 20, .offset = 2},
        {.header_length = 65535, .gso_size = 65535, .buffers = 65535},
    };
    uint8_t frame[200];
    struct world world;

    (void)state;
    for (uint32_t merge = 0; merge < 2; merge++) {
        world_create(&world, 2, false);
        place = 0;
        world_start(&world, VIRTIO_NET_F_CSUM | (merge != 0 ? VIRTIO_NET_F_MRG_RXBUF : 0));
        for (uint32_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
            world_frame(frame, sizeof frame, world_mac(&world, 1), world_mac(&world, 0), (uint8_t)i);
            deliver(&world, frame, sizeof frame, &headers[i], true);
        }
        world_destroy(&world);
    }
}

/* 5.1.4.1: what has the MTU behind its Ethernet header is forwarded in one piece, and nothing that is longer,
 * from another frontend or from outside. */
static void longest_frame(void **state)
{
    static const uint8_t outside[6] = {2, 0, 0, 0, 1, 1};
    static const struct world_header plain = {0};
    const struct link_checksum none = {0};
    uint8_t frame[1600];
    struct world world;
    uint64_t at;

    (void)state;
    world_create(&world, 2, true);
    place = 0;
    world_start(&world, VIRTIO_NET_F_MTU);
    assert_int_equal(device_read(&world.rig[0].device, 0x10a, 2), 1500);
    for (uint32_t tagged = 0; tagged < 2; tagged++) {
        uint32_t most = 1500 + (tagged != 0 ? VLAN : VLAN - 4);

        for (uint32_t length = most - 2; length <= 1520; length++) {
            world_frame(frame, sizeof frame, world_mac(&world, 1), world_mac(&world, 0), (uint8_t)length);
            frame[12] = tagged != 0 ? 0x81 : 0x08;
            frame[13] = 0;
            deliver(&world, frame, length, &plain, length <= most);
            memcpy(frame + 6, outside, sizeof outside);
            make_place(&world);
            world.link.receive(&world.link, frame, length, &none);
            assert_int_equal(arrived(&world, &at), length <= most);
            memcpy(frame, outside, sizeof outside);
            memcpy(frame + 6, world_mac(&world, 0), 6);
            world.sent = 0;
            world_send(&world, 0, &plain, frame, length);
            rig_run(&world.rig[0]);
            assert_int_equal(world.sent, length <= most);
            assert_true(rig_used(&world.rig[0], 1, NULL, NULL));
        }
    }
    world_destroy(&world);
}

/* The messages that the driver gets until there is no more: how many ADD messages for each port. */
static void count_adds(struct terminal *t, uint32_t *adds)
{
    uint64_t at[8];

    for (uint32_t i = 0; i < 8; i++) {
        rig_room(&t->rig, 2, 8, &at[i]);
    }
    rig_run(&t->rig);
    for (uint32_t i = 0; i < 8 && rig_used(&t->rig, 2, NULL, NULL); i++) {
        const uint8_t *message = rig_at(&t->rig, at[i]);

        assert_int_equal(message[1] + message[2] + message[3], 0);
        assert_true(message[0] < 2);
        adds[message[0]] += message[4] == 1 && message[5] == 0;
    }
}

/* 5.3.6.2.1: no port is added that exists, or that has a number beyond the last; a reset ends them all. */
static void ports_are_added_once(void **state)
{
    static const uint8_t ready[8] = {0, 0, 0, 0, 0, 0, 1, 0};
    struct terminal t;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t adds[2] = {0, 0};

        console_create(&t, 6, VIRTIO_CONSOLE_F_MULTIPORT);
        for (uint32_t times = 0; times <= i; times++) {
            rig_send(&t.rig, 3, ready, sizeof ready);
            rig_run(&t.rig);
        }
        count_adds(&t, adds);
        for (uint32_t times = 0; times < i; times++) {
            rig_send(&t.rig, 3, ready, sizeof ready);
            rig_run(&t.rig);
        }
        if (i == 3) {
            rig_run(&t.rig);
        }
        assert_false(rig_used(&t.rig, 2, NULL, NULL));
        assert_int_equal(adds[0], 1);
        assert_int_equal(adds[1], 1);
        rig_reset(&t.rig);
        rig_start(&t.rig, VIRTIO_CONSOLE_F_MULTIPORT);
        rig_send(&t.rig, 3, ready, sizeof ready);
        count_adds(&t, adds);
        assert_int_equal(adds[0], 2);
        assert_int_equal(adds[1], 2);
        rig_destroy(&t.rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_offered),
        cmocka_unit_test(header_of_a_frame),
        cmocka_unit_test(longest_frame),
        cmocka_unit_test(ports_are_added_once),
    };

    return cmocka_run_group_tests_name("device classes: what no other test shows", tests, NULL, NULL);
}
