// SPDX-License-Identifier: Apache-2.0
/* PSCI 1.1 (DEN 0022) and SMCCC 1.2 (DEN 0028) as a guest uses them. Where=both conduits unless said. */
#include "gic.h"
#include "guest.h"

static void over_both(void (*fn)(void))
{
    bool configured = conduit_smc;
    for (int i = 0; i < (is_domain() ? 2 : 1) && !test_failed(); i++) {
        conduit_smc = is_domain() ? i == 1 : configured;
        fn();
    }
    conduit_smc = configured;
}

static void versions(void)
{
    EXPECT_EQ(psci(PSCI_VERSION, 0, 0, 0), 0x10001, "PSCI_VERSION");
    EXPECT_EQ(psci(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0), 2, "MIGRATE_INFO_TYPE");
    if (is_domain()) {
        int64_t v = psci(SMCCC_VERSION, 0, 0, 0);
        EXPECT(v == 0x10001 || v == 0x10002, "SMCCC_VERSION 0x%lx", v);
        EXPECT_EQ(psci(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0), 0, "SMCCC_ARCH_FEATURES(SMCCC_VERSION)");
        EXPECT_EQ(psci(SMCCC_ARCH_FEATURES, 0x80001234, 0, 0), -1, "SMCCC_ARCH_FEATURES(unknown)");
    }
}

TEST(psci_version)
{
    over_both(versions);
}

static void features(void)
{
    static const uint32_t have[] = {PSCI_VERSION,         PSCI_CPU_SUSPEND32, PSCI_CPU_SUSPEND,
                                    PSCI_CPU_OFF,         PSCI_CPU_ON32,      PSCI_CPU_ON,
                                    PSCI_AFFINITY_INFO32, PSCI_AFFINITY_INFO, PSCI_SYSTEM_OFF,
                                    PSCI_SYSTEM_RESET,    PSCI_FEATURES,      PSCI_MIGRATE_INFO_TYPE};
    static const uint32_t lack[] = {PSCI_MIGRATE, PSCI_MIGRATE_INFO_UP_CPU, 0x8400001f, 0xc400001f,
                                    0x84000000 + 0x11};
    for (uint32_t i = 0; i < ARRAY_SIZE(have); i++) {
        int64_t r = psci(PSCI_FEATURES, have[i], 0, 0);
        EXPECT(r >= 0, "PSCI_FEATURES(0x%x) is %ld", have[i], r);
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(lack); i++) {
        int64_t r = psci(PSCI_FEATURES, lack[i], 0, 0);
        EXPECT(r == PSCI_NOT_SUPPORTED, "PSCI_FEATURES(0x%x) is %ld", lack[i], r);
        if (lack[i] == PSCI_MIGRATE || lack[i] == PSCI_MIGRATE_INFO_UP_CPU || is_domain()) {
            r = psci(lack[i], 0, 0, 0);
            EXPECT(r == PSCI_NOT_SUPPORTED, "calling 0x%x gives %ld", lack[i], r);
        }
    }
}

TEST(psci_features)
{
    over_both(features);
}

void secondary_entry(void);

static void errors(void)
{
    uint64_t entry = (uint64_t)secondary_entry;
    EXPECT_EQ(psci(PSCI_CPU_ON, cpus[0].mpidr, entry, 0), PSCI_ALREADY_ON, "CPU_ON of a running CPU");
    EXPECT_EQ(psci(PSCI_CPU_ON32, cpus[0].mpidr, entry, 0), PSCI_ALREADY_ON, "CPU_ON (32) of a running CPU");
    EXPECT_EQ(psci(PSCI_CPU_ON, 0xff0000, entry, 0), PSCI_INVALID_PARAMETERS, "CPU_ON of no CPU");
    EXPECT_EQ(psci(PSCI_CPU_ON, 0xff00000000, entry, 0), PSCI_INVALID_PARAMETERS, "CPU_ON of affinity 3");
    EXPECT_EQ(psci(PSCI_AFFINITY_INFO, cpus[0].mpidr, 0, 0), 0, "AFFINITY_INFO of myself");
    EXPECT_EQ(psci(PSCI_AFFINITY_INFO, 0xff0000, 0, 0), PSCI_INVALID_PARAMETERS, "AFFINITY_INFO of no CPU");
    if (cpu_count > 1) {
        EXPECT_EQ(psci(PSCI_AFFINITY_INFO, cpus[1].mpidr, 0, 0), 1, "AFFINITY_INFO of a CPU that is off");
    }
    if (is_domain()) {
        EXPECT_EQ(psci(PSCI_AFFINITY_INFO, cpus[0].mpidr, 4, 0), PSCI_INVALID_PARAMETERS,
                  "AFFINITY_INFO level 4");
        EXPECT_EQ(psci(PSCI_CPU_ON, cpu_count > 1 ? cpus[1].mpidr : 1, entry + 1, 0),
                  cpu_count > 1 ? PSCI_INVALID_ADDRESS : PSCI_INVALID_PARAMETERS, "CPU_ON at an odd address");
    }
}

TEST(psci_errors)
{
    over_both(errors);
}

/* SMCCC 1.1: x4 to x17 survive any call, known or not; x1 to x3 too where the function does not return them.
 */
static void preserved(void)
{
    static const uint32_t calls[] = {PSCI_VERSION, PSCI_FEATURES, 0x84001234,
                                     0xc2000000,   0x8600ff03,    0x7fffffff};
    for (uint32_t c = 0; c < ARRAY_SIZE(calls); c++) {
        uint64_t regs[18];
        for (uint32_t i = 0; i < 18; i++) {
            regs[i] = 0x1234567800000000ull * i + i;
        }
        regs[0] = calls[c];
        smccc_call(conduit_smc, regs);
        for (uint32_t i = 4; i < 18; i++) {
            EXPECT(regs[i] == 0x1234567800000000ull * i + i, "call 0x%x changes x%u to 0x%lx", calls[c], i,
                   regs[i]);
        }
    }
}

