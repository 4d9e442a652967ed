/* SPDX-License-Identifier: Apache-2.0 */
/* What one side promises to an honest peer: layout, limits, order, room, wrap-around, marks, restarts. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define RING(region) ((region) - BH_CHANNEL_HEADER_SIZE)

static void fill(unsigned char *to, uint64_t number, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        to[i] = pattern(number, i);
}

static void assert_pattern(const unsigned char *data, uint64_t number, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(data[i], pattern(number, i));
}

static bool send_one(struct pair *pair, unsigned side, uint64_t number, uint32_t length)
{
    unsigned char *data = malloc(length + 1u);
    bool ring = true;

    fill(data, number, length);
    assert_int_equal(bh_channel_send(&pair->side[side], data, length, &ring), BH_CHANNEL_OK);
    free(data);
    return ring;
}

static bool receive_one(struct pair *pair, unsigned side, uint64_t number, uint32_t length)
{
    unsigned char *data = malloc(length + 1u);
    uint32_t got = ~0u;
    bool ring = true;

    data[length] = 0x5a;
    assert_int_equal(bh_channel_receive(&pair->side[side], data, length, &got, &ring), BH_CHANNEL_OK);
    assert_int_equal(got, length);
    assert_pattern(data, number, length);
    assert_int_equal(data[length], 0x5a);
    free(data);
    return ring;
}

static void assert_empty(struct pair *pair, unsigned side)
{
    struct bh_channel_message message;

    assert_int_equal(bh_channel_peek(&pair->side[side], &message), BH_CHANNEL_EMPTY);
}

/* The bytes of the layout as the header file writes them down. */
static void layout_is_as_written(void **state)
{
    struct pair pair;
    const unsigned char *bytes;
    uint64_t word;

    (void)state;
    pair_create(&pair, 4096);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    bytes = (const unsigned char *)pair.rx[1];
    assert_memory_equal(bytes, "BHCH\1\0\0\0\1\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0", 24);
    memcpy(&word, bytes + 192, 8);
    assert_int_equal(word, BH_CHANNEL_NEVER);
    memcpy(&word, bytes + 256, 8);
    assert_int_equal(word, BH_CHANNEL_NEVER);
    send_one(&pair, 0, 1, 5);
    assert_memory_equal(bytes + 64, "\x10\0\0\0\0\0\0\0", 8);
    assert_memory_equal(bytes + 512, "\5\0\0\0\1\0\0\0", 8);
    send_one(&pair, 0, 2, 1);
    assert_memory_equal(bytes + 64, "\x20\0\0\0\0\0\0\0", 8);
    assert_memory_equal(bytes + 512 + 16, "\1\0\0\0\1\0\2\0", 8);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    receive_one(&pair, 1, 1, 5);
    assert_memory_equal((const unsigned char *)pair.rx[0] + 128, "\x10\0\0\0\0\0\0\0", 8);
    pair_destroy(&pair);
}

static void open_checks_sizes_and_alignment(void **state)
{
    static const struct {
        uint64_t region;
        bool good;
    } cases[] = {{0, false},
                 {8, false},
                 {BH_CHANNEL_HEADER_SIZE, false},
                 {BH_CHANNEL_MIN_REGION - 8, false},
                 {BH_CHANNEL_MIN_REGION, true},
                 {BH_CHANNEL_MIN_REGION + 4, false},
                 {BH_CHANNEL_MIN_REGION + 8, true},
                 {(uint64_t)BH_CHANNEL_MAX_REGION + 8, false},
                 {1ull << 40, false},
                 {~0ull - 7, false},
                 {~0ull, false}};
    struct pair pair;
    struct bh_channel channel;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pair_create(&pair, 4096);
        assert_int_equal(bh_channel_open(&channel, pair.tx[0], pair.rx[0], cases[i].region, 0),
                         cases[i].good ? BH_CHANNEL_OK : BH_CHANNEL_BAD_REGION);
        assert_int_equal(pair.tx[0]->format != 0, cases[i].good);
        pair_destroy(&pair);
    }
    pair_create(&pair, 4096);
    assert_int_equal(bh_channel_open(&channel, (char *)pair.tx[0] + 4, pair.rx[0], 1024, 0),
                     BH_CHANNEL_BAD_REGION);
    assert_int_equal(bh_channel_open(&channel, pair.tx[0], (const char *)pair.rx[0] + 1, 1024, 0),
                     BH_CHANNEL_BAD_REGION);
    pair_destroy(&pair);
}

