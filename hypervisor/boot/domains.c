/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a xen,domain node. */
#include "base/string.h"
#include "boot/enhanced.h"
#include "boot/planner.h"

/* Honoured, or without effect here so that nothing is lost. */
#define LATER "bulkhead,manage\0bulkhead,dumpable"
static const char known[] = "compatible\0memory\0cpus\0#address-cells\0#size-cells\0vpl011\0nr_spis\0"
                            "xen,static-mem\0direct-map\0domain-cpupool\0passthrough\0"
                            "trap-unmapped-accesses\0xen,enhanced\0sve\0capabilities\0xen,sci_type\0status\0"
                            "phandle\0linux,phandle\0name\0xen,domain-p2m-mem-mb\0llc-colors\0"
                            "bulkhead,priority\0bulkhead,budget-us\0bulkhead,period-us\0bulkhead,restart\0"
                            "bulkhead,restart-window-ms\0bulkhead,heartbeat-ms\0bulkhead,"
                            "quiet-ms\0bulkhead,background\0bulkhead,scrub\0bulkhead,smc-allow\0"
                            "max_grant_version\0max_grant_frames\0max_maptrack_frames\0"
                            "bulkhead,max-evtchn-port\0v8r_el1_msa\0" LATER;
static const char later[] = LATER;

#define MAX_HEARTBEAT_MS 3600000u
#define MAX_QUIET_MS     3600000u
#define QUIET_MS         1000u

static void check_child(struct planner *p, fdt_node_t node)
{
    struct fdt_prop prop;

    if (!fdt_prop(p->fdt, node, "compatible", &prop)) {
        complain(p, REPORT_WARNING, node, "compatible", "node without compatible, no effect");
    } else if (!is_module(p->fdt, node) && !fdt_string_list_has(&prop, "xen,vcpu") &&
               !fdt_string_list_has(&prop, "xen,evtchn-v1") &&
               !fdt_string_list_has(&prop, "bulkhead,virtio") &&
               !fdt_string_list_has(&prop, "bulkhead,mmio") &&
               !fdt_string_list_has(&prop, "xen,domain-shared-memory-v1")) {
        complain(p, REPORT_WARNING, node, "compatible", "unknown kind of node, no effect");
    }
}

static void check_names(struct planner *p, fdt_node_t node)
{
    struct fdt_prop prop;

    known_only(p, node, known);
    for_each_prop (p->fdt, node, &prop) {
        if (IN_LIST(later, prop.name)) {
            complain(p, REPORT_WARNING, node, prop.name, "not yet supported");
        }
    }
    if (fdt_has(p->fdt, node, "v8r_el1_msa")) {
        error(p, node, "v8r_el1_msa", "does not apply to this processor");
    }
    for_each_child (p->fdt, node, child) {
        check_child(p, child);
    }
}

/* A number of one or two cells; true if it is there. */
static bool read_number(struct planner *p, fdt_node_t node, const char *name, uint64_t max, uint64_t *value)
{
    struct fdt_prop prop;
    uint32_t at = 0;

    if (!fdt_prop(p->fdt, node, name, &prop)) {
        return false;
    }
    if ((prop.len != 4 && prop.len != 8) || !fdt_number(&prop, &at, prop.len / 4u, value)) {
        error(p, node, name, "must be one number");
    } else if (*value > max) {
        error(p, node, name, "%lu is too large: at most %lu", *value, max);
    } else {
        return true;
    }
    return false;
}

uint64_t number_or(struct planner *p, fdt_node_t node, const char *name, uint64_t max, uint64_t fallback)
{
    uint64_t value = fallback;

    return read_number(p, node, name, max, &value) ? value : fallback;
}

static void read_memory(struct planner *p, struct draft *d)
{
    uint64_t kib = 0;

    if (!fdt_has(p->fdt, d->node, "memory")) {
        error(p, d->node, "memory", "missing: the domain's RAM in KiB, as a number of two cells");
    } else if (read_number(p, d->node, "memory", GIB(1024) / 1024u, &kib)) {
        if (kib == 0 || kib % 4u != 0) {
            error(p, d->node, "memory", "%lu KiB is not a number of 4 KiB pages", kib);
        } else {
            d->memory = kib * 1024u;
        }
    }
    d->is_static = fdt_has(p->fdt, d->node, "xen,static-mem");
    if (fdt_has(p->fdt, d->node, "direct-map")) {
        d->record->flags |= DOMAIN_DIRECT_MAP;
        if (!d->is_static) {
            error(p, d->node, "direct-map", "needs xen,static-mem: the host addresses to use");
        }
    }
}

static void read_cpus(struct planner *p, struct draft *d)
{
    uint64_t cpus = 1, most = p->host->gic.version == 2 ? 8 : MAX_VCPUS;

    if (!fdt_has(p->fdt, d->node, "cpus")) {
        error(p, d->node, "cpus", "missing: the number of vCPUs");
    } else if (read_number(p, d->node, "cpus", most, &cpus) && cpus == 0) {
        error(p, d->node, "cpus", "must not be 0");
    }
    d->record->nr_vcpus = (uint16_t)(cpus == 0 || cpus > most ? 1 : cpus);
}

