/* SPDX-License-Identifier: Apache-2.0 */
/* vCPUs on threads: interrupts sent while locks, kicks and list registers are really used at the same time.
 * Whoever sends an interrupt first raises a counter that its handler reads; at the end of each round, when
 * all is quiet, every handler must have seen the last value: nothing was lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/host/host_gic.h"
#include "guest/arm64/vgic_mmio.h"
#include "virq/virq.h"

#define VCPUS      4u
#define ROUNDS     800u
#define STEPS      40u /* in a round: short, so that a later kick does not hide a lost one */
#define SGIS       6u
#define SPIS       8u
#define ISENABLER  0x100u
#define ICENABLER  0x180u
#define ISPENDR    0x200u
#define IPRIORITYR 0x400u
#define ICFGR      0xc00u
#define SGIR       0xf00u
#define ITARGETSR  0x800u
#define IROUTER    0x6000u
#define REDIST(v)  ((v) * 0x20000u + 0x10000u)

static struct virq *virq;
static unsigned version;
static uint32_t kicked[VCPUS];
static pthread_barrier_t barrier;
static bool lost;
static unsigned sent_sgi[VCPUS][SGIS], seen_sgi[VCPUS][SGIS], sent_spi[SPIS], seen_spi[SPIS], acknowledged,
    running;

static void give_way(void)
{
    static _Thread_local unsigned count;

    if (count++ % 3u == 0) {
        sched_yield();
    }
}

static void apply(const struct virq_effects *effects)
{
    for (unsigned v = 0; v < VCPUS; v++) {
        if ((effects->kick >> v) % 2u != 0) {
            __atomic_store_n(&kicked[v], 1u, __ATOMIC_RELEASE);
        }
    }
}

static void sync_vcpu(unsigned v)
{
    struct virq_effects effects = {0};

    virq_sync(virq, virq_cpu(virq, v), &effects);
    apply(&effects);
}

static void look(unsigned v)
{
    if (__atomic_exchange_n(&kicked[v], 0, __ATOMIC_ACQUIRE) != 0) {
        sync_vcpu(v);
    }
    for (unsigned i = 0; host_gic_maintenance(); i++) {
        if (i == 100u) {
            fprintf(stderr, "maintenance interrupt storm on vCPU %u\n", v);
            abort();
        }
        sync_vcpu(v);
    }
}

