/* SPDX-License-Identifier: Apache-2.0 */
/* The block class: what VIRTIO 1.2, 5.2 demands of a device, and that a range of a disk is all that its
 * driver reaches. */
#include "block_rig.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FIRST   40u
#define SECTORS 100u

static struct block_rig rig, other;
static uint8_t buffer[16 * DISK_SECTOR];

static void create(uint64_t features)
{
    disk_create();
    block_create(&rig, FIRST, SECTORS, false, features);
}

static void destroy(void)
{
    rig_destroy(&rig.rig);
}

static void fill(uint8_t byte)
{
    memset(buffer, byte, sizeof(buffer));
}

static uint64_t capacity(struct block_rig *r)
{
    return reg(&r->rig, CONFIG) + ((uint64_t)reg(&r->rig, CONFIG + 4) << 32);
}

static void configuration(void **state)
{
    (void)state;
    create(F_FLUSH | F_MQ);
    assert_int_equal(capacity(&rig), SECTORS);
    assert_int_equal(reg(&rig.rig, CONFIG + 12), BLOCK_MAX_SEGMENTS);
    assert_int_equal(reg(&rig.rig, CONFIG + 20), 512);
    assert_int_equal(device_read(&rig.rig.device, CONFIG + 34, 2), 2);
    assert_int_equal(reg(&rig.rig, CONFIG + 36), BLOCK_MAX_RANGE_SECTORS);
    assert_int_equal(reg(&rig.rig, CONFIG + 40), BLOCK_MAX_RANGES);
    for (uint32_t i = 57; i < 60; i++) {
        assert_int_equal(device_read(&rig.rig.device, CONFIG + i, 1), 0); /* unused1 MUST be 0 */
    }
    assert_int_equal(device_read(&rig.rig.device, CONFIG + 33, 1), 0); /* unused0, too */
    set(&rig.rig, CONFIG, 1000);
    assert_int_equal(capacity(&rig), SECTORS);
    destroy();
}

/* What the disk is and takes is what the device says, and what it holds the driver to. */
static void limits_of_the_disk(void **state)
{
    struct {
        uint64_t sector;
        uint32_t sectors, flags;
    } range = {0, 16, 0};
    static const uint8_t types[] = {DISCARD, ZEROES};

    (void)state;
    disk_create();
    the_disk.block_size = 4096;
    the_disk.physical_blocks = 3;
    the_disk.aligned_block = 1;
    the_disk.min_io = 2;
    the_disk.opt_io = 70000;
    the_disk.max_segment = 8192;
    the_disk.max_segments = 6;
    the_disk.max_discard = 32;
    the_disk.max_write_zeroes = 16;
    the_disk.discard_alignment = 24;
    block_create(&rig, FIRST, SECTORS - 4, false, F_FLUSH | F_DISCARD | F_ZEROES);
    assert_int_equal(rig.rig.device.features % 8, (1 << 1) + (1 << 2)); /* SIZE_MAX, SEG_MAX */
    assert_int_equal(rig.rig.device.features >> 10 & 1, 1);             /* TOPOLOGY */
    assert_int_equal(reg(&rig.rig, CONFIG + 8), 8192);
    assert_int_equal(reg(&rig.rig, CONFIG + 12), 6);
    assert_int_equal(reg(&rig.rig, CONFIG + 20), 4096);
    assert_int_equal(device_read(&rig.rig.device, CONFIG + 24, 1), 3);
    assert_int_equal(device_read(&rig.rig.device, CONFIG + 25, 1), 4); /* 1 + 8 - FIRST / 8 */
    assert_int_equal(device_read(&rig.rig.device, CONFIG + 26, 2), 2);
    assert_int_equal(reg(&rig.rig, CONFIG + 28), 70000);
    assert_int_equal(reg(&rig.rig, CONFIG + 36), 32);
    assert_int_equal(reg(&rig.rig, CONFIG + 44), 24);
    assert_int_equal(reg(&rig.rig, CONFIG + 48), 16);
    assert_int_equal(block_do(&rig, OUT, 8, buffer, 8 * DISK_SECTOR), OK);
    assert_int_equal(block_do(&rig, OUT, 4, buffer, 8 * DISK_SECTOR), IOERR);
    assert_int_equal(block_do(&rig, OUT, 8, buffer, 4 * DISK_SECTOR), IOERR);
    assert_int_equal(block_do(&rig, IN, 1, NULL, 8 * DISK_SECTOR), IOERR);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t most = types[i] == DISCARD ? 32 : 16;

        range.sectors = most;
        assert_int_equal(block_do(&rig, types[i], 0, &range, sizeof(range)), OK);
        range.sectors = most + 8;
        assert_int_equal(block_do(&rig, types[i], 0, &range, sizeof(range)), IOERR);
        range.sectors = 4;
        assert_int_equal(block_do(&rig, types[i], 0, &range, sizeof(range)), IOERR);
    }
    destroy();
}

