/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain shares with others and with the hypervisor, as its device tree tells it: Xen's hypervisor
 * node, static shared memory, channels, VIRTIO devices, static event ports. */
#ifndef BOOT_GUEST_LINKS_H
#define BOOT_GUEST_LINKS_H

#include "boot/fdt.h"
#include "boot/backend_tree.h"
#include "boot/fdt_write.h"
#include "boot/host.h"
#include "core/record.h"

#define MAX_GUEST_REGIONS 12u /* of the hypervisor node */

/* A static event channel that the integrator wrote. */
struct guest_port {
    const char *name, *peer_name;
    struct domain_port port;
};

/* Static shared memory. */
struct guest_shared {
    const char *id, *role;
    uint64_t ipa, size;
    bool read_only; /* not told as memory, because a kernel would take it for its own */
};

struct guest_channel {
    const char *name, *peer_name;
    uint64_t tx, rx, size; /* IPA of the region that the domain writes, of the peer's, bytes of each */
    uint64_t doorbell;     /* IPA of the page that rings the peer; 0: `port` rings it */
    uint16_t spi;          /* INTID that the peer raises; 0: the peer makes `port` pending */
    uint16_t port;
    uint16_t peer; /* domid */
};

/* A VIRTIO device that a driver domain serves. */
struct guest_virtio {
    uint64_t ipa, size;
    uint64_t pool, pool_size; /* the only memory that its buffers may lie in; size 0: anywhere */
    uint32_t pool_phandle;
    bool grants;      /* its buffers are granted to `backend` */
    uint16_t backend; /* domid */
    uint16_t spi;     /* INTID */
};

struct guest_links {
    uint32_t nr_regions, nr_ports, nr_shared, nr_channels, nr_virtio;
    struct host_range regions[MAX_GUEST_REGIONS]; /* for the grant table, then extended regions; none: the
                                                     domain is not told of the hypervisor */
    uint32_t iommu_phandle; /* of the node that stands for grants; 0: no device needs it */
    const struct guest_port *ports;
    const struct guest_shared *shared;
    const struct guest_channel *channels;
    const struct guest_virtio *virtio;
    const struct guest_backend *backend; /* or NULL */
};

/* How the root of the tree and its interrupts are told. */
struct guest_root {
    uint32_t address_cells, size_cells; /* 1 or 2 */
    uint32_t gic_phandle;
};

/* Upper bounds of the structure and of the property names that all of this takes. */
size_t guest_links_struct_bound(const struct guest_links *links);
size_t guest_links_names_bound(const struct guest_links *links);

/* Shared memory and pools below /reserved-memory: a node that is open already, or a new one. Ends it. */
void guest_links_write_reserved(struct fdt_writer *writer, const struct guest_links *links,
                                const struct guest_root *root, bool is_open);
/* All else, below the root. */
void guest_links_write(struct fdt_writer *writer, const struct guest_links *links,
                       const struct guest_root *root);

#endif
