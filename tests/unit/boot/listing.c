/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as text. */
#include <stdarg.h>
#include <stdio.h>

#include "board.h"

struct out {
    void (*line)(void *context, const char *text);
    void *context;
};

static void say(const struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct out *out, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    out->line(out->context, text);
}

static void list_parts(const struct out *out, const struct domain_record *r)
{
    uint32_t i;

    for (i = 0; i < r->nr_vcpus; i++) {
        say(out, "%s vcpu %u pcpu %u affinity 0x%x", r->name, i, r->vcpus[i].pcpu, r->vcpus[i].affinity);
    }
    for (i = 0; i < r->nr_maps; i++) {
        static const char *const kinds[] = {[MAP_RAM] = "ram",
                                            [MAP_DEVICE] = "device",
                                            [MAP_GICV] = "gicv",
                                            [MAP_SHARED] = "shared",
                                            [MAP_SHARED_READ] = "shared-read"};

        say(out, "%s %s 0x%lx at 0x%lx size 0x%lx", r->name, kinds[r->maps[i].kind], r->maps[i].ipa.v,
            r->maps[i].pa.v, r->maps[i].size);
    }
    for (i = 0; i < r->nr_irqs; i++) {
        say(out, "%s irq %u as %u %s", r->name, r->irqs[i].pirq, r->irqs[i].virq,
            r->irqs[i].edge ? "edge" : "level");
    }
    for (i = 0; i < r->nr_resets; i++) {
        const struct domain_reset *reset = &r->resets[i];

        if (reset->count == 0) {
            say(out, "%s reset 0x%lx value 0x%x", r->name, reset->pa.v, reset->value);
        } else {
            say(out, "%s reset 0x%lx value 0x%x row %u stride %u", r->name, reset->pa.v, reset->value,
                reset->count, reset->stride);
        }
    }
    for (i = 0; i < r->nr_streams; i++) {
        say(out, "%s stream %u 0x%x 0x%x", r->name, r->streams[i].smmu, r->streams[i].first,
            r->streams[i].count);
    }
    for (i = 0; i < r->nr_smc_ranges; i++) {
        say(out, "%s smc 0x%x 0x%x", r->name, r->smc_ranges[i][0], r->smc_ranges[i][1]);
    }
    for (i = 0; i < r->nr_static_ports; i++) {
        say(out, "%s port %u domain %u port %u", r->name, r->static_ports[i].port, r->static_ports[i].peer,
            r->static_ports[i].peer_port);
    }
    for (i = 0; i < r->nr_doorbells; i++) {
        say(out, "%s doorbell 0x%lx rings domain %u spi %u port %u", r->name, r->doorbells[i].ipa.v,
            r->doorbells[i].peer, r->doorbells[i].spi, r->doorbells[i].port);
    }
    for (i = 0; i < r->nr_loads; i++) {
        say(out, "%s load 0x%lx to 0x%lx size 0x%lx zero 0x%lx", r->name, r->loads[i].source.v,
            r->loads[i].ipa.v, r->loads[i].size, r->loads[i].zero_tail);
    }
}

/* Whom it is served by, and whom it serves. */
static void list_virtio(const struct out *out, const struct domain_record *r)
{
    uint32_t i;

    for (i = 0; i < r->nr_servers; i++) {
        say(out, "%s server %u domain %u link %u", r->name, i, r->servers[i].backend, r->servers[i].link);
    }
    for (i = 0; i < r->nr_ioreq_ranges; i++) {
        const struct domain_ioreq_range *range = &r->ioreq_ranges[i];

        say(out, "%s ioreq 0x%lx size 0x%x server %u park %u %s", r->name, range->ipa.v, range->size,
            range->server, range->park_ms, range->park_ones ? "ones" : "abort");
    }
    for (i = 0; i < r->nr_frontends; i++) {
        const struct domain_frontend *f = &r->frontends[i];

        say(out, "%s frontend %u server %u ports %u to %u page 0x%lx windows %u", r->name, f->domid,
            f->server, f->first_port, f->first_port + f->nr_vcpus - 1, f->page.v, f->nr_windows);
    }
    for (i = 0; i < r->nr_windows; i++) {
        say(out, "%s window 0x%lx at 0x%lx size 0x%lx", r->name, r->windows[i].ipa.v, r->windows[i].pa.v,
            r->windows[i].size);
    }
}

/* Where the domain is told that its grant table and foreign pages may go. */
static void list_regions(const struct board *board, const struct out *out, const struct domain_record *r)
{
    uint64_t base, size;
    struct fdt fdt;
    unsigned i;

    if (!board_guest_tree(board, r, &fdt)) {
        return;
    }
    for (i = 0; fdt_reg(&fdt, fdt_path(&fdt, "/hypervisor"), i, &base, &size) == OK; i++) {
        say(out, "%s region 0x%lx size 0x%lx", r->name, base, size);
    }
}

void board_list(const struct board *board, void (*line)(void *context, const char *text), void *context)
{
    const struct out out = {line, context};
    const struct plan *plan = &board->plan;
    uint32_t i;

    for (i = 0; i < plan->nr_domains; i++) {
        const struct domain_record *r = plan->records[i];

        say(&out, "%s domid %u vcpus %u spis %u flags 0x%x", r->name, r->domid, r->nr_vcpus, r->nr_spis,
            r->flags);
        say(&out, "%s entry 0x%lx dtb 0x%lx", r->name, r->entry.v, r->dtb.v);
        say(&out, "%s gicd 0x%lx gicr_or_gicc 0x%lx uart 0x%lx virq %u", r->name, r->gicd.v,
            r->gicr_or_gicc.v, r->uart.v, r->uart_virq);
        say(&out, "%s priority %u budget %u period %u restart %u window %u", r->name, r->priority,
            r->budget_us, r->period_us, r->restart, r->restart_window_ms);
        say(&out, "%s ports %u console %u grants %u maptrack %u tables %u", r->name, r->nr_ports,
            r->console_port, r->nr_grant_frames, r->nr_maptrack, r->stage2_reserve);
        list_parts(&out, r);
        list_virtio(&out, r);
        list_regions(board, &out, r);
    }
    say(&out, "pcpus 0x%x kept %lu", plan->pcpu_mask, plan->kept_modules);
    for (i = 0; i < plan->nr_shared; i++) {
        say(&out, "cleared 0x%lx size 0x%lx", plan->shared[i].base, plan->shared[i].size);
    }
    say(&out, "log 0x%lx size 0x%lx on-panic %s keys %d", plan->log_pa, plan->log_size,
        plan->on_panic == PANIC_RESET ? "reset" : "stop", plan->console_keys);
}
