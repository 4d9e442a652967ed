// SPDX-License-Identifier: Apache-2.0
/* The neighbours of an attacker: memory, interrupts and a device of their own, which must stay as they are.
 */
#include "gic.h"
#include "guest.h"

static uint64_t seed;

static uint64_t pattern(uint64_t address)
{
    return (address + seed) * 0x9e3779b97f4a7c15ull;
}

/* ms= says how long; with until=input it ends earlier, once something is typed. */
static bool go_on(uint64_t end)
{
    static bool asked;
    if (now() >= end) {
        return false;
    }
    asked = asked || (arg_is("until", "input") && console_getc() >= 0);
    return !asked;
}

/* A pattern over its RAM and SGIs to itself. seed= makes the patterns of two victims differ. */
TEST(victim)
{
    extern uint8_t _end[];
    uint64_t base, size, late_max = 0;
    uint32_t rounds = 0;
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    uint64_t from = ((uint64_t)_end + 4095) / 4096 * 4096;
    uint64_t to = (uint64_t)fdt_blob > from ? (uint64_t)fdt_blob / 4096 * 4096 : base + size;
    seed = arg_number("seed", 0) * 0x1000001;
    for (uint64_t a = from; a < to; a += 8) {
        write64(a, pattern(a));
    }
    gic_enable(5);
    irq_on();
    uint64_t end = now() + us_to_ticks(arg_number("ms", 3000) * 1000), step = now();
    while (go_on(end)) {
        uint32_t before = cpus[0].seen[5];
        uint64_t sent = now();
        gic_sgi(0, 5);
        CHECK(wait_for(&cpus[0].seen[5], before + 1, 3000000), "SGI lost in round %u", rounds);
        uint64_t took = now() - sent;
        late_max = took > late_max ? took : late_max;
        for (uint64_t n = 0; n < 512; n++, step++) {
            uint64_t a = from + step * 8 * 61 % (to - from) / 8 * 8;
            CHECK(read64(a) == pattern(a), "0x%lx holds 0x%lx", a, read64(a));
        }
        rounds++;
    }
    irq_off();
    for (uint64_t a = from; a < to; a += 8) {
        CHECK(read64(a) == pattern(a), "0x%lx holds 0x%lx", a, read64(a));
    }
    test_figure("rounds", rounds);
    test_figure("slowest_us", late_max * 1000000 / sysreg_read(cntfrq_el0));
}

enum { RTC = 0x09010000, DR = 0x0, MR = 0x4, IMSC = 0x10, ICR = 0x1c, IRQ = 34 };

static void clear_clock(uint32_t intid)
{
    if (intid == IRQ) {
        write32(RTC + ICR, 1);
    }
}

/* A device of its own, QEMU's PL031: a match register set to the present second interrupts at once. */
TEST(victim_clock)
{
    uint64_t end = now() + us_to_ticks(arg_number("ms", 3000) * 1000);
    uint32_t rounds = 0;
    irq_body = clear_clock;
    gic_enable(IRQ);
    irq_on();
    write32(RTC + IMSC, 1);
    while (go_on(end)) {
        uint32_t before = cpus[0].seen[IRQ];
        write32(RTC + MR, read32(RTC + DR));
        CHECK(wait_for(&cpus[0].seen[IRQ], before + 1, 2000000), "interrupt lost in round %u", rounds);
        delay_us(200);
        rounds++;
    }
    irq_off();
    write32(RTC + IMSC, 0);
    test_figure("rounds", rounds);
}
