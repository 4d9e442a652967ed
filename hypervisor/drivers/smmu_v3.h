/* SPDX-License-Identifier: Apache-2.0 */
/* SMMUv3 (IHI 0070), stage 2 only: what the devices of a domain reach by DMA. A stream is open, and then
 * translated by its domain's table for devices, or aborts silently; streams that nobody was given abort.
 *
 * Every change waits for CMD_SYNC: when a function returns, transactions that began under the former state
 * are over (4.8). The wait is bounded; an SMMU that does not answer is switched off, all streams behind it
 * abort from then on (GBPA), and nothing behind it is opened again.
 *
 * Boot makes the tables; then any pCPU. Locks: the SMMU's own, under all others. */
#ifndef DRIVERS_SMMU_V3_H
#define DRIVERS_SMMU_V3_H

#include "arch/arm64/stage2.h"
#include "base/status.h"
#include "base/types.h"
#include "core/record.h"

#define SMMU_QUEUE_PAGES 2u

/* Memory and registers that boot gives to an SMMU. */
struct smmu_setup {
    volatile void *page0, *page1; /* the register pages at 0 and at 0x10000 */
    void *queues;                 /* SMMU_QUEUE_PAGES zeroed pages */
    uint64_t *table;      /* first level, zeroed: 8 bytes for each 64 StreamIDs, aligned to its size */
    unsigned stream_bits; /* the table covers StreamIDs below 1 << stream_bits, 6 .. 32 */
};

/* Bytes of the first level for so many bits. */
static inline uint64_t smmu_table_bytes(unsigned stream_bits)
{
    return UINT64_C(8) << (stream_bits - 6u);
}

/* What DMA of a device ended in. */
struct smmu_fault {
    uint32_t stream;
    bool read;
    uint64_t address; /* as the device gave it */
    const char *why;
};

#ifdef PROFILE_STATIC
static inline void smmu_flush(unsigned vmid)
{
    (void)vmid;
}
static inline void smmu_flush_page(unsigned vmid, ipa_t ipa)
{
    (void)vmid;
    (void)ipa;
}
#else
/* Boot, once for each SMMU that a domain uses: all streams abort. Returns NULL, or what the SMMU lacks. */
const char *smmu_start(unsigned index, const struct smmu_setup *setup);

/* Boot: the entries of the streams, which lie in one block of 64 or are whole blocks, are in `page`, a zeroed
 * page; whole blocks share it. False: the page is not needed, because another piece of the block has one. */
bool smmu_place(const struct domain_stream *streams, void *page);

/* The SMMU translates addresses of so many bits. */
bool smmu_can_translate(unsigned smmu, unsigned bits);

/* The streams are translated by the table from now on. False: the SMMU has failed. */
bool smmu_open(const struct domain_stream *streams, uint32_t count, const struct stage2 *stage2) MUST_CHECK;

/* The streams abort, and nothing of the table is cached any more. False: the SMMU has failed, and blocks
 * everything. */
bool smmu_close(const struct domain_stream *streams, uint32_t count, unsigned vmid) MUST_CHECK;

/* Nothing of the table with that VMID is cached in any SMMU, and DMA that used it is over. */
void smmu_flush(unsigned vmid);
/* The same of a page that has an entry of its own, of the last level. */
void smmu_flush_page(unsigned vmid, ipa_t ipa);

/* Some SMMU has failed. */
bool smmu_failed(void);

/* None has that the streams are behind: what was flushed is over. */
bool smmu_works(const struct domain_stream *streams, uint32_t count);

/* The oldest fault that was not looked at; false: there is none. For one pCPU at a time. */
bool smmu_take_fault(unsigned smmu, struct smmu_fault *fault);
#endif

#endif
