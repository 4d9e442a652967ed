/* SPDX-License-Identifier: Apache-2.0 */
/* Verified writes and reads while the backend dies, the frontend resets the device, loses power, or both at
 * once: every acknowledged write is on the medium, nothing is answered twice or never, and no request reaches
 * the medium after a later one to the same sector. */
#include "block_rig.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST    64u
#define SECTORS  64u
#define SLOTS    24u
#define FEATURES (F_FLUSH | F_MQ)

static const uint64_t feature_sets[] = {FEATURES, FEATURES | VIRTIO_F_INDIRECT_DESC,
                                        FEATURES | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC,
                                        F_MQ | VIRTIO_F_EVENT_IDX};

struct slot {
    int head; /* -1: free */
    uint32_t queue, sector, sequence;
    bool write;
};

static struct trial {
    struct block_rig rig;
    uint64_t features;
    struct slot slots[SLOTS];
    uint32_t acknowledged[SECTORS]; /* sequence of the last acknowledged write */
    uint32_t sequence, frontend;
    bool doorbell, early;
    enum { NOTHING, RESET, POWER_OFF } doing; /* what the frontend had begun when the backend died */
    const char *fault;
    uint32_t crashes, in_flight, writes, reads, resets, powered_off, both;
} t;

static void fault(const char *what)
{
    t.fault = t.fault == NULL ? what : t.fault;
}

static uint32_t on_medium(uint32_t sector)
{
    uint32_t first, last;

    memcpy(&first, the_medium + (FIRST + sector) * DISK_SECTOR, 4);
    memcpy(&last, the_medium + (FIRST + sector) * DISK_SECTOR + DISK_SECTOR - 4, 4);
    if (first != last) {
        fault("a torn sector");
    }
    return first;
}

/* The request in flight that writes the sector, or NULL. */
static struct slot *writer_of(uint32_t sector)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (t.slots[i].head >= 0 && t.slots[i].write && t.slots[i].sector == sector) {
            return &t.slots[i];
        }
    }
    return NULL;
}

/* From outside: each sector holds the last acknowledged write, or the one in flight. */
static void check_medium(void)
{
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        const struct slot *writer = writer_of(sector);
        uint32_t found = on_medium(sector);

        if (found != t.acknowledged[sector] && (writer == NULL || found != writer->sequence)) {
            fault("an acknowledged write is lost");
        }
    }
}

static void offer(void)
{
    uint32_t index = random_below(SLOTS);
    struct slot *slot = &t.slots[index];
    uint32_t data[DISK_SECTOR / 4];
    uint16_t before;

    if (slot->head >= 0) {
        return;
    }
    slot->queue = random_below(2);
    slot->sector = random_below(SECTORS);
    slot->write = random_below(3) != 0;
    before = t.rig.rig.queue[slot->queue].avail_idx;
    for (uint32_t i = 0; i < SLOTS; i++) { /* no two requests for one sector */
        if (t.slots[i].head >= 0 && t.slots[i].sector == slot->sector) {
            return;
        }
    }
    slot->sequence = ++t.sequence;
    for (uint32_t i = 0; i < DISK_SECTOR / 4; i++) {
        data[i] = slot->sequence;
    }
    slot->head = block_offer(&t.rig, slot->queue, index, slot->write ? OUT : IN, slot->sector,
                             slot->write ? data : NULL, DISK_SECTOR);
    t.doorbell |= slot->head >= 0 && driver_rings(&t.rig.rig, slot->queue, before);
}

static void answered(struct slot *slot)
{
    uint32_t index = (uint32_t)(slot - t.slots);
    uint32_t found;

    slot->head = -1;
    if (block_status(&t.rig, index) != OK) {
        fault("a status that is not OK");
    } else if (slot->write) {
        t.writes++;
        t.acknowledged[slot->sector] = slot->sequence;
    } else {
        t.reads++;
        memcpy(&found, block_data(&t.rig, index) + DISK_SECTOR - 4, 4);
        if (found != t.acknowledged[slot->sector] && !t.early) {
            fault("a wrong read");
        }
    }
}

static void collect(void)
{
    for (uint32_t q = 0; q < 2; q++) {
        uint32_t head, length;

        while (driver_used(&t.rig.rig, q, &head, &length)) {
            struct slot *slot = NULL;

            for (uint32_t i = 0; i < SLOTS; i++) {
                if (t.slots[i].head == (int)head && t.slots[i].queue == q) {
                    slot = &t.slots[i];
                }
            }
            if (slot == NULL) {
                fault("a completion of what was not asked");
            } else {
                answered(slot);
            }
        }
        driver_want(&t.rig.rig, q, true);
    }
}

/* The control: the disk says of some writes that they are done, and they are not. */
static bool (*true_submit)(struct disk *disk, struct disk_request *request);

static void nothing_done(struct disk_request *request, bool ok)
{
    (void)request;
    (void)ok;
}

static void nothing_ready(struct disk *disk)
{
    (void)disk;
}

/* What waits at the disk when the backend dies: some has been done, nobody is told. */
static void disk_dies(void)
{
    for (uint32_t i = 0; i < NR_REQUESTS; i++) {
        t.rig.requests[i].disk.done = nothing_done;
    }
    the_disk.ready = nothing_ready;
    for (uint32_t i = random_below(disk_waiting + 1); i > 0; i--) {
        disk_step();
    }
    disk_forget();
}

/* The driver forgets its requests: each write of them has happened or not. */
static void forget_requests(void)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &t.slots[i];

        if (slot->head >= 0 && slot->write) {
            uint32_t found = on_medium(slot->sector);

            if (found != slot->sequence && found != t.acknowledged[slot->sector]) {
                fault("neither the old nor the new");
            }
            t.acknowledged[slot->sector] = found;
        }
        slot->head = -1;
    }
}

