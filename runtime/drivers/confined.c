/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/drivers/confined.h"

#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/virtio.h"
#include "runtime/hypercall.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { PAGE = 4096, PER_FRAME = 512, PERMIT_ACCESS = 1 };
#define GRANTED (UINT64_C(1) << 63)
#define BLOCK   UINT64_C(0x200000)

extern uint8_t _start[];
static volatile struct confined_entry *table;

/* RAM begins at a block, and the image at the beginning of RAM. */
static uint64_t ram(void)
{
    return (uintptr_t)_start / BLOCK * BLOCK;
}

volatile struct confined_entry *confined_entry(const void *page)
{
    return &table[CONFINED_RESERVED + ((uintptr_t)page - ram()) / PAGE];
}

/* Addresses for devices are then those of RAM and a constant. */
static void grant_all(uint16_t backend)
{
    uint64_t first = (uintptr_t)arena_alloc(0, PAGE, "grants");
    uint64_t pages = (first - ram() + arena_left()) / PAGE;
    uint64_t frames = (CONFINED_RESERVED + pages + PER_FRAME - 1) / PER_FRAME;
    tree_node node = tree_find(TREE_NONE, "xen,xen");
    uint64_t at = tree_number(node, "reg", 0, 2, 0);

    if (node == TREE_NONE || at == 0) {
        crash("there is no grant table", "");
    }
    table = (volatile struct confined_entry *)(uintptr_t)at;
    for (uint64_t i = 0; i < frames; i++) {
        if (map_grant_frame((uint32_t)i, at + i * PAGE) != 0) {
            crash("too small a grant table", "");
        }
    }
    memory_map(at, frames * PAGE, MEMORY_NORMAL);
    for (uint64_t i = (first - ram()) / PAGE; i < pages; i++) {
        volatile struct confined_entry *entry = confined_entry((void *)(uintptr_t)(ram() + i * PAGE));

        entry->domid = backend;
        entry->frame = (uint32_t)(ram() / PAGE + i);
        entry->flags = PERMIT_ACCESS;
    }
    DSB();
    virtio_offset = GRANTED + (uint64_t)CONFINED_RESERVED * PAGE - ram();
}

void confined_start(void)
{
    tree_node pool = tree_find(TREE_NONE, "restricted-dma-pool"), node = tree_find(TREE_NONE, "virtio,mmio");

    if (pool != TREE_NONE) {
        uint64_t at = tree_number(pool, "reg", 0, 2, 0), size = tree_number(pool, "reg", 2, 2, 0);

        memory_map(at, size, MEMORY_NORMAL);
        arena_move(at, size);
    }
    while (node != TREE_NONE && !tree_has(node, "iommus")) {
        node = tree_find(node, "virtio,mmio");
    }
    if (node != TREE_NONE) {
        grant_all((uint16_t)tree_number(node, "iommus", 1, 1, 0));
    }
}
