/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/grants.h"

#include <stddef.h>

#include "runtime/crash.h"
#include "runtime/hypercall.h"
#include "runtime/memory.h"

#define PAGE     UINT64_C(4096)
#define BLOCK    UINT64_C(0x200000)
#define IS_GRANT (UINT64_C(1) << 63)

/* What belongs to one part of an owner is a group. A class holds few chains of a device at a time. */
#ifndef GRANTS_GROUPS
#define GRANTS_GROUPS 48
#endif
enum { BATCH = 32, GROUPS = GRANTS_GROUPS, NONE = 0xffff };
enum slot_state { SLOT_FREE, SLOT_PLACED, SLOT_MAPPED };

/* A page of the range. */
struct slot {
    uint32_t bus_page; /* the page, for devices; a machine's RAM ends below 16 TiB */
    uint32_t handle;
    uint16_t next; /* of the same group */
    uint16_t state;
};

struct group {
    const void *owner; /* NULL: free */
    uint32_t part;
    uint16_t first;
};

struct grants {
    struct dev_mapper mapper;
    struct grants *next;
    uint64_t base;
    uint32_t nr, lowest; /* no slot below `lowest` is free */
    uint16_t frontend;
    bool refused; /* since the last commit() */
    struct slot *slots;
    struct group *at; /* that is being placed */
    struct group groups[GROUPS];
};

static struct grants *all;

/* What the next hypercall does. Nothing of it is left between two calls from outside. */
static union {
    struct grant_map map[BATCH];
    struct grant_unmap unmap[BATCH];
} batch;
static uint32_t batched;

static struct grants *of(struct dev_mapper *mapper)
{
    return (struct grants *)mapper; /* its first member */
}

static void flush_map(struct grants *g)
{
    if (batched != 0 && grant_table_op(GRANT_MAP, batch.map, batched) != 0) {
        crash("grants cannot be mapped", "");
    }
    for (uint32_t i = 0; i < batched; i++) {
        struct slot *slot = &g->slots[(batch.map[i].host_addr - g->base) / PAGE];

        if (batch.map[i].status == 0) {
            slot->state = SLOT_MAPPED;
            slot->handle = batch.map[i].handle;
            slot->bus_page = (uint32_t)(batch.map[i].dev_bus_addr / PAGE);
        } else {
            g->refused = true;
        }
    }
    batched = 0;
}

static void flush_unmap(void)
{
    if (batched != 0 && grant_table_op(GRANT_UNMAP, batch.unmap, batched) != 0) {
        crash("grants cannot be unmapped", "");
    }
    for (uint32_t i = 0; i < batched; i++) {
        if (batch.unmap[i].status != 0) {
            crash("a grant cannot be unmapped", "");
        }
    }
    batched = 0;
}

static void free_group(struct grants *g, struct group *group)
{
    for (uint32_t i = group->first; i != NONE; i = g->slots[i].next) {
        if (g->slots[i].state == SLOT_MAPPED) {
            batch.unmap[batched++] =
                (struct grant_unmap){.host_addr = g->base + i * PAGE, .handle = g->slots[i].handle};
            if (batched == BATCH) {
                flush_unmap();
            }
        }
        g->slots[i].state = SLOT_FREE;
        g->lowest = i < g->lowest ? i : g->lowest;
    }
    group->owner = NULL;
}

static struct group *find_group(struct grants *g, const void *owner, uint32_t part)
{
    for (uint32_t i = 0; i < GROUPS; i++) {
        if (g->groups[i].owner == owner && (owner == NULL || g->groups[i].part == part)) {
            return &g->groups[i];
        }
    }
    return NULL;
}

static void begin(struct dev_mapper *mapper, const void *owner, uint32_t part)
{
    struct grants *g = of(mapper);
    struct group *old = find_group(g, owner, part);

    if (old != NULL) {
        free_group(g, old);
        flush_unmap();
    }
    g->at = find_group(g, NULL, 0);
    if (g->at != NULL) {
        *g->at = (struct group){owner, part, NONE};
    }
}

/* The first of `pages` free slots in a row: from below, or for rings, which stay, from above. */
static uint32_t find_slots(const struct grants *g, uint32_t pages, bool above)
{
    uint32_t run = 0;

    for (uint32_t i = above ? 0 : g->lowest; i < g->nr; i++) {
        uint32_t at = above ? g->nr - 1u - i : i;

        run = g->slots[at].state == SLOT_FREE ? run + 1u : 0;
        if (run == pages) {
            return above ? at : at + 1u - pages;
        }
    }
    return NONE;
}