static void begin_again(void)
{
    forget_requests();
    driver_start(&t.rig.rig, t.features, 64);
    t.doorbell = false;
    t.doing = NOTHING;
}

static void reset_device(void)
{
    t.doing = RESET;
    if (!set(&t.rig.rig, STATUS, 0)) {
        disk_run(); /* it waits for the disk */
    }
    if (reg(&t.rig.rig, STATUS) != 0) {
        fault("a reset that does not end");
    }
    begin_again();
}

static void restart(void)
{
    uint32_t kind = t.doing == POWER_OFF ? 0 : t.doing == RESET ? 1 : random_below(8);
    bool in_flight = false;

    for (uint32_t i = 0; i < SLOTS; i++) {
        in_flight |= t.slots[i].head >= 0;
    }
    t.crashes++;
    t.in_flight += in_flight;
    disk_dies();
    if (t.doing == NOTHING) {
        collect(); /* the driver may look before the new backend is there */
    }
    check_medium();
    t.frontend += kind == 0;
    while (setjmp(step_death) != 0) {
        t.crashes++;
        disk_dies();
    }
    step_countdown = random_below(3) == 0 ? (int)random_below(12) : -1;
    block_again_as(&t.rig, t.frontend);
    t.doorbell = true;
    if (kind == 0) { /* the frontend lost power, too */
        t.powered_off++;
        step_countdown = -1;
        begin_again();
    } else if (kind == 1) { /* its driver resets the device at the same time */
        t.both++;
        reset_device();
    }
    step_countdown = -1;
}

static void activity(void)
{
    for (uint32_t i = random_below(4); i > 0; i--) {
        offer();
    }
    if (t.doorbell || t.rig.rig.device.more) {
        t.doorbell = false;
        device_run(&t.rig.rig.device);
    }
    for (uint32_t i = random_below(4); i > 0; i--) {
        disk_step();
    }
    collect();
    if (random_below(200) == 0) {
        t.resets++;
        reset_device();
    } else if (random_below(200) == 0) {
        t.powered_off++;
        t.doing = POWER_OFF;
        if (!device_frontend_gone(&t.rig.rig.device, ++t.frontend)) {
            disk_run();
        }
        begin_again();
    }
}

static bool early_submit(struct disk *disk, struct disk_request *request)
{
    if (request->operation == DISK_WRITE && random_below(4) == 0) {
        /* The answer without the write. */
        request->sectors = 0;
        request->nr_buffers = 0;
    }
    return true_submit(disk, request);
}

static const char *run_trial(uint64_t features, bool early, uint32_t rounds)
{
    t.features = features;
    t.early = early;
    t.fault = NULL;
    t.frontend = 1;
    t.doing = NOTHING;
    t.sequence = 0;
    memset(t.acknowledged, 0, sizeof(t.acknowledged));
    for (uint32_t i = 0; i < SLOTS; i++) {
        t.slots[i].head = -1;
    }
    disk_create();
    if (early) {
        true_submit = the_disk.submit;
        the_disk.submit = early_submit;
    }
    block_create(&t.rig, FIRST, SECTORS, false, features);
    for (volatile uint32_t i = 0; i < rounds && t.fault == NULL; i++) {
        if (setjmp(step_death) == 0) {
            step_countdown = random_below(3) == 0 ? (int)random_below(60) : -1;
            activity();
            step_countdown = -1;
        } else {
            restart();
        }
    }
    step_countdown = -1;
    for (uint32_t i = 0; i < 200 && t.fault == NULL; i++) {
        if (t.doorbell || t.rig.rig.device.more) {
            t.doorbell = false;
            device_run(&t.rig.rig.device);
        }
        disk_run();
        collect();
    }
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (t.slots[i].head >= 0) {
            fault("a request was lost");
        }
    }
    check_medium();
    rig_destroy(&t.rig.rig);
    return t.fault;
}

static void acknowledged_is_written(void **state)
{
    const char *wanted = getenv("DEVICES_CRASHES");
    uint32_t crashes = wanted != NULL ? (uint32_t)atoi(wanted) : 5000;

    (void)state;
    memset(&t, 0, sizeof(t));
    for (uint32_t trial = 0; t.crashes < crashes; trial++) {
        const char *what;

        random_state = 0xabcdef1 + trial;
        what = run_trial(feature_sets[trial % 4], false, 400);
        if (what != NULL) {
            fail_msg("trial %u: %s", trial, what);
        }
    }
    print_message("crashes: %u, with a request in flight: %u; writes %u and reads %u verified; resets: %u, "
                  "frontend off: %u, crash and reset at once: %u\n",
                  t.crashes, t.in_flight, t.writes, t.reads, t.resets, t.powered_off, t.both);
    assert_true(t.in_flight > t.crashes / 2 && t.resets > 20 && t.powered_off > 20 && t.both > 20);
}

static void early_answer_is_caught(void **state)
{
    uint32_t caught = 0;

    (void)state;
    for (uint32_t trial = 0; trial < 20; trial++) {
        random_state = 0x1fedcba + trial;
        caught += run_trial(feature_sets[trial % 4], true, 400) != NULL;
    }
    print_message("control fired: acknowledges before the disk: %u of 20 (%s)\n", caught, t.fault);
    assert_int_equal(caught, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_is_written),
        cmocka_unit_test(early_answer_is_caught),
    };

    return cmocka_run_group_tests_name("devices: block, crash", tests, NULL, NULL);
}
