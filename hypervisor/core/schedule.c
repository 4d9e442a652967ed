/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule.h"

#include "arch/arm64/stage1.h"
#include "arch/arm64/timer.h"
#include "core/deadline.h"
#include "core/domain.h"
#include "core/effects.h"
#include "core/event.h"
#include "core/interrupt.h"
#include "drivers/gic.h"
#include "virq/virq.h"
#include "virq/virq_lr.h"

#define SLICES_AT_ONCE 16u
#define WORK_INTERRUPT ((uint32_t)WORK_VIRQ | WORK_EVENT) /* what need not leave the guest */
#define WORK_RARE      ((uint32_t)WORK_STOP | WORK_OFF | WORK_BUILD | WORK_ON | WORK_IOREQ)

static void sync_interrupts(struct vcpu *vcpu)
{
    struct virq_effects effects = {0};

    virq_sync(vcpu->domain->virq, vcpu->virq, &effects);
    effects_apply(vcpu->domain, &effects);
}

static __attribute__((noinline)) void event_edge(struct vcpu *vcpu)
{
    struct virq_effects effects = {0};

    virq_edge(vcpu->domain->virq, vcpu->index, EVENT_PPI, vcpu_resident(vcpu->pcpu, vcpu->domain), &effects);
    if (vcpu->pcpu->loaded != vcpu) {
        effects.kick &= ~(1u << vcpu->index); /* seen when it is loaded, or looked at before */
    }
    effects_apply(vcpu->domain, &effects);
}

/* The vCPU's upcall. By its own pCPU. */
static inline void inject_event(struct vcpu *vcpu)
{
    if (vcpu->pcpu->loaded != vcpu || !(virq_load_again(vcpu->virq, EVENT_PPI, 0) ||
                                        virq_edge_quick(vcpu->domain->virq, vcpu->virq, EVENT_PPI))) {
        event_edge(vcpu);
    }
}

static __attribute__((noinline)) struct trap_result any_work(struct vcpu *vcpu)
{
    const uint32_t leaving =
        WORK_STOP | WORK_OFF | WORK_RESCHEDULE | WORK_BUILD | WORK_ON | WORK_DEADLINE | WORK_IOREQ;
    uint32_t work = __atomic_fetch_and(&vcpu->work, ~WORK_INTERRUPT, __ATOMIC_ACQUIRE);

    if ((work & WORK_EVENT) != 0) {
        inject_event(vcpu);
    }
    if ((work & WORK_VIRQ) != 0) {
        sync_interrupts(vcpu);
        work = load_relaxed(&vcpu->work);
    }
    if ((work & leaving) != 0 || vcpu->state != VCPU_READY) {
        return (struct trap_result){NULL, vcpu};
    }
    return (struct trap_result){vcpu, NULL};
}

/* An event and nothing else is the usual case on an unshared pCPU. */
struct trap_result schedule_work(struct vcpu *vcpu)
{
    if (load_relaxed(&vcpu->work) == WORK_EVENT) {
        __atomic_fetch_and(&vcpu->work, ~(uint32_t)WORK_EVENT, __ATOMIC_ACQUIRE);
        if (virq_load_again(vcpu->virq, EVENT_PPI, 0)) {
            return (struct trap_result){vcpu, NULL};
        }
        __atomic_fetch_or(&vcpu->work, WORK_EVENT, __ATOMIC_RELAXED);
    }
    return any_work(vcpu);
}

/* The processor's EL1 registers, list registers and timers go back to memory. */
static void unload(struct pcpu *pcpu)
{
    struct vcpu *vcpu = pcpu->loaded;
    struct virq_effects effects = {0};

    context_save(vcpu);
    virq_suspend(vcpu->domain->virq, vcpu->virq, &effects);
    if (!context_timer_asserted(vcpu->el1.cntv_ctl)) {
        virq_lowered(vcpu->domain->virq, vcpu->virq, GUEST_TIMER_VIRT);
    }
    if (!context_timer_asserted(vcpu->el1.cntp_ctl)) {
        virq_lowered(vcpu->domain->virq, vcpu->virq, GUEST_TIMER_PHYS);
    }
    pcpu->loaded = NULL;
    effects_apply(vcpu->domain, &effects);
}

