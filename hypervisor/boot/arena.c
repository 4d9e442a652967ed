/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/arena.h"

#include "base/string.h"

void *arena_alloc(struct arena *arena, uint64_t size, uint64_t align)
{
    uint64_t start = align_up(arena->pa + arena->used, align) - arena->pa;

    if (start > arena->size || size > arena->size - start) {
        return NULL;
    }
    arena->used = start + size;
    return memset(arena->base + start, 0, size);
}

uint64_t arena_pa(const struct arena *arena, const void *pointer)
{
    return arena->pa + (uint64_t)((const uint8_t *)pointer - arena->base);
}
