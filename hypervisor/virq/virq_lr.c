/* SPDX-License-Identifier: Apache-2.0 */
/* The list registers of the resident vCPU hold its most urgent interrupts; what does not fit waits in memory.
 */
#include "virq/virq_lr.h"

#include "virq/virq_interface.h"

#define FILL_LIMIT         3u /* list registers filled in one go: bounds the time under the lock */
#define HCR_EOI_COUNT(hcr) ((hcr) >> 27)

struct choice {
    unsigned index, bit;
    uint8_t priority, next; /* of the chosen; of the next in its bank */
};

static void mark(struct virq_cpu *cpu, unsigned index, uint8_t priority)
{
    cpu->summary |= 1u << index;
    if (priority < cpu->best[index]) {
        cpu->best[index] = priority;
    }
}

/* The physical interrupt has nobody left who would deactivate it. */
static void let_go(struct virq *virq, struct virq_cpu *cpu, unsigned index, unsigned bit)
{
    virq_bank(virq, cpu, index)->hw_active &= ~(1u << bit);
    if (index != 0) {
        gic_set_active(virq->spis[index - 1u].pirq[bit], false);
    } else {
        cpu->ppi_dirty |= 1u << bit;
    }
}

void virq_offer(struct virq *virq, struct virq_cpu *cpu, unsigned index, unsigned bit, struct virq_cpu *self,
                struct virq_effects *effects)
{
    struct virq_bank *bank = virq_bank(virq, cpu, index);
    uint32_t mask = 1u << bit;
    struct virq_cpu *target;

    if ((bank->in_lr & mask) != 0) {
        target = virq_holder(virq, cpu, index, bit);
        target->look |= (uint16_t)(1u << bank->lr[bit]);
        virq_kick(effects, target, self);
        return;
    }
    if ((bank->hw_active & ~(bank->pending | bank->active) & mask) != 0) {
        let_go(virq, cpu, index, bit);
        if (index == 0 && cpu->resident) {
            virq_kick(effects, cpu, self);
        }
    }
    target = virq_goes_to(virq, cpu, index, bit);
    if ((bank_ready(bank) & mask) != 0 && target != NULL) {
        mark(target, index, bank->priority[bit]);
        if (virq->forwarding) {
            virq_kick(effects, target, self);
        }
    }
}

static void note_loaded(struct virq *virq, struct virq_cpu *self, unsigned n, unsigned index, unsigned bit)
{
    struct virq_bank *bank = virq_bank(virq, self, index);

    bank->in_lr |= 1u << bit;
    bank->lr[bit] = (uint8_t)n;
    if (index != 0) {
        virq->spis[index - 1u].holder[bit] = self->index;
    }
    self->lr_intid[n] = (uint16_t)(index * VIRQ_BANK + bit);
    self->lr_used |= (uint16_t)(1u << n);
    self->asked = 0; /* the guest may learn of something newer than the answer it waits for */
}

static uint64_t lr_base(const struct virq *virq, unsigned index, unsigned bit, uint8_t priority)
{
    return (index * VIRQ_BANK + bit) | (uint64_t)priority << LR_PRIO_SHIFT |
           (virq->version == 3 ? LR_GROUP1 : 0);
}

static uint64_t lr_link(const struct virq *virq, unsigned index, unsigned bit)
{
    return LR_HW | (uint64_t)virq_pirq(virq, index * VIRQ_BANK + bit) << LR_PINTID_SHIFT;
}

