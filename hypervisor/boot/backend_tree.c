/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/backend_tree.h"

#include "base/string.h"

enum {
    FIXED_STRUCT = 160,
    FIXED_NAMES = 96,
    FRONTEND_STRUCT = 320, /* of each; names of nodes and windows beside */
    FRONTEND_NAMES = 192,
    WINDOW_BYTES = 24,
    DEVICE_STRUCT = 480,
    DEVICE_NAMES = 368,
};

const char *const virtio_class_names[NR_VIRTIO_CLASSES] = {
    [VIRTIO_BLOCK] = "block",     [VIRTIO_NET] = "net",     [VIRTIO_CONSOLE] = "console",
    [VIRTIO_ENTROPY] = "entropy", [VIRTIO_VSOCK] = "vsock", [VIRTIO_GPIO] = "gpio",
};

const char *const virtio_buffers_names[NR_VIRTIO_BUFFERS] = {
    [BUFFERS_ALL] = "all",
    [BUFFERS_BOUNCE] = "bounce",
    [BUFFERS_GRANTS] = "grants",
};

size_t backend_tree_struct_bound(const struct guest_backend *backend)
{
    size_t bound = FIXED_STRUCT + backend->nr_frontends * (size_t)FRONTEND_STRUCT +
                   backend->nr_windows * (size_t)WINDOW_BYTES + backend->nr_devices * (size_t)DEVICE_STRUCT;

    for (uint32_t i = 0; i < backend->nr_frontends; i++) {
        bound += strlen(backend->frontends[i].name);
    }
    for (uint32_t i = 0; i < backend->nr_devices; i++) {
        bound += backend->devices[i].parameters->line_names_size;
    }
    return bound;
}

size_t backend_tree_names_bound(const struct guest_backend *backend)
{
    return FIXED_NAMES + backend->nr_frontends * (size_t)FRONTEND_NAMES +
           backend->nr_devices * (size_t)DEVICE_NAMES;
}

static void put_pair(uint32_t cells[4], uint64_t first, uint64_t second)
{
    cells[0] = (uint32_t)(first >> 32);
    cells[1] = (uint32_t)first;
    cells[2] = (uint32_t)(second >> 32);
    cells[3] = (uint32_t)second;
}

static void write_cells64(struct fdt_writer *writer)
{
    fdt_write_u32(writer, "#address-cells", 2);
    fdt_write_u32(writer, "#size-cells", 2);
}

static void write_parameters(struct fdt_writer *writer, const struct virtio_parameters *parameters)
{
    if (parameters->disk != 0) {
        fdt_write_u32(writer, "bulkhead,disk", parameters->disk);
    }
    if (parameters->first_sector != 0) {
        fdt_write_u64(writer, "bulkhead,first-sector", parameters->first_sector);
    }
    if (parameters->sectors != 0) {
        fdt_write_u64(writer, "bulkhead,sectors", parameters->sectors);
    }
    if (parameters->read_only) {
        fdt_write_bytes(writer, "bulkhead,read-only", NULL, 0);
    }
    if (parameters->class == VIRTIO_NET) {
        fdt_write_bytes(writer, "local-mac-address", parameters->mac, sizeof(parameters->mac));
    }
    if (parameters->isolated) {
        fdt_write_bytes(writer, "bulkhead,isolated", NULL, 0);
    }
    if (parameters->any_source) {
        fdt_write_bytes(writer, "bulkhead,any-source", NULL, 0);
    }
    if (parameters->rate_kbit != 0) {
        fdt_write_u32(writer, "bulkhead,rate-kbit", parameters->rate_kbit);
    }
    if (parameters->ports != 0) {
        fdt_write_u32(writer, "bulkhead,ports", parameters->ports);
    }
    if (parameters->guest_cid != 0) {
        fdt_write_u32(writer, "bulkhead,guest-cid", parameters->guest_cid);
    }
    if (parameters->class == VIRTIO_GPIO) {
        const uint32_t lines[] = {parameters->first_line, parameters->lines};

        fdt_write_cells(writer, "bulkhead,gpio-lines", lines, 2);
    }
    if (parameters->line_names_size != 0) {
        fdt_write_bytes(writer, "gpio-line-names", parameters->line_names, parameters->line_names_size);
    }
}

static void write_device(struct fdt_writer *writer, const struct guest_served *device)
{
    uint32_t reg[8];

    put_pair(reg, device->ipa, device->size);
    put_pair(reg + 4, device->state, device->state_bytes);
    fdt_write_node_at(writer, "device", device->ipa);
    fdt_write_string(writer, "compatible", "bulkhead,virtio");
    fdt_write_string(writer, "bulkhead,class", virtio_class_names[device->parameters->class]);
    fdt_write_cells(writer, "reg", reg, 8);
    fdt_write_u32(writer, "bulkhead,port", device->port);
    fdt_write_u64(writer, "bulkhead,interrupt", device->interrupt);
    fdt_write_u32(writer, "bulkhead,queue-max", device->queue_max);
    fdt_write_u32(writer, "bulkhead,queues", device->queues);
    fdt_write_string(writer, "bulkhead,buffers", virtio_buffers_names[device->buffers]);
    if (device->grants_size != 0) {
        put_pair(reg, device->grants, device->grants_size);
        fdt_write_cells(writer, "bulkhead,grants", reg, 4);
    }
    write_parameters(writer, device->parameters);
    fdt_write_node_end(writer);
}

static void write_frontend(struct fdt_writer *writer, const struct guest_frontend *frontend,
                           const struct guest_window *windows, const struct guest_served *devices)
{
    uint32_t reg[4];

    put_pair(reg, frontend->page, PAGE_SIZE);
    fdt_write_node_at(writer, "frontend", frontend->domid);
    fdt_write_string(writer, "compatible", "bulkhead,frontend-v1");
    write_cells64(writer);
    fdt_write_cells(writer, "reg", reg, 4);
    fdt_write_u32(writer, "bulkhead,domid", frontend->domid);
    fdt_write_string(writer, "bulkhead,name", frontend->name);
    fdt_write_u32(writer, "bulkhead,server", frontend->server);
    fdt_write_u32(writer, "bulkhead,vcpus", frontend->vcpus);
    fdt_write_u32(writer, "bulkhead,first-port", frontend->first_port);
    fdt_write_cells(writer, "bulkhead,windows", (const uint32_t *)windows, 6u * frontend->nr_windows);
    for (uint32_t i = 0; i < frontend->nr_devices; i++) {
        write_device(writer, &devices[i]);
    }
    fdt_write_node_end(writer);
}

void backend_tree_write(struct fdt_writer *writer, const struct guest_backend *backend)
{
    const struct guest_window *windows = backend->windows;
    const struct guest_served *devices = backend->devices;

    if (backend->nr_frontends == 0) {
        return;
    }
    fdt_write_node(writer, "bulkhead-backend");
    fdt_write_string(writer, "compatible", "bulkhead,backend-v1");
    write_cells64(writer);
    if (backend->heartbeat_ms != 0) {
        fdt_write_u32(writer, "bulkhead,heartbeat-ms", backend->heartbeat_ms);
    }
    fdt_write_bytes(writer, "ranges", NULL, 0); /* reg of a frontend is this domain's own address */
    for (uint32_t i = 0; i < backend->nr_frontends; i++) {
        const struct guest_frontend *frontend = &backend->frontends[i];

        write_frontend(writer, frontend, windows, devices);
        windows += frontend->nr_windows;
        devices += frontend->nr_devices;
    }
    fdt_write_node_end(writer);
}
