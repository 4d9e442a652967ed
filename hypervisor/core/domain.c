/* SPDX-License-Identifier: Apache-2.0 */
#include "core/domain.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/timer.h"
#include "core/dma.h"
#include "core/deadline.h"
#include "core/effects.h"
#include "core/event.h"
#include "core/frontend.h"
#include "core/grant.h"
#include "core/interrupt.h"
#include "core/power.h"
#include "core/print.h"
#include "core/pv_console.h"
#include "drivers/gic.h"
#include "core/vpl011.h"
#include "virq/virq.h"

struct domain *domains[MAX_DOMAINS];
uint32_t nr_domains;
struct domain *domains_by_domid[MAX_DOMAINS];

#define OBJECT_ALIGN    64u
#define GICV3_DIST_SIZE 0x10000u

#define BACK_OFF_MIN_US 10000u
#define BACK_OFF_MAX_US 1000000u

/* Where every restart is allowed: a life that is over so soon is a short one, and so many of them in a row
 * are restarted at once. */
#define SHORT_LIFE_US 1000u
#define SHORT_LIVES   16u

static void bind_vcpus(struct domain *domain)
{
    static uint32_t nr_vcpus;
    const struct domain_record *record = domain->record;

    for (unsigned i = 0; i < record->nr_vcpus; i++) {
        struct vcpu *vcpu = &domain->vcpus[i];
        struct pcpu *pcpu = pcpus[record->vcpus[i].pcpu];

        vcpu->index = (uint16_t)i;
        vcpu->domain = domain;
        vcpu->share_slot = nr_vcpus++;
        vcpu->virq = virq_cpu(domain->virq, i);
        vcpu->pcpu = pcpu;
        vcpu->stack_top = pcpu->stack_top;
        vcpu->priority = record->priority;
        vcpu->budget = timer_from_us(record->budget_us);
        vcpu->period = timer_from_us(record->period_us);
        vcpu->budget_left = vcpu->budget;
        vcpu->el1.vmpidr = BIT(31) | record->vcpus[i].affinity;
        pcpu->vcpus[pcpu->nr_vcpus++] = vcpu;
        for (uint32_t n = 0; pcpu->nr_vcpus > 1 && n < pcpu->nr_vcpus; n++) {
            pcpu->vcpus[n]->shared = true;
        }
    }
}

static void link_interrupts(struct domain *domain)
{
    const struct domain_record *record = domain->record;

    virq_link(domain->virq, GUEST_TIMER_VIRT, host_interrupts.timer_virt, false);
    virq_link(domain->virq, GUEST_TIMER_PHYS, host_interrupts.timer_phys, false);
    for (uint32_t i = 0; i < record->nr_irqs; i++) {
        virq_link(domain->virq, record->irqs[i].virq, record->irqs[i].pirq, record->irqs[i].edge);
        interrupt_assign(domain, record->irqs[i].pirq, record->irqs[i].virq);
    }
    interrupt_quiesce(domain);
}

enum status domain_create(const struct domain_record *record)
{
    struct pool pool;
    struct domain *domain;
    void *virq_memory;

