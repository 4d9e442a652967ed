/* SPDX-License-Identifier: Apache-2.0 */
/* Structure of a flattened device tree: the check of the whole blob, and walks over nodes and properties. */
#include "boot/fdt.h"

#include "base/string.h"

enum {
    FDT_MAGIC = 0xd00dfeed,
    FDT_HEADER_SIZE = 40,
    FDT_VERSION = 17,
    TOKEN_BEGIN_NODE = 1,
    TOKEN_END_NODE = 2,
    TOKEN_PROP = 3,
    TOKEN_NOP = 4,
    TOKEN_END = 9,
};

/* All structures of the blob are at multiples of four bytes, so that a word is one load and a byte swap. */
static uint32_t word_at(const uint8_t *p)
{
    uint32_t v;

    __builtin_memcpy(&v, __builtin_assume_aligned(p, 4), sizeof(v));
    return __builtin_bswap32(v);
}

static const uint8_t *struct_at(const struct fdt *fdt, uint32_t off)
{
    return fdt->blob + fdt->struct_off + off;
}

static uint32_t pad4(uint32_t n)
{
    return (n + 3u) / 4u * 4u;
}

static bool has_zero_byte(uint32_t w)
{
    return ((w - 0x01010101u) & ~w & 0x80808080u) != 0;
}

/* Offset behind the name of the node at `off`. The name ends in the first word that has a zero byte;
 * fdt_open() has seen it. */
static uint32_t skip_name(const struct fdt *fdt, uint32_t off)
{
    const uint8_t *p = struct_at(fdt, off + 4u);

    while (!has_zero_byte(word_at(p))) {
        p += 4;
    }
    return (uint32_t)(p + 4 - struct_at(fdt, 0));
}

static enum status malformed(struct fdt *fdt, uint32_t off, const char *what)
{
    fdt->error = what;
    fdt->error_off = off;
    return ERR_INVALID;
}

static bool inside(const struct fdt *fdt, uint32_t off, uint32_t size)
{
    return off <= fdt->size && size <= fdt->size - off;
}

static enum status check_header(struct fdt *fdt, size_t limit)
{
    const uint8_t *blob = fdt->blob;

    if ((uintptr_t)blob % 8u != 0) {
        return malformed(fdt, 0, "the blob is not at a multiple of 8 bytes");
    }
    if (limit < FDT_HEADER_SIZE || word_at(blob) != FDT_MAGIC) {
        return malformed(fdt, 0, "no device tree here (wrong magic)");
    }
    fdt->size = word_at(blob + 4);
    fdt->struct_off = word_at(blob + 8);
    fdt->strings_off = word_at(blob + 12);
    fdt->rsvmap_off = word_at(blob + 16);
    fdt->strings_size = word_at(blob + 32);
    fdt->struct_size = word_at(blob + 36);
    if (fdt->size < FDT_HEADER_SIZE || fdt->size > limit || fdt->size > INT32_MAX) {
        return malformed(fdt, 4, "total size is larger than the space");
    }
    if (word_at(blob + 20) < FDT_VERSION || word_at(blob + 24) > FDT_VERSION) {
        return malformed(fdt, 20, "version is not 17");
    }
    if (fdt->struct_off % 4u != 0 || !inside(fdt, fdt->struct_off, fdt->struct_size) ||
        !inside(fdt, fdt->strings_off, fdt->strings_size) || fdt->rsvmap_off % 8u != 0 ||
        !inside(fdt, fdt->rsvmap_off, 16)) {
        return malformed(fdt, 8, "a block lies outside the blob");
    }
    if (fdt->strings_size != 0 && blob[fdt->strings_off + fdt->strings_size - 1u] != 0) {
        return malformed(fdt, fdt->strings_off, "strings block has no end");
    }
    for (uint32_t i = 0; inside(fdt, fdt->rsvmap_off, 16u * (i + 1u)); i++) {
        uint64_t address = 0, size = 0;

        fdt->rsvmap_count = i + 1u;
        if (fdt_reservation(fdt, i, &address, &size) && address == 0 && size == 0) {
            fdt->rsvmap_count = i;
            return OK;
        }
    }
    return malformed(fdt, fdt->rsvmap_off, "reservation block has no end");
}

