/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/extensions.h"

#include "base/string.h"
#include "boot/conflicts.h"
#include "boot/virtio_devices.h"

#ifdef PROFILE_STATIC
#define EXTENSIONS false
#else
#define EXTENSIONS true
#endif

#define FIRST_SPI     32u
#define MODULE_MOST   MIB(2)
#define WINDOW_MS     60000u
#define BUDGET_US_MIN 10u

static const char extension_names[] =
    "compatible\0phandle\0linux,phandle\0status\0name\0reg\0#address-cells\0#size-cells\0bulkhead,budget-us\0"
    "bulkhead,restart\0bulkhead,restart-window-ms\0bulkhead,interrupts";
static const char mmio_names[] = "compatible\0phandle\0linux,phandle\0status\0name\0reg\0bulkhead,server";

static void read_module(struct planner *p, struct extension_draft *x)
{
    uint32_t address_cells, size_cells, at = 0, modules = 0;
    struct fdt_prop prop;

    fdt_cells(p->fdt, x->node, &address_cells, &size_cells);
    for_each_child (p->fdt, x->node, child) {
        if (!is_module(p->fdt, child)) {
            continue;
        }
        modules++;
        x->module.node = child;
        if (!fdt_prop(p->fdt, child, "reg", &prop) || !fdt_number(&prop, &at, address_cells, &x->module.pa) ||
            !fdt_number(&prop, &at, size_cells, &x->module.size) || at * 4u != prop.len ||
            x->module.size > MODULE_MOST) {
            error(p, child, "reg",
                  "must be one <address size> in the cells of the node above, 2 MiB at most");
            x->module.size = 0;
        }
    }
    if (modules != 1) {
        error(p, x->node, "", "an extension has one module, its ELF file");
    }
}

static void read_elf(struct planner *p, struct extension_draft *x)
{
    uint64_t size = min_u64(x->module.size, EXTENSION_ELF_HEAD);
    const void *head = size == 0 ? NULL : p->in->peek(p->in->peek_context, x->module.pa, size);
    const char *wrong;

    if (head == NULL) {
        if (size != 0) {
            complain(p, REPORT_NOTE, x->module.node, "reg",
                     "the content is not known here: ELF file not checked");
        }
        return;
    }
    wrong = extension_elf_read(head, x->module.size, &x->elf);
    if (wrong != NULL) {
        error(p, x->module.node, "reg", "%s", wrong);
        x->elf.nr_parts = 0;
    }
}

static void read_interrupts(struct planner *p, struct extension_draft *x)
{
    struct extension *e = x->extension;
    struct fdt_prop prop;
    uint32_t number;

    if (!fdt_prop(p->fdt, x->node, "bulkhead,interrupts", &prop)) {
        return;
    }
    if (prop.len % 4u != 0 || prop.len / 4u > EXTENSION_INTERRUPTS) {
        error(p, x->node, "bulkhead,interrupts", "must be up to %u numbers of SPIs", EXTENSION_INTERRUPTS);
        return;
    }
    for (uint32_t i = 0; fdt_cell(&prop, i, &number); i++) {
        e->interrupts[e->nr_interrupts++] = (uint16_t)(FIRST_SPI + min_u64(number, UINT16_MAX - FIRST_SPI));
    }
}

static void read_extension(struct planner *p, fdt_node_t node)
{
    struct extension_draft *x = &p->extensions[p->nr_extensions];
    struct extension *e;

    if (!EXTENSIONS) {
        error(p, node, "", "this image was built without extensions (PROFILE=static)");
        return;
    }
    if (p->nr_extensions == MAX_EXTENSIONS) {
        error(p, node, "", "more than %u extensions", MAX_EXTENSIONS);
        return;
    }
    known_only(p, node, extension_names);
    memset(x, 0, sizeof(*x));
    x->node = node;
    x->extension = e = record_alloc(p, node, sizeof(*e));
    if (e == NULL) {
        return;
    }
    memcpy(e->name, fdt_name(p->fdt, node), strnlen(fdt_name(p->fdt, node), sizeof(e->name) - 1u));
    e->vmid = (uint16_t)(EXTENSION_VMID + p->nr_extensions);
    e->budget_us =
        (uint32_t)number_or(p, node, "bulkhead,budget-us", EXTENSION_BUDGET_US_MOST, EXTENSION_BUDGET_US);
    e->restart = (uint32_t)number_or(p, node, "bulkhead,restart", UINT32_MAX, RESTART_NEVER);
    e->restart_window_ms = (uint32_t)number_or(p, node, "bulkhead,restart-window-ms", UINT32_MAX, WINDOW_MS);
    if (e->budget_us < BUDGET_US_MIN) {
        error(p, node, "bulkhead,budget-us", "less than %u us are not enough to enter and leave",
              BUDGET_US_MIN);
    }
    read_interrupts(p, x);
    read_module(p, x);
    read_elf(p, x);
    p->nr_extensions++;
}

