/* SPDX-License-Identifier: Apache-2.0 */
/* core/guest_atomic.h for a plain process. A test sets guest_atomic_fails to see what happens when they give
 * up. */
#ifndef ARCH_GUEST_ATOMIC_H
#define ARCH_GUEST_ATOMIC_H

#include "base/types.h"

extern bool guest_atomic_fails;

static inline bool guest_set_bits(uint64_t *at, uint64_t value, uint64_t *before)
{
    *before = guest_atomic_fails ? 0 : __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);
    return !guest_atomic_fails;
}

static inline bool guest_clear_bits(uint64_t *at, uint64_t value, uint64_t *before)
{
    *before = guest_atomic_fails ? 0 : __atomic_fetch_and(at, ~value, __ATOMIC_SEQ_CST);
    return !guest_atomic_fails;
}

static inline bool guest_exchange_byte(uint8_t *at, uint8_t value, uint8_t *before)
{
    *before = guest_atomic_fails ? 0 : __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
    return !guest_atomic_fails;
}

#endif
