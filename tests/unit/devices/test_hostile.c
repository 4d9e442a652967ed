/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers that break every rule of a ring. The device reads and writes nothing outside the windows (which the
 * address sanitizer watches: each is an allocation of its own), says DEVICE_NEEDS_RESET, and works after a
 * reset; another device does not notice. */
#include "driver.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SIZE   16u
#define BUFFER (GUEST_BASE + 0x100000u)
#define ALL    (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

static struct rig rig, neighbour;
static uint32_t chains, longest;

static void touch(const struct queue_chain *chain)
{
    volatile uint8_t *byte;

    for (uint32_t i = 0; i < (uint32_t)chain->nr_readable + chain->nr_writable; i++) {
        const struct queue_buffer *buffer = &chain->buffers[i];

        assert_true(buffer->length != 0);
        byte = buffer->data;
        if (i < chain->nr_readable) {
            (void)byte[0];
            (void)byte[buffer->length - 1];
        } else {
            byte[0] = 0x55;
            byte[buffer->length - 1] = 0x55;
        }
    }
    chains++;
    longest =
        chain->nr_readable + chain->nr_writable > longest ? chain->nr_readable + chain->nr_writable : longest;
}

/* Answers at once, but every fourth chain never. */
static bool sink_run(struct device *device)
{
    struct queue *queue;
    uint32_t bound = 256;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        while ((queue = device_queue(device, i)) != NULL && bound-- > 0) {
            struct queue_chain chain;
            enum queue_status status = queue_take(queue, &chain);

            if (status == QUEUE_OK) {
                touch(&chain);
                if (chain.head % 4 != 3) {
                    device_complete(device, i, &chain.head, &(uint32_t){(uint32_t)chain.writable}, 1);
                }
            } else if (status == QUEUE_BROKEN) {
                device_needs_reset(device);
            } else if (!queue_ask(queue, true)) {
                break;
            }
        }
    }
    return false;
}

static void sink_start(struct device *device)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue *queue = device_queue(device, i);
        struct queue_chain chain;
        uint64_t order = 0;
        enum queue_status status = QUEUE_EMPTY;

        while (queue != NULL && (status = queue_again(queue, &order, &chain)) == QUEUE_OK) {
            touch(&chain);
        }
        if (status == QUEUE_BROKEN) {
            device_needs_reset(device);
            return;
        }
    }
}

static bool sink_quiesce(struct device *device, uint32_t queue)
{
    (void)device;
    (void)queue;
    return true;
}

static const struct device_class sink = {
    .id = 9, .start = sink_start, .run = sink_run, .quiesce = sink_quiesce};

static bool broken(void)
{
    return (reg(&rig, STATUS) & VIRTIO_NEEDS_RESET) != 0;
}

static void start(uint64_t features)
{
    driver_start(&rig, features, SIZE);
    driver_start(&neighbour, features, SIZE);
}

static int setup(void **state)
{
    (void)state;
    rig_create(&rig, &sink, NULL, 2, 64, 0);
    rig_create(&neighbour, &sink, NULL, 1, 64, 0);
    device_init(&rig.device);
    device_init(&neighbour.device);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    rig_destroy(&neighbour);
    return 0;
}

static void neighbour_works(void)
{
    const struct part parts[] = {{BUFFER, 16, false}, {HIGH_BASE, HIGH_BYTES, true}};
    uint32_t head, length;

    assert_true(driver_add(&neighbour, 0, parts, 2, 2) >= 0);
    device_run(&neighbour.device);
    assert_true(driver_used(&neighbour, 0, &head, &length));
    assert_int_equal(length, HIGH_BYTES);
}

enum where { DIRECT, INDIRECT };
struct hostile {
    const char *name;
    bool good; /* it is allowed */
    enum where where;
    uint16_t head;
    struct desc desc[3]; /* 0, 1, 2 of the table */
};

#define N     DESC_F_NEXT
#define W     DESC_F_WRITE
#define I     DESC_F_INDIRECT
#define END   (GUEST_BASE + GUEST_BYTES)
#define TABLE (GUEST_BASE + 0x180000u)

