/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/enhanced.h"

#include "base/string.h"
#include "boot/conflicts.h"
#include "boot/virtio_devices.h"
#include "core/grant.h"

enum {
    PORTS_DEFAULT = 1023, /* bulkhead,max-evtchn-port, as Xen gives its static domains */
    PORTS_PLAIN = 64,     /* of a domain that is told of no event: what it does with them is its own affair */
    PORTS_MOST = 4095,
    GRANT_FRAMES = 4, /* of enhanced domains where the tree does not say; Xen: 64 */
    GRANT_FRAMES_MOST = 4096,
    MAPTRACK_FRAMES = 1, /* Xen: 1024 */
    MAPTRACK_PER_FRAME = 256,
    RESERVE_PLAIN = 3,  /* shared_info over RAM splits a block; a table or two where there was nothing */
    RESERVE_PORTS = 4,  /* with static ports */
    RESERVE_GRANTS = 8, /* with grants */
    PAGES_PER_MIB = 256,
    P2M_MOST = 1024, /* MiB */
};

/* Xen's place for the grant table of a guest. */
#define GRANT_REGION      UINT64_C(0x38000000)
#define GRANT_REGION_SIZE MIB(16)
/* Xen offers no extended region that is smaller. */
#define EXTENDED_LEAST MIB(64)
#define BLOCK          MIB(2)
/* What stage 2 reaches without a larger root than every domain has. */
#define IPA_BITS 39u

