/* SPDX-License-Identifier: Apache-2.0 */
#include "core/effects.h"

#include "core/domain.h"
#include "core/event.h"
#include "core/pv_console.h"
#include "core/vpl011.h"
#include "drivers/gic.h"

void effects_kick(struct domain *domain, uint32_t vcpus)
{
    for (; vcpus != 0; vcpus &= vcpus - 1u) {
        vcpu_request(&domain->vcpus[lowest_bit(vcpus)], WORK_VIRQ);
    }
}

void effects_apply_slow(struct domain *domain, const struct virq_effects *effects)
{
    if ((effects->unpended >> EVENT_PPI) % 2u != 0) {
        event_upcall_again(&domain->vcpus[effects->unpended_vcpu]);
    }
    for (uint32_t left = effects->hw_route | effects->hw_trigger; left != 0; left &= left - 1u) {
        unsigned bit = lowest_bit(left), intid = effects->hw_first + bit,
                 pirq = virq_pirq(domain->virq, intid);

        if ((effects->hw_route >> bit) % 2u != 0) {
            gic_route(pirq, domain->vcpus[virq_target(domain->virq, intid)].pcpu->index);
        }
        if ((effects->hw_trigger >> bit) % 2u != 0) {
            gic_set_edge(pirq, virq_is_edge(domain->virq, intid));
        }
    }
}

void effects_refresh_uarts(uint32_t domids)
{
    struct pcpu *pcpu = this_pcpu();

    for (uint32_t i = 0; i < nr_domains && domids != 0; i++) {
        struct domain *domain = domains[i];
        struct virq_effects effects = {0};

        if ((domids >> domain->record->domid) % 2u == 0) {
            continue;
        }
        if (domain->pv_console != NULL) {
            pv_console_refresh(domain);
        }
        if (domain->uart == NULL) {
            continue;
        }
        vpl011_refresh(domain->uart, vcpu_resident(pcpu, domain), &effects);
        effects_apply(domain, &effects);
    }
}
