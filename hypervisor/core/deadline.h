/* SPDX-License-Identifier: Apache-2.0 */
/* Times at which something happens to a vCPU whether it runs or not, kept in vcpu->deadlines as CNTPCT. The
 * vCPU's own pCPU arms its alarm for them when it chooses who runs, and acts when they have come.
 *
 * The system time of a domain, which Xen's calls name, is its virtual counter in nanoseconds: 0 at its start.
 */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include "base/types.h"
#include "core/vcpu.h"

struct domain;

#define DEADLINE_NEVER (~UINT64_C(0))

/* Nanoseconds of system time; the deadline (never 0) at which that time is reached, DEADLINE_NEVER if it is
 * too far away. */
uint64_t system_time(const struct domain *domain);
uint64_t deadline_at(const struct domain *domain, uint64_t ns);

/* Sets one, or takes it back (0). Any pCPU. */
void deadline_set(struct vcpu *vcpu, unsigned which, uint64_t at);

/* The earliest one; DEADLINE_NEVER: none. */
static inline uint64_t deadline_next(const struct vcpu *vcpu)
{
    uint64_t at = DEADLINE_NEVER;

    for (unsigned i = 0; i < NR_DEADLINES; i++) {
        at = min_u64(at, __atomic_load_n(&vcpu->deadlines[i], __ATOMIC_RELAXED) - 1u); /* 0 becomes never */
    }
    return at == DEADLINE_NEVER ? at : at + 1u;
}

/* By the vCPU's own pCPU: those that have come raise the timer's VIRQ or stop the domain. */
void deadlines_expire_slow(struct vcpu *vcpu, uint64_t now);
static inline void deadlines_expire(struct vcpu *vcpu, uint64_t now)
{
    if (deadline_next(vcpu) <= now) {
        deadlines_expire_slow(vcpu, now);
    }
}

/* SCHEDOP_poll of the vCPU, by its own pCPU: it has been announced to events and is given up until its time
 * comes, an event ends it, or an interrupt does. */
void poll_wait(struct vcpu *vcpu, uint64_t at);
bool poll_is_over(const struct vcpu *vcpu, uint64_t now);
void poll_end(struct vcpu *vcpu);

#endif
