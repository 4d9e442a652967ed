/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* PL061 (DDI 0190) as a controller of eight lines. What an earlier life has set up stays as it is, but that
 * all lines are masked: an output goes on, and an edge is kept by the raw interrupt status. */
#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/gpios.h"
#include "runtime/gic.h"
#include "runtime/log.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum {
    DATA = 0x000, /* bits 9:2 of the address say which lines an access is for */
    DIRECTION = 0x400,
    SENSE = 0x404, /* level */
    BOTH_EDGES = 0x408,
    EVENT = 0x40c, /* high, or rising */
    ENABLE = 0x410,
    MASKED_STATUS = 0x418,
    CLEAR = 0x41c,
    ALTERNATE = 0x420, /* the line is another device's */
    LINES = 8,
};

struct pl061 {
    struct lines lines;
    uintptr_t base;
};

static uintptr_t base_of(const struct lines *lines)
{
    const struct pl061 *gpio = lines->user;

    return gpio->base;
}

/* What does not change is not written: the controller shall not take it for something new. */
static void set_bit(uintptr_t at, uint32_t line, bool on)
{
    uint32_t old = read32(at), bit = 1u << line, value = on ? old | bit : old & ~bit;

    if (value != old) {
        write32(at, value);
    }
}

static bool get(struct lines *lines, uint32_t line)
{
    return read32(base_of(lines) + DATA + (4u << line)) != 0;
}

static void put(uintptr_t base, uint32_t line, bool high)
{
    write32(base + DATA + (4u << line), high ? 0xff : 0);
}

/* The value of an input cannot be set everywhere, so it is set before, for no wrong one to be seen, and
 * behind. */
static void output(struct lines *lines, uint32_t line, bool high)
{
    uintptr_t base = base_of(lines);

    put(base, line, high);
    set_bit(base + ALTERNATE, line, false);
    set_bit(base + DIRECTION, line, true);
    put(base, line, high);
}

static void input(struct lines *lines, uint32_t line)
{
    set_bit(base_of(lines) + DIRECTION, line, false);
    set_bit(base_of(lines) + ALTERNATE, line, false);
}

static void clear(struct lines *lines, uint32_t line)
{
    write32(base_of(lines) + CLEAR, 1u << line);
}

static void trigger(struct lines *lines, uint32_t line, enum line_trigger when, bool keep)
{
    uintptr_t base = base_of(lines);

    set_bit(base + SENSE, line, when == LINE_HIGH || when == LINE_LOW);
    set_bit(base + BOTH_EDGES, line, when == LINE_BOTH);
    set_bit(base + EVENT, line, when == LINE_HIGH || when == LINE_RISING);
    if (!keep) {
        clear(lines, line);
    }
}

/* QEMU keeps a level that has ended. */
static void mask(struct lines *lines, uint32_t line, bool masked)
{
    uintptr_t base = base_of(lines);

    if (!masked && (read32(base + SENSE) & 1u << line) != 0) {
        clear(lines, line);
    }
    set_bit(base + ENABLE, line, !masked);
}

static void interrupt(void *context)
{
    struct pl061 *gpio = context;
    uint32_t pending = read32(gpio->base + MASKED_STATUS);

    for (uint32_t line = 0; line < LINES; line++) {
        if ((pending & 1u << line) != 0) {
            gpio->lines.interrupt(&gpio->lines, line);
        }
    }
}

struct lines *pl061_start(void)
{
    tree_node node = tree_find(TREE_NONE, "arm,pl061");
    struct pl061 *gpio;
    uint32_t intid;
    bool edge;

    if (node == TREE_NONE) {
        return NULL;
    }
    gpio = arena_alloc(sizeof *gpio, 16, "the GPIO controller");
    gpio->base = tree_number(node, "reg", 0, 2, 0);
    intid = gic_intid(node, &edge);
    if (gpio->base == 0 || intid == 0) {
        crash("no registers or interrupt: ", tree_name(node));
    }
    memory_map(gpio->base, 0x1000, MEMORY_DEVICE);
    gpio->lines = (struct lines){.user = gpio,
                                 .nr = LINES,
                                 .interrupts = true,
                                 .get = get,
                                 .output = output,
                                 .input = input,
                                 .trigger = trigger,
                                 .mask = mask,
                                 .clear = clear};
    write32(gpio->base + ENABLE, 0);
    log_line("gpio: %s, %u lines", tree_name(node), LINES);
    gic_handle(intid, edge, interrupt, gpio);
    return &gpio->lines;
}
