/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of the MMIO transport: each MUST of VIRTIO 1.2, 2.1 to 2.6, 3.1 and 4.2.2 that binds a
 * device, and what a driver must not do. */
#include "driver.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CLASS_FEATURES ((UINT64_C(1) << 3) | (UINT64_C(1) << 5))
#define ALL_STATUS     (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK)

static struct rig rig;
static uint32_t starts, runs, quiesced, written;
static bool is_quiet;
static uint8_t config[12];

static void count_start(struct device *device)
{
    (void)device;
    starts++;
}

static bool count_run(struct device *device)
{
    struct queue_chain chain;
    struct queue *queue;

    runs++;
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        enum queue_status status = QUEUE_OK;

        while ((queue = device_queue(device, i)) != NULL &&
               (status = queue_take(queue, &chain)) == QUEUE_OK) {
            device_complete(device, i, &chain.head, &(uint32_t){0}, 1);
        }
        if (status == QUEUE_BROKEN) {
            device_needs_reset(device);
        }
    }
    return false;
}

static bool quiesce(struct device *device, uint32_t queue)
{
    (void)device;
    quiesced = queue;
    return is_quiet;
}

static uint32_t read_config(struct device *device, uint32_t offset, uint32_t size)
{
    uint32_t value = 0;

    (void)device;
    assert_true(offset + size <= sizeof(config) && offset % size == 0);
    memcpy(&value, config + offset, size);
    return value;
}

static void write_config(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    assert_true(offset + size <= sizeof(config) && offset % size == 0);
    memcpy(config + offset, &value, size);
    written++;
}

/* Bit 5 needs bit 3. */
static bool features_ok(struct device *device, uint64_t features)
{
    (void)device;
    return (features & (1u << 5)) == 0 || (features & (1u << 3)) != 0;
}

static const struct device_class class = {
    .id = 77,
    .config_size = sizeof(config),
    .start = count_start,
    .run = count_run,
    .features_ok = features_ok,
    .quiesce = quiesce,
    .config_read = read_config,
    .config_write = write_config,
};

static int setup(void **state)
{
    (void)state;
    rig_create(&rig, &class, NULL, 2, 64, CLASS_FEATURES);
    starts = runs = written = 0;
    quiesced = 99;
    is_quiet = true;
    memset(config, 0, sizeof(config));
    device_init(&rig.device);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void identity(void **state)
{
    (void)state;
    assert_int_equal(reg(&rig, MAGIC), 0x74726976);
    assert_int_equal(reg(&rig, VERSION), 2);
    assert_int_equal(reg(&rig, DEVICE_ID), 77);
    assert_int_equal(reg(&rig, VENDOR_ID), VIRTIO_VENDOR);
    assert_int_equal(reg(&rig, STATUS), 0);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(reg(&rig, SHM_LEN + 4 * i), 0xffffffff);
    }
}

static void write_only_registers_read_zero(void **state)
{
    static const uint32_t registers[] = {
        DEVICE_FEATURES_SEL, DRIVER_FEATURES, DRIVER_FEATURES_SEL, QUEUE_SEL,      QUEUE_NUM,
        QUEUE_NOTIFY,        INTERRUPT_ACK,   QUEUE_DESC,          QUEUE_DESC + 4, QUEUE_DRIVER,
        QUEUE_DRIVER + 4,    QUEUE_DEVICE,    QUEUE_DEVICE + 4,    SHM_SEL};

    (void)state;
    for (uint32_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        set(&rig, registers[i], 1);
        assert_int_equal(reg(&rig, registers[i]), 0);
    }
}

