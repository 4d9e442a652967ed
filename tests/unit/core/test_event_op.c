/* SPDX-License-Identifier: Apache-2.0 */
/* event_channel_op, vcpu_op and sched_op as a guest calls them: numbers, structures and errors of Xen. */
#include "machine.h"

#include <string.h>

#include "arch/host/host_cpu.h"
#include "arch/arm64/sysreg.h"
#include "base/bits.h"
#include "core/deadline.h"
#include "core/event.h"
#include "core/guest_atomic.h"
#include "core/physmap.h"
#include "core/shared_info.h"
#include "guest/arm64/trap.h"

#define CPU_ON    0xc4000003u
#define RESET_ALL 0x84000009u
#define PORTS     128u
#define US        UINT64_C(1000) /* ticks, and nanoseconds */
#define MS        (1000u * US)
#define ARG       (GUEST_RAM + 0x8100u)
#define HOLE      UINT64_C(0x38000000)
#define SELF      0x7ff0u

#define EPERM  (-1)
#define ENOENT (-2)
#define ESRCH  (-3)
#define ENXIO  (-6)
#define EFAULT (-14)
#define EBUSY  (-16)
#define EEXIST (-17)
#define EINVAL (-22)
#define ENOSPC (-28)
#define ENOSYS (-38)
#define ETIME  (-62)

static struct domain *a, *b;
static struct vcpu *first, *second, *other;

static void start_on(unsigned pcpus_count, unsigned first_of_b)
{
    static const struct domain_port of_a = {100, 2, 101}, of_b = {101, 1, 100};
    struct domain_record *record;

    machine_start(pcpus_count);
    record = machine_record(1, pcpus_count > 1 ? 2 : 1);
    record->nr_ports = PORTS;
    record->stage2_reserve = 4;
    record->static_ports = &of_a;
    record->nr_static_ports = 1;
    a = machine_domain(record);
    record = machine_record(2, 1);
    ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = (uint16_t)first_of_b;
    record->nr_ports = PORTS;
    record->static_ports = &of_b;
    record->nr_static_ports = 1;
    b = machine_domain(record);
    machine_boot();
    first = &a->vcpus[0];
    second = pcpus_count > 1 ? &a->vcpus[1] : NULL;
    other = &b->vcpus[0];
    for (unsigned i = 0; i < 100 && (a->state != DOMAIN_RUNNING || b->state != DOMAIN_RUNNING); i++) {
        machine_pass(5 * MS, MS);
    }
}

/* vCPUs 0 and 1 of the first domain on pCPUs 0 and 1, the second domain on pCPU 2. */
static void start(void)
{
    start_on(3, 2);
    machine_hvc(first, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    machine_enable_ppi(first, EVENT_PPI);
    machine_enable_ppi(second, EVENT_PPI);
    machine_enable_ppi(other, EVENT_PPI);
}

static void put(struct vcpu *vcpu, uint64_t at, const void *data, size_t size)
{
    host_on(vcpu->pcpu->index);
    for (size_t i = 0; i < size; i++) {
        host_guest_write(at + i, ((const uint8_t *)data)[i], true);
    }
}

static void get(struct vcpu *vcpu, uint64_t at, void *data, size_t size)
{
    host_on(vcpu->pcpu->index);
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)data)[i] = host_guest_read(at + i, true);
    }
}

/* One hypercall, executed again as long as it asks for that; *rounds of them. */
static unsigned rounds;

static int64_t call(struct vcpu *vcpu, uint64_t number, uint64_t x0, uint64_t x1, uint64_t x2)
{
    bool again;

    host_on(vcpu->pcpu->index);
    assert_ptr_equal(host_pcpu->current, vcpu);
    vcpu->x[16] = number;
    vcpu->x[0] = x0;
    vcpu->x[1] = x1;
    vcpu->x[2] = x2;
    rounds = 0;
    do {
        struct trap_result result;

        host_put("elr_el2", 0x1000);
        result = trap_hvc(vcpu, (uint64_t)EC_HVC64 << 26 | 0xea1u);
        again = host_sysreg_read(host_register("elr_el2")) != 0x1000;
        rounds++;
        machine_end(result);
    } while (again);
    return (int64_t)vcpu->x[0];
}

static int64_t event_op(struct vcpu *vcpu, unsigned operation, void *arg, size_t size)
{
    int64_t result;

    put(vcpu, ARG, arg, size);
    result = call(vcpu, 32, operation, ARG, 0);
    get(vcpu, ARG, arg, size);
    return result;
}

struct alloc {
    uint16_t dom, remote;
    uint32_t port;
};
struct bind {
    uint32_t dom, remote_port, port;
};
struct two {
    uint32_t port, vcpu;
};
struct three {
    uint32_t virq, vcpu, port;
};
struct port_status {
    uint16_t dom, pad;
    uint32_t port, status, vcpu, u[2];
};

