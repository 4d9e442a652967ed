/* SPDX-License-Identifier: Apache-2.0 */
/* A spinlock, zero = free. Taken with interrupts masked, held for bounded work only; not recursive. First
 * come, first served, so that the wait is bounded by the number of pCPUs. */
#ifndef BASE_SPINLOCK_H
#define BASE_SPINLOCK_H

#include "base/types.h"

#ifdef __aarch64__
#include "arch/arm64/arch_spinlock.h"
#else
#include "arch/host/arch_spinlock.h"
#endif

struct spinlock {
    uint32_t word;
};

static inline void spin_lock(struct spinlock *lock)
{
    arch_spin_lock(&lock->word);
}

static inline void spin_unlock(struct spinlock *lock)
{
    arch_spin_unlock(&lock->word);
}

#endif
