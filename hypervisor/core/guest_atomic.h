/* SPDX-License-Identifier: Apache-2.0 */
/* Single atomic operations on memory that a guest may write at any time. An exclusive store can fail for as
 * long as somebody else writes to the same line, so a guest could hold a pCPU for ever: they give up after
 * GUEST_ATOMIC_ATTEMPTS, and the caller stops the guest.
 *
 * bool guest_set_bits(uint64_t *word, uint64_t bits, uint64_t *before)
 * bool guest_clear_bits(uint64_t *word, uint64_t bits, uint64_t *before)
 * bool guest_exchange_byte(uint8_t *byte, uint8_t value, uint8_t *before)
 *
 * What was there before goes to *before. Sequentially consistent with each other and with sequentially
 * consistent loads. False: given up, nothing has changed. */
#ifndef CORE_GUEST_ATOMIC_H
#define CORE_GUEST_ATOMIC_H

#define GUEST_ATOMIC_ATTEMPTS 256

#ifdef __aarch64__
#include "arch/arm64/arch_guest_atomic.h"
#else
#include "arch/host/arch_guest_atomic.h"
#endif

#endif
