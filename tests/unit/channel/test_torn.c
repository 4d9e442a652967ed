/* SPDX-License-Identifier: Apache-2.0 */
/* Torn restarts: side 1 is a process of its own that is stepped instruction by instruction and killed after a
 * random number of them, again and again, while side 0 goes on and works between any two instructions of
 * side 1. Each message is accounted for: whole, in order, none twice to one incarnation, none lost but what
 * the channel's contract names; and no doorbell is lost.
 *
 * A life of side 1 is some calls at full speed, side 0 working between them, and then the stepping; some
 * lives are stepped from their first instruction.
 *
 * The processes share the two regions and a log, in which side 1 notes what it is about to do and what it has
 * done. The same seed gives the same run. TORN_RESTARTS=n sets the number of restarts (500). */
#define _GNU_SOURCE
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define REGION   1536u /* a ring of 1024 bytes: full, empty and at its end all the time */
#define LONGEST  120u
#define LONG_AGO 100000u

/* Written by side 1, read by side 0. Each field by one store. */
struct log {
    uint64_t commits; /* messages that this incarnation has begun to commit */
    uint64_t sent;    /* of them, surely published */
    uint64_t taken;   /* how many messages this incarnation received */
    uint64_t first;   /* number of the first of them */
    uint64_t rings;   /* doorbells to side 0 */
    uint64_t quiet;   /* even: not between a publication and its doorbell */
    uint64_t wrong;   /* line of a failed check */
    uint64_t opened;  /* generation, once open has returned and its doorbell has rung */
};

struct message {
    uint64_t number; /* from 0 in each incarnation of the sender */
    uint64_t generation;
    uint64_t words[(LONGEST - 16) / 8];
};

static struct pair pair;
static struct log *side1_log;

/* ---- Side 1: runs in the child. */

static void quiet(void)
{
    __atomic_store_n(&side1_log->quiet, side1_log->quiet + 1, __ATOMIC_SEQ_CST);
}

static void ring_if(bool ring)
{
    if (ring)
        __atomic_store_n(&side1_log->rings, side1_log->rings + 1, __ATOMIC_SEQ_CST);
}

/* Quick, so that most of the instructions that are stepped are the library's. */
static uint32_t make_message(struct message *message, uint64_t number, uint64_t generation)
{
    uint64_t word = (number + 1) * 0x9e3779b97f4a7c15u + generation;

    message->number = number;
    message->generation = generation;
    for (unsigned i = 0; i < (LONGEST - 16) / 8; i++)
        message->words[i] = word += 0x1234567890abcdefu;
    return 16u + (uint32_t)((number * 37u + generation * 11u) % (LONGEST - 15u));
}

static bool well_made(const struct message *message, uint32_t length)
{
    struct message good;

    return length >= 16 && length == make_message(&good, message->number, message->generation) &&
           memcmp(message, &good, length) == 0;
}

#define SIDE1_CHECK(condition)           \
    do {                                 \
        if (!(condition)) {              \
            side1_log->wrong = __LINE__; \
            _exit(1);                    \
        }                                \
    } while (0)

static void side1_sends(struct bh_channel *channel, uint64_t *random)
{
    uint64_t batch = 1 + random_below(random, 3);
    bool in_place = random_below(random, 2);

    for (uint64_t i = 0; i < batch; i++) {
        struct message message;
        uint32_t length = make_message(&message, side1_log->commits, channel->generation);
        enum bh_channel_status status;
        void *place;

        if (in_place) {
            status = bh_channel_reserve(channel, LONGEST, &place);
            if (status == BH_CHANNEL_OK) {
                memcpy(place, &message, length);
                SIDE1_CHECK(bh_channel_commit(channel, length) == BH_CHANNEL_OK);
            }
        } else {
            status = bh_channel_put(channel, &message, length);
        }
        SIDE1_CHECK(status == BH_CHANNEL_OK || status == BH_CHANNEL_FULL);
        if (status != BH_CHANNEL_OK)
            break;
        /* Before it is published. */
        __atomic_store_n(&side1_log->commits, side1_log->commits + 1, __ATOMIC_SEQ_CST);
    }
    quiet();
    ring_if(bh_channel_publish(channel));
    quiet();
    __atomic_store_n(&side1_log->sent, side1_log->commits, __ATOMIC_SEQ_CST);
}

