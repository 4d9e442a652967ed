/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware domain: Xen's dom0 without Xen's control interface. IPA = PA; RAM, devices and interrupts are
 * what nobody else was given, so that it is placed last. */
#include "base/string.h"
#include "boot/enhanced.h"
#include "boot/planner.h"
#include "boot/streams.h"

#define BLOCK MIB(2)

static bool has_kernel(const struct planner *p)
{
    for_each_child (p->fdt, p->chosen, node) {
        if (is_module(p->fdt, node)) {
            return true;
        }
    }
    return false;
}

/* Xen's sizes: KiB without a suffix; "512M,max:1G" and "min:512M" mean 512 MiB. 0 if malformed. */
static uint64_t parse_size(const char *s)
{
    uint64_t n = 0;

    if (strncmp(s, "min:", 4) == 0 || strncmp(s, "max:", 4) == 0) {
        s += 4;
    }
    for (; *s >= '0' && *s <= '9' && n < GIB(64); s++) {
        n = n * 10u + (uint64_t)(*s - '0');
    }
    switch (*s) {
    case 'G':
    case 'g':
        return n * GIB(1);
    case 'M':
    case 'm':
        return n * MIB(1);
    case 'B':
    case 'b':
        return n;
    default:
        return n * KIB(1);
    }
}

void hardware_read(struct planner *p)
{
    const char *line = plan_command_line(p->fdt);
    uint32_t most = p->host->gic.version == 2 ? 8 : MAX_VCPUS;
    struct domain_record *r;
    struct draft *d;
    char value[32];
    uint64_t cpus;

    if (!has_kernel(p)) {
        return;
    }
    d = draft_new(p, p->chosen);
    if (d == NULL) {
        return;
    }
    r = d->record;
    p->hardware = d;
    memcpy(r->name, "dom0", 5);
    r->flags = DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP;
    r->priority = 128;
    r->restart_window_ms = 60000;
    r->nr_spis = (uint16_t)min_u64(align_up(p->in->host_spis, 32), 960);
    cpus = min_u64(p->host->nr_cpus, most);
    if (plan_argument(line, "dom0_max_vcpus", value, sizeof(value))) {
        uint64_t wanted = parse_size(value) / 1024u;

        if (wanted == 0 || wanted > cpus) {
            error(p, p->chosen, "xen,xen-bootargs", "dom0_max_vcpus must be 1 to %lu", cpus);
        } else {
            cpus = wanted;
        }
    }
    r->nr_vcpus = (uint16_t)cpus;
    if (plan_argument(line, "dom0_mem", value, sizeof(value))) {
        d->memory = align_up(parse_size(value), BLOCK);
        if (d->memory == 0) {
            error(p, p->chosen, "xen,xen-bootargs", "dom0_mem is not a size");
        }
    }
    if (p->host->uart.type != UART_NONE && p->host->uart.irq >= 32) {
        r->flags |= DOMAIN_VPL011; /* where the host's UART is, which stays with the hypervisor */
    }
    enhanced_read(p, d);
    modules_read(p, d);
}

/* Free RAM in blocks of 2 MiB, largest piece first, until dom0_mem is reached or nothing is left. */
static void place_ram(struct planner *p, struct draft *d)
{
    uint64_t total = 0, want = d->memory == 0 ? UINT64_MAX : d->memory, size, base = 0;

    while (total < want && p->nr_maps < MAX_MAPS / 2u) {
        size = min_u64(ranges_largest(&p->free, BLOCK, &base), want - total);
        if (size == 0 || ranges_remove(&p->free, base, size) != OK) {
            break;
        }
        p->maps[p->nr_maps++] = (struct domain_map){IPA(base), PA(base), size, MAP_RAM};
        total += size;
    }
    if (total == 0 || total < d->memory) {
        error(p, d->node, "xen,xen-bootargs",
              "dom0_mem: %lu KiB are wanted, but only %lu KiB of RAM are left", d->memory / 1024u,
              total / 1024u);
    }
    d->memory = total;
}