/* No access to a read-only register, to none, or of a width that a register does not have, does anything. */
static void nothing_else_is_there(void **state)
{
    static const uint32_t widths[] = {0, 1, 2, 3, 8, 0xffffffff};
    struct bh_virtio_state before;

    (void)state;
    driver_start(&rig, 0, 16);
    before = *rig.state;
    for (uint32_t offset = 0; offset < 0x100; offset++) {
        for (uint32_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
            assert_int_equal(device_read(&rig.device, offset, widths[i]), 0);
            assert_true(device_write(&rig.device, offset, widths[i], 0));
        }
        if (offset % 4 != 0) {
            assert_int_equal(device_read(&rig.device, offset, 4), 0);
            assert_true(device_write(&rig.device, offset, 4, 0));
        }
    }
    for (uint32_t offset = 0; offset < 0x10; offset += 4) {
        assert_true(set(&rig, offset, 0x12345678));
    }
    set(&rig, DEVICE_FEATURES, 0);
    set(&rig, QUEUE_NUM_MAX, 3);
    set(&rig, INTERRUPT_STATUS, 3);
    set(&rig, CONFIG_GENERATION, 3);
    set(&rig, 0xffffffff, 3);
    set(&rig, CONFIG + sizeof(config), 3);
    assert_int_equal(reg(&rig, CONFIG + sizeof(config)), 0);
    assert_int_equal(reg(&rig, 0xfffffffc), 0);
    assert_memory_equal(&before, rig.state, sizeof(before));
}

static void features_in_words(void **state)
{
    uint64_t offered;

    (void)state;
    set(&rig, DEVICE_FEATURES_SEL, 0);
    offered = reg(&rig, DEVICE_FEATURES);
    set(&rig, DEVICE_FEATURES_SEL, 1);
    offered |= (uint64_t)reg(&rig, DEVICE_FEATURES) << 32;
    assert_true(offered == (CLASS_FEATURES | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
                            VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET));
    for (uint32_t i = 2; i != 0; i *= 2) {
        set(&rig, DEVICE_FEATURES_SEL, i);
        assert_int_equal(reg(&rig, DEVICE_FEATURES), 0);
        set(&rig, DRIVER_FEATURES_SEL, i);
        set(&rig, DRIVER_FEATURES, 0xffffffff);
        assert_true(rig.state->driver_features == 0);
    }
}

static void negotiation(void **state)
{
    (void)state;
    assert_true(driver_negotiate(&rig, 0));
    assert_true(driver_negotiate(&rig, CLASS_FEATURES | VIRTIO_F_EVENT_IDX));
    /* The only way to negotiate again is a reset. */
    set(&rig, DRIVER_FEATURES_SEL, 0);
    set(&rig, DRIVER_FEATURES, 0);
    assert_true(rig.state->driver_features == (CLASS_FEATURES | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1));
    /* Not offered; each alone. */
    for (uint32_t bit = 0; bit < 64; bit++) {
        uint64_t feature = UINT64_C(1) << bit;
        bool valid = feature == (1u << 3) || feature == VIRTIO_F_INDIRECT_DESC ||
                     feature == VIRTIO_F_EVENT_IDX || feature == VIRTIO_F_VERSION_1 ||
                     feature == VIRTIO_F_RING_RESET;

        assert_int_equal(driver_negotiate(&rig, feature), valid);
    }
    /* VERSION_1 is missing: no legacy driver. */
    set(&rig, STATUS, 0);
    set(&rig, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    assert_int_equal(reg(&rig, STATUS), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    /* DRIVER_OK without FEATURES_OK has no effect. */
    set(&rig, STATUS, ALL_STATUS);
    assert_int_equal(reg(&rig, STATUS), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    assert_int_equal(starts, 0);
    assert_int_equal(rig.interrupts, 0);
}

static void platform_access(void **state)
{
    (void)state;
    rig.device.features |= VIRTIO_F_ACCESS_PLATFORM;
    assert_false(driver_negotiate(&rig, 0));
    assert_true(driver_negotiate(&rig, VIRTIO_F_ACCESS_PLATFORM));
}

static void status_bits(void **state)
{
    (void)state;
    driver_start(&rig, 0, 16);
    assert_int_equal(starts, 1);
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS);
    set(&rig, STATUS, VIRTIO_ACKNOWLEDGE); /* a driver must not clear bits */
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS);
    set(&rig, STATUS, ALL_STATUS | VIRTIO_NEEDS_RESET | 0x30); /* not the driver's */
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS);
    set(&rig, STATUS, ALL_STATUS | VIRTIO_FAILED);
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS | VIRTIO_FAILED);
    assert_int_equal(starts, 1);
}

