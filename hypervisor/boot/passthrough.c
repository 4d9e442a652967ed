/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /passthrough of a partial device tree (Xen's passthrough binding). A node with xen,reg and xen,path
 * gets registers and interrupts; one without either is the guest's own business and only copied. */
#include "boot/passthrough.h"

#include "base/string.h"
#include "boot/partial.h"
#include "boot/streams.h"

enum {
    FIRST_SPI = 32,
    RESET_CELLS = 5, /* offset, value, mask, poll, limit */
};

/* One passed-through node, and what it asks for. */
struct request {
    const struct passthrough_input *in;
    struct passthrough *out;
    fdt_node_t node;
    fdt_node_t host; /* xen,path; FDT_NONE if it was left out */
    uint32_t depth;  /* of host */
    fdt_node_t lineage[FDT_MAX_DEPTH];
    uint64_t base, size; /* registers that bulkhead,reset counts from */
    uint32_t first_map;  /* its ranges are out->maps[first_map] and up */
    bool force;
    char path[200];
};

#define complain(request, severity, property, ...) \
    report_at((request)->in->report, severity, (request)->path, property, __VA_ARGS__)

/* The range, or what is not yet mapped of it. A range that lies inside an earlier one of the same offset is
 * not new. */
static void add_map(struct request *r, uint64_t pa, uint64_t size, uint64_t ipa)
{
    struct passthrough *out = r->out;

    for (uint32_t i = 0; i < out->nr_maps; i++) {
        const struct domain_map *map = &out->maps[i];

        if (map->kind != MAP_DEVICE || !ranges_overlap(map->ipa.v, map->size, ipa, size)) {
            continue;
        }
        if (ipa >= map->ipa.v && ipa + size <= map->ipa.v + map->size && ipa - map->ipa.v == pa - map->pa.v) {
            return;
        }
        complain(r, REPORT_ERROR, "xen,reg", "guest address 0x%lx is mapped already, to 0x%lx", ipa,
                 map->pa.v);
        return;
    }
    if (out->nr_maps >= out->max_maps) {
        complain(r, REPORT_ERROR, "xen,reg", "more than %u ranges in one domain", out->max_maps);
        return;
    }
    out->maps[out->nr_maps++] = (struct domain_map){IPA(ipa), PA(pa), size, MAP_DEVICE};
}

static void read_regs(struct request *r, const struct fdt_prop *prop, fdt_node_t parent)
{
    uint32_t address_cells, size_cells, index = 0;
    uint64_t pa = 0, size = 0, ipa = 0;

    fdt_cells(r->in->partial, parent, &address_cells, &size_cells);
    if (address_cells == 0 || address_cells > 2 || size_cells == 0 || size_cells > 2 || prop->len == 0 ||
        prop->len % (4u * (2u * address_cells + size_cells)) != 0) {
        complain(r, REPORT_ERROR, "xen,reg",
                 "must be <host address, size, guest address> by the parent's #address-cells "
                 "and #size-cells (%u and %u)",
                 address_cells, size_cells);
        return;
    }
    while (fdt_number(prop, &index, address_cells, &pa) && fdt_number(prop, &index, size_cells, &size) &&
           fdt_number(prop, &index, address_cells, &ipa)) {
        if (pa % PAGE_SIZE != 0 || size % PAGE_SIZE != 0 || ipa % PAGE_SIZE != 0) {
            complain(r, REPORT_ERROR, "xen,reg",
                     "0x%lx, size 0x%lx, guest 0x%lx: not multiples of a page of 4 KiB", pa, size, ipa);
        } else if (size == 0 || pa + size < pa || ipa + size < ipa) {
            complain(r, REPORT_ERROR, "xen,reg", "range at 0x%lx is empty or wraps", pa);
        } else {
            add_map(r, pa, size, ipa);
        }
        if (index == 2u * address_cells + size_cells) {
            r->base = pa;
            r->size = size;
        }
    }
}

static void find_host_node(struct request *r, const char *path)
{
    const struct host *host = r->in->host;
    uint64_t base, size;

    r->host = path[0] == '/' ? fdt_path(host->fdt, path) : FDT_NONE;
    if (r->host == FDT_NONE) {
        complain(r, REPORT_ERROR, "xen,path", "the host tree has no node %s", path);
        return;
    }
    r->depth = fdt_lineage(host->fdt, r->host, r->lineage);
    if (!fdt_okay(host->fdt, r->host)) {
        complain(r, REPORT_WARNING, "xen,path", "the status of %s is not okay: it may not be usable here",
                 path);
    }
    if (fdt_reg_in(host->fdt, r->lineage, r->depth, 0, &base, &size) == OK) {
        r->base = base;
        r->size = size;
    }
    if (r->out->nr_nodes >= r->out->max_nodes) {
        complain(r, REPORT_ERROR, "xen,path", "more than %u devices in one domain", r->out->max_nodes);
        return;
    }
    r->out->nodes[r->out->nr_nodes++] = r->host;
}

static void add_irq(struct request *r, uint32_t intid, bool edge)
{
    struct passthrough *out = r->out;

    if (intid < FIRST_SPI) {
        complain(r, REPORT_ERROR, "xen,path",
                 "interrupt %u of the host node belongs to one CPU: it cannot be passed through", intid);
        return;
    }
    for (uint32_t i = 0; i < out->nr_irqs; i++) {
        if (out->irqs[i].pirq == intid) {
            return;
        }
    }
    if (out->nr_irqs >= out->max_irqs) {
        complain(r, REPORT_ERROR, "xen,path", "more than %u interrupts in one domain", out->max_irqs);
        return;
    }
    out->irqs[out->nr_irqs++] = (struct domain_irq){(uint16_t)intid, (uint16_t)intid, edge};
}

/* All interrupts of the host node that go to the GIC; those that go elsewhere stay with whoever owns that
 * controller. */
static void read_irqs(struct request *r)
{
    struct fdt_prop prop;
    bool extended = fdt_prop(r->in->host->fdt, r->host, "interrupts-extended", &prop);
    uint32_t intid, index, entries;
    enum status status = OK;
    bool edge;

    if (!extended && !fdt_prop(r->in->host->fdt, r->host, "interrupts", &prop)) {
        return;
    }
    entries = prop.len / 4u;
    for (index = 0; index < entries && (status == OK || (extended && status == ERR_NOENT)); index++) {
        status = host_interrupt(r->in->host, r->host, index, &intid, &edge);
        if (status == OK) {
            add_irq(r, intid, edge);
        }
    }
    if (status == ERR_INVALID) {
        complain(r, REPORT_ERROR, "xen,path", "interrupt %u of the host node is not an interrupt of the GIC",
                 index - 1u);
    }
}

/* Those of all devices behind a PCI bridge. */
static void read_bridge_irqs(struct request *r)
{
    bool more = true, edge = false;
    uint32_t intid = 0;

    for (uint32_t index = 0; more; index++) {
        enum status status = bridge_interrupt(r->in->host, r->host, index, &intid, &edge, &more);

        if (status == OK) {
            add_irq(r, intid, edge);
        } else if (status == ERR_INVALID) {
            complain(r, REPORT_ERROR, "xen,path", "entry %u of interrupt-map is malformed", index);
            more = false;
        }
    }
}

static void add_reset(struct request *r, const char *property, const struct domain_reset *reset)
{
    struct passthrough *out = r->out;
    uint32_t i;

    uint64_t last = reset->pa.v + (reset->count != 0 ? (reset->count - 1u) * (uint64_t)reset->stride : 0);

    for (i = 0; i < out->nr_maps; i++) {
        if (out->maps[i].kind == MAP_DEVICE && reset->pa.v >= out->maps[i].pa.v &&
            last - out->maps[i].pa.v <= out->maps[i].size - sizeof(uint32_t)) {
            break;
        }
    }
    if (i == out->nr_maps || reset->pa.v % sizeof(uint32_t) != 0) {
        complain(r, REPORT_ERROR, property, "register 0x%lx is not a word of the domain's devices", last);
    } else if (out->nr_resets >= out->max_resets) {
        complain(r, REPORT_ERROR, property, "more than %u reset steps in one domain", out->max_resets);
    } else {
        out->resets[out->nr_resets++] = *reset;
    }
}

/* Neighbours may be passed through by name too, and then have this step already. */
static void add_implied_reset(struct request *r, const struct domain_reset *reset)
{
    for (uint32_t i = 0; i < r->out->nr_resets; i++) {
        if (r->out->resets[i].pa.v == reset->pa.v) {
            return;
        }
    }
    add_reset(r, "xen,reg", reset);
}

/* bulkhead,reset = <offset value mask poll limit>*: write the value under the mask, then wait until the
 * register reads `poll` under the mask, for at most `limit` microseconds (0: do not wait). Returns whether
 * the node has a reset. */
static bool read_resets(struct request *r)
{
    struct fdt_prop prop;
    uint32_t cells[RESET_CELLS];
    struct domain_reset reset;

    if (!fdt_prop(r->in->partial, r->node, "bulkhead,reset", &prop)) {
        if (r->host != FDT_NONE && device_implied_reset(r->in->host->fdt, r->host, r->base, &reset)) {
            add_implied_reset(r, &reset);
            return true;
        }
        return false;
    }
    if (prop.len == 0 || prop.len % (4u * RESET_CELLS) != 0) {
        complain(r, REPORT_ERROR, "bulkhead,reset",
                 "must be steps of five cells: offset, value, mask, poll, limit in us");
        return true;
    }
    for (uint32_t i = 0; i < prop.len / 4u; i += RESET_CELLS) {
        for (uint32_t k = 0; k < RESET_CELLS; k++) {
            (void)fdt_cell(&prop, i + k, &cells[k]);
        }
        reset = (struct domain_reset){.pa = PA(r->base + cells[0]),
                                      .value = cells[1],
                                      .mask = cells[2],
                                      .poll_mask = cells[4] == 0 ? 0 : cells[2],
                                      .poll_value = cells[4] == 0 ? 0 : cells[3] & cells[2],
                                      .limit_us = cells[4]};
        add_reset(r, "bulkhead,reset", &reset);
    }
    return true;
}

/* The streams of the device's DMA become the domain's. False: no SMMU translates it. */
static bool is_translated(struct request *r, fdt_node_t host, const char *property, const char *device)
{
    struct passthrough *out = r->out;
    uint32_t first = out->nr_streams;
    enum status status =
        host == FDT_NONE ? ERR_NOENT
                         : streams_add(r->in->host, host, out->streams, out->max_streams, &out->nr_streams);

    if (status == ERR_NOMEM) {
        complain(r, REPORT_ERROR, property, "more than %u ranges of streams in one domain", out->max_streams);
    } else if (status == ERR_EXIST) {
        complain(r, REPORT_ERROR, property, "%s has some streams of another device of the domain", device);
    } else if (status == ERR_INVALID) {
        complain(r, REPORT_ERROR, property, "iommus or iommu-map of %s is malformed", device);
    }
    for (uint32_t i = first; i < out->nr_streams; i++) {
        const struct domain_stream *s = &out->streams[i];

        complain(r, REPORT_NOTE, property, "%s is behind SMMU, streams 0x%x to 0x%x", device, s->first,
                 s->first + (s->count - 1u));
    }
    return status != ERR_NOENT;
}

/* A DMA master that nothing translates sees all of RAM, at physical addresses. */
static bool accept_master(struct request *r, const char *property, const char *device, bool has_reset,
                          bool translated)
{
    const struct passthrough_input *in = r->in;
    uint32_t errors = in->report->errors;

    r->out->dma_unprotected = r->out->dma_unprotected || !translated;
    if (!translated && (!in->direct_map || !in->static_mem || !r->force)) {
        complain(r, REPORT_ERROR, property, "%s does DMA that no SMMU translates; it needs%s%s%s", device,
                 in->direct_map ? "" : " direct-map", in->static_mem ? "" : " xen,static-mem",
                 r->force ? "" : " xen,force-assign-without-iommu");
    }
    if (in->restarts && !has_reset) {
        complain(r, REPORT_ERROR, "bulkhead,reset",
                 "%s does DMA and has no reset, but the domain has a restart policy: describe the reset",
                 device);
    }
    return in->report->errors == errors;
}

static void check_dma(struct request *r, bool has_reset)
{
    const struct fdt *host = r->in->host->fdt, *partial = r->in->partial;
    bool told = fdt_has(partial, r->node, "bulkhead,dma");
    const char *name = fdt_name(partial, r->node);
    uint32_t dma = 0;

    if (told && (!fdt_u32(partial, r->node, "bulkhead,dma", &dma) || dma > 1)) {
        complain(r, REPORT_ERROR, "bulkhead,dma", "must be <0> or <1>");
    } else if (told ? dma != 0
                    : device_is_dma_master(partial, r->node) ||
                          (r->host != FDT_NONE && device_is_dma_master(host, r->host))) {
        bool translated = is_translated(r, r->host, "xen,path", name);

        if (accept_master(r, "xen,path", name, has_reset, translated) && !translated) {
            complain(r, REPORT_NOTE, "xen,path", "does DMA unprotected: its driver is trusted for all RAM");
        }
    } else if (!told && !device_is_dma_free(partial, r->node) &&
               (r->host == FDT_NONE || !device_is_dma_free(host, r->host))) {
        complain(r, REPORT_NOTE, "xen,reg", "may do DMA, unprotected (bulkhead,dma = <0> or <1> settles it)");
    }
}

static bool in_own_maps(const struct request *r, uint64_t base, uint64_t size)
{
    for (uint32_t i = r->first_map; i < r->out->nr_maps; i++) {
        if (ranges_overlap(r->out->maps[i].pa.v, r->out->maps[i].size, base, size)) {
            return true;
        }
    }
    return false;
}

static bool is_passed(const struct request *r, fdt_node_t host)
{
    uint32_t i;

    for (i = 0; i < r->out->nr_nodes && r->out->nodes[i] != host; i++) {
    }
    return i < r->out->nr_nodes;
}

/* Devices beside the one that was asked for, whose registers share its pages: the domain reaches them as
 * well, so that the rules for DMA and for reset hold for them too. */
static void check_neighbours(struct request *r)
{
    const struct fdt *fdt = r->in->host->fdt;
    struct domain_reset reset;
    fdt_node_t lineage[FDT_MAX_DEPTH];
    uint64_t base, size;

    memcpy(lineage, r->lineage, sizeof(lineage));
    for_each_child (fdt, lineage[r->depth - 1u], node) {
        lineage[r->depth] = node;
        if (is_passed(r, node) || fdt_reg_in(fdt, lineage, r->depth, 0, &base, &size) != OK ||
            !in_own_maps(r, base, size)) {
            continue;
        }
        complain(r, REPORT_NOTE, "xen,reg", "the same pages hold %s: the domain reaches it too",
                 fdt_name(fdt, node));
        if (r->out->nr_nodes < r->out->max_nodes) {
            r->out->nodes[r->out->nr_nodes++] = node; /* once is enough */
        }
        if (device_is_dma_master(fdt, node)) {
            bool has_reset = device_implied_reset(fdt, node, base, &reset);
            bool translated = is_translated(r, node, "xen,reg", fdt_name(fdt, node));

            if (has_reset) {
                add_implied_reset(r, &reset);
            }
            (void)accept_master(r, "xen,reg", fdt_name(fdt, node), has_reset, translated);
        }
    }
}

static void check_names(struct request *r, bool passed)
{
    struct fdt_prop prop;

    for_each_prop (r->in->partial, r->node, &prop) {
        if (strncmp(prop.name, "bulkhead,", 9) != 0) {
            continue;
        }
        if (strcmp(prop.name, "bulkhead,reset") != 0 && strcmp(prop.name, "bulkhead,dma") != 0) {
            complain(r, REPORT_ERROR, prop.name, "unknown property");
        } else if (!passed) {
            complain(r, REPORT_ERROR, prop.name, "has no meaning without xen,reg");
        }
    }
}

static void read_node(struct request *r, fdt_node_t parent)
{
    const struct fdt *partial = r->in->partial;
    struct fdt_prop reg, prop;
    bool has_reg = fdt_prop(partial, r->node, "xen,reg", &reg),
         has_path = fdt_prop(partial, r->node, "xen,path", &prop);

    check_names(r, has_reg);
    if (!has_reg && !has_path) {
        return;
    }
    if (!has_reg || (!has_path && !r->force)) {
        complain(
            r, REPORT_ERROR, has_reg ? "xen,path" : "xen,reg",
            "is missing: xen,reg and xen,path come together, unless xen,force-assign-without-iommu is given");
        return;
    }
    read_regs(r, &reg, parent);
    if (has_path && (prop.len == 0 || prop.data[prop.len - 1u] != 0)) {
        complain(r, REPORT_ERROR, "xen,path", "is not a string");
    } else if (has_path) {
        find_host_node(r, (const char *)prop.data);
    }
    if (r->host != FDT_NONE) {
        read_irqs(r);
        read_bridge_irqs(r);
    }
    check_dma(r, read_resets(r));
    if (r->host != FDT_NONE && r->depth > 0) {
        check_neighbours(r);
    }
}

enum status passthrough_scan(const struct passthrough_input *in, struct passthrough *out)
{
    const struct fdt *partial = in->partial;
    uint32_t errors = in->report->errors, depth = 0;
    fdt_node_t parents[FDT_MAX_DEPTH], node;
    struct request r;

    parents[0] = fdt_child(partial, fdt_root(partial), "passthrough");
    if (parents[0] == FDT_NONE) {
        (void)partial_path(in->host->fdt, in->module, partial, fdt_root(partial), r.path, sizeof(r.path));
        report_at(in->report, REPORT_WARNING, r.path, "",
                  "has no node /passthrough: nothing is passed through");
        return OK;
    }
    node = fdt_next_node_depth(partial, parents[0], &depth);
    while (node != FDT_NONE && depth > 0) {
        parents[depth % FDT_MAX_DEPTH] = node;
        r = (struct request){.in = in, .out = out, .node = node, .host = FDT_NONE, .first_map = out->nr_maps};
        r.force = fdt_has(partial, node, "xen,force-assign-without-iommu");
        (void)partial_path(in->host->fdt, in->module, partial, node, r.path, sizeof(r.path));
        read_node(&r, parents[depth - 1u]);
        node = fdt_next_node_depth(partial, node, &depth);
    }
    return in->report->errors == errors ? OK : ERR_INVALID;
}
