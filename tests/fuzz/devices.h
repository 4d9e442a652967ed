/* SPDX-License-Identifier: Apache-2.0 */
/* The device classes as the fuzzer drives them. */
#ifndef TESTS_FUZZ_DEVICES_H
#define TESTS_FUZZ_DEVICES_H

#include "devices/device.h"

/* A class behind one hostile frontend. */
struct subject {
    const char *name;
    uint32_t nr_queues;
    /* Sets class, user and features of a device that is zero but for what a host sets, as after a start. */
    void (*create)(struct device *device);
    /* What stands behind the device makes a step; `byte` is the fuzzer's. */
    void (*step)(struct device *device, uint8_t byte);
    /* Aborts if something is touched that the frontend must not reach. */
    void (*check)(void);
};

#define NR_SUBJECTS 6u
extern const struct subject subjects[NR_SUBJECTS];

/* devices_lines.c */
void gpio_create(struct device *device);
void gpio_step(struct device *device, uint8_t byte);
void gpio_check(void);

#endif
