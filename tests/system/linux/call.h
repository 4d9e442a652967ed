/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of arm64 Linux for programs without a C library: call(number, up to six arguments). */
#ifndef LINUX_CALL_H
#define LINUX_CALL_H

#define call(number, ...) call_with(number, (const long[6]){__VA_ARGS__})

static inline long call_with(long number, const long argument[6])
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = argument[0];
    register long x1 __asm__("x1") = argument[1];
    register long x2 __asm__("x2") = argument[2];
    register long x3 __asm__("x3") = argument[3];
    register long x4 __asm__("x4") = argument[4];
    register long x5 __asm__("x5") = argument[5];

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

#endif
