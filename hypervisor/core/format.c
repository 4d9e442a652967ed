/* SPDX-License-Identifier: Apache-2.0 */
#include "core/format.h"

struct output {
    char *buffer;
    size_t size, used;
};

static void emit(struct output *out, char c)
{
    if (out->used + 1 < out->size) {
        out->buffer[out->used++] = c;
    }
}

static void emit_string(struct output *out, const char *text)
{
    for (text = text != NULL ? text : "(null)"; *text != '\0'; text++) {
        emit(out, *text);
    }
}

static void emit_number(struct output *out, uint64_t value, unsigned base)
{
    char digits[20];
    size_t length = 0;

    do {
        digits[length++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (length > 0) {
        emit(out, digits[--length]);
    }
}

size_t format_text(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = {buffer, size, 0};

    for (; *format != '\0'; format++) {
        bool wide = false;
        int64_t number;

        if (*format != '%' || format[1] == '\0') {
            emit(&out, *format);
            continue;
        }
        format++;
        if (*format == 'l' && format[1] != '\0') {
            wide = true;
            format++;
        }
        switch (*format) {
        case 's':
            emit_string(&out, va_arg(arguments, const char *));
            break;
        case 'c':
            emit(&out, (char)va_arg(arguments, int));
            break;
        case 'd':
            number = wide ? va_arg(arguments, long) : va_arg(arguments, int);
            if (number < 0) {
                emit(&out, '-');
            }
            emit_number(&out, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
            break;
        case 'u':
        case 'x':
            emit_number(&out, wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
                        *format == 'x' ? 16 : 10);
            break;
        default:
            emit(&out, *format);
            break;
        }
    }
    buffer[out.used] = '\0';
    return out.used;
}

size_t format_line(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    size_t length = format_text(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
