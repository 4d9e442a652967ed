/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest says to a hypervisor with the model beside it. */
#ifndef MODEL_CHECKED_CALLS_H
#define MODEL_CHECKED_CALLS_H

/* Further numbers in x16; x0 and x1 are arguments, x0 is the result. */
/* First frame numbers of the domain's RAM and window for the model (model.h), whose first domain is the one
 * that asks first. 1 when both domains have begun, else 0. */
#define CHECKED_BEGIN 0xb0000u
/* What the guest would store into memory that it shares: what | size << 8 | page << 16 | offset << 32, value.
 */
#define CHECKED_POKE 0xb0001u
/* Compares everything. The number of calls so far. */
#define CHECKED_END 0xb0002u

/* A call that is checked has in x5, x6 the address and the size of what the guest stored for it in its
 * private pages. */

/* Here the guest maps the GiB at CHECKED_READONLY_OF once more, read-only; everything else lies at its own
 * address. */
#define CHECKED_READONLY      (UINT64_C(1) << 40)
#define CHECKED_READONLY_SIZE (UINT64_C(1) << 30)
#define CHECKED_READONLY_OF   UINT64_C(0x40000000)

#endif
