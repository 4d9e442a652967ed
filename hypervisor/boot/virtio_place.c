/* SPDX-License-Identifier: Apache-2.0 */
#include "base/string.h"
#include "boot/conflicts.h"
#include "boot/placement.h"
#include "boot/shared_memory.h"
#include "boot/virtio_devices.h"

/* What a backend sees of its frontends lies between the two banks of Xen's guests. */
#define WINDOWS     GIB(4)
#define WINDOWS_END GIB(8)
#define BLOCK       MIB(2)

enum {
    QUEUE_NOTIFY = 0x50, /* VIRTIO 1.2, 4.2.2 */
    FIRST_PHANDLE = 65001,
};

static bool is_direct(const struct draft *d)
{
    return (d->record->flags & DOMAIN_DIRECT_MAP) != 0;
}

/* Pages of a backend where stores or loads mean something, and those of channels. */
static const char *page_at(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        if (p->pairs[i].backend == d && p->pairs[i].page != 0 &&
            ranges_overlap(base, size, p->pairs[i].page, PAGE_SIZE)) {
            return "the requests of a frontend";
        }
    }
    if (d->bell_page != 0 && ranges_overlap(base, size, d->bell_page, PAGE_SIZE)) {
        return "the interrupts of its frontends";
    }
    for (uint32_t i = 0; i < p->nr_channels; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            const struct channel_side *side = &p->channels[i].side[k];

            if (side->domain == d && side->doorbell != 0 &&
                ranges_overlap(base, size, side->doorbell, PAGE_SIZE)) {
                return "the doorbell of a channel";
            }
        }
    }
    return NULL;
}

const char *virtio_at(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        if (p->virtio[i].pair->frontend == d &&
            ranges_overlap(base, size, align_down(p->virtio[i].ipa, PAGE_SIZE), PAGE_SIZE)) {
            return "a VIRTIO device";
        }
    }
    for (uint32_t i = 0; i < p->nr_windows; i++) {
        if (ranges_overlap(base, size, p->windows[i].ipa.v, p->windows[i].size)) {
            return "memory of a frontend";
        }
    }
    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        const struct virtio_draft *v = &p->virtio[i];

        if (v->pair->backend == d && v->grants_ipa != 0 &&
            ranges_overlap(base, size, v->grants_ipa, align_up(v->grants_size, BLOCK))) {
            return "what a frontend grants";
        }
    }
    return page_at(p, d, base, size);
}

bool virtio_cut(const struct planner *p, const struct draft *d, struct ranges *set)
{
    bool fits = true;

    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        const struct virtio_draft *v = &p->virtio[i];

        fits = fits &&
               (v->pair->frontend != d || ranges_remove(set, align_down(v->ipa, PAGE_SIZE), PAGE_SIZE) == OK);
        fits = fits && (v->pair->backend != d || v->grants_ipa == 0 ||
                        ranges_remove(set, v->grants_ipa, align_up(v->grants_size, BLOCK)) == OK);
    }
    for (uint32_t i = 0; i < p->nr_windows; i++) {
        fits = fits && ranges_remove(set, p->windows[i].ipa.v, p->windows[i].size) == OK;
    }
    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        fits = fits && (p->pairs[i].backend != d || ranges_remove(set, p->pairs[i].page, PAGE_SIZE) == OK);
    }
    return fits && (d->bell_page == 0 || ranges_remove(set, d->bell_page, PAGE_SIZE) == OK);
}

uint32_t virtio_doorbells(const struct planner *p, const struct draft *d)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        count += p->virtio[i].pair->frontend == d || p->virtio[i].pair->backend == d ? 1u : 0u;
    }
    return count;
}

static void add_doorbell(struct draft *d, const struct domain_doorbell *bell)
{
    if (d->doorbells != NULL) {
        d->doorbells[d->record->nr_doorbells++] = *bell;
    }
}

/* One that no node of the tree has which this one is made of. */
static uint32_t free_phandle(const struct planner *p, const struct draft *d, uint32_t from)
{
    const struct fdt *source = d == p->hardware ? p->fdt : p->partial;

    while (source != NULL && fdt_by_phandle(source, from) != FDT_NONE) {
        from++;
    }
    return from;
}

