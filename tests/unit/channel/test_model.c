/* SPDX-License-Identifier: Apache-2.0 */
/* Random use of both sides beside a model: a queue of messages for each direction. After each call the status
 * is the one the model says, no message is lost, changed, doubled or out of order, and a side that sleeps is
 * rung when it must be.
 *
 * Then the same with a peer that writes nonsense: no access outside the rings, no status that does not exist,
 * and the channel goes on when the nonsense is gone. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define QUEUE 65536u

struct sent {
    uint64_t number, end; /* end: position behind it */
    uint32_t length, generation;
};

/* One direction: from side `from` to the other one. */
struct direction {
    struct sent queue[QUEUE];
    uint64_t committed, published, consumed,
        released;                /* message numbers; the queue's index is modulo QUEUE */
    uint64_t position, room_end; /* behind the last committed message; of what is released */
    bool waits_data, waits_space;
    uint64_t wanted_space; /* released position that the sender waits for */
};

static struct pair pair;
static struct direction directions[2];
static uint64_t random_state, ring_size;
static uint64_t counts[8];

static uint64_t below(uint64_t limit)
{
    return random_below(&random_state, limit);
}

static uint64_t record_bytes(uint64_t position, uint32_t length)
{
    uint64_t bytes = 8 + ((uint64_t)length + 7) / 8 * 8, left = ring_size - position % ring_size;

    return bytes <= left ? bytes : left + bytes;
}

static uint32_t some_length(void)
{
    uint32_t longest = bh_channel_max_message(&pair.side[0]);

    switch (below(4)) {
    case 0:
        return (uint32_t)below(longest + 2u);
    case 1:
        return longest - (uint32_t)below(8);
    default:
        return (uint32_t)below(longest < 80 ? longest : 80);
    }
}

static enum bh_channel_status expected_send(const struct direction *direction, uint32_t length)
{
    if (length > ring_size / 16 * 8 - 8)
        return BH_CHANNEL_TOO_LONG;
    return direction->position + record_bytes(direction->position, length) - direction->room_end > ring_size
               ? BH_CHANNEL_FULL
               : BH_CHANNEL_OK;
}

/* Room for a message of `reserved` bytes was looked for: if there is filler before that, it stays though
 * `length` is shorter. */
static void note_commit(struct direction *direction, uint32_t reserved, uint32_t length, uint32_t generation)
{
    struct sent *sent = &direction->queue[direction->committed % QUEUE];

    direction->position += record_bytes(direction->position, reserved);
    direction->position -= (reserved + 7u) / 8u * 8u - (length + 7u) / 8u * 8u;
    *sent = (struct sent){direction->committed, direction->position, length, generation};
    direction->committed++;
    assert_true(direction->committed - direction->released < QUEUE);
}

static void note_publish(struct direction *direction, bool ring)
{
    if (direction->published == direction->committed)
        assert_false(ring);
    else if (direction->waits_data)
        assert_true(ring);
    if (direction->published != direction->committed)
        direction->waits_data = false;
    direction->published = direction->committed;
}

static void note_release(struct direction *direction, bool ring)
{
    if (direction->consumed != direction->released)
        direction->room_end = direction->queue[(direction->consumed - 1) % QUEUE].end;
    if (direction->waits_space && direction->room_end >= direction->wanted_space) {
        assert_true(ring);
        direction->waits_space = false;
    }
    direction->released = direction->consumed;
}

