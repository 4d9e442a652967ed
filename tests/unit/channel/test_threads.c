/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads that use a channel as two domains do, under the thread sanitizer: with suppression of doorbells
 * on, each sleep ends by a doorbell, never by a limit of time. A doorbell is an event that stays pending
 * until it is waited for. */
#define _GNU_SOURCE
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define LOST_AFTER 10 /* seconds */

struct doorbell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool pending;
    uint64_t rings, sleeps;
};

struct end {
    struct bh_channel channel;
    struct doorbell bell; /* rings this end */
    struct end *peer;
    uint64_t seed;
    uint64_t messages;
    bool lost, wrong;
    bool batches; /* in place, several at once */
};

static void bell_ring(struct doorbell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bell->pending = true;
    bell->rings++;
    pthread_cond_signal(&bell->rung);
    pthread_mutex_unlock(&bell->lock);
}

/* False: not rung within LOST_AFTER seconds. */
static bool bell_sleep(struct doorbell *bell)
{
    struct timespec limit;
    bool rung;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += LOST_AFTER;
    pthread_mutex_lock(&bell->lock);
    while (!bell->pending && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&bell->rung, &bell->lock, &limit);
    rung = bell->pending;
    bell->pending = false;
    bell->sleeps++;
    pthread_mutex_unlock(&bell->lock);
    return rung;
}

static void dawdle(uint64_t *seed)
{
    /* Now and then one side is much slower than the other. */
    for (uint64_t n = random_below(seed, 64) == 0 ? random_below(seed, 20000) : 0; n > 0; n--)
        __asm__ volatile("");
}

static void sender_waits(struct end *end, uint32_t length)
{
    if (bh_channel_publish(&end->channel))
        bell_ring(&end->peer->bell);
    if (bh_channel_prepare_wait_space(&end->channel, length) && !bell_sleep(&end->bell))
        end->lost = true;
}

static void *send_all(void *argument)
{
    struct end *end = argument;
    uint64_t seed = end->seed;
    unsigned char data[256];

    for (uint64_t number = 0; number < end->messages && !end->lost;) {
        uint32_t length = (uint32_t)random_below(&seed, 200);
        enum bh_channel_status status;
        void *place = data;
        bool ring = false;

        for (uint32_t i = 0; i < length; i++)
            data[i] = pattern(number, i);
        if (end->batches) {
            while ((status = bh_channel_reserve(&end->channel, length, &place)) == BH_CHANNEL_FULL &&
                   !end->lost)
                sender_waits(end, length);
            memcpy(place, data, length);
            bh_channel_commit(&end->channel, length);
            if (random_below(&seed, 5) == 0)
                ring = bh_channel_publish(&end->channel);
        } else {
            while ((status = bh_channel_send(&end->channel, data, length, &ring)) == BH_CHANNEL_FULL &&
                   !end->lost)
                sender_waits(end, length);
        }
        end->wrong |= status != BH_CHANNEL_OK;
        if (ring)
            bell_ring(&end->peer->bell);
        number++;
        dawdle(&seed);
    }
    if (bh_channel_publish(&end->channel))
        bell_ring(&end->peer->bell);
    return NULL;
}

static bool as_sent(const unsigned char *data, uint64_t number, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if (data[i] != pattern(number, i))
            return false;
    return true;
}

static void *receive_all(void *argument)
{
    struct end *end = argument;
    uint64_t seed = end->seed;
    unsigned char data[256];

    for (uint64_t number = 0; number < end->messages && !end->lost && !end->wrong;) {
        struct bh_channel_message message = {.data = data};
        enum bh_channel_status status;
        bool ring = false;

        if (end->batches) {
            status = bh_channel_peek(&end->channel, &message);
            if (status == BH_CHANNEL_OK)
                bh_channel_consume(&end->channel);
        } else {
            status = bh_channel_receive(&end->channel, data, sizeof(data), &message.length, &ring);
        }
        if (status == BH_CHANNEL_OK) {
            end->wrong |= !as_sent(message.data, number, message.length);
            number++;
        }
        if (end->batches && (status == BH_CHANNEL_EMPTY || random_below(&seed, 5) == 0))
            ring = bh_channel_release(&end->channel);
        if (ring)
            bell_ring(&end->peer->bell);
        end->wrong |= status != BH_CHANNEL_OK && status != BH_CHANNEL_EMPTY;
        if (status == BH_CHANNEL_EMPTY && bh_channel_prepare_wait_data(&end->channel) &&
            !bell_sleep(&end->bell))
            end->lost = true;
        dawdle(&seed);
    }
    return NULL;
}

