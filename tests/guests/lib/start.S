/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image header, first instructions and secondary entry of a test guest.
 * Every register is stored before it is used, because the start state is itself under test.
 */
    .section .head, "ax"
    .global _start
_start:
    b       first
    .long   0xd503201f              /* code1: nop */
    .quad   0                       /* text_offset: the RAM bank's first byte will do */
    .quad   _image_size
    .quad   0xa                     /* little endian, 4 KiB pages, anywhere */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

    .text
first:
    msr     tpidr_el0, x30
    adrp    x30, boot_state
    add     x30, x30, :lo12:boot_state
    stp     x0,  x1,  [x30, #0x00]
    stp     x2,  x3,  [x30, #0x10]
    stp     x4,  x5,  [x30, #0x20]
    stp     x6,  x7,  [x30, #0x30]
    stp     x8,  x9,  [x30, #0x40]
    stp     x10, x11, [x30, #0x50]
    stp     x12, x13, [x30, #0x60]
    stp     x14, x15, [x30, #0x70]
    stp     x16, x17, [x30, #0x80]
    stp     x18, x19, [x30, #0x90]
    stp     x20, x21, [x30, #0xa0]
    stp     x22, x23, [x30, #0xb0]
    stp     x24, x25, [x30, #0xc0]
    stp     x26, x27, [x30, #0xd0]
    stp     x28, x29, [x30, #0xe0]
    mrs     x1, tpidr_el0
    mrs     x2, currentel
    stp     x1, x2, [x30, #0xf0]
    mrs     x1, spsel
    mrs     x2, daif
    stp     x1, x2, [x30, #0x100]
    mrs     x1, sctlr_el1
    mrs     x2, mpidr_el1
    stp     x1, x2, [x30, #0x110]
    mrs     x1, cntvct_el0
    mrs     x2, tpidr_el1
    stp     x1, x2, [x30, #0x120]
    adr     x1, _start
    mrs     x2, cpacr_el1
    stp     x1, x2, [x30, #0x130]

    msr     daifset, #0xf
    msr     spsel, #1
    adrp    x1, boot_stack_top
    add     sp, x1, :lo12:boot_stack_top

    /* The image is linked at 0: add the load address where an absolute pointer was stored. */
    adr     x1, _start
    adrp    x2, _rela_start
    add     x2, x2, :lo12:_rela_start
    adrp    x3, _rela_end
    add     x3, x3, :lo12:_rela_end
1:  cmp     x2, x3
    b.hs    2f
    ldp     x4, x5, [x2], #16       /* offset, info: all are R_AARCH64_RELATIVE */
    ldr     x6, [x2], #8            /* addend */
    add     x6, x6, x1
    str     x6, [x4, x1]
    b       1b

    /* Written with the caches off: no stale line may hide it once they are on. */
2:  adr     x2, _start
    adrp    x3, _end
    add     x3, x3, :lo12:_end
3:  dc      ivac, x2
    add     x2, x2, #16
    cmp     x2, x3
    b.lo    3b
    dsb     sy
    bl      cpu_early_init
    bl      mmu_build
    bl      mmu_on
    bl      guest_main
4:  wfi
    b       4b

    .global secondary_entry
secondary_entry:                    /* x0 = struct cpu *, caches off */
    mrs     x1, sctlr_el1
    mrs     x2, daif
    stp     x1, x2, [x0, #0x10]
    mrs     x1, currentel
    mrs     x2, spsel
    stp     x1, x2, [x0, #0x20]
    mrs     x1, mpidr_el1
    str     x1, [x0, #0x30]
    msr     daifset, #0xf
    msr     spsel, #1
    ldr     x1, [x0, #0x08]
    mov     sp, x1
    mov     x19, x0
    bl      cpu_early_init
    bl      mmu_on
    mov     x0, x19
    msr     tpidr_el1, x0
    bl      cpu_secondary
5:  wfi
    b       5b

/* Vectors, and no trap for FP/SIMD.  Leaves x0 alone. */
cpu_early_init:
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    mov     x1, #(3 << 20)
    msr     cpacr_el1, x1
    msr     tpidr_el1, xzr
    isb
    ret

/* void mmu_on(void): the tables are built; uses registers only. */
mmu_on:
    ldr     x1, =0x0000000000ff4400 /* MAIR: 0 device-nGnRnE, 1 normal NC, 2 normal WB; see mmu.c */
    msr     mair_el1, x1
    adrp    x1, mmu_tcr
    ldr     x1, [x1, :lo12:mmu_tcr]
    msr     tcr_el1, x1
    adrp    x1, mmu_l0
    add     x1, x1, :lo12:mmu_l0
    msr     ttbr0_el1, x1
    msr     ttbr1_el1, xzr
    isb
    tlbi    vmalle1
    dsb     nsh
    ic      iallu
    dsb     nsh
    isb
    mrs     x1, sctlr_el1
    mov     x2, #0x1005             /* I, C, M */
    orr     x1, x1, x2
    bic     x1, x1, #2              /* no alignment checks */
    bic     x1, x1, #8              /* no stack alignment check: tests use it on purpose */
    msr     sctlr_el1, x1
    isb
    ret
    .ltorg

    .bss
    .balign 16
    .space  8192
boot_stack_top:

    /* Not zero: makes the linker keep .bss inside the flat file. */
    .section .tail, "aw"
    .quad   1
