/* SPDX-License-Identifier: Apache-2.0 */
/* What no domain may be given, and what two domains may not be given both. RAM is in claims.c. */
#include "boot/conflicts.h"

#include "base/string.h"
#include "boot/extensions.h"
#include "boot/streams.h"
#include "boot/virtio_devices.h"

/* Xen's guest layout: grant table and the page of the PV console. */
#define XEN_REGION      UINT64_C(0x38000000)
#define XEN_REGION_SIZE MIB(32)

const char *ipa_reserved(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size)
{
    const struct domain_record *r = d->record;
    bool v3 = p->host->gic.version == 3;

    if (ranges_overlap(base, size, r->gicd.v, v3 ? KIB(64) : PAGE_SIZE) ||
        ranges_overlap(base, size, r->gicr_or_gicc.v, v3 ? r->nr_vcpus * KIB(128) : KIB(8))) {
        return "its interrupt controller";
    }
    if ((r->flags & DOMAIN_VPL011) != 0 && ranges_overlap(base, size, r->uart.v, PAGE_SIZE)) {
        return "its vpl011";
    }
    if ((r->flags & (DOMAIN_ENHANCED | DOMAIN_DIRECT_MAP)) == DOMAIN_ENHANCED &&
        ranges_overlap(base, size, XEN_REGION, XEN_REGION_SIZE)) {
        return "its grant table and console";
    }
    return NULL;
}

const char *ipa_mapped(const struct planner *p, uint64_t base, uint64_t size)
{
    static const char *const names[MAP_SHARED_READ + 1] = {[MAP_RAM] = "RAM",
                                                           [MAP_GICV] = "its interrupt controller",
                                                           [MAP_DEVICE] = "a device",
                                                           [MAP_SHARED] = "shared memory",
                                                           [MAP_SHARED_READ] = "shared memory"};

    for (uint32_t i = 0; i < p->nr_maps; i++) {
        if (ranges_overlap(base, size, p->maps[i].ipa.v, p->maps[i].size)) {
            return names[p->maps[i].kind];
        }
    }
    return NULL;
}

const char *ipa_taken(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size)
{
    const char *what = ipa_mapped(p, base, size);

    what = what != NULL ? what : ipa_reserved(p, d, base, size);
    what = what != NULL ? what : extensions_at(p, d, base, size);
    return what != NULL ? what : virtio_at(p, d, base, size);
}

/* Messages about devices name the partial tree that asks for them. */
static fdt_node_t source(const struct draft *d)
{
    return d->partial.node != FDT_NONE ? d->partial.node : d->node;
}

static void refuse_range(struct planner *p, const struct draft *d, const struct domain_map *map,
                         uint64_t base, uint64_t size, const char *what)
{
    if (ranges_overlap(map->pa.v, map->size, base, size)) {
        error(p, source(d), "xen,reg", "host range 0x%lx + 0x%lx has %s", map->pa.v, map->size, what);
    }
}

/* A reserved-memory node may be given whole or in part: nobody else has it. */
static bool is_reserved(const struct host *host, uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < host->nr_reserved; i++) {
        const struct host_reserved *r = &host->reserved[i];

        if (base >= r->base && base - r->base <= r->size && size <= r->size - (base - r->base)) {
            return true;
        }
    }
    return false;
}

static void check_host(struct planner *p, const struct draft *d, const struct domain_map *map)
{
    const struct host *host = p->host;
    const struct host_gic *gic = &host->gic;

    for (uint32_t i = 0; i < gic->nr_regs; i++) {
        refuse_range(p, d, map, gic->regs[i].base, gic->regs[i].size, "the interrupt controller");
    }
    for (uint32_t i = 0; i < host->nr_smmus; i++) {
        refuse_range(p, d, map, host->smmus[i].base, host->smmus[i].size, "an SMMU");
    }
    if (host->uart.type != UART_NONE) {
        refuse_range(p, d, map, align_down(host->uart.pa, PAGE_SIZE), PAGE_SIZE,
                     "the UART of the hypervisor's console");
    }
    for (uint32_t i = 0; i < p->ram.count && !is_reserved(host, map->pa.v, map->size); i++) {
        refuse_range(p, d, map, p->ram.at[i].base, p->ram.at[i].size, "RAM of the host");
    }
}

