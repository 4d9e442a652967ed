// SPDX-License-Identifier: Apache-2.0
/* From the cause of an interrupt to the first instruction of the vector. */
#include "guest.h"

#define WARM_UP 16
#define SETTLE  20000 /* long enough for the receiver to be in its loop or asleep */
#define DELAY   100000

void sgi_self_once(uint32_t index)
{
    uint32_t count = irq_count[0][SGI_SELF];
    isb();
    uint64_t start = now();
    sgi_send(SGI_SELF, 0);
    while (irq_count[0][SGI_SELF] == count)
        compiler_barrier();
    samples[index] = (uint32_t)(irq_time[0][SGI_SELF] - start);
}

/* The settling time moves with the index, so that the samples meet the emulator's slices at many phases. */
void sgi_other_once(uint32_t index)
{
    uint64_t settled = now() + SETTLE + index * 7919u % 4999;
    while (now() < settled)
        yield();
    uint32_t count = irq_count[1][SGI_OTHER];
    isb();
    uint64_t start = now();
    sgi_send(SGI_OTHER, 1);
    while (irq_count[1][SGI_OTHER] == count)
        yield();
    samples[index] = (uint32_t)(irq_time[1][SGI_OTHER] - start);
}

void timer_once(uint32_t index, bool sleep)
{
    uint32_t count = irq_count[0][PPI_VTIMER];
    irq_disable();
    uint64_t deadline = now() + DELAY + index * 7919u % 1000;
    WRITE_SYSREG(cntv_cval_el0, deadline);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    isb();
    if (sleep) {
        while (irq_count[0][PPI_VTIMER] == count) {
            wfi();
            irq_enable();
            isb();
            irq_disable();
        }
        irq_enable();
    } else {
        irq_enable();
        while (irq_count[0][PPI_VTIMER] == count)
            compiler_barrier();
    }
    samples[index] = (uint32_t)(irq_time[0][PPI_VTIMER] - deadline);
}

void bench_timer(uint32_t count, const char *spin_name, const char *wfi_name)
{
    irq_enable();
    for (uint32_t sleep = 0; sleep < 2; sleep++) {
        const char *name = sleep ? wfi_name : spin_name;
        if (!name)
            continue;
        for (uint32_t i = 0; i < WARM_UP; i++)
            timer_once(i, sleep);
        for (uint32_t i = 0; i < count; i++)
            timer_once(i, sleep);
        report(name, count);
    }
    irq_disable();
}

static void bench_sgi_other(const char *name, uint32_t count, enum secondary_mode mode)
{
    secondary_mode = mode;
    sgi_send(SGI_OTHER, 1); /* it leaves the previous mode */
    for (uint32_t i = 0; i < WARM_UP; i++)
        sgi_other_once(i);
    for (uint32_t i = 0; i < count; i++)
        sgi_other_once(i);
    report(name, count);
}

void bench_interrupts(uint32_t count)
{
    uint32_t few = count < 2000 ? count : 2000;
    irq_enable();
    for (uint32_t i = 0; i < WARM_UP; i++)
        sgi_self_once(i);
    for (uint32_t i = 0; i < count; i++)
        sgi_self_once(i);
    report("sgi_self", count);
    irq_disable();
    bench_timer(few, "vtimer_spin", "vtimer_wfi");
    if (argument_number("cpus", 2) < 2)
        return;
    if (!secondary_start()) {
        print("I the second vCPU did not start\n");
        return;
    }
    irq_enable();
    bench_sgi_other("sgi_other_spin", few, SECONDARY_SPIN);
    bench_sgi_other("sgi_other_wfi", few, SECONDARY_WFI);
    irq_disable();
}
