/* SPDX-License-Identifier: Apache-2.0 */
#include "core/format.h"

#include "base/string.h"

struct output {
    char *buffer;
    size_t size, used;
};

struct conversion {
    bool zero, left, wide;
    unsigned width;
};

static void emit(struct output *out, char c)
{
    if (out->used + 1 < out->size) {
        out->buffer[out->used++] = c;
    }
}

static void pad(struct output *out, char c, unsigned width, size_t length)
{
    for (size_t n = length; n < width; n++) {
        emit(out, c);
    }
}

static void emit_string(struct output *out, const struct conversion *how, const char *text)
{
    size_t length = strlen(text);

    if (!how->left) {
        pad(out, ' ', how->width, length);
    }
    for (size_t n = 0; n < length; n++) {
        emit(out, text[n]);
    }
    if (how->left) {
        pad(out, ' ', how->width, length);
    }
}

static void emit_number(struct output *out, const struct conversion *how, uint64_t value, unsigned base, bool negative)
{
    char digits[20];
    size_t length = 0;

    do {
        unsigned digit = (unsigned)(value % base);

        digits[length++] = (char)(digit < 10 ? '0' + digit : 'a' + (digit - 10));
        value /= base;
    } while (value != 0);

    if (negative) {
        emit(out, '-');
    }
    pad(out, how->zero ? '0' : ' ', how->width, length + (negative ? 1u : 0u));
    while (length > 0) {
        emit(out, digits[--length]);
    }
}

/* Reads flags, width and length after '%'; returns the place of the conversion character. */
static const char *parse(const char *format, struct conversion *how)
{
    *how = (struct conversion){0};
    for (; *format == '0' || *format == '-'; format++) {
        how->zero = how->zero || *format == '0';
        how->left = how->left || *format == '-';
    }
    for (; *format >= '0' && *format <= '9'; format++) {
        how->width = (how->width * 10 + (unsigned)(*format - '0')) % 100;
    }
    if (*format == 'l') {
        how->wide = true;
        format++;
    }
    return format;
}

size_t format_text(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = {buffer, size, 0};

    for (; *format != '\0'; format++) {
        struct conversion how;
        const char *text;
        int64_t number;

        if (*format != '%') {
            emit(&out, *format);
            continue;
        }
        format = parse(format + 1, &how);
        switch (*format) {
        case 's':
            text = va_arg(arguments, const char *);
            emit_string(&out, &how, text != NULL ? text : "(null)");
            break;
        case 'c':
            emit(&out, (char)va_arg(arguments, int));
            break;
        case 'd':
            number = how.wide ? va_arg(arguments, long) : va_arg(arguments, int);
            emit_number(&out, &how, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0);
            break;
        case 'u':
        case 'x':
            emit_number(&out, &how, how.wide ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
                        *format == 'x' ? 16 : 10, false);
            break;
        case '\0': /* a lone % at the end */
            format--;
            emit(&out, '%');
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
