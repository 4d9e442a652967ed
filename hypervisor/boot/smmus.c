/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/smmus.h"

#include "arch/arm64/stage1.h"
#include "arch/arm64/stage2.h"
#include "core/dma.h"
#include "core/pcpu.h"
#include "core/print.h"
#include "drivers/gic.h"
#include "drivers/smmu_v3.h"

#define SMMU_PAGE1 0x10000u

/* Bits that hold all its StreamIDs; 0: no domain has one. */
static unsigned bits_of(const struct plan *plan, unsigned smmu)
{
    unsigned bits = 0;

    for (uint32_t i = 0; i < plan->nr_domains; i++) {
        const struct domain_record *record = plan->records[i];

        for (uint32_t k = 0; k < record->nr_streams; k++) {
            const struct domain_stream *s = &record->streams[k];

            for (bits = s->smmu == smmu && bits < 6 ? 6 : bits;
                 s->smmu == smmu && bits < 32 && (s->first + (s->count - 1u)) >> bits != 0; bits++) {
            }
        }
    }
    return bits;
}

static bool start(const struct host_smmu *smmu, unsigned index, unsigned bits, struct arena *arena)
{
    uint64_t table_bytes = smmu_table_bytes(bits);
    struct smmu_setup setup = {.page0 = stage1_map_device(PA(smmu->base), PAGE_SIZE),
                               .page1 = stage1_map_device(PA(smmu->base + SMMU_PAGE1), PAGE_SIZE),
                               .queues = arena_alloc(arena, SMMU_QUEUE_PAGES * PAGE_SIZE, PAGE_SIZE),
                               .table = arena_alloc(arena, table_bytes, max_u64(table_bytes, 64)),
                               .stream_bits = bits};
    const char *lacks = "no memory for it";

    if (setup.page0 != NULL && setup.page1 != NULL && setup.queues != NULL && setup.table != NULL) {
        lacks = smmu_start(index, &setup);
    }
    if (lacks != NULL) {
        print_panic("SMMU at 0x%lx: %s", smmu->base, lacks);
        return false;
    }
    print("SMMU at 0x%lx: streams of %u bits", smmu->base, bits);
    return true;
}

static bool place(const struct domain_record *record, struct arena *arena)
{
    static void *spare;

    for (uint32_t i = 0; i < record->nr_streams; i++) {
        const struct domain_stream *s = &record->streams[i];

        if (!smmu_can_translate(s->smmu, stage2_ipa_bits(record))) {
            print_panic("DOM%u: its addresses are larger than the SMMU's", record->domid);
            return false;
        }
        if (spare == NULL) {
            spare = arena_alloc(arena, PAGE_SIZE, PAGE_SIZE);
        }
        if (spare == NULL) {
            print_panic("DOM%u: no memory for its streams", record->domid);
            return false;
        }
        spare = smmu_place(s, spare) ? NULL : spare;
    }
    return true;
}

bool smmus_start(const struct host *host, const struct plan *plan, struct arena *arena)
{
    for (unsigned i = 0; i < host->nr_smmus; i++) {
        unsigned bits = bits_of(plan, i);

        if (bits != 0 && !start(&host->smmus[i], i, bits, arena)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < plan->nr_domains; i++) {
        if (!place(plan->records[i], arena)) {
            return false;
        }
    }
    return true;
}

void smmus_listen(const struct host *host, const struct plan *plan)
{
    for (unsigned i = 0; i < host->nr_smmus; i++) {
        const struct host_smmu *smmu = &host->smmus[i];

        if (bits_of(plan, i) == 0) {
            continue;
        }
        dma_start(i, smmu->irq);
        if (smmu->irq == 0) {
            print("SMMU at 0x%lx: no interrupt, so faults are not reported", smmu->base);
            continue;
        }
        gic_set_edge(smmu->irq, smmu->edge);
        gic_route(smmu->irq, this_pcpu()->index);
        gic_enable(smmu->irq);
    }
}
