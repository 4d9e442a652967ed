/* SPDX-License-Identifier: Apache-2.0 */
#include "core/print.h"

#include "core/console.h"
#include "core/format.h"
#include "core/log.h"

void print(const char *format, ...)
{
    char line[PRINT_LINE_MAX + 1];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = format_text(line, sizeof(line), format, arguments);
    va_end(arguments);
    log_line(line, length);
    console_kick();
}

void print_panic(const char *format, ...)
{
    char line[PRINT_LINE_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    size_t length = format_text(line, sizeof(line), format, arguments);
    va_end(arguments);
    log_line_unlocked(line, length);
    console_panic();
}
