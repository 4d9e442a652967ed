/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves which device, and the numbers and the memory that this takes. */
#include "boot/virtio_devices.h"

#include "base/string.h"
#include "boot/enhanced.h"
#include "boot/events.h"
#include "boot/shared_memory.h"

#ifdef PROFILE_STATIC
#define DRIVER_DOMAINS false
#else
#define DRIVER_DOMAINS true
#endif

#define BLOCK MIB(2)

static struct draft *read_server(struct planner *p, const struct draft *d, fdt_node_t node)
{
    fdt_node_t server;
    uint32_t phandle;
    struct draft *backend;

    if (!fdt_u32(p->fdt, node, "bulkhead,server", &phandle)) {
        error(p, node, "bulkhead,server", "must be the phandle of the domain that serves the device");
        return NULL;
    }
    server = fdt_by_phandle(p->fdt, phandle);
    backend = draft_of(p, server);
    if (backend == d) {
        error(p, node, "bulkhead,server", "a domain cannot serve itself");
    } else if (backend != NULL) {
        return backend;
    } else if (server != FDT_NONE && fdt_compatible(p->fdt, server, "xen,domain")) {
        error(p, node, "bulkhead,server", "the status of %s is not okay: there is no such domain",
              fdt_name(p->fdt, server));
    } else {
        error(p, node, "bulkhead,server", "the phandle is not that of a domain");
    }
    return NULL;
}

static bool share_sectors(const struct virtio_parameters *a, const struct virtio_parameters *b)
{
    uint64_t a_end = a->sectors == 0 ? UINT64_MAX : a->first_sector + a->sectors;
    uint64_t b_end = b->sectors == 0 ? UINT64_MAX : b->first_sector + b->sectors;

    return a->disk == b->disk && a->first_sector < b_end && b->first_sector < a_end &&
           !(a->read_only && b->read_only);
}

static bool share_lines(const struct virtio_parameters *a, const struct virtio_parameters *b)
{
    return a->first_line < b->first_line + b->lines && b->first_line < a->first_line + a->lines;
}

/* Against each earlier device. */
static void check_pair(struct planner *p, const struct draft *d, const struct draft *backend,
                       const struct virtio_draft *v, const struct virtio_draft *other)
{
    const char *what = fdt_name(p->fdt, other->node), *whose = other->pair->frontend->record->name;
    enum virtio_class class = v->parameters.class;

    if (other->pair->frontend == d && v->ipa == other->ipa) {
        error(p, v->node, "reg", "guest address 0x%lx is where the domain has %s", v->ipa, what);
    }
    if (other->pair->backend != backend || other->parameters.class != class) {
        return;
    }
    if (class == VIRTIO_BLOCK && share_sectors(&v->parameters, &other->parameters)) {
        error(p, v->node, "bulkhead,first-sector", "%s of %s has sectors of this range of disk %u too", what,
              whose, v->parameters.disk);
    }
    if (class == VIRTIO_NET && memcmp(v->parameters.mac, other->parameters.mac, 6) == 0) {
        error(p, v->node, "local-mac-address", "%s of %s has the same", what, whose);
    }
    if (class == VIRTIO_VSOCK && v->parameters.guest_cid == other->parameters.guest_cid) {
        error(p, v->node, "bulkhead,guest-cid", "%s of %s has %u too", what, whose, v->parameters.guest_cid);
    }
    if (class == VIRTIO_GPIO && share_lines(&v->parameters, &other->parameters)) {
        error(p, v->node, "bulkhead,gpio-lines", "%s of %s has lines of this range too", what, whose);
    }
}

/* In a direct-map backend the addresses take pages of RAM away, so that nothing else lies there. */
static bool take_page(struct planner *p, const struct draft *backend, fdt_node_t node, uint64_t *page)
{
    return (backend->record->flags & DOMAIN_DIRECT_MAP) == 0 || *page != 0 ||
           shared_memory_take(p, node, PAGE_SIZE, page);
}

/* The pair of both domains, which a first device makes. NULL after an error. */
static struct virtio_pair *pair_of(struct planner *p, struct draft *d, struct draft *backend, fdt_node_t node,
                                   enum virtio_buffers buffers)
{
    struct virtio_pair *pair = &p->pairs[p->nr_pairs];
    uint16_t servers = 0, links = 0;

    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        if (p->pairs[i].frontend == d && p->pairs[i].backend == backend) {
            return &p->pairs[i];
        }
        servers = (uint16_t)(servers + (p->pairs[i].frontend == d));
        links = (uint16_t)(links + (p->pairs[i].backend == backend));
    }
    *pair = (struct virtio_pair){.frontend = d,
                                 .backend = backend,
                                 .node = node,
                                 .server = servers,
                                 .link = links,
                                 .first_port = events_find_ports(p, backend, node, d->record->nr_vcpus),
                                 .buffers = buffers};
    if (pair->first_port == 0 || !take_page(p, backend, node, &pair->page) ||
        !take_page(p, backend, node, &backend->bell_page)) {
        return NULL;
    }
    p->nr_pairs++;
    return pair;
}

