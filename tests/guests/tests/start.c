// SPDX-License-Identifier: Apache-2.0
/* The state in which a vCPU starts: DDI 0487 D1 for what is architectural, Xen's numbers for the rest. */
#include "guest.h"

enum { EL1 = 4, DAIF_ALL = 0x3c0, SCTLR_DOMAIN = 0x00c50078, SCTLR_M_C_I = 0x1005 };

TEST(start_state)
{
    const struct boot_state *b = &boot_state;
    EXPECT_EQ(b->currentel, EL1, "CurrentEL");
    EXPECT_EQ(b->spsel, 1, "SPSel");
    EXPECT_EQ(b->daif, DAIF_ALL, "DAIF");
    EXPECT_EQ(b->x[1], 0, "x1");
    EXPECT_EQ(b->x[2], 0, "x2");
    EXPECT_EQ(b->x[3], 0, "x3");
    EXPECT(fdt_valid((void *)b->x[0]), "x0 is 0x%lx: no device tree there", b->x[0]);
    EXPECT_EQ(b->sctlr & SCTLR_M_C_I, 0, "SCTLR_EL1.M/C/I");
    if (!is_domain()) {
        return;
    }
    EXPECT_EQ(b->sctlr, SCTLR_DOMAIN, "SCTLR_EL1");
    for (uint32_t i = 4; i < 31; i++) {
        EXPECT(b->x[i] == 0, "x%u is 0x%lx: whose?", i, b->x[i]);
    }
    EXPECT_EQ(b->tpidr, 0, "TPIDR_EL1");
    EXPECT_EQ(b->load_address, 0x40000000, "load address");
    EXPECT_EQ(b->x[0] % 8, 0, "alignment of the device tree");
}

static void nothing(void *arg)
{
    (void)arg;
}

TEST(start_state_secondary)
{
    for (uint32_t i = 1; i < cpu_count; i++) {
        struct cpu *cpu = &cpus[i];
        cpu->start_sctlr = cpu->start_daif = cpu->start_currentel = cpu->start_spsel = ~0ull;
        /* That the CPU found its stack and its function through x0 shows that the context id arrived. */
        CHECK(cpu_start(i, nothing, NULL) == PSCI_SUCCESS, "CPU_ON %u", i);
        CHECK(cpu_wait_off(i, 2000000), "cpu %u does not go off", i);
        EXPECT_EQ(cpu->start_currentel, EL1, "CurrentEL");
        EXPECT_EQ(cpu->start_spsel, 1, "SPSel");
        EXPECT_EQ(cpu->start_daif, DAIF_ALL, "DAIF");
        EXPECT_EQ(cpu->start_sctlr & SCTLR_M_C_I, 0, "SCTLR_EL1.M/C/I");
        EXPECT_EQ(cpu->start_mpidr & 0xff00ffffff, cpu->mpidr, "MPIDR against the device tree");
        if (is_domain()) {
            EXPECT_EQ(cpu->start_sctlr, SCTLR_DOMAIN, "SCTLR_EL1");
        }
    }
}