bool virq_load_quick(struct virq *virq, struct virq_cpu *self, unsigned index, unsigned bit, uint64_t extra)
{
    struct virq_bank *bank = virq_bank(virq, self, index);
    uint32_t mask = 1u << bit, lr_mask;
    unsigned n;

    if (!virq->forwarding || self->summary != 0 || (bank->enabled & mask) == 0) {
        return false;
    }
    if ((bank->in_lr & mask) != 0) {
        n = bank->lr[bit];
        lr_mask = 1u << n;
        if (virq_holder(virq, self, index, bit) != self || ((self->look | self->eoi) & lr_mask) != 0 ||
            (gic_lr_read(n) & LR_STATE) != 0) {
            return false;
        }
        self->asked = 0;
    } else {
        uint32_t unused = self->lr_all & ~(uint32_t)self->lr_used;

        if (((bank_pending(bank) | bank->active) & mask) != 0 || unused == 0) {
            return false;
        }
        n = lowest_bit(unused);
        lr_mask = 1u << n;
        note_loaded(virq, self, n, index, bit);
        bank->lr_pending |= mask;
        bank->lr_active &= ~mask;
    }
    self->latched |= (uint16_t)lr_mask;
    if ((extra & LR_HW) != 0) {
        self->linked |= (uint16_t)lr_mask;
        bank->hw_active |= mask;
        extra |= lr_link(virq, index, bit);
    } else {
        self->linked &= (uint16_t)~lr_mask;
    }
    self->lr_value[n] = lr_base(virq, index, bit, bank->priority[bit]) | LR_PENDING | extra;
    self->again |= (uint16_t)lr_mask;
    gic_lr_write(n, self->lr_value[n]);
    return true;
}

/* Takes the latched pending state, for a list register; returns what that must hold beside it. */
static uint64_t take_latch(struct virq *virq, struct virq_cpu *self, unsigned index, unsigned bit)
{
    struct virq_bank *bank = virq_bank(virq, self, index);
    unsigned source;

    if (!virq_is_v2_sgi(virq, index, bit)) {
        bank->pending &= ~(1u << bit);
        return 0;
    }
    source = lowest_bit(self->sources[bit]);
    self->sources[bit] &= (uint8_t)~(1u << source);
    if (self->sources[bit] == 0) {
        bank->pending &= ~(1u << bit);
    }
    return (uint64_t)source << VIRQ_LR_SOURCE_SHIFT;
}

/* Puts an interrupt that is pending for, or was acknowledged by, this vCPU into list register n. Pending and
 * active together only where one list register can say it: not when hardware deactivates, not for a second
 * sender of an SGI, not for a level, which is sampled again after EOI, not while others wait, which may be
 * more urgent. What stays behind asks for a maintenance interrupt at EOI. */
static void load(struct virq *virq, struct virq_cpu *self, unsigned n, unsigned index, unsigned bit)
{
    struct virq_bank *bank = virq_bank(virq, self, index);
    uint32_t mask = 1u << bit, lr_mask = 1u << n;
    bool active = (bank->active & mask) != 0, linked = (bank->hw_active & mask) != 0;
    bool pending = (bank_pending(bank) & bank->enabled & mask) != 0 && virq->forwarding &&
                   virq_goes_to(virq, self, index, bit) == self;
    uint8_t priority = active ? bank->lr[bit] / 8u * 8u : bank->priority[bit];
    uint64_t lr = lr_base(virq, index, bit, priority);

    if (active) {
        lr |= LR_ACTIVE | (uint64_t)(bank->lr[bit] % 8u) << VIRQ_LR_SOURCE_SHIFT;
        pending = pending && !linked && (bank->edge & mask) != 0 && !virq_is_v2_sgi(virq, index, bit) &&
                  priority == bank->priority[bit] && self->summary == 0;
        bank->active &= ~mask;
    }
    if (pending) {
        lr |= LR_PENDING;
        if ((bank->pending & mask) != 0) {
            self->latched |= (uint16_t)lr_mask;
            lr |= take_latch(virq, self, index, bit);
        }
    }
    if ((bank_pending(bank) & mask) != 0) {
        lr |= LR_EOI;
        self->eoi |= (uint16_t)lr_mask;
    } else if (linked) {
        lr |= lr_link(virq, index, bit);
        self->linked |= (uint16_t)lr_mask;
    }
    bank->lr_pending = pending ? bank->lr_pending | mask : bank->lr_pending & ~mask;
    bank->lr_active = active ? bank->lr_active | mask : bank->lr_active & ~mask;
    note_loaded(virq, self, n, index, bit);
    /* A linked one that software made pending is without the HW bit, which the next physical one needs. */
    if (!active && (self->latched & lr_mask) != 0 && (lr & LR_EOI) == 0 &&
        ((lr & LR_HW) != 0 || (bank->hw & mask) == 0)) {
        self->lr_value[n] = lr;
        self->again |= (uint16_t)lr_mask;
    }
    gic_lr_write(n, lr);
}

