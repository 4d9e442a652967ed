// SPDX-License-Identifier: Apache-2.0
/* Pending, active, enable, priority and mask of SPIs, made pending through ISPENDR. SPI_FIRST.. have no
 * device. */
#include "gic.h"
#include "guest.h"

enum { SPI = 96, MANY = 48 };

static void prepare(uint32_t intid, uint8_t priority)
{
    gic_trigger(intid, true);
    gic_target(intid, 0);
    gic_priority(intid, priority);
    gic_enable(intid);
}

/* Interrupts masked: what the interface would signal now. */
static uint32_t take(void)
{
    return gic_intid(gic_ack());
}

static void finish(uint32_t intid)
{
    gic_eoi(intid);
}

TEST(spi_basic)
{
    prepare(SPI, 0x80);
    irq_on();
    for (uint32_t i = 1; i <= 100; i++) {
        gic_set_pending(SPI);
        CHECK(wait_for(&cpus[0].seen[SPI], i, 1000000), "SPI %u did not arrive, round %u", SPI, i);
    }
    EXPECT_EQ(cpus[0].seen[SPI], 100, "SPIs taken");
}

/* Far more than there are list registers: delivered in the order of priority, none lost, none twice. */
TEST(spi_many)
{
    uint64_t seed = 99991;
    for (uint32_t i = 0; i < MANY; i++) {
        prepare(SPI + i, (uint8_t)(random32(&seed) % 31 * 8));
    }
    for (uint32_t round = 0; round < 5; round++) {
        uint8_t last = 0;
        for (uint32_t i = 0; i < MANY; i++) {
            gic_set_pending(SPI + (i * 29 + round) % MANY);
        }
        for (uint32_t i = 0; i < MANY; i++) {
            uint32_t intid = take();
            CHECK(intid >= SPI && intid < SPI + MANY, "acknowledged %u after %u of %u", intid, i, MANY);
            uint8_t priority = gic_get_priority(intid);
            EXPECT(priority >= last, "priority 0x%x came after 0x%x", priority, last);
            EXPECT(!gic_pending(intid) && gic_active(intid), "INTID %u: pending %u active %u", intid,
                   gic_pending(intid), gic_active(intid));
            last = priority;
            finish(intid);
            EXPECT(!gic_active(intid), "INTID %u active after EOI", intid);
        }
        EXPECT(take() >= 1020, "more interrupts than were made pending");
    }
}

/* The same by interrupt handlers, while SGIs and PPIs stay enabled. */
TEST(spi_many_handled)
{
    for (uint32_t i = 0; i < MANY; i++) {
        prepare(SPI + i, (uint8_t)(0x40 + i % 8 * 8));
    }
    gic_enable(1);
    for (uint32_t round = 1; round <= 20; round++) {
        for (uint32_t i = 0; i < MANY; i++) {
            gic_set_pending(SPI + i);
        }
        gic_sgi(0, 1);
        irq_on();
        for (uint32_t i = 0; i < MANY; i++) {
            CHECK(wait_for(&cpus[0].seen[SPI + i], round, 1000000), "INTID %u lost in round %u", SPI + i,
                  round);
        }
        CHECK(wait_for(&cpus[0].seen[1], round, 1000000), "SGI lost in round %u", round);
        irq_off();
    }
    EXPECT_EQ(cpus[0].irqs, 20 * (MANY + 1), "interrupts taken");
}

TEST(pmr)
{
    prepare(SPI, 0xa0);
    prepare(SPI + 1, 0x40);
    gic_set_pmr(0x80);
    gic_set_pending(SPI);
    EXPECT(take() >= 1020, "priority 0xa0 passes a mask of 0x80");
    gic_set_pending(SPI + 1);
    EXPECT_EQ(take(), SPI + 1, "interrupt above the mask");
    finish(SPI + 1);
    EXPECT(gic_pending(SPI), "the masked interrupt is not pending any more");
    gic_set_pmr(0xf8);
    EXPECT_EQ(take(), SPI, "interrupt once unmasked");
    finish(SPI);
    gic_set_pmr(0x40);
    EXPECT_EQ(gic_get_pmr() & 0xf0, 0x40, "PMR read back");
    gic_set_pmr(0);
    irq_on();
    gic_set_pending(SPI + 1);
    delay_us(300);
    EXPECT_EQ(cpus[0].irqs, 0, "interrupts under a mask of 0");
    gic_set_pmr(0xff);
    EXPECT(wait_for(&cpus[0].irqs, 1, 1000000), "interrupt not delivered when PMR opens");
}

static volatile uint32_t order[8], order_count;
static uint8_t seen_rpr[4];

