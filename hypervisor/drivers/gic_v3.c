/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/gic_v3.h"

#include "arch/arm64/mmio.h"
#include "arch/arm64/percpu.h"
#include "arch/arm64/sysreg.h"
#include "drivers/gic.h"

#define ICC_SRE_ENABLE   0xfu
#define ICC_CTLR_EOIMODE BIT(1)

static volatile uint8_t *redistributor[MAX_PCPUS];
static uint64_t affinity[MAX_PCPUS];
static uint64_t kick_value[MAX_PCPUS]; /* for ICC_SGI1R_EL1 */
static uint8_t nr_aprs;

volatile uint8_t *gicv3_private(void)
{
    return redistributor[this_pcpu_index()] + GICR_SGI;
}

uint64_t gic_redistributor_affinity(const volatile void *gicr, bool *last, uint64_t *size)
{
    const volatile uint8_t *r = gicr;
    uint64_t typer = mmio_read64(r + GICR_TYPER);
    uint64_t aff = typer >> 32;

    *last = FIELD(typer, 4, 4) != 0;
    *size = FIELD(typer, 1, 1) != 0 ? 0x40000u : 0x20000u; /* with VLPIS two more frames */
    return FIELD(aff, 31, 24) << 32 | FIELD(aff, 23, 0);
}

#define EACH_LR(op)                                                                                   \
    op(0, s3_4_c12_c12_0) op(1, s3_4_c12_c12_1) op(2, s3_4_c12_c12_2) op(3, s3_4_c12_c12_3)           \
        op(4, s3_4_c12_c12_4) op(5, s3_4_c12_c12_5) op(6, s3_4_c12_c12_6) op(7, s3_4_c12_c12_7)       \
            op(8, s3_4_c12_c13_0) op(9, s3_4_c12_c13_1) op(10, s3_4_c12_c13_2) op(11, s3_4_c12_c13_3) \
                op(12, s3_4_c12_c13_4) op(13, s3_4_c12_c13_5) op(14, s3_4_c12_c13_6) op(15, s3_4_c12_c13_7)

void gicv3_write_lr(unsigned index, uint64_t lr)
{
#define WRITE_CASE(i, name)     \
    case i:                     \
        WRITE_SYSREG(name, lr); \
        break;
    if (index == 0) { /* the usual case */
        WRITE_SYSREG(s3_4_c12_c12_0, lr);
        return;
    }
    switch (index) {
        EACH_LR(WRITE_CASE)
    default:
        break;
    }
}

uint64_t gicv3_read_lr(unsigned index)
{
#define READ_CASE(i, name) \
    case i:                \
        return READ_SYSREG(name);
    switch (index) {
        EACH_LR(READ_CASE)
    default:
        return 0;
    }
}

#define AP0R(n) s3_4_c12_c8_##n
#define AP1R(n) s3_4_c12_c9_##n

void gicv3_read_apr(uint32_t ap0[4], uint32_t ap1[4])
{
    ap0[0] = (uint32_t)READ_SYSREG(s3_4_c12_c8_0);
    ap1[0] = (uint32_t)READ_SYSREG(s3_4_c12_c9_0);
    if (nr_aprs > 1) {
        ap0[1] = (uint32_t)READ_SYSREG(s3_4_c12_c8_1);
        ap1[1] = (uint32_t)READ_SYSREG(s3_4_c12_c9_1);
    }
    if (nr_aprs > 2) {
        ap0[2] = (uint32_t)READ_SYSREG(s3_4_c12_c8_2);
        ap1[2] = (uint32_t)READ_SYSREG(s3_4_c12_c9_2);
        ap0[3] = (uint32_t)READ_SYSREG(s3_4_c12_c8_3);
        ap1[3] = (uint32_t)READ_SYSREG(s3_4_c12_c9_3);
    }
}

void gicv3_write_apr(const uint32_t ap0[4], const uint32_t ap1[4])
{
    WRITE_SYSREG(s3_4_c12_c8_0, ap0[0]);
    WRITE_SYSREG(s3_4_c12_c9_0, ap1[0]);
    if (nr_aprs > 1) {
        WRITE_SYSREG(s3_4_c12_c8_1, ap0[1]);
        WRITE_SYSREG(s3_4_c12_c9_1, ap1[1]);
    }
    if (nr_aprs > 2) {
        WRITE_SYSREG(s3_4_c12_c8_2, ap0[2]);
        WRITE_SYSREG(s3_4_c12_c9_2, ap1[2]);
        WRITE_SYSREG(s3_4_c12_c8_3, ap0[3]);
        WRITE_SYSREG(s3_4_c12_c9_3, ap1[3]);
    }
}

static void wake(volatile uint8_t *gicr)
{
    mmio_write32(gicr + GICR_WAKER, mmio_read32(gicr + GICR_WAKER) & ~2u);
    while ((mmio_read32(gicr + GICR_WAKER) & 4u) != 0) {
        /* ChildrenAsleep clears by itself */
    }
}

/* IHI 0069 12.2.21: the target list holds 16 CPUs of one cluster, RS selects the group of 16. */
static uint64_t sgi_to(uint64_t aff)
{
    uint64_t aff0 = FIELD(aff, 7, 0);

    return FIELD(aff, 39, 32) << 48 | (aff0 / 16u) << 44 | FIELD(aff, 23, 16) << 32 |
           (uint64_t)GIC_KICK << 24 | FIELD(aff, 15, 8) << 16 | UINT64_C(1) << aff0 % 16u;
}

void gicv3_init_pcpu(unsigned pcpu, uint64_t mpidr, volatile void *gicr)
{
    static const uint32_t none[4];
    uint64_t vtr;

    redistributor[pcpu] = gicr;
    affinity[pcpu] = mpidr;
    kick_value[pcpu] = sgi_to(mpidr);
    wake(gicr);
    WRITE_SYSREG(ICC_SRE_EL2, ICC_SRE_ENABLE);
    isb();
    WRITE_SYSREG(ICC_SRE_EL1, 7);
    isb();
    vtr = READ_SYSREG(ICH_VTR_EL2);
    gic_nr_lrs = (uint8_t)(FIELD(vtr, 4, 0) + 1u);
    gic_apr_shift = (uint8_t)(7u - FIELD(vtr, 28, 26));
    nr_aprs = (uint8_t)(1u << (FIELD(vtr, 28, 26) - 4u)); /* PREbits 5, 6, 7: 1, 2, 4 registers */
    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        gicv3_write_lr(i, 0);
    }
    gicv3_write_apr(none, none);
    WRITE_SYSREG(ICH_VMCR_EL2, 0);
    WRITE_SYSREG(ICH_HCR_EL2, GIC_HCR_EN);
    WRITE_SYSREG(ICC_BPR1_EL1, 0);
    WRITE_SYSREG(ICC_CTLR_EL1, ICC_CTLR_EOIMODE);
    WRITE_SYSREG(ICC_PMR_EL1, 0xff);
    WRITE_SYSREG(ICC_IGRPEN1_EL1, 1);
    isb();
}

uint64_t gicv3_affinity(unsigned pcpu)
{
    return affinity[pcpu];
}

void gicv3_kick(unsigned pcpu)
{
    dsb(ishst);
    WRITE_SYSREG(ICC_SGI1R_EL1, kick_value[pcpu]);
    isb();
}
