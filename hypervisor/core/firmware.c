/* SPDX-License-Identifier: Apache-2.0 */
#include "core/firmware.h"

#include "core/power.h"

#define PSCI_VERSION        0x84000000u
#define PSCI_FEATURES       0x8400000au
#define SMCCC_VERSION       0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_1_1           0x10001

static const uint32_t workarounds[] = {SMCCC_WORKAROUND_1, SMCCC_WORKAROUND_2, SMCCC_WORKAROUND_3};
static int64_t answers[] = {-1, -1, -1};

static int32_t call(uint32_t function, uint32_t argument)
{
    return (int32_t)firmware_call(function, argument, 0, 0);
}

/* SMCCC 1.1 is found through PSCI 1.0: on older firmware its functions must not be tried. */
void firmware_probe(void)
{
    if (call(PSCI_VERSION, 0) < 0x10000 || call(PSCI_FEATURES, SMCCC_VERSION) < 0 ||
        call(SMCCC_VERSION, 0) < SMCCC_1_1) {
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(workarounds); i++) {
        answers[i] = call(SMCCC_ARCH_FEATURES, workarounds[i]);
    }
}

int64_t firmware_workaround(uint32_t function)
{
    for (unsigned i = 0; i < ARRAY_SIZE(workarounds); i++) {
        if (workarounds[i] == function) {
            return answers[i];
        }
    }
    return -1;
}
