/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_ARENA_H
#define BOOT_ARENA_H

#include "base/types.h"

/* Memory that boot hands out and that stays: records, generated device trees, pools. VA to PA is linear. */
struct arena {
    uint8_t *base;
    uint64_t pa;
    uint64_t size;
    uint64_t used;
};

void *arena_alloc(struct arena *arena, uint64_t size, uint64_t align); /* zeroed; NULL when full */
uint64_t arena_pa(const struct arena *arena, const void *pointer);

#endif
