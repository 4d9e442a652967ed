/* SPDX-License-Identifier: Apache-2.0 */
/* Stage-1 descriptors of the EL2 translation regime with HCR_EL2.E2H = 0 (Arm ARM D8.3) and its control
 * registers. */
#ifndef ARCH_STAGE1_BITS_H
#define ARCH_STAGE1_BITS_H

#include "arch/arm64/sysreg.h"

#define S1_TABLE    UINT64_C(3)
#define S1_BLOCK    UINT64_C(1)
#define S1_PAGE     UINT64_C(3)
#define S1_AF       BIT(10)
#define S1_SH_INNER (UINT64_C(3) << 8)
#define S1_RO       BIT(7)
#define S1_AP_RES1  BIT(6)
#define S1_GP       BIT(50)
#define S1_XN       BIT(54)
#define S1_ADDRESS  MASK(47, 12)
#define S1_ATTR(i)  ((uint64_t)(i) << 2)
#define ATTR_NORMAL 0u
#define ATTR_DEVICE 1u

#define S1_NORMAL (S1_ATTR(ATTR_NORMAL) | S1_AF | S1_SH_INNER | S1_AP_RES1)
#define S1_DEVICE (S1_ATTR(ATTR_DEVICE) | S1_AF | S1_SH_INNER | S1_AP_RES1 | S1_XN)
#define S1_TEXT   (S1_NORMAL | S1_RO)
#define S1_RODATA (S1_NORMAL | S1_RO | S1_XN)
#define S1_DATA   (S1_NORMAL | S1_XN)

#define MAIR_EL2_VALUE UINT64_C(0x04ff) /* 0: Normal write-back, 1: Device-nGnRE */

/* T0SZ 16, 4 KiB, inner shareable, write-back walks, RES1 bits; PS is added at run time */
#define TCR_EL2_VALUE (BIT(31) | BIT(23) | (3u << 12) | (1u << 10) | (1u << 8) | 16u)
/* RES1 bits, M, C, SA, I, WXN */
#define SCTLR_EL2_VALUE (UINT64_C(0x30c50830) | BIT(0) | BIT(2) | BIT(3) | BIT(12) | BIT(19))
#define SCTLR_BT        BIT(36)

#endif
