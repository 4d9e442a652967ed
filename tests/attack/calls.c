// SPDX-License-Identifier: Apache-2.0
/* Every call that a guest can make to firmware or hypervisor, with hostile arguments. */
#include "guest.h"

static const uint64_t hostile[] = {
    0, 1, ~0ull, 0x40000000, 0x40200000, 0xffff000000000000, 0x8000000000000000, 0x7fffffff};

/* These do what they say to the caller; each has a test of its own. */
static bool ends_caller(uint32_t id)
{
    switch (id & ~0x40000000u) {
    case PSCI_CPU_OFF:
    case PSCI_CPU_SUSPEND32:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case 0x8400000e: /* SYSTEM_SUSPEND */
    case 0x84000012: /* SYSTEM_RESET2 */
    case 0x8400000c: /* CPU_FREEZE, CPU_DEFAULT_SUSPEND */
    case 0x8400000d:
        return true;
    default:
        return id == 1 || id == 2; /* PSCI 0.1 as the device tree numbers it: CPU_OFF, CPU_ON */
    }
}

static uint64_t calls;

static void one(uint32_t id, bool smc, uint32_t n)
{
    uint64_t regs[18] = {id};
    if (ends_caller(id)) {
        return;
    }
    for (uint32_t i = 1; i < 8; i++) {
        regs[i] = hostile[(n + i) % ARRAY_SIZE(hostile)];
    }
    fault_expect();
    smccc_call(smc, regs);
    EXPECT(fault_taken(NULL) == 0, "call 0x%x takes an exception", id);
    calls++;
    bool known = (id & 0x3f00ffffu) < 0x04000020 && (id >> 24 & 0x3f) == 4;
    bool arch = (id & 0xff000000u) == 0x80000000u || (id & 0xff00ff00u) == 0x8600ff00u;
    EXPECT(known || arch || (int32_t)regs[0] == -1, "call 0x%x answers 0x%lx", id, regs[0]);
}

/* CPU_ON of vCPUs that exist is not wanted here: with hostile entries they would run off and end the test. */
static bool starts_cpu(uint32_t id)
{
    return (id & ~0x40000000u) == PSCI_CPU_ON32;
}

TEST(attack_calls)
{
    static const uint8_t owners[] = {0x80, 0xc0, 0x81, 0xc1, 0x82, 0xc2, 0x83, 0xc3, 0x84, 0xc4,
                                     0x85, 0xc5, 0x86, 0xc6, 0x87, 0xb0, 0xf0, 0xb2, 0xf2, 0xbf,
                                     0xff, 0x00, 0x04, 0x40, 0x44, 0x02, 0x32, 0x3f, 0x7f};
    if (!is_domain()) {
        test_skip("no hypervisor to call");
        return;
    }
    calls = 0;
    for (uint32_t o = 0; o < ARRAY_SIZE(owners) && !test_failed(); o++) {
        uint32_t step = (owners[o] & 0x3f) == 4 ? 1 : 13;
        for (uint32_t low = 0; low < 0x10000; low += step) {
            uint32_t id = (uint32_t)owners[o] << 24 | low;
            if (!starts_cpu(id)) {
                one(id, low % 2 != 0, low);
                one(id, low % 2 == 0, low / 3);
            }
        }
    }
    test_figure("attempts", calls);
    test_figure("blocked", calls);
    EXPECT_EQ(psci(PSCI_VERSION, 0, 0, 0), 0x10001, "PSCI_VERSION afterwards");
}

/* Those that exist have tests of their own (hypercalls, events, grants). */
static bool is_hypercall(uint32_t number)
{
    static const uint8_t numbers[] = {12, 17, 18, 20, 24, 29, 32, 34, 41};
    for (uint32_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (number == numbers[i]) {
            return true;
        }
    }
    return false;
}

/* Xen's hypercall immediate: every other number with every hostile argument is refused and harms nobody. */
TEST(attack_hypercalls)
{
    uint64_t n = 0, refused = 0;
    if (!is_domain()) {
        test_skip("no hypervisor to call");
        return;
    }
    for (uint32_t number = 0; number < 80; number++) {
        for (uint32_t a = 0; a < 64 && !is_hypercall(number); a++) {
            register uint64_t x16 __asm__("x16") = number;
            register uint64_t x0 __asm__("x0") = a % 8 < 4 ? a % 8 : hostile[a % 8];
            register uint64_t x1 __asm__("x1") = hostile[a / 8];
            register uint64_t x2 __asm__("x2") = hostile[(a + 3) % 8];
            register uint64_t x3 __asm__("x3") = hostile[(a + 5) % 8];
            register uint64_t x4 __asm__("x4") = hostile[(a + 6) % 8];
            fault_expect();
            __asm__ volatile("hvc #0xea1\n nop"
                             : "+r"(x16), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4)
                             :
                             : "memory");
            uint64_t answer = x0;
            bool undefined = fault_taken(NULL) != 0;
            refused += undefined || (int64_t)answer < 0;
            n++;
        }
    }
    test_figure("attempts", n);
    test_figure("refused", refused);
    EXPECT_EQ(refused, n, "hypercalls that are refused");
}

/* CPU_ON with entries outside RAM: the started vCPU takes an abort in itself, forever, and harms nobody. */
TEST(attack_cpu_on)
{
    static const uint64_t entries[] = {0x0,        0x40200000ull * 4, 0x8000000000, 0xfffffffffffffffc,
                                       0x09000000, 0x3ffffffc};
    if (!is_domain() || cpu_count < 2) {
        test_skip("needs a domain of two vCPUs");
        return;
    }
    int64_t r = psci(PSCI_CPU_ON, cpus[1].mpidr, entries[arg_number("entry", 0) % ARRAY_SIZE(entries)], 0);
    EXPECT(r == PSCI_SUCCESS || r == PSCI_INVALID_ADDRESS || r == PSCI_INVALID_PARAMETERS, "CPU_ON: %ld", r);
    delay_us(20000);
    r = psci(PSCI_AFFINITY_INFO, cpus[1].mpidr, 0, 0);
    EXPECT(r == 0 || r == 1, "AFFINITY_INFO: %ld", r);
}
