/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of memory_op, xen_version and hvm_op as guests lay them out (Xen public memory.h, version.h,
 * hvm/hvm_op.h, hvm/params.h). */
#ifndef GUEST_XEN_XEN_ABI_MEMORY_H
#define GUEST_XEN_XEN_ABI_MEMORY_H

#include "base/types.h"

enum {
    XENMEM_INCREASE_RESERVATION = 0,
    XENMEM_DECREASE_RESERVATION = 1,
    XENMEM_CURRENT_RESERVATION = 3,
    XENMEM_MAXIMUM_RESERVATION = 4,
    XENMEM_POPULATE_PHYSMAP = 6,
    XENMEM_ADD_TO_PHYSMAP = 7,
    XENMEM_REMOVE_FROM_PHYSMAP = 15,
    XENMEM_ADD_TO_PHYSMAP_BATCH = 23,
    XENMEM_ACQUIRE_RESOURCE = 28,
};

#define MEMOP_OP_BITS 6u /* of x0; above them: extents that have been done */

enum {
    XENMAPSPACE_SHARED_INFO = 0,
    XENMAPSPACE_GRANT_TABLE = 1,
    XENMAPSPACE_GMFN_RANGE = 3,
    XENMAPSPACE_GMFN_FOREIGN = 4,
};

struct xen_add_to_physmap {
    uint16_t domid;
    uint16_t size;
    uint32_t space;
    uint64_t idx;
    uint64_t gpfn;
};

struct xen_add_to_physmap_batch {
    uint16_t domid;
    uint16_t space;
    uint16_t size;
    uint16_t foreign_domid;
    uint64_t idxs;
    uint64_t gpfns;
    uint64_t errs;
};

struct xen_remove_from_physmap {
    uint16_t domid;
    uint64_t gpfn;
};

struct xen_memory_reservation {
    uint64_t extent_start;
    uint64_t nr_extents;
    uint32_t extent_order;
    uint32_t mem_flags;
    uint16_t domid;
};

struct xen_acquire_resource {
    uint16_t domid;
    uint16_t type;
    uint32_t id;
    uint32_t nr_frames;
    uint32_t pad;
    uint64_t frame;
    uint64_t frame_list;
};

enum {
    XENVER_VERSION = 0,
    XENVER_EXTRAVERSION = 1,
    XENVER_COMPILE_INFO = 2,
    XENVER_CAPABILITIES = 3,
    XENVER_CHANGESET = 4,
    XENVER_PLATFORM_PARAMETERS = 5,
    XENVER_GET_FEATURES = 6,
    XENVER_PAGESIZE = 7,
    XENVER_GUEST_HANDLE = 8,
    XENVER_COMMANDLINE = 9,
    XENVER_BUILD_ID = 10,
};

struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};

typedef char xen_extraversion_t[16];
typedef char xen_capabilities_t[1024];
typedef char xen_changeset_t[64];
typedef uint8_t xen_handle_t[16];

struct xen_feature_info {
    uint32_t submap_idx;
    uint32_t submap;
};

enum { HVMOP_SET_PARAM = 0, HVMOP_GET_PARAM = 1 };

enum {
    HVM_PARAM_CALLBACK_IRQ = 0,
    HVM_PARAM_STORE_PFN = 1,
    HVM_PARAM_STORE_EVTCHN = 2,
    HVM_PARAM_CONSOLE_PFN = 17,
    HVM_PARAM_CONSOLE_EVTCHN = 18,
};

struct xen_hvm_param {
    uint16_t domid;
    uint16_t pad;
    uint32_t index;
    uint64_t value;
};

#endif
