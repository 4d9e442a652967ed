/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual timer. */
#include "guest.h"

/* The interrupt ends the WFI. Switching the timer off lets its line fall before it is acknowledged. */
uint64_t timer_sleep(uint64_t when)
{
    uint64_t now;

    WRITE_SYSREG(CNTV_CVAL_EL0, when);
    WRITE_SYSREG(CNTV_CTL_EL0, 1);
    ISB();
    while ((now = READ_SYSREG(CNTVCT_EL0)) < when)
        __asm__ volatile("wfi\n\tisb" : : : "memory");
    WRITE_SYSREG(CNTV_CTL_EL0, 2);
    ISB();
    interrupt_acknowledge();
    return now;
}
