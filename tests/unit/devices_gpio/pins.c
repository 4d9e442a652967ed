/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "pins.h"

static void step(struct pins *pins)
{
    if (pins->step != NULL) {
        pins->step();
    }
}

static struct pins *touch(struct lines *lines, uint32_t line)
{
    struct pins *pins = lines->user;

    assert(line < PINS && (pins->foreign >> line & 1u) == 0);
    return pins;
}

bool pins_level(const struct pins *pins, uint32_t line)
{
    return pins->out[line] ? pins->value[line] : pins->outside[line];
}

static void sense(struct pins *pins, uint32_t line)
{
    bool now = pins_level(pins, line);
    enum line_trigger trigger = pins->trigger[line];

    if (now != pins->sensed[line]) {
        pins->changes[line]++;
        /* Without a trigger a PL061 keeps falling edges: somebody has to mask it, and to clear it. */
        pins->latched[line] |= trigger == LINE_BOTH || trigger == (now ? LINE_RISING : LINE_FALLING) ||
                               (trigger == LINE_NEVER && !now);
    }
    pins->sensed[line] = now;
}

static bool get(struct lines *lines, uint32_t line)
{
    return pins_level(touch(lines, line), line);
}

static void output(struct lines *lines, uint32_t line, bool high)
{
    struct pins *pins = touch(lines, line);

    pins->outputs[line]++;
    pins->value[line] = high;
    pins->out[line] = true;
    sense(pins, line);
    step(pins);
}

static void input(struct lines *lines, uint32_t line)
{
    struct pins *pins = touch(lines, line);

    pins->out[line] = false;
    sense(pins, line);
    step(pins);
}

static void clear(struct lines *lines, uint32_t line)
{
    struct pins *pins = touch(lines, line);

    pins->latched[line] = false;
    step(pins);
}

static void trigger(struct lines *lines, uint32_t line, enum line_trigger when, bool keep)
{
    struct pins *pins = touch(lines, line);

    assert(pins->masked[line]);
    pins->trigger[line] = when;
    step(pins);
    if (!keep) {
        clear(lines, line);
    }
}

static void mask(struct lines *lines, uint32_t line, bool masked)
{
    struct pins *pins = touch(lines, line);

    pins->masked[line] = masked;
    step(pins);
}

void pins_create(struct pins *pins)
{
    memset(pins, 0, sizeof *pins);
    pins->lines = (struct lines){.user = pins,
                                 .nr = PINS,
                                 .interrupts = true,
                                 .get = get,
                                 .output = output,
                                 .input = input,
                                 .trigger = trigger,
                                 .mask = mask,
                                 .clear = clear};
    pins_restart(pins);
}

void pins_restart(struct pins *pins)
{
    for (uint32_t i = 0; i < PINS; i++) {
        pins->masked[i] = true;
    }
}

void pins_set(struct pins *pins, uint32_t line, bool high)
{
    pins->outside[line] = high;
    sense(pins, line);
}

static bool due(const struct pins *pins, uint32_t line)
{
    enum line_trigger trigger = pins->trigger[line];

    return !pins->masked[line] && (pins->latched[line] || (trigger == LINE_HIGH && pins_level(pins, line)) ||
                                   (trigger == LINE_LOW && !pins_level(pins, line)));
}

void pins_poll(struct pins *pins)
{
    for (uint32_t i = 0; i < PINS; i++) {
        if (due(pins, i)) {
            pins->lines.interrupt(&pins->lines, i);
            assert(!due(pins, i)); /* or it would be a storm */
        }
    }
}

int pins_ask(struct rig *rig, uint16_t type, uint16_t line, uint32_t value)
{
    uint16_t words[4] = {type, line, (uint16_t)value, (uint16_t)(value >> 16)};
    uint64_t at = rig_memory(rig, 16);
    struct rig_buffer pair[2] = {{at, 8, false}, {at + 8, 2, true}};
    uint32_t length;

    memcpy(rig_at(rig, at), words, 8);
    memset(rig_at(rig, at + 8), 0xee, 4);
    rig_add(rig, 0, pair, 2);
    rig_run(rig);
    if (!rig_used(rig, 0, NULL, &length)) {
        return -1;
    }
    assert(length == 2 && rig_at(rig, at + 10)[0] == 0xee);
    return rig_at(rig, at + 8)[0] + 256 * rig_at(rig, at + 9)[0];
}

uint64_t pins_unmask(struct rig *rig, uint16_t line)
{
    uint64_t at = rig_memory(rig, 16);
    struct rig_buffer pair[2] = {{at, 2, false}, {at + 8, 1, true}};

    memcpy(rig_at(rig, at), &line, 2);
    memset(rig_at(rig, at + 8), 0xee, 2);
    rig_add(rig, 1, pair, 2);
    return at + 8;
}
