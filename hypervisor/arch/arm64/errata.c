/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/errata.h"

#include "arch/arm64/sysreg.h"

#define MIDR_ARM(part)  (UINT32_C(0x41) << 24 | (uint32_t)(part) << 4)
#define MIDR_PART(midr) ((uint32_t)(midr) & 0xff00fff0u)

/* Arm's list for CVE-2022-23960: cores that a loop of branches helps. */
static const uint32_t loop_cores[] = {
    MIDR_ARM(0xd07), /* Cortex-A57 */
    MIDR_ARM(0xd08), /* Cortex-A72 */
    MIDR_ARM(0xd0b), /* Cortex-A76 */
    MIDR_ARM(0xd0c), /* Neoverse-N1 */
    MIDR_ARM(0xd0d), /* Cortex-A77 */
    MIDR_ARM(0xd40), /* Neoverse-V1 */
    MIDR_ARM(0xd41), /* Cortex-A78 */
    MIDR_ARM(0xd42), /* Cortex-A78AE */
    MIDR_ARM(0xd44), /* Cortex-X1 */
    MIDR_ARM(0xd47), /* Cortex-A710 */
    MIDR_ARM(0xd48), /* Cortex-X2 */
    MIDR_ARM(0xd49), /* Neoverse-N2 */
    MIDR_ARM(0xd4b), /* Cortex-A78C */
};

/* In-order cores, which do not speculate so far. */
static const uint32_t safe_cores[] = {
    MIDR_ARM(0xd03), /* Cortex-A53 */
    MIDR_ARM(0xd04), /* Cortex-A35 */
    MIDR_ARM(0xd05), /* Cortex-A55 */
};

/* Arm's list for CVE-2025-10263. */
static const uint32_t tlbi_cores[] = {
    MIDR_ARM(0xd0b), /* Cortex-A76 */
    MIDR_ARM(0xd0c), /* Neoverse-N1 */
    MIDR_ARM(0xd0d), /* Cortex-A77 */
    MIDR_ARM(0xd0e), /* Cortex-A76AE */
    MIDR_ARM(0xd40), /* Neoverse-V1 */
    MIDR_ARM(0xd41), /* Cortex-A78 */
    MIDR_ARM(0xd42), /* Cortex-A78AE */
    MIDR_ARM(0xd44), /* Cortex-X1 */
    MIDR_ARM(0xd47), /* Cortex-A710 */
    MIDR_ARM(0xd48), /* Cortex-X2 */
    MIDR_ARM(0xd49), /* Neoverse-N2 */
    MIDR_ARM(0xd4b), /* Cortex-A78C */
    MIDR_ARM(0xd4c), /* Cortex-X1C */
    MIDR_ARM(0xd4e), /* Cortex-X3 */
    MIDR_ARM(0xd4f), /* Neoverse-V2 */
    MIDR_ARM(0xd82), /* Cortex-X4 */
    MIDR_ARM(0xd83), /* Neoverse-V3AE */
    MIDR_ARM(0xd84), /* Neoverse-V3 */
    MIDR_ARM(0xd85), /* Cortex-X925 */
};

bool errata_repeat_tlbi;

static bool listed(const uint32_t *cores, size_t count, uint64_t midr)
{
    for (size_t i = 0; i < count; i++) {
        if (cores[i] == MIDR_PART(midr)) {
            return true;
        }
    }
    return false;
}

enum branch_mitigation errata_mitigation(uint64_t midr, uint64_t pfr0, uint64_t mmfr1, uint64_t isar2,
                                         bool firmware)
{
    if (FIELD(pfr0, 59, 56) >= 3u || FIELD(mmfr1, 63, 60) != 0 ||
        listed(safe_cores, ARRAY_SIZE(safe_cores), midr)) {
        return MITIGATE_NOTHING; /* CSV2_3, ECBHB: the core separates the history of exception levels itself
                                  */
    }
    if (FIELD(isar2, 31, 28) != 0) {
        return MITIGATE_CLRBHB;
    }
    if (listed(loop_cores, ARRAY_SIZE(loop_cores), midr)) {
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

    if (listed(tlbi_cores, ARRAY_SIZE(tlbi_cores), READ_SYSREG(midr_el1))) {
        __atomic_store_n(&errata_repeat_tlbi, true, __ATOMIC_RELAXED);
    }
    WRITE_SYSREG(vbar_el2, (uint64_t)table[mitigation]);
    isb();
}
