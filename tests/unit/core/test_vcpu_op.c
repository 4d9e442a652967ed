/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu_op and sched_op as a guest calls them. */
#include "event_calls.h"

/* --- vcpu_op --- */

static int64_t register_info(struct vcpu *vcpu, unsigned index, uint64_t gfn, uint32_t offset)
{
    struct {
        uint64_t gfn;
        uint32_t offset, reserved;
    } arg = {gfn, offset, 0};

    put(vcpu, ARG, &arg, sizeof arg);
    return call(vcpu, 24, 10, index, ARG);
}

#define INFO_GFN (GUEST_RAM / PAGE_SIZE + 12u)
#define INFO     (INFO_GFN * PAGE_SIZE)

static void upcall(struct vcpu *vcpu)
{
    uint32_t iar;

    machine_settle();
    host_on(vcpu->pcpu->index);
    iar = host_gic_acknowledge();
    assert_int_equal(iar, EVENT_PPI);
    host_gic_end(iar);
}

static void no_upcall(struct vcpu *vcpu)
{
    machine_settle();
    host_on(vcpu->pcpu->index);
    assert_int_equal(host_gic_acknowledge(), HOST_GIC_SPURIOUS);
}

static void vcpu_info(void **state)
{
    struct vcpu_info info;
    struct two ipi = {1, 0};

    (void)state;
    start();
    assert_int_equal(register_info(first, 0, INFO_GFN, PAGE_SIZE - 47u), ENXIO);
    assert_int_equal(register_info(first, 0, INFO_GFN, PAGE_SIZE), ENXIO);
    assert_int_equal(register_info(first, 0, INFO_GFN, 4), ENXIO);
    assert_int_equal(register_info(first, 0, INFO_GFN, ~7u), ENXIO);
    assert_int_equal(register_info(first, 0, HOLE / PAGE_SIZE, 0), EINVAL);
    assert_int_equal(register_info(first, 0, 0x3001, 0), EINVAL);
    assert_int_equal(register_info(first, 0, ~UINT64_C(0), 0), EINVAL);
    assert_int_equal(register_info(first, 0, UINT64_C(1) << 52 | INFO_GFN, 0), EINVAL);
    assert_int_equal(register_info(first, 1, INFO_GFN, 0), EINVAL); /* another one, which runs */
    assert_int_equal(register_info(first, 2, INFO_GFN, 0), ENOENT);
    /* not its own RAM at home: what is granted or shared may go at any time */
    assert_int_equal(physmap_place(a, IPA(HOLE), PA(a->record->maps[0].pa.v), PHYSMAP_WRITE), OK);
    assert_int_equal(register_info(first, 0, HOLE / PAGE_SIZE, 0), EINVAL);
    no_upcall(first);

    assert_int_equal(event_op(first, 7, &ipi, sizeof ipi), 0);
    assert_int_equal(on_port(first, SEND, ipi.vcpu), 0); /* {vcpu, port} */
    no_upcall(second);
    memset(&info, 0, sizeof info);
    put(first, INFO, &info, sizeof info);
    put(first, INFO + PAGE_SIZE - 48u, &info, sizeof info);
    assert_int_equal(register_info(second, 1, INFO_GFN, PAGE_SIZE - 48u), 0);
    upcall(second);
    get(second, INFO + PAGE_SIZE - 48u, &info, sizeof info);
    assert_int_equal(info.upcall_pending, 1);
    assert_true(info.pending_sel == ~UINT64_C(0));
    /* again: the old place is left alone */
    assert_int_equal(register_info(second, 1, INFO_GFN + 1u, 64), 0);
    memset(&info, 0, sizeof info);
    upcall(second);
    put(second, INFO + PAGE_SIZE - 48u, &info, sizeof info);
    put(second, INFO + PAGE_SIZE + 64u, &info, sizeof info);
    a->events->shared->pending[0] = 0;
    assert_int_equal(on_port(first, SEND, ipi.vcpu), 0);
    upcall(second);
    get(second, INFO + PAGE_SIZE + 64u, &info, sizeof info);
    assert_int_equal(info.upcall_pending, 1);
    assert_int_equal(info.pending_sel, 1);
    get(second, INFO + PAGE_SIZE - 48u, &info, sizeof info);
    assert_int_equal(info.upcall_pending, 0);
}

