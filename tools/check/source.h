/* SPDX-License-Identifier: Apache-2.0 */
/* A device tree as the user wrote it: a .dtb, or a .dts that dtc compiles here, and the lines that its nodes
 * come from. */
#ifndef CHECK_SOURCE_H
#define CHECK_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct source_line {
    char *path;     /* node path */
    char *property; /* "" for the node itself */
    char *where;    /* "file:line" */
};

struct source {
    const char *name;
    void *blob; /* 8-byte aligned */
    size_t size;
    struct source_line *lines; /* none for a .dtb */
    size_t nr_lines;
};

/* Reads the file; a message goes to stderr if that fails. */
bool source_read(struct source *source, const char *name);
void source_free(struct source *source);

/* "file:line" of the property, else of the node, else of its nearest parent; the file's name if lines are not
 * known. */
const char *source_where(const struct source *source, const char *path, const char *property);

/* The whole file in memory that malloc gave, NULL (with a message) if it cannot be read. */
void *read_file(const char *name, size_t *size);

#endif
