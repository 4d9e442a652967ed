/* SPDX-License-Identifier: Apache-2.0 */
/* How large the tables of a record get. Apart from the rest of stage 2 because the build machine computes it too. */
#include "arch/arm64/stage2.h"

#include "base/bits.h"

#define IPA_BITS_DEFAULT 39u /* one level-1 page as root; more only when a map lies higher */

unsigned stage2_ipa_bits(const struct domain_record *record)
{
    unsigned bits = IPA_BITS_DEFAULT;

    for (uint32_t i = 0; i < record->nr_maps; i++) {
        while (bits < 48u && record->maps[i].ipa.v + record->maps[i].size > (UINT64_C(1) << bits)) {
            bits++;
        }
    }
    return bits;
}

/* Up to 16 concatenated level-1 tables cover 43 bits; above that the walk starts at level 0. */
void stage2_shape(unsigned ipa_bits, uint32_t *start_level, uint32_t *root_tables)
{
    *start_level = ipa_bits > 43u ? 0 : 1;
    *root_tables = 1u << (ipa_bits > 39u && ipa_bits <= 43u ? ipa_bits - 39u : 0);
}

/* Counts tables as an upper bound: each map may need its own at both ends of each level. */
uint64_t stage2_table_pages(const struct domain_record *record)
{
    uint32_t start, roots;
    uint64_t pages;

    stage2_shape(stage2_ipa_bits(record), &start, &roots);
    pages = roots + (roots > 1 ? roots - 1u : 0); /* the root is aligned to its size */
    for (uint32_t i = 0; i < record->nr_maps; i++) {
        const struct domain_map *map = &record->maps[i];
        bool congruent = (map->ipa.v - map->pa.v) % MIB(2) == 0;
        uint64_t first = align_down(map->ipa.v, MIB(2)), end = align_up(map->ipa.v + map->size, MIB(2));
        uint64_t edges = (map->ipa.v % MIB(2) != 0) + ((map->ipa.v + map->size) % MIB(2) != 0);

        if (end - first == MIB(2) && edges > 1) {
            edges = 1;
        }
        pages += congruent ? edges : (end - first) / MIB(2);
        pages += (align_up(end, GIB(1)) - align_down(first, GIB(1))) / GIB(1);
        pages += start == 0 ? (align_up(end, GIB(512)) - align_down(first, GIB(512))) / GIB(512) : 0;
    }
    return pages;
}