/* Offset behind the node name at `off`, or 0 if it has no end in the block. */
static uint32_t checked_name(const struct fdt *fdt, uint32_t off)
{
    while (off <= fdt->struct_size - 4u) {
        bool last = has_zero_byte(word_at(struct_at(fdt, off)));

        off += 4;
        if (last) {
            return off;
        }
    }
    return 0;
}

/* Offset behind the property whose length word is at `off`, or 0 if it does not fit. */
static uint32_t checked_prop(const struct fdt *fdt, uint32_t off)
{
    uint32_t len;

    if (fdt->struct_size - off < 8u) {
        return 0;
    }
    len = word_at(struct_at(fdt, off));
    if (word_at(struct_at(fdt, off + 4u)) >= fdt->strings_size || len > fdt->struct_size - off - 8u) {
        return 0;
    }
    return off + 8u + pad4(len);
}

/* Looking for these two later would mean one more walk each. */
static void note_node(struct fdt *fdt, fdt_node_t node)
{
    const char *name = fdt_name(fdt, node);

    if (name[0] == 'c' && strcmp(name, "chosen") == 0) {
        fdt->chosen = node;
    } else if (name[0] == 'a' && strcmp(name, "aliases") == 0) {
        fdt->aliases = node;
    }
}

static enum status check_structure(struct fdt *fdt)
{
    uint32_t off = 0, depth = 0;
    bool props_allowed = false, root_done = false;

    while (off <= fdt->struct_size && fdt->struct_size - off >= 4u) {
        uint32_t here = off, token = word_at(struct_at(fdt, off));

        off += 4;
        switch (token) {
        case TOKEN_PROP:
            if (!props_allowed) {
                return malformed(fdt, here, "property outside a node or behind a child node");
            }
            off = checked_prop(fdt, off);
            if (off == 0) {
                return malformed(fdt, here, "property does not fit");
            }
            break;
        case TOKEN_BEGIN_NODE:
            if (root_done || depth >= FDT_MAX_DEPTH) {
                return malformed(fdt, here, root_done ? "second root node" : "nodes are nested too deep");
            }
            off = checked_name(fdt, off);
            if (off == 0) {
                return malformed(fdt, here, "node name has no end");
            }
            if (depth == 1) {
                note_node(fdt, (fdt_node_t)here);
            }
            depth++;
            props_allowed = true;
            break;
        case TOKEN_END_NODE:
            if (depth == 0) {
                return malformed(fdt, here, "end of a node that did not begin");
            }
            depth--;
            props_allowed = false;
            root_done = depth == 0;
            break;
        case TOKEN_NOP:
            break;
        case TOKEN_END:
            return root_done ? OK : malformed(fdt, here, "the tree ends inside a node");
        default:
            return malformed(fdt, here, "unknown token");
        }
    }
    return malformed(fdt, off, "structure block has no end");
}

enum status fdt_open(struct fdt *fdt, const void *blob, size_t limit)
{
    enum status status;

    *fdt = (struct fdt){.blob = blob, .chosen = FDT_NONE, .aliases = FDT_NONE};
    status = check_header(fdt, limit);
    return status == OK ? check_structure(fdt) : status;
}

static uint32_t skip_nops(const struct fdt *fdt, uint32_t off)
{
    while (word_at(struct_at(fdt, off)) == TOKEN_NOP) {
        off += 4;
    }
    return off;
}

static uint32_t skip_prop(const struct fdt *fdt, uint32_t off)
{
    return off + 12u + pad4(word_at(struct_at(fdt, off + 4u)));
}

