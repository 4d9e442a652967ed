/* SPDX-License-Identifier: Apache-2.0 */
/* The state page: what is damaged gives DEVICE_NEEDS_RESET, never a guess, and a backend that dies at any
 * store of any register access leaves a device that goes on as if nothing had been. */
#include "driver.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE      8u
#define MAX       16u
#define NR_QUEUES 2u
#define PAGE      BH_VIRTIO_STATE_BYTES(NR_QUEUES, MAX)
#define ALL       (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_RESET)

static struct rig rig;
static uint8_t saved[PAGE];
static bool answers;

static bool keep_run(struct device *device)
{
    struct queue *queue;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue_chain chain;

        while ((queue = device_queue(device, i)) != NULL && queue_take(queue, &chain) == QUEUE_OK) {
            if (answers) {
                device_complete(device, i, &chain.head, &(uint32_t){0}, 1);
            }
        }
    }
    return false;
}

static void keep_start(struct device *device)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue *queue = device_queue(device, i);
        struct queue_chain chain;
        uint64_t order = 0;
        enum queue_status status = QUEUE_EMPTY;

        while (queue != NULL && (status = queue_again(queue, &order, &chain)) == QUEUE_OK) {
        }
        if (status == QUEUE_BROKEN) {
            device_needs_reset(device);
        }
    }
}

static bool keep_quiesce(struct device *device, uint32_t queue)
{
    (void)device;
    (void)queue;
    return true;
}

static const struct device_class keep = {
    .id = 5, .start = keep_start, .run = keep_run, .quiesce = keep_quiesce};

/* Three requests answered and three in flight in each queue; then a batch of three is answered, and the
 * backend dies at `step` (QUEUE_STEPS: later). */
static void prepare(uint32_t step)
{
    rig_create(&rig, &keep, NULL, NR_QUEUES, MAX, 0);
    device_init(&rig.device);
    driver_start(&rig, ALL, SIZE);
    for (uint32_t i = 0; i < 2 * NR_QUEUES; i++) {
        const struct part part = {GUEST_BASE + 0x100000, 16, false};

        answers = i < NR_QUEUES;
        for (uint32_t k = 0; k < 3; k++) {
            assert_true(driver_add(&rig, i % NR_QUEUES, &part, 1, 1) >= 0);
        }
        device_run(&rig.device);
    }
    answers = false;
    if (step != QUEUE_STEPS) {
        /* driver_add() gives descriptors from the end of the free list: 0 to 2, then 3 to 5. */
        static const uint16_t heads[] = {4, 3, 5};
        static const uint32_t written[] = {0, 0, 0};

        step_countdown = 7; /* 3 links, the head, 3 elements: used->idx is out */
        if (setjmp(step_death) == 0) {
            device_complete(&rig.device, 0, heads, written, 3);
            fail();
        }
        assert_int_equal(step_died_at, step);
    }
    memcpy(saved, rig.state, PAGE);
}

static bool survives(void)
{
    memcpy(&rig.device.features, &rig.features, sizeof(rig.features));
    rig_forget(&rig, 1);
    device_init(&rig.device);
    return (reg(&rig, STATUS) & VIRTIO_NEEDS_RESET) == 0;
}

/* Flips each bit of [at, at + bytes): DEVICE_NEEDS_RESET and a notification, and the driver can reset. */
static uint32_t flip_each(void *at, uint32_t bytes)
{
    uint32_t offset = (uint32_t)((uint8_t *)at - (uint8_t *)rig.state);

    for (uint32_t bit = 0; bit < 8 * bytes; bit++) {
        memcpy(rig.state, saved, PAGE);
        ((uint8_t *)rig.state)[offset + bit / 8] ^= (uint8_t)(1u << bit % 8);
        rig.interrupts = 0;
        if (survives()) {
            fail_msg("bit %u at %u of the state page is not missed", bit, offset);
        }
        assert_true(rig.interrupts > 0 && (reg(&rig, INTERRUPT_STATUS) & 2) != 0);
        assert_true(set(&rig, STATUS, 0));
        assert_int_equal(reg(&rig, STATUS), 0);
        assert_true(driver_negotiate(&rig, ALL));
    }
    memcpy(rig.state, saved, PAGE);
    return 8 * bytes;
}

