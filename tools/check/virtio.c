/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that driver domains serve, and what these see for that. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* The planner enters devices in the order of the tree. */
fdt_node_t virtio_node(const struct check *check, const struct domain_record *record, uint32_t n)
{
    const struct fdt *fdt = &check->fdt;
    uint32_t i = 0;

    while (check->plan.records[i] != record) {
        i++;
    }
    for_each_child (fdt, check->plan.nodes[i], node) {
        if (fdt_compatible(fdt, node, "bulkhead,virtio") && fdt_okay(fdt, node) && n-- == 0) {
            return node;
        }
    }
    return fdt_root(fdt);
}

/* A string property that the planner has checked. */
static const char *word(const struct check *check, fdt_node_t node, const char *name)
{
    const char *text = fdt_string(&check->fdt, node, name);

    return text != NULL ? text : "?";
}

static const struct domain_doorbell *doorbell_in(const struct domain_record *record, uint64_t base,
                                                 uint64_t size)
{
    uint32_t i;

    for (i = 0; i < record->nr_doorbells; i++) {
        if (ranges_overlap(record->doorbells[i].ipa.v, record->doorbells[i].size, base, size)) {
            return &record->doorbells[i];
        }
    }
    return NULL;
}

static void print_devices(const struct check *check, const struct domain_record *record, FILE *out)
{
    uint32_t i;

    for (i = 0; i < record->nr_ioreq_ranges; i++) {
        const struct domain_ioreq_range *range = &record->ioreq_ranges[i];
        const struct domain_record *backend = domain_of(check, record->servers[range->server].backend);
        const struct domain_doorbell *bell = doorbell_in(record, range->ipa.v, range->size);
        fdt_node_t node = virtio_node(check, record, i);

        fprintf(out, "  virtio    0x%09" PRIx64 "-0x%09" PRIx64 "  %s %s of %s, buffers %s; rings port %u; ",
                range->ipa.v, range->ipa.v + range->size - 1, word(check, node, "bulkhead,class"),
                fdt_name(&check->fdt, node), backend->name, word(check, node, "bulkhead,buffers"),
                bell != NULL ? bell->port : 0u);
        if (range->park_ms == 0) {
            fprintf(out, "waits for ever\n");
        } else {
            fprintf(out, "waits at most %u ms, then %s\n", range->park_ms,
                    range->park_ones ? "ones" : "abort");
        }
    }
}

void print_virtio(const struct check *check, const struct domain_record *record, FILE *out)
{
    char size[32];
    uint32_t i, k;

    print_devices(check, record, out);
    for (i = 0; i < record->nr_frontends; i++) {
        const struct domain_frontend *f = &record->frontends[i];

        fprintf(out, "  serves    %s: requests at 0x%09" PRIx64 ", port %u of its vCPU 0\n",
                domain_of(check, f->domid)->name, f->page.v, f->first_port);
        for (k = 0; k < f->nr_windows; k++) {
            const struct domain_window *w = &record->windows[f->first_window + k];

            fprintf(out, "  sees      0x%09" PRIx64 "-0x%09" PRIx64 " at 0x%09" PRIx64 "  %s  RAM of %s\n",
                    w->ipa.v, w->ipa.v + w->size - 1, w->pa.v, amount(w->size, size),
                    domain_of(check, f->domid)->name);
        }
    }
}

uint64_t virtio_seen(const struct domain_record *record, const struct domain_frontend *f)
{
    uint64_t sum = 0;
    uint32_t k;

    for (k = 0; k < f->nr_windows; k++) {
        sum += record->windows[f->first_window + k].size;
    }
    return sum;
}

void print_seen(const struct check *check, const struct domain_record *record, FILE *out)
{
    char size[32];
    uint32_t i;

    for (i = 0; i < record->nr_frontends; i++) {
        const struct domain_record *f = domain_of(check, record->frontends[i].domid);

        fprintf(out, "  authority sees %s of %s's RAM while it serves it\n",
                amount(virtio_seen(record, &record->frontends[i]), size), f->name);
    }
}

void path_virtio(const struct check *check, struct path *path)
{
    const struct domain_record *from = path->from, *to = path->to;
    char size[32];
    uint32_t i, k;

    for (i = 0; i < from->nr_ioreq_ranges; i++) {
        if (from->servers[from->ioreq_ranges[i].server].backend == to->domid) {
            fprintf(next_item(path), "accesses to %s", fdt_name(&check->fdt, virtio_node(check, from, i)));
        }
    }
    for (i = 0; i < from->nr_frontends; i++) {
        const struct domain_frontend *f = &from->frontends[i];
        unsigned count = 0;

        if (f->domid != to->domid) {
            continue;
        }
        fprintf(next_item(path), "%s of RAM for ", amount(virtio_seen(from, f), size));
        for (k = 0; k < to->nr_ioreq_ranges; k++) {
            fdt_node_t node = virtio_node(check, to, k);

            if (to->ioreq_ranges[k].server == f->server) {
                fprintf(path->out, "%s%s (%s)", count++ == 0 ? "" : " and ", fdt_name(&check->fdt, node),
                        word(check, node, "bulkhead,buffers"));
            }
        }
    }
}

/* Each name is made once: who prints it may keep it. */
const char *virtio_memory_name(const struct check *check, uint32_t shared)
{
    static char *names[ARRAY_SIZE(check->plan.shared)];
    fdt_node_t node = check->plan.shared[shared].node;
    const char *what = "addresses of ", *whose = "?";
    char text[160];
    uint32_t i;

    if (names[shared] != NULL) {
        return names[shared];
    }
    for (i = 0; i < check->plan.nr_domains; i++) {
        bool frontend = check->plan.nodes[i] == fdt_parent(&check->fdt, node);

        whose = frontend ? check->plan.records[i]->name : whose;
        if (shared_map(check->plan.records[i], check->plan.shared[shared].base) != NULL) {
            what = frontend ? "bounce pool of " : "state of ";
        }
    }
    snprintf(text, sizeof(text), "%s%s %s", what, whose, fdt_name(&check->fdt, node));
    names[shared] = strdup(text);
    return names[shared];
}