/* A limit of the host's holds if the disk's is not lower; more than we can do is never offered. */
static void lower_limit_holds(void **state)
{
    static const struct {
        uint32_t host, disk, both;
    } segments[] = {{0, 0, 64}, {0, 126, 64}, {0, 20, 20}, {32, 20, 20}, {32, 126, 32}},
      bytes[] = {{0, 0, 0}, {0, 4096, 4096}, {4096, 512, 512}, {4096, 65536, 4096}};

    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        create(F_DISCARD);
        the_disk.max_segments = segments[i].disk;
        the_disk.max_segment = bytes[i % 4].disk;
        the_disk.max_discard = the_disk.max_write_zeroes = UINT32_MAX;
        the_disk.clients = NULL;
        rig.block.max_segments = segments[i].host;
        rig.block.max_segment = bytes[i % 4].host;
        assert_true(block_init(&rig.block, &rig.rig.device));
        assert_int_equal(reg(&rig.rig, CONFIG + 8), bytes[i % 4].both);
        assert_int_equal(reg(&rig.rig, CONFIG + 12), segments[i].both);
        assert_int_equal(reg(&rig.rig, CONFIG + 36), BLOCK_MAX_RANGE_SECTORS);
        assert_int_equal(reg(&rig.rig, CONFIG + 48), BLOCK_MAX_RANGE_SECTORS);
        destroy();
    }
}

static void ranges_of_disks(void **state)
{
    static const struct {
        uint64_t first, sectors;
        bool ok;
        uint32_t block_size;
    } cases[] = {
        {0, 256, true, 0},
        {0, 0, true, 512},
        {256, 0, true, 0},
        {255, 1, true, 0},
        {0, 257, false, 0},
        {257, 0, false, 0},
        {256, 1, false, 0},
        {1, UINT64_MAX, false, 0},
        {UINT64_MAX, 1, false, 0},
        {UINT64_MAX, 0, false, 0},
        {2, UINT64_MAX - 1, false, 0},
        {8, 240, true, 4096},
        {8, 0, true, 4096},
        {4, 240, false, 4096},
        {8, 236, false, 4096},
        {0, 0, false, 100},
        {0, 0, false, 1000},
    };

    (void)state;
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        disk_create();
        the_disk.block_size = cases[i].block_size;
        memset(&rig, 0, sizeof(rig));
        rig.block.disk = &the_disk;
        rig.block.first = cases[i].first;
        rig.block.sectors = cases[i].sectors;
        rig.block.requests = rig.requests;
        rig.block.nr_requests = NR_REQUESTS;
        rig.rig.device.nr_queues = 1;
        assert_int_equal(block_init(&rig.block, &rig.rig.device), cases[i].ok);
    }
}

static void read_and_write(void **state)
{
    static const uint64_t sets[] = {F_FLUSH, F_FLUSH | VIRTIO_F_INDIRECT_DESC,
                                    F_FLUSH | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX, 0};

    (void)state;
    for (uint32_t s = 0; s < 4; s++) {
        create(sets[s]);
        for (uint32_t i = 0; i < 300; i++) {
            uint32_t sectors = 1 + random_below(8);
            uint64_t sector = random_below(SECTORS - sectors + 1);

            fill((uint8_t)i);
            assert_int_equal(block_do(&rig, OUT, sector, buffer, sectors * DISK_SECTOR), OK);
            assert_memory_equal(the_medium + (FIRST + sector) * DISK_SECTOR, buffer, sectors * DISK_SECTOR);
            memset(block_data(&rig, 0), 0xcc, sizeof(buffer));
            assert_int_equal(block_do(&rig, IN, sector, NULL, sectors * DISK_SECTOR), OK);
            assert_memory_equal(block_data(&rig, 0), buffer, sectors * DISK_SECTOR);
            assert_int_equal(block_data(&rig, 0)[sectors * DISK_SECTOR], 0xcc);
        }
        for (uint32_t i = 0; i < DISK_SECTORS; i++) {
            if (i < FIRST || i >= FIRST + SECTORS) {
                assert_int_equal(the_medium[i * DISK_SECTOR], 0);
            }
        }
        destroy();
    }
}

