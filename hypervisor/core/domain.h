/* SPDX-License-Identifier: Apache-2.0 */
/* A domain: created from its record, built in slices, started, stopped, restarted. */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "arch/arm64/stage2.h"
#include "base/spinlock.h"
#include "base/types.h"
#include "core/crash.h"
#include "core/pool.h"
#include "core/record.h"
#include "core/vcpu.h"

struct console_port;
struct dma;
struct events;
struct extension;
struct frontends;
struct grants;
struct pv_console;
struct virq;
struct vpl011;

enum domain_state {
    DOMAIN_BUILDING,
    DOMAIN_RUNNING,
    DOMAIN_STOPPING, /* vCPUs are leaving, then it is torn down */
    DOMAIN_STOPPED,  /* stays so: powered off, or its restart policy is exhausted */
};

enum stop_reason { STOP_OFF, STOP_RESET, STOP_CRASH };

struct domain_build {
    uint32_t stage;
    uint32_t index;
    uint64_t done;
};

struct domain {
    const struct domain_record *record;
    struct pool pool;
    uint64_t pool_objects; /* pool use without tables: a restart starts again from here */
    struct stage2 stage2;
    struct spinlock stage2_lock; /* changes while it runs, and walks that rely on what they found */
    struct virq *virq;
    struct events *events;
    struct grants *grants;
    struct frontends *frontends;   /* that it serves; NULL: none */
    struct dma *dma;               /* NULL: no SMMU translates for it */
    struct pv_console *pv_console; /* NULL: not enhanced */
    ipa_t shared_info_at;          /* where the domain has mapped its shared_info page; ~0: nowhere */
    struct vpl011 *uart;           /* NULL: none is emulated */
    struct console_port *port;     /* its end of the console, under port_lock */
    struct spinlock *port_lock;
    bool port_attached; /* the console knows it */
    struct vcpu *vcpus;
    uint32_t gicd_size;
    uint64_t counter_offset;         /* CNTVOFF_EL2 */
    uint32_t state;                  /* enum domain_state, atomic */
    uint32_t stop_reason, stop_vcpu; /* which of its vCPUs was there, or 0 */
    const char *stop_why;            /* STOP_CRASH: in a few words */
    bool stop_told;                  /* the domain has said itself what happened */
    bool stays;                      /* it does not start again: a device may write to its memory */
    uint32_t vcpus_in;               /* vCPUs that have not yet left after a stop, atomic */
    uint32_t incarnation;
    uint32_t crashes;
    uint32_t restarts_in_window;
    uint64_t window_start;
    struct domain_build build;
    struct crash_record crash;    /* the last one */
    struct extension *extensions; /* that serve it; NULL: none */
};

extern struct domain *domains[MAX_DOMAINS]; /* by position, not by domid */
extern uint32_t nr_domains;

/* The domain with that number, or NULL. */
extern struct domain *domains_by_domid[MAX_DOMAINS];
static inline struct domain *domain_by_domid(uint16_t domid)
{
    return domid < MAX_DOMAINS ? domains_by_domid[domid] : NULL;
}

/* Creates the objects of the record in its pool and binds the vCPUs to their pCPUs. Boot only. */
enum status domain_create(const struct domain_record *record) MUST_CHECK;

/* Any pCPU: every vCPU is asked to leave. Then, in the time of vCPU 0, the domain is torn down
 * (core/teardown.h) and its restart policy is applied. A second call is ignored. */
void domain_stop(struct domain *domain, enum stop_reason reason);

/* The same for a crash, and why: a constant text. `told`: it has reported itself, so that the registers are
 * kept and not printed. */
void domain_crash(struct domain *domain, const char *why, bool told);

/* A vCPU of a stopping domain has left its pCPU; called by that pCPU. */
void domain_vcpu_left(struct domain *domain);

/* One slice of work on a domain that is being built, in the time of its vCPU 0. True when the domain may
 * start. */
bool domain_build_slice(struct domain *domain, struct pcpu *pcpu);

/* Nothing of it is left with other domains: it is built again, or stays stopped. By vCPU 0's pCPU. */
void domain_torn_down(struct domain *domain);

/* The domain cannot be built, or its device does not answer its reset: it stays stopped. By vCPU 0's pCPU. */
void domain_give_up(struct domain *domain);

/* Its output and input begin (again); under port_lock. */
void domain_attach_port(struct domain *domain);

/* By vCPU 0's pCPU, after the last slice: vCPU 0 becomes ready at the record's entry. */
void domain_start(struct domain *domain);

#endif