static void do_send(unsigned side)
{
    struct direction *direction = &directions[side];
    struct bh_channel *channel = &pair.side[side];
    uint32_t length = some_length(), more = (uint32_t)below(20);
    enum bh_channel_status expected = expected_send(direction, length), status;
    unsigned char *data = malloc(length + 8u), *at = data + below(8);
    uint64_t kind = below(3);
    bool ring = false;
    void *place;

    for (uint32_t i = 0; i < length; i++)
        at[i] = pattern(direction->committed, i);
    if (kind == 2 && length + more <= ring_size / 16 * 8 - 8) {
        status = bh_channel_reserve(channel, length + more, &place);
        assert_int_equal(status, expected_send(direction, length + more));
        if (status == BH_CHANNEL_OK) {
            memcpy(place, at, length);
            assert_int_equal(bh_channel_commit(channel, length), BH_CHANNEL_OK);
            note_commit(direction, length + more, length, channel->generation);
        }
    } else if (kind == 1) {
        status = bh_channel_put(channel, at, length);
        assert_int_equal(status, expected);
        if (status == BH_CHANNEL_OK)
            note_commit(direction, length, length, channel->generation);
    } else {
        status = bh_channel_send(channel, at, length, &ring);
        assert_int_equal(status, expected);
        if (status == BH_CHANNEL_OK) {
            note_commit(direction, length, length, channel->generation);
            note_publish(direction, ring);
        }
    }
    counts[status]++;
    free(data);
}

static void check_message(const struct direction *direction, const void *data, uint32_t length)
{
    const struct sent *sent = &direction->queue[direction->consumed % QUEUE];
    const unsigned char *bytes = data;

    assert_int_equal(length, sent->length);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], pattern(sent->number, i));
}

static void do_receive(unsigned side)
{
    struct direction *direction = &directions[1 - side];
    struct bh_channel *channel = &pair.side[side];
    bool any = direction->consumed != direction->published, ring;
    uint32_t length;

    if (below(2)) {
        uint32_t capacity = some_length(), next = direction->queue[direction->consumed % QUEUE].length;
        unsigned char *data = malloc(capacity + 8u), *at = data + below(8);
        enum bh_channel_status status = bh_channel_receive(channel, at, capacity, &length, &ring);

        assert_int_equal(status, !any              ? BH_CHANNEL_EMPTY
                                 : next > capacity ? BH_CHANNEL_TOO_LONG
                                                   : BH_CHANNEL_OK);
        if (status == BH_CHANNEL_OK) {
            check_message(direction, at, length);
            direction->consumed++;
            note_release(direction, ring);
        }
        free(data);
    } else {
        struct bh_channel_message message;
        enum bh_channel_status status = bh_channel_peek(channel, &message);

        assert_int_equal(status, any ? BH_CHANNEL_OK : BH_CHANNEL_EMPTY);
        if (status == BH_CHANNEL_OK) {
            check_message(direction, message.data, message.length);
            assert_int_equal(message.generation,
                             direction->queue[direction->consumed % QUEUE].generation % 65536u);
            if (below(4)) {
                bh_channel_consume(channel);
                direction->consumed++;
            }
        }
    }
}

static void do_wait(unsigned side)
{
    struct direction *out = &directions[side], *in = &directions[1 - side];
    struct bh_channel *channel = &pair.side[side];

    if (below(2)) {
        bool sleep = bh_channel_prepare_wait_data(channel);

        assert_int_equal(sleep, in->consumed == in->published);
        if (sleep)
            in->waits_data = true;
    } else if (out->committed == out->published) {
        uint32_t length = some_length();
        bool sleep = bh_channel_prepare_wait_space(channel, length);

        assert_int_equal(sleep, expected_send(out, length) == BH_CHANNEL_FULL);
        out->waits_space = sleep;
        if (sleep)
            out->wanted_space = out->position + record_bytes(out->position, length) - ring_size;
    }
}

static void do_open(unsigned side)
{
    struct direction *out = &directions[side], *in = &directions[1 - side];
    uint32_t flags = below(2) ? BH_CHANNEL_KEEP : BH_CHANNEL_DISCARD, before = pair.side[side].generation;

    pair_open(&pair, side, flags);
    assert_int_equal(pair.side[side].generation, before + 1);
    assert_int_equal(bh_channel_peer_state(&pair.side[1 - side]), BH_CHANNEL_PEER_NEW);
    out->committed = out->published;
    out->position = pair.tx[side]->produced;
    in->consumed = flags == BH_CHANNEL_DISCARD ? in->published : in->released;
    /* The ring after open wakes everybody. */
    note_release(in, true);
    out->waits_data = out->waits_space = in->waits_data = in->waits_space = false;
}