static void open_refuses_a_region_of_something_else(void **state)
{
    static const struct bh_channel_header bad[] = {
        {.format = 1},
        {.format = BH_CHANNEL_FORMAT + (1ull << 32), .size = 4096},
        {.format = BH_CHANNEL_FORMAT, .size = 8192},
        {.format = BH_CHANNEL_FORMAT, .size = 0},
        {.produced = 8},
        {.consumed = 8},
        {.format = BH_CHANNEL_FORMAT, .size = 4096, .produced = 4},
        {.format = BH_CHANNEL_FORMAT, .size = 4096, .consumed = 1},
        {.format = BH_CHANNEL_FORMAT, .size = 4096, .produced = 1ull << 63},
        {.format = BH_CHANNEL_FORMAT, .size = 4096, .consumed = ~7ull},
    };
    struct pair pair;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        pair_create(&pair, 4096);
        *pair.tx[0] = bad[i];
        assert_int_equal(bh_channel_open(&pair.side[0], pair.tx[0], pair.rx[0], 4096, 0),
                         BH_CHANNEL_BAD_REGION);
        assert_memory_equal(pair.tx[0], &bad[i], sizeof(bad[i]));
        pair_destroy(&pair);
    }
}

static void lengths_up_to_the_limit(void **state)
{
    static const uint64_t regions[] = {
        BH_CHANNEL_MIN_REGION, BH_CHANNEL_MIN_REGION + 8, 1000, 4096, 12288, 1 << 20};
    struct pair pair;

    (void)state;
    for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++) {
        uint32_t longest;
        unsigned char *data;
        void *place;
        bool ring;

        pair_create(&pair, regions[i]);
        pair_open(&pair, 0, BH_CHANNEL_KEEP);
        pair_open(&pair, 1, BH_CHANNEL_KEEP);
        longest = bh_channel_max_message(&pair.side[0]);
        assert_true(longest + 8u <= RING(regions[i]) / 2u && longest + 24u > RING(regions[i]) / 2u);
        data = calloc(1, longest + 1u);
        assert_int_equal(bh_channel_send(&pair.side[0], data, longest + 1u, &ring), BH_CHANNEL_TOO_LONG);
        assert_false(ring);
        assert_int_equal(bh_channel_send(&pair.side[0], data, ~0u, &ring), BH_CHANNEL_TOO_LONG);
        assert_int_equal(bh_channel_reserve(&pair.side[0], longest + 1u, &place), BH_CHANNEL_TOO_LONG);
        assert_int_equal(bh_channel_reserve(&pair.side[0], ~0u - 6u, &place), BH_CHANNEL_TOO_LONG);
        assert_empty(&pair, 1);
        /* The longest and the shortest, wherever the ring's end is: the offset walks over the whole ring. */
        for (uint32_t n = 0; n < 3u * RING(regions[i]) / 8u && n < 2000u; n++) {
            send_one(&pair, 0, n, longest);
            receive_one(&pair, 1, n, longest);
            send_one(&pair, 0, n, 0);
            receive_one(&pair, 1, n, 0);
        }
        assert_empty(&pair, 1);
        free(data);
        pair_destroy(&pair);
    }
}

static void full_when_no_room_and_not_before(void **state)
{
    struct pair pair;
    unsigned char data[56] = {0};
    bool ring;
    unsigned sent = 0;

    (void)state;
    pair_create(&pair, BH_CHANNEL_HEADER_SIZE + 640);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    for (unsigned round = 0; round < 5; round++) {
        while (bh_channel_send(&pair.side[0], data, sizeof(data), &ring) == BH_CHANNEL_OK)
            sent++;
        assert_int_equal(sent, 10); /* 640 / 64 */
        assert_int_equal(bh_channel_send(&pair.side[0], data, 0, &ring), BH_CHANNEL_FULL);
        assert_false(ring);
        for (; sent > 0; sent--) {
            uint32_t length;

            assert_int_equal(bh_channel_receive(&pair.side[1], data, sizeof(data), &length, &ring),
                             BH_CHANNEL_OK);
        }
        assert_empty(&pair, 1);
    }
    pair_destroy(&pair);
}

