/* SPDX-License-Identifier: Apache-2.0 */
/* arm64 Image header (Linux, Documentation/arch/arm64/booting.rst) and entry: EL1, MMU off, x0 = device tree. */
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
1:  adrp    x9, stack_top
    add     x9, x9, :lo12:stack_top
    mov     sp, x9
    adrp    x9, bss_start
    add     x9, x9, :lo12:bss_start
    adrp    x10, bss_end
    add     x10, x10, :lo12:bss_end
2:  cmp     x9, x10
    b.hs    3f
    str     xzr, [x9], #8
    b       2b
3:  bl      main
4:  wfi
    b       4b
