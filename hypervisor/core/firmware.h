/* SPDX-License-Identifier: Apache-2.0 */
/* The Spectre workarounds that the firmware offers by SMCCC (DEN0028 7), found once at boot and offered on to
 * guests. */
#ifndef CORE_FIRMWARE_H
#define CORE_FIRMWARE_H

#include "base/types.h"

#define SMCCC_WORKAROUND_1 0x80008000u
#define SMCCC_WORKAROUND_2 0x80007fffu
#define SMCCC_WORKAROUND_3 0x80003fffu

void firmware_probe(void);
/* Answer of ARCH_FEATURES for ARCH_WORKAROUND_1, _2 or _3: >= 0 available, < 0 not, or another function. */
int64_t firmware_workaround(uint32_t function);

#endif
