/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "classes_hostile.h"

#include <stdlib.h>

/* Rings lie at the beginning of the memory, buffers behind SCRATCH. */
#define SCRATCH 0x4000u

uint64_t hostile_chains;

uint8_t input_byte(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->data++;
}

uint16_t input_word(struct input *input)
{
    uint8_t low = input_byte(input);

    return (uint16_t)(low + input_byte(input) * 256u);
}

uint64_t input_long(struct input *input)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < 4; i++) {
        value = value * 65536u + input_word(input);
    }
    return value;
}

/* Mostly inside the memory; sometimes at its end, or anywhere. */
static uint64_t address(struct input *input)
{
    uint8_t how = input_byte(input);

    if (how < 246) {
        return RIG_BASE + SCRATCH + input_word(input);
    }
    if (how < 250) {
        return RIG_BASE + RIG_MEMORY - input_word(input) % 64u;
    }
    return how < 253 ? RIG_BASE + input_word(input) : input_long(input);
}

static uint32_t length(struct input *input)
{
    uint8_t how = input_byte(input);

    if (how < 240) {
        return input_word(input) % 2048u;
    }
    return how < 252 ? input_byte(input) % 20u : (uint32_t)input_long(input);
}

static void put(struct rig *rig, uint64_t at, const void *data, uint32_t size)
{
    memcpy(rig_at(rig, at), data, size);
}

/* A chain as the input likes it, with the ring's own pointers moved on. */
static void add_chain(struct rig *rig, struct input *input, uint32_t queue)
{
    const struct rig_ring *ring = &rig->ring[queue];
    uint16_t head = input_byte(input) % RIG_QUEUE, idx, at = head;
    uint32_t nr = 1u + input_byte(input) % 6u;
    uint8_t bend = input_byte(input);
    uint16_t direction = queue % 2u == 0 ? 2 : 0; /* receive queues have even numbers */

    for (uint32_t i = 0; i < nr; i++) {
        uint64_t where = address(input);
        uint32_t size = length(input);
        uint16_t next = (uint16_t)((at + 1u) % RIG_QUEUE);
        uint16_t flags = (uint16_t)(direction | (i + 1u < nr ? 1u : 0u));

        if (bend >= 248) {
            flags = input_byte(input) % 8u;
            next = input_byte(input);
        }
        put(rig, ring->desc + 16u * at, &where, 8);
        put(rig, ring->desc + 16u * at + 8u, &size, 4);
        put(rig, ring->desc + 16u * at + 12u, &flags, 2);
        put(rig, ring->desc + 16u * at + 14u, &next, 2);
        at = (uint16_t)((at + 1u) % RIG_QUEUE);
    }
    memcpy(&idx, rig_at(rig, ring->avail + 2), 2);
    put(rig, ring->avail + 4u + 2u * (idx % RIG_QUEUE), &head, 2);
    idx = (uint16_t)(idx + (bend == 247 ? input_byte(input) : 1u));
    put(rig, ring->avail + 2, &idx, 2);
    hostile_chains++;
}

static void poke(struct rig *rig, struct input *input)
{
    uint32_t offset = input_word(input), nr = 1u + input_byte(input) % 16u;

    for (uint32_t i = 0; i < nr; i++) {
        rig->memory[offset + i] = input_byte(input);
    }
}

/* Any register at any width; also those of the configuration. */
static void touch(struct rig *rig, struct input *input)
{
    static const uint32_t sizes[] = {4, 4, 4, 1, 2};
    uint32_t offset = input_byte(input), size = sizes[input_byte(input) % 5u];

    offset = offset < 0x80 ? offset * 4u % 0x100u : 0x100u + offset % 32u;
    if (input_byte(input) % 4u == 0) {
        (void)device_read(&rig->device, offset, size);
    } else {
        assert(device_write(&rig->device, offset, size, (uint32_t)input_long(input)));
    }
}

void hostile_restart(struct rig *rig, uint64_t features)
{
    rig_reset(rig);
    rig->next = RIG_BASE;
    rig_start(rig, features);
    assert(rig->next <= RIG_BASE + SCRATCH);
}

void hostile_step(struct rig *rig, struct input *input, uint64_t features)
{
    uint8_t step = input_byte(input);

    if (rig_failed(rig) && step % 2u != 0) {
        hostile_restart(rig, features);
    } else if (step < 140) {
        add_chain(rig, input, step % rig->device.nr_queues);
    } else if (step < 160) {
        poke(rig, input);
    } else if (step < 240) {
        for (uint32_t i = 0; i < 8u && device_run(&rig->device); i++) {
        }
    } else if (step < 250) {
        touch(rig, input);
    } else {
        hostile_restart(rig, features);
    }
}

uint32_t hostile_inputs(int argc, char **argv, int (*take)(const uint8_t *data, size_t size))
{
    uint32_t number = argc > 1 ? (uint32_t)atoi(argv[1]) : 4000u;
    uint64_t value = argc > 2 ? (uint32_t)atoi(argv[2]) : 1u;
    static uint8_t data[4096];

    for (uint32_t i = 0; i < number; i++) {
        size_t size = i % (sizeof data + 1u);

        for (size_t j = 0; j < size; j++) {
            value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            data[j] = (uint8_t)(value >> 56);
        }
        (void)take(data, size);
    }
    return number;
}
