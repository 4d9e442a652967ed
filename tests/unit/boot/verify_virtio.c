/* SPDX-License-Identifier: Apache-2.0 */
/* The same of frontends and backends. */
#include "verify.h"

static bool has_port(const struct domain_record *r, uint32_t port)
{
    uint32_t i;

    for (i = 0; i < r->nr_static_ports; i++) {
        if (r->static_ports[i].port == port) {
            return true;
        }
    }
    return false;
}

static const struct domain_record *record_of(const struct board *board, uint16_t domid)
{
    uint32_t i;

    for (i = 0; i < board->plan.nr_domains; i++) {
        if (board->plan.records[i]->domid == domid) {
            return board->plan.records[i];
        }
    }
    return NULL;
}

/* Servers and ioreq ranges of a frontend; in each range, the doorbell for its backend. */
static const char *verify_frontend(const struct board *board, const struct domain_record *r)
{
    uint32_t i, k;

    for (i = 0; i < r->nr_servers; i++) {
        const struct domain_record *backend = record_of(board, r->servers[i].backend);
        uint16_t link = r->servers[i].link;

        if (backend == NULL || backend == r || link >= backend->nr_frontends ||
            backend->frontends[link].domid != r->domid || backend->frontends[link].server != i) {
            return "a server that does not know its frontend";
        }
    }
    for (i = 0; i < r->nr_ioreq_ranges; i++) {
        const struct domain_ioreq_range *range = &r->ioreq_ranges[i];
        bool rings = false;

        if (range->server >= r->nr_servers || range->size == 0) {
            return "an ioreq range without a server";
        }
        for (k = 0; k < r->nr_maps; k++) {
            if (ranges_overlap(align_down(range->ipa.v, PAGE_SIZE), PAGE_SIZE, r->maps[k].ipa.v,
                               r->maps[k].size)) {
                return "an ioreq range lies over a map";
            }
        }
        for (k = 0; k < i; k++) {
            if (ranges_overlap(range->ipa.v, range->size, r->ioreq_ranges[k].ipa.v,
                               r->ioreq_ranges[k].size)) {
                return "two ioreq ranges overlap";
            }
        }
        for (k = 0; k < r->nr_doorbells; k++) {
            rings = rings || (r->doorbells[k].ipa.v == range->ipa.v + 0x50 && r->doorbells[k].size == 4 &&
                              r->doorbells[k].peer == r->servers[range->server].backend);
        }
        if (!rings || ranges_overlap(range->ipa.v, range->size, r->gicd.v, KIB(64)) ||
            ((r->flags & DOMAIN_VPL011) != 0 &&
             ranges_overlap(range->ipa.v, range->size, r->uart.v, PAGE_SIZE))) {
            return "an ioreq range rings nobody, or lies over a device";
        }
    }
    return NULL;
}

/* What others raise in the domain: each its own, and none that its vpl011 has. */
static const char *verify_interrupts(const struct board *board, const struct domain_record *r)
{
    bool raised[1024] = {false};
    uint32_t i, k;

    raised[(r->flags & DOMAIN_VPL011) != 0 ? r->uart_virq : 0] = true;
    for (i = 0; i < board->plan.nr_domains; i++) {
        for (k = 0; k < board->plan.records[i]->nr_doorbells; k++) {
            const struct domain_doorbell *bell = &board->plan.records[i]->doorbells[k];

            if (bell->peer == r->domid && bell->spi != 0 && raised[bell->spi % 1024]) {
                return "an interrupt is raised by two";
            }
            raised[bell->spi % 1024] = raised[bell->spi % 1024] || bell->peer == r->domid;
        }
    }
    return NULL;
}

