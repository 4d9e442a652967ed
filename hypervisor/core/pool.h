/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's own supply of memory for tables and objects, sized by boot and never refilled at run time. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "base/types.h"
#include "core/record.h"

struct pool {
    uint8_t *base;
    uint64_t size;
    uint64_t used;
};

/* Bytes of pool that the record needs (struct domain, vCPUs, virtual interrupt state, stage-2 tables), a
 * multiple of PAGE_SIZE. Reads nr_vcpus, nr_spis, flags, maps, frontends and
 * windows; `pool` and `pool_size` need not be set yet.
 */
uint64_t domain_pool_bytes(const struct domain_record *record);

void pool_init(struct pool *pool, void *base, uint64_t size);

/* Zeroed memory of `size` bytes, aligned to `align` (a power of two), or NULL when the pool is exhausted. */
void *pool_alloc(struct pool *pool, uint64_t size, uint64_t align);

/* Whole zeroed pages, from the other end of the pool: nothing is lost to alignment. Base and size of the pool
 * are multiples of PAGE_SIZE. NULL when it is exhausted. */
void *pool_pages(struct pool *pool, uint64_t count);

#endif
