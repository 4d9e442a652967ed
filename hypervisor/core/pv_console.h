/* SPDX-License-Identifier: Apache-2.0 */
/* The PV console of an enhanced domain (Xen public io/console.h): two rings in one page that lies in the
 * domain's pool and in its IPA space, and an event channel whose other end is the core. HVM parameters tell
 * the domain of both. */
#ifndef CORE_PV_CONSOLE_H
#define CORE_PV_CONSOLE_H

#include "base/types.h"

struct domain;
struct pool;

struct pv_console_page;

struct pv_console {
    struct pv_console_page *page;
    ipa_t at;
    uint32_t out_cons, in_prod; /* the core's positions; what the page says of them is for the domain only */
    bool input;                 /* the domain has no emulated UART: input comes here */
};

#define PV_CONSOLE_BYTES (64u + PAGE_SIZE) /* of pool */
/* From the pool; NULL: it is exhausted. */
struct pv_console *pv_console_create(struct pool *pool, const struct domain *domain);

/* Before each start: rings empty, the page mapped. Stage 2 has been built and nobody uses it yet. */
void pv_console_start(struct domain *domain);

/* The domain's buffer of the console has room again, or input has come: moves some bytes and notifies the
 * domain; the rest comes with the next call, which the console is asked for. */
void pv_console_refresh(struct domain *domain);

/* The domain rings (EVTCHNOP_send): moves some bytes. True: there are more, and room for them: call again.
 * *refresh: domains to be looked at (effects_refresh_uarts()). */
bool pv_console_notify(struct domain *domain, uint32_t *refresh);

/* What HVM parameters say: page number and port, 0 if there is no PV console. */
uint64_t pv_console_gfn(const struct domain *domain);
uint32_t pv_console_port(const struct domain *domain);

#endif
