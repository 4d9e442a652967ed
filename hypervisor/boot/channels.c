/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/channels.h"

#include "base/string.h"
#include "boot/events.h"
#include "boot/placement.h"
#include "boot/shared_memory.h"

#define SIZE_DEFAULT KIB(64)
#define SIZE_MOST    MIB(16)

static void read_domains(struct planner *p, struct channel_draft *c)
{
    struct fdt_prop prop;
    uint32_t phandle = 0;

    if (!fdt_prop(p->fdt, c->node, "bulkhead,domains", &prop) || prop.len != 8) {
        error(p, c->node, "bulkhead,domains", "must be two phandles, of the domains that it joins");
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        (void)fdt_cell(&prop, i, &phandle);
        c->side[i].domain = draft_of(p, fdt_by_phandle(p->fdt, phandle));
        if (c->side[i].domain == NULL) {
            error(p, c->node, "bulkhead,domains", "phandle %u is not a domain's", i + 1u);
        }
    }
    if (c->side[0].domain != NULL && c->side[0].domain == c->side[1].domain) {
        error(p, c->node, "bulkhead,domains", "joins two different domains");
    }
}

/* One word for both sides, or one for each. Returns how many there are; 0 if it is none of that. */
static uint32_t read_words(const struct fdt_prop *prop, bool by_event[2])
{
    uint32_t at = 0, count = 0;

    if (prop->len == 0 || prop->data[prop->len - 1u] != '\0') {
        return 0;
    }
    while (at < prop->len) {
        const char *word = (const char *)prop->data + at;
        bool event = strcmp(word, "event") == 0;

        if (count == 2 || (!event && strcmp(word, "device") != 0)) {
            return 0;
        }
        by_event[count++] = event;
        at += (uint32_t)strlen(word) + 1u;
    }
    return count;
}

static void read_doorbells(struct planner *p, struct channel_draft *c)
{
    bool by_event[2];
    struct fdt_prop prop;
    uint32_t count = 0;

    if (fdt_prop(p->fdt, c->node, "bulkhead,doorbell", &prop)) {
        count = read_words(&prop, by_event);
        if (count == 0) {
            error(p, c->node, "bulkhead,doorbell",
                  "must be \"device\" or \"event\", for both domains or for each");
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct draft *d = c->side[i].domain;

        c->side[i].by_event =
            count != 0 ? by_event[i % count] : d != NULL && (d->record->flags & DOMAIN_ENHANCED) != 0;
    }
}

static void read_size(struct planner *p, struct channel_draft *c)
{
    c->size = number_or(p, c->node, "bulkhead,size", SIZE_MOST, SIZE_DEFAULT);
    if (c->size == 0 || c->size % PAGE_SIZE != 0) {
        error(p, c->node, "bulkhead,size", "0x%lx is not a number of 4 KiB pages", c->size);
    }
}

/* Ports: a pair if both sides are rung by events; else one that the core alone raises. */
static void take_ports(struct planner *p, struct channel_draft *c)
{
    struct channel_side *a = &c->side[0], *b = &c->side[1];
    uint16_t ports[2];

    if (a->by_event && b->by_event) {
        events_join(p, c->node, a->domain, b->domain, ports);
        a->port = ports[0];
        b->port = ports[1];
    } else if (a->by_event) {
        a->port = events_take_port(p, a->domain, c->node, b->domain->record->domid);
    } else if (b->by_event) {
        b->port = events_take_port(p, b->domain, c->node, a->domain->record->domid);
    }
}

/* In a direct-map domain the doorbell's address takes a page of RAM away, so that nothing else lies there. */
static void take_memory(struct planner *p, struct channel_draft *c)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct channel_side *side = &c->side[i];
        bool direct = (side->domain->record->flags & DOMAIN_DIRECT_MAP) != 0;

        if (!shared_memory_take(p, c->node, c->size, &side->pa) ||
            (direct && !(c->side[0].by_event && c->side[1].by_event) &&
             !shared_memory_take(p, c->node, PAGE_SIZE, &side->doorbell))) {
            return;
        }
    }
}

static void read_node(struct planner *p, fdt_node_t node)
{
    struct channel_draft *c = &p->channels[p->nr_channels];
    uint32_t errors = p->report->errors;

    known_only(p, node,
               "compatible\0bulkhead,domains\0bulkhead,size\0bulkhead,doorbell\0phandle\0linux,phandle\0"
               "status\0name");
    if (p->nr_channels == MAX_CHANNELS) {
        error(p, node, "", "more than %u channels", MAX_CHANNELS);
        return;
    }
    memset(c, 0, sizeof(*c));
    c->node = node;
    read_domains(p, c);
    read_doorbells(p, c);
    read_size(p, c);
    if (p->report->errors == errors) {
        p->nr_channels++;
        take_ports(p, c);
        take_memory(p, c);
    }
}

void channels_read(struct planner *p)
{
    for_each_child (p->fdt, p->chosen, node) {
        if (fdt_compatible(p->fdt, node, "bulkhead,channel") && fdt_okay(p->fdt, node)) {
            read_node(p, node);
        }
    }
}

static void place_side(struct planner *p, struct channel_draft *c, uint32_t index)
{
    struct channel_side *side = &c->side[index];
    const struct channel_side *peer = &c->side[1u - index];
    struct draft *d = side->domain;
    bool direct = (d->record->flags & DOMAIN_DIRECT_MAP) != 0;
    bool has_page = !side->by_event || !peer->by_event;
    uint64_t tx = direct ? side->pa : place_ipa(p, d, c->size, PAGE_SIZE), rx;

    if (!shared_memory_map(p, c->node, &(struct domain_map){IPA(tx), PA(side->pa), c->size, MAP_SHARED})) {
        return;
    }
    rx = direct ? peer->pa : place_ipa(p, d, c->size, PAGE_SIZE);
    if (!shared_memory_map(p, c->node,
                           &(struct domain_map){IPA(rx), PA(peer->pa), c->size, MAP_SHARED_READ})) {
        return;
    }
    if (has_page && !direct) {
        side->doorbell = place_ipa(p, d, PAGE_SIZE, PAGE_SIZE);
    }
    side->spi = side->by_event ? 0 : place_spi(p, d);
    p->guest_channels[p->links.nr_channels++] =
        (struct guest_channel){.name = fdt_name(p->fdt, c->node),
                               .peer_name = peer->domain->record->name,
                               .tx = tx,
                               .rx = rx,
                               .size = c->size,
                               .doorbell = side->doorbell,
                               .spi = side->spi,
                               .port = side->port,
                               .peer = peer->domain->record->domid};
}

uint32_t channels_place(struct planner *p, struct draft *d)
{
    uint32_t bells = 0;

    p->links.nr_channels = 0;
    p->links.channels = p->guest_channels;
    for (uint32_t i = 0; i < p->nr_channels; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            if (p->channels[i].side[k].domain == d) {
                place_side(p, &p->channels[i], k);
                bells += p->channels[i].side[k].doorbell != 0 ? 1u : 0u;
            }
        }
    }
    return bells;
}

void channels_connect(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_channels; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            const struct channel_side *side = &p->channels[i].side[k], *peer = &p->channels[i].side[1u - k];
            struct draft *d = side->domain;

            if (side->doorbell != 0 && d->doorbells != NULL) {
                d->doorbells[d->record->nr_doorbells++] = (struct domain_doorbell){
                    IPA(side->doorbell), PAGE_SIZE, peer->domain->record->domid, peer->spi, peer->port};
            }
        }
    }
}
