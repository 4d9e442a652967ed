/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* VIRTIO block device as a disk (VIRTIO 1.2, 5.2). */
#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/disks.h"
#include "runtime/drivers/virtio.h"
#include "runtime/grants.h"
#include "runtime/log.h"
#include "runtime/memory.h"

#define F_SIZE_MAX     (UINT64_C(1) << 1)
#define F_SEG_MAX      (UINT64_C(1) << 2)
#define F_READ_ONLY    (UINT64_C(1) << 5)
#define F_BLK_SIZE     (UINT64_C(1) << 6)
#define F_FLUSH        (UINT64_C(1) << 9)
#define F_TOPOLOGY     (UINT64_C(1) << 10)
#define F_DISCARD      (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)

#define FEATURES                                                                                             \
    (F_SIZE_MAX | F_SEG_MAX | F_READ_ONLY | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_DISCARD | F_WRITE_ZEROES | \
     VIRTIO_EVENT_INDEX)

/* Fields of the configuration (5.2.4): offsets. */
enum {
    CAPACITY = 0,
    SIZE_MAX_BYTES = 8,
    SEG_MAX = 12,
    BLK_SIZE = 20,
    PHYSICAL_BLOCK_EXP = 24,
    ALIGNMENT_OFFSET = 25,
    MIN_IO_SIZE = 26,
    OPT_IO_SIZE = 28,
    MAX_DISCARD = 36,
    DISCARD_ALIGNMENT = 44,
    MAX_WRITE_ZEROES = 48,
};

enum {
    QUEUE_SIZE = 128,
    OVERHEAD = 2,
    MAX_PIECES = QUEUE_MAX_BUFFERS + OVERHEAD,
    MAX_REQUESTS = 32,
    NR_TYPES = 5
};

/* By enum disk_operation: read, write, flush, discard, write zeroes. */
static const uint8_t types[NR_TYPES] = {0, 1, 4, 11, 13};

/* What the device reads and writes of one request beside its data. */
struct slot {
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    struct {
        uint64_t sector;
        uint32_t sectors, flags;
    } range;
    struct disk_request *request; /* NULL: the slot is free */
    uint8_t status;
};

struct virtio_block {
    struct disk disk;
    uintptr_t base;
    struct virtio_queue queue;
    struct slot slots[MAX_REQUESTS];
    uint8_t by_head[QUEUE_SIZE]; /* 1 + position of the slot; 0: none */
    bool starved;                /* a request was refused for want of room */
};

static struct slot *free_slot(struct virtio_block *block)
{
    for (uint32_t i = 0; i < MAX_REQUESTS; i++) {
        if (block->slots[i].request == NULL) {
            return &block->slots[i];
        }
    }
    return NULL;
}

/* Behind pieces[0]; returns how many there are then. Pages that a frontend has granted need not lie in one
 * piece; the block domain limits requests so that there is room. */
static uint32_t add_buffers(struct virtio_piece pieces[MAX_PIECES], const struct disk_request *request)
{
    uint32_t nr = 1;

    for (uint32_t i = 0; i < request->nr_buffers; i++) {
        uint32_t done = 0;

        while (done < request->buffers[i].length) {
            uint32_t part = request->buffers[i].length - done;
            uint64_t bus = grants_bus(request->buffers[i].data + done, &part);

            if (nr == MAX_PIECES - 1) {
                crash("a disk request in too many pieces", "");
            }
            pieces[nr++] =
                (struct virtio_piece){(const void *)(uintptr_t)bus, part, request->operation == DISK_READ};
            done += part;
        }
    }
    return nr;
}

