/* SPDX-License-Identifier: Apache-2.0 */
/* What the virtual CPU interface knows: ICH_VMCR_EL2 and the active priorities (IHI 0069 4.8, 12.4). */
#ifndef VIRQ_VIRQ_INTERFACE_H
#define VIRQ_VIRQ_INTERFACE_H

#include "virq/virq_state.h"

#define VMCR_VENG0      (1u << 0)
#define VMCR_VENG1      (1u << 1)
#define VMCR_CBPR       (1u << 4)
#define VMCR_EOI_MODE   (1u << 9)
#define VMCR_BPR1(vmcr) (unsigned)FIELD(vmcr, 20, 18)
#define VMCR_BPR0(vmcr) (unsigned)FIELD(vmcr, 23, 21)
#define VMCR_PMR(vmcr)  (unsigned)FIELD(vmcr, 31, 24)

/* A priority without the bits that do not count for preemption. */
static inline unsigned virq_group_priority(const struct virq *virq, uint32_t vmcr, unsigned priority)
{
    bool group1 = virq->version == 3 && (vmcr & VMCR_CBPR) == 0;
    unsigned bpr = group1 ? VMCR_BPR1(vmcr) : VMCR_BPR0(vmcr) + 1u;

    return priority >> bpr << bpr;
}

/* The active priority registers of both groups are one bit each 2^gic_apr_shift priorities. */
static inline bool virq_priority_active(const uint32_t ap0[GIC_NR_APRS], const uint32_t ap1[GIC_NR_APRS],
                                        unsigned group_priority)
{
    unsigned n = group_priority >> gic_apr_shift;

    return ((ap0[n / 32u] | ap1[n / 32u]) >> n % 32u) % 2u != 0;
}

/* Highest group priority of what was acknowledged and not yet dropped; VIRQ_LOWEST + 1: nothing. */
static inline unsigned virq_running_priority(const uint32_t ap0[GIC_NR_APRS], const uint32_t ap1[GIC_NR_APRS])
{
    for (unsigned i = 0; i < GIC_NR_APRS; i++) {
        if ((ap0[i] | ap1[i]) != 0) {
            return (i * 32u + lowest_bit(ap0[i] | ap1[i])) << gic_apr_shift;
        }
    }
    return VIRQ_LOWEST + 1u;
}

#endif
