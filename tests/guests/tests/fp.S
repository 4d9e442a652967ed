/* SPDX-License-Identifier: Apache-2.0 */
    .arch   armv8-a+fp+simd
    .text
/* void fp_fill(uint64_t seed): every vector register, FPCR and FPSR from the seed. */
    .global fp_fill
fp_fill:
    mov     x2, x0
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ins     v\n\().d[0], x2
    add     x2, x2, x0
    ins     v\n\().d[1], x2
    add     x2, x2, x0
    .endr
    and     x2, x0, #0xc00000       /* rounding mode */
    msr     fpcr, x2
    and     x2, x0, #0x1f           /* cumulative flags */
    msr     fpsr, x2
    ret

/* uint64_t fp_differs(uint64_t seed): 0, or the number of registers that changed. */
    .global fp_differs
fp_differs:
    mov     x2, x0
    mov     x3, #0
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    umov    x4, v\n\().d[0]
    cmp     x4, x2
    cinc    x3, x3, ne
    add     x2, x2, x0
    umov    x4, v\n\().d[1]
    cmp     x4, x2
    cinc    x3, x3, ne
    add     x2, x2, x0
    .endr
    mrs     x4, fpcr
    and     x5, x0, #0xc00000
    cmp     x4, x5
    cinc    x3, x3, ne
    mrs     x4, fpsr
    and     x4, x4, #0x1f
    and     x5, x0, #0x1f
    cmp     x4, x5
    cinc    x3, x3, ne
    mov     x0, x3
    ret
