/* SPDX-License-Identifier: Apache-2.0 */
/* Xen's hypercalls: HVC #0xEA1, number in x16, arguments in x0 to x4, result in x0 (a negative errno of Xen's
 * own numbering, or a value). One file for each hypercall decodes its arguments, which are structures at
 * virtual addresses of the caller, and calls the core. What a call writes back is checked to be writable
 * before anything is changed. */
#ifndef GUEST_XEN_HYPERCALL_H
#define GUEST_XEN_HYPERCALL_H

#include "base/status.h"
#include "base/types.h"

struct vcpu;

/* Arguments are in vcpu->x[0] .. x[4]; returns what goes to x0. Runs on the pCPU of the vCPU, interrupts
 * masked, never blocks. */
typedef int64_t (*hypercall_t)(struct vcpu *vcpu);

/* What a call returns after a bounded piece of work: it has written its progress to its arguments, and is
 * executed again when pending interrupts have been taken. */
int64_t hypercall_again(struct vcpu *vcpu);

void hypercall(struct vcpu *vcpu);

int64_t memory_op(struct vcpu *vcpu);
int64_t xen_version(struct vcpu *vcpu);
int64_t console_io(struct vcpu *vcpu);
int64_t grant_table_op(struct vcpu *vcpu);
int64_t vcpu_op(struct vcpu *caller);
int64_t sched_op(struct vcpu *vcpu);
int64_t event_channel_op(struct vcpu *vcpu);
int64_t hvm_op(struct vcpu *vcpu);
int64_t dm_op(struct vcpu *vcpu);

/* XENMEM_acquire_resource of an ioreq server, one page at `at`. */
#ifdef PROFILE_STATIC
static inline int64_t acquire_ioreq_page(struct vcpu *vcpu, uint16_t domid, uint32_t server, ipa_t at)
{
    (void)vcpu;
    (void)domid;
    (void)server;
    (void)at;
    return -1; /* EPERM */
}
#else
int64_t acquire_ioreq_page(struct vcpu *vcpu, uint16_t domid, uint32_t server, ipa_t at);
#endif

/* The errno of a refusal, negative; 0 for OK. */
int64_t xen_errno(enum status status);

#endif
