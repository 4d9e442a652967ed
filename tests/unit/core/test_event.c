/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels: from a port to the interrupt; ports bound and closed in every order. */
#include "event_guest.h"

static void static_ports(void **state)
{
    (void)state;
    start();
    for (unsigned i = 1; i < 5; i++) {
        assert_int_equal(send(&a->vcpus[0], 5), OK);
        assert_true(pending(b, 7));
        assert_int_equal(b->events->shared->vcpu_info.upcall_pending, 1);
        assert_int_equal(b->events->shared->vcpu_info.pending_sel, 1);
        assert_true(serve(&b->vcpus[0]));
        assert_int_equal(seen[7], i);
        assert_int_equal(send(&a->vcpus[1], 6), OK); /* from another vCPU, of another word */
        assert_int_equal(b->events->shared->vcpu_info.pending_sel, 2);
        assert_true(serve(&b->vcpus[0]));
        assert_int_equal(seen[70], i);
        assert_int_equal(send(&b->vcpus[0], 7), OK);
        assert_true(serve(&a->vcpus[0]));
        assert_int_equal(seen[5], i);
    }
    assert_false(serve(&a->vcpus[0]));
    assert_false(serve(&a->vcpus[1]));
    assert_false(serve(&b->vcpus[0]));
    assert_int_equal(a->events->ports[5].state, EVENT_INTERDOMAIN);
}

/* Two events before the handler runs are one interrupt; what is pending stops at the first bit. */
static void coalesce(void **state)
{
    struct shared_info *shared;

    (void)state;
    start();
    shared = b->events->shared;
    send(&a->vcpus[0], 5);
    send(&a->vcpus[0], 5);
    send(&a->vcpus[0], 6);
    assert_int_equal(shared->vcpu_info.pending_sel, 3);
    assert_true(serve(&b->vcpus[0]));
    assert_int_equal(seen[7] + seen[70], 2);
    assert_false(serve(&b->vcpus[0]));
    memset(seen, 0, sizeof seen);

    /* the bit is set already: nothing more is written or raised */
    shared->pending[0] = BIT(7);
    send(&a->vcpus[0], 5);
    assert_int_equal(shared->vcpu_info.pending_sel, 0);
    assert_int_equal(shared->vcpu_info.upcall_pending, 0);
    shared->pending[0] = 0;
    /* the word is announced already, by a guest that has not looked yet */
    shared->vcpu_info.pending_sel = 1;
    send(&a->vcpus[0], 5);
    assert_int_equal(shared->vcpu_info.upcall_pending, 0);
    assert_false(serve(&b->vcpus[0]));
    shared->pending[0] = 0;
    shared->vcpu_info.pending_sel = 0;
    /* the upcall is, with any value */
    shared->vcpu_info.upcall_pending = 0x80;
    send(&a->vcpus[0], 5);
    assert_int_equal(shared->vcpu_info.pending_sel, 1);
    assert_false(serve(&b->vcpus[0]));
}

static void masked(void **state)
{
    (void)state;
    start();
    set_mask(b, 7, true);
    send(&a->vcpus[0], 5);
    assert_true(pending(b, 7));
    assert_int_equal(b->events->shared->vcpu_info.pending_sel, 0);
    assert_false(serve(&b->vcpus[0]));
    host_on(2);
    assert_int_equal(event_unmask(b, 7), OK);
    machine_end(trap_return(&b->vcpus[0]));
    assert_int_equal(b->events->shared->mask[0], 0);
    assert_true(serve(&b->vcpus[0]));
    assert_int_equal(seen[7], 1);
    /* not masked: nothing to do, even if it is pending */
    b->events->shared->pending[0] = BIT(7);
    assert_int_equal(event_unmask(b, 7), OK);
    assert_int_equal(b->events->shared->vcpu_info.pending_sel, 0);
    /* masked and not pending */
    b->events->shared->pending[0] = 0;
    set_mask(b, 7, true);
    assert_int_equal(event_unmask(b, 7), OK);
    assert_int_equal(b->events->shared->mask[0], 0);
    assert_int_equal(b->events->shared->vcpu_info.pending_sel, 0);
    assert_int_equal(event_unmask(b, 0), ERR_INVALID);
    assert_int_equal(event_unmask(b, PORTS), ERR_INVALID);
    assert_int_equal(event_unmask(b, PORTS - 1u), OK); /* closed, but it exists */
}

