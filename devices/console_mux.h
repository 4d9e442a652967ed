/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One terminal for many writers. A line of output begins with its writer's prefix and is not interrupted by
 * others. What the one that has the input (the focus) writes appears at once; what others write, when the
 * line is complete or CONSOLE_LINE bytes long. Ctrl-A three times moves the focus on. */
#ifndef DEVICES_CONSOLE_MUX_H
#define DEVICES_CONSOLE_MUX_H

#include <stdbool.h>
#include <stddef.h>

#include "devices/text.h"

#define CONSOLE_LINE      128u
#define CONSOLE_PREFIX    24u
#define CONSOLE_INPUT     64u
#define CONSOLE_OUTPUT    1024u
#define CONSOLE_MAX_LINES 16u

/* A writer. */
struct console_line {
    /* Set by its owner. */
    char prefix[CONSOLE_PREFIX];              /* with the zero at its end; empty: none */
    void (*room)(struct console_line *line);  /* writing is possible again */
    void (*input)(struct console_line *line); /* there is input */
    /* The library's. */
    uint8_t text[CONSOLE_LINE];
    uint32_t used;
    bool waiting;
    uint8_t typed[CONSOLE_INPUT];
    uint32_t first, typed_used;
};

struct console_mux {
    struct text *text;
    struct console_line *lines[CONSOLE_MAX_LINES];
    uint32_t nr, focus;
    uint32_t turn;             /* whose turn it is when there is room */
    struct console_line *open; /* whose unfinished line is at the end of the terminal */
    uint32_t escapes;
    uint8_t output[CONSOLE_OUTPUT];
    uint32_t first, used;
};

/* Takes over the terminal's callbacks. */
void console_mux_init(struct console_mux *mux, struct text *text);

/* False: there are CONSOLE_MAX_LINES. The first line has the focus. */
bool console_mux_add(struct console_mux *mux, struct console_line *line);

/* Writes; returns how many bytes were taken. Fewer than `length`: line->room() is called. The bytes may
 * change while they are read. */
uint32_t console_mux_write(struct console_mux *mux, struct console_line *line, const uint8_t *data,
                           uint32_t length);

/* Moves up to `length` bytes of the input to `data`; returns how many. */
uint32_t console_line_read(struct console_line *line, uint8_t *data, uint32_t length);

/* The writer has gone: its unfinished line is ended, its input forgotten. */
void console_line_reset(struct console_mux *mux, struct console_line *line);

#endif
