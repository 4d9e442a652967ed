/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* arm64 Image header (Linux, Documentation/arch/arm64/booting.rst), entry at EL1 with the MMU off and x0 = device
 * tree; and the exception vectors, whose unused entries hold other code: nothing runs on SP_EL0 or at EL0. The image
 * is linked at 0 and may lie on any page. */
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
    adrp    x20, _start
    msr     vbar_el1, x20
    isb

    adrp    x1, bss_begin
    adrp    x2, image_end
2:  stp     xzr, xzr, [x1], #16
    cmp     x1, x2
    b.lo    2b

    adr     x1, rela_begin
    adr     x2, rela_end
3:  cmp     x1, x2
    b.hs    4f
    ldp     x3, x4, [x1], #16       /* offset, info: all are R_AARCH64_RELATIVE */
    ldr     x4, [x1], #8            /* addend */
    add     x4, x4, x20
    str     x4, [x3, x20]
    b       3b

4:  adrp    x1, stack_end
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x19
    bl      start_memory            /* x0: end of what it has written */

    /* What was written so far went past the caches, where older contents of the same memory may be left. */
    mov     x1, x20
5:  dc      ivac, x1
    add     x1, x1, #16
    cmp     x1, x0
    b.lo    5b
    dsb     sy
    adr     x1, translation
    ldp     x2, x3, [x1]
    ldp     x4, x5, [x1, #16]
    msr     mair_el1, x2
    msr     tcr_el1, x3
    msr     ttbr0_el1, x4
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    msr     sctlr_el1, x5
    isb
    bl      start_domain

    .org    0x200                   /* synchronous */
    msr     tpidr_el1, x0
    mov     x0, #0
    b       crash_entry
    .org    0x280
    msr     tpidr_el1, x0
    mov     x0, #1
    b       crash_entry
    .org    0x300
    msr     tpidr_el1, x0
    mov     x0, #2
    b       crash_entry
    .org    0x380
    msr     tpidr_el1, x0
    mov     x0, #3

/* The stack may be what is wrong: the registers go to a place of their own, the report runs on a stack of its own. */
crash_entry:
    msr     tpidrro_el0, x1
    adr     x1, crash_frame
    stp     x2,  x3,  [x1, #16]
    stp     x4,  x5,  [x1, #32]
    stp     x6,  x7,  [x1, #48]
    stp     x8,  x9,  [x1, #64]
    stp     x10, x11, [x1, #80]
    stp     x12, x13, [x1, #96]
    stp     x14, x15, [x1, #112]
    stp     x16, x17, [x1, #128]
    stp     x18, x19, [x1, #144]
    stp     x20, x21, [x1, #160]
    stp     x22, x23, [x1, #176]
    stp     x24, x25, [x1, #192]
    stp     x26, x27, [x1, #208]
    stp     x28, x29, [x1, #224]
    mov     x2, sp
    stp     x30, x2,  [x1, #240]
    mrs     x2, tpidr_el1
    mrs     x3, tpidrro_el0
    stp     x2,  x3,  [x1]
    mrs     x2, elr_el1
    mrs     x3, esr_el1
    stp     x2,  x3,  [x1, #256]
    mrs     x2, far_el1
    mrs     x3, spsr_el1
    stp     x2,  x3,  [x1, #272]
    adr     x2, crash_stack_end
    mov     sp, x2
    mov     x29, xzr
    bl      crash_report

    .bss
    .balign 16
    .space  1536
crash_stack_end:
