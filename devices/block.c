/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* See block.h. */
#include "devices/block.h"
#include "devices/libc.h"

/* VIRTIO 1.2, 5.2.3. */
#define BLK_SIZE_MAX     (UINT64_C(1) << 1)
#define BLK_SEG_MAX      (UINT64_C(1) << 2)
#define BLK_RO           (UINT64_C(1) << 5)
#define BLK_BLK_SIZE     (UINT64_C(1) << 6)
#define BLK_FLUSH        (UINT64_C(1) << 9)
#define BLK_TOPOLOGY     (UINT64_C(1) << 10)
#define BLK_MQ           (UINT64_C(1) << 12)
#define BLK_DISCARD      (UINT64_C(1) << 13)
#define BLK_WRITE_ZEROES (UINT64_C(1) << 14)

/* VIRTIO 1.2, 5.2.6. */
enum block_type {
    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_GET_ID = 8,
    TYPE_DISCARD = 11,
    TYPE_ZEROES = 13
};
enum block_status { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2 };

struct block_header {
    uint32_t type, reserved;
    uint64_t sector;
};

struct block_wire_range {
    uint64_t sector;
    uint32_t sectors, flags;
};
_Static_assert(sizeof(struct block_header) == 16 && sizeof(struct block_wire_range) == 16,
               "VIRTIO 1.2, 5.2.6");

#define RANGE_UNMAP 1u

/* VIRTIO 1.2, 5.2.4, up to the fields of WRITE_ZEROES. */
struct block_config {
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint8_t geometry[4];
    uint32_t blk_size;
    uint8_t physical_block_exp, alignment_offset;
    uint16_t min_io_size;
    uint32_t opt_io_size;
    uint8_t writeback, unused0;
    uint16_t num_queues;
    uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
    uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
    uint8_t write_zeroes_may_unmap, unused1[3];
};
#define CONFIG_BYTES 60u
_Static_assert(offsetof(struct block_config, unused1) + 3 == CONFIG_BYTES, "VIRTIO 1.2, 5.2.4");

#define MAX_PHYSICAL_BLOCKS 7u /* so that alignment_offset has room for them */

/* Requests that one call of run() takes. */
#define RUN_BOUND 32u

static void request_done(struct disk_request *disk, bool ok);

static void free_request(struct block *block, struct block_request *request)
{
    request->next = block->free;
    block->free = request;
}

static void finish(struct block_request *request, enum block_status status)
{
    struct block *block = request->block;
    uint16_t head = request->chain.head;
    uint32_t written = status == STATUS_OK ? request->written : 0;

    *request->status = (uint8_t)status;
    /* Freed first: the slot is not needed for the completion. */
    free_request(block, request);
    device_complete(block->device, request->queue, &head, &written, 1);
}

static void submit(struct block_request *request)
{
    struct block *block = request->block;

    /* In turn: who waits already is first. */
    if (block->waiting == NULL && block->disk->submit(block->disk, &request->disk)) {
        request->at_disk = true;
        return;
    }
    request->next = NULL;
    *block->waiting_end = request;
    block->waiting_end = &request->next;
}

/* Takes the first `bytes` of what the driver wrote; false: it is shorter. */
static bool take_bytes(struct queue_chain *chain, uint32_t *buffer, void *to, uint32_t bytes)
{
    uint8_t *at = to;

    if (chain->readable < bytes) {
        return false;
    }
    chain->readable -= bytes;
    while (bytes != 0) {
        struct queue_buffer *from = &chain->buffers[*buffer];
        uint32_t part = from->length < bytes ? from->length : bytes;

        memcpy(at, from->data, part);
        at += part;
        bytes -= part;
        from->data += part;
        from->length -= part;
        *buffer += from->length == 0;
    }
    /* What was copied is now ours; the driver may write its own again. */
    __asm__ volatile("" ::: "memory");
    return true;
}

