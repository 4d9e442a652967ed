/* SPDX-License-Identifier: Apache-2.0 */
/* Runs before the first instruction of an unmodified Linux: notes the counter in the kernel's own command line,
 * so that init can read it from /proc/cmdline. Placed in the padding of the Image's header, entered instead of
 * its branch; the last word becomes that branch. Keeps x0 to x3, as the boot protocol wants. */
    .text
    ldr     w4, [x0, #4]            /* size of the device tree, big endian */
    rev     w4, w4
    add     x4, x0, x4              /* its end */
    mov     x5, x0
    adr     x6, key
next:
    add     x5, x5, #1
    cmp     x5, x4
    b.hs    leave
    mov     x7, #0
compare:
    ldrb    w8, [x6, x7]
    cbz     w8, found
    ldrb    w9, [x5, x7]
    add     x7, x7, #1
    cmp     w8, w9
    b.eq    compare
    b       next
found:
    add     x5, x5, x7              /* the sixteen digits after the key */
    mrs     x9, cntvct_el0
    mov     x7, #16
digit:
    ror     x9, x9, #60
    and     x8, x9, #15
    cmp     x8, #10
    add     x6, x8, #'0'
    add     x8, x8, #'a' - 10
    csel    x6, x6, x8, lo
    strb    w6, [x5], #1
    subs    x7, x7, #1
    b.ne    digit
leave:
    b       branch
key:
    .asciz  "bench_entry="
    .balign 4
branch:
    .word   0
