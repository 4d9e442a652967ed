/* SPDX-License-Identifier: Apache-2.0 */
/* Entry and vectors of the benchmark guest: an arm64 Image that runs at any 2 MiB aligned address. */

    .macro address reg, symbol
    adrp    \reg, \symbol
    add     \reg, \reg, :lo12:\symbol
    .endm

    .macro set_up_cpu stack
    msr     daifset, #0xf
    address x1, \stack
    msr     spsel, #1
    mov     sp, x1
    address x1, vectors
    msr     vbar_el1, x1
    isb
    .endm

    .section .head, "ax"
    .global _start
_start:
    mrs     x20, cntpct_el0         /* the first instruction of the guest: boot_first ends here */
    b       primary
    .quad   0                       /* text_offset */
    .quad   _end                    /* image_size; linked at 0 */
    .quad   0xa                     /* little endian, 4 KiB pages, anywhere */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

    .text
primary:
    mov     x21, x0                 /* device tree */
    msr     tpidr_el1, xzr
    set_up_cpu stack0_top
    mov     x0, x21
    mov     x1, x20
    bl      guest_main
sleep_primary:
    wfi
    b       sleep_primary

    .global secondary_entry
secondary_entry:                    /* x0 = context id = index of this vCPU */
    msr     tpidr_el1, x0
    set_up_cpu stack1_top
    bl      secondary_main
sleep_secondary:
    wfi
    b       sleep_secondary

    .arch_extension fp
    .global fp_enable
fp_enable:
    mov     x0, #(3 << 20)
    msr     cpacr_el1, x0
    isb
    ret

    .global fp_touch
fp_touch:
    fmov    d0, d1
    ret

    .macro unexpected number
    .balign 128
    mov     x0, #\number
    b       report_exception
    .endm

    .balign 2048
vectors:
    unexpected 0
    unexpected 1
    unexpected 2
    unexpected 3
    .balign 128
    /* Synchronous. An undefined hypercall is how a hypervisor says that it has none: note it and step over. Nothing
     * lives in x17 across a call. */
    mrs     x17, esr_el1
    lsr     x17, x17, #26
    cbnz    x17, bad_sync
    mrs     x17, elr_el1
    add     x17, x17, #4
    msr     elr_el1, x17
    adrp    x17, undefined_seen
    add     x17, x17, :lo12:undefined_seen
    str     w17, [x17]
    eret
    .balign 128
    /* IRQ. The first instruction takes the time: the interrupt rows end here. */
    mrs     x18, cntvct_el0
    stp     x29, x30, [sp, #-160]!
    stp     x0, x1, [sp, #16]
    stp     x2, x3, [sp, #32]
    stp     x4, x5, [sp, #48]
    stp     x6, x7, [sp, #64]
    stp     x8, x9, [sp, #80]
    stp     x10, x11, [sp, #96]
    stp     x12, x13, [sp, #112]
    stp     x14, x15, [sp, #128]
    stp     x16, x17, [sp, #144]
    mov     x0, x18
    bl      irq_main
    ldp     x0, x1, [sp, #16]
    ldp     x2, x3, [sp, #32]
    ldp     x4, x5, [sp, #48]
    ldp     x6, x7, [sp, #64]
    ldp     x8, x9, [sp, #80]
    ldp     x10, x11, [sp, #96]
    ldp     x12, x13, [sp, #112]
    ldp     x14, x15, [sp, #128]
    ldp     x16, x17, [sp, #144]
    ldp     x29, x30, [sp], #160
    eret
    unexpected 6
    unexpected 7
    unexpected 8
    unexpected 9
    unexpected 10
    unexpected 11
    unexpected 12
    unexpected 13
    unexpected 14
    unexpected 15
bad_sync:
    mov     x0, #4
report_exception:
    mrs     x1, esr_el1
    mrs     x2, elr_el1
    mrs     x3, far_el1
    bl      exception_main
sleep_exception:
    wfi
    b       sleep_exception

    .bss
    .balign 16
    .space 16384
stack0_top:
    .space 16384
stack1_top:

    /* Not zero, so that the linker keeps .bss inside the flat file and no loader has to clear anything. */
    .section .tail, "aw"
    .quad   1
