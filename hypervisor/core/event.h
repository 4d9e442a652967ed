/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels, 2-level ABI (Xen public event_channel.h, xen.h). A port belongs to one domain; an
 * interdomain channel is two ports that name each other. Pending bits and masks are in the domain's
 * shared_info page, which lies in its pool; the word that tells a vCPU of them is in its vcpu_info.
 *
 * Locks: each domain's events have one lock. What concerns a pair of ports takes both, the lower domid first;
 * an interdomain pair changes only under both, so that one of them is enough to rely on it. Notifying takes
 * the receiver's lock alone. Never held over anything that another domain chose the length of.
 *
 * The guest writes shared_info and vcpu_info at any time: they are only ever changed by single atomic
 * operations, and nothing is believed from them. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "base/spinlock.h"
#include "base/status.h"
#include "base/types.h"
#include "core/record.h"

struct domain;
struct vcpu;
struct pool;

#define EVENT_PPI       31u /* INTID of the upcall in every domain */
#define EVENT_MAX_PORTS 4096u

/* Xen's numbers (EVTCHNSTAT_*); the last two are Xen's "interdomain" with a domain that only the core
 * stands for. */
enum event_state {
    EVENT_CLOSED,
    EVENT_UNBOUND,
    EVENT_INTERDOMAIN,
    EVENT_PIRQ,
    EVENT_VIRQ,
    EVENT_IPI,
    EVENT_CORE,
    EVENT_IOREQ, /* the backend's end for requests of vCPU peer_port of the frontend `peer`: always static */
};

#define VIRQ_TIMER 0u /* the only virtual IRQ that is offered, one for each vCPU */

/* One port, 8 bytes: changed under the lock, read as one word without it. */
struct event_port {
    _Alignas(8) uint8_t state;
    uint8_t vcpu;       /* whom it notifies */
    uint8_t is_static;  /* made from the record: stays bound whatever the domain does (as in Xen) */
    uint8_t virq;       /* EVENT_VIRQ */
    uint16_t peer;      /* domid: of the other end, or of who may bind (EVENT_UNBOUND) */
    uint16_t peer_port; /* EVENT_INTERDOMAIN, EVENT_IOREQ */
};

struct shared_info;
struct vcpu_info;

struct events {
    struct spinlock lock;
    uint32_t nr_ports;
    struct event_port *ports;
    uint64_t *used;                    /* ports that are not closed, one bit each */
    struct shared_info *shared;        /* a page of the pool */
    uint32_t polling;                  /* vCPUs in SCHEDOP_poll, atomic; bit = index */
    uint16_t timer_port[MAX_VCPUS];    /* bound to VIRQ_TIMER; 0: none */
    struct spinlock register_lock;     /* one registration of vcpu_info at a time; taken before `lock` */
    uint16_t reset_at[MAX_VCPUS];      /* how far the vCPU's EVTCHNOP_reset is */
    struct vcpu_info *info[MAX_VCPUS]; /* where vCPU i is told: a slot of shared_info, registered memory, or
                                          NULL: not told */
};

/* Bytes of pool for the record without whole pages, alignment included; and those pages. */
static inline uint64_t events_words(const struct domain_record *record)
{
    return (record->nr_ports + 63u) / 64u;
}

static inline uint64_t events_bytes(const struct domain_record *record)
{
    return align_up(sizeof(struct events), 64) + align_up(record->nr_ports * sizeof(struct event_port), 64) +
           align_up(events_words(record) * sizeof(uint64_t), 64);
}

static inline uint64_t events_pages(void)
{
    return 1; /* shared_info */
}

/* The tables, from the pool. NULL: it is exhausted. */
struct events *events_create(struct pool *pool, const struct domain_record *record);

/* Before each start of the domain, which has counted its incarnation; nobody of it runs. What was sent to a
 * static port before the first start is kept. At a restart nothing of the last life remains, and every static
 * port of the domain, and of the peers of those, becomes pending once (a lost event is worse than a spurious
 * one). */
