/* SPDX-License-Identifier: Apache-2.0 */
/* The first translation tables. Runs with the MMU off at physical addresses: only PC-relative references, no
 * tables of pointers, aligned accesses. */
#include "arch/arm64/image.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/stage1_bits.h"
#include "boot/early_map.h"

static uint64_t identity_level1[STAGE1_TABLE_ENTRIES] __attribute__((aligned(4096)));

static unsigned slot(uint64_t va, unsigned level)
{
    return (unsigned)(va >> (39u - 9u * level)) % STAGE1_TABLE_ENTRIES;
}

static void map_image(uint64_t from, uint64_t to, uint64_t attributes)
{
    for (uint64_t pa = from; pa < to; pa += PAGE_SIZE) {
        stage1_image_table[(pa - (uint64_t)image_start) / PAGE_SIZE] = pa | attributes | S1_PAGE;
    }
}

uint64_t early_tables(uint64_t image_pa)
{
    struct stage1_tables *t = &stage1_boot_tables;
    uint64_t text = S1_TEXT | ((READ_SYSREG(id_aa64pfr1_el1) & 0xfu) != 0 ? S1_GP : 0);
    uint64_t gib = align_down(image_pa, GIB(1));

    map_image((uint64_t)image_start, (uint64_t)rodata_start, text);
    map_image((uint64_t)rodata_start, (uint64_t)extension_part_start, S1_RODATA);
    map_image((uint64_t)extension_part_start, (uint64_t)extension_rodata_start, text);
    map_image((uint64_t)extension_rodata_start, (uint64_t)smmu_part_start, S1_RODATA);
    map_image((uint64_t)smmu_part_start, (uint64_t)smmu_rodata_start, text);
    map_image((uint64_t)smmu_rodata_start, (uint64_t)boot_start, S1_RODATA);
    map_image((uint64_t)boot_start, (uint64_t)boot_rodata_start, text);
    map_image((uint64_t)boot_rodata_start, (uint64_t)data_start, S1_RODATA);
    map_image((uint64_t)data_start, (uint64_t)image_end, S1_DATA);

    t->level0[slot(IMAGE_VA, 0)] = (uint64_t)t->level1 | S1_TABLE;
    t->level1[slot(IMAGE_VA, 1)] = (uint64_t)t->level2 | S1_TABLE;
    t->level2[slot(IMAGE_VA, 2)] = (uint64_t)stage1_image_table | S1_TABLE;
    t->level2[slot(STACK_VA, 2)] = (uint64_t)stage1_stack_table | S1_TABLE;
    t->level2[slot(DEVICE_VA, 2)] = (uint64_t)stage1_device_table | S1_TABLE;
    t->level2[slot(SHARE_VA, 2)] = (uint64_t)stage1_share_table | S1_TABLE;
    t->level2[slot(WINDOW_VA, 2)] = (uint64_t)t->window | S1_TABLE;

    identity_level1[slot(image_pa, 1)] = gib | S1_TEXT | S1_BLOCK;
    t->level0[slot(image_pa, 0)] = (uint64_t)identity_level1 | S1_TABLE;

    stage1_image_pa = image_pa;
    return (uint64_t)t;
}
