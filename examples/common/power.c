/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI calls of a domain. */
#include "guest.h"

_Noreturn static void psci(uint32_t number)
{
    register uint64_t function __asm__("x0") = number;

    for (;;)
        __asm__ volatile("hvc #0" : "+r"(function) : : "x1", "x2", "x3", "memory");
}

_Noreturn void power_off(void)
{
    psci(0x84000008U);
}

_Noreturn void power_reset(void)
{
    psci(0x84000009U);
}
