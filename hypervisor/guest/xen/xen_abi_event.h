/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of HYPERVISOR_event_channel_op (Xen public event_channel.h). */
#ifndef GUEST_XEN_ABI_EVENT_H
#define GUEST_XEN_ABI_EVENT_H

#include "base/types.h"

enum {
    EVTCHNOP_bind_interdomain = 0,
    EVTCHNOP_bind_virq = 1,
    EVTCHNOP_close = 3,
    EVTCHNOP_send = 4,
    EVTCHNOP_status = 5,
    EVTCHNOP_alloc_unbound = 6,
    EVTCHNOP_bind_ipi = 7,
    EVTCHNOP_bind_vcpu = 8,
    EVTCHNOP_unmask = 9,
    EVTCHNOP_reset = 10,
};

struct xen_evtchn_bind_interdomain {
    uint16_t remote_dom, pad;
    uint32_t remote_port;
    uint32_t local_port; /* out */
};

struct xen_evtchn_bind_virq {
    uint32_t virq, vcpu;
    uint32_t port; /* out */
};

/* close, send and unmask */
struct xen_evtchn_port {
    uint32_t port;
};

struct xen_evtchn_status {
    uint16_t dom, pad;
    uint32_t port;
    uint32_t status; /* out, as all that follows */
    uint32_t vcpu;
    union {
        struct {
            uint16_t dom, pad;
        } unbound;
        struct {
            uint16_t dom, pad;
            uint32_t port;
        } interdomain;
        uint32_t virq;
    } u;
};

struct xen_evtchn_alloc_unbound {
    uint16_t dom, remote_dom;
    uint32_t port; /* out */
};

struct xen_evtchn_bind_ipi {
    uint32_t vcpu;
    uint32_t port; /* out */
};

struct xen_evtchn_bind_vcpu {
    uint32_t port, vcpu;
};

struct xen_evtchn_reset {
    uint16_t dom;
};

_Static_assert(sizeof(struct xen_evtchn_bind_interdomain) == 12 &&
                   sizeof(struct xen_evtchn_bind_virq) == 12 && sizeof(struct xen_evtchn_status) == 24 &&
                   sizeof(struct xen_evtchn_alloc_unbound) == 8 && sizeof(struct xen_evtchn_bind_ipi) == 8 &&
                   sizeof(struct xen_evtchn_bind_vcpu) == 8 && sizeof(struct xen_evtchn_port) == 4 &&
                   sizeof(struct xen_evtchn_reset) == 2,
               "event_channel.h");

#endif
