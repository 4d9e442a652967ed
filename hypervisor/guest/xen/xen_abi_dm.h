/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of dm_op as guests lay them out (Xen public hvm/dm_op.h). */
#ifndef GUEST_XEN_XEN_ABI_DM_H
#define GUEST_XEN_XEN_ABI_DM_H

#include "base/types.h"

enum {
    DMOP_CREATE_SERVER = 1,
    DMOP_GET_INFO = 2,
    DMOP_MAP_RANGE = 3,
    DMOP_UNMAP_RANGE = 4,
    DMOP_SET_STATE = 5,
    DMOP_DESTROY_SERVER = 6,
    DMOP_SET_IRQ_LEVEL = 19,
    DMOP_NR_VCPUS = 20,
};

#define DMOP_MAX_BUFS    2u
#define DMOP_NO_GFNS     1u /* flag of get_info */
#define DMOP_MEMORY      1u /* type of a range */
#define DMOP_HEADER_SIZE 8u

struct xen_dm_buf {
    uint64_t at;
    uint64_t size;
};

struct xen_dm_create {
    uint8_t handle_bufioreq;
    uint8_t pad[3];
    uint16_t id; /* out */
};

struct xen_dm_info {
    uint16_t id;
    uint16_t flags;
    uint32_t bufioreq_port; /* out, from here on */
    uint64_t ioreq_gfn;
    uint64_t bufioreq_gfn;
};

struct xen_dm_range {
    uint16_t id;
    uint16_t pad;
    uint32_t type;
    uint64_t start, end; /* inclusive */
};

struct xen_dm_state {
    uint16_t id;
    uint8_t enabled;
    uint8_t pad;
};

struct xen_dm_destroy {
    uint16_t id;
    uint16_t pad;
};

struct xen_dm_irq_level {
    uint32_t irq;
    uint8_t level;
    uint8_t pad[3];
};

struct xen_dm_nr_vcpus {
    uint32_t vcpus; /* out */
};

struct xen_dm_op {
    uint32_t op;
    uint32_t pad;
    union {
        struct xen_dm_create create;
        struct xen_dm_info info;
        struct xen_dm_range range;
        struct xen_dm_state state;
        struct xen_dm_destroy destroy;
        struct xen_dm_irq_level irq_level;
        struct xen_dm_nr_vcpus nr_vcpus;
    } u;
};

_Static_assert(sizeof(struct xen_dm_op) == 32 && offsetof(struct xen_dm_op, u) == DMOP_HEADER_SIZE,
               "dm_op.h");

/* XENMEM_acquire_resource */
#define RESOURCE_IOREQ_SERVER 0u
#define RESOURCE_IOREQ_FRAME  1u /* 0 is that of buffered requests */

#endif
