/* SPDX-License-Identifier: Apache-2.0 */
/* Values of device-tree properties: cells, strings, addresses. */
#include "base/string.h"
#include "boot/fdt.h"

bool fdt_cell(const struct fdt_prop *prop, uint32_t index, uint32_t *value)
{
    const uint8_t *p = prop->data;

    if (index >= prop->len / 4u) {
        return false;
    }
    p += 4u * index;
    *value = (uint32_t)p[0] * 0x1000000u + (uint32_t)p[1] * 0x10000u + (uint32_t)p[2] * 0x100u + p[3];
    return true;
}

bool fdt_number(const struct fdt_prop *prop, uint32_t *index, uint32_t cells, uint64_t *value)
{
    uint64_t v = 0;
    uint32_t cell;

    if (cells > 2) {
        return false;
    }
    for (uint32_t i = 0; i < cells; i++) {
        if (!fdt_cell(prop, *index + i, &cell)) {
            return false;
        }
        v = v * UINT64_C(0x100000000) + cell;
    }
    *index += cells;
    *value = v;
    return true;
}

bool fdt_u32(const struct fdt *fdt, fdt_node_t node, const char *name, uint32_t *value)
{
    struct fdt_prop prop;

    return fdt_prop(fdt, node, name, &prop) && prop.len == 4 && fdt_cell(&prop, 0, value);
}

const char *fdt_string(const struct fdt *fdt, fdt_node_t node, const char *name)
{
    struct fdt_prop prop;

    if (!fdt_prop(fdt, node, name, &prop) || prop.len == 0 || prop.data[prop.len - 1u] != 0) {
        return NULL;
    }
    return (const char *)prop.data;
}

bool fdt_string_list_has(const struct fdt_prop *prop, const char *string)
{
    const char *p = (const char *)prop->data, *end = p + prop->len;

    while (p < end) {
        const char *s = string;

        while (p < end && *p == *s) {
            if (*s == '\0') {
                return true;
            }
            p++;
            s++;
        }
        while (p < end && *p != '\0') {
            p++;
        }
        p++;
    }
    return false;
}

bool fdt_compatible(const struct fdt *fdt, fdt_node_t node, const char *compatible)
{
    struct fdt_prop prop;

    return fdt_prop(fdt, node, "compatible", &prop) && fdt_string_list_has(&prop, compatible);
}

bool fdt_okay(const struct fdt *fdt, fdt_node_t node)
{
    struct fdt_prop prop;

    return !fdt_prop(fdt, node, "status", &prop) || fdt_string_list_has(&prop, "okay") ||
           fdt_string_list_has(&prop, "ok");
}

void fdt_cells(const struct fdt *fdt, fdt_node_t node, uint32_t *address_cells, uint32_t *size_cells)
{
    struct fdt_prop prop;

    *address_cells = 2;
    *size_cells = 1;
    for_each_prop (fdt, node, &prop) {
        if (prop.name[0] != '#' || prop.len != 4) {
            continue;
        }
        if (strcmp(prop.name, "#address-cells") == 0) {
            (void)fdt_cell(&prop, 0, address_cells);
        } else if (strcmp(prop.name, "#size-cells") == 0) {
            (void)fdt_cell(&prop, 0, size_cells);
        }
    }
}

/* Translates [*address, + size) from the children of bus to the bus's own parent. */
static enum status translate(const struct fdt *fdt, fdt_node_t bus, fdt_node_t parent, uint64_t *address,
                             uint64_t size)
{
    struct fdt_prop ranges;
    uint32_t child_cells, size_cells, parent_cells, ignored, index = 0;
    uint64_t child, up, length;

    if (!fdt_prop(fdt, bus, "ranges", &ranges)) {
        return ERR_NOENT;
    }
    if (ranges.len == 0) {
        return OK;
    }
    fdt_cells(fdt, bus, &child_cells, &size_cells);
    fdt_cells(fdt, parent, &parent_cells, &ignored);
    if (child_cells == 0 || parent_cells == 0 || size_cells == 0) {
        return ERR_INVALID;
    }
    while (fdt_number(&ranges, &index, child_cells, &child) &&
           fdt_number(&ranges, &index, parent_cells, &up) &&
           fdt_number(&ranges, &index, size_cells, &length)) {
        if (*address >= child && *address - child < length && size <= length - (*address - child)) {
            return __builtin_add_overflow(up, *address - child, address) ? ERR_RANGE : OK;
        }
    }
    return ERR_NOENT;
}

enum status fdt_reg_in(const struct fdt *fdt, const fdt_node_t *lineage, uint32_t depth, unsigned index,
                       uint64_t *address, uint64_t *size)
{
    struct fdt_prop reg;
    uint32_t address_cells, size_cells, at;
    uint64_t end;

    if (depth == 0 || !fdt_prop(fdt, lineage[depth], "reg", &reg)) {
        return ERR_NOENT;
    }
    fdt_cells(fdt, lineage[depth - 1u], &address_cells, &size_cells);
    if (address_cells == 0 || address_cells > 2 || size_cells > 2) {
        return ERR_INVALID;
    }
    if (index >= reg.len / 4u / (address_cells + size_cells)) {
        return ERR_NOENT;
    }
    at = index * (address_cells + size_cells);
    if (!fdt_number(&reg, &at, address_cells, address) || !fdt_number(&reg, &at, size_cells, size)) {
        return ERR_NOENT;
    }
    for (depth--; depth > 0; depth--) {
        enum status status = translate(fdt, lineage[depth], lineage[depth - 1u], address, *size);

        if (status != OK) {
            return status;
        }
    }
    return __builtin_add_overflow(*address, *size, &end) ? ERR_RANGE : OK;
}

enum status fdt_reg(const struct fdt *fdt, fdt_node_t node, unsigned index, uint64_t *address, uint64_t *size)
{
    fdt_node_t lineage[FDT_MAX_DEPTH];
    uint32_t depth = fdt_lineage(fdt, node, lineage);

    return fdt_reg_in(fdt, lineage, depth, index, address, size);
}

bool fdt_reservation(const struct fdt *fdt, uint32_t index, uint64_t *address, uint64_t *size)
{
    const struct fdt_prop entry = {.data = fdt->blob + fdt->rsvmap_off + 16u * (size_t)index, .len = 16};
    uint32_t at = 0;

    return index < fdt->rsvmap_count && fdt_number(&entry, &at, 2, address) &&
           fdt_number(&entry, &at, 2, size);
}
