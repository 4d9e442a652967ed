/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/gic.h for a plain process: physical interrupts, list registers and the virtual CPU interface of
 * some pCPUs in memory. The functions of drivers/gic.h act on pCPU host_gic_pcpu. What hardware forbids ends
 * the process. */
#ifndef ARCH_HOST_GIC_H
#define ARCH_HOST_GIC_H

#include "base/types.h"
#include "drivers/gic.h"

#define HOST_GIC_PCPUS    8u
#define HOST_GIC_SPURIOUS 1023u

struct host_gic_cpu {
    uint64_t lr[GIC_MAX_LRS];
    uint32_t hcr, vmcr;
    uint32_t ap0[GIC_NR_APRS], ap1[GIC_NR_APRS];
};

extern struct host_gic_cpu host_gic_cpus[HOST_GIC_PCPUS];
extern _Thread_local unsigned host_gic_pcpu; /* a thread may be a pCPU */

/* Called, if set, at every access to a list register: a test of threads gives way to another one here. */
extern void (*host_gic_hook)(void);

void host_gic_reset(unsigned version, unsigned nr_lrs);

/* Physical state of an INTID; a private one is that of pCPU host_gic_pcpu. */
bool host_gic_enabled(unsigned intid);
bool host_gic_pending(unsigned intid);

/* What the guest on the pCPU does: read IAR (the INTID, with the sender of a GICv2 SGI in bits 12:10;
 * HOST_GIC_SPURIOUS), write EOIR with what was read, write DIR (false: trapped, nothing happened). */
uint32_t host_gic_acknowledge(void);
void host_gic_end(uint32_t iar);
bool host_gic_deactivate(uint32_t iar);

/* Is the maintenance interrupt asserted? */
bool host_gic_maintenance(void);

/* The active state of an interrupt of this pCPU, or of an SPI. */
bool gic_is_active(unsigned intid);

#endif
