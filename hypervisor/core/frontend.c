/* SPDX-License-Identifier: Apache-2.0 */
#include "core/frontend.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/timer.h"
#include "base/string.h"
#include "bulkhead/ioreq.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/print.h"

#define AT_ONCE 32u /* entries of a window that are opened or closed in one go */

struct frontends *frontends_create(struct pool *pool, const struct domain_record *record)
{
    uint64_t bytes = sizeof(struct frontends) + record->nr_frontends * sizeof(struct frontend);
    struct frontends *frontends = pool_alloc(pool, bytes, 64);

    if (frontends == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < record->nr_frontends; i++) {
        frontends->pair[i].page = pool_pages(pool, 1);
        frontends->pair[i].acquired_at = IPA(~UINT64_C(0));
        if (frontends->pair[i].page == NULL) {
            return NULL;
        }
    }
    if (record->nr_windows != 0) {
        void *pages = pool_pages(pool, STAGE2_SCRATCH_PAGES);

        if (pages == NULL) {
            return NULL;
        }
        stage2_scratch_init(&frontends->scratch, pages);
    }
    return frontends;
}

static const struct domain_frontend *record_of(const struct domain *backend, const struct frontend *pair)
{
    return &backend->record->frontends[pair - backend->frontends->pair];
}

static void write_tail(struct frontend *pair, const struct domain *frontend)
{
    struct bh_ioreq_tail *tail = &pair->page->tail;

    __atomic_store_n(&tail->incarnation, load_relaxed(&frontend->incarnation), __ATOMIC_RELAXED);
    store_release(&tail->attached, pair->attached != 0 ? 1u : 0u);
}

/* A page of the last life of the backend is empty again. */
static void clear_page(struct domain *backend, uint32_t index)
{
    const struct domain *frontend = domain_by_domid(backend->record->frontends[index].domid);
    struct frontend *pair = &backend->frontends->pair[index];

    spin_lock(&pair->lock);
    memset(pair->page, 0, PAGE_SIZE);
    pair->acquired_at = IPA(~UINT64_C(0));
    pair->created = false;
    write_tail(pair, frontend);
    spin_unlock(&pair->lock);
}

static enum status map_page(struct domain *backend, uint32_t index)
{
    return stage2_put(&backend->stage2, &backend->pool, backend->record->frontends[index].page,
                      stage1_pa(backend->frontends->pair[index].page), MAP_SHARED);
}

enum status frontends_map(struct domain *domain, unsigned entries, uint32_t *index, uint64_t *done)
{
    const struct domain_record *record = domain->record;
    struct domain_map map;
    uint32_t window;
    enum status status;

    if (*index < record->nr_frontends) {
        clear_page(domain, *index);
        status = map_page(domain, *index);
        (*index)++;
        return status == OK ? ERR_BUSY : status;
    }
    window = *index - record->nr_frontends;
    if (window >= record->nr_windows) {
        return OK;
    }
    if (window == 0 && *done == 0) {
        memset(domain->frontends->scratch.page, 0, PAGE_SIZE);
    }
    map = domain_window_map(&record->windows[window]);
    status =
        stage2_window_map(&domain->stage2, &domain->pool, &map, &domain->frontends->scratch, entries, done);
    if (status == OK) {
        *done = 0;
        (*index)++;
        status = ERR_BUSY;
    }
    return status;
}

/* One slice. True: all windows of the pair are open, or closed. Its lock is held. */
static bool set_windows(struct domain *backend, struct frontend *pair, bool open)
{
    const struct domain_frontend *f = record_of(backend, pair);
    struct domain_map map;
    uint64_t from = pair->done;

    if (pair->windows == f->nr_windows) {
        return true;
    }
    map = domain_window_map(&backend->record->windows[f->first_window + pair->windows]);
    spin_lock(&backend->stage2_lock);
    if (stage2_window_set(&backend->stage2, &map, &backend->frontends->scratch, open, AT_ONCE, &pair->done)) {
        pair->windows++;
        pair->done = 0;
    }
    dma_window_set(backend, &map, open, AT_ONCE, from);
    spin_unlock(&backend->stage2_lock);
    return pair->windows == f->nr_windows;
}

