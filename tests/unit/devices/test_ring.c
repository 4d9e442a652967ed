/* SPDX-License-Identifier: Apache-2.0 */
/* The ring as a well-behaved driver sees it: every size and feature, indices that wrap, and notifications
 * that are sent when they must be and not when they need not (VIRTIO 1.2, 2.7.7 and 2.7.10). */
#include "driver.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BUFFER (GUEST_BASE + 0x100000u)

static struct rig rig;
static uint32_t batch = 1; /* completions that are published at once */
static uint64_t taken;

/* Adds 1 to every byte of the readable part, into the writable one. */
static void work(struct queue_chain *chain)
{
    uint32_t from = 0, to = chain->nr_readable;
    uint32_t from_at = 0, to_at = 0;

    for (uint64_t i = 0; i < chain->readable && i < chain->writable; i++) {
        chain->buffers[to].data[to_at] = (uint8_t)(chain->buffers[from].data[from_at] + 1);
        if (++from_at == chain->buffers[from].length) {
            from++;
            from_at = 0;
        }
        if (++to_at == chain->buffers[to].length) {
            to++;
            to_at = 0;
        }
    }
}

static bool run(struct device *device)
{
    uint16_t heads[64];
    uint32_t written[64], count = 0;
    struct queue *queue = device_queue(device, 0);
    struct queue_chain chain;

    assert_non_null(queue);
    for (;;) {
        enum queue_status status = queue_take(queue, &chain);

        assert_int_not_equal(status, QUEUE_BROKEN);
        if (status == QUEUE_OK) {
            work(&chain);
            taken++;
            heads[count] = chain.head;
            written[count++] = (uint32_t)chain.writable;
        }
        if (count == batch || (status == QUEUE_EMPTY && count != 0)) {
            device_complete(device, 0, heads, written, count);
            count = 0;
        }
        if (status == QUEUE_EMPTY && !queue_ask(queue, true)) {
            return false;
        }
    }
}

static void start(struct device *device)
{
    (void)device;
}

static bool quiesce(struct device *device, uint32_t queue)
{
    (void)device;
    (void)queue;
    return true;
}

static const struct device_class adder = {.id = 3, .start = start, .run = run, .quiesce = quiesce};

static int setup(void **state)
{
    (void)state;
    rig_create(&rig, &adder, NULL, 1, 256, 0);
    device_init(&rig.device);
    batch = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static const uint64_t sets[] = {0, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX,
                                VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX};

/* One request of `length` bytes in random parts, in the first window or the second; false: no room. */
static bool offer(uint32_t slot, uint32_t length, bool indirect)
{
    uint64_t in = random_below(2) != 0 ? BUFFER + slot * 256u : HIGH_BASE + slot * 256u;
    uint64_t out = BUFFER + 0x80000u + slot * 256u;
    uint32_t first = random_below(length + 1), second = random_below(length + 1);
    const struct part parts[] = {
        {in, first, false},
        {in + first, length - first, false},
        {out, second, true},
        {out + second, length - second, true},
    };

    for (uint32_t i = 0; i < length; i++) {
        *(uint8_t *)guest(&rig, in + i) = (uint8_t)(slot + i);
    }
    memset(guest(&rig, out), 0, 256);
    return driver_add(&rig, 0, parts, 4, indirect ? random_below(5) : 4) >= 0;
}

static void every_size_and_feature(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < 4; s++) {
        for (uint32_t size = 1; size <= 256; size *= 2) {
            driver_start(&rig, sets[s], size);
            for (uint32_t i = 0; i < 400; i++) {
                uint32_t length = 1 + random_below(200), head, used;
                bool offered = offer(i % 64, length, (sets[s] & VIRTIO_F_INDIRECT_DESC) != 0);
                const uint8_t *out;

                assert_true(offered || size < 4);
                if (!offered) {
                    continue;
                }
                device_run(&rig.device);
                assert_true(driver_used(&rig, 0, &head, &used));
                assert_int_equal(used, length);
                out = guest(&rig, BUFFER + 0x80000u + i % 64 * 256u);
                for (uint32_t k = 0; k < length; k++) {
                    assert_int_equal(out[k], (uint8_t)(i % 64 + k + 1));
                }
                assert_int_equal(out[length], 0);
                assert_false(driver_used(&rig, 0, &head, &used));
            }
        }
    }
}

