/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the grant table and of maptrack: for the files of grants alone. */
#ifndef CORE_GRANT_ENTRY_H
#define CORE_GRANT_ENTRY_H

#include "core/grant.h"

/* Xen public grant_table.h, struct grant_entry_v1: flags in bits 15:0, domid in 31:16, frame number in 63:32.
 * Read and changed as one word. */
struct grant_entry {
    uint64_t word;
};

struct grant_track {
    uint64_t at_page : 36; /* where, IPA / PAGE_SIZE */
    uint64_t ref : 21;
    uint64_t used : 1;
    uint64_t read_only : 1;
    uint64_t revoked : 1;  /* the granter has stopped: the scratch page lies there, no use is counted */
    uint64_t pa_page : 36; /* what, PA / PAGE_SIZE; next free entry if it is not used */
    uint64_t granter : 16; /* domid */
};

_Static_assert(sizeof(struct grant_entry) == 8, "ABI");
_Static_assert(sizeof(struct grant_track) == GRANT_TRACK_SIZE, "design: memory of maptrack");

/* The user (domid) begins to use the entry: it is marked, but not yet counted in `uses`. Under the granter's
 * lock. On error the marks are as before. */
enum grant_status grant_take(struct domain *granter, uint16_t user, uint32_t ref, bool read_only, pa_t *page);

/* Clears the marks that no counted use needs any more. Under the granter's lock. */
void grant_unmark(struct domain *granter, uint32_t ref, bool read_only);

/* Counts a use of an entry that is marked; false: there are GRANT_MAX_USES. Under the granter's lock. */
bool grant_count(struct grants *grants, uint32_t ref, bool read_only);

/* A counted use ends. Under the granter's lock. */
void grant_release(struct domain *granter, uint32_t ref, bool read_only);

/* The entry is free again. Under the track lock. */
void grant_track_free(struct grants *grants, uint32_t handle);

#endif
