/* SPDX-License-Identifier: Apache-2.0 */
/* One SMCCC call to the firmware (DEN0028 2.7). x0 to x7 go in, x0 to x3 come back; x4 to x17 are preserved
 * by 1.1 firmware, not by 1.0. */
#ifndef ARCH_CONDUIT_H
#define ARCH_CONDUIT_H

#include "base/types.h"

#ifdef __aarch64__
static inline void conduit_call(bool hvc, uint64_t x[8])
{
    register uint64_t x0 __asm__("x0") = x[0];
    register uint64_t x1 __asm__("x1") = x[1];
    register uint64_t x2 __asm__("x2") = x[2];
    register uint64_t x3 __asm__("x3") = x[3];
    register uint64_t x4 __asm__("x4") = x[4];
    register uint64_t x5 __asm__("x5") = x[5];
    register uint64_t x6 __asm__("x6") = x[6];
    register uint64_t x7 __asm__("x7") = x[7];

#define CONDUIT_(op)                                                                                         \
    __asm__ volatile(op " #0"                                                                                \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)::"x8", \
                       "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory")
    if (hvc) {
        CONDUIT_("hvc");
    } else {
        CONDUIT_("smc");
    }
#undef CONDUIT_
    x[0] = x0;
    x[1] = x1;
    x[2] = x2;
    x[3] = x3;
}
#else
void conduit_call(bool hvc, uint64_t x[8]);
#endif

#endif
