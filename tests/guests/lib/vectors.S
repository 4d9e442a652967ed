/* SPDX-License-Identifier: Apache-2.0 */
/* Exception vectors: one frame layout for all, C decides. */

    .macro  save
    sub     sp, sp, #272
    stp     x0,  x1,  [sp, #0]
    stp     x2,  x3,  [sp, #16]
    stp     x4,  x5,  [sp, #32]
    stp     x6,  x7,  [sp, #48]
    stp     x8,  x9,  [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x1, elr_el1
    stp     x30, x1,  [sp, #240]
    mrs     x2, spsr_el1
    str     x2, [sp, #256]
    .endm

    .macro  vector n, handler
    .balign 128
    save
    mov     x1, #\n
    mov     x0, sp
    bl      \handler
    b       restore
    .endm

    .text
    .balign 2048
    .global vectors
vectors:
    vector  0,  exception_fatal     /* current EL with SP_EL0 */
    vector  1,  exception_fatal
    vector  2,  exception_fatal
    vector  3,  exception_fatal
    vector  4,  exception_sync      /* current EL with SP_ELx */
    vector  5,  exception_irq
    vector  6,  exception_irq       /* FIQ: group 0 where the GIC has one security state */
    vector  7,  exception_serror
    vector  8,  exception_lower     /* lower EL, AArch64 */
    vector  9,  exception_irq
    vector  10, exception_irq
    vector  11, exception_serror
    vector  12, exception_fatal
    vector  13, exception_fatal
    vector  14, exception_fatal
    vector  15, exception_fatal

restore:
    ldr     x2, [sp, #256]
    ldp     x30, x1,  [sp, #240]
    msr     spsr_el1, x2
    msr     elr_el1, x1
    ldp     x28, x29, [sp, #224]
    ldp     x26, x27, [sp, #208]
    ldp     x24, x25, [sp, #192]
    ldp     x22, x23, [sp, #176]
    ldp     x20, x21, [sp, #160]
    ldp     x18, x19, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8,  x9,  [sp, #64]
    ldp     x6,  x7,  [sp, #48]
    ldp     x4,  x5,  [sp, #32]
    ldp     x2,  x3,  [sp, #16]
    ldp     x0,  x1,  [sp, #0]
    add     sp, sp, #272
    eret

/* void smccc(bool smc, uint64_t regs[18]): every argument register goes in and every one comes back. */
    .global smccc_call
smccc_call:
    stp     x29, x30, [sp, #-32]!
    stp     x19, x20, [sp, #16]
    mov     x19, x0
    mov     x20, x1
    ldp     x16, x17, [x20, #128]
    ldp     x14, x15, [x20, #112]
    ldp     x12, x13, [x20, #96]
    ldp     x10, x11, [x20, #80]
    ldp     x8,  x9,  [x20, #64]
    ldp     x6,  x7,  [x20, #48]
    ldp     x4,  x5,  [x20, #32]
    ldp     x2,  x3,  [x20, #16]
    ldp     x0,  x1,  [x20, #0]
    cbnz    w19, 1f
    hvc     #0
    b       2f
1:  smc     #0
2:  stp     x0,  x1,  [x20, #0]
    stp     x2,  x3,  [x20, #16]
    stp     x4,  x5,  [x20, #32]
    stp     x6,  x7,  [x20, #48]
    stp     x8,  x9,  [x20, #64]
    stp     x10, x11, [x20, #80]
    stp     x12, x13, [x20, #96]
    stp     x14, x15, [x20, #112]
    stp     x16, x17, [x20, #128]
    ldp     x19, x20, [sp, #16]
    ldp     x29, x30, [sp], #32
    ret