/* Memory that the device bounces through; the frontend takes it for RAM. */
static void place_pool(struct planner *p, struct draft *d, struct virtio_draft *v)
{
    uint64_t align = v->pool_size % BLOCK == 0 ? BLOCK : PAGE_SIZE;

    if (v->pool_size != 0) {
        v->pool_ipa = is_direct(d) ? v->pool_pa : place_ipa(p, d, v->pool_size, align);
        (void)shared_memory_map(
            p, v->node, &(struct domain_map){IPA(v->pool_ipa), PA(v->pool_pa), v->pool_size, MAP_SHARED});
    }
}

static void place_device(struct planner *p, struct draft *d, struct virtio_draft *v, uint32_t *phandle)
{
    const char *taken = ipa_mapped(p, align_down(v->ipa, PAGE_SIZE), PAGE_SIZE);

    taken = taken != NULL ? taken : ipa_reserved(p, d, v->ipa, VIRTIO_SIZE);
    taken = taken != NULL ? taken : page_at(p, d, v->ipa, VIRTIO_SIZE);
    if (taken != NULL) {
        error(p, v->node, "reg", "guest address 0x%lx is where the domain has %s", v->ipa, taken);
        return;
    }
    v->spi = place_spi(p, d);
    place_pool(p, d, v);
    *phandle = v->pool_size != 0 ? free_phandle(p, d, *phandle + 1u) : *phandle;
    if (v->buffers == BUFFERS_GRANTS && p->links.iommu_phandle == 0) {
        *phandle = free_phandle(p, d, *phandle + 1u);
        p->links.iommu_phandle = *phandle;
    }
    add_doorbell(d, &(struct domain_doorbell){.ipa = IPA(v->ipa + QUEUE_NOTIFY),
                                              .size = 4,
                                              .peer = v->pair->backend->record->domid,
                                              .port = v->port});
    p->guest_virtio[p->links.nr_virtio++] = (struct guest_virtio){.ipa = v->ipa,
                                                                  .size = VIRTIO_SIZE,
                                                                  .pool = v->pool_ipa,
                                                                  .pool_size = v->pool_size,
                                                                  .pool_phandle = *phandle,
                                                                  .grants = v->buffers == BUFFERS_GRANTS,
                                                                  .backend = v->pair->backend->record->domid,
                                                                  .spi = v->spi};
}

static void place_frontend(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    struct domain_server *servers = NULL;
    struct domain_ioreq_range *ranges = NULL;
    uint32_t nr_servers = 0, nr_ranges = 0, phandle = FIRST_PHANDLE - 1u;

    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        nr_servers += p->pairs[i].frontend == d ? 1u : 0u;
    }
    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        nr_ranges += p->virtio[i].pair->frontend == d ? 1u : 0u;
    }
    servers = record_alloc(p, d->node, nr_servers * sizeof(*servers));
    ranges = record_alloc(p, d->node, nr_ranges * sizeof(*ranges));
    if (servers == NULL || ranges == NULL) {
        return;
    }
    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        const struct virtio_pair *pair = &p->pairs[i];

        if (pair->frontend == d) {
            servers[r->nr_servers++] = (struct domain_server){pair->backend->record->domid, pair->link};
        }
    }
    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        struct virtio_draft *v = &p->virtio[i];

        if (v->pair->frontend == d) {
            place_device(p, d, v, &phandle);
            ranges[r->nr_ioreq_ranges++] = (struct domain_ioreq_range){
                IPA(v->ipa), VIRTIO_SIZE, v->pair->server, v->park_ones, v->park_ms};
        }
    }
    r->servers = servers;
    r->ioreq_ranges = ranges;
}

/* The first free one from `at` on, in steps of a block; 0: there is none. */
static uint64_t free_window(const struct planner *p, const struct draft *d, uint64_t at, uint64_t size,
                            uint64_t end)
{
    end = min_u64(end, UINT64_C(1) << p->in->ipa_bits_max);
    while (at < end && size <= end - at && ipa_taken(p, d, at, size) != NULL) {
        at += BLOCK;
    }
    return at < end && size <= end - at ? at : 0;
}

