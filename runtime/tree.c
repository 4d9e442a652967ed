/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/tree.h"

#include <stddef.h>

enum { NODE_BEGIN = 1, NODE_END = 2, PROPERTY = 3, NOTHING = 4 };
enum { HEADER_SIZE = 40, MAGIC = (int)0xd00dfeed };

/* A node is the offset of its NODE_BEGIN token from the start of the blob. */
static const uint8_t *blob;
static uint32_t blob_size, names, names_end, structure_end, structure;

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool text_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool tree_open(const void *at)
{
    const uint8_t *p = at;

    if (at == NULL || (uintptr_t)at % 8 != 0 || be32(p) != (uint32_t)MAGIC) {
        return false;
    }
    blob_size = be32(p + 4);
    structure = be32(p + 8);
    names = be32(p + 12);
    if (blob_size < HEADER_SIZE || blob_size > 0x1000000u || structure > blob_size || names > blob_size ||
        be32(p + 36) > blob_size - structure || be32(p + 32) > blob_size - names) {
        return false;
    }
    structure_end = structure + be32(p + 36) / 4 * 4;
    names_end = names + be32(p + 32);
    blob = p;
    return names_end > names && p[names_end - 1] == 0 && structure % 4 == 0;
}

uintptr_t tree_address(void)
{
    return (uintptr_t)blob;
}

uint32_t tree_size(void)
{
    return blob_size;
}

/* The token at an offset, and the offset behind it; 0 at the end or where it does not fit. */
static uint32_t token_at(uint32_t at, uint32_t *next)
{
    uint32_t token, end = at;

    if (blob == NULL || at >= structure_end) {
        return 0;
    }
    token = be32(blob + at);
    at += 4;
    switch (token) {
    case NODE_BEGIN:
        for (end = at; end < structure_end && blob[end] != 0; end++) {
        }
        end++;
        break;
    case PROPERTY:
        if (structure_end - at < 8 || be32(blob + at) > structure_end - at - 8) {
            return 0;
        }
        end = at + 8 + be32(blob + at);
        break;
    case NODE_END:
    case NOTHING:
        end = at;
        break;
    default:
        return 0;
    }
    *next = (end + 3) / 4 * 4;
    return *next > structure_end ? 0 : token;
}

/* The node behind `node` in document order. *depth, of what is behind the beginning of `node`, becomes that
 * of the node found. */
static tree_node after(tree_node node, int *depth)
{
    uint32_t at = structure, token;

    if (node != TREE_NONE && token_at(node, &at) == 0) {
        return TREE_NONE;
    }
    for (uint32_t next = 0; (token = token_at(at, &next)) != 0; at = next) {
        if (token == NODE_BEGIN) {
            return at;
        }
        *depth -= token == NODE_END;
    }
    return TREE_NONE;
}

tree_node tree_next(tree_node node)
{
    int depth = 0;

    return after(node, &depth);
}

tree_node tree_child(tree_node node)
{
    int depth = 0;
    tree_node next = after(node, &depth);

    return depth == 0 ? next : TREE_NONE;
}

tree_node tree_sibling(tree_node node)
{
    int depth = 1;

    while ((node = after(node, &depth)) != TREE_NONE && depth > 0) {
        depth++;
    }
    return depth == 0 ? node : TREE_NONE;
}

const char *tree_name(tree_node node)
{
    return (const char *)blob + node + 4;
}

const uint8_t *tree_property(tree_node node, const char *name, uint32_t *length)
{
    uint32_t at, token;

    if (node == TREE_NONE || token_at(node, &at) == 0) {
        return NULL;
    }
    for (uint32_t next = 0; (token = token_at(at, &next)) == PROPERTY || token == NOTHING; at = next) {
        uint32_t offset;

        if (token == NOTHING) {
            continue;
        }
        offset = be32(blob + at + 8);
        if (offset < names_end - names && text_equal((const char *)blob + names + offset, name)) {
            *length = be32(blob + at + 4);
            return blob + at + 12;
        }
    }
    return NULL;
}

bool tree_has(tree_node node, const char *name)
{
    uint32_t length;

    return tree_property(node, name, &length) != NULL;
}

const char *tree_text(tree_node node, const char *name)
{
    uint32_t length;
    const uint8_t *value = tree_property(node, name, &length);

    return value != NULL && length > 0 && value[length - 1] == 0 ? (const char *)value : NULL;
}

uint64_t tree_number(tree_node node, const char *name, uint32_t at, uint32_t cells, uint64_t otherwise)
{
    uint32_t length;
    const uint8_t *value = tree_property(node, name, &length);
    uint64_t number = 0;

    if (value == NULL || at > length / 4 || cells > length / 4 - at) {
        return otherwise;
    }
    for (uint32_t i = 0; i < cells; i++) {
        number = number << 32 | be32(value + 4 * (at + i));
    }
    return number;
}

bool tree_compatible(tree_node node, const char *compatible)
{
    uint32_t length;
    const char *value = (const char *)tree_property(node, "compatible", &length);

    for (uint32_t at = 0; value != NULL && length > 0 && value[length - 1] == 0 && at < length; at++) {
        if (text_equal(value + at, compatible)) {
            return true;
        }
        while (value[at] != '\0') {
            at++;
        }
    }
    return false;
}

tree_node tree_find(tree_node node, const char *compatible)
{
    do {
        node = tree_next(node);
    } while (node != TREE_NONE && !tree_compatible(node, compatible));
    return node;
}

/* What follows `name=` at the beginning of a word; NULL: something else stands there. */
static const char *value_of(const char *word, const char *name)
{
    while (*name != '\0' && *word == *name) {
        word++;
        name++;
    }
    return *name == '\0' && *word == '=' ? word + 1 : NULL;
}

uint32_t tree_argument(const char *name, uint32_t otherwise)
{
    tree_node node = tree_child(tree_next(TREE_NONE));
    const char *text;

    while (node != TREE_NONE && !text_equal(tree_name(node), "chosen")) {
        node = tree_sibling(node);
    }
    text = tree_text(node, "bootargs");
    for (bool first = true; text != NULL && *text != '\0'; first = *text++ == ' ') {
        const char *value = first ? value_of(text, name) : NULL;
        uint32_t number = 0;

        if (value != NULL) {
            for (; *value >= '0' && *value <= '9'; value++) {
                number = number * 10 + (uint32_t)(*value - '0');
            }
            return number;
        }
    }
    return otherwise;
}
