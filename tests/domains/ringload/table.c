/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "runtime/memory.h"

/* "BlkCheck"; in the program's file it stands inverted. */
#define NOT_THE_MARK (~UINT64_C(0x6b636568436b6c42))
enum { WORDS = BLOCK / 8 };

bool table_is_there(const struct table_page *table)
{
    return table->mark == ~NOT_THE_MARK;
}

void table_make(struct table_page *table, uint32_t blocks, bool marked)
{
    uint32_t pages = table_pages(blocks);

    memset(table, 0, (size_t)pages * BLOCK);
    for (uint32_t i = 0; i < pages; i++) {
        table[i].number = i;
        table[i].pages = pages;
        table[i].mark = marked ? ~NOT_THE_MARK : 0;
    }
}

static uint64_t word(uint32_t block, uint32_t version, uint32_t i)
{
    uint64_t x = ((uint64_t)block << 32 | version) * UINT64_C(0x9e3779b97f4a7c15) + i;

    return i == 0 ? block : i == 1 ? version : x ^ x >> 29;
}

void block_fill(uint64_t *data, uint32_t block, uint32_t version)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        data[i] = word(block, version, i);
    }
}

int64_t block_version(const uint64_t *data, uint32_t block)
{
    uint64_t version = data[1];

    for (uint32_t i = 0; i < WORDS; i++) {
        if (version > UINT32_MAX || data[i] != word(block, (uint32_t)version, i)) {
            return -1;
        }
    }
    return (int64_t)version;
}

uint32_t block_crc(const uint64_t *data)
{
    uint32_t crc = ~UINT32_C(0);

    for (uint32_t i = 0; i < WORDS; i++) {
        __asm__(".arch_extension crc\n crc32x %w0, %w0, %1" : "+r"(crc) : "r"(data[i]));
    }
    return ~crc;
}
