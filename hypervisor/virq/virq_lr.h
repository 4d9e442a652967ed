/* SPDX-License-Identifier: Apache-2.0 */
/* Between memory and the list registers; inside virq/ only. The caller holds the domain's virq lock, and
 * `self` is the resident vCPU of this pCPU or NULL. */
#ifndef VIRQ_VIRQ_LR_H
#define VIRQ_VIRQ_LR_H

#include "arch/arm64/barrier.h"
#include "virq/virq_state.h"

/* State, enable or route of `bit` of a bank changed: whoever has it in a list register must look at it, else
 * whoever it goes to may want it. cpu is the owner of a private one. */
void virq_offer(struct virq *virq, struct virq_cpu *cpu, unsigned index, unsigned bit, struct virq_cpu *self,
                struct virq_effects *effects);

/* Takes the SGIs that other vCPUs left in the vCPU's inbox. Whoever asks for its pending interrupts does this
 * first. */
static inline void virq_collect(struct virq *virq, struct virq_cpu *cpu, struct virq_cpu *self,
                                struct virq_effects *effects)
{
    uint32_t sgis =
        load_relaxed(&cpu->inbox) == 0 ? 0 : __atomic_exchange_n(&cpu->inbox, 0, __ATOMIC_ACQUIRE);

    cpu->bank.pending |= sgis;
    FOR_BITS(bit, sgis)
    {
        virq_offer(virq, cpu, 0, bit, self, effects);
    }
}

/* Does all that virq_offer() left to this vCPU. */
void virq_update(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects);

/* After virq_offer(), before the lock is released. */
static inline void virq_settle(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    if (self != NULL &&
        (self->look != 0 || self->ppi_dirty != 0 || (self->summary != 0 && virq->forwarding))) {
        virq_update(virq, self, effects);
    }
}

/* Puts an idle, enabled interrupt whose target is `self` into a list register: its old one if that is empty,
 * or a free one. `extra` are the bits of the list register beside state, priority and INTID. False: not
 * possible, nothing changed. */
bool virq_load_quick(struct virq *virq, struct virq_cpu *self, unsigned index, unsigned bit, uint64_t extra);

/* A list register of any vCPU that is known to be empty: forgets it without touching hardware. */
void virq_forget_lr(struct virq *virq, struct virq_cpu *holder, unsigned n);

/* The same for a private interrupt that was injected here before and has been ended since: its list register
 * is written once more. Needs no lock: what others change about the interrupt they announce in `look` and
 * kick, and that is seen after this as it would be had the interrupt come a moment earlier. `source`: bits of
 * the list register for the sender of a GICv2 SGI. */
static inline bool virq_load_again(struct virq_cpu *self, unsigned bit, uint64_t source)
{
    unsigned n = self->bank.lr[bit];

    if ((self->bank.in_lr >> bit) % 2u == 0 || ((self->again & ~load_relaxed(&self->look)) >> n) % 2u == 0 ||
        load_relaxed(&self->summary) != 0 || (gic_lr_empty() >> n) % 2u == 0 ||
        (self->lr_value[n] & VIRQ_LR_SOURCE_MASK) != source) {
        return false;
    }
    self->asked = 0;
    gic_lr_write(n, self->lr_value[n]);
    return true;
}

/* The same for an SPI. What says where it is belongs to the domain and may change meanwhile; what says what
 * is in our list register is our own. */
static inline bool virq_load_spi_again(struct virq *virq, struct virq_cpu *self, unsigned intid)
{
    unsigned n = virq->spis[intid / VIRQ_BANK - 1u].bank.lr[intid % VIRQ_BANK] % GIC_MAX_LRS;

    if (self->lr_intid[n] != intid || ((self->again & ~load_relaxed(&self->look)) >> n) % 2u == 0 ||
        load_relaxed(&self->summary) != 0 || (gic_lr_empty() >> n) % 2u == 0) {
        return false;
    }
    self->asked = 0;
    gic_lr_write(n, self->lr_value[n]);
    return true;
}

/* Highest priority (lowest value) among those ready for the vCPU in memory; VIRQ_LOWEST: none. */
unsigned virq_best_ready(struct virq *virq, struct virq_cpu *cpu);

/* Asks another vCPU to look; nothing if it is `self`. */
static inline void virq_kick(struct virq_effects *effects, const struct virq_cpu *cpu,
                             const struct virq_cpu *self)
{
    if (cpu != self) {
        effects->kick |= 1u << cpu->index;
    }
}

/* The vCPU in whose list register `bit` of a bank is. */
static inline struct virq_cpu *virq_holder(struct virq *virq, struct virq_cpu *cpu, unsigned index,
                                           unsigned bit)
{
    return index == 0 ? cpu : &virq->cpus[virq->spis[index - 1u].holder[bit]];
}

static inline bool virq_is_v2_sgi(const struct virq *virq, unsigned index, unsigned bit)
{
    return virq->version == 2 && index == 0 && bit < VIRQ_NR_SGIS;
}

#endif
