/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with domains for the tests of core/, guest/ and arch/: the host's pCPUs with their tables, memory
 * for pools, a UART that keeps what it is sent. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/host/host.h"
#include "arch/host/host_gic.h"
#include "core/domain.h"
#include "core/schedule.h"

/* Every test begins with it. */
void machine_start(unsigned pcpus);

/* Zeroed memory of EL2's heap. */
void *machine_alloc(uint64_t size, uint64_t align);

/* A record that may be changed before machine_domain(): one map of 256 KiB at IPA 0x40000000 in host RAM of
 * its own, one load of machine_text at its start, vCPU i on pCPU i % pcpus, restart always. */
#define GUEST_RAM  UINT64_C(0x40000000)
#define GUEST_SIZE KIB(256)
#define TEXT_SIZE  6000u
struct domain_record *machine_record(unsigned domid, unsigned nr_vcpus);
extern uint8_t machine_text[TEXT_SIZE]; /* lies in host RAM at machine_text_pa */
extern uint64_t machine_text_pa;
struct domain *machine_domain(struct domain_record *record);

/* Asks all domains to be built and lets all pCPUs work until they run guests or sleep. */
void machine_boot(void);

/* The pCPU works until it enters a guest or sleeps: the vCPU, or NULL. */
struct vcpu *machine_run(unsigned pcpu);
/* The end of a trap of the vCPU that this pCPU runs. */
struct vcpu *machine_end(struct trap_result result);
/* Every pCPU takes its interrupts until none is left. */
void machine_settle(void);
/* Time passes; interrupts are taken as they come. */
void machine_pass(uint64_t ticks, uint64_t step);

/* What a guest does: a trapped instruction, with the registers in vcpu->x. Returns what its pCPU runs then.
 */
struct vcpu *machine_hvc(struct vcpu *vcpu, uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
struct vcpu *machine_wfi(struct vcpu *vcpu);

struct vcpu *machine_store(struct vcpu *vcpu, uint64_t ipa, uint32_t value);
uint32_t machine_load(struct vcpu *vcpu, uint64_t ipa);
/* Its interrupt controller delivers: distributor on, all priorities, group enabled; and this private
 * interrupt is enabled. */
void machine_enable_ppi(struct vcpu *vcpu, unsigned intid);

extern bool machine_off;             /* the firmware was asked for SYSTEM_OFF */
bool machine_said(const char *text); /* the UART was sent this since the last machine_start() */

/* All of stage 2, in slices of changing length. */
static inline enum status stage2_build(struct stage2 *stage2, struct pool *pool,
                                       const struct domain_record *record, unsigned vmid)
{
    static unsigned entries;
    enum status status = stage2_begin(stage2, pool, record, vmid);
    uint32_t map = 0;
    uint64_t done = 0;

    entries = entries % 700u + 1u;
    for (bool more = status == OK; more; more = status == ERR_BUSY) {
        status = stage2_map(stage2, pool, record, entries, &map, &done);
    }
    return status;
}

#endif
