/* SPDX-License-Identifier: Apache-2.0 */
/* Which vCPU a pCPU runs. A pCPU with one vCPU never gets here but for work that others ask for. A shared one
 * runs the highest priority that is ready and has budget; equal priorities take turns of SCHEDULE_SLICE_MS.
 */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "arch/arm64/barrier.h"
#include "core/vcpu.h"

#define SCHEDULE_SLICE_MS 5u

/* For entry.S, in x0 and x1: the vCPU to enter and, if the pCPU must choose anew, the one that leaves (else
 * NULL). */
struct trap_result {
    struct vcpu *next;
    struct vcpu *leave;
};

struct trap_result schedule_work(struct vcpu *vcpu);

/* How every trap handler ends. */
static inline struct trap_result trap_return(struct vcpu *vcpu)
{
    if (__builtin_expect(load_relaxed(&vcpu->work) == 0, 1)) {
        return (struct trap_result){vcpu, NULL};
    }
    return schedule_work(vcpu);
}

/* All registers of `leave` are saved in it, its EL1 registers still loaded. Chooses, builds domains, idles,
 * loads. */
struct vcpu *schedule_switch(struct vcpu *next, struct vcpu *leave);

/* The current vCPU executed WFI on a shared pCPU. */
void schedule_wait(struct vcpu *vcpu);

#endif
