// SPDX-License-Identifier: Apache-2.0
#include "guest.h"

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF (1u << 5)

static void put_char(char c)
{
    if (!platform.uart)
        return;
    while (read32(platform.uart + UART_FR) & UART_FR_TXFF)
        yield();
    write8(platform.uart + UART_DR, (uint8_t)c);
}

void print(const char *text)
{
    for (; *text; text++)
        put_char(*text);
}

static void print_base(uint64_t value, uint32_t base)
{
    char digits[24];
    uint32_t i = sizeof(digits) - 1;
    digits[i] = 0;
    do {
        uint32_t digit = (uint32_t)(value % base);
        digits[--i] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
        value /= base;
    } while (value);
    print(digits + i);
}

void print_decimal(uint64_t value)
{
    print_base(value, 10);
}
void print_hex(uint64_t value)
{
    print_base(value, 16);
}

void print_field(const char *key, uint64_t value)
{
    print(" ");
    print(key);
    print("=");
    print_decimal(value);
}