static void reserve_commit_publish(void **state)
{
    struct pair pair;
    void *place, *again;

    (void)state;
    pair_create(&pair, 4096);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    assert_int_equal(bh_channel_commit(&pair.side[0], 0), BH_CHANNEL_TOO_LONG);
    assert_int_equal(bh_channel_reserve(&pair.side[0], 100, &place), BH_CHANNEL_OK);
    assert_int_equal(bh_channel_reserve(&pair.side[0], 50, &again), BH_CHANNEL_OK);
    assert_ptr_equal(place, again);
    assert_int_equal(bh_channel_commit(&pair.side[0], 57), BH_CHANNEL_TOO_LONG);
    fill(again, 1, 40);
    assert_int_equal(bh_channel_commit(&pair.side[0], 40), BH_CHANNEL_OK);
    assert_int_equal(bh_channel_commit(&pair.side[0], 0), BH_CHANNEL_TOO_LONG);
    assert_int_equal(bh_channel_reserve(&pair.side[0], 9, &again), BH_CHANNEL_OK);
    assert_ptr_equal(again, (char *)place + 48);
    fill(again, 2, 9);
    assert_int_equal(bh_channel_commit(&pair.side[0], 9), BH_CHANNEL_OK);
    assert_int_equal(bh_channel_put(&pair.side[0], "", 0), BH_CHANNEL_OK);
    assert_empty(&pair, 1);
    bh_channel_publish(&pair.side[0]);
    assert_false(bh_channel_publish(&pair.side[0]));
    receive_one(&pair, 1, 1, 40);
    receive_one(&pair, 1, 2, 9);
    receive_one(&pair, 1, 0, 0);
    assert_empty(&pair, 1);
    /* A reservation that sends drops. */
    assert_int_equal(bh_channel_reserve(&pair.side[0], 64, &place), BH_CHANNEL_OK);
    send_one(&pair, 0, 7, 3);
    assert_int_equal(bh_channel_commit(&pair.side[0], 0), BH_CHANNEL_TOO_LONG);
    receive_one(&pair, 1, 7, 3);
    pair_destroy(&pair);
}

static void peek_consume_release(void **state)
{
    struct pair pair;
    struct bh_channel_message message[3], more;
    uint32_t length = 0;
    bool ring;

    (void)state;
    pair_create(&pair, 4096);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    bh_channel_consume(&pair.side[1]);
    assert_false(bh_channel_release(&pair.side[1]));
    for (unsigned i = 0; i < 3; i++)
        send_one(&pair, 0, i, 10 + i);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(bh_channel_peek(&pair.side[1], &message[i]), BH_CHANNEL_OK);
        assert_int_equal(bh_channel_peek(&pair.side[1], &more), BH_CHANNEL_OK);
        assert_ptr_equal(more.data, message[i].data);
        bh_channel_consume(&pair.side[1]);
        bh_channel_consume(&pair.side[1]);
    }
    assert_empty(&pair, 1);
    assert_int_equal(pair.tx[1]->consumed, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(message[i].length, 10 + i);
        assert_int_equal(message[i].generation, 1);
        assert_int_equal((uintptr_t)message[i].data % 8, 0);
        assert_pattern(message[i].data, i, message[i].length);
        assert_true(i == 0 || message[i].position > message[i - 1].position);
    }
    bh_channel_release(&pair.side[1]);
    assert_int_equal(pair.tx[1]->consumed, pair.tx[0]->produced);
    /* A buffer that is too small leaves the message. */
    send_one(&pair, 0, 4, 20);
    assert_int_equal(bh_channel_receive(&pair.side[1], message, 19, &length, &ring), BH_CHANNEL_TOO_LONG);
    assert_int_equal(length, 20);
    assert_false(ring);
    receive_one(&pair, 1, 4, 20);
    pair_destroy(&pair);
}

/* Every alignment of both buffers, every length up to 40: and not a byte more. */
static void copies_of_every_alignment(void **state)
{
    _Alignas(8) unsigned char in[64], out[64];
    struct pair pair;
    uint32_t length;
    bool ring;

    (void)state;
    pair_create(&pair, 4096);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    for (unsigned from = 0; from < 8; from++)
        for (unsigned to = 0; to < 8; to++)
            for (uint32_t n = 0; n <= 40; n++) {
                fill(in + from, n, n);
                memset(out, 0xee, sizeof(out));
                assert_int_equal(bh_channel_send(&pair.side[0], in + from, n, &ring), BH_CHANNEL_OK);
                assert_int_equal(bh_channel_receive(&pair.side[1], out + to, n, &length, &ring),
                                 BH_CHANNEL_OK);
                assert_pattern(out + to, n, n);
                for (unsigned i = 0; i < sizeof(out); i++)
                    assert_true((i >= to && i < to + n) || out[i] == 0xee);
            }
    pair_destroy(&pair);
}

