// SPDX-License-Identifier: Apache-2.0
/* A domain whose description has a heartbeat: it beats, then hangs. */
#include "guest.h"

enum { SCHED_OP = 29, WATCHDOG = 6 };

static volatile uint32_t stop, running;

static int64_t watchdog(uint32_t id, uint32_t seconds)
{
    const uint32_t words[2] = {id, seconds};
    register uint64_t x0 __asm__("x0") = WATCHDOG, x1 __asm__("x1") = (uint64_t)words,
                         x16 __asm__("x16") = SCHED_OP;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16) : : "memory", "cc", "x2", "x3", "x4");
    return (int64_t)x0;
}

/* All watchdogs, set and stopped as fast as it goes; but for a new one without time, which would end it. */
static void wild(uint64_t seed)
{
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        uint32_t any = random32(&seed);

        (void)watchdog(any % 5, any % 5 != 0 && any / 8 % 2 == 0 ? 0 : 3600);
    }
}

static void partner(void *arg)
{
    __atomic_fetch_add(&running, 1, __ATOMIC_RELEASE);
    wild((uint64_t)arg);
    __atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
}

/* ms= of beats from every vCPU, of which none counts as staying away; then vCPU 0 spins with interrupts
 * masked. never=1: it does not beat at all. */
TEST(heartbeat)
{
    uint64_t ms = arg_number("ms", 300), seed = arg_number("seed", 1) * 0x9e3779b97f4a7c15ull | 1;
    stop = running = 0;
    if (arg_number("never", 0) == 0) {
        for (uint32_t i = 1; i < cpu_count; i++) {
            CHECK(cpu_start(i, partner, (void *)(seed + 2 * i)) == PSCI_SUCCESS, "CPU_ON %u", i);
        }
        for (uint64_t end = now() + us_to_ticks(ms * 1000); now() < end;) {
            uint32_t any = random32(&seed);

            (void)watchdog(any % 5, any % 5 != 0 && any / 8 % 2 == 0 ? 0 : 3600);
        }
        __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
        CHECK(wait_for(&running, 0, 2000000), "another vCPU does not stop");
        (void)watchdog(2, 0);
    }
    print("HANGS after %lu ms\n", arg_number("never", 0) == 0 ? ms : 0);
    irq_off();
    for (;;) {
        cpu_relax();
    }
}
