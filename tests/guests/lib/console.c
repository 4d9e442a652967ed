// SPDX-License-Identifier: Apache-2.0
/* PL011 and the SBSA subset of it, by polling; formatted output by lines; arguments from /chosen/bootargs. */
#include "guest.h"

enum { UART_DR = 0x00, UART_FR = 0x18, FR_RXFE = 1 << 4, FR_TXFF = 1 << 5 };

uint64_t uart_base;
uint32_t uart_irq;
static struct lock console_lock;

void console_init(void)
{
    uint64_t size;
    int node = fdt_compatible("arm,sbsa-uart", -1);
    if (node < 0) {
        node = fdt_compatible("arm,pl011", -1);
    }
    if (node < 0 || !fdt_reg(node, 0, &uart_base, &size)) {
        uart_base = 0;
        return;
    }
    uint32_t length;
    const uint8_t *irq = fdt_prop(node, "interrupts", &length);
    uart_irq = irq && length >= 12 ? be32(irq + 4) + (be32(irq) == 0 ? 32 : 16) : 0;
}

void console_putc(char c)
{
    if (!uart_base) {
        return;
    }
    while (read32(uart_base + UART_FR) & FR_TXFF) {
        cpu_relax();
    }
    write32(uart_base + UART_DR, (uint8_t)c);
}

int console_getc(void)
{
    if (!uart_base || read32(uart_base + UART_FR) & FR_RXFE) {
        return -1;
    }
    return (int)(read32(uart_base + UART_DR) & 0xff);
}

struct out {
    char buffer[240];
    size_t used;
};

static void put(struct out *out, char c)
{
    if (out->used < sizeof(out->buffer) - 1 || (c == '\n' && out->used < sizeof(out->buffer))) {
        out->buffer[out->used++] = c;
    }
}

static void put_number(struct out *out, uint64_t v, unsigned base, bool negative, int width, char pad)
{
    char digits[24];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    if (negative) {
        digits[n++] = '-';
    }
    for (int i = n; i < width; i++) {
        put(out, pad);
    }
    while (n) {
        put(out, digits[--n]);
    }
}

static const char *directive(struct out *out, const char *f, va_list *ap)
{
    char pad = ' ';
    int width = 0, longs = 0;
    if (*f == '0') {
        pad = '0';
    }
    for (; *f >= '0' && *f <= '9'; f++) {
        width = width * 10 + (*f - '0');
    }
    for (; *f == 'l'; f++) {
        longs++;
    }
    uint64_t v;
    switch (*f) {
    case 'u':
    case 'x':
        v = longs ? va_arg(*ap, uint64_t) : va_arg(*ap, uint32_t);
        put_number(out, v, *f == 'x' ? 16 : 10, false, width, pad);
        break;
    case 'd': {
        int64_t d = longs ? va_arg(*ap, int64_t) : va_arg(*ap, int32_t);
        put_number(out, d < 0 ? -(uint64_t)d : (uint64_t)d, 10, d < 0, width, pad);
        break;
    }
    case 'c':
        put(out, (char)va_arg(*ap, int));
        break;
    case 's':
        for (const char *s = va_arg(*ap, const char *); *s; s++) {
            put(out, *s);
        }
        break;
    default:
        put(out, *f);
        break;
    }
    return f + 1;
}

void vprint(const char *f, va_list args)
{
    struct out out = {.used = 0};
    va_list ap;
    va_copy(ap, args);
    while (*f) {
        if (*f != '%') {
            put(&out, *f++);
        } else {
            f = directive(&out, f + 1, &ap);
        }
    }
    va_end(ap);
    lock(&console_lock);
    for (size_t i = 0; i < out.used; i++) {
        if (out.buffer[i] == '\n') {
            console_putc('\r');
        }
        console_putc(out.buffer[i]);
    }
    unlock(&console_lock);
}

void print(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vprint(format, ap);
    va_end(ap);
}

const char *bootargs(void)
{
    int chosen = fdt_path("/chosen");
    const char *args = chosen >= 0 ? fdt_prop(chosen, "bootargs", NULL) : NULL;
    return args ? args : "";
}

/* The value after "key=", NULL if absent; its length in *length. */
static const char *find_arg(const char *key, size_t *length)
{
    size_t n = strlen(key);
    const char *p = bootargs();
    while (*p) {
        const char *end = p;
        while (*end && *end != ' ') {
            end++;
        }
        if (strncmp(p, key, n) == 0 && p[n] == '=') {
            *length = (size_t)(end - p) - n - 1;
            return p + n + 1;
        }
        p = *end ? end + 1 : end;
    }
    return NULL;
}

bool arg_is(const char *key, const char *value)
{
    size_t n = 0;
    const char *have = find_arg(key, &n);
    return have && n == strlen(value) && strncmp(have, value, n) == 0;
}

bool arg_string(const char *key, char *buffer, size_t size)
{
    size_t n = 0;
    const char *have = find_arg(key, &n);
    if (!have || n + 1 > size) {
        return false;
    }
    memcpy(buffer, have, n);
    buffer[n] = 0;
    return true;
}

uint64_t arg_number(const char *key, uint64_t fallback)
{
    size_t n = 0;
    const char *p = find_arg(key, &n);
    if (!p || n == 0) {
        return fallback;
    }
    unsigned base = n > 2 && p[0] == '0' && p[1] == 'x' ? 16 : 10;
    uint64_t v = 0;
    for (size_t i = base == 16 ? 2 : 0; i < n; i++) {
        char c = p[i];
        v = v * base + (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}
