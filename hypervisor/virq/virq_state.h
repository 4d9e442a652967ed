/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about each virtual interrupt, 32 at a time, one bit each.
 *
 * An interrupt that is in a list register (in_lr) has its pending and active state there. Its bits in
 * `pending` and `active` are then what came on top since, and `drop_*` what was taken away since: the holder
 * merges them when it folds the list register, which whoever set them asks for by a bit in the holder's
 * `look`.
 */
#ifndef VIRQ_VIRQ_STATE_H
#define VIRQ_VIRQ_STATE_H

#include "base/bits.h"
#include "base/spinlock.h"
#include "drivers/gic.h"
#include "virq/virq.h"

#define VIRQ_BANK            32u
#define VIRQ_MAX_BANKS       32u   /* the private one and 31 of SPIs */
#define VIRQ_NONE            0xffu /* no vCPU */
#define VIRQ_NR_SGIS         16u
#define VIRQ_LOWEST          0xffu /* below every priority that can be written */
#define VIRQ_LR_SOURCE_SHIFT 42u   /* GICv2 SGI in a list register: who sent it, 3 bits */
#define VIRQ_LR_SOURCE_MASK  MASK(44, 42)
#define VIRQ_LR_SOURCE(lr)   (unsigned)FIELD(lr, 44, 42)

/* Runs the statement for every bit that was set in mask at the start. */
#define FOR_BITS(bit, mask)                                                                          \
    for (uint32_t left_##bit = (mask), bit; left_##bit != 0 && (bit = lowest_bit(left_##bit), true); \
         left_##bit &= left_##bit - 1u)

struct virq_bank {
    uint32_t enabled;
    uint32_t pending; /* latched: an edge, or written by ISPENDR */
    uint32_t line;    /* level input */
    uint32_t active;
    uint32_t edge; /* edge-triggered */
    uint32_t in_lr;
    uint32_t drop_pending, drop_active;
    uint32_t lr_pending, lr_active; /* what the last snapshot saw of those in list registers */
    uint32_t hw, hw_edge;           /* linked to a physical interrupt; edge-triggered at reset */
    uint32_t hw_active;             /* the physical interrupt is active on behalf of this one */
    uint8_t priority[VIRQ_BANK];    /* bits 7:3 */
    /* in_lr: which one. Else, if active: its priority when it was acknowledged and, in bits 2:0, the sender
     * of a GICv2 SGI. */
    uint8_t lr[VIRQ_BANK];
};

struct virq_spi_bank {
    struct virq_bank bank;
    uint8_t route[VIRQ_BANK];  /* GICv3: vCPU index or VIRQ_NONE; GICv2: mask as in ITARGETSR */
    uint8_t holder[VIRQ_BANK]; /* in_lr or active: vCPU that acknowledged it; VIRQ_NONE: software made it
                                  active */
    uint16_t pirq[VIRQ_BANK];
};

struct virq_cpu {
    struct virq_bank bank; /* SGIs and PPIs */
    uint32_t inbox;        /* GICv3 SGIs that other vCPUs sent, atomic; virq_collect() merges them */
    uint32_t
        summary; /* banks that may have an interrupt for this vCPU that is ready and in no list register */
    uint32_t outside;      /* banks that may have one that it acknowledged and that is in no list register */
    uint32_t hcr;          /* maintenance conditions as last written */
    uint32_t snapshot_for; /* vCPUs that wait for the state of our list registers */
    uint32_t waiting_for;  /* vCPUs whose snapshot we wait for */
    uint32_t soft;         /* SGIs and PPIs that software made active: no EOI will come for them */
    uint32_t ppi_dirty;    /* linked PPIs whose physical active state has to be written by the own pCPU */
    uint32_t vmcr;         /* while not resident, as the two below */
    uint32_t ap0[GIC_NR_APRS], ap1[GIC_NR_APRS];
    uint16_t lr_all, lr_used; /* list registers that exist; that an interrupt was put into */
    uint16_t look;            /* list registers to fold and decide anew */
    uint16_t latched;         /* those whose pending bit came from the latch, not from the line */
    uint16_t linked;          /* those with the HW bit */
    uint16_t eoi;             /* those that ask for a maintenance interrupt at EOI */
    uint8_t index;
    bool resident;
    uint16_t asked; /* which bank waiting_for was set for, 0 = none */
    uint16_t again; /* those whose interrupt can be injected anew by writing lr_value once more */
    uint16_t lr_intid[GIC_MAX_LRS];
    uint64_t lr_value[GIC_MAX_LRS];
    uint8_t best[VIRQ_MAX_BANKS];  /* lower bound of the priorities of those in `summary` */
    uint8_t sources[VIRQ_NR_SGIS]; /* GICv2: vCPUs that sent it */
};

struct virq {
    struct spinlock lock;
    uint32_t recall; /* vCPUs that have not yet given back what was disabled: RWP */
    uint16_t nr_intids;
    uint8_t nr_vcpus, nr_banks;
    uint8_t version;
    bool forwarding;  /* the distributor's group enable */
    bool soft_active; /* software has set an active bit at some time */
    uint16_t ppi_pirq[16];
    struct virq_spi_bank *spis;
    struct virq_cpu *cpus;
};

/* Bank `index` as vCPU `cpu` sees it. */
static inline struct virq_bank *virq_bank(struct virq *virq, struct virq_cpu *cpu, unsigned index)
{
    return index == 0 ? &cpu->bank : &virq->spis[index - 1u].bank;
}

/* vCPU index of SPI `bit` of a bank, or VIRQ_NONE. */
static inline unsigned virq_spi_target(const struct virq *virq, const struct virq_spi_bank *spis,
                                       unsigned bit)
{
    unsigned route = spis->route[bit];

    if (virq->version == 3) {
        return route;
    }
    return route == 0 ? VIRQ_NONE : lowest_bit(route);
}

/* The vCPU that `bit` of a bank goes to; cpu if it is private. NULL: none. */
static inline struct virq_cpu *virq_goes_to(struct virq *virq, struct virq_cpu *cpu, unsigned index,
                                            unsigned bit)
{
    unsigned target;

    if (index == 0) {
        return cpu;
    }
    target = virq_spi_target(virq, &virq->spis[index - 1u], bit);
    return target == VIRQ_NONE ? NULL : &virq->cpus[target];
}

static inline uint32_t bank_pending(const struct virq_bank *bank)
{
    return bank->pending | (bank->line & ~bank->edge);
}

/* Ready to be put into a list register. */
static inline uint32_t bank_ready(const struct virq_bank *bank)
{
    return bank_pending(bank) & bank->enabled & ~(bank->active | bank->in_lr);
}

#endif