/* Only those that refuse, warn or set a flag. */
static void read_rest(struct planner *p, struct draft *d)
{
    const char *text;
    uint64_t value = 0;
    struct fdt_prop prop;

    if (fdt_prop(p->fdt, d->node, "sve", &prop) &&
        !(fdt_cell(&prop, 0, &(uint32_t){1}) && prop.len == 4 &&
          prop.data[0] + prop.data[1] + prop.data[2] + prop.data[3] == 0)) {
        error(p, d->node, "sve", "SVE is not given to domains: leave it out or set it to 0");
    }
    if (read_number(p, d->node, "capabilities", UINT32_MAX, &value) && value != 0) {
        complain(p, REPORT_WARNING, d->node, "capabilities", "not yet supported");
    }
    text = fdt_string(p->fdt, d->node, "xen,sci_type");
    if (text != NULL && strcmp(text, "none") != 0) {
        error(p, d->node, "xen,sci_type", "\"%s\" is not supported", text);
    }
    if (number_or(p, d->node, "trap-unmapped-accesses", 1, 1) == 0) {
        d->record->flags |= DOMAIN_UNMAPPED_ONES;
    }
    text = fdt_string(p->fdt, d->node, "passthrough");
    if (text != NULL && strcmp(text, "enabled") != 0 && strcmp(text, "disabled") != 0) {
        error(p, d->node, "passthrough", "must be \"enabled\" or \"disabled\"");
    }
}

static void read_policy(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;

    r->priority = (uint8_t)number_or(p, d->node, "bulkhead,priority", 255, 128);
    r->budget_us = (uint32_t)number_or(p, d->node, "bulkhead,budget-us", 1000000, 0);
    r->period_us = (uint32_t)number_or(p, d->node, "bulkhead,period-us", 1000000, 0);
    r->restart = (uint32_t)number_or(p, d->node, "bulkhead,restart", UINT32_MAX, RESTART_NEVER);
    r->restart_window_ms = (uint32_t)number_or(p, d->node, "bulkhead,restart-window-ms", UINT32_MAX, 60000);
    r->heartbeat_ms = (uint32_t)number_or(p, d->node, "bulkhead,heartbeat-ms", MAX_HEARTBEAT_MS, 0);
    r->quiet_ms = (uint32_t)number_or(p, d->node, "bulkhead,quiet-ms", MAX_QUIET_MS, QUIET_MS);
    if ((r->budget_us == 0) != (r->period_us == 0)) {
        error(p, d->node, "bulkhead,budget-us", "budget and period only make sense together");
    } else if (r->budget_us > r->period_us) {
        error(p, d->node, "bulkhead,budget-us", "is larger than the period of %u us", r->period_us);
    }
    if (fdt_has(p->fdt, d->node, "bulkhead,scrub")) {
        r->flags |= DOMAIN_SCRUB;
    }
    if (fdt_has(p->fdt, d->node, "bulkhead,background")) {
        r->flags |= DOMAIN_BACKGROUND;
    }
}

/* SMC functions that go to the firmware: never PSCI, which would let the domain stop the board. */
static void read_smc_ranges(struct planner *p, struct draft *d)
{
    struct fdt_prop prop;
    uint32_t(*ranges)[2];
    uint32_t n;

    if (!fdt_prop(p->fdt, d->node, "bulkhead,smc-allow", &prop)) {
        return;
    }
    n = prop.len / 8u;
    if (n == 0 || prop.len % 8u != 0) {
        error(p, d->node, "bulkhead,smc-allow", "must be pairs of <first last>");
        return;
    }
    ranges = arena_alloc(p->in->arena, n * sizeof(ranges[0]), 8);
    for (uint32_t i = 0; ranges != NULL && i < n; i++) {
        uint32_t first = 0, last = 0, bit30;

        (void)fdt_cell(&prop, 2u * i, &first);
        (void)fdt_cell(&prop, 2u * i + 1u, &last);
        if (first > last) {
            error(p, d->node, "bulkhead,smc-allow", "first id 0x%x is above last id 0x%x", first, last);
        }
        for (bit30 = 0; bit30 < 2; bit30++) {
            uint32_t psci = 0x84000000u + bit30 * 0x40000000u;

            if (first <= psci + 0x1fu && last >= psci) {
                error(p, d->node, "bulkhead,smc-allow", "0x%x to 0x%x has PSCI functions", first, last);
            }
        }
        ranges[i][0] = first;
        ranges[i][1] = last;
    }
    d->record->smc_ranges = (const uint32_t(*)[2])ranges;
    d->record->nr_smc_ranges = ranges == NULL ? 0 : n;
}

static void read_spis(struct planner *p, struct draft *d)
{
    uint64_t spis = p->in->host_spis;

    if (fdt_has(p->fdt, d->node, "vpl011")) {
        d->record->flags |= DOMAIN_VPL011;
        spis = max_u64(spis, 1);
    }
    spis = number_or(p, d->node, "nr_spis", 960, spis);
    d->record->nr_spis = (uint16_t)min_u64(align_up(spis, 32), 960);
}

void domain_read(struct planner *p, struct draft *d)
{
    const char *name = fdt_name(p->fdt, d->node);
    struct domain_record *r = d->record;

    memcpy(r->name, name, strnlen(name, sizeof(r->name) - 1u));
    check_names(p, d->node);
    if (!fdt_has(p->fdt, d->node, "#address-cells") || !fdt_has(p->fdt, d->node, "#size-cells")) {
        error(p, d->node, "#address-cells", "#address-cells and #size-cells must be given");
    }
    read_memory(p, d);
    read_cpus(p, d);
    read_spis(p, d);
    read_rest(p, d);
    read_policy(p, d);
    read_smc_ranges(p, d);
    enhanced_read(p, d);
    vcpus_read(p, d);
    modules_read(p, d);
}