static void model_run(uint64_t region, unsigned steps)
{
    memset(directions, 0, sizeof(directions));
    ring_size = region - BH_CHANNEL_HEADER_SIZE;
    pair_create(&pair, region);
    memset(pair.side, 0, sizeof(pair.side));
    for (unsigned side = 0; side < 2; side++)
        pair_open(&pair, side, BH_CHANNEL_KEEP);
    for (unsigned side = 0; side < 2; side++)
        bh_channel_peer_state(&pair.side[side]);
    for (unsigned i = 0; i < steps; i++) {
        unsigned side = (unsigned)below(2);
        uint64_t what = below(64);

        if (what < 24)
            do_send(side);
        else if (what < 28)
            note_publish(&directions[side], bh_channel_publish(&pair.side[side]));
        else if (what < 52)
            do_receive(side);
        else if (what < 56)
            note_release(&directions[1 - side], bh_channel_release(&pair.side[side]));
        else if (what < 63)
            do_wait(side);
        else
            do_open(side);
    }
    pair_destroy(&pair);
}

static void random_use_follows_the_model(void **state)
{
    static const uint64_t regions[] = {
        BH_CHANNEL_MIN_REGION, BH_CHANNEL_MIN_REGION + 8, 512 + 1000, 4096, 8192, 65536};

    (void)state;
    random_state = random_seed("model", 0xc4a77e1);
    memset(counts, 0, sizeof(counts));
    for (unsigned round = 0; round < 20; round++)
        for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++)
            model_run(regions[i], 4000);
    printf("model: %lu sends, %lu full, %lu too long\n", (unsigned long)counts[BH_CHANNEL_OK],
           (unsigned long)counts[BH_CHANNEL_FULL], (unsigned long)counts[BH_CHANNEL_TOO_LONG]);
    assert_true(counts[BH_CHANNEL_OK] > 50000 && counts[BH_CHANNEL_FULL] > 5000);
}

static uint64_t nonsense(uint64_t honest)
{
    switch (below(8)) {
    case 0:
        return random_next(&random_state);
    case 1:
        return honest + below(64) - 32;
    case 2:
        return honest + (below(64) - 32) * 8;
    case 3:
        return honest + ring_size;
    case 4:
        return honest + ring_size + 8;
    case 5:
        return honest - 8;
    case 6:
        return 0;
    default:
        return ~0ull - below(16);
    }
}

/* What a hostile side 1 may do to its own region: anything. */
static void do_harm(struct bh_channel_header *own, uint64_t sees_consumed)
{
    uint64_t *ring = (uint64_t *)(own + 1), words = ring_size / 8, word = below(words);

    switch (below(6)) {
    case 0:
        own->produced = nonsense(sees_consumed);
        break;
    case 1:
        own->consumed = nonsense(pair.tx[0]->produced);
        break;
    case 2:
        own->wake_data = nonsense(pair.tx[0]->produced);
        own->wake_space = nonsense(sees_consumed);
        break;
    case 3: /* a record with the right sequence and any length */
        word = sees_consumed % ring_size / 8;
        ring[word] = bh_channel_record(sees_consumed, 1, (uint32_t)nonsense(ring_size / 2));
        break;
    case 4:
        ring[below(2) ? word : sees_consumed % ring_size / 8] = nonsense(ring[word]);
        break;
    default:
        own->generation = (uint32_t)nonsense(1);
        own->format = below(2) ? BH_CHANNEL_FORMAT : nonsense(BH_CHANNEL_FORMAT);
        own->size = below(2) ? pair.region : nonsense(pair.region);
    }
}

static void check_handle(const struct bh_channel *channel)
{
    assert_true(channel->published <= channel->produced);
    assert_true(channel->produced - channel->peer_consumed <= ring_size);
    assert_true(channel->released <= channel->consumed && channel->consumed <= channel->peer_produced);
    assert_true(channel->peer_produced - channel->released <= ring_size);
    assert_int_equal(pair.tx[0]->produced, channel->published);
    assert_int_equal(pair.tx[0]->consumed, channel->released);
}