/* Sectors and lengths that would leave the range, each operation. */
static void no_way_out(void **state)
{
    static const uint64_t sectors[] = {SECTORS,           SECTORS - 1,        SECTORS + 1,
                                       UINT64_MAX,        UINT64_MAX - FIRST, UINT64_MAX - FIRST + 1,
                                       UINT64_C(1) << 55, UINT64_C(1) << 63,  UINT64_MAX / DISK_SECTOR};
    uint32_t attempts = 0;

    (void)state;
    create(F_FLUSH | F_DISCARD | F_ZEROES);
    memset(the_medium, 0x77, sizeof(the_medium));
    fill(0x11);
    for (uint32_t i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
        struct {
            uint64_t sector;
            uint32_t sectors, flags;
        } range[2] = {{0, 0, 0}, {sectors[i], 2, 0}};

        assert_int_equal(block_do(&rig, OUT, sectors[i], buffer, 2 * DISK_SECTOR), IOERR);
        assert_int_equal(block_do(&rig, IN, sectors[i], NULL, 2 * DISK_SECTOR), IOERR);
        assert_int_equal(block_do(&rig, DISCARD, 0, range, 32), IOERR);
        assert_int_equal(block_do(&rig, ZEROES, 0, range, 32), IOERR);
        range[1].sector = 1;
        range[1].sectors = 0xffffffff - i;
        assert_int_equal(block_do(&rig, ZEROES, 0, range, 32), IOERR);
        attempts += 5;
    }
    for (uint32_t i = 0; i < sizeof(the_medium); i++) {
        assert_int_equal(the_medium[i], 0x77);
    }
    print_message("ways out of a range: attempts %u, blocked %u\n", attempts, attempts);
    /* Not whole sectors. */
    assert_int_equal(block_do(&rig, OUT, 0, buffer, DISK_SECTOR - 1), IOERR);
    assert_int_equal(block_do(&rig, IN, 0, NULL, DISK_SECTOR + 1), IOERR);
    assert_int_equal(block_do(&rig, OUT, 0, NULL, 0), OK);
    assert_int_equal(block_do(&rig, OUT, SECTORS, NULL, 0), OK);
    assert_int_equal(block_do(&rig, OUT, SECTORS + 1, NULL, 0), IOERR);
    assert_int_equal(disk_waiting, 0);
    destroy();
}

static void read_only(void **state)
{
    (void)state;
    disk_create();
    block_create(&rig, FIRST, SECTORS, true, F_FLUSH | F_RO);
    assert_true((rig.rig.device.features & (F_RO | F_DISCARD | F_ZEROES)) == F_RO);
    fill(0x11);
    assert_int_equal(block_do(&rig, OUT, 0, buffer, DISK_SECTOR), IOERR);
    assert_int_equal(block_do(&rig, ZEROES, 0, (uint64_t[2]){0, 1}, 16), UNSUPP);
    assert_int_equal(the_medium[FIRST * DISK_SECTOR], 0);
    assert_int_equal(block_do(&rig, IN, 0, NULL, DISK_SECTOR), OK);
    destroy();
    /* A disk that is, makes its devices so. */
    disk_create();
    the_disk.read_only = true;
    block_create(&rig, FIRST, SECTORS, false, 0);
    assert_true((rig.rig.device.features & F_RO) != 0);
    assert_int_equal(block_do(&rig, OUT, 0, buffer, DISK_SECTOR), IOERR);
    destroy();
}

static void flush(void **state)
{
    (void)state;
    create(F_FLUSH);
    assert_int_equal(block_do(&rig, OUT, 0, buffer, DISK_SECTOR), OK);
    assert_int_equal(disk_flushes, 0);
    assert_int_equal(block_do(&rig, FLUSH, 0, NULL, 0), OK);
    assert_int_equal(disk_flushes, 1);
    destroy();
    /* FLUSH was not negotiated: an acknowledged write is stable (5.2.6.2). */
    create(F_ZEROES);
    for (uint32_t i = 1; i < 5; i++) {
        assert_int_equal(block_do(&rig, OUT, i, buffer, DISK_SECTOR), OK);
        assert_int_equal(disk_volatile, 0);
        assert_int_equal(disk_flushes, i);
    }
    assert_int_equal(block_do(&rig, ZEROES, 0, (uint64_t[2]){0, 1}, 16), OK);
    assert_int_equal(disk_volatile, 0);
    assert_int_equal(block_do(&rig, IN, 0, NULL, DISK_SECTOR), OK);
    assert_int_equal(disk_flushes, 5);
    destroy();
    /* A disk whose writes are stable. */
    disk_create();
    the_disk.has_flush = false;
    block_create(&rig, FIRST, SECTORS, false, F_FLUSH);
    assert_int_equal(block_do(&rig, FLUSH, 0, NULL, 0), OK);
    assert_int_equal(disk_flushes, 0);
    destroy();
}

