/* SPDX-License-Identifier: Apache-2.0 */
/* HYPERVISOR_event_channel_op: x0 = operation, x1 = its argument. 2-level ABI; what belongs to the FIFO ABI
 * is unknown, so that a guest falls back. */
#include "core/domain.h"
#include "core/effects.h"
#include "core/event.h"
#include "core/guest_copy.h"
#include "core/ioreq.h"
#include "core/pv_console.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_event.h"
#include "guest/xen/xen_errno.h"

#define RESET_PORTS 16u /* closed in one go */

static int64_t event_errno(enum status status)
{
    return status == ERR_NOMEM ? -XEN_ENOSPC : xen_errno(status);
}

static bool is_self(const struct vcpu *vcpu, uint16_t domid)
{
    return domid == DOMID_SELF || domid == vcpu->domain->record->domid;
}

/* For calls about another domain, which only a privileged one may make. */
static int64_t not_self(uint16_t domid)
{
    return domain_by_domid(domid) == NULL ? -XEN_ESRCH : -XEN_EPERM;
}

/* The answer of a call that made a port. It was writable before; if it is no more, the port goes. */
static int64_t answer(struct vcpu *vcpu, enum status status, va_t at, const void *data, size_t size,
                      uint32_t port)
{
    if (status != OK) {
        return event_errno(status);
    }
    if (copy_to_guest(vcpu, at, data, size) != OK) {
        return event_close(vcpu->domain, port) == OK ? -XEN_EFAULT : -XEN_EINVAL;
    }
    return 0;
}

