/* SPDX-License-Identifier: Apache-2.0 */
/* The EL2 vector table and the way to and from a guest.
 *
 * While a guest runs, SP_EL2 points to its struct vcpu and TPIDR_EL2 to the struct pcpu. A trap saves what C may
 * change (x0 to x17, x30; the hypervisor is compiled with x18 fixed) and takes the pCPU's stack. Handlers return in
 * x0 the vCPU to run next and in x1 the one to leave, or 0: only then the rest is saved and everything is loaded. */
#include "entry/arm64/vectors.h"

#define PCPU_STACK 8
#define PCPU_PANIC_STACK 16

    .text
    table   vectors, nothing, guest
    table   vectors_loop, branch_loop, guest
    table   vectors_clrbhb, clear_branch_history, guest
    table   vectors_firmware, ask_firmware, guest

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
    .global hypervisor_fault
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
