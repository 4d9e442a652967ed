/* SPDX-License-Identifier: Apache-2.0 */
/* RAM of a domain: which host memory, and at which IPA. */
#include "base/string.h"
#include "boot/planner.h"

/* Xen's banks of guest RAM. */
const struct host_range guest_banks[NR_GUEST_BANKS] = {
    {0x40000000, 0xc0000000},
    {0x200000000, 0xfe00000000},
};

#define BLOCK MIB(2)

static bool add_map(struct planner *p, struct draft *d, uint64_t ipa, uint64_t pa, uint64_t size)
{
    struct domain_map *last = p->nr_maps > 0 ? &p->maps[p->nr_maps - 1u] : NULL;

    if (last != NULL && last->kind == MAP_RAM && last->ipa.v + last->size == ipa &&
        last->pa.v + last->size == pa) {
        last->size += size;
        return true;
    }
    if (p->nr_maps == MAX_MAPS) {
        error(p, d->node, "memory", "free RAM is in too many pieces");
        return false;
    }
    p->maps[p->nr_maps++] = (struct domain_map){IPA(ipa), PA(pa), size, MAP_RAM};
    return true;
}

/* Maps host range [pa, pa + size) behind what the banks already hold; *used counts all banks' bytes. */
static bool fill_banks(struct planner *p, struct draft *d, uint64_t *used, uint64_t pa, uint64_t size)
{
    uint64_t start = *used;

    *used += size;
    for (uint32_t i = 0; i < NR_GUEST_BANKS && size > 0; i++) {
        if (start < guest_banks[i].size) {
            uint64_t part = min_u64(size, guest_banks[i].size - start);

            if (!add_map(p, d, guest_banks[i].base + start, pa, part)) {
                return false;
            }
            pa += part;
            size -= part;
            start += part;
        }
        start -= guest_banks[i].size;
    }
    return true;
}

/* Whole 2 MiB blocks first, so that stage 2 can use blocks; what is smaller comes from the smallest piece
 * that has room. */
static bool take_some(struct planner *p, uint64_t want, uint64_t *pa, uint64_t *size)
{
    uint64_t align = want >= BLOCK ? BLOCK : PAGE_SIZE, ignored;

    *size = align_down(want, align);
    if (ranges_take(&p->free, *size, align, align == PAGE_SIZE, pa) == OK) {
        return true;
    }
    *size = min_u64(*size, ranges_largest(&p->free, align, &ignored));
    if (*size == 0 && align == BLOCK) {
        align = PAGE_SIZE;
        *size = min_u64(want, ranges_largest(&p->free, align, &ignored));
    }
    return *size > 0 && ranges_take(&p->free, *size, align, true, pa) == OK;
}

static void place_anywhere(struct planner *p, struct draft *d)
{
    uint64_t used = 0, pa = 0, size = 0;

    while (used < d->memory) {
        if (!take_some(p, d->memory - used, &pa, &size)) {
            error(p, d->node, "memory", "%lu KiB are wanted, but only %lu KiB of %s are left",
                  d->memory / 1024u, used / 1024u, p->heap_given ? "xen,static-heap" : "RAM");
            return;
        }
        if (!fill_banks(p, d, &used, pa, size)) {
            return;
        }
    }
}

static void place_static(struct planner *p, struct draft *d)
{
    bool direct = (d->record->flags & DOMAIN_DIRECT_MAP) != 0;
    struct fdt_prop prop;
    uint64_t pa, size, used = 0;
    uint32_t at = 0;

    if (!fdt_prop(p->fdt, d->node, "xen,static-mem", &prop)) {
        return;
    }
    if (p->address_cells + p->size_cells == 0 || prop.len == 0 ||
        prop.len % (4u * (p->address_cells + p->size_cells)) != 0) {
        error(p, d->node, "xen,static-mem",
              "is not a list of <address size> in the cells of /chosen (%u and %u)", p->address_cells,
              p->size_cells);
        return;
    }
    while (fdt_number(&prop, &at, p->address_cells, &pa) && fdt_number(&prop, &at, p->size_cells, &size)) {
        if (!(direct ? add_map(p, d, pa, pa, size) : fill_banks(p, d, &used, pa, size))) {
            return;
        }
        used += direct ? size : 0;
    }
    if (used != d->memory) {
        error(p, d->node, "xen,static-mem", "the ranges have %lu KiB together, but memory says %lu KiB",
              used / 1024u, d->memory / 1024u);
    }
}

/* Where the domain sees the devices that every domain has. */
static void place_devices(struct planner *p, struct draft *d)
{
    const struct host_gic *gic = &p->host->gic;
    struct domain_record *r = d->record;
    uint64_t frames = gic->version == 3 ? r->nr_vcpus * KIB(128) : 0;

    if ((r->flags & DOMAIN_DIRECT_MAP) == 0) {
        r->gicd = IPA(0x03001000);
        r->gicr_or_gicc = IPA(gic->version == 3 ? 0x03020000 : 0x03002000);
        r->uart = IPA(0x22000000);
        r->uart_virq = 32;
        return;
    }
    r->gicd = IPA(gic->regs[GICD].base);
    r->gicr_or_gicc = IPA(gic->regs[gic->version == 3 ? GICR : GICC].base);
    if (frames > gic->regs[GICR].size) {
        error(p, d->node, "cpus", "the host's first redistributor region has no room for %u vCPUs",
              r->nr_vcpus);
    }
    if ((r->flags & DOMAIN_VPL011) == 0) {
        return;
    }
    r->uart = IPA(align_down(p->host->uart.pa, PAGE_SIZE));
    r->uart_virq = (uint16_t)p->host->uart.irq;
    if (p->host->uart.type == UART_NONE || p->host->uart.irq < 32) {
        error(p, d->node, "vpl011",
              "direct-map puts it where the host's UART is, but the host has none in use");
    }
}

void memory_place(struct planner *p, struct draft *d)
{
    p->nr_maps = 0;
    if (d == p->hardware) {
        hardware_place(p, d);
    } else if (d->memory != 0 && d->is_static) {
        place_static(p, d);
    } else if (d->memory != 0) {
        place_anywhere(p, d);
    }
    for (uint32_t i = 0; i < p->nr_maps; i++) {
        if (p->maps[i].ipa.v + p->maps[i].size - 1u > (UINT64_C(1) << p->in->ipa_bits_max) - 1u) {
            error(p, d->node, "memory", "RAM reaches above the CPU's %u bits of guest physical address",
                  p->in->ipa_bits_max);
        }
    }
    place_devices(p, d);
    if (p->host->gic.version == 2) { /* the array has one more entry for this */
        /* the page of GICC_DIR stays out: deactivation is trapped when it has to be */
        p->maps[p->nr_maps++] = (struct domain_map){d->record->gicr_or_gicc, PA(p->host->gic.regs[GICV].base),
                                                    PAGE_SIZE, MAP_GICV};
    }
}