static bool overlaps_others(const struct planner *p, uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        const struct domain_record *r = p->drafts[i].record;

        for (uint32_t k = 0; k < r->nr_maps && &p->drafts[i] != p->hardware; k++) {
            if (r->maps[k].kind == MAP_DEVICE &&
                ranges_overlap(r->maps[k].pa.v, r->maps[k].size, base, size)) {
                return true;
            }
        }
    }
    return false;
}

static void add_pages(struct planner *p, struct ranges *set, fdt_node_t node, uint64_t base, uint64_t size)
{
    uint64_t start = align_down(base, PAGE_SIZE);

    if (size == 0 || base + size > UINT64_C(1) << p->in->ipa_bits_max) {
        return;
    }
    if (ranges_add(set, start, align_up(base + size, PAGE_SIZE) - start) != OK) {
        error(p, node, "reg", "the hardware domain's devices are in too many pieces");
    }
}

/* Memory windows of a PCI host bridge: <3 cells, CPU address, 2 cells of size>. */
static void add_windows(struct planner *p, struct ranges *set, fdt_node_t node, fdt_node_t parent)
{
    uint32_t address_cells, size_cells, at = 0;
    struct fdt_prop prop;
    uint64_t base, size;

    if (!fdt_prop(p->fdt, node, "device_type", &prop) || !fdt_string_list_has(&prop, "pci") ||
        !fdt_prop(p->fdt, node, "ranges", &prop)) {
        return;
    }
    fdt_cells(p->fdt, parent, &address_cells, &size_cells);
    for (at = 3; fdt_number(&prop, &at, address_cells, &base) && fdt_number(&prop, &at, 2, &size); at += 3) {
        if (base + size > base) {
            add_pages(p, set, node, base, size);
        }
    }
}

/* A device that another domain reaches is not in the hardware domain's tree. */
static void add_device(struct planner *p, struct ranges *set, const fdt_node_t *lineage, uint32_t depth)
{
    uint64_t base, size;
    unsigned i;

    for (i = 0; fdt_reg_in(p->fdt, lineage, depth, i, &base, &size) == OK; i++) {
        if (!overlaps_others(p, base, size)) {
            add_pages(p, set, lineage[depth], base, size);
        } else if (p->nr_hidden < MAX_HIDDEN) {
            p->hidden[p->nr_hidden++] = lineage[depth];
        } else {
            error(p, lineage[depth], "reg", "too many devices are given to domains");
        }
    }
    if (i > 0) {
        add_windows(p, set, lineage[depth], lineage[depth - 1u]);
    }
}

/* Its DMA goes through the SMMU like that of others. */
static void add_streams(struct planner *p, fdt_node_t node)
{
    enum status status = streams_add(p->host, node, p->streams, MAX_STREAMS, &p->nr_streams);

    if (status != OK && status != ERR_NOENT) {
        error(p, node, "iommus", "its streams are malformed, too many, or overlap those of another device");
    }
}

/* Nobody gets an SMMU. */
static void hide_smmus(struct planner *p)
{
    for (uint32_t i = 0; i < p->host->nr_smmus; i++) {
        if (p->nr_hidden < MAX_HIDDEN) {
            p->hidden[p->nr_hidden++] = p->host->smmus[i].node;
        } else {
            error(p, p->host->smmus[i].node, "reg", "too many devices are given to domains");
        }
    }
}

static void add_devices(struct planner *p, struct ranges *set)
{
    fdt_node_t lineage[FDT_MAX_DEPTH], node = fdt_root(p->fdt);
    uint32_t depth = 0, off_depth = FDT_MAX_DEPTH;

    lineage[0] = node;
    for (node = fdt_next_node_depth(p->fdt, node, &depth); node != FDT_NONE;
         node = fdt_next_node_depth(p->fdt, node, &depth)) {
        lineage[depth] = node;
        if (depth > off_depth) {
            continue;
        }
        off_depth = FDT_MAX_DEPTH;
        if (node == p->chosen || node == p->host->gic.node || host_is_smmu(p->host, node) ||
            !fdt_okay(p->fdt, node) || fdt_has(p->fdt, node, "xen,passthrough") ||
            strcmp(fdt_name(p->fdt, node), "reserved-memory") == 0) {
            off_depth = depth;
        } else {
            add_device(p, set, lineage, depth);
            if (p->nr_hidden == 0 || p->hidden[p->nr_hidden - 1u] != node) {
                add_streams(p, node); /* else another domain has it */
            }
        }
    }
}

