/* SPDX-License-Identifier: Apache-2.0 */
/* The generic timer as EL2 uses it: CNTPCT as clock, CNTHP as alarm of this pCPU. Ticks are those of
 * CNTFRQ_EL0. */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include "arch/arm64/sysreg.h"

static inline uint64_t timer_now(void)
{
    isb();
    return READ_SYSREG(cntpct_el0);
}

static inline uint64_t timer_from_us(uint64_t us)
{
    return us * (READ_SYSREG(cntfrq_el0) / 1000u) / 1000u;
}

/* Interrupt at CNTPCT = at; ~0 = none. */
static inline void timer_arm(uint64_t at)
{
    WRITE_SYSREG(cnthp_ctl_el2, 0);
    if (at != ~UINT64_C(0)) {
        WRITE_SYSREG(cnthp_cval_el2, at);
        WRITE_SYSREG(cnthp_ctl_el2, 1);
    }
    isb();
}

/* Sleeps until an interrupt is pending, masked or not. */
static inline void timer_wait(void)
{
    dsb(sy);
    wfi();
}

#endif
