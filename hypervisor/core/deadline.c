/* SPDX-License-Identifier: Apache-2.0 */
#include "core/deadline.h"

#include "arch/arm64/timer.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/print.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t frequency(void)
{
    return READ_SYSREG(cntfrq_el0) % (1u << 31); /* Hz; the architecture asks for 1 GHz at most */
}

uint64_t system_time(const struct domain *domain)
{
    uint64_t ticks = timer_now() - domain->counter_offset, hz = frequency();

    return hz == 0 ? 0 : ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz;
}

uint64_t deadline_at(const struct domain *domain, uint64_t ns)
{
    uint64_t hz = frequency(), ticks, at;

    if (__builtin_mul_overflow(ns / NS_PER_S, hz, &ticks) ||
        __builtin_add_overflow(ticks, (ns % NS_PER_S * hz + NS_PER_S - 1u) / NS_PER_S, &ticks) ||
        __builtin_add_overflow(ticks, domain->counter_offset, &at)) {
        return DEADLINE_NEVER;
    }
    return at == 0 ? 1u : at;
}

void deadline_set(struct vcpu *vcpu, unsigned which, uint64_t at)
{
    uint64_t before = __atomic_exchange_n(&vcpu->deadlines[which], at, __ATOMIC_ACQ_REL);

    /* An alarm that nobody needs any more does no harm; so a later time can wait for the one before. */
    if (at != 0 && (before == 0 || at < before)) {
        store_release(&vcpu->has_deadlines, 1);
        vcpu_request(vcpu, WORK_DEADLINE);
    }
}

void deadline_heartbeat(struct domain *domain)
{
    uint64_t ticks = timer_from_us((uint64_t)domain->record->heartbeat_ms * 1000u);

    deadline_set(&domain->vcpus[0], DEADLINE_WATCHDOG, timer_now() + ticks);
}

uint64_t deadline_earliest(const struct vcpu *vcpu)
{
    uint64_t at = DEADLINE_NEVER;

    for (unsigned i = 0; i < NR_DEADLINES; i++) {
        at = min_u64(at, load_relaxed(&vcpu->deadlines[i]) - 1u); /* 0 becomes never */
    }
    return at == DEADLINE_NEVER ? at : at + 1u;
}

void deadlines_act(struct vcpu *vcpu, uint64_t now)
{
    /* first, so that one that is set from now on is seen at the latest by the work that comes with it */
    __atomic_store_n(&vcpu->has_deadlines, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < NR_DEADLINES; i++) {
        uint64_t at = __atomic_load_n(&vcpu->deadlines[i], __ATOMIC_ACQUIRE);

        if (i == DEADLINE_POLL || at == 0 || at > now ||
            !__atomic_compare_exchange_n(&vcpu->deadlines[i], &at, 0, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED)) {
            continue; /* not yet, or set anew meanwhile */
        }
        if (i == DEADLINE_TIMER) {
            event_raise_virq(vcpu, VIRQ_TIMER);
        } else if (i == DEADLINE_PARK) {
            vcpu_request(vcpu, WORK_IOREQ);
        } else if (i == DEADLINE_RESTART) {
            vcpu_request(vcpu, WORK_BUILD);
        } else {
            print("DOM%u: watchdog %u", vcpu->domain->record->domid, i - DEADLINE_WATCHDOG + 1u);
            domain_crash(vcpu->domain, "watchdog", false);
        }
    }
    for (unsigned i = 0; i < NR_DEADLINES; i++) {
        if (__atomic_load_n(&vcpu->deadlines[i], __ATOMIC_SEQ_CST) != 0) {
            store_release(&vcpu->has_deadlines, 1);
        }
    }
}

void poll_wait(struct vcpu *vcpu, uint64_t at)
{
    vcpu->deadlines[DEADLINE_POLL] = at;
    store_release(&vcpu->has_deadlines, 1);
    vcpu->state = VCPU_BLOCKED;
    __atomic_fetch_or(&vcpu->work, WORK_RESCHEDULE, __ATOMIC_RELAXED);
}

bool poll_is_over(const struct vcpu *vcpu, uint64_t now)
{
    uint64_t at = vcpu->deadlines[DEADLINE_POLL];

    return at != 0 && (at <= now || !event_polls(vcpu));
}

void poll_end(struct vcpu *vcpu)
{
    if (vcpu->deadlines[DEADLINE_POLL] != 0) {
        vcpu->deadlines[DEADLINE_POLL] = 0;
        event_poll_end(vcpu);
    }
}
