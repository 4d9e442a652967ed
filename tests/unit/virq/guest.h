/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest's driver does with its interrupt controller, on top of machine.h. */
#ifndef TEST_GUEST_H
#define TEST_GUEST_H

#include "machine.h"

#define GICD_CTLR       0x000u
#define GICD_TYPER      0x004u
#define GICD_IIDR       0x008u
#define GICD_IGROUPR    0x080u
#define GICD_ISENABLER  0x100u
#define GICD_ICENABLER  0x180u
#define GICD_ISPENDR    0x200u
#define GICD_ICPENDR    0x280u
#define GICD_ISACTIVER  0x300u
#define GICD_ICACTIVER  0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR  0x800u
#define GICD_ICFGR      0xc00u
#define GICD_SGIR       0xf00u
#define GICD_CPENDSGIR  0xf10u
#define GICD_SPENDSGIR  0xf20u
#define GICD_IROUTER    0x6000u
#define GICD_RWP        0x80000000u
#define GICR_CTLR       0x000u
#define GICR_RWP        8u
#define GICR_SGI        0x10000u

/* A machine of nr_vcpus on as many pCPUs, all resident, CPU interfaces and distributor enabled. */
void guest_start(unsigned version, unsigned nr_vcpus, unsigned nr_spis, unsigned nr_lrs);

uint32_t guest_read(unsigned v, uint32_t offset);
void guest_write(unsigned v, uint32_t offset, uint32_t value);
void guest_write_byte(unsigned v, uint32_t offset, uint8_t value);
uint32_t guest_read_redist(unsigned v, unsigned owner, uint32_t offset);
void guest_write_redist(unsigned v, unsigned owner, uint32_t offset, uint32_t value);

/* The bit of an interrupt in a register that has one for each; private ones are v's own. */
void guest_set(unsigned v, uint32_t base, unsigned intid);
bool guest_test(unsigned v, uint32_t base, unsigned intid);

/* Enabled, of that priority, routed to `target`, edge-triggered or not. */
void guest_setup(unsigned v, unsigned intid, unsigned priority, unsigned target, bool edge);
void guest_route(unsigned v, unsigned intid, unsigned target);
void guest_priority(unsigned v, unsigned intid, unsigned priority);

/* Acknowledge, and require that interrupt; with guest_take() end it, too. */
void guest_acknowledge(unsigned v, uint32_t iar);
void guest_take(unsigned v, uint32_t iar);
void guest_nothing(unsigned v);

#endif