static void side1_receives(struct bh_channel *channel, uint64_t *random)
{
    uint64_t batch = 1 + random_below(random, 3);
    struct bh_channel_message message;

    for (uint64_t i = 0; i < batch; i++) {
        enum bh_channel_status status = bh_channel_peek(channel, &message);
        const struct message *content = message.data;

        SIDE1_CHECK(status == BH_CHANNEL_OK || status == BH_CHANNEL_EMPTY);
        if (status != BH_CHANNEL_OK)
            break;
        SIDE1_CHECK(well_made(content, message.length));
        if (side1_log->taken == 0)
            side1_log->first = content->number;
        SIDE1_CHECK(content->number == side1_log->first + side1_log->taken);
        __atomic_store_n(&side1_log->taken, side1_log->taken + 1, __ATOMIC_SEQ_CST);
        bh_channel_consume(channel);
    }
    quiet();
    ring_if(bh_channel_release(channel));
    quiet();
}

static void side1_main(uint64_t random, uint32_t flags)
{
    struct bh_channel channel;

    SIDE1_CHECK(bh_channel_open(&channel, pair.tx[1], pair.rx[1], REGION, flags) == BH_CHANNEL_OK);
    ring_if(true);
    __atomic_store_n(&side1_log->opened, channel.generation, __ATOMIC_SEQ_CST);
    for (;;) {
        raise(SIGSTOP);
        switch (random_below(&random, 5)) {
        case 0:
        case 1:
            side1_sends(&channel, &random);
            break;
        case 2:
        case 3:
            side1_receives(&channel, &random);
            break;
        default:
            bh_channel_prepare_wait_data(&channel);
            bh_channel_prepare_wait_space(&channel, LONGEST);
        }
    }
}

/* ---- Side 0: the survivor, and the accounts. */

static struct {
    uint64_t sent;               /* messages that it published */
    uint64_t position[LONG_AGO]; /* of message i, behind it */
    uint64_t generation, next;   /* of side 1's messages: the incarnation, the next number of it */
    uint64_t received;           /* in all */
    bool asleep, for_room;
    uint64_t rings_at_sleep, sleeps;
    uint64_t repeated; /* messages that two incarnations of side 1 saw */
    uint64_t gone;     /* messages committed and never published */
    uint64_t filled;   /* how often there was no room */
} account;

static void side0_sleeps(bool for_room)
{
    account.asleep = true;
    account.for_room = for_room;
    account.sleeps++;
    account.rings_at_sleep = side1_log->rings;
}

static void side0_sends(void)
{
    struct message message;
    uint32_t length = make_message(&message, account.sent, 0);
    bool ring;
    enum bh_channel_status status = bh_channel_send(&pair.side[0], &message, length, &ring);

    assert_true(status == BH_CHANNEL_OK || status == BH_CHANNEL_FULL);
    if (status == BH_CHANNEL_OK) {
        account.position[account.sent++ % LONG_AGO] = pair.side[0].produced;
    } else {
        account.filled++;
        if (bh_channel_prepare_wait_space(&pair.side[0], length))
            side0_sleeps(true);
    }
}

static void side0_receives(void)
{
    struct message message;
    uint32_t length;
    bool ring;
    enum bh_channel_status status =
        bh_channel_receive(&pair.side[0], &message, sizeof(message), &length, &ring);

    assert_true(status == BH_CHANNEL_OK || status == BH_CHANNEL_EMPTY);
    if (status == BH_CHANNEL_EMPTY) {
        if (bh_channel_prepare_wait_data(&pair.side[0]))
            side0_sleeps(false);
        return;
    }
    assert_true(well_made(&message, length));
    if (message.generation != account.generation) {
        assert_true(message.generation > account.generation);
        account.generation = message.generation;
        account.next = 0;
    }
    assert_int_equal(message.number, account.next);
    account.next++;
    account.received++;
}

/* Between two instructions of side 1. */
static void side0_acts(uint64_t *random)
{
    if (account.asleep) {
        if (side1_log->rings != account.rings_at_sleep)
            account.asleep = false;
        else if (side1_log->opened != 0 && side1_log->quiet % 2 == 0)
            /* or a doorbell was lost */
            assert_true(account.for_room ? pair.rx[0]->consumed <= pair.tx[0]->wake_space
                                         : pair.rx[0]->produced == pair.side[0].consumed);
        return;
    }
    if (random_below(random, 2))
        side0_sends();
    else
        side0_receives();
}

/* Everything that is published, so that the accounts of the incarnation that stopped can be closed. */
static void side0_receives_all(void)
{
    account.asleep = false;
    while (pair.rx[0]->produced != pair.side[0].consumed)
        side0_receives();
    account.asleep = false;
}

