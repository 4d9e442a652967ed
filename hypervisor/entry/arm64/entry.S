/* SPDX-License-Identifier: Apache-2.0 */
/* The EL2 vector table and the way to and from a guest.
 *
 * While a guest runs, SP_EL2 points to its struct vcpu and TPIDR_EL2 to the struct pcpu. A trap saves what C may
 * change (x0 to x17, x30; the hypervisor is compiled with x18 fixed) and takes the pCPU's stack. Handlers return in
 * x0 the vCPU to run next and in x1 the one to leave, or 0: only then the rest is saved and everything is loaded. */
#define VCPU_STACK 256
#define VCPU_X(n)  (8 * (n))
#define PCPU_STACK 8
#define PCPU_PANIC_STACK 16

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

    .macro table name, mitigation
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
    vector  guest_sync, \mitigation /* lower EL, AArch64 */
    vector  guest_irq, \mitigation
    vector  guest_irq, \mitigation  /* FIQ: not routed to us by a two-state GIC; treated alike */
    vector  guest_serror, \mitigation
    vector  guest_sync, \mitigation /* lower EL, AArch32: user space of an AArch64 kernel */
    vector  guest_irq, \mitigation
    vector  guest_irq, \mitigation
    vector  guest_serror, \mitigation
    .endm

    .text
    table   vectors, nothing
    table   vectors_loop, branch_loop
    table   vectors_clrbhb, clear_branch_history
    table   vectors_firmware, ask_firmware

guest_sync:
    save_caller
    to_stack
    mrs     x1, esr_el2
    lsr     x2, x1, #26
    cmp     x2, #0x16
    b.ne    1f
    bl      trap_hvc
    b       guest_return
1:  save_callee x0
    mov     x20, x0
    mov     x21, x1
    cmp     x2, #0x24
    b.eq    2f
    bl      trap_sync
    b       guest_return_all
2:  bl      trap_data_abort
guest_return_all:
    cbnz    x1, guest_switch_saved
    mov     sp, x0
    load_callee sp
    load_caller
    eret

guest_irq:
    save_caller
    to_stack
    bl      trap_irq
guest_return:
    cbnz    x1, guest_switch
    mov     sp, x0
    load_caller
    eret

guest_serror:
    save_caller
    to_stack
    save_callee x0
    bl      trap_serror
    b       guest_return_all

/* x1 leaves this pCPU, or rests in it while x0 = 0: nobody wants to run. */
guest_switch:
    save_callee x1
guest_switch_saved:
    bl      schedule_switch         /* (next, previous), idles if need be, returns the vCPU to run */
    .global guest_enter
guest_enter:
    mov     sp, x0
    load_callee sp
    load_caller
    eret

/* An exception at EL2 itself: the stack may be the reason, so take the one for panics. x0 = vector index. */
hypervisor_fault:
    mrs     x18, tpidr_el2
    mov     x17, sp
    ldr     x18, [x18, #PCPU_PANIC_STACK]
    mov     sp, x18
    mov     x1, x17
    mov     x2, x29
    mov     x3, x30
    bl      hypervisor_panic
    b       .

/* First entry of a pCPU into its loop: x0 = struct pcpu. Nothing on the stack is needed any more. */
    .global pcpu_run
pcpu_run:
    ldr     x16, [x0, #PCPU_STACK]
    mov     sp, x16
    mov     x29, xzr
    bl      pcpu_begin
    mov     x0, xzr
    mov     x1, xzr
    bl      schedule_switch
    b       guest_enter
