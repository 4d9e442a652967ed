/* SPDX-License-Identifier: Apache-2.0 */
#include "core/grant.h"

#include "arch/arm64/stage1.h"
#include "core/domain.h"
#include "core/grant_entry.h"
#include "core/physmap.h"
#include "core/pool.h"

#define NOWHERE IPA(~UINT64_C(0))

/* --- life of the tables --- */

static bool take_tables(struct grants *grants, struct pool *pool, const struct domain_record *record)
{
    if (grants->nr_frames != 0) {
        grants->uses = pool_alloc(pool, grant_entries(record) * sizeof(uint16_t), 64);
        grants->frame_at = pool_alloc(pool, grants->nr_frames * sizeof(ipa_t), 64);
        if (grants->uses == NULL || grants->frame_at == NULL) {
            return false;
        }
    }
    if (grants->nr_track != 0) {
        grants->track = pool_alloc(pool, (uint64_t)grants->nr_track * GRANT_TRACK_SIZE, 64);
    }
    return grants->nr_track == 0 || grants->track != NULL;
}

static bool take_pages(struct grants *grants, struct pool *pool)
{
    if (grants->nr_frames != 0) {
        grants->entries = pool_alloc(pool, grants->nr_frames * (uint64_t)PAGE_SIZE, PAGE_SIZE);
        if (grants->entries == NULL) {
            return false;
        }
    }
    if (grants->nr_track != 0) {
        grants->scratch = pool_alloc(pool, PAGE_SIZE, PAGE_SIZE);
    }
    return grants->nr_track == 0 || grants->scratch != NULL;
}

struct grants *grants_create(struct pool *pool, const struct domain_record *record)
{
    struct grants *grants = pool_alloc(pool, sizeof *grants, 64);

    if (grants == NULL) {
        return NULL;
    }
    grants->nr_frames = record->nr_grant_frames;
    grants->nr_track = record->nr_maptrack;
    if (!take_tables(grants, pool, record) || !take_pages(grants, pool)) {
        return NULL;
    }
    for (uint32_t i = 0; i < grants->nr_frames; i++) {
        grants->frame_at[i] = NOWHERE;
    }
    grants->first_free = grants->nr_track;
    for (uint32_t i = grants->nr_track; i > 0; i--) {
        grant_track_free(grants, i - 1u);
    }
    return grants;
}

void grants_start(struct domain *domain)
{
    struct grants *grants = domain->grants;

    spin_lock(&grants->lock);
    grants->nr_active = grants->nr_frames != 0 ? 1u : 0u;
    grants->open = true;
    spin_unlock(&grants->lock);
}

/* --- the table --- */

static bool grow_locked(struct grants *grants, uint32_t nr)
{
    if (nr > grants->nr_frames) {
        return false;
    }
    if (nr > grants->nr_active) {
        grants->nr_active = nr;
    }
    return true;
}

bool grant_grow(struct domain *domain, uint32_t nr)
{
    bool done;

    spin_lock(&domain->grants->lock);
    done = grow_locked(domain->grants, nr);
    spin_unlock(&domain->grants->lock);
    return done;
}

enum status grant_place_frame(struct domain *domain, uint32_t index, ipa_t at)
{
    struct grants *grants = domain->grants;
    enum status status = ERR_RANGE;

    if (index < grants->nr_frames) {
        pa_t pa = stage1_pa((const uint8_t *)grants->entries + (uint64_t)index * PAGE_SIZE);

        spin_lock(&grants->lock);
        status = physmap_move(domain, &grants->frame_at[index], at, pa);
        if (status == OK) {
            (void)grow_locked(grants, index + 1u);
        }
        spin_unlock(&grants->lock);
    }
    return status;
}

/* --- mappings --- */

/* A hole, RAM of its own that is parked then, or a page of its pool that the core has placed there: not the
 * page of another mapping, which an unmap would look for. */
