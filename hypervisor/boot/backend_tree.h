/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver domain is told of the domains that it serves: the node /bulkhead-backend of its tree. */
#ifndef BOOT_BACKEND_TREE_H
#define BOOT_BACKEND_TREE_H

#include "boot/fdt_write.h"

enum virtio_class {
    VIRTIO_BLOCK,
    VIRTIO_NET,
    VIRTIO_CONSOLE,
    VIRTIO_ENTROPY,
    VIRTIO_VSOCK,
    VIRTIO_GPIO,
    NR_VIRTIO_CLASSES
};

/* Which memory of the frontend the backend sees. */
enum virtio_buffers { BUFFERS_ALL, BUFFERS_BOUNCE, BUFFERS_GRANTS, NR_VIRTIO_BUFFERS };

/* As the description names them. */
extern const char *const virtio_buffers_names[NR_VIRTIO_BUFFERS];
extern const char *const virtio_class_names[NR_VIRTIO_CLASSES];

/* Of the device's class; what is 0 was not written and is not told. */
struct virtio_parameters {
    enum virtio_class class;
    bool read_only, isolated, any_source;
    uint8_t mac[6];
    uint32_t disk, ports, rate_kbit, guest_cid;
    uint64_t first_sector, sectors;
    uint32_t first_line, lines, line_names_size;
    const uint8_t *line_names; /* texts, one behind the other */
};

/* Memory of the frontend that the backend sees: address there, size, local address; two cells each. */
struct guest_window {
    uint32_t cells[6];
};

/* A device. */
struct guest_served {
    const struct virtio_parameters *parameters;
    enum virtio_buffers buffers;
    uint64_t grants, grants_size; /* addresses of the backend for what it maps; size 0: it maps nothing */
    uint64_t ipa, size;           /* registers, in the frontend */
    uint64_t state, state_bytes;  /* in the backend */
    uint64_t interrupt;           /* the word in the backend whose stores interrupt the frontend */
    uint32_t queues, queue_max;
    uint16_t port; /* becomes pending when the frontend rings */
};

struct guest_frontend {
    const char *name;
    uint16_t domid, server, vcpus, first_port;
    uint64_t page;                   /* ioreq page, in the backend */
    uint32_t nr_windows, nr_devices; /* of the arrays, in order */
};

struct guest_backend {
    uint32_t nr_frontends, nr_windows, nr_devices;
    uint32_t heartbeat_ms; /* 0: none */
    const struct guest_frontend *frontends;
    const struct guest_window *windows;
    const struct guest_served *devices;
};

/* Upper bounds of the structure and of the property names. */
size_t backend_tree_struct_bound(const struct guest_backend *backend);
size_t backend_tree_names_bound(const struct guest_backend *backend);

/* Below the root; nothing for a domain that serves nobody. */
void backend_tree_write(struct fdt_writer *writer, const struct guest_backend *backend);

#endif
