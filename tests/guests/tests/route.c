// SPDX-License-Identifier: Apache-2.0
/* Where SPIs go: ITARGETSR and IROUTER, changed while idle, pending and active; all CPUs at once. */
#include "gic.h"
#include "guest.h"

enum { SPI = 96, COUNT = 32 };

static volatile uint32_t up, leave;

static void receiver(void *arg)
{
    (void)arg;
    gic_enable(15);
    irq_on();
    __atomic_add_fetch(&up, 1, __ATOMIC_RELEASE);
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

static bool receivers(void)
{
    up = leave = 0;
    for (uint32_t i = 1; i < cpu_count; i++) {
        if (cpu_start(i, receiver, NULL) != PSCI_SUCCESS) {
            test_fail("CPU_ON %u", i);
            return false;
        }
    }
    return wait_for(&up, cpu_count - 1, 5000000);
}

static void end_receivers(void)
{
    __atomic_store_n(&leave, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 1; i < cpu_count; i++) {
        gic_sgi(i, 15);
        EXPECT(cpu_wait_off(i, 5000000), "cpu %u does not go off", i);
    }
}

static uint32_t total(uint32_t intid)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < cpu_count; i++) {
        n += __atomic_load_n(&cpus[i].seen[intid], __ATOMIC_ACQUIRE);
    }
    return n;
}

TEST(route_each)
{
    CHECK(receivers(), "no receivers");
    gic_trigger(SPI, true);
    gic_enable(SPI);
    irq_on();
    for (uint32_t round = 0; round < 40 && !test_failed(); round++) {
        uint32_t target = round % cpu_count;
        uint32_t before = cpus[target].seen[SPI], sum = total(SPI);
        gic_target(SPI, target);
        gic_set_pending(SPI);
        EXPECT(wait_for(&cpus[target].seen[SPI], before + 1, 1000000), "not seen by cpu %u in round %u",
               target, round);
        EXPECT_EQ(total(SPI), sum + 1, "deliveries");
    }
    end_receivers();
}

/* Pending at a CPU that masks interrupts, then routed to another: the other one takes it, the first never
 * does. */
TEST(route_while_pending)
{
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    CHECK(receivers(), "no receivers");
    gic_trigger(SPI, true);
    gic_enable(SPI);
    irq_off();
    for (uint32_t round = 1; round <= 40 && !test_failed(); round++) {
        gic_target(SPI, 0);
        gic_set_pending(SPI);
        uint32_t target = 1 + round % (cpu_count - 1);
        uint32_t before = cpus[target].seen[SPI];
        gic_target(SPI, target);
        EXPECT(wait_for(&cpus[target].seen[SPI], before + 1, 1000000), "cpu %u does not get it, round %u",
               target, round);
        EXPECT(gic_intid(gic_ack()) >= 1020, "the old target takes it too, round %u", round);
        EXPECT_EQ(total(SPI), round, "deliveries");
    }
    end_receivers();
}

/* More than list registers pending at a masked CPU, all moved at once. */
TEST(route_many_pending)
{
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    CHECK(receivers(), "no receivers");
    irq_off();
    for (uint32_t i = 0; i < COUNT; i++) {
        gic_trigger(SPI + i, true);
        gic_priority(SPI + i, (uint8_t)(0x40 + i % 4 * 8));
        gic_target(SPI + i, 0);
        gic_enable(SPI + i);
        gic_set_pending(SPI + i);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        gic_target(SPI + i, 1 + i % (cpu_count - 1));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        EXPECT(wait_for(&cpus[1 + i % (cpu_count - 1)].seen[SPI + i], 1, 1000000), "INTID %u is lost",
               SPI + i);
    }
    EXPECT(gic_intid(gic_ack()) >= 1020, "something is left at cpu 0");
    end_receivers();
}

/* What happened on another CPU takes effect here in finite time, not at once. */
static uint32_t take_within(uint64_t limit_us)
{
    uint64_t end = now() + us_to_ticks(limit_us);
    uint32_t iar = gic_ack();
    while (gic_intid(iar) >= 1020 && now() < end) {
        cpu_relax();
        iar = gic_ack();
    }
    return iar;
}