static void refuse_ipa(struct planner *p, const struct draft *d, const struct domain_map *map,
                       const char *what)
{
    if (what != NULL) {
        error(p, source(d), "xen,reg", "guest address 0x%lx is where the domain has %s", map->ipa.v, what);
    }
}

static void check_guest(struct planner *p, const struct draft *d, const struct domain_map *map)
{
    const struct domain_record *r = d->record;

    if (map->ipa.v + map->size > UINT64_C(1) << p->in->ipa_bits_max || map->pa.v + map->size > UINT64_C(1)
                                                                                                   << 48) {
        error(p, source(d), "xen,reg", "host 0x%lx, guest 0x%lx: above what this CPU can address", map->pa.v,
              map->ipa.v);
    }
    refuse_ipa(p, d, map, ipa_reserved(p, d, map->ipa.v, map->size));
    for (uint32_t i = 0; i < r->nr_maps; i++) {
        if (r->maps[i].kind == MAP_RAM &&
            ranges_overlap(map->ipa.v, map->size, r->maps[i].ipa.v, r->maps[i].size)) {
            refuse_ipa(p, d, map, "its RAM");
        }
    }
}

static void check_other(struct planner *p, const struct draft *d, const struct domain_map *map,
                        const struct draft *other)
{
    for (uint32_t i = 0; i < other->record->nr_maps; i++) {
        const struct domain_map *o = &other->record->maps[i];

        if (o->kind == MAP_DEVICE && ranges_overlap(map->pa.v, map->size, o->pa.v, o->size)) {
            error(p, source(d), "xen,reg", "host range 0x%lx + 0x%lx is given to %s too", map->pa.v,
                  map->size, other->record->name);
        }
    }
}

static void check_irq(struct planner *p, uint32_t index, const struct domain_irq *irq)
{
    const struct draft *d = &p->drafts[index];
    const struct domain_record *r = d->record;

    if (irq->virq >= 32u + r->nr_spis) {
        error(p, d->node, "nr_spis",
              "interrupt %u (SPI %u) is passed through, but the domain has only %u SPIs", irq->virq,
              irq->virq - 32u, r->nr_spis);
    }
    if ((r->flags & DOMAIN_VPL011) != 0 && irq->virq == r->uart_virq) {
        error(p, source(d), "xen,path", "interrupt %u is the one of the domain's vpl011", irq->virq);
    }
    if (p->host->uart.irq != 0 && irq->pirq == p->host->uart.irq) {
        error(p, source(d), "xen,path", "interrupt %u is the one of the hypervisor's console", irq->pirq);
    }
    for (uint32_t i = 0; i < index; i++) {
        const struct domain_record *other = p->drafts[i].record;

        for (uint32_t k = 0; k < other->nr_irqs; k++) {
            if (other->irqs[k].pirq == irq->pirq) {
                error(p, source(d), "xen,path", "interrupt %u is given to %s too", irq->pirq, other->name);
            }
        }
    }
}

/* DMA of one stream goes to one domain. */
static void check_stream(struct planner *p, uint32_t index, const struct domain_stream *stream)
{
    const struct draft *d = &p->drafts[index];

    for (uint32_t i = 0; i < index; i++) {
        const struct domain_record *other = p->drafts[i].record;

        for (uint32_t k = 0; k < other->nr_streams; k++) {
            if (streams_overlap(stream, &other->streams[k])) {
                error(p, source(d), "xen,path", "stream 0x%x of the SMMU is given to %s too",
                      (uint32_t)max_u64(stream->first, other->streams[k].first), other->name);
            }
        }
    }
}

void conflicts_check(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        const struct draft *d = &p->drafts[i];

        for (uint32_t k = 0; k < d->record->nr_streams; k++) {
            check_stream(p, i, &d->record->streams[k]);
        }
        if (d == p->hardware) {
            continue; /* it has what is left */
        }
        for (uint32_t k = 0; k < d->record->nr_maps; k++) {
            const struct domain_map *map = &d->record->maps[k];

            if (map->kind != MAP_DEVICE) {
                continue;
            }
            check_host(p, d, map);
            check_guest(p, d, map);
            for (uint32_t other = 0; other < i; other++) {
                check_other(p, d, map, &p->drafts[other]);
            }
        }
        for (uint32_t k = 0; k < d->record->nr_irqs; k++) {
            check_irq(p, i, &d->record->irqs[k]);
        }
    }
}
