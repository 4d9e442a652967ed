/* SPDX-License-Identifier: Apache-2.0 */
/* The table of ports: made, bound, closed. */
#include "arch/arm64/barrier.h"
#include "arch/arm64/stage1.h"
#include "base/bits.h"
#include "base/string.h"
#include "core/domain.h"
#include "core/event_locked.h"
#include "core/shared_info.h"

#define NR_VIRQS     24u /* Xen public xen.h */
#define OBJECT_ALIGN 64u

static void set_port(struct events *events, uint32_t port, struct event_port value)
{
    uint64_t bit = BIT(port % EVENT_WORD_BITS), *used = &events->used[port / EVENT_WORD_BITS];

    *used = value.state == EVENT_CLOSED ? *used & ~bit : *used | bit;
    event_port_write(events, port, value);
}

static void bind_requests(struct events *events, const struct domain_frontend *frontend)
{
    for (uint16_t vcpu = 0; vcpu < frontend->nr_vcpus; vcpu++) {
        if (event_port_valid(events, frontend->first_port + (uint32_t)vcpu)) {
            set_port(events, frontend->first_port + (uint32_t)vcpu,
                     (struct event_port){
                         .state = EVENT_IOREQ, .is_static = 1, .peer = frontend->domid, .peer_port = vcpu});
        }
    }
}

/* Static ports are there before the first start, so that a peer that starts earlier can send. */
static void bind_static(struct events *events, const struct domain_record *record)
{
    for (uint32_t i = 0; i < record->nr_static_ports; i++) {
        const struct domain_port *p = &record->static_ports[i];
        uint8_t state = p->peer_port != 0 ? EVENT_INTERDOMAIN : EVENT_CORE;

        if (event_port_valid(events, p->port)) {
            set_port(events, p->port,
                     (struct event_port){
                         .state = state, .is_static = 1, .peer = p->peer, .peer_port = p->peer_port});
        }
    }
    for (uint32_t i = 0; i < record->nr_frontends; i++) {
        bind_requests(events, &record->frontends[i]);
    }
    if (event_port_valid(events, record->console_port)) {
        set_port(events, record->console_port, (struct event_port){.state = EVENT_CORE, .is_static = 1});
    }
}

struct events *events_create(struct pool *pool, const struct domain_record *record)
{
    struct events *events = pool_alloc(pool, sizeof *events, OBJECT_ALIGN);

    if (events == NULL) {
        return NULL;
    }
    events->nr_ports = record->nr_ports;
    events->ports = pool_alloc(pool, record->nr_ports * sizeof(struct event_port), OBJECT_ALIGN);
    events->used = pool_alloc(pool, events_words(record) * sizeof(uint64_t), OBJECT_ALIGN);
    events->shared = pool_pages(pool, events_pages());
    if (events->ports == NULL || events->used == NULL || events->shared == NULL) {
        return NULL;
    }
    events->info[0] = event_default_info(events, 0);
    bind_static(events, record);
    return events;
}

/* The lowest port that is closed; 0: none. */
static uint32_t find_free(const struct events *events)
{
    for (uint32_t i = 0; i * EVENT_WORD_BITS < events->nr_ports; i++) {
        uint64_t unused = ~(events->used[i] | (i == 0 ? 1u : 0u));

        if (unused != 0) {
            uint32_t port = i * EVENT_WORD_BITS + lowest_bit(unused);

            return port < events->nr_ports ? port : 0;
        }
    }
    return 0;
}

/* Binds the lowest free port. */
static enum status take_port(struct events *events, struct event_port value, uint32_t *port)
{
    *port = find_free(events);
    if (*port == 0) {
        return ERR_NOMEM;
    }
    set_port(events, *port, value);
    return OK;
}

static void lock_two(struct domain *a, struct domain *b)
{
    struct domain *first = a->record->domid <= b->record->domid ? a : b, *second = first == a ? b : a;

    spin_lock(&first->events->lock);
    if (second != first) {
        spin_lock(&second->events->lock);
    }
}

static void unlock_two(struct domain *a, struct domain *b)
{
    spin_unlock(&a->events->lock);
    if (b != a) {
        spin_unlock(&b->events->lock);
    }
}

/* Locks the domain and that of the port's other end, which is returned; the domain itself if there is none.
 */
static struct domain *lock_with_peer(struct domain *domain, uint32_t port)
{
    for (;;) { /* again only if the domain itself has bound the port to somebody else meanwhile */
        struct event_port own = event_port_read(domain->events, port);
        struct domain *peer = own.state == EVENT_INTERDOMAIN ? domain_by_domid(own.peer) : domain;

        peer = peer != NULL ? peer : domain;
        lock_two(domain, peer);
        own = event_port_read(domain->events, port);
        if (own.state != EVENT_INTERDOMAIN || own.peer == peer->record->domid) {
            return peer;
        }
        unlock_two(domain, peer);
    }
}

