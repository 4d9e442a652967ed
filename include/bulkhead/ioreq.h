/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Trapped accesses between the hypervisor and a backend: Xen's ioreq page (Xen public ioreq.h), and behind
 * its slots what a declared server learns of its frontend.
 *
 * State of a slot: NONE -> READY (the hypervisor, then an event) -> [INPROCESS] -> IORESP_READY (the backend:
 * data first, then the state, then an event) -> NONE (the hypervisor). A step backwards stops the backend. */
#ifndef BULKHEAD_IOREQ_H
#define BULKHEAD_IOREQ_H

#include <stdint.h>

#define BH_IOREQ_MAX_VCPUS 32u

enum bh_ioreq_state { BH_IOREQ_NONE, BH_IOREQ_READY, BH_IOREQ_INPROCESS, BH_IOREQ_RESPONSE };
enum bh_ioreq_type { BH_IOREQ_COPY = 1, BH_IOREQ_INVALIDATE = 8 };

struct bh_ioreq {
    uint64_t address; /* in the frontend */
    uint64_t data;    /* written, or to be read: the low `size` bytes */
    uint32_t count;   /* 1 */
    uint32_t size;    /* 1, 2, 4 or 8 */
    uint32_t port;    /* Xen's vp_eport */
    uint16_t reserved;
    uint8_t state; /* bits 3:0: enum bh_ioreq_state; bit 5: a read */
    uint8_t type;  /* enum bh_ioreq_type */
};
_Static_assert(sizeof(struct bh_ioreq) == 32, "Xen's layout");

#define BH_IOREQ_STATE_MASK 0x0fu
#define BH_IOREQ_READ       0x20u

/* The last 16 bytes of the page. */
struct bh_ioreq_tail {
    uint32_t incarnation; /* of the frontend: counts its starts; written by the hypervisor */
    uint32_t
        attached; /* the backend may serve it: 1 from its set_ioreq_server_state until one of both stops */
    uint32_t reserved[2];
};

struct bh_ioreq_page {
    struct bh_ioreq slot[BH_IOREQ_MAX_VCPUS]; /* by vCPU of the frontend */
    uint8_t reserved[4096 - BH_IOREQ_MAX_VCPUS * sizeof(struct bh_ioreq) - sizeof(struct bh_ioreq_tail)];
    struct bh_ioreq_tail tail;
};
_Static_assert(sizeof(struct bh_ioreq_page) == 4096, "one page");

#endif
