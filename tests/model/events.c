/* SPDX-License-Identifier: Apache-2.0 */
/* event_channel_op, 2-level event channels, vcpu_info. */
#include "internal.h"

#define PENDING       48u /* in shared_info */
#define MASKED        560u
#define INFO_SIZE     48u /* vcpu_info */
#define INFO_UPCALL   0u
#define INFO_SELECTOR 8u

enum {
    BIND_INTERDOMAIN = 0,
    BIND_VIRQ = 1,
    BIND_PIRQ = 2,
    CLOSE = 3,
    SEND = 4,
    STATUS = 5,
    ALLOC_UNBOUND = 6,
    BIND_IPI = 7,
    BIND_VCPU = 8,
    UNMASK = 9,
    RESET = 10
};

static bool port_bit(const struct model *m, unsigned domain, unsigned array, unsigned port)
{
    return (m->shadow[MODEL_SHARED_INFO(domain)][array + port / 8u] >> port % 8u) % 2u != 0;
}

static void set_port_bit(struct model *m, unsigned domain, unsigned array, unsigned port, bool on)
{
    uint8_t *byte = &m->shadow[MODEL_SHARED_INFO(domain)][array + port / 8u];

    *byte = (uint8_t)((*byte & ~(1u << port % 8u)) | (unsigned)on << port % 8u);
    shadow_touch(m, MODEL_SHARED_INFO(domain));
}

/* Tells the vCPU of a pending port that is not masked. */
static void announce(struct model *m, unsigned domain, unsigned port)
{
    unsigned vcpu = m->domains[domain].ports[port].vcpu;
    const struct model_vcpu *info = &m->domains[domain].vcpus[vcpu];
    unsigned page = info->registered ? info->page : MODEL_SHARED_INFO(domain);
    unsigned offset = info->registered ? info->offset : 0;
    uint64_t selector, pending, bit = UINT64_C(1) << port / 64u;

    if (!info->registered && vcpu != 0) {
        return;
    }
    selector = shadow_get(m, page, offset + INFO_SELECTOR, 8);
    if ((selector & bit) != 0) {
        return;
    }
    shadow_put(m, page, offset + INFO_SELECTOR, 8, selector | bit);
    pending = shadow_get(m, page, offset + INFO_UPCALL, 1);
    if (pending == 0) {
        shadow_put(m, page, offset + INFO_UPCALL, 1, 1);
        m->raised |= 1u << (domain * 8u + vcpu);
    } else if (machine_get(m, page, offset + INFO_UPCALL, 1) == 1) {
        shadow_put(m, page, offset + INFO_UPCALL, 1, 1); /* the guest wrote something else that is not zero */
    }
}

void model_event_set_pending(struct model *m, unsigned domain, unsigned port)
{
    if (port_bit(m, domain, PENDING, port)) {
        return;
    }
    set_port_bit(m, domain, PENDING, port, true);
    if (!port_bit(m, domain, MASKED, port)) {
        announce(m, domain, port);
    }
}

void model_event_register_vcpu_info(struct model *m, const struct model_call *call)
{
    struct model_domain *d = &m->domains[call->domain];
    struct model_vcpu *info;
    struct verdict v = {0};
    struct arg arg;
    uint64_t vcpu = call->args[1], offset;
    unsigned slot;

    if (vcpu >= MODEL_VCPUS) {
        verdict_deny(&v, ENOENT);
    } else if (vcpu != call->vcpu) {
        verdict_allow(&v, EINVAL); /* Xen refuses it for one that is up */
    }
    arg_read(m, call->domain, &arg, call->args[2], 16, &v);
    offset = arg_get(&arg, 8, 4);
    slot = model_slot_of(d, arg_get(&arg, 0, 8));
    if (offset > MODEL_PAGE - INFO_SIZE || offset % 8u != 0) {
        verdict_deny(&v, ENXIO);
    } else if (offset > MODEL_PAGE - 64u) {
        verdict_allow(&v, ENXIO); /* the structure is 64 bytes for some */
    }
    if (slot == MODEL_NO_SLOT || d->slots[slot].kind != MODEL_OWN) {
        verdict_deny(&v, EINVAL);
    }
    if (!model_settle(m, &v, call->result)) {
        return;
    }
    info = &d->vcpus[vcpu];
    *info = (struct model_vcpu){true, d->slots[slot].page, (uint16_t)offset};
    shadow_adopt(m, info->page, info->offset, INFO_SIZE);
    shadow_put(m, info->page, info->offset + INFO_SELECTOR, 8, ~UINT64_C(0));
    shadow_put(m, info->page, info->offset + INFO_UPCALL, 1, 1);
    m->raised |= 1u << (call->domain * 8u + (unsigned)vcpu);
}

