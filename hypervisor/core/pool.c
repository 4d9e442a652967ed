/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"

#include "base/string.h"

void pool_init(struct pool *pool, void *base, uint64_t size)
{
    pool->base = base;
    pool->size = size;
    pool->used = 0;
}

void *pool_alloc(struct pool *pool, uint64_t size, uint64_t align)
{
    uint64_t base = (uint64_t)pool->base;
    uint64_t at = align_up(base + pool->used, align) - base;

    if (at > pool->size || size > pool->size - at) {
        return NULL;
    }
    pool->used = at + size;
    return memset(pool->base + at, 0, size);
}

void *pool_pages(struct pool *pool, uint64_t count)
{
    uint64_t bytes = count * PAGE_SIZE;

    if (bytes > pool->size - pool->used) {
        return NULL;
    }
    pool->size -= bytes;
    return memset(pool->base + pool->size, 0, bytes);
}
