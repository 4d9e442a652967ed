/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest did that the processor gave to EL2. Called by entry.S; `vcpu` is the resident one.
 * Callee-saved registers are in vcpu->x for trap_sync only. */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "arch/arm64/sysreg.h"
#include "core/physmap.h"
#include "core/schedule.h"

/* entry.S has saved all registers: the function need not preserve any. Arguments in x20, x21. */
#ifdef __aarch64__
#define SAVES_NOTHING __attribute__((preserve_none))
#else
#define SAVES_NOTHING
#endif

struct trap_result trap_hvc(struct vcpu *vcpu, uint64_t esr);
struct trap_result trap_sync(struct vcpu *vcpu, uint64_t esr) SAVES_NOTHING;
struct trap_result trap_data_abort(struct vcpu *vcpu, uint64_t esr) SAVES_NOTHING;
struct trap_result trap_irq(struct vcpu *vcpu);
struct trap_result trap_serror(struct vcpu *vcpu);

/* HVC #0 or SMC #0: SMC Calling Convention (DEN0028), PSCI (DEN0022). Arguments and results in vcpu->x. */
void smccc_call(struct vcpu *vcpu);

/* MSR, MRS or SYS instruction, syndrome as EC 0x18. False: undefined for this guest. */
bool sysreg_access(struct vcpu *vcpu, uint32_t iss);

/* External abort, as a bus gives it where there is no device, into EL1: data access or instruction fetch. */
void inject_abort(struct vcpu *vcpu, uint64_t esr, bool data);

/* Another vCPU is changing the page that faulted, and is done by now: the instruction is to be tried again
 * (stage-2 entries are invalid for a moment while they change). */
bool fault_is_over(struct vcpu *vcpu, uint64_t esr, enum physmap_access access);

/* Undefined Instruction exception into EL1. The pc is that of the instruction. */
void inject_undefined(struct vcpu *vcpu);

/* The instruction was emulated. */
static inline void skip_instruction(void)
{
    WRITE_SYSREG(elr_el2, READ_SYSREG(elr_el2) + 4u);
}

/* Register `index` of the guest as an instruction names it: 31 is zero. */
static inline uint64_t guest_register(const struct vcpu *vcpu, unsigned index)
{
    return index < 31u ? vcpu->x[index] : 0;
}

static inline void set_guest_register(struct vcpu *vcpu, unsigned index, uint64_t value)
{
    vcpu->x[index % 32u] = value;
}

#endif
