/* SPDX-License-Identifier: Apache-2.0 */
/* What both versions share, and the choice between them. */
#include "drivers/gic.h"

#include "arch/arm64/mmio.h"
#include "arch/arm64/sysreg.h"
#include "base/bits.h"
#include "drivers/gic_v2.h"
#include "drivers/gic_v3.h"

#define GICD_CTLR       0x0000u
#define GICD_TYPER      0x0004u
#define GICD_IGROUPR    0x0080u
#define GICD_ISENABLER  0x0100u
#define GICD_ICENABLER  0x0180u
#define GICD_ISPENDR    0x0200u
#define GICD_ICPENDR    0x0280u
#define GICD_ISACTIVER  0x0300u
#define GICD_ICACTIVER  0x0380u
#define GICD_IPRIORITYR 0x0400u
#define GICD_ITARGETSR  0x0800u
#define GICD_ICFGR      0x0c00u
#define GICD_IROUTER    0x6000u

#define GICD_CTLR_V2     1u
#define GICD_CTLR_V3     0x12u /* ARE and group 1, in the layouts of one and of two security states */
#define PRIORITY_DEFAULT 0xa0a0a0a0u

uint8_t gic_version;
uint8_t gic_nr_lrs;
uint8_t gic_apr_shift;
static volatile uint8_t *gicd;

enum status gic_init(unsigned version, volatile void *distributor, volatile void *gicc, uint64_t gicc_size,
                     volatile void *gich)
{
    unsigned words;

    gicd = distributor;
    gic_version = (uint8_t)version;
    mmio_write32(gicd + GICD_CTLR, 0);
    words = gic_nr_spis() / 32u + 1u;
    for (unsigned i = 1; i < words; i++) {
        mmio_write32(gicd + GICD_ICENABLER + 4u * i, ~0u);
        mmio_write32(gicd + GICD_ICPENDR + 4u * i, ~0u);
        mmio_write32(gicd + GICD_ICACTIVER + 4u * i, ~0u);
        if (version == 3) {
            mmio_write32(gicd + GICD_IGROUPR + 4u * i, ~0u);
        }
    }
    for (unsigned i = 8; i < words * 8u; i++) {
        mmio_write32(gicd + GICD_IPRIORITYR + 4u * i, PRIORITY_DEFAULT);
    }
    if (version == 2) {
        gicv2_init(gicd, gicc, gicc_size, gich);
    } else if (FIELD(READ_SYSREG(id_aa64pfr0_el1), 27, 24) == 0) {
        return ERR_NOENT;
    }
    mmio_write32(gicd + GICD_CTLR, version == 3 ? GICD_CTLR_V3 : GICD_CTLR_V2);
    return OK;
}

unsigned gic_nr_spis(void)
{
    uint32_t lines = 32u * (mmio_read32(gicd + GICD_TYPER) % 32u);

    return lines > 988u ? 988u : lines;
}

/* The register block of an INTID: private ones of GICv3 live in the redistributor, at the same offsets. */
static volatile uint8_t *block(unsigned intid)
{
    return gic_version == 3 && intid < 32u ? gicv3_private() : gicd;
}

static void set_bit_at(uint32_t offset, unsigned intid)
{
    mmio_write32(block(intid) + offset + intid / 32u * 4u, 1u << intid % 32u);
}

void gic_init_pcpu(unsigned pcpu, uint64_t mpidr, volatile void *gicr, const uint32_t private_irqs[4])
{
    volatile uint8_t *b;

    if (gic_version == 3) {
        gicv3_init_pcpu(pcpu, mpidr, gicr);
    } else {
        gicv2_init_pcpu(pcpu);
    }
    b = block(0);
    mmio_write32(b + GICD_ICENABLER, ~0u);
    mmio_write32(b + GICD_ICPENDR, ~0u);
    mmio_write32(b + GICD_ICACTIVER, ~0u);
    if (gic_version == 3) {
        mmio_write32(b + GICD_IGROUPR, ~0u);
    }
    for (unsigned i = 0; i < 8; i++) {
        mmio_write32(b + GICD_IPRIORITYR + 4u * i, PRIORITY_DEFAULT);
    }
    gic_enable(GIC_KICK);
    for (unsigned i = 0; i < 4; i++) {
        gic_enable(private_irqs[i]);
    }
}

