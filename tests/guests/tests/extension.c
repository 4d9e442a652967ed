// SPDX-License-Identifier: Apache-2.0
/* Devices that extensions serve: extensions/hello, extensions/counter and tests/extensions/escape.c. */
#include "../../extensions/escape.h"
#include "gic.h"
#include "guest.h"

#define HELLO   0x2100000u
#define COUNTER 0x2200000u
#define ESCAPE  0x2300000u

#define COUNTER_ID  0x42480001u
#define COUNTER_SPI (32u + 40u)
#define END_OVERRUN 2u
#define TOO_FAR     0x10u /* behind the registers of the counter that it serves */

TEST(extension_hello)
{
    uint64_t value = 0;

    EXPECT_EQ(read32(HELLO), 42, "a word");
    EXPECT_EQ(read64(HELLO + 8), 42, "a double word");
    EXPECT_EQ(read8(HELLO + 3), 42, "a byte");
    write32(HELLO, 1);
    CHECK(!try_read(HELLO + 0x1000, 4, &value, NULL), "a load behind the range went through");
    CHECK(!try_read(HELLO + 0xffc, 8, &value, NULL), "a load over the end of the range went through");
}

/* What an instruction without a syndrome loads, and what it adds to its base. */
static uint64_t load_and_step(uint64_t *at)
{
    uint64_t value, base = *at;

    __asm__ volatile("ldr %w0, [%1], #4" : "=&r"(value), "+r"(base)::"memory");
    *at = base;
    return value;
}

TEST(extension_counter)
{
    uint64_t at = COUNTER + 0xc;
    uint32_t signed_load;

    EXPECT_EQ(read32(COUNTER + 0xc), COUNTER_ID, "ID");
    EXPECT_EQ(load_and_step(&at), COUNTER_ID, "ID, base written back");
    EXPECT_EQ(at, COUNTER + 0x10, "base");
    write32(COUNTER, 100);
    EXPECT_EQ(read32(COUNTER), 101, "COUNT");
    EXPECT_EQ(read32(COUNTER), 102, "COUNT");
    write32(COUNTER, 0xfffffffe);
    __asm__ volatile("ldr %w0, [%1]" : "=r"(signed_load) : "r"((uint64_t)COUNTER) : "memory");
    EXPECT_EQ(signed_load, 0xffffffff, "COUNT");
    CHECK(!try_read(COUNTER, 8, NULL, NULL), "a double word is no access to this device");
    CHECK(!try_read(COUNTER + TOO_FAR, 4, NULL, NULL), "a load behind the registers went through");
    gic_trigger(COUNTER_SPI, true);
    gic_enable(COUNTER_SPI);
    irq_on();
    write32(COUNTER, 0);
    write32(COUNTER + 4, 3);
    (void)read32(COUNTER);
    (void)read32(COUNTER);
    delay_us(1000);
    EXPECT_EQ(this_cpu()->seen[COUNTER_SPI], 0, "interrupts before the alarm");
    (void)read32(COUNTER);
    CHECK(wait_for(&this_cpu()->seen[COUNTER_SPI], 1, 1000000), "no interrupt");
    irq_off();
}

#define LOADS 200u
static volatile uint32_t sums[MAX_CPUS];

static void count_up(void *arg)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < LOADS; i++) {
        sum += read32(COUNTER) != 0 ? 1 : 0;
    }
    sums[(uint64_t)arg] = sum;
}

/* One entry at a time: no load is lost or doubled. */
TEST(extension_smp)
{
    write32(COUNTER, 0);
    CHECK(smp_run(cpu_count, count_up, 20000000), "not all CPUs ran");
    EXPECT_EQ(read32(COUNTER), LOADS * cpu_count + 1, "loads");
}

/* Settings of EL1 that would act on EL0, were they left: traps off, FP on, counters on, big endian. And what
 * the extension could change of the guest. */
static void hostile_settings(void)
{
    uint64_t sctlr = sysreg_read(sctlr_el1);

    sysreg_write(cpacr_el1, 3u << 20);
    sysreg_write(cntkctl_el1, 0x3ffu);
    sysreg_write(sctlr_el1,
                 sctlr | 1u << 9 | 1u << 14 | 1u << 15 | 1u << 16 | 1u << 18 | 1u << 24 | 1u << 26);
    sysreg_write(tpidr_el0, 0x1111);
    sysreg_write(tpidrro_el0, 0x2222);
    sysreg_write(tpidr_el1, sysreg_read(tpidr_el1));
    isb();
}

static void same(uint64_t value, uint64_t expected, const char *what, uint32_t number)
{
    EXPECT(value == expected, "%s after attempt %u is 0x%lx, not 0x%lx", what, number, value, expected);
}

static void attempt(uint32_t number, uint32_t *held, uint32_t *through)
{
    uint32_t life = read32(ESCAPE + ESCAPE_LIFE), end;

    write32(ESCAPE + ESCAPE_WHAT, number);
    end = read32(ESCAPE + ESCAPE_END);
    write32(ESCAPE + ESCAPE_ADDRESS, (uint32_t)(arg_number("core", 0x200000) / 4096u));
    write32(ESCAPE + ESCAPE_COMMAND, number + life % 65536u * 65536u);
    if (read32(ESCAPE + ESCAPE_LIFE) == life) {
        (*through)++;
        print("attempt %u went through\n", number);
    } else {
        (*held)++;
        same(read32(ESCAPE + ESCAPE_LIFE), life + 1, "life", number);
        same(read32(ESCAPE + ESCAPE_LAST_END), end, "end", number);
    }
}

TEST(extension_escape)
{
    uint32_t held = 0, through = 0, count = read32(ESCAPE + ESCAPE_COUNT);
    uint64_t sctlr = sysreg_read(sctlr_el1), cpacr = sysreg_read(cpacr_el1),
             cntkctl = sysreg_read(cntkctl_el1);
    uint64_t first = arg_number("first", 0), last = arg_number("last", count - 1u);

    hostile_settings();
    uint64_t hostile = sysreg_read(sctlr_el1), sp = sysreg_read(sp_el0);
    for (uint32_t number = (uint32_t)first; number <= last; number++) {
        attempt(number, &held, &through);
        same(sysreg_read(sctlr_el1), hostile, "SCTLR_EL1", number);
        same(sysreg_read(cpacr_el1), 3u << 20, "CPACR_EL1", number);
        same(sysreg_read(cntkctl_el1) % 0x400u, 0x3ffu, "CNTKCTL_EL1", number);
        same(sysreg_read(tpidr_el0), 0x1111, "TPIDR_EL0", number);
        same(sysreg_read(tpidrro_el0), 0x2222, "TPIDRRO_EL0", number);
        same(sysreg_read(sp_el0), sp, "SP_EL0", number);
    }
    sysreg_write(sctlr_el1, sctlr);
    sysreg_write(cpacr_el1, cpacr);
    sysreg_write(cntkctl_el1, cntkctl);
    isb();
    test_figure("attempts", last - first + 1u);
    test_figure("held", held);
    test_figure("through", through);
}

/* Its domain crashes with it when no restart is left. */
TEST(extension_last)
{
    write32(ESCAPE + ESCAPE_COMMAND, 1u + read32(ESCAPE + ESCAPE_LIFE) % 65536u * 65536u);
    test_fail("the domain goes on");
}
