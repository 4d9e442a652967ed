/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses of a domain that trap and are served by another domain (its backend). One page for each pair, in
 * the backend's pool, holds a slot for each vCPU of the frontend (include/bulkhead/ioreq.h: Xen's layout);
 * the backend maps it, so nothing is believed from it that has not been read once and compared with the
 * core's own copy of the request.
 *
 * A vCPU whose access is in a slot is parked: it does not run and takes no interrupt until the answer is
 * there, its domain stops, or the limit of the range is over while the backend is away (DEADLINE_PARK).
 * Everything that completes the access is in the vCPU (struct vcpu_ioreq), not in the page: a backend that
 * dies leaves its slots READY for the next incarnation, and a late or wrong answer has no effect. */
#ifndef CORE_IOREQ_H
#define CORE_IOREQ_H

#include "base/status.h"
#include "base/types.h"

struct domain;
struct domain_frontend;
struct vcpu;

/* An access that waits. `size` 0: none. The rest is what completes the instruction. */
struct vcpu_ioreq {
    uint64_t address, data;
    uint64_t esr, far; /* for the abort if nobody answers */
    uint8_t size, reg;
    bool write, sign, sf;
    uint8_t writeback; /* register that the instruction also changes, and by how much: decode_write_back() */
    int64_t writeback_offset;
    uint16_t range;               /* index in the record's ioreq_ranges */
    uint32_t backend_incarnation; /* to which it was given; 0: to nobody yet */
};

/* The range that serves all of [ipa, ipa + size), or NULL. */
const struct domain_ioreq_range *ioreq_find(const struct domain *domain, uint64_t ipa, unsigned size);

/* Parks the vCPU, whose ioreq is filled in; gives the request to the backend if that is attached. By the
 * vCPU's own pCPU. */
void ioreq_begin(struct vcpu *vcpu);

/* EVTCHNOP_send of the backend on the port of that vCPU of the frontend: the vCPU looks at its slot. A slot
 * in a state that the protocol does not allow stops the backend (STOP_CRASH). Any pCPU. */
void ioreq_answered(struct domain *backend, uint16_t frontend, unsigned vcpu);

/* By the parked vCPU's own pCPU, when it was kicked or its deadline came: true if the access is over. The
 * result is in vcpu->ioreq.data, or *nobody is set: the limit came first. */
bool ioreq_over(struct vcpu *vcpu, uint64_t now, bool *nobody);

#endif