/* Memory becomes the truth again for the interrupt in list register n, which holds lr. */
static void fold(struct virq *virq, struct virq_cpu *self, unsigned n, uint64_t lr)
{
    unsigned index = self->lr_intid[n] / VIRQ_BANK, bit = self->lr_intid[n] % VIRQ_BANK;
    struct virq_bank *bank = virq_bank(virq, self, index);
    uint32_t mask = 1u << bit;
    uint16_t keep = (uint16_t)~(1u << n);
    bool active = (lr & LR_ACTIVE) != 0 && (bank->drop_active & mask) == 0;

    if ((lr & LR_STATE) == 0 && (self->linked & ~keep) != 0) {
        bank->hw_active &= ~mask; /* hardware did it */
    }
    if ((lr & LR_PENDING) != 0 && (self->latched & ~keep) != 0 && (bank->drop_pending & mask) == 0) {
        bank->pending |= mask;
        if (virq_is_v2_sgi(virq, index, bit)) {
            self->sources[bit] |= (uint8_t)(1u << VIRQ_LR_SOURCE(lr));
        }
    }
    if (index != 0) {
        virq->spis[index - 1u].holder[bit] = active ? self->index : VIRQ_NONE;
    } else {
        self->soft = active ? self->soft & ~mask : self->soft | (bank->active & mask);
    }
    if (active) {
        bank->active |= mask;
        bank->lr[bit] =
            (uint8_t)(FIELD(lr, 55, 48) | (virq_is_v2_sgi(virq, index, bit) ? VIRQ_LR_SOURCE(lr) : 0));
        self->outside |= 1u << index;
    }
    bank->in_lr &= ~mask;
    bank->drop_pending &= ~mask;
    bank->drop_active &= ~mask;
    self->lr_used &= keep;
    self->again &= keep;
    self->look &= keep;
    self->latched &= keep;
    self->linked &= keep;
    self->eoi &= keep;
}

void virq_forget_lr(struct virq *virq, struct virq_cpu *holder, unsigned n)
{
    fold(virq, holder, n, 0);
}

/* Folds list register n, empties it and passes the interrupt on. */
static void unload(struct virq *virq, struct virq_cpu *self, unsigned n, uint64_t lr,
                   struct virq_effects *effects)
{
    unsigned intid = self->lr_intid[n];

    fold(virq, self, n, lr);
    if ((lr & (LR_STATE | LR_EOI)) != 0) {
        gic_lr_write(n, 0);
    }
    virq_offer(virq, self, intid / VIRQ_BANK, intid % VIRQ_BANK, self, effects);
}

/* Those of a bank that this vCPU acknowledged and that are in no list register. */
static uint32_t outside_of(struct virq *virq, struct virq_cpu *self, unsigned index)
{
    struct virq_bank *bank = virq_bank(virq, self, index);
    uint32_t mask = bank->active & ~bank->in_lr;

    if (index == 0) {
        return mask & ~self->soft;
    }
    FOR_BITS(bit, mask)
    {
        if (virq->spis[index - 1u].holder[bit] != self->index) {
            mask &= ~(1u << bit);
        }
    }
    return mask;
}

static bool any_outside(struct virq *virq, struct virq_cpu *self, unsigned index)
{
    struct virq_bank *bank = virq_bank(virq, self, index);

    if (index == 0) {
        return outside_of(virq, self, 0) != 0;
    }
    FOR_BITS(bit, bank->active & ~bank->in_lr)
    {
        if (virq->spis[index - 1u].holder[bit] == self->index) {
            return true;
        }
    }
    return false;
}

/* The common case of the following: an edge came for one that is pending there already, and nothing else
 * changed. */
