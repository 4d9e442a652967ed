/* SPDX-License-Identifier: Apache-2.0 */
/* Layout while writing: header, empty reservation block, structure block growing up; the strings block grows
 * in its own piece at the end of the buffer and is moved down behind the structure block when its length is
 * known. Names are not shared between properties: looking them up would cost more instructions than the few
 * hundred bytes are worth. */
#include "boot/fdt_write.h"

#include "base/string.h"

enum {
    HEADER_SIZE = 40,
    STRUCT_OFF = HEADER_SIZE + 16, /* behind the one empty entry of the reservation block */
    TOKEN_BEGIN_NODE = 1,
    TOKEN_END_NODE = 2,
    TOKEN_PROP = 3,
    TOKEN_END = 9,
    TREE_VERSION = 17,
    TREE_COMPATIBLE_VERSION = 16,
};

static void put_word(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    __builtin_memcpy(__builtin_assume_aligned(p, 4), &v, sizeof(v));
}

/* Room for `len` bytes of the structure block, the last word zeroed for padding; NULL if there is none. */
static uint8_t *take(struct fdt_writer *writer, size_t len)
{
    size_t padded = (len + 3u) / 4u * 4u;
    uint8_t *p = writer->buf + writer->at;

    if (writer->full || len > writer->limit || padded > writer->limit - writer->at) {
        writer->full = true;
        return NULL;
    }
    writer->at += padded;
    if (padded != 0) {
        put_word(p + padded - 4u, 0);
    }
    return p;
}

static void token(struct fdt_writer *writer, uint32_t value)
{
    uint8_t *p = take(writer, 4);

    if (p != NULL) {
        put_word(p, value);
    }
}

void fdt_write_start(struct fdt_writer *writer, void *buf, size_t capacity, size_t strings_capacity)
{
    writer->buf = buf;
    writer->depth = 0;
    writer->full =
        capacity < STRUCT_OFF || capacity > UINT32_MAX / 2u || strings_capacity > capacity - STRUCT_OFF;
    if (writer->full) {
        return;
    }
    memset(buf, 0, STRUCT_OFF);
    writer->at = STRUCT_OFF;
    writer->limit = (capacity - strings_capacity) / 4u * 4u;
    writer->strings = writer->limit;
    writer->strings_limit = capacity;
}

enum status fdt_write_end(struct fdt_writer *writer, size_t *size)
{
    uint8_t *buf = writer->buf;
    size_t names;

    token(writer, TOKEN_END);
    if (writer->full) {
        return ERR_NOMEM;
    }
    if (writer->depth != 0) {
        return ERR_INVALID;
    }
    names = writer->strings - writer->limit;
    memmove(buf + writer->at, buf + writer->limit, names);
    *size = writer->at + names;
    put_word(buf, 0xd00dfeedu);
    put_word(buf + 4, (uint32_t)*size);
    put_word(buf + 8, STRUCT_OFF);
    put_word(buf + 12, (uint32_t)writer->at);
    put_word(buf + 16, HEADER_SIZE);
    put_word(buf + 20, TREE_VERSION);
    put_word(buf + 24, TREE_COMPATIBLE_VERSION);
    put_word(buf + 28, 0);
    put_word(buf + 32, (uint32_t)names);
    put_word(buf + 36, (uint32_t)(writer->at - STRUCT_OFF));
    return OK;
}

static void begin(struct fdt_writer *writer, const char *name, size_t len, const char *tail, size_t tail_len)
{
    uint8_t *p;

    token(writer, TOKEN_BEGIN_NODE);
    p = take(writer, len + tail_len + 1u);
    if (p != NULL) {
        memcpy(p, name, len);
        memcpy(p + len, tail, tail_len);
        p[len + tail_len] = 0;
    }
    writer->depth++;
}

void fdt_write_node(struct fdt_writer *writer, const char *name)
{
    begin(writer, name, strlen(name), "", 0);
}

void fdt_write_node_at(struct fdt_writer *writer, const char *name, uint64_t address)
{
    char tail[17];
    size_t at = sizeof(tail);

    do {
        tail[--at] = "0123456789abcdef"[address % 16u];
        address /= 16u;
    } while (address != 0);
    tail[--at] = '@';
    begin(writer, name, strlen(name), tail + at, sizeof(tail) - at);
}

