/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of HYPERVISOR_vcpu_op (Xen public vcpu.h). */
#ifndef GUEST_XEN_ABI_VCPU_H
#define GUEST_XEN_ABI_VCPU_H

#include "base/types.h"

enum {
    VCPUOP_register_runstate_memory_area = 5,
    VCPUOP_set_singleshot_timer = 8,
    VCPUOP_stop_singleshot_timer = 9,
    VCPUOP_register_vcpu_info = 10,
};

#define RUNSTATE_RUNNING 0

struct xen_vcpu_runstate {
    uint32_t state, pad;
    uint64_t entry_time; /* system time at which the state was entered */
    uint64_t time[4];    /* nanoseconds in each state */
};

struct xen_vcpu_register_runstate {
    uint64_t address;
};

#define VCPU_SSHOTTMR_future 1u /* refused if the time has passed */

struct xen_vcpu_singleshot_timer {
    uint64_t timeout_abs_ns;
    uint32_t flags, pad;
};

struct xen_vcpu_register_info {
    uint64_t gfn;
    uint32_t offset, reserved;
};

_Static_assert(sizeof(struct xen_vcpu_runstate) == 48 && sizeof(struct xen_vcpu_register_runstate) == 8 &&
                   sizeof(struct xen_vcpu_singleshot_timer) == 16 &&
                   sizeof(struct xen_vcpu_register_info) == 16,
               "vcpu.h");

#endif
