/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/stage1.h"
#include "base/string.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/grant_entry.h"
#include "core/physmap.h"

#define NOWHERE IPA(~UINT64_C(0))

/* Each of the following looks at up to `limit` entries from `index` on, ends after the first that it changes,
 * and returns how many it has looked at. */

/* What the domain has mapped of others. Its stage 2 is made anew before it runs again, and so is the table of
 * its devices, which are blocked; if nobody knows that they are, the marks stay. */
static uint32_t release_own(struct domain *domain, uint32_t index, uint32_t limit)
{
    struct grants *grants = domain->grants;
    uint32_t done = 0;
    bool changed = false;

    spin_lock(&grants->track_lock);
    while (done < limit && !changed && index + done < grants->nr_track) {
        const struct grant_track *track = &grants->track[index + done];

        if (track->used) {
            struct domain *granter = domain_by_domid((uint16_t)track->granter);

            if (!track->revoked && dma_is_over(domain)) {
                spin_lock(&granter->grants->lock);
                grant_release(granter, (uint32_t)track->ref, track->read_only);
                spin_unlock(&granter->grants->lock);
            }
            grant_track_free(grants, index + done);
            changed = true;
        }
        done++;
    }
    spin_unlock(&grants->track_lock);
    return done;
}

/* What a mapper has mapped of the domain. If something else lies there by now, that stays. */
static uint32_t revoke(const struct domain *domain, struct domain *mapper, uint32_t index, uint32_t limit)
{
    struct grants *grants = mapper->grants;
    pa_t scratch = stage1_pa(grants->scratch);
    uint32_t done = 0;
    bool changed = false;

    spin_lock(&grants->track_lock);
    while (done < limit && !changed && index + done < grants->nr_track) {
        struct grant_track *track = &grants->track[index + done];

        if (track->used && !track->revoked && track->granter == domain->record->domid) {
            (void)!physmap_replace(mapper, IPA(track->at_page * PAGE_SIZE), PA(track->pa_page * PAGE_SIZE),
                                   scratch, track->read_only ? PHYSMAP_READ : PHYSMAP_WRITE);
            track->pa_page = scratch.v / PAGE_SIZE;
            track->revoked = 1;
            changed = true;
        }
        done++;
    }
    spin_unlock(&grants->track_lock);
    return done;
}

static void clear_frame(struct grants *grants, uint32_t index)
{
    uint32_t first = index * GRANT_ENTRIES_PER_FRAME;

    memset(&grants->entries[first], 0, PAGE_SIZE);
    memset(&grants->uses[first], 0, GRANT_ENTRIES_PER_FRAME * sizeof grants->uses[0]);
    grants->frame_at[index] = NOWHERE;
}

bool grants_stop(struct domain *domain, uint32_t *position, uint32_t limit)
{
    struct grants *grants = domain->grants;
    uint32_t index = *position;

    if (index == 0) {
        spin_lock(&grants->lock);
        grants->open = false;
        spin_unlock(&grants->lock);
    }
    if (index < grants->nr_track) {
        *position += release_own(domain, index, limit);
        return false;
    }
    index -= grants->nr_track;
    for (uint32_t i = 0; i < nr_domains; i++) {
        uint32_t nr = domains[i] == domain ? 0 : domains[i]->grants->nr_track;

        if (index < nr) {
            *position += revoke(domain, domains[i], index, limit);
            return false;
        }
        index -= nr;
    }
    if (index < grants->nr_frames) {
        clear_frame(grants, index);
        *position += 1u;
        return false;
    }
    if (grants->scratch != NULL) {
        memset(grants->scratch, 0, PAGE_SIZE);
    }
    return true;
}