void fdt_write_node_end(struct fdt_writer *writer)
{
    token(writer, TOKEN_END_NODE);
    writer->depth--;
}

/* Offset of the name in the strings block, which it is appended to. */
static uint32_t add_name(struct fdt_writer *writer, const char *name, size_t len)
{
    size_t off = writer->strings;

    if (writer->full || len > writer->strings_limit - off) {
        writer->full = true;
        return 0;
    }
    memcpy(writer->buf + off, name, len);
    writer->strings += len;
    return (uint32_t)(off - writer->limit);
}

/* Header of a property of `len` bytes; returns where its value goes, or NULL. */
static uint8_t *prop_space(struct fdt_writer *writer, uint32_t name_off, uint32_t len)
{
    uint8_t *p = take(writer, 12);

    if (p == NULL) {
        return NULL;
    }
    put_word(p, TOKEN_PROP);
    put_word(p + 4, len);
    put_word(p + 8, name_off);
    return take(writer, len);
}

static uint8_t *named_space(struct fdt_writer *writer, const char *name, uint32_t len)
{
    return prop_space(writer, add_name(writer, name, strlen(name) + 1u), len);
}

void fdt_write_bytes(struct fdt_writer *writer, const char *name, const void *data, uint32_t len)
{
    uint8_t *p = named_space(writer, name, len);

    if (p != NULL && len != 0) {
        memcpy(p, data, len);
    }
}

void fdt_write_string(struct fdt_writer *writer, const char *name, const char *value)
{
    fdt_write_bytes(writer, name, value, (uint32_t)strlen(value) + 1u);
}

void fdt_write_cells(struct fdt_writer *writer, const char *name, const uint32_t *cells, uint32_t count)
{
    uint8_t *p = named_space(writer, name, 4u * count);

    for (uint32_t i = 0; p != NULL && i < count; i++) {
        put_word(p + 4u * i, cells[i]);
    }
}

void fdt_write_u32(struct fdt_writer *writer, const char *name, uint32_t value)
{
    fdt_write_cells(writer, name, &value, 1);
}

void fdt_write_u64(struct fdt_writer *writer, const char *name, uint64_t value)
{
    const uint32_t cells[2] = {(uint32_t)(value >> 32), (uint32_t)value};

    fdt_write_cells(writer, name, cells, 2);
}

void fdt_copy_names(struct fdt_copy *copy)
{
    const struct fdt *source = copy->source;

    copy->names =
        add_name(copy->writer, (const char *)source->blob + source->strings_off, source->strings_size);
}

static void copy_node(const struct fdt_copy *copy, fdt_node_t node)
{
    const char *source_names = (const char *)copy->source->blob + copy->source->strings_off;
    struct fdt_prop prop;

    fdt_write_node(copy->writer, fdt_name(copy->source, node));
    for_each_prop (copy->source, node, &prop) {
        struct fdt_prop kept = prop;

        if (copy->keep_prop(copy, node, &kept)) {
            uint8_t *p = prop_space(copy->writer,
                                    (uint32_t)(copy->names + (size_t)(prop.name - source_names)), kept.len);

            if (p != NULL && kept.len != 0) {
                memcpy(p, kept.data, kept.len);
            }
        }
    }
}

void fdt_copy_tree(const struct fdt_copy *copy, fdt_node_t top)
{
    uint32_t depth = 0, open = 0; /* how deep `node` lies below `top`; nodes written and not ended */
    fdt_node_t node = top;

    do {
        uint32_t here = depth;

        for (; open > depth; open--) {
            fdt_write_node_end(copy->writer);
        }
        if (here == 0 || copy->keep_node == NULL || copy->keep_node(copy, node, depth)) {
            copy_node(copy, node);
            open++;
            node = fdt_next_node_depth(copy->source, node, &depth);
        } else {
            do {
                node = fdt_next_node_depth(copy->source, node, &depth);
            } while (node != FDT_NONE && depth > here);
        }
    } while (node != FDT_NONE && depth > 0);
    for (; open > 1; open--) {
        fdt_write_node_end(copy->writer);
    }
}
