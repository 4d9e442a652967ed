/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/stage2.h"

#include "arch/arm64/errata.h"
#include "arch/arm64/ops.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/stage2_tables.h"
#include "arch/arm64/sysreg.h"
#include "base/string.h"
#include "drivers/smmu_v3.h"

static const uint64_t attributes_of[MAP_SHARED_READ + 1u] = {
    [MAP_RAM] = S2_NORMAL | S2_RW,
    [MAP_GICV] = S2_DEVICE,
    [MAP_DEVICE] = S2_DEVICE,
    [MAP_SHARED] = S2_NORMAL | S2_RW | S2_XN,
    [MAP_SHARED_READ] = S2_NORMAL | S2_R | S2_XN,
};

unsigned stage2_ipa_bits_max(void)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
    uint64_t range = READ_SYSREG(id_aa64mmfr0_el1) % 16u;

    return range < ARRAY_SIZE(bits) ? bits[range] : 48u;
}

enum status stage2_enter(struct stage2 *stage2, struct pool *pool, uint64_t ipa, uint64_t entry,
                         unsigned level)
{
    uint64_t *table = stage2->root;
    uint64_t index = ipa / stage2_span(stage2->start_level);

    for (unsigned at = stage2->start_level; at < level; at++) {
        if (table[index] == 0) {
            uint64_t *next = pool_alloc(pool, PAGE_SIZE, PAGE_SIZE);

            if (next == NULL) {
                return ERR_NOMEM;
            }
            table[index] = stage1_pa(next).v | S2_TABLE;
        } else if (table[index] % 4u == S2_BLOCK) {
            return ERR_EXIST;
        }
        table = stage2_table_of(table[index]);
        index = ipa / stage2_span(at + 1u) % STAGE2_ENTRIES;
    }
    if (table[index] != 0) {
        return ERR_EXIST;
    }
    table[index] = entry;
    return OK;
}

/* The entry at `offset` of the map. *size: what it covers. */
static enum status map_entry(struct stage2 *stage2, struct pool *pool, const struct domain_map *map,
                             uint64_t offset, uint64_t *size)
{
    unsigned level = stage2_leaf_level(map, offset);

    *size = stage2_span(level);
    return stage2_enter(stage2, pool, map->ipa.v + offset,
                        (map->pa.v + offset) | attributes_of[map->kind] | (level == 3u ? S2_PAGE : S2_BLOCK),
                        level);
}

#if defined(BREAK_stage2_device) || defined(BREAK_stage2_hypervisor) || defined(BREAK_stage2_neighbour)
#define STAGE2_HOLE
/* Test-only builds: every domain has one page too many, at the page's own address. */
static enum status open_hole(struct stage2 *stage2, struct pool *pool, const struct domain_record *record)
{
    static uint64_t unused[STAGE2_ENTRIES] __attribute__((aligned(4096)));
    static pa_t first;
    struct domain_map hole = {.size = PAGE_SIZE, .kind = MAP_RAM};
    uint64_t size;

    if (first.v == 0) {
        first = record->maps[0].pa;
    }
#if defined(BREAK_stage2_device)
    hole.pa = PA(0x09000000u); /* QEMU's virt board: the UART that the hypervisor uses */
    hole.kind = MAP_DEVICE;
#elif defined(BREAK_stage2_hypervisor)
    hole.pa = stage1_pa(unused);
#else
    hole.pa = first;
#endif
    hole.ipa = IPA(hole.pa.v);
    (void)unused;
    return map_entry(stage2, pool, &hole, 0, &size);
}
#endif

static uint64_t vtcr(const struct stage2 *stage2)
{
    uint64_t range = min_u64(READ_SYSREG(id_aa64mmfr0_el1) % 16u, 5);

    return BIT(31) | range << 16 | UINT64_C(3) << 12 | UINT64_C(1) << 10 | UINT64_C(1) << 8 |
           (uint64_t)(2u - stage2->start_level) << 6 | (64u - stage2->ipa_bits);
}

enum status stage2_begin(struct stage2 *stage2, struct pool *pool, const struct domain_record *record,
                         unsigned vmid)
{
    uint64_t bytes;

    stage2->ipa_bits = (uint32_t)min_u64(stage2_ipa_bits(record), stage2_ipa_bits_max());
    stage2_shape(stage2->ipa_bits, &stage2->start_level, &stage2->root_tables);
    bytes = (uint64_t)stage2->root_tables * PAGE_SIZE;
    stage2->root = pool_alloc(pool, bytes, bytes);
    if (stage2->root == NULL) {
        return ERR_NOMEM;
    }
    stage2->vtcr = vtcr(stage2);
    stage2->vttbr = stage1_pa(stage2->root).v | (uint64_t)vmid << 48;
    return OK;
}

enum status stage2_map(struct stage2 *stage2, struct pool *pool, const struct domain_record *record,
                       unsigned entries, uint32_t *map, uint64_t *done)
{
    for (; *map < record->nr_maps; (*map)++, *done = 0) {
        if (stage2->devices && record->maps[*map].kind != MAP_RAM) {
            continue;
        }
        while (*done < record->maps[*map].size) {
            enum status status;
            uint64_t size;

            if (entries-- == 0) {
                return ERR_BUSY;
            }
            status = map_entry(stage2, pool, &record->maps[*map], *done, &size);
            if (status != OK) {
                return status;
            }
            *done += size;
        }
    }
#ifdef STAGE2_HOLE
    (void)open_hole(stage2, pool, record);
#endif
    dsb(ishst);
    return OK;
}