enum status event_alloc_unbound(struct domain *domain, uint16_t remote, uint32_t *port)
{
    enum status status;

    spin_lock(&domain->events->lock);
    status = take_port(domain->events, (struct event_port){.state = EVENT_UNBOUND, .peer = remote}, port);
    spin_unlock(&domain->events->lock);
    return status;
}

static enum status bind_locked(struct domain *domain, struct domain *peer, uint32_t peer_port, uint32_t *port)
{
    uint16_t own_domid = domain->record->domid, peer_domid = peer->record->domid;
    struct event_port other;
    enum status status;

    if (find_free(domain->events) == 0) {
        return ERR_NOMEM; /* before the other end is looked at, as in Xen */
    }
    if (!event_port_valid(peer->events, peer_port)) {
        return ERR_INVALID;
    }
    other = event_port_read(peer->events, peer_port);
    if (other.state != EVENT_UNBOUND || other.peer != own_domid) {
        return ERR_INVALID;
    }
    status = take_port(
        domain->events,
        (struct event_port){.state = EVENT_INTERDOMAIN, .peer = peer_domid, .peer_port = (uint16_t)peer_port},
        port);
    other.state = EVENT_INTERDOMAIN;
    other.peer_port = (uint16_t)*port;
    event_port_write(peer->events, peer_port, other);
    event_notify_locked(domain, *port, 0); /* what the other end sent while it was unbound is lost */
    return status;
}

/* What a slot says to be the other end of its port (Xen's vp_eport) is the backend's own, bound for ever. */
static bool is_request_port(const struct domain *domain, uint16_t remote, uint32_t port)
{
    struct event_port own;

    if (!event_port_valid(domain->events, port)) {
        return false;
    }
    own = event_port_read(domain->events, port);
    return own.state == EVENT_IOREQ && own.peer == remote;
}

enum status event_bind_interdomain(struct domain *domain, uint16_t remote, uint32_t remote_port,
                                   uint32_t *port)
{
    struct domain *peer = domain_by_domid(remote);
    enum status status;

    if (peer == NULL) {
        return ERR_NOENT;
    }
    if (is_request_port(domain, remote, remote_port)) {
        *port = remote_port;
        event_raise(domain,
                    remote_port); /* what came before the guest knew the port may have been thrown away */
        return OK;
    }
    lock_two(domain, peer);
    status = bind_locked(domain, peer, remote_port, port);
    unlock_two(domain, peer);
    return status;
}

/* VIRQ_DEBUG, VIRQ_XENOPROF and VIRQ_XENPMU are of each vCPU too; the others are one for the machine. */
static bool is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != 1 && virq != 7 && virq != 13;
}

enum status event_bind_virq(struct domain *domain, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct events *events = domain->events;
    enum status status = ERR_EXIST;

    if (virq >= NR_VIRQS || (is_global(virq) && vcpu != 0)) {
        return ERR_INVALID;
    }
    if (vcpu >= domain->record->nr_vcpus) {
        return ERR_NOENT;
    }
    if (virq != VIRQ_TIMER) {
        return is_global(virq) ? ERR_BUSY : ERR_INVALID;
    }
    spin_lock(&events->lock);
    if (events->timer_port[vcpu] == 0) {
        status = take_port(events, (struct event_port){.state = EVENT_VIRQ, .vcpu = (uint8_t)vcpu}, port);
        if (status == OK) {
            events->timer_port[vcpu] = (uint16_t)*port;
        }
    }
    spin_unlock(&events->lock);
    return status;
}

enum status event_bind_ipi(struct domain *domain, uint32_t vcpu, uint32_t *port)
{
    enum status status;

    if (vcpu >= domain->record->nr_vcpus) {
        return ERR_NOENT;
    }
    spin_lock(&domain->events->lock);
    status = take_port(domain->events, (struct event_port){.state = EVENT_IPI, .vcpu = (uint8_t)vcpu}, port);
    spin_unlock(&domain->events->lock);
    return status;
}

enum status event_bind_vcpu(struct domain *domain, uint32_t port, uint32_t vcpu)
{
    struct events *events = domain->events;
    enum status status = ERR_INVALID;
    struct event_port own;

