/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a domain's IPA space while it runs: what XENMEM_*, GNTTABOP_* and the core itself place, remove
 * and give back. Every change of a live stage 2 goes through this file: tables are reserved first, the entry
 * is made invalid, TLB entries go on all pCPUs, then the new entry is written (break before make, Arm ARM
 * D8.16.1). A vCPU that faults in between walks again under the lock and retries (physmap_valid()).
 *
 * Frames have one owner for ever. A page of RAM that is removed or covered is parked: its home is known from
 * the record, and physmap_restore() gives it back. */
#ifndef CORE_PHYSMAP_H
#define CORE_PHYSMAP_H

#include "base/status.h"
#include "base/types.h"

struct domain;

enum physmap_access { PHYSMAP_READ, PHYSMAP_WRITE };

/* What lies at a page of the IPA space. */
struct physmap_page {
    pa_t pa;
    bool normal; /* Normal memory; otherwise device registers */
    bool writable;
    bool home; /* the domain's own RAM at its place in the record: what it may grant or share */
};

/* Where the record puts RAM at ipa; false: none. */
bool physmap_home(const struct domain *domain, ipa_t ipa, pa_t *pa);

/* The page that holds ipa; false: nothing is mapped there. */
bool physmap_look(struct domain *domain, ipa_t ipa, struct physmap_page *page);

/* Memory of somebody else, which the domain's devices behind an SMMU reach as it does (core/dma.h). Puts
 * Normal, never executable memory at ipa (page aligned), over a hole or over Normal memory, which is parked
 * or forgotten. ERR_RANGE: beyond the IPA size, or what lies there is devices or memory shared by the
 * description. ERR_NOMEM: the domain's table reserve is used up. ERR_BUSY: its SMMU does not answer, and a
 * device may reach the page. On error the domain sees what it saw before. */
enum status physmap_place(struct domain *domain, ipa_t ipa, pa_t pa, enum physmap_access access) MUST_CHECK;

/* Leaves a hole at ipa, but not for devices behind an SMMU, if Normal memory is mapped there and, unless
 * `expected` is PHYSMAP_ANY, is that page. ERR_NOENT: not so. ERR_NOMEM as above (a block must be split). */
#define PHYSMAP_ANY PA(~UINT64_C(0))
enum status physmap_remove(struct domain *domain, ipa_t ipa, pa_t expected) MUST_CHECK;

/* The same of a page that physmap_place() put there, and for devices too: if they still find it there, they
 * find the RAM whose home that is, or nothing. When this returns, nothing of the domain reaches it at ipa.
 * ERR_BUSY: an SMMU does not answer, so that a transfer of before may still arrive. */
enum status physmap_withdraw(struct domain *domain, ipa_t ipa, pa_t expected) MUST_CHECK;

/* Puts another page where `expected` is mapped; an access in between waits for it and finds the new page.
 * Devices find it too where they found `expected`. ERR_NOENT: the domain sees something else there. */
enum status physmap_replace(struct domain *domain, ipa_t ipa, pa_t expected, pa_t pa,
                            enum physmap_access access) MUST_CHECK;

/* A page of the core that the domain sees at one place at most, *at (~0: nowhere), appears at ipa. Where it
 * was before, the RAM whose home that is comes back, or there is a hole. Errors as physmap_place(). */
enum status physmap_move(struct domain *domain, ipa_t *at, ipa_t ipa, pa_t pa) MUST_CHECK;

/* The domain's RAM comes back to its home at ipa. ERR_EXIST: something is there. ERR_NOENT: no home of RAM.
 */
enum status physmap_restore(struct domain *domain, ipa_t ipa) MUST_CHECK;

/* A fault at ipa: true if the access is allowed by now, so that the instruction shall be tried again. */
bool physmap_valid(struct domain *domain, ipa_t ipa, enum physmap_access access);

/* Pages of RAM that the record gives, parked or not. */
uint64_t physmap_ram_pages(const struct domain *domain);

#endif