/* A vCPU that is off can be registered by another one. */
static void vcpu_info_of_one_that_is_off(void **state)
{
    (void)state;
    start_on(3, 2);
    assert_int_equal(register_info(first, 1, INFO_GFN, 0), 0);
    assert_non_null(a->events->info[1]);
}

/* No memory of a stopped domain is written, and EL2 does not map it. */
static void vcpu_info_ends_with_the_domain(void **state)
{
    uint64_t pa;
    void *place;

    (void)state;
    start();
    assert_int_equal(register_info(first, 0, INFO_GFN, 0), 0);
    place = a->events->info[0];
    assert_ptr_not_equal(place, &a->events->shared->vcpu_info);
    assert_true(host_el2_translate(place, true, &pa));
    assert_int_equal(pa, a->record->maps[0].pa.v + 12u * PAGE_SIZE);
    machine_hvc(first, RESET_ALL, 0, 0, 0);
    for (unsigned i = 0; i < 1000u && a->state != DOMAIN_RUNNING; i++) {
        machine_pass(5 * MS, 5 * MS);
    }
    assert_int_equal(a->incarnation, 2);
    assert_ptr_equal(a->events->info[0], &a->events->shared->vcpu_info);
    for (unsigned i = 0; i < 3; i++) {
        host_on(i);
        assert_false(host_el2_translate(place, false, &pa));
    }
}

static void runstate(void **state)
{
    struct {
        uint32_t state, pad;
        uint64_t entry, time[4];
    } info;
    uint64_t at[] = {GUEST_RAM + 0x9000u, GUEST_RAM + 0xa000u - 20u};

    (void)state;
    start();
    for (unsigned i = 0; i < 2; i++) { /* inside a page, across two */
        memset(&info, 0xff, sizeof info);
        put(first, at[i], &info, sizeof info);
        host_now += 5 * MS;
        put(first, ARG, &at[i], sizeof at[i]);
        assert_int_equal(call(first, 24, 5, 0, ARG), 0);
        get(first, at[i], &info, sizeof info);
        assert_int_equal(info.state, 0);
        assert_int_equal(info.time[0], host_now - a->counter_offset);
        assert_int_equal(info.time[1] | info.time[2] | info.time[3] | info.entry, 0);
        assert_int_equal(first->runstate.v, at[i]);
    }
    at[0] = UINT64_C(0xffff800012345678); /* not mapped now: no error */
    put(first, ARG, &at[0], sizeof at[0]);
    assert_int_equal(call(first, 24, 5, 0, ARG), 0);
    assert_int_equal(call(first, 24, 5, 2, ARG), ENOENT);
}

static bool runs(const struct vcpu *vcpu)
{
    return vcpu->pcpu->current == vcpu;
}

static void until_it_runs(const struct vcpu *vcpu)
{
    for (unsigned i = 0; i < 100 && !runs(vcpu); i++) {
        machine_pass(MS, MS);
    }
}

struct timer {
    uint64_t at;
    uint32_t flags, pad;
};

static int64_t set_timer(struct vcpu *vcpu, unsigned index, uint64_t at, uint32_t flags)
{
    struct timer arg = {at, flags, 0};

    put(vcpu, ARG, &arg, sizeof arg);
    return call(vcpu, 24, 8, index, ARG);
}

static uint64_t guest_time(void)
{
    return host_now - a->counter_offset; /* 1 GHz: ticks are nanoseconds */
}

static bool timer_pending(uint32_t port)
{
    return (a->events->shared->pending[0] >> port) % 2u != 0;
}

