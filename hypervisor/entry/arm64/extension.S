/* SPDX-License-Identifier: Apache-2.0 */
/* The way to an extension and back: a call from C, during which SP_EL2 points to the extension's frame, whose layout
 * is that of struct vcpu. The tables follow each other as those of entry.S do: extension_world.h. */
#include "entry/arm64/vectors.h"

#define KEPT 96 /* bytes of what a function must preserve; x18 is saved with the guest's registers */

    .text
    table   extension_vectors, nothing, extension
    table   extension_vectors_loop, branch_loop, extension
    table   extension_vectors_clrbhb, clear_branch_history, extension
    table   extension_vectors_firmware, ask_firmware, extension

/* (frame): returns ESR_EL2 of what ends it, or a number above 32 bits. */
    .global extension_enter
extension_enter:
    stp     x29, x30, [sp, #-KEPT]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    mov     x16, sp
    str     x16, [x0, #VCPU_STACK]
    mov     sp, x0
    load_callee sp
    load_caller
    eret

    .macro save_all
    save_caller
    save_callee sp
    .endm

extension_sync:
    save_all
    mrs     x0, esr_el2
extension_leave:
    ldr     x16, [sp, #VCPU_STACK]
    mov     sp, x16
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #KEPT
    ret

extension_irq:
    save_all
    mov     x0, #(1 << 32)
    b       extension_leave

extension_serror:
    save_all
    mov     x0, #(1 << 32)
    add     x0, x0, #1
    b       extension_leave
