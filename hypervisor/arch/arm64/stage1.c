/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/stage1.h"

#include "arch/arm64/image.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/ops.h"
#include "arch/arm64/stage1_bits.h"
#include "base/string.h"

/* early_map.c fills these with the MMU off. */
struct stage1_tables stage1_boot_tables;
uint64_t stage1_image_table[STAGE1_TABLE_ENTRIES] __attribute__((aligned(4096)));
uint64_t stage1_stack_table[STAGE1_TABLE_ENTRIES] __attribute__((aligned(4096)));
uint64_t stage1_device_table[STAGE1_TABLE_ENTRIES] __attribute__((aligned(4096)));
uint64_t stage1_share_table[STAGE1_TABLE_ENTRIES] __attribute__((aligned(4096)));
uint64_t stage1_image_pa;

#define MAX_DEVICE_TABLES (DEVICE_VA_SIZE / MIB(2))

static uint64_t *device_tables[MAX_DEVICE_TABLES] = {stage1_device_table};
static uint64_t nr_device_tables = 1, device_used, heap_pa, heap_size;

static unsigned slot(uint64_t va, unsigned level)
{
    return (unsigned)(va >> (39u - 9u * level)) % STAGE1_TABLE_ENTRIES;
}

pa_t stage1_pa(const void *pointer)
{
    uint64_t va = (uint64_t)pointer;

    return PA(va >= HEAP_VA ? va - HEAP_VA + heap_pa : va - IMAGE_VA + stage1_image_pa);
}

void *stage1_pointer(pa_t pa)
{
    return (void *)(pa.v - heap_pa + HEAP_VA);
}

static void flush_all(void)
{
    dsb(nshst);
    tlbi_alle2();
    dsb(nsh);
    isb();
}

volatile void *stage1_map_device(pa_t pa, uint64_t size)
{
    uint64_t first = align_down(pa.v, PAGE_SIZE), end = align_up(pa.v + size, PAGE_SIZE);
    uint64_t pages = (end - first) / PAGE_SIZE, at = device_used;

    if (at + pages > nr_device_tables * STAGE1_TABLE_ENTRIES) {
        return NULL;
    }
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t page = at + i;

        device_tables[page / STAGE1_TABLE_ENTRIES][page % STAGE1_TABLE_ENTRIES] =
            (first + i * PAGE_SIZE) | S1_DEVICE | S1_PAGE;
    }
    device_used += pages;
    dsb(ishst);
    isb();
    return (volatile void *)(DEVICE_VA + at * PAGE_SIZE + pa.v % PAGE_SIZE);
}

void stage1_give_device_table(uint64_t *table)
{
    if (nr_device_tables < MAX_DEVICE_TABLES) {
        stage1_boot_tables.level2[slot(DEVICE_VA, 2) + nr_device_tables] = stage1_pa(table).v | S1_TABLE;
        device_tables[nr_device_tables++] = table;
    }
}

static void map_blocks(uint64_t va, uint64_t pa, uint64_t size, uint64_t attributes)
{
    for (uint64_t done = 0; done < size; done += MIB(2)) {
        stage1_boot_tables.level2[slot(va + done, 2)] = (pa + done) | attributes | S1_BLOCK;
    }
    dsb(ishst);
    isb();
}

const void *stage1_map_blob(pa_t pa, uint64_t size)
{
    uint64_t first = align_down(pa.v, MIB(2)), span = align_up(pa.v + size, MIB(2)) - first;

    if (span > MIB(8)) {
        return NULL;
    }
    map_blocks(BLOB_VA, first, span, S1_RODATA);
    return (const void *)(BLOB_VA + (pa.v - first));
}

void stage1_unmap_blob(void)
{
    for (uint64_t done = 0; done < MIB(8); done += MIB(2)) {
        stage1_boot_tables.level2[slot(BLOB_VA + done, 2)] = 0;
    }
    flush_all();
}

void *stage1_map_heap(pa_t pa, uint64_t size)
{
    heap_pa = pa.v;
    heap_size = size;
    map_blocks(HEAP_VA, pa.v, size, S1_DATA);
    return (void *)HEAP_VA;
}

/* The heap's last block is replaced while this pCPU is the only one that runs: make invalid, flush, write. */
void stage1_trim_heap(uint64_t size, uint64_t *table)
{
    uint64_t whole = align_down(size, MIB(2));
    uint64_t pages = (size - whole) / PAGE_SIZE;

    for (uint64_t i = 0; i < pages; i++) {
        table[i] = (heap_pa + whole + i * PAGE_SIZE) | S1_DATA | S1_PAGE;
    }
    uint64_t entry = pages != 0 ? stage1_pa(table).v | S1_TABLE : 0;

    for (uint64_t done = whole; done < heap_size; done += MIB(2)) {
        stage1_boot_tables.level2[slot(HEAP_VA + done, 2)] = 0;
    }
    flush_all();
    if (entry != 0) {
        stage1_boot_tables.level2[slot(HEAP_VA + whole, 2)] = entry;
        dsb(ishst);
        isb();
    }
    heap_size = size;
}

