/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/shared_memory.h"

#include "base/string.h"
#include "boot/conflicts.h"

/* xen,shared-mem = <[host-address] guest-address size>, in the cells of the domain's node. */
struct request {
    uint64_t pa, ipa, size;
    bool has_pa;
};

static bool read_request(const struct fdt *fdt, fdt_node_t node, struct request *request)
{
    uint32_t address_cells, size_cells, at = 0;
    struct fdt_prop prop;

    fdt_cells(fdt, fdt_parent(fdt, node), &address_cells, &size_cells);
    if (!fdt_prop(fdt, node, "xen,shared-mem", &prop) || address_cells - 1u > 1u || size_cells - 1u > 1u) {
        return false;
    }
    request->has_pa = prop.len == 4u * (2u * address_cells + size_cells);
    return (request->has_pa || prop.len == 4u * (address_cells + size_cells)) &&
           (!request->has_pa || fdt_number(&prop, &at, address_cells, &request->pa)) &&
           fdt_number(&prop, &at, address_cells, &request->ipa) &&
           fdt_number(&prop, &at, size_cells, &request->size);
}

bool shared_memory_wants(const struct fdt *fdt, fdt_node_t node, uint64_t *pa, uint64_t *size)
{
    struct request request;

    if (!fdt_compatible(fdt, node, "xen,domain-shared-memory-v1") || !fdt_okay(fdt, node) ||
        !read_request(fdt, node, &request) || !request.has_pa) {
        return false;
    }
    *pa = request.pa;
    *size = request.size;
    return true;
}

bool shared_memory_take(struct planner *p, fdt_node_t node, uint64_t size, uint64_t *pa)
{
    if (ranges_take(&p->free, size, PAGE_SIZE, true, pa) != OK) {
        error(p, node, "", "no piece of %lu KiB is left of %s", size / 1024u,
              p->heap_given ? "xen,static-heap" : "RAM");
        return false;
    }
    p->plan->shared[p->plan->nr_shared++] = (struct plan_shared){*pa, size, node};
    return true;
}

bool shared_memory_map(struct planner *p, fdt_node_t node, const struct domain_map *map)
{
    if (p->nr_maps >= MAX_MAPS) {
        error(p, node, "", "the domain has more than %u ranges", MAX_MAPS);
        return false;
    }
    p->maps[p->nr_maps++] = *map;
    return true;
}

static bool is_owner(const struct planner *p, fdt_node_t node)
{
    const char *role = fdt_string(p->fdt, node, "role");

    return role != NULL && strcmp(role, "owner") == 0;
}

/* Who writes: "owner" and "borrower" are Xen's words and both write. */
static enum shared_role read_role(struct planner *p, fdt_node_t node)
{
    const char *role = fdt_string(p->fdt, node, "role"), *ours = fdt_string(p->fdt, node, "bulkhead,role");
    bool owner = is_owner(p, node);

    if (fdt_has(p->fdt, node, "role") && !owner && (role == NULL || strcmp(role, "borrower") != 0)) {
        error(p, node, "role", "must be \"owner\" or \"borrower\"");
    }
    if (!fdt_has(p->fdt, node, "bulkhead,role")) {
        return owner ? SHARED_OWNER : SHARED_BORROWER;
    }
    if (ours == NULL || (strcmp(ours, "reader") != 0 && strcmp(ours, "writer") != 0)) {
        error(p, node, "bulkhead,role", "must be \"reader\" or \"writer\"");
    } else if (owner && ours[0] == 'r') {
        error(p, node, "bulkhead,role", "the owner cannot be a reader");
    }
    return ours != NULL && ours[0] == 'r' ? SHARED_READER : SHARED_WRITER;
}

/* Against each earlier node. */
static void check_pair(struct planner *p, const struct shared_draft *s, const struct shared_draft *other)
{
    const char *who = other->domain->record->name;

    if (strcmp(s->id, other->id) != 0) {
        if (s->has_pa && other->has_pa && ranges_overlap(s->pa, s->size, other->pa, other->size)) {
            error(p, s->node, "xen,shared-mem", "is the host range of \"%s\" of %s", other->id, who);
        }
        return;
    }
    if (s->domain == other->domain) {
        error(p, s->node, "xen,shm-id", "the domain has \"%s\" twice", s->id);
    }
    if (s->size != other->size) {
        error(p, s->node, "xen,shared-mem", "has 0x%lx bytes, but \"%s\" of %s has 0x%lx", s->size, s->id,
              who, other->size);
    } else if (s->has_pa != other->has_pa || (s->has_pa && s->pa != other->pa)) {
        error(p, s->node, "xen,shared-mem", "\"%s\" of %s has another host address", s->id, who);
    }
    if (s->owner && other->owner) {
        error(p, s->node, "role", "%s owns \"%s\" already", who, s->id);
    }
    if (s->role == SHARED_WRITER && other->role != SHARED_READER) {
        error(p, s->node, "bulkhead,role", "the only writer of \"%s\", but %s writes it too", s->id, who);
    } else if (other->role == SHARED_WRITER && s->role != SHARED_READER) {
        error(p, s->node, "bulkhead,role", "writes \"%s\", but %s is its only writer", s->id, who);
    }
}