/* An event between the guest's clear of upcall_pending and its EOI: the interrupt comes once more. */
static void between_clear_and_eoi(void **state)
{
    struct vcpu *receiver;

    (void)state;
    for (unsigned level = 0; level < 2; level++) {
        start();
        receiver = &b->vcpus[0];
        machine_store(receiver, b->record->gicr_or_gicc.v + 0x10c04u, level != 0 ? 0 : 2u << 30); /* ICFGR1 */
        for (unsigned i = 1; i < 4; i++) {
            uint32_t iar;

            send(&a->vcpus[0], 5);
            host_on(2);
            iar = host_gic_acknowledge();
            assert_int_equal(iar, EVENT_PPI);
            b->events->shared->vcpu_info.upcall_pending = 0;
            b->events->shared->vcpu_info.pending_sel = 0;
            b->events->shared->pending[0] = 0;
            send(&a->vcpus[0], 5); /* now */
            host_on(2);
            assert_int_equal(host_gic_acknowledge(), HOST_GIC_SPURIOUS);
            host_gic_end(iar);
            machine_settle();
            memset(seen, 0, sizeof seen);
            assert_true(serve(receiver));
            assert_int_equal(seen[7], 1);
            assert_false(serve(receiver));
        }
    }
}

/* The interrupt is not enabled, or the group is off: it waits. */
static void interrupt_masked(void **state)
{
    struct vcpu *receiver;
    uint64_t redist;

    (void)state;
    start();
    receiver = &b->vcpus[0];
    redist = b->record->gicr_or_gicc.v + 0x10000u;
    machine_store(receiver, redist + 0x180u, 1u << EVENT_PPI);
    send(&a->vcpus[0], 5);
    assert_false(serve(receiver));
    machine_store(receiver, redist + 0x100u, 1u << EVENT_PPI);
    assert_true(serve(receiver));
    assert_int_equal(seen[7], 1);
    machine_store(receiver, b->record->gicd.v, 0);
    send(&a->vcpus[0], 5);
    assert_false(serve(receiver));
    machine_store(receiver, b->record->gicd.v, 0x12);
    assert_true(serve(receiver));
    assert_int_equal(seen[7], 2);
}

/* A guest that clears pending interrupts while it sets its controller up does not lose what was sent before:
 * to it, the upcall is the level of upcall_pending. */
static void cleared_at_the_controller(void **state)
{
    struct vcpu *receiver;
    uint64_t redist;

    (void)state;
    start();
    receiver = &b->vcpus[0];
    redist = b->record->gicr_or_gicc.v + 0x10000u;
    send(&a->vcpus[0], 5);
    machine_store(receiver, redist + 0x280u, ~0u);
    assert_true(serve(receiver));
    assert_int_equal(seen[7], 1);
    machine_store(receiver, redist + 0x280u, ~0u);
    assert_false(serve(receiver)); /* upcall_pending is clear */
    machine_store(receiver, redist + 0x180u, 1u << EVENT_PPI);
    send(&a->vcpus[0], 5);
    machine_store(receiver, redist + 0x280u, ~0u);
    machine_store(receiver, redist + 0x100u, 1u << EVENT_PPI);
    assert_true(serve(receiver));
    assert_int_equal(seen[7], 2);
}

/* A vCPU that has registered no vcpu_info is told when it does; vCPU 0 is not. */
static void registration(void **state)
{
    struct vcpu *second;
    static struct vcpu_info place, other;
    uint32_t port;

    (void)state;
    start();
    memset(&place, 0, sizeof place);
    memset(&other, 0, sizeof other);
    second = &a->vcpus[1];
    assert_int_equal(event_bind_ipi(a, 1, &port), OK);
    assert_int_equal(send(&a->vcpus[0], port), OK);
    assert_true(pending(a, port));
    assert_false(serve(&a->vcpus[0]));
    host_on(1);
    assert_int_equal(host_gic_acknowledge(), HOST_GIC_SPURIOUS);
    event_register_info(second, &place);
    machine_end(trap_return(second));
    assert_true(place.pending_sel == ~UINT64_C(0));
    assert_true(serve(second));
    assert_int_equal(seen[port], 1);
    send(&a->vcpus[0], port);
    assert_int_equal(place.pending_sel, BIT(port / 64u));
    assert_true(serve(second));
    /* a new place: the old one is never written again */
    host_on(1);
    event_register_info(second, &other);
    machine_end(trap_return(second));
    assert_true(serve(second)); /* spurious */
    send(&a->vcpus[0], port);
    assert_int_equal(place.upcall_pending, 0);
    assert_int_equal(other.upcall_pending, 1);
    assert_true(serve(second));
    assert_int_equal(seen[port], 3);
    host_on(1);
    event_register_info(second, NULL);
    machine_end(trap_return(second));
    assert_null(a->events->info[1]);
    send(&a->vcpus[0], port);
    assert_false(serve(&a->vcpus[0]));
    assert_int_equal(other.upcall_pending, 0);
}