static int64_t alloc_unbound(struct vcpu *vcpu, va_t at)
{
    struct xen_evtchn_alloc_unbound arg;
    uint16_t remote;
    enum status status;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK || guest_writable(vcpu, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    if (!is_self(vcpu, arg.dom)) {
        return not_self(arg.dom);
    }
    remote = arg.remote_dom == DOMID_SELF ? vcpu->domain->record->domid : arg.remote_dom;
    status = event_alloc_unbound(vcpu->domain, remote, &arg.port);
    return answer(vcpu, status, at, &arg, sizeof arg, arg.port);
}

static int64_t bind_interdomain(struct vcpu *vcpu, va_t at)
{
    struct xen_evtchn_bind_interdomain arg;
    uint16_t remote;
    enum status status;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK || guest_writable(vcpu, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    remote = arg.remote_dom == DOMID_SELF ? vcpu->domain->record->domid : arg.remote_dom;
    status = event_bind_interdomain(vcpu->domain, remote, arg.remote_port, &arg.local_port);
    if (status == ERR_NOENT) {
        return -XEN_ESRCH;
    }
    return answer(vcpu, status, at, &arg, sizeof arg, arg.local_port);
}

static int64_t bind_virq(struct vcpu *vcpu, va_t at)
{
    struct xen_evtchn_bind_virq arg;
    enum status status;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK || guest_writable(vcpu, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    status = event_bind_virq(vcpu->domain, arg.virq, arg.vcpu, &arg.port);
    return answer(vcpu, status, at, &arg, sizeof arg, arg.port);
}

static int64_t bind_ipi(struct vcpu *vcpu, va_t at)
{
    struct xen_evtchn_bind_ipi arg;
    enum status status;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK || guest_writable(vcpu, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    status = event_bind_ipi(vcpu->domain, arg.vcpu, &arg.port);
    return answer(vcpu, status, at, &arg, sizeof arg, arg.port);
}

static int64_t bind_vcpu(struct vcpu *vcpu, va_t at)
{
    struct xen_evtchn_bind_vcpu arg;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    return event_errno(event_bind_vcpu(vcpu->domain, arg.port, arg.vcpu));
}

static void describe(const struct event_port *port, struct xen_evtchn_status *arg)
{
    arg->status = port->state;
    arg->vcpu = port->vcpu;
    switch (port->state) {
    case EVENT_UNBOUND:
        arg->u.unbound.dom = port->peer;
        break;
    case EVENT_CORE:
    case EVENT_IOREQ:
        arg->status = EVENT_INTERDOMAIN;
        arg->u.interdomain.dom = 0;
        arg->u.interdomain.port = 0;
        break;
    case EVENT_INTERDOMAIN:
        arg->u.interdomain.dom = port->peer;
        arg->u.interdomain.port = port->peer_port;
        break;
    case EVENT_VIRQ:
        arg->u.virq = port->virq;
        break;
    default:
        break;
    }
}

static int64_t status_of(struct vcpu *vcpu, va_t at)
{
    struct xen_evtchn_status arg;
    struct event_port port;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    if (!is_self(vcpu, arg.dom)) {
        return not_self(arg.dom);
    }
    if (event_status(vcpu->domain, arg.port, &port) != OK) {
        return -XEN_EINVAL;
    }
    describe(&port, &arg);
    return xen_errno(copy_to_guest(vcpu, at, &arg, sizeof arg));
}

/* The position is in x0 above the operation, where other guests' compilers may leave anything: it counts only
 * if this vCPU is known to be that far. */
static int64_t reset(struct vcpu *vcpu, va_t at)
{
    uint16_t *known = &vcpu->domain->events->reset_at[vcpu->index];
    uint32_t position = (uint32_t)(vcpu->x[0] >> 32);
    struct xen_evtchn_reset arg;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    if (!is_self(vcpu, arg.dom)) {
        return not_self(arg.dom);
    }
    position = position == *known ? position : 0;
    if (event_reset(vcpu->domain, &position, RESET_PORTS)) {
        *known = 0;
        return 0;
    }
    *known = (uint16_t)position;
    vcpu->x[0] = (uint64_t)position << 32 | EVTCHNOP_reset;
    return hypercall_again(vcpu);
}

static int64_t serve_console(struct vcpu *vcpu)
{
    uint32_t refresh = 0;
    bool more = pv_console_notify(vcpu->domain, &refresh);

    effects_refresh_uarts(refresh);
    return more ? hypercall_again(vcpu) : 0;
}

/* A port whose other end is the core; a doorbell's hears nothing. */
static __attribute__((noinline)) int64_t serve_core(struct vcpu *vcpu, uint32_t number)
{
    struct domain *domain = vcpu->domain;
    struct event_port port;

    if (event_status(domain, number, &port) == OK && port.state == EVENT_IOREQ) {
        ioreq_answered(domain, port.peer, port.peer_port);
    } else if (number == domain->record->console_port && domain->pv_console != NULL) {
        return serve_console(vcpu);
    }
    return 0;
}

static int64_t send(struct vcpu *vcpu, va_t at)
{
    struct xen_evtchn_port arg;
    enum status status;
    bool core;

    if (copy_word_from_guest(vcpu, &arg.port, at) != OK) {
        return -XEN_EFAULT;
    }
    status = event_send(vcpu, arg.port, &core);
    if (__builtin_expect(status == OK && !core, 1)) {
        return 0;
    }
    return core ? serve_core(vcpu, arg.port) : event_errno(status);
}

static int64_t close_or_unmask(struct vcpu *vcpu, va_t at, bool close)
{
    struct xen_evtchn_port arg;

    if (copy_from_guest(vcpu, &arg, at, sizeof arg) != OK) {
        return -XEN_EFAULT;
    }
    return event_errno(close ? event_close(vcpu->domain, arg.port) : event_unmask(vcpu->domain, arg.port));
}

static __attribute__((noinline)) int64_t other(struct vcpu *vcpu, uint32_t operation, va_t at)
{
    switch (operation) {
    case EVTCHNOP_bind_interdomain:
        return bind_interdomain(vcpu, at);
    case EVTCHNOP_bind_virq:
        return bind_virq(vcpu, at);
    case EVTCHNOP_close:
    case EVTCHNOP_unmask:
        return close_or_unmask(vcpu, at, operation == EVTCHNOP_close);
    case EVTCHNOP_status:
        return status_of(vcpu, at);
    case EVTCHNOP_alloc_unbound:
        return alloc_unbound(vcpu, at);
    case EVTCHNOP_bind_ipi:
        return bind_ipi(vcpu, at);
    case EVTCHNOP_bind_vcpu:
        return bind_vcpu(vcpu, at);
    case EVTCHNOP_reset:
        return reset(vcpu, at);
    default:
        return -XEN_ENOSYS;
    }
}

int64_t event_channel_op(struct vcpu *vcpu)
{
    uint32_t operation = (uint32_t)vcpu->x[0];
    va_t at = {vcpu->x[1]};

    if (__builtin_expect(operation == EVTCHNOP_send, 1)) {
        return send(vcpu, at);
    }
    return other(vcpu, operation, at);
}
