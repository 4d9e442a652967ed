/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of HYPERVISOR_sched_op (Xen public sched.h). */
#ifndef GUEST_XEN_ABI_SCHED_H
#define GUEST_XEN_ABI_SCHED_H

#include "base/types.h"

enum { SCHEDOP_yield = 0, SCHEDOP_shutdown = 2, SCHEDOP_poll = 3, SCHEDOP_watchdog = 6 };

enum {
    SHUTDOWN_poweroff = 0,
    SHUTDOWN_reboot = 1,
    SHUTDOWN_crash = 3,
    SHUTDOWN_watchdog = 4,
};

struct xen_sched_shutdown {
    uint32_t reason;
};

struct xen_sched_poll {
    uint64_t ports; /* address of port numbers, 32 bits each */
    uint32_t nr_ports, pad;
    uint64_t timeout; /* system time; 0: none */
};

struct xen_sched_watchdog {
    uint32_t id;      /* 0: a new one */
    uint32_t timeout; /* seconds from now; 0: stop */
};

_Static_assert(sizeof(struct xen_sched_shutdown) == 4 && sizeof(struct xen_sched_poll) == 24 &&
                   sizeof(struct xen_sched_watchdog) == 8,
               "sched.h");

#endif
