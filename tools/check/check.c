/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the planner on a file, with an arena in ordinary memory that stands for the one on the board. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

/* What boot takes for itself while it plans: hypervisor/boot/main.c has the same. */
#define ARENA_MIN MIB(2)
#define ARENA_MAX MIB(32)

#define MAX_CLAIMS 512

static void print_problem(struct report *report, enum severity severity, const char *path,
                          const char *property, const char *message)
{
    static const char *const names[] = {"note", "warning", "error"};
    const struct check *check = report->context;

    if (severity == REPORT_NOTE && check->quiet) {
        return;
    }
    fprintf(stderr, "%s: %s:", source_where(&check->source, path, property), names[severity]);
    if (*path != '\0') {
        fprintf(stderr, " %s", path);
    }
    if (*property != '\0') {
        fprintf(stderr, " %s", property);
    }
    fprintf(stderr, ": %s\n", message);
}

/* The content of a module is known if its file was given. A description may round the size up: zeros follow.
 */
static const void *peek(void *context, uint64_t pa, uint64_t size)
{
    struct check *check = context;
    unsigned i;

    for (i = 0; i < check->nr_modules; i++) {
        struct module_file *file = &check->modules[i];
        uint64_t offset = pa - file->pa, present;

        if (pa < file->pa || offset >= file->size) {
            continue;
        }
        present = min_u64(size, file->size - offset);
        if (size > MIB(16)) {
            return NULL; /* nothing that boot reads is that large */
        }
        free(check->peeked);
        check->peeked = aligned_alloc(8, align_up(size, 8));
        if (check->peeked != NULL) {
            memset(check->peeked, 0, size);
            memcpy(check->peeked, (const uint8_t *)file->data + offset, present);
        }
        return check->peeked;
    }
    return NULL;
}

bool check_run(struct check *check)
{
    struct plan_input input = {.host = &check->host,
                               .image_pa = check->image_pa,
                               .image_size = check->image_size,
                               .blob_pa = check->blob_pa,
                               .arena = &check->arena,
                               .peek = peek,
                               .peek_context = check,
                               .ipa_bits_max = check->ipa_bits,
                               .host_spis = check->host_spis};
    char dtuart[160];
    uint64_t pa, size;
    bool given, good;

    check->report = (struct report){.sink = print_problem, .context = check};
    if (fdt_open(&check->fdt, check->source.blob, check->source.size) != OK) {
        fprintf(stderr, "%s: error: malformed device tree: %s (offset 0x%x)\n", check->source.name,
                check->fdt.error, check->fdt.error_off);
        check->report.errors++;
        return false;
    }
    given = plan_argument(plan_command_line(&check->fdt), "dtuart", dtuart, sizeof(dtuart));
    /* The target stops at the first step that fails; here the domains are looked at all the same. */
    good = host_discover(&check->host, &check->fdt, given ? dtuart : NULL, &check->report) == OK;
    if (plan_arena_place(&input, ARENA_MIN, &pa, &size, &check->report) != OK) {
        good = false;
        pa = 0;
        size = ARENA_MIN;
    }
    size = min_u64(align_down(size, MIB(2)), ARENA_MAX);
    check->arena = (struct arena){.base = aligned_alloc(4096, size), .pa = pa, .size = size};
    if (check->arena.base == NULL) {
        fputs("bulkhead-check: no memory\n", stderr);
        exit(2);
    }
    return plan_build(&input, &check->plan, &check->report) == OK && good && check->report.errors == 0;
}

static bool in_device_maps(const struct domain_record *record, uint64_t base, uint64_t size)
{
    uint32_t i;

    for (i = 0; i < record->nr_maps; i++) {
        const struct domain_map *map = &record->maps[i];

        if (map->kind == MAP_DEVICE && ranges_overlap(map->pa.v, map->size, base, size)) {
            return true;
        }
    }
    return false;
}

bool domain_reaches(const struct check *check, const struct domain_record *record, fdt_node_t device)
{
    uint64_t base, size;
    unsigned i;

    for (i = 0; fdt_reg(&check->fdt, device, i, &base, &size) == OK; i++) {
        if (in_device_maps(record, base, size)) {
            return true;
        }
    }
    return false;
}

bool next_device(const struct check *check, fdt_node_t *node)
{
    uint64_t base, size;

    do {
        *node = fdt_next_node(&check->fdt, *node);
    } while (*node != FDT_NONE && (!fdt_has(&check->fdt, *node, "compatible") ||
                                   fdt_reg(&check->fdt, *node, 0, &base, &size) != OK));
    return *node != FDT_NONE;
}

static bool owns_irq(const struct domain_record *record, uint32_t intid)
{
    uint32_t i;

    for (i = 0; i < record->nr_irqs; i++) {
        if (record->irqs[i].pirq == intid) {
            return true;
        }
    }
    return false;
}

bool next_reach(const struct check *check, const struct domain_record *record, fdt_node_t *node,
                struct reach *reach)
{
    const struct fdt *fdt = &check->fdt;
    fdt_node_t at = *node == FDT_NONE ? fdt_root(fdt) : *node;
    uint32_t intid;
    unsigned i;
    bool edge;