static void victim_sends(struct bh_channel *channel, unsigned char *buffer)
{
    uint32_t length = some_length();
    enum bh_channel_status status;
    void *place;
    bool ring;

    if (below(2)) {
        status = bh_channel_send(channel, buffer, length, &ring);
    } else {
        status = bh_channel_reserve(channel, length, &place);
        if (status == BH_CHANNEL_OK) {
            const unsigned char *first = (const unsigned char *)(pair.tx[0] + 1);

            assert_true((unsigned char *)place >= first + 8 &&
                        (unsigned char *)place + length <= first + ring_size);
            memset(place, 0x11, length);
            assert_int_equal(bh_channel_commit(channel, length), BH_CHANNEL_OK);
        }
    }
    assert_true(status == BH_CHANNEL_OK || status == BH_CHANNEL_FULL || status == BH_CHANNEL_TOO_LONG ||
                status == BH_CHANNEL_PEER_BROKEN);
    counts[status]++;
}

static void victim_receives(struct bh_channel *channel, unsigned char *buffer)
{
    struct bh_channel_message message;
    enum bh_channel_status status;
    uint32_t length;
    bool ring;

    if (below(2)) {
        uint32_t capacity = some_length();

        status = bh_channel_receive(channel, buffer, capacity, &length, &ring);
        assert_true(status != BH_CHANNEL_OK || length <= capacity);
        assert_true(status != BH_CHANNEL_TOO_LONG || length > capacity);
    } else {
        status = bh_channel_peek(channel, &message);
        if (status == BH_CHANNEL_OK) {
            const unsigned char *first = (const unsigned char *)(pair.rx[0] + 1), *data = message.data;

            assert_true(data >= first + 8 && data + message.length <= first + ring_size);
            assert_true(message.length <= bh_channel_max_message(channel));
            bh_channel_consume(channel);
        }
    }
    assert_true(status == BH_CHANNEL_OK || status == BH_CHANNEL_EMPTY || status == BH_CHANNEL_TOO_LONG ||
                status == BH_CHANNEL_PEER_BROKEN);
    counts[status]++;
}

static void hostile_run(uint64_t region, unsigned steps, unsigned char *buffer)
{
    struct bh_channel *channel = &pair.side[0];

    ring_size = region - BH_CHANNEL_HEADER_SIZE;
    pair_create(&pair, region);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    for (unsigned i = 0; i < steps; i++) {
        uint64_t what = below(16);

        for (uint64_t harm = below(3); harm > 0; harm--)
            do_harm(pair.tx[1], channel->consumed);
        if (what < 5)
            victim_sends(channel, buffer);
        else if (what < 10)
            victim_receives(channel, buffer);
        else if (what == 10)
            bh_channel_publish(channel);
        else if (what == 11)
            bh_channel_release(channel);
        else if (what == 12)
            bh_channel_prepare_wait_data(channel);
        else if (what == 13)
            bh_channel_prepare_wait_space(channel, some_length());
        else if (what == 14)
            bh_channel_peer_state(channel);
        else if (below(8) == 0)
            pair_open(&pair, 0, below(2) ? BH_CHANNEL_KEEP : BH_CHANNEL_DISCARD);
        check_handle(channel);
    }
    pair_destroy(&pair);
}

static void a_hostile_peer_is_harmless(void **state)
{
    static const uint64_t regions[] = {BH_CHANNEL_MIN_REGION, 512 + 1000, 4096, 8192};
    unsigned char *buffer = calloc(1, 8192);

    (void)state;
    random_state = random_seed("hostile", 0xbad5eed);
    memset(counts, 0, sizeof(counts));
    alarm(120); /* work without bound would be noticed */
    for (unsigned round = 0; round < 100; round++)
        for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++)
            hostile_run(regions[i], 1000, buffer);
    alarm(0);
    printf("hostile: %lu calls succeed, %lu report the peer\n", (unsigned long)counts[BH_CHANNEL_OK],
           (unsigned long)counts[BH_CHANNEL_PEER_BROKEN]);
    assert_true(counts[BH_CHANNEL_OK] > 10000 && counts[BH_CHANNEL_PEER_BROKEN] > 10000);
    free(buffer);
}

