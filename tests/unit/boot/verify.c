/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for every plan, whatever the device tree said. Written without a look at how the planner
 * works. */
#include "verify.h"

static bool in_host_ram(const struct host *host, uint64_t base, uint64_t size)
{
    uint64_t at = base;
    uint32_t i;
    bool found = true;

    while (at < base + size && found) {
        found = false;
        for (i = 0; i < host->nr_ram; i++) {
            if (at >= host->ram[i].base && at - host->ram[i].base < host->ram[i].size) {
                at = host->ram[i].base + host->ram[i].size;
                found = true;
                break;
            }
        }
    }
    return found;
}

static const char *verify_ram(const struct board *board, const struct domain_map *map)
{
    const struct host *host = &board->host;
    const struct plan_input *in = &board->input;
    uint32_t i;

    if (!in_host_ram(host, map->pa.v, map->size)) {
        return "RAM of a domain is not RAM of the host";
    }
    for (i = 0; i < host->nr_reserved; i++) {
        if (ranges_overlap(host->reserved[i].base, host->reserved[i].size, map->pa.v, map->size)) {
            return "RAM of a domain is reserved";
        }
    }
    if (ranges_overlap(in->image_pa, in->image_size, map->pa.v, map->size) ||
        ranges_overlap(in->blob_pa, board->fdt.size, map->pa.v, map->size) ||
        ranges_overlap(board->arena.pa, board->arena.size, map->pa.v, map->size)) {
        return "RAM of a domain is the hypervisor's";
    }
    return NULL;
}

static const char *verify_maps(const struct board *board, const struct domain_record *r)
{
    const char *broken;
    uint32_t i, k;

    for (i = 0; i < r->nr_maps; i++) {
        const struct domain_map *m = &r->maps[i];

        if (m->size == 0 || m->ipa.v % PAGE_SIZE != 0 || m->pa.v % PAGE_SIZE != 0 ||
            m->size % PAGE_SIZE != 0) {
            return "a map is not made of pages";
        }
        if (m->ipa.v + m->size > UINT64_C(1) << board->input.ipa_bits_max) {
            return "a map reaches above the IPA space";
        }
        if ((r->flags & DOMAIN_DIRECT_MAP) != 0 && m->kind == MAP_RAM && m->ipa.v != m->pa.v) {
            return "direct-map, but IPA is not PA";
        }
        for (k = 0; k < i; k++) {
            if (ranges_overlap(m->ipa.v, m->size, r->maps[k].ipa.v, r->maps[k].size)) {
                return "maps of one domain overlap";
            }
        }
        broken = m->kind != MAP_DEVICE && m->kind != MAP_GICV ? verify_ram(board, m) : NULL;
        if (broken != NULL) {
            return broken;
        }
    }
    return NULL;
}

static const char *verify_loads(const struct board *board, const struct domain_record *r)
{
    uint32_t i, k, l;
    bool has_dtb = false, has_entry = false;

    for (i = 0; i < r->nr_loads; i++) {
        const struct domain_load *load = &r->loads[i];
        uint64_t size = load->size + load->zero_tail;

        for (k = 0; k < r->nr_maps; k++) {
            if (r->maps[k].kind == MAP_RAM && load->ipa.v >= r->maps[k].ipa.v &&
                load->ipa.v + size <= r->maps[k].ipa.v + r->maps[k].size) {
                break;
            }
        }
        if (k == r->nr_maps) {
            return "a load does not lie in one range of RAM";
        }
        for (l = 0; l < i; l++) {
            if (ranges_overlap(load->ipa.v, size, r->loads[l].ipa.v,
                               r->loads[l].size + r->loads[l].zero_tail)) {
                return "loads overlap";
            }
        }
        has_dtb = has_dtb || load->ipa.v == r->dtb.v;
        has_entry = has_entry || load->ipa.v == r->entry.v;
        if (ranges_overlap(load->source.v, load->size, board->arena.pa, board->arena.size) &&
            load->source.v + load->size > board->arena.pa + board->arena.used) {
            return "a load's source is not in the used part of the arena";
        }
    }
    return !has_dtb             ? "no load is at dtb"
           : !has_entry         ? "no load is at entry"
           : r->dtb.v % 8u != 0 ? "dtb is odd"
                                : NULL;
}

static const char *verify_cpus(const struct board *board, const struct domain_record *r)
{
    uint32_t i, k;

    if (r->nr_vcpus == 0 || r->nr_vcpus > MAX_VCPUS) {
        return "number of vCPUs";
    }
    for (i = 0; i < r->nr_vcpus; i++) {
        if (r->vcpus[i].pcpu >= board->host.nr_cpus ||
            (board->plan.pcpu_mask & (1u << r->vcpus[i].pcpu)) == 0) {
            return "a vCPU is on a pCPU that is not there";
        }
        for (k = 0; k < i; k++) {
            if (r->vcpus[i].affinity == r->vcpus[k].affinity) {
                return "two vCPUs have one affinity";
            }
        }
    }
    return NULL;
}

