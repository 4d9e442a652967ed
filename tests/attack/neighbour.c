// SPDX-License-Identifier: Apache-2.0
/* The neighbour's delay: a victim that takes timer interrupts and does nothing else, and an attacker that
 * makes the hypervisor work. The instructions are counted by tests/plugin/delay.c, which knows the two hints
 * below. */
#include "gic.h"
#include "guest.h"

#define MARK_ARM     "hint #0x60\n"
#define MARK_HANDLER "hint #0x61\n"

static volatile uint32_t handled;
static uint64_t deadline;

static void handler(void)
{
    uint64_t count, sink;
    isb();
    __asm__ volatile("mrs %0, cntvct_el0\n sub %0, %0, %1\n" MARK_HANDLER "str %0, [%2]"
                     : "=&r"(count)
                     : "r"(deadline), "r"(&sink)
                     : "memory");
    sysreg_write(cntv_ctl_el0, 0);
    isb();
    irq_default();
    handled++;
}

static void arm(uint64_t ticks)
{
    irq_off();
    isb();
    __asm__ volatile(MARK_ARM : : : "memory");
    deadline = sysreg_read(cntvct_el0) + ticks;
    sysreg_write(cntv_cval_el0, deadline);
    sysreg_write(cntv_ctl_el0, 1);
    isb();
}

/* rounds= deadlines. With sleep=1 it waits in WFI: where the pCPU is shared, the others then have it. */
TEST(neighbour)
{
    uint64_t seed = arg_number("seed", 1) * 0x9e3779b97f4a7c15ull | 1;
    uint32_t rounds = (uint32_t)arg_number("rounds", 1000);
    bool sleep = arg_number("sleep", 0) != 0;
    irq_hook = handler;
    handled = 0;
    gic_enable(27);
    for (uint32_t i = 1; i <= rounds; i++) {
        arm(4000 + random32(&seed) % 40000);
        if (!sleep) {
            irq_on();
        }
        while (handled < i) {
            if (sleep) {
                wfi();
                irq_on();
                irq_off();
            } else {
                cpu_relax();
            }
        }
    }
    irq_hook = irq_default;
    test_figure("rounds", handled);
}

static uint64_t hole;

static void storm_sgi(uint32_t i)
{
    gic_sgi(0, i % 8);
    gic_sgi_others(8 + i % 8);
}

static void storm_distributor(uint32_t i)
{
    uint64_t a = gic.dist + 0x80 + i * 4 % 0xf00;
    (void)try_write(a, 4, i % 2 ? ~0u : 0xa5a5a5a5, NULL);
    (void)try_read(a, i % 3 == 0 ? 1 : 4, NULL, NULL);
}

static void storm_uart(uint32_t i)
{
    (void)read32(uart_base + 0x18);
    write32(uart_base + 0x38, i % 2 ? 0x7ff : 0);
    write32(uart_base + 0x44, 0x7ff);
    if (i % 64 == 0) {
        write32(uart_base, i % 4096 == 0 ? '\n' : '~');
    }
}

static void storm_calls(uint32_t i)
{
    static const uint32_t ids[] = {PSCI_VERSION, PSCI_FEATURES, PSCI_AFFINITY_INFO, SMCCC_ARCH_FEATURES,
                                   0x8600ff01,   0x84000005,    0xffffffff,         PSCI_CPU_ON};
    uint64_t regs[18] = {ids[i % ARRAY_SIZE(ids)], cpu_count > 1 ? cpus[1].mpidr : 77, 0xfffffffffffffffc};
    smccc_call(i % 2 != 0, regs);
}

static void storm_faults(uint32_t i)
{
    (void)try_read(hole + i % 16 * 4096, 4, NULL, NULL);
    (void)try_write(0x30000000 + i % 512 * 8, 8, i, NULL);
}

static void storm_timer(uint32_t i)
{
    sysreg_write(cntv_cval_el0, 0);
    sysreg_write(cntv_ctl_el0, 1);
    sysreg_write(cntp_cval_el0, i);
    sysreg_write(cntp_ctl_el0, 1);
    isb();
}

