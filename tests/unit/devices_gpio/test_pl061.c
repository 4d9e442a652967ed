/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The driver of the PL061 on a model of its registers (DDI 0190, chapter 3), with what QEMU does differently:
 * a level that has ended stays in the raw status until it is cleared. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/gpios.h"
#include "runtime/gic.h"
#include "runtime/log.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { BASE = 0x9030000, INTID = 39 };

static struct {
    uint8_t outside, data, direction, sense, both, event, enable, raw, alternate;
    uint8_t seen;
    uint32_t writes;
} model;

static void (*handler)(void *context);
static void *handler_context;
static bool is_there;
static uint32_t interrupts[8];
static bool masks; /* what the one who is interrupted does: it masks the line, or clears it */

static uint8_t pins(void)
{
    return (uint8_t)((model.data & model.direction) | (model.outside & ~model.direction));
}

static void update(void)
{
    uint8_t now = pins(), changed = now ^ model.seen, edge = changed & (uint8_t)~model.sense;

    model.seen = now;
    model.raw |= edge & (model.both | (uint8_t)~(now ^ model.event));
    model.raw |= model.sense & (uint8_t)~(now ^ model.event);
}

uint32_t read32(uintptr_t at)
{
    uintptr_t offset = at - BASE;

    if (offset < 0x400) {
        return pins() & (uint8_t)(offset / 4);
    }
    switch (offset) {
    case 0x400:
        return model.direction;
    case 0x404:
        return model.sense;
    case 0x408:
        return model.both;
    case 0x40c:
        return model.event;
    case 0x410:
        return model.enable;
    case 0x418:
        return model.raw & model.enable;
    case 0x420:
        return model.alternate;
    default:
        fail_msg("read of 0x%lx", (unsigned long)offset);
        return 0;
    }
}

void write32(uintptr_t at, uint32_t value)
{
    uintptr_t offset = at - BASE;
    uint8_t mask = (uint8_t)(offset / 4) & model.direction; /* an input cannot be set */

    model.writes++;
    switch (offset) {
    case 0x400:
        model.direction = (uint8_t)value;
        break;
    case 0x404:
        model.sense = (uint8_t)value;
        break;
    case 0x408:
        model.both = (uint8_t)value;
        break;
    case 0x40c:
        model.event = (uint8_t)value;
        break;
    case 0x410:
        model.enable = (uint8_t)value;
        break;
    case 0x41c:
        model.raw &= (uint8_t)~value;
        break;
    case 0x420:
        model.alternate = (uint8_t)value;
        break;
    default:
        assert_true(offset < 0x400);
        model.data = (uint8_t)((model.data & ~mask) | (value & mask));
        break;
    }
    update();
}

/* ---- the runtime */

tree_node tree_find(tree_node node, const char *compatible)
{
    (void)node;
    assert_string_equal(compatible, "arm,pl061");
    return is_there ? 1 : TREE_NONE;
}

uint64_t tree_number(tree_node node, const char *name, uint32_t at, uint32_t cells, uint64_t otherwise)
{
    (void)node;
    (void)at;
    (void)cells;
    (void)otherwise;
    assert_string_equal(name, "reg");
    return BASE;
}

const char *tree_name(tree_node node)
{
    (void)node;
    return "gpio";
}

void *arena_alloc(size_t size, size_t align, const char *what)
{
    static uint64_t memory[64];

    (void)align;
    (void)what;
    assert_true(size <= sizeof memory);
    return memset(memory, 0, sizeof memory);
}

void memory_map(uint64_t address, uint64_t size, enum memory_kind kind)
{
    assert_int_equal(address, BASE);
    assert_int_equal(size, 0x1000);
    assert_int_equal(kind, MEMORY_DEVICE);
}

uint32_t gic_intid(tree_node node, bool *edge)
{
    (void)node;
    *edge = false;
    return INTID;
}

void gic_handle(uint32_t intid, bool edge, void (*h)(void *context), void *context)
{
    assert_int_equal(intid, INTID);
    assert_false(edge);
    handler = h;
    handler_context = context;
}

_Noreturn void crash(const char *why, const char *what)
{
    fprintf(stderr, "crash: %s%s\n", why, what);
    abort();
}

void log_begin(const char *text)
{
    (void)text;
}

void log_put(const char *format, const uint64_t *values)
{
    (void)format;
    (void)values;
}

void log_end(void)
{
}

/* ---- */

static void on_interrupt(struct lines *lines, uint32_t line)
{
    interrupts[line]++;
    if (masks) {
        lines->mask(lines, line, true);
    } else {
        lines->clear(lines, line);
    }
}

static struct lines *start(void)
{
    struct lines *lines = pl061_start();

    assert_non_null(lines);
    assert_int_equal(lines->nr, 8);
    assert_true(lines->interrupts);
    assert_int_equal(model.enable, 0);
    lines->interrupt = on_interrupt;
    return lines;
}

static struct lines *power_on(void)
{
    memset(&model, 0, sizeof model);
    memset(interrupts, 0, sizeof interrupts);
    is_there = true;
    masks = true;
    return start();
}