    while (next_device(check, &at) && !domain_reaches(check, record, at)) {
    }
    *node = at;
    if (at == FDT_NONE) {
        return false;
    }
    (void)fdt_node_path(fdt, at, reach->path, sizeof(reach->path));
    reach->nr_irqs = 0;
    for (i = 0; host_interrupt(&check->host, at, i, &intid, &edge) == OK; i++) {
        if (owns_irq(record, intid) && reach->nr_irqs < ARRAY_SIZE(reach->irqs)) {
            reach->irqs[reach->nr_irqs++] = intid;
        }
    }
    return true;
}

struct claims {
    size_t count;
    struct extent at[MAX_CLAIMS];
};

/* Whole pages: a domain gets none of which a part is taken. */
static void claim(struct claims *claims, uint64_t base, uint64_t size, int owner, const char *what)
{
    uint64_t start = align_down(base, PAGE_SIZE);

    if (claims->count < MAX_CLAIMS && size != 0) {
        claims->at[claims->count++] =
            (struct extent){start, align_up(base + size, PAGE_SIZE) - start, owner, what};
    }
}

/* Addresses of modules are the CPU's in the cells of their parent, although no node there has ranges. */
static void claim_modules(const struct check *check, struct claims *claims, fdt_node_t parent)
{
    const struct fdt *fdt = &check->fdt;
    uint32_t address_cells, size_cells, at;
    uint64_t base, size;
    struct fdt_prop reg;
    fdt_node_t node;

    fdt_cells(fdt, parent, &address_cells, &size_cells);
    for (node = fdt_first_child(fdt, parent); node != FDT_NONE; node = fdt_next_sibling(fdt, node)) {
        at = 0;
        if ((fdt_compatible(fdt, node, "multiboot,module") ||
             fdt_compatible(fdt, node, "xen,multiboot-module")) &&
            fdt_prop(fdt, node, "reg", &reg) && fdt_number(&reg, &at, address_cells, &base) &&
            fdt_number(&reg, &at, size_cells, &size)) {
            claim(claims, base, size, OWNER_MODULE, "boot module");
        }
    }
}

/* Earlier claims win: domains own what they were given, whatever else is said about it. */
static void collect(const struct check *check, struct claims *claims)
{
    uint32_t i, k;

    for (i = 0; i < check->plan.nr_domains; i++) {
        const struct domain_record *record = check->plan.records[i];

        for (k = 0; k < record->nr_maps; k++) {
            if (record->maps[k].kind == MAP_RAM) {
                claim(claims, record->maps[k].pa.v, record->maps[k].size, (int)i, record->name);
            }
        }
    }
    for (i = 0; i < check->plan.nr_shared; i++) {
        claim(claims, check->plan.shared[i].base, check->plan.shared[i].size, OWNER_SHARED,
              shared_name(check, check->plan.shared[i].base));
    }
    claim(claims, check->arena.pa, align_up(check->arena.used, PAGE_SIZE), OWNER_HYPERVISOR, "hypervisor");
    claim(claims, check->image_pa, check->image_size, OWNER_HYPERVISOR, "hypervisor image");
    claim(claims, check->plan.log_pa, check->plan.log_size, OWNER_HYPERVISOR, "log");
    claim(claims, check->blob_pa, check->blob_pa != 0 ? check->fdt.size : 0, OWNER_RESERVED,
          "host device tree");
    claim_modules(check, claims, fdt_child(&check->fdt, fdt_root(&check->fdt), "chosen"));
    for (i = 0; i < check->plan.nr_domains; i++) {
        claim_modules(check, claims, check->plan.nodes[i]);
    }
    for (i = 0; i < check->host.nr_reserved; i++) {
        claim(claims, check->host.reserved[i].base, check->host.reserved[i].size, OWNER_RESERVED, "reserved");
    }
}

/* Who has `address`, and up to where at least. */
static struct extent extent_at(const struct claims *claims, uint64_t address, uint64_t end)
{
    struct extent piece = {address, end - address, OWNER_NONE, "free"};
    bool owned = false;
    size_t i;

    for (i = 0; i < claims->count; i++) {
        const struct extent *c = &claims->at[i];

        if (c->base <= address && address - c->base < c->size && !owned) {
            owned = true;
            piece.owner = c->owner;
            piece.what = c->what;
            end = min_u64(end, c->base + c->size);
        } else if (c->base > address && c->base < end) {
            end = c->base;
        }
    }
    piece.size = end - address;
    return piece;
}

size_t check_extents(const struct check *check, struct extent *extents, size_t max)
{
    struct claims claims = {0};
    size_t n = 0;
    uint32_t i;

    collect(check, &claims);
    for (i = 0; i < check->host.nr_ram; i++) {
        uint64_t address = check->host.ram[i].base, end = address + check->host.ram[i].size;

        while (address < end) {
            struct extent piece = extent_at(&claims, address, end);
            struct extent *last = n > 0 ? &extents[n - 1] : NULL;

            if (last != NULL && last->base + last->size == address && last->owner == piece.owner &&
                strcmp(last->what, piece.what) == 0) {
                last->size += piece.size;
            } else if (n < max) {
                extents[n++] = piece;
            }
            address += piece.size;
        }
    }
    return n;
}