static void unbound_and_bound(void **state)
{
    struct event_port status;
    uint32_t port, other;

    (void)state;
    start();
    assert_int_equal(event_alloc_unbound(a, 2, &port), OK);
    assert_int_equal(port, 1);
    assert_int_equal(event_status(a, port, &status), OK);
    assert_int_equal(status.state, EVENT_UNBOUND);
    assert_int_equal(status.peer, 2);
    assert_int_equal(send(&a->vcpus[0], port), OK); /* to nobody */
    assert_int_equal(event_bind_interdomain(b, 3, port, &other), ERR_NOENT);
    assert_int_equal(event_bind_interdomain(b, 0x7ff4, port, &other), ERR_NOENT);
    assert_int_equal(event_bind_interdomain(a, 1, port, &other), ERR_INVALID); /* kept for another */
    assert_int_equal(event_bind_interdomain(b, 1, 0, &other), ERR_INVALID);
    assert_int_equal(event_bind_interdomain(b, 1, PORTS, &other), ERR_INVALID);
    assert_int_equal(event_bind_interdomain(b, 1, 2, &other), ERR_INVALID); /* closed */
    assert_int_equal(event_bind_interdomain(b, 1, 5, &other), ERR_INVALID); /* bound */
    host_on(2);
    assert_int_equal(event_bind_interdomain(b, 1, port, &other), OK);
    machine_end(trap_return(&b->vcpus[0]));
    assert_int_equal(other, 1);
    assert_true(serve(&b->vcpus[0])); /* its own port is pending at first */
    assert_int_equal(seen[other], 1);
    assert_int_equal(event_bind_interdomain(b, 1, port, &other), ERR_INVALID);
    assert_int_equal(event_status(a, port, &status), OK);
    assert_int_equal(status.state, EVENT_INTERDOMAIN);
    assert_int_equal(status.peer_port, 1);
    quiet();
    send(&a->vcpus[0], port);
    serve_all(&b->vcpus[0]);
    assert_int_equal(seen[1], 1);
    /* closed at one end: the other end waits for the same domain */
    send(&a->vcpus[0], port);
    assert_int_equal(event_close(b, 1), OK);
    assert_false(pending(b, 1));
    assert_int_equal(event_close(b, 1), ERR_INVALID);
    assert_int_equal(event_status(a, port, &status), OK);
    assert_int_equal(status.state, EVENT_UNBOUND);
    assert_int_equal(status.peer, 2);
    assert_int_equal(send(&a->vcpus[0], port), OK);
    assert_false(pending(b, 1));
    assert_int_equal(send(&b->vcpus[0], 1), ERR_INVALID);
    assert_int_equal(event_bind_interdomain(b, 1, port, &other), OK);
    /* closed at the other end */
    assert_int_equal(event_close(a, port), OK);
    assert_int_equal(event_status(b, 1, &status), OK);
    assert_int_equal(status.state, EVENT_UNBOUND);
    assert_int_equal(status.peer, 1);
    assert_int_equal(event_bind_interdomain(a, 2, 1, &port), OK); /* the other way round */
    assert_int_equal(send(&b->vcpus[0], 1), OK);
    assert_true(pending(a, port));
}

