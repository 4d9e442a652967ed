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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),
        cmocka_unit_test(questions_and_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
