/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/arm64/trap.h"

#include "core/domain.h"
#include "core/effects.h"
#include "core/interrupt.h"
#include "core/physmap.h"
#include "core/print.h"
#include "guest/xen/hypercall.h"

#define HVC_XEN 0xea1u

void inject_undefined(struct vcpu *vcpu)
{
    context_inject(vcpu, ESR_IL, READ_SYSREG(far_el1));
}

struct trap_result trap_hvc(struct vcpu *vcpu, uint64_t esr)
{
    uint32_t immediate = (uint32_t)FIELD(esr, 15, 0);

#ifdef BREAK_hvc_immediate
    immediate = 0;
#endif
    if (immediate == 0) {
        smccc_call(vcpu);
    } else if (immediate == HVC_XEN) {
        hypercall(vcpu);
    } else {
        WRITE_SYSREG(elr_el2, READ_SYSREG(elr_el2) - 4u);
        inject_undefined(vcpu);
    }
    return trap_return(vcpu);
}

static void trap_smc(struct vcpu *vcpu, uint64_t esr)
{
    if (FIELD(esr, 15, 0) != 0) {
        inject_undefined(vcpu);
        return;
    }
    skip_instruction();
    smccc_call(vcpu);
}

/* WFI of a shared pCPU (HCR_EL2.TWI). WFE is not trapped. */
static void trap_wait(struct vcpu *vcpu)
{
    skip_instruction();
    schedule_wait(vcpu);
}

SAVES_NOTHING struct trap_result trap_sync(struct vcpu *vcpu, uint64_t esr)
{
    switch (ESR_EC(esr)) {
    case EC_IABT_LOWER:
        if (!fault_is_over(vcpu, esr, PHYSMAP_READ)) {
            inject_abort(vcpu, esr, false);
        }
        break;
    case EC_SYSREG:
        if (!sysreg_access(vcpu, ESR_ISS(esr))) {
            inject_undefined(vcpu);
        }
        break;
    case EC_SMC64:
        trap_smc(vcpu, esr);
        break;
    case EC_WFX:
        trap_wait(vcpu);
        break;
    case EC_FP:
        if (vcpu->shared) {
            fp_switch(vcpu);
            break;
        }
        inject_undefined(vcpu);
        break;
    default:
        inject_undefined(vcpu);
        break;
    }
    return trap_return(vcpu);
}

struct trap_result trap_irq(struct vcpu *vcpu)
{
    (void)interrupt_take(vcpu->pcpu);
    return trap_return(vcpu);
}

/* Attributed to the domain that ran. */
struct trap_result trap_serror(struct vcpu *vcpu)
{
    print("DOM%u vCPU %u: SError, syndrome 0x%lx", vcpu->domain->record->domid, vcpu->index,
          READ_SYSREG(esr_el2));
    domain_crash(vcpu->domain, "SError", false);
    return trap_return(vcpu);
}