/* vCPUs of the frontend whose requests wait look at how the pair stands. They say that they wait before they
 * look themselves. */
static void kick_parked(struct domain *frontend)
{
    for (uint32_t i = 0; i < frontend->record->nr_vcpus; i++) {
        if (__atomic_load_n(&frontend->vcpus[i].ioreq.parked, __ATOMIC_SEQ_CST) != 0) {
            vcpu_request(&frontend->vcpus[i], WORK_IOREQ);
        }
    }
}

static void detach(struct frontend *pair, struct domain *frontend)
{
    __atomic_store_n(&pair->attached, 0, __ATOMIC_SEQ_CST);
    write_tail(pair, frontend);
    kick_parked(frontend);
}

/* One slice of detaching while the backend may run. True when nothing is left to do. Its lock is held. */
static bool close_slice(struct domain *backend, struct frontend *pair, struct domain *frontend)
{
    if (!pair->closing && (pair->attached != 0 || pair->windows != 0 || pair->done != 0)) {
        detach(pair, frontend);
        pair->closing = true;
        pair->windows = 0;
        pair->done = 0;
    }
    if (pair->closing && set_windows(backend, pair, false)) {
        pair->closing = false;
        pair->windows = 0;
        pair->done = 0;
    }
    return !pair->closing;
}

/* Every slot names its port before anything is asked (Xen: set_ioreq_server_state fills vp_eport in): a
 * backend written for Xen binds it next. */
static void clear_slots(const struct domain_frontend *record, struct frontend *pair)
{
    memset(pair->page->slot, 0, sizeof pair->page->slot);
    for (uint32_t i = 0; i < record->nr_vcpus; i++) {
        __atomic_store_n(&pair->page->slot[i].port, record->first_port + i, __ATOMIC_RELAXED);
    }
}

/* The windows are open: requests may come. */
static void attach_now(const struct domain_frontend *record, struct frontend *pair, struct domain *frontend)
{
    clear_slots(record, pair);
    pair->busy = true;
    pair->quiet_at = 0;
    pair->attachments += pair->attachments + 1u != 0 ? 1u : 2u;
    __atomic_store_n(&pair->attached, pair->attachments, __ATOMIC_SEQ_CST);
    write_tail(pair, frontend);
    kick_parked(frontend);
}

enum status frontend_attach(struct domain *backend, struct frontend *pair, bool attach)
{
    struct domain *frontend = domain_by_domid(record_of(backend, pair)->domid);
    enum status status = ERR_BUSY;

    spin_lock(&pair->lock);
    if (!attach || pair->closing) {
        if (close_slice(backend, pair, frontend) && !attach) {
            pair->busy = false;
            status = OK;
        }
    } else if (load_acquire(&frontend->state) != DOMAIN_RUNNING) {
        status = ERR_INVALID; /* as long as it is stopping, what is open is closed by it */
    } else if (pair->attached != 0) {
        status = OK;
    } else if (set_windows(backend, pair, true)) {
        attach_now(record_of(backend, pair), pair, frontend);
        status = OK;
    }
    spin_unlock(&pair->lock);
    return status;
}

enum status frontend_find(struct domain *backend, uint16_t frontend, uint16_t server, struct frontend **pair)
{
    const struct domain_record *record = backend->record;
    enum status status = ERR_PERM;

    for (uint32_t i = 0; i < record->nr_frontends; i++) {
        if (record->frontends[i].domid == frontend && record->frontends[i].server == server) {
            *pair = &backend->frontends->pair[i];
            return OK;
        }
        if (record->frontends[i].domid == frontend) {
            const struct domain *domain = domain_by_domid(frontend);

            status = server < domain->record->nr_servers ? ERR_PERM : ERR_NOENT;
        }
    }
    return status;
}

/* The backend looks at the tail of the page. */
static void tell(struct domain *backend, const struct frontend *pair)
{
    event_raise(backend, record_of(backend, pair)->first_port);
}

