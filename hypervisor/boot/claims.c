/* SPDX-License-Identifier: Apache-2.0 */
/* Who has spoken for which host memory before the first domain is placed. */
#include "base/string.h"
#include "boot/planner.h"
#include "boot/shared_memory.h"

bool is_module(const struct fdt *fdt, fdt_node_t node)
{
    struct fdt_prop prop;

    return fdt_prop(fdt, node, "compatible", &prop) && (fdt_string_list_has(&prop, "multiboot,module") ||
                                                        fdt_string_list_has(&prop, "xen,multiboot-module") ||
                                                        fdt_string_list_has(&prop, "multiboot,kernel") ||
                                                        fdt_string_list_has(&prop, "multiboot,ramdisk") ||
                                                        fdt_string_list_has(&prop, "multiboot,device-tree"));
}

bool is_domain(const struct fdt *fdt, fdt_node_t node)
{
    return fdt_compatible(fdt, node, "xen,domain") && fdt_okay(fdt, node);
}

static void visit_list(const struct fdt *fdt, fdt_node_t node, const char *name, fdt_node_t parent,
                       enum claim_kind kind, claim_visitor visit, void *context)
{
    struct fdt_prop prop;
    uint32_t address_cells, size_cells, at = 0;
    uint64_t base, size;

    if (!fdt_prop(fdt, node, name, &prop)) {
        return;
    }
    fdt_cells(fdt, parent, &address_cells, &size_cells);
    while (at < prop.len / 4u && fdt_number(&prop, &at, address_cells, &base) &&
           fdt_number(&prop, &at, size_cells, &size) && address_cells + size_cells > 0) {
        visit(context, kind, node, base, size);
    }
}

/* Modules, whose ranges are in the cells of the node that holds them, and shared memory. */
static void visit_children(const struct fdt *fdt, fdt_node_t node, claim_visitor visit, void *context)
{
    uint64_t base, size;

    for_each_child (fdt, node, child) {
        if (is_module(fdt, child)) {
            visit_list(fdt, child, "reg", node, CLAIM_MODULE, visit, context);
        } else if (shared_memory_wants(fdt, child, &base, &size)) {
            visit(context, CLAIM_SHARED, child, base, size);
        }
    }
}

static void visit_chosen(const struct fdt *fdt, fdt_node_t chosen, claim_visitor visit, void *context)
{
    visit_list(fdt, chosen, "xen,static-heap", fdt_root(fdt), CLAIM_HEAP, visit, context);
    visit_list(fdt, chosen, "bulkhead,log", fdt_root(fdt), CLAIM_LOG, visit, context);
    visit_children(fdt, chosen, visit, context);
    for_each_child (fdt, chosen, child) {
        if (is_domain(fdt, child)) {
            visit_list(fdt, child, "xen,static-mem", chosen, CLAIM_STATIC, visit, context);
            visit_children(fdt, child, visit, context);
        } else if (fdt_compatible(fdt, child, "bulkhead,extension") && fdt_okay(fdt, child)) {
            visit_children(fdt, child, visit, context);
        }
    }
}

static void visit_all(const struct plan_input *in, claim_visitor visit, void *context)
{
    const struct host *host = in->host;
    fdt_node_t chosen = host->fdt->chosen;

    for (uint32_t i = 0; i < host->nr_reserved; i++) {
        visit(context, CLAIM_RESERVED, host->reserved[i].node, host->reserved[i].base,
              host->reserved[i].size);
    }
    if (in->image_size != 0) {
        visit(context, CLAIM_HYPERVISOR, FDT_NONE, in->image_pa, in->image_size);
    }
    if (in->blob_pa != 0) {
        visit(context, CLAIM_HYPERVISOR, FDT_NONE, in->blob_pa, host->fdt->size);
    }
    if (chosen != FDT_NONE) {
        visit_chosen(host->fdt, chosen, visit, context);
    }
}

/* Whole pages: outwards for what is taken. */
static enum status take_pages(struct ranges *set, uint64_t base, uint64_t size)
{
    uint64_t start = align_down(base, PAGE_SIZE);

    if (base > UINT64_MAX - size - PAGE_SIZE) {
        return ERR_RANGE;
    }
    return ranges_remove(set, start, align_up(base + size, PAGE_SIZE) - start);
}

static enum status add_pages(struct ranges *set, uint64_t base, uint64_t size)
{
    uint64_t start = align_up(base, PAGE_SIZE), end = align_down(base + size, PAGE_SIZE);

    return end > start ? ranges_add(set, start, end - start) : OK;
}

static bool add_ram(const struct host *host, struct ranges *set)
{
    set->count = 0;
    for (uint32_t i = 0; i < host->nr_ram; i++) {
        if (add_pages(set, host->ram[i].base, host->ram[i].size) != OK) {
            return false;
        }
    }
    return true;
}

struct supply {
    const struct host *host;
    struct ranges *set;
};

/* Only what is RAM: boot writes to it before all contradictions have been looked for. */
static void visit_heap(void *context, enum claim_kind kind, fdt_node_t node, uint64_t base, uint64_t size)
{
    const struct supply *supply = context;

    (void)kind;
    (void)node;
    for (uint32_t i = 0; i < supply->host->nr_ram && base <= UINT64_MAX - size; i++) {
        const struct host_range *ram = &supply->host->ram[i];
        uint64_t start = max_u64(base, ram->base), end = min_u64(base + size, ram->base + ram->size);

        if (end > start) {
            (void)add_pages(supply->set, start, end - start); /* ranges left out only make the heap smaller */
        }
    }
}

