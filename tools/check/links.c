/* SPDX-License-Identifier: Apache-2.0 */
/* Who can reach what of whom: shared memory, events, doorbells. */
#include <inttypes.h>
#include <string.h>

#include "check.h"

const struct domain_record *domain_of(const struct check *check, uint16_t domid)
{
    uint32_t i;

    for (i = 0; i < check->plan.nr_domains; i++) {
        if (check->plan.records[i]->domid == domid) {
            return check->plan.records[i];
        }
    }
    return NULL;
}

fdt_node_t shared_node(const struct check *check, uint64_t pa)
{
    uint32_t i;

    for (i = 0; i < check->plan.nr_shared; i++) {
        if (check->plan.shared[i].base == pa) {
            return check->plan.shared[i].node;
        }
    }
    return FDT_NONE;
}

const char *shared_name(const struct check *check, uint64_t pa)
{
    fdt_node_t node = shared_node(check, pa);
    const char *id = node != FDT_NONE ? fdt_string(&check->fdt, node, "xen,shm-id") : "?";
    uint32_t i;

    for (i = 0; i < check->plan.nr_shared; i++) {
        if (check->plan.shared[i].base == pa && fdt_compatible(&check->fdt, node, "bulkhead,virtio")) {
            return virtio_memory_name(check, i);
        }
    }
    return id != NULL ? id : fdt_name(&check->fdt, node);
}

const struct domain_map *shared_map(const struct domain_record *record, uint64_t pa)
{
    uint32_t i;

    for (i = 0; i < record->nr_maps; i++) {
        const struct domain_map *map = &record->maps[i];

        if (map->pa.v == pa && (map->kind == MAP_SHARED || map->kind == MAP_SHARED_READ)) {
            return map;
        }
    }
    return NULL;
}

/* The other domains that have the memory, apart by what they may do. */
static void print_others(const struct check *check, const struct domain_record *record, uint64_t pa,
                         FILE *out)
{
    uint32_t i, n = 0;

    for (i = 0; i < check->plan.nr_domains; i++) {
        const struct domain_record *other = check->plan.records[i];
        const struct domain_map *map = other != record ? shared_map(other, pa) : NULL;

        if (map != NULL) {
            fprintf(out, "%s%s %s", n++ == 0 ? "; " : ", ", other->name,
                    map->kind == MAP_SHARED ? "writes" : "reads");
        }
    }
    fputs("\n", out);
}

void print_shared(const struct check *check, const struct domain_record *record, FILE *out)
{
    char size[32];
    uint32_t i;

    for (i = 0; i < record->nr_maps; i++) {
        const struct domain_map *map = &record->maps[i];

        if (shared_map(record, map->pa.v) == map) {
            fprintf(out, "  shared    0x%09" PRIx64 "-0x%09" PRIx64 " at 0x%09" PRIx64 "  %s  %s %s",
                    map->ipa.v, map->ipa.v + map->size - 1, map->pa.v, amount(map->size, size),
                    map->kind == MAP_SHARED ? "writes" : "reads", shared_name(check, map->pa.v));
            print_others(check, record, map->pa.v, out);
        }
    }
    for (i = 0; i < record->nr_doorbells; i++) {
        const struct domain_doorbell *bell = &record->doorbells[i];
        const struct domain_record *peer = domain_of(check, bell->peer);

        fprintf(out, "  doorbell  0x%09" PRIx64 " rings %s, %s %u\n", bell->ipa.v, peer->name,
                bell->spi != 0 ? "interrupt" : "port", bell->spi != 0 ? bell->spi : bell->port);
    }
    for (i = 0; i < record->nr_static_ports; i++) {
        const struct domain_port *port = &record->static_ports[i];

        if (port->port == record->console_port) {
            fprintf(out, "  port      %u: console\n", port->port);
        } else if (port->peer_port == 0) {
            fprintf(out, "  port      %u: rung by a doorbell of %s\n", port->port,
                    domain_of(check, port->peer)->name);
        } else {
            fprintf(out, "  port      %u: port %u of %s\n", port->port, port->peer_port,
                    domain_of(check, port->peer)->name);
        }
    }
    fprintf(out, "  tables    %u event ports", record->nr_ports);
    if (record->nr_grant_frames + record->nr_maptrack != 0) {
        fprintf(out, ", %u grant frames, %u grants of others", record->nr_grant_frames, record->nr_maptrack);
    }
    fprintf(out, "\n");
}

FILE *next_item(struct path *path)
{
    if (path->count++ == 0) {
        fprintf(path->out, "  %s to %s: ", path->from->name, path->to->name);
    } else {
        fputs(", ", path->out);
    }
    return path->out;
}

static void print_path(const struct check *check, struct path *path)
{
    const struct domain_record *from = path->from, *to = path->to;
    const struct domain_map *map;
    char size[32];
    uint32_t i;

    for (i = 0; i < from->nr_maps; i++) {
        map = from->maps[i].kind == MAP_SHARED ? shared_map(to, from->maps[i].pa.v) : NULL;
        if (map != NULL) {
            fprintf(next_item(path), "memory %s (%s%s)", shared_name(check, map->pa.v),
                    amount(map->size, size), map->kind == MAP_SHARED ? ", both write" : "");
        }
    }
    for (i = 0; i < from->nr_static_ports; i++) {
        if (from->static_ports[i].peer == to->domid && from->static_ports[i].peer_port != 0) {
            fprintf(next_item(path), "event %u to %u", from->static_ports[i].port,
                    from->static_ports[i].peer_port);
        }
    }
    for (i = 0; i < from->nr_doorbells; i++) {
        const struct domain_doorbell *bell = &from->doorbells[i];

        if (bell->peer == to->domid) {
            fprintf(next_item(path), "doorbell for %s %u", bell->spi != 0 ? "interrupt" : "port",
                    bell->spi != 0 ? bell->spi : bell->port);
        }
    }
    path_virtio(check, path);
    if (path->count != 0) {
        fputs("\n", path->out);
    }
}

void print_paths(const struct check *check, FILE *out)
{
    const struct plan *plan = &check->plan;
    uint32_t i, k;
    unsigned count = 0;

    fprintf(out, "\nwho reaches whom\n");
    for (i = 0; i < plan->nr_domains; i++) {
        if ((plan->records[i]->flags & DOMAIN_DMA_UNPROTECTED) != 0) {
            fprintf(out, "  %s to all RAM: DMA without SMMU\n", plan->records[i]->name);
            count++;
        }
        for (k = 0; k < plan->nr_domains; k++) {
            struct path path = {plan->records[i], plan->records[k], 0, out};

            if (i != k) {
                print_path(check, &path);
                count += path.count;
            }
        }
    }
    if (count == 0) {
        fprintf(out, "  nobody\n");
    }
}
