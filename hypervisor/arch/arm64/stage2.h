/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2: the translation from IPA to PA of one domain (Arm ARM D8.2, D8.3), 4 KiB granule. */
#ifndef ARCH_STAGE2_H
#define ARCH_STAGE2_H

#include "base/status.h"
#include "base/types.h"
#include "core/pool.h"
#include "core/record.h"

struct stage2 {
    uint64_t *root;
    uint64_t vttbr; /* root and VMID */
    uint64_t vtcr;
    uint32_t ipa_bits;
    uint32_t root_tables;
    uint32_t start_level;
    bool devices; /* the SMMU walks it: only what devices may reach is in it */
};

/* Largest IPA size of this core in bits (ID_AA64MMFR0_EL1.PARange), 48 at most. */
unsigned stage2_ipa_bits_max(void);

/* IPA size in bits that the record's maps need. */
unsigned stage2_ipa_bits(const struct domain_record *record);

/* Level at which the walk of so many bits starts, and how many concatenated tables its root has. */
void stage2_shape(unsigned ipa_bits, uint32_t *start_level, uint32_t *root_tables);

/* Table pages that the record's maps need, the root included; of both tables if an SMMU walks the other one.
 */
uint64_t stage2_table_pages(const struct domain_record *record);

/* Builds the tables of the record's maps from the pool: the root, then so many entries at a time, until it
 * says OK. ERR_BUSY: there is more; *map and *done, 0 at first, are the place to go on. The tables were never
 * used by a walker before. */
enum status stage2_begin(struct stage2 *stage2, struct pool *pool, const struct domain_record *record,
                         unsigned vmid) MUST_CHECK;
enum status stage2_map(struct stage2 *stage2, struct pool *pool, const struct domain_record *record,
                       unsigned entries, uint32_t *map, uint64_t *done) MUST_CHECK;

/* A page that stands for any number of pages, and a full table of it for pieces of 2 MiB and of 1 GiB. */
struct stage2_scratch {
    void *page;
    uint64_t *level3, *level2;
};
#define STAGE2_SCRATCH_PAGES 3u
/* In so many zeroed pages of EL2's heap. */
void stage2_scratch_init(struct stage2_scratch *scratch, void *pages);

/* A window: a range that shows what its map says when it is open, and the scratch page when it is closed. Its
 * tables are made at once and stay; opening and closing need none. stage2_window_map() builds it closed, as
 * stage2_map() does the rest. stage2_window_set() changes so many entries of tables that walkers may use,
 * break before make, with one TLB maintenance for all of them; true when the window is open, or closed.
 * *done is 0 at first. Under the domain's stage2_lock. */
enum status stage2_window_map(struct stage2 *stage2, struct pool *pool, const struct domain_map *map,
                              const struct stage2_scratch *scratch, unsigned entries,
                              uint64_t *done) MUST_CHECK;
bool stage2_window_set(struct stage2 *stage2, const struct domain_map *map,
                       const struct stage2_scratch *scratch, bool open, unsigned entries, uint64_t *done);

/* Removes every TLB entry of the domain on all pCPUs. */
void stage2_flush(const struct stage2 *stage2);

/* What is mapped at a page. */
struct stage2_page {
    pa_t pa;
    bool normal; /* Normal memory, else device registers */
    bool writable;
};

/* The page that holds ipa, with its PA for exactly ipa; false if it is not mapped. */
bool stage2_look(const struct stage2 *stage2, ipa_t ipa, struct stage2_page *page);
bool stage2_lookup(const struct stage2 *stage2, ipa_t ipa, pa_t *pa);

/* Changes the page at ipa of tables that walkers may use: nothing (pa is not looked at) or a page of some
 * kind. Tables that are missing come from the pool, blocks are split; all that is needed is there before
 * anything changes. An entry that was valid is invalid, and gone from all TLBs, before the new one is written
 * (break before make, Arm ARM D8.16.1). ERR_RANGE: beyond the IPA size. ERR_NOMEM. Under the domain's
 * stage2_lock. */
enum status stage2_put(struct stage2 *stage2, struct pool *pool, ipa_t ipa, pa_t pa,
                       enum map_kind kind) MUST_CHECK;
enum status stage2_drop(struct stage2 *stage2, struct pool *pool, ipa_t ipa) MUST_CHECK;

#endif
