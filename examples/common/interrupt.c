/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2 and GICv3, as far as a program that polls after WFI needs them. */
#include "guest.h"

#define GICD     0x03001000UL
#define GICC     0x03002000UL
#define GICR_SGI 0x03030000UL
#define SPURIOUS 1020U

#ifdef GIC /* a program for one kind of board may fix it, to be shorter: -DGIC=2 or -DGIC=3 */
enum { gic_v3 = GIC == 3 };
#else
static bool gic_v3;
#endif

/* A virtual redistributor is always awake. */
void interrupt_init(void)
{
#ifndef GIC
    gic_v3 = (READ_SYSREG(ID_AA64PFR0_EL1) >> 24) % 16 != 0;
#endif
    if (gic_v3) {
        WRITE_SYSREG(S3_0_C12_C12_5, 1);  /* ICC_SRE_EL1 */
        WRITE32(GICD, 0, 0x12);           /* ARE_NS, EnableGrp1NS */
        WRITE_SYSREG(S3_0_C4_C6_0, 0xff); /* ICC_PMR_EL1 */
        WRITE_SYSREG(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
        ISB();
    } else {
        WRITE32(GICD, 0, 1);
        WRITE32(GICC, 0x04, 0xff);
        WRITE32(GICC, 0, 1);
    }
}

/* Priorities are 0 from reset; GICv3's interrupts have to be of group 1, and go to vCPU 0 from reset. */
void interrupt_enable_private(uint32_t intid)
{
    uintptr_t frame = gic_v3 ? GICR_SGI : GICD;

    if (gic_v3)
        WRITE32(frame, 0x80, 0xffffffffU);
    WRITE32(frame, 0x100, 1U << intid);
}

void interrupt_enable_edge(uint32_t intid)
{
    if (gic_v3)
        WRITE32(GICD + intid / 32 * 4, 0x80, 0xffffffffU);
    else
        WRITE32(GICD + intid / 4 * 4, 0x800, 0x01010101);
    WRITE32(GICD + intid / 16 * 4, 0xc00, 0xaaaaaaaaU);
    WRITE32(GICD + intid / 32 * 4, 0x100, 1U << intid % 32);
}

void interrupt_wait(void)
{
    __asm__ volatile("wfi" : : : "memory");
    interrupt_acknowledge();
}

void interrupt_acknowledge(void)
{
    for (;;) {
        if (gic_v3) {
            uint64_t intid = READ_SYSREG(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */

            if (intid >= SPURIOUS)
                return;
            WRITE_SYSREG(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
            ISB();
        } else {
            uint32_t intid = READ32(GICC, 0x0c);

            if (intid % 1024 >= SPURIOUS)
                return;
            WRITE32(GICC, 0x10, intid);
        }
    }
}