/* Sends back what it receives; the other one waits for each answer. */
static void *echo_all(void *argument)
{
    struct end *end = argument;
    unsigned char data[64];

    for (uint64_t number = 0; number < end->messages && !end->lost; number++) {
        uint32_t length;
        bool ring;

        while (bh_channel_receive(&end->channel, data, sizeof(data), &length, &ring) == BH_CHANNEL_EMPTY &&
               !end->lost)
            if (bh_channel_prepare_wait_data(&end->channel) && !bell_sleep(&end->bell))
                end->lost = true;
        end->wrong |= bh_channel_send(&end->channel, data, length, &ring) != BH_CHANNEL_OK;
        if (ring)
            bell_ring(&end->peer->bell);
    }
    return NULL;
}

static void *ask_all(void *argument)
{
    struct end *end = argument;
    unsigned char data[64], answer[64];

    for (uint64_t number = 0; number < end->messages && !end->lost; number++) {
        uint32_t length = (uint32_t)(number % sizeof(data)), got = 0;
        bool ring;

        for (uint32_t i = 0; i < length; i++)
            data[i] = pattern(number, i);
        end->wrong |= bh_channel_send(&end->channel, data, length, &ring) != BH_CHANNEL_OK;
        if (ring)
            bell_ring(&end->peer->bell);
        while (bh_channel_receive(&end->channel, answer, sizeof(answer), &got, &ring) == BH_CHANNEL_EMPTY &&
               !end->lost)
            if (bh_channel_prepare_wait_data(&end->channel) && !bell_sleep(&end->bell))
                end->lost = true;
        end->wrong |= got != length || memcmp(data, answer, length) != 0;
    }
    return NULL;
}

static uint64_t run(const char *name, uint64_t region, uint64_t messages, bool batches,
                    void *(*first)(void *), void *(*second)(void *))
{
    uint64_t seed = random_seed(name, 0x7e57 + region), *memory[2], rings;
    struct end end[2];
    pthread_t thread;

    memset(end, 0, sizeof(end));
    for (unsigned i = 0; i < 2; i++) {
        memory[i] = calloc(1, region);
        pthread_mutex_init(&end[i].bell.lock, NULL);
        pthread_cond_init(&end[i].bell.rung, NULL);
        end[i].peer = &end[1 - i];
        end[i].seed = seed + i;
        end[i].messages = messages;
        end[i].batches = batches;
    }
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(bh_channel_open(&end[i].channel, memory[i], memory[1 - i], region, 0),
                         BH_CHANNEL_OK);
    assert_int_equal(pthread_create(&thread, NULL, second, &end[1]), 0);
    first(&end[0]);
    pthread_join(thread, NULL);
    rings = end[0].bell.rings + end[1].bell.rings;
    printf("%s: region %lu: %lu messages; sender slept %lu times, rung %lu; receiver slept %lu, rung %lu\n",
           name, (unsigned long)region, (unsigned long)messages, (unsigned long)end[0].bell.sleeps,
           (unsigned long)end[0].bell.rings, (unsigned long)end[1].bell.sleeps,
           (unsigned long)end[1].bell.rings);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(end[i].lost);
        assert_false(end[i].wrong);
        free(memory[i]);
    }
    return rings;
}

static void streams(void **state)
{
    static const uint64_t regions[] = {1024, 4096, 65536};

    (void)state;
    for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++)
        for (unsigned batches = 0; batches < 2; batches++) {
            uint64_t rings =
                run(batches ? "batches" : "copies", regions[i], 100000, batches, send_all, receive_all);

            assert_true(rings < 100000);
        }
}