static void keep_out(struct planner *p, struct ranges *set, uint64_t base, uint64_t size)
{
    uint64_t start = align_down(base, PAGE_SIZE);

    if (size != 0 && ranges_remove(set, start, align_up(base + size, PAGE_SIZE) - start) != OK) {
        error(p, p->chosen, "", "the hardware domain's devices are in too many pieces");
    }
}

/* What is the hypervisor's or another domain's may share pages with what is not: it is cut out of the whole.
 */
static void keep_out_all(struct planner *p, struct ranges *set)
{
    const struct host_gic *gic = &p->host->gic;

    for (uint32_t i = 0; i < p->ram.count; i++) {
        keep_out(p, set, p->ram.at[i].base, p->ram.at[i].size);
    }
    for (uint32_t i = 0; i < gic->nr_regs; i++) {
        keep_out(p, set, gic->regs[i].base, gic->regs[i].size);
    }
    for (uint32_t i = 0; i < p->host->nr_smmus; i++) {
        keep_out(p, set, p->host->smmus[i].base, p->host->smmus[i].size);
    }
    if (p->host->uart.type != UART_NONE) {
        keep_out(p, set, p->host->uart.pa, PAGE_SIZE);
    }
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        const struct domain_record *r = p->drafts[i].record;

        for (uint32_t k = 0; k < r->nr_maps && &p->drafts[i] != p->hardware; k++) {
            if (r->maps[k].kind == MAP_DEVICE) {
                keep_out(p, set, r->maps[k].pa.v, r->maps[k].size);
            }
        }
    }
}

static bool given_away(const struct planner *p, uint32_t intid)
{
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        const struct domain_record *r = p->drafts[i].record;

        for (uint32_t k = 0; k < r->nr_irqs && &p->drafts[i] != p->hardware; k++) {
            if (r->irqs[k].pirq == intid) {
                return true;
            }
        }
    }
    for (uint32_t i = 0; i < p->host->nr_smmus; i++) {
        if (p->host->smmus[i].irq == intid) {
            return true;
        }
    }
    return intid == p->host->uart.irq;
}

/* All SPIs that are left: which of them a device raises, and how, its driver knows. */
static void give_irqs(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    struct domain_irq *irqs = record_alloc(p, d->node, r->nr_spis * sizeof(*irqs));

    for (uint32_t intid = 32; irqs != NULL && intid < 32u + min_u64(r->nr_spis, p->in->host_spis); intid++) {
        if (!given_away(p, intid)) {
            irqs[r->nr_irqs++] = (struct domain_irq){(uint16_t)intid, (uint16_t)intid, false};
        }
    }
    r->irqs = irqs;
}

void hardware_place(struct planner *p, struct draft *d)
{
    struct ranges *devices = &p->devices;

    place_ram(p, d);
    devices->count = 0;
    hide_smmus(p);
    add_devices(p, devices);
    keep_out_all(p, devices);
    for (uint32_t i = 0; i < devices->count; i++) {
        if (p->nr_maps == MAX_MAPS) {
            error(p, d->node, "", "the hardware domain's devices are in too many pieces");
            break;
        }
        p->maps[p->nr_maps++] = (struct domain_map){IPA(devices->at[i].base), PA(devices->at[i].base),
                                                    devices->at[i].size, MAP_DEVICE};
    }
    give_irqs(p, d);
    d->record->flags |= DOMAIN_DMA_UNPROTECTED;
    complain(p, REPORT_NOTE, d->node, "",
             "hardware domain: it has every device that no domain was given, and with "
             "their DMA it is trusted for all RAM");
}
