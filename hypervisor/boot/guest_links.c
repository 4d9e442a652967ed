/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor node and that of shared memory are Xen's; the others are ours (docs/vm-to-vm.md). */
#include "boot/guest_links.h"

#include "base/string.h"

enum {
    PPI_CELL = 1,
    SPI_CELL = 0,
    EVENT_PPI_CELL = 31 - 16,
    LEVEL_LOW = 0xf08, /* with the CPU mask that GICv2 bindings want and GICv3 ignores */
    EDGE_RISING = 0xf01,
    FIXED_STRUCT = 624, /* nodes that hold the others, and the hypervisor node without its regions */
    FIXED_NAMES = 208,
    PORT_STRUCT = 224, /* of each; strings beside */
    PORT_NAMES = 96,
    SHARED_STRUCT = 256,
    SHARED_NAMES = 80,
    CHANNEL_STRUCT = 352,
    CHANNEL_NAMES = 144,
    VIRTIO_STRUCT = 340, /* its pool included */
    VIRTIO_NAMES = 136,
};

size_t guest_links_struct_bound(const struct guest_links *links)
{
    size_t bound = FIXED_STRUCT + sizeof(links->regions) + links->nr_ports * (size_t)PORT_STRUCT +
                   links->nr_shared * (size_t)SHARED_STRUCT + links->nr_channels * (size_t)CHANNEL_STRUCT +
                   links->nr_virtio * (size_t)VIRTIO_STRUCT +
                   (links->backend != NULL ? backend_tree_struct_bound(links->backend) : 0);

    for (uint32_t i = 0; i < links->nr_ports; i++) {
        bound += strlen(links->ports[i].name) + strlen(links->ports[i].peer_name);
    }
    for (uint32_t i = 0; i < links->nr_channels; i++) {
        bound += strlen(links->channels[i].name) + strlen(links->channels[i].peer_name);
    }
    return bound;
}

size_t guest_links_names_bound(const struct guest_links *links)
{
    return FIXED_NAMES + links->nr_ports * (size_t)PORT_NAMES + links->nr_shared * (size_t)SHARED_NAMES +
           links->nr_channels * (size_t)CHANNEL_NAMES + links->nr_virtio * (size_t)VIRTIO_NAMES +
           (links->backend != NULL ? backend_tree_names_bound(links->backend) : 0);
}

static uint32_t put_number(uint32_t *cells, uint32_t count, uint64_t value)
{
    if (count == 2) {
        *cells++ = (uint32_t)(value >> 32);
    }
    *cells = (uint32_t)value;
    return count;
}

static uint32_t put_range(uint32_t *cells, const struct guest_root *root, uint64_t base, uint64_t size)
{
    uint32_t n = put_number(cells, root->address_cells, base);

    return n + put_number(cells + n, root->size_cells, size);
}

static void write_shared(struct fdt_writer *writer, const struct guest_shared *shared,
                         const struct guest_root *root)
{
    uint32_t cells[4], n = put_range(cells, root, shared->ipa, shared->size);

    fdt_write_node_at(writer, "xen-shmem", shared->ipa);
    fdt_write_string(writer, "compatible", "xen,shared-memory-v1");
    fdt_write_cells(writer, "reg", cells, n);
    fdt_write_string(writer, "xen,id", shared->id);
    fdt_write_u64(writer, "xen,offset", 0);
    fdt_write_string(writer, "bulkhead,role", shared->role);
    if (shared->read_only) {
        fdt_write_bytes(writer, "no-map", NULL, 0);
    }
    fdt_write_node_end(writer);
}

/* Linux gives the device no buffer outside of it (CONFIG_DMA_RESTRICTED_POOL). */
static void write_pool(struct fdt_writer *writer, const struct guest_virtio *virtio,
                       const struct guest_root *root)
{
    uint32_t cells[4], n = put_range(cells, root, virtio->pool, virtio->pool_size);

    fdt_write_node_at(writer, "bounce", virtio->pool);
    fdt_write_string(writer, "compatible", "restricted-dma-pool");
    fdt_write_cells(writer, "reg", cells, n);
    fdt_write_u32(writer, "phandle", virtio->pool_phandle);
    fdt_write_node_end(writer);
}

static bool has_reserved(const struct guest_links *links)
{
    bool found = links->nr_shared != 0;

    for (uint32_t i = 0; i < links->nr_virtio; i++) {
        found = found || links->virtio[i].pool_size != 0;
    }
    return found;
}

void guest_links_write_reserved(struct fdt_writer *writer, const struct guest_links *links,
                                const struct guest_root *root, bool is_open)
{
    if (!has_reserved(links)) {
        return;
    }
    if (!is_open) {
        fdt_write_node(writer, "reserved-memory");
        fdt_write_u32(writer, "#address-cells", root->address_cells);
        fdt_write_u32(writer, "#size-cells", root->size_cells);
        fdt_write_bytes(writer, "ranges", NULL, 0);
    }
    for (uint32_t i = 0; i < links->nr_shared; i++) {
        write_shared(writer, &links->shared[i], root);
    }
    for (uint32_t i = 0; i < links->nr_virtio; i++) {
        if (links->virtio[i].pool_size != 0) {
            write_pool(writer, &links->virtio[i], root);
        }
    }
    fdt_write_node_end(writer);
}

