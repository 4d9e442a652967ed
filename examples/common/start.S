/* SPDX-License-Identifier: Apache-2.0 */
/* arm64 Image header (Linux, Documentation/arch/arm64/booting.rst), entry at EL1 with the MMU off, x0 = device tree.
 * memory_init() writes the translation tables; then the MMU and the caches go on, and main() runs. */
    .section .head, "ax"
    .globl _start
_start:
    b       1f
    .word   0
    .quad   0                       /* text_offset */
    .quad   image_size
    .quad   0xa                     /* 4 KiB pages, may lie anywhere */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .word   0
1:  mov     x19, x0
    adr     x20, bss_start
    adrp    x21, bss_end
    mov     sp, x21
    mov     x9, x20
2:  str     xzr, [x9], #8
    cmp     x9, x21
    b.lo    2b
    bl      memory_init

    /* What was written so far went past the caches, where older contents of the same memory may be left. */
3:  dc      ivac, x20
    add     x20, x20, #16
    cmp     x20, x21
    b.lo    3b
    dsb     sy

    mov     x9, #0xff00             /* attribute 0: Device-nGnRnE, 1: Normal write-back */
    msr     mair_el1, x9
    /* 39-bit addresses, write-back inner shareable walks, 4 KiB pages, no TTBR1 */
    mov     x9, #0x3519
    movk    x9, #0x80, lsl #16
    msr     tcr_el1, x9
    adrp    x9, tables
    msr     ttbr0_el1, x9
    isb
    mov     x9, #0x1805             /* I, C, M, and the bits that are one on ARMv8.0 */
    movk    x9, #0x30d0, lsl #16
    msr     sctlr_el1, x9
    isb
    mov     x0, x19
    b       main
