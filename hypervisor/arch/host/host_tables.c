/* SPDX-License-Identifier: Apache-2.0 */
/* What table walks see of the memory in which translation tables lie. */
#include "arch/host/host.h"

#include <string.h>

#include "arch/arm64/layout.h"
#include "arch/arm64/stage1.h"

#define PAGES(size) ((size) / PAGE_SIZE)
#define MAX_PAGES   (PAGES(HOST_TABLES) + 16u)
#define IMAGE_PA    (IMAGE_VA + 0x8000000000) /* another slot of the top-level table than IMAGE_VA */

extern struct stage1_tables stage1_boot_tables;
extern uint64_t stage1_image_table[], stage1_stack_table[], stage1_device_table[], stage1_share_table[],
    stage1_image_pa;

struct page {
    uint8_t *live;
    uint64_t pa;
    uint8_t latest[PAGE_SIZE];             /* as last compared */
    uint8_t walker[HOST_PCPUS][PAGE_SIZE]; /* what a walk sees */
    uint8_t own[HOST_PCPUS][PAGE_SIZE];    /* what the next instruction's walk sees: after an ISB */
    bool not_local[HOST_PCPUS], not_shared[HOST_PCPUS], not_synchronized[HOST_PCPUS];
};

static struct page pages[MAX_PAGES];
static unsigned nr_pages;

static void add(void *live, uint64_t size)
{
    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        struct page *page = &pages[nr_pages++];

        page->live = (uint8_t *)live + done;
        page->pa = stage1_pa(page->live).v;
    }
}

void host_tables_start(void)
{
    stage1_image_pa = IMAGE_PA;
    memset(&stage1_boot_tables, 0, sizeof stage1_boot_tables);
    memset(stage1_image_table, 0, PAGE_SIZE);
    memset(stage1_stack_table, 0, PAGE_SIZE);
    memset(stage1_device_table, 0, PAGE_SIZE);
    memset(stage1_share_table, 0, PAGE_SIZE);
    stage1_map_heap(PA(HOST_RAM),
                    HOST_HEAP); /* so that stage1_pa() knows it; the tests' own calls may follow */
    memset(&stage1_boot_tables, 0, sizeof stage1_boot_tables);
    nr_pages = 0;
    add((void *)HEAP_VA, HOST_TABLES);
    add(&stage1_boot_tables, sizeof stage1_boot_tables);
    add(stage1_image_table, PAGE_SIZE);
    add(stage1_stack_table, PAGE_SIZE);
    add(stage1_device_table, PAGE_SIZE);
    add(stage1_share_table, PAGE_SIZE);
    for (unsigned i = 0; i < nr_pages; i++) {
        struct page *page = &pages[i];

        memcpy(page->latest, page->live, PAGE_SIZE);
        for (unsigned cpu = 0; cpu < HOST_PCPUS; cpu++) {
            memcpy(page->walker[cpu], page->live, PAGE_SIZE);
            memcpy(page->own[cpu], page->live, PAGE_SIZE);
            page->not_local[cpu] = page->not_shared[cpu] = page->not_synchronized[cpu] = false;
        }
    }
}

/* Whatever changed since the last look was written by this pCPU. */
static void find_writes(unsigned pcpu)
{
    for (unsigned i = 0; i < nr_pages; i++) {
        struct page *page = &pages[i];

        if (memcmp(page->latest, page->live, PAGE_SIZE) != 0) {
            memcpy(page->latest, page->live, PAGE_SIZE);
            page->not_local[pcpu] = true;
            page->not_shared[pcpu] = true;
        }
    }
}

void host_tables_left(unsigned pcpu)
{
    find_writes(pcpu);
}

static void publish(struct page *page, unsigned to, unsigned from)
{
    memcpy(page->walker[to], page->latest, PAGE_SIZE);
    if (to == from) {
        page->not_synchronized[to] = true;
    } else {
        memcpy(page->own[to], page->latest, PAGE_SIZE);
    }
}

void host_tables_dsb(unsigned pcpu, bool shareable)
{
    find_writes(pcpu);
    for (unsigned i = 0; i < nr_pages; i++) {
        struct page *page = &pages[i];

        if (page->not_local[pcpu]) {
            publish(page, pcpu, pcpu);
            page->not_local[pcpu] = false;
        }
        if (shareable && page->not_shared[pcpu]) {
            for (unsigned cpu = 0; cpu < HOST_PCPUS; cpu++) {
                publish(page, cpu, pcpu);
            }
            page->not_shared[pcpu] = false;
        }
    }
}

void host_tables_isb(unsigned pcpu)
{
    for (unsigned i = 0; i < nr_pages; i++) {
        struct page *page = &pages[i];

        if (page->not_synchronized[pcpu]) {
            memcpy(page->own[pcpu], page->walker[pcpu], PAGE_SIZE);
            page->not_synchronized[pcpu] = false;
        }
    }
}

bool host_tables_word(unsigned pcpu, uint64_t pa, bool synchronized, uint64_t *word)
{
    for (unsigned i = 0; i < nr_pages; i++) {
        const struct page *page = &pages[i];

        if (pa - page->pa < PAGE_SIZE) {
            memcpy(word, (synchronized ? page->own : page->walker)[pcpu] + pa % PAGE_SIZE, 8);
            return true;
        }
    }
    return false;
}
