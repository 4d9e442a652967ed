/* SPDX-License-Identifier: Apache-2.0 */
/* Between memory and the list registers; inside virq/ only. The caller holds the domain's virq lock, and `self` is the
 * resident vCPU of this pCPU or NULL. */
#ifndef VIRQ_VIRQ_LR_H
#define VIRQ_VIRQ_LR_H

#include "virq/virq_state.h"

/* State, enable or route of `bit` of a bank changed: whoever has it in a list register must look at it, else whoever it
 * goes to may want it. cpu is the owner of a private one. */
void virq_offer(struct virq *virq, struct virq_cpu *cpu, unsigned index, unsigned bit, struct virq_cpu *self,
                struct virq_effects *effects);

/* Does all that virq_offer() left to this vCPU. */
void virq_update(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects);

/* After virq_offer(), before the lock is released. */
static inline void virq_settle(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    if (self != NULL && (self->look != 0 || self->ppi_dirty != 0 || (self->summary != 0 && virq->forwarding))) {
        virq_update(virq, self, effects);
    }
}

/* Puts an idle, enabled interrupt whose target is `self` into a list register: its old one if that is empty, or a free
 * one. `extra` are the bits of the list register beside state, priority and INTID. False: not possible, nothing changed. */
bool virq_load_quick(struct virq *virq, struct virq_cpu *self, unsigned index, unsigned bit, uint64_t extra);

/* A list register of any vCPU that is known to be empty: forgets it without touching hardware. */
void virq_forget_lr(struct virq *virq, struct virq_cpu *holder, unsigned n);

/* Highest priority (lowest value) among those ready for the vCPU in memory; VIRQ_LOWEST: none. */
unsigned virq_best_ready(struct virq *virq, struct virq_cpu *cpu);

/* Asks another vCPU to look; nothing if it is `self`. */
static inline void virq_kick(struct virq_effects *effects, const struct virq_cpu *cpu, const struct virq_cpu *self)
{
    if (cpu != self) {
        effects->kick |= 1u << cpu->index;
    }
}

/* The vCPU in whose list register `bit` of a bank is. */
static inline struct virq_cpu *virq_holder(struct virq *virq, struct virq_cpu *cpu, unsigned index, unsigned bit)
{
    return index == 0 ? cpu : &virq->cpus[virq->spis[index - 1u].holder[bit]];
}

static inline bool virq_is_v2_sgi(const struct virq *virq, unsigned index, unsigned bit)
{
    return virq->version == 2 && index == 0 && bit < VIRQ_NR_SGIS;
}

#endif
