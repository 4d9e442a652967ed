/* SPDX-License-Identifier: Apache-2.0 */
/* Times at which something happens to a vCPU whether it runs or not, kept in vcpu->deadlines as CNTPCT. The
 * vCPU's own pCPU arms its alarm for them when it chooses who runs, and acts when they have come.
 *
 * The system time of a domain, which Xen's calls name, is its virtual counter in nanoseconds: 0 at its start.
 */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include "arch/arm64/barrier.h"
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

/* The domain, which has a heartbeat, lives: watchdog 1 begins anew. */
void deadline_heartbeat(struct domain *domain);

/* The earliest one; DEADLINE_NEVER: none. */
uint64_t deadline_earliest(const struct vcpu *vcpu);
static inline uint64_t deadline_next(const struct vcpu *vcpu)
{
    return load_relaxed(&vcpu->has_deadlines) == 0 ? DEADLINE_NEVER : deadline_earliest(vcpu);
}

/* By the vCPU's own pCPU: those that have come raise the timer's VIRQ, end a wait for a backend, begin a
 * restart that was put off, or stop the domain. */
void deadlines_act(struct vcpu *vcpu, uint64_t now);
static inline void deadlines_expire(struct vcpu *vcpu, uint64_t now)
{
    if (load_relaxed(&vcpu->has_deadlines) != 0) {
        deadlines_act(vcpu, now);
    }
}

/* SCHEDOP_poll of the vCPU, by its own pCPU: it has been announced to events and is given up until its time
 * comes, an event ends it, or an interrupt does. */
void poll_wait(struct vcpu *vcpu, uint64_t at);
bool poll_is_over(const struct vcpu *vcpu, uint64_t now);
void poll_end(struct vcpu *vcpu);

#endif
