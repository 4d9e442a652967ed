/* SPDX-License-Identifier: Apache-2.0 */
/* HYPERVISOR_sched_op: x0 = operation, x1 = its argument. */
#include "core/deadline.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/guest_copy.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_sched.h"
#include "guest/xen/xen_errno.h"

#define NR_WATCHDOGS (NR_DEADLINES - DEADLINE_WATCHDOG)
#define NS_PER_S     UINT64_C(1000000000)

/* Equals on a shared pCPU go first. */
static int64_t yield(struct vcpu *vcpu)
{
    if (vcpu->shared) {
        vcpu->pcpu->turn_end = 0;
        vcpu_reschedule(vcpu->pcpu);
    }
    return 0;
}

static int64_t shutdown(struct vcpu *vcpu, va_t at)
{
    struct xen_sched_shutdown arg;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    switch (arg.reason) {
    case SHUTDOWN_poweroff:
        domain_stop(vcpu->domain, STOP_OFF);
        return 0;
    case SHUTDOWN_reboot:
        domain_stop(vcpu->domain, STOP_RESET);
        return 0;
    case SHUTDOWN_crash:
    case SHUTDOWN_watchdog:
        domain_crash(vcpu->domain, "it said so", true);
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

static bool ports_exist(const struct vcpu *vcpu, const uint32_t *ports, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        if (ports[i] == 0 || ports[i] >= vcpu->domain->events->nr_ports) {
            return false;
        }
    }
    return true;
}

/* Ends with any event of the domain: the caller looks at its ports anyway. */
static int64_t poll(struct vcpu *vcpu, va_t at)
{
    struct xen_sched_poll arg;
    uint32_t ports[EVENT_MAX_POLL];

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    if (arg.nr_ports > EVENT_MAX_POLL) {
        return -XEN_EINVAL;
    }
    if (arg.nr_ports != 0 &&
        copy_from_guest(vcpu, ports, (va_t){arg.ports}, arg.nr_ports * sizeof ports[0]) != OK) {
        return -XEN_EFAULT;
    }
    if (!ports_exist(vcpu, ports, arg.nr_ports)) {
        return -XEN_EINVAL;
    }
    event_poll_begin(vcpu);
    if (event_any_pending(vcpu->domain, ports, arg.nr_ports)) {
        event_poll_end(vcpu);
        return 0;
    }
    poll_wait(vcpu, arg.timeout == 0 ? DEADLINE_NEVER : deadline_at(vcpu->domain, arg.timeout));
    return 0;
}

/* A new one: the first that does not run. */
static int64_t new_watchdog(struct vcpu *holder, uint64_t at)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++) {
        uint64_t none = 0;

        if (__atomic_compare_exchange_n(&holder->deadlines[DEADLINE_WATCHDOG + i], &none, DEADLINE_NEVER,
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            deadline_set(holder, DEADLINE_WATCHDOG + i, at);
            return i + 1u;
        }
    }
    return -XEN_ENOSPC;
}

/* Watchdog 1 of a domain with a heartbeat runs from its start and cannot be stopped: whatever the timeout
 * says, the domain has been here. */
static int64_t watchdog(struct vcpu *vcpu, va_t at)
{
    struct vcpu *holder = &vcpu->domain->vcpus[0];
    struct xen_sched_watchdog arg;
    uint64_t deadline;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    if (arg.id > NR_WATCHDOGS) {
        return -XEN_EINVAL;
    }
    if (arg.id == 1 && vcpu->domain->record->heartbeat_ms != 0) {
        deadline_heartbeat(vcpu->domain);
        return 0;
    }
    deadline = deadline_at(vcpu->domain, system_time(vcpu->domain) + arg.timeout * NS_PER_S);
    if (arg.id == 0) {
        return new_watchdog(holder, deadline);
    }
    if (holder->deadlines[DEADLINE_WATCHDOG + arg.id - 1u] == 0) {
        return -XEN_EINVAL;
    }
    deadline_set(holder, DEADLINE_WATCHDOG + arg.id - 1u, arg.timeout == 0 ? 0 : deadline);
    return 0;
}

int64_t sched_op(struct vcpu *vcpu)
{
    va_t at = {vcpu->x[1]};

    switch ((uint32_t)vcpu->x[0]) {
    case SCHEDOP_yield:
        return yield(vcpu);
    case SCHEDOP_shutdown:
        return shutdown(vcpu, at);
    case SCHEDOP_poll:
        return poll(vcpu, at);
    case SCHEDOP_watchdog:
        return watchdog(vcpu, at);
    default:
        return -XEN_ENOSYS;
    }
}