static struct extension_draft *server_of(struct planner *p, fdt_node_t node)
{
    uint32_t phandle;
    fdt_node_t server =
        fdt_u32(p->fdt, node, "bulkhead,server", &phandle) ? fdt_by_phandle(p->fdt, phandle) : FDT_NONE;

    for (uint32_t i = 0; server != FDT_NONE && i < p->nr_extensions; i++) {
        if (p->extensions[i].node == server) {
            return &p->extensions[i];
        }
    }
    error(p, node, "bulkhead,server", "must be the phandle of the extension that serves the range");
    return NULL;
}

static bool read_reg(struct planner *p, fdt_node_t node, struct extension_range *range)
{
    uint32_t address_cells, size_cells, at = 0;
    struct fdt_prop prop;

    fdt_cells(p->fdt, fdt_parent(p->fdt, node), &address_cells, &size_cells);
    if (address_cells - 1u > 1u || size_cells - 1u > 1u || !fdt_prop(p->fdt, node, "reg", &prop) ||
        prop.len != 4u * (address_cells + size_cells) ||
        !fdt_number(&prop, &at, address_cells, &range->ipa) ||
        !fdt_number(&prop, &at, size_cells, &range->size)) {
        error(p, node, "reg", "must be one <guest-address size> in the cells of the node above");
        return false;
    }
    if (range->size == 0 || range->size % 4u != 0 || range->ipa % 4u != 0 ||
        range->ipa >= UINT64_C(1) << p->in->ipa_bits_max ||
        range->size > (UINT64_C(1) << p->in->ipa_bits_max) - range->ipa) {
        error(p, node, "reg", "0x%lx, size 0x%lx: not words, or above the CPU's %u bits", range->ipa,
              range->size, p->in->ipa_bits_max);
        return false;
    }
    return true;
}

static void read_range(struct planner *p, struct draft *d, fdt_node_t node)
{
    struct extension_draft *x = server_of(p, node);
    struct extension_range range;

    known_only(p, node, mmio_names);
    if (x == NULL || !read_reg(p, node, &range)) {
        return;
    }
    if (x->domain != NULL && x->domain != d) {
        error(p, node, "bulkhead,server", "%s serves %s: an extension has one domain", x->extension->name,
              x->domain->record->name);
    } else if (x->extension->nr_ranges == EXTENSION_RANGES) {
        error(p, node, "bulkhead,server", "%s serves %u ranges already", x->extension->name,
              EXTENSION_RANGES);
    } else if (extensions_at(p, d, range.ipa, range.size) != NULL) {
        error(p, node, "reg", "0x%lx, size 0x%lx: an extension serves a part of this already", range.ipa,
              range.size);
    } else {
        x->domain = d;
        x->extension->domid = d->record->domid;
        x->ranges[x->extension->nr_ranges] = node;
        x->extension->ranges[x->extension->nr_ranges++] = range;
        complain(p, REPORT_NOTE, node, "bulkhead,server",
                 "the extension %s sees what vCPUs of %s read and write there", x->extension->name,
                 d->record->name);
    }
}

