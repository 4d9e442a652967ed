/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ioreq.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/timer.h"
#include "bulkhead/ioreq.h"
#include "core/deadline.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/frontend.h"

_Static_assert(MAX_VCPUS <= BH_IOREQ_MAX_VCPUS, "a slot for each vCPU");

/* The two sides of a request. */
struct pair {
    struct domain *backend;
    struct frontend *link;
    const struct domain_frontend *record; /* of the backend */
};

static struct pair pair_of(const struct domain *frontend, uint32_t server)
{
    const struct domain_server *s = &frontend->record->servers[server];
    struct domain *backend = domain_by_domid(s->backend);

    return (struct pair){backend, &backend->frontends->pair[s->link], &backend->record->frontends[s->link]};
}

static const struct domain_ioreq_range *range_of(const struct vcpu *vcpu)
{
    return &vcpu->domain->record->ioreq_ranges[vcpu->ioreq.range];
}

const struct domain_ioreq_range *ioreq_find(const struct domain *domain, uint64_t ipa, unsigned size)
{
    const struct domain_record *record = domain->record;

    for (uint32_t i = 0; i < record->nr_ioreq_ranges; i++) {
        const struct domain_ioreq_range *range = &record->ioreq_ranges[i];

        if (ipa - range->ipa.v < range->size && range->size - (ipa - range->ipa.v) >= size) {
            return range;
        }
    }
    return NULL;
}

static uint8_t state_of(const struct bh_ioreq *slot)
{
    return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) & BH_IOREQ_STATE_MASK;
}

static void set_empty(struct bh_ioreq *slot)
{
    store_release(&slot->state, (uint8_t)BH_IOREQ_NONE);
}

/* Only the backend is hurt by what it writes. */
static __attribute__((noinline, cold)) void violated(struct domain *backend)
{
    domain_crash(backend, "violation of the ioreq protocol", false);
}

static void give(struct vcpu *vcpu, const struct pair *pair, uint32_t attachment)
{
    struct vcpu_ioreq *ioreq = &vcpu->ioreq;
    struct bh_ioreq *slot = &pair->link->page->slot[vcpu->index];
    uint32_t port = pair->record->first_port + (uint32_t)vcpu->index;

    __atomic_store_n(&slot->address, ioreq->address, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->data, ioreq->data, __ATOMIC_RELAXED); /* a load: 0 */
    __atomic_store_n(&slot->count, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->size, ioreq->size, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->port, port, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->type, (uint8_t)BH_IOREQ_COPY, __ATOMIC_RELAXED);
    store_release(&slot->state, (uint8_t)(BH_IOREQ_READY | (ioreq->write ? 0 : BH_IOREQ_READ)));
    ioreq->given = attachment;
    ioreq->state = BH_IOREQ_READY;
    if (ioreq->until != 0) {
        ioreq->until = 0;
        deadline_set(vcpu, DEADLINE_PARK, 0);
    }
    event_raise(pair->backend, port);
}

/* The backend is away: the time begins to count. */
static void wait_for_backend(struct vcpu *vcpu)
{
    uint32_t ms = range_of(vcpu)->park_ms;

    vcpu->ioreq.given = 0;
    if (vcpu->ioreq.until == 0 && ms != 0) {
        vcpu->ioreq.until = timer_now() + timer_from_us((uint64_t)ms * 1000u);
        deadline_set(vcpu, DEADLINE_PARK, vcpu->ioreq.until);
    }
}

/* A backend that stays stopped is not waited for. */
static bool is_forsaken(const struct pair *pair)
{
    return __atomic_load_n(&pair->backend->state, __ATOMIC_SEQ_CST) == DOMAIN_STOPPED;
}

void ioreq_begin(struct vcpu *vcpu)
{
    struct pair pair = pair_of(vcpu->domain, range_of(vcpu)->server);
    uint32_t attachment;

    vcpu->ioreq.given = 0;
    vcpu->ioreq.until = 0;
    vcpu->state = VCPU_PARKED;
    __atomic_fetch_or(&vcpu->work, WORK_RESCHEDULE, __ATOMIC_RELAXED);
    /* against attaching: one of the two sees the other */
    __atomic_store_n(&vcpu->ioreq.parked, 1, __ATOMIC_SEQ_CST);
    attachment = __atomic_load_n(&pair.link->attached, __ATOMIC_SEQ_CST);
    if (attachment == 0) {
        wait_for_backend(vcpu);
        if (is_forsaken(&pair)) {
            vcpu_request(vcpu, WORK_IOREQ);
        }
    } else if (state_of(&pair.link->page->slot[vcpu->index]) != BH_IOREQ_NONE) {
        violated(pair.backend); /* it answered what nobody had asked; waits for the next incarnation */
    } else {
        give(vcpu, &pair, attachment);
    }
}

