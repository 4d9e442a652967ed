/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/memory.h"

#include <stdbool.h>

#include "runtime/arch.h"
#include "runtime/copy.h"
#include "runtime/crash.h"
#include "runtime/tree.h"

#define PAGE    UINT64_C(4096)
#define ENTRIES 512u
#define ADDRESS UINT64_C(0x0000fffffffff000)
#define VALID   UINT64_C(1)
#define TABLE   UINT64_C(3) /* a table, or at the last level a page */
#define COMMON \
    (UINT64_C(1) << 10 | UINT64_C(3) << 8 | UINT64_C(1) << 54) /* access flag, inner shareable, UXN */
#define PXN      (UINT64_C(1) << 53)
#define READONLY (UINT64_C(1) << 7)
#define NORMAL   (UINT64_C(1) << 2) /* attribute 1 */

#define CODE      (COMMON | NORMAL | READONLY)
#define CONSTANTS (COMMON | NORMAL | READONLY | PXN)
#define DATA      (COMMON | NORMAL | PXN)
#define DEVICE    (COMMON | PXN)

extern uint8_t _start[], constants_begin[], bss_begin[], image_end[];

/* MAIR, TCR, TTBR0, SCTLR: start.S loads them. */
uint64_t translation[4];
static uint64_t *root;
static uintptr_t arena_at, arena_end;
static bool arena_closed;

uintptr_t start_memory(const void *tree);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    copy(to, from, size);
    return to;
}

void *memset(void *to, int value, size_t size)
{
    uint8_t *t = to;
    uint64_t word = (uint8_t)value * UINT64_C(0x0101010101010101);

    for (; size > 0 && (uintptr_t)t % 8 != 0; size--) {
        *t++ = (uint8_t)value;
    }
    for (; size >= 8; size -= 8, t += 8) {
        __asm__ volatile("str %0, [%1]" : : "r"(word), "r"(t) : "memory");
    }
    for (; size > 0; size--) {
        *t++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *p = a, *q = b;

    for (; size > 0; size--, p++, q++) {
        if (*p != *q) {
            return *p - *q;
        }
    }
    return 0;
}

void *arena_alloc(size_t size, size_t align, const char *what)
{
    uintptr_t at = (arena_at + align - 1) / align * align;

    if (arena_closed || at > arena_end || size > arena_end - at) {
        crash("no memory for ", what);
    }
    arena_at = at + size;
    return memset((void *)at, 0, size);
}

size_t arena_left(void)
{
    uintptr_t at = (arena_at + PAGE - 1) / PAGE * PAGE;

    return at < arena_end ? arena_end - at : 0;
}

void arena_move(uint64_t base, uint64_t size)
{
    arena_at = base;
    arena_end = base + size;
}

void arena_close(void)
{
    arena_closed = true;
}

static uint64_t *new_table(void)
{
    return arena_alloc(PAGE, PAGE, "translation tables");
}

/* An entry that is in use is taken away first. */
static void put(uint64_t *entry, uint64_t value)
{
    if (*entry != 0) {
        *entry = 0;
        __asm__ volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
    }
    *entry = value;
}

/* The table behind an entry; a block is cut into the same range at the next level. */
static uint64_t *below(uint64_t *entry, uint64_t size)
{
    uint64_t old = *entry, *table;

    if (old % 4 == TABLE) {
        return (uint64_t *)(uintptr_t)(old & ADDRESS);
    }
    table = new_table();
    for (uint64_t i = 0; old != 0 && i < ENTRIES; i++) {
        table[i] = old + i * size + (size == PAGE ? TABLE - VALID : 0);
    }
    DSB();
    put(entry, (uintptr_t)table | TABLE);
    return table;
}

/* [from, end), whole pages, in the largest pieces. */
static void map(uint64_t from, uint64_t end, uint64_t attributes)
{
    while (from < end) {
        uint64_t size = UINT64_C(1) << 30, *entry = &root[from / size % ENTRIES];

        while (size > PAGE && (from % size != 0 || end - from < size || *entry % 4 == TABLE)) {
            size /= ENTRIES;
            entry = &below(entry, size)[from / size % ENTRIES];
        }
        put(entry, from | attributes | (size == PAGE ? TABLE : VALID));
        from += size;
    }
}

static uint64_t *entry_of_block(uint64_t address)
{
    uint64_t *entry = &root[(address >> 30) % ENTRIES];

    return *entry % 4 != TABLE ? entry
                               : &((uint64_t *)(uintptr_t)(*entry & ADDRESS))[(address >> 21) % ENTRIES];
}

/* In a block that holds nothing but devices. */
static bool is_device(uint64_t address)
{
    uint64_t entry = *entry_of_block(address);

    return entry % 4 == VALID && (entry & NORMAL) == 0;
}

void memory_map(uint64_t address, uint64_t size, enum memory_kind kind)
{
    uint64_t end = (address + size + PAGE - 1) / PAGE * PAGE, block = UINT64_C(1) << 21;

    if (size == 0 || end < address || end > UINT64_C(1) << 39) {
        crash("an address beyond the translation", "");
    }
    address = address / PAGE * PAGE;
    if (kind == MEMORY_DEVICE && is_device(address) && is_device(end - 1)) {
        return;
    }
    if (kind == MEMORY_DEVICE && *entry_of_block(address) == 0 && *entry_of_block(end - 1) == 0) {
        address = address / block * block;
        end = (end + block - 1) / block * block;
    }
    map(address, end, kind == MEMORY_NORMAL ? DATA : DEVICE);
    DSB();
    ISB();
}

/* The bank of RAM that holds the image, in the tree's first cells: address and size have two each. */
static uint64_t ram_end(void)
{
    for (tree_node node = tree_child(tree_next(TREE_NONE)); node != TREE_NONE; node = tree_sibling(node)) {
        const char *type = tree_text(node, "device_type");

        for (uint32_t at = 0; type != NULL && text_equal(type, "memory"); at += 4) {
            uint64_t base = tree_number(node, "reg", at, 2, 0), size = tree_number(node, "reg", at + 2, 2, 0);

            if (size == 0) {
                break;
            }
            if ((uintptr_t)_start - base < size) {
                return base + size;
            }
        }
    }
    return (uintptr_t)image_end;
}

/* With the MMU off. Returns the end of what was written. */
uintptr_t start_memory(const void *tree)
{
    uint64_t end;

    if (!tree_open(tree)) {
        crash("no device tree", "");
    }
    end = ram_end();
    arena_at = (uintptr_t)image_end;
    arena_end = end / PAGE * PAGE;
    if (tree_address() >= arena_at && tree_address() < arena_end) {
        arena_end = tree_address() / PAGE * PAGE;
    }
    root = new_table();
    map((uintptr_t)_start, (uintptr_t)constants_begin, CODE);
    map((uintptr_t)constants_begin, (uintptr_t)bss_begin, CONSTANTS);
    map((uintptr_t)bss_begin, arena_end, DATA);
    map(tree_address() / PAGE * PAGE, (tree_address() + tree_size() + PAGE - 1) / PAGE * PAGE, CONSTANTS);
    translation[0] = 0xff04; /* attribute 0: Device-nGnRE, 1: Normal write-back */
    translation[1] = UINT64_C(2) << 32 | 1u << 23 | 0x3519; /* 39 bits, write-back walks, no TTBR1 */
    translation[2] = (uintptr_t)root;
    translation[3] = 0x30d8180d; /* WXN, I, SA, C, M, and what is one on ARMv8.0 */
    return arena_at;
}
