/* SPDX-License-Identifier: Apache-2.0 */
/* EL0 of the hypervisor's own world. Extensions run there with HCR_EL2.TGE and an own stage-2 table (Arm ARM
 * D8.2, D1.3): no stage 1, and every exception comes to EL2. The cores with VHE do it the same way, as the
 * hypervisor leaves HCR_EL2.E2H clear.
 *
 * The registers of EL1 stay those of the vCPU that is loaded. Only what an extension could change, and what
 * would steer it, is swapped. MDSCR_EL1 and PMUSERENR_EL0 no guest can write: context_init_pcpu(). */
#ifndef ARCH_EXTENSION_WORLD_H
#define ARCH_EXTENSION_WORLD_H

#include "arch/arm64/sysreg.h"

#define HCR_DC  BIT(12)
#define HCR_TGE BIT(27)

/* Every trap that EL0 could meet. FP, the counters, cache maintenance, DC ZVA, CTR_EL0, WFI, WFE, DAIF and
 * pointer authentication are off by the registers of EL1, which are 0 but for the bits that are RES1. */
#define HCR_EXTENSION                                                                                      \
    (HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_DC | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TGE | \
     HCR_RW)
#define SCTLR_EXTENSION                                                                 \
    0x30d00800u /* LSMAOE, nTLSMD, SPAN, EIS, TSCXT, EOS: RES1 where they are not there \
                 */

/* What the vCPU had. */
struct extension_world {
    uint64_t pc, pstate, hcr, vttbr, vtcr, sctlr, cpacr, cntkctl, sp_el0, tpidr_el0, tpidrro_el0, vectors;
};

#ifdef __aarch64__
extern char vectors[], extension_vectors[];
#define EXTENSION_VECTORS(from) \
    ((from) + (uint64_t)(extension_vectors - vectors)) /* for the same mitigation */
#else
#define EXTENSION_VECTORS(from) (from)
#endif

/* SCTLR_EL1 first and last: while VTTBR_EL2 is the extension's no speculative walk uses the guest's stage 1
 * (Cortex-A55 1530923, A57 1319537, A72 1319367, A76 1165522 and their like). ERET synchronizes the rest. */
static inline __attribute__((always_inline)) void extension_world_enter(struct extension_world *w,
                                                                        uint64_t vttbr, uint64_t vtcr)
{
    w->sctlr = READ_SYSREG(sctlr_el1);
    WRITE_SYSREG(sctlr_el1, SCTLR_EXTENSION);
    isb();
    w->pc = READ_SYSREG(elr_el2);
    w->pstate = READ_SYSREG(spsr_el2);
    w->hcr = READ_SYSREG(hcr_el2);
    w->vttbr = READ_SYSREG(vttbr_el2);
    w->vtcr = READ_SYSREG(vtcr_el2);
    w->cpacr = READ_SYSREG(cpacr_el1);
    w->cntkctl = READ_SYSREG(cntkctl_el1);
    w->sp_el0 = READ_SYSREG(sp_el0);
    w->tpidr_el0 = READ_SYSREG(tpidr_el0);
    w->tpidrro_el0 = READ_SYSREG(tpidrro_el0);
    w->vectors = READ_SYSREG(vbar_el2);
    WRITE_SYSREG(vtcr_el2, vtcr);
    WRITE_SYSREG(vttbr_el2, vttbr);
    WRITE_SYSREG(hcr_el2, HCR_EXTENSION);
    WRITE_SYSREG(cpacr_el1, 0);
    WRITE_SYSREG(cntkctl_el1, 0);
    WRITE_SYSREG(tpidr_el0, 0);
    WRITE_SYSREG(tpidrro_el0, 0);
    WRITE_SYSREG(vbar_el2, EXTENSION_VECTORS(w->vectors));
}

static inline __attribute__((always_inline)) void extension_world_leave(const struct extension_world *w)
{
    WRITE_SYSREG(vbar_el2, w->vectors);
    WRITE_SYSREG(vtcr_el2, w->vtcr);
    WRITE_SYSREG(vttbr_el2, w->vttbr);
    WRITE_SYSREG(hcr_el2, w->hcr);
    WRITE_SYSREG(cpacr_el1, w->cpacr);
    WRITE_SYSREG(cntkctl_el1, w->cntkctl);
    WRITE_SYSREG(tpidrro_el0, w->tpidrro_el0);
    WRITE_SYSREG(tpidr_el0, w->tpidr_el0);
    WRITE_SYSREG(sp_el0, w->sp_el0);
    WRITE_SYSREG(elr_el2, w->pc);
    WRITE_SYSREG(spsr_el2, w->pstate);
    isb();
    WRITE_SYSREG(sctlr_el1, w->sctlr);
}

#endif