void ioreq_answered(struct domain *backend, uint16_t frontend, uint32_t vcpu)
{
    struct domain *domain = domain_by_domid(frontend);
    const struct domain_record *record = backend->record;

    for (uint32_t i = 0; i < record->nr_frontends; i++) {
        const struct frontend *pair = &backend->frontends->pair[i];

        if (record->frontends[i].domid == frontend && load_relaxed(&pair->attached) != 0 &&
            (state_of(&pair->page->slot[vcpu]) != BH_IOREQ_NONE ||
             load_relaxed(&domain->vcpus[vcpu].ioreq.parked) != 0)) {
            vcpu_request(&domain->vcpus[vcpu], WORK_IOREQ);
        }
    }
}

/* Whoever has asked nothing finds nothing in its slots. */
static void look_unasked(const struct vcpu *vcpu)
{
    const struct domain *domain = vcpu->domain;

    if (load_acquire(&domain->state) != DOMAIN_RUNNING) {
        return; /* what it had asked may be answered late */
    }
    for (uint32_t i = 0; i < domain->record->nr_servers; i++) {
        struct pair pair = pair_of(domain, i);

        if (load_acquire(&pair.link->attached) != 0 &&
            state_of(&pair.link->page->slot[vcpu->index]) != BH_IOREQ_NONE) {
            violated(pair.backend);
        }
    }
}

static uint64_t extend(uint64_t value, const struct vcpu_ioreq *ioreq)
{
    unsigned shift = 64u - 8u * ioreq->size;

    if (!ioreq->sign) {
        return value << shift >> shift;
    }
    value = (uint64_t)((int64_t)(value << shift) >> shift);
    return ioreq->sf ? value : (uint32_t)value;
}

/* The instruction has been executed, with that value if it is a load. */
static enum ioreq_end complete(struct vcpu *vcpu, uint64_t value)
{
    const struct vcpu_ioreq *ioreq = &vcpu->ioreq;

    if (!ioreq->write) {
        vcpu->x[ioreq->reg % 32u] = extend(value, ioreq);
    }
    context_executed(vcpu, ioreq->base, ioreq->base_by);
    return IOREQ_DONE;
}

static void over(struct vcpu *vcpu)
{
    vcpu->ioreq.given = 0;
    if (vcpu->ioreq.until != 0) {
        deadline_set(vcpu, DEADLINE_PARK, 0);
    }
    store_release(&vcpu->ioreq.parked, 0);
}

static enum ioreq_end look_at_slot(struct vcpu *vcpu, const struct pair *pair, uint32_t attachment)
{
    struct bh_ioreq *slot = &pair->link->page->slot[vcpu->index];
    uint8_t state = state_of(slot);
    uint64_t value;

    if (state > BH_IOREQ_RESPONSE || state < vcpu->ioreq.state) {
        if (load_acquire(&pair->link->attached) == attachment) { /* else it is being attached anew */
            violated(pair->backend);
        }
        return IOREQ_WAITS;
    }
    vcpu->ioreq.state = state;
    if (state != BH_IOREQ_RESPONSE) {
        return IOREQ_WAITS;
    }
    value = __atomic_load_n(&slot->data, __ATOMIC_RELAXED);
    set_empty(slot);
    over(vcpu);
    return complete(vcpu, value);
}

static enum ioreq_end look_at_limit(struct vcpu *vcpu, const struct pair *pair, uint64_t now)
{
    if (!is_forsaken(pair)) {
        wait_for_backend(vcpu);
        if (vcpu->ioreq.until == 0 || now < vcpu->ioreq.until) {
            return IOREQ_WAITS;
        }
    }
    over(vcpu);
    return range_of(vcpu)->park_ones ? complete(vcpu, ~UINT64_C(0)) : IOREQ_ABORTED;
}

enum ioreq_end ioreq_look(struct vcpu *vcpu, uint64_t now)
{
    struct pair pair;
    uint32_t attachment;

    if (vcpu->ioreq.parked == 0) {
        look_unasked(vcpu);
        return IOREQ_WAITS;
    }
    pair = pair_of(vcpu->domain, range_of(vcpu)->server);
    attachment = __atomic_load_n(&pair.link->attached, __ATOMIC_SEQ_CST);
    if (attachment == 0) {
        return look_at_limit(vcpu, &pair, now);
    }
    if (vcpu->ioreq.given != attachment) {
        give(vcpu, &pair, attachment);
        return IOREQ_WAITS;
    }
    return look_at_slot(vcpu, &pair, attachment);
}

void ioreq_cancel(struct vcpu *vcpu)
{
    if (vcpu->ioreq.parked != 0) {
        struct pair pair = pair_of(vcpu->domain, range_of(vcpu)->server);

        set_empty(&pair.link->page->slot[vcpu->index]);
        over(vcpu);
    }
}