/* A window shows RAM of that frontend, or what it shares with nobody else. */
static bool is_of(const struct board *board, const struct domain_record *backend,
                  const struct domain_record *frontend, const struct domain_window *window)
{
    uint32_t i, k;
    bool found = false;

    for (i = 0; i < frontend->nr_maps; i++) {
        found = found || (frontend->maps[i].kind == MAP_RAM && frontend->maps[i].pa.v == window->pa.v &&
                          frontend->maps[i].size == window->size);
    }
    for (i = 0; i < board->plan.nr_shared && !found; i++) {
        found = board->plan.shared[i].base == window->pa.v && board->plan.shared[i].size == window->size;
        for (k = 0; k < board->plan.nr_domains && found; k++) {
            const struct domain_record *other = board->plan.records[k];
            uint32_t m;

            for (m = 0; m < other->nr_maps; m++) {
                found =
                    found && (other == frontend || !ranges_overlap(other->maps[m].pa.v, other->maps[m].size,
                                                                   window->pa.v, window->size));
            }
        }
    }
    return found && backend != frontend;
}

/* Whatever the backend sees of a frontend lies where nothing else is. */
static const char *verify_windows(const struct board *board, const struct domain_record *r)
{
    uint32_t i, k;

    for (i = 0; i < r->nr_windows; i++) {
        const struct domain_window *w = &r->windows[i];

        if (w->size == 0 || w->ipa.v % PAGE_SIZE != 0 || w->pa.v % PAGE_SIZE != 0 ||
            w->size % PAGE_SIZE != 0 || w->ipa.v % MIB(2) != w->pa.v % MIB(2) ||
            w->ipa.v + w->size > UINT64_C(1) << board->input.ipa_bits_max ||
            ((r->flags & DOMAIN_DIRECT_MAP) != 0 && w->ipa.v != w->pa.v)) {
            return "a window is odd";
        }
        for (k = 0; k < r->nr_maps; k++) {
            if (ranges_overlap(w->ipa.v, w->size, r->maps[k].ipa.v, r->maps[k].size)) {
                return "a window lies over a map";
            }
        }
        for (k = 0; k < r->nr_doorbells; k++) {
            if (ranges_overlap(w->ipa.v, w->size, r->doorbells[k].ipa.v, r->doorbells[k].size)) {
                return "a window lies over a doorbell";
            }
        }
        for (k = 0; k < i; k++) {
            if (ranges_overlap(w->ipa.v, w->size, r->windows[k].ipa.v, r->windows[k].size)) {
                return "two windows overlap";
            }
        }
        if (ranges_overlap(w->ipa.v, w->size, r->gicd.v, KIB(64)) ||
            ((r->flags & DOMAIN_VPL011) != 0 && ranges_overlap(w->ipa.v, w->size, r->uart.v, PAGE_SIZE))) {
            return "a window lies over a device";
        }
    }
    return NULL;
}

/* The page of requests, and ports that nothing else uses. */
static const char *verify_link(const struct domain_record *r, const struct domain_frontend *f)
{
    uint32_t i, k;

    if (f->page.v == 0 || f->page.v % PAGE_SIZE != 0 || f->first_port == 0 || f->nr_vcpus == 0 ||
        f->first_port + f->nr_vcpus > r->nr_ports) {
        return "a frontend's page or ports";
    }
    for (i = 0; i < r->nr_static_ports; i++) {
        if (r->static_ports[i].port >= f->first_port &&
            r->static_ports[i].port - f->first_port < f->nr_vcpus) {
            return "a frontend's port is another one's";
        }
    }
    for (i = 0; i < r->nr_maps; i++) {
        if (ranges_overlap(f->page.v, PAGE_SIZE, r->maps[i].ipa.v, r->maps[i].size)) {
            return "a page of requests lies over a map";
        }
    }
    for (i = 0; i < r->nr_windows; i++) {
        if (ranges_overlap(f->page.v, PAGE_SIZE, r->windows[i].ipa.v, r->windows[i].size)) {
            return "a page of requests lies over a window";
        }
    }
    for (i = 0; i < r->nr_doorbells; i++) {
        if (ranges_overlap(f->page.v, PAGE_SIZE, r->doorbells[i].ipa.v, r->doorbells[i].size)) {
            return "a page of requests lies over a doorbell";
        }
    }
    for (k = 0; &r->frontends[k] != f; k++) {
        if (r->frontends[k].page.v == f->page.v || r->frontends[k].domid == f->domid ||
            ranges_overlap(r->frontends[k].first_port, r->frontends[k].nr_vcpus, f->first_port,
                           f->nr_vcpus)) {
            return "two frontends have one page or port";
        }
    }
    return NULL;
}

