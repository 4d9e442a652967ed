// SPDX-License-Identifier: Apache-2.0
/* One life of a domain that is restarted: everything must be as the first time. */
#include "gic.h"
#include "guest.h"

static volatile uint64_t initialised = 0x0123456789abcdef;
static volatile uint64_t zeroed[64];

/* Data as in the module, RAM behind the image cleared, interrupt controller and timer as after reset; then
 * all of it is spoilt for the next life. */
TEST(pristine)
{
    extern uint8_t _end[];
    uint64_t base, size;
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    EXPECT_EQ(initialised, 0x0123456789abcdef, "initialised data");
    for (uint32_t i = 0; i < ARRAY_SIZE(zeroed); i++) {
        CHECK(zeroed[i] == 0, "zeroed data word %u is 0x%lx", i, zeroed[i]);
        zeroed[i] = ~0ull;
    }
    initialised = 0;
    uint64_t from = ((uint64_t)_end + 4095) / 4096 * 4096;
    uint64_t to = (uint64_t)fdt_blob > from ? (uint64_t)fdt_blob / 4096 * 4096 : base + size;
    for (uint64_t a = from; a < to; a += 512) {
        CHECK(read64(a) != 0x5ec7e75ec7e75ec7, "0x%lx still holds the former life's secret", a);
    }
    for (uint64_t a = from; a < to; a += 8) {
        write64(a, 0x5ec7e75ec7e75ec7);
    }
    EXPECT_EQ(sysreg_read(cntv_ctl_el0) % 2, 0, "CNTV_CTL_EL0.ENABLE");
    sysreg_write(cntv_cval_el0, 0);
    sysreg_write(cntv_ctl_el0, 1);
    gic_enable(27);
    for (uint32_t i = 100; i < 120; i++) {
        EXPECT(!gic_pending(i) && !gic_enabled(i) && !gic_active(i), "INTID %u is not in its reset state", i);
        gic_enable(i);
        gic_set_pending(i);
        gic_set_active(i + 40);
    }
}

static void spin(void *arg)
{
    (void)arg;
    for (;;) {
        cpu_relax();
    }
}

/* Ends with another vCPU running, as an operating system that crashes does. */
TEST(leave_cpus_running)
{
    for (uint32_t i = 1; i < cpu_count; i++) {
        EXPECT(cpu_start(i, spin, NULL) == PSCI_SUCCESS, "CPU_ON %u", i);
    }
    delay_us(500);
}

/* A long run under every kind of interrupt: to self, across, timers, SPIs re-targeted on the way. sent =
 * seen. Ends after ginsn= times 10^9 ticks of the virtual counter, which are instructions under icount. */
static volatile uint32_t stop, partner_up;

static void echo(uint32_t intid)
{
    if (intid == 27) {
        sysreg_write(cntv_tval_el0, us_to_ticks(30));
        isb();
    } else if (intid == 2 && this_cpu()->index == 1) {
        gic_sgi(0, 3);
    }
}

static void partner(void *arg)
{
    (void)arg;
    gic_enable(2);
    gic_enable(27);
    sysreg_write(cntv_tval_el0, us_to_ticks(30));
    sysreg_write(cntv_ctl_el0, 1);
    irq_on();
    __atomic_store_n(&partner_up, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        irq_off();
        if (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
            wfi();
        }
        irq_on();
    }
    irq_off();
    sysreg_write(cntv_ctl_el0, 0);
}

/* Plain work between the interrupts, 3 instructions a turn. */
static void work(uint64_t turns)
{
    __asm__ volatile("1: subs %0, %0, #1\n nop\n b.ne 1b" : "+r"(turns) : : "cc");
}

TEST(soak)
{
    enum { SPI = 96, SPIS = 24 };
    uint64_t begin = now(), sent = 0, crossed = 0, moved = 0, seed = arg_number("seed", 7) | 1;
    uint64_t length = arg_number("ginsn", 1) * 1000000000ull, turns = arg_number("work", 1);
    stop = partner_up = 0;
    irq_body = echo;
    gic_enable(1);
    gic_enable(3);
    for (uint32_t i = 0; i < SPIS; i++) {
        gic_trigger(SPI + i, true);
        gic_target(SPI + i, 0);
        gic_enable(SPI + i);
    }
    if (cpu_count > 1) {
        CHECK(cpu_start(1, partner, NULL) == PSCI_SUCCESS && wait_for(&partner_up, 1, 5000000),
              "CPU 1 does not start");
    }
    irq_on();
    while (now() - begin < length && !test_failed()) {
        for (uint32_t n = 0; n < 256; n++) {
            work(turns);
            gic_sgi(0, 1);
            sent++;
            CHECK(wait_for(&cpus[0].seen[1], (uint32_t)sent, 10000000), "SGI %lu to self is lost", sent);
        }
        if (cpu_count > 1) {
            gic_sgi(1, 2);
            crossed++;
            CHECK(wait_for(&cpus[0].seen[3], (uint32_t)crossed, 10000000), "echo %lu is lost", crossed);
        }
        uint32_t spi = SPI + random32(&seed) % SPIS, target = random32(&seed) % (cpu_count > 1 ? 2 : 1);
        uint32_t before = cpus[0].seen[spi] + cpus[1].seen[spi];
        gic_target(spi, target);
        gic_set_pending(spi);
        moved++;
        uint64_t end = now() + us_to_ticks(10000000);
        while (__atomic_load_n(&cpus[0].seen[spi], __ATOMIC_ACQUIRE) +
                   __atomic_load_n(&cpus[1].seen[spi], __ATOMIC_ACQUIRE) ==
               before) {
            CHECK(now() < end, "SPI %u to cpu %u is lost", spi, target);
            cpu_relax();
        }
    }
    if (cpu_count > 1) {
        __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
        gic_sgi(1, 2);
        crossed++;
        EXPECT(cpu_wait_off(1, 10000000), "cpu 1 does not go off");
        CHECK(wait_for(&cpus[0].seen[3], (uint32_t)crossed, 10000000), "the last echo is lost");
    }
    uint64_t spis = 0;
    for (uint32_t i = 0; i < SPIS; i++) {
        spis += cpus[0].seen[SPI + i] + cpus[1].seen[SPI + i];
    }
    EXPECT_EQ(cpus[0].seen[1], sent, "SGIs to self seen");
    EXPECT_EQ(cpus[0].seen[3], crossed, "echoes seen");
    EXPECT_EQ(spis, moved, "SPIs seen");
    test_figure("interrupts", sent + 2 * crossed + moved + cpus[0].seen[27] + cpus[1].seen[27]);
    test_figure("ticks", now() - begin);
}
