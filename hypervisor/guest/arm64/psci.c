/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 and the SMCCC services of a domain (DEN0022, DEN0028), through HVC and SMC alike. */
#include "arch/arm64/barrier.h"
#include "base/spinlock.h"
#include "core/domain.h"
#include "core/firmware.h"
#include "core/power.h"
#include "guest/arm64/trap.h"

#define SMCCC_VERSION          0x80000000u
#define SMCCC_ARCH_FEATURES    0x80000001u
#define PSCI_VERSION           0x84000000u
#define PSCI_CPU_SUSPEND       0x84000001u
#define PSCI_CPU_OFF           0x84000002u
#define PSCI_CPU_ON            0x84000003u
#define PSCI_AFFINITY_INFO     0x84000004u
#define PSCI_MIGRATE_INFO_TYPE 0x84000006u
#define PSCI_SYSTEM_OFF        0x84000008u
#define PSCI_SYSTEM_RESET      0x84000009u
#define PSCI_FEATURES          0x8400000au
#define SMC64                  0x40000000u
#define PSCI_0_1_CPU_OFF       1u
#define PSCI_0_1_CPU_ON        2u
#define VENDOR_HYP_COUNT       0x8600ff00u
#define VENDOR_HYP_UID         0x8600ff01u
#define VENDOR_HYP_REVISION    0x8600ff03u

#define VERSION_1_1        0x10001u
#define NOT_SUPPORTED      ((uint64_t)-1)
#define INVALID_PARAMETERS ((uint64_t)-2)
#define ALREADY_ON         ((uint64_t)-4)
#define ON_PENDING         ((uint64_t)-5)
#define INVALID_ADDRESS    ((uint64_t)-9)
#define NO_MIGRATION       2u

static struct vcpu *by_affinity(struct domain *domain, uint64_t affinity)
{
    const struct domain_record *record = domain->record;

    for (unsigned i = 0; i < record->nr_vcpus; i++) {
        if (record->vcpus[i].affinity == affinity) {
            return &domain->vcpus[i];
        }
    }
    return NULL;
}

