/* SPDX-License-Identifier: Apache-2.0 */
/* Grants, version 1 (Xen public grant_table.h). A domain's grant table is pages of its pool that it maps into
 * its own IPA space (XENMEM_add_to_physmap) and fills; an entry names a page of its own RAM and who may map
 * it. Mapping marks the entry "reading" or "writing" by compare-and-swap against the guest, which may change
 * it at any time; nothing is believed from it but what one atomic read returned.
 *
 * Maptrack, one entry for each page of somebody else that a domain has mapped, is the reverse map: no foreign
 * mapping exists without one. A handle is its index.
 *
 * Locks: the mapper's `track_lock` is taken first, then the granter's `lock` (two granters of one copy: lower
 * domid first); stage-2 locks (core/physmap.h) come last. Never two track locks. Cross-domain work holds the
 * granter's lock while `open`, and the granter's stop takes it, so that no mapping is made from a domain that
 * is being scrubbed. */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include "base/spinlock.h"
#include "base/status.h"
#include "base/types.h"
#include "core/record.h"

struct domain;
struct pool;

#define GRANT_ENTRIES_PER_FRAME 512u
#define GRANT_RESERVED          8u   /* entries 0 to 7: Xen's builder used them for console and xenstore */
#define GRANT_MAX_USES          255u /* mappings of one entry for reading, and as many for writing */

/* Xen's GNTST_* numbers. */
enum grant_status {
    GRANT_OKAY = 0,
    GRANT_ERROR = -1,
    GRANT_BAD_DOMAIN = -2,
    GRANT_BAD_REF = -3,
    GRANT_BAD_HANDLE = -4,
    GRANT_BAD_ADDRESS = -5,
    GRANT_BAD_DEVICE_ADDRESS = -6,
    GRANT_NO_SPACE = -7,
    GRANT_PERMISSION = -8,
    GRANT_BAD_PAGE = -9,
    GRANT_BAD_COPY = -10,
    GRANT_ADDRESS_TOO_BIG = -11,
    GRANT_AGAIN = -12,
    GRANT_NO_MAPTRACK = -13,
};

struct grant_entry; /* as the guest sees it */
struct grant_track; /* a mapping */
#define GRANT_TRACK_SIZE 16u

struct grants {
    struct spinlock lock; /* entries' use counts, `open`, `nr_active` */
    bool open;            /* others may map: not while the domain stops */
    uint32_t nr_frames;
    uint32_t nr_active;          /* frames that the domain has asked for: 1 at its start, never fewer again */
    struct grant_entry *entries; /* nr_frames pages */
    uint16_t *uses;              /* per entry: mappings for reading (low byte) and for writing (high byte) */
    ipa_t *frame_at;             /* where the domain has mapped each frame; ~0: nowhere */
    struct spinlock track_lock;
    uint32_t nr_track, first_free; /* first_free = nr_track: none is free */
    struct grant_track *track;
    void *scratch; /* page put in the place of frames of a domain that has stopped */
};

static inline uint64_t grant_entries(const struct domain_record *record)
{
    return (uint64_t)record->nr_grant_frames * GRANT_ENTRIES_PER_FRAME;
}

/* Bytes of pool for the record, alignment included. */
static inline uint64_t grants_bytes(const struct domain_record *record)
{
    uint64_t pages = record->nr_grant_frames + (record->nr_maptrack != 0 ? 1u : 0u);
    uint64_t bytes = align_up(sizeof(struct grants), 64);

    bytes += align_up(grant_entries(record) * sizeof(uint16_t), 64);
    bytes += align_up(record->nr_grant_frames * sizeof(ipa_t), 64);
    bytes += align_up((uint64_t)record->nr_maptrack * GRANT_TRACK_SIZE, 64);
    return bytes + (pages != 0 ? (pages + 1u) * PAGE_SIZE : 0); /* one for what alignment leaves out */
}

/* From the pool; NULL: it is exhausted. With nr_grant_frames = 0 and nr_maptrack = 0 it holds nothing, and
 * every call is refused. */
struct grants *grants_create(struct pool *pool, const struct domain_record *record);

/* Before each start, when stage 2 has been built: the table, which is empty, may be used. */
void grants_start(struct domain *domain);
/* The domain has stopped and its vCPUs have left. First part: nobody can map its pages any more; what it has
 * mapped of others is released (use counts, "reading"/"writing" marks). Second part: every mapping that
 * others have of its frames is replaced by the mapper's scratch page, which they keep until they unmap it.
 * Third part: its table is emptied. One call looks at up to `limit` (not 0) maptrack entries, of which it
 * changes one, or empties one page; progress in *position, 0 at first; true when done. */
bool grants_stop(struct domain *domain, uint32_t *position, uint32_t limit);

/* One page of the granter in the mapper's IPA space, in place of the page that holds `at`; that must be a
 * hole, or show memory of the mapper itself. The entry must be for the mapper (its domid) and name RAM of the
 * granter that lies where its record puts it. Any status but GRANT_OKAY: nothing has changed. */
enum grant_status grant_map(struct domain *mapper, uint16_t granter, uint32_t ref, ipa_t at, bool read_only,
                            uint32_t *handle);
/* Leaves a hole if the page still lies where it was mapped, `at`. */
enum grant_status grant_unmap(struct domain *mapper, uint32_t handle, ipa_t at);

/* One side of a copy: a grant reference of the domain, or a page number of the caller's own IPA space. */
struct grant_side {
    uint16_t domid;
    bool by_ref;
    uint64_t ref_or_gfn; /* a reference: its low half */
    uint16_t offset;
};
/* At most PAGE_SIZE bytes inside one page on each side. Runs on the caller's pCPU (uses its windows). */
enum grant_status grant_copy(struct domain *caller, const struct grant_side *from,
                             const struct grant_side *to, uint16_t length);

/* XENMEM_add_to_physmap, space 1: frame `index` of the table appears at `at`, and no longer where it was
 * before (its home RAM comes back there). The table grows to hold it. ERR_RANGE: no such frame, or as
 * physmap_place(). */
enum status grant_place_frame(struct domain *domain, uint32_t index, ipa_t at) MUST_CHECK;

/* The table grows to nr frames; false: it can never have so many. */
bool grant_grow(struct domain *domain, uint32_t nr);

#endif
