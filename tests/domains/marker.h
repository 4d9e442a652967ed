/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that do nothing and that an emulator's plugin knows (HINTs that no architecture gives a
 * meaning). */
#ifndef DOMAINS_MARKER_H
#define DOMAINS_MARKER_H

#include <stdint.h>

/* The load that is measured begins, and ends. */
static inline void marker_begin(void)
{
    __asm__ volatile("hint #120" : : : "memory");
}

static inline void marker_end(void)
{
    __asm__ volatile("hint #121" : : : "memory");
}

/* One request of it begins, or is done; its number, below 64, is in x0. */
static inline void marker_request(uint32_t number)
{
    register uint64_t x0 __asm__("x0") = number;

    __asm__ volatile("hint #122" : : "r"(x0) : "memory");
}

static inline void marker_done(uint32_t number)
{
    register uint64_t x0 __asm__("x0") = number;

    __asm__ volatile("hint #123" : : "r"(x0) : "memory");
}

/* A life serves, and its end. */
static inline void marker_alive(void)
{
    __asm__ volatile("hint #125" : : : "memory");
}

static inline void marker_crash(void)
{
    __asm__ volatile("hint #124" : : : "memory");
}

#endif
