/* SPDX-License-Identifier: Apache-2.0 */
#include "core/power.h"

#include "arch/arm64/sysreg.h"
#include "core/console.h"

#define PSCI_CPU_ON       0xc4000003u
#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

static bool conduit_hvc;

void power_init(bool use_hvc)
{
    conduit_hvc = use_hvc;
}

/* SMCCC 1.1: x0 to x3 results, x4 to x17 preserved by 1.1 firmware, not by 1.0. */
void firmware_call4(uint64_t function, const uint64_t arguments[6], uint64_t results[4])
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = arguments[0];
    register uint64_t x2 __asm__("x2") = arguments[1];
    register uint64_t x3 __asm__("x3") = arguments[2];
    register uint64_t x4 __asm__("x4") = arguments[3];
    register uint64_t x5 __asm__("x5") = arguments[4];
    register uint64_t x6 __asm__("x6") = arguments[5];
    register uint64_t x7 __asm__("x7") = 0;

#define CALL(op)                                                                                                   \
    __asm__ volatile(op " #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)::"x8", \
                     "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory")
    if (conduit_hvc) {
        CALL("hvc");
    } else {
        CALL("smc");
    }
    results[0] = x0;
    results[1] = x1;
    results[2] = x2;
    results[3] = x3;
}

uint64_t firmware_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    uint64_t results[4];

    firmware_call4(function, (const uint64_t[6]){a1, a2, a3, 0, 0, 0}, results);
    return results[0];
}

int64_t power_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t argument)
{
    return (int64_t)(int32_t)firmware_call(PSCI_CPU_ON, mpidr, entry, argument);
}

static void power_end(uint32_t function)
{
    console_drain();
    (void)firmware_call(function, 0, 0, 0);
    for (;;) {
        wfi();
    }
}

void power_off(void)
{
    power_end(PSCI_SYSTEM_OFF);
    __builtin_unreachable();
}

void power_reset(void)
{
    power_end(PSCI_SYSTEM_RESET);
    __builtin_unreachable();
}
