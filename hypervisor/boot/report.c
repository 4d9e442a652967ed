/* SPDX-License-Identifier: Apache-2.0 */
/* The formatter of boot messages: the few conversions that they need. */
#include "boot/report.h"

#include <stdarg.h>

struct line {
    char text[200];
    size_t used;
};

static void put(struct line *line, char c)
{
    if (line->used + 1u < sizeof(line->text)) {
        line->text[line->used++] = c;
    }
}

static void put_string(struct line *line, const char *s)
{
    while (*s != '\0') {
        put(line, *s++);
    }
}

static void put_number(struct line *line, uint64_t v, unsigned base)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    while (n > 0) {
        put(line, digits[--n]);
    }
}

static void format_line(struct line *line, const char *format, va_list args)
{
    for (; *format != '\0'; format++) {
        bool is_long = false;

        if (*format != '%') {
            put(line, *format);
            continue;
        }
        if (*++format == 'l') {
            is_long = true;
            format++;
        }
        switch (*format) {
        case 's':
            put_string(line, va_arg(args, const char *));
            break;
        case 'u':
            put_number(line, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned), 10);
            break;
        case 'x':
            put_number(line, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned), 16);
            break;
        case '\0':
            return;
        default:
            put(line, *format);
            break;
        }
    }
}

void report_at(struct report *report, enum severity severity, const char *path, const char *property, const char *format,
               ...)
{
    struct line line;
    va_list args;

    line.used = 0;
    va_start(args, format);
    format_line(&line, format, args);
    va_end(args);
    line.text[line.used] = '\0';
    if (severity == REPORT_ERROR) {
        report->errors++;
    } else if (severity == REPORT_WARNING) {
        report->warnings++;
    }
    if (report->sink != NULL) {
        report->sink(report, severity, path, property, line.text);
    }
}
