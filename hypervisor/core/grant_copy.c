/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/stage1.h"
#include "base/string.h"
#include "core/domain.h"
#include "core/grant_entry.h"
#include "core/physmap.h"

#define MAX_GFN (UINT64_MAX / PAGE_SIZE)

/* Both sides by reference: the lower domid first; of one domain: once. */
static void lock_granters(struct domain *a, struct domain *b)
{
    if (a != NULL && b != NULL && a != b) {
        bool first = a->record->domid < b->record->domid;

        spin_lock(&(first ? a : b)->grants->lock);
        spin_lock(&(first ? b : a)->grants->lock);
    } else if (a != NULL || b != NULL) {
        spin_lock(&(a != NULL ? a : b)->grants->lock);
    }
}

static void unlock_granters(struct domain *a, struct domain *b)
{
    if (a != NULL) {
        spin_unlock(&a->grants->lock);
    }
    if (b != NULL && a != b) {
        spin_unlock(&b->grants->lock);
    }
}

/* Whose entry a side names: NULL for a page of the caller. */
static enum grant_status granter_of(const struct domain *caller, const struct grant_side *side,
                                    struct domain **granter)
{
    *granter = NULL;
    if (!side->by_ref) {
        return side->domid == caller->record->domid ? GRANT_OKAY : GRANT_PERMISSION;
    }
    *granter = domain_by_domid(side->domid);
    return *granter != NULL ? GRANT_OKAY : GRANT_BAD_DOMAIN;
}

/* The page of a side, marked in use if it is a granted one. Its owner cannot be torn down meanwhile: the
 * granter's lock is held, and the caller is here. A frame has one owner for ever, so that it is no matter if
 * the page moves in the owner's IPA space. */
static enum grant_status claim(struct domain *caller, struct domain *granter, const struct grant_side *side,
                               bool write, pa_t *pa)
{
    struct physmap_page page;

    if (granter != NULL) {
        return grant_take(granter, caller->record->domid, (uint32_t)side->ref_or_gfn, !write, pa);
    }
    if (side->ref_or_gfn > MAX_GFN || !physmap_look(caller, IPA(side->ref_or_gfn * PAGE_SIZE), &page) ||
        !page.home) {
        return GRANT_BAD_PAGE;
    }
    *pa = page.pa;
    return GRANT_OKAY;
}

static void disclaim(struct domain *granter, const struct grant_side *side, bool write)
{
    if (granter != NULL) {
        grant_unmark(granter, (uint32_t)side->ref_or_gfn, !write);
    }
}

static void copy(pa_t to, unsigned to_offset, pa_t from, unsigned from_offset, unsigned length)
{
    struct stage1_tables *tables = this_pcpu()->tables;
    const uint8_t *source = window_map(tables, 0, from, 1, WINDOW_READ);
    uint8_t *target = window_map(tables, 1, to, 1, WINDOW_WRITE);

    memcpy(target + to_offset, source + from_offset, length);
    window_unmap(tables, 1, 1);
    window_unmap(tables, 0, 1);
}

static enum grant_status copy_locked(struct domain *caller, struct domain *const granters[2],
                                     const struct grant_side *from, const struct grant_side *to,
                                     uint16_t length)
{
    enum grant_status status;
    pa_t from_pa, to_pa;

    status = claim(caller, granters[0], from, false, &from_pa);
    if (status != GRANT_OKAY) {
        return status;
    }
    status = claim(caller, granters[1], to, true, &to_pa);
    if (status == GRANT_OKAY) {
        copy(to_pa, to->offset, from_pa, from->offset, length);
        disclaim(granters[1], to, true);
    }
    disclaim(granters[0], from, false);
    return status;
}

enum grant_status grant_copy(struct domain *caller, const struct grant_side *from,
                             const struct grant_side *to, uint16_t length)
{
    struct domain *granters[2];
    enum grant_status status = granter_of(caller, from, &granters[0]);

    if (status == GRANT_OKAY) {
        status = granter_of(caller, to, &granters[1]);
    }
    if (status != GRANT_OKAY) {
        return status;
    }
    if ((uint32_t)from->offset + length > PAGE_SIZE || (uint32_t)to->offset + length > PAGE_SIZE) {
        return GRANT_BAD_COPY;
    }
    lock_granters(granters[0], granters[1]);
    status = copy_locked(caller, granters, from, to, length);
    unlock_granters(granters[0], granters[1]);
    return status;
}
