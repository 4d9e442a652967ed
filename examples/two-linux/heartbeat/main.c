/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal domain: prints a line every few seconds and sleeps in between. Boot arguments: period=SECONDS,
 * beats=N (then power off; 0: never). */
#include "guest.h"

_Noreturn void main(const uint8_t *tree)
{
    uint64_t period = argument(tree, "period", 5), beats = argument(tree, "beats", 0);
    uint64_t frequency = READ_SYSREG(CNTFRQ_EL0), start = READ_SYSREG(CNTVCT_EL0), next = start;

    interrupt_init();
    interrupt_enable_private(VTIMER_INTID);
    for (uint64_t beat = 1; beats == 0 || beat <= beats; beat++) {
        next += period * frequency;
        timer_sleep(next);
        print("heartbeat ");
        print_number(beat);
        print(": up ");
        print_number((READ_SYSREG(CNTVCT_EL0) - start) / frequency);
        print(" s\n");
    }
    print("heartbeat: powering off\n");
    power_off();
}
