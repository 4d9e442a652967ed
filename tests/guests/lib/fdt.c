// SPDX-License-Identifier: Apache-2.0
/* A reader of flattened device trees (Devicetree Specification 0.4, chapter 5). Trusts the blob after
 * fdt_valid. */
#include "guest.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4 };

const uint8_t *fdt_blob;

uint32_t be32(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t be64(const void *p)
{
    return (uint64_t)be32(p) << 32 | be32((const uint8_t *)p + 4);
}

bool fdt_valid(const void *blob)
{
    uint64_t address = (uint64_t)blob;
    return address != 0 && address % 8 == 0 && be32(blob) == 0xd00dfeed;
}

uint32_t fdt_size(void)
{
    return be32(fdt_blob + 4);
}

static const uint8_t *token_at(int offset)
{
    return fdt_blob + be32(fdt_blob + 8) + offset;
}

static int align4(int n)
{
    return (n + 3) / 4 * 4;
}

/* The offset after the token at `at`; the token in *token. -1 at the end. */
static int step(int at, uint32_t *token)
{
    const uint8_t *p = token_at(at);
    *token = be32(p);
    switch (*token) {
    case BEGIN_NODE:
        return at + 4 + align4((int)strlen((const char *)p + 4) + 1);
    case PROP:
        return at + 12 + align4((int)be32(p + 4));
    case END_NODE:
    case NOP:
        return at + 4;
    default:
        return -1;
    }
}

int fdt_root(void)
{
    int at = 0;
    uint32_t token;
    while (be32(token_at(at)) == NOP) {
        at = step(at, &token);
    }
    return at;
}

int fdt_next(int node, int *depth)
{
    uint32_t token;
    int at = step(node, &token);
    while (at >= 0) {
        if (be32(token_at(at)) == BEGIN_NODE) {
            *depth += 1;
            return at;
        }
        at = step(at, &token);
        if (token == END_NODE) {
            *depth -= 1;
            if (*depth < 0) {
                return -1;
            }
        }
    }
    return -1;
}

const char *fdt_name(int node)
{
    return (const char *)token_at(node) + 4;
}

const char *fdt_prop_at(int node, int index, const void **value, uint32_t *length)
{
    uint32_t token;
    int at = step(node, &token);
    while (at >= 0) {
        const uint8_t *p = token_at(at);
        uint32_t kind = be32(p);
        if (kind == PROP && index-- == 0) {
            *value = p + 12;
            *length = be32(p + 4);
            return (const char *)fdt_blob + be32(fdt_blob + 12) + be32(p + 8);
        }
        if (kind != PROP && kind != NOP) {
            return NULL;
        }
        at = step(at, &token);
    }
    return NULL;
}

int fdt_prop_count(int node)
{
    const void *value;
    uint32_t length;
    int n = 0;
    while (fdt_prop_at(node, n, &value, &length)) {
        n++;
    }
    return n;
}

const void *fdt_prop(int node, const char *name, uint32_t *length)
{
    const void *value = NULL;
    uint32_t len = 0;
    const char *n;
    for (int i = 0; (n = fdt_prop_at(node, i, &value, &len)) != NULL; i++) {
        if (strcmp(n, name) == 0) {
            if (length) {
                *length = len;
            }
            return value;
        }
    }
    return NULL;
}

bool fdt_u32(int node, const char *name, uint32_t *value)
{
    uint32_t length;
    const void *p = fdt_prop(node, name, &length);
    if (!p || length != 4) {
        return false;
    }
    *value = be32(p);
    return true;
}

bool fdt_has_string(int node, const char *name, const char *string)
{
    uint32_t length;
    const char *p = fdt_prop(node, name, &length);
    for (uint32_t at = 0; p && at < length; at += (uint32_t)strlen(p + at) + 1) {
        if (strcmp(p + at, string) == 0) {
            return true;
        }
    }
    return false;
}

int fdt_compatible(const char *compatible, int after)
{
    int depth = 0;
    for (int node = fdt_root(); node >= 0; node = fdt_next(node, &depth)) {
        if (node > after && fdt_has_string(node, "compatible", compatible)) {
            return node;
        }
    }
    return -1;
}

int fdt_parent(int node)
{
    int chain[16] = {-1};
    int depth = 0;
    for (int n = fdt_root(); n >= 0; n = fdt_next(n, &depth)) {
        if (n == node) {
            return depth > 0 ? chain[depth - 1] : -1;
        }
        if (depth < (int)ARRAY_SIZE(chain)) {
            chain[depth] = n;
        }
    }
    return -1;
}

int fdt_child(int node, const char *name)
{
    size_t length = strlen(name);
    int depth = 0;
    for (int n = fdt_next(node, &depth); n >= 0 && depth >= 1; n = fdt_next(n, &depth)) {
        const char *have = fdt_name(n);
        if (depth == 1 && strncmp(have, name, length) == 0 && (have[length] == 0 || have[length] == '@')) {
            return n;
        }
    }
    return -1;
}

int fdt_path(const char *path)
{
    int node = fdt_root();
    char part[48];
    while (node >= 0 && *path) {
        size_t n = 0;
        while (*path == '/') {
            path++;
        }
        while (*path && *path != '/' && n < sizeof(part) - 1) {
            part[n++] = *path++;
        }
        part[n] = 0;
        if (n) {
            node = fdt_child(node, part);
        }
    }
    return node;
}

static uint64_t cells(const uint8_t *p, uint32_t n)
{
    return n == 0 ? 0 : n == 1 ? be32(p) : be64(p + (n - 2) * 4);
}

bool fdt_reg(int node, uint32_t index, uint64_t *address, uint64_t *size)
{
    uint32_t ac = 2, sc = 1, length;
    int parent = fdt_parent(node);
    if (parent >= 0) {
        (void)fdt_u32(parent, "#address-cells", &ac);
        (void)fdt_u32(parent, "#size-cells", &sc);
    }
    const uint8_t *p = fdt_prop(node, "reg", &length);
    uint32_t entry = (ac + sc) * 4;
    if (!p || entry == 0 || (index + 1) * entry > length) {
        return false;
    }
    p += index * entry;
    *address = cells(p, ac);
    *size = cells(p + ac * 4, sc);
    return true;
}

bool is_domain(void)
{
    return fdt_prop(fdt_root(), "compatible", NULL) == NULL;
}