/* The last byte that the driver lets us write is the status. */
static bool take_status(struct block_request *request)
{
    struct queue_chain *chain = &request->chain;
    struct queue_buffer *last;

    if (chain->nr_writable == 0) {
        return false;
    }
    last = &chain->buffers[chain->nr_readable + chain->nr_writable - 1u];
    last->length--;
    request->status = last->data + last->length;
    chain->nr_writable -= last->length == 0;
    chain->writable--;
    return true;
}

static uint32_t block_size(const struct disk *disk)
{
    return disk->block_size != 0 ? disk->block_size : DISK_SECTOR;
}

static uint32_t least(uint32_t limit, uint32_t of_disk)
{
    return of_disk != 0 && (limit == 0 || of_disk < limit) ? of_disk : limit;
}

/* Whole blocks that the device has. */
static bool inside(const struct block *block, uint64_t sector, uint64_t sectors)
{
    uint32_t unit = block_size(block->disk) / DISK_SECTOR;

    return sector <= block->sectors && sectors <= block->sectors - sector && sector % unit == 0 &&
           sectors % unit == 0;
}

static uint32_t max_range(const struct block *block, enum disk_operation operation)
{
    const struct disk *disk = block->disk;

    return least(BLOCK_MAX_RANGE_SECTORS,
                 operation == DISK_DISCARD ? disk->max_discard : disk->max_write_zeroes);
}

static void start_io(struct block_request *request, uint64_t sector, uint32_t first, uint32_t nr,
                     uint64_t bytes)
{
    struct block *block = request->block;
    const struct queue_buffer *buffers = &request->chain.buffers[first];

    if (bytes % DISK_SECTOR != 0 || !inside(block, sector, bytes / DISK_SECTOR) || nr > block->max_segments) {
        finish(request, STATUS_IOERR);
        return;
    }
    for (uint32_t i = 0; i < nr; i++) {
        if (block->max_segment != 0 && buffers[i].length > block->max_segment) {
            finish(request, STATUS_IOERR);
            return;
        }
    }
    if (bytes == 0) {
        finish(request, STATUS_OK);
        return;
    }
    request->disk.sector = block->first + sector;
    request->disk.sectors = bytes / DISK_SECTOR;
    request->disk.buffers = buffers;
    request->disk.nr_buffers = nr;
    submit(request);
}

static void start_flush(struct block_request *request)
{
    request->disk.operation = DISK_FLUSH;
    request->disk.sector = 0;
    request->disk.sectors = 0;
    request->disk.nr_buffers = 0;
    submit(request);
}

static void start_range(struct block_request *request)
{
    const struct block_range *range = &request->ranges[request->range];

    request->disk.sector = request->block->first + range->sector;
    request->disk.sectors = range->sectors;
    request->disk.nr_buffers = 0;
    submit(request);
}

/* Reads and checks all ranges before any is acted on. */
static enum block_status read_ranges(struct block_request *request, uint32_t buffer)
{
    struct queue_chain *chain = &request->chain;
    uint64_t nr = chain->readable / sizeof(struct block_wire_range);

    if (chain->readable % sizeof(struct block_wire_range) != 0 || nr == 0 || nr > BLOCK_MAX_RANGES) {
        return STATUS_IOERR;
    }
    request->nr_ranges = 0;
    request->range = 0;
    for (uint64_t i = 0; i < nr; i++) {
        struct block_range *range = &request->ranges[request->nr_ranges];
        struct block_wire_range wire;

        (void)take_bytes(chain, &buffer, &wire, sizeof(wire));
        if (wire.flags > RANGE_UNMAP || (wire.flags != 0 && request->disk.operation == DISK_DISCARD)) {
            return STATUS_UNSUPP;
        }
        if (!inside(request->block, wire.sector, wire.sectors) ||
            wire.sectors > max_range(request->block, request->disk.operation)) {
            return STATUS_IOERR;
        }
        range->sector = wire.sector;
        range->sectors = wire.sectors;
        request->nr_ranges += wire.sectors != 0;
    }
    return STATUS_OK;
}