static const char *verify_backend(const struct board *board, const struct domain_record *r)
{
    const char *broken = verify_windows(board, r);
    uint32_t i, k, next = 0;

    for (i = 0; i < r->nr_frontends && broken == NULL; i++) {
        const struct domain_frontend *f = &r->frontends[i];
        const struct domain_record *frontend = record_of(board, f->domid);

        if (frontend == NULL || f->server >= frontend->nr_servers || f->nr_vcpus != frontend->nr_vcpus ||
            frontend->servers[f->server].backend != r->domid || frontend->servers[f->server].link != i ||
            f->first_window != next || f->nr_windows > r->nr_windows - next) {
            return "a frontend that does not know its server";
        }
        broken = verify_link(r, f);
        for (k = next; k < next + f->nr_windows && broken == NULL; k++) {
            broken = is_of(board, r, frontend, &r->windows[k]) ? NULL
                                                               : "a window shows what is not the frontend's";
        }
        next += f->nr_windows;
    }
    return broken != NULL || next == r->nr_windows ? broken : "a window of nobody";
}

/* What the backend is told is what its record says. */
const char *verify_told(const struct domain_record *r, const struct fdt *fdt)
{
    fdt_node_t top = fdt_path(fdt, "/bulkhead-backend"), node;
    uint32_t i, k, at, value;
    uint64_t base, size, cell;
    struct fdt_prop prop;

    if ((top != FDT_NONE) != (r->nr_frontends != 0)) {
        return "who serves is told, and nobody else";
    }
    node = top != FDT_NONE ? fdt_first_child(fdt, top) : FDT_NONE;
    for (i = 0; i < r->nr_frontends; i++, node = fdt_next_sibling(fdt, node)) {
        const struct domain_frontend *f = &r->frontends[i];

        if (node == FDT_NONE || !fdt_u32(fdt, node, "bulkhead,domid", &value) || value != f->domid ||
            !fdt_u32(fdt, node, "bulkhead,first-port", &value) || value != f->first_port ||
            !fdt_u32(fdt, node, "bulkhead,server", &value) || value != f->server ||
            fdt_reg(fdt, node, 0, &base, &size) != OK || base != f->page.v || size != PAGE_SIZE ||
            !fdt_prop(fdt, node, "bulkhead,windows", &prop) || prop.len != 24 * f->nr_windows) {
            return "a frontend is told otherwise";
        }
        for (k = 0, at = 2; k < f->nr_windows; k++, at += 2) {
            const struct domain_window *w = &r->windows[f->first_window + k];

            if (!fdt_number(&prop, &at, 2, &size) || size != w->size || !fdt_number(&prop, &at, 2, &cell) ||
                cell != w->ipa.v) {
                return "a window is told otherwise";
            }
        }
        for_each_child (fdt, node, device) {
            if (!fdt_u32(fdt, device, "bulkhead,port", &value) || !has_port(r, value)) {
                return "a device without its port";
            }
        }
    }
    return node == FDT_NONE ? NULL : "one frontend too many is told";
}

const char *verify_virtio(const struct board *board, const struct domain_record *r)
{
    const char *broken = verify_frontend(board, r);

    broken = broken != NULL ? broken : verify_interrupts(board, r);
    return broken != NULL ? broken : verify_backend(board, r);
}
