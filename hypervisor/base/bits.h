/* SPDX-License-Identifier: Apache-2.0 */
/* Bit and field helpers. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/types.h"

#define BIT(n)           (UINT64_C(1) << (n))
#define MASK(hi, lo)     ((~UINT64_C(0) >> (63u - (hi))) & (~UINT64_C(0) << (lo)))
#define FIELD(v, hi, lo) (((uint64_t)(v) & MASK(hi, lo)) >> (lo))

/* Index of the lowest set bit; v is not 0. */
static inline unsigned lowest_bit(uint64_t v)
{
    return (unsigned)__builtin_ctzll(v);
}

#endif
