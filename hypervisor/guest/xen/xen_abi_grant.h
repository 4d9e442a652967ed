/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of grant_table_op as guests lay them out (Xen public grant_table.h). */
#ifndef GUEST_XEN_XEN_ABI_GRANT_H
#define GUEST_XEN_XEN_ABI_GRANT_H

#include "base/types.h"

enum {
    GNTTABOP_MAP = 0,
    GNTTABOP_UNMAP = 1,
    GNTTABOP_SETUP_TABLE = 2,
    GNTTABOP_COPY = 5,
    GNTTABOP_QUERY_SIZE = 6,
    GNTTABOP_UNMAP_AND_REPLACE = 7,
    GNTTABOP_SET_VERSION = 8,
    GNTTABOP_GET_VERSION = 10,
};

#define GNTMAP_DEVICE_MAP 1u
#define GNTMAP_HOST_MAP   2u
#define GNTMAP_READ_ONLY  4u

#define GNTCOPY_SOURCE_REF 1u
#define GNTCOPY_DEST_REF   2u

struct xen_grant_map {
    uint64_t host_addr;
    uint32_t flags;
    uint32_t ref;
    uint16_t dom;
    int16_t status; /* out, from here on */
    uint32_t handle;
    uint64_t dev_bus_addr;
};

struct xen_grant_unmap {
    uint64_t host_addr;
    uint64_t dev_bus_addr;
    uint32_t handle;
    int16_t status;
};

struct xen_grant_unmap_and_replace {
    uint64_t host_addr;
    uint64_t new_addr;
    uint32_t handle;
    int16_t status;
};

struct xen_grant_copy_side {
    uint64_t ref_or_gmfn; /* a grant reference: its low half */
    uint16_t domid;
    uint16_t offset;
};

struct xen_grant_copy {
    struct xen_grant_copy_side source, dest;
    uint16_t len;
    uint16_t flags;
    int16_t status;
};

struct xen_grant_query {
    uint16_t dom;
    uint32_t nr_frames;
    uint32_t max_nr_frames;
    int16_t status;
};

struct xen_grant_setup {
    uint16_t dom;
    uint32_t nr_frames;
    int16_t status;
    uint64_t frame_list;
};

struct xen_grant_get_version {
    uint16_t dom;
    uint16_t pad;
    uint32_t version;
};

#endif
