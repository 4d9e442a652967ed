/* SPDX-License-Identifier: Apache-2.0 */
#include "virq/virq_regs.h"

#include "arch/arm64/barrier.h"
#include "virq/virq_lr.h"

static void offer_all(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                      struct virq_cpu *self, struct virq_effects *effects)
{
    FOR_BITS(bit, mask)
    {
        virq_offer(virq, cpu, index, bit, self, effects);
    }
}

static void end(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    virq_settle(virq, self, effects);
    spin_unlock(&virq->lock);
}

void virq_enable(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                 struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);

    if ((mask & ~load_relaxed(&bank->enabled)) == 0) {
        return;
    }
    spin_lock(&virq->lock);
    mask &= ~bank->enabled;
    bank->enabled |= mask;
    if (index != 0) { /* linked PPIs stay enabled: that pCPU has no other use for them */
        FOR_BITS(bit, mask & bank->hw)
        {
            gic_enable(virq->spis[index - 1u].pirq[bit]);
        }
    }
    offer_all(virq, cpu, index, mask & bank_pending(bank) & ~bank->in_lr, self,
              effects); /* those look again at EOI */
    end(virq, self, effects);
}

void virq_disable(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                  struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);

    if ((mask & load_relaxed(&bank->enabled)) == 0) {
        return;
    }
    spin_lock(&virq->lock);
    mask &= bank->enabled;
    bank->enabled &= ~mask;
    if (index != 0) {
#ifdef BREAK_distributor_owner
        FOR_BITS(bit, mask)
        {
            gic_disable(index * VIRQ_BANK + bit);
        }
#endif
        FOR_BITS(bit, mask & bank->hw)
        {
            gic_disable(virq->spis[index - 1u].pirq[bit]);
        }
    }
    FOR_BITS(bit, mask & bank->in_lr)
    {
        virq->recall |= 1u << virq_holder(virq, cpu, index, bit)->index;
        virq_offer(virq, cpu, index, bit, self, effects);
    }
    end(virq, self, effects);
}

void virq_set_pending(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                      struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);

    spin_lock(&virq->lock);
    bank->pending |= mask;
    offer_all(virq, cpu, index, mask, self, effects);
    end(virq, self, effects);
}

void virq_clear_pending(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                        struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);

    spin_lock(&virq->lock);
    if (index == 0) {
        virq_collect(virq, cpu, self, effects);
        effects->unpended = mask;
        effects->unpended_vcpu = cpu->index;
    }
    bank->pending &= ~mask;
    bank->drop_pending |= mask & bank->in_lr;
    FOR_BITS(bit, mask & bank->hw)
    {
        if (index != 0) {
            gic_set_pending(virq->spis[index - 1u].pirq[bit], false);
        } else if (cpu == self) {
            gic_set_pending(virq->ppi_pirq[bit % 16u], false);
        }
    }
    offer_all(virq, cpu, index, mask & (bank->in_lr | bank->hw_active), self, effects);
    end(virq, self, effects);
}

void virq_set_active(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                     struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);
    bool before = virq->soft_active;

    spin_lock(&virq->lock);
    mask &= ~bank->active;
    bank->active |= mask;
    FOR_BITS(bit, mask & ~bank->in_lr)
    {
        virq->soft_active = true;
        if (index != 0) {
            virq->spis[index - 1u].holder[bit] = VIRQ_NONE;
        } else {
            cpu->soft |= 1u << bit;
        }
    }
    offer_all(virq, cpu, index, mask & bank->in_lr, self, effects);
    if (virq->soft_active != before) {
        virq_update(virq, self, effects); /* DIR has to be trapped from now on */
    }
    end(virq, self, effects);
}

void virq_clear_active(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                       struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);

    spin_lock(&virq->lock);
    bank->active &= ~mask;
    bank->drop_active |= mask & bank->in_lr;
    offer_all(virq, cpu, index, mask, self, effects);
    end(virq, self, effects);
}

/* Bits of a bank that are in list registers of other vCPUs; *holders: of which. *seen gets what our own ones
 * hold. */
static uint32_t held_by_others(struct virq *virq, struct virq_cpu *cpu, unsigned index, bool active,
                               struct virq_cpu *self, uint32_t *holders, uint32_t *seen)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);
    uint32_t others = 0;

    FOR_BITS(bit, bank->in_lr)
    {
        struct virq_cpu *holder = virq_holder(virq, cpu, index, bit);
        uint64_t lr;

        if (holder != self) {
            others |= 1u << bit;
            *holders |= 1u << holder->index;
            continue;
        }
        lr = gic_lr_read(bank->lr[bit]);
        if (active ? (lr & LR_ACTIVE) != 0
                   : (lr & LR_PENDING) != 0 && (self->latched >> bank->lr[bit]) % 2u != 0) {
            *seen |= 1u << bit;
        }
    }
    return others;
}