static struct frontend *pair_of_server(const struct domain *frontend, uint32_t server,
                                       struct domain **backend)
{
    const struct domain_server *s = &frontend->record->servers[server];

    *backend = domain_by_domid(s->backend);
    return &(*backend)->frontends->pair[s->link];
}

void frontends_started(struct domain *domain)
{
    for (uint32_t i = 0; i < domain->record->nr_servers; i++) {
        struct domain *backend;
        struct frontend *pair = pair_of_server(domain, i, &backend);

        spin_lock(&pair->lock);
        write_tail(pair, domain);
        spin_unlock(&pair->lock);
        tell(backend, pair);
    }
}

void frontends_forsake(struct domain *domain)
{
    for (uint32_t i = 0; i < domain->record->nr_frontends; i++) {
        kick_parked(domain_by_domid(domain->record->frontends[i].domid));
    }
}

/* Its stage 2 is made anew before it runs again: nothing need be closed. */
static void stop_backend(struct domain *backend, struct frontend *pair)
{
    struct domain *frontend = domain_by_domid(record_of(backend, pair)->domid);

    spin_lock(&pair->lock);
    detach(pair, frontend);
    pair->closing = false;
    pair->windows = 0;
    pair->done = 0;
    spin_unlock(&pair->lock);
}

static bool stop_frontend(struct domain *frontend, uint32_t server)
{
    struct domain *backend;
    struct frontend *pair = pair_of_server(frontend, server, &backend);
    bool attached, over;

    spin_lock(&pair->lock);
    attached = pair->attached != 0;
    over = close_slice(backend, pair, frontend);
    spin_unlock(&pair->lock);
    if (attached) {
        tell(backend, pair);
    }
    return over;
}

bool frontends_stop(struct domain *domain, uint32_t *position)
{
    const struct domain_record *record = domain->record;

    if (*position < record->nr_frontends) {
        stop_backend(domain, &domain->frontends->pair[*position]);
        (*position)++;
    } else if (*position < record->nr_frontends + record->nr_servers) {
        *position += stop_frontend(domain, *position - record->nr_frontends) ? 1u : 0u;
    }
    return *position == record->nr_frontends + record->nr_servers;
}

/* The lock of the pair keeps the backend from a next life, which would not deserve the crash. */
static enum status look_quiet(struct frontend *pair, struct domain *backend)
{
    uint64_t now = timer_now();
    enum status status = ERR_BUSY;

#ifdef BREAK_quiet
    return OK;
#endif
    spin_lock(&pair->lock);
    if (!pair->busy || (backend->record->flags & DOMAIN_DMA_UNPROTECTED) == 0) {
        status = OK;
    } else if (load_acquire(&backend->state) == DOMAIN_STOPPED) {
        status = ERR_RANGE;
    } else if (pair->quiet_at == 0) {
        pair->quiet_at = now + timer_from_us((uint64_t)backend->record->quiet_ms * 1000u);
    } else if (now >= pair->quiet_at) {
        domain_crash(backend, "its device works on for a frontend that has stopped", false);
    }
    spin_unlock(&pair->lock);
    return status;
}

enum status frontends_quiet(struct domain *domain, uint32_t *position)
{
    enum status status = OK;

    while (status == OK && *position < domain->record->nr_servers) {
        struct domain *backend;
        struct frontend *pair = pair_of_server(domain, *position, &backend);

        status = look_quiet(pair, backend);
        *position += status == OK ? 1u : 0u;
        if (status == ERR_RANGE) {
            print("DOM%u: devices of DOM%u may still write to its memory", domain->record->domid,
                  backend->record->domid);
        }
    }
    return status;
}

void frontends_devices_reset(struct domain *domain)
{
    for (uint32_t i = 0; i < domain->record->nr_frontends; i++) {
        struct frontend *pair = &domain->frontends->pair[i];

        spin_lock(&pair->lock);
        pair->busy = false;
        spin_unlock(&pair->lock);
    }
}
