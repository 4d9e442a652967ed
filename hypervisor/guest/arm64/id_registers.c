/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/arm64/id_registers.h"

#include "arch/arm64/sysreg.h"
#include "drivers/gic.h"

#define REGISTER(crm, op2) (UINT32_C(3) << 20 | (uint32_t)(op2) << 17 | (uint32_t)(crm) << 1)

/* One 4-bit field. */
#define F(low) (UINT64_C(0xf) << (low))

/* Fields that a guest may see. */
#define PFR0_KEEP  (F(0) | F(16) | F(20) | F(48) | F(56) | F(60)) /* EL0, FP, AdvSIMD, DIT, CSV2, CSV3 */
#define PFR1_KEEP  (F(0) | F(4))                                  /* BT, SSBS */
#define ISAR2_DROP (F(16) | F(32) | F(36)) /* MOPS, 128-bit registers and instructions */
#define MMFR0_KEEP (F(0) | F(4) | F(8) | F(16) | F(20) | F(24) | F(28) | F(44))
#define MMFR1_KEEP \
    (F(0) | F(4) | F(12) | F(20) | F(24) | F(28) | F(36)) /* HAFDBS VMID HPDS PAN SpecSEI XNX ETS */
#define MMFR2_KEEP \
    (F(0) | F(4) | F(8) | F(12) | F(16) | F(20) | F(28) | F(32) | F(36) | F(48) | F(52) | F(60))
#define EL1_AARCH64_ONLY     (UINT64_C(1) << 4)
#define GIC_SYSTEM_REGISTERS (UINT64_C(1) << 24)
#define CSV2_MAX             1u /* CSV2_2 would show SCXTNUM_EL1 */
#define DFR0_GUEST \
    UINT64_C(0x101006) /* v8.0 debug with the fewest breakpoints and watchpoints, nothing else */

static uint64_t pfr0(void)
{
    uint64_t v = READ_SYSREG(id_aa64pfr0_el1) & PFR0_KEEP;

    if (FIELD(v, 59, 56) > CSV2_MAX) {
        v = (v & ~F(56)) | (uint64_t)CSV2_MAX << 56;
    }
    return v | EL1_AARCH64_ONLY | (gic_version == 3 ? GIC_SYSTEM_REGISTERS : 0);
}

/* Registers that are passed on in whole: AArch32 features (for 32-bit user space) and instruction sets. */
#define PASSED(r)                                                                                   \
    r(1, 0, id_pfr0_el1) r(1, 1, id_pfr1_el1) r(1, 4, id_mmfr0_el1) r(1, 5, id_mmfr1_el1)           \
        r(1, 6, id_mmfr2_el1) r(1, 7, id_mmfr3_el1) r(2, 0, id_isar0_el1) r(2, 1, id_isar1_el1)     \
            r(2, 2, id_isar2_el1) r(2, 3, id_isar3_el1) r(2, 4, id_isar4_el1) r(2, 5, id_isar5_el1) \
                r(2, 6, id_mmfr4_el1) r(2, 7, s3_0_c0_c2_7) r(3, 0, mvfr0_el1) r(3, 1, mvfr1_el1)   \
                    r(3, 2, mvfr2_el1) r(3, 4, s3_0_c0_c3_4) r(6, 0, id_aa64isar0_el1)              \
                        r(6, 1, id_aa64isar1_el1)

bool id_register(uint32_t reg, uint64_t *value)
{
    uint32_t crm = reg >> 1 & 15u;

    if ((reg & ~(REGISTER(15, 7) & ~(UINT32_C(3) << 20))) != UINT32_C(3) << 20 || crm < 1u || crm > 7u) {
        return false;
    }
    switch (reg) {
#define PASS(m, o, name)            \
    case REGISTER(m, o):            \
        *value = READ_SYSREG(name); \
        break;
        PASSED(PASS)
    case REGISTER(4, 0):
        *value = pfr0();
        break;
    case REGISTER(4, 1):
        *value = READ_SYSREG(id_aa64pfr1_el1) & PFR1_KEEP;
        break;
    case REGISTER(5, 0):
        *value = DFR0_GUEST;
        break;
    case REGISTER(6, 2):
        *value = READ_SYSREG(s3_0_c0_c6_2) & ~ISAR2_DROP;
        break;
    case REGISTER(7, 0):
        *value = READ_SYSREG(id_aa64mmfr0_el1) & MMFR0_KEEP;
        break;
    case REGISTER(7, 1):
        *value = READ_SYSREG(id_aa64mmfr1_el1) & MMFR1_KEEP;
        break;
    case REGISTER(7, 2):
        *value = READ_SYSREG(s3_0_c0_c7_2) & MMFR2_KEEP;
        break;
    default:
        *value = 0; /* reserved: reads as zero */
        break;
    }
    return true;
}
