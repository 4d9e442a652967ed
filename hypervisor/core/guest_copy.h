/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between the core and memory that a guest names by its own virtual addresses. The address is
 * translated under the EL1 regime of the vCPU that is loaded on this pCPU, with the rights of EL1 and by the
 * direction of the copy (AT S12E1R, AT S12E1W; Arm ARM D8.14), PAR_EL1 is kept. The frame must be Normal
 * memory. Page by page, under the domain's stage-2 lock, through this pCPU's windows. */
#ifndef CORE_GUEST_COPY_H
#define CORE_GUEST_COPY_H

#include "base/status.h"
#include "base/types.h"

struct vcpu;

/* Copies `size` bytes, any alignment, at most PAGE_SIZE. ERR_FAULT: some page cannot be accessed so; bytes of
 * the pages before it may have been copied. */
enum status copy_from_guest(struct vcpu *vcpu, void *to, va_t from, size_t size) MUST_CHECK;
enum status copy_to_guest(struct vcpu *vcpu, va_t to, const void *from, size_t size) MUST_CHECK;

/* The same for one 32-bit word: the shortest way. */
enum status copy_word_from_guest(struct vcpu *vcpu, uint32_t *to, va_t from) MUST_CHECK;

/* OK if copy_to_guest() of so many bytes would succeed now: for answers that must not be lost after the work
 * is done. */
enum status guest_writable(struct vcpu *vcpu, va_t to, size_t size) MUST_CHECK;

#endif