void events_start(struct domain *domain);
/* The domain has stopped: its ports but the static ones close; peers become unbound; no memory of it is
 * shared with the core any more. Bounded: looks at up to `limit` ports from *position on, which is 0 at
 * first. True when done. */
bool events_stop(struct domain *domain, uint32_t *position, uint32_t limit);

/* --- what the hypercall wrappers call; ERR_* are refusals without effect: ERR_INVALID: no such port, or not
 * in that state; ERR_NOMEM: no port is free; ERR_NOENT: no such domain or vCPU. Port 0 is never one. --- */
enum status event_alloc_unbound(struct domain *domain, uint16_t remote, uint32_t *port) MUST_CHECK;
enum status event_bind_interdomain(struct domain *domain, uint16_t remote, uint32_t remote_port,
                                   uint32_t *port) MUST_CHECK;
/* VIRQ_TIMER. ERR_EXIST: the vCPU has bound it. ERR_BUSY: a global one, which belongs to nobody. */
enum status event_bind_virq(struct domain *domain, uint32_t virq, uint32_t vcpu, uint32_t *port) MUST_CHECK;
enum status event_bind_ipi(struct domain *domain, uint32_t vcpu, uint32_t *port) MUST_CHECK;
enum status event_bind_vcpu(struct domain *domain, uint32_t port, uint32_t vcpu) MUST_CHECK;
/* A static port stays as it is, and OK is returned. */
enum status event_close(struct domain *domain, uint32_t port) MUST_CHECK;
/* EVTCHNOP_reset: closes all but the static ones, as events_stop() does. */
bool event_reset(struct domain *domain, uint32_t *position, uint32_t limit);
enum status event_unmask(struct domain *domain, uint32_t port) MUST_CHECK;
/* The port as it is; a closed one is EVENT_CLOSED. */
enum status event_status(struct domain *domain, uint32_t port, struct event_port *out) MUST_CHECK;

/* Notifies the other end of the port (EVTCHNOP_send). On success of EVENT_CORE and EVENT_IOREQ ports
 * *core is true and nothing else was done: the caller serves it (the console, an answer to a request). */
enum status event_send(struct vcpu *vcpu, uint32_t port, bool *core) MUST_CHECK;

/* The core itself makes a port of the domain pending: VIRQ, console, doorbell. Any pCPU. */
void event_raise(struct domain *domain, uint32_t port);
/* The port that vCPU has bound to the VIRQ, made pending; nothing if there is none. */
void event_raise_virq(struct vcpu *vcpu, uint32_t virq);

/* VCPUOP_register_vcpu_info: the vCPU is told in `info`, EL2 memory of 48 bytes, from now on, and once at
 * once (all of pending_sel set). NULL: in its slot of shared_info if it has one. */
void event_register_info(struct vcpu *vcpu, struct vcpu_info *info);
/* The same for a page of the domain's RAM, which is shared with EL2 from now on; `offset` is a multiple of 8,
 * and the structure lies inside the page. */
void event_register_page(struct vcpu *vcpu, pa_t page, uint32_t offset);

/* SCHEDOP_poll: the vCPU waits for any event of the domain. Announce, look, and leave off if one of the ports
 * is pending already: an event that comes after the announcement ends the wait. */
void event_poll_begin(struct vcpu *vcpu);
void event_poll_end(struct vcpu *vcpu);
bool event_polls(const struct vcpu *vcpu); /* nothing has ended it */
/* The guest has taken the pending state of its upcall away at the GIC. To Xen's guests the upcall is the
 * level of upcall_pending: if that is set, the upcall comes again. */
void event_upcall_again(struct vcpu *vcpu);

/* True if one of the ports, all below nr_ports, is pending. At most EVENT_MAX_POLL ports. */
#define EVENT_MAX_POLL 128u
bool event_any_pending(const struct domain *domain, const uint32_t *ports, uint32_t nr);

#endif
