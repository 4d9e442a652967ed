/* SPDX-License-Identifier: Apache-2.0 */
#include "core/interrupt.h"

#include "arch/arm64/timer.h"
#include "core/console.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/effects.h"
#include "core/panic.h"
#include "drivers/gic.h"
#include "virq/virq.h"
#include "virq/virq_lr.h"

struct host_interrupts host_interrupts;

#define ISR_IRQ BIT(7)
#define INTIDS  1020u
static uint8_t owner[INTIDS]; /* 1 + position in domains[] */
static uint16_t virtual_id[INTIDS];

void interrupt_assign(struct domain *domain, unsigned pirq, unsigned virq)
{
    for (uint32_t i = 0; i < nr_domains; i++) {
        if (domains[i] == domain) {
            owner[pirq] = (uint8_t)(i + 1u);
            virtual_id[pirq] = (uint16_t)virq;
        }
    }
}

void interrupt_quiesce(struct domain *domain)
{
    const struct domain_record *record = domain->record;

    for (uint32_t i = 0; i < record->nr_irqs; i++) {
        unsigned pirq = record->irqs[i].pirq;

        gic_disable(pirq);
        gic_set_pending(pirq, false);
        gic_set_active(pirq, false);
        gic_set_edge(pirq, record->irqs[i].edge);
        gic_route(pirq, domain->vcpus[0].pcpu->index);
    }
}

void interrupt_console_here(void)
{
    static unsigned at = ~0u;
    unsigned here = this_pcpu()->index;

    if (at != here && host_interrupts.uart >= 32u) {
        at = here;
        gic_route(host_interrupts.uart, here);
    }
}

#ifdef BREAK_long_lock
struct spinlock long_lock;
#endif

static void guest_timer(struct pcpu *pcpu, uint32_t iar, unsigned intid)
{
    struct virq_effects effects = {0};
    struct vcpu *vcpu = pcpu->loaded;

    gic_drop(iar);
#ifdef BREAK_long_lock
    spin_lock(&long_lock);
    spin_unlock(&long_lock);
#endif
    if (vcpu == NULL) {
        gic_deactivate(iar); /* went low when the timers were saved */
        return;
    }
    if (virq_load_again(vcpu->virq, intid, 0)) {
        return;
    }
    virq_hw_fired(vcpu->domain->virq, vcpu->index, intid, vcpu->virq, &effects);
    effects_apply(vcpu->domain, &effects);
}

static __attribute__((noinline)) void guest_spi(struct pcpu *pcpu, uint32_t iar)
{
    struct virq_effects effects = {0};
    struct domain *domain = domains[owner[iar] - 1u];

    gic_drop(iar);
    virq_hw_fired(domain->virq, 0, virtual_id[iar], vcpu_resident(pcpu, domain), &effects);
    effects_apply(domain, &effects);
}

static __attribute__((noinline)) void own_interrupt(struct pcpu *pcpu, uint32_t iar)
{
    uint32_t intid = iar % 1024u;

    gic_drop(iar);
    if (intid == host_interrupts.timer_hyp) {
        timer_arm(~UINT64_C(0));
        vcpu_reschedule(pcpu);
    } else if (intid == host_interrupts.maintenance) {
        if (pcpu->loaded != NULL) {
            struct virq_effects effects = {0};

            virq_sync(pcpu->loaded->domain->virq, pcpu->loaded->virq, &effects);
            effects_apply(pcpu->loaded->domain, &effects);
        }
    } else if (intid == host_interrupts.uart && intid != 0) {
        effects_refresh_uarts(console_interrupt());
    } else if (intid >= 32u && !dma_interrupt(intid)) {
        gic_disable(intid); /* nobody's: once is enough */
    }
    gic_deactivate(iar);
}

__attribute__((always_inline)) bool interrupt_take(struct pcpu *pcpu)
{
    uint32_t iar = gic_acknowledge();

    if (iar % 1024u == GIC_KICK) {
        gic_drop(iar);
        gic_deactivate(iar);
        if (panic_in_progress()) {
            panic_park();
        }
        if (pcpu->nr_vcpus > 1) {
            vcpu_kicked(pcpu);
        }
    } else if (iar == host_interrupts.timer_virt) {
        guest_timer(pcpu, iar, GUEST_TIMER_VIRT);
    } else if (iar == host_interrupts.timer_phys) {
        guest_timer(pcpu, iar, GUEST_TIMER_PHYS);
    } else if (iar % 1024u >= GIC_SPURIOUS) {
        return false;
    } else if (iar < INTIDS && owner[iar] != 0) {
        guest_spi(pcpu, iar);
    } else {
        own_interrupt(pcpu, iar);
    }
    return true;
}

bool interrupt_pending(void)
{
    return (READ_SYSREG(isr_el1) & ISR_IRQ) != 0;
}

void interrupt_poll(struct pcpu *pcpu)
{
    for (unsigned i = 0; i < 64u && interrupt_take(pcpu); i++) {
        /* bounded: what is left is taken at the next look */
    }
}
