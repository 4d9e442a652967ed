/* SPDX-License-Identifier: Apache-2.0 */
/* A frontend that loads a disk: virtio-mmio, whether a driver domain serves it or QEMU's device was passed
 * through. Boot arguments (numbers; the default in brackets): count [1000]   requests, then it stops; 0:
 * without end      warm [0]      requests before them that do not count depth [1]      of them at once, at
 * most 32                  bytes [4096]  of each, at most 65536 writes [0]     of a hundred random [0]    1:
 * anywhere, 0: one behind the other span-kb [0]    of the disk that is used; 0: all             seed [1]
 *   verify [0]     1: what is written says what it is, and what is read is compared with what was written
 * last report [0]     a line every so many requests                disk [0]      the n-th one flush [0] 1:
 * each write is followed by a flush "LOAD" begins each line. Times are ticks of the counter. */
#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/confined.h"
#include "runtime/drivers/disks.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"
#include "tests/domains/marker.h"

enum { MAX_DEPTH = 32, MAX_BYTES = 65536 };

/* A part of the disk as large as a request. `version`: written last and acknowledged; 0: not by this load. */
struct unit {
    uint32_t version;
    bool busy;
};

struct slot {
    struct disk_request request;
    struct queue_buffer buffer;
    uint32_t unit, version;
    uint64_t began;
    bool waiting; /* for room at the disk */
};

static struct {
    uint32_t count, warm, depth, bytes, writes, random, verify, report, flush, pause_us, nr_units;
    uint64_t seed;
} load;

static struct {
    uint64_t begun, done, failed, wrong, compared, first, slowest, slowest_since;
} seen;

static struct disk *disk;
static struct unit *units;
static struct slot slots[MAX_DEPTH];
static struct source start_source;
static struct alarm pause;
static uint32_t at_work; /* requests that are not done */

static uint32_t dice(uint32_t below)
{
    load.pause_us = tree_argument("pause-us", 0);
    load.seed = load.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((load.seed >> 33) % below);
}

