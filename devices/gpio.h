/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The GPIO device (VIRTIO 1.2, 5.18): queue 0 has requests, queue 1 events, a buffer for each line that is
 * unmasked. Several devices share the lines of one controller; each has a range and no way out of it.
 *
 * What the driver has set up for a line lies in the state page, and is put back after a restart: an output
 * goes on without a change, and an edge that came meanwhile is kept by the controller. */
#ifndef DEVICES_GPIO_H
#define DEVICES_GPIO_H

#include "devices/device.h"
#include "devices/lines.h"

#define GPIO_MAX_LINES 32u /* of a device */

#define VIRTIO_GPIO_F_IRQ (UINT64_C(1) << 0)

/* A buffer of queue 1 that waits for its line's interrupt. */
struct gpio_event {
    bool waiting;
    uint16_t head;
    uint8_t *status; /* in the frontend's memory */
};

/* A device. */
struct gpio {
    /* Set before gpio_add(). */
    struct device *device;
    uint32_t first, nr;   /* lines of the controller */
    const uint8_t *names; /* `nr` texts, one behind the other; "": no name. NULL: there are none */
    uint32_t names_size;  /* bytes */
    /* The library's. */
    struct gpio_bank *bank;
    struct gpio *next;
    bool again; /* requests in flight are looked at first */
    struct gpio_event events[GPIO_MAX_LINES];
};

/* All GPIO devices of a controller. */
struct gpio_bank {
    struct lines *lines;
    struct gpio *devices;
    struct queue_chain chain; /* the one that is looked at */
};

extern const struct device_class gpio_class;

void gpio_init(struct gpio_bank *bank, struct lines *lines);

/* Before device_init(): sets class, user and features of gpio->device, whose other fields the host has set.
 * False: no line, or more than GPIO_MAX_LINES; the controller has not got them, or another device has one;
 * there are fewer than two queues; the names are not `nr` texts. */
bool gpio_add(struct gpio_bank *bank, struct gpio *gpio);

#endif