static void nest(uint32_t intid)
{
    if (order_count < ARRAY_SIZE(order)) {
        order[order_count++] = intid;
    }
    if (intid == SPI) {
        seen_rpr[0] = gic_running_priority();
        gic_set_pending(SPI + 1); /* more urgent: preempts here */
        gic_set_pending(SPI + 2); /* equal: must wait */
        irq_on();
        delay_us(300);
        irq_off();
        if (order_count < ARRAY_SIZE(order)) {
            order[order_count++] = 0;
        }
        seen_rpr[2] = gic_running_priority();
    } else if (intid == SPI + 1) {
        seen_rpr[1] = gic_running_priority();
    }
}

TEST(preemption)
{
    prepare(SPI, 0xa0);
    prepare(SPI + 1, 0x40);
    prepare(SPI + 2, 0xa0);
    order_count = 0;
    irq_body = nest;
    EXPECT_EQ(gic_running_priority(), 0xff, "idle running priority");
    gic_set_pending(SPI);
    irq_on();
    CHECK(wait_for(&cpus[0].irqs, 3, 2000000), "only %u interrupts", cpus[0].irqs);
    irq_off();
    EXPECT_EQ(order[0], SPI, "first");
    EXPECT_EQ(order[1], SPI + 1, "second: the preempting one");
    EXPECT_EQ(order[2], 0, "third: end of the preempted handler");
    EXPECT_EQ(order[3], SPI + 2, "fourth: the one of equal priority");
    EXPECT_EQ(seen_rpr[0], 0xa0, "running priority in the first handler");
    EXPECT_EQ(seen_rpr[1], 0x40, "running priority in the preempting handler");
    EXPECT_EQ(seen_rpr[2], 0xa0, "running priority after it");
    EXPECT_EQ(gic_running_priority(), 0xff, "running priority at the end");
}

/* Priorities that differ in bits of the subpriority only do not preempt; with the smallest binary point they
 * do. */
TEST(binary_point)
{
    for (uint32_t wide = 0; wide < 2; wide++) {
        prepare(SPI, 0xa0);
        prepare(SPI + 1, 0x90);
        gic_set_bpr(wide ? 7 : 0);
        gic_set_pending(SPI);
        CHECK(take() == SPI, "first interrupt");
        gic_set_pending(SPI + 1);
        uint32_t second = take();
        EXPECT(wide ? second >= 1020 : second == SPI + 1, "BPR %u: %u while 0x60 is active", wide ? 7 : 0,
               second);
        if (second == SPI + 1) {
            finish(SPI + 1);
        }
        finish(SPI);
        if (wide) {
            EXPECT_EQ(take(), SPI + 1, "the other after EOI");
            finish(SPI + 1);
        }
        EXPECT(take() >= 1020, "something is left");
    }
    gic_set_bpr(0);
}

TEST(highest_pending)
{
    prepare(SPI, 0x80);
    prepare(SPI + 1, 0x60);
    EXPECT(gic_highest_pending() % 1024 >= 1020, "HPPIR with nothing pending");
    gic_set_pending(SPI);
    EXPECT_EQ(gic_highest_pending() % 1024, SPI, "HPPIR");
    gic_set_pending(SPI + 1);
    EXPECT_EQ(gic_highest_pending() % 1024, SPI + 1, "HPPIR");
    gic_clear_pending(SPI + 1);
    EXPECT_EQ(gic_highest_pending() % 1024, SPI, "HPPIR after the other was cleared");
    gic_clear_pending(SPI);
    EXPECT(take() >= 1020, "an interrupt whose pending state was cleared");
}

TEST(eoi_mode_1)
{
    prepare(SPI, 0x80);
    prepare(SPI + 1, 0x80);
    gic_set_eoi_mode(true);
    gic_set_pending(SPI);
    CHECK(take() == SPI, "first interrupt");
    gic_eoi(SPI);
    EXPECT_EQ(gic_running_priority(), 0xff, "running priority after the drop");
    EXPECT(gic_active(SPI), "EOI in mode 1 deactivates");
    gic_set_pending(SPI);
    EXPECT(take() >= 1020, "an active interrupt is taken again");
    gic_set_pending(SPI + 1);
    EXPECT_EQ(take(), SPI + 1, "another of the same priority after the drop");
    gic_eoi(SPI + 1);
    gic_deactivate(SPI + 1);
    EXPECT(!gic_active(SPI + 1), "active after DIR");
    gic_deactivate(SPI);
    EXPECT_EQ(take(), SPI, "the one that became pending while active, after DIR");
    gic_eoi(SPI);
    gic_deactivate(SPI);
    EXPECT(!gic_active(SPI) && !gic_pending(SPI), "state at the end");
}