/* --- ports --- */

static struct model_port *port_of(struct model *m, unsigned domain, uint64_t port)
{
    return port != 0 && port <= m->config.max_port ? &m->domains[domain].ports[port] : NULL;
}

static bool table_full(const struct model *m, unsigned domain)
{
    for (unsigned i = 1; i <= m->config.max_port; i++) {
        if (m->domains[domain].ports[i].state == PORT_CLOSED) {
            return false;
        }
    }
    return true;
}

static void check_free_port(struct model *m, unsigned domain, struct verdict *v)
{
    if (table_full(m, domain)) {
        verdict_deny(v, ENOSPC);
    }
}

/* The machine chose a port and wrote it at `offset` of the structure. */
static void open_port(struct model *m, const struct model_call *call, const struct arg *arg, unsigned offset,
                      struct model_port with)
{
    struct model_port *port;
    uint8_t bytes[4];
    uint64_t number;

    guest_peek(m, call->domain, arg->va + offset, bytes, sizeof bytes);
    number = bytes_get(bytes, 4);
    port = port_of(m, call->domain, number);
    if (port == NULL || port->state != PORT_CLOSED) {
        model_fail(m, "a port that is not free", 0, number, arg->va + offset);
        return;
    }
    *port = with;
    guest_write(m, call->domain, arg->va + offset, bytes, sizeof bytes);
    if (with.state != PORT_INTERDOMAIN) {
        return;
    }
    for (unsigned i = 0; i < MODEL_DOMAINS; i++) {
        if (m->domains[i].domid == with.remote) {
            struct model_port *remote = &m->domains[i].ports[with.remote_port];

            remote->state = PORT_INTERDOMAIN;
            remote->remote = m->domains[call->domain].domid;
            remote->remote_port = (uint32_t)number;
        }
    }
    model_event_set_pending(m, call->domain, (unsigned)number);
}