void stage2_flush(const struct stage2 *stage2)
{
    uint64_t previous;

    if (stage2->devices) {
        smmu_flush((unsigned)(stage2->vttbr >> 48));
        return;
    }
    previous = READ_SYSREG(vttbr_el2);
    dsb(ishst);
    WRITE_SYSREG(vttbr_el2, stage2->vttbr);
    isb();
    tlbi_vmalls12e1is();
    dsb(ish);
    if (errata_repeat_tlbi) {
        tlbi_vmalls12e1is();
        dsb(ish);
    }
    WRITE_SYSREG(vttbr_el2, previous);
    isb();
}

bool stage2_look(const struct stage2 *stage2, ipa_t ipa, struct stage2_page *page)
{
    const uint64_t *table = stage2->root;
    uint64_t index = ipa.v / stage2_span(stage2->start_level);

    if (ipa.v >= UINT64_C(1) << stage2->ipa_bits) {
        return false;
    }
    for (unsigned level = stage2->start_level;; level++) {
        uint64_t entry = table[index];

        if (entry % 2u == 0) {
            return false;
        }
        if (level == 3u || entry % 4u == S2_BLOCK) {
            page->pa = PA((entry & S2_ADDRESS) + ipa.v % stage2_span(level));
            page->normal = (entry & S2_NORMAL) == S2_NORMAL;
            page->writable = (entry & S2_RW) == S2_RW;
            return true;
        }
        table = stage2_table_of(entry);
        index = ipa.v / stage2_span(level + 1u) % STAGE2_ENTRIES;
    }
}

bool stage2_lookup(const struct stage2 *stage2, ipa_t ipa, pa_t *pa)
{
    struct stage2_page page;
    bool found = stage2_look(stage2, ipa, &page);

    if (found) {
        *pa = page.pa;
    }
    return found;
}

/* Walkers see the tables below before the entry that leads to them, and never two valid entries in turn. What
 * an SMMU knows of a page goes alone: the devices' other pages are in use. */
static void replace(const struct stage2 *stage2, uint64_t *entry, uint64_t to, uint64_t ipa, unsigned level)
{
    if (*entry % 2u != 0) {
        __atomic_store_n(entry, 0, __ATOMIC_RELAXED);
        if (stage2->devices && level == 3u) {
            smmu_flush_page((unsigned)(stage2->vttbr >> 48), IPA(ipa));
        } else {
            stage2_flush(stage2);
        }
    } else {
        dsb(ishst);
    }
    __atomic_store_n(entry, to, __ATOMIC_RELAXED);
    dsb(ishst);
    isb(); /* for a translation by this pCPU before it returns to a guest */
}

static bool is_table(uint64_t entry)
{
    return entry % 4u == S2_TABLE;
}

/* What a block of `level` maps, in entries of the level below. */
static void split(uint64_t *table, uint64_t block, unsigned level)
{
    uint64_t kind = level + 1u == 3u ? S2_PAGE : S2_BLOCK;

    for (uint64_t i = 0; i < STAGE2_ENTRIES; i++) {
        table[i] = ((block & ~UINT64_C(3)) + i * stage2_span(level + 1u)) | kind;
    }
}

static unsigned tables_missing(const struct stage2 *stage2, uint64_t ipa)
{
    const uint64_t *table = stage2->root;
    uint64_t index = ipa / stage2_span(stage2->start_level);
    unsigned level = stage2->start_level;

    for (; level < 3u && is_table(table[index]); level++) {
        table = stage2_table_of(table[index]);
        index = ipa / stage2_span(level + 1u) % STAGE2_ENTRIES;
    }
    return 3u - level;
}

static enum status change(struct stage2 *stage2, struct pool *pool, uint64_t ipa, uint64_t leaf)
{
    uint64_t *table = stage2->root, index = ipa / stage2_span(stage2->start_level);

    if (ipa >= UINT64_C(1) << stage2->ipa_bits) {
        return ERR_RANGE;
    }
    if (align_up(pool->used, PAGE_SIZE) + tables_missing(stage2, ipa) * (uint64_t)PAGE_SIZE > pool->size) {
        return ERR_NOMEM;
    }
    for (unsigned level = stage2->start_level; level < 3u; level++) {
        if (!is_table(table[index])) {
            uint64_t *next = pool_alloc(pool, PAGE_SIZE, PAGE_SIZE);

            if (table[index] != 0) {
                split(next, table[index], level);
            }
            replace(stage2, &table[index], stage1_pa(next).v | S2_TABLE, ipa, level);
        }
        table = stage2_table_of(table[index]);
        index = ipa / stage2_span(level + 1u) % STAGE2_ENTRIES;
    }
    replace(stage2, &table[index], leaf, ipa, 3u);
    return OK;
}

enum status stage2_put(struct stage2 *stage2, struct pool *pool, ipa_t ipa, pa_t pa, enum map_kind kind)
{
    return change(stage2, pool, ipa.v, pa.v | attributes_of[kind] | S2_PAGE);
}

enum status stage2_drop(struct stage2 *stage2, struct pool *pool, ipa_t ipa)
{
    return change(stage2, pool, ipa.v, 0);
}
