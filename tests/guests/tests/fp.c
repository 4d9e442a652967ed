// SPDX-License-Identifier: Apache-2.0
/* FP and SIMD registers belong to one vCPU: run in two domains on one pCPU, and on all vCPUs at once. */
#include "gic.h"
#include "guest.h"

void fp_fill(uint64_t seed);
uint64_t fp_differs(uint64_t seed);

static volatile uint32_t checked;

static void worker(void *arg)
{
    uint64_t seed = (arg_number("seed", 1) * 64 + (uint64_t)arg + 1) * 0x9e3779b97f4a7c15ull | 1;
    uint64_t end = now() + us_to_ticks(arg_number("ms", 100) * 1000);
    struct cpu *cpu = this_cpu();
    gic_enable(27);
    irq_on();
    for (uint32_t i = 0; now() < end; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        fp_fill(seed);
        /* A hypercall, a spin and a sleep: each can be where another vCPU's registers get in. */
        (void)psci(PSCI_VERSION, 0, 0, 0);
        if (i % 3 == 0) {
            uint32_t before = cpu->seen[27];
            sysreg_write(cntv_tval_el0, us_to_ticks(200));
            sysreg_write(cntv_ctl_el0, 1);
            isb();
            while (cpu->seen[27] == before) {
                irq_off();
                if (cpu->seen[27] == before) {
                    wfi();
                }
                irq_on();
            }
        } else if (i % 3 == 1) {
            delay_us(100);
        }
        uint64_t n = fp_differs(seed);
        if (n) {
            test_fail("%lu values changed in round %u on cpu %lu", n, i, cpu->index);
            return;
        }
        __atomic_add_fetch(&checked, 1, __ATOMIC_RELAXED);
    }
}

static void stop_timer(uint32_t intid)
{
    if (intid == 27) {
        sysreg_write(cntv_ctl_el0, 0);
        isb();
    }
}

TEST(fp_kept)
{
    checked = 0;
    irq_body = stop_timer;
    CHECK(smp_run(cpu_count, worker, 30000000), "not all CPUs ended");
    test_figure("rounds", checked);
    EXPECT(checked > cpu_count, "only %u rounds", checked);
}
