/* SPDX-License-Identifier: Apache-2.0 */
/* The PV console of an enhanced domain (Xen public io/console.h): two rings in one page that lies in the
 * domain's pool and in its IPA space, and an event channel whose other end is the core. HVM parameters tell
 * the domain of both. */
#ifndef CORE_PV_CONSOLE_H
#define CORE_PV_CONSOLE_H

#include "base/spinlock.h"
#include "base/types.h"
#include "core/console.h"

struct domain;
struct pool;

struct pv_console_page;

struct pv_console {
    struct spinlock *lock; /* of the domain's console port */
    struct console_port *port;
    struct pv_console_page *page;
    ipa_t at;
    bool input; /* the domain has no other UART: input comes here */
};

/* From the pool; NULL: it is exhausted. */
struct pv_console *pv_console_create(struct pool *pool, const struct domain *domain);
uint64_t pv_console_bytes(void);

/* Before each start: rings empty, the page mapped. Stage 2 has been built and nobody uses it. */
void pv_console_start(struct domain *domain);

/* The domain has rung, or its buffer of the console has room again, or input has come: moves what can be
 * moved and notifies the domain. Bounded by the size of the rings. */
void pv_console_refresh(struct domain *domain);

/* What HVM parameters say: page number and port, 0 if there is no PV console. */
uint64_t pv_console_gfn(const struct domain *domain);
uint32_t pv_console_port(const struct domain *domain);

#endif
