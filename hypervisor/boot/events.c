/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/events.h"

#include "base/string.h"

/* xen,evtchn = <port, phandle of the other end's node>. */
static bool read_end(const struct fdt *fdt, fdt_node_t node, uint32_t *port, fdt_node_t *peer)
{
    struct fdt_prop prop;
    uint32_t phandle;

    if (!fdt_compatible(fdt, node, "xen,evtchn-v1") || !fdt_prop(fdt, node, "xen,evtchn", &prop) ||
        prop.len != 8 || !fdt_cell(&prop, 0, port) || !fdt_cell(&prop, 1, &phandle)) {
        return false;
    }
    *peer = fdt_by_phandle(fdt, phandle);
    return true;
}

static const struct event_end *port_user(const struct planner *p, const struct draft *d, uint32_t port)
{
    for (uint32_t i = 0; i < p->nr_ports; i++) {
        if (p->ports[i].domain == d && p->ports[i].port.port == port) {
            return &p->ports[i];
        }
    }
    return NULL;
}

static void add_end(struct planner *p, struct draft *d, fdt_node_t node, struct domain_port port,
                    bool is_written)
{
    if (p->nr_ports == MAX_PORTS) {
        error(p, node, "", "more than %u ends of static event channels", MAX_PORTS);
        return;
    }
    p->ports[p->nr_ports++] = (struct event_end){d, node, port, is_written};
}

/* Each end is read at its own domain; the other one is only looked at. */
static void read_node(struct planner *p, struct draft *d, fdt_node_t node)
{
    uint32_t port, peer_port;
    fdt_node_t other, back;
    struct draft *peer;

    known_only(p, node, "compatible\0xen,evtchn\0phandle\0linux,phandle\0status\0name");
    if (!read_end(p->fdt, node, &port, &other)) {
        error(p, node, "xen,evtchn", "must be <port phandle>: the phandle is that of the other end's node");
        return;
    }
    if (port == 0 || port >= d->record->nr_ports) {
        error(p, node, "xen,evtchn", "port %u: must be 1 to %u (bulkhead,max-evtchn-port)", port,
              d->record->nr_ports - 1u);
        return;
    }
    if (port_user(p, d, port) != NULL) {
        error(p, node, "xen,evtchn", "port %u is already the domain's for %s", port,
              fdt_name(p->fdt, port_user(p, d, port)->node));
        return;
    }
    peer = other != FDT_NONE ? draft_of(p, fdt_parent(p->fdt, other)) : NULL;
    if (peer == NULL) {
        error(p, node, "xen,evtchn", "the phandle is not that of an event channel's node in a domain");
    } else if (peer == d) {
        error(p, node, "xen,evtchn", "both ends are in one domain");
    } else if (!read_end(p->fdt, other, &peer_port, &back) || back != node || !fdt_okay(p->fdt, other)) {
        error(p, node, "xen,evtchn", "the other end, %s of %s, does not point back here",
              fdt_name(p->fdt, other), peer->record->name);
    } else {
        add_end(p, d, node, (struct domain_port){(uint16_t)port, peer->record->domid, (uint16_t)peer_port},
                true);
    }
}

/* No port from `first` on is a static one, or that of a vCPU of a domain that this one serves. */
static bool are_free(const struct planner *p, const struct draft *d, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (port_user(p, d, first + i) != NULL) {
            return false;
        }
    }
    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        const struct virtio_pair *pair = &p->pairs[i];

        if (pair->backend == d &&
            ranges_overlap(first, count, pair->first_port, pair->frontend->record->nr_vcpus)) {
            return false;
        }
    }
    return true;
}

uint16_t events_find_ports(struct planner *p, const struct draft *d, fdt_node_t node, uint32_t count)
{
    uint32_t first = d->record->nr_ports > count ? d->record->nr_ports - count : 0;

    while (first > 0 && !are_free(p, d, first, count)) {
        first--;
    }
    if (first == 0) {
        error(p, node, "",
              count == 1u ? "no event port of %s is left (bulkhead,max-evtchn-port)"
                          : "not enough event ports of %s are left in a row (bulkhead,max-evtchn-port)",
              d->record->name);
    }
    return (uint16_t)first;
}

uint16_t events_take_port(struct planner *p, struct draft *d, fdt_node_t node, uint16_t peer)
{
    uint16_t port = events_find_ports(p, d, node, 1);

    if (port != 0) {
        add_end(p, d, node, (struct domain_port){port, peer, 0}, false);
    }
    return port;
}

void events_join(struct planner *p, fdt_node_t node, struct draft *a, struct draft *b, uint16_t ports[2])
{
    uint32_t first = p->nr_ports;

    ports[0] = events_take_port(p, a, node, b->record->domid);
    ports[1] = events_take_port(p, b, node, a->record->domid);
    if (p->nr_ports == first + 2u) {
        p->ports[first].port.peer_port = ports[1];
        p->ports[first + 1u].port.peer_port = ports[0];
    }
}

void events_read(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        for_each_child (p->fdt, p->drafts[i].node, node) {
            if (fdt_compatible(p->fdt, node, "xen,evtchn-v1") && fdt_okay(p->fdt, node)) {
                read_node(p, &p->drafts[i], node);
            }
        }
    }
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        struct draft *d = &p->drafts[i];

        if ((d->record->flags & DOMAIN_ENHANCED) != 0) {
            d->record->console_port = events_take_port(p, d, d->node, 0);
        }
    }
}

void events_place(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    struct domain_port *ports;
    uint32_t n = 0;

    p->links.nr_ports = 0;
    p->links.ports = p->guest_ports;
    for (uint32_t i = 0; i < p->nr_ports; i++) {
        n += p->ports[i].domain == d ? 1u : 0u;
    }
    ports = record_alloc(p, d->node, n * sizeof(*ports));
    if (ports == NULL) {
        return;
    }
    for (uint32_t i = 0; i < p->nr_ports; i++) {
        const struct event_end *end = &p->ports[i];
        const struct draft *peer = end->domain == d ? draft_by_domid(p, end->port.peer) : NULL;

        if (end->domain == d) {
            ports[r->nr_static_ports++] = end->port;
        }
        if (peer != NULL && end->is_written) {
            p->guest_ports[p->links.nr_ports++] =
                (struct guest_port){fdt_name(p->fdt, end->node), peer->record->name, end->port};
        }
    }
    r->static_ports = ports;
}