/* The same, but the right value may also be found again. */
static uint32_t mend_each(uint32_t index, void *at, uint32_t bytes)
{
    const struct bh_virtio_state_queue *queue = bh_virtio_state_queue(rig.state, index, MAX);
    const struct bh_virtio_state_queue right = *queue;

    for (uint32_t bit = 0; bit < 8 * bytes; bit++) {
        ((uint8_t *)at)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (survives()) {
            struct bh_virtio_state_queue found = *queue;

            /* A later order does the same: all that counts is that it is behind those in flight. */
            assert_true(found.order % 65536 == right.order && found.order >= right.order);
            found.order = right.order;
            assert_memory_equal(&found, &right, sizeof(right));
        }
        memcpy(rig.state, saved, PAGE);
    }
    return 8 * bytes;
}

static void damage_is_seen(void **state)
{
    struct bh_virtio_state *page;
    uint32_t bits = 0;

    (void)state;
    prepare(QUEUE_STEPS);
    page = rig.state;
    bits += flip_each(&page->magic, 4 * 8); /* the identity, status and reset_pending */
    bits += flip_each(&page->driver_features, 8);
    bits += flip_each(&page->identity_check, 8); /* and features_check */
    for (uint32_t i = 0; i < NR_QUEUES; i++) {
        struct bh_virtio_state_queue *queue = bh_virtio_state_queue(page, i, MAX);
        struct bh_virtio_state_head *heads = bh_virtio_state_heads(queue);

        bits += flip_each(&queue->size, 8); /* and ready */
        bits += flip_each(&queue->desc, 24);
        bits += flip_each(&queue->last_avail, 2);
        bits += flip_each(&queue->resetting, 2);
        bits += mend_each(i, &queue->order, 8);
        bits += mend_each(i, &queue->used_idx, 2);
        for (uint32_t head = 0; head < MAX; head++) {
            bits += flip_each(&heads[head].in_flight, 1);
            if (heads[head].in_flight != 0) {
                bits += flip_each(&heads[head].order, 8);
                bits += flip_each(&heads[head].check, 4);
            }
        }
    }
    assert_true(survives());
    print_message("damaged bits: %u, missed: 0\n", bits);
    rig_destroy(&rig);
}

/* A queue that the driver has not enabled yet begins as a new one, or not at all. */
static void damage_of_a_new_queue(void **state)
{
    struct bh_virtio_state_queue *queue;
    uint32_t bits = 0;

    (void)state;
    rig_create(&rig, &keep, NULL, NR_QUEUES, MAX, 0);
    device_init(&rig.device);
    assert_true(driver_negotiate(&rig, ALL));
    memcpy(saved, rig.state, PAGE);
    assert_true(survives());
    for (uint32_t i = 0; i < NR_QUEUES; i++) {
        queue = bh_virtio_state_queue(rig.state, i, MAX);
        bits += flip_each(&queue->last_avail, 8);
        bits += flip_each(&queue->order, 8);
        for (uint32_t head = 0; head < MAX; head++) {
            bits += flip_each(&bh_virtio_state_heads(queue)[head].in_flight, 1);
        }
    }
    print_message("damaged bits: %u, missed: 0\n", bits);
    rig_destroy(&rig);
}

static void damage_while_publishing(void **state)
{
    struct bh_virtio_state_queue *queue;
    struct bh_virtio_state_head *heads;
    uint32_t bits = 0;

    (void)state;
    prepare(QUEUE_COMPLETE_PUBLISHED);
    queue = bh_virtio_state_queue(rig.state, 0, MAX);
    heads = bh_virtio_state_heads(queue);
    bits += flip_each(&queue->batch_head, 2);
    bits += flip_each(&queue->used_idx, 2);
    for (uint32_t head = 3; head < 6; head++) {
        bits += flip_each(&heads[head].next, 2);
    }
    /* The driver changes what it was given: its own fault. */
    rig.queue[0].used[2 + 4 * 3] ^= 1;
    assert_false(survives());
    rig.queue[0].used[2 + 4 * 3] ^= 1;
    memcpy(rig.state, saved, PAGE);
    assert_true(survives());
    assert_int_equal(queue->used_idx, 6);
    for (uint32_t head = 0; head < MAX; head++) {
        assert_int_equal(heads[head].in_flight, 0);
    }
    print_message("damaged bits while a batch is published: %u, missed: 0\n", bits);
    rig_destroy(&rig);
}

