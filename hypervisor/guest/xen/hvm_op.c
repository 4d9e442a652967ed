/* SPDX-License-Identifier: Apache-2.0 */
/* hvm_op: x0 = what, x1 = structure. Parameters tell a domain where its console is. */
#include "core/domain.h"
#include "core/guest_copy.h"
#include "core/pv_console.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_memory.h"
#include "guest/xen/xen_errno.h"

static bool value_of(const struct domain *domain, uint32_t index, uint64_t *value)
{
    switch (index) {
    case HVM_PARAM_CALLBACK_IRQ: /* the device tree says it */
    case HVM_PARAM_STORE_PFN:
    case HVM_PARAM_STORE_EVTCHN: /* there is no xenstore */
        *value = 0;
        return true;
    case HVM_PARAM_CONSOLE_PFN:
        *value = pv_console_gfn(domain);
        return true;
    case HVM_PARAM_CONSOLE_EVTCHN:
        *value = pv_console_port(domain);
        return true;
    default:
        return false;
    }
}

static int64_t get_param(struct vcpu *vcpu)
{
    struct xen_hvm_param param;
    va_t out = {vcpu->x[1] + offsetof(struct xen_hvm_param, value)};

    if (copy_from_guest(vcpu, &param, (va_t){vcpu->x[1]}, sizeof param) != OK) {
        return -XEN_EFAULT;
    }
    if (param.domid != DOMID_SELF && param.domid != vcpu->domain->record->domid) {
        return domain_by_domid(param.domid) == NULL ? -XEN_ESRCH : -XEN_EPERM;
    }
    if (!value_of(vcpu->domain, param.index, &param.value)) {
        return -XEN_EINVAL;
    }
    return copy_to_guest(vcpu, out, &param.value, sizeof param.value) == OK ? 0 : -XEN_EFAULT;
}

int64_t hvm_op(struct vcpu *vcpu)
{
    switch ((uint32_t)vcpu->x[0]) {
    case HVMOP_GET_PARAM:
        return get_param(vcpu);
    case HVMOP_SET_PARAM:
        return -XEN_EPERM;
    default:
        return -XEN_ENOSYS;
    }
}
