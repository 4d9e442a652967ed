/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/log.h"

#include "runtime/hypercall.h"

static char line[128];
static uint32_t length, last;

static void put(char c)
{
    if (length < sizeof line - 1) {
        line[length++] = c;
    }
}

static void put_text(const char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
}

static void put_number(uint64_t value, uint32_t base)
{
    char digits[20];
    uint32_t count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) {
        put(digits[--count]);
    }
}

void log_begin(const char *text)
{
    length = 0;
    put_text(text);
}

void log_put(const char *format, const uint64_t *values)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        format++;
        if (*format == 's') {
            put_text((const char *)(uintptr_t)*values++);
        } else {
            put_number(*values++, *format == 'x' ? 16 : 10);
        }
    }
}

void log_end(void)
{
    line[length++] = '\n';
    console_write(line, length);
    last = length;
}

void log_repeat(void)
{
    if (last != 0) {
        console_write("crash: last line: ", 18);
        console_write(line, last);
    }
}
