/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the driver has set up for a line of a GPIO device, as it lies in the state page. */
#ifndef DEVICES_GPIO_LINE_H
#define DEVICES_GPIO_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/lines.h"

/* The numbers of VIRTIO 1.2, 5.18.6. */
enum gpio_direction { GPIO_NONE = 0, GPIO_OUT = 1, GPIO_IN = 2 };

/* An edge that the controller has been told to forget, because it is being handed on, or will be. Which of
 * the two it was when the backend died is seen by the buffer: it is in flight until it was handed on. */
enum gpio_latch { GPIO_CALM, GPIO_HANDED_ON, GPIO_LATCHED };

struct gpio_line {
    enum line_trigger trigger;
    enum gpio_direction direction;
    bool high; /* as an output */
    enum gpio_latch latch;
};

/* A line is 16 bits of the page, which one store changes, with a check; zero is a line after reset. */
void gpio_line_store(uint16_t *place, const struct gpio_line *line);
/* False: it is damaged, and *line is not to be used. */
bool gpio_line_load(const uint16_t *place, struct gpio_line *line);

/* Whether the number is that of a trigger. */
bool gpio_line_known(uint32_t trigger);

static inline bool gpio_line_is_edge(const struct gpio_line *line)
{
    return line->trigger == LINE_RISING || line->trigger == LINE_FALLING || line->trigger == LINE_BOTH;
}

#endif