static bool absorb_edge(struct virq *virq, struct virq_cpu *self, unsigned n, uint64_t lr)
{
    unsigned index = self->lr_intid[n] / VIRQ_BANK, bit = self->lr_intid[n] % VIRQ_BANK;
    struct virq_bank *bank = virq_bank(virq, self, index);
    uint32_t mask = 1u << bit;

    if ((lr & LR_STATE) != LR_PENDING || (self->latched >> n) % 2u == 0 || virq_is_v2_sgi(virq, index, bit) ||
        (bank->pending & bank->enabled & bank->edge &
         ~(bank->drop_pending | bank->drop_active | bank->active | bank->hw) & mask) == 0 ||
        FIELD(lr, 55, 48) != bank->priority[bit] || !virq->forwarding ||
        virq_goes_to(virq, self, index, bit) != self) {
        return false;
    }
    bank->pending &= ~mask;
    self->look &= (uint16_t)~(1u << n);
    return true;
}

/* Something changed about the interrupt in list register n: decide anew what it holds. */
static void reconsider(struct virq *virq, struct virq_cpu *self, unsigned n, struct virq_effects *effects)
{
    unsigned index = self->lr_intid[n] / VIRQ_BANK, bit = self->lr_intid[n] % VIRQ_BANK;
    uint64_t lr = gic_lr_read(n);

    if (absorb_edge(virq, self, n, lr)) {
        return;
    }
    if ((lr & LR_ACTIVE) == 0) {
        unload(virq, self, n, lr, effects);
        return;
    }
    fold(virq, self, n, lr);
    if ((outside_of(virq, self, index) >> bit) % 2u != 0) {
        load(virq, self, n, index, bit);
    } else {
        gic_lr_write(n, 0);
        virq_offer(virq, self, index, bit, self, effects);
    }
}

/* Does SPI `bit` of a bank go to that vCPU? With GICv2 the lowest of the targets gets it. */
static inline bool goes_here(const struct virq *virq, const uint8_t *route, unsigned bit,
                             const struct virq_cpu *cpu)
{
    unsigned targets = route[bit];

    return virq->version == 3 ? targets == cpu->index : (targets & (0u - targets)) == 1u << cpu->index;
}

static void choose_in_bank(struct virq *virq, struct virq_cpu *cpu, unsigned index, struct choice *choice)
{
    const struct virq_bank *bank = virq_bank(virq, cpu, index);
    const uint8_t *route = index == 0 ? NULL : virq->spis[index - 1u].route;
    unsigned best = VIRQ_LOWEST, next = VIRQ_LOWEST, best_bit = 0;

    FOR_BITS(bit, bank_ready(bank))
    {
        unsigned priority = bank->priority[bit];

        if (priority >= next || (route != NULL && !goes_here(virq, route, bit, cpu))) {
            continue;
        }
        if (priority < best) {
            next = best;
            best = priority;
            best_bit = bit;
        } else {
            next = priority;
        }
    }
    *choice = (struct choice){index, best_bit, (uint8_t)best, (uint8_t)next};
}

/* The most urgent interrupt that is ready for the vCPU and in no list register. */
static bool choose(struct virq *virq, struct virq_cpu *cpu, struct choice *choice)
{
    while (cpu->summary != 0) {
        unsigned index = 0, bound = VIRQ_LOWEST + 1u, others = VIRQ_LOWEST + 1u;

        FOR_BITS(n, cpu->summary)
        {
            if (cpu->best[n] < bound) {
                others = bound;
                bound = cpu->best[n];
                index = n;
            } else if (cpu->best[n] < others) {
                others = cpu->best[n];
            }
        }
        choose_in_bank(virq, cpu, index, choice);
        cpu->best[index] = choice->priority;
        if (choice->priority == VIRQ_LOWEST) {
            cpu->summary &= ~(1u << index);
        } else if (choice->priority <= others) {
            return true;
        }
    }
    return false;
}

unsigned virq_best_ready(struct virq *virq, struct virq_cpu *cpu)
{
    struct choice choice;

    return virq->forwarding && choose(virq, cpu, &choice) ? choice.priority : VIRQ_LOWEST;
}

/* All list registers are in use: the one whose interrupt can wait longest, if it is less urgent than
 * `priority`. An active one goes only if there is no pending one to take interrupts from. GIC_MAX_LRS: none.
 */
