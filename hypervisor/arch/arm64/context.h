/* SPDX-License-Identifier: Apache-2.0 */
/* What changes when another vCPU takes a pCPU. */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include "base/types.h"

struct el1_context {
    uint64_t pc, pstate; /* ELR_EL2, SPSR_EL2 */
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1;
    uint64_t sctlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar;
    uint64_t esr, far, afsr0, afsr1, par, contextidr, csselr;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;
    uint64_t cntkctl, cntv_ctl, cntv_cval, cntp_ctl, cntp_cval;
    uint64_t vmpidr;
    uint64_t keys[10]; /* pointer authentication */
};

struct fp_context {
    __attribute__((aligned(16))) uint8_t v[32][16];
    uint64_t fpcr, fpsr;
};

struct vcpu;

/* Per pCPU, once: traps, identification, timer access. */
void context_init_pcpu(void);

/* EL1 registers of the vCPU from or to the processor; x0 to x30 are entry.S's. Timers stop with the save. */
void context_save(struct vcpu *vcpu);
void context_load(const struct vcpu *vcpu);

/* FP/SIMD registers; EL2 may touch them only between fp_allow(true) and fp_allow(false). */
void fp_save(struct fp_context *fp);
void fp_load(const struct fp_context *fp);

/* The trapped FP access of the current vCPU: make its registers current (lazy switch). */
void fp_switch(struct vcpu *vcpu);

/* CNTPCT at which the earliest enabled, unmasked timer of a saved vCPU fires; ~0 if none. */
uint64_t context_next_timer(const struct vcpu *vcpu);

/* Whether a timer with this CNT*_CTL drives its interrupt: ENABLE, not IMASK, ISTATUS. */
static inline bool context_timer_asserted(uint64_t ctl)
{
    return ctl % 8u == 5u;
}

/* The vCPU has executed the instruction at its pc, which has also added `by` to register `base` (31: the
 * stack pointer in use). By its pCPU, resident or not. */
void context_executed(struct vcpu *vcpu, unsigned base, int32_t by);

/* Synchronous exception into EL1 of the resident vCPU (Arm ARM D1.3): class and syndrome as ESR_EL1. */
void context_inject(struct vcpu *vcpu, uint64_t esr, uint64_t far);

#endif
