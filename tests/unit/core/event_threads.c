/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels with vCPUs on threads, under the thread sanitizer: two senders of one domain, a receiver
 * that clears, masks and unmasks as a guest does and moves its vcpu_info, a vCPU that polls, and one that
 * makes and closes channels all the time. Whoever sends first raises a counter; when all is quiet, the
 * receiver must have read its last value: nothing was lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain.h"
#include "core/event.h"
#include "core/shared_info.h"

#define PORTS    128u
#define CHANNELS 7u /* static: port 60 + n of both, in two words; and 70 for the poller */
#define ROUNDS   2000u
#define STEPS    30u
#define THREADS  5u
#define LIMIT    200000000u
#define RECEIVER 0u /* vCPUs of domain 2 */
#define POLLER   1u
#define POLLED   70u

struct domain *domains_by_domid[MAX_DOMAINS];
static struct domain_record records[3];
static struct domain_port ports[3][CHANNELS + 1u];
static struct domain domain[3];
static struct vcpu vcpus[3][3];
static uint8_t pools[3][4 * PAGE_SIZE] __attribute__((aligned(4096)));
static struct vcpu_info places[2];
static unsigned sent[CHANNELS], seen[CHANNELS], woken, quiet, handled;
static bool stop;
static pthread_barrier_t barrier;

/* --- what the core's other parts would do --- */

void vcpu_request(struct vcpu *vcpu, uint32_t work)
{
    __atomic_fetch_or(&vcpu->work, work, __ATOMIC_ACQ_REL);
}

void domain_stop(struct domain *which, enum stop_reason reason)
{
    (void)which;
    (void)reason;
    abort();
}

void *stage1_share(unsigned slot, pa_t pa);
void stage1_unshare(unsigned slot);

void *stage1_share(unsigned slot, pa_t pa)
{
    assert_int_equal(slot, 0);
    assert_null(domain[2].events->info[RECEIVER]); /* nobody uses the old page */
    return &places[pa.v];
}

void stage1_unshare(unsigned slot)
{
    (void)slot;
}

bool guest_atomic_fails;

/* --- the guests --- */

static void give_way(void)
{
    static _Thread_local unsigned count;

    if (count++ % 5u == 0) {
        sched_yield();
    }
}

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void send(struct vcpu *vcpu, unsigned channel)
{
    bool core;

    __atomic_fetch_add(&sent[channel], 1u, __ATOMIC_SEQ_CST);
    assert_int_equal(event_send(vcpu, 60u + channel, &core), OK);
}

static void check_word(struct shared_info *shared, uint32_t word)
{
    uint64_t found = __atomic_load_n(&shared->pending[word], __ATOMIC_SEQ_CST) &
                     ~__atomic_load_n(&shared->mask[word], __ATOMIC_SEQ_CST);

    for (uint32_t bit = 0; bit < 64u; bit++) {
        uint32_t channel = word * 64u + bit - 60u;

        if ((found >> bit) % 2u == 0) {
            continue;
        }
        if (word * 64u + bit == POLLED) {
            continue;
        }
        __atomic_fetch_and(&shared->pending[word], ~(UINT64_C(1) << bit), __ATOMIC_SEQ_CST);
        if (channel < CHANNELS) {
            seen[channel] = __atomic_load_n(&sent[channel], __ATOMIC_SEQ_CST);
            handled++;
        }
    }
}

/* The interrupt handler. False: there was none. */
static bool handle(struct vcpu *vcpu)
{
    struct shared_info *shared = domain[2].events->shared;
    struct vcpu_info *info = __atomic_load_n(&domain[2].events->info[RECEIVER], __ATOMIC_ACQUIRE);
    uint64_t words;

    if ((__atomic_fetch_and(&vcpu->work, ~(uint32_t)WORK_EVENT, __ATOMIC_ACQ_REL) & WORK_EVENT) == 0) {
        return false;
    }
    __atomic_store_n(&info->upcall_pending, 0, __ATOMIC_SEQ_CST);
    words = __atomic_exchange_n(&info->pending_sel, 0, __ATOMIC_SEQ_CST);
    for (uint32_t word = 0; word < PORTS / 64u; word++) {
        give_way();
        if ((words >> word) % 2u != 0) {
            check_word(shared, word);
        }
    }
    return true;
}

static void mask_for_a_moment(unsigned random)
{
    uint32_t port = 60u + random % CHANNELS;
    uint64_t *mask = &domain[2].events->shared->mask[port / 64u];

    __atomic_fetch_or(mask, UINT64_C(1) << port % 64u, __ATOMIC_SEQ_CST);
    give_way();
    assert_int_equal(event_unmask(&domain[2], port), OK);
}

static void receiver(unsigned *random)
{
    struct vcpu *vcpu = &vcpus[2][RECEIVER];

    for (unsigned i = 0; i < STEPS; i++) {
        unsigned what = next(random);

        give_way();
        if (what % 4u == 0) {
            mask_for_a_moment(what / 4u);
        } else if (what % 16u == 1) {
            event_register_page(vcpu, PA(what / 16u % 2u), 0);
        }
        handle(vcpu);
    }
    while (__atomic_load_n(&quiet, __ATOMIC_ACQUIRE) < 2u || handle(vcpu)) {
        handle(vcpu);
        sched_yield();
    }
    while (handle(vcpu)) {
    }
}

