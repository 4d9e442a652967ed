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

/* Xen's numbers (EVTCHNSTAT_*); STATE_CORE is Xen's "interdomain" with a domain that only the core stands
 * for. */
enum event_state {
    EVENT_CLOSED,
    EVENT_UNBOUND,
    EVENT_INTERDOMAIN,
    EVENT_PIRQ,
    EVENT_VIRQ,
    EVENT_IPI,
    EVENT_CORE
};

/* One port, 8 bytes: changed under the lock, read as one word without it. */
struct event_port {
    uint8_t state;
    uint8_t vcpu;       /* whom it notifies */
    uint8_t is_static;  /* made from the record: cannot be closed for good, is bound again at each start */
    uint8_t virq;       /* EVENT_VIRQ */
    uint16_t peer;      /* domid: of the other end, or of who may bind (EVENT_UNBOUND) */
    uint16_t peer_port; /* EVENT_INTERDOMAIN */
};

struct shared_info;
struct vcpu_info;

struct events {
    struct spinlock lock;
    uint32_t nr_ports;
    struct event_port *ports;
    struct shared_info *shared;        /* a page of the pool */
    uint32_t polling;                  /* vCPUs in SCHEDOP_poll; bit = index */
    struct vcpu_info *info[MAX_VCPUS]; /* where vCPU i is told: a slot of shared_info, registered memory, or
                                          NULL: not told */
};

/* Bytes of pool for the record: the port table and the shared_info page, alignment included. */
uint64_t events_bytes(const struct domain_record *record);
/* The tables, from the pool. NULL: it is exhausted. */
struct events *events_create(struct pool *pool, const struct domain_record *record);

/* Before each start of the domain: nothing of the last life remains; static ports are bound. At a restart
 * every static port of the domain, and of the peers of those, becomes pending once (a lost event is worse
 * than a spurious one). */
void events_start(struct domain *domain);
/* The domain has stopped: its ports but the static ones close; peers become unbound. Bounded: looks at up to
 * `limit` ports from *position on. True when done. */
bool events_stop(struct domain *domain, uint32_t *position, uint32_t limit);

/* --- what the hypercall wrappers call; ERR_* are refusals without effect --- */
enum status event_alloc_unbound(struct domain *domain, uint16_t remote, uint32_t *port) MUST_CHECK;
enum status event_bind_interdomain(struct domain *domain, uint16_t remote, uint32_t remote_port,
                                   uint32_t *port) MUST_CHECK;
enum status event_bind_virq(struct domain *domain, uint32_t virq, uint32_t vcpu, uint32_t *port) MUST_CHECK;
enum status event_bind_ipi(struct domain *domain, uint32_t vcpu, uint32_t *port) MUST_CHECK;
enum status event_bind_vcpu(struct domain *domain, uint32_t port, uint32_t vcpu) MUST_CHECK;
enum status event_close(struct domain *domain, uint32_t port) MUST_CHECK;
enum status event_unmask(struct domain *domain, uint32_t port) MUST_CHECK;
/* The port as it is; ERR_RANGE: there is none. */
enum status event_status(struct domain *domain, uint32_t port, struct event_port *out) MUST_CHECK;

/* Notifies the other end of the port (EVTCHNOP_send). On success of EVENT_CORE ports *core is true and
 * nothing else was done: the caller serves it (the console). */
enum status event_send(struct vcpu *vcpu, uint32_t port, bool *core) MUST_CHECK;

/* The core itself makes a port of the domain pending: VIRQ, console, doorbell. Any pCPU. */
void event_raise(struct domain *domain, uint32_t port);
/* The port that vCPU has bound to the VIRQ, made pending; nothing if there is none. */
void event_raise_virq(struct vcpu *vcpu, uint32_t virq);

/* VCPUOP_register_vcpu_info: the vCPU is told in `info`, EL2 memory of 64 bytes, from now on, and once at
 * once (all of pending_sel set). NULL: in its slot of shared_info if it has one. */
void event_register_info(struct vcpu *vcpu, struct vcpu_info *info);

/* True if one of the ports is pending (SCHEDOP_poll). Up to 64 ports are looked at. */
bool event_any_pending(const struct domain *domain, const uint32_t *ports, uint32_t nr);

#endif
