/* SPDX-License-Identifier: Apache-2.0 */
/* Grants, version 1 (Xen public grant_table.h). A domain's grant table is pages of its pool that it maps into
 * its own IPA space (XENMEM_add_to_physmap) and fills; an entry names a page of its own RAM and who may map
 * it. Mapping marks the entry "reading" or "writing" by compare-and-swap against the guest, which may change
 * it at any time; nothing is believed from it but what one atomic read returned.
 *
 * Maptrack, one entry for each page of somebody else that a domain has mapped, is the reverse map: no foreign
 * mapping exists without one. A handle is its index.
 *
 * Locks: the mapper's `track_lock` is taken first, then the granter's `lock`; stage-2 locks (core/physmap.h)
 * come last. Cross-domain work holds the granter's lock, and the granter's stop takes it, so that no mapping
 * is made from a domain that is being scrubbed. */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include "base/spinlock.h"
#include "base/status.h"
#include "base/types.h"
#include "core/record.h"

struct domain;
struct vcpu;
struct pool;

#define GRANT_ENTRIES_PER_FRAME 512u
#define GRANT_RESERVED          8u /* entries 0 to 7: Xen's builder used them for console and xenstore */

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
struct grant_track; /* a mapping, 16 bytes */

struct grants {
    struct spinlock lock; /* entries' use counts, `open` */
    bool open;            /* others may map: not while the domain stops */
    uint32_t nr_frames;
    struct grant_entry *entries; /* nr_frames pages */
    uint16_t *uses;              /* per entry: mappings for reading (low byte) and for writing (high byte) */
    ipa_t *frame_at;             /* where the domain has mapped each frame; ~0: nowhere */
    struct spinlock track_lock;
    uint32_t nr_track, first_free;
    struct grant_track *track;
    void *scratch; /* page put in the place of frames of a domain that has stopped */
};

uint64_t grants_bytes(const struct domain_record *record);
/* From the pool; NULL: it is exhausted. With nr_grant_frames = 0 and nr_maptrack = 0 it holds nothing, and
 * every call is refused. */
struct grants *grants_create(struct pool *pool, const struct domain_record *record);

/* Before each start: empty table, entries usable. */
void grants_start(struct domain *domain);
/* The domain has stopped, first part: nobody can map its pages any more; what it has mapped of others is
 * released (use counts, "reading"/"writing" marks). Second part: every mapping that others have of its frames
 * is replaced by the mapper's scratch page, which they keep until they unmap it. Bounded by `limit` maptrack
 * entries a call, progress in *position; true when done. */
bool grants_stop(struct domain *domain, uint32_t *position, uint32_t limit);

/* One page of the granter at `host_addr` in the mapper's IPA space. */
enum grant_status grant_map(struct domain *mapper, uint16_t granter, uint32_t ref, ipa_t at, bool read_only,
                            uint32_t *handle);
enum grant_status grant_unmap(struct domain *mapper, uint32_t handle, ipa_t at);

/* One side of a copy: a grant reference of the domain, or a page number of the caller's own IPA space. */
struct grant_side {
    uint16_t domid;
    bool by_ref;
    uint64_t ref_or_gfn;
    uint16_t offset;
};
/* At most PAGE_SIZE bytes inside one page on each side. Runs on the caller's pCPU (uses its windows). */
enum grant_status grant_copy(struct domain *caller, const struct grant_side *from,
                             const struct grant_side *to, uint16_t length);

/* XENMEM_add_to_physmap, space 1: frame `index` of the table appears at ipa, and no longer where it was
 * before (its home RAM comes back there). */
enum status grant_place_frame(struct domain *domain, uint32_t index, ipa_t at) MUST_CHECK;

#endif
