// SPDX-License-Identifier: Apache-2.0
/* Software-generated interrupts: every INTID, to self, across, to all others; sent equals seen. */
#include "gic.h"
#include "guest.h"

static volatile uint32_t listening, leave;

static void enable_all(void)
{
    for (uint32_t i = 0; i < 16; i++) {
        gic_enable(i);
    }
    irq_on();
}

static void listener(void *arg)
{
    (void)arg;
    enable_all();
    __atomic_add_fetch(&listening, 1, __ATOMIC_RELEASE);
    bool spin = arg_is("listen", "spin");
    while (!__atomic_load_n(&leave, __ATOMIC_ACQUIRE)) {
        if (spin) {
            cpu_relax();
            continue;
        }
        irq_off(); /* an interrupt between looking and sleeping would be slept over */
        if (!__atomic_load_n(&leave, __ATOMIC_ACQUIRE)) {
            wfi();
        }
        irq_on();
    }
}

static bool start_listeners(void)
{
    listening = leave = 0;
    for (uint32_t i = 1; i < cpu_count; i++) {
        if (cpu_start(i, listener, NULL) != PSCI_SUCCESS) {
            test_fail("CPU_ON %u", i);
            return false;
        }
    }
    if (!wait_for(&listening, cpu_count - 1, 5000000)) {
        test_fail("only %u listeners", listening);
        return false;
    }
    return true;
}

static void stop_listeners(void)
{
    __atomic_store_n(&leave, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 1; i < cpu_count; i++) {
        gic_sgi(i, 15);
        EXPECT(cpu_wait_off(i, 5000000), "cpu %u does not go off", i);
    }
}

TEST(sgi_self)
{
    enable_all();
    for (uint32_t round = 1; round <= 20; round++) {
        for (uint32_t i = 0; i < 16; i++) {
            gic_sgi(0, i);
            CHECK(wait_for(&cpus[0].seen[i], round, 1000000), "SGI %u of round %u is lost", i, round);
        }
    }
    EXPECT_EQ(cpus[0].irqs, 320, "interrupts taken");
}

TEST(sgi_cross)
{
    uint32_t rounds = (uint32_t)arg_number("rounds", 50);
    CHECK(start_listeners(), "no listeners");
    for (uint32_t round = 1; round <= rounds && !test_failed(); round++) {
        for (uint32_t target = 1; target < cpu_count; target++) {
            uint32_t i = round % 15;
            uint32_t before = cpus[target].seen[i];
            gic_sgi(target, i);
            if (!wait_for(&cpus[target].seen[i], before + 1, 1000000)) {
                test_fail("SGI %u to cpu %u in round %u is lost", i, target, round);
                break;
            }
            if (gic.version == 2) {
                EXPECT_EQ(cpus[target].last_source, 0, "source CPU in GICC_IAR");
            }
        }
    }
    stop_listeners();
}

TEST(sgi_broadcast)
{
    CHECK(start_listeners(), "no listeners");
    for (uint32_t round = 1; round <= 50 && !test_failed(); round++) {
        gic_sgi_others(7);
        for (uint32_t target = 1; target < cpu_count; target++) {
            EXPECT(wait_for(&cpus[target].seen[7], round, 1000000), "broadcast %u did not reach cpu %u",
                   round, target);
        }
    }
    EXPECT_EQ(cpus[0].seen[7], 0, "broadcasts that came back to the sender");
    stop_listeners();
}

/* CPU 0 sends, the other answers from its handler. */
static void answer(uint32_t intid)
{
    if (this_cpu()->index != 0 && intid == 1) {
        gic_sgi(0, 2);
    }
}

TEST(sgi_pingpong)
{
    uint32_t rounds = (uint32_t)arg_number("rounds", 500);
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    CHECK(start_listeners(), "no listeners");
    irq_body = answer;
    enable_all();
    for (uint32_t round = 1; round <= rounds && !test_failed(); round++) {
        uint32_t target = 1 + round % (cpu_count - 1);
        gic_sgi(target, 1);
        EXPECT(wait_for(&cpus[0].seen[2], round, 2000000), "no answer in round %u", round);
    }
    stop_listeners();
}

/* A pending SGI is one bit (and on GICv2 one per source): many writes, one delivery. */
TEST(sgi_merge)
{
    gic_enable(4);
    for (uint32_t i = 0; i < 10; i++) {
        gic_sgi(0, 4);
    }
    irq_on();
    EXPECT(wait_for(&cpus[0].seen[4], 1, 1000000), "lost");
    delay_us(200);
    EXPECT_EQ(cpus[0].seen[4], 1, "deliveries of one pending SGI");
}

/* The wake-up that is lost if a hypervisor looks at pending before it parks the CPU, and not after. */
static volatile uint32_t got;

static void sleeper(void *arg)
{
    uint32_t rounds = (uint32_t)(uint64_t)arg;
    gic_enable(3);
    irq_on();
    __atomic_store_n(&listening, 1, __ATOMIC_RELEASE);
    while (this_cpu()->seen[3] < rounds) {
        irq_off();
        uint32_t seen = this_cpu()->seen[3];
        __atomic_store_n(&got, seen, __ATOMIC_RELEASE);
        if (seen < rounds) {
            wfi();
        }
        irq_on();
    }
    __atomic_store_n(&got, rounds, __ATOMIC_RELEASE);
}

TEST(sgi_wake)
{
    uint32_t rounds = (uint32_t)arg_number("rounds", 500);
    uint64_t seed = 12345;
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    got = listening = 0;
    CHECK(cpu_start(1, sleeper, (void *)(uint64_t)rounds) == PSCI_SUCCESS, "CPU_ON");
    CHECK(wait_for(&listening, 1, 2000000), "cpu 1 does not run");
    for (uint32_t i = 0; i < rounds; i++) {
        CHECK(wait_for(&got, i, 2000000), "cpu 1 sleeps through SGI %u", i);
        for (uint32_t n = random32(&seed) % 200; n; n--) {
            __asm__ volatile("nop");
        }
        gic_sgi(1, 3);
    }
    CHECK(wait_for(&got, rounds, 2000000), "cpu 1 sleeps through the last SGI");
    EXPECT(cpu_wait_off(1, 2000000), "cpu 1 does not go off");
}
