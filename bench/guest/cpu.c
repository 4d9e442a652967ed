// SPDX-License-Identifier: Apache-2.0
/* Translation, the interrupt controller and the second vCPU. */
#include "guest.h"

volatile uint64_t irq_time[MAX_CPUS][MAX_IRQS];
volatile uint32_t irq_count[MAX_CPUS][MAX_IRQS];
volatile uint32_t secondary_mode = SECONDARY_WFI;
static volatile uint32_t secondary_ready;

/* One level-1 table of 1 GiB blocks, identity; RAM is write-back, the rest device memory. The blocks of 2 MiB
 * in the first gigabyte that hold a channel's rings are write-back too. */
static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));

#define BLOCK        1ul
#define BLOCK_NORMAL (1ul << 2 | 3ul << 8) /* attribute 1, inner shareable */
#define BLOCK_AF     (1ul << 10)
#define BLOCK_XN     (1ul << 53 | 1ul << 54)

void mmu_tables(void)
{
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t start = i << 30;
        bool ram = start + (1ul << 30) > platform.ram_base && start < platform.ram_base + platform.ram_size;
        level1[i] = start | BLOCK | BLOCK_AF | (ram ? BLOCK_NORMAL : BLOCK_XN);
    }
    for (uint64_t i = 0; platform.doorbell && i < 512; i++) {
        uint64_t start = i << 21;
        bool ring = start == (platform.tx & ~0x1ffffful) || start == (platform.rx & ~0x1ffffful);
        level2[i] = start | BLOCK | BLOCK_AF | (ring ? BLOCK_NORMAL : BLOCK_XN);
    }
    if (platform.doorbell)
        level1[0] = (uint64_t)level2 | 3;
    dsb();
}

void mmu_enable(void)
{
    WRITE_SYSREG(mair_el1, 0xff00); /* 0: device-nGnRnE, 1: normal write-back */
    /* 39-bit TTBR0 space of 4 KiB pages, inner shareable write-back walks, no TTBR1 walks, 40-bit output. */
    WRITE_SYSREG(tcr_el1, 25ul | 1ul << 8 | 1ul << 10 | 3ul << 12 | 1ul << 23 | 2ul << 32);
    WRITE_SYSREG(ttbr0_el1, (uint64_t)level1);
    isb();
    __asm__ volatile("tlbi vmalle1; dsb sy; isb" ::: "memory");
    WRITE_SYSREG(sctlr_el1, READ_SYSREG(sctlr_el1) | 1 | 1 << 2 | 1 << 12);
    isb();
}

#define GICD_CTLR       0x000
#define GICD_IGROUPR    0x080
#define GICD_ISENABLER0 0x100
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR  0x800
#define GICD_ICFGR      0xc00
#define GICD_SGIR       0xf00
#define GICD_IROUTER    0x6000ul
#define GICC_CTLR       0x00
#define GICC_PMR        0x04
#define GICC_IAR        0x0c
#define GICC_EOIR       0x10
#define GICR_STRIDE     0x20000ul
#define GICR_SGI        0x10000ul
#define GICR_WAKER      0x14
#define GICR_IGROUPR0   0x80
#define GICR_ISENABLER0 0x100
#define GICR_IPRIORITYR 0x400

#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_SRE_EL1     S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7

/* One more expansion, so that the names above reach the stringification. */
#define READ_ICC(name)         READ_SYSREG(name)
#define WRITE_ICC(name, value) WRITE_SYSREG(name, value)

#define ENABLED_PRIVATE (0xffffu | 1u << PPI_VTIMER | 1u << PPI_EVENT)
#define PRIORITIES      0xa0a0a0a0u

