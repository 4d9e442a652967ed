/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the plan: reads all domains, then places all, then writes the records. */
#include "boot/plan.h"

#include "base/string.h"
#include "boot/channels.h"
#include "boot/enhanced.h"
#include "boot/events.h"
#include "boot/extensions.h"
#include "boot/placement.h"
#include "boot/shared_memory.h"
#include "boot/virtio_devices.h"
#include "core/pool.h"

const char *path_of(struct planner *p, fdt_node_t node)
{
    if (node == FDT_NONE) {
        return "";
    }
    return fdt_node_path(p->fdt, node, p->path, sizeof(p->path));
}

void *record_alloc(struct planner *p, fdt_node_t node, uint64_t size)
{
    void *memory = size == 0 ? NULL : arena_alloc(p->in->arena, size, 8);

    if (memory == NULL && size != 0) {
        error(p, node, "", "no memory is left for the domain record");
    }
    return memory;
}

struct draft *draft_new(struct planner *p, fdt_node_t node)
{
    struct draft *d = &p->drafts[p->nr_drafts];

    if (p->nr_drafts == MAX_DOMAINS - 1u) {
        error(p, node, "compatible", "too many domains");
        return NULL;
    }
    memset(d, 0, sizeof(*d));
    d->node = node;
    d->record = record_alloc(p, node, sizeof(*d->record));
    p->nr_drafts += d->record != NULL;
    return d->record != NULL ? d : NULL;
}

struct draft *draft_of(struct planner *p, fdt_node_t node)
{
    for (uint32_t i = 0; node != FDT_NONE && i < p->nr_drafts; i++) {
        if (p->drafts[i].node == node) {
            return &p->drafts[i];
        }
    }
    return NULL;
}

struct draft *draft_by_domid(struct planner *p, uint16_t domid)
{
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        if (p->drafts[i].record->domid == domid) {
            return &p->drafts[i];
        }
    }
    return NULL;
}

void known_only_in(struct planner *p, fdt_node_t node, const char *list, size_t size)
{
    const struct fdt_prop names = {.data = (const uint8_t *)list, .len = (uint32_t)size};
    struct fdt_prop prop;

    for_each_prop (p->fdt, node, &prop) {
        if (fdt_string_list_has(&names, prop.name)) {
            continue;
        }
        if (strncmp(prop.name, "bulkhead,", 9) == 0) {
            error(p, node, prop.name, "unknown property");
        } else {
            complain(p, REPORT_WARNING, node, prop.name, "unknown property, no effect");
        }
    }
}

static void read_domain(struct planner *p, fdt_node_t node)
{
    struct draft *d = draft_new(p, node);

    if (d != NULL) {
        d->record->domid = (uint16_t)(p->nr_drafts - (p->hardware != NULL ? 1u : 0u));
        domain_read(p, d);
    }
}

static void read_chosen_prop(struct planner *p, const struct fdt_prop *prop)
{
    const char *text = (const char *)prop->data;
    bool is_text = prop->len > 0 && prop->data[prop->len - 1u] == 0;

    if (strncmp(prop->name, "bulkhead,", 9) != 0) {
        if (strcmp(prop->name, "xen,uefi-cfg-load") == 0) {
            complain(p, REPORT_WARNING, p->chosen, prop->name,
                     "not supported: the boot loader must load the modules");
        }
        return;
    }
    if (strcmp(prop->name + 9, "on-panic") == 0) {
        p->plan->on_panic = is_text && strcmp(text, "reset") == 0 ? PANIC_RESET : PANIC_STOP;
        if (!is_text || (strcmp(text, "reset") != 0 && strcmp(text, "stop") != 0)) {
            error(p, p->chosen, prop->name, "must be \"stop\" or \"reset\"");
        }
    } else if (strcmp(prop->name + 9, "console-keys") == 0) {
        p->plan->console_keys = true;
    } else if (strcmp(prop->name + 9, "log") != 0) { /* read with the claims */
        error(p, p->chosen, prop->name, "unknown property");
    }
}