static int64_t alloc(struct vcpu *vcpu, uint16_t dom, uint16_t remote, uint32_t *port)
{
    struct alloc arg = {dom, remote, 77};
    int64_t result = event_op(vcpu, 6, &arg, sizeof arg);

    *port = arg.port;
    return result;
}

static int64_t bind(struct vcpu *vcpu, uint16_t dom, uint32_t remote_port, uint32_t *port)
{
    struct bind arg = {dom, remote_port, 77};
    int64_t result = event_op(vcpu, 0, &arg, sizeof arg);

    *port = arg.port;
    return result;
}

static int64_t on_port(struct vcpu *vcpu, unsigned operation, uint32_t port)
{
    return event_op(vcpu, operation, &port, sizeof port);
}
#define CLOSE  3u
#define SEND   4u
#define UNMASK 9u

static struct port_status status_of(struct vcpu *vcpu, uint32_t port)
{
    struct port_status arg = {.dom = SELF, .port = port, .status = 99, .vcpu = 99};

    assert_int_equal(event_op(vcpu, 5, &arg, sizeof arg), 0);
    return arg;
}

static void allocate_and_bind(void **state)
{
    uint32_t port, peer, loop;
    struct port_status s;

    (void)state;
    start();
    assert_int_equal(alloc(first, 2, 1, &port), EPERM);
    assert_int_equal(alloc(first, 9, 1, &port), ESRCH);
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(port, 1);
    assert_int_equal(alloc(first, 1, SELF, &loop), 0);
    assert_int_equal(loop, 2);
    s = status_of(first, port);
    assert_int_equal(s.status, 1);
    assert_int_equal(s.u[0], 2);
    assert_int_equal(bind(other, 9, port, &peer), ESRCH);
    assert_int_equal(bind(other, 1, loop, &peer), EINVAL);
    assert_int_equal(bind(other, 1, PORTS, &peer), EINVAL);
    assert_int_equal(bind(other, 1, ~0u, &peer), EINVAL);
    assert_int_equal(peer, 77); /* not written */
    assert_int_equal(bind(other, 1, port, &peer), 0);
    s = status_of(first, port);
    assert_int_equal(s.status, 2);
    assert_int_equal(s.u[0], 2);
    assert_int_equal(s.u[1], peer);
    assert_int_equal(bind(first, SELF, loop, &peer), 0);
    s = status_of(first, 3);
    assert_int_equal(s.status, 2);
    assert_int_equal(s.u[0], 1);
    assert_int_equal(s.u[1], 2);
    while (alloc(first, SELF, 2, &port) == 0) {
    }
    assert_int_equal(alloc(first, SELF, 2, &port), ENOSPC);
    assert_int_equal(bind(first, SELF, 1, &port), ENOSPC);
}

static void send_close_status(void **state)
{
    struct port_status s = {.dom = 2, .port = 1};
    uint32_t port;

    (void)state;
    start();
    assert_int_equal(event_op(first, 5, &s, sizeof s), EPERM);
    s.dom = 9;
    assert_int_equal(event_op(first, 5, &s, sizeof s), ESRCH);
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t bad[] = {0, PORTS, ~0u};

        s = (struct port_status){.dom = SELF, .port = bad[i]};
        assert_int_equal(event_op(first, 5, &s, sizeof s), EINVAL);
        assert_int_equal(on_port(first, SEND, bad[i]), EINVAL);
        assert_int_equal(on_port(first, CLOSE, bad[i]), EINVAL);
        assert_int_equal(on_port(first, UNMASK, bad[i]), EINVAL);
    }
    assert_int_equal(status_of(first, PORTS - 1u).status, 0);
    assert_int_equal(on_port(first, SEND, 5), EINVAL);
    assert_int_equal(on_port(first, CLOSE, 5), EINVAL);
    assert_int_equal(on_port(first, UNMASK, 5), 0);
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(on_port(first, SEND, port), 0);
    assert_int_equal(on_port(first, CLOSE, port), 0);
    /* static: bound whatever the guest does */
    assert_int_equal(on_port(first, CLOSE, 100), 0);
    assert_int_equal(status_of(first, 100).status, 2);
    assert_int_equal(on_port(first, SEND, 100), 0);
    machine_settle();
    host_on(2);
    assert_int_equal(host_gic_acknowledge(), EVENT_PPI);
    assert_int_equal(b->events->shared->pending[1], BIT(101 - 64));
}

