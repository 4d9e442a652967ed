/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 and SMCCC as a guest meets them: error codes, states of its vCPUs. */
#include "machine.h"

#include "core/firmware.h"
#include "guest/arm64/trap.h"

#define SMC64         0x40000000u
#define VERSION       0x84000000u
#define CPU_SUSPEND   0x84000001u
#define CPU_OFF       0x84000002u
#define CPU_ON        0x84000003u
#define AFFINITY_INFO 0x84000004u
#define MIGRATE       0x84000005u
#define MIGRATE_TYPE  0x84000006u
#define SYSTEM_OFF    0x84000008u
#define SYSTEM_RESET  0x84000009u
#define FEATURES      0x8400000au
#define SMCCC_VERSION 0x80000000u
#define ARCH_FEATURES 0x80000001u
#define WORKAROUND_1  0x80008000u
#define WORKAROUND_3  0x80003fffu

static struct domain *domain;

static void start(unsigned nr_vcpus, unsigned processors)
{
    machine_start(processors);
    domain = machine_domain(machine_record(1, nr_vcpus));
    machine_boot();
}

static int64_t call(unsigned vcpu, uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct vcpu *v = &domain->vcpus[vcpu];

    machine_hvc(v, function, a1, a2, a3);
    return (int64_t)v->x[0];
}

static void answers(void **state)
{
    static const struct {
        uint64_t function, a1, a2, a3;
        int64_t want;
    } rows[] = {
        {VERSION, 0, 0, 0, 0x10001},
        {SMCCC_VERSION, 0, 0, 0, 0x10001},
        {MIGRATE_TYPE, 0, 0, 0, 2},
        {MIGRATE, 0, 0, 0, -1},
        {AFFINITY_INFO, 0, 0, 0, 0},
        {AFFINITY_INFO | SMC64, 1, 0, 0, 1},
        {AFFINITY_INFO, 0, 1, 0, -2},
        {AFFINITY_INFO, 2, 0, 0, -2},
        {AFFINITY_INFO | SMC64, UINT64_C(1) << 32, 0, 0, -2},
        {AFFINITY_INFO, UINT64_C(1) << 32, 0, 0, 0}, /* SMC32: the upper half does not count */
        {CPU_ON | SMC64, 0, GUEST_RAM, 0, -4},
        {CPU_ON | SMC64, 7, GUEST_RAM, 0, -2},
        {CPU_ON | SMC64, UINT64_C(1) << 32 | 1u, GUEST_RAM, 0, -2},
        {CPU_ON | SMC64, 1, GUEST_RAM + 2, 0, -9},
        {CPU_ON | SMC64, 1, GUEST_RAM + GUEST_SIZE, 0, -9},
        {CPU_ON | SMC64, 1, ~UINT64_C(3), 0, -9},
        {CPU_ON | SMC64, 1, 0x22000000, 0, -9}, /* a device */
        {FEATURES, CPU_ON, 0, 0, 0},
        {FEATURES, CPU_ON | SMC64, 0, 0, 0},
        {FEATURES, CPU_SUSPEND | SMC64, 0, 0, 0},
        {FEATURES, AFFINITY_INFO | SMC64, 0, 0, 0},
        {FEATURES, VERSION, 0, 0, 0},
        {FEATURES, SMCCC_VERSION, 0, 0, 0},
        {FEATURES, FEATURES, 0, 0, 0},
        {FEATURES, SYSTEM_OFF, 0, 0, 0},
        {FEATURES, SYSTEM_OFF | SMC64, 0, 0, -1},
        {FEATURES, CPU_OFF | SMC64, 0, 0, -1},
        {FEATURES, MIGRATE, 0, 0, -1},
        {FEATURES, 0x84000012, 0, 0, -1},
        {ARCH_FEATURES, SMCCC_VERSION, 0, 0, 0},
        {ARCH_FEATURES, ARCH_FEATURES, 0, 0, 0},
        {ARCH_FEATURES, WORKAROUND_1, 0, 0, -1},
        {ARCH_FEATURES, 0x80001234, 0, 0, -1},
        {WORKAROUND_1, 0, 0, 0, -1},
        {0x84000012, 0, 0, 0, -1},
        {0x12345678, 0, 0, 0, -1},
        {0xffffffff, 0, 0, 0, -1},
        {0xc3000000, 0, 0, 0, -1},
    };

    (void)state;
    start(2, 2);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t got = call(0, rows[i].function, rows[i].a1, rows[i].a2, rows[i].a3);

        if (got != rows[i].want) {
            host_fail("row %u: function 0x%lx gives %ld, not %ld", i, rows[i].function, got, rows[i].want);
        }
    }
    assert_int_equal(domain->vcpus[1].power, POWER_OFF);
}

static void on_and_off(void **state)
{
    struct vcpu *second;

    (void)state;
    start(2, 2);
    second = &domain->vcpus[1];
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(call(0, AFFINITY_INFO, 1, 0, 0), 1);
        assert_int_equal(call(0, CPU_ON | SMC64, 1, GUEST_RAM + 64, 0x100000000 + i), 0);
        assert_int_equal(call(0, AFFINITY_INFO, 1, 0, 0), 2);
        assert_int_equal(call(0, CPU_ON | SMC64, 1, GUEST_RAM, 0), -5);
        machine_settle();
        assert_int_equal(call(0, AFFINITY_INFO, 1, 0, 0), 0);
        assert_int_equal(call(0, CPU_ON | SMC64, 1, GUEST_RAM, 0), -4);
        assert_int_equal(second->x[0], 0x100000000 + i);
        host_on(1);
        assert_int_equal(host_effective("elr_el2"), GUEST_RAM + 64);
        assert_int_equal(host_effective("spsr_el2"), 0x3c5);
        assert_int_equal(host_effective("sctlr_el1"), 0x00c50078);
        assert_int_equal(host_effective("vmpidr_el2"), UINT64_C(0x80000001));
        second->x[9] = 1;
        assert_null(machine_hvc(second, CPU_OFF, 0, 0, 0));
    }
    assert_int_equal(call(0, CPU_ON, 1, UINT64_C(0x500000000) + GUEST_RAM, UINT64_C(0x500000007)),
                     0); /* SMC32: 32 bits */
    machine_settle();
    assert_int_equal(second->x[0], 7);
    assert_int_equal(second->x[9], 0);
}

