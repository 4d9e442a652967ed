/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of flattened device trees (Devicetree Specification 0.4, chapter 5; version 17). The blob is
 * input of unknown quality: fdt_open() checks its whole structure once, so that afterwards every offset
 * that this reader hands out is valid and every walk ends. Nothing is copied, nothing is written. */
#ifndef BOOT_FDT_H
#define BOOT_FDT_H

#include "base/status.h"
#include "base/types.h"

#define FDT_MAX_DEPTH 32
#define FDT_NONE      (-1)

struct fdt {
    const uint8_t *blob;
    uint32_t size; /* totalsize */
    uint32_t struct_off, struct_size;
    uint32_t strings_off, strings_size;
    uint32_t rsvmap_off, rsvmap_count;
    int32_t chosen, aliases; /* the nodes of these names below the root, or FDT_NONE */
    const char *error;       /* what is wrong, after fdt_open() failed */
    uint32_t error_off;
};

/* A node is the offset of its BEGIN_NODE token in the structure block; FDT_NONE is no node. The root is
 * fdt_root(). */
typedef int32_t fdt_node_t;

struct fdt_prop {
    const char *name;
    const uint8_t *data;
    uint32_t len;
};

/* Check the whole blob of at most `limit` bytes. ERR_INVALID with fdt->error set if it is malformed. */
enum status fdt_open(struct fdt *fdt, const void *blob, size_t limit) MUST_CHECK;

fdt_node_t fdt_root(const struct fdt *fdt);
const char *fdt_name(const struct fdt *fdt, fdt_node_t node); /* with unit address; "" for the root */
fdt_node_t fdt_first_child(const struct fdt *fdt, fdt_node_t node);
fdt_node_t fdt_next_sibling(const struct fdt *fdt, fdt_node_t node);
fdt_node_t fdt_next_node(const struct fdt *fdt, fdt_node_t node); /* preorder walk of the whole tree */
/* The same, counting in *depth how deep the node lies below where the count began (its caller's 0). */
fdt_node_t fdt_next_node_depth(const struct fdt *fdt, fdt_node_t node, uint32_t *depth);
/* All nodes from the root (entry 0) to node (entry = the depth returned). Walks the tree up to the node. */
uint32_t fdt_lineage(const struct fdt *fdt, fdt_node_t node, fdt_node_t lineage[FDT_MAX_DEPTH]);
fdt_node_t fdt_parent(const struct fdt *fdt, fdt_node_t node);
fdt_node_t fdt_child(const struct fdt *fdt, fdt_node_t node,
                     const char *name);                       /* full name, or without unit address */
fdt_node_t fdt_path(const struct fdt *fdt, const char *path); /* "/a/b@1" or an alias "serial0" */
/* The path that the alias stands for, or NULL. Characters of `alias` from ':' on do not count. */
const char *fdt_alias(const struct fdt *fdt, const char *alias);
/* True if the next component of *path names a node called `name`; *path then stands behind the component. */
bool fdt_path_step(const char **path, const char *name);
/* True if nothing but an option (":115200n8") is left of the path. */
bool fdt_path_done(const char *path);
fdt_node_t fdt_by_phandle(const struct fdt *fdt, uint32_t phandle);

/* Writes the path of the node, truncated to size - 1 characters; returns buf. */
char *fdt_node_path(const struct fdt *fdt, fdt_node_t node, char *buf, size_t size);

bool fdt_first_prop(const struct fdt *fdt, fdt_node_t node, struct fdt_prop *prop);
bool fdt_next_prop(const struct fdt *fdt, struct fdt_prop *prop);

/* Loops over all children, whose name is declared here, and over all properties, into *prop. */
#define for_each_child(fdt, node, child)                                       \
    for (fdt_node_t child = fdt_first_child((fdt), (node)); child != FDT_NONE; \
         child = fdt_next_sibling((fdt), child))
#define for_each_prop(fdt, node, prop) \
    for (bool more_ = fdt_first_prop((fdt), (node), (prop)); more_; more_ = fdt_next_prop((fdt), (prop)))

bool fdt_prop(const struct fdt *fdt, fdt_node_t node, const char *name, struct fdt_prop *prop);
bool fdt_has(const struct fdt *fdt, fdt_node_t node, const char *name);

/* Big-endian cell `index` (32 bit) of a property; false if it is not that long. */
bool fdt_cell(const struct fdt_prop *prop, uint32_t index, uint32_t *value);
/* Number of `cells` (1 or 2; more is ERR) starting at cell *index, which advances; false if too short. */
bool fdt_number(const struct fdt_prop *prop, uint32_t *index, uint32_t cells, uint64_t *value);
bool fdt_u32(const struct fdt *fdt, fdt_node_t node, const char *name, uint32_t *value);
/* NUL-terminated string, or NULL if absent or not terminated. */
const char *fdt_string(const struct fdt *fdt, fdt_node_t node, const char *name);
bool fdt_string_list_has(const struct fdt_prop *prop, const char *string);
bool fdt_compatible(const struct fdt *fdt, fdt_node_t node, const char *compatible);
/* False for a node whose status is neither absent, "okay" nor "ok" (its parents are not looked at). */
bool fdt_okay(const struct fdt *fdt, fdt_node_t node);
/* #address-cells and #size-cells that apply to the children of node (defaults 2 and 1). */
void fdt_cells(const struct fdt *fdt, fdt_node_t node, uint32_t *address_cells, uint32_t *size_cells);
/* Entry `index` of reg, translated to the CPU's address space through the ranges of all parents. */
enum status fdt_reg(const struct fdt *fdt, fdt_node_t node, unsigned index, uint64_t *address,
                    uint64_t *size);
/* The same for a node whose lineage is known. */
enum status fdt_reg_in(const struct fdt *fdt, const fdt_node_t *lineage, uint32_t depth, unsigned index,
                       uint64_t *address, uint64_t *size);
/* Entry `index` of the memory reservation block. */
bool fdt_reservation(const struct fdt *fdt, uint32_t index, uint64_t *address, uint64_t *size);

#endif
