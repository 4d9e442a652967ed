/* SPDX-License-Identifier: Apache-2.0 */
/* RAM behind a cache. EL2 and guests with their caches on work on `cached`; `memory` is what lies behind. A
 * line is present from EL2's first touch of its page until it is invalidated, and dirty once it differs from
 * what came from memory. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arm64/layout.h"
#include "arch/arm64/ops.h"
#include "arch/host/host.h"

#define LINE  64u
#define LINES (HOST_RAM_SIZE / LINE)

static int file = -1;
static uint8_t *cached;
static uint8_t memory[HOST_RAM_SIZE], came[HOST_RAM_SIZE], fetched[HOST_RAM_SIZE];
static bool present[LINES], in_icache[HOST_RAM_SIZE / PAGE_SIZE], ic_issued[HOST_RAM_SIZE / PAGE_SIZE];
static struct {
    uint64_t line;
    bool invalidate;
} ops[65536];
static unsigned nr_ops;

void host_cache_start(void)
{
    if (file < 0) {
        file = memfd_create("ram", 0);
        if (file < 0 || ftruncate(file, (off_t)HOST_RAM_SIZE) != 0) {
            host_fail("no memory");
        }
        cached = mmap(NULL, HOST_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mmap((void *)HEAP_VA, HOST_HEAP, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file,
                 0) != (void *)HEAP_VA) {
            host_fail("the heap's address is taken");
        }
    }
    memset(cached, 0, HOST_RAM_SIZE);
    memset(memory, 0, sizeof memory);
    memset(came, 0, sizeof came);
    memset(present, 0, sizeof present);
    memset(in_icache, 0, sizeof in_icache);
    nr_ops = 0;
    memset(ic_issued, 0, sizeof ic_issued);
}

int host_cache_file(void)
{
    return file;
}

static uint64_t offset_of(uint64_t pa)
{
    if (pa - HOST_RAM >= HOST_RAM_SIZE) {
        host_fail("0x%lx is not RAM", pa);
    }
    return pa - HOST_RAM;
}

static bool dirty(uint64_t line)
{
    return memcmp(&cached[line * LINE], &came[line * LINE], LINE) != 0;
}

/* The heap is EL2's from the beginning: what lies behind it was never looked at. */
static void bring(uint64_t line)
{
    if (!present[line] && line >= HOST_HEAP / LINE) {
        memcpy(&cached[line * LINE], &memory[line * LINE], LINE);
        memcpy(&came[line * LINE], &memory[line * LINE], LINE);
        present[line] = true;
    }
}

static void clean(uint64_t line)
{
    if (present[line] && dirty(line)) {
        memcpy(&memory[line * LINE], &cached[line * LINE], LINE);
        memcpy(&came[line * LINE], &cached[line * LINE], LINE);
    }
}

static void lose(uint64_t line)
{
    if (line >= HOST_HEAP / LINE) {
        present[line] = false;
        memcpy(&cached[line * LINE], &memory[line * LINE], LINE);
    }
}

void host_cache_touched(uint64_t pa)
{
    uint64_t first = align_down(offset_of(pa), PAGE_SIZE) / LINE;

    for (uint64_t i = 0; i < PAGE_SIZE / LINE; i++) {
        bring(first + i);
    }
}

static void issue(uint64_t va, bool invalidate)
{
    uint64_t pa;

    if (va >= HEAP_VA && va < HEAP_VA + HOST_HEAP) {
        return;
    }
    if (!host_el2_translate((const void *)va, false, &pa)) {
        host_fail("cache maintenance at 0x%lx, which is not mapped", va);
    }
    if (nr_ops == ARRAY_SIZE(ops)) {
        host_fail("cache maintenance without a DSB");
    }
    ops[nr_ops].line = offset_of(pa) / LINE;
    ops[nr_ops++].invalidate = invalidate;
}

void dc_cvac(uint64_t va)
{
    issue(va, false);
}

void dc_civac(uint64_t va)
{
    issue(va, true);
}

void ic_ialluis(void)
{
    memcpy(ic_issued, in_icache, sizeof ic_issued); /* what is fetched from now on may stay */
}

void host_cache_dsb(void)
{
    for (unsigned i = 0; i < nr_ops; i++) {
        clean(ops[i].line);
        if (ops[i].invalidate) {
            lose(ops[i].line);
        }
    }
    nr_ops = 0;
}

void host_cache_ic_dsb(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ic_issued); i++) {
        in_icache[i] = in_icache[i] && !ic_issued[i];
        ic_issued[i] = false;
    }
}

void host_cache_evict(void)
{
    for (uint64_t line = HOST_HEAP / LINE; line < LINES; line++) {
        if (present[line]) {
            clean(line);
            lose(line);
        }
    }
}

static uint64_t guest_offset(uint64_t va)
{
    uint64_t pa;

    if (!host_guest_translate(va, &pa)) {
        host_fail("the guest faults at 0x%lx", va);
    }
    return offset_of(pa);
}

uint8_t host_guest_read(uint64_t va, bool through_cache)
{
    uint64_t at = guest_offset(va);

    if (!through_cache) {
        return memory[at];
    }
    bring(at / LINE);
    return cached[at];
}

void host_guest_write(uint64_t va, uint8_t value, bool through_cache)
{
    uint64_t at = guest_offset(va);

    if (through_cache) {
        bring(at / LINE);
        cached[at] = value;
        return;
    }
    memory[at] = value;
    if (!present[at / LINE]) {
        cached[at] = value;
    }
}

/* A page at a time: more than a processor keeps, but never more than it may. */
uint8_t host_guest_fetch(uint64_t va)
{
    uint64_t at = guest_offset(va), page = at / PAGE_SIZE;

    if (!in_icache[page]) {
        memcpy(&fetched[page * PAGE_SIZE], &memory[page * PAGE_SIZE], PAGE_SIZE);
        in_icache[page] = true;
    }
    return fetched[at];
}

uint8_t host_memory(uint64_t pa)
{
    return memory[offset_of(pa)];
}

void host_memory_set(uint64_t pa, const void *data, uint64_t size)
{
    uint64_t at = offset_of(pa);

    memcpy(&memory[at], data, size);
    memcpy(&cached[at], data, size);
    memcpy(&came[at], data, size);
}
