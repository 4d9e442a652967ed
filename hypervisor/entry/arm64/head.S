/* SPDX-License-Identifier: Apache-2.0 */
/* The arm64 Image header (Linux Documentation/arch/arm64/booting.rst) and the way to C with the MMU on. */
#include "arch/arm64/layout.h"

    .section .head, "ax"
    .global image_header
image_header:
    b       boot_entry
    .long   0
    .quad   0                       /* text_offset */
    .quad   image_size
    .quad   0xa                     /* little endian, 4 KiB pages, anywhere in RAM */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

/* x0 = device tree. MMU off: addresses are physical, data accesses must be aligned. */
boot_entry:
    mrs     x1, CurrentEL
    cmp     x1, #(2 << 2)
    b.ne    wrong_level
    msr     daifset, #0xf
    mov     x19, x0
    adrp    x20, image_start
    adrp    x1, bss_start
    adrp    x2, image_end
    mov     x3, x1
1:  stp     xzr, xzr, [x3], #16
    stp     xzr, xzr, [x3], #16
    stp     xzr, xzr, [x3], #16
    stp     xzr, xzr, [x3], #16
    cmp     x3, x2
    b.lo    1b
    dmb     sy
2:  dc      ivac, x1                /* no stale line may hide what was written with the caches off */
    add     x1, x1, #64
    cmp     x1, x2
    b.lo    2b
    dsb     sy
    adrp    x1, boot_stack
    add     x1, x1, #(4 * 4096)
    mov     sp, x1
    mov     x0, x20
    bl      early_tables            /* returns the root */
    adr     x1, 3f
    bl      mmu_on
3:  bti     j
    adrp    x1, boot_stack
    add     x1, x1, #(4 * 4096)
    mov     sp, x1
    mov     x29, xzr
    mov     x0, x19
    mov     x1, x20
    bl      boot_main
    b       .

wrong_level:
    wfe
    b       wrong_level

/* A pCPU that PSCI starts: x0 = PA of struct pcpu_start { root, stack, pcpu }. The root also holds the identity map. */
    .global pcpu_entry
pcpu_entry:
    bti     j
    msr     daifset, #0xf
    ldp     x19, x20, [x0]          /* tables with the identity map, stack top */
    ldr     x21, [x0, #16]          /* struct pcpu */
    mov     x0, x19
    bl      mmu_on
    mov     sp, x20
    mov     x29, xzr
    mov     x0, x21
    bl      pcpu_main
    b       .

/* x0 = root of a table that maps this page one to one and the image at its place. Returns to the virtual address of the
 * caller. Clobbers x0 - x4. */
mmu_on:
    mov     x1, #(1 << 31)          /* RW; E2H off: the register layouts that follow are those without VHE */
    msr     hcr_el2, x1
    isb
    ldr     x1, =0x04ff
    msr     mair_el2, x1
    ldr     x1, =0x80803510
    mrs     x2, id_aa64mmfr0_el1
    and     x2, x2, #0xf
    cmp     x2, #5                  /* 48 bits at most */
    mov     x3, #5
    csel    x2, x2, x3, lo
    bfi     x1, x2, #16, #3
    msr     tcr_el2, x1
    msr     ttbr0_el2, x0
    ldr     x1, =vectors
    msr     vbar_el2, x1
    tlbi    alle2
    ic      iallu
    dsb     nsh
    isb
    ldr     x1, =0x30cd183d
    mrs     x2, id_aa64pfr1_el1
    and     x2, x2, #0xf
    cmp     x2, #0
    orr     x3, x1, #(1 << 36)      /* BTI where the core has it */
    csel    x1, x1, x3, eq
    msr     sctlr_el2, x1
    isb
    adrp    x1, image_start         /* still the physical one */
    ldr     x2, =image_start
    sub     x2, x2, x1
    add     x30, x30, x2
    ret
    .ltorg

    .section .boot.bss, "aw", %nobits
    .balign 4096
    .global boot_stack
boot_stack:
    .space  4 * 4096