/* A channel of a domain with itself. */
static void loop(void **state)
{
    uint32_t port, other;

    (void)state;
    start();
    assert_int_equal(event_alloc_unbound(a, 1, &port), OK);
    assert_int_equal(event_bind_interdomain(a, 1, port, &other), OK);
    assert_int_not_equal(port, other);
    quiet();
    send(&a->vcpus[0], port);
    serve_all(&a->vcpus[0]);
    assert_int_equal(seen[other], 1);
    send(&a->vcpus[0], other);
    serve_all(&a->vcpus[0]);
    assert_int_equal(seen[port], 1);
    assert_int_equal(event_close(a, other), OK);
    assert_int_equal(a->events->ports[port].state, EVENT_UNBOUND);
    assert_int_equal(event_close(a, port), OK);
    assert_int_equal(a->events->ports[port].state, EVENT_CLOSED);
}

static void full_table(void **state)
{
    uint32_t port, count = 0;

    (void)state;
    start();
    while (event_alloc_unbound(a, 2, &port) == OK) {
        assert_true(port != 0 && port != 5 && port != 6 && port < PORTS);
        count++;
    }
    assert_int_equal(count, PORTS - 3u);
    assert_int_equal(port, 0);
    assert_int_equal(event_bind_ipi(a, 0, &port), ERR_NOMEM);
    assert_int_equal(event_bind_virq(a, 0, 0, &port), ERR_NOMEM);
    assert_int_equal(event_bind_interdomain(a, 2, 1, &port), ERR_NOMEM);
    assert_int_equal(event_alloc_unbound(b, 1, &port), OK); /* another domain's table is another */
    assert_int_equal(event_close(a, PORTS - 1u), OK);
    assert_int_equal(event_close(a, 700), OK);
    assert_int_equal(event_bind_ipi(a, 0, &port), OK);
    assert_int_equal(port, 700);
    assert_int_equal(event_bind_virq(a, 0, 0, &port), OK); /* the 1024th */
    assert_int_equal(port, PORTS - 1u);
    event_raise_virq(&a->vcpus[0], VIRQ_TIMER);
    assert_true(pending(a, PORTS - 1u));
    assert_int_equal(a->events->shared->vcpu_info.pending_sel, BIT(15));
}

static void small_tables(void **state)
{
    struct domain_record *record;
    struct domain *c;
    uint32_t port;
    bool core;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->nr_ports = 0;
    a = machine_domain(record);
    record = machine_record(2, 1);
    record->nr_ports = 65;
    b = machine_domain(record);
    record = machine_record(3, 1);
    record->nr_ports = 64;
    c = machine_domain(record);
    machine_boot();
    assert_int_equal(event_alloc_unbound(c, 1, &port), OK);
    assert_int_equal(event_send(&c->vcpus[0], 64, &core),
                     ERR_INVALID); /* what follows the table is no port */
    assert_int_equal(event_alloc_unbound(a, 1, &port), ERR_NOMEM);
    assert_int_equal(event_close(a, 0), ERR_INVALID);
    for (uint32_t i = 1; i < 65; i++) {
        assert_int_equal(event_alloc_unbound(b, 1, &port), OK);
        assert_int_equal(port, i);
    }
    assert_int_equal(event_alloc_unbound(b, 1, &port), ERR_NOMEM);
    event_raise(b, 65);
    event_raise(b, 0);
    assert_int_equal(b->events->shared->pending[0] | b->events->shared->pending[1], 0);
}

static void virqs_and_ipis(void **state)
{
    uint32_t port, second;
    struct event_port status;

    (void)state;
    start();
    assert_int_equal(event_bind_virq(a, 24, 0, &port), ERR_INVALID);
    assert_int_equal(event_bind_virq(a, 1, 0, &port), ERR_INVALID); /* debug */
    assert_int_equal(event_bind_virq(a, 2, 0, &port), ERR_BUSY);    /* console: global */
    assert_int_equal(event_bind_virq(a, 2, 1, &port), ERR_INVALID);
    assert_int_equal(event_bind_virq(a, 0, 2, &port), ERR_NOENT);
    assert_int_equal(event_bind_virq(a, 0, 0, &port), OK);
    assert_int_equal(event_bind_virq(a, 0, 0, &second), ERR_EXIST);
    assert_int_equal(event_bind_virq(a, 0, 1, &second), OK); /* one each */
    assert_int_equal(event_bind_vcpu(a, port, 1), ERR_INVALID);
    assert_int_equal(send(&a->vcpus[0], port), ERR_INVALID);
    event_raise_virq(&a->vcpus[0], VIRQ_TIMER);
    assert_true(pending(a, port));
    assert_false(pending(a, second));
    event_raise_virq(&a->vcpus[0], 1);
    assert_int_equal(event_close(a, port), OK);
    event_raise_virq(&a->vcpus[0], VIRQ_TIMER); /* to nobody */
    assert_false(pending(a, port));
    assert_int_equal(event_bind_virq(a, 0, 0, &port), OK);
    assert_int_equal(event_bind_ipi(a, 2, &port), ERR_NOENT);
    assert_int_equal(event_bind_ipi(a, 1, &port), OK);
    assert_int_equal(event_status(a, port, &status), OK);
    assert_int_equal(status.state, EVENT_IPI);
    assert_int_equal(status.vcpu, 1);
    assert_int_equal(event_bind_vcpu(a, port, 0), ERR_INVALID);
}