uint32_t virq_read_state(struct virq *virq, struct virq_cpu *cpu, unsigned index, bool active,
                         struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);
    uint16_t key = (uint16_t)(1u + (index == 0 ? cpu->index : MAX_VCPUS + index));
    uint32_t holders = 0, seen = 0, others;

    spin_lock(&virq->lock);
    if (index == 0) {
        virq_collect(virq, cpu, self, effects);
    }
    others = held_by_others(virq, cpu, index, active, self, &holders, &seen);
    if (holders != 0 && self->asked != key) {
        self->asked = key;
        self->waiting_for = holders;
        FOR_BITS(holder, holders)
        {
            virq->cpus[holder].snapshot_for |= 1u << self->index;
        }
        effects->kick |= holders;
        effects->retry = true;
    } else if (holders != 0 && self->waiting_for != 0) {
        effects->retry = true;
    } else {
        self->asked = 0;
        seen |= others & (active ? bank->lr_active : bank->lr_pending);
        seen &= ~(active ? bank->drop_active : bank->drop_pending);
        seen |= active ? bank->active : bank_pending(bank);
    }
    spin_unlock(&virq->lock);
    return seen;
}

void virq_set_priority(struct virq *virq, struct virq_cpu *cpu, unsigned index, unsigned bit, unsigned count,
                       uint32_t value, struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);

    spin_lock(&virq->lock);
    for (unsigned i = 0; i < count; i++) {
        uint8_t priority = (uint8_t)((value >> 8u * i) & 0xf8u);

        if (bank->priority[bit + i] != priority) {
            bank->priority[bit + i] = priority;
            virq_offer(virq, cpu, index, bit + i, self, effects);
        }
    }
    end(virq, self, effects);
}

void virq_set_route(struct virq *virq, unsigned index, unsigned bit, unsigned count, uint32_t value,
                    struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_spi_bank *spis = &virq->spis[index - 1u];

    spin_lock(&virq->lock);
    for (unsigned i = 0; i < count; i++) {
        unsigned before = virq_spi_target(virq, spis, bit + i), now;

        spis->route[bit + i] = (uint8_t)(value >> 8u * i);
        now = virq_spi_target(virq, spis, bit + i);
        if (before == now) {
            continue;
        }
        virq_offer(virq, NULL, index, bit + i, self, effects);
        if ((spis->bank.hw >> (bit + i)) % 2u != 0 && now != VIRQ_NONE) {
            effects->hw_first = (uint16_t)(index * VIRQ_BANK);
            effects->hw_route |= 1u << (bit + i);
        }
    }
    end(virq, self, effects);
}

void virq_configure(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask, uint32_t edge,
                    struct virq_cpu *self, struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);
    uint32_t changed;

    spin_lock(&virq->lock);
    changed = (bank->edge ^ edge) & mask;
    bank->edge ^= changed;
    if (index != 0) {
        effects->hw_first = (uint16_t)(index * VIRQ_BANK);
        effects->hw_trigger = changed & bank->hw;
    }
    offer_all(virq, cpu, index, changed, self, effects);
    end(virq, self, effects);
}

void virq_forward(struct virq *virq, bool on, struct virq_cpu *self, struct virq_effects *effects)
{
    spin_lock(&virq->lock);
    if (virq->forwarding != on) {
        virq->forwarding = on;
        for (unsigned i = 0; i < virq->nr_vcpus; i++) {
            struct virq_cpu *cpu = &virq->cpus[i];

            cpu->look |= cpu->lr_used;
            if (cpu->look != 0 && !on) {
                virq->recall |= 1u << i;
            }
            if (cpu->look != 0 || (on && cpu->summary != 0)) {
                virq_kick(effects, cpu, self);
            }
        }
    }
    end(virq, self, effects);
}

uint32_t virq_recalling(const struct virq *virq)
{
    return load_relaxed(&virq->recall);
}

void virq_set_sources(struct virq *virq, unsigned intid, uint8_t senders, struct virq_cpu *self,
                      struct virq_effects *effects)
{
    spin_lock(&virq->lock);
    self->sources[intid] |= senders;
    if (senders != 0) {
        self->bank.pending |= 1u << intid;
        virq_offer(virq, self, 0, intid, self, effects);
    }
    end(virq, self, effects);
}

/* The sender in our list register that is still pending, as a mask. */
static uint8_t source_in_lr(struct virq_cpu *self, unsigned intid)
{
    uint64_t lr;

    if ((self->bank.in_lr >> intid) % 2u == 0) {
        return 0;
    }
    lr = gic_lr_read(self->bank.lr[intid]);
    return (lr & LR_PENDING) != 0 ? (uint8_t)(1u << VIRQ_LR_SOURCE(lr)) : 0;
}

void virq_clear_sources(struct virq *virq, unsigned intid, uint8_t senders, struct virq_cpu *self,
                        struct virq_effects *effects)
{
    uint32_t mask = 1u << intid;

    spin_lock(&virq->lock);
    self->sources[intid] &= (uint8_t)~senders;
    if (self->sources[intid] == 0) {
        self->bank.pending &= ~mask;
    }
    if ((source_in_lr(self, intid) & senders) != 0) {
        self->bank.drop_pending |= mask;
        virq_offer(virq, self, 0, intid, self, effects);
    }
    end(virq, self, effects);
}

uint8_t virq_sources(struct virq *virq, unsigned intid, struct virq_cpu *self)
{
    uint8_t senders;

    spin_lock(&virq->lock);
    senders = (uint8_t)(self->sources[intid] | source_in_lr(self, intid));
    spin_unlock(&virq->lock);
    return senders;
}
