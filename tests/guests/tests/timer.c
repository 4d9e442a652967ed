// SPDX-License-Identifier: Apache-2.0
/* The virtual timer (PPI 27) and the physical one (PPI 30): deadline, level, mask, sleep and wake. */
#include "gic.h"
#include "guest.h"

enum { VTIMER = 27, PTIMER = 30, ENABLE = 1, IMASK = 2, ISTATUS = 4 };

static volatile bool physical;
static volatile uint32_t fired;
static volatile uint64_t fired_at;

static uint64_t ctl(void)
{
    return physical ? sysreg_read(cntp_ctl_el0) : sysreg_read(cntv_ctl_el0);
}

static void set_ctl(uint64_t v)
{
    if (physical) {
        sysreg_write(cntp_ctl_el0, v);
    } else {
        sysreg_write(cntv_ctl_el0, v);
    }
    isb();
}

static void set_tval(uint64_t v)
{
    if (physical) {
        sysreg_write(cntp_tval_el0, v);
    } else {
        sysreg_write(cntv_tval_el0, v);
    }
    isb();
}

static uint64_t cval(void)
{
    return physical ? sysreg_read(cntp_cval_el0) : sysreg_read(cntv_cval_el0);
}

static uint64_t count(void)
{
    isb();
    return physical ? sysreg_read(cntpct_el0) : sysreg_read(cntvct_el0);
}

static void on_timer(uint32_t intid)
{
    if (intid == VTIMER || intid == PTIMER) {
        fired_at = count();
        fired++;
        set_ctl(0);
    }
}

static void one(uint64_t us, bool sleep)
{
    fired = 0;
    uint64_t begin = count();
    set_tval(us_to_ticks(us));
    set_ctl(ENABLE);
    uint64_t deadline = cval();
    if (sleep) {
        while (!fired && count() - begin < us_to_ticks(2000000)) {
            irq_off();
            if (!fired) {
                wfi();
            }
            irq_on();
        }
    } else {
        (void)wait_for(&fired, 1, 2000000);
    }
    CHECK(fired == 1, "fired %u times, %s, %lu us", fired, sleep ? "asleep" : "spinning", us);
    EXPECT(fired_at >= deadline, "%lu ticks early", deadline - fired_at);
}

static void deadlines(void)
{
    irq_body = on_timer;
    gic_enable(physical ? PTIMER : VTIMER);
    irq_on();
    for (uint32_t i = 0; i < 40 && !test_failed(); i++) {
        one(i % 4 * 300 + 50, i % 2 == 0);
    }
    set_ctl(0);
}

TEST(vtimer)
{
    physical = false;
    deadlines();
}

TEST(ptimer)
{
    physical = true;
    deadlines();
    physical = false;
}

/* A level: it stays until the condition goes, and IMASK hides it without ending it. */
static volatile uint32_t repeats;

static void on_repeat(uint32_t intid)
{
    if (intid == VTIMER && ++repeats >= 5) {
        sysreg_write(cntv_ctl_el0, ENABLE | IMASK);
        isb();
    }
}

TEST(vtimer_level)
{
    physical = false;
    repeats = 0;
    irq_body = on_repeat;
    gic_enable(VTIMER);
    set_tval(0);
    set_ctl(ENABLE);
    irq_on();
    for (uint32_t i = 0; i < 4 && gic.version == 2 && is_domain(); i++) {
        /* QEMU's GICv2 does not look at a level again when a virtual EOI ends the physical interrupt, only
         * when the level changes. GICv3, and GICv2 on the bare machine, need no help. */
        delay_us(100);
        set_ctl(ENABLE | IMASK);
        set_ctl(ENABLE);
    }
    CHECK(wait_for(&repeats, 5, 1000000), "only %u interrupts from a level that stays", repeats);
    delay_us(2000);
    EXPECT_EQ(repeats, 5, "interrupts once masked by IMASK");
    EXPECT(ctl() & ISTATUS, "ISTATUS is lost under IMASK");
    set_ctl(ENABLE);
    EXPECT(wait_for(&repeats, 6, 1000000), "no interrupt after IMASK was removed");
    irq_off();
    set_ctl(0);
}