uint32_t gic_acknowledge(void)
{
    return gic_version == 3 ? (uint32_t)READ_SYSREG(ICC_IAR1_EL1) : gicv2_acknowledge();
}

void gic_drop(uint32_t intid)
{
    if (gic_version == 3) {
        WRITE_SYSREG(ICC_EOIR1_EL1, intid);
    } else {
        gicv2_drop(intid);
    }
}

void gic_deactivate(uint32_t intid)
{
    if (gic_version == 3) {
        WRITE_SYSREG(ICC_DIR_EL1, intid);
    } else {
        gicv2_deactivate(intid);
    }
}

void gic_kick(unsigned pcpu)
{
    if (gic_version == 3) {
        gicv3_kick(pcpu);
    } else {
        gicv2_kick(pcpu);
    }
}

void gic_enable(unsigned intid)
{
    set_bit_at(GICD_ISENABLER, intid);
}

void gic_disable(unsigned intid)
{
    set_bit_at(GICD_ICENABLER, intid);
}

void gic_set_active(unsigned intid, bool active)
{
    set_bit_at(active ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

void gic_set_pending(unsigned intid, bool pending)
{
    set_bit_at(pending ? GICD_ISPENDR : GICD_ICPENDR, intid);
}

void gic_set_edge(unsigned intid, bool edge)
{
    volatile uint8_t *reg = block(intid) + GICD_ICFGR + intid / 16u * 4u;
    uint32_t bit = 2u << intid % 16u * 2u;

    mmio_write32(reg, edge ? mmio_read32(reg) | bit : mmio_read32(reg) & ~bit);
}

void gic_route(unsigned intid, unsigned pcpu)
{
    if (gic_version == 3) {
        mmio_write64(gicd + GICD_IROUTER + 8u * intid, gicv3_affinity(pcpu));
    } else {
        mmio_write8(gicd + GICD_ITARGETSR + intid, gicv2_target(pcpu));
    }
}

uint64_t gic_lr_read(unsigned index)
{
    return gic_version == 3 ? gicv3_read_lr(index) : gicv2_read_lr(index);
}

void gic_lr_write(unsigned index, uint64_t lr)
{
    if (gic_version == 3) {
        gicv3_write_lr(index, lr);
    } else {
        gicv2_write_lr(index, lr);
    }
}

uint32_t gic_lr_empty(void)
{
    return gic_version == 3 ? (uint32_t)READ_SYSREG(ICH_ELRSR_EL2) : gicv2_lr_empty();
}

uint32_t gic_lr_eoi(void)
{
    return gic_version == 3 ? (uint32_t)READ_SYSREG(ICH_EISR_EL2) : gicv2_lr_eoi();
}

uint32_t gic_hcr_read(void)
{
    return gic_version == 3 ? (uint32_t)READ_SYSREG(ICH_HCR_EL2) : gicv2_hcr_read();
}

void gic_hcr_write(uint32_t value)
{
    if (gic_version == 3) {
        WRITE_SYSREG(ICH_HCR_EL2, value);
    } else {
        gicv2_hcr_write(value);
    }
}

uint32_t gic_vmcr_read(void)
{
    return gic_version == 3 ? (uint32_t)READ_SYSREG(ICH_VMCR_EL2) : gicv2_vmcr_read();
}

void gic_vmcr_write(uint32_t value)
{
    if (gic_version == 3) {
        WRITE_SYSREG(ICH_VMCR_EL2, value);
    } else {
        gicv2_vmcr_write(value);
    }
}

void gic_apr_read(uint32_t ap0[GIC_NR_APRS], uint32_t ap1[GIC_NR_APRS])
{
    if (gic_version == 3) {
        gicv3_read_apr(ap0, ap1);
    } else {
        ap0[0] = gicv2_apr_read();
    }
}

void gic_apr_write(const uint32_t ap0[GIC_NR_APRS], const uint32_t ap1[GIC_NR_APRS])
{
    if (gic_version == 3) {
        gicv3_write_apr(ap0, ap1);
    } else {
        gicv2_apr_write(ap0[0]);
    }
}
