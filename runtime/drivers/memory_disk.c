/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stddef.h>

#include "runtime/drivers/disks.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { MAX_REQUESTS = 32, PAGE = 4096 };

struct memory_disk {
    struct source source; /* the first request is done */
    struct disk disk;
    uint8_t *data;
    struct disk_request *first, **last;
};

/* Inside the disk: the device has seen to that for its frontend, this for the disk. */
static bool in_range(const struct disk *disk, uint64_t sector, uint64_t bytes)
{
    return sector <= disk->sectors && bytes <= (disk->sectors - sector) * DISK_SECTOR;
}

static bool transfer(struct memory_disk *m, const struct disk_request *request)
{
    uint64_t bytes = 0;
    uint8_t *at = m->data + request->sector * DISK_SECTOR;

    for (uint32_t i = 0; i < request->nr_buffers; i++) {
        bytes += request->buffers[i].length;
    }
    if (!in_range(&m->disk, request->sector, bytes)) {
        return false;
    }
    for (uint32_t i = 0; i < request->nr_buffers; i++) {
        const struct queue_buffer *buffer = &request->buffers[i];

        if (request->operation == DISK_WRITE) {
            memcpy(at, buffer->data, buffer->length);
        } else {
            memcpy(buffer->data, at, buffer->length);
        }
        at += buffer->length;
    }
    return true;
}

static bool execute(struct memory_disk *m, const struct disk_request *request)
{
    switch (request->operation) {
    case DISK_READ:
    case DISK_WRITE:
        return transfer(m, request);
    case DISK_DISCARD:
    case DISK_WRITE_ZEROES:
        if (request->sectors > m->disk.sectors ||
            !in_range(&m->disk, request->sector, request->sectors * DISK_SECTOR)) {
            return false;
        }
        memset(m->data + request->sector * DISK_SECTOR, 0, request->sectors * DISK_SECTOR);
        return true;
    default:
        return true;
    }
}

static void run(struct source *source)
{
    struct memory_disk *m = (struct memory_disk *)source; /* its first member */
    struct disk_request *request = m->first;

    if (request == NULL) {
        return;
    }
    m->first = request->next;
    if (m->first == NULL) {
        m->last = &m->first;
    } else {
        source_ready(source);
    }
    request->done(request, execute(m, request));
}

static bool submit(struct disk *disk, struct disk_request *request)
{
    struct memory_disk *m = disk->user;

    request->next = NULL;
    *m->last = request;
    m->last = &request->next;
    source_ready(&m->source);
    return true;
}

static uint8_t *find_memory(uint32_t n, uint64_t *size)
{
    tree_node node = tree_find(TREE_NONE, "xen,shared-memory-v1");
    bool shared = node != TREE_NONE;
    uintptr_t at;

    for (uint32_t i = 0; i < n && node != TREE_NONE; i++) {
        node = tree_find(node, "xen,shared-memory-v1");
    }
    if (node != TREE_NONE) {
        at = tree_number(node, "reg", 0, 2, 0);
        *size = tree_number(node, "reg", 2, 2, 0);
        memory_map(at, *size, MEMORY_NORMAL);
        return (uint8_t *)at;
    }
    *size = arena_left() / 2 / PAGE * PAGE;
    return shared || n > 0 || *size == 0 ? NULL : arena_alloc(*size, PAGE, "the disk");
}

struct disk *memory_disk_start(uint32_t n)
{
    uint64_t size;
    uint8_t *data = find_memory(n, &size);
    struct memory_disk *m;

    if (data == NULL) {
        return NULL;
    }
    m = arena_alloc(sizeof *m, 16, "disks");
    m->source.run = run;
    m->data = data;
    m->last = &m->first;
    m->disk.sectors = size / DISK_SECTOR;
    m->disk.max_requests = MAX_REQUESTS;
    m->disk.has_discard = true;
    m->disk.has_write_zeroes = true;
    m->disk.user = m;
    m->disk.submit = submit;
    log_line("disk %u: memory, %u KiB", n, size / 1024);
    return &m->disk;
}