static void expect_receive(enum bh_channel_status expected)
{
    unsigned char data[64];
    uint32_t length;
    bool ring;

    assert_int_equal(bh_channel_receive(&pair.side[0], data, sizeof(data), &length, &ring), expected);
}

/* Each kind of nonsense is reported, and forgotten when it is gone. */
static void nonsense_is_reported_as_long_as_it_stands(void **state)
{
    static const uint64_t produced[] = {8 * 12 + 4, 16 - 8, 3584 + 16 + 8, ~0ull, ~7ull, 1ull << 63};
    static const uint64_t records[] = {0,
                                       1,
                                       0xffffffff,
                                       0x0002000000000000,
                                       3576 | 2ull << 48,
                                       1785 | 2ull << 48,
                                       0xfffffff8 | 2ull << 48,
                                       0xfffffffe | 2ull << 48,
                                       89 | 2ull << 48};
    unsigned char data[56] = {0};
    uint64_t honest;
    bool ring;

    (void)state;
    ring_size = 3584;
    pair_create(&pair, 4096);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    pair_open(&pair, 1, BH_CHANNEL_KEEP);
    assert_int_equal(bh_channel_send(&pair.side[1], data, 8, &ring), BH_CHANNEL_OK);
    expect_receive(BH_CHANNEL_OK);
    honest = pair.tx[1]->produced;
    assert_int_equal(honest, 16);
    for (size_t i = 0; i < sizeof(produced) / sizeof(*produced); i++) {
        pair.tx[1]->produced = produced[i];
        expect_receive(BH_CHANNEL_PEER_BROKEN);
        expect_receive(BH_CHANNEL_PEER_BROKEN);
        assert_false(bh_channel_prepare_wait_data(&pair.side[0]));
        pair.tx[1]->produced = honest;
        expect_receive(BH_CHANNEL_EMPTY);
    }
    for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
        uint64_t *record = (uint64_t *)(pair.tx[1] + 1) + pair.side[1].produced % ring_size / 8, good;

        assert_int_equal(bh_channel_put(&pair.side[1], data, 56), BH_CHANNEL_OK);
        good = *record;
        *record = records[i] == 0x0002000000000000 ? good ^ 1ull << 48
                  : records[i] >> 48               ? (good & 0xffff000000000000) | (uint32_t)records[i]
                                                   : records[i];
        bh_channel_publish(&pair.side[1]);
        expect_receive(BH_CHANNEL_PEER_BROKEN);
        expect_receive(BH_CHANNEL_PEER_BROKEN);
        *record = good;
        expect_receive(BH_CHANNEL_OK);
        expect_receive(BH_CHANNEL_EMPTY);
    }
    while (bh_channel_send(&pair.side[0], data, 56, &ring) == BH_CHANNEL_OK)
        ;
    pair.tx[1]->consumed = pair.side[0].published + 8;
    assert_int_equal(bh_channel_send(&pair.side[0], data, 56, &ring), BH_CHANNEL_PEER_BROKEN);
    assert_false(bh_channel_prepare_wait_space(&pair.side[0], 56));
    pair.tx[1]->consumed = 4;
    assert_int_equal(bh_channel_send(&pair.side[0], data, 56, &ring), BH_CHANNEL_PEER_BROKEN);
    pair.tx[1]->consumed = 64;
    assert_int_equal(bh_channel_send(&pair.side[0], data, 56, &ring), BH_CHANNEL_OK);
    pair.tx[1]->consumed = 0;
    assert_int_equal(bh_channel_send(&pair.side[0], data, 56, &ring), BH_CHANNEL_PEER_BROKEN);
    pair_destroy(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_use_follows_the_model),
        cmocka_unit_test(a_hostile_peer_is_harmless),
        cmocka_unit_test(nonsense_is_reported_as_long_as_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
