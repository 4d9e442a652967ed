/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Copies between Normal memory, of any alignment on either side, while translation is on: a processor makes
 * nothing of an unaligned access then, but faults on it in device memory and without translation. Nothing is
 * read or written twice. A processor of another kind (tests) goes by bytes inside of its own memcpy(). */
#ifndef RUNTIME_COPY_H
#define RUNTIME_COPY_H

#include <stddef.h>
#include <stdint.h>

/* One load and one store of that width. The compiler may not join or split them: it believes
 * that unaligned ones are forbidden. */
#if defined(__aarch64__) && !__STDC_HOSTED__
#define COPY_ONE(name, bytes, load, store)                                    \
    static inline void name(uint8_t *to, const uint8_t *from)                 \
    {                                                                         \
        uint64_t value;                                                       \
                                                                              \
        __asm__ volatile(load ", [%1]" : "=r"(value) : "r"(from) : "memory"); \
        __asm__ volatile(store ", [%1]" : : "r"(value), "r"(to) : "memory");  \
    }
static inline void copy_32(uint8_t *to, const uint8_t *from)
{
    uint64_t a, b, c, d;

    __asm__ volatile("ldp %0, %1, [%2]" : "=&r"(a), "=r"(b) : "r"(from) : "memory");
    __asm__ volatile("ldp %0, %1, [%2, #16]" : "=&r"(c), "=r"(d) : "r"(from) : "memory");
    __asm__ volatile("stp %0, %1, [%2]" : : "r"(a), "r"(b), "r"(to) : "memory");
    __asm__ volatile("stp %0, %1, [%2, #16]" : : "r"(c), "r"(d), "r"(to) : "memory");
}
#else
#define COPY_ONE(name, bytes, load, store)                    \
    static inline void name(uint8_t *to, const uint8_t *from) \
    {                                                         \
        __builtin_memcpy(to, from, bytes);                    \
    }
COPY_ONE(copy_32, 32, "", "")
#endif

COPY_ONE(copy_8, 8, "ldr %0", "str %0")
COPY_ONE(copy_4, 4, "ldr %w0", "str %w0")
COPY_ONE(copy_2, 2, "ldrh %w0", "strh %w0")
COPY_ONE(copy_1, 1, "ldrb %w0", "strb %w0")

/* The ranges do not overlap. Of 16 bytes and more, stores of 8 are aligned. */
static inline void copy(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 16) {
        size_t first = (size_t)(-(uintptr_t)to % 8);

        size -= first;
        for (; first > 0; first--) {
            copy_1(to++, from++);
        }
    }
    for (; size >= 32; size -= 32) {
        copy_32(to, from);
        to += 32;
        from += 32;
    }
    for (; size >= 8; size -= 8) {
        copy_8(to, from);
        to += 8;
        from += 8;
    }
    if (size >= 4) {
        copy_4(to, from);
        size -= 4;
        to += 4;
        from += 4;
    }
    if (size >= 2) {
        copy_2(to, from);
        size -= 2;
        to += 2;
        from += 2;
    }
    if (size != 0) {
        copy_1(to, from);
    }
}

#endif
