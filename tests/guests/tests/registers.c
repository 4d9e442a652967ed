// SPDX-License-Identifier: Apache-2.0
/* What a guest finds out about its processor, and registers that an operating system touches at start. */
#include "guest.h"

static uint32_t field(uint64_t reg, uint32_t shift)
{
    return (uint32_t)(reg / (1ull << shift) % 16);
}

/* Not virtualised, so not offered: each of these fields reads as absent in a domain. */
TEST(id_registers)
{
    uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
    uint64_t dfr0 = sysreg_read(id_aa64dfr0_el1), mmfr1 = sysreg_read(id_aa64mmfr1_el1);
    test_figure("pfr0", pfr0);
    test_figure("dfr0", dfr0);
    EXPECT(field(pfr0, 0) >= 1 && field(pfr0, 4) >= 1, "EL0 or EL1 without AArch64: 0x%lx", pfr0);
    if (!is_domain()) {
        return;
    }
    EXPECT(field(pfr0, 8) == 0, "ID_AA64PFR0.EL2 %u", field(pfr0, 8));
    EXPECT(field(pfr0, 12) == 0, "ID_AA64PFR0.EL3 %u", field(pfr0, 12));
    EXPECT(field(pfr0, 32) == 0, "ID_AA64PFR0.SVE %u", field(pfr0, 32));
    EXPECT(field(pfr0, 40) == 0, "ID_AA64PFR0.MPAM %u", field(pfr0, 40));
    EXPECT(field(pfr0, 44) == 0, "ID_AA64PFR0.AMU %u", field(pfr0, 44));
    EXPECT(field(pfr0, 28) == 0, "ID_AA64PFR0.RAS %u", field(pfr0, 28));
    EXPECT(field(pfr1, 8) <= 1, "ID_AA64PFR1.MTE %u: tag storage offered", field(pfr1, 8));
    EXPECT(field(pfr1, 24) == 0, "ID_AA64PFR1.SME %u", field(pfr1, 24));
    EXPECT(field(dfr0, 8) == 0 || field(dfr0, 8) == 15, "ID_AA64DFR0.PMUVer %u", field(dfr0, 8));
    EXPECT(field(dfr0, 32) == 0, "ID_AA64DFR0.PMSVer %u", field(dfr0, 32));
    EXPECT(field(dfr0, 4) == 0, "ID_AA64DFR0.TraceVer %u", field(dfr0, 4));
    EXPECT(field(dfr0, 40) == 0 || field(dfr0, 40) == 15, "ID_AA64DFR0.TraceFilt/DoubleLock %u",
           field(dfr0, 40));
    EXPECT(field(dfr0, 44) == 0, "ID_AA64DFR0.TraceBuffer %u", field(dfr0, 44));
    EXPECT(field(mmfr1, 8) == 0, "ID_AA64MMFR1.VH %u", field(mmfr1, 8));
}

#define READS(name)              \
    ({                           \
        fault_expect();          \
        (void)sysreg_read(name); \
        fault_taken(NULL) == 0;  \
    })
#define WRITES(name, v)         \
    ({                          \
        fault_expect();         \
        sysreg_write(name, v);  \
        fault_taken(NULL) == 0; \
    })

/* All of the identification space, op1 = 0, CRn = 0, CRm = 1..7: reserved ones read as zero, none is
 * undefined. */
TEST(id_space)
{
    extern const uint32_t id_space_reads[]; /* sysregs.S: mrs x0, S3_0_C0_Cm_n; ret, 56 times */
    for (uint32_t i = 0; i < 56; i++) {
        uint64_t (*read)(void) = (uint64_t (*)(void))(uintptr_t)&id_space_reads[i * 2];
        fault_expect();
        (void)read();
        EXPECT(fault_taken(NULL) == 0, "reading S3_0_C0_C%u_%u is undefined", 1 + i / 8, i % 8);
    }
}

/* Debug registers that Linux writes while it starts: RAZ/WI or real, never undefined, never a leak to the
 * next vCPU. */
TEST(debug_registers)
{
    EXPECT(READS(mdscr_el1) && WRITES(mdscr_el1, 0), "MDSCR_EL1 is undefined");
    EXPECT(WRITES(oslar_el1, 0), "OSLAR_EL1 is undefined");
    EXPECT(READS(oslsr_el1), "OSLSR_EL1 is undefined");
    EXPECT(READS(osdlr_el1) && WRITES(osdlr_el1, 0), "OSDLR_EL1 is undefined");
    EXPECT(READS(mdccsr_el0), "MDCCSR_EL0 is undefined");
    EXPECT(READS(dbgbcr0_el1) && WRITES(dbgbcr0_el1, 0), "DBGBCR0_EL1 is undefined");
    EXPECT(READS(dbgbvr0_el1) && WRITES(dbgbvr0_el1, 0), "DBGBVR0_EL1 is undefined");
    EXPECT(READS(dbgwcr0_el1) && WRITES(dbgwcr0_el1, 0), "DBGWCR0_EL1 is undefined");
    EXPECT(READS(dbgwvr0_el1) && WRITES(dbgwvr0_el1, 0), "DBGWVR0_EL1 is undefined");
}

