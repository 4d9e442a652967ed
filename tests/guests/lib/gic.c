// SPDX-License-Identifier: Apache-2.0
#include "gic.h"

/* GICv3 CPU interface registers by encoding: the assembler need not know the extension. */
#define ICC_PMR     S3_0_C4_C6_0
#define ICC_IAR1    S3_0_C12_C12_0
#define ICC_EOIR1   S3_0_C12_C12_1
#define ICC_HPPIR1  S3_0_C12_C12_2
#define ICC_BPR1    S3_0_C12_C12_3
#define ICC_DIR     S3_0_C12_C11_1
#define ICC_RPR     S3_0_C12_C11_3
#define ICC_SGI1R   S3_0_C12_C11_5
#define ICC_CTLR    S3_0_C12_C12_4
#define ICC_SRE     S3_0_C12_C12_5
#define ICC_IGRPEN1 S3_0_C12_C12_7
#define ICC_AP1R0   S3_0_C12_C9_0

struct gic gic;
void (*volatile irq_hook)(void);
void (*volatile irq_body)(uint32_t intid);

static void find(void)
{
    static const char *const v2[] = {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic"};
    uint64_t size;
    int node = fdt_compatible("arm,gic-v3", -1);
    if (node >= 0) {
        gic.version = 3;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(v2) && node < 0; i++) {
        node = fdt_compatible(v2[i], -1);
        gic.version = node >= 0 ? 2 : 0;
    }
    if (node < 0) {
        return;
    }
    (void)fdt_reg(node, 0, &gic.dist, &size);
    (void)fdt_reg(node, 1, gic.version == 3 ? &gic.redist : &gic.cpu, &size);
}

static uint64_t private_base(uint32_t i)
{
    return gic.version == 3 && i < 32 ? this_cpu()->gicr + GICR_SGI : gic.dist;
}

static void wait_rwp(uint64_t ctlr, uint32_t bit)
{
    while (gic.version == 3 && read32(ctlr) & bit) {
        cpu_relax();
    }
}

/* Bootargs "pending=keep": what was pending before this program started stays so. */
static bool keeps_pending(void)
{
    return arg_is("pending", "keep");
}

void gic_init(void)
{
    find();
    if (!gic.version) {
        return;
    }
    gic.lines = (read32(gic.dist + GICD_TYPER) % 32 + 1) * 32;
    gic.lines = gic.lines > 1020 ? 1020 : gic.lines;
    for (uint32_t i = 32; i < gic.lines; i += 32) {
        write32(gic.dist + GICD_ICENABLER + i / 8, ~0u);
        if (!keeps_pending()) {
            write32(gic.dist + GICD_ICPENDR + i / 8, ~0u);
        }
        write32(gic.dist + GICD_ICACTIVER + i / 8, ~0u);
        if (gic.version == 3) {
            write32(gic.dist + GICD_IGROUPR + i / 8, ~0u);
        }
    }
    /* v3: affinity routing, group 1 of this security state in both readings of the bit; v2: both groups'
     * enables */
    write32(gic.dist + GICD_CTLR, gic.version == 3 ? 0x12 : 1);
    wait_rwp(gic.dist + GICD_CTLR, 1u << 31);
}

static void find_redistributor(struct cpu *cpu)
{
    uint64_t me = sysreg_read(mpidr_el1);
    uint32_t affinity = (uint32_t)(me & 0xffffff) | (uint32_t)(me >> 32 & 0xff) << 24;
    for (uint64_t r = gic.redist;; r += 0x20000) {
        uint64_t typer = read64(r + GICR_TYPER);
        if ((uint32_t)(typer >> 32) == affinity) {
            cpu->gicr = r;
            return;
        }
        if (typer & 16) {
            print("FAIL gic: no redistributor for affinity 0x%x\n", affinity);
            return;
        }
    }
}

void gic_cpu_init(void)
{
    struct cpu *cpu = this_cpu();
    if (gic.version == 3) {
        find_redistributor(cpu);
        write32(cpu->gicr + GICR_WAKER, read32(cpu->gicr + GICR_WAKER) & ~2u);
        while (read32(cpu->gicr + GICR_WAKER) & 4) {
            cpu_relax();
        }
        write32(cpu->gicr + GICR_SGI + GICD_IGROUPR, ~0u);
        sysreg_write(ICC_SRE, sysreg_read(ICC_SRE) | 1);
        isb();
    }
    write32(gic_bank(GICD_ICENABLER, 0), ~0u);
    write32(gic_bank(GICD_ICPENDR, 0), ~0u);
    write32(gic_bank(GICD_ICACTIVER, 0), ~0u);
    if (gic.version == 3) {
        wait_rwp(cpu->gicr + GICR_CTLR, 8);
        sysreg_write(ICC_CTLR, gic.mode1 ? 2 : 0);
        sysreg_write(ICC_PMR, 0xff);
        sysreg_write(ICC_BPR1, 0);
        sysreg_write(ICC_AP1R0, 0);
        sysreg_write(ICC_IGRPEN1, 1);
        isb();
    } else if (gic.version == 2) {
        for (uint32_t i = 0; i < 16; i++) {
            write8(gic.dist + GICD_CPENDSGIR + i, 0xff);
        }
        write32(gic.cpu + GICC_PMR, 0xff);
        write32(gic.cpu + GICC_BPR, 0);
        write32(gic.cpu + GICC_APR, 0);
        write32(gic.cpu + GICC_CTLR, gic.mode1 ? 0x201 : 1);
    }
    for (uint32_t i = 0; i < 32; i += 4) {
        write32(private_base(i) + GICD_IPRIORITYR + i, 0xa0a0a0a0);
    }
}

void gic_cpu_exit(void)
{
    write32(gic_bank(GICD_ICENABLER, 0), ~0u);
    if (gic.version == 3) {
        sysreg_write(ICC_IGRPEN1, 0);
        isb();
    } else if (gic.version == 2) {
        write32(gic.cpu + GICC_CTLR, 0);
    }
}

void gic_reset_for_test(void)
{
    irq_off();
    irq_hook = irq_default;
    irq_body = NULL;
    gic.mode1 = false;
    if (!gic.version) {
        return;
    }
    for (uint32_t i = 32; i < gic.lines; i++) {
        if (i % 32 == 0) {
            write32(gic_bank(GICD_ICENABLER, i), ~0u);
            if (!keeps_pending()) {
                write32(gic_bank(GICD_ICPENDR, i), ~0u);
            }
            write32(gic_bank(GICD_ICACTIVER, i), ~0u);
        }
        if (i % 4 == 0) {
            write32(gic.dist + GICD_IPRIORITYR + i, 0xa0a0a0a0);
        }
    }
    gic_cpu_init();
    for (uint32_t i = 0; i < cpu_count; i++) {
        cpus[i].irqs = cpus[i].spurious = 0;
        memset((void *)cpus[i].seen, 0, sizeof(cpus[i].seen));
    }
}

uint64_t gic_bank(uint32_t bank, uint32_t intid)
{
    uint64_t base = gic.version == 3 && intid < 32 ? this_cpu()->gicr + GICR_SGI : gic.dist;
    return base + bank + intid / 32 * 4;
}

void gic_enable(uint32_t i)
{
    write32(gic_bank(GICD_ISENABLER, i), gic_bit(i));
}
bool gic_enabled(uint32_t i)
{
    return read32(gic_bank(GICD_ISENABLER, i)) & gic_bit(i);
}
void gic_set_pending(uint32_t i)
{
    write32(gic_bank(GICD_ISPENDR, i), gic_bit(i));
}
void gic_clear_pending(uint32_t i)
{
    write32(gic_bank(GICD_ICPENDR, i), gic_bit(i));
}
bool gic_pending(uint32_t i)
{
    return read32(gic_bank(GICD_ISPENDR, i)) & gic_bit(i);
}
void gic_set_active(uint32_t i)
{
    write32(gic_bank(GICD_ISACTIVER, i), gic_bit(i));
}
void gic_clear_active(uint32_t i)
{
    write32(gic_bank(GICD_ICACTIVER, i), gic_bit(i));
}
bool gic_active(uint32_t i)
{
    return read32(gic_bank(GICD_ISACTIVER, i)) & gic_bit(i);
}

void gic_disable(uint32_t i)
{
    write32(gic_bank(GICD_ICENABLER, i), gic_bit(i));
    if (i < 32) {
        wait_rwp(this_cpu()->gicr + GICR_CTLR, 8);
    } else {
        wait_rwp(gic.dist + GICD_CTLR, 1u << 31);
    }
}

void gic_priority(uint32_t i, uint8_t p)
{
    write8(private_base(i) + GICD_IPRIORITYR + i, p);
}
uint8_t gic_get_priority(uint32_t i)
{
    return read8(private_base(i) + GICD_IPRIORITYR + i);
}

void gic_trigger(uint32_t i, bool edge)
{
    uint64_t r = private_base(i) + GICD_ICFGR + i / 16 * 4;
    uint32_t v = read32(r), bit = 2u << (i % 16 * 2);
    write32(r, edge ? v | bit : v & ~bit);
}

void gic_target(uint32_t i, uint32_t cpu)
{
    if (gic.version == 3) {
        write64(gic.dist + GICD_IROUTER + i * 8, cpus[cpu].mpidr);
    } else {
        write8(gic.dist + GICD_ITARGETSR + i, (uint8_t)(1u << cpu));
    }
}

void gic_sgi(uint32_t cpu, uint32_t i)
{
    dsb();
    if (gic.version == 3) {
        uint64_t m = cpus[cpu].mpidr;
        sysreg_write(ICC_SGI1R, (1ull << m % 16) | (uint64_t)i << 24 | (m >> 8 & 0xff) << 16 |
                                    (m >> 16 & 0xff) << 32 | (m % 256 / 16) << 44 | (m >> 32 & 0xff) << 48);
        isb();
    } else {
        write32(gic.dist + GICD_SGIR, 1u << (16 + cpu) | i);
    }
}

void gic_sgi_others(uint32_t i)
{
    dsb();
    if (gic.version == 3) {
        sysreg_write(ICC_SGI1R, 1ull << 40 | (uint64_t)i << 24);
        isb();
    } else {
        write32(gic.dist + GICD_SGIR, 1u << 24 | i);
    }
}

uint32_t gic_ack(void)
{
    uint32_t v = gic.version == 3 ? (uint32_t)sysreg_read(ICC_IAR1) : read32(gic.cpu + GICC_IAR);
    dsb();
    return v;
}

uint32_t gic_intid(uint32_t iar)
{
    return gic.version == 3 ? iar % (1u << 24) : iar % 1024;
}

void gic_eoi(uint32_t iar)
{
    if (gic.version == 3) {
        sysreg_write(ICC_EOIR1, iar);
        isb();
    } else {
        write32(gic.cpu + GICC_EOIR, iar);
    }
}

void gic_deactivate(uint32_t iar)
{
    if (gic.version == 3) {
        sysreg_write(ICC_DIR, iar);
        isb();
    } else {
        write32(gic.cpu + GICC_DIR, iar);
    }
}

void gic_set_pmr(uint8_t mask)
{
    if (gic.version == 3) {
        sysreg_write(ICC_PMR, mask);
        isb();
    } else {
        write32(gic.cpu + GICC_PMR, mask);
    }
}

uint8_t gic_get_pmr(void)
{
    return (uint8_t)(gic.version == 3 ? sysreg_read(ICC_PMR) : read32(gic.cpu + GICC_PMR));
}

void gic_set_bpr(uint8_t bpr)
{
    if (gic.version == 3) {
        sysreg_write(ICC_BPR1, bpr);
        isb();
    } else {
        write32(gic.cpu + GICC_BPR, bpr);
    }
}

void gic_set_eoi_mode(bool mode1)
{
    gic.mode1 = mode1;
    if (gic.version == 3) {
        sysreg_write(ICC_CTLR, mode1 ? 2 : 0);
        isb();
    } else {
        write32(gic.cpu + GICC_CTLR, mode1 ? 0x201 : 1);
    }
}

uint8_t gic_running_priority(void)
{
    return (uint8_t)(gic.version == 3 ? sysreg_read(ICC_RPR) : read32(gic.cpu + GICC_RPR));
}

uint32_t gic_highest_pending(void)
{
    return gic.version == 3 ? (uint32_t)sysreg_read(ICC_HPPIR1) : read32(gic.cpu + GICC_HPPIR);
}

void irq_default(void)
{
    struct cpu *cpu = this_cpu();
    uint32_t iar = gic_ack(), intid = gic_intid(iar);
    if (intid >= 1020) {
        cpu->spurious++;
        return;
    }
    cpu->last_source = iar / 1024 % 8;
    if (irq_body) {
        irq_body(intid);
    }
    cpu->seen[intid]++;
    gic_eoi(iar);
    if (gic.mode1) {
        gic_deactivate(iar);
    }
    cpu->irqs++;
}

void irq_dispatch(void)
{
    irq_hook();
}