/* Many active at once, dropped, deactivated in another order: more active interrupts than list registers. */
TEST(eoi_mode_1_many)
{
    gic_set_eoi_mode(true);
    for (uint32_t i = 0; i < MANY; i++) {
        prepare(SPI + i, 0x80);
        gic_set_pending(SPI + i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t intid = take();
        CHECK(intid >= SPI && intid < SPI + MANY, "acknowledged %u with %u active", intid, i);
        gic_eoi(intid);
    }
    EXPECT(take() >= 1020, "more than were pending");
    for (uint32_t i = 0; i < MANY; i++) {
        EXPECT(gic_active(SPI + i), "INTID %u is not active", SPI + i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t intid = SPI + (i * 11 + 5) % MANY;
        gic_deactivate(intid);
        EXPECT(!gic_active(intid), "INTID %u is still active", intid);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        gic_set_pending(SPI + i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t intid = take();
        CHECK(intid >= SPI && intid < SPI + MANY, "second round: acknowledged %u after %u", intid, i);
        gic_eoi(intid);
        gic_deactivate(intid);
    }
}

TEST(active_registers)
{
    prepare(SPI, 0x80);
    gic_set_active(SPI);
    EXPECT(gic_active(SPI), "ISACTIVER has no effect");
    gic_set_pending(SPI);
    EXPECT(take() >= 1020, "an interrupt made active by register is taken");
    gic_clear_active(SPI);
    EXPECT(!gic_active(SPI), "ICACTIVER has no effect");
    EXPECT_EQ(take(), SPI, "the interrupt once inactive");
    finish(SPI);
}

TEST(disable_while_pending)
{
    prepare(SPI, 0x80);
    for (uint32_t i = 0; i < 20; i++) {
        gic_set_pending(SPI);
        gic_disable(SPI);
        EXPECT(take() >= 1020, "a disabled interrupt is taken");
        EXPECT(gic_pending(SPI), "pending is lost by disabling");
        gic_enable(SPI);
        CHECK(take() == SPI, "not delivered after enabling");
        finish(SPI);
    }
}

TEST(disable_while_active)
{
    prepare(SPI, 0x80);
    for (uint32_t i = 0; i < 20; i++) {
        gic_set_pending(SPI);
        CHECK(take() == SPI, "not delivered in round %u", i);
        gic_disable(SPI);
        EXPECT(gic_active(SPI), "active is lost by disabling");
        gic_set_pending(SPI);
        finish(SPI);
        EXPECT(!gic_active(SPI), "active leaks past EOI while disabled");
        EXPECT(gic_pending(SPI), "pending is lost");
        EXPECT(take() >= 1020, "taken while disabled");
        gic_enable(SPI);
        CHECK(take() == SPI, "not delivered after enabling, round %u", i);
        finish(SPI);
    }
}

TEST(pend_while_active)
{
    prepare(SPI, 0x80);
    gic_set_pending(SPI);
    CHECK(take() == SPI, "not delivered");
    gic_set_pending(SPI);
    gic_set_pending(SPI);
    EXPECT(gic_pending(SPI) && gic_active(SPI), "pending %u active %u, both expected", gic_pending(SPI),
           gic_active(SPI));
    EXPECT(take() >= 1020, "taken while active");
    finish(SPI);
    CHECK(take() == SPI, "the second occurrence is lost");
    finish(SPI);
    EXPECT(take() >= 1020, "a third delivery of two occurrences");
}

/* Clearing pending while active leaves active alone, and the other way round. */
TEST(clear_pending_active)
{
    prepare(SPI, 0x80);
    gic_set_pending(SPI);
    CHECK(take() == SPI, "not delivered");
    gic_set_pending(SPI);
    gic_clear_pending(SPI);
    EXPECT(gic_active(SPI) && !gic_pending(SPI), "pending %u active %u", gic_pending(SPI), gic_active(SPI));
    finish(SPI);
    EXPECT(take() >= 1020, "delivered though cleared");
}

TEST(distributor_off)
{
    uint32_t on = read32(gic.dist + GICD_CTLR);
    prepare(SPI, 0x80);
    write32(gic.dist + GICD_CTLR, on & ~3u);
    gic_set_pending(SPI);
    EXPECT(take() >= 1020, "delivered by a distributor that is off");
    write32(gic.dist + GICD_CTLR, on);
    EXPECT_EQ(take(), SPI, "interrupt after the distributor was switched on");
    finish(SPI);
}

/* PPIs pend and activate by register too; 16..26 have no device in a domain, 22 is free on the boards as
 * well. */
TEST(ppi_by_register)
{
    uint32_t ppi = 22;
    gic_trigger(ppi, true);
    gic_priority(ppi, 0x60);
    gic_enable(ppi);
    gic_set_pending(ppi);
    if (gic.version == 2 && !gic_pending(ppi)) {
        test_skip("PPIs cannot be made pending here");
        return;
    }
    EXPECT_EQ(take(), ppi, "PPI made pending by register");
    EXPECT(gic_active(ppi), "not active");
    finish(ppi);
    EXPECT(!gic_active(ppi), "active after EOI");
}
