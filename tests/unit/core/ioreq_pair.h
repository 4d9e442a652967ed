/* SPDX-License-Identifier: Apache-2.0 */
/* A frontend with two vCPUs, its backend and a third domain, and what they do. */
#ifndef TESTS_IOREQ_PAIR_H
#define TESTS_IOREQ_PAIR_H

#include "xen_call.h"

#include "base/bits.h"
#include "bulkhead/ioreq.h"
#include "core/event.h"
#include "core/frontend.h"
#include "core/physmap.h"
#include "core/shared_info.h"
#include "guest/xen/xen_abi_dm.h"
#include "guest/xen/xen_abi_memory.h"

#define EVENT_OP 32u
#define DM_OP    41u
#define CPU_ON   0xc4000003u
#define RESET    0x84000009u
#define OFF      0x84000008u
#define MS       UINT64_C(1000000) /* ticks */
#define ARG      (GUEST_RAM + 8u * PAGE_SIZE)
#define BUFS     (GUEST_RAM + 9u * PAGE_SIZE)
#define DEVICE   UINT64_C(0x2000000) /* 0x200 bytes; QueueNotify rings */
#define ONES     UINT64_C(0x2001000) /* ends as all-ones; no limit */
#define PAGE     UINT64_C(0x3f000000)
#define WORD     UINT64_C(0x3f001000) /* the backend's doorbell */
#define WINDOW   UINT64_C(0x100040000)
#define PORT     40u
#define BELL     50u
#define SPI      40u
#define PARK_MS  100u

static struct domain *front, *back;
static struct vcpu *user, *second, *server;                   /* vCPUs of the frontend, and of the backend */
static void (*prepare_backend)(struct domain_record *record); /* before it is created; or NULL */

/* The frontend's vCPU 0 is on pCPU 0, alone or not; vCPU 1 on pCPU 1; the backend on pCPU 2. */
static inline void start_with(bool shared)
{
    static const struct domain_server servers[] = {{2, 0}};
    static const struct domain_doorbell bells[] = {{{DEVICE + 0x50}, 4, 2, 0, BELL}},
                                        words[] = {{{WORD}, 4, 1, SPI, 0}};
    static const struct domain_ioreq_range ranges[] = {{{DEVICE}, 0x200, 0, false, PARK_MS},
                                                       {{ONES}, 0x200, 0, true, 0}};
    static const struct domain_frontend frontends[] = {{.domid = 1,
                                                        .server = 0,
                                                        .first_port = PORT,
                                                        .nr_vcpus = 2,
                                                        .page = {PAGE},
                                                        .first_window = 0,
                                                        .nr_windows = 1}};
    static const struct domain_port ports[] = {{BELL, 1, 0}};
    static struct domain_window window;
    struct domain_record *record;

    machine_start(3);
    record = machine_record(1, 2);
    record->nr_ports = 64;
    record->nr_servers = 1;
    record->servers = servers;
    record->nr_ioreq_ranges = 2;
    record->ioreq_ranges = ranges;
    record->nr_doorbells = 1;
    record->doorbells = bells;
    window = (struct domain_window){IPA(WINDOW), record->maps[0].pa, GUEST_SIZE};
    front = machine_domain(record);
    record = machine_record(2, 1);
    ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = 2;
    record->nr_ports = 64;
    record->stage2_reserve = 4;
    record->nr_static_ports = 1;
    record->static_ports = ports;
    record->nr_doorbells = 1;
    record->doorbells = words;
    record->nr_frontends = 1;
    record->frontends = frontends;
    record->nr_windows = 1;
    record->windows = &window;
    if (prepare_backend != NULL) {
        prepare_backend(record);
    }
    back = machine_domain(record);
    record = machine_record(3, 1);
    ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = shared ? 0 : 2;
    record->nr_ports = 64;
    machine_domain(record);
    machine_boot();
    for (unsigned i = 0; i < 100; i++) {
        machine_pass(5 * MS, MS);
    }
    user = &front->vcpus[0];
    second = &front->vcpus[1];
    server = &back->vcpus[0];
}

static inline void turn_to(struct vcpu *vcpu)
{
    for (unsigned i = 0; i < 100 && pcpus[vcpu->pcpu->index]->current != vcpu; i++) {
        machine_pass(5 * MS, MS);
    }
    host_on(vcpu->pcpu->index);
    assert_ptr_equal(host_pcpu->current, vcpu);
}

