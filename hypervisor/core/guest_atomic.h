/* SPDX-License-Identifier: Apache-2.0 */
/* Single atomic operations on memory that a guest may write at any time. An exclusive store can fail for as
 * long as somebody else writes to the same line, so a guest could hold a pCPU for ever: they give up after so
 * many attempts, and the caller stops the guest. */
#ifndef CORE_GUEST_ATOMIC_H
#define CORE_GUEST_ATOMIC_H

#include "base/types.h"

#define GUEST_ATOMIC_ATTEMPTS 256u

/* Sets, clears the bits; what was there before goes to *before. All are sequentially consistent. False: given
 * up, nothing has changed. */
static inline bool guest_set_bits(uint64_t *word, uint64_t bits, uint64_t *before)
{
    uint64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < GUEST_ATOMIC_ATTEMPTS; i++) {
        if (__atomic_compare_exchange_n(word, &seen, seen | bits, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            *before = seen;
            return true;
        }
    }
    return false;
}

static inline bool guest_clear_bits(uint64_t *word, uint64_t bits, uint64_t *before)
{
    uint64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < GUEST_ATOMIC_ATTEMPTS; i++) {
        if (__atomic_compare_exchange_n(word, &seen, seen & ~bits, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
            *before = seen;
            return true;
        }
    }
    return false;
}

static inline bool guest_exchange_byte(uint8_t *byte, uint8_t value, uint8_t *before)
{
    uint8_t seen = __atomic_load_n(byte, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < GUEST_ATOMIC_ATTEMPTS; i++) {
        if (__atomic_compare_exchange_n(byte, &seen, value, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            *before = seen;
            return true;
        }
    }
    return false;
}

#endif