static void unmap_image(const char *from, const char *to)
{
    for (; from < to; from += PAGE_SIZE) {
        stage1_image_table[(uint64_t)(from - image_start) / PAGE_SIZE] = 0;
    }
}

void stage1_unmap_boot(bool keep_extensions, bool keep_smmu)
{
    stage1_boot_tables.level0[slot(stage1_image_pa, 0)] = 0;
    unmap_image(keep_smmu ? boot_start : smmu_part_start, boot_end);
    if (!keep_extensions) {
        unmap_image(extension_part_start, smmu_part_start);
    }
    unmap_image(boot_bss_start, image_end);
    dsb(ishst);
    tlbi_alle2is();
    dsb(ish);
    isb();
}

pa_t stage1_clone(struct stage1_tables *tables)
{
    memset(tables, 0, sizeof *tables);
    memcpy(tables->level2, stage1_boot_tables.level2, sizeof tables->level2);
    tables->level0[slot(IMAGE_VA, 0)] = stage1_pa(tables->level1).v | S1_TABLE;
    tables->level1[slot(IMAGE_VA, 1)] = stage1_pa(tables->level2).v | S1_TABLE;
    tables->level2[slot(WINDOW_VA, 2)] = stage1_pa(tables->window).v | S1_TABLE;
    dsb(ishst);
    return stage1_pa(tables);
}

void *stage1_map_stack(unsigned index, void *memory)
{
    uint64_t va = STACK_VA + (uint64_t)index * STACK_SLOT + PAGE_SIZE;
    uint64_t pa = stage1_pa(memory).v;

    for (uint64_t done = 0; done < STACK_SIZE; done += PAGE_SIZE) {
        stage1_stack_table[(va + done - STACK_VA) / PAGE_SIZE] = (pa + done) | S1_DATA | S1_PAGE;
    }
    dsb(ishst);
    isb();
    return (void *)(va + STACK_SIZE);
}

static void *window_fill(struct stage1_tables *tables, unsigned window, uint64_t pa, unsigned pages,
                         uint64_t attributes)
{
    unsigned first = window * WINDOW_PAGES;

    for (unsigned i = 0; i < pages; i++) {
        tables->window[first + i] = (pa + (uint64_t)i * PAGE_SIZE) | attributes | S1_PAGE;
    }
    dsb(nshst);
    isb();
    return (void *)(WINDOW_VA + (uint64_t)first * PAGE_SIZE);
}

void *window_map(struct stage1_tables *tables, unsigned window, pa_t pa, unsigned pages,
                 enum window_access access)
{
    return window_fill(tables, window, pa.v, pages, access == WINDOW_WRITE ? S1_DATA : S1_RODATA);
}

volatile void *window_map_device(struct stage1_tables *tables, pa_t pa)
{
    return window_fill(tables, 0, align_down(pa.v, PAGE_SIZE), 1, S1_DEVICE);
}

void window_unmap(struct stage1_tables *tables, unsigned window, unsigned pages)
{
    unsigned first = window * WINDOW_PAGES;

    for (unsigned i = 0; i < pages; i++) {
        tables->window[first + i] = 0;
    }
    dsb(nshst);
    for (unsigned i = 0; i < pages; i++) {
        uint64_t va = WINDOW_VA + (uint64_t)(first + i) * PAGE_SIZE;

        tlbi_vae2(va / PAGE_SIZE);
    }
    dsb(nsh);
    isb();
}

void stage1_unshare(unsigned slot_index)
{
    if (stage1_share_table[slot_index] != 0) {
        stage1_share_table[slot_index] = 0;
        dsb(ishst);
        tlbi_vae2is((SHARE_VA + (uint64_t)slot_index * PAGE_SIZE) / PAGE_SIZE);
        dsb(ish);
        isb();
    }
}

void *stage1_share(unsigned slot_index, pa_t pa)
{
    stage1_unshare(slot_index);
    stage1_share_table[slot_index] = pa.v | S1_DATA | S1_PAGE;
    dsb(ishst);
    isb();
    return (void *)(SHARE_VA + (uint64_t)slot_index * PAGE_SIZE);
}

/* CTR_EL0.DminLine is log2 of words. */
static uint64_t cache_line(void)
{
    return UINT64_C(4) << FIELD(READ_SYSREG(ctr_el0), 19, 16);
}

void cache_clean(const void *pointer, uint64_t size)
{
    uint64_t line = cache_line(), end = (uint64_t)pointer + size;

    for (uint64_t at = align_down((uint64_t)pointer, line); at < end; at += line) {
        dc_cvac(at);
    }
    dsb(sy);
}

void cache_clean_invalidate(const void *pointer, uint64_t size)
{
    uint64_t line = cache_line(), end = (uint64_t)pointer + size;

    for (uint64_t at = align_down((uint64_t)pointer, line); at < end; at += line) {
        dc_civac(at);
    }
    dsb(sy);
}