static unsigned find_victim(const struct virq_cpu *self, unsigned priority, uint64_t *victim_lr)
{
    unsigned pending = GIC_MAX_LRS, active = GIC_MAX_LRS, victim;
    uint64_t pending_lr = 0, active_lr = 0;

    FOR_BITS(n, self->lr_used)
    {
        uint64_t lr = gic_lr_read(n);

        if ((lr & LR_ACTIVE) != 0) {
            if (active == GIC_MAX_LRS || FIELD(lr, 55, 48) > FIELD(active_lr, 55, 48)) {
                active = n;
                active_lr = lr;
            }
        } else if (pending == GIC_MAX_LRS || FIELD(lr, 55, 48) > FIELD(pending_lr, 55, 48)) {
            pending = n;
            pending_lr = lr;
        }
    }
    victim = pending != GIC_MAX_LRS ? pending : active;
    *victim_lr = pending != GIC_MAX_LRS ? pending_lr : active_lr;
    return victim == pending && FIELD(pending_lr, 55, 48) <= priority ? GIC_MAX_LRS : victim;
}

/* A list register for an interrupt of that priority, or GIC_MAX_LRS. */
static unsigned make_room(struct virq *virq, struct virq_cpu *self, unsigned priority,
                          struct virq_effects *effects)
{
    uint64_t lr;
    unsigned n;

    if (self->lr_used == self->lr_all) {
        FOR_BITS(done, gic_lr_empty() & self->lr_used)
        {
            unload(virq, self, done, 0, effects);
        }
    }
    if (self->lr_used != self->lr_all) {
        return lowest_bit(self->lr_all & ~(uint32_t)self->lr_used);
    }
    n = find_victim(self, priority, &lr);
    if (n != GIC_MAX_LRS) {
        unload(virq, self, n, lr, effects);
    }
    return n;
}

/* An interrupt of that priority waits: no list register may turn from active and pending to pending before
 * it. */
static void split_pairs(struct virq *virq, struct virq_cpu *self, unsigned priority,
                        struct virq_effects *effects)
{
    FOR_BITS(n, self->lr_used)
    {
        uint64_t lr = gic_lr_read(n);

        if ((lr & LR_STATE) == LR_STATE && FIELD(lr, 55, 48) > priority) {
            reconsider(virq, self, n, effects);
        }
    }
}

/* Is an interrupt pending in a list register that those who still wait may have to push out? */
static bool holds_less_urgent(const struct virq_cpu *self, unsigned priority)
{
    FOR_BITS(n, self->lr_used)
    {
        uint64_t lr = gic_lr_read(n);

        if ((lr & LR_PENDING) != 0 && FIELD(lr, 55, 48) > priority) {
            return true;
        }
    }
    return false;
}

/* Those that are not reached here follow when none is left pending, or, if that would be out of order, after
 * a kick. */
static void fill(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    struct choice choice;

    for (unsigned i = 0; i < FILL_LIMIT; i++) {
        unsigned n;

        if (!choose(virq, self, &choice)) {
            return;
        }
        self->best[choice.index] = choice.next; /* before an evicted one may lower it again */
        if (choice.next == VIRQ_LOWEST) {
            self->summary &= ~(1u << choice.index);
        }
        n = make_room(virq, self, choice.priority, effects);
        if (n == GIC_MAX_LRS) {
            mark(self, choice.index, choice.priority);
            split_pairs(virq, self, choice.priority, effects);
            return;
        }
        load(virq, self, n, choice.index, choice.bit);
    }
    if (self->summary != 0 && holds_less_urgent(self, choice.priority)) {
        effects->kick |= 1u << self->index;
    }
}

/* The guest ended interrupts that were in no list register; hardware only counts them. Which ones follows
 * from the active priorities: acknowledging an interrupt sets the bit of its group priority, ending it clears
 * that bit. The count alone would not do: an interrupt that software made inactive before its EOI is counted
 * too. With EOImode 1 the guest deactivates by DIR, which traps. */
