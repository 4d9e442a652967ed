/* SPDX-License-Identifier: Apache-2.0 */
#include "core/commands.h"

#include "arch/arm64/barrier.h"
#include "core/domain.h"
#include "core/print.h"

static const char *const states[] = {"off", "building", "ready", "blocked", "parked"};

static void list_domains(void)
{
    static const char *const words[] = {"building", "running", "stopping", "stopped"};

    for (uint32_t i = 0; i < nr_domains; i++) {
        const struct domain *d = domains[i];

        print("DOM%u %s: %s, incarnation %u, crashes %u, pool %lu of %lu bytes", d->record->domid,
              d->record->name, words[load_relaxed(&d->state)], d->incarnation, d->crashes, d->pool.used,
              d->pool.size);
        for (unsigned n = 0; n < d->record->nr_vcpus; n++) {
            const struct vcpu *v = &d->vcpus[n];

            print("  vCPU %u on pCPU %u%s: %s", n, v->pcpu->index, v->shared ? " (shared)" : "",
                  states[v->state]);
        }
    }
}

/* What was saved when the vCPU left its pCPU last: a snapshot, not the present. */
static void list_registers(void)
{
    for (uint32_t i = 0; i < nr_domains; i++) {
        const struct domain *d = domains[i];

        for (unsigned n = 0; n < d->record->nr_vcpus; n++) {
            const struct vcpu *v = &d->vcpus[n];

            print(
                "DOM%u vCPU %u (%s): x0 0x%lx x1 0x%lx x29 0x%lx x30 0x%lx, last saved pc 0x%lx pstate 0x%lx",
                d->record->domid, n, states[v->state], v->x[0], v->x[1], v->x[29], v->x[30], v->el1.pc,
                v->el1.pstate);
        }
    }
}

static void crash(unsigned domid)
{
    struct domain *domain = domain_by_domid((uint16_t)domid);

    if (domain != NULL) {
        domain_crash(domain, "by a key", true);
    }
}

static void last_crash(unsigned domid)
{
    const struct domain *domain = domain_by_domid((uint16_t)domid);

    if (domain != NULL) {
        crash_print(domain);
    }
}

static void restart(unsigned domid)
{
    struct domain *domain = domain_by_domid((uint16_t)domid);

    if (domain != NULL) {
        domain_stop(domain, STOP_RESET);
    }
}

const struct console_commands console_commands = {list_domains, list_registers, last_crash, crash, restart};
