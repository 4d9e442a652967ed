/* SPDX-License-Identifier: Apache-2.0 */
/* GPIO: lines 2 to 5 of a controller of eight; nothing else of it is touched. */
#include "devices.h"

#include "devices/gpio.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 2, LINES = 4, ALL = 8 };

static struct {
    bool high[ALL], output[ALL], masked[ALL], edge[ALL];
    enum line_trigger trigger[ALL];
} pins;
static struct lines lines;
static struct gpio_bank bank;
static struct gpio gpio;

static uint32_t own(uint32_t line)
{
    if (line < FIRST || line >= FIRST + LINES) {
        abort();
    }
    return line;
}

static bool lines_get(struct lines *l, uint32_t line)
{
    (void)l;
    return pins.high[own(line)];
}

static void lines_output(struct lines *l, uint32_t line, bool high)
{
    (void)l;
    pins.output[own(line)] = true;
    pins.high[line] = high;
}

static void lines_input(struct lines *l, uint32_t line)
{
    (void)l;
    pins.output[own(line)] = false;
}

static void lines_clear(struct lines *l, uint32_t line)
{
    (void)l;
    pins.edge[own(line)] = false;
}

static void lines_trigger(struct lines *l, uint32_t line, enum line_trigger trigger, bool keep)
{
    if (!pins.masked[own(line)]) {
        abort();
    }
    pins.trigger[line] = trigger;
    if (!keep) {
        lines_clear(l, line);
    }
}

static void lines_mask(struct lines *l, uint32_t line, bool masked)
{
    (void)l;
    pins.masked[own(line)] = masked;
}

/* The controller outlives the backend, but that it masks all. */
void gpio_create(struct device *device)
{
    static const uint8_t names[] = "a\0\0c\0";

    for (uint32_t i = 0; i < ALL; i++) {
        pins.masked[i] = true;
    }
    lines = (struct lines){.nr = ALL,
                           .interrupts = true,
                           .get = lines_get,
                           .output = lines_output,
                           .input = lines_input,
                           .trigger = lines_trigger,
                           .mask = lines_mask,
                           .clear = lines_clear};
    memset(&bank, 0, sizeof bank);
    gpio_init(&bank, &lines);
    gpio = (struct gpio){
        .device = device, .first = FIRST, .nr = LINES, .names = names, .names_size = sizeof names};
    if (!gpio_add(&bank, &gpio)) {
        abort();
    }
}

static bool due(uint32_t line)
{
    enum line_trigger trigger = pins.trigger[line];

    return !pins.masked[line] && (pins.edge[line] || (trigger == LINE_HIGH && pins.high[line]) ||
                                  (trigger == LINE_LOW && !pins.high[line]));
}

/* A line changes, and interrupts; one that is driven, or that is nobody's, as well. */
void gpio_step(struct device *device, uint8_t byte)
{
    uint32_t line = byte % ALL;
    bool high = byte / ALL % 2u != 0;

    (void)device;
    pins.edge[line] |= high != pins.high[line];
    pins.high[line] = high;
    for (uint32_t i = FIRST; i < FIRST + LINES; i++) {
        if (due(i)) {
            lines.interrupt(&lines, i);
            if (due(i)) {
                abort();
            }
        }
    }
}

/* What was set up is possible. */
void gpio_check(void)
{
    for (uint32_t i = 0; i < ALL; i++) {
        if ((i < FIRST || i >= FIRST + LINES) && (pins.output[i] || !pins.masked[i])) {
            abort();
        }
    }
}
