/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A mapper with as little room as the runtime's (runtime/grants.c): whoever keeps more fails, and whoever
 * touches what was released, or is not committed yet, dies. */
#define _GNU_SOURCE
#include "mapped.h"

#include <sys/mman.h>
#include <unistd.h>

#define PAGE  4096u
#define PAGES (RIG_MEMORY / PAGE)

enum { GROUPS = 48, MAX_RIGS = 16 };

/* What belongs to one part of an owner, a bit for each page. */
struct group {
    const void *owner; /* NULL: free */
    uint32_t part;
    uint64_t readable, writable;
};
_Static_assert(PAGES <= 64, "a bit for each page");

static struct mapped {
    struct dev_mapper mapper;
    uint8_t *memory, *alias; /* of the driver and the device */
    int file, protection[PAGES];
    struct group *at, groups[GROUPS];
} all[MAX_RIGS];

static struct mapped *of(struct dev_mapper *mapper)
{
    return (struct mapped *)mapper; /* its first member */
}

static void protect(struct mapped *mapped)
{
    uint64_t readable = 0, writable = 0;

    for (uint32_t i = 0; i < GROUPS; i++) {
        readable |= mapped->groups[i].owner != NULL ? mapped->groups[i].readable : 0;
        writable |= mapped->groups[i].owner != NULL ? mapped->groups[i].writable : 0;
    }
    for (uint32_t i = 0; i < PAGES; i++) {
        uint64_t bit = UINT64_C(1) << i;
        int protection = (writable & bit) != 0   ? PROT_READ | PROT_WRITE
                         : (readable & bit) != 0 ? PROT_READ
                                                 : PROT_NONE;

        if (protection != mapped->protection[i]) {
            assert(mprotect(mapped->alias + (size_t)i * PAGE, PAGE, protection) == 0);
            mapped->protection[i] = protection;
        }
    }
}

static struct group *find(struct mapped *mapped, const void *owner, uint32_t part)
{
    for (uint32_t i = 0; i < GROUPS; i++) {
        if (mapped->groups[i].owner == owner && (owner == NULL || mapped->groups[i].part == part)) {
            return &mapped->groups[i];
        }
    }
    return NULL;
}

static void begin(struct dev_mapper *mapper, const void *owner, uint32_t part)
{
    struct mapped *mapped = of(mapper);
    struct group *old = find(mapped, owner, part);

    if (old != NULL) {
        old->owner = NULL;
        protect(mapped);
    }
    mapped->at = find(mapped, NULL, 0);
    if (mapped->at != NULL) {
        *mapped->at = (struct group){.owner = owner, .part = part};
    }
}

static uint8_t *place(struct dev_mapper *mapper, uint64_t address, uint64_t length, bool write)
{
    struct mapped *mapped = of(mapper);
    uint64_t offset = address - RIG_BASE;

    mapper->full = mapped->at == NULL;
    if (mapped->at == NULL || address < RIG_BASE || offset >= RIG_MEMORY || length > RIG_MEMORY - offset) {
        return NULL;
    }
    for (uint64_t page = offset / PAGE; page <= (offset + length - 1u) / PAGE; page++) {
        *(write ? &mapped->at->writable : &mapped->at->readable) |= UINT64_C(1) << page;
    }
    return mapped->alias + offset;
}

static bool commit(struct dev_mapper *mapper)
{
    protect(of(mapper));
    return true;
}

static void release(struct dev_mapper *mapper, const void *owner, const uint16_t *heads, uint32_t count)
{
    struct mapped *mapped = of(mapper);

    for (uint32_t i = 0; i < count; i++) {
        struct group *group = find(mapped, owner, heads[i]);

        if (group != NULL) {
            group->owner = NULL;
        }
    }
    for (uint32_t i = 0; heads == NULL && i < GROUPS; i++) {
        if (mapped->groups[i].owner == owner) {
            mapped->groups[i].owner = NULL;
        }
    }
    protect(mapped);
}

static struct mapped *with(const uint8_t *memory)
{
    for (uint32_t i = 0; i < MAX_RIGS; i++) {
        if (all[i].memory == memory) {
            return &all[i];
        }
    }
    abort();
}

uint8_t *mapped_memory(void)
{
    struct mapped *mapped = with(NULL);

    mapped->file = memfd_create("guest", 0);
    assert(mapped->file >= 0 && ftruncate(mapped->file, RIG_MEMORY) == 0);
    mapped->memory = mmap(NULL, RIG_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, mapped->file, 0);
    mapped->alias = mmap(NULL, RIG_MEMORY, PROT_NONE, MAP_SHARED, mapped->file, 0);
    for (uint32_t i = 0; i < PAGES; i++) {
        mapped->protection[i] = PROT_NONE;
    }
    assert(mapped->memory != MAP_FAILED && mapped->alias != MAP_FAILED);
    return mapped->memory;
}

struct dev_mapper *mapped_mapper(const uint8_t *memory)
{
    struct mapped *mapped = with(memory);

    memset(mapped->groups, 0, sizeof mapped->groups);
    mapped->at = NULL;
    mapped->mapper =
        (struct dev_mapper){.begin = begin, .place = place, .commit = commit, .release = release};
    protect(mapped);
    return &mapped->mapper;
}

void mapped_free(uint8_t *memory)
{
    struct mapped *mapped = with(memory);

    munmap(mapped->memory, RIG_MEMORY);
    munmap(mapped->alias, RIG_MEMORY);
    close(mapped->file);
    mapped->memory = NULL;
}
