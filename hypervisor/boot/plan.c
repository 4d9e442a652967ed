/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the plan: reads all domains, then places all, then writes the records. */
#include "boot/plan.h"

#include "base/string.h"
#include "boot/planner.h"
#include "core/pool.h"

void *arena_alloc(struct arena *arena, uint64_t size, uint64_t align)
{
    uint64_t start = align_up(arena->pa + arena->used, align) - arena->pa;

    if (start > arena->size || size > arena->size - start) {
        return NULL;
    }
    arena->used = start + size;
    return memset(arena->base + start, 0, size);
}

uint64_t arena_pa(const struct arena *arena, const void *pointer)
{
    return arena->pa + (uint64_t)((const uint8_t *)pointer - arena->base);
}

const char *path_of(struct planner *p, fdt_node_t node)
{
    if (node == FDT_NONE) {
        return "";
    }
    return fdt_node_path(p->fdt, node, p->path, sizeof(p->path));
}

static void add_draft(struct planner *p, fdt_node_t node)
{
    struct draft *d = &p->drafts[p->nr_drafts];

    if (p->nr_drafts == MAX_DOMAINS - 1u) {
        error(p, node, "compatible", "too many domains");
        return;
    }
    d->record = arena_alloc(p->in->arena, sizeof(*d->record), 8);
    if (d->record == NULL) {
        error(p, node, "", "no memory is left for the domain record");
        return;
    }
    p->nr_drafts++;
    d->node = node;
    d->record->domid = (uint16_t)p->nr_drafts;
    domain_read(p, d);
}

static void read_domains(struct planner *p)
{
    fdt_node_t node;

    for (node = fdt_first_child(p->fdt, p->chosen); node != FDT_NONE; node = fdt_next_sibling(p->fdt, node)) {
        if (fdt_compatible(p->fdt, node, "xen,domain")) {
            add_draft(p, node);
        }
    }
    if (p->nr_drafts == 0) {
        report_at(p->report, REPORT_ERROR, "/chosen", "", "there is no domain (compatible = \"xen,domain\")");
    }
}

static void *copy_out(struct planner *p, fdt_node_t node, const void *from, uint64_t size)
{
    void *to = arena_alloc(p->in->arena, size, 8);

    if (to == NULL) {
        error(p, node, "", "no memory is left for the domain record");
        return NULL;
    }
    return memcpy(to, from, size);
}

static void place(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;

    memory_place(p, d);
    r->maps = copy_out(p, d->node, p->maps, p->nr_maps * sizeof(p->maps[0]));
    r->nr_maps = r->maps == NULL ? 0 : p->nr_maps;
    modules_place(p, d);
    r->loads = copy_out(p, d->node, p->loads, p->nr_loads * sizeof(p->loads[0]));
    r->nr_loads = r->loads == NULL ? 0 : p->nr_loads;
    if (r->restart != RESTART_NEVER) {
        p->plan->kept_modules += d->kernel.size + d->ramdisk.size;
    }
}

/* Last, when everything that could be wrong has been looked at. */
static void make_pools(struct planner *p)
{
    uint32_t i;

    for (i = 0; i < p->nr_drafts; i++) {
        struct domain_record *r = p->drafts[i].record;

        r->pool_size = domain_pool_bytes(r);
        r->pool = arena_alloc(p->in->arena, r->pool_size, PAGE_SIZE);
        if (r->pool == NULL) {
            error(p, p->drafts[i].node, "", "%lu KiB for the domain's tables are not left", r->pool_size / 1024u);
            return;
        }
    }
}

static void build(struct planner *p)
{
    uint32_t i;

    claims_collect(p);
    cpupools_read(p);
    read_domains(p);
    vcpus_place(p);
    for (i = 0; i < p->nr_drafts; i++) {
        place(p, &p->drafts[i]);
        p->plan->records[i] = p->drafts[i].record;
        p->plan->nodes[i] = p->drafts[i].node;
    }
    p->plan->nr_domains = p->nr_drafts;
    if (p->report->errors == 0) {
        make_pools(p);
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
    memset(p, 0, sizeof(*p));
    p->in = input;
    p->host = input->host;
    p->fdt = input->host->fdt;
    p->plan = plan;
    p->report = report;
    p->chosen = fdt_child(p->fdt, fdt_root(p->fdt), "chosen");
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