static void start_ranges(struct block_request *request, uint32_t buffer, uint64_t feature)
{
    enum block_status status;

    if (!device_has(request->block->device, feature)) {
        finish(request, STATUS_UNSUPP);
        return;
    }
    status = read_ranges(request, buffer);
    if (status != STATUS_OK || request->nr_ranges == 0) {
        finish(request, status);
        return;
    }
    start_range(request);
}

static void give_id(struct block_request *request)
{
    struct queue_chain *chain = &request->chain;
    const char *id = request->block->id;
    uint32_t left = BLOCK_ID_BYTES;

    for (uint32_t i = chain->nr_readable; i < (uint32_t)chain->nr_readable + chain->nr_writable; i++) {
        uint32_t part = chain->buffers[i].length < left ? chain->buffers[i].length : left;

        memcpy(chain->buffers[i].data, id, part);
        id += part;
        left -= part;
    }
    request->written = BLOCK_ID_BYTES - left;
    finish(request, STATUS_OK);
}

/* False: the driver broke the rules so that it cannot be told. */
static bool begin(struct block_request *request)
{
    struct block *block = request->block;
    struct queue_chain *chain = &request->chain;
    struct block_header header;
    uint32_t buffer = 0;

    if (!take_bytes(chain, &buffer, &header, sizeof(header)) || !take_status(request)) {
        free_request(block, request);
        return false;
    }
    request->disk.done = request_done;
    request->dropped = false;
    request->at_disk = false;
    request->written = 1;
    switch (header.type) {
    case TYPE_IN:
        request->disk.operation = DISK_READ;
        request->written += (uint32_t)chain->writable;
        start_io(request, header.sector, chain->nr_readable, chain->nr_writable, chain->writable);
        break;
    case TYPE_OUT:
        request->disk.operation = DISK_WRITE;
        if (block->read_only) {
            finish(request, STATUS_IOERR);
        } else {
            start_io(request, header.sector, buffer, chain->nr_readable - buffer, chain->readable);
        }
        break;
    case TYPE_FLUSH:
        if (block->disk->has_flush) {
            start_flush(request);
        } else {
            finish(request, STATUS_OK);
        }
        break;
    case TYPE_GET_ID:
        give_id(request);
        break;
    case TYPE_DISCARD:
        request->disk.operation = DISK_DISCARD;
        start_ranges(request, buffer, BLK_DISCARD);
        break;
    case TYPE_ZEROES:
        request->disk.operation = DISK_WRITE_ZEROES;
        start_ranges(request, buffer, BLK_WRITE_ZEROES);
        break;
    default:
        finish(request, STATUS_UNSUPP);
        break;
    }
    return true;
}

/* The next request of that queue: first those that a dead backend had taken. */
static enum queue_status next_chain(struct block *block, uint32_t index, struct queue *queue,
                                    struct queue_chain *chain)
{
    if (block->again[index]) {
        enum queue_status status = queue_again(queue, &block->order[index], chain);

        if (status != QUEUE_EMPTY) {
            return status;
        }
        block->again[index] = false;
    }
    return queue_take(queue, chain);
}

/* True: there is more, and room for it. */
static bool run_queue(struct block *block, uint32_t index)
{
    for (uint32_t i = 0; i < RUN_BOUND; i++) {
        struct queue *queue = device_queue(block->device, index);
        struct block_request *request = block->free;

        if (queue == NULL || request == NULL) {
            block->starved |= queue != NULL;
            return false; /* without room: request_done() goes on */
        }
        switch (next_chain(block, index, queue, &request->chain)) {
        case QUEUE_EMPTY:
            if (!queue_ask(queue, true)) {
                return false;
            }
            break;
        case QUEUE_LATER:
            block->starved = true;
            return false;
        case QUEUE_BROKEN:
            device_needs_reset(block->device);
            return false;
        case QUEUE_OK:
            block->free = request->next;
            request->block = block;
            request->queue = (uint16_t)index;
            if (!begin(request)) {
                device_needs_reset(block->device);
                return false;
            }
            break;
        }
    }
    return true;
}

