/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pv_console.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/stage1.h"
#include "base/string.h"
#include "core/console.h"
#include "core/domain.h"
#include "core/event.h"

#define RING_IN  1024u
#define RING_OUT 2048u
#define BURST    64u /* bytes moved at once each way */

#define MAGIC_PAGES UINT64_C(0x39000000) /* where Xen's toolstack puts the console page of a guest */

/* struct xencons_interface. Positions count bytes and never go back. */
struct pv_console_page {
    uint8_t in[RING_IN];
    uint8_t out[RING_OUT];
    uint32_t in_cons, in_prod;
    uint32_t out_cons, out_prod;
    uint8_t connection; /* 0: the other end is there */
    uint8_t rest[PAGE_SIZE - RING_IN - RING_OUT - 17u];
};
_Static_assert(sizeof(struct pv_console_page) == PAGE_SIZE, "one page");
_Static_assert(offsetof(struct pv_console_page, connection) == 3088, "Xen's layout");

struct pv_console *pv_console_create(struct pool *pool, const struct domain *domain)
{
    struct pv_console *console = pool_alloc(pool, sizeof *console, 64);
    void *page = pool_pages(pool, 1);

    if (console == NULL || page == NULL) {
        return NULL;
    }
    console->page = page;
    console->input = (domain->record->flags & DOMAIN_VPL011) == 0;
    console->at = IPA(MAGIC_PAGES);
    if ((domain->record->flags & DOMAIN_DIRECT_MAP) != 0) {
        console->at = IPA(stage1_pa(page).v); /* nothing of the domain can lie there */
    }
    return console;
}

void pv_console_start(struct domain *domain)
{
    struct pv_console *console = domain->pv_console;

    memset(console->page, 0, sizeof *console->page);
    console->out_cons = 0;
    console->in_prod = 0;
    if (stage2_put(&domain->stage2, &domain->pool, console->at, stage1_pa(console->page), MAP_SHARED) != OK) {
        console->at = IPA(0);
    }
}

/* Returns bytes moved; *more: there are others, and room for them. */
static uint32_t move_out(struct domain *domain, bool *more)
{
    struct pv_console *console = domain->pv_console;
    struct pv_console_page *page = console->page;
    uint32_t waiting = load_acquire(&page->out_prod) - console->out_cons, moved = 0;
    uint8_t byte = '\n';

    if (waiting > RING_OUT) { /* nonsense: what it holds cannot be told */
        console->out_cons += waiting;
        waiting = 0;
    }
    while (moved < waiting && moved < BURST) {
        byte = load_relaxed(&page->out[console->out_cons % RING_OUT]);
        if (!console_put(domain->port, byte)) {
            break;
        }
        console->out_cons++;
        moved++;
    }
    if (moved == waiting && byte == ' ') {
        console_settle(domain->port); /* a prompt, most probably: nothing else tells */
    }
    *more = moved == BURST && moved < waiting;
    store_release(&page->out_cons, console->out_cons);
    return moved;
}

static uint32_t move_in(struct domain *domain, bool *more)
{
    struct pv_console *console = domain->pv_console;
    struct pv_console_page *page = console->page;
    uint32_t unread = console->in_prod - load_acquire(&page->in_cons), moved = 0;
    uint8_t byte;

    while (console->input && unread + moved < RING_IN && moved < BURST && console_get(domain->port, &byte)) {
        __atomic_store_n(&page->in[console->in_prod % RING_IN], byte, __ATOMIC_RELAXED);
        console->in_prod++;
        moved++;
    }
    *more |= moved == BURST;
    store_release(&page->in_prod, console->in_prod);
    return moved;
}

static bool move(struct domain *domain)
{
    uint32_t moved;
    bool more;

    spin_lock(domain->port_lock);
    moved = move_out(domain, &more) + move_in(domain, &more);
    spin_unlock(domain->port_lock);
    if (moved != 0) {
        event_raise(domain, domain->record->console_port);
    }
    return more;
}

void pv_console_refresh(struct domain *domain)
{
    if (move(domain)) {
        console_ask_refresh(domain->port);
    }
}

bool pv_console_notify(struct domain *domain, uint32_t *refresh)
{
    bool more = move(domain);

    *refresh = console_ready(domain->port) ? console_pump() : 0;
    return more;
}

uint64_t pv_console_gfn(const struct domain *domain)
{
    return domain->pv_console != NULL ? domain->pv_console->at.v / PAGE_SIZE : 0;
}

uint32_t pv_console_port(const struct domain *domain)
{
    return domain->pv_console != NULL ? domain->record->console_port : 0;
}
