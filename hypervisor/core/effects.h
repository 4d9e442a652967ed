/* SPDX-License-Identifier: Apache-2.0 */
/* Applies what the virtual interrupt state asks for: kicks and changes at the physical GIC. */
#ifndef CORE_EFFECTS_H
#define CORE_EFFECTS_H

#include "base/bits.h"
#include "virq/virq.h"

struct domain;

void effects_kick(struct domain *domain, uint32_t vcpus);
void effects_apply_slow(struct domain *domain, const struct virq_effects *effects);

static inline void effects_apply(struct domain *domain, const struct virq_effects *effects)
{
    if ((effects->hw_route | effects->hw_trigger | effects->unpended) != 0) {
        effects_apply_slow(domain, effects);
    }
    if (effects->kick != 0) {
        effects_kick(domain, effects->kick);
    }
}

/* Emulated UARTs whose domains (bit = domid) the console asked to look at again. */
void effects_refresh_uarts(uint32_t domids);

#endif