static void singleshot_timer(void **state)
{
    struct three virq = {0, 0, 0};

    (void)state;
    for (unsigned shared = 0; shared < 2; shared++) {
        if (shared == 0) {
            start_on(2, 1);
        } else {
            start_on(1, 0);
        }
        machine_pass(20 * MS, MS);
        until_it_runs(first);
        virq = (struct three){0, 0, 0};
        assert_int_equal(event_op(first, 1, &virq, sizeof virq), 0);
        assert_int_equal(set_timer(first, 1, 0, 0), shared == 0 ? EINVAL : ENOENT);
        assert_int_equal(set_timer(first, 0, guest_time() - 1u, 1), ETIME);
        assert_int_equal(set_timer(first, 0, guest_time() + 2 * MS, 1), 0);
        machine_pass(2 * MS - US, 100 * US);
        assert_false(timer_pending(virq.port));
        machine_pass(2 * US, US);
        assert_true(timer_pending(virq.port));
        assert_int_equal(first->deadlines[DEADLINE_TIMER], 0);
        a->events->shared->pending[0] = 0;
        machine_pass(10 * MS, MS);
        assert_false(timer_pending(virq.port)); /* once */
        until_it_runs(first);
        assert_int_equal(set_timer(first, 0, guest_time() - 5 * MS, 0), 0); /* in the past: now */
        machine_pass(US, US);
        assert_true(timer_pending(virq.port));
        a->events->shared->pending[0] = 0;
        assert_int_equal(set_timer(first, 0, guest_time() + 2 * MS, 0), 0);
        assert_int_equal(call(first, 24, 9, 0, 0), 0);
        machine_pass(10 * MS, MS);
        assert_false(timer_pending(virq.port));
        until_it_runs(first);
        assert_int_equal(set_timer(first, 0, ~UINT64_C(0), 0), 0); /* never, and no overflow */
        machine_pass(10 * MS, MS);
        assert_false(timer_pending(virq.port));
    }
}

/* --- sched_op --- */

static int64_t poll(struct vcpu *vcpu, const uint32_t *ports, uint32_t nr, uint64_t timeout)
{
    struct {
        uint64_t ports;
        uint32_t nr, pad;
        uint64_t timeout;
    } arg = {ARG + 64u, nr, 0, timeout};

    put(vcpu, ARG, &arg, sizeof arg);
    if (ports != NULL) {
        put(vcpu, ARG + 64u, ports, nr * sizeof *ports);
    }
    return call(vcpu, 29, 3, ARG, 0);
}

static void poll_errors(void **state)
{
    uint32_t ports[128] = {0};

    (void)state;
    start();
    assert_int_equal(poll(first, NULL, 129, 0), EINVAL);
    assert_int_equal(poll(first, NULL, ~0u, 0), EINVAL);
    assert_int_equal(poll(first, ports, 1, 0), EINVAL);
    ports[0] = PORTS;
    assert_int_equal(poll(first, ports, 1, 0), EINVAL);
    for (unsigned i = 0; i < 128; i++) {
        ports[i] = 100;
    }
    a->events->shared->pending[1] = BIT(100 - 64);
    assert_int_equal(poll(first, ports, 128, 0), 0);
    assert_true(runs(first));
    assert_int_equal(a->events->polling, 0);
    ports[127] = 0;
    assert_int_equal(poll(first, ports, 128, 0), EINVAL);
}

/* On a pCPU of its own, and on one that others share: ends by an event, masked or not, by time, by an
 * interrupt; and not before. */
