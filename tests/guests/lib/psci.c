// SPDX-License-Identifier: Apache-2.0
#include "guest.h"

bool conduit_smc;

void psci_init(void)
{
    int node = fdt_path("/psci");
    conduit_smc = node >= 0 && fdt_has_string(node, "method", "smc");
    if (arg_is("conduit", "smc")) {
        conduit_smc = true;
    } else if (arg_is("conduit", "hvc")) {
        conduit_smc = false;
    }
}

int64_t psci(uint32_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
    uint64_t regs[18] = {fn, a1, a2, a3};
    smccc_call(conduit_smc, regs);
    return (fn & 0x40000000) != 0 ? (int64_t)regs[0] : (int32_t)regs[0];
}

void system_off(void)
{
    psci(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;) {
        wfi();
    }
}

void system_reset(void)
{
    psci(PSCI_SYSTEM_RESET, 0, 0, 0);
    for (;;) {
        wfi();
    }
}
