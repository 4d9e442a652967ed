/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/gic.h"

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/memory.h"

enum {
    GICD_CTLR = 0,
    GICD_GROUP = 0x80,
    GICD_ENABLE = 0x100,
    GICD_PRIORITY = 0x400,
    GICD_TARGETS = 0x800,
    GICD_CONFIG = 0xc00
};
enum { GICC_CTLR = 0, GICC_MASK = 4, GICC_ACKNOWLEDGE = 0xc, GICC_END = 0x10 };
enum { GICR_SGI = 0x10000, FIRST_SPI = 32, NOBODY = 1020 };
enum { PRIORITY_STEP = 0x20 }; /* every GIC tells these apart */

static struct {
    void (*handler)(void *context);
    void *context;
    uint32_t intid;
} handlers[GIC_MAX_HANDLERS];
static uint32_t nr_handlers;
static bool v3;
static uintptr_t distributor, second; /* second: the redistributor of vCPU 0, or the CPU interface */

void gic_start(void)
{
    tree_node node = tree_find(TREE_NONE, "arm,gic-v3");

    v3 = node != TREE_NONE;
    if (!v3) {
        node = tree_find(TREE_NONE, "arm,gic-400");
    }
    distributor = tree_number(node, "reg", 0, 2, 0);
    second = tree_number(node, "reg", 4, 2, 0);
    if (distributor == 0 || second == 0) {
        crash("no interrupt controller", "");
    }
    memory_map(distributor, v3 ? 0x10000 : 0x1000, MEMORY_DEVICE);
    memory_map(second, v3 ? 0x20000 : 0x2000, MEMORY_DEVICE);
    if (v3) {
        WRITE_SYSREG(S3_0_C12_C12_5, 1); /* ICC_SRE_EL1 */
        ISB();
        write32(distributor + GICD_CTLR, 0x12); /* affinity routing, group 1 */
        WRITE_SYSREG(S3_0_C4_C6_0, 0xff);       /* ICC_PMR_EL1 */
        WRITE_SYSREG(S3_0_C12_C12_7, 1);        /* ICC_IGRPEN1_EL1 */
        ISB();
    } else {
        write32(distributor + GICD_CTLR, 1);
        write32(second + GICC_MASK, 0xff);
        write32(second + GICC_CTLR, 1);
    }
}

/* The loop's own interrupts, which begin first, come before those of devices, of which one may never end. */
static void set_priority(uintptr_t frame, uint32_t intid)
{
    uintptr_t word = frame + GICD_PRIORITY + intid / 4 * 4;
    uint32_t shift = intid % 4 * 8, rank = nr_handlers < GIC_OWN_HANDLERS ? nr_handlers : GIC_OWN_HANDLERS;

    write32(word, (read32(word) & ~(0xffu << shift)) | rank * PRIORITY_STEP << shift);
}

/* GICv3's interrupts go to vCPU 0 from reset. */
void gic_handle(uint32_t intid, bool edge, void (*handler)(void *context), void *context)
{
    uintptr_t frame = v3 && intid < FIRST_SPI ? second + GICR_SGI : distributor;
    uintptr_t bank = intid / 32 * 4, config = frame + GICD_CONFIG + intid / 16 * 4;
    uint32_t bit = 1u << intid % 32, shift = intid % 16 * 2;

    if (nr_handlers == GIC_MAX_HANDLERS) {
        crash("too many interrupts", "");
    }
    set_priority(frame, intid);
    handlers[nr_handlers].handler = handler;
    handlers[nr_handlers].context = context;
    handlers[nr_handlers++].intid = intid;
    if (v3) {
        write32(frame + GICD_GROUP + bank, read32(frame + GICD_GROUP + bank) | bit);
    } else if (intid >= FIRST_SPI) {
        uintptr_t targets = distributor + GICD_TARGETS + intid / 4 * 4;

        write32(targets, read32(targets) | 1u << intid % 4 * 8);
    }
    if (intid >= FIRST_SPI) {
        write32(config, (read32(config) & ~(3u << shift)) | (edge ? 2u << shift : 0));
    }
    write32(frame + GICD_ENABLE + bank, bit);
}

/* Three cells: kind (0: SPI), number, flags (1, 2: edge). */
uint32_t gic_intid(tree_node node, bool *edge)
{
    uint64_t number = tree_number(node, "interrupts", 1, 1, UINT64_MAX);

    *edge = tree_number(node, "interrupts", 2, 1, 0) % 4 != 0;
    return number > 988 ? 0
                        : (uint32_t)number + (tree_number(node, "interrupts", 0, 1, 0) == 0 ? FIRST_SPI : 16);
}

static void handle(uint32_t intid)
{
    for (uint32_t i = 0; i < nr_handlers; i++) {
        if (handlers[i].intid == intid) {
            handlers[i].handler(handlers[i].context);
        }
    }
}

void gic_poll(void)
{
    for (uint32_t i = 0; i < GIC_AT_ONCE && READ_SYSREG(isr_el1) != 0; i++) {
        uint32_t word = v3 ? (uint32_t)READ_SYSREG(S3_0_C12_C12_0) : read32(second + GICC_ACKNOWLEDGE);
        uint32_t intid = v3 ? word : word % 1024;

        if (intid >= NOBODY) {
            return;
        }
        DSB();
        handle(intid);
        if (v3) {
            WRITE_SYSREG(S3_0_C12_C12_1, word); /* ICC_EOIR1_EL1 */
            ISB();
        } else {
            write32(second + GICC_END, word);
        }
    }
}