static void tell_authority(struct planner *p, const struct virtio_draft *v)
{
    const char *frontend = v->pair->frontend->record->name, *backend = v->pair->backend->record->name;

    if (v->buffers == BUFFERS_BOUNCE) {
        complain(p, REPORT_NOTE, v->node, "bulkhead,buffers",
                 "%s sees %lu KiB for it, and no other RAM of %s", backend, v->pool_size / 1024u, frontend);
    } else if (v->buffers == BUFFERS_GRANTS) {
        complain(p, REPORT_NOTE, v->node, "bulkhead,buffers",
                 "%s sees what %s grants it, up to %lu pages at a time", backend, frontend,
                 v->grants_size / PAGE_SIZE);
    } else {
        complain(p, REPORT_NOTE, v->node, "bulkhead,buffers", "%s sees all RAM of %s while it serves it",
                 backend, frontend);
    }
}

/* Whole blocks where they are large, so that stage 2 can use them on both sides. */
static bool take_pool(struct planner *p, struct virtio_draft *v)
{
    if (v->pool_size == 0 || v->pool_size % BLOCK != 0 ||
        ranges_take(&p->free, v->pool_size, BLOCK, true, &v->pool_pa) != OK) {
        return v->pool_size == 0 || shared_memory_take(p, v->node, v->pool_size, &v->pool_pa);
    }
    p->plan->shared[p->plan->nr_shared++] = (struct plan_shared){v->pool_pa, v->pool_size, v->node};
    return true;
}

static void read_node(struct planner *p, struct draft *d, fdt_node_t node)
{
    struct virtio_draft *v = &p->virtio[p->nr_virtio];
    uint32_t errors = p->report->errors;
    struct draft *backend;

    if (!DRIVER_DOMAINS) {
        error(p, node, "", "this image was built without driver domains (PROFILE=static)");
        return;
    }
    if (p->nr_virtio == MAX_VIRTIO || p->nr_pairs == MAX_VIRTIO) {
        error(p, node, "", "more than %u VIRTIO devices", MAX_VIRTIO);
        return;
    }
    *v = (struct virtio_draft){.node = node};
    backend = read_server(p, d, node);
    if (!virtio_read_device(p, d, v) || backend == NULL) {
        return;
    }
    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        check_pair(p, d, backend, v, &p->virtio[i]);
    }
    v->pair = p->report->errors == errors ? pair_of(p, d, backend, node, v->buffers) : NULL;
    if (v->pair == NULL) {
        return;
    }
    if (v->pair->buffers != v->buffers) {
        error(p, node, "bulkhead,buffers",
              "%s has \"%s\" for another device of the domain: it must be the same", backend->record->name,
              virtio_buffers_names[v->pair->buffers]);
        return;
    }
    v->port = events_take_port(p, backend, node, d->record->domid);
    if (v->port != 0 && shared_memory_take(p, node, v->state_size, &v->state_pa) && take_pool(p, v)) {
        p->nr_virtio++;
        tell_authority(p, v);
        enhanced_need_grants(p, d, backend, v);
    }
}

/* Both its frontends and its backends are left. */
static bool is_between(const struct planner *p, const struct draft *d)
{
    bool serves = false, is_served = false;

    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        serves = serves || (p->pairs[i].backend == d && !p->pairs[i].frontend->placed);
        is_served = is_served || (p->pairs[i].frontend == d && !p->pairs[i].backend->placed);
    }
    return serves && is_served;
}

/* Domains that serve each other in a circle could not start, nor stop, one after the other. Whoever is at an
 * end of a chain goes, until only circles are left. */
static void refuse_circles(struct planner *p)
{
    bool more = true;

    while (more) {
        more = false;
        for (uint32_t i = 0; i < p->nr_drafts; i++) {
            if (!p->drafts[i].placed && !is_between(p, &p->drafts[i])) {
                p->drafts[i].placed = more = true;
            }
        }
    }
    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        const struct virtio_pair *pair = &p->pairs[i];

        if (!pair->frontend->placed && !pair->backend->placed) {
            error(p, pair->node, "bulkhead,server", "%s is served by %s in turn, directly or through others",
                  pair->backend->record->name, pair->frontend->record->name);
            break;
        }
    }
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        p->drafts[i].placed = false;
    }
}

void virtio_read(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        for_each_child (p->fdt, p->drafts[i].node, node) {
            if (fdt_compatible(p->fdt, node, "bulkhead,virtio") && fdt_okay(p->fdt, node)) {
                read_node(p, &p->drafts[i], node);
            }
        }
    }
    refuse_circles(p);
}

bool virtio_can_place(const struct planner *p, const struct draft *d)
{
    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        if (p->pairs[i].backend == d && !p->pairs[i].frontend->placed) {
            return false;
        }
    }
    return true;
}
