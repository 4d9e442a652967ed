/* SPDX-License-Identifier: Apache-2.0 */
/* Notifying: from a port to the vCPU that is told of it. */
#include "core/event.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/stage1.h"
#include "base/bits.h"
#include "core/domain.h"
#include "core/event_locked.h"
#include "core/guest_atomic.h"
#include "core/shared_info.h"

/* The guest writes to the shared line without end: it is stopped, not the pCPU. */
static __attribute__((noinline, cold)) void given_up(struct domain *domain)
{
    domain_stop(domain, STOP_CRASH);
}

static __attribute__((noinline)) void wake_pollers(struct domain *domain, uint32_t vcpus)
{
    __atomic_fetch_and(&domain->events->polling, ~vcpus, __ATOMIC_RELAXED);
    for (; vcpus != 0; vcpus &= vcpus - 1u) {
        vcpu_request(&domain->vcpus[lowest_bit(vcpus)], WORK_DEADLINE);
    }
}

/* The vCPU has to look at a word of `pending`. The guest first clears upcall_pending, then takes pending_sel:
 * so what is seen set there is looked at later. */
static inline __attribute__((always_inline)) void tell(struct domain *domain, uint32_t vcpu, uint64_t words)
{
    struct vcpu_info *info = domain->events->info[vcpu];
    uint64_t before;
    uint8_t pending;

    if (info == NULL) {
        return; /* told when it registers */
    }
    if (!guest_set_bits(&info->pending_sel, words, &before)) {
        given_up(domain);
    } else if ((before & words) != words) {
        if (!guest_exchange_byte(&info->upcall_pending, 1, &pending)) {
            given_up(domain);
        } else if (pending == 0) {
            vcpu_request(&domain->vcpus[vcpu], WORK_EVENT);
        }
    }
}

static inline __attribute__((always_inline)) void notify(struct domain *domain, uint32_t port, uint32_t vcpu)
{
    struct events *events = domain->events;
    uint32_t word = port / EVENT_WORD_BITS, polling;
    uint64_t bit = BIT(port % EVENT_WORD_BITS), before;

    if (!guest_set_bits(&events->shared->pending[word], bit, &before)) {
        given_up(domain);
        return;
    }
    if ((before & bit) != 0) {
        return;
    }
    /* Against the guest's "clear the mask, look at pending": one of the two sees the other. */
    if ((__atomic_load_n(&events->shared->mask[word], __ATOMIC_SEQ_CST) & bit) == 0) {
        tell(domain, vcpu, BIT(word));
    }
    polling = __atomic_load_n(&events->polling, __ATOMIC_SEQ_CST);
    if (polling != 0) {
        wake_pollers(domain, polling);
    }
}

void event_notify_locked(struct domain *domain, uint32_t port, uint32_t vcpu)
{
    notify(domain, port, vcpu);
}

void event_clear_locked(struct domain *domain, uint32_t port)
{
    uint64_t before;

    if (!guest_clear_bits(&domain->events->shared->pending[port / EVENT_WORD_BITS],
                          BIT(port % EVENT_WORD_BITS), &before)) {
        given_up(domain);
    }
}

/* To the domain itself. */
static __attribute__((noinline)) enum status send_other(struct domain *domain, uint32_t port, bool *core)
{
    struct events *events = domain->events;
    struct event_port own;
    enum status status = OK;

    spin_lock(&events->lock);
    own = event_port_read(events, port);
    switch (own.state) {
    case EVENT_IPI:
        notify(domain, port, own.vcpu);
        break;
    case EVENT_CORE:
    case EVENT_IOREQ:
        *core = true;
        break;
    case EVENT_UNBOUND:
    case EVENT_INTERDOMAIN: /* bound just now: as if that came a moment later */
        break;
    default:
        status = ERR_INVALID;
        break;
    }
    spin_unlock(&events->lock);
    return status;
}

enum status event_send(struct vcpu *vcpu, uint32_t port, bool *core)
{
    struct domain *domain = vcpu->domain, *peer;
    struct event_port own, other;

    *core = false;
    if (port >= domain->events->nr_ports) {
        return ERR_INVALID;
    }
    own = event_port_read(domain->events, port);
    if (own.state != EVENT_INTERDOMAIN) {
        return send_other(domain, port, core);
    }
    peer = domain_by_domid(own.peer);
    if (peer == NULL) {
        return OK; /* a record that names nobody */
    }
    spin_lock(&peer->events->lock);
    other = event_port_read(peer->events, own.peer_port);
    /* else the other end is being closed: as if it had been sent a moment later */
    if (other.state == EVENT_INTERDOMAIN && other.peer == domain->record->domid && other.peer_port == port) {
        notify(peer, own.peer_port, other.vcpu);
    }
    spin_unlock(&peer->events->lock);
    return OK;
}