/* Number of messages of side 0 that lie before `position`. */
static uint64_t messages_before(uint64_t position)
{
    uint64_t n = account.sent;

    while (n > 0 && account.position[(n - 1) % LONG_AGO] > position)
        n--;
    assert_true(n == 0 ? position == 0 : account.position[(n - 1) % LONG_AGO] == position);
    return n;
}

static void close_accounts(uint32_t generation_before)
{
    uint64_t received = account.generation > generation_before ? account.next : 0;

    assert_int_equal(side1_log->wrong, 0);
    /* All that was surely published came; nothing came that was not begun. */
    assert_true(received >= side1_log->sent && received <= side1_log->commits);
    account.gone += side1_log->commits - received;
}

/* Lets side 1 go on, by one instruction or to its next stop. */
static bool go_on(pid_t child, bool step)
{
    int status = 0;

    if (ptrace(step ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL, NULL) != 0 ||
        waitpid(child, &status, 0) != child)
        return false;
    if (!WIFSTOPPED(status)) {
        assert_int_equal(side1_log->wrong, 0);
        fail_msg("side 1 ended by itself");
    }
    return true;
}

/* One life of side 1: `calls` at full speed, then `steps` instructions. False: stepping is not possible here.
 */
static bool one_life(uint64_t *random, uint64_t calls, uint64_t steps)
{
    uint32_t generation_before = pair.tx[1]->generation,
             flags = random_below(random, 4) ? BH_CHANNEL_KEEP : BH_CHANNEL_DISCARD;
    uint64_t released = messages_before(pair.tx[1]->consumed), seed = random_next(random) | 1, pace,
             published;
    bool possible = true;
    int status = 0;
    pid_t child;

    memset(side1_log, 0, sizeof(*side1_log));
    account.asleep = false;
    child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        side1_main(seed, flags);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status))
        return false;
    published = account.sent;
    for (uint64_t i = 0; i < calls && possible; i++) {
        possible = go_on(child, false);
        for (uint64_t n = random_below(random, 4); n > 0; n--)
            side0_acts(random);
    }
    pace = 1 + random_below(random, 60);
    for (uint64_t i = 0; i < steps && possible; i++) {
        possible = go_on(child, true);
        if (random_below(random, pace) == 0)
            side0_acts(random);
        if (side1_log->opened == 0)
            published = account.sent;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    side0_receives_all();
    close_accounts(generation_before);
    assert_true(pair.tx[1]->generation - generation_before <= 1u);
    if (side1_log->taken > 0) {
        uint64_t after = side1_log->first + side1_log->taken, now = messages_before(pair.tx[1]->consumed);

        /* It began with the first that was not released, or with what open left. */
        if (flags == BH_CHANNEL_KEEP)
            assert_int_equal(side1_log->first, released);
        assert_true(side1_log->first >= released && side1_log->first <= published);
        /* What it received and did not release, the next one sees again. */
        assert_true(now <= after);
        account.repeated += after - now;
    }
    return possible;
}

static void torn_restarts(void **state)
{
    const char *wanted = getenv("TORN_RESTARTS");
    uint64_t restarts = wanted ? strtoull(wanted, NULL, 0) : 500, random = random_seed("torn", 0x7042),
             instructions = 0;

    (void)state;
    pair_create(&pair, REGION);
    side1_log = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(side1_log != MAP_FAILED);
    pair_open(&pair, 0, BH_CHANNEL_KEEP);
    for (uint64_t i = 0; i < restarts; i++) {
        uint64_t calls = random_below(&random, 4) ? 1 + random_below(&random, 16) : 0;
        uint64_t steps = random_below(&random, 400);

        if (!one_life(&random, calls, steps)) {
            printf("torn: ptrace cannot step here\n");
            skip();
        }
        instructions += steps;
    }
    printf("torn: %lu restarts after %lu stepped instructions: %lu messages from side 1, %lu from side 0 "
           "(%lu times "
           "full);\n"
           "torn: %lu committed and never published, %lu seen by two incarnations; side 0 slept %lu times\n",
           (unsigned long)restarts, (unsigned long)instructions, (unsigned long)account.received,
           (unsigned long)account.sent, (unsigned long)account.filled, (unsigned long)account.gone,
           (unsigned long)account.repeated, (unsigned long)account.sleeps);
    assert_true(account.received > restarts && account.sent > restarts && account.sleeps > restarts / 2);
    assert_true(account.gone > 0 && account.repeated > 0);
    pair_destroy(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(torn_restarts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