static void finish_outside(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    unsigned count = HCR_EOI_COUNT(gic_hcr_read());
    uint32_t ap0[GIC_NR_APRS] = {0}, ap1[GIC_NR_APRS] = {0}, vmcr;

    if (count == 0) {
        return;
    }
    self->hcr = 0; /* written again, which clears the count */
    vmcr = gic_vmcr_read();
    if ((vmcr & VMCR_EOI_MODE) != 0) {
        return;
    }
    gic_apr_read(ap0, ap1);
    FOR_BITS(index, self->outside)
    {
        FOR_BITS(bit, outside_of(virq, self, index))
        {
            struct virq_bank *bank = virq_bank(virq, self, index);
            unsigned group = virq_group_priority(virq, vmcr, bank->lr[bit] / 8u * 8u);

            if (count > 0 && !virq_priority_active(ap0, ap1, group)) {
                count--;
                bank->active &= ~(1u << bit);
                virq_offer(virq, self, index, bit, self, effects);
            }
        }
    }
}

/* Those who wait may now read from memory what is in our list registers. */
static void snapshot(struct virq *virq, struct virq_cpu *self)
{
    if (self->snapshot_for == 0) {
        return;
    }
    FOR_BITS(n, self->lr_used)
    {
        unsigned index = self->lr_intid[n] / VIRQ_BANK;
        struct virq_bank *bank = virq_bank(virq, self, index);
        uint32_t mask = 1u << self->lr_intid[n] % VIRQ_BANK;
        uint64_t lr = gic_lr_read(n);
        bool pending = (lr & LR_PENDING) != 0 && (self->latched >> n) % 2u != 0;

        bank->lr_pending = pending ? bank->lr_pending | mask : bank->lr_pending & ~mask;
        bank->lr_active = (lr & LR_ACTIVE) != 0 ? bank->lr_active | mask : bank->lr_active & ~mask;
    }
    FOR_BITS(other, self->snapshot_for)
    {
        virq->cpus[other].waiting_for &= ~(1u << self->index);
    }
    self->snapshot_for = 0;
}

static void write_ppis(struct virq *virq, struct virq_cpu *self, uint32_t mask)
{
    FOR_BITS(bit, mask & self->bank.hw)
    {
        gic_set_active(virq->ppi_pirq[bit % 16u], (self->bank.hw_active >> bit) % 2u != 0);
    }
    self->ppi_dirty = 0;
}

static void program(struct virq *virq, struct virq_cpu *self)
{
    uint32_t hcr = GIC_HCR_EN;

    if (self->summary != 0 && virq->forwarding) {
        hcr |= GIC_HCR_NPIE;
    }
    if (self->outside != 0) {
        hcr |= GIC_HCR_LRENPIE;
    }
    /* DIR may name an interrupt that is in no list register of this vCPU */
    if (virq->version == 3 && (virq->nr_vcpus > 1 || self->outside != 0 || virq->soft_active)) {
        hcr |= GIC_HCR_TDIR;
    }
    if (hcr != self->hcr) {
        self->hcr = hcr;
        gic_hcr_write(hcr);
    }
}

void virq_update(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    if (self->outside != 0) {
        finish_outside(virq, self, effects);
    }
    if (self->eoi != 0) {
        FOR_BITS(n, gic_lr_eoi() & self->eoi)
        {
            unload(virq, self, n, LR_EOI, effects);
        }
    }
    FOR_BITS(n, self->look)
    {
        reconsider(virq, self, n, effects);
    }
    if (self->summary != 0 && virq->forwarding) {
        fill(virq, self, effects);
    }
    FOR_BITS(index, self->outside)
    {
        if (!any_outside(virq, self, index)) {
            self->outside &= ~(1u << index);
        }
    }
    program(virq, self);
    if (self->ppi_dirty != 0) {
        write_ppis(virq, self, self->ppi_dirty);
    }
    snapshot(virq, self);
    virq->recall &= ~(1u << self->index);
}

/* Apart, so that the usual call saves no registers. */
static __attribute__((noinline)) void sync_locked(struct virq *virq, struct virq_cpu *self, uint32_t sgis,
                                                  struct virq_effects *effects)
{
    spin_lock(&virq->lock);
    self->bank.pending |= sgis;
    FOR_BITS(bit, sgis)
    {
        virq_offer(virq, self, 0, bit, self, effects);
    }
    virq_update(virq, self, effects);
    spin_unlock(&virq->lock);
}