/* Whatever the page holds, nothing outside it and the windows is touched (the sanitizers watch). */
static void any_page(void **state)
{
    uint32_t gave_up = 0;

    (void)state;
    prepare(QUEUE_STEPS);
    for (uint32_t i = 0; i < 30000; i++) {
        memcpy(rig.state, saved, PAGE);
        for (uint32_t k = 1 + random_below(8); k > 0; k--) {
            ((uint8_t *)rig.state)[random_below(PAGE)] = (uint8_t)random_below(256);
        }
        gave_up += !survives();
        device_run(&rig.device);
        (void)reg(&rig, QUEUE_READY);
        assert_true(set(&rig, STATUS, 0));
    }
    print_message("pages with 1 to 8 random bytes: 30000, DEVICE_NEEDS_RESET: %u\n", gave_up);
    rig_destroy(&rig);
}

struct access {
    uint32_t offset, value;
};

static const struct access accesses[] = {
    {STATUS, 0},
    {STATUS, 1},
    {STATUS, 3},
    {DEVICE_FEATURES_SEL, 1},
    {DRIVER_FEATURES_SEL, 1},
    {DRIVER_FEATURES, (uint32_t)((VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET) >> 32)},
    {DRIVER_FEATURES_SEL, 0},
    {DRIVER_FEATURES, (uint32_t)VIRTIO_F_EVENT_IDX},
    {STATUS, 11},
    {QUEUE_SEL, 1},
    {QUEUE_NUM, 16},
    {QUEUE_DESC, (uint32_t)GUEST_BASE},
    {QUEUE_DESC + 4, 0},
    {QUEUE_DRIVER, (uint32_t)GUEST_BASE + 0x1000},
    {QUEUE_DEVICE, (uint32_t)GUEST_BASE + 0x2000},
    {QUEUE_READY, 1},
    {STATUS, 15},
    {INTERRUPT_ACK, 1},
    {QUEUE_RESET, 1},
    {QUEUE_NUM, 8},
    {QUEUE_DESC, (uint32_t)GUEST_BASE + 0x100},
    {QUEUE_DRIVER, (uint32_t)GUEST_BASE + 0x1000},
    {QUEUE_DEVICE, (uint32_t)GUEST_BASE + 0x2000},
    {QUEUE_READY, 1},
    {QUEUE_READY, 0},
    {STATUS, 0x8f},
    {STATUS, 0},
    {STATUS, 1},
};

/* What a driver can read. */
static void look(uint32_t *seen)
{
    static const uint32_t registers[] = {DEVICE_FEATURES, QUEUE_NUM_MAX, QUEUE_READY,
                                         STATUS,          QUEUE_RESET,   CONFIG_GENERATION};

    for (uint32_t i = 0; i < 6; i++) {
        seen[i] = reg(&rig, registers[i]);
    }
    memcpy(&seen[6], &rig.state->driver_features, 8);
}

static void each_register_store(void **state)
{
    static uint32_t sound[sizeof(accesses) / sizeof(accesses[0])][8];
    const uint32_t nr = sizeof(accesses) / sizeof(accesses[0]);
    volatile uint32_t deaths = 0;

    (void)state;
    for (volatile int death = -1, ended = 0; !ended; death++) {
        volatile bool died = false;

        rig_create(&rig, &keep, NULL, NR_QUEUES, MAX, 0);
        step_countdown = death;
        for (volatile uint32_t i = 0; i <= nr; i++) {
            uint32_t seen[8];

            if (setjmp(step_death) != 0) {
                died = true;
                deaths++;
                rig_forget(&rig, 1);
                device_init(&rig.device);
                if (i == 0) {
                    continue;
                }
            } else if (i == 0) {
                device_init(&rig.device);
                continue;
            }
            /* The access that the dead backend had not answered is made again. */
            assert_true(set(&rig, accesses[i - 1].offset, accesses[i - 1].value));
            look(seen);
            if (death < 0) {
                memcpy(sound[i - 1], seen, sizeof(seen));
            } else if (memcmp(sound[i - 1], seen, sizeof(seen)) != 0) {
                fail_msg("access %u differs after a death at store %d", i - 1, death);
            }
        }
        ended = death >= 0 && !died;
        step_countdown = -1;
        rig_destroy(&rig);
    }
    print_message("deaths at stores of %u register accesses: %u\n", nr, deaths);
    assert_true(deaths > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_seen),          cmocka_unit_test(damage_of_a_new_queue),
        cmocka_unit_test(damage_while_publishing), cmocka_unit_test(any_page),
        cmocka_unit_test(each_register_store),
    };

    return cmocka_run_group_tests_name("devices: state page", tests, NULL, NULL);
}