/* clang-format off */
static const struct hostile cases[] = {
    {"one buffer", true, DIRECT, 0, {{BUFFER, 16, 0, 0}}},
    {"to the end of a window", true, DIRECT, 0, {{END - 16, 16, W, 0}}},
    {"a whole window", true, DIRECT, 0, {{HIGH_BASE, HIGH_BYTES, W, 0}}},
    {"length 0", true, DIRECT, 0, {{BUFFER, 0, 0, 0}}},
    {"length 0 nowhere", true, DIRECT, 0, {{12345, 0, N, 1}, {BUFFER, 1, W, 0}}},
    {"unknown flags", true, DIRECT, 0, {{BUFFER, 1, 0xfff8, 0}}},
    {"head beyond the table", false, DIRECT, SIZE, {{BUFFER, 16, 0, 0}}},
    {"head 65535", false, DIRECT, 0xffff, {{BUFFER, 16, 0, 0}}},
    {"next beyond the table", false, DIRECT, 0, {{BUFFER, 16, N, SIZE}}},
    {"next 65535", false, DIRECT, 0, {{BUFFER, 16, N, 0xffff}}},
    {"loop of one", false, DIRECT, 0, {{BUFFER, 16, N, 0}}},
    {"loop of two", false, DIRECT, 0, {{BUFFER, 16, N, 1}, {BUFFER, 16, N, 0}}},
    {"loop of empty ones", false, DIRECT, 0, {{BUFFER, 0, N, 1}, {BUFFER, 0, N, 0}}},
    {"loop of writable ones", false, DIRECT, 0, {{BUFFER, 16, N | W, 0}}},
    {"one byte too long", false, DIRECT, 0, {{END - 16, 17, 0, 0}}},
    {"one byte before", false, DIRECT, 0, {{GUEST_BASE - 1, 16, W, 0}}},
    {"between the windows", false, DIRECT, 0, {{END, 1, 0, 0}}},
    {"address 0", false, DIRECT, 0, {{0, 1, 0, 0}}},
    {"address wraps", false, DIRECT, 0, {{UINT64_MAX - 7, 16, W, 0}}},
    {"address and length wrap into a window", false, DIRECT, 0, {{GUEST_BASE - 0x1000, 0xffffffff, W, 0}}},
    {"the longest length", false, DIRECT, 0, {{GUEST_BASE, 0xffffffff, W, 0}}},
    {"over two windows", false, DIRECT, 0, {{END - 1, 0x80000000, W, 0}}},
    {"readable behind writable", false, DIRECT, 0, {{BUFFER, 16, N | W, 1}, {BUFFER, 16, 0, 0}}},
    {"indirect with next", false, DIRECT, 0, {{TABLE, 16, I | N, 1}, {BUFFER, 16, 0, 0}}},
    {"empty table", false, DIRECT, 0, {{TABLE, 0, I, 0}}},
    {"half a descriptor", false, DIRECT, 0, {{TABLE, 24, I, 0}}},
    {"table nowhere", false, DIRECT, 0, {{0x1000, 32, I, 0}}},
    {"table over the end", false, DIRECT, 0, {{END - 16, 32, I, 0}}},
    {"table of the longest length", false, DIRECT, 0, {{GUEST_BASE, 0xfffffff0, I, 0}}},
    {"indirect", true, INDIRECT, 0, {{BUFFER, 16, N, 2}, {0, 0, 0, 0}, {BUFFER, 8, W, 0}}},
    {"nested tables", false, INDIRECT, 0, {{TABLE, 48, I, 0}}},
    {"nested behind a buffer", false, INDIRECT, 0, {{BUFFER, 16, N, 1}, {TABLE, 48, I, 0}}},
    {"next beyond the indirect table", false, INDIRECT, 0, {{BUFFER, 16, N, 3}}},
    {"loop in an indirect table", false, INDIRECT, 0, {{BUFFER, 16, N, 1}, {BUFFER, 0, N, 0}}},
    {"readable behind writable, indirect", false, INDIRECT, 0, {{BUFFER, 1, N | W, 1}, {BUFFER, 1, 0, 0}}},
    {"indirect buffer nowhere", false, INDIRECT, 0, {{END, 16, 0, 0}}},
};
/* clang-format on */

static void place(const struct hostile *hostile)
{
    struct driver_queue *q = &rig.queue[0];

    if (hostile->where == INDIRECT) {
        q->desc[0] = (struct desc){TABLE, sizeof(hostile->desc), I, 0};
        memcpy(guest(&rig, TABLE), hostile->desc, sizeof(hostile->desc));
    } else {
        memcpy(q->desc, hostile->desc, sizeof(hostile->desc));
    }
    driver_offer(&rig, 0, hostile->head);
}

static void each_rule(void **state)
{
    uint32_t attempts = 0, blocked = 0;

    (void)state;
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t interrupts;

        start(ALL);
        interrupts = rig.interrupts;
        chains = 0;
        place(&cases[i]);
        device_run(&rig.device);
        if (broken() == cases[i].good || chains != cases[i].good) {
            fail_msg("%s: %s", cases[i].name, broken() ? "refused" : "accepted");
        }
        if (!cases[i].good) {
            attempts++;
            blocked += broken() && (reg(&rig, INTERRUPT_STATUS) & 2) != 0 && rig.interrupts == interrupts + 1;
            assert_int_equal(rig.queue[0].used[1], 0);
        }
        neighbour_works();
    }
    print_message("hostile rings: attempts %u, blocked %u\n", attempts, blocked);
    assert_int_equal(attempts, blocked);
}

static void without_the_feature(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].where == INDIRECT) {
            start(0);
            place(&cases[i]);
            device_run(&rig.device);
            assert_true(broken());
        }
    }
}

