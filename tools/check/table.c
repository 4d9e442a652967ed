/* SPDX-License-Identifier: Apache-2.0 */
/* The partition table: what each domain gets, and who has each piece of the machine. */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define MAX_EXTENTS 1024

const char *amount(uint64_t bytes, char buf[32])
{
    if (bytes >= GIB(1) && bytes % MIB(512) == 0) {
        snprintf(buf, 32, bytes % GIB(1) == 0 ? "%.0f GiB" : "%.1f GiB", (double)bytes / (double)GIB(1));
    } else if (bytes >= MIB(1)) {
        snprintf(buf, 32, bytes % MIB(1) == 0 ? "%.0f MiB" : "%.1f MiB", (double)bytes / (double)MIB(1));
    } else if (bytes % 1024 == 0) {
        snprintf(buf, 32, "%" PRIu64 " KiB", bytes / 1024);
    } else {
        snprintf(buf, 32, "%" PRIu64 " B", bytes);
    }
    return buf;
}

static uint64_t ram_of(const struct domain_record *record)
{
    uint64_t sum = 0;
    uint32_t i;

    for (i = 0; i < record->nr_maps; i++) {
        sum += record->maps[i].kind == MAP_RAM ? record->maps[i].size : 0;
    }
    return sum;
}

static void print_machine(const struct check *check, FILE *out)
{
    const struct host *host = &check->host;
    uint64_t ram = 0;
    char path[256], size[32];
    uint32_t i;

    for (i = 0; i < host->nr_ram; i++) {
        ram += host->ram[i].size;
    }
    fprintf(out, "machine: %u CPUs, %s of RAM, GICv%u", host->nr_cpus, amount(ram, size), host->gic.version);
    if (host->uart.type != UART_NONE) {
        fprintf(out, ", console %s", fdt_node_path(&check->fdt, host->uart.node, path, sizeof(path)));
    }
    fprintf(out, "\n");
}

static void print_vcpus(const struct domain_record *record, FILE *out)
{
    unsigned i;

    fprintf(out, "  vCPU      ");
    for (i = 0; i < record->nr_vcpus; i++) {
        fprintf(out, "%s%u on pCPU %u", i == 0 ? "" : ", ", i, record->vcpus[i].pcpu);
    }
    if (record->budget_us != 0) {
        fprintf(out, "; priority %u, %u us of each %u us", record->priority, record->budget_us,
                record->period_us);
    }
    fprintf(out, "\n");
}

static void print_maps(const struct domain_record *record, FILE *out)
{
    char size[32];
    uint32_t i;

    for (i = 0; i < record->nr_maps; i++) {
        const struct domain_map *map = &record->maps[i];

        if (shared_map(record, map->pa.v) == map) {
            continue;
        }
        fprintf(out, "  %-9s 0x%09" PRIx64 "-0x%09" PRIx64 " at 0x%09" PRIx64 "  %s\n",
                map->kind == MAP_RAM ? "RAM" : "registers", map->ipa.v, map->ipa.v + map->size - 1, map->pa.v,
                amount(map->size, size));
    }
}

static void print_emulated(const struct check *check, const struct domain_record *record, FILE *out)
{
    fprintf(out, "  virtual   GICv%u 0x%" PRIx64 ", 0x%" PRIx64 " (%u SPIs)", check->host.gic.version,
            record->gicd.v, record->gicr_or_gicc.v, record->nr_spis);
    if ((record->flags & DOMAIN_VPL011) != 0) {
        fprintf(out, "; vpl011 0x%" PRIx64 ", interrupt %u", record->uart.v, record->uart_virq);
    }
    fprintf(out, "\n");
}