static void queue_registers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        set(&rig, QUEUE_SEL, i);
        assert_int_equal(reg(&rig, QUEUE_NUM_MAX), 64);
        assert_int_equal(reg(&rig, QUEUE_READY), 0);
    }
    for (uint32_t i = 2; i != 0; i *= 2) { /* none */
        set(&rig, QUEUE_SEL, i);
        assert_int_equal(reg(&rig, QUEUE_NUM_MAX), 0);
        set(&rig, QUEUE_NUM, 16);
        set(&rig, QUEUE_READY, 1);
        assert_int_equal(reg(&rig, QUEUE_READY), 0);
        set(&rig, QUEUE_RESET, 1);
        assert_int_equal(reg(&rig, QUEUE_RESET), 0);
    }
    /* Before FEATURES_OK no queue is enabled. */
    driver_queue(&rig, 1, 16);
    assert_int_equal(reg(&rig, QUEUE_READY), 0);
    assert_true(driver_negotiate(&rig, 0));
    driver_queue(&rig, 1, 16);
    assert_int_equal(reg(&rig, QUEUE_READY), 1);
    set(&rig, QUEUE_NUM, 32); /* stands still now */
    set(&rig, QUEUE_DESC + 4, 7);
    set(&rig, QUEUE_READY, 2);
    assert_int_equal(rig.device.queue[1].state->size, 16);
    assert_true(rig.device.queue[1].state->desc == rig.queue[1].desc_at);
    assert_int_equal(reg(&rig, QUEUE_READY), 1);
    set(&rig, QUEUE_READY, 0);
    assert_int_equal(reg(&rig, QUEUE_READY), 0);
    assert_int_equal(quiesced, 99); /* the class has not been started */
}

static void bad_queues(void **state)
{
    static const struct {
        uint32_t size;
        uint64_t desc, driver, device;
    } bad[] = {
        {0, 0, 0x1000, 0x2000},       {3, 0, 0x1000, 0x2000},          {128, 0, 0x1000, 0x2000},
        {0x10010, 0, 0x1000, 0x2000}, {16, 8, 0x1000, 0x2000},         {16, 0, 0x1001, 0x2000},
        {16, 0, 0x1000, 0x2002},      {16, GUEST_BYTES, 0, 0},         {16, GUEST_BYTES - 0xf0, 0, 0},
        {16, 0, GUEST_BYTES - 36, 0}, {16, 0, 0, GUEST_BYTES - 132},   {16, 0, 0, -GUEST_BASE},
        {16, -UINT64_C(16), 0, 0},    {16, 0, ~GUEST_BASE & ~1ull, 0},
    };

    (void)state;
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(driver_negotiate(&rig, 0));
        set(&rig, QUEUE_SEL, 0);
        set(&rig, QUEUE_NUM, bad[i].size);
        set(&rig, QUEUE_DESC, (uint32_t)(GUEST_BASE + bad[i].desc));
        set(&rig, QUEUE_DESC + 4, (uint32_t)((GUEST_BASE + bad[i].desc) >> 32));
        set(&rig, QUEUE_DRIVER, (uint32_t)(GUEST_BASE + bad[i].driver));
        set(&rig, QUEUE_DRIVER + 4, (uint32_t)((GUEST_BASE + bad[i].driver) >> 32));
        set(&rig, QUEUE_DEVICE, (uint32_t)(GUEST_BASE + bad[i].device));
        set(&rig, QUEUE_DEVICE + 4, (uint32_t)((GUEST_BASE + bad[i].device) >> 32));
        set(&rig, QUEUE_READY, 1);
        assert_int_equal(reg(&rig, QUEUE_READY), 0);
        assert_true((reg(&rig, STATUS) & VIRTIO_NEEDS_RESET) != 0);
        assert_int_equal(rig.interrupts, 0); /* not before DRIVER_OK */
    }
    assert_true(driver_negotiate(&rig, 0));
    assert_int_equal(reg(&rig, STATUS) & VIRTIO_NEEDS_RESET, 0);
}

