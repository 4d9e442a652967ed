/* SPDX-License-Identifier: Apache-2.0 */
/* core/guest_atomic.h by exclusives: every supported core has them, and the number of attempts is ours. */
#ifndef ARCH_GUEST_ATOMIC_H
#define ARCH_GUEST_ATOMIC_H

#include "base/types.h"

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* The load and the store of one width, and what lies between them. */
#define GUEST_ATOMIC(load, store, change)                                                        \
    __asm__ volatile(                                                                            \
        "   mov   %w[left], #" STRING(GUEST_ATOMIC_ATTEMPTS) "\n"                                \
                                                             "1: " load "\n"                     \
                                                             "   " change "\n"                   \
                                                             "   " store "\n"                    \
                                                             "   cbz   %w[failed], 2f\n"         \
                                                             "   sub   %w[left], %w[left], #1\n" \
                                                             "   cbnz  %w[left], 1b\n"           \
                                                             "2:"                                \
        : [seen] "=&r"(seen), [next] "=&r"(next), [failed] "=&r"(failed), [left] "=&r"(left)     \
        : [at] "r"(at), [value] "r"(value)                                                       \
        : "memory")

static inline bool guest_set_bits(uint64_t *at, uint64_t value, uint64_t *before)
{
    uint64_t seen, next;
    uint32_t failed, left;

    GUEST_ATOMIC("ldaxr %[seen], [%[at]]", "stlxr %w[failed], %[next], [%[at]]",
                 "orr   %[next], %[seen], %[value]");
    *before = seen;
    return failed == 0;
}

static inline bool guest_clear_bits(uint64_t *at, uint64_t value, uint64_t *before)
{
    uint64_t seen, next;
    uint32_t failed, left;

    GUEST_ATOMIC("ldaxr %[seen], [%[at]]", "stlxr %w[failed], %[next], [%[at]]",
                 "bic   %[next], %[seen], %[value]");
    *before = seen;
    return failed == 0;
}

static inline bool guest_exchange_byte(uint8_t *at, uint8_t value, uint8_t *before)
{
    uint32_t seen, next, failed, left;

    GUEST_ATOMIC("ldaxrb %w[seen], [%[at]]", "stlxrb %w[failed], %w[next], [%[at]]",
                 "mov   %w[next], %w[value]");
    *before = (uint8_t)seen;
    return failed == 0;
}

#endif
