/* SPDX-License-Identifier: Apache-2.0 */
/* Translation tables: each address is mapped to itself. Written with the MMU off. */
#include "guest.h"

#define ENTRIES  512U
#define BLOCK    0x200000UL
#define GIGABYTE 0x40000000UL
#define VALID    0x1UL
#define TABLE    0x3UL
#define NORMAL   0x704UL            /* access flag, inner shareable, attribute 1 */
#define DEVICE   0x60000000000400UL /* access flag, attribute 0, never execute */

/* Level 1, and level 2 of the first gigabyte. start.S puts `tables` into TTBR0_EL1. */
__attribute__((aligned(4096))) uint64_t tables[ENTRIES];
static __attribute__((aligned(4096))) uint64_t low[ENTRIES];

void memory_init(void)
{
    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint64_t at = i * BLOCK;

        tables[i] = i * GIGABYTE + NORMAL + VALID;
        low[i] = at + (at >= SHARED_BEGIN && at < SHARED_END ? NORMAL : DEVICE) + VALID;
    }
    tables[0] = (uintptr_t)low + TABLE;
}
