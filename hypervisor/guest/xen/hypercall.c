/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/xen/hypercall.h"

#include "arch/arm64/sysreg.h"
#include "core/vcpu.h"
#include "guest/xen/xen_errno.h"

#pragma weak memory_op
#pragma weak xen_version

#pragma weak grant_table_op
#pragma weak vcpu_op
#pragma weak sched_op
#pragma weak event_channel_op
#pragma weak hvm_op

/* Xen public xen.h, __HYPERVISOR_*. */
static const hypercall_t hypercalls[] = {
    [12] = memory_op, [17] = xen_version, [18] = console_io,       [20] = grant_table_op,
    [24] = vcpu_op,   [29] = sched_op,    [32] = event_channel_op, [34] = hvm_op,
};

void hypercall(struct vcpu *vcpu)
{
    uint64_t number = vcpu->x[16];
    int64_t result;

    if (number >= ARRAY_SIZE(hypercalls) || hypercalls[number] == NULL) {
        vcpu->x[0] = (uint64_t)-XEN_ENOSYS;
        return;
    }
    result = hypercalls[number](vcpu);
    if (result == HYPERCALL_AGAIN) {
        WRITE_SYSREG(elr_el2, READ_SYSREG(elr_el2) - 4u);
    } else {
        vcpu->x[0] = (uint64_t)result;
    }
}

int64_t xen_errno(enum status status)
{
    static const int8_t numbers[] = {
        [OK] = 0,
        [ERR_INVALID] = -XEN_EINVAL,
        [ERR_RANGE] = -XEN_EINVAL,
        [ERR_NOMEM] = -XEN_ENOMEM,
        [ERR_EXIST] = -XEN_EEXIST,
        [ERR_NOENT] = -XEN_ENOENT,
        [ERR_PERM] = -XEN_EPERM,
        [ERR_BUSY] = -XEN_EBUSY,
        [ERR_FAULT] = -XEN_EFAULT,
    };

    return numbers[status];
}
