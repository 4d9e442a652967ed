// SPDX-License-Identifier: Apache-2.0
#include "guest.h"

enum { DESC_TABLE = 3, DESC_BLOCK = 1, DESC_AF = 1 << 10, DESC_INNER_SHAREABLE = 3 << 8 };
#define DESC_XN  (3ull << 53)
#define GIB      (1ull << 30)
#define L1_REACH (512 * GIB)

static uint64_t l1_identity[512] __attribute__((aligned(4096)));
static uint64_t l1_window[512] __attribute__((aligned(4096)));
uint64_t mmu_l0[512] __attribute__((aligned(4096)));
uint64_t mmu_tcr;

/* MAIR as set by start.S: index 0 device-nGnRnE, 1 Normal uncached, 2 Normal write-back. */
static uint64_t block(uint64_t pa, enum mmu_type type)
{
    uint64_t d = pa | DESC_BLOCK | DESC_AF | DESC_INNER_SHAREABLE | (uint64_t)type * 4;
    return type == MMU_DEVICE ? d | DESC_XN : d;
}

static void map_ram(void)
{
    int depth = 0;
    for (int node = fdt_root(); node >= 0; node = fdt_next(node, &depth)) {
        if (!fdt_has_string(node, "device_type", "memory")) {
            continue;
        }
        uint64_t address, size;
        for (uint32_t i = 0; fdt_reg(node, i, &address, &size); i++) {
            for (uint64_t g = address / GIB; size != 0 && g <= (address + size - 1) / GIB && g < 512; g++) {
                l1_identity[g] = block(g * GIB, MMU_NORMAL);
            }
        }
    }
}

/* Runs with the MMU off. */
void mmu_build(void);
void mmu_build(void)
{
    fdt_blob = (const uint8_t *)boot_state.x[0];
    for (uint64_t g = 0; g < 512; g++) {
        l1_identity[g] = block(g * GIB, MMU_DEVICE);
    }
    /* Wherever the image runs is RAM, device tree or not. */
    uint64_t here = boot_state.load_address / GIB;
    l1_identity[here] = block(here * GIB, MMU_NORMAL);
    if (fdt_valid(fdt_blob)) {
        map_ram();
    }
    mmu_l0[0] = (uint64_t)l1_identity | DESC_TABLE;
    mmu_l0[1] = (uint64_t)l1_window | DESC_TABLE;
    uint64_t pa_range = sysreg_read(id_aa64mmfr0_el1) % 16;
    if (pa_range > 5) {
        pa_range = 5;
    }
    /* T0SZ 16 (48 bits), WBWA inner shareable walks, 4 KiB granule; TTBR1 walks disabled. */
    mmu_tcr = 16 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23 | 16u << 16 | 2ull << 30 | pa_range << 32;
    dsb();
}

uint64_t mmu_window(uint64_t pa, enum mmu_type type)
{
    uint64_t slot = this_cpu()->index;
    uint64_t va = L1_REACH + slot * GIB;
    l1_window[slot] = 0;
    dsb();
    __asm__ volatile("tlbi vaae1is, %0" : : "r"(va / 4096) : "memory");
    dsb();
    l1_window[slot] = block(pa / GIB * GIB, type) | DESC_XN;
    dsb();
    isb();
    return va + pa % GIB;
}