/* PMU registers: the ID register denies a PMU, so either answer is right; surviving is the test. */
TEST(pmu_registers)
{
    uint32_t undefined = 0;
    undefined += !READS(pmcr_el0);
    undefined += !WRITES(pmcr_el0, 0);
    undefined += !WRITES(pmuserenr_el0, 0);
    undefined += !WRITES(pmintenclr_el1, 0xffffffff);
    undefined += !WRITES(pmovsclr_el0, 0xffffffff);
    undefined += !READS(pmccntr_el0);
    undefined += !WRITES(pmcntenclr_el0, 0xffffffff);
    undefined += !WRITES(pmselr_el0, 0);
    undefined += !READS(pmxevcntr_el0);
    test_figure("undefined", undefined);
}

/* Implementation-defined and auxiliary registers. */
TEST(auxiliary_registers)
{
    EXPECT(READS(actlr_el1), "ACTLR_EL1 read");
    EXPECT(WRITES(actlr_el1, 0), "ACTLR_EL1 write");
    EXPECT(READS(afsr0_el1) && READS(afsr1_el1) && READS(amair_el1), "AFSR or AMAIR");
    EXPECT(READS(midr_el1) && READS(mpidr_el1) && READS(revidr_el1) && READS(ctr_el0) && READS(dczid_el0),
           "identification");
    EXPECT(READS(clidr_el1) && READS(ccsidr_el1) && WRITES(csselr_el1, 0), "cache identification");
    EXPECT(READS(cntfrq_el0) && READS(cntkctl_el1), "timer");
}

/* EL1's own registers keep what the guest writes, across exits and across sleep. */
TEST(el1_state_kept)
{
    sysreg_write(tpidr_el0, 0x1111222233334444);
    sysreg_write(tpidrro_el0, 0x5555666677778888);
    sysreg_write(contextidr_el1, 0x1234);
    sysreg_write(par_el1, 0xabc000);
    sysreg_write(afsr0_el1, 0);
    sysreg_write(sp_el0, 0x4242424242424240);
    sysreg_write(cntkctl_el1, 3);
    for (uint32_t i = 0; i < 100; i++) {
        (void)psci(PSCI_VERSION, 0, 0, 0);
        if (i % 10 == 0) {
            delay_us(300);
        }
    }
    EXPECT_EQ(sysreg_read(tpidr_el0), 0x1111222233334444, "TPIDR_EL0");
    EXPECT_EQ(sysreg_read(tpidrro_el0), 0x5555666677778888, "TPIDRRO_EL0");
    EXPECT_EQ(sysreg_read(contextidr_el1), 0x1234, "CONTEXTIDR_EL1");
    EXPECT_EQ(sysreg_read(par_el1) & 0xfff000, 0xabc000, "PAR_EL1");
    EXPECT_EQ(sysreg_read(sp_el0), 0x4242424242424240, "SP_EL0");
    EXPECT_EQ(sysreg_read(cntkctl_el1) & 0x3, 3, "CNTKCTL_EL1");
}

/* Cache maintenance by set and way, which U-Boot and old kernels issue: no exception, and no data lost. */
TEST(set_way)
{
    static uint64_t words[512] __attribute__((aligned(64)));
    for (uint32_t i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = i * 0x0101010101010101ull;
    }
    uint32_t operations = 0;
    uint64_t ccsidr = 0;
    sysreg_write(csselr_el1, 0);
    isb();
    ccsidr = sysreg_read(ccsidr_el1);
    uint32_t ways = (uint32_t)(ccsidr >> 3 & 0x3ff) + 1, sets = (uint32_t)(ccsidr >> 13 & 0x7fff) + 1;
    uint32_t line = (uint32_t)(ccsidr & 7) + 4;
    uint32_t way_shift = ways > 1 ? (uint32_t)__builtin_clz(ways - 1) : 0;
    fault_expect();
    for (uint32_t w = 0; w < ways && w < 2; w++) {
        for (uint32_t s = 0; s < sets && s < 32; s++) {
            uint64_t v = (uint64_t)w << way_shift | (uint64_t)s << line;
            __asm__ volatile("dc cisw, %0\n dc csw, %0" : : "r"(v) : "memory");
            if (is_domain()) {
                __asm__ volatile("dc isw, %0" : : "r"(v) : "memory");
            }
            operations++;
        }
    }
    EXPECT_EQ(fault_taken(NULL), 0, "exceptions");
    for (uint32_t i = 0; i < ARRAY_SIZE(words); i++) {
        CHECK(words[i] == i * 0x0101010101010101ull, "word %u is 0x%lx", i, words[i]);
    }
    test_figure("operations", operations);
}

TEST(cache_by_address)
{
    static uint8_t buffer[256] __attribute__((aligned(64)));
    memset(buffer, 0x5a, sizeof(buffer));
    fault_expect();
    for (uint32_t i = 0; i < sizeof(buffer); i += 16) {
        __asm__ volatile("dc civac, %0\n dc cvac, %0\n dc cvau, %0\n ic ivau, %0"
                         :
                         : "r"(buffer + i)
                         : "memory");
    }
    __asm__ volatile("ic iallu\n dsb sy\n isb\n tlbi vmalle1is\n dsb sy\n isb\n ic ialluis\n dsb sy"
                     :
                     :
                     : "memory");
    EXPECT_EQ(fault_taken(NULL), 0, "exceptions");
    EXPECT_EQ(buffer[77], 0x5a, "data");
}