static void check_addresses(struct planner *p, const struct shared_draft *s)
{
    if (s->size == 0 || s->size % PAGE_SIZE != 0 || s->ipa % PAGE_SIZE != 0 || s->pa % PAGE_SIZE != 0) {
        error(p, s->node, "xen,shared-mem", "is not made of whole 4 KiB pages");
    } else if (s->ipa + s->size < s->ipa || s->ipa + s->size > UINT64_C(1) << p->in->ipa_bits_max) {
        error(p, s->node, "xen,shared-mem", "guest address 0x%lx is above the CPU's %u bits", s->ipa,
              p->in->ipa_bits_max);
    } else if ((s->domain->record->flags & DOMAIN_DIRECT_MAP) != 0 && (!s->has_pa || s->pa != s->ipa)) {
        error(p, s->node, "xen,shared-mem", "a direct-map domain needs a host address that is the guest's");
    }
}

static void read_node(struct planner *p, struct draft *d, fdt_node_t node)
{
    struct shared_draft *s = &p->shared[p->nr_shared];
    struct request request = {0};
    const char *id = fdt_string(p->fdt, node, "xen,shm-id");

    known_only(p, node,
               "compatible\0xen,shm-id\0xen,shared-mem\0role\0bulkhead,role\0phandle\0linux,phandle\0status\0"
               "name");
    if (p->nr_shared == MAX_SHARED) {
        error(p, node, "", "more than %u nodes of shared memory", MAX_SHARED);
        return;
    }
    if (id == NULL || id[0] == '\0' || strlen(id) >= SHARED_ID_SIZE) {
        error(p, node, "xen,shm-id", "must be a string of 1 to 15 characters");
        return;
    }
    if (!read_request(p->fdt, node, &request)) {
        error(p, node, "xen,shared-mem",
              "must be <[host-address] guest-address size> in the cells of the node above");
        return;
    }
    *s = (struct shared_draft){.domain = d,
                               .node = node,
                               .id = id,
                               .pa = request.pa,
                               .ipa = request.ipa,
                               .size = request.size,
                               .has_pa = request.has_pa,
                               .role = read_role(p, node)};
    s->owner = is_owner(p, node);
    check_addresses(p, s);
    for (uint32_t i = 0; i < p->nr_shared; i++) {
        check_pair(p, s, &p->shared[i]);
    }
    p->nr_shared++;
}

/* The first node of an id stands for all of them. */
static const struct shared_draft *first_of(const struct planner *p, const struct shared_draft *s)
{
    const struct shared_draft *first = p->shared;

    while (strcmp(first->id, s->id) != 0) {
        first++;
    }
    return first;
}

static void find_memory(struct planner *p)
{
    for (uint32_t i = 0; i < p->nr_shared; i++) {
        struct shared_draft *s = &p->shared[i];
        const struct shared_draft *first = first_of(p, s);

        if (first != s) {
            s->pa = first->pa;
        } else if (s->has_pa) {
            p->plan->shared[p->plan->nr_shared++] = (struct plan_shared){s->pa, s->size, s->node};
        } else if (!shared_memory_take(p, s->node, s->size, &s->pa)) {
            return;
        }
    }
}

void shared_memory_read(struct planner *p)
{
    uint32_t errors = p->report->errors;

    for (uint32_t i = 0; i < p->nr_drafts; i++) {
        for_each_child (p->fdt, p->drafts[i].node, node) {
            if (fdt_compatible(p->fdt, node, "xen,domain-shared-memory-v1") && fdt_okay(p->fdt, node)) {
                read_node(p, &p->drafts[i], node);
            }
        }
    }
    if (p->report->errors == errors) {
        find_memory(p);
    }
}

void shared_memory_place(struct planner *p, struct draft *d)
{
    static const char *const roles[] = {"owner", "borrower", "reader", "writer"};

    p->links.nr_shared = 0;
    p->links.shared = p->guest_shared;
    for (uint32_t i = 0; i < p->nr_shared; i++) {
        const struct shared_draft *s = &p->shared[i];
        bool reader = s->role == SHARED_READER;
        const char *taken = s->domain == d ? ipa_taken(p, d, s->ipa, s->size) : NULL;
        const struct domain_map map = {IPA(s->ipa), PA(s->pa), s->size,
                                       reader ? MAP_SHARED_READ : MAP_SHARED};

        if (taken != NULL) {
            error(p, s->node, "xen,shared-mem", "guest address 0x%lx is where the domain has %s", s->ipa,
                  taken);
        } else if (s->domain == d && shared_memory_map(p, s->node, &map)) {
            p->guest_shared[p->links.nr_shared++] =
                (struct guest_shared){s->id, roles[s->role], s->ipa, s->size, reader};
        }
    }
}