static void virq_ipi_vcpu(void **state)
{
    struct three virq = {0, 0, 77};
    struct two ipi = {1, 77}, move;

    (void)state;
    start();
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), 0);
    assert_int_equal(virq.port, 1);
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), EEXIST);
    virq.vcpu = 2;
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), ENOENT);
    virq = (struct three){24, 0, 77};
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), EINVAL);
    virq.virq = 2;
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), EBUSY);
    assert_int_equal(virq.port, 77);
    assert_int_equal(event_op(first, 7, &ipi, sizeof ipi), 0); /* {vcpu, port} */
    assert_int_equal(ipi.vcpu, 2);
    assert_int_equal(status_of(first, 1).status, 4);
    assert_int_equal(status_of(first, 2).status, 5);
    assert_int_equal(status_of(first, 2).vcpu, 1);
    ipi = (struct two){2, 0};
    assert_int_equal(event_op(first, 7, &ipi, sizeof ipi), ENOENT);
    move = (struct two){2, 0};
    assert_int_equal(event_op(first, 8, &move, sizeof move), EINVAL); /* an IPI stays */
    move = (struct two){100, 1};
    assert_int_equal(event_op(first, 8, &move, sizeof move), 0);
    assert_int_equal(status_of(first, 100).vcpu, 1);
    move = (struct two){100, 2};
    assert_int_equal(event_op(first, 8, &move, sizeof move), ENOENT);
    move = (struct two){PORTS, 0};
    assert_int_equal(event_op(first, 8, &move, sizeof move), EINVAL);
}

static void unknown(void **state)
{
    uint64_t arg[4] = {0};

    (void)state;
    start();
    for (unsigned op = 0; op < 40; op++) {
        if (op == 2 || op > 10) {
            assert_int_equal(event_op(first, op, arg, sizeof arg), ENOSYS);
        }
        if (op != 0 && op != 2 && op != 3 && op != 6) {
            assert_int_equal(call(first, 29, op, ARG, 0), ENOSYS);
        }
        if (op != 5 && op != 8 && op != 9 && op != 10) {
            assert_int_equal(call(first, 24, op, 0, ARG), ENOSYS);
        }
    }
}

/* Every pointer that does not lead to memory: an error, and nothing has changed. */
static void bad_pointers(void **state)
{
    static const uint64_t bad[] = {HOLE, GUEST_RAM + GUEST_SIZE - 1u, 0x3001000, ~UINT64_C(0), 0};
    uint32_t port;

    (void)state;
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        for (unsigned op = 0; op < 11; op++) {
            if (op != 2 && (bad[i] != GUEST_RAM + GUEST_SIZE - 1u || op != 10)) {
                assert_int_equal(call(first, 32, op, bad[i], 0), EFAULT);
            }
        }
        assert_int_equal(call(first, 29, 2, bad[i], 0), EFAULT);
        assert_int_equal(call(first, 29, 3, bad[i], 0), EFAULT);
        assert_int_equal(call(first, 29, 6, bad[i], 0), EFAULT);
        assert_int_equal(call(first, 24, 5, 0, bad[i]), EFAULT);
        assert_int_equal(call(first, 24, 8, 0, bad[i]), EFAULT);
        assert_int_equal(call(first, 24, 10, 0, bad[i]), EFAULT);
    }
    /* readable, but the answer could not be written */
    assert_int_equal(physmap_place(a, IPA(HOLE), PA(a->record->maps[0].pa.v), PHYSMAP_READ), OK);
    for (unsigned op = 0; op < 8; op++) {
        if (op == 0 || op == 1 || op == 6 || op == 7) {
            assert_int_equal(call(first, 32, op, HOLE, 0), EFAULT);
        }
    }
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(port, 1);
}

/* Closes everything that is not static, a few ports at a time. */
static void reset(void **state)
{
    uint32_t port, peer, count = 0;
    uint16_t dom = 2;

    (void)state;
    start();
    assert_int_equal(event_op(first, 10, &dom, sizeof dom), EPERM);
    dom = 9;
    assert_int_equal(event_op(first, 10, &dom, sizeof dom), ESRCH);
    assert_int_equal(alloc(other, SELF, 1, &peer), 0);
    assert_int_equal(bind(first, 2, peer, &port), 0);
    while (alloc(first, SELF, 2, &port) == 0) {
        count++;
    }
    assert_int_equal(count, PORTS - 3u);
    dom = SELF;
    put(first, ARG, &dom, sizeof dom);
    /* what a compiler leaves above the operation does not matter */
    assert_int_equal(call(first, 32, UINT64_C(120) << 32 | 10u, ARG, 0), 0);
    assert_true(rounds > PORTS / 64u);
    for (port = 1; port < PORTS; port++) {
        assert_int_equal(status_of(first, port).status, port == 100 ? 2 : 0);
    }
    assert_int_equal(status_of(other, peer).status, 1);
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(port, 1);
}

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
        cmocka_unit_test(allocate_and_bind),
        cmocka_unit_test(send_close_status),
        cmocka_unit_test(virq_ipi_vcpu),
        cmocka_unit_test(unknown),
        cmocka_unit_test(bad_pointers),
        cmocka_unit_test(reset),
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
        cmocka_unit_test(hostile_page),
    };

    return cmocka_run_group_tests_name("event_op", tests, NULL, NULL);
}