static void load(struct pcpu *pcpu, struct vcpu *vcpu)
{
    struct virq_effects effects = {0};

    context_load(vcpu);
    if (!vcpu->shared) {
        fp_load(&vcpu->fp); /* no lazy switch there: nothing of an earlier incarnation may remain */
    }
    pcpu->loaded = vcpu;
    virq_resume(vcpu->domain->virq, vcpu->virq, &effects);
    effects_apply(vcpu->domain, &effects);
}

/* The vCPU is off; everything of it is in memory before others may see that. */
static void take_off(struct vcpu *vcpu)
{
    struct pcpu *pcpu = vcpu->pcpu;

    if (pcpu->loaded == vcpu) {
        unload(pcpu);
    }
    if (pcpu->fp_owner == vcpu) {
        pcpu->fp_owner = NULL;
    }
    vcpu->state = VCPU_OFF;
}

/* A request may outlive the domain's stop, and even its next start: it counts in the life in which it was
 * made. */
static void turn_on(struct vcpu *vcpu)
{
    const struct domain *domain = vcpu->domain;

    if (vcpu->state != VCPU_OFF || load_acquire(&domain->state) != DOMAIN_RUNNING ||
        load_acquire(&vcpu->on_incarnation) != domain->incarnation) {
        return;
    }
    vcpu->on_incarnation = 0;
    vcpu_reset(vcpu, vcpu->on_entry, vcpu->on_context);
    vcpu->state = VCPU_READY;
    store_release(&vcpu->power, POWER_ON);
}

/* The list registers are the shortest way for an upcall: one for a vCPU that is not loaded waits until it is.
 * A sleeper wakes for it even if it has masked the upcall; a WFI may end for no reason. */
static void take_event(struct pcpu *pcpu, struct vcpu *vcpu)
{
    if (vcpu->state == VCPU_BLOCKED) {
        poll_end(vcpu);
        vcpu->state = VCPU_READY;
    }
    if (pcpu->loaded != vcpu && vcpu->state >= VCPU_READY) {
        __atomic_fetch_or(&vcpu->work, WORK_EVENT, __ATOMIC_RELAXED);
    } else {
        inject_event(vcpu);
    }
}

/* Its abort goes to registers that only the processor has: they are loaded if they are not. */
static void end_park(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t now)
{
    enum ioreq_end end = ioreq_look(vcpu, now);

    if (end == IOREQ_WAITS) {
        return;
    }
    if (end == IOREQ_ABORTED) {
        if (pcpu->loaded != vcpu) {
            if (pcpu->loaded != NULL) {
                unload(pcpu);
            }
            load(pcpu, vcpu);
        }
        context_inject(vcpu, vcpu->ioreq.esr, vcpu->ioreq.fault_va);
    }
    vcpu->state = VCPU_READY;
}

static __attribute__((noinline)) void do_rare_work(struct pcpu *pcpu, struct vcpu *vcpu, uint32_t work,
                                                   uint64_t now)
{
    if ((work & WORK_STOP) != 0) {
        ioreq_cancel(vcpu);
        take_off(vcpu);
        store_release(&vcpu->power, POWER_OFF);
        domain_vcpu_left(vcpu->domain);
        return;
    }
    if ((work & WORK_OFF) != 0) {
        take_off(vcpu);
        store_release(&vcpu->power, POWER_OFF);
    }
    if ((work & WORK_BUILD) != 0) {
        vcpu->state = VCPU_BUILDING;
    }
    if ((work & WORK_ON) != 0) {
        turn_on(vcpu);
    }
    if ((work & WORK_IOREQ) != 0) {
        end_park(pcpu, vcpu, now);
    }
}