static void read_chosen_node(struct planner *p, fdt_node_t node)
{
    struct fdt_prop compatible;

    if (!fdt_prop(p->fdt, node, "compatible", &compatible)) {
        return;
    }
    if (is_domain(p->fdt, node)) {
        read_domain(p, node);
    } else if (fdt_string_list_has(&compatible, "xen,domain")) {
        complain(p, REPORT_NOTE, node, "status", "not okay: the domain does not exist");
    } else if (fdt_string_list_has(&compatible, "xen,evtchn-v1") ||
               fdt_string_list_has(&compatible, "xen,domain-shared-memory-v1") ||
               fdt_string_list_has(&compatible, "bulkhead,virtio")) {
        if (p->hardware == NULL) {
            error(p, node, "compatible", "is the hardware domain's here, but there is none");
        }
    } else if (fdt_string_list_has(&compatible, "bulkhead,mmio")) {
        error(p, node, "compatible", "not for the hardware domain: it has all of the address space");
    } else if (!is_module(p->fdt, node) && !fdt_string_list_has(&compatible, "xen,cpupool") &&
               !fdt_string_list_has(&compatible, "bulkhead,channel") &&
               !fdt_string_list_has(&compatible, "bulkhead,extension")) {
        complain(p, REPORT_WARNING, node, "compatible", "unknown kind of node, no effect");
    }
}

static void read_chosen(struct planner *p)
{
    struct fdt_prop prop;

    hardware_read(p);
    for_each_prop (p->fdt, p->chosen, &prop) {
        read_chosen_prop(p, &prop);
    }
    for_each_child (p->fdt, p->chosen, node) {
        read_chosen_node(p, node);
    }
    if (p->nr_drafts == 0) {
        error(p, p->chosen, "", "there is no domain (compatible = \"xen,domain\")");
    }
}

/* A copy in the arena; NULL for nothing, or after an error. */
static void *copy_out(struct planner *p, fdt_node_t node, const void *from, uint64_t size)
{
    void *to = record_alloc(p, node, size);

    return to == NULL ? NULL : memcpy(to, from, size);
}

/* Counts a module of a domain that may restart, unless one before it has counted it. */
static void keep_module(struct planner *p, const struct draft *d, const struct module *module)
{
    for (const struct draft *other = p->drafts; other < d; other++) {
        if (other->record->restart != RESTART_NEVER &&
            (other->kernel.pa == module->pa || other->ramdisk.pa == module->pa)) {
            return;
        }
    }
    p->plan->kept_modules += module->size;
}

/* RAM and devices: what the description alone decides. */
static void place_memory(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    struct passthrough devices = {.maps = p->maps,
                                  .irqs = p->irqs,
                                  .resets = p->resets,
                                  .streams = p->streams,
                                  .nodes = p->nodes,
                                  .max_streams = MAX_STREAMS,
                                  .max_maps = MAX_MAPS,
                                  .max_irqs = MAX_IRQS,
                                  .max_resets = MAX_RESETS,
                                  .max_nodes = MAX_NODES};
    struct fdt partial;

    p->nr_streams = 0;
    memory_place(p, d);
    devices.nr_maps = p->nr_maps;
    devices.nr_streams = p->nr_streams;
    d->has_partial = partial_read(p, d, &devices, &partial);
    if (d != p->hardware) {
        r->irqs = copy_out(p, d->node, p->irqs, devices.nr_irqs * sizeof(p->irqs[0]));
        r->nr_irqs = r->irqs == NULL ? 0 : devices.nr_irqs;
    }
    r->resets = copy_out(p, d->node, p->resets, devices.nr_resets * sizeof(p->resets[0]));
    r->nr_resets = r->resets == NULL ? 0 : devices.nr_resets;
    r->streams = copy_out(p, d->node, p->streams, devices.nr_streams * sizeof(p->streams[0]));
    r->nr_streams = r->streams == NULL ? 0 : devices.nr_streams;
    r->maps = copy_out(p, d->node, p->maps, p->nr_maps * sizeof(p->maps[0]));
    r->nr_maps = r->maps == NULL ? 0 : p->nr_maps;
}

/* What it shares with others, and then its device tree. The RAM of all domains has been placed, and the links
 * of those that it serves. */
