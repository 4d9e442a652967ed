/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of stage 2 (Arm ARM D8.3). Between the files of stage 2 only. */
#ifndef ARCH_STAGE2_TABLES_H
#define ARCH_STAGE2_TABLES_H

#include "arch/arm64/stage1.h"
#include "arch/arm64/stage2.h"
#include "base/bits.h"

#define STAGE2_ENTRIES 512u

/* Leaf descriptors. MemAttr 0b1111 Normal write-back, 0b0001 Device-nGnRE. Bits 55 and 56 are for software.
 */
#define S2_TABLE   UINT64_C(3)
#define S2_BLOCK   UINT64_C(1)
#define S2_PAGE    UINT64_C(3)
#define S2_AF      BIT(10)
#define S2_SH      (UINT64_C(3) << 8)
#define S2_R       (UINT64_C(1) << 6)
#define S2_RW      (UINT64_C(3) << 6)
#define S2_XN      (UINT64_C(2) << 53)
#define S2_NORMAL  (S2_AF | S2_SH | (UINT64_C(0xf) << 2))
#define S2_DEVICE  (S2_AF | S2_RW | S2_XN | (UINT64_C(1) << 2))
#define S2_ADDRESS MASK(47, 12)

static inline uint64_t stage2_span(unsigned level)
{
    return UINT64_C(1) << (39u - 9u * level);
}

/* A block of `level` can map at this point: congruent addresses, whole block inside. */
static inline bool stage2_block_fits(const struct domain_map *map, uint64_t offset, unsigned level)
{
    uint64_t size = stage2_span(level);

    return level >= 1u && (map->ipa.v + offset) % size == 0 && (map->pa.v + offset) % size == 0 &&
           map->size - offset >= size;
}

static inline unsigned stage2_leaf_level(const struct domain_map *map, uint64_t offset)
{
    return stage2_block_fits(map, offset, 1) ? 1u : stage2_block_fits(map, offset, 2) ? 2u : 3u;
}

static inline uint64_t *stage2_table_of(uint64_t entry)
{
    /* Tables come from the heap, which EL2 maps linearly. */
    return stage1_pointer(PA(entry & S2_ADDRESS));
}

/* Writes the entry for ipa at that level, which is invalid so far, and makes the tables above it. Walkers do
 * not use them yet. ERR_NOMEM: the pool is exhausted. ERR_EXIST: something is there. */
enum status stage2_enter(struct stage2 *stage2, struct pool *pool, uint64_t ipa, uint64_t entry,
                         unsigned level) MUST_CHECK;

#endif