static void nothing_before_driver_ok(void **state)
{
    const struct part part = {GUEST_BASE + 0x100000, 16, false};

    (void)state;
    assert_true(driver_negotiate(&rig, 0));
    driver_queue(&rig, 0, 16);
    driver_add(&rig, 0, &part, 1, 1);
    device_run(&rig.device);
    device_config_changed(&rig.device);
    assert_int_equal(runs, 0);
    assert_int_equal(rig.interrupts, 0);
    assert_int_equal(rig.queue[0].used[1], 0);
    set(&rig, STATUS, ALL_STATUS);
    assert_true(rig.device.more);
    device_run(&rig.device);
    assert_int_equal(rig.queue[0].used[1], 1);
    assert_int_equal(rig.interrupts, 1);
}

static void interrupt_status(void **state)
{
    const struct part part = {GUEST_BASE + 0x100000, 16, false};
    uint32_t generation;

    (void)state;
    driver_start(&rig, 0, 16);
    generation = reg(&rig, CONFIG_GENERATION);
    driver_add(&rig, 0, &part, 1, 1);
    device_run(&rig.device);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 1);
    device_config_changed(&rig.device);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 3);
    assert_int_not_equal(reg(&rig, CONFIG_GENERATION), generation);
    assert_int_equal(rig.interrupts, 2);
    set(&rig, INTERRUPT_ACK, 1);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 2);
    set(&rig, INTERRUPT_ACK, 0xfffffffd);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 2);
    set(&rig, INTERRUPT_ACK, 2);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 0);
}

static void needs_reset(void **state)
{
    const struct part part = {GUEST_BASE + 0x100000, 16, false};

    (void)state;
    driver_start(&rig, 0, 16);
    device_needs_reset(&rig.device);
    device_needs_reset(&rig.device);
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS | VIRTIO_NEEDS_RESET);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 2);
    assert_int_equal(rig.interrupts, 1);
    driver_add(&rig, 0, &part, 1, 1);
    device_run(&rig.device);
    assert_int_equal(rig.queue[0].used[1], 0);
    driver_start(&rig, 0, 16);
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS);
}

static void next_life(void)
{
    rig_forget(&rig, 1);
    device_init(&rig.device);
}

/* A backend that dies may have erred, a broken ring stays broken. */
static void needs_reset_is_judged_anew(void **state)
{
    const struct part part = {GUEST_BASE + 0x100000, 16, false};

    (void)state;
    driver_start(&rig, 0, 16);
    device_needs_reset(&rig.device);
    driver_add(&rig, 0, &part, 1, 1);
    next_life();
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 3);
    device_run(&rig.device);
    assert_int_equal(rig.queue[0].used[1], 1);
    driver_offer(&rig, 1, 16);
    for (uint32_t lives = 0; lives < 3; lives++) {
        uint32_t before = rig.interrupts;

        device_run(&rig.device);
        assert_int_equal(reg(&rig, STATUS), ALL_STATUS | VIRTIO_NEEDS_RESET);
        assert_true(rig.interrupts > before);
        next_life();
    }
}

