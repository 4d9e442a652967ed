/* SPDX-License-Identifier: Apache-2.0 */
/* One two-instruction function for each encoding of the identification space. */
    .text
    .balign 8
    .global id_space_reads
id_space_reads:
    .irp    m, 1, 2, 3, 4, 5, 6, 7
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
    mrs     x0, S3_0_C0_C\m\()_\n
    ret
    .endr
    .endr