/* Where free memory is looked for: the heap if the tree gives one, else all RAM. */
static void add_supply(const struct host *host, struct ranges *set)
{
    const struct fdt *fdt = host->fdt;
    struct supply supply = {host, set};

    set->count = 0;
    if (fdt->chosen != FDT_NONE) {
        visit_list(fdt, fdt->chosen, "xen,static-heap", fdt_root(fdt), CLAIM_HEAP, visit_heap, &supply);
    }
    if (set->count == 0 && !add_ram(host, set)) {
        set->count = 0;
    }
}

static void visit_taken(void *context, enum claim_kind kind, fdt_node_t node, uint64_t base, uint64_t size)
{
    struct ranges *set = context;

    (void)node;
    if (kind != CLAIM_HEAP && take_pages(set, base, size) != OK) {
        set->count = 0;
    }
}

enum status plan_arena_place(const struct plan_input *input, uint64_t min_size, uint64_t *pa, uint64_t *size,
                             struct report *report)
{
    struct ranges set;

    add_supply(input->host, &set);
    visit_all(input, visit_taken, &set);
    *size = ranges_largest(&set, MIB(2), pa);
    if (*size == 0 || *size < min_size) {
        report_at(report, REPORT_ERROR, "/memory", "reg",
                  "no free piece of RAM has the %lu KiB that boot needs", min_size / 1024u);
        return ERR_NOMEM;
    }
    return OK;
}

static const char *const kind_names[] = {"reserved memory", "the hypervisor or its device tree",
                                         "a boot module",   "xen,static-heap",
                                         "xen,static-mem",  "bulkhead,log",
                                         "xen,shared-mem"};

static const char *property_of(enum claim_kind kind)
{
    return kind >= CLAIM_HEAP ? kind_names[kind] : "reg";
}

/* Which pairs contradict each other. `later` is never of a kind that is visited earlier than the other. */
static bool contradict(const struct claim *earlier, const struct claim *later)
{
    if (later->kind == CLAIM_SHARED && earlier->kind == CLAIM_SHARED) {
        return earlier->base != later->base || earlier->size != later->size; /* who shares it, it looks at */
    }
    if (later->kind == CLAIM_LOG) {
        return earlier->kind != CLAIM_RESERVED; /* how else would firmware leave it alone over a reset */
    }
    if (later->kind >= CLAIM_HEAP || earlier->kind >= CLAIM_STATIC) {
        return !(earlier->kind == CLAIM_HYPERVISOR && later->kind == CLAIM_HEAP);
    }
    if (later->kind == CLAIM_MODULE && earlier->kind == CLAIM_MODULE) {
        return earlier->base != later->base || earlier->size != later->size; /* domains may share a module */
    }
    return later->kind == CLAIM_MODULE && earlier->kind == CLAIM_HYPERVISOR;
}

static void visit_claim(void *context, enum claim_kind kind, fdt_node_t node, uint64_t base, uint64_t size)
{
    struct planner *p = context;
    struct claim claim = {base, size, kind, node};
    char other[128];

    if (size == 0 || base > UINT64_MAX - size - PAGE_SIZE) {
        error(p, node, property_of(kind), "range 0x%lx + 0x%lx is empty or wraps", base, size);
        return;
    }
    if (kind >= CLAIM_HEAP && (base % PAGE_SIZE != 0 || size % PAGE_SIZE != 0)) {
        error(p, node, property_of(kind), "range 0x%lx + 0x%lx is not made of whole 4 KiB pages", base, size);
    }
    if (kind >= CLAIM_MODULE && !ranges_contain(&p->ram, base, size)) {
        error(p, node, property_of(kind), "range 0x%lx + 0x%lx is not RAM", base, size);
    }
    for (uint32_t i = 0; i < p->nr_claims; i++) {
        const struct claim *c = &p->claims[i];

        if (ranges_overlap(c->base, c->size, base, size) && contradict(c, &claim)) {
            if (c->node != FDT_NONE) {
                fdt_node_path(p->fdt, c->node, other, sizeof(other));
            }
            error(p, node, property_of(kind), "range 0x%lx + 0x%lx overlaps %s at 0x%lx + 0x%lx%s%s", base,
                  size, kind_names[c->kind], c->base, c->size, c->node != FDT_NONE ? " of " : "",
                  c->node != FDT_NONE ? other : "");
        }
    }
    if (p->nr_claims == MAX_CLAIMS) {
        error(p, node, property_of(kind), "too many ranges of memory are named");
        return;
    }
    p->claims[p->nr_claims++] = claim;
    p->heap_given = p->heap_given || kind == CLAIM_HEAP;
    if (kind == CLAIM_LOG) {
        p->plan->log_pa = base;
        p->plan->log_size = size;
    }
}

void claims_collect(struct planner *p)
{
    if (!add_ram(p->host, &p->ram)) {
        report_at(p->report, REPORT_ERROR, "/memory", "reg", "too many ranges of RAM");
    }
    visit_all(p->in, visit_claim, p);
    add_supply(p->host, &p->free);
    for (uint32_t i = 0; i < p->nr_claims; i++) {
        visit_taken(&p->free, p->claims[i].kind, FDT_NONE, p->claims[i].base, p->claims[i].size);
    }
    if (take_pages(&p->free, p->in->arena->pa, p->arena_size) != OK) {
        report_at(p->report, REPORT_ERROR, "/memory", "reg", "RAM is in too many pieces");
    }
}