/* One of its devices says that the domain grants its buffers. */
static bool grants_buffers(const struct planner *p, const struct draft *d)
{
    for_each_child (p->fdt, d->node, node) {
        const char *buffers = fdt_string(p->fdt, node, "bulkhead,buffers");

        if (fdt_compatible(p->fdt, node, "bulkhead,virtio") && fdt_okay(p->fdt, node) && buffers != NULL &&
            strcmp(buffers, virtio_buffers_names[BUFFERS_GRANTS]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_enhanced(struct planner *p, const struct draft *d)
{
    static const char with_xenstore[] = "\0enabled\0legacy";
    struct fdt_prop prop;
    const char *value;

    if (!fdt_prop(p->fdt, d->node, "xen,enhanced", &prop)) {
        return false;
    }
    value = prop.len == 0 ? "" : fdt_string(p->fdt, d->node, "xen,enhanced");
    if (value == NULL || strcmp(value, "disabled") == 0) {
        return false;
    }
    if (prop.len == 0 || IN_LIST(with_xenstore, value)) {
        complain(p, REPORT_NOTE, d->node, "xen,enhanced",
                 "there is no xenstore: the domain is started as with \"no-xenstore\"");
        return true;
    }
    if (strcmp(value, "no-xenstore") != 0) {
        complain(p, REPORT_WARNING, d->node, "xen,enhanced", "unknown value \"%s\", taken as \"disabled\"",
                 value);
        return false;
    }
    return true;
}

static void read_grants(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    bool enhanced = (r->flags & DOMAIN_ENHANCED) != 0;
    uint64_t version = number_or(p, d->node, "max_grant_version", 2, 1);

    r->nr_grant_frames =
        (uint16_t)number_or(p, d->node, "max_grant_frames", GRANT_FRAMES_MOST, enhanced ? GRANT_FRAMES : 0);
    r->nr_maptrack = (uint32_t)number_or(p, d->node, "max_maptrack_frames", GRANT_FRAMES_MOST,
                                         enhanced ? MAPTRACK_FRAMES : 0) *
                     MAPTRACK_PER_FRAME;
    if (version == 0) {
        error(p, d->node, "max_grant_version", "must be 1 or 2");
    } else if (version == 2) {
        complain(p, REPORT_NOTE, d->node, "max_grant_version", "version 1 is what there is");
    }
    if (enhanced &&
        (!fdt_has(p->fdt, d->node, "max_grant_frames") || !fdt_has(p->fdt, d->node, "max_maptrack_frames"))) {
        complain(p, REPORT_NOTE, d->node, "xen,enhanced",
                 "%u grant frames (Xen without max_grant_frames: 64), %u maptrack entries (Xen without "
                 "max_maptrack_frames: %u)",
                 r->nr_grant_frames, r->nr_maptrack, 1024u * MAPTRACK_PER_FRAME);
    }
}

void enhanced_read(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    uint64_t last = number_or(p, d->node, "bulkhead,max-evtchn-port", PORTS_MOST, PORTS_DEFAULT);

    if (last == 0) {
        error(p, d->node, "bulkhead,max-evtchn-port", "must be 1 to %u", PORTS_MOST);
    }
    r->nr_ports = (uint16_t)(last + 1u);
    if (is_enhanced(p, d) || grants_buffers(p, d)) {
        r->flags |= DOMAIN_ENHANCED;
    }
    read_grants(p, d);
    d->table_pages =
        (uint32_t)number_or(p, d->node, "xen,domain-p2m-mem-mb", P2M_MOST, 0) * (uint32_t)PAGES_PER_MIB;
}

void enhanced_need_grants(struct planner *p, struct draft *d, struct draft *backend,
                          const struct virtio_draft *v)
{
    uint32_t frames = (v->grant_entries + GRANT_ENTRIES_PER_FRAME - 1u) / GRANT_ENTRIES_PER_FRAME;
    struct domain_record *r = d->record;

    if (v->buffers != BUFFERS_GRANTS) {
        return;
    }
    if (!fdt_has(p->fdt, d->node, "max_grant_frames")) {
        r->nr_grant_frames = (uint16_t)min_u64(r->nr_grant_frames + frames, GRANT_FRAMES_MOST);
    } else if (r->nr_grant_frames == 0) {
        error(p, d->node, "max_grant_frames", "is 0, and %s grants its buffers", fdt_name(p->fdt, v->node));
    }
    backend->record->nr_maptrack += (uint32_t)(v->grants_size / PAGE_SIZE);
    backend->table_pages += (uint32_t)(align_up(v->grants_size, BLOCK) / BLOCK);
}

/* Xen's place, which guests that read no device tree know; what a direct-map domain has may lie there. */
static uint64_t grant_region(struct planner *p, struct draft *d, uint64_t limit)
{
    uint64_t at = GRANT_REGION;

    if ((d->record->flags & DOMAIN_DIRECT_MAP) == 0) {
        return at;
    }
    while (at + GRANT_REGION_SIZE <= limit && ipa_taken(p, d, at, GRANT_REGION_SIZE) != NULL) {
        at += GRANT_REGION_SIZE;
    }
    if (at + GRANT_REGION_SIZE > limit) {
        error(p, d->node, "xen,enhanced", "no guest addresses are left for the grant table");
    }
    return at;
}

/* Xen's rule: of each bank of guest RAM what lies behind the RAM, in whole blocks. */
static void find_extended(struct planner *p, struct ranges *set, const struct host_range *bank,
                          uint64_t limit)
{
    uint64_t start = bank->base, end = min_u64(bank->base + bank->size, limit);

    for (uint32_t i = 0; i < p->nr_maps; i++) {
        uint64_t map_end = p->maps[i].ipa.v + p->maps[i].size;

        if (p->maps[i].kind == MAP_RAM && map_end > start && map_end <= bank->base + bank->size) {
            start = align_up(map_end, BLOCK);
        }
    }
    if (end > start) {
        (void)ranges_add(set, start, end - start);
    }
}

/* False if there are too many. In a direct-map domain anything can lie anywhere. */
static bool cut_holes(struct planner *p, const struct draft *d, struct ranges *set, uint64_t grants)
{
    const struct domain_record *r = d->record;
    const struct host_range fixed[] = {
        {grants, GRANT_REGION_SIZE},
        {r->gicd.v, KIB(64)},
        {r->gicr_or_gicc.v, MAX_VCPUS * KIB(128)},
        {r->uart.v, (r->flags & DOMAIN_VPL011) != 0 ? PAGE_SIZE : 0},
    };
    bool fits = true;

    for (uint32_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        fits = fits && ranges_remove(set, fixed[i].base, fixed[i].size) == OK;
    }
    for (uint32_t i = 0; i < p->nr_maps; i++) {
        fits = fits && ranges_remove(set, p->maps[i].ipa.v, p->maps[i].size) == OK;
    }
    for (uint32_t i = 0; i < p->nr_channels; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            const struct channel_side *side = &p->channels[i].side[k];

            fits = fits && (side->domain != d || side->doorbell == 0 ||
                            ranges_remove(set, side->doorbell, PAGE_SIZE) == OK);
        }
    }
    return fits && virtio_cut(p, d, set);
}

void enhanced_place(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;
    struct guest_links *links = &p->links;
    struct ranges *set = &p->devices; /* what the hardware domain has used of it is in its maps */
    uint64_t limit = UINT64_C(1) << min_u64(p->in->ipa_bits_max, IPA_BITS), start, end, grants;
    char value[8];

    if ((r->flags & DOMAIN_ENHANCED) == 0 && r->nr_static_ports == 0 &&
        !fdt_has(p->fdt, d->node, "bulkhead,max-evtchn-port")) {
        r->nr_ports = PORTS_PLAIN;
    }
    r->stage2_reserve = d->table_pages + (r->nr_grant_frames + r->nr_maptrack != 0 ? RESERVE_GRANTS
                                          : r->nr_static_ports != 0                ? RESERVE_PORTS
                                                                                   : RESERVE_PLAIN);
    if (r->nr_streams != 0 && r->nr_maptrack != 0) {
        r->stage2_reserve *= 2u; /* what it maps, its devices reach: tables of theirs */
    }
    links->nr_regions = 0;
    if ((r->flags & DOMAIN_ENHANCED) == 0) {
        return;
    }
    grants = grant_region(p, d, limit);
    links->regions[links->nr_regions++] = (struct host_range){grants, GRANT_REGION_SIZE};
    if (plan_argument(plan_command_line(p->fdt), "ext_regions", value, sizeof(value)) &&
        IN_LIST("0\0no\0off\0false", value)) {
        return;
    }
    set->count = 0;
    for (uint32_t i = 0; i < NR_GUEST_BANKS; i++) {
        find_extended(p, set, &guest_banks[i], limit);
    }
    if (!cut_holes(p, d, set, grants)) {
        set->count = 0; /* none is better than one with something in it */
    }
    for (uint32_t i = 0; i < set->count && links->nr_regions < MAX_GUEST_REGIONS; i++) {
        start = align_up(set->at[i].base, BLOCK);
        end = align_down(set->at[i].base + set->at[i].size, BLOCK);
        if (end > start && end - start >= EXTENDED_LEAST) {
            links->regions[links->nr_regions++] = (struct host_range){start, end - start};
        }
    }
}