/* Congruent to the host's address, for blocks of stage 2; or equal to it. 0 after an error. */
static uint64_t window_ipa(struct planner *p, const struct draft *d, const struct virtio_pair *pair,
                           uint64_t pa, uint64_t size)
{
    uint64_t at = WINDOWS;
    const char *taken = is_direct(d) ? ipa_taken(p, d, pa, size) : NULL;

    if (taken != NULL) {
        error(p, pair->node, "bulkhead,server",
              "%s is a direct-map domain and has %s at 0x%lx, where %s has RAM", d->record->name, taken, pa,
              pair->frontend->record->name);
        return 0;
    }
    if (is_direct(d)) {
        return pa;
    }
    if (p->nr_windows > 0) {
        at = p->windows[p->nr_windows - 1u].ipa.v + p->windows[p->nr_windows - 1u].size;
    }
    at = free_window(p, d, align_up(at, BLOCK) + pa % BLOCK, size, WINDOWS_END);
    if (at == 0) {
        error(p, pair->node, "bulkhead,buffers",
              "%lu KiB of %s do not fit between 4 GiB and 8 GiB of %s's addresses", size / 1024u,
              pair->frontend->record->name, d->record->name);
    }
    return at;
}

static void add_window(struct planner *p, const struct draft *d, const struct virtio_pair *pair,
                       const struct domain_map *map)
{
    uint64_t ipa, size = map->size;

    if (p->nr_windows == MAX_WINDOWS) {
        error(p, pair->node, "bulkhead,buffers", "%s has more than %u pieces of memory of others",
              d->record->name, MAX_WINDOWS);
        return;
    }
    ipa = window_ipa(p, d, pair, map->pa.v, size);
    if (ipa != 0) {
        p->guest_windows[p->nr_windows] =
            (struct guest_window){{(uint32_t)(map->ipa.v >> 32), (uint32_t)map->ipa.v, (uint32_t)(size >> 32),
                                   (uint32_t)size, (uint32_t)(ipa >> 32), (uint32_t)ipa}};
        p->windows[p->nr_windows++] = (struct domain_window){IPA(ipa), map->pa, size};
    }
}

/* All RAM, or what its devices bounce through. */
static void add_windows(struct planner *p, const struct draft *d, const struct virtio_pair *pair)
{
    const struct domain_record *f = pair->frontend->record;

    for (uint32_t i = 0; i < f->nr_maps && pair->buffers == BUFFERS_ALL; i++) {
        if (f->maps[i].kind == MAP_RAM) {
            add_window(p, d, pair, &f->maps[i]);
        }
    }
    for (uint32_t i = 0; i < p->nr_virtio && pair->buffers == BUFFERS_BOUNCE; i++) {
        const struct virtio_draft *v = &p->virtio[i];

        if (v->pair == pair) {
            add_window(p, d, pair,
                       &(struct domain_map){IPA(v->pool_ipa), PA(v->pool_pa), v->pool_size, MAP_SHARED});
        }
    }
}

static void serve_device(struct planner *p, struct draft *d, const struct virtio_draft *v)
{
    uint64_t state = is_direct(d) ? v->state_pa : place_ipa(p, d, v->state_size, PAGE_SIZE), word;

    (void)shared_memory_map(p, v->node,
                            &(struct domain_map){IPA(state), PA(v->state_pa), v->state_size, MAP_SHARED});
    word = d->bell_page + 4u * d->bells++;
    add_doorbell(d,
                 &(struct domain_doorbell){
                     .ipa = IPA(word), .size = 4, .peer = v->pair->frontend->record->domid, .spi = v->spi});
    p->guest_served[p->backend.nr_devices++] = (struct guest_served){.parameters = &v->parameters,
                                                                     .buffers = v->buffers,
                                                                     .grants_size = v->grants_size,
                                                                     .ipa = v->ipa,
                                                                     .size = VIRTIO_SIZE,
                                                                     .state = state,
                                                                     .state_bytes = v->state_size,
                                                                     .interrupt = word,
                                                                     .queues = v->queues,
                                                                     .queue_max = v->queue_max,
                                                                     .port = v->port};
}