static const char *verify_irqs(const struct board *board, const struct domain_record *r)
{
    uint32_t i, k;

    if (r->nr_spis % 32u != 0 || r->nr_spis > 960) {
        return "nr_spis";
    }
    for (i = 0; i < r->nr_irqs; i++) {
        const struct domain_irq *irq = &r->irqs[i];

        if (irq->virq < 32 || irq->virq >= 32u + r->nr_spis || irq->pirq < 32 || irq->pirq >= 1020) {
            return "an interrupt is out of range";
        }
        if (irq->pirq == board->host.uart.irq ||
            ((r->flags & DOMAIN_VPL011) != 0 && irq->virq == r->uart_virq)) {
            return "an interrupt is somebody else's";
        }
        for (k = 0; k < i; k++) {
            if (irq->virq == r->irqs[k].virq || irq->pirq == r->irqs[k].pirq) {
                return "an interrupt twice in one domain";
            }
        }
    }
    return NULL;
}

static bool is_shared(const struct domain_map *map)
{
    return map->kind == MAP_SHARED || map->kind == MAP_SHARED_READ;
}

/* Each end of a channel is the other end of its other end; a port is used once. */
static const char *verify_ports(const struct board *board, const struct domain_record *r)
{
    const struct plan *plan = &board->plan;
    uint32_t i, k, other;

    if (r->nr_ports < 2 || r->nr_ports > 4096 || r->console_port >= r->nr_ports ||
        ((r->flags & DOMAIN_ENHANCED) != 0) != (r->console_port != 0)) {
        return "number of ports";
    }
    for (i = 0; i < r->nr_static_ports; i++) {
        const struct domain_port *port = &r->static_ports[i];
        bool found = port->peer_port == 0;

        if (port->port == 0 || port->port >= r->nr_ports) {
            return "a port is out of range";
        }
        for (k = 0; k < i; k++) {
            if (port->port == r->static_ports[k].port) {
                return "a port twice in one domain";
            }
        }
        for (other = 0; other < plan->nr_domains && !found; other++) {
            const struct domain_record *peer = plan->records[other];

            for (k = 0; k < peer->nr_static_ports && peer != r && peer->domid == port->peer; k++) {
                found = found || (peer->static_ports[k].port == port->peer_port &&
                                  peer->static_ports[k].peer == r->domid &&
                                  peer->static_ports[k].peer_port == port->port);
            }
        }
        if (!found) {
            return "a port whose other end is elsewhere";
        }
    }
    return NULL;
}

static bool has_port(const struct domain_record *r, uint16_t port)
{
    uint32_t i;

    for (i = 0; i < r->nr_static_ports; i++) {
        if (r->static_ports[i].port == port) {
            return true;
        }
    }
    return false;
}

/* A doorbell lies where nothing is, and raises what the peer has free. */
static const char *verify_doorbells(const struct board *board, const struct domain_record *r)
{
    const struct plan *plan = &board->plan;
    uint32_t i, k, other;

    for (i = 0; i < r->nr_doorbells; i++) {
        const struct domain_doorbell *bell = &r->doorbells[i];
        const struct domain_record *peer = NULL;

        for (k = 0; k < r->nr_maps; k++) {
            if (ranges_overlap(align_down(bell->ipa.v, PAGE_SIZE), PAGE_SIZE, r->maps[k].ipa.v,
                               r->maps[k].size)) {
                return "a doorbell lies over a map";
            }
        }
        for (k = 0; k < i; k++) {
            if (ranges_overlap(bell->ipa.v, bell->size, r->doorbells[k].ipa.v, r->doorbells[k].size)) {
                return "two doorbells at one address";
            }
        }
        for (other = 0; other < plan->nr_domains; other++) {
            peer = plan->records[other]->domid == bell->peer ? plan->records[other] : peer;
        }
        if (peer == NULL || peer == r || (bell->spi == 0 && !has_port(peer, bell->port)) ||
            (bell->spi != 0 && (bell->spi < 32 || bell->spi >= 32u + peer->nr_spis))) {
            return "a doorbell rings nobody";
        }
        for (k = 0; bell->spi != 0 && k < peer->nr_irqs; k++) {
            if (peer->irqs[k].virq == bell->spi) {
                return "a doorbell's interrupt is a device's";
            }
        }
    }
    return NULL;
}

/* Shared memory is cleared as a whole. */
static const char *verify_shared(const struct board *board, const struct domain_record *r)
{
    const struct plan *plan = &board->plan;
    uint32_t i, k;

    for (i = 0; i < r->nr_maps; i++) {
        bool found = !is_shared(&r->maps[i]);

        for (k = 0; k < plan->nr_shared && !found; k++) {
            found = plan->shared[k].base == r->maps[i].pa.v && plan->shared[k].size == r->maps[i].size;
        }
        if (!found) {
            return "shared memory is not cleared";
        }
    }
    return NULL;
}

