/* SPDX-License-Identifier: Apache-2.0 */
/* System registers by name, barriers, and the register bits that the hypervisor uses (Arm ARM DDI 0487,
 * chapter D). */
#ifndef ARCH_SYSREG_H
#define ARCH_SYSREG_H

#include "base/bits.h"

#ifdef __aarch64__
#define READ_SYSREG(name)                                  \
    ({                                                     \
        uint64_t value_;                                   \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)); \
        value_;                                            \
    })
#define WRITE_SYSREG(name, value) __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")

#define isb()    __asm__ volatile("isb" ::: "memory")
#define dsb(opt) __asm__ volatile("dsb " #opt ::: "memory")
#define dmb(opt) __asm__ volatile("dmb " #opt ::: "memory")
#define wfi()    __asm__ volatile("wfi" ::: "memory")
#else
#include "arch/host/host_cpu.h"
#endif

/* HCR_EL2 */
#define HCR_VM    BIT(0)
#define HCR_SWIO  BIT(1)
#define HCR_FMO   BIT(3)
#define HCR_IMO   BIT(4)
#define HCR_AMO   BIT(5)
#define HCR_TWI   BIT(13)
#define HCR_TID3  BIT(18)
#define HCR_TSC   BIT(19)
#define HCR_TIDCP BIT(20)
#define HCR_TACR  BIT(21)
#define HCR_TSW   BIT(22)
#define HCR_TTLB  BIT(25)
#define HCR_TVM   BIT(26)
#define HCR_RW    BIT(31)
#define HCR_TLOR  BIT(35)
#define HCR_APK   BIT(40)
#define HCR_API   BIT(41)

/* CPTR_EL2 with HCR_EL2.E2H = 0: trap SVE, SME, trace, AMU; RES1 bits */
#define CPTR_TZ    BIT(8)
#define CPTR_TFP   BIT(10)
#define CPTR_TSM   BIT(12)
#define CPTR_TTA   BIT(20)
#define CPTR_TAM   BIT(30)
#define CPTR_TCPAC BIT(31)
#define CPTR_RES1  (MASK(7, 0) | BIT(9) | BIT(13))

/* MDCR_EL2 */
#define MDCR_TPMCR BIT(5)
#define MDCR_TPM   BIT(6)
#define MDCR_TDA   BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA  BIT(11)
#define MDCR_TPMS  BIT(14)
#define MDCR_TTRF  BIT(19)

/* CNTHCTL_EL2 with E2H = 0 */
#define CNTHCTL_EL1PCTEN BIT(0)
#define CNTHCTL_EL1PCEN  BIT(1)

/* ESR_ELx */
#define ESR_EC(esr)   (unsigned)FIELD(esr, 31, 26)
#define ESR_ISS(esr)  (uint32_t)FIELD(esr, 24, 0)
#define ESR_IL        BIT(25)
#define EC_WFX        0x01u
#define EC_FP         0x07u
#define EC_HVC64      0x16u
#define EC_SMC64      0x17u
#define EC_SYSREG     0x18u
#define EC_SVE        0x19u
#define EC_IABT_LOWER 0x20u
#define EC_IABT_SAME  0x21u
#define EC_DABT_LOWER 0x24u
#define EC_DABT_SAME  0x25u

/* PSTATE in SPSR_ELx */
#define SPSR_EL1H        0x5u
#define SPSR_DAIF        (0xfu << 6)
#define SPSR_GUEST_RESET (SPSR_DAIF | SPSR_EL1H)

#endif