static void storm_spis(uint32_t i)
{
    gic_set_pending(32 + i % 32);
    gic_target(32 + i % 32, i % cpu_count);
    gic_priority(32 + i % 32, (uint8_t)(i * 8));
}

/* By set and way, and the switch of the caches that goes with it: what makes the hypervisor clean all of the
 * RAM. */
static void storm_set_way(uint32_t i)
{
    __asm__ volatile("dc cisw, %0\n dc csw, %1" : : "r"((uint64_t)i % 64 * 64), "r"(0ull) : "memory");
    if (i % 256 == 0) {
        uint64_t sctlr = sysreg_read(sctlr_el1);
        sysreg_write(sctlr_el1, sctlr & ~4ull);
        isb();
        sysreg_write(sctlr_el1, sctlr);
        isb();
    }
}

static void nothing(void *arg)
{
    (void)arg;
}

static void storm_cpus(uint32_t i)
{
    if (cpu_count > 1 && i % 32 == 0) {
        (void)cpu_start(1, nothing, NULL);
        (void)cpu_wait_off(1, 20000);
    }
}

/* Only a build that holds a lock over it answers: x1 is how long. */
static void storm_lock(uint32_t i)
{
    uint64_t regs[18] = {0x8600ffff, 20000};
    if (i % 4 == 0) {
        smccc_call(false, regs);
    }
}

static int64_t event(uint64_t command, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t words[6] = {a, b, c};
    register uint64_t x0 __asm__("x0") = command, x1 __asm__("x1") = (uint64_t)words, x16 __asm__("x16") = 32;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16) : : "memory", "cc", "x2", "x3", "x4");
    return (int64_t)x0;
}

/* Its own ports bound, rung, masked and closed in turn, and the channel to the victim at full speed: what
 * neither of them ever looks at stays pending. */
#define TO_VICTIM 9u
static void storm_events(uint32_t i)
{
    const uint32_t self = 0x7ff0, port = 1 + i % 8;

    for (uint32_t n = 0; n < 4; n++) {
        (void)event(4, TO_VICTIM, 0, 0);
    }
    (void)event(6, self | self << 16, 0, 0);
    (void)event(0, self, port, 0);
    (void)event(7, i % cpu_count, 0, 0);
    (void)event(4, port, 0, 0);
    (void)event(9, port, 0, 0);
    (void)event(8, port, i % cpu_count, 0);
    (void)event(3, port, 0, 0);
    if (i % 16 == 0) {
        (void)event(10, self, 0, 0);
    }
}

/* Watchdogs set and stopped: each new one asks the pCPU of vCPU 0 for its alarm. A new one without time would
 * end the domain at once. */
static void storm_watchdogs(uint32_t i)
{
    const uint32_t words[2] = {i % 3, i % 3 != 0 && i % 4 == 3 ? 0 : 3600 + i % 7};
    register uint64_t x0 __asm__("x0") = 6, x1 __asm__("x1") = (uint64_t)words, x16 __asm__("x16") = 29;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16) : : "memory", "cc", "x2", "x3", "x4");
}

static void stop_timers(uint32_t intid)
{
    if (intid == 27 || intid == 30) {
        sysreg_write(cntv_ctl_el0, 0);
        sysreg_write(cntp_ctl_el0, 0);
        isb();
    }
}

/* Each storm in turn, times= of each; with end=reset the domain then begins again. */
TEST(storm)
{
    static void (*const storms[])(uint32_t) = {
        storm_sgi,  storm_distributor, storm_uart, storm_calls, storm_faults, storm_timer,
        storm_spis, storm_set_way,     storm_cpus, storm_lock,  storm_events, storm_watchdogs};
    uint32_t times = (uint32_t)arg_number("times", 500);
    hole = mmu_window(0x8000000000, MMU_DEVICE);
    irq_body = stop_timers;
    for (uint32_t s = 0; s < ARRAY_SIZE(storms); s++) {
        gic_reset_for_test();
        irq_body = stop_timers;
        for (uint32_t n = 0; n < 16; n++) {
            gic_enable(n);
        }
        gic_enable(27);
        gic_enable(30);
        irq_on();
        for (uint32_t i = 0; i < times; i++) {
            storms[s](i);
        }
        irq_off();
        stop_timers(27);
    }
}
