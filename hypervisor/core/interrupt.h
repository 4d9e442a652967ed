/* SPDX-License-Identifier: Apache-2.0 */
/* Physical interrupts: whose they are and where they go. */
#ifndef CORE_INTERRUPT_H
#define CORE_INTERRUPT_H

#include "base/status.h"
#include "base/types.h"

struct domain;
struct pcpu;

/* INTIDs of the host's own interrupts; set once at boot. */
struct host_interrupts {
    uint32_t maintenance, timer_hyp, timer_virt, timer_phys, uart;
};
extern struct host_interrupts host_interrupts;

#define GUEST_TIMER_VIRT 27u
#define GUEST_TIMER_PHYS 30u

/* Physical SPI pirq belongs to the domain from now on. */
void interrupt_assign(struct domain *domain, unsigned pirq, unsigned virq);
/* All of the domain's: masked, inactive, not pending, routed to the pCPU of vCPU 0. */
void interrupt_quiesce(struct domain *domain);

/* The console's interrupt comes to this pCPU from now on: what its domains print is sent in their own time
 * and disturbs no other pCPU. One caller at a time. */
void interrupt_console_here(void);

/* True if an interrupt waits for this pCPU, masked as it is at EL2. */
bool interrupt_pending(void);
/* Takes one acknowledged interrupt; false if there was none. */
bool interrupt_take(struct pcpu *pcpu);
/* Takes what is pending; for a pCPU that is in EL2 for long. */
void interrupt_poll(struct pcpu *pcpu);

#endif