/* An edge for the first CPU. */
static void enable_doorbell(uint32_t irq)
{
    if (platform.gicr) {
        write32(platform.gicd + GICD_IGROUPR + irq / 32 * 4, 1u << irq % 32);
        write32(platform.gicd + GICD_IROUTER + irq * 8ul, 0);
    } else {
        write8(platform.gicd + GICD_ITARGETSR + irq, 1);
    }
    write8(platform.gicd + GICD_IPRIORITYR + irq, 0xa0);
    write32(platform.gicd + GICD_ICFGR + irq / 16 * 4, 2u << irq % 16 * 2);
    write32(platform.gicd + GICD_ISENABLER0 + irq / 32 * 4, 1u << irq % 32);
}

void gic_init_distributor(void)
{
    if (platform.gicr) {
        write32(platform.gicd + GICD_CTLR, 0x10); /* affinity routing first, the group after it */
        write32(platform.gicd + GICD_CTLR, 0x12);
    } else {
        write32(platform.gicd + GICD_CTLR, 1);
    }
    if (platform.doorbell)
        enable_doorbell(platform.channel_irq);
}

static void gicv3_init_cpu(uint32_t cpu)
{
    uint64_t frame = platform.gicr + cpu * GICR_STRIDE, sgi = frame + GICR_SGI;
    write32(frame + GICR_WAKER, read32(frame + GICR_WAKER) & ~2u);
    while (read32(frame + GICR_WAKER) & 4)
        yield();
    write32(sgi + GICR_IGROUPR0, ~0u);
    for (uint32_t i = 0; i < 32; i += 4)
        write32(sgi + GICR_IPRIORITYR + i, PRIORITIES);
    write32(sgi + GICR_ISENABLER0, ENABLED_PRIVATE);
    WRITE_ICC(ICC_SRE_EL1, READ_ICC(ICC_SRE_EL1) | 1);
    isb();
    WRITE_ICC(ICC_PMR_EL1, 0xff);
    WRITE_ICC(ICC_IGRPEN1_EL1, 1);
    isb();
}

void gic_init_cpu(uint32_t cpu)
{
    if (platform.gicr) {
        gicv3_init_cpu(cpu);
        return;
    }
    for (uint32_t i = 0; i < 32; i += 4)
        write32(platform.gicd + GICD_IPRIORITYR + i, PRIORITIES);
    write32(platform.gicd + GICD_ISENABLER0, ENABLED_PRIVATE);
    write32(platform.gicc + GICC_PMR, 0xff);
    write32(platform.gicc + GICC_CTLR, 1);
}

void sgi_send(uint32_t id, uint32_t cpu)
{
    if (platform.gicr)
        WRITE_ICC(ICC_SGI1R_EL1, (uint64_t)id << 24 | 1ul << cpu);
    else
        write32(platform.gicd + GICD_SGIR, 1u << (16 + cpu) | id);
    isb();
}

void irq_main(uint64_t time)
{
    uint32_t cpu = (uint32_t)READ_SYSREG(tpidr_el1);
    uint32_t acknowledged =
        platform.gicr ? (uint32_t)READ_ICC(ICC_IAR1_EL1) : read32(platform.gicc + GICC_IAR);
    uint32_t id = acknowledged & 0x3ff;
    if (id >= MAX_IRQS)
        return;
    if (id == PPI_VTIMER)
        WRITE_SYSREG(cntv_ctl_el0, 0);
    if (id == PPI_EVENT)
        time = event_taken(time);
    if (platform.doorbell && id == platform.channel_irq)
        channel_taken();
    irq_time[cpu][id] = time;
    compiler_barrier();
    irq_count[cpu][id]++;
    if (platform.gicr)
        WRITE_ICC(ICC_EOIR1_EL1, id);
    else
        write32(platform.gicc + GICC_EOIR, acknowledged);
    isb();
}

void secondary_main(void)
{
    mmu_enable();
    gic_init_cpu(1);
    secondary_ready = 1;
    dsb();
    irq_enable();
    for (;;) {
        if (secondary_mode == SECONDARY_WFI)
            wfi();
        else
            yield();
    }
}

bool secondary_start(void)
{
    if (psci(PSCI_CPU_ON, 1, (uint64_t)secondary_entry, 1))
        return false;
    while (!secondary_ready)
        yield();
    return true;
}
