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
};

/* Largest IPA size of this core in bits (ID_AA64MMFR0_EL1.PARange), 48 at most. */
unsigned stage2_ipa_bits_max(void);

/* IPA size in bits that the record's maps need. */
unsigned stage2_ipa_bits(const struct domain_record *record);

/* Level at which the walk of so many bits starts, and how many concatenated tables its root has. */
void stage2_shape(unsigned ipa_bits, uint32_t *start_level, uint32_t *root_tables);

/* Table pages that the record's maps need, the root included. */
uint64_t stage2_table_pages(const struct domain_record *record);

/* Builds the tables of the record's maps from the pool: the root, then so many entries at a time, until it
 * says OK. ERR_BUSY: there is more; *map and *done, 0 at first, are the place to go on. The tables were never
 * used by a walker before. */
enum status stage2_begin(struct stage2 *stage2, struct pool *pool, const struct domain_record *record,
                         unsigned vmid) MUST_CHECK;
enum status stage2_map(struct stage2 *stage2, struct pool *pool, const struct domain_record *record,
                       unsigned entries, uint32_t *map, uint64_t *done) MUST_CHECK;

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
