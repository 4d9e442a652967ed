/* SPDX-License-Identifier: Apache-2.0 */
#include "core/grant_entry.h"

#include "arch/arm64/barrier.h"
#include "base/bits.h"
#include "core/domain.h"
#include "core/guest_atomic.h"
#include "core/physmap.h"

#define TYPE(word)    FIELD(word, 1, 0)
#define DOMID(word)   FIELD(word, 31, 16)
#define FRAME(word)   FIELD(word, 63, 32)
#define PERMIT_ACCESS 1u
#define READ_ONLY     BIT(2)
#define READING       BIT(3)
#define WRITING       BIT(4)

#define USE_READ   1u
#define USE_WRITE  0x100u
#define READERS(u) ((u) % 0x100u)
#define WRITERS(u) ((u) / 0x100u)

/* The granter may write the entry as fast as it can: it is not waited for. An entry that cannot be marked in
 * so many tries is refused, as Xen does; a domain whose entry cannot be unmarked is stopped. */
#define MARK_TRIES 64u

static bool permits(uint64_t word, uint16_t user, bool read_only)
{
    return TYPE(word) == PERMIT_ACCESS && DOMID(word) == user && (read_only || (word & READ_ONLY) == 0);
}

static enum grant_status mark(struct grant_entry *entry, uint16_t user, bool read_only, uint64_t *marked)
{
    uint64_t word = load_relaxed(&entry->word);

    for (unsigned i = 0; i < MARK_TRIES; i++) {
        uint64_t to = word | READING | (read_only ? 0 : WRITING);

        if (!permits(word, user, read_only)) {
            return GRANT_ERROR;
        }
        if (__atomic_compare_exchange_n(&entry->word, &word, to, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            *marked = to;
            return GRANT_OKAY;
        }
    }
    return GRANT_ERROR;
}

enum grant_status grant_take(struct domain *granter, uint16_t user, uint32_t ref, bool read_only, pa_t *page)
{
    struct grants *grants = granter->grants;
    struct physmap_page found;
    enum grant_status status;
    uint64_t word;

    if (!grants->open) {
        return GRANT_BAD_DOMAIN;
    }
    if (ref / GRANT_ENTRIES_PER_FRAME >= grants->nr_active) {
        return GRANT_BAD_REF;
    }
    status = mark(&grants->entries[ref], user, read_only, &word);
    if (status != GRANT_OKAY) {
        return status;
    }
    if (!physmap_look(granter, IPA(FRAME(word) * PAGE_SIZE), &found) || !found.home) {
        grant_unmark(granter, ref, read_only);
        return GRANT_BAD_PAGE;
    }
    *page = found.pa;
    return GRANT_OKAY;
}

void grant_unmark(struct domain *granter, uint32_t ref, bool read_only)
{
    uint32_t uses = granter->grants->uses[ref];
    uint64_t before, marks = (uses == 0 ? READING : 0) | (!read_only && WRITERS(uses) == 0 ? WRITING : 0);

    if (marks != 0 && !guest_clear_bits(&granter->grants->entries[ref].word, marks, &before)) {
        domain_stop(granter, STOP_CRASH);
    }
}

void grant_release(struct domain *granter, uint32_t ref, bool read_only)
{
    granter->grants->uses[ref] -= read_only ? USE_READ : USE_WRITE;
    grant_unmark(granter, ref, read_only);
}

bool grant_count(struct grants *grants, uint32_t ref, bool read_only)
{
    uint32_t uses = grants->uses[ref];

    if ((read_only ? READERS(uses) : WRITERS(uses)) == GRANT_MAX_USES) {
        return false;
    }
    grants->uses[ref] = (uint16_t)(uses + (read_only ? USE_READ : USE_WRITE));
    return true;
}

void grant_track_free(struct grants *grants, uint32_t handle)
{
    grants->track[handle] = (struct grant_track){.pa_page = grants->first_free};
    grants->first_free = handle;
}
