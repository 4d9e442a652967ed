/* SPDX-License-Identifier: Apache-2.0 */
/* Every device class behind a frontend that the fuzzer is: registers, rings, buffers, and deaths of the
 * backend between any two stores. The first byte chooses the class, then an input is a list of operations. */
#include "devices.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE        UINT64_C(0x40000000)
#define BYTES       0x4000u
#define HIGH_BASE   UINT64_C(0xffffffffffff0000)
#define HIGH_BYTES  0x1000u
#define QUEUE_MAX   16u
#define MAX_QUEUES  6u
#define RING(queue) ((queue) * 0x400u) /* descriptors, avail at + 0x200, used at + 0x280 */

static const struct subject *subject;
static struct device device;
static struct dev_window windows[2];
static struct dev_memory memory = {.windows = windows, .nr = 2};
static struct bh_virtio_state *state;
static uint16_t avail[MAX_QUEUES];
static uint64_t chains[NR_SUBJECTS], inputs, deaths, target;
static int countdown;
static jmp_buf death;

struct input {
    const uint8_t *at;
    size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void queue_step(unsigned int step);

void queue_step(unsigned int step)
{
    chains[subject - subjects] += step == QUEUE_TAKE_DONE;
    if (countdown >= 0 && countdown-- == 0) {
        longjmp(death, 1);
    }
}

static uint8_t byte(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static uint16_t half(struct input *input)
{
    uint8_t low = byte(input);

    return (uint16_t)(low + 256u * byte(input));
}

static uint32_t word(struct input *input)
{
    uint16_t low = half(input);

    return low + 65536u * half(input);
}

static void nothing(struct device *d)
{
    (void)d;
}

static void create(uint32_t frontend)
{
    memset(&device, 0, sizeof(device));
    device.state = state;
    device.memory = &memory;
    device.nr_queues = subject->nr_queues;
    device.queue_max = QUEUE_MAX;
    device.frontend = frontend;
    device.interrupt = nothing;
    device.quiet = nothing;
    subject->create(&device);
    device_init(&device);
}

static void set(uint32_t offset, uint32_t value)
{
    (void)device_write(&device, offset, 4, value);
}

static void negotiate(uint8_t some)
{
    set(0x70, 0);
    set(0x70, 3);
    set(0x24, 0);
    set(0x20, (some % 2 != 0 ? (uint32_t)VIRTIO_F_INDIRECT_DESC : 0) |
                  (some / 2 % 2 != 0 ? (uint32_t)VIRTIO_F_EVENT_IDX : 0) |
                  (some / 4 % 2 != 0 ? (uint32_t)device.features : 0));
    set(0x24, 1);
    set(0x20, (uint32_t)((VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET) >> 32));
    set(0x70, 11);
    for (uint32_t i = 0; i < subject->nr_queues; i++) {
        memset(windows[0].local + RING(i), 0, 0x400);
        avail[i] = 0;
        set(0x30, i);
        set(0x38, QUEUE_MAX);
        set(0x80, (uint32_t)BASE + RING(i));
        set(0x90, (uint32_t)BASE + RING(i) + 0x200);
        set(0xa0, (uint32_t)BASE + RING(i) + 0x280);
        set(0x44, 1);
    }
    set(0x70, 15);
}

static void write_descriptor(uint8_t *at, struct input *input)
{
    uint8_t kind = byte(input);
    uint64_t address = BASE + half(input) % (BYTES + 64u);
    uint32_t length = kind % 8 == 7 ? word(input) : half(input) % 1600u;
    uint16_t flags = byte(input) % 16u;
    uint16_t next = byte(input) % (QUEUE_MAX + 1u);

    if (kind / 8 % 8 == 7) {
        address = kind % 2 != 0 ? HIGH_BASE + half(input) % (HIGH_BYTES + 8u) : (uint64_t)word(input) << 32;
    }
    memcpy(at, &address, 8);
    memcpy(at + 8, &length, 4);
    memcpy(at + 12, &flags, 2);
    memcpy(at + 14, &next, 2);
}

static void offer(uint32_t queue, uint16_t head)
{
    uint8_t *ring = windows[0].local + RING(queue) + 0x200;

    memcpy(ring + 4 + 2 * (avail[queue] % QUEUE_MAX), &head, 2);
    avail[queue]++;
    memcpy(ring + 2, &avail[queue], 2);
}

static void run(void)
{
    for (uint32_t i = 0; i < 4 && device_run(&device); i++) {
    }
}

/* Chains of a driver that knows its device: a part to read (a header of two bytes of the fuzzer's), a part to
 * write, a byte for a status. */
static void offer_plain(struct input *input)
{
    uint32_t queue = byte(input) % subject->nr_queues;
    uint8_t *ring = windows[0].local + RING(queue), *header = windows[0].local + 0x2000;
    uint32_t rounds = 1 + byte(input) % 16u, kind = byte(input);
    struct bh_virtio_state_head *heads = bh_virtio_state_heads(device.queue[queue].state);
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } desc[3] = {
        {BASE + 0x2000, kind % 2 != 0 ? 16 : 12, 1, 1},
        {BASE + 0x2800, (kind / 2 % 4) * 512u, (uint16_t)(1 + kind / 8 % 2 * 2), 2},
        {BASE + 0x3fff, 1, 2, 0},
    };

    memset(header, 0, 16);
    header[0] = byte(input);
    header[8] = byte(input);
    while (rounds-- > 0 && !device.failed) {
        for (uint16_t head = 0; head < QUEUE_MAX - 3; head += 3) {
            if (heads[head].in_flight == 0) {
                desc[0].next = (uint16_t)(head + 1);
                desc[1].next = (uint16_t)(head + 2);
                memcpy(ring + head * 16u, desc, sizeof(desc));
                offer(queue, head);
            }
        }
        run();
        subject->step(&device, (uint8_t)(kind + rounds));
    }
}

static void operation(struct input *input)
{
    uint8_t code = byte(input);
    uint32_t queue;

    switch (code % 16) {
    case 0:
    case 1:
    case 2:
        offer_plain(input);
        break;
    case 3:
        queue = byte(input) % subject->nr_queues;
        write_descriptor(windows[0].local + RING(queue) + byte(input) % QUEUE_MAX * 16u, input);
        break;
    case 4:
        write_descriptor(windows[0].local + half(input) % (BYTES - 16u), input);
        break;
    case 5:
    case 6:
        queue = byte(input) % subject->nr_queues;
        offer(queue, byte(input) % (QUEUE_MAX + 1u));
        run();
        break;
    case 7:
    case 8:
        subject->step(&device, byte(input));
        break;
    case 9:
        queue = byte(input);
        (void)device_write(&device, (queue % 64u) * 4u, 4, word(input));
        break;
    case 10:
        queue = half(input);
        (void)device_write(&device, queue % 0x180u, code / 16u, word(input));
        (void)device_read(&device, queue % 0x180u, code / 16u);
        break;
    case 11:
        windows[0].local[half(input) % BYTES] = byte(input);
        break;
    case 12:
        countdown = byte(input) % 64;
        break;
    case 13:
        create(1u + code / 128u);
        break;
    case 14:
        negotiate(byte(input));
        break;
    default:
        if (code / 16 == 15) {
            (void)device_frontend_gone(&device, code);
        }
        run();
        break;
    }
}

/* What an input leaves: as many heads in flight as the indices say. */
static void check(void)
{
    for (uint32_t i = 0; i < device.nr_queues; i++) {
        const struct queue *queue = &device.queue[i];
        uint32_t in_flight = 0;

        for (uint32_t head = 0; head < QUEUE_MAX; head++) {
            in_flight += bh_virtio_state_heads(queue->state)[head].in_flight;
        }
        if (!queue->broken && in_flight != (uint16_t)(queue->state->last_avail - queue->state->used_idx)) {
            abort();
        }
    }
    subject->check();
}

static void report(void)
{
    uint64_t sum = 0;

    printf("devices fuzzed: %llu inputs, %llu deaths, chains:", (unsigned long long)inputs,
           (unsigned long long)deaths);
    for (uint32_t i = 0; i < NR_SUBJECTS; i++) {
        printf(" %s %llu", subjects[i].name, (unsigned long long)chains[i]);
        sum += chains[i];
    }
    printf(", together %llu\n", (unsigned long long)sum);
    fflush(stdout);
}

static void begin(void)
{
    const char *wanted = getenv("FUZZ_CHAINS");

    target = wanted != NULL ? strtoull(wanted, NULL, 10) : 0;
    windows[0] = (struct dev_window){BASE, BYTES, aligned_alloc(4096, BYTES)};
    windows[1] = (struct dev_window){HIGH_BASE, HIGH_BYTES, aligned_alloc(4096, HIGH_BYTES)};
    memset(windows[1].local, 0, HIGH_BYTES);
    state = malloc(BH_VIRTIO_STATE_BYTES(MAX_QUEUES, QUEUE_MAX));
    atexit(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input;
    uint64_t sum = 0;

    if (windows[0].local == NULL) {
        begin();
    }
    input = (struct input){data, size};
    subject = &subjects[byte(&input) % NR_SUBJECTS];
    countdown = -1;
    memset(windows[0].local, 0, BYTES);
    memset(state, 0, BH_VIRTIO_STATE_BYTES(subject->nr_queues, QUEUE_MAX));
    create(1);
    negotiate(byte(&input));
    if (setjmp(death) != 0) {
        deaths++;
        countdown = -1;
        create(1);
    }
    while (input.left != 0) {
        if (device.failed) {
            negotiate(byte(&input));
        }
        operation(&input);
    }
    countdown = -1;
    check();
    inputs++;
    for (uint32_t i = 0; i < NR_SUBJECTS; i++) {
        sum += chains[i];
    }
    if (target != 0 && sum >= target) {
        report();
        _Exit(0);
    }
    return 0;
}