static bool may_cover(struct domain *mapper, ipa_t at)
{
    uint64_t pool = stage1_pa(mapper->pool.base).v;
    struct physmap_page page;

    if (!physmap_look(mapper, at, &page) || page.home) {
        return true;
    }
    return page.pa.v - pool < mapper->pool.size && page.pa.v != stage1_pa(mapper->grants->scratch).v;
}

/* Under both locks: everything is checked, then the page appears and the use is counted. */
static enum grant_status map_locked(struct domain *mapper, struct domain *granter, uint32_t ref, ipa_t at,
                                    bool read_only, pa_t *pa)
{
    enum grant_status status = grant_take(granter, mapper->record->domid, ref, read_only, pa);
    enum status placed;

    if (status != GRANT_OKAY) {
        return status;
    }
    if (!may_cover(mapper, at) || !grant_count(granter->grants, ref, read_only)) {
        grant_unmark(granter, ref, read_only);
        return GRANT_ERROR;
    }
    placed = physmap_place(mapper, at, *pa, read_only ? PHYSMAP_READ : PHYSMAP_WRITE);
    if (placed != OK && placed != ERR_BUSY) { /* busy: a device may still reach it */
        grant_release(granter, ref, read_only);
    }
    return placed == OK ? GRANT_OKAY : GRANT_ERROR;
}

enum grant_status grant_map(struct domain *mapper, uint16_t granter_domid, uint32_t ref, ipa_t at,
                            bool read_only, uint32_t *handle)
{
    struct domain *granter = domain_by_domid(granter_domid);
    struct grants *grants = mapper->grants;
    enum grant_status status = GRANT_NO_MAPTRACK;
    pa_t pa;

    if (granter == NULL) {
        return GRANT_BAD_DOMAIN;
    }
    at = IPA(align_down(at.v, PAGE_SIZE));
    spin_lock(&grants->track_lock);
    if (grants->first_free < grants->nr_track) {
        spin_lock(&granter->grants->lock);
        status = map_locked(mapper, granter, ref, at, read_only, &pa);
        spin_unlock(&granter->grants->lock);
    }
    if (status == GRANT_OKAY) {
        struct grant_track *track = &grants->track[grants->first_free];

        *handle = grants->first_free;
        grants->first_free = (uint32_t)track->pa_page;
        *track = (struct grant_track){.at_page = at.v / PAGE_SIZE,
                                      .ref = ref,
                                      .used = 1,
                                      .read_only = read_only,
                                      .pa_page = pa.v / PAGE_SIZE,
                                      .granter = granter_domid};
    }
    spin_unlock(&grants->track_lock);
    return status;
}

/* The page goes first, from all TLBs and from devices: the granter must not see "not in use" before. */
static enum grant_status unmap_locked(struct domain *mapper, uint32_t handle, ipa_t at)
{
    struct grants *grants = mapper->grants;
    struct grant_track *track = &grants->track[handle];
    enum status status;

    if (track->at_page != at.v / PAGE_SIZE) {
        return GRANT_ERROR;
    }
    status = physmap_withdraw(mapper, IPA(track->at_page * PAGE_SIZE), PA(track->pa_page * PAGE_SIZE));
    if (status != OK && status != ERR_NOENT) {
        return GRANT_ERROR;
    }
    if (!track->revoked) {
        struct domain *granter = domain_by_domid((uint16_t)track->granter);

        spin_lock(&granter->grants->lock);
        grant_release(granter, (uint32_t)track->ref, track->read_only);
        spin_unlock(&granter->grants->lock);
    }
    grant_track_free(grants, handle);
    return GRANT_OKAY;
}

enum grant_status grant_unmap(struct domain *mapper, uint32_t handle, ipa_t at)
{
    struct grants *grants = mapper->grants;
    enum grant_status status = GRANT_BAD_HANDLE;

    if (handle < grants->nr_track) {
        spin_lock(&grants->track_lock);
        if (grants->track[handle].used) {
            status = unmap_locked(mapper, handle, at);
        }
        spin_unlock(&grants->track_lock);
    }
    return status;
}