/* Before FEATURES_OK a state that was given up looks like another. */
static void needs_reset_before_negotiation(void **state)
{
    (void)state;
    set(&rig, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    device_needs_reset(&rig.device);
    next_life();
    assert_int_equal(reg(&rig, STATUS), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_NEEDS_RESET);
    set(&rig, DRIVER_FEATURES_SEL, 1);
    set(&rig, DRIVER_FEATURES, 1);
    set(&rig, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    assert_int_equal(reg(&rig, STATUS) & VIRTIO_FEATURES_OK, 0);
    driver_start(&rig, 0, 16);
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS);
}

/* What cannot be used cannot be used by a later backend either. */
static void refused_queue_in_a_later_life(void **state)
{
    (void)state;
    assert_true(driver_negotiate(&rig, 0));
    set(&rig, QUEUE_SEL, 0);
    set(&rig, QUEUE_NUM, 3);
    set(&rig, QUEUE_READY, 1);
    set(&rig, STATUS, ALL_STATUS);
    assert_int_equal(reg(&rig, STATUS), ALL_STATUS | VIRTIO_NEEDS_RESET);
    for (uint32_t lives = 0; lives < 3; lives++) {
        next_life();
        assert_int_equal(reg(&rig, STATUS), ALL_STATUS | VIRTIO_NEEDS_RESET);
        assert_int_equal(reg(&rig, QUEUE_READY), 0);
    }
}

/* A backend that ends while it gives a damaged state up: the driver is told all the same. */
static void death_while_giving_up(void **state)
{
    uint32_t ended;
    volatile uint32_t deaths = 0;

    (void)state;
    do {
        uint32_t before;

        driver_start(&rig, 0, 16);
        rig.state->features_check ^= 1;
        before = rig.interrupts;
        rig_forget(&rig, 1);
        step_countdown = (int)deaths;
        ended = (uint32_t)setjmp(step_death);
        if (ended == 0) {
            device_init(&rig.device);
        } else {
            deaths++;
            next_life();
        }
        step_countdown = -1;
        assert_int_equal(reg(&rig, STATUS), ALL_STATUS | VIRTIO_NEEDS_RESET);
        assert_int_equal(reg(&rig, INTERRUPT_STATUS), 2);
        assert_true(rig.interrupts > before);
        next_life();
        assert_int_equal(reg(&rig, STATUS), ALL_STATUS | VIRTIO_NEEDS_RESET);
    } while (ended != 0);
    assert_true(deaths >= 8);
}

static void reset(void **state)
{
    (void)state;
    driver_start(&rig, CLASS_FEATURES, 16);
    device_config_changed(&rig.device);
    is_quiet = false;
    assert_false(set(&rig, STATUS, 0));
    assert_int_equal(quiesced, DEVICE_ALL_QUEUES);
    assert_int_not_equal(reg(&rig, STATUS), 0); /* not over */
    assert_false(set(&rig, STATUS, 0));
    assert_true(set(&rig, STATUS, VIRTIO_ACKNOWLEDGE)); /* nothing else is heard */
    assert_true(set(&rig, CONFIG, 1));
    assert_int_equal(written, 0);
    assert_false(device_run(&rig.device));
    assert_int_equal(rig.quiet, 0);
    device_quiet(&rig.device);
    assert_int_equal(rig.quiet, 1);
    assert_int_equal(reg(&rig, STATUS), 0);
    assert_int_equal(reg(&rig, INTERRUPT_STATUS), 0);
    for (uint32_t i = 0; i < 2; i++) {
        set(&rig, QUEUE_SEL, i);
        assert_int_equal(reg(&rig, QUEUE_READY), 0);
        assert_int_equal(reg(&rig, QUEUE_RESET), 0);
    }
    assert_true(rig.state->driver_features == 0);
    is_quiet = true;
    driver_start(&rig, 0, 32);
    assert_int_equal(starts, 2);
}

static void queue_reset_register(void **state)
{
    const struct part part = {GUEST_BASE + 0x100000, 16, false};

    (void)state;
    /* Not negotiated: no effect. */
    driver_start(&rig, 0, 16);
    set(&rig, QUEUE_SEL, 1);
    set(&rig, QUEUE_RESET, 1);
    assert_int_equal(reg(&rig, QUEUE_RESET), 0);
    assert_int_equal(reg(&rig, QUEUE_READY), 1);

    driver_start(&rig, VIRTIO_F_RING_RESET, 16);
    set(&rig, QUEUE_SEL, 1);
    is_quiet = false;
    assert_true(set(&rig, QUEUE_RESET, 1));
    assert_int_equal(quiesced, 1);
    assert_int_equal(reg(&rig, QUEUE_RESET), 1);
    set(&rig, QUEUE_RESET, 1);
    set(&rig, QUEUE_NUM, 32);
    set(&rig, QUEUE_READY, 1);
    driver_add(&rig, 1, &part, 1, 1);
    driver_add(&rig, 0, &part, 1, 1);
    device_run(&rig.device);
    assert_int_equal(rig.queue[1].used[1], 0); /* no access while it is reset */
    assert_int_equal(rig.queue[0].used[1], 1); /* and the other queue goes on */
    set(&rig, QUEUE_SEL, 1);
    device_quiet(&rig.device);
    assert_int_equal(reg(&rig, QUEUE_RESET), 0);
    assert_int_equal(reg(&rig, QUEUE_READY), 0);
    is_quiet = true;
    driver_queue(&rig, 1, 8);
    assert_int_equal(reg(&rig, QUEUE_READY), 1);
    assert_int_equal(reg(&rig, QUEUE_RESET), 0);
    driver_add(&rig, 1, &part, 1, 1);
    device_run(&rig.device);
    assert_int_equal(rig.queue[1].used[1], 1);
    /* QueueReady = 0 waits until the queue is quiet. */
    is_quiet = false;
    set(&rig, QUEUE_SEL, 1);
    assert_false(set(&rig, QUEUE_READY, 0));
    device_quiet(&rig.device);
    assert_int_equal(reg(&rig, QUEUE_READY), 0);
}

static void configuration(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof(config); i++) {
        config[i] = (uint8_t)(i + 1);
    }
    /* Before FEATURES_OK, too. */
    assert_int_equal(device_read(&rig.device, CONFIG + 5, 1), 6);
    assert_int_equal(device_read(&rig.device, CONFIG + 6, 2), 0x0807);
    assert_int_equal(device_read(&rig.device, CONFIG + 8, 4), 0x0c0b0a09);
    for (uint32_t offset = 0; offset < 32; offset++) {
        for (uint32_t size = 0; size < 16; size++) {
            bool there = (size == 1 || size == 2 || size == 4) && offset % size == 0 && offset + size <= 12;

            assert_int_equal(device_read(&rig.device, CONFIG + offset, size) != 0, there);
        }
    }
    written = 0;
    device_write(&rig.device, CONFIG + 4, 2, 0xaabb);
    device_write(&rig.device, CONFIG + 3, 2, 0xffff);
    device_write(&rig.device, CONFIG + 12, 1, 0xff);
    device_write(&rig.device, CONFIG + 8, 8, 0xff);
    assert_int_equal(written, 1);
    assert_int_equal(config[4], 0xbb);
}