    for (unsigned i = 0; i < record->nr_vcpus; i++) {
        if (pcpus[record->vcpus[i].pcpu]->nr_vcpus >= PCPU_MAX_VCPUS) {
            return ERR_RANGE;
        }
    }
    pool_init(&pool, record->pool, record->pool_size);
    domain = pool_alloc(&pool, sizeof *domain, OBJECT_ALIGN);
    if (domain == NULL) {
        return ERR_NOMEM;
    }
    domain->record = record;
    domain->vcpus = pool_alloc(&pool, record->nr_vcpus * sizeof(struct vcpu), OBJECT_ALIGN);
    virq_memory = pool_alloc(&pool, virq_bytes(record->nr_vcpus, record->nr_spis), OBJECT_ALIGN);
    domain->uart = pool_alloc(&pool, sizeof *domain->uart, OBJECT_ALIGN);
    domain->grants = grants_create(&pool, record);
    domain->events = events_create(&pool, record);
    if (domain->vcpus == NULL || virq_memory == NULL || domain->uart == NULL || domain->grants == NULL ||
        domain->events == NULL) {
        return ERR_NOMEM;
    }
    if (record->nr_frontends != 0) {
        domain->frontends = frontends_create(&pool, record);
        if (domain->frontends == NULL) {
            return ERR_NOMEM;
        }
    }
    if (record->nr_streams != 0) {
        domain->dma = pool_alloc(&pool, sizeof *domain->dma, OBJECT_ALIGN);
        if (domain->dma == NULL) {
            return ERR_NOMEM;
        }
    }
    domain->port = &domain->uart->port;
    domain->port_lock = &domain->uart->lock;
    if ((record->flags & DOMAIN_ENHANCED) != 0) {
        domain->pv_console = pv_console_create(&pool, domain);
        if (domain->pv_console == NULL) {
            return ERR_NOMEM;
        }
    }
    domain->virq = virq_init(virq_memory, record->nr_vcpus, record->nr_spis, gic_version);
    domain->gicd_size = gic_version == 3 ? GICV3_DIST_SIZE : PAGE_SIZE;
    domain->pool = pool;
    domain->pool_objects = pool.used;
    domains[nr_domains++] = domain;
    domains_by_domid[record->domid] = domain;
    domain->shared_info_at = IPA(~UINT64_C(0));
    bind_vcpus(domain);
    link_interrupts(domain);
    if ((record->flags & DOMAIN_VPL011) != 0) {
        vpl011_init(domain->uart, record->domid, domain->virq, record->uart_virq);
        domain->port_attached = true;
    } else {
        domain->uart = NULL;
        if (domain->pv_console != NULL) {
            domain_attach_port(domain);
        }
    }
    domain->state = DOMAIN_BUILDING;
    return OK;
}

void domain_attach_port(struct domain *domain)
{
    console_attach(domain->port, domain->record->domid);
    domain->port_attached = true;
}

void domain_start(struct domain *domain)
{
    struct vcpu *vcpu = &domain->vcpus[0];

    domain->incarnation++;
    domain->counter_offset = timer_now();
    vcpu_reset(vcpu, domain->record->entry.v, domain->record->dtb.v);
    events_start(domain);
    vcpu->state = VCPU_READY;
    store_release(&vcpu->power, POWER_ON);
    store_release(&domain->state, DOMAIN_RUNNING);
    if (domain->record->heartbeat_ms != 0) {
        deadline_heartbeat(domain);
    }
    frontends_started(domain);
}

