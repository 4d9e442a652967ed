/* SPDX-License-Identifier: Apache-2.0 */
/* The physical GIC, versions 2 and 3 (IHI 0048, IHI 0069), and its list registers. */
#ifndef DRIVERS_GIC_H
#define DRIVERS_GIC_H

#include "base/status.h"
#include "base/types.h"

/* List registers have one format everywhere, that of ICH_LR<n>_EL2 (IHI 0069 12.4.x); the GICv2 driver
 * converts. For GICv2 SGIs bits 12:10 of the physical INTID field hold the source CPU, as in GICH_LR. */
#define LR_VINTID(lr)   ((uint32_t)(lr))
#define LR_PINTID_SHIFT 32u
#define LR_PRIO_SHIFT   48u
#define LR_EOI          (UINT64_C(1) << 41) /* not HW: maintenance interrupt at EOI */
#define LR_GROUP1       (UINT64_C(1) << 60)
#define LR_HW           (UINT64_C(1) << 61)
#define LR_PENDING      (UINT64_C(1) << 62)
#define LR_ACTIVE       (UINT64_C(1) << 63)
#define LR_STATE        (LR_PENDING | LR_ACTIVE)

#define GIC_MAX_LRS 16u

/* Maintenance conditions, ICH_HCR_EL2 layout. */
#define GIC_HCR_EN      (1u << 0)
#define GIC_HCR_UIE     (1u << 1)  /* at most one list register holds an interrupt */
#define GIC_HCR_LRENPIE (1u << 2)  /* EOI of an interrupt that is in no list register; count in bits 31:27 */
#define GIC_HCR_NPIE    (1u << 3)  /* no list register is pending */
#define GIC_HCR_TDIR    (1u << 14) /* trap ICC_DIR_EL1 (GICv3 with ICH_VTR_EL2.TDS) */

struct host_gic;

/* The boot pCPU brings up the distributor: everything disabled, inactive, not pending. Registers were mapped
 * by the caller. ERR_NOENT if there is no virtualization interface. */
enum status gic_init(unsigned version, volatile void *distributor, volatile void *gicc, uint64_t gicc_size,
                     volatile void *gich) MUST_CHECK;
/* Of a CPU interface whose page is repeated over 64 KiB, this much is looked at. */
#define GICV2_CPU_SPREAD 0x11000u
/* Each pCPU: its redistributor (GICv3) or CPU interface, list registers cleared, EOI mode 1, private
 * interrupts of EL2 enabled: `maintenance`, `timer`, the kick, and the guests' timers `virt` and `phys`. */
void gic_init_pcpu(unsigned pcpu, uint64_t mpidr, volatile void *gicr, const uint32_t private_irqs[4]);
/* Reads GICR_TYPER of a mapped frame: affinity as MPIDR_EL1, and whether it is the last of its region, and
 * its size. */
uint64_t gic_redistributor_affinity(const volatile void *gicr, bool *last, uint64_t *size);
unsigned gic_nr_spis(void); /* implemented SPIs: INTIDs 32 .. 31 + n */

#define GIC_SPURIOUS 1020u      /* INTIDs from here on: nothing to handle */
#define GIC_KICK     0u         /* the SGI with which pCPUs call each other */
uint32_t gic_acknowledge(void); /* INTID (GICv2: with the source CPU of an SGI in bits 12:10) */
void gic_drop(uint32_t intid);  /* priority drop; the interrupt stays active */
void gic_deactivate(uint32_t intid);
void gic_kick(unsigned pcpu); /* orders earlier stores before the interrupt */

extern uint8_t gic_version; /* 2 or 3 */
extern uint8_t gic_nr_lrs;

uint64_t gic_lr_read(unsigned index);
void gic_lr_write(unsigned index, uint64_t lr);
uint32_t gic_lr_empty(void); /* ICH_ELRSR_EL2: a set bit is a list register without interrupt */
uint32_t gic_lr_eoi(void);   /* ICH_EISR_EL2 */
uint32_t gic_hcr_read(void);
void gic_hcr_write(uint32_t value);
uint32_t gic_vmcr_read(void); /* ICH_VMCR_EL2 layout */
void gic_vmcr_write(uint32_t value);
#define GIC_NR_APRS 4u
extern uint8_t gic_apr_shift; /* bit n of the active priorities (of all words of a group) is group priority n
                                 << gic_apr_shift */
void gic_apr_read(uint32_t ap0[GIC_NR_APRS], uint32_t ap1[GIC_NR_APRS]);
void gic_apr_write(const uint32_t ap0[GIC_NR_APRS], const uint32_t ap1[GIC_NR_APRS]);

/* Physical interrupts. A private one (INTID < 32) is that of this pCPU. */
void gic_enable(unsigned intid);
void gic_disable(unsigned intid);
void gic_set_active(unsigned intid, bool active);
void gic_set_pending(unsigned intid, bool pending);
void gic_set_edge(unsigned intid, bool edge);
void gic_route(unsigned intid, unsigned pcpu); /* SPI */

#endif
