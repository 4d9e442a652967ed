/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/hardware_fdt.h"

#include "base/string.h"

#define RESERVED "reserved-memory"

struct filter {
    const struct guest_fdt_input *in;
    fdt_node_t gic_end; /* first node behind those below the interrupt controller */
};

static bool is_hidden(const struct guest_fdt_input *in, fdt_node_t node)
{
    for (uint32_t i = 0; i < in->nr_hidden; i++) {
        if (in->hidden[i] == node) {
            return true;
        }
    }
    return false;
}

/* Nodes directly below the root of which the domain gets its own. */
static bool is_replaced(const struct fdt *fdt, fdt_node_t node)
{
    static const char *const names[] = {"chosen", "cpus", "psci", "hypervisor", "__symbols__", "__fixups__"};
    const char *name = fdt_name(fdt, node), *type = fdt_string(fdt, node, "device_type");

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return type != NULL && strcmp(type, "memory") == 0;
}

/* Then nodes are added to that one. */
static bool shares(const struct guest_fdt_input *in)
{
    return in->links != NULL && in->links->nr_shared != 0;
}

static bool keep_node(const struct fdt_copy *copy, fdt_node_t node, uint32_t depth)
{
    const struct filter *filter = copy->context;
    const struct guest_fdt_input *in = filter->in;
    const struct fdt *fdt = copy->source;

    if (depth == 1 &&
        (is_replaced(fdt, node) || (shares(in) && strcmp(fdt_name(fdt, node), RESERVED) == 0))) {
        return false;
    }
    if (node == in->host->uart.node || is_hidden(in, node) || fdt_has(fdt, node, "xen,passthrough")) {
        return false;
    }
    if (strncmp(fdt_name(fdt, node), "pmu", 3) == 0 || fdt_compatible(fdt, node, "arm,armv8-pmuv3")) {
        return false;
    }
    /* Below the interrupt controller: frames for message-signalled interrupts, which guests do not have. */
    return node <= in->host->gic.node || node >= filter->gic_end;
}

/* Of the interrupt controller's registers: distributor and redistributors, or distributor and CPU interface.
 */
static bool keep_prop(const struct fdt_copy *copy, fdt_node_t node, struct fdt_prop *prop)
{
    const struct host_gic *gic = &((const struct filter *)copy->context)->in->host->gic;
    uint32_t address_cells, size_cells, entries;

    if (node != gic->node) {
        return true;
    }
    if (strcmp(prop->name, "reg") == 0) {
        fdt_cells(copy->source, fdt_parent(copy->source, node), &address_cells, &size_cells);
        entries = gic->version == 3 ? gic->nr_regs : 2u;
        prop->len = (uint32_t)min_u64(prop->len, 4u * (uint64_t)entries * (address_cells + size_cells));
    }
    return strcmp(prop->name, "interrupts") != 0;
}

bool hardware_fdt_copy(struct fdt_writer *writer, const struct guest_fdt_input *in)
{
    const struct fdt *fdt = in->host->fdt;
    struct filter filter = {.in = in, .gic_end = in->host->gic.node};
    struct fdt_copy copy = {
        .writer = writer, .source = fdt, .keep_node = keep_node, .keep_prop = keep_prop, .context = &filter};
    fdt_node_t reserved = shares(in) ? fdt_child(fdt, fdt_root(fdt), RESERVED) : FDT_NONE;
    uint32_t depth = 0;

    do {
        filter.gic_end = fdt_next_node_depth(fdt, filter.gic_end, &depth);
    } while (filter.gic_end != FDT_NONE && depth > 0);
    if (filter.gic_end == FDT_NONE) {
        filter.gic_end = INT32_MAX;
    }
    fdt_copy_names(&copy);
    fdt_copy_tree(&copy, fdt_root(fdt));
    if (reserved != FDT_NONE) {
        copy.keep_node = NULL;
        fdt_copy_tree(&copy, reserved);
    }
    return reserved != FDT_NONE;
}
