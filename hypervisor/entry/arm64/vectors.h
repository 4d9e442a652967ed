/* SPDX-License-Identifier: Apache-2.0 */
/* What the vector tables have in common: saving registers where SP_EL2 points, and the table itself. Assembly
 * only. */
#ifndef ENTRY_VECTORS_H
#define ENTRY_VECTORS_H

#ifdef __ASSEMBLER__
/* clang-format off */

#define VCPU_STACK 256
#define VCPU_X(n)  (8 * (n))

    .macro save_caller
    stp     x0, x1, [sp, #VCPU_X(0)]
    stp     x2, x3, [sp, #VCPU_X(2)]
    stp     x4, x5, [sp, #VCPU_X(4)]
    stp     x6, x7, [sp, #VCPU_X(6)]
    stp     x8, x9, [sp, #VCPU_X(8)]
    stp     x10, x11, [sp, #VCPU_X(10)]
    stp     x12, x13, [sp, #VCPU_X(12)]
    stp     x14, x15, [sp, #VCPU_X(14)]
    stp     x16, x17, [sp, #VCPU_X(16)]
    str     x30, [sp, #VCPU_X(30)]
    .endm

    .macro load_caller
    ldp     x2, x3, [sp, #VCPU_X(2)]
    ldp     x4, x5, [sp, #VCPU_X(4)]
    ldp     x6, x7, [sp, #VCPU_X(6)]
    ldp     x8, x9, [sp, #VCPU_X(8)]
    ldp     x10, x11, [sp, #VCPU_X(10)]
    ldp     x12, x13, [sp, #VCPU_X(12)]
    ldp     x14, x15, [sp, #VCPU_X(14)]
    ldp     x16, x17, [sp, #VCPU_X(16)]
    ldr     x30, [sp, #VCPU_X(30)]
    ldp     x0, x1, [sp, #VCPU_X(0)]
    .endm

    .macro save_callee base
    stp     x18, x19, [\base, #VCPU_X(18)]
    stp     x20, x21, [\base, #VCPU_X(20)]
    stp     x22, x23, [\base, #VCPU_X(22)]
    stp     x24, x25, [\base, #VCPU_X(24)]
    stp     x26, x27, [\base, #VCPU_X(26)]
    stp     x28, x29, [\base, #VCPU_X(28)]
    .endm

    .macro load_callee base
    ldp     x18, x19, [\base, #VCPU_X(18)]
    ldp     x20, x21, [\base, #VCPU_X(20)]
    ldp     x22, x23, [\base, #VCPU_X(22)]
    ldp     x24, x25, [\base, #VCPU_X(24)]
    ldp     x26, x27, [\base, #VCPU_X(26)]
    ldp     x28, x29, [\base, #VCPU_X(28)]
    .endm

    .macro to_stack
    mov     x0, sp
    ldr     x16, [x0, #VCPU_STACK]
    mov     sp, x16
    .endm

    .macro nothing
    .endm

/* What a core needs so that a guest cannot steer the hypervisor's branch prediction (arch/arm64/errata.h). The save
 * area has room for the scratch registers. */
    .macro branch_loop
    stp     x0, x1, [sp, #VCPU_X(0)]
    mov     x0, #32                 /* enough for every core that the loop helps */
1:  b       2f
2:  subs    x0, x0, #1
    b.ne    1b
    dsb     nsh
    isb
    ldp     x0, x1, [sp, #VCPU_X(0)]
    .endm

    .macro clear_branch_history
    hint    #22                     /* CLRBHB */
    isb
    .endm

    .macro ask_firmware
    stp     x0, x1, [sp, #VCPU_X(0)]
    stp     x2, x3, [sp, #VCPU_X(2)]
    mov     w0, #0x3fff             /* SMCCC_ARCH_WORKAROUND_3 */
    movk    w0, #0x8000, lsl #16
    smc     #0
    ldp     x2, x3, [sp, #VCPU_X(2)]
    ldp     x0, x1, [sp, #VCPU_X(0)]
    .endm

    .macro vector target, mitigation
    .balign 128
    \mitigation
    b       \target
    .endm

    .macro fault kind
    .balign 128
    mov     x0, #\kind
    b       hypervisor_fault
    .endm

/* Of what comes from lower levels: \from\()_sync, _irq and _serror. */
    .macro table name, mitigation, from
    .balign 2048
    .global \name
\name:
    fault   0                       /* current EL, SP_EL0 */
    fault   1
    fault   2
    fault   3
    fault   4                       /* current EL, SP_EL2: a bug */
    fault   5
    fault   6
    fault   7
    vector  \from\()_sync, \mitigation /* lower EL, AArch64 */
    vector  \from\()_irq, \mitigation
    vector  \from\()_irq, \mitigation  /* FIQ: not routed to us by a two-state GIC; treated alike */
    vector  \from\()_serror, \mitigation
    vector  \from\()_sync, \mitigation /* lower EL, AArch32: user space of an AArch64 kernel */
    vector  \from\()_irq, \mitigation
    vector  \from\()_irq, \mitigation
    vector  \from\()_serror, \mitigation
    .endm

#endif
#endif