static void poll_ends(void **state)
{
    uint32_t port = 100;

    (void)state;
    for (unsigned shared = 0; shared < 2; shared++) {
        start_on(shared != 0 ? 1 : 2, shared != 0 ? 0 : 1);
        for (unsigned mask = 0; mask < 2; mask++) {
            until_it_runs(first);
            a->events->shared->pending[1] = 0;
            a->events->shared->mask[1] = mask != 0 ? ~UINT64_C(0) : 0;
            assert_int_equal(poll(first, &port, 1, 0), 0);
            assert_false(runs(first));
            machine_pass(40 * MS, MS);
            assert_int_equal(first->state, VCPU_BLOCKED);
            assert_true(runs(other));
            assert_int_equal(on_port(other, SEND, 101), 0);
            machine_settle();
            assert_int_equal(first->state, VCPU_READY);
            until_it_runs(first);
            assert_true(runs(first));
            assert_int_equal(first->x[0], 0);
            assert_int_equal(a->events->polling, 0);
            assert_int_equal(deadline_next(first), DEADLINE_NEVER);
        }
        a->events->shared->pending[1] = 0;
        assert_int_equal(poll(first, &port, 1, guest_time() + 20 * MS), 0);
        assert_false(runs(first));
        machine_pass(19 * MS, MS);
        assert_int_equal(first->state, VCPU_BLOCKED);
        machine_pass(2 * MS, 100 * US);
        assert_int_equal(first->state, VCPU_READY);
        assert_int_equal(a->events->polling, 0);
        until_it_runs(first);
        /* no ports at all: a sleep */
        assert_int_equal(poll(first, NULL, 0, guest_time() + MS), 0);
        assert_false(runs(first));
        machine_pass(3 * MS, 100 * US);
        assert_int_equal(first->state, VCPU_READY);
        until_it_runs(first);
        /* an interrupt */
        machine_enable_ppi(first, 27);
        host_on(0);
        host_put("cntv_cval_el0", guest_time() + 3 * MS);
        host_put("cntv_ctl_el0", 1);
        assert_int_equal(poll(first, &port, 1, 0), 0);
        assert_false(runs(first));
        machine_pass(2 * MS, 100 * US);
        assert_int_equal(first->state, VCPU_BLOCKED);
        machine_pass(2 * MS, 100 * US);
        assert_int_equal(first->state, VCPU_READY);
        assert_int_equal(a->events->polling, 0);
    }
}

/* A domain that stops while one of its vCPUs polls. */
static void poll_and_stop(void **state)
{
    uint32_t port = 100;

    (void)state;
    start();
    assert_int_equal(poll(first, &port, 1, 0), 0);
    assert_false(runs(first));
    machine_hvc(second, RESET_ALL, 0, 0, 0);
    for (unsigned i = 0; i < 1000u && a->state != DOMAIN_RUNNING; i++) {
        machine_pass(5 * MS, 5 * MS);
    }
    assert_int_equal(a->incarnation, 2);
    assert_true(runs(first));
    assert_int_equal(a->events->polling, 0);
}

static void yield(void **state)
{
    (void)state;
    start_on(1, 0);
    for (unsigned i = 0; i < 20; i++) {
        struct vcpu *before = pcpus[0]->current;

        assert_non_null(before);
        host_on(0);
        assert_int_equal(call(before, 29, 0, 0, 0), 0);
        assert_ptr_not_equal(pcpus[0]->current, before);
    }
    start();
    assert_int_equal(call(first, 29, 0, 0, 0), 0);
    assert_true(runs(first));
}

static void shutdown(void **state)
{
    static const struct {
        uint32_t reason;
        const char *says;
    } rows[] = {{0, "powered off"}, {1, "asked for a reset"}, {3, "crashed"}, {4, "crashed"}};
    uint32_t reason;

    (void)state;
    start();
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t bad[] = {2, 5, ~0u};

        reason = bad[i];
        put(first, ARG, &reason, sizeof reason);
        assert_int_equal(call(first, 29, 2, ARG, 0), EINVAL);
        assert_int_equal(a->state, DOMAIN_RUNNING);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        start();
        reason = rows[i].reason;
        put(first, ARG, &reason, sizeof reason);
        call(first, 29, 2, ARG, 0);
        machine_settle();
        machine_pass(50 * MS, MS);
        assert_true(machine_said(rows[i].says));
    }
}

static int64_t watchdog(struct vcpu *vcpu, uint32_t id, uint32_t seconds)
{
    uint32_t arg[2] = {id, seconds};

    put(vcpu, ARG, arg, sizeof arg);
    return call(vcpu, 29, 6, ARG, 0);
}

