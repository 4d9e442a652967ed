/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/errata.h"

#include "arch/arm64/sysreg.h"

#define MIDR_ARM(part)  (UINT32_C(0x41) << 24 | (uint32_t)(part) << 4)
#define MIDR_PART(midr) ((uint32_t)(midr) & 0xff00fff0u)

enum {
    SAFE = 1,        /* in order: does not speculate so far (CVE-2022-23960) */
    LOOP = 2,        /* on Arm's list for CVE-2022-23960: a loop of branches helps */
    REPEAT_TLBI = 4, /* on Arm's list for CVE-2025-10263 */
};

static const struct {
    uint32_t midr;
    unsigned flags;
} cores[] = {
    {MIDR_ARM(0xd03), SAFE},               /* Cortex-A53 */
    {MIDR_ARM(0xd04), SAFE},               /* Cortex-A35 */
    {MIDR_ARM(0xd05), SAFE},               /* Cortex-A55 */
    {MIDR_ARM(0xd07), LOOP},               /* Cortex-A57 */
    {MIDR_ARM(0xd08), LOOP},               /* Cortex-A72 */
    {MIDR_ARM(0xd0b), LOOP | REPEAT_TLBI}, /* Cortex-A76 */
    {MIDR_ARM(0xd0c), LOOP | REPEAT_TLBI}, /* Neoverse-N1 */
    {MIDR_ARM(0xd0d), LOOP | REPEAT_TLBI}, /* Cortex-A77 */
    {MIDR_ARM(0xd0e), REPEAT_TLBI},        /* Cortex-A76AE */
    {MIDR_ARM(0xd40), LOOP | REPEAT_TLBI}, /* Neoverse-V1 */
    {MIDR_ARM(0xd41), LOOP | REPEAT_TLBI}, /* Cortex-A78 */
    {MIDR_ARM(0xd42), LOOP | REPEAT_TLBI}, /* Cortex-A78AE */
    {MIDR_ARM(0xd44), LOOP | REPEAT_TLBI}, /* Cortex-X1 */
    {MIDR_ARM(0xd47), LOOP | REPEAT_TLBI}, /* Cortex-A710 */
    {MIDR_ARM(0xd48), LOOP | REPEAT_TLBI}, /* Cortex-X2 */
    {MIDR_ARM(0xd49), LOOP | REPEAT_TLBI}, /* Neoverse-N2 */
    {MIDR_ARM(0xd4b), LOOP | REPEAT_TLBI}, /* Cortex-A78C */
    {MIDR_ARM(0xd4c), REPEAT_TLBI},        /* Cortex-X1C */
    {MIDR_ARM(0xd4e), REPEAT_TLBI},        /* Cortex-X3 */
    {MIDR_ARM(0xd4f), REPEAT_TLBI},        /* Neoverse-V2 */
    {MIDR_ARM(0xd82), REPEAT_TLBI},        /* Cortex-X4 */
    {MIDR_ARM(0xd83), REPEAT_TLBI},        /* Neoverse-V3AE */
    {MIDR_ARM(0xd84), REPEAT_TLBI},        /* Neoverse-V3 */
    {MIDR_ARM(0xd85), REPEAT_TLBI},        /* Cortex-X925 */
};

bool errata_repeat_tlbi;

/* SAFE and the others, for a core of this MIDR_EL1; 0 if it is not listed. */
static unsigned flags(uint64_t midr)
{
    for (size_t i = 0; i < ARRAY_SIZE(cores); i++) {
        if (cores[i].midr == MIDR_PART(midr)) {
            return cores[i].flags;
        }
    }
    return 0;
}

enum branch_mitigation errata_mitigation(uint64_t midr, uint64_t pfr0, uint64_t mmfr1, uint64_t isar2,
                                         bool firmware)
{
    if (FIELD(pfr0, 59, 56) >= 3u || FIELD(mmfr1, 63, 60) != 0 || (flags(midr) & SAFE) != 0) {
        return MITIGATE_NOTHING; /* CSV2_3, ECBHB: the core separates the history of exception levels itself
                                  */
    }
    if (FIELD(isar2, 31, 28) != 0) {
        return MITIGATE_CLRBHB;
    }
    if ((flags(midr) & LOOP) != 0) {
        return MITIGATE_LOOP;
    }
    return firmware ? MITIGATE_FIRMWARE : MITIGATE_NOTHING;
}

void errata_choose_vectors(bool firmware)
{
    extern char vectors[], vectors_loop[], vectors_clrbhb[], vectors_firmware[];
    const char *table[] = {vectors, vectors_loop, vectors_clrbhb, vectors_firmware};
    enum branch_mitigation mitigation =
        errata_mitigation(READ_SYSREG(midr_el1), READ_SYSREG(id_aa64pfr0_el1), READ_SYSREG(id_aa64mmfr1_el1),
                          READ_SYSREG(s3_0_c0_c6_2), firmware);

    if ((flags(READ_SYSREG(midr_el1)) & REPEAT_TLBI) != 0) {
        __atomic_store_n(&errata_repeat_tlbi, true, __ATOMIC_RELAXED);
    }
    WRITE_SYSREG(vbar_el2, (uint64_t)table[mitigation]);
    isb();
}
