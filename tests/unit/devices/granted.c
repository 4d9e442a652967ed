/* SPDX-License-Identifier: Apache-2.0 */
/* A hypervisor for runtime/grants.c: all memory of the guest is granted, its page number is the reference,
 * and what is mapped really is, a second time: the device that touches anything else dies. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"
#include "runtime/grants.c"

#define LOCAL_PAGES  2048u /* of one device */
#define MAX_MEMORIES 64u
#define MAX_RIGS     16u

static struct memory {
    uint8_t *at;
    size_t bytes;
    int fd;
} memories[MAX_MEMORIES];

static struct local {
    struct rig *rig;
    uint8_t *base;
    void *parts[2]; /* of the arena */
    uint32_t nr_parts, pages;
    uint8_t mapped[LOCAL_PAGES];
} locals[MAX_RIGS], *current;

void *granted_memory(size_t bytes)
{
    uint32_t i = 0;

    while (memories[i].at != NULL) {
        i++;
        assert(i < MAX_MEMORIES);
    }
    memories[i].fd = memfd_create("guest", 0);
    assert(memories[i].fd >= 0 && ftruncate(memories[i].fd, (off_t)bytes) == 0);
    memories[i].bytes = bytes;
    memories[i].at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memories[i].fd, 0);
    assert(memories[i].at != MAP_FAILED);
    return memories[i].at;
}

void granted_free(void *memory, size_t bytes)
{
    for (uint32_t i = 0; i < MAX_MEMORIES; i++) {
        if (memories[i].at == memory) {
            munmap(memory, bytes);
            close(memories[i].fd);
            memories[i].at = NULL;
        }
    }
}

static void map_page(uint8_t *at, int protection, int fd, off_t offset)
{
    void *got = mmap(at, PAGE, protection,
                     fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED : MAP_SHARED | MAP_FIXED, fd, offset);

    assert(got == at);
}

/* The window of the rig that the page lies in. */
static int16_t map_one(struct local *local, const struct grant_map *op)
{
    uint64_t address = IS_GRANT | (uint64_t)op->ref * PAGE,
             page = (op->host_addr - (uintptr_t)local->base) / PAGE;

    assert(page < LOCAL_PAGES && !local->mapped[page] && op->domid == 7);
    for (uint32_t i = 0; i < 2; i++) {
        const struct dev_window *window = &local->rig->window[i];

        for (uint32_t k = 0; address - window->address < window->size && k < MAX_MEMORIES; k++) {
            if (memories[k].at == window->local) {
                map_page(local->base + page * PAGE,
                         (op->flags & GRANT_READ_ONLY) != 0 ? PROT_READ : PROT_READ | PROT_WRITE,
                         memories[k].fd, (off_t)(address - window->address));
                local->mapped[page] = 1;
                local->pages++;
                return 0;
            }
        }
    }
    return -3;
}

static struct local *local_of(uint64_t address)
{
    for (uint32_t i = 0; i < MAX_RIGS; i++) {
        if (locals[i].base != NULL && address - (uintptr_t)locals[i].base < LOCAL_PAGES * PAGE) {
            return &locals[i];
        }
    }
    abort();
}

int64_t grant_table_op(uint32_t command, void *operations, uint32_t count)
{
    assert(count <= BATCH);
    for (uint32_t i = 0; i < count; i++) {
        if (command == GRANT_MAP) {
            struct grant_map *op = (struct grant_map *)operations + i;
            struct local *local = local_of(op->host_addr);

            op->status = map_one(local, op);
            op->handle = (uint32_t)((op->host_addr - (uintptr_t)local->base) / PAGE);
            op->dev_bus_addr = (uint64_t)op->ref * PAGE;
        } else {
            struct grant_unmap *op = (struct grant_unmap *)operations + i;
            struct local *local = local_of(op->host_addr);

            assert(op->handle < LOCAL_PAGES && local->mapped[op->handle]);
            local->mapped[op->handle] = 0;
            local->pages--;
            map_page(local->base + op->handle * PAGE, PROT_NONE, -1, 0);
            op->status = 0;
        }
    }
    return 0;
}

void *arena_alloc(size_t size, size_t align, const char *what)
{
    (void)align;
    (void)what;
    assert(current->nr_parts < 2);
    current->parts[current->nr_parts] = calloc(1, size);
    return current->parts[current->nr_parts++];
}

void memory_map(uint64_t address, uint64_t size, enum memory_kind kind)
{
    (void)kind;
    assert(address == (uintptr_t)current->base && size == LOCAL_PAGES * PAGE);
}

_Noreturn void crash(const char *what, const char *more)
{
    printf("crash: %s%s\n", what, more);
    abort();
}

struct dev_mapper *granted_mapper(struct rig *rig)
{
    current = locals;
    while (current->rig != rig && current->rig != NULL) {
        current++;
        assert(current < locals + MAX_RIGS);
    }
    if (current->base == NULL) {
        current->base = mmap(NULL, LOCAL_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert(current->base != MAP_FAILED);
    }
    for (uint32_t i = 0; i < LOCAL_PAGES; i++) {
        if (current->mapped[i]) {
            current->mapped[i] = 0;
            map_page(current->base + i * PAGE, PROT_NONE, -1, 0);
        }
    }
    while (current->nr_parts > 0) {
        free(current->parts[--current->nr_parts]);
    }
    current->rig = rig;
    current->pages = 0;
    all = NULL;
    batched = 0;
    return grants_create(7, (uintptr_t)current->base, LOCAL_PAGES * PAGE);
}

uint32_t granted_pages(void)
{
    uint32_t pages = 0;

    for (uint32_t i = 0; i < MAX_RIGS; i++) {
        pages += locals[i].pages;
    }
    return pages;
}
