// SPDX-License-Identifier: Apache-2.0
/* Every register of the emulated devices with every width: distributor, redistributors, CPU interface, UART.
 */
#include "gic.h"
#include "guest.h"

static uint64_t attempts, aborted;

static void poke(uint64_t address, uint64_t value)
{
    for (uint32_t size = 1; size <= 8; size *= 2) {
        aborted += !try_read(address, size, NULL, NULL);
        aborted += !try_write(address, size, value, NULL);
        attempts += 2;
    }
}

static void sweep(uint64_t base, uint64_t size, uint64_t seed)
{
    for (uint64_t offset = 0; offset < size; offset += 4) {
        static const uint64_t values[] = {0, ~0ull, 0xa5a5a5a5a5a5a5a5, 1};
        poke(base + offset, seed % 5 == 4 ? (uint64_t)random32(&seed) * 0x100000001 : values[seed % 5]);
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        if (offset % 64 == 0) {
            (void)try_read(base + offset + 1 + offset / 64 % 3, 4, NULL, NULL); /* unaligned */
            attempts++;
        }
    }
}

static void report(void)
{
    test_figure("attempts", attempts);
    test_figure("aborted", aborted);
    attempts = aborted = 0;
    gic_init();
    gic_reset_for_test();
    gic_enable(3);
    irq_on();
    uint32_t before = cpus[0].seen[3];
    gic_sgi(0, 3);
    EXPECT(wait_for(&cpus[0].seen[3], before + 1, 2000000),
           "after the attack the attacker itself gets no SGI");
    irq_off();
}

TEST(attack_distributor)
{
    attempts = aborted = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        sweep(gic.dist, gic.version == 3 ? 0x10000 : 0x1000, seed + arg_number("seed", 0));
    }
    report();
}

TEST(attack_redistributors)
{
    attempts = aborted = 0;
    if (gic.version != 3) {
        test_skip("GICv2");
        return;
    }
    /* All frames of its own vCPUs, and those behind them that no vCPU has. */
    for (uint32_t i = 0; i < cpu_count + 2; i++) {
        sweep(gic.redist + i * 0x20000ull, 0x20000, i + 7 + arg_number("seed", 0));
    }
    report();
}

TEST(attack_cpu_interface)
{
    attempts = aborted = 0;
    if (gic.version != 2) {
        test_skip("GICv3");
        return;
    }
    sweep(gic.cpu, 0x2000, 3);
    report();
}

TEST(attack_uart)
{
    uint64_t base = uart_base;
    attempts = aborted = 0;
    uart_base = 0; /* nobody prints meanwhile: DR is among the registers */
    for (uint64_t offset = 4; offset < 0x1000; offset += 4) {
        poke(base + offset, ~0ull);
        poke(base + offset, 0);
    }
    write32(base + 0x38, 0);
    uart_base = base;
    report();
}
