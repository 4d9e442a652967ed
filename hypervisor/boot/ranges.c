/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/ranges.h"

#include "base/string.h"

static void erase(struct ranges *set, uint32_t index)
{
    set->count--;
    memmove(&set->at[index], &set->at[index + 1u], (set->count - index) * sizeof(set->at[0]));
}

static enum status insert(struct ranges *set, uint32_t index, uint64_t base, uint64_t size)
{
    if (set->count == RANGES_MAX) {
        return ERR_NOMEM;
    }
    memmove(&set->at[index + 1u], &set->at[index], (set->count - index) * sizeof(set->at[0]));
    set->at[index] = (struct host_range){base, size};
    set->count++;
    return OK;
}

enum status ranges_add(struct ranges *set, uint64_t base, uint64_t size)
{
    uint64_t end = base + size;
    uint32_t i = 0;

    if (size == 0) {
        return OK;
    }
    while (i < set->count && set->at[i].base + set->at[i].size < base) {
        i++;
    }
    while (i < set->count && set->at[i].base <= end) {
        base = min_u64(base, set->at[i].base);
        end = max_u64(end, set->at[i].base + set->at[i].size);
        erase(set, i);
    }
    return insert(set, i, base, end - base);
}

enum status ranges_remove(struct ranges *set, uint64_t base, uint64_t size)
{
    uint64_t end = base + size;
    uint32_t i = 0;

    while (i < set->count) {
        struct host_range *r = &set->at[i];
        uint64_t r_base = r->base, r_end = r->base + r->size;

        if (!ranges_overlap(r_base, r->size, base, size)) {
            i++;
        } else if (base <= r_base && end >= r_end) {
            erase(set, i);
        } else if (base <= r_base) {
            *r = (struct host_range){end, r_end - end};
        } else {
            r->size = base - r_base;
            if (end < r_end) {
                return insert(set, i + 1u, end, r_end - end);
            }
        }
    }
    return OK;
}

bool ranges_contain(const struct ranges *set, uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (base >= set->at[i].base && base - set->at[i].base <= set->at[i].size &&
            size <= set->at[i].size - (base - set->at[i].base)) {
            return true;
        }
    }
    return false;
}

enum status ranges_take(struct ranges *set, uint64_t size, uint64_t align, bool smallest, uint64_t *base)
{
    uint64_t best = UINT64_MAX;

    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t end = set->at[i].base + set->at[i].size, at;

        if (set->at[i].size < size) {
            continue;
        }
        at = align_down(end - size, align);
        if (at >= set->at[i].base && (!smallest || set->at[i].size <= best)) {
            best = set->at[i].size;
            *base = at;
        }
    }
    return best == UINT64_MAX ? ERR_NOENT : ranges_remove(set, *base, size);
}

uint64_t ranges_largest(const struct ranges *set, uint64_t align, uint64_t *base)
{
    uint64_t best = 0;

    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t start = align_up(set->at[i].base, align);
        uint64_t end = align_down(set->at[i].base + set->at[i].size, align);

        if (end > start && end - start > best) {
            best = end - start;
            *base = start;
        }
    }
    return best;
}
