/* SPDX-License-Identifier: Apache-2.0 */
/* Which pCPU runs which vCPU: cpupools, hard affinity, and the placement of the rest. */
#include "base/string.h"
#include "boot/planner.h"

static uint32_t all_cpus(const struct planner *p)
{
    return p->host->nr_cpus >= 32u ? UINT32_MAX : (1u << p->host->nr_cpus) - 1u;
}

static void read_pool(struct planner *p, fdt_node_t node, uint32_t *free_cpus)
{
    struct fdt_prop prop;
    uint32_t cpu, phandle, mask = 0;

    if (!fdt_prop(p->fdt, node, "cpupool-cpus", &prop) || prop.len < 4 || prop.len % 4u != 0) {
        error(p, node, "cpupool-cpus", "must list the CPUs of the pool");
        return;
    }
    for (uint32_t i = 0; fdt_cell(&prop, i, &phandle); i++) {
        fdt_node_t cpu_node = fdt_by_phandle(p->fdt, phandle);

        for (cpu = 0; cpu < p->host->nr_cpus && p->host->cpus[cpu].node != cpu_node; cpu++) {
        }
        if (cpu_node == FDT_NONE || cpu == p->host->nr_cpus) {
            error(p, node, "cpupool-cpus", "entry %u is not a CPU that can be used", i);
        } else if ((*free_cpus & (1u << cpu)) == 0) {
            error(p, node, "cpupool-cpus", "CPU %u is already in a pool", cpu);
        } else {
            mask |= 1u << cpu;
            *free_cpus &= ~(1u << cpu);
        }
    }
    if (p->nr_pools < MAX_POOLS - 1u) {
        p->pool_nodes[p->nr_pools] = node;
        p->pools[p->nr_pools++] = mask;
    }
}

void cpupools_read(struct planner *p)
{
    uint32_t free_cpus = all_cpus(p);

    for_each_child (p->fdt, p->chosen, node) {
        if (fdt_compatible(p->fdt, node, "xen,cpupool")) {
            read_pool(p, node, &free_cpus);
        }
    }
    if (free_cpus != 0 || p->nr_pools == 0) {
        p->pool_nodes[p->nr_pools] = FDT_NONE;
        p->pools[p->nr_pools++] = free_cpus;
    }
}

/* The pool of domains that name none is the one with the boot CPU, number 0. */
static uint32_t find_pool(struct planner *p, const struct draft *d)
{
    uint32_t phandle = 0, pool_phandle;
    bool named = fdt_has(p->fdt, d->node, "domain-cpupool");

    (void)fdt_u32(p->fdt, d->node, "domain-cpupool", &phandle);
    for (uint32_t i = 0; i < p->nr_pools; i++) {
        if (!named && p->pools[i] % 2u != 0) {
            return i;
        }
        if (named && p->pool_nodes[i] != FDT_NONE &&
            fdt_u32(p->fdt, p->pool_nodes[i], "phandle", &pool_phandle) && pool_phandle == phandle) {
            return i;
        }
    }
    if (named) {
        error(p, d->node, "domain-cpupool", "is not the phandle of a xen,cpupool node");
    }
    return 0;
}

/* "0-3,5" to a mask; 0 if malformed or out of range. */
static uint32_t parse_cpus(const char *s, uint32_t nr_cpus)
{
    uint32_t mask = 0, first = 0, n = 0;
    bool digits = false, range = false;

    for (;; s++) {
        if (*s >= '0' && *s <= '9' && n < 1000u) {
            n = n * 10u + (uint32_t)(*s - '0');
            digits = true;
        } else if (*s == '-' && digits && !range) {
            first = n;
            range = true;
            digits = false;
            n = 0;
        } else if ((*s == ',' || *s == '\0') && digits) {
            first = range ? first : n;
            if (n >= nr_cpus || first > n) {
                return 0;
            }
            for (; first <= n; first++) {
                mask |= 1u << first;
            }
            if (*s == '\0') {
                return mask;
            }
            digits = range = false;
            n = 0;
        } else if (*s != ' ') {
            return 0;
        }
    }
}

static void read_vcpu(struct planner *p, struct draft *d, fdt_node_t node)
{
    const char *list = fdt_string(p->fdt, node, "hard-affinity");
    uint32_t id, mask;

    if (!fdt_u32(p->fdt, node, "id", &id) || id >= d->record->nr_vcpus) {
        error(p, node, "id", "must be the number of a vCPU, 0 to %u", d->record->nr_vcpus - 1u);
        return;
    }
    if (list == NULL) {
        return;
    }
    mask = parse_cpus(list, p->host->nr_cpus);
    if (mask == 0) {
        error(p, node, "hard-affinity", "\"%s\" is not a list of this board's pCPUs 0 to %u", list,
              p->host->nr_cpus - 1u);
    } else if ((mask & p->pools[d->pool]) == 0) {
        error(p, node, "hard-affinity", "\"%s\" has no CPU of the domain's cpupool", list);
    } else if (d->affinity[id] != 0) {
        error(p, node, "id", "another xen,vcpu node is vCPU %u too", id);
    } else {
        d->affinity[id] = mask & p->pools[d->pool];
    }
}

void vcpus_read(struct planner *p, struct draft *d)
{
    d->pool = find_pool(p, d);
    for_each_child (p->fdt, d->node, node) {
        if (fdt_compatible(p->fdt, node, "xen,vcpu")) {
            read_vcpu(p, d, node);
        }
    }
}

/* Apart from the domain's other vCPUs first, then the pCPU with fewest, then the lowest number. */
static uint16_t best_pcpu(const struct planner *p, uint32_t allowed, const uint8_t own[MAX_PCPUS])
{
    uint32_t best = MAX_PCPUS;

    for (uint32_t cpu = 0; cpu < p->host->nr_cpus; cpu++) {
        if ((allowed & (1u << cpu)) == 0) {
            continue;
        }
        if (best == MAX_PCPUS || own[cpu] < own[best] ||
            (own[cpu] == own[best] && p->load[cpu] < p->load[best])) {
            best = cpu;
        }
    }
    return (uint16_t)(best == MAX_PCPUS ? 0 : best);
}

static void place_domain(struct planner *p, struct draft *d, struct domain_vcpu *vcpus, bool pinned)
{
    uint8_t own[MAX_PCPUS] = {0};

    for (uint32_t i = 0; i < d->record->nr_vcpus && !pinned; i++) {
        if (d->affinity[i] != 0) {
            own[vcpus[i].pcpu]++;
        }
    }
    for (uint32_t i = 0; i < d->record->nr_vcpus; i++) {
        if ((d->affinity[i] != 0) == pinned) {
            uint16_t cpu = best_pcpu(p, pinned ? d->affinity[i] : p->pools[d->pool], own);

            own[cpu]++;
            p->load[cpu]++;
            p->plan->pcpu_mask |= 1u << cpu;
            vcpus[i] = (struct domain_vcpu){cpu, (uint16_t)(i / 16u * 256u + i % 16u)};
        }
    }
}

/* Those with an affinity first, over all domains, so that the others can avoid them. */
void vcpus_place(struct planner *p)
{
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < p->nr_drafts; i++) {
            struct domain_record *r = p->drafts[i].record;

            if (r->vcpus == NULL) {
                r->vcpus = record_alloc(p, p->drafts[i].node, r->nr_vcpus * sizeof(*r->vcpus));
            }
            if (r->vcpus == NULL) {
                r->nr_vcpus = 0; /* has been reported */
                continue;
            }
            place_domain(p, &p->drafts[i], (struct domain_vcpu *)(uintptr_t)r->vcpus, pass == 0);
        }
    }
}
