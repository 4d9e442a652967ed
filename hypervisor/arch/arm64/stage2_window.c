/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: ranges of stage 2 that are opened and closed while their domain runs. An entry of a window is as
 * large as its map allows, open or closed: what a block maps when it is open is a table full of the scratch
 * page when it is closed, and all entries of that size share the one table. */
#include "arch/arm64/barrier.h"
#include "arch/arm64/stage2_tables.h"
#include "arch/arm64/sysreg.h"

#define S2_WINDOW (S2_NORMAL | S2_RW | S2_XN)

void stage2_scratch_init(struct stage2_scratch *scratch, void *pages)
{
    uint64_t *level3 = (uint64_t *)pages + STAGE2_ENTRIES, *level2 = level3 + STAGE2_ENTRIES;

    *scratch = (struct stage2_scratch){.page = pages, .level3 = level3, .level2 = level2};
    for (unsigned i = 0; i < STAGE2_ENTRIES; i++) {
        level3[i] = stage1_pa(pages).v | S2_WINDOW | S2_PAGE;
        level2[i] = stage1_pa(level3).v | S2_TABLE;
    }
}

static uint64_t open_entry(const struct domain_map *map, uint64_t offset, unsigned level)
{
    return (map->pa.v + offset) | S2_WINDOW | (level == 3u ? S2_PAGE : S2_BLOCK);
}

static uint64_t closed_entry(const struct stage2_scratch *scratch, unsigned level)
{
    if (level == 3u) {
        return stage1_pa(scratch->page).v | S2_WINDOW | S2_PAGE;
    }
    return stage1_pa(level == 2u ? scratch->level3 : scratch->level2).v | S2_TABLE;
}

enum status stage2_window_map(struct stage2 *stage2, struct pool *pool, const struct domain_map *map,
                              const struct stage2_scratch *scratch, unsigned entries, uint64_t *done)
{
    while (*done < map->size) {
        unsigned level = stage2_leaf_level(map, *done);
        enum status status;

        if (entries-- == 0) {
            return ERR_BUSY;
        }
        status = stage2_enter(stage2, pool, map->ipa.v + *done, closed_entry(scratch, level), level);
        if (status != OK) {
            return status;
        }
        *done += stage2_span(level);
    }
    return OK;
}

/* The tables above it are there. */
static uint64_t *entry_at(const struct stage2 *stage2, uint64_t ipa, unsigned level)
{
    uint64_t *table = stage2->root, index = ipa / stage2_span(stage2->start_level);

    for (unsigned at = stage2->start_level; at < level; at++) {
        table = stage2_table_of(table[index]);
        index = ipa / stage2_span(at + 1u) % STAGE2_ENTRIES;
    }
    return &table[index];
}

bool stage2_window_set(struct stage2 *stage2, const struct domain_map *map,
                       const struct stage2_scratch *scratch, bool open, unsigned entries, uint64_t *done)
{
    uint64_t end = *done, at;
    bool changed = false;

    for (unsigned i = 0; i < entries && end < map->size; i++) {
        unsigned level = stage2_leaf_level(map, end);
        uint64_t *entry = entry_at(stage2, map->ipa.v + end, level);

        if (*entry != (open ? open_entry(map, end, level) : closed_entry(scratch, level))) {
            __atomic_store_n(entry, 0, __ATOMIC_RELAXED);
            changed = true;
        }
        end += stage2_span(level);
    }
    if (changed) {
        stage2_flush(stage2);
    }
    for (at = *done; changed && at < end;) {
        unsigned level = stage2_leaf_level(map, at);

        __atomic_store_n(entry_at(stage2, map->ipa.v + at, level),
                         open ? open_entry(map, at, level) : closed_entry(scratch, level), __ATOMIC_RELAXED);
        at += stage2_span(level);
    }
    dsb(ishst);
    isb(); /* for a translation by this pCPU before it returns to a guest */
    *done = end;
    return end >= map->size;
}