TEST(smccc_preserves)
{
    over_both(preserved);
}

/* Every owner and a sample of functions, fast and yielding, 32 and 64 bits: NOT_SUPPORTED, never an
 * exception. */
static void unknown(void)
{
    uint32_t tried = 0;
    for (uint32_t top = 0; top < 256; top++) {
        static const uint32_t low[] = {0x0500, 0x7ffe, 0x8001, 0xdead};
        for (uint32_t i = 0; i < ARRAY_SIZE(low); i++) {
            uint32_t id = top << 24 | low[i];
            fault_expect();
            int64_t r = psci(id, 1, 2, 3);
            EXPECT(fault_taken(NULL) == 0, "id 0x%x takes an exception", id);
            EXPECT((int32_t)r == -1, "id 0x%x answers %ld", id, r);
            tried++;
        }
    }
    test_figure("ids", tried);
}

TEST(smccc_unknown)
{
    if (!is_domain()) {
        test_skip("QEMU's own firmware makes an unknown call undefined");
        return;
    }
    over_both(unknown);
}

TEST(hvc_immediates)
{
    struct fault fault;
    if (!is_domain()) {
        test_skip("no hypervisor");
        return;
    }
    uint64_t at;
    fault_expect();
    __asm__ volatile("adr %0, 1f\n 1: hvc #1\n nop" : "=&r"(at) : : "memory");
    EXPECT_EQ(fault_taken(&fault), 1, "exceptions by HVC #1");
    EXPECT_EQ(ESR_EC(fault.esr), EC_UNKNOWN, "class of the exception by HVC #1");
    EXPECT_EQ(fault.elr, at, "ELR of an undefined HVC");
    fault_expect();
    __asm__ volatile("hvc #0xffff\n nop" : : : "memory");
    EXPECT_EQ(fault_taken(&fault), 1, "exceptions by HVC #0xffff");
    fault_expect();
    __asm__ volatile("smc #1\n nop" : : : "memory");
    EXPECT_EQ(fault_taken(&fault), 1, "exceptions by SMC #1");
}

static volatile uint32_t turns;

static void one_turn(void *arg)
{
    (void)arg;
    turns++;
}

/* CPU_ON, CPU_OFF, AFFINITY_INFO and again; cycles= on each CPU in turn. */
TEST(psci_cycles)
{
    uint32_t cycles = (uint32_t)arg_number("cycles", 100);
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    turns = 0;
    for (uint32_t i = 0; i < cycles; i++) {
        uint32_t target = 1 + i % (cpu_count - 1);
        int64_t r = cpu_start(target, one_turn, NULL);
        CHECK(r == PSCI_SUCCESS, "CPU_ON of cpu %u in cycle %u: %ld", target, i, r);
        CHECK(cpu_wait_off(target, 2000000), "cpu %u not off in cycle %u", target, i);
    }
    EXPECT_EQ(turns, cycles, "times a CPU ran");
}

static volatile uint32_t go, there;

static void wait_go(void *arg)
{
    (void)arg;
    there = 1;
    (void)wait_for(&go, 1, 5000000);
}

TEST(psci_on_twice)
{
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    go = there = 0;
    CHECK(cpu_start(1, wait_go, NULL) == PSCI_SUCCESS, "CPU_ON");
    if (!is_domain()) {
        (void)wait_for(&there, 1, 1000000); /* QEMU's own firmware starts CPUs in the background */
    }
    int64_t r = psci(PSCI_CPU_ON, cpus[1].mpidr, (uint64_t)secondary_entry, 0);
    EXPECT(r == PSCI_ALREADY_ON || r == PSCI_ON_PENDING, "second CPU_ON: %ld", r);
    r = psci(PSCI_AFFINITY_INFO, cpus[1].mpidr, 0, 0);
    EXPECT(r == 0 || r == 2, "AFFINITY_INFO of a started CPU: %ld", r);
    r = psci(PSCI_AFFINITY_INFO, 0, 1, 0);
    EXPECT(r == 0 || r == PSCI_INVALID_PARAMETERS, "AFFINITY_INFO of the cluster: %ld", r);
    go = 1;
    EXPECT(cpu_wait_off(1, 2000000), "cpu 1 does not go off");
}

static void stop_timer(uint32_t intid)
{
    if (intid == 27) {
        sysreg_write(cntv_ctl_el0, 0);
        isb();
    }
}

/* CPU_SUSPEND to a standby state comes back with SUCCESS once the timer fires. */
TEST(psci_suspend)
{
    irq_body = stop_timer;
    gic_enable(27);
    irq_on();
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t before = cpus[0].seen[27];
        irq_off(); /* or the interrupt that shall wake it could come before the call */
        sysreg_write(cntv_tval_el0, us_to_ticks(2000));
        sysreg_write(cntv_ctl_el0, 1);
        isb();
        int64_t r = psci(i % 2 ? PSCI_CPU_SUSPEND : PSCI_CPU_SUSPEND32, 0, 0, 0);
        uint64_t awake = now();
        irq_on();
        EXPECT_EQ(r, PSCI_SUCCESS, "CPU_SUSPEND");
        bool late = !wait_for(&cpus[0].seen[27], before + 1, 1000000);
        CHECK(!late, "no timer interrupt after CPU_SUSPEND");
        EXPECT(awake >= sysreg_read(cntv_cval_el0), "awake too early");
    }
}
