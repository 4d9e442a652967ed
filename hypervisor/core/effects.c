/* SPDX-License-Identifier: Apache-2.0 */
#include "core/effects.h"

#include "core/domain.h"
#include "drivers/gic.h"
#include "core/vpl011.h"

/* Calls op for the physical INTID of every set bit. */
#define EACH(mask, op)                                                                                 \
    for (uint32_t left_ = (mask); left_ != 0; left_ &= left_ - 1u) {                                   \
        unsigned intid = effects->hw_first + lowest_bit(left_), pirq = virq_pirq(domain->virq, intid); \
        (void)intid;                                                                                   \
        op;                                                                                            \
    }

void effects_kick(struct domain *domain, uint32_t vcpus)
{
    for (; vcpus != 0; vcpus &= vcpus - 1u) {
        vcpu_request(&domain->vcpus[lowest_bit(vcpus)], WORK_VIRQ);
    }
}

void effects_apply_slow(struct domain *domain, const struct virq_effects *effects)
{
    EACH(effects->hw_deactivate, gic_set_active(pirq, false))
    if (effects->hw_first == 0) {
        return; /* timers stay enabled while their vCPU is resident: one that is masked fires once and then
                   waits, active */
    }
    EACH(effects->hw_disable, gic_disable(pirq))
    EACH(effects->hw_route, gic_route(pirq, domain->vcpus[virq_target(domain->virq, intid)].pcpu->index))
    EACH(effects->hw_trigger, gic_set_edge(pirq, virq_is_edge(domain->virq, intid)))
    EACH(effects->hw_unpend, gic_set_pending(pirq, false))
    EACH(effects->hw_pend, gic_set_pending(pirq, true))
    EACH(effects->hw_enable, gic_enable(pirq))
}

void effects_refresh_uarts(uint32_t domids)
{
    struct pcpu *pcpu = this_pcpu();

    for (uint32_t i = 0; i < nr_domains && domids != 0; i++) {
        struct domain *domain = domains[i];
        struct virq_effects effects = {0};
        bool here = pcpu->loaded != NULL && pcpu->loaded->domain == domain;

        if ((domids >> domain->record->domid) % 2u == 0 || domain->uart == NULL) {
            continue;
        }
        vpl011_refresh(domain->uart, here ? pcpu->loaded->virq : NULL, &effects);
        effects_apply(domain, &effects);
    }
}
