/* SPDX-License-Identifier: Apache-2.0 */
/* A set of addresses as sorted ranges that neither touch nor overlap. */
#ifndef BOOT_RANGES_H
#define BOOT_RANGES_H

#include "base/status.h"
#include "base/types.h"
#include "boot/host.h"

#define RANGES_MAX 160u

struct ranges {
    uint32_t count;
    struct host_range at[RANGES_MAX];
};

/* No range may wrap. ERR_NOMEM if the set has no room for one more range. */
enum status ranges_add(struct ranges *set, uint64_t base, uint64_t size) MUST_CHECK;
enum status ranges_remove(struct ranges *set, uint64_t base, uint64_t size) MUST_CHECK;
bool ranges_contain(const struct ranges *set, uint64_t base, uint64_t size);

/* Takes `size` bytes (page multiple) out of the set, from the top of a range, at a multiple of align.
 * Among the ranges that have room, the one that `smallest` says: the smallest such range, or the highest.
 * ERR_NOENT if none has room. */
enum status ranges_take(struct ranges *set, uint64_t size, uint64_t align, bool smallest,
                        uint64_t *base) MUST_CHECK;

/* Size of the largest piece whose base and size are multiples of align; 0 if there is none. */
uint64_t ranges_largest(const struct ranges *set, uint64_t align, uint64_t *base);

#endif