/* The second turns itself off while the first turns it on, at every point in between. */
static void on_while_it_goes_off(void **state)
{
    (void)state;
    for (unsigned when = 0; when < 3; when++) {
        struct vcpu *second;
        int64_t answer = 1;

        start(2, 2);
        second = &domain->vcpus[1];
        call(0, CPU_ON | SMC64, 1, GUEST_RAM, 1);
        machine_settle();
        if (when == 0) {
            answer = call(0, CPU_ON | SMC64, 1, GUEST_RAM, 2);
        }
        host_on(1);
        second->x[0] = CPU_OFF;
        smccc_call(second);
        if (when == 1) {
            answer = call(0, CPU_ON | SMC64, 1, GUEST_RAM, 2);
        }
        host_on(1);
        assert_null(machine_end(trap_return(second)));
        if (when == 2) {
            answer = call(0, CPU_ON | SMC64, 1, GUEST_RAM, 2);
        }
        machine_settle();
        assert_int_equal(answer, when == 2 ? 0 : -4);
        assert_int_equal(second->power, when == 2 ? POWER_ON : POWER_OFF);
        assert_int_equal(second->state, when == 2 ? VCPU_READY : VCPU_OFF);
    }
}

/* All are off: the domain lives on, as on hardware. */
static void all_off(void **state)
{
    (void)state;
    start(1, 1);
    assert_null(machine_hvc(domain->vcpus, CPU_OFF, 0, 0, 0));
    assert_int_equal(domain->state, DOMAIN_RUNNING);
    assert_int_equal(domain->vcpus[0].power, POWER_OFF);
}

static void version_0_1(void **state)
{
    (void)state;
    start(2, 2);
    assert_int_equal(call(0, 2, 1, GUEST_RAM, 5), 0);
    machine_settle();
    assert_int_equal(domain->vcpus[1].state, VCPU_READY);
    assert_null(machine_hvc(&domain->vcpus[1], 1, 0, 0, 0));
    assert_int_equal(domain->vcpus[1].power, POWER_OFF);
}

static void identity(void **state)
{
    (void)state;
    start(1, 1);
    assert_int_equal(call(0, 0x8600ff00, 0, 0, 0), 3);
    assert_int_equal(call(0, 0x8600ff03, 0, 0, 0), 0);
    call(0, 0x8600ff01, 0, 0, 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(domain->vcpus[0].x[i] <= 0xffffffffu && domain->vcpus[0].x[i] != 0);
    }
}

static uint64_t asked, argument;

static void firmware(bool hvc, uint64_t x[8])
{
    (void)hvc;
    asked = x[0];
    argument = x[2];
    switch ((uint32_t)x[0]) {
    case VERSION:
    case SMCCC_VERSION:
        x[0] = 0x10001;
        break;
    case FEATURES:
        x[0] = 0;
        break;
    case ARCH_FEATURES:
        x[0] = x[1] == WORKAROUND_3 ? 1 : x[1] == WORKAROUND_1 ? 0 : ~UINT64_C(0);
        break;
    default:
        x[0] = 11;
        x[1] = 12;
        x[2] = 13;
        x[3] = 14;
    }
}

/* What the description allows goes to the firmware, nothing else. */
static void forwarded(void **state)
{
    static const uint32_t ranges[][2] = {{0xc2000010, 0xc200001f}};

    (void)state;
    start(1, 1);
    ((struct domain_record *)domain->record)->smc_ranges = ranges;
    ((struct domain_record *)domain->record)->nr_smc_ranges = 1;
    host_firmware = firmware;
    asked = 0;
    assert_int_equal(call(0, 0xc200000f, 1, 2, 3), -1);
    assert_int_equal(call(0, 0xc2000020, 1, 2, 3), -1);
    assert_int_equal(asked, 0);
    assert_int_equal(call(0, 0xc2000010, 1, 2, 3), 11);
    assert_int_equal(asked, 0xc2000010);
    assert_int_equal(argument, 2);
    assert_int_equal(domain->vcpus[0].x[3], 14);
    assert_int_equal(call(0, 0xc200001f, 1, 2, 3), 11);
}

static void workarounds(void **state)
{
    (void)state;
    start(1, 1);
    host_firmware = firmware;
    firmware_probe();
    assert_int_equal(call(0, ARCH_FEATURES, WORKAROUND_1, 0, 0), 0);
    assert_int_equal(call(0, ARCH_FEATURES, WORKAROUND_3, 0, 0), 1);
    assert_int_equal(call(0, ARCH_FEATURES, 0x80007fff, 0, 0), -1);
    asked = 0;
    (void)call(0, WORKAROUND_1, 0, 0, 0);
    assert_int_equal(asked, WORKAROUND_1);
    assert_int_equal(firmware_workaround(0x1234), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),   cmocka_unit_test(on_and_off),  cmocka_unit_test(on_while_it_goes_off),
        cmocka_unit_test(all_off),   cmocka_unit_test(version_0_1), cmocka_unit_test(identity),
        cmocka_unit_test(forwarded), cmocka_unit_test(workarounds),
    };

    return cmocka_run_group_tests_name("psci", tests, NULL, NULL);
}
