/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket lock: next ticket in bits 31:16, the one being served in bits 15:0. */
#ifndef ARCH_SPINLOCK_H
#define ARCH_SPINLOCK_H

#include "base/types.h"

static inline void arch_spin_lock(uint32_t *word)
{
    uint32_t mine, next, failed;

    __asm__ volatile("1: ldaxr %w0, [%3]\n"
                     "   add   %w1, %w0, #16, lsl #12\n"
                     "   stxr  %w2, %w1, [%3]\n"
                     "   cbnz  %w2, 1b\n"
                     "   eor   %w1, %w0, %w0, ror #16\n"
                     "   cbz   %w1, 3f\n"
                     "2: yield\n"
                     "   ldarh %w1, [%3]\n"
                     "   eor   %w1, %w1, %w0, lsr #16\n"
                     "   cbnz  %w1, 2b\n"
                     "3:"
                     : "=&r"(mine), "=&r"(next), "=&r"(failed)
                     : "r"(word)
                     : "memory");
}

static inline void arch_spin_unlock(uint32_t *word)
{
    uint16_t *serving = (uint16_t *)word; /* little endian: the low half */

    __atomic_store_n(serving, (uint16_t)(*serving + 1u), __ATOMIC_RELEASE);
}

#endif
