/* SPDX-License-Identifier: Apache-2.0 */
#include "block_rig.h"

#include <assert.h>
#include <string.h>

struct disk the_disk;
uint8_t the_medium[DISK_SECTORS * DISK_SECTOR];
uint32_t disk_flushes, disk_waiting, disk_volatile;
bool disk_fails;

static struct disk_request *disk_queue[DISK_ROOM];
static bool refused;

static bool disk_submit(struct disk *disk, struct disk_request *request)
{
    (void)disk;
    if (disk_waiting == DISK_ROOM) {
        refused = true;
        return false;
    }
    disk_queue[disk_waiting++] = request;
    return true;
}

void disk_create(void)
{
    memset(&the_disk, 0, sizeof(the_disk));
    memset(the_medium, 0, sizeof(the_medium));
    the_disk.sectors = DISK_SECTORS;
    the_disk.max_requests = DISK_ROOM;
    the_disk.has_flush = the_disk.has_discard = the_disk.has_write_zeroes = true;
    the_disk.submit = disk_submit;
    disk_fails = false;
    disk_flushes = 0;
    disk_volatile = 0;
    disk_forget();
}

void disk_forget(void)
{
    disk_waiting = 0;
    refused = false;
    the_disk.clients = NULL;
}

static void transfer(struct disk_request *request)
{
    uint8_t *at = the_medium + request->sector * DISK_SECTOR;
    uint64_t bytes = request->sectors * DISK_SECTOR;

    assert(request->sector <= DISK_SECTORS && request->sectors <= DISK_SECTORS - request->sector);
    switch (request->operation) {
    case DISK_READ:
    case DISK_WRITE:
        for (uint32_t i = 0; i < request->nr_buffers; i++) {
            const struct queue_buffer *buffer = &request->buffers[i];

            memcpy(request->operation == DISK_READ ? buffer->data : at,
                   request->operation == DISK_READ ? at : buffer->data, buffer->length);
            at += buffer->length;
            bytes -= buffer->length;
        }
        assert(bytes == 0);
        disk_volatile += request->operation == DISK_WRITE;
        break;
    case DISK_FLUSH:
        disk_flushes++;
        disk_volatile = 0;
        break;
    case DISK_DISCARD:
        memset(at, 0xdd, bytes);
        break;
    case DISK_WRITE_ZEROES:
        memset(at, 0, bytes);
        disk_volatile++;
        break;
    }
}

bool disk_step(void)
{
    struct disk_request *request;
    uint32_t pick;

    if (disk_waiting == 0) {
        return false;
    }
    pick = random_below(disk_waiting);
    request = disk_queue[pick];
    disk_queue[pick] = disk_queue[--disk_waiting];
    if (!disk_fails) {
        transfer(request);
    }
    request->done(request, !disk_fails);
    if (refused) {
        refused = false;
        the_disk.ready(&the_disk);
    }
    return true;
}

void disk_run(void)
{
    while (disk_step()) {
    }
}

void block_create(struct block_rig *rig, uint64_t first, uint64_t sectors, bool read_only, uint64_t features)
{
    memset(rig, 0, sizeof(*rig));
    rig->block.disk = &the_disk;
    rig->block.first = first;
    rig->block.sectors = sectors;
    rig->block.read_only = read_only;
    memcpy(rig->block.id, "a disk of twenty char", BLOCK_ID_BYTES);
    rig->block.requests = rig->requests;
    rig->block.nr_requests = NR_REQUESTS;
    rig_create(&rig->rig, &block_class, &rig->block, 2, 64, 0);
    assert(block_init(&rig->block, &rig->rig.device));
    rig->rig.features = rig->rig.device.features;
    device_init(&rig->rig.device);
    driver_start(&rig->rig, features, 64);
}

void block_again_as(struct block_rig *rig, uint32_t frontend)
{
    struct block old = rig->block;

    memset(&rig->block, 0xa5, sizeof(rig->block));
    memset(rig->requests, 0xa5, sizeof(rig->requests));
    rig->block.disk = old.disk;
    rig->block.first = old.first;
    rig->block.sectors = old.sectors;
    rig->block.read_only = old.read_only;
    memcpy(rig->block.id, old.id, BLOCK_ID_BYTES);
    rig->block.max_segment = rig->block.max_segments = 0;
    rig->block.requests = rig->requests;
    rig->block.nr_requests = NR_REQUESTS;
    rig_forget(&rig->rig, frontend);
    assert(block_init(&rig->block, &rig->rig.device));
    device_init(&rig->rig.device);
}

#define SLOT(slot) (GUEST_BASE + 0x100000u + (slot) * 0x4000u)

uint8_t *block_data(struct block_rig *rig, uint32_t slot)
{
    return guest(&rig->rig, SLOT(slot) + 16);
}

uint8_t block_status(struct block_rig *rig, uint32_t slot)
{
    return *(uint8_t *)guest(&rig->rig, SLOT(slot) + 0x3fff);
}

/* Appends [address, address + length) in up to `pieces` parts. */
static uint32_t cut(struct part *parts, uint64_t address, uint32_t length, uint32_t pieces, bool write)
{
    uint32_t nr = 0;

    while (length != 0) {
        uint32_t part = pieces <= 1 ? length : 1 + random_below(length);

        parts[nr++] = (struct part){address, part, write};
        address += part;
        length -= part;
        pieces--;
    }
    return nr;
}

int block_offer(struct block_rig *rig, uint32_t queue, uint32_t slot, uint32_t type, uint64_t sector,
                const void *data, uint32_t length)
{
    struct part parts[12];
    bool device_writes = type == IN || type == GET_ID;
    uint8_t *header = guest(&rig->rig, SLOT(slot));
    uint32_t nr;

    memcpy(header, &(uint32_t[2]){type, 0}, 8);
    memcpy(header + 8, &sector, 8);
    if (data != NULL) {
        memcpy(block_data(rig, slot), data, length);
    }
    *(uint8_t *)guest(&rig->rig, SLOT(slot) + 0x3fff) = UNTOUCHED;
    nr = cut(parts, SLOT(slot), 16, 1 + random_below(3), false);
    nr += cut(parts + nr, SLOT(slot) + 16, length, 1 + random_below(4), device_writes);
    parts[nr++] = (struct part){SLOT(slot) + 0x3fff, 1, true};
    return driver_add(&rig->rig, queue, parts, nr,
                      device_has(&rig->rig.device, VIRTIO_F_INDIRECT_DESC) ? random_below(nr + 1) : nr);
}

uint8_t block_do(struct block_rig *rig, uint32_t type, uint64_t sector, const void *data, uint32_t length)
{
    uint32_t head, written;
    int offered = block_offer(rig, 0, 0, type, sector, data, length);

    assert(offered >= 0);
    while (device_run(&rig->rig.device)) {
    }
    disk_run();
    if (!driver_used(&rig->rig, 0, &head, &written)) {
        return UNTOUCHED;
    }
    assert((int)head == offered);
    return block_status(rig, 0);
}
