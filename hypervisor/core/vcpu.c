/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vcpu.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/sysreg.h"
#include "base/string.h"
#include "drivers/gic.h"

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

void vcpu_request(struct vcpu *vcpu, uint32_t work)
{
    struct pcpu *here = this_pcpu();
    uint32_t before = __atomic_fetch_or(&vcpu->work, work, __ATOMIC_ACQ_REL);

    if (vcpu->pcpu != here) {
        if ((before & work) != work) { /* else a kick is on its way */
            gic_kick(vcpu->pcpu->index);
        }
    } else if (here->current == NULL) {
        here->again = true; /* nobody kicks this pCPU for what it asks itself */
    } else if (here->current != vcpu) {
        __atomic_fetch_or(&here->current->work, WORK_RESCHEDULE, __ATOMIC_RELAXED);
    }
}

void vcpu_reschedule(struct pcpu *pcpu)
{
    if (pcpu->current != NULL) {
        __atomic_fetch_or(&pcpu->current->work, WORK_RESCHEDULE, __ATOMIC_RELAXED);
    }
}

/* Work of the vCPU that runs is seen anyway. */
void vcpu_kicked(struct pcpu *pcpu)
{
    for (uint32_t i = 0; i < pcpu->nr_vcpus; i++) {
        if (pcpu->vcpus[i] != pcpu->current && load_relaxed(&pcpu->vcpus[i]->work) != 0) {
            vcpu_reschedule(pcpu);
        }
    }
}
