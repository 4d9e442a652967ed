/* SPDX-License-Identifier: Apache-2.0 */
/* What was written and acknowledged, for those who look from outside: as tests/system/linux/blkcheck.c keeps
 * it and tests/system/outside.py reads it. */
#ifndef RINGLOAD_TABLE_H
#define RINGLOAD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum { BLOCK = 4096, PAGE_ENTRIES = 255 };

struct table_entry {
    volatile uint32_t started, crc, acknowledged, reserved;
};

struct table_page {
    uint64_t mark;
    uint32_t number, pages;
    struct table_entry entries[PAGE_ENTRIES];
};
_Static_assert(sizeof(struct table_page) == BLOCK, "one page");

static inline uint32_t table_pages(uint32_t blocks)
{
    return blocks / PAGE_ENTRIES + 1;
}

static inline struct table_entry *table_entry(struct table_page *table, uint32_t block)
{
    return &table[block / PAGE_ENTRIES].entries[block % PAGE_ENTRIES];
}

/* Whether these pages are a table already: one that an earlier life has left. */
bool table_is_there(const struct table_page *table);
/* `marked`: to be found by those outside. */
void table_make(struct table_page *table, uint32_t blocks, bool marked);

/* A block says where it belongs and which version of it this is; the rest follows from that. */
void block_fill(uint64_t *data, uint32_t block, uint32_t version);
/* The version that the block holds as a whole; -1: none of this block. */
int64_t block_version(const uint64_t *data, uint32_t block);
/* As zlib's crc32(). */
uint32_t block_crc(const uint64_t *data);

#endif
