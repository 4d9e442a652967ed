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
    uint64_t words[VIRQ_EFFECT_MASKS / 2u];

    __builtin_memcpy(words, effects,
                     sizeof words); /* all masks at once: nearly always there is nothing to do */
    if (((words[0] & ~UINT64_C(0xffffffff)) | words[1] | words[2] | words[3]) != 0) {
        effects_apply_slow(domain, effects);
    }
    if (effects->kick != 0) {
        effects_kick(domain, effects->kick);
    }
}

/* Emulated UARTs whose domains (bit = domid) the console asked to look at again. */
void effects_refresh_uarts(uint32_t domids);

#endif