static void handle(unsigned v)
{
    uint32_t iar;

    for (unsigned i = 0; i < 8 && (iar = host_gic_acknowledge()) != HOST_GIC_SPURIOUS; i++) {
        uint32_t intid = iar % 1024u;

        look(v);
        if (intid < SGIS) {
            seen_sgi[v][intid] = __atomic_load_n(&sent_sgi[v][intid], __ATOMIC_ACQUIRE);
        } else if (intid >= 32u && intid < 32u + SPIS) {
            __atomic_store_n(&seen_spi[intid - 32u],
                             __atomic_load_n(&sent_spi[intid - 32u], __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
        } else {
            fprintf(stderr, "vCPU %u: interrupt %u came from nowhere\n", v, intid);
            abort();
        }
        __atomic_fetch_add(&acknowledged, 1u, __ATOMIC_RELAXED);
        host_gic_end(iar);
        look(v);
    }
}

/* A register access; while the answer needs other vCPUs, this one goes on doing what it must. */
static uint64_t access(unsigned v, bool redist, uint32_t offset, unsigned size, bool write, uint64_t value)
{
    enum vgic_result result;

    do {
        struct virq_effects effects = {0};

        result = (redist ? vgic_redist_access : vgic_dist_access)(virq, v, virq_cpu(virq, v), offset, size,
                                                                  write, &value, &effects);
        apply(&effects);
        look(v);
        if (result == VGIC_RETRY && __atomic_load_n(&running, __ATOMIC_ACQUIRE) < VCPUS) {
            break; /* another one has finished and does not answer any more */
        }
        if (result == VGIC_RETRY) {
            sched_yield();
        }
    } while (result == VGIC_RETRY);
    return value;
}

static void send_sgi(unsigned v, unsigned target, unsigned intid)
{
    struct virq_effects effects = {0};

    __atomic_fetch_add(&sent_sgi[target][intid], 1u, __ATOMIC_ACQ_REL);
    if (version == 2) {
        access(v, false, SGIR, 4, true, (1u << target) << 16 | intid);
        return;
    }
    vgic_sgi(virq, v, virq_cpu(virq, v), (uint64_t)intid << 24 | 1u << target, &effects);
    apply(&effects);
}

static void send_spi(unsigned v, unsigned n)
{
    struct virq_effects effects = {0};

    __atomic_fetch_add(&sent_spi[n], 1u, __ATOMIC_ACQ_REL);
    virq_edge(virq, 0, 32u + n, virq_cpu(virq, v), &effects);
    apply(&effects);
}

static void step(unsigned v, unsigned random)
{
    unsigned target = random / 16u % VCPUS, intid = random / 64u % SGIS, spi = random / 512u % SPIS;

    switch (random % 16u) {
    case 0:
        access(v, version == 3, (version == 3 ? REDIST(target) : 0) + ICENABLER, 4, true, 1u << intid);
        break;
    case 1:
        access(v, version == 3, (version == 3 ? REDIST(target) : 0) + ISENABLER, 4, true, 0xffffu);
        break;
    case 2:
        access(v, false, ICENABLER + 4, 4, true, 1u << spi);
        break;
    case 3:
        access(v, false, ISENABLER + 4, 4, true, 0xffu);
        break;
    case 4:
        access(v, false, version == 3 ? IROUTER + 8 * (32 + spi) : ITARGETSR + 32 + spi, version == 3 ? 8 : 1,
               true, version == 3 ? target : 1u << target);
        break;
    case 5:
        access(v, false, ISPENDR + 4, 4, false, 0);
        break;
    case 6:
        access(v, false, IPRIORITYR + 32 + spi, 1, true, random / 4096u % 8u * 0x10u);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
        send_spi(v, spi);
        break;
    default:
        send_sgi(v, target, intid);
        break;
    }
    look(v);
    handle(v);
}

static void resume(unsigned v)
{
    struct virq_effects effects = {0};

    host_gic_pcpu = v;
    virq_resume(virq, virq_cpu(virq, v), &effects);
    gic_vmcr_write(0xf8000000u | 3u << 18 | 2u << 21 | 3u);
    apply(&effects);
}

/* One thread plays all vCPUs until nothing happens any more. Nobody looks who was not kicked. */
static void quiesce(void)
{
    unsigned before;

    do {
        before = acknowledged;
        for (unsigned v = 0; v < VCPUS; v++) {
            host_gic_pcpu = v;
            access(v, version == 3, (version == 3 ? REDIST(v) : 0) + ISENABLER, 4, true, 0xffffu);
            access(v, false, ISENABLER + 4, 4, true, 0xffu);
            look(v);
            handle(v);
        }
    } while (acknowledged != before);
}

static void check(unsigned round)
{
    quiesce();
    for (unsigned i = 0; i < SGIS; i++) {
        for (unsigned v = 0; v < VCPUS && !lost; v++) {
            lost = seen_sgi[v][i] != sent_sgi[v][i];
        }
    }
    for (unsigned i = 0; i < SPIS && !lost; i++) {
        lost = seen_spi[i] != sent_spi[i];
    }
    if (lost) {
        print_error("round %u: an interrupt was lost\n", round);
    }
    running = VCPUS;
}

static void *vcpu_thread(void *argument)
{
    unsigned v = (unsigned)(uintptr_t)argument;
    uint64_t rng = 0x9e3779b97f4a7c15ull * (v + 1);

    for (unsigned round = 0; round < ROUNDS && !lost; round++) {
        host_gic_pcpu = v;
        for (unsigned i = 0; i < STEPS; i++) {
            rng ^= rng << 13;
            rng ^= rng >> 7;
            rng ^= rng << 17;
            step(v, (unsigned)(rng >> 20));
        }
        __atomic_fetch_sub(&running, 1u, __ATOMIC_ACQ_REL);
        pthread_barrier_wait(&barrier);
        if (v == 0) {
            check(round);
        }
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static void run(unsigned gic, unsigned nr_lrs)
{
    pthread_t threads[VCPUS];

    version = gic;
    host_gic_hook = give_way;
    host_gic_reset(version, nr_lrs);
    virq = virq_init(calloc(1, virq_bytes(VCPUS, 32)), VCPUS, 32, version);
    for (unsigned v = 0; v < VCPUS; v++) {
        resume(v);
    }
    host_gic_pcpu = 0;
    access(0, false, 0, 4, true, version == 3 ? 2 : 1);
    access(0, false, ICFGR + 8, 4, true, ~0u);
    access(0, false, ISENABLER + 4, 4, true, 0xffu);
    running = VCPUS;
    pthread_barrier_init(&barrier, NULL, VCPUS);
    for (uintptr_t v = 0; v < VCPUS; v++) {
        assert_int_equal(pthread_create(&threads[v], NULL, vcpu_thread, (void *)v), 0);
    }
    for (unsigned v = 0; v < VCPUS; v++) {
        pthread_join(threads[v], NULL);
    }
    pthread_barrier_destroy(&barrier);
    assert_false(lost);
    assert_true(acknowledged > ROUNDS);
    print_message("GICv%u, %u list registers: %u interrupts acknowledged\n", version, nr_lrs, acknowledged);
    acknowledged = 0;
    free(virq);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    run(3, 4);
    run(2, 4);
    run(3, 16);
    run(3, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost)};

    return cmocka_run_group_tests_name("virtual interrupts on threads", tests, NULL, NULL);
}