static uint64_t cpu_on(struct vcpu *caller, uint64_t affinity, uint64_t entry, uint64_t context)
{
    struct vcpu *target = by_affinity(caller->domain, affinity);
    uint32_t power = POWER_OFF;
    pa_t pa;

    if (target == NULL) {
        return INVALID_PARAMETERS;
    }
#ifndef BREAK_cpu_on_check
    if (entry % 4u != 0 || !stage2_lookup(&caller->domain->stage2, IPA(entry), &pa)) {
        return INVALID_ADDRESS;
    }
#endif
    if (!__atomic_compare_exchange_n(&target->power, &power, POWER_ON_PENDING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        return power == POWER_ON ? ALREADY_ON : ON_PENDING;
    }
    target->on_entry = entry;
    target->on_context = context;
    store_release(&target->on_incarnation, caller->domain->incarnation);
    vcpu_request(target, WORK_ON);
    return 0;
}

static uint64_t affinity_info(struct vcpu *caller, uint64_t affinity, uint64_t level)
{
    const struct vcpu *target = by_affinity(caller->domain, affinity);

    if (target == NULL || level != 0) {
        return INVALID_PARAMETERS;
    }
    switch (load_acquire(&target->power)) {
    case POWER_ON:
        return 0;
    case POWER_OFF:
        return 1;
    default:
        return 2;
    }
}

static uint64_t psci_features(uint32_t function)
{
    switch (function & ~SMC64) {
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
        return 0;
    case SMCCC_VERSION:
    case PSCI_VERSION:
    case PSCI_CPU_OFF:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
        return (function & SMC64) == 0 ? 0 : NOT_SUPPORTED;
    default:
        return NOT_SUPPORTED;
    }
}

static uint64_t arch_features(uint32_t function)
{
    if (function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES) {
        return 0;
    }
    return (uint64_t)firmware_workaround(function);
}

/* Calls that the description hands to the firmware (`bulkhead,smc-allow`). */
static bool forward(struct vcpu *vcpu, uint32_t function)
{
    const struct domain_record *record = vcpu->domain->record;

#ifdef BREAK_smc_filter
    static const uint32_t all[1][2] = {{0, ~0u}};
    static const struct domain_record open = {.nr_smc_ranges = 1, .smc_ranges = all};

    record = &open;
#endif
    for (uint32_t i = 0; i < record->nr_smc_ranges; i++) {
        if (function >= record->smc_ranges[i][0] && function <= record->smc_ranges[i][1]) {
            uint64_t arguments[6], results[4];

            for (unsigned n = 0; n < 6; n++) {
                arguments[n] = vcpu->x[n + 1u];
            }
            firmware_call4(function, arguments, results);
            for (unsigned n = 0; n < 4; n++) {
                vcpu->x[n] = results[n];
            }
            return true;
        }
    }
    return false;
}

#ifdef BREAK_long_lock
/* Test-only build: a lock that the path of every timer interrupt takes is held over a loop that the guest
 * chooses. */
static void hold_long(uint64_t rounds)
{
    extern struct spinlock long_lock;

    spin_lock(&long_lock);
    for (volatile uint64_t n = rounds; n != 0; n--) {
    }
    spin_unlock(&long_lock);
}
#endif

static void identify(struct vcpu *vcpu)
{
    /* 5f0b6c6e-3c55-4f0e-9a51-b01c4ead0001, in four words as SMCCC 6.2 asks */
    vcpu->x[0] = 0x6e6c0b5fu;
    vcpu->x[1] = 0x0e4f553cu;
    vcpu->x[2] = 0x1cb0519au;
    vcpu->x[3] = 0x0100ad4eu;
}

/* What is rare, and what has its answer in more than x0. Returns the value of x0. */
static uint64_t other_call(struct vcpu *vcpu, uint32_t function)
{
    if (firmware_workaround(function) >= 0) {
        (void)firmware_call(function, vcpu->x[1], 0, 0);
        return vcpu->x[0];
    }
#ifdef BREAK_long_lock
    if (function == 0x8600ffffu) {
        hold_long(vcpu->x[1]);
        return 0;
    }
#endif
    switch (function) {
    case VENDOR_HYP_COUNT:
        return 3;
    case VENDOR_HYP_UID:
        identify(vcpu);
        return vcpu->x[0];
    case VENDOR_HYP_REVISION:
        vcpu->x[1] = 1;
        return 0;
    default:
        return forward(vcpu, function) ? vcpu->x[0] : NOT_SUPPORTED;
    }
}

static uint64_t power_call(struct vcpu *vcpu, uint32_t function)
{
    const uint64_t *x = vcpu->x;
    uint64_t mask = (function & SMC64) != 0 ? ~UINT64_C(0) : 0xffffffffu;

    switch (function) {
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_SUSPEND |
        SMC64: /* whatever the state, it is left like a WFI: allowed for every power state */
        schedule_wait(vcpu);
        return 0;
    case PSCI_CPU_OFF:
    case PSCI_0_1_CPU_OFF:
        __atomic_fetch_or(&vcpu->work, WORK_OFF, __ATOMIC_RELAXED);
        return x[0];
    case PSCI_CPU_ON:
    case PSCI_CPU_ON | SMC64:
    case PSCI_0_1_CPU_ON:
        return cpu_on(vcpu, x[1] & mask, x[2] & (function == PSCI_CPU_ON ? mask : ~UINT64_C(0)), x[3] & mask);
    case PSCI_AFFINITY_INFO:
    case PSCI_AFFINITY_INFO | SMC64:
        return affinity_info(vcpu, x[1] & mask, x[2] & mask);
    case PSCI_MIGRATE_INFO_TYPE:
        return NO_MIGRATION;
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
        domain_stop(vcpu->domain, function == PSCI_SYSTEM_OFF ? STOP_OFF : STOP_RESET);
        return x[0];
    case PSCI_FEATURES:
        return psci_features((uint32_t)x[1]);
    default:
        return other_call(vcpu, function);
    }
}

/* Apart from the rest, which saves registers. */
static __attribute__((noinline)) void most_calls(struct vcpu *vcpu, uint32_t function)
{
    vcpu->x[0] =
        function == SMCCC_ARCH_FEATURES ? arch_features((uint32_t)vcpu->x[1]) : power_call(vcpu, function);
}

void smccc_call(struct vcpu *vcpu)
{
    uint32_t function = (uint32_t)vcpu->x[0];

    if (function == PSCI_VERSION || function == SMCCC_VERSION) {
        vcpu->x[0] = VERSION_1_1;
    } else {
        most_calls(vcpu, function);
    }
}
