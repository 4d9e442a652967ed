/* SPDX-License-Identifier: Apache-2.0 */
/* A backend and a domain that it serves, as the record declares them. While the pair is attached, requests go
 * to the backend and it sees the windows of the frontend's RAM. Otherwise requests wait, and the windows show
 * the backend a scratch page of its own, never a hole: its accesses end there. (Those of a device that no
 * SMMU translates do not: its driver is trusted for all RAM.)
 *
 * The pair is attached when the backend says so (dm_op set_ioreq_server_state) while both run, and detached
 * when one of them stops: a backend that is told of a new incarnation of its frontend resets its devices and
 * attaches again. No request of an earlier life of either reaches a later one.
 *
 * A backend whose device no SMMU translates says that nothing is in flight for a frontend that has stopped by
 * detaching once more (set_ioreq_server_state with 0). It is trusted for that, as for all RAM. Until then, or
 * until its devices have been reset, the frontend's memory is not touched.
 *
 * Locks: a pair's lock, then a stage2_lock or the lock of an event table. */
#ifndef CORE_FRONTEND_H
#define CORE_FRONTEND_H

#include "arch/arm64/stage2.h"
#include "base/spinlock.h"
#include "base/status.h"
#include "base/types.h"
#include "core/record.h"

struct bh_ioreq_page;
struct domain;
struct pool;

struct frontend {
    struct spinlock lock;
    uint32_t attached;          /* number of the attachment; 0: detached. Atomic */
    struct bh_ioreq_page *page; /* in the backend's pool */
    ipa_t acquired_at;    /* where the backend has placed the page besides (acquire_resource); ~0: nowhere */
    uint32_t attachments; /* so far */
    bool created;         /* the backend has called create_ioreq_server */
    bool closing;         /* its windows are being closed, in slices */
    uint32_t windows; /* open so far, while it is being attached; closed so far, while it is being detached */
    uint64_t done;    /* bytes of the next one */
    bool busy;        /* attached, and since then neither detached by the backend nor its devices reset */
    uint64_t quiet_at; /* how long a frontend that has stopped waits for that; 0: it has not begun */
};

struct frontends {
    struct stage2_scratch scratch; /* of all closed windows of the backend */
    struct frontend pair[];        /* as the record's frontends */
};

/* Pool bytes and whole pages for the record's frontends (0 without). */
static inline uint64_t frontends_bytes(const struct domain_record *record)
{
    return record->nr_frontends == 0
               ? 0
               : align_up(sizeof(struct frontends) + record->nr_frontends * sizeof(struct frontend), 64);
}

static inline uint64_t frontends_pages(const struct domain_record *record)
{
    return record->nr_frontends + (record->nr_windows != 0 ? STAGE2_SCRATCH_PAGES : 0);
}

#ifdef PROFILE_STATIC
static inline struct frontends *frontends_create(struct pool *pool, const struct domain_record *record)
{
    (void)pool;
    (void)record;
    return NULL;
}

static inline enum status frontends_map(struct domain *domain, unsigned entries, uint32_t *index,
                                        uint64_t *done)
{
    (void)domain;
    (void)entries;
    (void)index;
    (void)done;
    return OK;
}

static inline void frontends_started(struct domain *domain)
{
    (void)domain;
}

static inline void frontends_forsake(struct domain *domain)
{
    (void)domain;
}

static inline bool frontends_stop(struct domain *domain, uint32_t *position)
{
    (void)domain;
    (void)position;
    return true;
}

static inline enum status frontends_quiet(struct domain *domain, uint32_t *position)
{
    (void)domain;
    (void)position;
    return OK;
}

static inline void frontends_devices_reset(struct domain *domain)
{
    (void)domain;
}
#else
/* NULL: the pool is exhausted. */
struct frontends *frontends_create(struct pool *pool, const struct domain_record *record);

/* Each time the domain is built, when the rest of its stage 2 has been: the ioreq pages, which are empty
 * then, and closed windows appear in it. So many entries at a time; ERR_BUSY: there is more; *index and
 * *done, 0 at first, are the place to go on. */
enum status frontends_map(struct domain *domain, unsigned entries, uint32_t *index,
                          uint64_t *done) MUST_CHECK;

/* The domain runs: its backends are told of its new incarnation. */
void frontends_started(struct domain *domain);

/* The domain is DOMAIN_STOPPED for good: what its frontends wait for ends at once. */
void frontends_forsake(struct domain *domain);

/* The domain has stopped; its vCPUs have left. Every pair of which it is one side is detached. Bounded;
 * progress in *position, 0 at first; true when done. Before its RAM is scrubbed. */
bool frontends_stop(struct domain *domain, uint32_t *position);

/* Behind frontends_stop(): devices of its backends that no SMMU translates leave the domain's memory. OK:
 * they have. ERR_BUSY: not yet, look again; a backend that has had quiet_ms is stopped as crashed, so that
 * its devices are reset. ERR_RANGE: a backend has stopped for good, and its devices were not reset. Progress
 * in *position, 0 at first. */
enum status frontends_quiet(struct domain *domain, uint32_t *position) MUST_CHECK;

/* The devices of the domain, whose vCPUs have left, have been reset. */
void frontends_devices_reset(struct domain *domain);

/* The pair of that backend, frontend and server. ERR_NOENT: the frontend has no such server; ERR_PERM: it is
 * not this domain's, or there is no such domain. */
enum status frontend_find(struct domain *backend, uint16_t frontend, uint16_t server,
                          struct frontend **pair) MUST_CHECK;

/* The backend, which runs, attaches or detaches a pair of its own; when that is done its devices do nothing
 * for the frontend any more. ERR_BUSY: a slice was done and the call
 * shall be repeated. ERR_INVALID: the frontend does not run; the backend is told when it does. */
enum status frontend_attach(struct domain *backend, struct frontend *pair, bool attach) MUST_CHECK;
#endif

#endif
