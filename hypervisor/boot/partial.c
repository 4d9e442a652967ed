/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/partial.h"

#include "base/string.h"

char *partial_path(const struct fdt *partial, fdt_node_t node, char *buf, size_t size)
{
    static const char where[] = "(partial tree)";
    size_t len = sizeof(where) - 1u;

    if (size <= len) {
        return fdt_node_path(partial, node, buf, size);
    }
    memcpy(buf, where, len);
    (void)fdt_node_path(partial, node, buf + len, size - len);
    return buf;
}

enum status partial_gic_phandle(const struct fdt *partial, struct report *report, uint32_t *phandle)
{
    fdt_node_t gic = fdt_child(partial, fdt_root(partial), "gic"), user;
    char path[160];

    if (gic != FDT_NONE &&
        (fdt_u32(partial, gic, "phandle", phandle) || fdt_u32(partial, gic, "linux,phandle", phandle))) {
        return OK;
    }
    user = fdt_by_phandle(partial, *phandle);
    if (user == FDT_NONE) {
        return OK;
    }
    report_at(report, REPORT_ERROR, partial_path(partial, user, path, sizeof(path)), "phandle",
              "phandle %u is the generated interrupt controller's; add a node /gic with a phandle of its own",
              *phandle);
    return ERR_INVALID;
}

/* Properties of passed-through nodes that speak to the hypervisor, not to the guest. */
static bool for_hypervisor(const char *name)
{
    return strncmp(name, "bulkhead,", 9) == 0 || strcmp(name, "xen,reg") == 0 ||
           strcmp(name, "xen,path") == 0 || strcmp(name, "xen,force-assign-without-iommu") == 0;
}

static void copy_node(struct fdt_writer *writer, const struct fdt *partial, fdt_node_t node, size_t names)
{
    struct fdt_prop prop;
    bool more;

    fdt_write_node(writer, fdt_name(partial, node));
    for (more = fdt_first_prop(partial, node, &prop); more; more = fdt_next_prop(partial, &prop)) {
        bool ours = (prop.name[0] == 'x' || prop.name[0] == 'b') && for_hypervisor(prop.name);

        if (!ours) {
            fdt_write_copy(writer, partial, names, &prop);
        }
    }
}

static void copy_subtree(struct fdt_writer *writer, const struct fdt *partial, fdt_node_t top, size_t names)
{
    uint32_t depth = 0, open = 0; /* nodes above `node`; nodes written and not ended */
    fdt_node_t node = top;

    do {
        for (; open > depth; open--) {
            fdt_write_node_end(writer);
        }
        copy_node(writer, partial, node, names);
        open++;
        node = fdt_next_node_depth(partial, node, &depth);
    } while (node != FDT_NONE && depth > 0);
    for (; open > 0; open--) {
        fdt_write_node_end(writer);
    }
}

void partial_copy(struct fdt_writer *writer, const struct fdt *partial)
{
    static const char *const copied[] = {"aliases", "passthrough"};
    size_t names = fdt_write_names_of(writer, partial);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(copied); i++) {
        fdt_node_t node = fdt_child(partial, fdt_root(partial), copied[i]);

        if (node != FDT_NONE) {
            copy_subtree(writer, partial, node, names);
        }
    }
}
