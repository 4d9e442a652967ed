/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded writer of a flattened device tree (Devicetree Specification 0.4, chapter 5; version 17). Nodes and
 * properties are written in order: a node's properties come before its children. The first thing that does
 * not fit makes every further call do nothing, and fdt_write_end() tells. */
#ifndef BOOT_FDT_WRITE_H
#define BOOT_FDT_WRITE_H

#include "base/status.h"
#include "base/types.h"
#include "boot/fdt.h"

struct fdt_writer {
    uint8_t *buf;
    size_t at, limit;              /* structure block: next byte, and where it must end */
    size_t strings, strings_limit; /* strings block: next byte, and where it must end */
    uint32_t depth;                /* open nodes */
    bool full;
};

/* Write into `buf` (8-byte aligned) of `capacity` bytes, of which property names take at most
 * `strings_capacity`. */
void fdt_write_start(struct fdt_writer *writer, void *buf, size_t capacity, size_t strings_capacity);

/* Complete the blob; *size is its totalsize. ERR_NOMEM if something did not fit, ERR_INVALID if a node is
 * still open. */
enum status fdt_write_end(struct fdt_writer *writer, size_t *size) MUST_CHECK;

void fdt_write_node(struct fdt_writer *writer, const char *name);
void fdt_write_node_at(struct fdt_writer *writer, const char *name,
                       uint64_t address); /* name@address, hexadecimal */
void fdt_write_node_end(struct fdt_writer *writer);

void fdt_write_bytes(struct fdt_writer *writer, const char *name, const void *data, uint32_t len);
void fdt_write_string(struct fdt_writer *writer, const char *name, const char *value);
void fdt_write_cells(struct fdt_writer *writer, const char *name, const uint32_t *cells, uint32_t count);
void fdt_write_u32(struct fdt_writer *writer, const char *name, uint32_t value);
void fdt_write_u64(struct fdt_writer *writer, const char *name, uint64_t value);

/* Copying from another tree. */
struct fdt_copy {
    struct fdt_writer *writer;
    const struct fdt *source;
    /* False leaves out the node and all below it. NULL keeps all. */
    bool (*keep_node)(const struct fdt_copy *copy, fdt_node_t node, uint32_t depth);
    /* False leaves out the property; it may be shortened instead. */
    bool (*keep_prop)(const struct fdt_copy *copy, fdt_node_t node, struct fdt_prop *prop);
    const void *context;
    size_t names; /* of fdt_copy_names() */
};

/* Takes over the property names of the source as a whole: once, before anything is copied. */
void fdt_copy_names(struct fdt_copy *copy);

/* Copies `top` (depth 0) and what is kept below it. The copy of `top` stays open for more children. */
void fdt_copy_tree(const struct fdt_copy *copy, fdt_node_t top);

#endif
