/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses of a domain that trap and are served by another domain (its backend). One page for each pair, in
 * the backend's pool, holds a slot for each vCPU of the frontend (include/bulkhead/ioreq.h: Xen's layout);
 * the backend maps it, so nothing is believed from it that has not been read once and compared with the
 * core's own copy of the request.
 *
 * A vCPU whose access is in a slot is parked: it does not run and takes no interrupt until the answer is
 * there, its domain stops, or the limit of the range is over while the backend is away (DEADLINE_PARK).
 * Everything that completes the access is in the vCPU (struct vcpu_ioreq), not in the page: a backend that
 * dies leaves its requests to the next incarnation, and a late or wrong answer has no effect. Only the own
 * pCPU of the vCPU writes its slot, and judges what the backend has written there. */
#ifndef CORE_IOREQ_H
#define CORE_IOREQ_H

#include "base/types.h"

struct domain;
struct domain_ioreq_range;
struct vcpu;

/* An access that waits. All but `parked` belongs to the vCPU's own pCPU. */
struct vcpu_ioreq {
    uint32_t parked;        /* it waits; atomic */
    uint32_t given;         /* the attachment to which it was given (struct frontend); 0: to none */
    uint64_t address;       /* in the frontend */
    uint64_t data;          /* of a store, the low `size` bytes */
    uint64_t esr, fault_va; /* of the abort if nobody answers */
    uint64_t until;         /* CNTPCT at which it ends if the backend is away; 0: no limit */
    uint16_t range;         /* index in the record's ioreq_ranges */
    uint8_t size, reg;      /* bytes; register that is loaded */
    bool write, sign, sf;
    uint8_t state;   /* of the slot, when it was looked at last */
    uint8_t base;    /* register that the instruction also changes (31: SP), and by how much */
    int32_t base_by; /* 0: none */
};

/* How a parked vCPU's request stands. IOREQ_ABORTED: the limit was over first. */
enum ioreq_end { IOREQ_WAITS, IOREQ_DONE, IOREQ_ABORTED };

#ifdef PROFILE_STATIC
static inline const struct domain_ioreq_range *ioreq_find(const struct domain *domain, uint64_t ipa,
                                                          unsigned size)
{
    (void)domain;
    (void)ipa;
    (void)size;
    return NULL;
}

static inline void ioreq_begin(struct vcpu *vcpu)
{
    (void)vcpu;
}

static inline void ioreq_answered(struct domain *backend, uint16_t frontend, uint32_t vcpu)
{
    (void)backend;
    (void)frontend;
    (void)vcpu;
}

static inline enum ioreq_end ioreq_look(struct vcpu *vcpu, uint64_t now)
{
    (void)vcpu;
    (void)now;
    return IOREQ_WAITS;
}

static inline void ioreq_cancel(struct vcpu *vcpu)
{
    (void)vcpu;
}
#else
/* The range that serves all of [ipa, ipa + size), or NULL. */
const struct domain_ioreq_range *ioreq_find(const struct domain *domain, uint64_t ipa, unsigned size);

/* Parks the vCPU, whose address to base_by are filled in; gives the request to the backend if that is
 * attached. By its own pCPU, in a trap. */
void ioreq_begin(struct vcpu *vcpu);

/* EVTCHNOP_send of the backend on the port of that vCPU of the frontend: the vCPU looks at its slot. Any
 * pCPU. */
void ioreq_answered(struct domain *backend, uint16_t frontend, uint32_t vcpu);

/* By the vCPU's own pCPU when it was kicked (WORK_IOREQ), parked or not. A slot in a state that the protocol
 * does not allow stops the backend (STOP_CRASH). IOREQ_DONE: the access is over, its result is in the
 * registers and the pc behind it. IOREQ_ABORTED: it is over, the abort in esr and fault_va is to be injected.
 */
enum ioreq_end ioreq_look(struct vcpu *vcpu, uint64_t now);

/* The vCPU leaves: the request is taken back. By its own pCPU. */
void ioreq_cancel(struct vcpu *vcpu);
#endif

#endif