void virq_sync(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    uint32_t sgis =
        load_relaxed(&self->inbox) == 0 ? 0 : __atomic_exchange_n(&self->inbox, 0, __ATOMIC_ACQUIRE);

    FOR_BITS(bit, sgis)
    {
        if (virq_load_again(self, bit, 0)) {
            sgis &= ~(1u << bit);
        }
    }
    /* What others changed they announced by a kick, and that was taken before: this sees it without the lock.
     */
    if ((sgis | self->look | self->eoi | self->summary | self->outside | self->ppi_dirty |
         self->snapshot_for | (virq->recall >> self->index) % 2u |
         (self->hcr & (GIC_HCR_NPIE | GIC_HCR_LRENPIE))) != 0) {
        sync_locked(virq, self, sgis, effects);
    }
}

/* Private interrupts that the guest has ended, and of which nothing came since: what fold() does, in short.
 */
static void forget_ended(struct virq_cpu *self)
{
    struct virq_bank *bank = &self->bank;
    uint32_t ended = gic_lr_empty() & self->lr_used & ~(uint32_t)(self->linked | self->eoi | self->look);

    FOR_BITS(n, ended)
    {
        uint32_t mask = self->lr_intid[n] < VIRQ_BANK ? 1u << self->lr_intid[n] : 0;

        if (mask == 0) {
            ended &= ~(1u << n);
        }
        self->soft |= bank->active & mask;
        bank->in_lr &= ~mask;
        bank->drop_pending &= ~mask;
        bank->drop_active &= ~mask;
    }
    self->lr_used &= (uint16_t)~ended;
    self->again &= (uint16_t)~ended;
    self->latched &= (uint16_t)~ended;
}

void virq_suspend(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    spin_lock(&virq->lock);
    if (self->outside != 0) {
        finish_outside(virq, self, effects);
    }
    forget_ended(self);
    FOR_BITS(n, self->lr_used)
    {
        unload(virq, self, n, gic_lr_read(n), effects);
    }
    FOR_BITS(bit, self->bank.hw_active | self->ppi_dirty)
    {
        gic_set_active(virq->ppi_pirq[bit % 16u], false); /* of the next vCPU, none is active */
    }
    self->ppi_dirty = 0;
    snapshot(virq, self);
    virq->recall &= ~(1u << self->index);
    self->vmcr = gic_vmcr_read();
    gic_apr_read(self->ap0, self->ap1);
    self->hcr = 0;
    gic_hcr_write(GIC_HCR_EN); /* no maintenance interrupt for nobody */
    self->resident = false;
    spin_unlock(&virq->lock);
}

void virq_lowered(struct virq *virq, struct virq_cpu *cpu, unsigned intid)
{
    uint32_t mask = 1u << intid;

    if ((load_relaxed(&cpu->bank.hw_active) & mask) == 0) {
        return; /* others only clear it */
    }
    spin_lock(&virq->lock);
    if ((cpu->bank.hw_active & ~cpu->bank.edge & mask) != 0) {
        cpu->bank.pending &= ~mask;
        cpu->bank.hw_active &= ~mask | cpu->bank.active;
    }
    spin_unlock(&virq->lock);
}

void virq_resume(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects)
{
    spin_lock(&virq->lock);
    self->resident = true;
    self->lr_all = (uint16_t)((1u << gic_nr_lrs) - 1u);
    self->hcr = 0;
    gic_vmcr_write(self->vmcr);
    gic_apr_write(self->ap0, self->ap1);
    write_ppis(virq, self, self->bank.hw_active);
    virq_collect(virq, self, self, effects);
    FOR_BITS(index, self->outside)
    {
        uint32_t mask = outside_of(virq, self, index);

        for (; mask != 0 && self->lr_used != self->lr_all; mask &= mask - 1u) {
            load(virq, self, lowest_bit(self->lr_all & ~(uint32_t)self->lr_used), index, lowest_bit(mask));
        }
    }
    virq_update(virq, self, effects);
    spin_unlock(&virq->lock);
}