static void write_hypervisor(struct fdt_writer *writer, const struct guest_links *links,
                             const struct guest_root *root)
{
    static const char compatible[] = "xen,xen-4.17\0xen,xen";
    static const uint32_t interrupt[3] = {PPI_CELL, EVENT_PPI_CELL, LEVEL_LOW};
    uint32_t cells[4 * MAX_GUEST_REGIONS], n = 0;

    fdt_write_node(writer, "hypervisor");
    fdt_write_bytes(writer, "compatible", compatible, sizeof(compatible));
    for (uint32_t i = 0; i < links->nr_regions; i++) {
        n += put_range(cells + n, root, links->regions[i].base, links->regions[i].size);
    }
    fdt_write_cells(writer, "reg", cells, n);
    fdt_write_cells(writer, "interrupts", interrupt, 3);
    fdt_write_u32(writer, "interrupt-parent", root->gic_phandle);
    fdt_write_node_end(writer);
}

static void write_channel(struct fdt_writer *writer, const struct guest_channel *channel,
                          const struct guest_root *root)
{
    static const char names[] = "tx\0rx\0doorbell";
    const uint32_t interrupt[3] = {SPI_CELL, channel->spi - 32u, EDGE_RISING};
    uint32_t cells[12], n;

    n = put_range(cells, root, channel->tx, channel->size);
    n += put_range(cells + n, root, channel->rx, channel->size);
    if (channel->doorbell != 0) {
        n += put_range(cells + n, root, channel->doorbell, PAGE_SIZE);
    }
    fdt_write_node_at(writer, "channel", channel->tx);
    fdt_write_string(writer, "compatible", "bulkhead,channel-v1");
    fdt_write_cells(writer, "reg", cells, n);
    fdt_write_bytes(writer, "reg-names", names,
                    channel->doorbell != 0 ? sizeof(names) : sizeof("tx\0rx")); /* both end in a NUL */
    if (channel->spi != 0) {
        fdt_write_u32(writer, "interrupt-parent", root->gic_phandle);
        fdt_write_cells(writer, "interrupts", interrupt, 3);
    } else {
        fdt_write_u32(writer, "bulkhead,port", channel->port);
    }
    fdt_write_string(writer, "bulkhead,name", channel->name);
    fdt_write_u32(writer, "bulkhead,peer", channel->peer);
    fdt_write_string(writer, "bulkhead,peer-name", channel->peer_name);
    fdt_write_node_end(writer);
}

/* Linux: Documentation/devicetree/bindings/iommu/xen,grant-dma.yaml. Addresses of devices behind it are grant
 * references to the domain whose number stands in `iommus`. */
static void write_grant_dma(struct fdt_writer *writer, uint32_t phandle)
{
    fdt_write_node(writer, "xen_iommu");
    fdt_write_string(writer, "compatible", "xen,grant-dma");
    fdt_write_u32(writer, "#iommu-cells", 1);
    fdt_write_u32(writer, "phandle", phandle);
    fdt_write_node_end(writer);
}

static void write_virtio(struct fdt_writer *writer, const struct guest_virtio *virtio,
                         const struct guest_root *root, uint32_t iommu)
{
    const uint32_t specifier[2] = {iommu, virtio->backend};
    const uint32_t interrupt[3] = {SPI_CELL, virtio->spi - 32u, EDGE_RISING};
    uint32_t cells[4], n = put_range(cells, root, virtio->ipa, virtio->size);

    fdt_write_node_at(writer, "virtio", virtio->ipa);
    fdt_write_string(writer, "compatible", "virtio,mmio");
    fdt_write_cells(writer, "reg", cells, n);
    fdt_write_cells(writer, "interrupts", interrupt, 3);
    fdt_write_u32(writer, "interrupt-parent", root->gic_phandle);
    fdt_write_bytes(writer, "dma-coherent", NULL, 0);
    if (virtio->pool_size != 0) {
        fdt_write_u32(writer, "memory-region", virtio->pool_phandle);
    }
    if (virtio->grants) {
        fdt_write_cells(writer, "iommus", specifier, 2);
    }
    fdt_write_node_end(writer);
}

/* The unit address of a port is its number. */
static void write_ports(struct fdt_writer *writer, const struct guest_links *links)
{
    fdt_write_node(writer, "bulkhead");
    fdt_write_node(writer, "events");
    fdt_write_string(writer, "compatible", "bulkhead,events-v1");
    fdt_write_u32(writer, "#address-cells", 1);
    fdt_write_u32(writer, "#size-cells", 0);
    for (uint32_t i = 0; i < links->nr_ports; i++) {
        const struct guest_port *port = &links->ports[i];

        fdt_write_node_at(writer, "port", port->port.port);
        fdt_write_u32(writer, "reg", port->port.port);
        fdt_write_string(writer, "bulkhead,name", port->name);
        fdt_write_u32(writer, "bulkhead,peer", port->port.peer);
        fdt_write_string(writer, "bulkhead,peer-name", port->peer_name);
        fdt_write_u32(writer, "bulkhead,peer-port", port->port.peer_port);
        fdt_write_node_end(writer);
    }
    fdt_write_node_end(writer);
    fdt_write_node_end(writer);
}

void guest_links_write(struct fdt_writer *writer, const struct guest_links *links,
                       const struct guest_root *root)
{
    if (links->nr_regions != 0) {
        write_hypervisor(writer, links, root);
    }
    for (uint32_t i = 0; i < links->nr_channels; i++) {
        write_channel(writer, &links->channels[i], root);
    }
    if (links->iommu_phandle != 0) {
        write_grant_dma(writer, links->iommu_phandle);
    }
    for (uint32_t i = 0; i < links->nr_virtio; i++) {
        write_virtio(writer, &links->virtio[i], root, links->iommu_phandle);
    }
    if (links->backend != NULL) {
        backend_tree_write(writer, links->backend);
    }
    if (links->nr_ports != 0) {
        write_ports(writer, links);
    }
}