/* The interrupt line of the controller; false: it is low. */
static bool poll(void)
{
    if ((model.raw & model.enable) == 0) {
        return false;
    }
    handler(handler_context);
    assert_int_equal(model.raw & model.enable, 0);
    return true;
}

static void outside(uint32_t line, bool high)
{
    model.outside = (uint8_t)(high ? model.outside | 1u << line : model.outside & ~(1u << line));
    update();
}

static void nothing_there(void **state)
{
    (void)state;
    is_there = false;
    assert_null(pl061_start());
}

/* Each line by itself; no other bit of any register changes. */
static void values(void **state)
{
    (void)state;
    for (uint32_t line = 0; line < 8; line++) {
        struct lines *lines = power_on();
        uint8_t bit = (uint8_t)(1u << line);

        model.alternate = bit;
        model.direction = 0xa5 & ~bit;
        model.data = 0x24;
        lines->output(lines, line, true);
        assert_int_equal(model.direction, (0xa5 & ~bit) | bit);
        assert_int_equal(pins(), (0x24 & 0xa5) | bit);
        assert_int_equal(model.alternate, 0);
        assert_true(lines->get(lines, line));
        lines->output(lines, line, false);
        assert_false(lines->get(lines, line));
        assert_int_equal(pins(), 0x24 & 0xa5 & ~bit);
        outside(line, true);
        assert_false(lines->get(lines, line));
        lines->input(lines, line);
        assert_int_equal(model.direction, 0xa5 & ~bit);
        assert_true(lines->get(lines, line));
        outside(line, false);
        assert_false(lines->get(lines, line));
    }
}

static void edges(void **state)
{
    static const enum line_trigger all[] = {LINE_RISING, LINE_FALLING, LINE_BOTH};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct lines *lines = power_on();
        uint32_t rising = all[i] != LINE_FALLING, falling = all[i] != LINE_RISING;

        outside(5, true); /* before: not told */
        outside(5, false);
        lines->trigger(lines, 5, all[i], false);
        assert_false(poll());
        lines->mask(lines, 5, false);
        assert_false(poll());
        outside(5, true);
        assert_int_equal(poll(), rising);
        lines->clear(lines, 5);
        lines->mask(lines, 5, false);
        outside(5, false);
        assert_int_equal(poll(), falling);
        assert_int_equal(interrupts[5], rising + falling);
        /* masked, it is kept */
        lines->mask(lines, 5, true);
        lines->clear(lines, 5);
        outside(5, true);
        outside(5, false);
        assert_false(poll());
        masks = false;
        lines->mask(lines, 5, false);
        assert_true(poll());
        assert_false(poll());
        /* never: forgotten */
        lines->mask(lines, 5, true);
        outside(5, true);
        outside(5, false);
        lines->trigger(lines, 5, LINE_NEVER, false);
        lines->trigger(lines, 5, all[i], false);
        lines->mask(lines, 5, false);
        assert_false(poll());
    }
}

static void levels(void **state)
{
    (void)state;
    for (uint32_t high = 0; high < 2; high++) {
        struct lines *lines = power_on();

        outside(0, high == 0);
        lines->trigger(lines, 0, high != 0 ? LINE_HIGH : LINE_LOW, false);
        lines->mask(lines, 0, false);
        assert_false(poll());
        outside(0, high != 0);
        assert_true(poll());
        lines->mask(lines, 0, false);
        assert_true(poll()); /* it lasts */
        outside(0, high == 0);
        lines->mask(lines, 0, false);
        assert_false(poll()); /* it has ended */
        lines->mask(lines, 0, true);
        outside(0, high != 0);
        outside(0, high == 0);
        lines->mask(lines, 0, false);
        assert_false(poll()); /* it came and went */
    }
}

/* The next life finds outputs, triggers and edges as they were, and changes nothing when it puts them back.
 */
static void a_restart(void **state)
{
    struct lines *lines = power_on();
    uint32_t writes;

    (void)state;
    lines->output(lines, 1, true);
    lines->trigger(lines, 2, LINE_RISING, false);
    lines->trigger(lines, 3, LINE_BOTH, false);
    lines->mask(lines, 2, false);
    outside(2, true);
    outside(3, true);
    lines = start();
    assert_int_equal(pins() & 2, 2);
    writes = model.writes;
    lines->mask(lines, 2, true);
    lines->trigger(lines, 2, LINE_RISING, true);
    lines->trigger(lines, 3, LINE_BOTH, true);
    lines->input(lines, 2);
    assert_int_equal(model.writes, writes);
    lines->output(lines, 1, true);
    assert_false(poll());
    lines->mask(lines, 2, false);
    assert_true(poll());
    assert_int_equal(interrupts[2], 1);
    assert_int_equal(interrupts[3], 0);
    lines->mask(lines, 3, false);
    assert_true(poll());
    assert_int_equal(interrupts[3], 1);
    assert_int_equal(pins() & 2, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_there), cmocka_unit_test(values),    cmocka_unit_test(edges),
        cmocka_unit_test(levels),        cmocka_unit_test(a_restart),
    };

    return cmocka_run_group_tests_name("runtime_pl061", tests, NULL, NULL);
}