static inline void start(void)
{
    start_with(false);
    turn_to(user);
    machine_hvc(user, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
}

static inline bool pending(uint32_t port)
{
    uint64_t *word = &back->events->shared->pending[port / 64u];
    bool was = (*word >> port % 64u) % 2u != 0;

    *word &= ~BIT(port % 64u);
    return was;
}

static inline void clear_events(void)
{
    memset(back->events->shared->pending, 0, sizeof back->events->shared->pending);
}

static inline int64_t dm_call(uint16_t domid, struct xen_dm_op *op)
{
    struct xen_dm_buf buf = {ARG, sizeof *op};
    int64_t result;

    turn_to(server);
    guest_put(server, ARG, op, sizeof *op);
    guest_put(server, BUFS, &buf, sizeof buf);
    result = xen_call(server, DM_OP, domid, 1, BUFS);
    guest_get(server, ARG, op, sizeof *op);
    machine_settle();
    return result;
}

static inline int64_t set_state(bool on)
{
    struct xen_dm_op op = {.op = DMOP_SET_STATE, .u.state = {0, on, 0}};

    return dm_call(1, &op);
}

/* What the backend sees and does in the page; answers are told by the port. */
static inline uint64_t slot_at(unsigned vcpu)
{
    return PAGE + vcpu * sizeof(struct bh_ioreq);
}

static inline struct bh_ioreq slot_of(unsigned vcpu)
{
    struct bh_ioreq slot;

    turn_to(server);
    guest_get(server, slot_at(vcpu), &slot, sizeof slot);
    return slot;
}

static inline void set_slot_state(unsigned vcpu, unsigned state)
{
    uint8_t byte = (uint8_t)((slot_of(vcpu).state & ~BH_IOREQ_STATE_MASK) | state);

    guest_put(server, slot_at(vcpu) + offsetof(struct bh_ioreq, state), &byte, 1);
}

static inline int64_t tell(unsigned vcpu)
{
    uint32_t port = PORT + vcpu;
    int64_t result;

    turn_to(server);
    guest_put(server, ARG, &port, sizeof port);
    result = xen_call(server, EVENT_OP, 4, ARG, 0);
    machine_settle();
    return result;
}

static inline void answer(unsigned vcpu, uint64_t data)
{
    guest_put(server, slot_at(vcpu) + offsetof(struct bh_ioreq, data), &data, sizeof data);
    set_slot_state(vcpu, BH_IOREQ_RESPONSE);
    assert_int_equal(tell(vcpu), 0);
}

static inline struct bh_ioreq_tail tail(void)
{
    struct bh_ioreq_tail tail;

    turn_to(server);
    guest_get(server, PAGE + offsetof(struct bh_ioreq_page, tail), &tail, sizeof tail);
    return tail;
}

/* A trapped access of the vCPU, at pc 0x100. */
#define LOAD  ((uint64_t)EC_DABT_LOWER << 26 | BIT(25) | BIT(24) | 7u)
#define STORE (LOAD | BIT(6))
static inline uint64_t how(unsigned size_log2, unsigned reg)
{
    return (uint64_t)size_log2 << 22 | (uint64_t)reg << 16;
}

static inline void touch_from(struct vcpu *vcpu, uint64_t esr, uint64_t ipa, uint64_t pc)
{
    turn_to(vcpu);
    host_put("hpfar_el2", ipa / PAGE_SIZE << 4);
    host_put("far_el2", ipa);
    host_put("elr_el2", pc);
    host_put("vbar_el1", 0x1000);
    machine_end(trap_data_abort(vcpu, esr));
    machine_settle();
}

static inline void touch(struct vcpu *vcpu, uint64_t esr, uint64_t ipa)
{
    touch_from(vcpu, esr, ipa, 0x100);
}

static inline bool parked(const struct vcpu *vcpu)
{
    return vcpu->state == VCPU_PARKED;
}

/* It runs, behind or at that pc. */
static inline void runs_at(struct vcpu *vcpu, uint64_t pc)
{
    assert_int_equal(vcpu->state, VCPU_READY);
    turn_to(vcpu);
    assert_int_equal(host_effective("elr_el2"), pc);
}

/* The domain stops, and starts again if its record says so. */
static inline void stop(struct domain *domain, enum stop_reason reason)
{
    uint32_t before = domain->incarnation;

    domain_stop(domain, reason);
    for (unsigned i = 0; i < 1000 && domain->state != DOMAIN_STOPPED &&
                         (domain->incarnation == before || domain->state != DOMAIN_RUNNING);
         i++) {
        for (unsigned pcpu = 0; pcpu < 3; pcpu++) {
            if (pcpus[pcpu]->current == NULL) {
                machine_run(pcpu);
            }
        }
        machine_pass(5 * MS, MS);
    }
    assert_true(domain->state == DOMAIN_STOPPED || domain->incarnation == before + 1u);
}

#endif
