/* SPDX-License-Identifier: Apache-2.0 */
/* The code under test as a machine to poke: vCPUs on pCPUs, registers by address, interrupts by number.
 * Includes nothing of the hypervisor, so that a test against it can be written from the specification alone.
 *
 * A vCPU must be resident (machine_resume()) before its guest does anything. Kicks are kept until
 * machine_sync() or machine_sync_all(); maintenance interrupts are taken at once, as they are in hardware.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_VCPUS    8u
#define MACHINE_SPURIOUS 1023u
#define MACHINE_TIMER    27u /* the linked PPI */

enum machine_result { MACHINE_OK, MACHINE_RETRY, MACHINE_FAULT };

struct machine_config {
    unsigned version, nr_vcpus, nr_pcpus, nr_spis, nr_lrs;
};

void machine_create(const struct machine_config *config);
void machine_destroy(void);
void machine_link(unsigned intid, bool edge); /* to the physical interrupt of the same number */
void machine_reset(void);

unsigned machine_pcpu(unsigned vcpu);
int machine_resident(unsigned pcpu); /* vCPU or -1 */
void machine_suspend(unsigned vcpu);
void machine_resume(unsigned vcpu); /* suspends whoever is there */
bool machine_kicked(unsigned vcpu);
void machine_sync(unsigned vcpu);
void machine_sync_all(void);

/* Registers of the distributor, or of the redistributor of vCPU `owner`. */
enum machine_result machine_dist(unsigned vcpu, uint32_t offset, unsigned size, bool write, uint64_t *value);
enum machine_result machine_redist(unsigned vcpu, unsigned owner, uint32_t offset, unsigned size, bool write,
                                   uint64_t *value);
void machine_sgi(unsigned vcpu, uint64_t sgi1r);
extern unsigned machine_routed; /* physical interrupts whose route the last register access changed */

/* The virtual CPU interface of a resident vCPU. */
void machine_interface(unsigned vcpu, bool enable, unsigned pmr, unsigned bpr, bool eoi_mode);
uint32_t machine_acknowledge(unsigned vcpu);
void machine_end(unsigned vcpu, uint32_t iar);
void machine_deactivate(unsigned vcpu, uint32_t iar);
bool machine_deliverable(unsigned vcpu);

/* Interrupt sources, seen by a pCPU. */
void machine_line(unsigned pcpu, unsigned vcpu, unsigned intid, bool high);
void machine_edge(unsigned pcpu, unsigned vcpu, unsigned intid);
/* A physical interrupt that is enabled and inactive becomes active and is taken. */
void machine_fire(unsigned pcpu, unsigned vcpu, unsigned intid);
bool machine_physical_enabled(unsigned pcpu, unsigned intid);
bool machine_physical_active(unsigned pcpu, unsigned intid);
void machine_physical_set_pending(unsigned pcpu, unsigned intid, bool pending);
bool machine_physical_pending(unsigned pcpu, unsigned intid);
/* While held, maintenance interrupts wait, as they do when another interrupt is taken first. */
void machine_hold_maintenance(bool hold);
unsigned machine_lrs_in_use(unsigned pcpu);
unsigned long machine_maintenance_count(void);

#endif
