/* SPDX-License-Identifier: Apache-2.0 */
#include "core/power.h"

#include "arch/arm64/conduit.h"
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

void firmware_call4(uint64_t function, const uint64_t arguments[6], uint64_t results[4])
{
    uint64_t x[8] = {function,     arguments[0], arguments[1], arguments[2],
                     arguments[3], arguments[4], arguments[5], 0};

    conduit_call(conduit_hvc, x);
    for (unsigned i = 0; i < 4u; i++) {
        results[i] = x[i];
    }
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