static void discard_and_zeroes(void **state)
{
    struct {
        uint64_t sector;
        uint32_t sectors, flags;
    } range[5] = {{1, 2, 0}, {5, 1, 0}, {9, 0, 0}, {11, 3, 0}, {20, 1, 0}};

    (void)state;
    create(F_FLUSH | F_DISCARD | F_ZEROES);
    memset(the_medium, 0x77, sizeof(the_medium));
    assert_int_equal(block_do(&rig, ZEROES, 0, range, 64), OK);
    for (uint32_t i = 0; i < DISK_SECTORS; i++) {
        uint32_t at = i - FIRST;
        bool zero = at == 1 || at == 2 || at == 5 || (at >= 11 && at < 14);

        assert_int_equal(the_medium[i * DISK_SECTOR + 511], zero ? 0 : 0x77);
    }
    assert_int_equal(block_do(&rig, DISCARD, 0, range, 16), OK);
    assert_int_equal(the_medium[(FIRST + 1) * DISK_SECTOR], 0xdd);
    assert_int_equal(block_do(&rig, ZEROES, 0, range, 80), IOERR); /* more than max_write_zeroes_seg */
    assert_int_equal(block_do(&rig, ZEROES, 0, range, 15), IOERR);
    assert_int_equal(block_do(&rig, ZEROES, 0, range, 0), IOERR);
    range[1].flags = 1;
    assert_int_equal(block_do(&rig, ZEROES, 0, range, 32), OK);
    assert_int_equal(block_do(&rig, DISCARD, 0, range, 32), UNSUPP); /* unmap has no meaning */
    range[1].flags = 2;
    assert_int_equal(block_do(&rig, ZEROES, 0, range, 32), UNSUPP);
    assert_int_equal(block_do(&rig, DISCARD, 0, range, 32), UNSUPP);
    destroy();
    create(F_FLUSH);
    assert_int_equal(block_do(&rig, DISCARD, 0, range, 16), UNSUPP);
    assert_int_equal(block_do(&rig, ZEROES, 0, range, 16), UNSUPP);
    destroy();
}

static void other_requests(void **state)
{
    (void)state;
    create(F_FLUSH);
    memset(block_data(&rig, 0), 0xcc, 64);
    assert_int_equal(block_do(&rig, GET_ID, 0, NULL, 20), OK);
    assert_memory_equal(block_data(&rig, 0), rig.block.id, 20);
    memset(block_data(&rig, 0), 0xcc, 64);
    assert_int_equal(block_do(&rig, GET_ID, 0, NULL, 7), OK);
    assert_int_equal(block_data(&rig, 0)[7], 0xcc);
    for (uint32_t type = 0; type < 40; type++) {
        if (type != IN && type != OUT && type != FLUSH && type != GET_ID && type != DISCARD &&
            type != ZEROES) {
            assert_int_equal(block_do(&rig, type, 0, buffer, 512), UNSUPP);
        }
    }
    assert_int_equal(block_do(&rig, 0x80000001, 0, buffer, 512), UNSUPP);
    disk_fails = true;
    assert_int_equal(block_do(&rig, OUT, 0, buffer, 512), IOERR);
    assert_int_equal(block_do(&rig, IN, 0, NULL, 512), IOERR);
    assert_int_equal(block_do(&rig, FLUSH, 0, NULL, 0), IOERR);
    destroy();
}

