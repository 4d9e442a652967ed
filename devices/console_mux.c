/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/console_mux.h"

#define ESCAPE  0x01u /* Ctrl-A */
#define ESCAPES 3u
#define ROOM    (CONSOLE_OUTPUT / 4u) /* for which waiting writers are woken */

static void put(struct console_mux *mux, const uint8_t *data, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        mux->output[(mux->first + mux->used) % CONSOLE_OUTPUT] = data[i];
        mux->used++;
    }
}

static void drain(struct console_mux *mux)
{
    while (mux->used != 0) {
        uint32_t part = CONSOLE_OUTPUT - mux->first < mux->used ? CONSOLE_OUTPUT - mux->first : mux->used;
        uint32_t taken = mux->text->put(mux->text, mux->output + mux->first, part);

        mux->first = (mux->first + taken) % CONSOLE_OUTPUT;
        mux->used -= taken;
        if (taken < part) {
            break;
        }
    }
}

static bool has_room(struct console_mux *mux, uint32_t length)
{
    if (CONSOLE_OUTPUT - mux->used < length) {
        drain(mux);
    }
    return CONSOLE_OUTPUT - mux->used >= length;
}

static uint32_t prefix_length(const struct console_line *line)
{
    uint32_t length = 0;

    while (length < CONSOLE_PREFIX - 1u && line->prefix[length] != '\0') {
        length++;
    }
    return length;
}

/* Moves what the line has gathered to the terminal, all or nothing; `end`: and ends it. */
static bool flush(struct console_mux *mux, struct console_line *line, bool end)
{
    static const uint8_t newline[2] = {'\r', '\n'};
    uint32_t prefix = prefix_length(line), used = line->used;

    if (used == 0 && !end) {
        return true;
    }
    if (end && used != 0 && line->text[used - 1u] == '\r') {
        used--;
    }
    if (!has_room(mux, 2u + prefix + used + 2u)) {
        line->waiting = true;
        return false;
    }
    if (mux->open != line) {
        if (mux->open != NULL) {
            put(mux, newline, 2);
        }
        put(mux, (const uint8_t *)line->prefix, prefix);
    }
    put(mux, line->text, used);
    if (end) {
        put(mux, newline, 2);
    }
    mux->open = end ? NULL : line;
    line->used = 0;
    return true;
}

static bool has_focus(const struct console_mux *mux, const struct console_line *line)
{
    return mux->lines[mux->focus] == line;
}

uint32_t console_mux_write(struct console_mux *mux, struct console_line *line, const uint8_t *data,
                           uint32_t length)
{
    const volatile uint8_t *bytes = data;
    uint32_t taken;

    for (taken = 0; taken < length; taken++) {
        uint8_t byte = bytes[taken];

        if (byte == '\n') {
            if (!flush(mux, line, true)) {
                break;
            }
            continue;
        }
        if (line->used == CONSOLE_LINE && !flush(mux, line, false)) {
            break;
        }
        line->text[line->used] = byte;
        line->used++;
    }
    if (has_focus(mux, line)) {
        (void)flush(mux, line, false);
    }
    drain(mux);
    return taken;
}

static void on_ready(struct text *text)
{
    struct console_mux *mux = text->owner;
    uint32_t begin = mux->turn;

    drain(mux);
    if (CONSOLE_OUTPUT - mux->used < ROOM) {
        return;
    }
    for (uint32_t i = 0; i < mux->nr; i++) {
        struct console_line *line = mux->lines[(begin + i) % mux->nr];

        if (line->waiting) {
            line->waiting = false;
            mux->turn = (begin + i + 1u) % mux->nr;
            if (has_focus(mux, line)) {
                (void)flush(mux, line, false);
            }
            line->room(line);
        }
    }
    drain(mux);
}

static void type(struct console_line *line, uint8_t byte)
{
    if (line->typed_used < CONSOLE_INPUT) {
        line->typed[(line->first + line->typed_used) % CONSOLE_INPUT] = byte;
        line->typed_used++;
    }
}

static void tell_input(struct console_line *line)
{
    if (line->typed_used != 0) {
        line->input(line);
    }
}

static void move_focus(struct console_mux *mux)
{
    static const uint8_t words[] = "has the input\r\n";
    struct console_line *line;
    uint32_t prefix;

    tell_input(mux->lines[mux->focus]);
    mux->focus = (mux->focus + 1u) % mux->nr;
    line = mux->lines[mux->focus];
    prefix = prefix_length(line);
    if (has_room(mux, 2u + prefix + (uint32_t)sizeof words - 1u)) {
        if (mux->open != NULL) {
            put(mux, (const uint8_t *)"\r\n", 2);
        }
        mux->open = NULL;
        put(mux, (const uint8_t *)line->prefix, prefix);
        put(mux, words, (uint32_t)sizeof words - 1u);
    }
    (void)flush(mux, line, false);
}

static void on_input(struct text *text, const uint8_t *data, uint32_t length)
{
    struct console_mux *mux = text->owner;

    if (mux->nr == 0) {
        return;
    }
    for (uint32_t i = 0; i < length; i++) {
        if (data[i] == ESCAPE) {
            mux->escapes++;
            if (mux->escapes == ESCAPES) {
                mux->escapes = 0;
                move_focus(mux);
            }
            continue;
        }
        for (; mux->escapes != 0; mux->escapes--) {
            type(mux->lines[mux->focus], ESCAPE);
        }
        type(mux->lines[mux->focus], data[i]);
    }
    tell_input(mux->lines[mux->focus]);
    drain(mux);
}

void console_mux_init(struct console_mux *mux, struct text *text)
{
    mux->text = text;
    mux->nr = 0;
    mux->focus = 0;
    mux->turn = 0;
    mux->open = NULL;
    mux->escapes = 0;
    mux->first = 0;
    mux->used = 0;
    text->owner = mux;
    text->ready = on_ready;
    text->input = on_input;
}

bool console_mux_add(struct console_mux *mux, struct console_line *line)
{
    if (mux->nr == CONSOLE_MAX_LINES) {
        return false;
    }
    line->used = 0;
    line->waiting = false;
    line->first = 0;
    line->typed_used = 0;
    mux->lines[mux->nr] = line;
    mux->nr++;
    return true;
}

uint32_t console_line_read(struct console_line *line, uint8_t *data, uint32_t length)
{
    uint32_t done = 0;

    while (done < length && line->typed_used != 0) {
        data[done] = line->typed[line->first];
        line->first = (line->first + 1u) % CONSOLE_INPUT;
        line->typed_used--;
        done++;
    }
    return done;
}

void console_line_reset(struct console_mux *mux, struct console_line *line)
{
    if (line->used != 0 || mux->open == line) {
        (void)flush(mux, line, true); /* without room the line stays open, and the next writer ends it */
    }
    line->used = 0;
    line->waiting = false;
    line->first = 0;
    line->typed_used = 0;
    drain(mux);
}
