/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vcpu.h"

#include "arch/arm64/sysreg.h"
#include "base/string.h"

/* SCTLR_EL1 with which Xen starts a guest: MMU and caches off, RES1 bits. */
#define SCTLR_EL1_RESET 0x00c50078u

void vcpu_reset(struct vcpu *vcpu, uint64_t entry, uint64_t argument)
{
    uint64_t vmpidr = vcpu->el1.vmpidr;

    memset(vcpu->x, 0, sizeof vcpu->x);
    memset(&vcpu->el1, 0, sizeof vcpu->el1);
    memset(&vcpu->fp, 0, sizeof vcpu->fp);
    memset(&vcpu->sweep, 0, sizeof vcpu->sweep);
    vcpu->x[0] = argument;
    vcpu->el1.vmpidr = vmpidr;
    vcpu->el1.pc = entry;
    vcpu->el1.pstate = SPSR_GUEST_RESET;
    vcpu->el1.sctlr = SCTLR_EL1_RESET;
}
