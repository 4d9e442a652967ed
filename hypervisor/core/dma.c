/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dma.h"

#include "core/domain.h"
#include "core/frontend.h"
#include "core/physmap.h"
#include "core/print.h"
#include "drivers/gic.h"
#include "drivers/smmu_v3.h"

#define FAULTS_AT_ONCE 4u

bool dma_in_use;
static uint32_t interrupts[MAX_SMMUS]; /* 0: none */

static enum status map_windows(struct domain *domain, unsigned entries, uint32_t *index, uint64_t *done)
{
    const struct domain_record *record = domain->record;
    uint32_t window = *index - record->nr_maps;
    struct domain_map map;
    enum status status;

    if (window >= record->nr_windows) {
        return OK;
    }
    map = domain_window_map(&record->windows[window]);
    status = stage2_window_map(&domain->dma->stage2, &domain->pool, &map, &domain->frontends->scratch,
                               entries, done);
    if (status == OK) {
        *done = 0;
        (*index)++;
        status = ERR_BUSY;
    }
    return status;
}

enum status dma_map_table(struct domain *domain, unsigned entries, uint32_t *index, uint64_t *done)
{
    const struct domain_record *record = domain->record;
    struct dma *dma = domain->dma;
    enum status status = OK;

    if (*index == 0 && *done == 0) {
        dma->faults = 0;
        dma->stage2.devices = true;
        status = stage2_begin(&dma->stage2, &domain->pool, record, record->domid + 1u);
    }
    if (status == OK && *index < record->nr_maps) {
        status = stage2_map(&dma->stage2, &domain->pool, record, entries, index, done);
        return status == OK ? ERR_BUSY : status;
    }
    return status == OK ? map_windows(domain, entries, index, done) : status;
}

/* A frontend whose backend's SMMU has failed has nothing to fear from it: that one blocks everything. */
bool dma_open_streams(struct domain *domain)
{
    const struct domain_record *record = domain->record;
    bool open;

    open = !smmu_failed() && smmu_open(record->streams, record->nr_streams, &domain->dma->stage2);
    if (!open) {
        print("DOM%u: the SMMU does not answer: its DMA stays blocked", record->domid);
    }
    return open;
}

void dma_close_streams(struct domain *domain)
{
    const struct domain_record *record = domain->record;

    if (!smmu_close(record->streams, record->nr_streams, record->domid + 1u)) {
        print("DOM%u: the SMMU does not answer: all DMA behind it is blocked", record->domid);
    }
}

void dma_set_window(struct domain *backend, const struct domain_map *map, bool open, unsigned entries,
                    uint64_t from)
{
    (void)stage2_window_set(&backend->dma->stage2, map, &backend->frontends->scratch, open, entries, &from);
}

bool dma_works(const struct domain *domain)
{
    return smmu_works(domain->record->streams, domain->record->nr_streams);
}

static bool works_or_crash(struct domain *domain)
{
    bool works = dma_works(domain);

    if (!works) {
        domain_crash(domain, "its SMMU does not answer", false);
    }
    return works;
}

enum status dma_put_page(struct domain *domain, ipa_t ipa, pa_t pa, enum map_kind kind)
{
    enum status status = stage2_put(&domain->dma->stage2, &domain->pool, ipa, pa, kind);

    return works_or_crash(domain) ? status : ERR_BUSY;
}

/* What was put has an entry of its own: no table is needed. */
bool dma_replace_page(struct domain *domain, ipa_t ipa, pa_t expected, const struct domain_map *to)
{
    struct stage2 *stage2 = &domain->dma->stage2;
    struct stage2_page found;
    pa_t home;

    if (stage2_look(stage2, ipa, &found) && found.pa.v == expected.v) {
        if (to != NULL) {
            (void)!stage2_put(stage2, &domain->pool, ipa, to->pa, to->kind);
        } else if (physmap_home(domain, ipa, &home)) {
            (void)!stage2_put(stage2, &domain->pool, ipa, home, MAP_RAM);
        } else {
            (void)!stage2_drop(stage2, &domain->pool, ipa);
        }
    }
    return works_or_crash(domain);
}

void dma_start(unsigned smmu, uint32_t intid)
{
    interrupts[smmu] = intid;
    dma_in_use = true;
}

static struct domain *owner_of(unsigned smmu, uint32_t stream)
{
    for (uint32_t i = 0; i < nr_domains; i++) {
        const struct domain_record *record = domains[i]->record;

        for (uint32_t k = 0; k < record->nr_streams; k++) {
            const struct domain_stream *s = &record->streams[k];

            if (s->smmu == smmu && stream - s->first < s->count) {
                return domains[i];
            }
        }
    }
    return NULL;
}

/* A domain whose devices go on is stopped before its faults are all that this pCPU does. */
static void report(unsigned smmu, const struct smmu_fault *fault)
{
    struct domain *domain = owner_of(smmu, fault->stream);

    if (domain == NULL) {
        return; /* streams of nobody abort without a fault */
    }
    domain->dma->faults++;
    if (domain->dma->faults <= DMA_FAULTS_PRINTED) {
        print("DOM%u: DMA of stream 0x%x blocked: %s 0x%lx, %s", domain->record->domid, fault->stream,
              fault->read ? "read of" : "write to", fault->address, fault->why);
    } else if (domain->dma->faults == DMA_FAULTS_MAX) {
        print("DOM%u: %u DMA faults: it is stopped", domain->record->domid, DMA_FAULTS_MAX);
        domain_crash(domain, "DMA outside its memory", false);
    }
}

bool dma_take_interrupt(uint32_t intid)
{
    struct smmu_fault fault;
    unsigned smmu = 0, taken = 0;

    while (smmu < MAX_SMMUS && (interrupts[smmu] != intid || intid == 0)) {
        smmu++;
    }
    if (smmu == MAX_SMMUS) {
        return false;
    }
    while (taken < FAULTS_AT_ONCE && smmu_take_fault(smmu, &fault)) {
        report(smmu, &fault);
        taken++;
    }
    if (taken == FAULTS_AT_ONCE) {
        gic_set_pending(intid, true);
    }
    return true;
}
