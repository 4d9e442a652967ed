/* SPDX-License-Identifier: Apache-2.0 */
/* The state of virtual interrupts: pending, active, enabled, priority, routing, and which of them are in list
 * registers.
 *
 * Memory is the truth for every interrupt that is in no list register. For one that is, the list register of
 * the pCPU on which the vCPU is resident holds pending and active until it is folded back. The code touches
 * hardware only through lr_read(), lr_write() and friends of drivers/gic.h, so it runs on the host against an
 * array.
 *
 * Locking: every function takes the domain's virq lock itself unless its name ends in _locked. Functions
 * never call up: what other parts must do comes back as effects.
 */
#ifndef VIRQ_VIRQ_H
#define VIRQ_VIRQ_H

#include "base/status.h"
#include "base/types.h"

struct virq;     /* of one domain: SPIs, distributor control */
struct virq_cpu; /* of one vCPU: SGIs, PPIs, list-register bookkeeping, saved CPU interface */

/* What the caller must apply after an operation. The hw_* masks concern the 32 interrupts from hw_first on; a
 * set bit is a hardware-linked SPI. What else is to be done at the physical GIC is done under the lock, so
 * that the changes of two vCPUs cannot change places. */
struct virq_effects {
    uint32_t kick; /* vCPUs that must look at their list registers: set their work flag, kick if elsewhere */
    uint32_t hw_route;   /* target changed: route to the pCPU of virq_target() */
    uint32_t hw_trigger; /* edge or level: virq_is_edge() */
    uint32_t unpended;   /* private interrupts of vCPU unpended_vcpu that the guest made not pending */
    uint16_t hw_first;
    uint8_t unpended_vcpu;
    bool retry; /* nothing happened yet: kick, leave the pc, let the guest execute the instruction again */
};

/* Bytes of memory for struct virq with all its parts. */
size_t virq_bytes(unsigned nr_vcpus, unsigned nr_spis);

/* Builds the reset state in zeroed memory of virq_bytes(). version, of the GIC, is 2 or 3. */
struct virq *virq_init(void *memory, unsigned nr_vcpus, unsigned nr_spis, unsigned version);
/* As after virq_init(), links to hardware stay, in parts 0, 1 ...: false after the last one. */
bool virq_reset_part(struct virq *virq, unsigned part);
struct virq_cpu *virq_cpu(struct virq *virq, unsigned vcpu);

/* Declares INTID virq as hardware-linked to physical pirq (PPIs: 27 -> 27 for the virtual timer, per vCPU all
 * alike). */
void virq_link(struct virq *virq, unsigned intid, unsigned pirq, bool edge);
unsigned virq_pirq(const struct virq *virq, unsigned intid);   /* 0 = not linked */
unsigned virq_target(const struct virq *virq, unsigned intid); /* vCPU index of an SPI */

bool virq_is_edge(const struct virq *virq, unsigned intid); /* as ICFGR says; an SPI */

/* --- injection; `self` is the vCPU resident on this pCPU or NULL: its list registers are used at once --- */

/* A hardware-linked interrupt was acknowledged on this pCPU (priority dropped, still active). For a PPI vcpu
 * is its owner; for an SPI the target is found by routing. */
void virq_hw_fired(struct virq *virq, unsigned vcpu, unsigned intid, struct virq_cpu *self,
                   struct virq_effects *effects);
/* Line of an emulated level interrupt. */
void virq_line(struct virq *virq, unsigned vcpu, unsigned intid, bool high, struct virq_cpu *self,
               struct virq_effects *effects);
/* Edge of an emulated interrupt. */
void virq_edge(struct virq *virq, unsigned vcpu, unsigned intid, struct virq_cpu *self,
               struct virq_effects *effects);

/* Edge of an SGI or PPI of the vCPU resident on this pCPU, where nothing else has to be looked at. False: do
 * it by virq_edge(); nothing happened. */
bool virq_edge_quick(struct virq *virq, struct virq_cpu *self, unsigned intid);

/* --- residency --- */

/* The vCPU's work flag was set, or a maintenance interrupt came: fold what is finished, fill list registers
 * by priority, program the maintenance conditions (more pending than list registers; active ones that have
 * none). */
void virq_sync(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects);
/* The vCPU leaves this pCPU: fold every list register and the CPU interface (VMCR, active priorities) into
 * memory. For hardware-linked PPIs the physical active state is cleared here and restored by virq_resume().
 */
void virq_suspend(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects);
/* After virq_suspend(): the line of this linked level PPI is low, so what was pending of it is no more. (A
 * list register does not see the line; a guest that polls its timer with interrupts masked would find WFI
 * fall through for ever.) */
void virq_lowered(struct virq *virq, struct virq_cpu *cpu, unsigned intid);
void virq_resume(struct virq *virq, struct virq_cpu *self, struct virq_effects *effects);
/* Would the vCPU be interrupted if it ran now? For WFI and for wake-up of a vCPU that is not resident. */
bool virq_deliverable(struct virq *virq, struct virq_cpu *cpu);

/* --- GIC register semantics for guest/arm64 (32 interrupts from `first`, as the registers are laid out) are
 * declared in virq/virq_regs.h --- */

#endif