static void sender(unsigned n, unsigned *random)
{
    for (unsigned i = 0; i < STEPS; i++) {
        give_way();
        send(&vcpus[1][n], next(random) % CHANNELS);
    }
    __atomic_fetch_add(&quiet, 1u, __ATOMIC_ACQ_REL);
}

/* Waits for port 70 again and again; the receiver may find it too, and takes nothing from it. */
static void poller(void)
{
    static const uint32_t port = POLLED;
    struct vcpu *vcpu = &vcpus[2][POLLER];
    uint64_t *word = &domain[2].events->shared->pending[port / 64u], bit = UINT64_C(1) << port % 64u;

    for (unsigned i = 0; i < STEPS; i++) {
        bool core, ended = false;

        event_poll_begin(vcpu);
        ended = event_any_pending(&domain[2], &port, 1);
        for (unsigned wait = 0; !ended; wait++) {
            assert_true(wait < LIMIT);
            ended = !event_polls(vcpu);
            sched_yield();
        }
        event_poll_end(vcpu);
        if ((__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit) != 0) {
            woken++;
        }
        assert_int_equal(event_send(vcpu, port, &core), OK); /* go on */
    }
}

/* The other end of that channel, which also makes and closes others meanwhile. */
static void maker(unsigned *random)
{
    struct vcpu *vcpu = &vcpus[1][2];
    uint32_t a, b;

    for (unsigned i = 0; i < STEPS; i++) {
        bool core;

        assert_int_equal(event_send(vcpu, POLLED, &core), OK);
        assert_int_equal(event_alloc_unbound(&domain[1], 2, &a), OK);
        assert_int_equal(event_bind_interdomain(&domain[2], 1, a, &b), OK);
        assert_int_equal(event_send(vcpu, a, &core), OK);
        give_way();
        if (next(random) % 2u == 0) {
            assert_int_equal(event_close(&domain[1], a), OK);
            assert_int_equal(event_close(&domain[2], b), OK);
        } else {
            assert_int_equal(event_close(&domain[2], b), OK);
            assert_int_equal(event_close(&domain[1], a), OK);
        }
    }
}

/* The poller may have one more turn than it was called for. */
static void feed_poller(unsigned n)
{
    bool core;

    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(event_send(&vcpus[1][2], POLLED, &core), OK);
        sched_yield();
    }
}

static unsigned poller_done;

static void *thread(void *arg)
{
    unsigned n = (unsigned)(uintptr_t)arg, random = 77u + n;

    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        switch (n) {
        case 0:
        case 1:
            sender(n, &random);
            break;
        case 2:
            receiver(&random);
            break;
        case 3:
            poller();
            __atomic_store_n(&poller_done, 1u, __ATOMIC_RELEASE);
            break;
        default:
            maker(&random);
            while (__atomic_load_n(&poller_done, __ATOMIC_ACQUIRE) == 0) {
                feed_poller(1);
            }
            break;
        }
        pthread_barrier_wait(&barrier);
        if (n == 0) {
            for (unsigned c = 0; c < CHANNELS; c++) {
                stop = stop || seen[c] != sent[c];
            }
            quiet = poller_done = 0;
        }
        pthread_barrier_wait(&barrier);
        if (stop) {
            break;
        }
    }
    return NULL;
}

static void make_domain(unsigned domid, unsigned nr_vcpus)
{
    struct domain *d = &domain[domid];
    unsigned nr = 0;

    for (unsigned i = 0; i < CHANNELS; i++) {
        ports[domid][nr++] =
            (struct domain_port){(uint16_t)(60u + i), (uint16_t)(3u - domid), (uint16_t)(60u + i)};
    }
    ports[domid][nr++] = (struct domain_port){POLLED, (uint16_t)(3u - domid), POLLED};
    records[domid] = (struct domain_record){.domid = (uint16_t)domid,
                                            .nr_vcpus = (uint16_t)nr_vcpus,
                                            .nr_ports = PORTS,
                                            .nr_static_ports = nr,
                                            .static_ports = ports[domid]};
    pool_init(&d->pool, pools[domid], sizeof pools[domid]);
    d->record = &records[domid];
    d->vcpus = vcpus[domid];
    d->events = events_create(&d->pool, d->record);
    assert_non_null(d->events);
    for (unsigned i = 0; i < nr_vcpus; i++) {
        d->vcpus[i].domain = d;
        d->vcpus[i].index = (uint16_t)i;
    }
    domains_by_domid[domid] = d;
}

static void nothing_is_lost(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    make_domain(1, 3);
    make_domain(2, 2);
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, thread, (void *)(uintptr_t)i);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%u events handled, %u polls ended by one\n", handled, woken);
    for (unsigned c = 0; c < CHANNELS; c++) {
        assert_int_equal(seen[c], sent[c]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost)};

    return cmocka_run_group_tests_name("event_threads", tests, NULL, NULL);
}
