/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a flattened device tree (Devicetree Specification, chapter 5). */
#include "guest.h"

enum { NODE_BEGIN = 1, NODE_END = 2, PROPERTY = 3, NOTHING = 4 };

static uint32_t tree_u32(const uint8_t *p)
{
    return __builtin_bswap32(*(const uint32_t *)(const void *)p);
}

bool text_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

void tree_open(struct tree_item *item, const uint8_t *tree)
{
    item->next = tree + tree_u32(tree + 8);
    item->names = (const char *)tree + tree_u32(tree + 12);
}

bool tree_next(struct tree_item *item)
{
    const uint8_t *p = item->next;

    for (;;) {
        uint32_t token = tree_u32(p);

        p += 4;
        item->name = NULL;
        if (token == NODE_BEGIN) { /* its name follows */
            while (*p++ != 0)
                ;
            p += -(uintptr_t)p % 4;
        } else if (token == PROPERTY) { /* length, name, value */
            item->length = tree_u32(p);
            item->name = item->names + tree_u32(p + 4);
            item->value = p + 8;
            p += 8 + (item->length + 3) / 4 * 4;
            break;
        } else if (token != NOTHING) {
            item->next = p;
            return token == NODE_END;
        }
    }
    item->next = p;
    return true;
}

uint32_t tree_cell(const struct tree_item *item, uint32_t index)
{
    return tree_u32(item->value + (uint64_t)index * 4);
}
