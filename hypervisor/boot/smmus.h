/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_SMMUS_H
#define BOOT_SMMUS_H

#include "boot/arena.h"
#include "boot/host.h"
#include "boot/plan.h"

#ifdef PROFILE_STATIC
static inline bool smmus_start(const struct host *host, const struct plan *plan, struct arena *arena)
{
    (void)host;
    (void)plan;
    (void)arena;
    return true;
}

static inline void smmus_listen(const struct host *host, const struct plan *plan)
{
    (void)host;
    (void)plan;
}
#else
/* Starts each SMMU that has streams of a domain, with its tables and queues in the arena: everything behind
 * it is blocked from then on. False: it is not suited; the reason has been printed. */
bool smmus_start(const struct host *host, const struct plan *plan, struct arena *arena);

/* Fault reports go to this pCPU. */
void smmus_listen(const struct host *host, const struct plan *plan);
#endif

#endif
