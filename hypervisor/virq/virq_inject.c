/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts that become pending, and whether a vCPU would take one. */
#include "virq/virq_interface.h"
#include "virq/virq_lr.h"
#include "virq/virq_regs.h"

#define VMCR_VENG0     (1u << 0)
#define VMCR_VENG1     (1u << 1)
#define VMCR_PMR(vmcr) (unsigned)FIELD(vmcr, 31, 24)

/* Apart, as below, so that the usual case saves no registers. */
static __attribute__((noinline)) void hw_fired(struct virq *virq, unsigned vcpu, unsigned intid,
                                               struct virq_cpu *self, struct virq_effects *effects)
{
    unsigned index = intid / VIRQ_BANK, bit = intid % VIRQ_BANK;
    uint32_t mask = 1u << bit;
    struct virq_cpu *cpu, *target;
    struct virq_bank *bank;

    spin_lock(&virq->lock);
    cpu = &virq->cpus[vcpu];
    target = virq_goes_to(virq, cpu, index, bit);
    if (target == self && self != NULL && virq_load_quick(virq, self, index, bit, LR_HW)) {
        spin_unlock(&virq->lock);
        return;
    }
    bank = virq_bank(virq, cpu, index);
    if ((bank->in_lr & mask) != 0) {
        struct virq_cpu *holder = virq_holder(virq, cpu, index, bit);

        /* It can fire again only because the guest's EOI deactivated it: that list register is empty. */
        if ((holder->linked >> bank->lr[bit]) % 2u != 0) {
            virq_forget_lr(virq, holder, bank->lr[bit]);
        }
    }
    bank->pending |= mask;
    bank->hw_active |= mask;
    if (index == 0 && cpu != self) {
        gic_set_active(virq->ppi_pirq[bit % 16u], false); /* of a vCPU that left: virq_resume() restores it */
    }
    virq_offer(virq, cpu, index, bit, self, effects);
    virq_settle(virq, self, effects);
    spin_unlock(&virq->lock);
}

void virq_hw_fired(struct virq *virq, unsigned vcpu, unsigned intid, struct virq_cpu *self,
                   struct virq_effects *effects)
{
    if (self == NULL || !(intid >= VIRQ_BANK ? virq_load_spi_again(virq, self, intid)
                                             : self->index == vcpu && virq_load_again(self, intid, 0))) {
        hw_fired(virq, vcpu, intid, self, effects);
    }
}

void virq_line(struct virq *virq, unsigned vcpu, unsigned intid, bool high, struct virq_cpu *self,
               struct virq_effects *effects)
{
    unsigned index = intid / VIRQ_BANK, bit = intid % VIRQ_BANK;
    uint32_t mask = 1u << bit;
    struct virq_cpu *cpu = &virq->cpus[vcpu];
    struct virq_bank *bank = virq_bank(virq, cpu, index);

    spin_lock(&virq->lock);
    if (((bank->line & mask) != 0) != high) {
        bank->line ^= mask;
        if (high && (bank->edge & mask) != 0) {
            bank->pending |= mask;
        }
        virq_offer(virq, cpu, index, bit, self, effects);
        virq_settle(virq, self, effects);
    }
    spin_unlock(&virq->lock);
}

static __attribute__((noinline)) void edge(struct virq *virq, unsigned vcpu, unsigned intid,
                                           struct virq_cpu *self, struct virq_effects *effects)
{
    unsigned index = intid / VIRQ_BANK, bit = intid % VIRQ_BANK;
    struct virq_cpu *cpu = &virq->cpus[vcpu];

    spin_lock(&virq->lock);
    if (self == NULL || virq_goes_to(virq, cpu, index, bit) != self ||
        !virq_load_quick(virq, self, index, bit, 0)) {
        virq_bank(virq, cpu, index)->pending |= 1u << bit;
        virq_offer(virq, cpu, index, bit, self, effects);
        virq_settle(virq, self, effects);
    }
    spin_unlock(&virq->lock);
}

bool virq_edge_quick(struct virq *virq, struct virq_cpu *self, unsigned intid)
{
    bool done;

    spin_lock(&virq->lock);
    done = virq_load_quick(virq, self, 0, intid, 0);
    spin_unlock(&virq->lock);
    return done;
}

void virq_edge(struct virq *virq, unsigned vcpu, unsigned intid, struct virq_cpu *self,
               struct virq_effects *effects)
{
    if (self == NULL || intid < VIRQ_BANK || !virq_load_spi_again(virq, self, intid)) {
        edge(virq, vcpu, intid, self, effects);
    }
}

void virq_sgi(struct virq *virq, unsigned sender, uint32_t targets, unsigned intid, struct virq_cpu *self,
              struct virq_effects *effects)
{
    uint64_t source = virq->version == 2 ? (uint64_t)sender << VIRQ_LR_SOURCE_SHIFT : 0;

    if (targets == 1u << sender && virq_load_again(self, intid, source)) {
        return;
    }
    if (virq->version == 3 && (targets >> sender) % 2u == 0) {
        FOR_BITS(target, targets)
        { /* without the lock: see virq_sync() */
            __atomic_fetch_or(&virq->cpus[target].inbox, 1u << intid, __ATOMIC_RELEASE);
        }
        effects->kick |= targets;
        return;
    }
    spin_lock(&virq->lock);
    FOR_BITS(target, targets)
    {
        struct virq_cpu *cpu = &virq->cpus[target];

        if (cpu == self && virq_load_quick(virq, self, 0, intid, source)) {
            continue;
        }
        cpu->bank.pending |= 1u << intid;
        if (virq->version == 2) {
            cpu->sources[intid] |= (uint8_t)(1u << sender);
        }
        virq_offer(virq, cpu, 0, intid, self, effects);
    }
    virq_settle(virq, self, effects);
    spin_unlock(&virq->lock);
}

static bool deliverable(struct virq *virq, struct virq_cpu *cpu)
{
    uint32_t ap0[GIC_NR_APRS] = {0}, ap1[GIC_NR_APRS] = {0};
    uint32_t enable = virq->version == 3 ? VMCR_VENG1 : VMCR_VENG0;
    unsigned priority = virq_best_ready(virq, cpu);
    uint32_t vmcr = cpu->resident ? gic_vmcr_read() : cpu->vmcr;

    if (cpu->resident) {
        FOR_BITS(n, cpu->lr_used)
        {
            uint64_t lr = gic_lr_read(n);

            if ((lr & LR_STATE) == LR_PENDING && FIELD(lr, 55, 48) < priority) {
                priority = (unsigned)FIELD(lr, 55, 48);
            }
        }
    }
    if (priority >= VMCR_PMR(vmcr) || (vmcr & enable) == 0) {
        return false;
    }
    if (cpu->resident) {
        gic_apr_read(ap0, ap1);
        return virq_group_priority(virq, vmcr, priority) < virq_running_priority(ap0, ap1);
    }
    return virq_group_priority(virq, vmcr, priority) < virq_running_priority(cpu->ap0, cpu->ap1);
}

bool virq_deliverable(struct virq *virq, struct virq_cpu *cpu)
{
    struct virq_effects effects = {0}; /* none: a kick would be for ourselves */
    bool result;

    spin_lock(&virq->lock);
    virq_collect(virq, cpu, NULL, &effects);
    result = deliverable(virq, cpu);
    spin_unlock(&virq->lock);
    return result;
}
