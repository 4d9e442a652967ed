/* SPDX-License-Identifier: Apache-2.0 */
/* What the devices of a domain reach: the domain's RAM, the windows of its frontends as they are (open, or
 * the scratch page), and what the domain has mapped of grants, from when it maps it until it unmaps it. A
 * table of its own, so that device registers, ioreq and state pages and shared memory are not in it. It is
 * there for domains with streams of an SMMU, and built anew with stage 2.
 *
 * An SMMU that does not answer is switched off and blocks everything (drivers/smmu_v3.h); the domain behind
 * it crashes and is not started again. What it had mapped of grants stays in use for those who granted it:
 * nobody knows whether a transfer of before is over.
 *
 * A stream is open while its domain runs. It is closed before anything of the domain is taken apart, and
 * opened at the end of the build, when its devices have been reset. */
#ifndef CORE_DMA_H
#define CORE_DMA_H

#include "arch/arm64/stage2.h"
#include "base/status.h"
#include "base/types.h"
#include "core/domain.h"
#include "core/record.h"

/* Faults of one life of a domain that are printed, and those after which it is stopped as crashed. */
#define DMA_FAULTS_PRINTED 8u
#define DMA_FAULTS_MAX     256u

struct dma {
    struct stage2 stage2;
    uint32_t faults; /* since its start */
};

/* Pool bytes for the record's streams (0 without). Its tables are in stage2_table_pages(). */
static inline uint64_t dma_bytes(const struct domain_record *record)
{
    return record->nr_streams == 0 ? 0 : align_up(sizeof(struct dma), 64);
}

/* Boot has started an SMMU. Without one the code behind these calls is not there. */
#ifdef PROFILE_STATIC
#define dma_in_use false
#else
extern bool dma_in_use;
#endif

/* What follows is for domains with streams; see dma_map() and so on. */
enum status dma_map_table(struct domain *domain, unsigned entries, uint32_t *index,
                          uint64_t *done) MUST_CHECK;
bool dma_open_streams(struct domain *domain) MUST_CHECK;
void dma_close_streams(struct domain *domain);
void dma_set_window(struct domain *backend, const struct domain_map *map, bool open, unsigned entries,
                    uint64_t from);
enum status dma_put_page(struct domain *domain, ipa_t ipa, pa_t pa, enum map_kind kind) MUST_CHECK;
bool dma_replace_page(struct domain *domain, ipa_t ipa, pa_t expected,
                      const struct domain_map *to) MUST_CHECK;
bool dma_works(const struct domain *domain);
bool dma_take_interrupt(uint32_t intid);

/* Boot: the SMMU reports faults by that interrupt; 0: by none. */
void dma_start(unsigned smmu, uint32_t intid);

/* Each time the domain is built: its table, so many entries at a time, windows closed. ERR_BUSY: there is
 * more; *index and *done, 0 at first, are the place to go on. OK without streams. */
static inline enum status dma_map(struct domain *domain, unsigned entries, uint32_t *index, uint64_t *done)
{
    return dma_in_use && domain->dma != NULL ? dma_map_table(domain, entries, index, done) : OK;
}

/* The domain is about to run. False: an SMMU does not work; its DMA is blocked and it must not run. */
static inline bool dma_open(struct domain *domain)
{
    return !dma_in_use || domain->dma == NULL || dma_open_streams(domain);
}

/* Its vCPUs have left: nothing of its devices' DMA arrives any more when this returns. */
static inline void dma_close(struct domain *domain)
{
    if (dma_in_use && domain->dma != NULL) {
        dma_close_streams(domain);
    }
}

/* As stage2_window_set(), of the backend's table for devices, if it has one: the entries from `from`. Under
 * its stage2_lock. */
static inline void dma_window_set(struct domain *backend, const struct domain_map *map, bool open,
                                  unsigned entries, uint64_t from)
{
    if (dma_in_use && backend->dma != NULL) {
        dma_set_window(backend, map, open, entries, from);
    }
}

/* The domain's devices, if it has some behind an SMMU, find the page at ipa. Under its stage2_lock; not where
 * a window lies. ERR_NOMEM: its table reserve is used up. ERR_BUSY: an SMMU does not work. */
static inline enum status dma_put(struct domain *domain, ipa_t ipa, pa_t pa, enum map_kind kind)
{
    return dma_in_use && domain->dma != NULL ? dma_put_page(domain, ipa, pa, kind) : OK;
}

/* If they find `expected` there, which was put, they find the page that `to` maps from now on (NULL: the RAM
 * whose home that is, or nothing), and no transfer to `expected` by that address arrives any more. Under its
 * stage2_lock. False: an SMMU does not work, so that a transfer of before may still arrive. */
static inline bool dma_replace(struct domain *domain, ipa_t ipa, pa_t expected, const struct domain_map *to)
{
    return !dma_in_use || domain->dma == NULL || dma_replace_page(domain, ipa, expected, to);
}

/* The domain has been closed: its devices are known to reach nothing any more. */
static inline bool dma_is_over(const struct domain *domain)
{
    return !dma_in_use || domain->dma == NULL || dma_works(domain);
}

/* All its devices that do DMA are behind an SMMU: they find a page where the domain does. */
static inline bool dma_is_translated(const struct domain *domain)
{
    return dma_in_use && domain->dma != NULL && (domain->record->flags & DOMAIN_DMA_UNPROTECTED) == 0;
}

/* True if it is an SMMU's. Looks at some faults, and comes again if there are more. */
static inline bool dma_interrupt(uint32_t intid)
{
    return dma_in_use && dma_take_interrupt(intid);
}

#endif