static void other_vcpus(void **state)
{
    static struct vcpu_info place;

    (void)state;
    start();
    memset(&place, 0, sizeof place);
    host_on(1);
    event_register_info(&a->vcpus[1], &place);
    machine_end(trap_return(&a->vcpus[1]));
    machine_settle();
    serve_all(&a->vcpus[1]);
    assert_int_equal(event_bind_vcpu(a, 5, 2), ERR_NOENT);
    assert_int_equal(event_bind_vcpu(a, 0, 0), ERR_INVALID);
    assert_int_equal(event_bind_vcpu(a, PORTS, 0), ERR_INVALID);
    assert_int_equal(event_bind_vcpu(a, 9, 0), ERR_INVALID);
    assert_int_equal(event_bind_vcpu(a, 5, 1), OK);
    send(&b->vcpus[0], 7);
    assert_false(serve(&a->vcpus[0]));
    assert_true(serve(&a->vcpus[1]));
    assert_int_equal(seen[5], 1);
}

/* Ports that only the core stands behind. */
static void core_ports(void **state)
{
    struct domain_record *record;
    bool core;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->nr_ports = 16;
    record->console_port = 15;
    a = machine_domain(record);
    machine_boot();
    machine_enable_ppi(&a->vcpus[0], EVENT_PPI);
    host_on(0);
    assert_int_equal(event_send(&a->vcpus[0], 15, &core), OK);
    assert_true(core);
    assert_false(pending(a, 15));
    assert_int_equal(event_close(a, 15), ERR_INVALID);
    assert_int_equal(event_bind_vcpu(a, 15, 0), ERR_INVALID);
    event_raise(a, 15);
    machine_end(trap_return(&a->vcpus[0]));
    assert_true(pending(a, 15));
    assert_true(serve(&a->vcpus[0]));
    event_raise(a, 14); /* closed */
    assert_false(pending(a, 14));
}

static void wait_running(struct domain *domain)
{
    for (unsigned i = 0; i < 1000u && domain->state != DOMAIN_RUNNING; i++) {
        machine_pass(5 * MS, 5 * MS);
    }
    assert_int_equal(domain->state, DOMAIN_RUNNING);
}

/* A domain stops: its own ports go, what others have with it waits; after the restart static ports ring. */
static void restart(void **state)
{
    uint32_t unbound, port, other;
    struct event_port status;

    (void)state;
    start();
    assert_int_equal(event_alloc_unbound(b, 1, &other), OK);
    assert_int_equal(event_bind_interdomain(a, 2, other, &port), OK);
    assert_int_equal(event_bind_ipi(a, 0, &unbound), OK);
    assert_int_equal(event_bind_vcpu(a, 5, 1), OK);
    event_poll_begin(&a->vcpus[0]);
    set_mask(a, 6, true);
    deadline_set(&a->vcpus[1], DEADLINE_TIMER, ~UINT64_C(0) - 1u);
    quiet();
    machine_hvc(&a->vcpus[0], RESET, 0, 0, 0);
    wait_running(a);
    assert_int_equal(a->incarnation, 2);
    assert_int_equal(event_status(b, other, &status), OK);
    assert_int_equal(status.state, EVENT_UNBOUND);
    assert_int_equal(status.peer, 1);
    assert_int_equal(a->events->ports[port].state, EVENT_CLOSED);
    assert_int_equal(a->events->ports[unbound].state, EVENT_CLOSED);
    assert_int_equal(a->events->ports[5].vcpu, 0);
    assert_int_equal(a->events->shared->mask[0], 0);
    assert_int_equal(a->events->polling, 0);
    assert_int_equal(deadline_next(&a->vcpus[1]), DEADLINE_NEVER);
    assert_true(pending(a, 5) && pending(a, 6));
    assert_int_equal(a->events->shared->pending[0], BIT(5) | BIT(6));
    machine_enable_ppi(&a->vcpus[0], EVENT_PPI);
    serve_all(&a->vcpus[0]);
    assert_int_equal(seen[5] + seen[6], 2);
    memset(seen, 0, sizeof seen);
    serve_all(&b->vcpus[0]);
    assert_int_equal(seen[7] + seen[70], 2);
    send(&a->vcpus[0], 5);
    serve_all(&b->vcpus[0]);
    assert_int_equal(seen[7], 2);
}