void event_raise(struct domain *domain, uint32_t port)
{
    struct events *events = domain->events;

    if (!event_port_valid(events, port)) {
        return;
    }
    spin_lock(&events->lock);
    if (event_port_read(events, port).state != EVENT_CLOSED) {
        notify(domain, port, event_port_read(events, port).vcpu);
    }
    spin_unlock(&events->lock);
}

void event_raise_virq(struct vcpu *vcpu, uint32_t virq)
{
    struct events *events = vcpu->domain->events;
    uint32_t port;

    spin_lock(&events->lock);
    port = virq == VIRQ_TIMER ? events->timer_port[vcpu->index] : 0;
    if (port != 0) {
        notify(vcpu->domain, port, vcpu->index);
    }
    spin_unlock(&events->lock);
}

enum status event_unmask(struct domain *domain, uint32_t port)
{
    struct events *events = domain->events;
    uint32_t word = port / EVENT_WORD_BITS;
    uint64_t bit = BIT(port % EVENT_WORD_BITS), before;

    if (!event_port_valid(events, port)) {
        return ERR_INVALID;
    }
    spin_lock(&events->lock);
    if (!guest_clear_bits(&events->shared->mask[word], bit, &before)) {
        given_up(domain);
    } else if ((before & bit) != 0 &&
               (__atomic_load_n(&events->shared->pending[word], __ATOMIC_SEQ_CST) & bit) != 0) {
        tell(domain, event_port_read(events, port).vcpu, BIT(word));
    }
    spin_unlock(&events->lock);
    return OK;
}

struct vcpu_info *event_default_info(const struct events *events, uint32_t index)
{
    return index == 0 ? &events->shared->vcpu_info : NULL;
}

void event_register_info(struct vcpu *vcpu, struct vcpu_info *info)
{
    struct domain *domain = vcpu->domain;
    struct events *events = domain->events;
    uint64_t before;
    uint8_t pending;

    spin_lock(&events->lock);
    events->info[vcpu->index] = info != NULL ? info : event_default_info(events, vcpu->index);
    info = events->info[vcpu->index];
    if (info != NULL) {
        if (guest_set_bits(&info->pending_sel, ~UINT64_C(0), &before) &&
            guest_exchange_byte(&info->upcall_pending, 1, &pending)) {
            vcpu_request(vcpu, WORK_EVENT);
        } else {
            given_up(domain);
        }
    }
    spin_unlock(&events->lock);
}

void event_upcall_again(struct vcpu *vcpu)
{
    struct events *events = vcpu->domain->events;
    const struct vcpu_info *info;

    spin_lock(&events->lock);
    info = events->info[vcpu->index];
    if (info != NULL && load_relaxed(&info->upcall_pending) != 0) {
        vcpu_request(vcpu, WORK_EVENT);
    }
    spin_unlock(&events->lock);
}

void event_register_page(struct vcpu *vcpu, pa_t page, uint32_t offset)
{
    struct events *events = vcpu->domain->events;
    uint8_t *at;

    spin_lock(&events->register_lock);
    spin_lock(&events->lock);
    events->info[vcpu->index] = NULL; /* nobody uses the old page while it goes */
    spin_unlock(&events->lock);
    at = stage1_share(vcpu->share_slot, page);
    event_register_info(vcpu, (struct vcpu_info *)(void *)(at + offset));
    spin_unlock(&events->register_lock);
}

void event_poll_begin(struct vcpu *vcpu)
{
    __atomic_fetch_or(&vcpu->domain->events->polling, 1u << vcpu->index, __ATOMIC_SEQ_CST);
}

void event_poll_end(struct vcpu *vcpu)
{
    __atomic_fetch_and(&vcpu->domain->events->polling, ~(1u << vcpu->index), __ATOMIC_RELAXED);
}

bool event_polls(const struct vcpu *vcpu)
{
    return (load_relaxed(&vcpu->domain->events->polling) >> vcpu->index) % 2u != 0;
}

bool event_any_pending(const struct domain *domain, const uint32_t *ports, uint32_t nr)
{
    const uint64_t *pending = domain->events->shared->pending;

    for (uint32_t i = 0; i < nr; i++) {
        uint64_t word = __atomic_load_n(&pending[ports[i] / EVENT_WORD_BITS], __ATOMIC_SEQ_CST);

        if ((word >> ports[i] % EVENT_WORD_BITS) % 2u != 0) {
            return true;
        }
    }
    return false;
}