/* No header, or no room for the status: nothing can be said but DEVICE_NEEDS_RESET. */
static void broken_requests(void **state)
{
    const uint64_t at = GUEST_BASE + 0x100000;
    const struct part none[] = {{at, 15, false}, {at + 0x100, 1, true}};
    const struct part silent[] = {{at, 16, false}, {at + 0x100, 512, false}};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        create(F_FLUSH);
        driver_add(&rig.rig, 0, i == 0 ? none : silent, 2, 2);
        device_run(&rig.rig.device);
        assert_true((reg(&rig.rig, STATUS) & VIRTIO_NEEDS_RESET) != 0);
        assert_int_equal(disk_waiting, 0);
        driver_start(&rig.rig, F_FLUSH, 64);
        assert_int_equal(block_do(&rig, IN, 0, NULL, 512), OK);
        destroy();
    }
}

/* More requests than slots and than the disk has room for, of two devices with two queues each. */
static void many(void **state)
{
    uint32_t head, length, done[2][2] = {{0}};

    (void)state;
    create(F_FLUSH | F_MQ | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX);
    block_create(&other, FIRST + SECTORS, 50, false, F_FLUSH | F_MQ | VIRTIO_F_INDIRECT_DESC);
    for (uint32_t round = 0; round < 50; round++) {
        struct block_rig *const rigs[] = {&rig, &other};

        for (uint32_t i = 0; i < 24; i++) {
            fill((uint8_t)(1 + i % 2));
            assert_true(block_offer(rigs[i % 2], i / 2 % 2, i, OUT, i, buffer, 512) >= 0);
        }
        for (uint32_t r = 0; r < 2; r++) {
            while (device_run(&rigs[r]->rig.device)) {
            }
        }
        disk_run();
        for (uint32_t i = 0; i < 4; i++) {
            while (driver_used(&rigs[i % 2]->rig, i / 2, &head, &length)) {
                done[i % 2][i / 2]++;
            }
            assert_int_equal(done[i % 2][i / 2], 6 * (round + 1));
        }
    }
    for (uint32_t i = 0; i < 24; i++) {
        assert_int_equal(the_medium[((i % 2 != 0 ? FIRST + SECTORS : FIRST) + i) * DISK_SECTOR], 1 + i % 2);
    }
    rig_destroy(&other.rig);
    destroy();
}

/* The driver resets device or queue while the disk works for it. */
static void reset_in_flight(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t nr = 1 + random_below(20); /* more than the device takes at once */
        uint32_t quiet;
        bool whole = i % 2 == 0, waited;
        uint16_t used;

        create(F_FLUSH | F_MQ | VIRTIO_F_RING_RESET);
        for (uint32_t k = 0; k < nr; k++) {
            assert_true(block_offer(&rig, k % 2, k, IN, k, NULL, 512) >= 0);
        }
        device_run(&rig.rig.device);
        for (uint32_t k = random_below(nr); k > 0; k--) {
            disk_step();
        }
        used = rig.rig.queue[0].used[1];
        quiet = rig.rig.quiet;
        set(&rig.rig, QUEUE_SEL, 0);
        waited =
            whole ? !set(&rig.rig, STATUS, 0) : (set(&rig.rig, QUEUE_RESET, 1), reg(&rig.rig, QUEUE_RESET));
        while (whole && waited && rig.rig.quiet == quiet) {
            assert_true(disk_step());
        }
        assert_true(!whole || disk_waiting == 0); /* nothing can touch the driver's memory any more */
        disk_run();
        assert_int_equal(rig.rig.quiet, quiet + waited);
        assert_int_equal(rig.rig.queue[0].used[1], used);
        assert_int_equal(reg(&rig.rig, QUEUE_RESET), 0);
        if (whole) {
            assert_int_equal(reg(&rig.rig, STATUS), 0);
            driver_start(&rig.rig, F_FLUSH, 64);
        } else {
            assert_int_equal(rig.rig.queue[1].used[1], nr / 2);
            driver_queue(&rig.rig, 0, 64);
        }
        for (uint32_t k = 0; k < 20; k++) {
            assert_int_equal(block_do(&rig, IN, 0, NULL, 512), OK);
        }
        destroy();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration),      cmocka_unit_test(ranges_of_disks),
        cmocka_unit_test(limits_of_the_disk), cmocka_unit_test(lower_limit_holds),
        cmocka_unit_test(read_and_write),     cmocka_unit_test(no_way_out),
        cmocka_unit_test(read_only),          cmocka_unit_test(flush),
        cmocka_unit_test(discard_and_zeroes), cmocka_unit_test(other_requests),
        cmocka_unit_test(broken_requests),    cmocka_unit_test(many),
        cmocka_unit_test(reset_in_flight),
    };

    return cmocka_run_group_tests_name("devices: block", tests, NULL, NULL);
}
