/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and addresses of a domain that the description leaves to us. They are never one that it names. */
#ifndef BOOT_PLACEMENT_H
#define BOOT_PLACEMENT_H

#include "boot/planner.h"

/* Where they begin unless IPA = PA: nothing of Xen's layout is there. */
#define PLACEMENT_IPA UINT64_C(0x0c000000)

/* An interrupt of the domain at hand, from the top of its table down; the table grows if nothing is left. 0
 * after an error. */
uint16_t place_spi(struct planner *p, struct draft *d);

/* The lowest free guest addresses of the domain at hand behind those that were placed before. `align` is a
 * power of two, at least PAGE_SIZE. */
uint64_t place_ipa(struct planner *p, const struct draft *d, uint64_t size, uint64_t align);

#endif