static void indices_jump(void **state)
{
    static const uint16_t jumps[] = {SIZE + 1, SIZE + 2, 0x7fff, 0x8000, 0xffff};

    (void)state;
    for (uint32_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        start(ALL);
        rig.queue[0].avail[1] = jumps[i];
        device_run(&rig.device);
        assert_true(broken());
        neighbour_works();
    }
    /* A head twice, while it is in flight (the sink keeps head 3). */
    start(0);
    rig.queue[0].desc[3] = (struct desc){BUFFER, 16, 0, 0};
    driver_offer(&rig, 0, 3);
    device_run(&rig.device);
    assert_false(broken());
    driver_offer(&rig, 0, 3);
    device_run(&rig.device);
    assert_true(broken());
}

static void long_chains(void **state)
{
    (void)state;
    for (uint32_t nr = QUEUE_MAX_BUFFERS - 1; nr < QUEUE_MAX_BUFFERS + 3; nr++) {
        struct desc *table = guest(&rig, TABLE);

        start(ALL);
        for (uint32_t i = 0; i < nr; i++) {
            table[i] = (struct desc){BUFFER + i, 1, i + 1 < nr ? N : 0, (uint16_t)(i + 1)};
        }
        rig.queue[0].desc[0] = (struct desc){TABLE, nr * 16, I, 0};
        chains = 0;
        driver_offer(&rig, 0, 0);
        device_run(&rig.device);
        assert_int_equal(chains, nr <= QUEUE_MAX_BUFFERS);
        assert_int_equal(broken(), nr > QUEUE_MAX_BUFFERS);
    }
}

/* Rings on top of each other and of the buffers, filled at random. */
static void rings_overlap(void **state)
{
    uint32_t breaks = 0;

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t *memory = guest(&rig, GUEST_BASE);

        start(random_below(2) != 0 ? ALL : 0);
        set(&rig, STATUS, 0);
        driver_negotiate(&rig, random_below(2) != 0 ? ALL : 0);
        for (uint32_t k = 0; k < 2; k++) {
            set(&rig, QUEUE_SEL, k);
            set(&rig, QUEUE_NUM, 8);
            set(&rig, QUEUE_DESC, (uint32_t)GUEST_BASE + random_below(16) * 16);
            set(&rig, QUEUE_DESC + 4, (uint32_t)(GUEST_BASE >> 32));
            set(&rig, QUEUE_DRIVER, (uint32_t)GUEST_BASE + random_below(128) * 2);
            set(&rig, QUEUE_DRIVER + 4, (uint32_t)(GUEST_BASE >> 32));
            set(&rig, QUEUE_DEVICE, (uint32_t)GUEST_BASE + random_below(64) * 4);
            set(&rig, QUEUE_DEVICE + 4, (uint32_t)(GUEST_BASE >> 32));
            set(&rig, QUEUE_READY, 1);
        }
        set(&rig, STATUS, 15);
        for (uint32_t k = 0; k < 128; k++) {
            memory[k] = random_below(3) == 0 ? (uint32_t)GUEST_BASE + random_below(1024) : random_below(12);
        }
        for (uint32_t k = 0; k < 8; k++) {
            device_run(&rig.device);
        }
        breaks += broken();
        if (random_below(4) == 0) { /* and the backend dies */
            rig_forget(&rig, 1);
            device_init(&rig.device);
        }
    }
    print_message("overlapping rings: 3000, broken %u, chains %u\n", breaks, chains);
    neighbour_works();
}

static volatile bool stop;

/* The other vCPU of the frontend. */
static void *rewrite(void *argument)
{
    struct driver_queue *q = &rig.queue[0];
    uint64_t seed = 88172645463325252u;

    (void)argument;
    while (!stop) {
        volatile struct desc *d;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        d = &q->desc[seed % SIZE];
        switch (seed / 64 % 6) {
        case 0:
            d->address = seed;
            break;
        case 1:
            d->length = (uint32_t)(seed >> 20);
            break;
        case 2:
            d->flags = (uint16_t)(seed >> 40);
            break;
        case 3:
            d->next = (uint16_t)(seed >> 40);
            break;
        default:
            d->address = BUFFER;
            d->length = 64;
            d->flags = N;
            d->next = (uint16_t)(seed / 1024 % SIZE);
            break;
        }
    }
    return NULL;
}

static void rewritten_while_read(void **state)
{
    pthread_t thread;
    uint32_t breaks = 0;

    (void)state;
    start(ALL);
    stop = false;
    chains = 0;
    assert_int_equal(pthread_create(&thread, NULL, rewrite, NULL), 0);
    for (uint32_t i = 0; i < 40000; i++) {
        driver_offer(&rig, 0, (uint16_t)random_below(SIZE));
        device_run(&rig.device);
        if (broken()) {
            breaks++;
            driver_start(&rig, ALL, SIZE);
        }
    }
    stop = true;
    pthread_join(thread, NULL);
    print_message("rewritten while read: %u chains taken, %u times broken\n", chains, breaks);
    neighbour_works();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_rule),   TEST(without_the_feature), TEST(indices_jump),
        TEST(long_chains), TEST(rings_overlap),       TEST(rewritten_while_read),
    };

    return cmocka_run_group_tests_name("devices: hostile rings", tests, NULL, NULL);
}
