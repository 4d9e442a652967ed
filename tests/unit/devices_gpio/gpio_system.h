/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Two GPIO devices of one controller of eight lines, with their drivers. */
#ifndef TESTS_GPIO_SYSTEM_H
#define TESTS_GPIO_SYSTEM_H

#include "pins.h"

#define DEVICES 2u
#define ERR     1
#define HIGH    256 /* the value of an answer */
#define IRQ     VIRTIO_GPIO_F_IRQ

/* Lines 0 to 3 are the first device's, 4 to 6 the second's, 7 is nobody's. */
struct system {
    struct pins pins;
    struct gpio_bank bank;
    struct gpio gpio[DEVICES];
    struct rig rig[DEVICES];
};

/* Of the lines of the first device. */
extern const uint8_t names[12];

void system_set_up(struct system *system);
void system_create(struct system *system, uint64_t features);
void system_destroy(struct system *system);
/* The backend dies and comes back. */
void system_crash(struct system *system);
/* A buffer for a line's event, which the device has looked at. */
uint64_t system_unmask(struct system *system, uint16_t line);
void expect_event(struct rig *rig, uint64_t at, uint8_t status);
void expect_no_event(struct rig *rig);
void system_pulse(struct system *system, uint32_t line);
/* The driver sets up the queue of events again. */
void restart_event_queue(struct rig *rig);

#endif