static void do_work(struct pcpu *pcpu, struct vcpu *vcpu, uint32_t work, uint64_t now)
{
    if ((work & WORK_RARE) != 0) {
        do_rare_work(pcpu, vcpu, work, now);
        if ((work & WORK_STOP) != 0) {
            return;
        }
    }
    if ((work & WORK_EVENT) != 0) {
        take_event(pcpu, vcpu);
    }
    if ((work & WORK_VIRQ) != 0 && pcpu->loaded == vcpu) {
        sync_interrupts(vcpu);
    }
}

static void wake_if_due(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t now)
{
    if (vcpu->state != VCPU_BLOCKED) {
        return;
    }
    if (virq_deliverable(vcpu->domain->virq, vcpu->virq) ||
        (pcpu->loaded != vcpu && context_next_timer(vcpu) <= now) || poll_is_over(vcpu, now)) {
        poll_end(vcpu);
        vcpu->state = VCPU_READY;
    }
}

static void look_at_all(struct pcpu *pcpu, uint64_t now)
{
    for (uint32_t i = 0; i < pcpu->nr_vcpus; i++) {
        struct vcpu *vcpu = pcpu->vcpus[i];
        uint32_t work = __atomic_exchange_n(&vcpu->work, 0, __ATOMIC_ACQUIRE);

        if (work != 0) {
            do_work(pcpu, vcpu, work, now);
        }
        deadlines_expire(vcpu, now);
        wake_if_due(pcpu, vcpu, now);
    }
}

/* Returns the vCPU whose time it was. */
static struct vcpu *account(struct pcpu *pcpu, uint64_t now)
{
    struct vcpu *vcpu = pcpu->running;

    if (vcpu != NULL && vcpu->budget != 0) {
        vcpu->budget_left -= min_u64(vcpu->budget_left, now - pcpu->run_since);
    }
    pcpu->running = NULL;
    for (uint32_t i = 0; i < pcpu->nr_vcpus; i++) {
        struct vcpu *v = pcpu->vcpus[i];

        if (v->budget != 0 && now >= v->period_end) {
            v->budget_left = v->budget;
            v->period_end = now + v->period;
        }
    }
    return vcpu;
}

static bool wants_to_run(const struct vcpu *vcpu)
{
    return (vcpu->state == VCPU_READY || vcpu->state == VCPU_BUILDING) &&
           (vcpu->budget == 0 || vcpu->budget_left > 0);
}

/* Highest priority first; among equals the one whose turn it is, and after its end the next one. */
static struct vcpu *choose(struct pcpu *pcpu, struct vcpu *last, uint64_t now)
{
    struct vcpu *best = NULL;
    uint32_t best_at = 0, at = pcpu->turn;

    for (uint32_t n = 0; n < pcpu->nr_vcpus; n++) {
        struct vcpu *vcpu;

        at = at + 1u < pcpu->nr_vcpus ? at + 1u : 0;
        vcpu = pcpu->vcpus[at];
        if (wants_to_run(vcpu) && (best == NULL || vcpu->priority > best->priority)) {
            best = vcpu;
            best_at = at;
        }
    }
#ifdef BREAK_schedule_turn
    pcpu->turn_end = ~UINT64_C(0);
#endif
    if (best != NULL && last != NULL && wants_to_run(last) && last->priority == best->priority &&
        now < pcpu->turn_end) {
        return last;
    }
    if (best != NULL) {
        pcpu->turn = best_at;
        pcpu->turn_end = now + pcpu->turn_ticks;
    }
    return best;
}

/* When this pCPU must choose again although nobody asks: end of a turn or a budget, a sleeper's timer, a new
 * period. */