static void watchdogs(void **state)
{
    (void)state;
    start();
    assert_int_equal(watchdog(first, 3, 1), EINVAL);
    assert_int_equal(watchdog(first, 1, 1), EINVAL); /* does not run */
    assert_int_equal(watchdog(second, 0, 2), 1);
    assert_int_equal(watchdog(first, 0, 3), 2);
    assert_int_equal(watchdog(first, 0, 3), ENOSPC);
    machine_pass(1500 * MS, 100 * MS);
    assert_int_equal(watchdog(first, 1, 2), 0); /* once more */
    machine_pass(1400 * MS, 100 * MS);
    assert_int_equal(a->incarnation, 1);
    assert_int_equal(watchdog(second, 2, 0), 0); /* stopped */
    assert_int_equal(watchdog(second, 2, 0), EINVAL);
    machine_pass(500 * MS, 100 * MS);
    assert_int_equal(a->incarnation, 1);
    machine_pass(200 * MS, 10 * MS);
    assert_true(machine_said("watchdog 1"));
    assert_true(machine_said("DOM1 crashed"));
    machine_pass(200 * MS, 10 * MS);
    assert_int_equal(a->incarnation, 2);
    machine_pass(10000 * MS, 1000 * MS);
    assert_int_equal(a->incarnation, 2); /* the new life has none */
}

/* Watchdog 1 of a domain with a heartbeat runs by itself, and no call stops it; any of its vCPUs may beat. */
static void heartbeat(void **state)
{
    (void)state;
    start();
    ((struct domain_record *)a->record)->heartbeat_ms = 100;
    assert_int_equal(watchdog(first, 1, 0), 0);
    for (unsigned i = 0; i < 20; i++) {
        machine_pass(90 * MS, 10 * MS);
        assert_int_equal(watchdog(i % 2 == 0 ? first : second, 1, i % 3), 0);
        assert_int_equal(watchdog(second, 2, 0), EINVAL); /* not that one */
    }
    assert_int_equal(a->incarnation, 1);
    assert_int_equal(watchdog(first, 0, 1000), 2);
    assert_int_equal(watchdog(first, 0, 1000), ENOSPC);
    machine_pass(90 * MS, 10 * MS);
    assert_int_equal(a->incarnation, 1);
    machine_pass(20 * MS, MS);
    assert_true(machine_said("watchdog 1"));
    machine_pass(20 * MS, MS);
    assert_int_equal(a->incarnation, 2);
    assert_true(machine_said("DOM1 crash: watchdog, incarnation 1 vCPU 0, pc"));
    assert_true(machine_said("DOM1 crash: x24 0x"));
    assert_true(machine_said("DOM1 crash: x30 0x"));
    assert_int_equal(a->crashes, 1);
    machine_pass(130 * MS, MS); /* the new life never beats */
    assert_int_equal(a->incarnation, 3);
}

/* A guest that writes to its page without end is stopped; the sender goes on. */
static void hostile_page(void **state)
{
    (void)state;
    start();
    guest_atomic_fails = true;
    assert_int_equal(on_port(first, SEND, 100), 0);
    guest_atomic_fails = false;
    machine_settle();
    machine_pass(100 * MS, 5 * MS);
    assert_true(machine_said("DOM2 crashed"));
    assert_int_equal(a->incarnation, 1);
    assert_true(runs(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vcpu_info),
        cmocka_unit_test(vcpu_info_of_one_that_is_off),
        cmocka_unit_test(vcpu_info_ends_with_the_domain),
        cmocka_unit_test(runstate),
        cmocka_unit_test(singleshot_timer),
        cmocka_unit_test(poll_errors),
        cmocka_unit_test(poll_ends),
        cmocka_unit_test(poll_and_stop),
        cmocka_unit_test(yield),
        cmocka_unit_test(shutdown),
        cmocka_unit_test(watchdogs),
        cmocka_unit_test(heartbeat),
        cmocka_unit_test(hostile_page),
    };

    return cmocka_run_group_tests_name("vcpu_op", tests, NULL, NULL);
}