static bool submit(struct disk *disk, struct disk_request *request)
{
    struct virtio_block *block = disk->user;
    struct slot *slot = free_slot(block);
    struct virtio_piece pieces[MAX_PIECES];
    uint32_t nr = 1, type = types[request->operation];

    if (request->operation == DISK_READ || request->operation == DISK_WRITE) {
        nr = add_buffers(pieces, request);
    }
    if (slot == NULL || nr + OVERHEAD > block->queue.nr_free) {
        block->starved = true;
        return false;
    }
    slot->request = request;
    slot->status = 0xff;
    slot->header.type = type;
    slot->header.sector = request->sector;
    pieces[0] = (struct virtio_piece){&slot->header, sizeof slot->header, false};
    if (request->operation == DISK_DISCARD || request->operation == DISK_WRITE_ZEROES) {
        slot->header.sector = 0;
        slot->range.sector = request->sector;
        slot->range.sectors = (uint32_t)request->sectors;
        pieces[nr++] = (struct virtio_piece){&slot->range, sizeof slot->range, false};
    } else if (request->operation == DISK_FLUSH) {
        slot->header.sector = 0;
    }
    pieces[nr++] = (struct virtio_piece){&slot->status, 1, true};
    block->by_head[virtio_add(&block->queue, pieces, nr)] =
        (uint8_t)(slot - block->slots + 1); /* there is room */
    return true;
}

static void interrupt(void *context)
{
    struct virtio_block *block = context;
    struct disk_request *request;
    uint32_t length;
    int32_t head;

    (void)virtio_interrupt(block->base);
    while ((head = virtio_used(&block->queue, &length)) >= 0) {
        struct slot *slot;

        if (block->by_head[head] == 0) {
            crash("a virtio device returns what it was not given", "");
        }
        slot = &block->slots[block->by_head[head] - 1];
        block->by_head[head] = 0;
        request = slot->request;
        slot->request = NULL;
        request->done(request, slot->status == 0);
    }
    if (block->starved) {
        block->starved = false;
        block->disk.ready(&block->disk);
    }
}

/* What the device is and takes; a field counts only with its feature. */
static void read_limits(struct disk *disk, uintptr_t base, uint64_t features)
{
    disk->sectors = virtio_config(base, CAPACITY) | (uint64_t)virtio_config(base, CAPACITY + 4) << 32;
    disk->read_only = (features & F_READ_ONLY) != 0;
    disk->has_flush = (features & F_FLUSH) != 0;
    disk->has_discard = (features & F_DISCARD) != 0;
    disk->has_write_zeroes = (features & F_WRITE_ZEROES) != 0;
    disk->max_segment = (features & F_SIZE_MAX) != 0 ? virtio_config(base, SIZE_MAX_BYTES) : 0;
    disk->max_segments = (features & F_SEG_MAX) != 0 ? virtio_config(base, SEG_MAX) : 0;
    disk->block_size = (features & F_BLK_SIZE) != 0 ? virtio_config(base, BLK_SIZE) : 0;
    if ((features & F_TOPOLOGY) != 0) {
        disk->physical_blocks = (uint8_t)virtio_config_sized(base, PHYSICAL_BLOCK_EXP, 1);
        disk->aligned_block = (uint8_t)virtio_config_sized(base, ALIGNMENT_OFFSET, 1);
        disk->min_io = (uint16_t)virtio_config_sized(base, MIN_IO_SIZE, 2);
        disk->opt_io = virtio_config(base, OPT_IO_SIZE);
    }
    if (disk->has_discard) {
        disk->max_discard = virtio_config(base, MAX_DISCARD);
        disk->discard_alignment = virtio_config(base, DISCARD_ALIGNMENT);
    }
    disk->max_write_zeroes = disk->has_write_zeroes ? virtio_config(base, MAX_WRITE_ZEROES) : 0;
}

struct disk *virtio_block_start(uint32_t n)
{
    tree_node node;
    uintptr_t base = virtio_find(VIRTIO_BLOCK, n, &node);
    struct virtio_block *block;
    uint64_t features;

    if (base == 0) {
        return NULL;
    }
    block = arena_alloc(sizeof *block, 16, "disks");
    block->base = base;
    features = virtio_negotiate(base, FEATURES);
    virtio_queue_start(&block->queue, base, 0, QUEUE_SIZE);
    virtio_queue_quieten(&block->queue, features, false);
    if (block->queue.size < MAX_PIECES) {
        crash("too short a queue: ", tree_name(node));
    }
    read_limits(&block->disk, base, features);
    block->disk.max_requests = MAX_REQUESTS;
    block->disk.user = block;
    block->disk.submit = submit;
    virtio_start(base, node, interrupt, block);
    log_line("disk %u: %s, %u sectors", n, tree_name(node), block->disk.sectors);
    return &block->disk;
}