/* What is sent before the other end runs is there when it does. */
static void before_the_peer(void **state)
{
    static const struct domain_port of_a = {5, 2, 7}, of_b = {7, 1, 5};
    struct domain_record *record;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    record->priority = 200;
    record->nr_ports = 64;
    record->static_ports = &of_a;
    record->nr_static_ports = 1;
    a = machine_domain(record);
    record = machine_record(2, 1);
    record->nr_ports = 64;
    record->static_ports = &of_b;
    record->nr_static_ports = 1;
    b = machine_domain(record);
    machine_boot();
    assert_int_equal(a->state, DOMAIN_RUNNING);
    assert_int_equal(b->state, DOMAIN_BUILDING);
    assert_int_equal(send(&a->vcpus[0], 5), OK);
    machine_wfi(&a->vcpus[0]);
    wait_running(b);
    assert_true(pending(b, 7));
    machine_pass(20 * MS, 5 * MS);
    host_on(0);
    assert_ptr_equal(host_pcpu->current, &b->vcpus[0]);
    machine_enable_ppi(&b->vcpus[0], EVENT_PPI);
    memset(seen, 0, sizeof seen);
    assert_true(serve(&b->vcpus[0]));
    assert_int_equal(seen[7], 1);
}

/* An event wakes a vCPU that sleeps on a shared pCPU, from there and from another one. */
static void wakes_sleepers(void **state)
{
    static const struct domain_port of_a = {5, 2, 7}, of_b = {7, 1, 5};
    struct domain_record *record;

    (void)state;
    for (unsigned from = 0; from < 2; from++) {
        machine_start(2);
        record = machine_record(1, 1);
        record->nr_ports = 64;
        record->static_ports = &of_a;
        record->nr_static_ports = 1;
        ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = (uint16_t)from;
        a = machine_domain(record);
        record = machine_record(2, 1);
        record->priority = 200;
        record->nr_ports = 64;
        record->static_ports = &of_b;
        record->nr_static_ports = 1;
        b = machine_domain(record);
        if (from != 0) {
            machine_domain(machine_record(3, 1)); /* so that pCPU 0 is shared */
        }
        machine_boot();
        wait_running(b);
        machine_enable_ppi(&b->vcpus[0], EVENT_PPI);
        machine_wfi(&b->vcpus[0]);
        wait_running(a);
        assert_int_equal(b->vcpus[0].state, VCPU_BLOCKED);
        for (unsigned i = 0; i < 10 && pcpus[from]->current != &a->vcpus[0]; i++) {
            machine_pass(5 * MS, 5 * MS);
        }
        send(&a->vcpus[0], 5);
        host_on(0);
        assert_ptr_equal(host_pcpu->current, &b->vcpus[0]);
        memset(seen, 0, sizeof seen);
        assert_true(serve(&b->vcpus[0]));
        assert_int_equal(seen[7], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_ports),
        cmocka_unit_test(coalesce),
        cmocka_unit_test(masked),
        cmocka_unit_test(between_clear_and_eoi),
        cmocka_unit_test(interrupt_masked),
        cmocka_unit_test(cleared_at_the_controller),
        cmocka_unit_test(registration),
        cmocka_unit_test(unbound_and_bound),
        cmocka_unit_test(loop),
        cmocka_unit_test(full_table),
        cmocka_unit_test(small_tables),
        cmocka_unit_test(virqs_and_ipis),
        cmocka_unit_test(other_vcpus),
        cmocka_unit_test(core_ports),
        cmocka_unit_test(restart),
        cmocka_unit_test(before_the_peer),
        cmocka_unit_test(wakes_sleepers),
    };

    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