static void doorbells_only_when_asked(void **state)
{
    struct pair pair;
    unsigned i = 0;
    bool ring = false;
    unsigned char data[56] = {0};

    (void)state;
    pair_create(&pair, BH_CHANNEL_HEADER_SIZE + 640);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    /* The peer never opened its side: its mark is 0, the first message rings. */
    assert_true(send_one(&pair, 0, 0, 8));
    assert_false(send_one(&pair, 0, 0, 8));
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    assert_false(send_one(&pair, 0, 0, 8));
    /* There is data: do not sleep. Once all is read: sleep, one ring for the first message only. */
    assert_false(bh_channel_prepare_wait_data(&pair.side[1]));
    for (i = 0; i < 3; i++)
        receive_one(&pair, 1, 0, 8);
    assert_true(bh_channel_prepare_wait_data(&pair.side[1]));
    assert_true(bh_channel_prepare_wait_data(&pair.side[1]));
    fill(data, 0, 8);
    assert_int_equal(bh_channel_put(&pair.side[0], data, 8), BH_CHANNEL_OK);
    assert_int_equal(bh_channel_put(&pair.side[0], data, 8), BH_CHANNEL_OK);
    assert_true(bh_channel_publish(&pair.side[0]));
    assert_false(send_one(&pair, 0, 0, 8));
    assert_false(bh_channel_prepare_wait_data(&pair.side[1]));
    receive_one(&pair, 1, 0, 8);
    while (bh_channel_receive(&pair.side[1], data, sizeof(data), &i, &ring) == BH_CHANNEL_OK)
        assert_false(ring);
    assert_true(bh_channel_prepare_wait_data(&pair.side[1]));
    bh_channel_cancel_wait_data(&pair.side[1]);
    assert_false(send_one(&pair, 0, 0, 8));
    receive_one(&pair, 1, 0, 8);
    pair_destroy(&pair);
}

/* A sender that waits for room for 200 bytes is woken when they have room, once, and not before. */
static void doorbells_for_room(void **state)
{
    struct pair pair;
    unsigned char data[200] = {0};
    bool ring;

    (void)state;
    for (unsigned start = 0; start < 12; start++) {
        unsigned rings = 0;

        pair_create(&pair, BH_CHANNEL_HEADER_SIZE + 640);
        pair_open(&pair, 0, BH_CHANNEL_KEEP);
        pair_open(&pair, 1, BH_CHANNEL_KEEP);
        assert_false(bh_channel_prepare_wait_space(&pair.side[0], 200));
        assert_false(bh_channel_prepare_wait_space(&pair.side[0], 2000));
        for (unsigned i = 0; i < start; i++) {
            send_one(&pair, 0, 0, 56);
            receive_one(&pair, 1, 0, 56);
        }
        while (bh_channel_send(&pair.side[0], data, 56, &ring) == BH_CHANNEL_OK)
            ;
        assert_int_equal(bh_channel_send(&pair.side[0], data, 200, &ring), BH_CHANNEL_FULL);
        assert_true(bh_channel_prepare_wait_space(&pair.side[0], 200));
        for (unsigned i = 0; i < 10; i++) {
            uint32_t length;
            bool room;

            assert_int_equal(bh_channel_receive(&pair.side[1], data, 56, &length, &ring), BH_CHANNEL_OK);
            rings += ring;
            room = bh_channel_send(&pair.side[0], data, 200, &ring) == BH_CHANNEL_OK;
            assert_int_equal(room, rings > 0);
            if (room)
                break;
        }
        assert_int_equal(rings, 1);
        assert_false(bh_channel_prepare_wait_space(&pair.side[0], 8) &&
                     bh_channel_send(&pair.side[0], data, 8, &ring) == BH_CHANNEL_OK);
        bh_channel_cancel_wait_space(&pair.side[0]);
        assert_int_equal(pair.tx[0]->wake_space, BH_CHANNEL_NEVER);
        pair_destroy(&pair);
    }
}

