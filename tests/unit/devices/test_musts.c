/* SPDX-License-Identifier: Apache-2.0 */
/* What VIRTIO 1.2 demands of a device's rings and registers and no other test of this folder shows
 * (docs/virtio-conformance.md). */
#include "driver.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BUFFER (GUEST_BASE + 0x100000u)
#define TABLE  (GUEST_BASE + 0x180000u)

static struct rig rig;

static void start(struct device *device)
{
    (void)device;
}

static bool run(struct device *device)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue_chain chain;
        struct queue *queue;

        while ((queue = device_queue(device, i)) != NULL && queue_take(queue, &chain) == QUEUE_OK) {
            if (chain.nr_writable != 0) {
                chain.buffers[chain.nr_readable].data[0] = 0x5a;
            }
            device_complete(device, i, &chain.head, &(uint32_t){(uint32_t)chain.writable}, 1);
        }
    }
    return false;
}

static bool quiesce(struct device *device, uint32_t queue)
{
    (void)device;
    (void)queue;
    return true;
}

static uint8_t config[8];

static uint32_t read_config(struct device *device, uint32_t offset, uint32_t size)
{
    uint32_t value = 0;

    (void)device;
    memcpy(&value, config + offset, size);
    return value;
}

static const struct device_class class = {.id = 3,
                                          .config_size = sizeof config,
                                          .start = start,
                                          .run = run,
                                          .quiesce = quiesce,
                                          .config_read = read_config};

static int setup(void **state)
{
    (void)state;
    rig_create(&rig, &class, NULL, 2, 64, 0);
    memset(config, 0, sizeof config);
    device_init(&rig.device);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    step_hook = NULL;
    rig_destroy(&rig);
    return 0;
}

static void add(uint32_t queue)
{
    const struct part part = {BUFFER, 16, true};

    assert_true(driver_add(&rig, queue, &part, 1, 1) >= 0);
}

/* 2.1.2, 2.4.1, 2.6.1.1.1, 4.2.2.1: a reset gives every register its first value; then rings are left alone
 * and nobody is interrupted until the driver is there again. */
static void after_reset(void **state)
{
    uint16_t used;

    (void)state;
    driver_start(&rig, VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_RESET, 16);
    add(0);
    device_run(&rig.device);
    device_config_changed(&rig.device);
    add(0);
    used = rig.queue[0].used[1];
    assert_int_equal(used, 1);
    assert_true(set(&rig, STATUS, 0));
    rig.interrupts = 0;
    for (uint32_t i = 0; i < 3; i++) {
        device_run(&rig.device);
        device_config_changed(&rig.device);
        device_needs_reset(&rig.device);
    }
    assert_int_equal(rig.interrupts, 0);
    assert_int_equal(rig.queue[0].used[1], used);
    assert_true(set(&rig, STATUS, 0));
    assert_int_equal(reg(&rig, STATUS), 0);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 0);
    for (uint32_t i = 0; i < 2; i++) {
        set(&rig, QUEUE_SEL, i);
        assert_int_equal(reg(&rig, QUEUE_READY), 0);
        assert_int_equal(reg(&rig, QUEUE_RESET), 0);
        assert_int_equal(rig.device.queue[i].state->last_avail, 0);
        assert_int_equal(rig.device.queue[i].state->used_idx, 0);
        assert_int_equal(rig.device.queue[i].state->size, 0);
    }
}

/* 2.2.2: a set that was accepted is accepted again, any number of times. */
static void same_features_again(void **state)
{
    const uint64_t set_of = VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_RESET;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(driver_negotiate(&rig, i % 7 == 3 ? 0 : set_of));
    }
}

