/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A driver domain that serves disks, or ranges of them: virtio-mmio disks that were passed through to it come
 * first, then pieces of memory. */
#include "devices/block.h"
#include "runtime/backend.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/disks.h"
#include "runtime/memory.h"

enum { MAX_DISKS = 4, REQUESTS = 8 };
/* Of what is mapped for a request: each page of it is a piece for the disk at worst, and two such requests
 * are always mapped. */
enum { GRANTED_SEGMENTS = 32, GRANTED_SEGMENT = 4096 };

static struct disk *disk(uint64_t index)
{
    static struct disk *disks[MAX_DISKS];
    static uint32_t nr, nr_hardware;

    while (nr <= index && nr < MAX_DISKS) {
        struct disk *next = nr == nr_hardware ? virtio_block_start(nr) : NULL;

        nr_hardware += next != NULL;
        if (next == NULL) {
            next = memory_disk_start(nr - nr_hardware);
        }
        if (next == NULL) {
            break;
        }
        disks[nr++] = next;
    }
    return index < nr ? disks[index] : NULL;
}

/* Each buffer may lie in two pages, which the disk gets one by one. */
static void granted_limits(struct block *block)
{
    uint32_t most = block->disk->max_segments;

    block->max_segments = most != 0 && most / 2 < GRANTED_SEGMENTS ? most / 2 : GRANTED_SEGMENTS;
    block->max_segment = GRANTED_SEGMENT;
    if (block->max_segments == 0) {
        crash("a disk that takes too few buffers for granted pages", "");
    }
}

static void create(struct device *device, tree_node node, const char *frontend)
{
    struct block *block = arena_alloc(sizeof *block, 16, "block devices");
    const char *name = tree_name(node);

    block->disk = disk(tree_number(node, "bulkhead,disk", 0, 1, 0));
    block->first = tree_number(node, "bulkhead,first-sector", 0, 2, 0);
    block->sectors = tree_number(node, "bulkhead,sectors", 0, 2, 0);
    block->read_only = tree_has(node, "bulkhead,read-only");
    for (uint32_t i = 0; i < BLOCK_ID_BYTES && name[i] != '\0'; i++) {
        block->id[i] = name[i];
    }
    if (block->disk != NULL && tree_has(node, "bulkhead,grants")) {
        granted_limits(block);
    }
    block->nr_requests = REQUESTS;
    block->requests = arena_alloc(REQUESTS * sizeof *block->requests, 16, "block requests");
    if (block->disk == NULL || !block_init(block, device)) {
        crash("no such disk, or range of it, for ", frontend);
    }
}

void domain_start(void)
{
    static const struct backend_class classes[] = {{"block", create}};

    backend_start(classes, 1);
}