static void serve(struct planner *p, struct draft *d, struct virtio_pair *pair)
{
    const struct domain_record *f = pair->frontend->record;
    uint32_t windows = p->nr_windows, devices = p->backend.nr_devices;

    if (!is_direct(d)) {
        pair->page = place_ipa(p, d, PAGE_SIZE, PAGE_SIZE);
        d->bell_page = d->bell_page != 0 ? d->bell_page : place_ipa(p, d, PAGE_SIZE, PAGE_SIZE);
    }
    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        if (p->virtio[i].pair == pair) {
            serve_device(p, d, &p->virtio[i]);
        }
    }
    add_windows(p, d, pair);
    p->guest_frontends[p->backend.nr_frontends++] =
        (struct guest_frontend){.name = f->name,
                                .domid = f->domid,
                                .server = pair->server,
                                .vcpus = f->nr_vcpus,
                                .first_port = pair->first_port,
                                .page = pair->page,
                                .nr_windows = p->nr_windows - windows,
                                .nr_devices = p->backend.nr_devices - devices};
}

/* Among the devices, if there is room: what a small domain needs of tables is there already. */
static uint64_t grants_ipa(const struct planner *p, const struct draft *d, uint64_t size)
{
    uint64_t at = free_window(p, d, PLACEMENT_IPA, size, GIB(1));

    return at != 0 ? at : free_window(p, d, WINDOWS, size, WINDOWS_END);
}

/* Holes where the backend maps what it is granted, in the order of its devices. Windows lie already. */
static void place_grants(struct planner *p, const struct draft *d)
{
    bool mixed = d->record->nr_streams != 0 && (d->record->flags & DOMAIN_DMA_UNPROTECTED) != 0;
    uint32_t device = 0;

    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        for (uint32_t k = 0; k < p->nr_virtio && p->pairs[i].backend == d; k++) {
            struct virtio_draft *v = &p->virtio[k];

            if (v->pair != &p->pairs[i]) {
                continue;
            }
            if (v->grants_size != 0 && v->parameters.class == VIRTIO_BLOCK && mixed) {
                error(p, v->node, "bulkhead,buffers",
                      "%s has DMA both behind an SMMU and without, and granted pages lie at one address",
                      d->record->name);
            } else if (v->grants_size != 0) {
                v->grants_ipa = grants_ipa(p, d, align_up(v->grants_size, BLOCK));
                if (v->grants_ipa == 0) {
                    error(p, v->node, "bulkhead,buffers",
                          "%lu KiB of grants do not fit between 4 GiB and 8 GiB of %s's addresses",
                          v->grants_size / 1024u, d->record->name);
                }
            }
            p->guest_served[device++].grants = v->grants_ipa;
        }
    }
}

static void place_backend(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    struct domain_frontend *frontends;
    struct domain_window *windows;
    uint32_t first = 0;

    for (uint32_t i = 0; i < p->nr_pairs; i++) {
        if (p->pairs[i].backend == d) {
            serve(p, d, &p->pairs[i]);
        }
    }
    place_grants(p, d);
    p->backend.nr_windows = p->nr_windows;
    frontends = record_alloc(p, d->node, p->backend.nr_frontends * sizeof(*frontends));
    windows = record_alloc(p, d->node, p->nr_windows * sizeof(*windows));
    if (frontends == NULL || (windows == NULL && p->nr_windows != 0)) {
        return;
    }
    for (uint32_t i = 0; i < p->backend.nr_frontends; i++) {
        const struct guest_frontend *f = &p->guest_frontends[i];

        frontends[i] = (struct domain_frontend){.domid = f->domid,
                                                .server = f->server,
                                                .nr_vcpus = f->vcpus,
                                                .first_port = f->first_port,
                                                .page = IPA(f->page),
                                                .first_window = first,
                                                .nr_windows = f->nr_windows};
        first += f->nr_windows;
    }
    if (p->nr_windows != 0) {
        memcpy(windows, p->windows, p->nr_windows * sizeof(*windows));
    }
    r->frontends = frontends;
    r->nr_frontends = p->backend.nr_frontends;
    r->windows = windows;
    r->nr_windows = p->nr_windows;
}

void virtio_place(struct planner *p, struct draft *d)
{
    p->links.nr_virtio = 0;
    p->links.iommu_phandle = 0;
    p->links.virtio = p->guest_virtio;
    p->backend = (struct guest_backend){.heartbeat_ms = d->record->heartbeat_ms,
                                        .frontends = p->guest_frontends,
                                        .windows = p->guest_windows,
                                        .devices = p->guest_served};
    p->links.backend = &p->backend;
    place_frontend(p, d);
    place_backend(p, d);
}
