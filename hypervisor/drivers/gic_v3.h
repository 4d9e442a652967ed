/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 system registers of the CPU interface and the virtual interface control (IHI 0069 12.2, 12.4), by
 * encoding since the assembler targets plain Armv8.0. */
#ifndef DRIVERS_GIC_V3_H
#define DRIVERS_GIC_V3_H

#include "base/types.h"

#define ICC_IAR1_EL1    s3_0_c12_c12_0
#define ICC_EOIR1_EL1   s3_0_c12_c12_1
#define ICC_DIR_EL1     s3_0_c12_c11_1
#define ICC_SGI1R_EL1   s3_0_c12_c11_5
#define ICC_PMR_EL1     s3_0_c4_c6_0
#define ICC_BPR1_EL1    s3_0_c12_c12_3
#define ICC_CTLR_EL1    s3_0_c12_c12_4
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define ICC_SRE_EL1     s3_0_c12_c12_5
#define ICC_SRE_EL2     s3_4_c12_c9_5
#define ICH_HCR_EL2     s3_4_c12_c11_0
#define ICH_VTR_EL2     s3_4_c12_c11_1
#define ICH_EISR_EL2    s3_4_c12_c11_3
#define ICH_ELRSR_EL2   s3_4_c12_c11_5
#define ICH_VMCR_EL2    s3_4_c12_c11_7

/* Redistributor: RD_base, and SGI_base 64 KiB above. */
#define GICR_CTLR  0x0u
#define GICR_TYPER 0x8u
#define GICR_WAKER 0x14u
#define GICR_SGI   0x10000u

void gicv3_init_pcpu(unsigned pcpu, uint64_t mpidr, volatile void *gicr);
void gicv3_write_lr(unsigned index, uint64_t lr);
uint64_t gicv3_read_lr(unsigned index);
void gicv3_read_apr(uint32_t ap0[4], uint32_t ap1[4]);
void gicv3_write_apr(const uint32_t ap0[4], const uint32_t ap1[4]);
uint64_t gicv3_affinity(unsigned pcpu);
void gicv3_kick(unsigned pcpu);
volatile uint8_t *gicv3_private(void); /* SGI_base of this pCPU */

#endif