/* The hardware domain's tree is the host's, but for what others have. */
static const char *verify_devices(const struct board *board, const struct domain_record *r,
                                  const struct fdt *fdt)
{
    const struct plan *plan = &board->plan;
    uint64_t base, size;
    fdt_node_t node;
    uint32_t i, k;

    for (node = fdt_root(fdt); node != FDT_NONE; node = fdt_next_node(fdt, node)) {
        if ((r->flags & DOMAIN_HARDWARE) == 0 || fdt_reg(fdt, node, 0, &base, &size) != OK) {
            continue;
        }
        for (i = 0; i < plan->nr_domains; i++) {
            for (k = 0; plan->records[i] != r && k < plan->records[i]->nr_maps; k++) {
                const struct domain_map *map = &plan->records[i]->maps[k];

                if (map->kind == MAP_DEVICE && ranges_overlap(base, size, map->pa.v, map->size)) {
                    return "the hardware domain is told of another's device";
                }
            }
        }
    }
    return NULL;
}

/* What the domain is told to be free is free. */
static const char *verify_tree(const struct board *board, const struct domain_record *r)
{
    uint64_t base, size;
    const char *broken;
    struct fdt fdt;
    unsigned i;
    uint32_t k;

    if (!board_guest_tree(board, r, &fdt)) {
        return "no sound device tree for a domain";
    }
    if (((r->flags & DOMAIN_ENHANCED) != 0) != (fdt_path(&fdt, "/hypervisor") != FDT_NONE)) {
        return "a hypervisor node without xen,enhanced, or none with it";
    }
    for (i = 0; fdt_reg(&fdt, fdt_path(&fdt, "/hypervisor"), i, &base, &size) == OK; i++) {
        if (size == 0 || base + size > UINT64_C(1) << board->input.ipa_bits_max) {
            return "a region reaches above the IPA space";
        }
        for (k = 0; k < r->nr_maps; k++) {
            if (ranges_overlap(base, size, r->maps[k].ipa.v, r->maps[k].size)) {
                return "a region lies over a map";
            }
        }
        for (k = 0; k < r->nr_doorbells; k++) {
            if (ranges_overlap(base, size, r->doorbells[k].ipa.v, r->doorbells[k].size)) {
                return "a region lies over a doorbell";
            }
        }
        if (ranges_overlap(base, size, r->gicd.v, KIB(64)) ||
            ((r->flags & DOMAIN_VPL011) != 0 && ranges_overlap(base, size, r->uart.v, PAGE_SIZE))) {
            return "a region lies over a device";
        }
        for (k = 0; k < r->nr_windows; k++) {
            if (ranges_overlap(base, size, r->windows[k].ipa.v, r->windows[k].size)) {
                return "a region lies over a window";
            }
        }
        for (k = 0; k < r->nr_ioreq_ranges; k++) {
            if (ranges_overlap(base, size, r->ioreq_ranges[k].ipa.v, r->ioreq_ranges[k].size)) {
                return "a region lies over a VIRTIO device";
            }
        }
    }
    broken = verify_told(r, &fdt);
    return broken != NULL ? broken : verify_devices(board, r, &fdt);
}

static const char *verify_pair(const struct domain_record *a, const struct domain_record *b)
{
    uint32_t i, k;

    for (i = 0; i < a->nr_maps; i++) {
        for (k = 0; k < b->nr_maps; k++) {
            if (a->maps[i].kind == MAP_GICV && b->maps[k].kind == MAP_GICV) {
                continue; /* banked by CPU */
            }
            if (is_shared(&a->maps[i]) && is_shared(&b->maps[k])) {
                if (a->maps[i].pa.v != b->maps[k].pa.v &&
                    ranges_overlap(a->maps[i].pa.v, a->maps[i].size, b->maps[k].pa.v, b->maps[k].size)) {
                    return "two pieces of shared memory overlap";
                }
                continue;
            }
            if (ranges_overlap(a->maps[i].pa.v, a->maps[i].size, b->maps[k].pa.v, b->maps[k].size)) {
                return "two domains share memory";
            }
        }
    }
    for (i = 0; i < a->nr_irqs; i++) {
        for (k = 0; k < b->nr_irqs; k++) {
            if (a->irqs[i].pirq == b->irqs[k].pirq) {
                return "two domains share an interrupt";
            }
        }
    }
    return a->domid == b->domid ? "two domains have one domid" : NULL;
}

const char *board_verify(const struct board *board)
{
    const struct plan *plan = &board->plan;
    const char *broken = NULL;
    uint32_t i, k;

    for (i = 0; i < plan->nr_domains && broken == NULL; i++) {
        const struct domain_record *r = plan->records[i];

        broken = verify_maps(board, r);
        broken = broken != NULL ? broken : verify_loads(board, r);
        broken = broken != NULL ? broken : verify_cpus(board, r);
        broken = broken != NULL ? broken : verify_irqs(board, r);
        broken = broken != NULL ? broken : verify_ports(board, r);
        broken = broken != NULL ? broken : verify_doorbells(board, r);
        broken = broken != NULL ? broken : verify_shared(board, r);
        broken = broken != NULL ? broken : verify_virtio(board, r);
        broken = broken != NULL ? broken : verify_tree(board, r);
        for (k = 0; k < i && broken == NULL; k++) {
            broken = verify_pair(r, plan->records[k]);
        }
        if (broken == NULL && (r->pool == NULL || r->pool_size == 0)) {
            broken = "a domain without a pool";
        }
    }
    return broken;
}
