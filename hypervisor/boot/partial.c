/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/partial.h"

#include "base/string.h"

char *partial_path(const struct fdt *host, fdt_node_t module, const struct fdt *partial, fdt_node_t node,
                   char *buf, size_t size)
{
    size_t len = strlen(fdt_node_path(host, module, buf, size));

    if (len + 1u < size) {
        buf[len] = ':';
        (void)fdt_node_path(partial, node, buf + len + 1u, size - len - 1u);
    }
    return buf;
}

uint32_t partial_gic_phandle(const struct fdt *partial, uint32_t standard, fdt_node_t *user)
{
    fdt_node_t gic = fdt_child(partial, fdt_root(partial), "gic");
    uint32_t phandle = standard;

    *user = FDT_NONE;
    if (gic == FDT_NONE ||
        !(fdt_u32(partial, gic, "phandle", &phandle) || fdt_u32(partial, gic, "linux,phandle", &phandle))) {
        *user = fdt_by_phandle(partial, standard);
    }
    return phandle;
}

/* Properties of passed-through nodes that speak to the hypervisor are not for the guest. */
static bool keep_prop(const struct fdt_copy *copy, fdt_node_t node, struct fdt_prop *prop)
{
    const char *name = prop->name;

    (void)copy;
    (void)node;
    if (name[0] != 'x' && name[0] != 'b') {
        return true;
    }
    return strncmp(name, "bulkhead,", 9) != 0 && strcmp(name, "xen,reg") != 0 &&
           strcmp(name, "xen,path") != 0 && strcmp(name, "xen,force-assign-without-iommu") != 0;
}

void partial_copy(struct fdt_writer *writer, const struct fdt *partial)
{
    static const char *const copied[] = {"aliases", "passthrough"};
    struct fdt_copy copy = {.writer = writer, .source = partial, .keep_prop = keep_prop};

    fdt_copy_names(&copy);
    for (unsigned i = 0; i < ARRAY_SIZE(copied); i++) {
        fdt_node_t node = fdt_child(partial, fdt_root(partial), copied[i]);

        if (node != FDT_NONE) {
            fdt_copy_tree(&copy, node);
            fdt_write_node_end(writer);
        }
    }
}