static void restart_of_a_sender(void **state)
{
    struct pair pair;
    struct bh_channel_message message;

    (void)state;
    pair_create(&pair, 4096);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    assert_int_equal(bh_channel_peer_state(&pair.side[1]), BH_CHANNEL_PEER_ABSENT);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    assert_int_equal(bh_channel_peer_state(&pair.side[1]), BH_CHANNEL_PEER_NEW);
    assert_int_equal(bh_channel_peer_state(&pair.side[1]), BH_CHANNEL_OK);
    send_one(&pair, 0, 1, 30);
    assert_int_equal(bh_channel_put(&pair.side[0], "lost", 4), BH_CHANNEL_OK);
    pair_open(&pair, 0, BH_CHANNEL_DISCARD);
    assert_int_equal(pair.side[0].generation, 2);
    send_one(&pair, 0, 2, 40);
    assert_int_equal(bh_channel_peer_state(&pair.side[1]), BH_CHANNEL_PEER_NEW);
    assert_int_equal(pair.side[1].peer_generation, 2);
    assert_int_equal(bh_channel_peek(&pair.side[1], &message), BH_CHANNEL_OK);
    assert_int_equal(message.generation, 1);
    receive_one(&pair, 1, 1, 30);
    assert_int_equal(bh_channel_peek(&pair.side[1], &message), BH_CHANNEL_OK);
    assert_int_equal(message.generation, 2);
    receive_one(&pair, 1, 2, 40);
    assert_empty(&pair, 1);
    /* The generation never becomes 0; of a message it is the low half. */
    pair.tx[0]->generation = 0xfffffffe;
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    send_one(&pair, 0, 3, 8);
    assert_int_equal(bh_channel_peek(&pair.side[1], &message), BH_CHANNEL_OK);
    assert_int_equal(message.generation, 0xffff);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    assert_int_equal(pair.side[0].generation, 1);
    pair_destroy(&pair);
}

static void restart_of_a_receiver(void **state)
{
    struct pair pair;
    struct bh_channel_message message;

    (void)state;
    pair_create(&pair, 4096);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    for (unsigned i = 0; i < 6; i++)
        send_one(&pair, 0, i, 100);
    /* Sent before the peer ever opened: kept. */
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    receive_one(&pair, 1, 0, 100);
    assert_int_equal(bh_channel_peek(&pair.side[1], &message), BH_CHANNEL_OK);
    bh_channel_consume(&pair.side[1]);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    receive_one(&pair, 1, 1, 100);
    pair_open(&pair, 1, BH_CHANNEL_DISCARD);
    assert_empty(&pair, 1);
    send_one(&pair, 0, 6, 50);
    receive_one(&pair, 1, 6, 50);
    assert_empty(&pair, 1);
    pair_destroy(&pair);
}

/* A peer of another version or size is told; one whose region became zero counts as absent. */
static void peers_of_another_kind(void **state)
{
    struct pair pair;

    (void)state;
    pair_create(&pair, 4096);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    pair.tx[1]->format += 1ull << 32;
    assert_int_equal(bh_channel_peer_state(&pair.side[0]), BH_CHANNEL_PEER_BROKEN);
    pair.tx[1]->format = BH_CHANNEL_FORMAT;
    pair.tx[1]->size = 4104;
    assert_int_equal(bh_channel_peer_state(&pair.side[0]), BH_CHANNEL_PEER_BROKEN);
    pair.tx[1]->size = 4096;
    assert_int_equal(bh_channel_peer_state(&pair.side[0]), BH_CHANNEL_PEER_NEW);
    memset(pair.tx[1], 0, 4096);
    assert_int_equal(bh_channel_peer_state(&pair.side[0]), BH_CHANNEL_PEER_ABSENT);
    pair_destroy(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_as_written),
        cmocka_unit_test(open_checks_sizes_and_alignment),
        cmocka_unit_test(open_refuses_a_region_of_something_else),
        cmocka_unit_test(lengths_up_to_the_limit),
        cmocka_unit_test(full_when_no_room_and_not_before),
        cmocka_unit_test(reserve_commit_publish),
        cmocka_unit_test(peek_consume_release),
        cmocka_unit_test(copies_of_every_alignment),
        cmocka_unit_test(doorbells_only_when_asked),
        cmocka_unit_test(doorbells_for_room),
        cmocka_unit_test(restart_of_a_sender),
        cmocka_unit_test(restart_of_a_receiver),
        cmocka_unit_test(peers_of_another_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