static void stop(struct domain *domain, enum stop_reason reason, const char *why, bool told)
{
    const struct vcpu *current = this_pcpu()->current;
    uint32_t running = DOMAIN_RUNNING;

    if (!__atomic_compare_exchange_n(&domain->state, &running, DOMAIN_STOPPING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        return;
    }
    domain->stop_reason = reason;
    domain->stop_vcpu = current != NULL && current->domain == domain ? current->index : 0;
    domain->stop_why = why;
    domain->stop_told = told;
    store_release(&domain->vcpus_in, domain->record->nr_vcpus);
    for (unsigned i = 0; i < domain->record->nr_vcpus; i++) {
        vcpu_request(&domain->vcpus[i], WORK_STOP);
    }
}

void domain_stop(struct domain *domain, enum stop_reason reason)
{
    stop(domain, reason, "stopped by the hypervisor", false);
}

void domain_crash(struct domain *domain, const char *why, bool told)
{
    stop(domain, STOP_CRASH, why, told);
}

/* Restarts within one window are counted from the first of them; where every one is allowed, short lives in a
 * row. */
static bool may_restart(struct domain *domain)
{
    const struct domain_record *record = domain->record;
    uint64_t now = timer_now();

    if (domain->stop_reason == STOP_OFF || record->restart == RESTART_NEVER) {
        return false;
    }
    if (record->restart == RESTART_ALWAYS) {
        bool is_short = now - domain->counter_offset < timer_from_us(SHORT_LIFE_US);

        domain->restarts_in_window = is_short ? domain->restarts_in_window + 1u : 0;
        return true;
    }
    if (now - domain->window_start > timer_from_us((uint64_t)record->restart_window_ms * 1000u)) {
        domain->window_start = now;
        domain->restarts_in_window = 0;
    }
    return domain->restarts_in_window++ < record->restart;
}

/* A domain in the background may go on, but not if it is the only kind. */
static bool all_stopped(void)
{
    bool foreground = false, background = true;

    for (uint32_t i = 0; i < nr_domains; i++) {
        bool stopped = load_acquire(&domains[i]->state) == DOMAIN_STOPPED;

        if ((domains[i]->record->flags & DOMAIN_BACKGROUND) != 0) {
            background = background && stopped;
        } else if (!stopped) {
            return false;
        } else {
            foreground = true;
        }
    }
    return foreground || background;
}

static void stay_stopped(struct domain *domain)
{
    __atomic_store_n(&domain->state, DOMAIN_STOPPED, __ATOMIC_SEQ_CST);
    frontends_forsake(domain);
    if (all_stopped()) {
        print("all domains have stopped: power off");
        power_off();
    }
}

void domain_vcpu_left(struct domain *domain)
{
    if (__atomic_sub_fetch(&domain->vcpus_in, 1, __ATOMIC_ACQ_REL) == 0) {
        interrupt_quiesce(domain);
        if (domain->stop_reason == STOP_CRASH) {
            crash_keep(domain);
        }
        if (domain->port_attached) {
            console_end(domain->port);
        }
        vcpu_request(&domain->vcpus[0], WORK_BUILD);
    }
}

/* Microseconds: the first restart of a window, or the first short lives, wait for nothing, each further one
 * longer. A domain that does nothing but crash would otherwise take all time from those below its priority.
 */
static uint64_t back_off(const struct domain *domain)
{
    uint32_t free = domain->record->restart == RESTART_ALWAYS ? SHORT_LIVES : 1u;
    uint64_t us = BACK_OFF_MIN_US;

#ifdef BREAK_back_off
    return 0;
#endif
    if (domain->restarts_in_window <= free) {
        return 0;
    }
    for (uint32_t n = free + 1u; n < domain->restarts_in_window && us < BACK_OFF_MAX_US; n++) {
        us *= 2u;
    }
    return min_u64(us, BACK_OFF_MAX_US);
}

/* vCPU 0 is off until the deadline asks for WORK_BUILD. */
static void build_again(struct domain *domain)
{
    uint64_t us = back_off(domain);

    store_release(&domain->state, DOMAIN_BUILDING);
    if (us != 0) {
        print("DOM%u: restart %u, in %lu ms", domain->record->domid, domain->restarts_in_window, us / 1000u);
        domain->vcpus[0].state = VCPU_OFF;
        deadline_set(&domain->vcpus[0], DEADLINE_RESTART, timer_now() + timer_from_us(us));
    }
}

void domain_torn_down(struct domain *domain)
{
    static const char *const words[] = {"powered off", "asked for a reset", "crashed"};
    bool again = !domain->stays && may_restart(domain);

    print("DOM%u %s, %s (incarnation %u, pool %lu of %lu bytes)", domain->record->domid,
          words[domain->stop_reason], again ? "restarting" : "stays stopped", domain->incarnation,
          domain->pool.used, domain->pool.size);
    if (again) {
        build_again(domain);
    } else {
        domain_give_up(domain);
    }
}

void domain_give_up(struct domain *domain)
{
    domain->vcpus[0].state = VCPU_OFF;
    stay_stopped(domain);
}
