/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2 CPU interface and virtual interface control (IHI 0048 4.4, 5.3). */
#ifndef DRIVERS_GIC_V2_H
#define DRIVERS_GIC_V2_H

#include "base/status.h"
#include "base/types.h"

void gicv2_init(volatile void *distributor, volatile void *cpu_interface, uint64_t cpu_interface_size,
                volatile void *hypervisor_interface);
void gicv2_init_pcpu(unsigned pcpu);
uint32_t gicv2_acknowledge(void);
void gicv2_drop(uint32_t iar);
void gicv2_deactivate(uint32_t iar);
void gicv2_kick(unsigned pcpu);
uint8_t gicv2_target(unsigned pcpu); /* GICD_ITARGETSR mask of a pCPU */
void gicv2_write_lr(unsigned index, uint64_t lr);
uint64_t gicv2_read_lr(unsigned index);
uint32_t gicv2_lr_empty(void);
uint32_t gicv2_lr_eoi(void);
uint32_t gicv2_hcr_read(void);
void gicv2_hcr_write(uint32_t value);
uint32_t gicv2_vmcr_read(void);
void gicv2_vmcr_write(uint32_t value);
uint32_t gicv2_apr_read(void);
void gicv2_apr_write(uint32_t value);

#endif