static void alloc_unbound(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    uint64_t remote;

    arg_read(m, call->domain, &arg, call->args[1], 8, &v);
    arg_out(m, call->domain, &arg, 8, 4, 4, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    remote = arg_get(&arg, 2, 2);
    if (remote == MODEL_DOMID_SELF) {
        remote = m->domains[call->domain].domid;
    }
    if (!domain_exists(m, remote)) {
        verdict_allow(&v, ESRCH);
        verdict_allow(&v, EINVAL);
    }
    check_free_port(m, call->domain, &v);
    if (model_settle(m, &v, call->result)) {
        open_port(m, call, &arg, 4, (struct model_port){.state = PORT_UNBOUND, .remote = (uint16_t)remote});
    }
}

static void bind_interdomain(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    const struct model_port *port = NULL;
    unsigned remote;

    arg_read(m, call->domain, &arg, call->args[1], 12, &v);
    arg_out(m, call->domain, &arg, 12, 8, 4, &v);
    remote = domain_by_id(m, call->domain, arg_get(&arg, 0, 2));
    if (remote < MODEL_DOMAINS) {
        port = port_of(m, remote, arg_get(&arg, 4, 4));
    } else if (!domain_exists(m, arg_get(&arg, 0, 2))) {
        verdict_deny(&v, ESRCH);
    }
    if (port == NULL || port->state != PORT_UNBOUND || port->remote != m->domains[call->domain].domid) {
        verdict_deny(&v, EINVAL);
    }
    check_free_port(m, call->domain, &v);
    if (model_settle(m, &v, call->result)) {
        open_port(m, call, &arg, 8,
                  (struct model_port){.state = PORT_INTERDOMAIN,
                                      .remote = m->domains[remote].domid,
                                      .remote_port = (uint32_t)arg_get(&arg, 4, 4)});
    }
}

static void require_vcpu(uint64_t vcpu, struct verdict *v)
{
    if (vcpu >= MODEL_VCPUS) {
        verdict_deny(v, ENOENT);
        verdict_allow(v, EINVAL);
    }
}

static void bind_virq(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    uint64_t virq, vcpu;

    arg_read(m, call->domain, &arg, call->args[1], 12, &v);
    arg_out(m, call->domain, &arg, 12, 8, 4, &v);
    virq = arg_get(&arg, 0, 4);
    vcpu = arg_get(&arg, 4, 4);
    require_vcpu(vcpu, &v);
    if (virq != 0) {
        verdict_deny(&v, EINVAL);
        verdict_allow(&v, EBUSY); /* a global one that somebody else owns */
    }
    for (unsigned i = 1; i <= m->config.max_port; i++) {
        const struct model_port *port = &m->domains[call->domain].ports[i];

        if (port->state == PORT_VIRQ && port->remote_port == virq && port->vcpu == vcpu) {
            verdict_deny(&v, EEXIST);
        }
    }
    check_free_port(m, call->domain, &v);
    if (model_settle(m, &v, call->result)) {
        open_port(m, call, &arg, 8, (struct model_port){.state = PORT_VIRQ, .vcpu = (uint8_t)vcpu});
    }
}

static void bind_ipi(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    arg_read(m, call->domain, &arg, call->args[1], 8, &v);
    arg_out(m, call->domain, &arg, 8, 4, 4, &v);
    require_vcpu(arg_get(&arg, 0, 4), &v);
    check_free_port(m, call->domain, &v);
    if (model_settle(m, &v, call->result)) {
        open_port(m, call, &arg, 4,
                  (struct model_port){.state = PORT_IPI, .vcpu = (uint8_t)arg_get(&arg, 0, 4)});
    }
}

static void close_port(struct model *m, unsigned domain, unsigned number)
{
    struct model_port *port = &m->domains[domain].ports[number];

    if (port->state == PORT_INTERDOMAIN) {
        unsigned peer = domain_by_id(m, domain, port->remote);
        struct model_port *other = &m->domains[peer].ports[port->remote_port];

        other->state = PORT_UNBOUND;
        other->remote = m->domains[domain].domid;
    }
    *port = (struct model_port){.state = PORT_CLOSED};
    set_port_bit(m, domain, PENDING, number, false);
}

static void close_one(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    const struct model_port *port;

    arg_read(m, call->domain, &arg, call->args[1], 4, &v);
    port = port_of(m, call->domain, arg_get(&arg, 0, 4));
    if (port == NULL || port->state == PORT_CLOSED) {
        verdict_deny(&v, EINVAL);
    }
    if (model_settle(m, &v, call->result)) {
        close_port(m, call->domain, (unsigned)arg_get(&arg, 0, 4));
    }
}

static void send(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    const struct model_port *port;

    arg_read(m, call->domain, &arg, call->args[1], 4, &v);
    port = port_of(m, call->domain, arg_get(&arg, 0, 4));
    if (port == NULL || port->state == PORT_CLOSED || port->state == PORT_VIRQ) {
        verdict_deny(&v, EINVAL);
    }
    if (!model_settle(m, &v, call->result)) {
        return;
    }
    if (port->state == PORT_INTERDOMAIN) {
        model_event_set_pending(m, domain_by_id(m, call->domain, port->remote), port->remote_port);
    } else if (port->state == PORT_IPI) {
        model_event_set_pending(m, call->domain, (unsigned)arg_get(&arg, 0, 4));
    }
}

static void status_of(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct model_port none = {0};
    const struct model_port *port;
    struct arg arg;
    uint8_t out[8];

    arg_read(m, call->domain, &arg, call->args[1], 24, &v);
    arg_out(m, call->domain, &arg, 24, 8, 16, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    port = port_of(m, call->domain, arg_get(&arg, 4, 4));
    if (port == NULL) {
        if (arg_get(&arg, 4, 4) != 0) {
            verdict_deny(&v, EINVAL);
        }
        verdict_allow(&v, EINVAL); /* Xen shows port 0 as closed */
        port = &none;
    }
    if (!model_settle(m, &v, call->result)) {
        return;
    }
    guest_adopt(m, call->domain, arg.va + 8, 16); /* what has no meaning in a state may hold anything */
    bytes_put(out, 4, port->state);
    guest_write(m, call->domain, arg.va + 8, out, 4);
    bytes_put(out, 4, port->vcpu);
    if (port->state != PORT_CLOSED) {
        guest_write(m, call->domain, arg.va + 12, out, 4);
    }
    bytes_put(out, 4, port->remote);
    if (port->state == PORT_UNBOUND || port->state == PORT_INTERDOMAIN) {
        guest_write(m, call->domain, arg.va + 16, out, 2);
    }
    bytes_put(out, 4, port->remote_port);
    if (port->state == PORT_INTERDOMAIN || port->state == PORT_VIRQ) {
        guest_write(m, call->domain, arg.va + (port->state == PORT_VIRQ ? 16u : 20u), out, 4);
    }
}

static void bind_vcpu(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    struct model_port *port;

    arg_read(m, call->domain, &arg, call->args[1], 8, &v);
    require_vcpu(arg_get(&arg, 4, 4), &v);
    port = port_of(m, call->domain, arg_get(&arg, 0, 4));
    if (port == NULL || (port->state != PORT_UNBOUND && port->state != PORT_INTERDOMAIN)) {
        verdict_deny(&v, EINVAL);
    }
    if (model_settle(m, &v, call->result)) {
        port->vcpu = (uint8_t)arg_get(&arg, 4, 4);
    }
}

static void unmask(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    const struct model_port *port;
    unsigned number;

    arg_read(m, call->domain, &arg, call->args[1], 4, &v);
    number = (unsigned)arg_get(&arg, 0, 4);
    port = port_of(m, call->domain, number);
    if (port == NULL) {
        verdict_deny(&v, EINVAL);
    } else if (port->state == PORT_CLOSED) {
        verdict_allow(&v, EINVAL);
    }
    if (!model_settle(m, &v, call->result) || !port_bit(m, call->domain, MASKED, number)) {
        return;
    }
    set_port_bit(m, call->domain, MASKED, number, false);
    if (port_bit(m, call->domain, PENDING, number)) {
        announce(m, call->domain, number);
    }
}

static void reset(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    arg_read(m, call->domain, &arg, call->args[1], 2, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    if (!model_settle(m, &v, call->result)) {
        return;
    }
    for (unsigned i = 1; i <= m->config.max_port; i++) {
        if (m->domains[call->domain].ports[i].state != PORT_CLOSED) {
            close_port(m, call->domain, i);
        }
    }
}

static void refuse(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};

    verdict_deny(&v, ENOSYS);
    if (call->args[0] == BIND_PIRQ) {
        verdict_allow(&v, EINVAL);
        verdict_allow(&v, EPERM);
    }
    model_settle(m, &v, call->result);
}

void model_event_op(struct model *m, const struct model_call *call)
{
    static void (*const calls[])(struct model *, const struct model_call *) = {
        bind_interdomain, bind_virq, refuse,    close_one, send, status_of,
        alloc_unbound,    bind_ipi,  bind_vcpu, unmask,    reset};

    if (call->args[0] < sizeof calls / sizeof calls[0]) {
        calls[call->args[0]](m, call);
    } else {
        refuse(m, call);
    }
}