/* Three times around the 16-bit indices. */
static void indices_wrap(void **state)
{
    (void)state;
    for (uint32_t s = 0; s < 4; s += 2) {
        uint32_t done = 0;

        batch = 3;
        driver_start(&rig, sets[s], 8);
        while (done < 200000) {
            const struct part part = {BUFFER, 16, false};
            uint16_t before = rig.queue[0].avail_idx;
            uint32_t head, length, interrupts = rig.interrupts;

            for (uint32_t i = 1 + random_below(8); i > 0; i--) {
                (void)driver_add(&rig, 0, &part, 1, 1);
            }
            assert_true(driver_rings(&rig, 0, before));
            driver_want(&rig, 0, true);
            device_run(&rig.device);
            assert_true(rig.interrupts > interrupts);
            while (driver_used(&rig, 0, &head, &length)) {
                done++;
            }
        }
        assert_int_equal(rig.queue[0].nr_free, 8);
        assert_int_equal(rig.device.queue[0].state->last_avail, (uint16_t)done);
    }
}

/* Interrupts exactly when used_event is crossed. */
static void event_index(void **state)
{
    const struct part part = {BUFFER, 16, false};
    uint32_t head, length;

    (void)state;
    for (uint32_t size = 1; size <= 8; size++) {
        batch = size;
        driver_start(&rig, VIRTIO_F_EVENT_IDX, 64);
        for (uint32_t i = 0; i < 2000; i++) {
            uint32_t ahead = random_below(20), nr = 1 + random_below(12), before = rig.interrupts;
            uint16_t event = (uint16_t)(rig.queue[0].used_idx + ahead);
            uint32_t expected = 0;

            rig.queue[0].avail[2 + 64] = event;
            rig.queue[0].avail[0] = (uint16_t)random_below(2); /* MUST be ignored */
            for (uint32_t k = 0; k < nr; k++) {
                assert_true(driver_add(&rig, 0, &part, 1, 1) >= 0);
            }
            expected = ahead < nr;
            device_run(&rig.device);
            assert_int_equal(rig.interrupts - before, expected);
            assert_int_equal(rig.queue[0].used[0], 0); /* flags MUST be 0 */
            while (driver_used(&rig, 0, &head, &length)) {
            }
        }
    }
}

static void flags(void **state)
{
    const struct part part = {BUFFER, 16, false};
    struct queue *queue;
    uint32_t head, length, before;

    (void)state;
    driver_start(&rig, 0, 16);
    for (uint32_t i = 0; i < 100; i++) {
        driver_want(&rig, 0, i % 2 == 0);
        rig.queue[0].avail[2 + 16] = (uint16_t)random_below(65536); /* used_event MUST be ignored */
        before = rig.interrupts;
        assert_true(driver_add(&rig, 0, &part, 1, 1) >= 0);
        device_run(&rig.device);
        assert_int_equal(rig.interrupts - before, i % 2 == 0);
        assert_true(driver_used(&rig, 0, &head, &length));
    }
    /* The device's own request not to be rung. */
    queue = device_queue(&rig.device, 0);
    assert_false(queue_ask(queue, false));
    assert_int_equal(rig.queue[0].used[0], 1);
    assert_false(driver_rings(&rig, 0, 0));
    assert_false(queue_ask(queue, true));
    assert_int_equal(rig.queue[0].used[0], 0);
    assert_true(driver_add(&rig, 0, &part, 1, 1) >= 0);
    assert_true(queue_ask(queue, true));
    device_run(&rig.device);
    /* Spurious notifications. */
    before = rig.interrupts;
    for (uint32_t i = 0; i < 10; i++) {
        device_run(&rig.device);
    }
    assert_int_equal(rig.interrupts, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_size_and_feature),
        TEST(indices_wrap),
        TEST(event_index),
        TEST(flags),
    };

    return cmocka_run_group_tests_name("devices: ring", tests, NULL, NULL);
}
