/* SPDX-License-Identifier: Apache-2.0 */
/* Console (the domain's PL011) and boot arguments. */
#include "guest.h"

#define UART      0x22000000UL
#define UART_FR   0x18UL
#define UART_TXFF (1U << 5)

static void put(char c)
{
    while ((READ32(UART, UART_FR) & UART_TXFF) != 0)
        ;
    WRITE32(UART, 0, (uint8_t)c);
}

void print(const char *text)
{
    for (; *text != '\0'; text++)
        put(*text);
}

/* In a domain's tree only /chosen has one. */
static const char *find_bootargs(const uint8_t *tree)
{
    struct tree_item item;

    tree_open(&item, tree);
    while (tree_next(&item)) {
        if (item.name != NULL && text_equal(item.name, "bootargs"))
            return (const char *)item.value;
    }
    return "";
}

uint64_t number_after(const char *text, const char *name, uint64_t otherwise)
{
    for (const char *s = text; *s != '\0'; s++) {
        const char *a = s, *b = name;
        uint64_t value = 0;

        while (*b != '\0' && *a == *b) {
            a++;
            b++;
        }
        if (*b != '\0' || *a != '=' || (s != text && s[-1] != ' '))
            continue;
        for (a++; *a >= '0' && *a <= '9'; a++)
            value = value * 10 + (uint64_t)(*a - '0');
        return value;
    }
    return otherwise;
}

uint64_t argument(const uint8_t *tree, const char *name, uint64_t otherwise)
{
    return number_after(find_bootargs(tree), name, otherwise);
}

size_t text_number(char *to, uint64_t value)
{
    char digits[20];
    size_t count = 0, length = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0)
        to[length++] = digits[--count];
    return length;
}

void print_number(uint64_t value)
{
    char text[21];

    text[text_number(text, value)] = '\0';
    print(text);
}