/* Routed elsewhere while active: the CPU that acknowledged completes it, the next one goes to the new target.
 */
TEST(route_while_active)
{
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    CHECK(receivers(), "no receivers");
    irq_off();
    gic_trigger(SPI, true);
    gic_enable(SPI);
    for (uint32_t round = 1; round <= 20 && !test_failed(); round++) {
        uint32_t before = cpus[1].seen[SPI], ended = cpus[1].irqs;
        gic_target(SPI, 0);
        gic_set_pending(SPI);
        uint32_t iar = take_within(1000000);
        EXPECT_EQ(gic_intid(iar), SPI, "acknowledged");
        gic_target(SPI, 1);
        gic_set_pending(SPI);
        delay_us(50);
        /* QEMU's GICv2 keeps the active state of an SPI per CPU; IHI 0048B has one. */
        EXPECT(cpus[1].seen[SPI] == before || (gic.version == 2 && !is_domain()),
               "taken elsewhere while active");
        gic_eoi(iar);
        EXPECT(wait_for(&cpus[1].seen[SPI], before + 1, 1000000), "the next occurrence is lost, round %u",
               round);
        /* Until its handler has ended the interrupt is active there, and cannot be taken here. */
        (void)wait_for(&cpus[1].irqs, ended + 1, 1000000);
    }
    end_receivers();
}

static volatile uint32_t sent[COUNT];

static void storm(uint32_t driver, uint32_t rounds, uint64_t seed)
{
    for (uint32_t n = 0; n < rounds; n++) {
        uint32_t i = random32(&seed) % COUNT, intid = SPI + i;
        if (i % 2 != driver) {
            continue; /* every SPI is driven by one CPU */
        }
        switch (random32(&seed) % 4) {
        case 0:
            gic_target(intid, random32(&seed) % cpu_count);
            break;
        case 1:
            gic_disable(intid);
            gic_enable(intid);
            break;
        default:
            if (total(intid) == sent[i]) {
                sent[i]++;
                gic_set_pending(intid);
            }
            break;
        }
    }
}

static void second_driver(void *arg)
{
    gic_enable(15);
    irq_on();
    __atomic_add_fetch(&up, 1, __ATOMIC_RELEASE);
    storm(1, (uint32_t)(uint64_t)arg, 777);
    receiver(NULL);
}

/* Two CPUs pend, re-target, disable and enable at random while all take interrupts: sent = seen for each
 * INTID. An SPI becomes pending again only after its last occurrence was handled, so none may merge. */
TEST(route_storm)
{
    uint32_t rounds = (uint32_t)arg_number("rounds", 3000);
    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        sent[i] = 0;
        gic_trigger(SPI + i, true);
        gic_priority(SPI + i, (uint8_t)(0x20 + i % 16 * 8));
        gic_target(SPI + i, i % cpu_count);
        gic_enable(SPI + i);
    }
    up = leave = 0;
    CHECK(cpu_start(1, second_driver, (void *)(uint64_t)rounds) == PSCI_SUCCESS, "CPU_ON 1");
    for (uint32_t i = 2; i < cpu_count; i++) {
        CHECK(cpu_start(i, receiver, NULL) == PSCI_SUCCESS, "CPU_ON %u", i);
    }
    CHECK(wait_for(&up, cpu_count - 1, 5000000), "only %u of %u CPUs are up", up, cpu_count - 1);
    irq_on();
    storm(0, rounds, arg_number("seed", 4242) | 1);
    CHECK(wait_for(&up, cpu_count, 30000000), "cpu 1 did not end its part");
    uint32_t all = 0;
    uint64_t end = now() + us_to_ticks(5000000);
    for (uint32_t i = 0; i < COUNT; i++) {
        while (total(SPI + i) < sent[i] && now() < end) {
            cpu_relax();
        }
        EXPECT(total(SPI + i) == sent[i], "INTID %u: sent %u, seen %u", SPI + i, sent[i], total(SPI + i));
        all += sent[i];
    }
    test_figure("interrupts", all);
    end_receivers();
}
