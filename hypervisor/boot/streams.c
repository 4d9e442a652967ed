/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/streams.h"

#define BLOCK     64u /* streams whose entries share a page of the SMMU's table */
#define BUS_RIDS  256u
#define MAP_CELLS 4u /* RID, phandle, StreamID, length */
#define PCI_CHILD 4u /* address and pin of an entry of interrupt-map */
#define GIC_CELLS 3u

struct list {
    const struct host *host;
    struct domain_stream *streams;
    uint32_t max, *count;
};

bool streams_overlap(const struct domain_stream *a, const struct domain_stream *b)
{
    return a->smmu == b->smmu && ranges_overlap(a->first, a->count, b->first, b->count);
}

static enum status add_piece(const struct list *list, const struct domain_stream *piece)
{
    for (uint32_t i = 0; i < *list->count; i++) {
        const struct domain_stream *old = &list->streams[i];

        if (streams_overlap(old, piece)) {
            bool same = old->first == piece->first && old->count == piece->count;

            return same ? OK : ERR_EXIST;
        }
    }
    if (*list->count == list->max) {
        return ERR_NOMEM;
    }
    list->streams[(*list->count)++] = *piece;
    return OK;
}

/* What begins or ends inside a block is a piece of its own. */
static enum status add_range(const struct list *list, uint32_t smmu, uint32_t first, uint32_t count)
{
    enum status status = OK;

    if (count == 0 || first > UINT32_MAX - count) {
        return ERR_INVALID;
    }
    while (count != 0 && status == OK) {
        uint32_t size = first % BLOCK != 0 || count < BLOCK ? (uint32_t)min_u64(BLOCK - first % BLOCK, count)
                                                            : count / BLOCK * BLOCK;
        struct domain_stream piece = {(uint16_t)smmu, first, size};

        status = add_piece(list, &piece);
        first += size;
        count -= size;
    }
    return status;
}

/* The SMMU with that phandle; one cell names a stream of it. */
static enum status find_smmu(const struct host *host, uint32_t phandle, uint32_t *index)
{
    uint32_t cells = 0;

    for (*index = 0; *index < host->nr_smmus; (*index)++) {
        uint32_t own;

        if (fdt_u32(host->fdt, host->smmus[*index].node, "phandle", &own) && own == phandle) {
            return fdt_u32(host->fdt, host->smmus[*index].node, "#iommu-cells", &cells) && cells == 1
                       ? OK
                       : ERR_INVALID;
        }
    }
    return ERR_NOENT;
}

static enum status add_iommus(const struct list *list, const struct fdt_prop *prop)
{
    uint32_t phandle, stream, smmu;
    enum status status = prop->len == 0 || prop->len % 8u != 0 ? ERR_INVALID : OK;

    for (uint32_t at = 0; status == OK && at < prop->len / 4u; at += 2) {
        (void)fdt_cell(prop, at, &phandle);
        (void)fdt_cell(prop, at + 1u, &stream);
        status = find_smmu(list->host, phandle, &smmu);
        if (status == OK) {
            status = add_range(list, smmu, stream, 1);
        }
    }
    return status;
}

/* Requester IDs of the buses below the bridge. */
static uint32_t nr_rids(const struct fdt *fdt, fdt_node_t node)
{
    struct fdt_prop prop;
    uint32_t first = 0, last = 255;

    if (fdt_prop(fdt, node, "bus-range", &prop)) {
        (void)fdt_cell(&prop, 0, &first);
        (void)fdt_cell(&prop, 1, &last);
    }
    return first <= last && last <= 255 ? (last - first + 1u) * BUS_RIDS : 256u * BUS_RIDS;
}

/* All of them have to be in the map: what is not goes to memory untranslated. */
static enum status add_iommu_map(const struct list *list, fdt_node_t node, const struct fdt_prop *prop)
{
    uint32_t cells[MAP_CELLS], smmu, covered = 0, wanted = nr_rids(list->host->fdt, node);
    enum status status = prop->len == 0 || prop->len % (4u * MAP_CELLS) != 0 ? ERR_INVALID : OK;

    for (uint32_t at = 0; status == OK && at < prop->len / 4u; at += MAP_CELLS) {
        for (uint32_t i = 0; i < MAP_CELLS; i++) {
            (void)fdt_cell(prop, at + i, &cells[i]);
        }
        status = find_smmu(list->host, cells[1], &smmu);
        if (status == OK) {
            status = add_range(list, smmu, cells[2], cells[3]);
        }
        covered = (uint32_t)min_u64((uint64_t)covered + cells[3], wanted);
    }
    return status == OK && covered < wanted ? ERR_NOENT : status;
}

enum status streams_add(const struct host *host, fdt_node_t node, struct domain_stream *streams, uint32_t max,
                        uint32_t *count)
{
    const struct list list = {host, streams, max, count};
    uint32_t before = *count;
    struct fdt_prop prop;
    enum status status = ERR_NOENT;

    if (fdt_prop(host->fdt, node, "iommus", &prop)) {
        status = add_iommus(&list, &prop);
    } else if (fdt_prop(host->fdt, node, "iommu-map", &prop)) {
        status = add_iommu_map(&list, node, &prop);
    }
    if (status != OK) {
        *count = before;
    }
    return status;
}

enum status bridge_interrupt(const struct host *host, fdt_node_t node, unsigned index, uint32_t *intid,
                             bool *edge, bool *more)
{
    const struct fdt *fdt = host->fdt;
    uint32_t phandle, address_cells, at = 0, cells;
    struct fdt_prop prop;
    fdt_node_t parent;

    *more = false;
    if (!fdt_prop(fdt, node, "interrupt-map", &prop)) {
        return ERR_NOENT;
    }
    for (;; index--) {
        if (!fdt_cell(&prop, at + PCI_CHILD, &phandle)) {
            return ERR_NOENT;
        }
        parent = fdt_by_phandle(fdt, phandle);
        address_cells = 0;
        if (parent == FDT_NONE || !fdt_u32(fdt, parent, "#interrupt-cells", &cells) || cells > 8) {
            return ERR_INVALID;
        }
        (void)fdt_u32(fdt, parent, "#address-cells", &address_cells);
        if (address_cells > 2) {
            return ERR_INVALID;
        }
        at += PCI_CHILD + 1u + address_cells;
        if (index == 0) {
            break;
        }
        at += cells;
    }
    if (at + cells > prop.len / 4u) {
        return ERR_INVALID;
    }
    *more = true;
    if (parent != host->gic.node || cells < GIC_CELLS) {
        return ERR_NOENT;
    }
    *intid = host_intid(&prop, at, edge);
    return *intid == 0 ? ERR_INVALID : OK;
}
