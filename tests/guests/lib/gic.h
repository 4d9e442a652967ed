/* SPDX-License-Identifier: Apache-2.0 */
/* One driver for GICv2 and GICv3 as a guest sees them; IHI 0048B and IHI 0069. */
#ifndef GIC_H
#define GIC_H

#include "guest.h"

enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IIDR = 0x008,
    GICD_IGROUPR = 0x080,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ISACTIVER = 0x300,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_SGIR = 0xf00,
    GICD_CPENDSGIR = 0xf10,
    GICD_SPENDSGIR = 0xf20,
    GICD_IROUTER = 0x6000,
    GICD_PIDR2 = 0xffe8,
    GICR_CTLR = 0x0,
    GICR_TYPER = 0x8,
    GICR_WAKER = 0x14,
    GICR_SGI = 0x10000,
    GICC_CTLR = 0x00,
    GICC_PMR = 0x04,
    GICC_BPR = 0x08,
    GICC_IAR = 0x0c,
    GICC_EOIR = 0x10,
    GICC_RPR = 0x14,
    GICC_HPPIR = 0x18,
    GICC_APR = 0xd0,
    GICC_IIDR = 0xfc,
    GICC_DIR = 0x1000
};
#define SPURIOUS 1023u

struct gic {
    uint32_t version; /* 2, 3, or 0: none found */
    uint64_t dist, cpu, redist;
    uint32_t lines; /* INTIDs below 1020 that exist */
    bool mode1;     /* EOI drops the priority only */
};
extern struct gic gic;

void gic_init(void);
void gic_cpu_init(void);
void gic_cpu_exit(void); /* before CPU_OFF */
/* Everything disabled, not pending, not active, priority 0xa0, PMR 0xff, EOImode 0, default handler. */
void gic_reset_for_test(void);

/* The address of the 32-bit register of a bank that holds bit `intid`, for the calling CPU's private
 * interrupts. */
uint64_t gic_bank(uint32_t bank, uint32_t intid);
static inline uint32_t gic_bit(uint32_t intid)
{
    return 1u << (intid % 32);
}

void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);
void gic_set_pending(uint32_t intid); /* not for SGIs on GICv2 */
void gic_clear_pending(uint32_t intid);
bool gic_pending(uint32_t intid);
void gic_set_active(uint32_t intid);
void gic_clear_active(uint32_t intid);
bool gic_active(uint32_t intid);
bool gic_enabled(uint32_t intid);
void gic_priority(uint32_t intid, uint8_t priority);
uint8_t gic_get_priority(uint32_t intid);
void gic_trigger(uint32_t intid, bool edge);
void gic_target(uint32_t intid, uint32_t cpu);
void gic_sgi(uint32_t cpu, uint32_t intid);
void gic_sgi_others(uint32_t intid);

uint32_t gic_ack(void); /* the whole IAR value; INTID = value % 1024 on v2, value on v3 */
uint32_t gic_intid(uint32_t iar);
void gic_eoi(uint32_t iar);
void gic_deactivate(uint32_t iar);
void gic_set_pmr(uint8_t mask);
uint8_t gic_get_pmr(void);
void gic_set_bpr(uint8_t bpr);
void gic_set_eoi_mode(bool mode1);
uint8_t gic_running_priority(void);
uint32_t gic_highest_pending(void);

/* The vector calls irq_dispatch, which calls the hook; the default acknowledges, counts and completes. */
extern void (*volatile irq_hook)(void);
void irq_dispatch(void);
void irq_default(void);
/* Called by irq_default between acknowledge and end, if set. */
extern void (*volatile irq_body)(uint32_t intid);

#endif