static uint64_t word_of(uint32_t unit, uint32_t version, uint32_t i)
{
    return i == 0   ? unit
           : i == 1 ? version
                    : ((uint64_t)unit << 32 | version) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static void fill(const struct slot *slot)
{
    uint64_t *words = (uint64_t *)(void *)slot->buffer.data;

    for (uint32_t i = 0; i < load.bytes / 8; i++) {
        words[i] = word_of(slot->unit, slot->version, i);
    }
}

static void compare(const struct slot *slot)
{
    const uint64_t *words = (const uint64_t *)(const void *)slot->buffer.data;
    uint32_t version = units[slot->unit].version;

    if (version == 0) {
        return;
    }
    seen.compared++;
    for (uint32_t i = 0; i < load.bytes / 8; i++) {
        if (words[i] != word_of(slot->unit, version, i)) {
            seen.wrong++;
            log_line("LOAD wrong: unit %u word %u is %x, version %u", slot->unit, i, words[i], version);
            return;
        }
    }
}

static bool is_over(void)
{
    return load.count != 0 && seen.begun == (uint64_t)load.warm + load.count;
}

static void submit(struct slot *slot)
{
    slot->waiting = !disk->submit(disk, &slot->request);
}

/* A unit that no other request uses: the next one, or any. */
static uint32_t choose(void)
{
    uint32_t unit = load.random != 0 ? dice(load.nr_units) : (uint32_t)(seen.begun % load.nr_units);

    while (units[unit].busy) {
        unit = (unit + 1) % load.nr_units;
    }
    return unit;
}

static void begin(struct slot *slot)
{
    bool writes = load.writes != 0 && dice(100) < load.writes;

    if (seen.begun == load.warm) {
        seen.first = ticks_now();
        marker_begin();
    }
    seen.begun++;
    at_work++;
    slot->unit = choose();
    units[slot->unit].busy = true;
    slot->request.operation = writes ? DISK_WRITE : DISK_READ;
    slot->request.sector = (uint64_t)slot->unit * (load.bytes / DISK_SECTOR);
    slot->request.sectors = load.bytes / DISK_SECTOR;
    slot->request.buffers = &slot->buffer;
    slot->request.nr_buffers = 1;
    slot->version = units[slot->unit].version + 1;
    if (writes && load.verify != 0) {
        fill(slot);
    }
    slot->began = ticks_now();
    marker_request((uint32_t)(slot - slots));
    submit(slot);
}

static void end(void)
{
    uint64_t ticks = ticks_now() - seen.first;

    marker_end();
    log_begin("LOAD done");
    log_add(" requests=%u bytes=%u ticks=%u slowest=%u", load.count, load.bytes, ticks, seen.slowest);
    log_add(" compared=%u wrong=%u failed=%u", seen.compared, seen.wrong, seen.failed);
    log_end();
    log_line("GUEST DONE");
}

static void account(const struct slot *slot)
{
    uint64_t ticks = ticks_now() - slot->began;

    seen.done++;
    if (seen.done > load.warm && ticks > seen.slowest) {
        seen.slowest = ticks;
    }
    if (ticks > seen.slowest_since) {
        seen.slowest_since = ticks;
    }
    if (load.report != 0 && seen.done % load.report == 0) {
        log_begin("LOAD now");
        log_add(" %u ticks=%u slowest=%u wrong=%u", seen.done, ticks_now(), seen.slowest_since, seen.wrong);
        log_add(" failed=%u", seen.failed);
        log_end();
        seen.slowest_since = 0;
    }
}

static void done(struct disk_request *request, bool ok)
{
    struct slot *slot = (struct slot *)request; /* its first member */

    if (request->operation == DISK_WRITE && ok && load.flush != 0 && disk->has_flush) {
        request->operation = DISK_FLUSH;
        request->nr_buffers = 0;
        submit(slot);
        return;
    }
    marker_done((uint32_t)(slot - slots));
    account(slot);
    seen.failed += !ok;
    if (request->operation == DISK_READ && ok && load.verify != 0) {
        compare(slot);
    } else if (request->operation != DISK_READ) {
        units[slot->unit].version = ok && load.verify != 0 ? slot->version : 0;
    }
    units[slot->unit].busy = false;
    at_work--;
    if (!is_over() && load.pause_us == 0) {
        begin(slot);
    } else if (!is_over() && at_work == 0) {
        alarm_set(&pause, ticks_now() + load.pause_us * ticks_per_ms() / 1000);
    } else if (seen.done == (uint64_t)load.warm + load.count) {
        end();
    }
}

static void ready(struct disk *of)
{
    (void)of;
    for (uint32_t i = 0; i < load.depth; i++) {
        if (slots[i].waiting) {
            submit(&slots[i]);
        }
    }
}

static void start(struct source *source)
{
    (void)source;
    for (uint32_t i = 0; i < load.depth && !is_over(); i++) {
        begin(&slots[i]);
    }
}

static uint32_t limited(const char *name, uint32_t otherwise, uint32_t most)
{
    uint32_t value = tree_argument(name, otherwise);

    if (value > most) {
        crash("too large an argument: ", name);
    }
    return value;
}

static void read_arguments(void)
{
    uint64_t span;

    load.count = tree_argument("count", 1000);
    load.warm = tree_argument("warm", 0);
    load.depth = limited("depth", 1, MAX_DEPTH);
    load.bytes = limited("bytes", 4096, MAX_BYTES) / DISK_SECTOR * DISK_SECTOR;
    load.writes = limited("writes", 0, 100);
    load.random = tree_argument("random", 0);
    load.verify = tree_argument("verify", 0);
    load.report = tree_argument("report", 0);
    load.flush = tree_argument("flush", 0);
    load.pause_us = tree_argument("pause-us", 0);
    load.seed = tree_argument("seed", 1);
    span = (uint64_t)tree_argument("span-kb", 0) * 1024;
    if (span == 0 || span > disk->sectors * DISK_SECTOR) {
        span = disk->sectors * DISK_SECTOR;
    }
    if (load.bytes == 0 || span / load.bytes <= load.depth || span / load.bytes > UINT32_MAX) {
        crash("too small a disk for this load", "");
    }
    load.nr_units = (uint32_t)(span / load.bytes);
}

void domain_start(void)
{
    confined_start();
    disk = virtio_block_start(tree_argument("disk", 0));
    if (disk == NULL) {
        crash("there is no disk", "");
    }
    disk->ready = ready;
    read_arguments();
    units = arena_alloc(load.nr_units * sizeof *units, 8, "the load");
    for (uint32_t i = 0; i < load.depth; i++) {
        slots[i].buffer.data = arena_alloc(load.bytes, 4096, "buffers");
        slots[i].buffer.length = load.bytes;
        slots[i].request.done = done;
    }
    start_source.run = start;
    pause.source.run = start;
    source_ready(&start_source);
}