/* Something else will be released. */
static bool others(const struct grants *g)
{
    for (uint32_t i = 0; i < GROUPS; i++) {
        const struct group *group = &g->groups[i];

        if (group->owner != NULL && group != g->at && group->part != DEV_MAPPER_RINGS) {
            return true;
        }
    }
    return false;
}

static uint8_t *place(struct dev_mapper *mapper, uint64_t address, uint64_t length, bool write)
{
    struct grants *g = of(mapper);
    uint64_t ref = (address - IS_GRANT) / PAGE, offset = address % PAGE;
    uint64_t pages = (offset + length + PAGE - 1) / PAGE;
    uint32_t first = NONE;

    mapper->full = false;
    if (address < IS_GRANT || pages > g->nr || ref > UINT32_MAX - pages) {
        return NULL;
    }
    if (g->at != NULL) {
        first = find_slots(g, (uint32_t)pages, g->at->part == DEV_MAPPER_RINGS);
    }
    if (first == NONE) {
        mapper->full = others(g);
        return NULL;
    }
    for (uint32_t i = first; i < first + pages; i++, ref++) {
        g->slots[i].state = SLOT_PLACED;
        g->slots[i].next = g->at->first;
        g->at->first = (uint16_t)i;
        batch.map[batched++] = (struct grant_map){
            .host_addr = g->base + i * PAGE,
            .flags = GRANT_HOST_MAP | GRANT_DEVICE_MAP | (write ? 0 : GRANT_READ_ONLY),
            .ref = (uint32_t)ref,
            .domid = g->frontend,
        };
        if (batched == BATCH) {
            flush_map(g);
        }
    }
    if (first == g->lowest) {
        g->lowest += (uint32_t)pages;
    }
    return (uint8_t *)(uintptr_t)(g->base + first * PAGE + offset);
}

static bool commit(struct dev_mapper *mapper)
{
    struct grants *g = of(mapper);
    bool refused;

    flush_map(g);
    refused = g->refused;
    g->refused = false;
    return !refused;
}

static void release(struct dev_mapper *mapper, const void *owner, const uint16_t *heads, uint32_t count)
{
    struct grants *g = of(mapper);

    flush_map(g); /* of a chain that was given up */
    g->refused = false;
    for (uint32_t i = 0; i < count; i++) {
        struct group *group = find_group(g, owner, heads[i]);

        if (group != NULL) {
            free_group(g, group);
        }
    }
    for (uint32_t i = 0; heads == NULL && i < GROUPS; i++) {
        if (g->groups[i].owner == owner) {
            free_group(g, &g->groups[i]);
        }
    }
    flush_unmap();
}

struct dev_mapper *grants_create(uint16_t frontend, uint64_t base, uint64_t size)
{
    struct grants *g = arena_alloc(sizeof *g, 16, "grants");

    g->mapper = (struct dev_mapper){.begin = begin, .place = place, .commit = commit, .release = release};
    g->base = base;
    g->nr = (uint32_t)(size / PAGE);
    g->frontend = frontend;
    if (base == 0 || g->nr >= NONE) {
        crash("no room for grants", "");
    }
    g->slots = arena_alloc(g->nr * sizeof *g->slots, 16, "grants");
    g->next = all;
    all = g;
    memory_map(base, (size + BLOCK - 1) / BLOCK * BLOCK, MEMORY_NORMAL); /* without a table of its own */
    return &g->mapper;
}

uint64_t grants_bus(const void *data, uint32_t *length)
{
    uint64_t address = (uintptr_t)data, offset = address % PAGE, bus;

    for (const struct grants *g = all; g != NULL; g = g->next) {
        if (address - g->base < g->nr * PAGE) {
            uint64_t slot = (address - g->base) / PAGE, left = PAGE - offset;

            bus = g->slots[slot].bus_page * PAGE;
            for (slot++;
                 left < *length && slot < g->nr && g->slots[slot].bus_page * PAGE == bus + offset + left;
                 slot++) {
                left += PAGE;
            }
            *length = left < *length ? (uint32_t)left : *length;
            return bus + offset;
        }
    }
    return address;
}
