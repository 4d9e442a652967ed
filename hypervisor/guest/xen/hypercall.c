/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/xen/hypercall.h"

#include "arch/arm64/sysreg.h"
#include "core/vcpu.h"
#include "guest/xen/xen_errno.h"

static int64_t none(struct vcpu *vcpu)
{
    (void)vcpu;
    return -XEN_ENOSYS;
}

/* By number: Xen public xen.h, __HYPERVISOR_*. */
/* clang-format off */
static const hypercall_t hypercalls[] = {
    none,    none,        none,       none, none,           none,     none, none, /* 0 */
    none,    none,        none,       none, memory_op,      none,     none, none, /* 8 */
    none,    xen_version, console_io, none, grant_table_op, none,     none, none, /* 16 */
    vcpu_op, none,        none,       none, none,           sched_op, none, none, /* 24 */
    event_channel_op, none, hvm_op, none, none,     none,     none, none, /* 32 */
#ifndef PROFILE_STATIC
    none,    dm_op,                                                       /* 40 */
#endif
};
/* clang-format on */

void hypercall(struct vcpu *vcpu)
{
    uint64_t number = vcpu->x[16];

    vcpu->x[0] = (uint64_t)(number < ARRAY_SIZE(hypercalls) ? hypercalls[number] : none)(vcpu);
}

int64_t hypercall_again(struct vcpu *vcpu)
{
    WRITE_SYSREG(elr_el2, READ_SYSREG(elr_el2) - 4u);
    return (int64_t)vcpu->x[0];
}

int64_t xen_errno(enum status status)
{
    static const int8_t numbers[ERR_FAULT + 1u] = {
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