/* 4.2.2.1: a queue that is not ready is not looked at, whatever its memory says. */
static void not_ready(void **state)
{
    (void)state;
    assert_true(driver_negotiate(&rig, 0));
    driver_queue(&rig, 0, 16);
    driver_queue(&rig, 1, 16);
    set(&rig, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    set(&rig, QUEUE_SEL, 1);
    assert_true(set(&rig, QUEUE_READY, 0));
    add(0);
    add(1);
    device_run(&rig.device);
    assert_int_equal(rig.queue[0].used[1], 1);
    assert_int_equal(rig.queue[1].used[1], 0);
    driver_queue(&rig, 1, 16); /* the control: enabled, it works */
    add(1);
    device_run(&rig.device);
    assert_int_equal(rig.queue[1].used[1], 1);
}

static uint16_t published;

static void look_at_ring(unsigned int step)
{
    const volatile uint16_t *used = rig.queue[0].used;

    (void)step;
    if (used[1] != published) {
        uint32_t element[2];

        memcpy(element, (const uint8_t *)rig.queue[0].used + 4 + published % 16u * 8u, sizeof element);
        assert_int_equal(element[1], 16);
        assert_int_equal(*(uint8_t *)guest(&rig, BUFFER), 0x5a);
        published++;
        assert_int_equal(used[1], published);
    }
}

/* 2.7.8.2: data and length are there before the index says so. */
static void element_before_index(void **state)
{
    (void)state;
    driver_start(&rig, 0, 16);
    published = 0;
    step_hook = look_at_ring;
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t head, length;

        memset(guest(&rig, BUFFER), 0, 16);
        memset((uint8_t *)rig.queue[0].used + 4 + i % 16u * 8u, 0xee, 8);
        add(0);
        device_run(&rig.device);
        assert_int_equal(published, i + 1);
        assert_true(driver_used(&rig, 0, &head, &length));
    }
}

/* 2.7.5.3.2: the write-only flag of the descriptor of a table means nothing, and a table may follow buffers.
 */
static void flags_of_a_table(void **state)
{
    struct desc *table = guest(&rig, TABLE);

    (void)state;
    for (uint32_t behind = 0; behind < 2; behind++) {
        uint32_t head, length;

        driver_start(&rig, VIRTIO_F_INDIRECT_DESC, 16);
        table[0] = (struct desc){BUFFER, 16, DESC_F_WRITE, 0};
        rig.queue[0].desc[0] = (struct desc){BUFFER + 64, 16, DESC_F_NEXT, 1};
        rig.queue[0].desc[behind] = (struct desc){TABLE, 16, DESC_F_INDIRECT | DESC_F_WRITE, 0};
        *(uint8_t *)guest(&rig, BUFFER) = 0;
        driver_offer(&rig, 0, 0);
        device_run(&rig.device);
        assert_int_equal(reg(&rig, STATUS) & VIRTIO_NEEDS_RESET, 0);
        assert_int_equal(rig.queue[0].used[1], 1);
        memcpy(&head, (uint8_t *)rig.queue[0].used + 4, 4);
        memcpy(&length, (uint8_t *)rig.queue[0].used + 8, 4);
        assert_int_equal(head, 0);
        assert_int_equal(length, 16);
        assert_int_equal(*(uint8_t *)guest(&rig, BUFFER), 0x5a);
    }
}

/* 2.5.2, 4.2.2.1: no two values of the configuration have one generation. */
static void generation(void **state)
{
    uint32_t before;

    (void)state;
    driver_start(&rig, 0, 16);
    before = reg(&rig, CONFIG_GENERATION);
    assert_int_equal(reg(&rig, CONFIG_GENERATION), before);
    for (uint32_t i = 1; i < 300; i++) {
        config[0] = (uint8_t)i;
        device_config_changed(&rig.device);
        assert_int_equal(device_read(&rig.device, CONFIG, 1), (uint8_t)i);
        assert_int_not_equal(reg(&rig, CONFIG_GENERATION), before);
        before = reg(&rig, CONFIG_GENERATION);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(after_reset),          TEST(same_features_again), TEST(not_ready),
        TEST(element_before_index), TEST(flags_of_a_table),    TEST(generation),
    };

    return cmocka_run_group_tests_name("devices: what no other test shows", tests, NULL, NULL);
}
