/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain and the core share about events, as Xen's public xen.h lays it out for arm64: 2-level event
 * channels. The guest writes all of it at any time. */
#ifndef CORE_SHARED_INFO_H
#define CORE_SHARED_INFO_H

#include "base/types.h"

#define EVENT_WORD_BITS 64u
#define EVENT_WORDS     64u

/* Where a vCPU is told. */
struct vcpu_info {
    uint8_t upcall_pending; /* not 0: an interrupt is on its way or was taken and not yet looked into */
    uint8_t reserved[7];
    uint64_t pending_sel; /* words of `pending` to look at */
    uint8_t time[32];     /* not kept: arm64 guests use their timer */
};

struct shared_info {
    struct vcpu_info vcpu_info; /* of vCPU 0, until it registers another place */
    uint64_t pending[EVENT_WORDS];
    uint64_t mask[EVENT_WORDS];
    uint32_t wc_version, wc_sec, wc_nsec, wc_sec_hi; /* wall clock; 0: not known */
};

_Static_assert(sizeof(struct vcpu_info) == 48 && offsetof(struct vcpu_info, pending_sel) == 8, "xen.h");
_Static_assert(offsetof(struct shared_info, pending) == 48 && offsetof(struct shared_info, mask) == 560 &&
                   offsetof(struct shared_info, wc_version) == 1072 && sizeof(struct shared_info) == 1088,
               "xen.h");

#endif