static void questions_and_answers(void **state)
{
    (void)state;
    /* Each waits for the other: a doorbell for each message at most. */
    assert_true(run("echo", 4096, 20000, false, ask_all, echo_all) <= 40000 + 2);
}

/* ---- One publishes at the very moment at which the other one prepares to sleep, very often: either the one
 * sees the mark or the other one sees the position. Without the thread sanitizer, whose own work separates
 * the accesses, this shows a missing barrier. */

#ifdef __SANITIZE_THREAD__
#define CROSSINGS 2000u
#elif defined(__has_feature) && __has_feature(thread_sanitizer)
#define CROSSINGS 2000u
#else
#define CROSSINGS 300000u
#endif

static struct {
    struct bh_channel side[2];
    uint64_t turn[2]; /* which crossing each thread has reached */
    bool asleep, rung;
} crossing;

/* Both leave it at about the same moment. */
static void meet(unsigned me, uint64_t turn)
{
    __atomic_store_n(&crossing.turn[me], turn, __ATOMIC_SEQ_CST);
    for (uint64_t n = 0; __atomic_load_n(&crossing.turn[1 - me], __ATOMIC_ACQUIRE) < turn; n++)
        if (n > 1000)
            sched_yield();
}

/* Every difference of time between the two comes up. */
static void a_little_later(uint64_t n)
{
    for (; n > 0; n--)
        __asm__ volatile("");
}

static void *crosses(void *argument)
{
    bool for_room = argument != NULL, ring;
    unsigned char data[64] = {0};
    uint32_t length;

    for (uint64_t i = 0; i < CROSSINGS; i++) {
        meet(1, 2 * i + 1);
        a_little_later(i % 64);
        if (for_room) {
            bh_channel_receive(&crossing.side[1], data, sizeof(data), &length, &ring);
            crossing.rung = ring;
        } else {
            crossing.asleep = bh_channel_prepare_wait_data(&crossing.side[1]);
        }
        meet(1, 2 * i + 2);
        if (!for_room)
            bh_channel_receive(&crossing.side[1], data, sizeof(data), &length, &ring);
    }
    return NULL;
}

static uint64_t cross(bool for_room)
{
    static uint64_t memory[2][(BH_CHANNEL_HEADER_SIZE + 640) / 8];
    unsigned char data[56] = {0};
    uint64_t lost = 0;
    pthread_t thread;
    bool ring;

    memset(memory, 0, sizeof(memory));
    memset(&crossing, 0, sizeof(crossing));
    for (unsigned i = 0; i < 2; i++)
        bh_channel_open(&crossing.side[i], memory[i], memory[1 - i], sizeof(memory[0]), BH_CHANNEL_KEEP);
    if (for_room)
        while (bh_channel_send(&crossing.side[0], data, sizeof(data), &ring) == BH_CHANNEL_OK)
            ;
    assert_int_equal(pthread_create(&thread, NULL, crosses, for_room ? data : NULL), 0);
    for (uint64_t i = 0; i < CROSSINGS; i++) {
        meet(0, 2 * i + 1);
        a_little_later(i / 64 % 64);
        if (for_room) {
            crossing.asleep = bh_channel_prepare_wait_space(&crossing.side[0], sizeof(data));
        } else {
            bh_channel_send(&crossing.side[0], data, sizeof(data), &ring);
            crossing.rung = ring;
        }
        meet(0, 2 * i + 2);
        lost += crossing.asleep && !crossing.rung;
        if (for_room)
            bh_channel_send(&crossing.side[0], data, sizeof(data), &ring);
    }
    pthread_join(thread, NULL);
    return lost;
}

static void nobody_is_missed(void **state)
{
    (void)state;
    for (unsigned for_room = 0; for_room < 2; for_room++) {
        uint64_t lost = cross(for_room);

        printf("crossing, %s: %u times, %lu wake-ups lost\n", for_room ? "room" : "messages", CROSSINGS,
               (unsigned long)lost);
        assert_int_equal(lost, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),
        cmocka_unit_test(questions_and_answers),
        cmocka_unit_test(nobody_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
