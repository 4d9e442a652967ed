/* SPDX-License-Identifier: Apache-2.0 */
/* HYPERVISOR_vcpu_op: x0 = operation, x1 = vCPU, x2 = its argument. */
#include "arch/arm64/barrier.h"
#include "core/deadline.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/guest_copy.h"
#include "core/physmap.h"
#include "core/shared_info.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_vcpu.h"
#include "guest/xen/xen_errno.h"

/* Of the caller, or of a vCPU that is off. A second registration replaces the first (Xen refuses it, and a
 * kernel started by kexec cannot go on). */
static int64_t register_info(struct vcpu *caller, struct vcpu *vcpu, va_t at)
{
    struct xen_vcpu_register_info arg;
    struct physmap_page page;
    uint64_t ipa;

    if (copy_from_guest(caller, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    if (arg.offset > PAGE_SIZE - sizeof(struct vcpu_info) || arg.offset % 8u != 0) {
        return -XEN_ENXIO;
    }
    if ((vcpu != caller && load_acquire(&vcpu->power) != POWER_OFF) ||
        __builtin_mul_overflow(arg.gfn, (uint64_t)PAGE_SIZE, &ipa) ||
        !physmap_look(vcpu->domain, IPA(ipa), &page) || !page.normal || !page.writable || !page.home) {
        return -XEN_EINVAL;
    }
    event_register_page(vcpu, page.pa, arg.offset);
    return 0;
}

/* A vCPU has its pCPU, or waits of its own will: it is always said to run. Written once, as there is nothing
 * to tell later; a place that cannot be written now is no error, as in Xen (a kernel may have its tables
 * switched). */
static int64_t register_runstate(struct vcpu *caller, struct vcpu *vcpu, va_t at)
{
    struct xen_vcpu_register_runstate arg;
    struct xen_vcpu_runstate state = {.state = RUNSTATE_RUNNING};
    enum status written;

    if (copy_from_guest(caller, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    vcpu->runstate = (va_t){arg.address};
    state.time[RUNSTATE_RUNNING] = system_time(vcpu->domain);
    written = copy_to_guest(caller, vcpu->runstate, &state, sizeof state);
    (void)written;
    return 0;
}

static int64_t set_timer(struct vcpu *caller, struct vcpu *vcpu, va_t at)
{
    struct xen_vcpu_singleshot_timer arg;

    if (vcpu != caller) {
        return -XEN_EINVAL;
    }
    if (copy_from_guest(caller, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    if ((arg.flags & VCPU_SSHOTTMR_future) != 0 && arg.timeout_abs_ns < system_time(vcpu->domain)) {
        return -XEN_ETIME;
    }
    deadline_set(vcpu, DEADLINE_TIMER, deadline_at(vcpu->domain, arg.timeout_abs_ns));
    return 0;
}

static int64_t stop_timer(struct vcpu *caller, struct vcpu *vcpu)
{
    if (vcpu != caller) {
        return -XEN_EINVAL;
    }
    deadline_set(vcpu, DEADLINE_TIMER, 0);
    return 0;
}

int64_t vcpu_op(struct vcpu *caller)
{
    uint32_t operation = (uint32_t)caller->x[0], index = (uint32_t)caller->x[1];
    va_t at = {caller->x[2]};
    struct vcpu *vcpu = index < caller->domain->record->nr_vcpus ? &caller->domain->vcpus[index] : NULL;

    switch (operation) {
    case VCPUOP_register_vcpu_info:
        return vcpu == NULL ? -XEN_ENOENT : register_info(caller, vcpu, at);
    case VCPUOP_register_runstate_memory_area:
        return vcpu == NULL ? -XEN_ENOENT : register_runstate(caller, vcpu, at);
    case VCPUOP_set_singleshot_timer:
        return vcpu == NULL ? -XEN_ENOENT : set_timer(caller, vcpu, at);
    case VCPUOP_stop_singleshot_timer:
        return vcpu == NULL ? -XEN_ENOENT : stop_timer(caller, vcpu);
    default:
        return -XEN_ENOSYS;
    }
}
