/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_ID_REGISTERS_H
#define GUEST_ID_REGISTERS_H

#include "base/types.h"

/* Value that a guest reads from an identification register trapped by HCR_EL2.TID3 (op0 3, op1 0, CRn 0, CRm
 * 1 to 7), coded as in the ISS of EC 0x18 without Rt and direction. False if `reg` is none. What is not
 * virtualised is hidden: EL2 and EL3, SVE, SME, MTE, RAS, AMU, MPAM, PMU, SPE, trace, LORegions, nested
 * virtualisation. */
bool id_register(uint32_t reg, uint64_t *value);

#endif