static bool run(struct device *device)
{
    bool more = false;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        more |= run_queue(device->user, i);
    }
    return more;
}

static void start(struct device *device)
{
    struct block *block = device->user;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        block->again[i] = true;
        block->order[i] = 0;
        device->queue[i].patient = true;
    }
}

/* What comes behind a part that the disk has done: the next range, or the flush that a driver without FLUSH
 * need not ask for (5.2.6.2). True: something does. */
static bool go_on(struct block_request *request)
{
    struct block *block = request->block;
    enum disk_operation operation = request->disk.operation;

    if (operation == DISK_DISCARD || operation == DISK_WRITE_ZEROES) {
        request->range++;
        if (request->range < request->nr_ranges) {
            start_range(request);
            return true;
        }
    }
    if ((operation == DISK_WRITE || operation == DISK_WRITE_ZEROES) && block->disk->has_flush &&
        !device_has(block->device, BLK_FLUSH)) {
        start_flush(request);
        return true;
    }
    return false;
}

static void request_done(struct disk_request *disk, bool ok)
{
    struct block_request *request =
        (struct block_request *)(void *)((uint8_t *)disk - offsetof(struct block_request, disk));
    struct block *block = request->block;

    request->at_disk = false;
    if (request->dropped) {
        free_request(block, request);
        block->dropped--;
        if (block->dropped == 0) {
            device_quiet(block->device);
        }
    } else if (!ok) {
        finish(request, STATUS_IOERR);
    } else if (!go_on(request)) {
        finish(request, STATUS_OK);
    }
    if (block->starved) {
        block->starved = false;
        block->device->more |= run(block->device);
    }
}

/* Room at the disk: each device in turn, beginning with another one every time. */
static void disk_ready(struct disk *disk)
{
    struct block *first = disk->clients;

    if (first == NULL) {
        return;
    }
    for (struct block *block = first; block != NULL; block = block->next_client) {
        while (block->waiting != NULL && disk->submit(disk, &block->waiting->disk)) {
            block->waiting->at_disk = true;
            block->waiting = block->waiting->next;
        }
        if (block->waiting == NULL) {
            block->waiting_end = &block->waiting;
        }
    }
    if (first->next_client != NULL) {
        struct block *last = first;

        while (last->next_client != NULL) {
            last = last->next_client;
        }
        disk->clients = first->next_client;
        last->next_client = first;
        first->next_client = NULL;
    }
}

static bool quiesce(struct device *device, uint32_t queue)
{
    struct block *block = device->user;
    struct block_request **at = &block->waiting;

    while (*at != NULL) {
        struct block_request *request = *at;

        if (queue == DEVICE_ALL_QUEUES || request->queue == queue) {
            *at = request->next;
            free_request(block, request);
        } else {
            at = &request->next;
        }
    }
    block->waiting_end = at;
    for (uint32_t i = 0; i < block->nr_requests; i++) {
        struct block_request *request = &block->requests[i];

        if (request->at_disk && !request->dropped &&
            (queue == DEVICE_ALL_QUEUES || request->queue == queue)) {
            request->dropped = true;
            block->dropped++;
        }
    }
    return block->dropped == 0;
}

/* Where physical blocks begin on this part of the disk, in logical ones. */
static uint8_t aligned_block(const struct block *block)
{
    const struct disk *disk = block->disk;
    uint32_t unit = 1u << disk->physical_blocks;

    return (uint8_t)((disk->aligned_block + unit - block->first * DISK_SECTOR / block_size(disk) % unit) %
                     unit);
}

