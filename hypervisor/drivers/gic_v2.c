/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/gic_v2.h"

#include "arch/arm64/mmio.h"
#include "arch/arm64/sysreg.h"
#include "drivers/gic.h"

#define GICD_ITARGETSR           0x800u
#define GICD_SGIR                0xf00u
#define GICC_CTLR                0x000u
#define GICC_PMR                 0x004u
#define GICC_BPR                 0x008u
#define GICC_IAR                 0x00cu
#define GICC_EOIR                0x010u
#define GICC_IIDR                0x0fcu
#define GICC_DIR                 0x1000u
#define GICC_LAST_COPY           0xf000u /* of the first page, where each page takes 64 KiB */
#define GICC_CTLR_ENABLE_EOIMODE (1u | 1u << 9)
#define GICH_HCR                 0x000u
#define GICH_VTR                 0x004u
#define GICH_VMCR                0x008u
#define GICH_EISR                0x020u
#define GICH_ELRSR               0x030u
#define GICH_APR                 0x0f0u
#define GICH_LR                  0x100u

/* GICH_LR: HW 31, Grp1 30, state 29:28, priority 27:23, physical id or EOI/CPUID 19:10, virtual id 9:0 */
#define GICH_LR_EOI (1u << 19)

static volatile uint8_t *gicd, *gicc, *gich;
static uint8_t target[MAX_PCPUS];

void gicv2_init(volatile void *distributor, volatile void *cpu_interface, uint64_t cpu_interface_size,
                volatile void *hypervisor_interface)
{
    gicd = distributor;
    gicc = cpu_interface;
    if (cpu_interface_size >= GICV2_CPU_SPREAD &&
        mmio_read32(gicc + GICC_IIDR) == mmio_read32(gicc + GICC_LAST_COPY + GICC_IIDR)) {
        gicc += GICC_LAST_COPY; /* so that GICC_DIR follows it, in the next 64 KiB */
    }
    gich = hypervisor_interface;
}

void gicv2_init_pcpu(unsigned pcpu)
{
    for (unsigned i = 0; i < 32u && target[pcpu] == 0; i += 4) {
        target[pcpu] =
            (uint8_t)mmio_read32(gicd + GICD_ITARGETSR + i); /* private ones read as the reader's own mask */
    }
    if (target[pcpu] == 0) {
        target[pcpu] = 1u; /* uniprocessor GIC: RAZ */
    }
    gic_apr_shift = 3; /* 5 bits of priority */
    gic_nr_lrs = (uint8_t)(mmio_read32(gich + GICH_VTR) % 64u + 1u);
    if (gic_nr_lrs > GIC_MAX_LRS) {
        gic_nr_lrs = GIC_MAX_LRS;
    }
    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        mmio_write32(gich + GICH_LR + 4u * i, 0);
    }
    mmio_write32(gich + GICH_APR, 0);
    mmio_write32(gich + GICH_VMCR, 0);
    mmio_write32(gich + GICH_HCR, GIC_HCR_EN);
    mmio_write32(gicc + GICC_PMR, 0xff);
    mmio_write32(gicc + GICC_BPR, 0);
    mmio_write32(gicc + GICC_CTLR, GICC_CTLR_ENABLE_EOIMODE);
}

uint32_t gicv2_acknowledge(void)
{
    return mmio_read32(gicc + GICC_IAR);
}

void gicv2_drop(uint32_t iar)
{
    mmio_write32(gicc + GICC_EOIR, iar);
}

void gicv2_deactivate(uint32_t iar)
{
    mmio_write32(gicc + GICC_DIR, iar);
}

void gicv2_kick(unsigned pcpu)
{
    dsb(ishst);
    mmio_write32(gicd + GICD_SGIR, (uint32_t)target[pcpu] << 16 | GIC_KICK);
}

uint8_t gicv2_target(unsigned pcpu)
{
    return target[pcpu];
}

void gicv2_write_lr(unsigned index, uint64_t lr)
{
    uint32_t v = (uint32_t)FIELD(lr, 9, 0) | (uint32_t)FIELD(lr, 41, 32) << 10 |
                 (uint32_t)FIELD(lr, 55, 51) << 23 | (uint32_t)FIELD(lr, 63, 62) << 28 |
                 (uint32_t)FIELD(lr, 60, 60) << 30 | (uint32_t)FIELD(lr, 61, 61) << 31;

    mmio_write32(gich + GICH_LR + 4u * index, v);
}

uint64_t gicv2_read_lr(unsigned index)
{
    uint64_t v = mmio_read32(gich + GICH_LR + 4u * index);

    return FIELD(v, 9, 0) | FIELD(v, 19, 10) << 32 | FIELD(v, 27, 23) << 51 | FIELD(v, 29, 28) << 62 |
           FIELD(v, 30, 30) << 60 | FIELD(v, 31, 31) << 61;
}

uint32_t gicv2_lr_empty(void)
{
    return mmio_read32(gich + GICH_ELRSR);
}

uint32_t gicv2_lr_eoi(void)
{
    return mmio_read32(gich + GICH_EISR);
}

uint32_t gicv2_hcr_read(void)
{
    return mmio_read32(gich + GICH_HCR);
}

void gicv2_hcr_write(uint32_t value)
{
    mmio_write32(gich + GICH_HCR, value & ~GIC_HCR_TDIR);
}

/* GICH_VMCR: Grp0En 0, Grp1En 1, AckCtl 2, FIQEn 3, CBPR 4, EOImode 9, ABP 20:18, BP 23:21, priority mask
 * 31:27; ICH_VMCR: the same low bits, BPR1 20:18, BPR0 23:21, PMR 31:24. */
uint32_t gicv2_vmcr_read(void)
{
    return mmio_read32(gich + GICH_VMCR);
}

void gicv2_vmcr_write(uint32_t value)
{
    mmio_write32(gich + GICH_VMCR, value & ~(7u << 24));
}

uint32_t gicv2_apr_read(void)
{
    return mmio_read32(gich + GICH_APR);
}

void gicv2_apr_write(uint32_t value)
{
    mmio_write32(gich + GICH_APR, value);
}
