/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_EARLY_MAP_H
#define BOOT_EARLY_MAP_H

#include "base/types.h"

/* Builds the tables that head.S turns the MMU on with: the image at IMAGE_VA, writable or executable but
 * never both, and an identity map of the gigabyte around it. Returns the PA of the root. Called with the MMU
 * off. */
uint64_t early_tables(uint64_t image_pa);

#endif
