/* SPDX-License-Identifier: Apache-2.0 */
/* How large the tables of a record get. Apart from the rest of stage 2 because the build machine computes it
 * too. */
#include "arch/arm64/stage2.h"

#include "base/bits.h"

#define IPA_BITS_DEFAULT 39u /* one level-1 page as root; more only when a map lies higher */

static unsigned bits_for(unsigned bits, uint64_t end)
{
    while (bits < 48u && end > (UINT64_C(1) << bits)) {
        bits++;
    }
    return bits;
}

unsigned stage2_ipa_bits(const struct domain_record *record)
{
    unsigned bits = IPA_BITS_DEFAULT;

    for (uint32_t i = 0; i < record->nr_maps; i++) {
        bits = bits_for(bits, record->maps[i].ipa.v + record->maps[i].size);
    }
    for (uint32_t i = 0; i < record->nr_windows; i++) {
        bits = bits_for(bits, record->windows[i].ipa.v + record->windows[i].size);
    }
    for (uint32_t i = 0; i < record->nr_frontends; i++) {
        bits = bits_for(bits, record->frontends[i].page.v + PAGE_SIZE);
    }
    return bits;
}

/* Up to 16 concatenated level-1 tables cover 43 bits; above that the walk starts at level 0. */
void stage2_shape(unsigned ipa_bits, uint32_t *start_level, uint32_t *root_tables)
{
    *start_level = ipa_bits > 43u ? 0 : 1;
    *root_tables = 1u << (ipa_bits > 39u && ipa_bits <= 43u ? ipa_bits - 39u : 0);
}

/* Tables of the level below a block of `block` bytes: where blocks fit, only for the pieces at the ends. */
static uint64_t tables_below(const struct domain_map *map, uint64_t block)
{
    uint64_t first = align_down(map->ipa.v, block), end = align_up(map->ipa.v + map->size, block);
    uint64_t edges = (map->ipa.v % block != 0) + ((map->ipa.v + map->size) % block != 0);

    if ((map->ipa.v - map->pa.v) % block != 0) {
        return (end - first) / block;
    }
    return min_u64(edges, (end - first) / block);
}

static uint64_t tables_of(const struct domain_map *map, uint32_t start)
{
    uint64_t first = align_down(map->ipa.v, GIB(512)), end = align_up(map->ipa.v + map->size, GIB(512));

    return tables_below(map, MIB(2)) + tables_below(map, GIB(1)) +
           (start == 0 ? (end - first) / GIB(512) : 0);
}

/* An upper bound: each map may need tables of its own at both ends of each level. */
static uint64_t pages_of(const struct domain_record *record, bool devices)
{
    uint32_t start, roots;
    uint64_t pages;

    stage2_shape(stage2_ipa_bits(record), &start, &roots);
    pages = roots + (roots > 1 ? roots - 1u : 0); /* the root is aligned to its size */
    for (uint32_t i = 0; i < record->nr_maps; i++) {
        pages += devices && record->maps[i].kind != MAP_RAM ? 0 : tables_of(&record->maps[i], start);
    }
    for (uint32_t i = 0; i < record->nr_windows; i++) {
        struct domain_map map = domain_window_map(&record->windows[i]);

        pages += tables_of(&map, start);
    }
    for (uint32_t i = 0; i < record->nr_frontends && !devices; i++) {
        struct domain_map map = {.ipa = record->frontends[i].page, .size = PAGE_SIZE};

        pages += tables_of(&map, start);
    }
    return pages;
}

uint64_t stage2_table_pages(const struct domain_record *record)
{
    return pages_of(record, false) + (record->nr_streams != 0 ? pages_of(record, true) : 0);
}