void extensions_read(struct planner *p)
{
    for_each_child (p->fdt, p->chosen, node) {
        if (fdt_compatible(p->fdt, node, "bulkhead,extension") && fdt_okay(p->fdt, node)) {
            read_extension(p, node);
        }
    }
    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        if (&p->drafts[i] == p->hardware) {
            continue; /* it has what is left of the address space */
        }
        for_each_child (p->fdt, p->drafts[i].node, node) {
            if (fdt_compatible(p->fdt, node, "bulkhead,mmio") && fdt_okay(p->fdt, node)) {
                read_range(p, &p->drafts[i], node);
            }
        }
    }
    for (uint32_t i = 0; i < p->nr_extensions; i++) {
        if (p->extensions[i].domain == NULL) {
            error(p, p->extensions[i].node, "",
                  "no domain uses the extension (bulkhead,server of a bulkhead,mmio)");
        }
    }
}

const char *extensions_at(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < p->nr_extensions; i++) {
        const struct extension *e = p->extensions[i].extension;

        for (uint32_t k = 0; p->extensions[i].domain == d && k < e->nr_ranges; k++) {
            if (ranges_overlap(base, size, e->ranges[k].ipa, e->ranges[k].size)) {
                return "what an extension serves";
            }
        }
    }
    return NULL;
}

bool extensions_have_spi(const struct planner *p, const struct draft *d, uint32_t spi)
{
    for (uint32_t i = 0; i < p->nr_extensions; i++) {
        const struct extension *e = p->extensions[i].extension;

        for (uint32_t k = 0; p->extensions[i].domain == d && k < e->nr_interrupts; k++) {
            if (e->interrupts[k] == spi) {
                return true;
            }
        }
    }
    return false;
}

static void check_range(struct planner *p, const struct extension_draft *x, uint32_t index)
{
    const struct extension_range *range = &x->extension->ranges[index];
    const struct domain_record *r = x->domain->record;
    const char *what = ipa_reserved(p, x->domain, range->ipa, range->size);

    for (uint32_t i = 0; i < r->nr_maps; i++) {
        if (ranges_overlap(range->ipa, range->size, r->maps[i].ipa.v, r->maps[i].size)) {
            what = "memory or a device";
        }
    }
    for (uint32_t i = 0; i < r->nr_ioreq_ranges; i++) {
        if (ranges_overlap(range->ipa, range->size, r->ioreq_ranges[i].ipa.v, r->ioreq_ranges[i].size)) {
            what = "a VIRTIO device";
        }
    }
    for (uint32_t i = 0; i < r->nr_doorbells; i++) {
        if (ranges_overlap(range->ipa, range->size, r->doorbells[i].ipa.v, r->doorbells[i].size)) {
            what = "a doorbell";
        }
    }
    for (uint32_t i = 0; i < r->nr_windows; i++) {
        if (ranges_overlap(range->ipa, range->size, r->windows[i].ipa.v, r->windows[i].size)) {
            what = "memory of a frontend";
        }
    }
    for (uint32_t i = 0; i < r->nr_frontends; i++) {
        if (ranges_overlap(range->ipa, range->size, r->frontends[i].page.v, PAGE_SIZE)) {
            what = "a page of requests";
        }
    }
    if (what != NULL) {
        error(p, x->ranges[index], "reg", "guest address 0x%lx is where the domain has %s", range->ipa, what);
    }
}

static void check_interrupt(struct planner *p, const struct extension_draft *x, uint16_t spi)
{
    const struct domain_record *r = x->domain->record;
    bool taken = (r->flags & DOMAIN_VPL011) != 0 && spi == r->uart_virq;

    for (uint32_t i = 0; i < r->nr_irqs; i++) {
        taken = taken || r->irqs[i].virq == spi;
    }
    if (spi >= FIRST_SPI + r->nr_spis) {
        error(p, x->node, "bulkhead,interrupts", "SPI %u: the domain has only %u", spi - FIRST_SPI,
              r->nr_spis);
    } else if (taken) {
        error(p, x->node, "bulkhead,interrupts", "SPI %u is that of a device of the domain", spi - FIRST_SPI);
    }
}

void extensions_check(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_extensions; i++) {
        const struct extension_draft *x = &p->extensions[i];

        for (uint32_t k = 0; x->domain != NULL && k < x->extension->nr_ranges; k++) {
            check_range(p, x, k);
        }
        for (uint32_t k = 0; x->domain != NULL && k < x->extension->nr_interrupts; k++) {
            check_interrupt(p, x, x->extension->interrupts[k]);
        }
    }
}
