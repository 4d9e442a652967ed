/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/context.h"

#include "arch/arm64/ops.h"
#include "arch/arm64/sysreg.h"
#include "core/domain.h"
#include "core/vcpu.h"

/* One line a register: saved and loaded in the same order. */
#define EL1_REGISTERS(r)                                                                                \
    r(sp_el0, sp_el0) r(sp_el1, sp_el1) r(elr_el1, elr_el1) r(spsr_el1, spsr_el1) r(sctlr, sctlr_el1)   \
        r(cpacr, cpacr_el1) r(ttbr0, ttbr0_el1) r(ttbr1, ttbr1_el1) r(tcr, tcr_el1) r(mair, mair_el1)   \
            r(amair, amair_el1) r(vbar, vbar_el1) r(esr, esr_el1) r(far, far_el1) r(afsr0, afsr0_el1)   \
                r(afsr1, afsr1_el1) r(par, par_el1) r(contextidr, contextidr_el1) r(csselr, csselr_el1) \
                    r(tpidr_el0, tpidr_el0) r(tpidrro_el0, tpidrro_el0) r(tpidr_el1, tpidr_el1)         \
                        r(cntkctl, cntkctl_el1)

/* APIAKeyLo .. APGAKeyHi (FEAT_PAuth) by encoding: the assembler targets v8.0. */
#define KEY_REGISTERS(r)                                                                           \
    r(0, s3_0_c2_c1_0) r(1, s3_0_c2_c1_1) r(2, s3_0_c2_c1_2) r(3, s3_0_c2_c1_3) r(4, s3_0_c2_c2_0) \
        r(5, s3_0_c2_c2_1) r(6, s3_0_c2_c2_2) r(7, s3_0_c2_c2_3) r(8, s3_0_c2_c3_0) r(9, s3_0_c2_c3_1)

#define CPTR_GUEST (CPTR_RES1 | CPTR_TTA | CPTR_TZ | CPTR_TSM)
#define HCR_GUEST                                                                                            \
    (HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW | \
     HCR_RW | HCR_TLOR)

/* Test-only builds: one trap less. */
#if defined(BREAK_trap_smc)
#define HCR_OFF HCR_TSC
#elif defined(BREAK_trap_identification)
#define HCR_OFF HCR_TID3
#elif defined(BREAK_trap_implementation)
#define HCR_OFF HCR_TIDCP
#else
#define HCR_OFF 0u
#endif
#if defined(BREAK_trap_debug)
#define MDCR_OFF (MDCR_TDA | MDCR_TDOSA | MDCR_TDRA)
#elif defined(BREAK_trap_monitors)
#define MDCR_OFF (MDCR_TPMCR | MDCR_TPM)
#else
#define MDCR_OFF 0u
#endif

static bool has_pauth, has_amu;

static uint64_t cptr_guest(bool trap_fp)
{
    return CPTR_GUEST | (has_amu ? CPTR_TAM : 0) | (trap_fp ? CPTR_TFP : 0);
}

static uint64_t hcr_guest(const struct vcpu *vcpu)
{
    return (HCR_GUEST & ~(uint64_t)HCR_OFF) | (has_pauth ? HCR_APK | HCR_API : 0) |
           (vcpu->shared ? HCR_TWI : 0) | (vcpu->sweep.watching ? HCR_TVM : 0);
}

