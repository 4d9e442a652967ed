/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the image's parts (hypervisor.lds) and the tables of the boot pCPU, which early_map.c fills while
 * the MMU is off. Addresses only: the char arrays have no content to look at. */
#ifndef ARCH_IMAGE_H
#define ARCH_IMAGE_H

#include "arch/arm64/stage1.h"

extern char image_start[], rodata_start[], extension_part_start[], extension_rodata_start[],
    smmu_part_start[], smmu_rodata_start[], boot_start[], boot_rodata_start[], boot_end[], data_start[],
    boot_bss_start[], image_end[];

extern struct stage1_tables stage1_boot_tables;
extern uint64_t stage1_image_table[STAGE1_TABLE_ENTRIES];
extern uint64_t stage1_stack_table[STAGE1_TABLE_ENTRIES];
extern uint64_t stage1_device_table[STAGE1_TABLE_ENTRIES];
extern uint64_t stage1_share_table[STAGE1_TABLE_ENTRIES];
extern uint64_t stage1_image_pa;

#endif