static uint32_t config_read(struct device *device, uint32_t offset, uint32_t size)
{
    const struct block *block = device->user;
    const struct disk *disk = block->disk;
    uint32_t value = 0;
    struct block_config config = {
        .capacity = block->sectors,
        .size_max = block->max_segment,
        .seg_max = block->max_segments,
        .blk_size = block_size(disk),
        .physical_block_exp = disk->physical_blocks,
        .alignment_offset = aligned_block(block),
        .min_io_size = disk->min_io,
        .opt_io_size = disk->opt_io,
        .num_queues = (uint16_t)device->nr_queues,
    };

    if ((device->features & BLK_DISCARD) != 0) {
        config.max_discard_sectors = max_range(block, DISK_DISCARD);
        config.max_discard_seg = BLOCK_MAX_RANGES;
        config.discard_sector_alignment =
            disk->discard_alignment != 0 ? disk->discard_alignment : config.blk_size / DISK_SECTOR;
    }
    if ((device->features & BLK_WRITE_ZEROES) != 0) {
        config.max_write_zeroes_sectors = max_range(block, DISK_WRITE_ZEROES);
        config.max_write_zeroes_seg = BLOCK_MAX_RANGES;
    }
    memcpy(&value, (const uint8_t *)&config + offset, size);
    return value;
}

static void config_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    /* No field is the driver's: CONFIG_WCE is not offered. */
    (void)device;
    (void)offset;
    (void)size;
    (void)value;
}

const struct device_class block_class = {
    .id = 2,
    .config_size = CONFIG_BYTES,
    .start = start,
    .run = run,
    .quiesce = quiesce,
    .config_read = config_read,
    .config_write = config_write,
};

static uint64_t features_of(const struct block *block, const struct device *device)
{
    uint64_t features = BLK_SEG_MAX | BLK_BLK_SIZE | BLK_FLUSH;

    features |= block->read_only ? BLK_RO : 0;
    features |= block->max_segment != 0 ? BLK_SIZE_MAX : 0;
    features |= block->disk->min_io != 0 || block->disk->physical_blocks != 0 ? BLK_TOPOLOGY : 0;
    features |= device->nr_queues > 1 ? BLK_MQ : 0;
    features |= block->disk->has_discard && !block->read_only ? BLK_DISCARD : 0;
    features |= block->disk->has_write_zeroes && !block->read_only ? BLK_WRITE_ZEROES : 0;
    return features;
}

bool block_init(struct block *block, struct device *device)
{
    struct disk *disk = block->disk;
    uint32_t unit = block_size(disk) / DISK_SECTOR;

    if (block->first > disk->sectors || block->sectors > disk->sectors - block->first ||
        block_size(disk) % DISK_SECTOR != 0 || block->first % unit != 0 || block->sectors % unit != 0 ||
        disk->physical_blocks > MAX_PHYSICAL_BLOCKS || block->nr_requests == 0 ||
        block->max_segments > BLOCK_MAX_SEGMENTS || device->nr_queues > DEVICE_MAX_QUEUES) {
        return false;
    }
    block->max_segment = least(block->max_segment, disk->max_segment);
    block->max_segments =
        least(block->max_segments != 0 ? block->max_segments : BLOCK_MAX_SEGMENTS, disk->max_segments);
    if (block->sectors == 0) {
        block->sectors = disk->sectors - block->first;
    }
    block->read_only |= disk->read_only;
    block->device = device;
    block->free = NULL;
    block->waiting = NULL;
    block->waiting_end = &block->waiting;
    block->dropped = 0;
    block->starved = false;
    for (uint32_t i = 0; i < block->nr_requests; i++) {
        block->requests[i].at_disk = false;
        block->requests[i].dropped = false;
        free_request(block, &block->requests[i]);
    }
    block->next_client = disk->clients;
    disk->clients = block;
    disk->ready = disk_ready;
    device->class = &block_class;
    device->user = block;
    device->features |= features_of(block, device);
    return true;
}
