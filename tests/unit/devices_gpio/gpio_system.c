/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* See gpio_system.h. */
#include "gpio_system.h"

const uint8_t names[12] = "door\0\0lamp\0";

void system_set_up(struct system *system)
{
    memset(&system->bank, 0, sizeof system->bank);
    memset(system->gpio, 0, sizeof system->gpio);
    gpio_init(&system->bank, &system->pins.lines);
    for (uint32_t i = 0; i < DEVICES; i++) {
        struct gpio *gpio = &system->gpio[i];

        gpio->device = &system->rig[i].device;
        gpio->first = i * 4u;
        gpio->nr = 4u - i;
        gpio->names = i == 0 ? names : NULL;
        gpio->names_size = i == 0 ? sizeof names : 0;
        assert_true(gpio_add(&system->bank, gpio));
    }
}

void system_create(struct system *system, uint64_t features)
{
    memset(system, 0, sizeof *system);
    pins_create(&system->pins);
    system->pins.foreign = 1u << 7;
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_create(&system->rig[i], 2);
    }
    system_set_up(system);
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_start(&system->rig[i], features);
        rig_run(&system->rig[i]);
    }
}

void system_destroy(struct system *system)
{
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_false(rig_failed(&system->rig[i]));
        rig_destroy(&system->rig[i]);
    }
}

void system_crash(struct system *system)
{
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_crash(&system->rig[i]);
    }
    pins_restart(&system->pins);
    system_set_up(system);
    for (uint32_t i = 0; i < DEVICES; i++) {
        device_init(&system->rig[i].device);
        rig_run(&system->rig[i]);
    }
    pins_poll(&system->pins);
}

uint64_t system_unmask(struct system *system, uint16_t line)
{
    uint64_t at = pins_unmask(&system->rig[0], line);

    rig_run(&system->rig[0]);
    pins_poll(&system->pins);
    return at;
}

void expect_event(struct rig *rig, uint64_t at, uint8_t status)
{
    uint32_t length;

    assert_true(rig_used(rig, 1, NULL, &length));
    assert_int_equal(length, 1);
    assert_int_equal(rig_at(rig, at)[0], status);
    assert_int_equal(rig_at(rig, at)[1], 0xee);
}

void expect_no_event(struct rig *rig)
{
    assert_false(rig_used(rig, 1, NULL, NULL));
}

void system_pulse(struct system *system, uint32_t line)
{
    pins_set(&system->pins, line, true);
    pins_poll(&system->pins);
    pins_set(&system->pins, line, false);
    pins_poll(&system->pins);
}

void restart_event_queue(struct rig *rig)
{
    const struct rig_ring *ring = &rig->ring[1];

    memset(rig_at(rig, ring->avail), 0, 4);
    memset(rig_at(rig, ring->used), 0, 4);
    rig->ring[1].taken = 0;
    assert_true(device_write(&rig->device, 0x30, 4, 1));
    assert_true(device_write(&rig->device, 0x38, 4, RIG_QUEUE));
    assert_true(device_write(&rig->device, 0x80, 4, (uint32_t)ring->desc));
    assert_true(device_write(&rig->device, 0x90, 4, (uint32_t)ring->avail));
    assert_true(device_write(&rig->device, 0xa0, 4, (uint32_t)ring->used));
    assert_true(device_write(&rig->device, 0x44, 4, 1));
}