    if (vcpu >= domain->record->nr_vcpus) {
        return ERR_NOENT;
    }
    if (!event_port_valid(events, port)) {
        return ERR_INVALID;
    }
    spin_lock(&events->lock);
    own = event_port_read(events, port);
    if (own.state == EVENT_UNBOUND || own.state == EVENT_INTERDOMAIN || own.state == EVENT_IOREQ) {
        own.vcpu = (uint8_t)vcpu;
        event_port_write(events, port, own);
        status = OK;
    }
    spin_unlock(&events->lock);
    return status;
}

/* Both domains are locked. The port is not closed and not static. */
static void close_locked(struct domain *domain, struct domain *peer, uint32_t port, struct event_port own)
{
    if (own.state == EVENT_VIRQ) {
        domain->events->timer_port[own.vcpu] = 0;
    } else if (own.state == EVENT_INTERDOMAIN) {
        struct event_port other = event_port_read(peer->events, own.peer_port);

        other.state = EVENT_UNBOUND;
        other.peer_port = 0;
        event_port_write(peer->events, own.peer_port, other);
    }
    set_port(domain->events, port, (struct event_port){0});
    event_clear_locked(domain, port);
}

enum status event_close(struct domain *domain, uint32_t port)
{
    enum status status = OK;
    struct domain *peer;
    struct event_port own;

    if (!event_port_valid(domain->events, port)) {
        return ERR_INVALID;
    }
    peer = lock_with_peer(domain, port);
    own = event_port_read(domain->events, port);
    if (own.state == EVENT_CLOSED || own.state == EVENT_CORE || own.state == EVENT_IOREQ) {
        status = ERR_INVALID;
    } else if (!own.is_static) {
        close_locked(domain, peer, port, own);
    }
    unlock_two(domain, peer);
    return status;
}

bool event_reset(struct domain *domain, uint32_t *position, uint32_t limit)
{
    struct events *events = domain->events;

    for (uint32_t i = 0; i < limit && *position < events->nr_ports; i++, (*position)++) {
        struct event_port own = event_port_read(events, *position);

        if (own.state != EVENT_CLOSED && own.state != EVENT_CORE && !own.is_static &&
            event_close(domain, *position) != OK) {
            break; /* by another vCPU meanwhile: looked at again */
        }
    }
    return *position >= events->nr_ports;
}

enum status event_status(struct domain *domain, uint32_t port, struct event_port *out)
{
    if (!event_port_valid(domain->events, port)) {
        return ERR_INVALID;
    }
    *out = event_port_read(domain->events, port);
    return OK;
}

/* Nothing of the domain's memory is used any more. */
static void withdraw(struct domain *domain)
{
    struct events *events = domain->events;

    spin_lock(&events->register_lock);
    for (uint32_t i = 0; i < domain->record->nr_vcpus; i++) {
        spin_lock(&events->lock);
        events->info[i] = event_default_info(events, i);
        spin_unlock(&events->lock);
        stage1_unshare(domain->vcpus[i].share_slot);
    }
    spin_unlock(&events->register_lock);
}

bool events_stop(struct domain *domain, uint32_t *position, uint32_t limit)
{
    if (*position == 0) {
        withdraw(domain);
    }
    return event_reset(domain, position, limit);
}

/* Every static port becomes pending, here or at the other ends. What only the core stands for has no other
 * end; those of requests become pending when there are some. */
static void raise_static(const struct domain_record *record, bool here)
{
    for (uint32_t i = 0; i < record->nr_static_ports; i++) {
        const struct domain_port *p = &record->static_ports[i];
        struct domain *domain = domain_by_domid(here ? record->domid : p->peer);

        if (domain != NULL && (here || p->peer_port != 0)) {
            event_raise(domain, here ? p->port : p->peer_port);
        }
    }
}

void events_start(struct domain *domain)
{
    struct events *events = domain->events;
    bool again = domain->incarnation > 1;

    for (uint32_t i = 0; i < domain->record->nr_vcpus; i++) {
        memset(domain->vcpus[i].deadlines, 0, sizeof domain->vcpus[i].deadlines);
        domain->vcpus[i].runstate = (va_t){0};
    }
    spin_lock(&events->lock);
    events->polling = 0;
    memset(events->reset_at, 0, sizeof events->reset_at);
    if (again) {
        memset(events->shared, 0, PAGE_SIZE);
        bind_static(events, domain->record); /* to vCPU 0 */
    }
    if (events->shared->vcpu_info.upcall_pending != 0) {
        vcpu_request(&domain->vcpus[0], WORK_EVENT); /* the interrupt went with the reset of its controller */
    }
    spin_unlock(&events->lock);
    if (again) {
        raise_static(domain->record, true);
        raise_static(domain->record, false);
    }
}