/* Runs of numbers with the same trigger are one entry. */
static void print_irqs(const struct domain_record *record, FILE *out)
{
    uint32_t first, last;

    for (first = 0; first < record->nr_irqs; first = last + 1) {
        const struct domain_irq *irqs = record->irqs;

        for (last = first; last + 1 < record->nr_irqs && irqs[last + 1].pirq == irqs[last].pirq + 1 &&
                           irqs[last + 1].edge == irqs[first].edge;
             last++) {
        }
        fprintf(out, "%s%u", first == 0 ? "  interrupt " : ", ", irqs[first].pirq);
        if (last != first) {
            fprintf(out, "-%u", irqs[last].pirq);
        }
        fputs(irqs[first].edge ? " edge" : " level", out);
    }
    fputs(record->nr_irqs != 0 ? "\n" : "", out);
}

/* Devices by their nodes: a page of registers may hold several. */
static void print_devices(const struct check *check, const struct domain_record *record, FILE *out)
{
    fdt_node_t node = FDT_NONE;
    struct reach reach;
    uint32_t i;

    while (next_reach(check, record, &node, &reach)) {
        fprintf(out, "  device    %s", reach.path);
        for (i = 0; i < reach.nr_irqs; i++) {
            fprintf(out, "%s %u", i == 0 ? ", interrupt" : ",", reach.irqs[i]);
        }
        fprintf(out, "\n");
    }
    print_irqs(record, out);
}

static void print_start(const struct domain_record *record, FILE *out)
{
    char size[32];
    uint32_t i;

    for (i = 0; i < record->nr_loads; i++) {
        const struct domain_load *load = &record->loads[i];

        fprintf(out, "  load      0x%09" PRIx64 " from 0x%09" PRIx64 "  %s  %s\n", load->ipa.v,
                load->source.v, amount(load->size, size),
                load->ipa.v == record->entry.v ? "kernel"
                : load->ipa.v == record->dtb.v ? "generated device tree"
                                               : "ramdisk");
    }
    fprintf(out, "  start     pc 0x%" PRIx64 ", x0 0x%" PRIx64 "; ", record->entry.v, record->dtb.v);
    if (record->restart == RESTART_NEVER) {
        fprintf(out, "never restarted");
    } else if (record->restart == RESTART_ALWAYS) {
        fprintf(out, "always restarted");
    } else {
        fprintf(out, "restarted at most %u times in %u ms", record->restart, record->restart_window_ms);
    }
    if (record->heartbeat_ms != 0) {
        fprintf(out, ", heartbeat of %u ms", record->heartbeat_ms);
    }
    if (record->nr_frontends != 0 && (record->flags & DOMAIN_DMA_UNPROTECTED) != 0) {
        fprintf(out, ", devices quiet within %u ms", record->quiet_ms);
    }
    if ((record->flags & DOMAIN_BACKGROUND) != 0) {
        fprintf(out, ", in the background");
    }
    fprintf(out, "%s\n", (record->flags & DOMAIN_SCRUB) != 0 ? ", RAM scrubbed before the first start" : "");
}

/* Whose DMA an SMMU translates. */
static void print_streams(const struct check *check, const struct domain_record *record, FILE *out)
{
    char path[256];
    uint32_t i;

    for (i = 0; i < record->nr_streams; i++) {
        const struct domain_stream *s = &record->streams[i];

        fprintf(out, "  DMA       behind SMMU %s, streams 0x%" PRIx32 "-0x%" PRIx32 "\n",
                fdt_node_path(&check->fdt, check->host.smmus[s->smmu].node, path, sizeof(path)), s->first,
                s->first + (s->count - 1));
    }
}

/* What reaches beyond the domain's own memory and devices. */
static void print_authority(const struct check *check, const struct domain_record *record, FILE *out)
{
    uint32_t i;

    if ((record->flags & DOMAIN_DMA_UNPROTECTED) != 0) {
        fprintf(out, "  authority DMA without SMMU: trusted for all RAM\n");
    }
    for (i = 0; i < record->nr_smc_ranges; i++) {
        fprintf(out, "  authority firmware calls 0x%08x-0x%08x\n", record->smc_ranges[i][0],
                record->smc_ranges[i][1]);
    }
    if ((record->flags & DOMAIN_HARDWARE) != 0) {
        fprintf(out, "  authority every device that no other domain was given\n");
    }
    print_seen(check, record, out);
}