static void frontend_gone(void **state)
{
    (void)state;
    driver_start(&rig, 0, 16);
    is_quiet = false;
    assert_false(device_frontend_gone(&rig.device, 2));
    device_quiet(&rig.device);
    assert_int_equal(reg(&rig, STATUS), 0);
    assert_int_equal(rig.state->frontend, 2);
    is_quiet = true;
    driver_start(&rig, 0, 16);
    assert_true(device_frontend_gone(&rig.device, 3));
    assert_int_equal(reg(&rig, STATUS), 0);
    /* A backend that was away while the frontend came back. */
    driver_start(&rig, 0, 16);
    rig_forget(&rig, 4);
    device_init(&rig.device);
    assert_int_equal(reg(&rig, STATUS), 0);
    assert_int_equal(rig.state->frontend, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(identity),
        TEST(write_only_registers_read_zero),
        TEST(nothing_else_is_there),
        TEST(features_in_words),
        TEST(negotiation),
        TEST(platform_access),
        TEST(status_bits),
        TEST(queue_registers),
        TEST(bad_queues),
        TEST(nothing_before_driver_ok),
        TEST(interrupt_status),
        TEST(needs_reset),
        TEST(needs_reset_is_judged_anew),
        TEST(needs_reset_before_negotiation),
        TEST(refused_queue_in_a_later_life),
        TEST(death_while_giving_up),
        TEST(reset),
        TEST(queue_reset_register),
        TEST(configuration),
        TEST(frontend_gone),
    };

    return cmocka_run_group_tests_name("devices: transport", tests, NULL, NULL);
}