/* Offset of the first token behind the properties of a node: BEGIN_NODE or END_NODE. */
static uint32_t skip_props(const struct fdt *fdt, uint32_t off)
{
    off = skip_name(fdt, off);
    for (;;) {
        uint32_t token = word_at(struct_at(fdt, off));

        if (token == TOKEN_PROP) {
            off = skip_prop(fdt, off);
        } else if (token == TOKEN_NOP) {
            off += 4;
        } else {
            return off;
        }
    }
}

fdt_node_t fdt_root(const struct fdt *fdt)
{
    return (fdt_node_t)skip_nops(fdt, 0);
}

const char *fdt_name(const struct fdt *fdt, fdt_node_t node)
{
    return (const char *)struct_at(fdt, (uint32_t)node + 4u);
}

fdt_node_t fdt_first_child(const struct fdt *fdt, fdt_node_t node)
{
    uint32_t off = skip_props(fdt, (uint32_t)node);

    return word_at(struct_at(fdt, off)) == TOKEN_BEGIN_NODE ? (fdt_node_t)off : FDT_NONE;
}

fdt_node_t fdt_next_node_depth(const struct fdt *fdt, fdt_node_t node, uint32_t *depth)
{
    uint32_t off = skip_props(fdt, (uint32_t)node);

    ++*depth;
    for (;;) {
        uint32_t token = word_at(struct_at(fdt, off));

        if (token == TOKEN_BEGIN_NODE) {
            return (fdt_node_t)off;
        }
        if (token == TOKEN_END) {
            return FDT_NONE;
        }
        if (token == TOKEN_END_NODE) {
            --*depth;
        }
        off += 4;
    }
}

fdt_node_t fdt_next_node(const struct fdt *fdt, fdt_node_t node)
{
    uint32_t depth = 0;

    return fdt_next_node_depth(fdt, node, &depth);
}

fdt_node_t fdt_next_sibling(const struct fdt *fdt, fdt_node_t node)
{
    uint32_t depth = 1;

    do {
        node = fdt_next_node_depth(fdt, node, &depth);
    } while (node != FDT_NONE && depth > 1);
    return depth == 1 ? node : FDT_NONE;
}

uint32_t fdt_lineage(const struct fdt *fdt, fdt_node_t node, fdt_node_t lineage[FDT_MAX_DEPTH])
{
    uint32_t depth = 0;
    fdt_node_t at = fdt_root(fdt);

    lineage[0] = at;
    while (at != node && at != FDT_NONE) {
        at = fdt_next_node_depth(fdt, at, &depth);
        lineage[depth % FDT_MAX_DEPTH] = at;
    }
    return depth;
}

fdt_node_t fdt_parent(const struct fdt *fdt, fdt_node_t node)
{
    fdt_node_t lineage[FDT_MAX_DEPTH];
    uint32_t depth = fdt_lineage(fdt, node, lineage);

    return depth == 0 ? FDT_NONE : lineage[depth - 1u];
}

/* `name` of `len` characters is the full name of the node, or the part before its unit address. */
static bool name_is(const char *node_name, const char *name, size_t len)
{
    return strncmp(node_name, name, len) == 0 && (node_name[len] == '\0' || node_name[len] == '@');
}

fdt_node_t fdt_child(const struct fdt *fdt, fdt_node_t node, const char *name)
{
    size_t len = strlen(name);
    fdt_node_t child;

    for (child = fdt_first_child(fdt, node); child != FDT_NONE; child = fdt_next_sibling(fdt, child)) {
        if (name_is(fdt_name(fdt, child), name, len)) {
            break;
        }
    }
    return child;
}

static size_t component_length(const char *path)
{
    size_t n = 0;

    while (path[n] != '\0' && path[n] != '/' && path[n] != ':') {
        n++;
    }
    return n;
}

bool fdt_path_step(const char **path, const char *name)
{
    const char *component = **path == '/' ? *path + 1 : *path;
    size_t n;

    if (*component != *name) { /* nearly always */
        return false;
    }
    n = component_length(component);
    if (n == 0 || !name_is(name, component, n)) {
        return false;
    }
    *path = component + n;
    return true;
}