void context_init_pcpu(void)
{
    uint64_t isar1 = READ_SYSREG(id_aa64isar1_el1), dfr0 = READ_SYSREG(id_aa64dfr0_el1);
    uint64_t counters =
        FIELD(dfr0, 11, 8) != 0 && FIELD(dfr0, 11, 8) != 15 ? FIELD(READ_SYSREG(pmcr_el0), 15, 11) : 0;

    has_pauth = (isar1 & MASK(11, 4)) != 0 || FIELD(isar1, 31, 24) != 0;
    has_amu = FIELD(READ_SYSREG(id_aa64pfr0_el1), 47, 44) != 0;
    WRITE_SYSREG(mdcr_el2,
                 counters |
                     ((MDCR_TPMCR | MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA) & ~(uint64_t)MDCR_OFF) |
                     (FIELD(dfr0, 35, 32) != 0 ? MDCR_TPMS : 0) | (FIELD(dfr0, 43, 40) != 0 ? MDCR_TTRF : 0));
    WRITE_SYSREG(cptr_el2, cptr_guest(false));
    WRITE_SYSREG(cnthctl_el2, CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
    WRITE_SYSREG(hstr_el2, 0);
    WRITE_SYSREG(mdscr_el1, 0); /* guests cannot write it, nor the next one */
    if (counters != 0) {
        WRITE_SYSREG(pmuserenr_el0, 0);
    }
    WRITE_SYSREG(vpidr_el2, READ_SYSREG(midr_el1));
    WRITE_SYSREG(cnthp_ctl_el2, 0);
    WRITE_SYSREG(cntv_ctl_el0, 0);
    WRITE_SYSREG(cntp_ctl_el0, 0);
    if (FIELD(READ_SYSREG(id_aa64mmfr1_el1), 43, 40) != 0) {
        WRITE_SYSREG(s3_4_c1_c2_2, 0); /* HCRX_EL2 */
    }
    if (FIELD(READ_SYSREG(id_aa64mmfr0_el1), 59, 56) != 0) { /* FEAT_FGT: nothing beyond the coarse traps */
        WRITE_SYSREG(s3_4_c1_c1_4, 0);                       /* HFGRTR_EL2 */
        WRITE_SYSREG(s3_4_c1_c1_5, 0);                       /* HFGWTR_EL2 */
        WRITE_SYSREG(s3_4_c1_c1_6, 0);                       /* HFGITR_EL2 */
        WRITE_SYSREG(s3_4_c3_c1_4, 0);                       /* HDFGRTR_EL2 */
        WRITE_SYSREG(s3_4_c3_c1_5, 0);                       /* HDFGWTR_EL2 */
    }
    isb();
}

void context_save(struct vcpu *vcpu)
{
    struct el1_context *c = &vcpu->el1;

    c->pc = READ_SYSREG(elr_el2);
    c->pstate = READ_SYSREG(spsr_el2);
#define SAVE(field, name) c->field = READ_SYSREG(name);
    EL1_REGISTERS(SAVE)
#define SAVE_KEY(i, name) c->keys[i] = READ_SYSREG(name);
    if (has_pauth) {
        KEY_REGISTERS(SAVE_KEY)
    }
    c->cntv_ctl = READ_SYSREG(cntv_ctl_el0);
    c->cntv_cval = READ_SYSREG(cntv_cval_el0);
    c->cntp_ctl = READ_SYSREG(cntp_ctl_el0);
    c->cntp_cval = READ_SYSREG(cntp_cval_el0);
    WRITE_SYSREG(cntv_ctl_el0, 0);
    WRITE_SYSREG(cntp_ctl_el0, 0);
    isb();
}

void context_load(const struct vcpu *vcpu)
{
    const struct el1_context *c = &vcpu->el1;
    const struct domain *d = vcpu->domain;
    struct pcpu *pcpu = vcpu->pcpu;

    WRITE_SYSREG(vtcr_el2, d->stage2.vtcr);
    WRITE_SYSREG(vttbr_el2, d->stage2.vttbr);
    WRITE_SYSREG(hcr_el2, hcr_guest(vcpu));
    WRITE_SYSREG(cptr_el2, cptr_guest(vcpu->shared && pcpu->fp_owner != vcpu));
    WRITE_SYSREG(vmpidr_el2, c->vmpidr);
    WRITE_SYSREG(cntvoff_el2, d->counter_offset);
    isb();
    if (pcpu->last_vcpu[d->record->domid] != 0 && pcpu->last_vcpu[d->record->domid] != vcpu->index + 1u) {
        tlbi_vmalle1(); /* another vCPU of the same VMID ran here */
        dsb(nsh);
        isb();
    }
    pcpu->last_vcpu[d->record->domid] = (uint8_t)(vcpu->index + 1u);
    WRITE_SYSREG(elr_el2, c->pc);
    WRITE_SYSREG(spsr_el2, c->pstate);
#define LOAD(field, name) WRITE_SYSREG(name, c->field);
    EL1_REGISTERS(LOAD)
#define LOAD_KEY(i, name) WRITE_SYSREG(name, c->keys[i]);
    if (has_pauth) {
        KEY_REGISTERS(LOAD_KEY)
    }
    WRITE_SYSREG(cntv_cval_el0, c->cntv_cval);
    WRITE_SYSREG(cntp_cval_el0, c->cntp_cval);
    isb();
    WRITE_SYSREG(cntv_ctl_el0, c->cntv_ctl);
    WRITE_SYSREG(cntp_ctl_el0, c->cntp_ctl);
    isb();
}

void fp_switch(struct vcpu *vcpu)
{
    struct pcpu *pcpu = vcpu->pcpu;

    WRITE_SYSREG(cptr_el2, cptr_guest(false));
    isb();
    if (pcpu->fp_owner == vcpu) {
        return;
    }
#ifndef BREAK_fp_switch
    if (pcpu->fp_owner != NULL) {
        fp_save(&pcpu->fp_owner->fp);
    }
    fp_load(&vcpu->fp);
#endif
    pcpu->fp_owner = vcpu;
}

static uint64_t timer_deadline(uint64_t ctl, uint64_t cval, uint64_t offset)
{
    uint64_t deadline;

    if (ctl % 4u != 1u) { /* ENABLE and not IMASK */
        return ~UINT64_C(0);
    }
    return __builtin_add_overflow(cval, offset, &deadline) ? ~UINT64_C(0) : deadline;
}

uint64_t context_next_timer(const struct vcpu *vcpu)
{
    return min_u64(timer_deadline(vcpu->el1.cntv_ctl, vcpu->el1.cntv_cval, vcpu->domain->counter_offset),
                   timer_deadline(vcpu->el1.cntp_ctl, vcpu->el1.cntp_cval, 0));
}

void context_executed(struct vcpu *vcpu, unsigned base, int32_t by)
{
    struct el1_context *c = &vcpu->el1;
    uint64_t add = (uint64_t)(int64_t)by;
    bool loaded = vcpu->pcpu->loaded == vcpu;
    bool own_sp = (loaded ? READ_SYSREG(spsr_el2) : c->pstate) % 16u == SPSR_EL1H;

    if (base != 31u) {
        vcpu->x[base] += add;
    } else if (add != 0 && loaded && own_sp) {
        WRITE_SYSREG(sp_el1, READ_SYSREG(sp_el1) + add);
    } else if (add != 0 && loaded) {
        WRITE_SYSREG(sp_el0, READ_SYSREG(sp_el0) + add);
    } else {
        *(own_sp ? &c->sp_el1 : &c->sp_el0) += add;
    }
    if (loaded) {
        WRITE_SYSREG(elr_el2, READ_SYSREG(elr_el2) + 4u);
    } else {
        c->pc += 4u;
    }
}

/* Offsets into the vector table of EL1 by the mode that is interrupted. */
static uint64_t vector_offset(uint64_t pstate)
{
    uint64_t mode = pstate % 32u;

    return mode >= 16u  ? 0x600u
           : mode == 0  ? 0x400u
           : mode == 4u ? 0x0u
                        : 0x200u; /* AArch32, EL0, EL1t, EL1h */
}

void context_inject(struct vcpu *vcpu, uint64_t esr, uint64_t far)
{
    uint64_t pstate = READ_SYSREG(spsr_el2);

    (void)vcpu;
    WRITE_SYSREG(elr_el1, READ_SYSREG(elr_el2));
    WRITE_SYSREG(spsr_el1, pstate);
    WRITE_SYSREG(esr_el1, esr);
    WRITE_SYSREG(far_el1, far);
    WRITE_SYSREG(elr_el2, READ_SYSREG(vbar_el1) + vector_offset(pstate));
    /* NZCV, DIT and the like are kept; DAIF set, EL1h, PAN as SCTLR_EL1.SPAN asks. */
    uint64_t pan =
        FIELD(READ_SYSREG(sctlr_el1), 23, 23) == 0 && FIELD(READ_SYSREG(id_aa64mmfr1_el1), 23, 20) != 0;

    WRITE_SYSREG(spsr_el2, (pstate & (MASK(31, 28) | BIT(22) | BIT(24))) | pan << 22 | SPSR_GUEST_RESET);
}
