/* SPDX-License-Identifier: Apache-2.0 */
/* Two domains with static channels, and the guest's part of event channels. */
#ifndef TESTS_EVENT_GUEST_H
#define TESTS_EVENT_GUEST_H

#include "machine.h"

#include <string.h>

#include "base/bits.h"
#include "core/deadline.h"
#include "core/event.h"
#include "core/shared_info.h"
#include "guest/arm64/trap.h"

#define CPU_ON 0xc4000003u
#define RESET  0x84000009u
#define PORTS  1024u
#define MS     UINT64_C(1000000) /* ticks */

static struct domain *a, *b;

/* Two domains, the first with two vCPUs on pCPUs 0 and 1, the second with one on pCPU 2; static ports 5 and
 * 7, 6 and 70. */
static unsigned seen[PORTS]; /* events that handlers found, by port */

static inline void start(void)
{
    static const struct domain_port of_a[] = {{5, 2, 7}, {6, 2, 70}}, of_b[] = {{7, 1, 5}, {70, 1, 6}};
    struct domain_record *record;

    machine_start(3);
    record = machine_record(1, 2);
    record->nr_ports = PORTS;
    record->static_ports = of_a;
    record->nr_static_ports = 2;
    a = machine_domain(record);
    record = machine_record(2, 1);
    ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = 2;
    record->nr_ports = PORTS;
    record->static_ports = of_b;
    record->nr_static_ports = 2;
    b = machine_domain(record);
    machine_boot();
    machine_hvc(&a->vcpus[0], CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    machine_enable_ppi(&a->vcpus[0], EVENT_PPI);
    machine_enable_ppi(&a->vcpus[1], EVENT_PPI);
    machine_enable_ppi(&b->vcpus[0], EVENT_PPI);
    memset(seen, 0, sizeof seen);
    host_on(0);
}

static inline bool pending(const struct domain *domain, uint32_t port)
{
    return (domain->events->shared->pending[port / 64u] >> port % 64u) % 2u != 0;
}

static inline void set_mask(const struct domain *domain, uint32_t port, bool masked)
{
    uint64_t *word = &domain->events->shared->mask[port / 64u];

    *word = masked ? *word | BIT(port % 64u) : *word & ~BIT(port % 64u);
}

/* The vCPU sends and goes on; all pCPUs do what is to be done. */
static inline enum status send(struct vcpu *vcpu, uint32_t port)
{
    enum status status;
    bool core;

    host_on(vcpu->pcpu->index);
    status = event_send(vcpu, port, &core);
    machine_end(trap_return(vcpu));
    machine_settle();
    return status;
}

/* Takes the upcall of the vCPU as a guest does: the interrupt, upcall_pending, pending_sel, the words. True
 * if there was an interrupt. Ports found pending are cleared and counted in seen[]. */
static inline bool serve(struct vcpu *vcpu)
{
    struct events *events = vcpu->domain->events;
    struct vcpu_info *info = events->info[vcpu->index];
    uint32_t iar;
    uint64_t words;

    host_on(vcpu->pcpu->index);
    iar = host_gic_acknowledge();
    if (iar == HOST_GIC_SPURIOUS) {
        return false;
    }
    assert_int_equal(iar, EVENT_PPI);
    info->upcall_pending = 0;
    words = info->pending_sel;
    info->pending_sel = 0;
    for (uint32_t port = 0; port < PORTS; port++) {
        uint64_t *word = &events->shared->pending[port / 64u];

        if ((words >> port / 64u) % 2u != 0 &&
            (*word & ~events->shared->mask[port / 64u] & BIT(port % 64u)) != 0) {
            *word &= ~BIT(port % 64u);
            seen[port]++;
        }
    }
    host_gic_end(iar);
    machine_settle();
    return true;
}

static inline void serve_all(struct vcpu *vcpu)
{
    for (unsigned i = 0; serve(vcpu); i++) {
        assert_true(i < 10);
    }
}

static inline void quiet(void)
{
    serve_all(&a->vcpus[0]);
    serve_all(&b->vcpus[0]);
    memset(seen, 0, sizeof seen);
}

#endif