bool fdt_path_done(const char *path)
{
    return *path == '\0' || *path == ':' || (*path == '/' && path[1] == '\0');
}

const char *fdt_alias(const struct fdt *fdt, const char *alias)
{
    size_t n = component_length(alias);
    struct fdt_prop prop;
    bool more = fdt->aliases != FDT_NONE && fdt_first_prop(fdt, fdt->aliases, &prop);

    for (; more; more = fdt_next_prop(fdt, &prop)) {
        if (strncmp(prop.name, alias, n) == 0 && prop.name[n] == '\0') {
            return prop.len > 1 && prop.data[0] == '/' && prop.data[prop.len - 1u] == 0
                       ? (const char *)prop.data
                       : NULL;
        }
    }
    return NULL;
}

fdt_node_t fdt_path(const struct fdt *fdt, const char *path)
{
    fdt_node_t node = fdt_root(fdt);

    if (*path != '/') {
        path = fdt_alias(fdt, path);
    }
    while (path != NULL && node != FDT_NONE && !fdt_path_done(path)) {
        for (node = fdt_first_child(fdt, node); node != FDT_NONE; node = fdt_next_sibling(fdt, node)) {
            if (fdt_path_step(&path, fdt_name(fdt, node))) {
                break;
            }
        }
    }
    return path == NULL ? FDT_NONE : node;
}

fdt_node_t fdt_by_phandle(const struct fdt *fdt, uint32_t phandle)
{
    fdt_node_t node;
    uint32_t value;

    if (phandle == 0 || phandle == UINT32_MAX) {
        return FDT_NONE;
    }
    for (node = fdt_root(fdt); node != FDT_NONE; node = fdt_next_node(fdt, node)) {
        if (fdt_u32(fdt, node, "phandle", &value) && value == phandle) {
            break;
        }
    }
    return node;
}

char *fdt_node_path(const struct fdt *fdt, fdt_node_t node, char *buf, size_t size)
{
    fdt_node_t lineage[FDT_MAX_DEPTH] = {0};
    uint32_t depth = fdt_lineage(fdt, node, lineage), i;
    size_t used = 0;

    for (i = 1; i <= depth; i++) {
        const char *name = fdt_name(fdt, lineage[i]);

        if (used + 1u < size) {
            buf[used++] = '/';
        }
        while (*name != '\0' && used + 1u < size) {
            buf[used++] = *name++;
        }
    }
    if (used == 0 && size > 1) {
        buf[used++] = '/';
    }
    if (size > 0) {
        buf[used] = '\0';
    }
    return buf;
}

/* Fills prop from the token at `p`, over NOPs; false if there is no property. */
static bool prop_at(const struct fdt *fdt, const uint8_t *p, struct fdt_prop *prop)
{
    while (word_at(p) == TOKEN_NOP) {
        p += 4;
    }
    if (word_at(p) != TOKEN_PROP) {
        return false;
    }
    prop->len = word_at(p + 4);
    prop->name = (const char *)fdt->blob + fdt->strings_off + word_at(p + 8);
    prop->data = p + 12;
    return true;
}

bool fdt_first_prop(const struct fdt *fdt, fdt_node_t node, struct fdt_prop *prop)
{
    return prop_at(fdt, struct_at(fdt, skip_name(fdt, (uint32_t)node)), prop);
}

bool fdt_next_prop(const struct fdt *fdt, struct fdt_prop *prop)
{
    return prop_at(fdt, prop->data + pad4(prop->len), prop);
}

bool fdt_prop(const struct fdt *fdt, fdt_node_t node, const char *name, struct fdt_prop *prop)
{
    for_each_prop (fdt, node, prop) {
        if (prop->name[0] == name[0] && strcmp(prop->name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool fdt_has(const struct fdt *fdt, fdt_node_t node, const char *name)
{
    struct fdt_prop prop;

    return fdt_prop(fdt, node, name, &prop);
}