static void place_links(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    struct fdt partial;
    uint32_t bells;

    p->nr_maps = r->nr_maps;
    if (r->nr_maps != 0) {
        memcpy(p->maps, r->maps, r->nr_maps * sizeof(p->maps[0]));
    }
    p->partial = d->has_partial && partial_open(p, d, &partial) ? &partial : NULL;
    p->next_ipa = PLACEMENT_IPA;
    p->nr_windows = 0;
    shared_memory_place(p, d);
    bells = channels_place(p, d) + virtio_doorbells(p, d);
    d->doorbells = record_alloc(p, d->node, bells * sizeof(*d->doorbells));
    r->doorbells = d->doorbells;
    virtio_place(p, d);
    events_place(p, d);
    enhanced_place(p, d);
    if (p->nr_maps != r->nr_maps) {
        r->maps = copy_out(p, d->node, p->maps, p->nr_maps * sizeof(p->maps[0]));
        r->nr_maps = r->maps == NULL ? 0 : p->nr_maps;
    }
    modules_place(p, d);
    r->loads = copy_out(p, d->node, p->loads, p->nr_loads * sizeof(p->loads[0]));
    r->nr_loads = r->loads == NULL ? 0 : p->nr_loads;
    if (r->restart != RESTART_NEVER) {
        keep_module(p, d, &d->kernel);
        keep_module(p, d, &d->ramdisk);
    }
}

/* A backend after its frontends, whose memory and interrupts it is told. */
static void place_all(struct planner *p)
{
    bool more = true;

    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        if (&p->drafts[i] != p->hardware) {
            place_memory(p, &p->drafts[i]);
        }
    }
    if (p->hardware != NULL) {
        place_memory(p, p->hardware);
    }
    while (more) {
        more = false;
        for (uint32_t i = 0; i < p->nr_drafts; i++) {
            struct draft *d = &p->drafts[i];

            if (!d->placed && virtio_can_place(p, d)) {
                place_links(p, d);
                d->placed = more = true;
            }
        }
    }
}

/* Last, when everything that could be wrong has been looked at. */
static void make_pools(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        struct domain_record *r = p->drafts[i].record;

        r->pool_size = domain_pool_bytes(r);
        r->pool = arena_alloc(p->in->arena, r->pool_size, PAGE_SIZE);
        if (r->pool == NULL) {
            error(p, p->drafts[i].node, "", "%lu KiB for the domain's tables are not left",
                  r->pool_size / 1024u);
            return;
        }
    }
}

static void build(struct planner *p)
{
    bootargs_check(p);
    claims_collect(p);
    cpupools_read(p);
    read_chosen(p);
    vcpus_place(p);
    events_read(p);
    shared_memory_read(p);
    channels_read(p);
    virtio_read(p);
    extensions_read(p);
    place_all(p);
    channels_connect(p);
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        p->plan->records[i] = p->drafts[i].record;
        p->plan->nodes[i] = p->drafts[i].node;
    }
    p->plan->nr_domains = p->nr_drafts;
    conflicts_check(p);
    extensions_check(p);
    if (p->report->errors == p->errors) {
        make_pools(p);
        extensions_place(p);
    }
}

enum status plan_build(const struct plan_input *input, struct plan *plan, struct report *report)
{
    uint64_t size = input->arena->size;
    uint32_t errors = report->errors;
    struct planner *p;

    memset(plan, 0, sizeof(*plan));
    /* What is only needed while planning lies at the end of the arena and is given back. */
    if (size < sizeof(*p) + PAGE_SIZE) {
        report_at(report, REPORT_ERROR, "", "", "no memory for the plan");
        return ERR_NOMEM;
    }
    p = (struct planner *)(void *)(input->arena->base + align_down(size - sizeof(*p), 64));
    memset(p, 0, offsetof(struct planner, ram));
    p->in = input;
    p->host = input->host;
    p->fdt = input->host->fdt;
    p->plan = plan;
    p->report = report;
    p->errors = errors;
    p->arena_size = size;
    p->chosen = p->fdt->chosen;
    if (p->chosen == FDT_NONE) {
        report_at(report, REPORT_ERROR, "/", "", "there is no /chosen node, and so no domain");
        return ERR_INVALID;
    }
    fdt_cells(p->fdt, p->chosen, &p->address_cells, &p->size_cells);
    input->arena->size = align_down(size - sizeof(*p), 64);
    build(p);
    input->arena->size = size;
    return report->errors == errors ? OK : ERR_INVALID;
}