static uint64_t next_event(const struct pcpu *pcpu, const struct vcpu *running, uint64_t now)
{
    uint64_t at = ~UINT64_C(0);

    for (uint32_t i = 0; i < pcpu->nr_vcpus; i++) {
        const struct vcpu *vcpu = pcpu->vcpus[i];

        if (running != NULL && vcpu == running) {
            at = vcpu->budget != 0 ? min_u64(at, now + vcpu->budget_left) : at;
        } else if (vcpu->state == VCPU_BLOCKED && pcpu->loaded != vcpu) {
            at = min_u64(at, context_next_timer(vcpu));
        } else if (wants_to_run(vcpu) && running != NULL && vcpu->priority == running->priority) {
            at = min_u64(at, pcpu->turn_end);
        }
        at = min_u64(at, deadline_next(vcpu));
        if (vcpu != running && vcpu->budget != 0 && vcpu->budget_left == 0 && vcpu->state != VCPU_OFF) {
            at = min_u64(at, vcpu->period_end);
        }
    }
    return at;
}

/* An unshared pCPU has no alarm of its own but for deadlines. */
static void arm(const struct pcpu *pcpu, const struct vcpu *next, uint64_t now)
{
    if (pcpu->nr_vcpus > 1) {
        timer_arm(next_event(pcpu, next, now));
    } else if (pcpu->nr_vcpus == 1 && deadline_next(pcpu->vcpus[0]) != ~UINT64_C(0)) {
        timer_arm(deadline_next(pcpu->vcpus[0]));
    }
}

/* Slices until something happens: who else may want to run comes with an interrupt, the end of a turn too. */
static void build(struct domain *domain, struct pcpu *pcpu)
{
    for (unsigned i = 0; i < SLICES_AT_ONCE; i++) {
        if (interrupt_pending() || pcpu->again || domain->vcpus[0].state != VCPU_BUILDING) {
            return;
        }
        if (domain_build_slice(domain, pcpu)) {
            domain_start(domain);
            return;
        }
    }
}

static struct vcpu *choose_or_idle(struct pcpu *pcpu)
{
    for (;;) {
        uint64_t now = 0;
        struct vcpu *last, *next;

        do {
            pcpu->again = false;
            now = timer_now();
            look_at_all(pcpu, now);
        } while (pcpu->again);
        last = account(pcpu, now);
        next = choose(pcpu, last, now);
        pcpu->running = next;
        pcpu->run_since = now;
        if (next != NULL && next->state == VCPU_READY && pcpu->loaded != next) {
            if (pcpu->loaded != NULL) {
                unload(pcpu); /* before next_event(), which watches the timers of the one that goes */
            }
            load(pcpu, next);
        }
        arm(pcpu, next, now);
        if (next == NULL) {
            if (!pcpu->again) {
                timer_wait();
            }
        } else if (next->state == VCPU_READY) {
            if (!pcpu->again) {
                return next;
            }
        } else {
            build(next->domain, pcpu);
        }
        interrupt_poll(pcpu);
    }
}

struct vcpu *schedule_switch(struct vcpu *next, struct vcpu *leave)
{
    struct pcpu *pcpu = this_pcpu();
    uint32_t work;

    (void)next;
    (void)leave;
    pcpu->current = NULL;
    do {
        next = choose_or_idle(pcpu);
        /* what came since the last look is seen now or interrupts the guest at once */
    } while ((load_relaxed(&next->work) & ~WORK_INTERRUPT) != 0);
    work = __atomic_fetch_and(&next->work, ~WORK_INTERRUPT, __ATOMIC_ACQUIRE);
    if ((work & WORK_EVENT) != 0) {
        inject_event(next);
    }
    if ((work & WORK_VIRQ) != 0) {
        sync_interrupts(next);
    }
    pcpu->current = next;
    return next;
}

void schedule_wait(struct vcpu *vcpu)
{
    if (!virq_deliverable(vcpu->domain->virq, vcpu->virq)) {
        vcpu->state = VCPU_BLOCKED;
        __atomic_fetch_or(&vcpu->work, WORK_RESCHEDULE, __ATOMIC_RELAXED);
    }
}
