/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_MAIN_H
#define BOOT_MAIN_H

#include "base/types.h"

/* Called by entry/arm64/head.S with the MMU on: blob is what the firmware left in x0. */
void boot_main(uint64_t blob_pa, uint64_t image_pa) __attribute__((noreturn));

#endif
