/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes every 100 us and sleeps again. Under icount, QEMU gives each CPU a slice that ends at the next timer,
 * of those that are set when the slices begin: if only the timer that has just fired was near, its owner gets
 * its turn after a slice of up to 50 ms of another CPU. Two of these, out of step, keep a timer near at all
 * times. Boot argument: phase=MICROSECONDS.
 */
#include "guest.h"

#define PERIOD_US 100

_Noreturn void main(const uint8_t *tree)
{
    uint64_t frequency = READ_SYSREG(CNTFRQ_EL0), period = frequency * PERIOD_US / 1000000;
    uint64_t next =
        READ_SYSREG(CNTVCT_EL0) / period * period + frequency * argument(tree, "phase", 0) / 1000000;

    interrupt_init();
    interrupt_enable_private(VTIMER_INTID);
    for (;;) {
        next += period;
        timer_sleep(next);
    }
}
