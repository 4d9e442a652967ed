/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own address space (layout.h). Each pCPU has its own root, so that its copy windows are
 * private and their maintenance is local (TLBI VAE2, DSB NSH). Mappings other than windows are made at boot
 * only, by one pCPU. */
#ifndef ARCH_STAGE1_H
#define ARCH_STAGE1_H

#include "base/status.h"
#include "base/types.h"

#define STAGE1_TABLE_ENTRIES 512u

/* Level 0 to 3 tables of one pCPU; level 2 is shared by copy, level 3 maps its windows. */
struct stage1_tables {
    uint64_t level0[STAGE1_TABLE_ENTRIES];
    uint64_t level1[STAGE1_TABLE_ENTRIES];
    uint64_t level2[STAGE1_TABLE_ENTRIES];
    uint64_t window[STAGE1_TABLE_ENTRIES];
} __attribute__((aligned(4096)));

/* Addresses of the image, its bss and the heap. */
pa_t stage1_pa(const void *pointer);
/* The heap address of a PA inside the heap. */
void *stage1_pointer(pa_t pa);

/* Maps `size` bytes of device registers (nGnRE) at boot; NULL when DEVICE_VA is full. Any alignment. */
volatile void *stage1_map_device(pa_t pa, uint64_t size);

/* Maps memory read-only, Normal, for the length of boot (the device tree): 2 MiB granular, at most 8 MiB. */
const void *stage1_map_blob(pa_t pa, uint64_t size);
void stage1_unmap_blob(void);

/* Maps the heap: pa 2 MiB aligned, size a multiple of 2 MiB. */
void *stage1_map_heap(pa_t pa, uint64_t size);
/* The heap ends at `size` (page multiple): what lies behind is unmapped. `table` is one page of the heap. */
void stage1_trim_heap(uint64_t size, uint64_t *table);
/* Extra level-3 table page for devices, taken from the heap. */
void stage1_give_device_table(uint64_t *table);

/* Removes the identity map and the boot sections from this pCPU's tables, and the code that serves extensions
 * or SMMUs if there are none. */
void stage1_unmap_boot(bool keep_extensions, bool keep_smmu);

/* Tables for a further pCPU: copies of this one's, with empty windows. Returns the root. */
pa_t stage1_clone(struct stage1_tables *tables);

/* One page of stack for pCPU `index`, both pages of its slot, and the address of its top. */
void *stage1_map_stack(unsigned index, void *memory);

enum window_access { WINDOW_READ, WINDOW_WRITE };

/* Maps up to WINDOW_PAGES pages from pa (page aligned) in window 0 or 1 of this pCPU, Normal write-back,
 * never executable. The mapping ends with window_unmap(). */
#define WINDOW_PAGES 16u
void *window_map(struct stage1_tables *tables, unsigned window, pa_t pa, unsigned pages,
                 enum window_access access);
void window_unmap(struct stage1_tables *tables, unsigned window, unsigned pages);

/* Device registers for the length of a reset step. */
volatile void *window_map_device(struct stage1_tables *tables, pa_t pa);

/* Maps a page of a guest, Normal write-back, for as long as it is shared, in one of STAGE1_SHARES slots, for
 * all pCPUs; a page that was there before goes. The caller publishes the pointer with release order, and has
 * no pCPU use the old one. */
#define STAGE1_SHARES STAGE1_TABLE_ENTRIES
void *stage1_share(unsigned slot, pa_t pa);
void stage1_unshare(unsigned slot);

/* Data cache maintenance by address over [pointer, pointer + size), to the point of coherency. */
void cache_clean(const void *pointer, uint64_t size);
void cache_clean_invalidate(const void *pointer, uint64_t size);

#endif