static void print_domain(const struct check *check, const struct domain_record *record, FILE *out)
{
    char size[32];

    fprintf(out, "\ndomain %u \"%s\": %u vCPU%s, %s%s%s\n", record->domid, record->name, record->nr_vcpus,
            record->nr_vcpus == 1 ? "" : "s", amount(ram_of(record), size),
            (record->flags & DOMAIN_DIRECT_MAP) != 0 ? ", direct-map" : "",
            (record->flags & DOMAIN_HARDWARE) != 0 ? ", hardware domain" : "");
    print_vcpus(record, out);
    print_maps(record, out);
    print_shared(check, record, out);
    print_virtio(check, record, out);
    print_emulated(check, record, out);
    print_devices(check, record, out);
    print_streams(check, record, out);
    print_start(record, out);
    print_authority(check, record, out);
}

static void print_cpus(const struct check *check, FILE *out)
{
    uint32_t cpu, i, k;

    fprintf(out, "\nprocessors\n");
    for (cpu = 0; cpu < check->host.nr_cpus; cpu++) {
        unsigned count = 0;

        fprintf(out, "  pCPU %u (MPIDR 0x%" PRIx64 "):", cpu, check->host.cpus[cpu].mpidr);
        for (i = 0; i < check->plan.nr_domains; i++) {
            for (k = 0; k < check->plan.records[i]->nr_vcpus; k++) {
                if (check->plan.records[i]->vcpus[k].pcpu == cpu) {
                    fprintf(out, "%s %s vCPU %u", count++ == 0 ? "" : ",", check->plan.records[i]->name, k);
                }
            }
        }
        fprintf(out, "%s\n", count == 0 ? " idle" : count == 1 ? "" : " (shared)");
    }
}

/* Every device of the machine, and who can touch it. */
static void print_owners(const struct check *check, FILE *out)
{
    fdt_node_t node = fdt_root(&check->fdt);
    char path[256];
    uint32_t i;

    fprintf(out, "\ndevices\n");
    while (next_device(check, &node)) {
        bool ours = node == check->host.gic.node || node == check->host.uart.node ||
                    host_is_smmu(&check->host, node),
             owned = ours;

        fprintf(out, "  %s:%s", fdt_node_path(&check->fdt, node, path, sizeof(path)),
                ours ? " hypervisor" : "");
        for (i = 0; i < check->plan.nr_domains; i++) {
            if (domain_reaches(check, check->plan.records[i], node)) {
                fprintf(out, "%s %s", owned ? "," : "", check->plan.records[i]->name);
                owned = true;
            }
        }
        fprintf(out, "%s%s\n", owned ? "" : " nobody",
                fdt_okay(&check->fdt, node) ? "" : " (its status is not okay)");
    }
}

void print_table(const struct check *check, FILE *out)
{
    static struct extent extents[MAX_EXTENTS];
    size_t count = check_extents(check, extents, MAX_EXTENTS), i;
    char size[32];

    print_machine(check, out);
    for (i = 0; i < check->plan.nr_domains; i++) {
        print_domain(check, check->plan.records[i], out);
    }
    print_paths(check, out);
    print_cpus(check, out);
    print_owners(check, out);
    fprintf(out, "\nmemory\n");
    for (i = 0; i < count; i++) {
        fprintf(out, "  0x%09" PRIx64 "-0x%09" PRIx64 "  %-9s %s%s\n", extents[i].base,
                extents[i].base + extents[i].size - 1, amount(extents[i].size, size),
                extents[i].owner >= 0              ? "domain "
                : extents[i].owner == OWNER_SHARED ? "shared "
                                                   : "",
                extents[i].what);
    }
}
