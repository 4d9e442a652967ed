/* SPDX-License-Identifier: Apache-2.0 */
/* The lock for a plain process: tests of many threads use it too. */
#ifndef ARCH_SPINLOCK_H
#define ARCH_SPINLOCK_H

#include <sched.h>

#include "base/types.h"

static inline void arch_spin_lock(uint32_t *word)
{
    while (__atomic_exchange_n(word, 1u, __ATOMIC_ACQUIRE) != 0) {
        sched_yield(); /* the holder may be a thread that does not run */
    }
}

static inline void arch_spin_unlock(uint32_t *word)
{
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

#endif
