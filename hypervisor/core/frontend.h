/* SPDX-License-Identifier: Apache-2.0 */
/* A backend and a domain that it serves, as the record declares them. While the pair is attached, requests go
 * to the backend and it sees the windows of the frontend's RAM. Otherwise requests wait, and the windows show
 * the backend a scratch page of its own, never a hole: its accesses, and those of a device that it drives,
 * end there.
 *
 * The pair is attached when the backend says so (dm_op set_ioreq_server_state) while both run, and detached
 * when one of them stops: a backend that is told of a new incarnation of its frontend resets its devices and
 * attaches again. Nothing of an earlier life of either reaches a later one. */
#ifndef CORE_FRONTEND_H
#define CORE_FRONTEND_H

#include "base/status.h"
#include "base/types.h"

struct bh_ioreq_page;
struct domain;
struct domain_record;
struct pool;

struct frontend {
    struct bh_ioreq_page *page;                         /* in the backend's pool */
    uint32_t attached;                                  /* atomic */
    uint32_t backend_incarnation, frontend_incarnation; /* of the attachment */
    uint32_t opened; /* windows open so far, while it is being attached or detached: in slices */
    uint64_t done;   /* bytes of the next one */
};

/* Pool bytes and whole pages for the record's frontends (0 without). */
uint64_t frontends_bytes(const struct domain_record *record);
uint64_t frontends_pages(const struct domain_record *record);
/* NULL: the pool is exhausted, or there is none to create. */
struct frontend *frontends_create(struct pool *pool, const struct domain_record *record);

/* Before each start of the domain, when its stage 2 has been built: the ioreq pages and closed windows appear
 * in it. As a frontend: its backends are told of the incarnation. */
enum status frontends_start(struct domain *domain) MUST_CHECK;

/* The domain has stopped; its vCPUs have left. Every pair of which it is one side is detached. Bounded;
 * progress in *position, 0 at first; true when done. Before its RAM is scrubbed. */
bool frontends_stop(struct domain *domain, uint32_t *position, uint32_t limit);

/* The backend attaches or detaches one of its frontends, by the id of the server in that domain.
 * ERR_AGAIN-like progress: ERR_BUSY means that a slice was done and the call shall be repeated. ERR_NOENT: no
 * such server; ERR_PERMISSION: not this domain's; ERR_INVALID: the frontend does not run. */
enum status frontend_attach(struct domain *backend, uint16_t frontend, uint16_t server,
                            bool attach) MUST_CHECK;

#endif