/* Fires while the PPI is disabled at the redistributor or distributor: seen when it is enabled. */
TEST(vtimer_enable_later)
{
    physical = false;
    irq_body = on_timer;
    fired = 0;
    irq_on();
    set_tval(us_to_ticks(500));
    set_ctl(ENABLE);
    delay_us(3000);
    EXPECT_EQ(fired, 0, "interrupts of a disabled PPI");
    uint64_t end = now() + us_to_ticks(1000000);
    while (!gic_pending(VTIMER) && now() < end) {
        cpu_relax();
    }
    EXPECT(gic_pending(VTIMER), "PPI 27 is not pending after the deadline");
    gic_enable(VTIMER);
    EXPECT(wait_for(&fired, 1, 1000000), "no interrupt after the PPI was enabled");
    set_ctl(0);
}

/* Cancelled while masked in PSTATE: the bare machine takes the interrupt back. A hypervisor that does not
 * trap the timer's registers has already made it pending, as real cores may: once, never more. */
TEST(vtimer_cancel)
{
    physical = false;
    irq_body = on_timer;
    gic_enable(VTIMER);
    for (uint32_t i = 0; i < 20; i++) {
        irq_off();
        fired = 0;
        set_tval(us_to_ticks(50));
        set_ctl(ENABLE);
        delay_us(200);
        set_ctl(0);
        delay_us(50);
        irq_on();
        delay_us(100);
        EXPECT(fired <= (is_domain() ? 1 : 0), "%u interrupts of a cancelled deadline", fired);
    }
}

static volatile uint32_t ready;

static void sleeper(void *arg)
{
    uint64_t seed = 88172645463325252ull + (uint64_t)arg;
    uint32_t rounds = (uint32_t)arg_number("rounds", 200);
    struct cpu *cpu = this_cpu();
    gic_enable(VTIMER);
    irq_on();
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t before = cpu->seen[VTIMER];
        uint64_t ticks = us_to_ticks(20 + random32(&seed) % 400);
        uint64_t end = now() + ticks;
        sysreg_write(cntv_cval_el0, end);
        sysreg_write(cntv_ctl_el0, ENABLE);
        isb();
        while (cpu->seen[VTIMER] == before) {
            irq_off();
            if (cpu->seen[VTIMER] == before) {
                wfi();
            }
            irq_on();
            if (now() > end + us_to_ticks(2000000)) {
                test_fail("cpu %lu overslept in round %u", cpu->index, i);
                return;
            }
        }
        if (now() < end) {
            test_fail("cpu %lu woke %lu ticks early", cpu->index, end - now());
        }
    }
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELAXED);
}

static void on_sleeper(uint32_t intid)
{
    if (intid == VTIMER) {
        sysreg_write(cntv_ctl_el0, 0);
        isb();
    }
}

/* All CPUs sleep and wake at once, each by its own timer. */
TEST(vtimer_smp)
{
    ready = 0;
    irq_body = on_sleeper;
    CHECK(smp_run(cpu_count, sleeper, 20000000), "not all CPUs ended");
    EXPECT_EQ(ready, cpu_count, "CPUs that finished");
}

static uint64_t physical_now(void)
{
    isb();
    return sysreg_read(cntpct_el0);
}

/* The counter that all CPUs see never goes back, and both counters run at the rate that CNTFRQ says they
 * share. */
TEST(counter)
{
    uint64_t last = now();
    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t t = now();
        CHECK(t >= last, "CNTVCT went back by %lu", last - t);
        last = t;
    }
    /* The host may take the CPU away between two reads, so the virtual counter is read between two of the
     * other. */
    uint64_t before0 = physical_now(), v0 = now(), after0 = physical_now();
    delay_us(1000);
    uint64_t before1 = physical_now(), v = now() - v0, after1 = physical_now();
    EXPECT(v >= before1 - after0 && v <= after1 - before0, "CNTPCT moved by %lu to %lu, CNTVCT by %lu",
           before1 - after0, after1 - before0, v);
}
