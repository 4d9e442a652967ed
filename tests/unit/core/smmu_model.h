/* SPDX-License-Identifier: Apache-2.0 */
/* An SMMUv3 at its worst: it sees of its tables what a DSB has published, keeps every entry and translation
 * that it has looked at until the exact command drops it, and carries commands out no earlier than the
 * CMD_SYNC behind them. */
#ifndef TESTS_SMMU_MODEL_H
#define TESTS_SMMU_MODEL_H

#include "arch/arm64/stage1.h"
#include "drivers/smmu_v3.h"
#include "drivers/smmu_v3_format.h"

#define SMMU_PA      UINT64_C(0x9050000)
#define WALKER       3u /* a pCPU that executes nothing: what it would see, the SMMU sees */
#define MODEL_CACHE  64u
#define MODEL_RECORD 16u
#define MODEL_DROPS  8u /* commands for a page before a CMD_SYNC */
#define IDR0_SUITED  0xd44101bu

static struct {
    uint32_t page0[0x100 / 4], prod, cons, idr0, idr1, idr5;
    uint64_t strtab, cmdq, eventq;
    bool dead;   /* commands are not carried out any more */
    bool refuse; /* the next command is an error */
    uint32_t syncs;
    uint64_t record[MODEL_RECORD]; /* opcodes (and VMID) since the last look */
    unsigned nr_record;
    bool drop_entries, drop_all;
    uint64_t drop_vmids; /* bits: from the next CMD_SYNC on */
    struct {
        unsigned vmid;
        uint64_t page;
    } drop_pages[MODEL_DROPS];
    unsigned nr_drop_pages;
    void (*on_sync)(void); /* before translations go; or NULL */
    struct {
        bool valid;
        uint32_t stream;
        uint64_t ste[SMMU_STE_WORDS];
    } entries[MODEL_CACHE];
    struct {
        bool valid, writable;
        unsigned vmid;
        uint64_t page, pa;
    } tlb[MODEL_CACHE];
} model;

static inline uint64_t model_word(uint64_t pa)
{
    uint64_t word = 0;

    if (!host_tables_word(WALKER, pa, false, &word)) {
        host_fail("the SMMU reads 0x%lx, which holds no table", pa);
    }
    return word;
}

static inline bool model_drops(unsigned slot)
{
    bool drops = model.drop_all || (model.drop_vmids & BIT(model.tlb[slot].vmid)) != 0;

    for (unsigned i = 0; i < model.nr_drop_pages; i++) {
        drops = drops || (model.drop_pages[i].vmid == model.tlb[slot].vmid &&
                          model.drop_pages[i].page == model.tlb[slot].page);
    }
    return drops;
}

static inline void model_sync(void)
{
    if (model.on_sync != NULL) {
        model.on_sync();
    }
    model.syncs++;
    for (unsigned i = 0; i < MODEL_CACHE; i++) {
        model.entries[i].valid = model.entries[i].valid && !model.drop_entries;
        model.tlb[i].valid = model.tlb[i].valid && !model_drops(i);
    }
    model.drop_entries = model.drop_all = false;
    model.drop_vmids = 0;
    model.nr_drop_pages = 0;
}

static inline void model_command(uint64_t word0, uint64_t word1)
{
    unsigned vmid = (unsigned)FIELD(word0, 47, 32), opcode = (unsigned)FIELD(word0, 7, 0);

    if (model.nr_record < MODEL_RECORD) {
        model.record[model.nr_record++] = opcode | (uint64_t)vmid << 8;
    }
    if (opcode == CMD_CFGI_ALL && word1 == 31) {
        model.drop_entries = true;
    } else if (opcode == CMD_TLBI_S12_VMALL) {
        model.drop_vmids |= BIT(vmid);
    } else if (opcode == CMD_TLBI_NSNH_ALL) {
        model.drop_all = true;
    } else if (opcode == CMD_TLBI_S2_IPA && word1 % PAGE_SIZE == 1 && model.nr_drop_pages < MODEL_DROPS) {
        model.drop_pages[model.nr_drop_pages].vmid = vmid;
        model.drop_pages[model.nr_drop_pages++].page = FIELD(word1, 51, 12);
    } else if (opcode == CMD_SYNC) {
        model_sync();
    } else {
        host_fail("command 0x%x", opcode);
    }
}

static inline void model_consume(void)
{
    uint32_t *cons = &model.page0[SMMU_CMDQ_CONS / 4], wrap = (2u << SMMU_CMDQ_LOG2);
    uint64_t base = model.cmdq & MASK(51, 12);

    if ((model.page0[SMMU_CR0 / 4] & CR0_CMDQEN) == 0 || model.dead) {
        return;
    }
    while (*cons != model.page0[SMMU_CMDQ_PROD / 4]) {
        uint64_t at = base + *cons % (1u << SMMU_CMDQ_LOG2) * 16u;

        if (model.refuse) {
            model.page0[SMMU_GERROR / 4] ^= GERROR_CMDQ;
            return;
        }
        model_command(model_word(at), model_word(at + 8));
        *cons = (*cons + 1u) % wrap;
    }
}

static inline uint64_t model_read(uint64_t offset)
{
    switch (offset) {
    case SMMU_IDR0:
        return model.idr0;
    case SMMU_IDR1:
        return model.idr1;
    case SMMU_IDR5:
        return model.idr5;
    case SMMU_CR0ACK:
        return model.page0[SMMU_CR0 / 4];
    case SMMU_IRQ_CTRLACK:
        return model.page0[SMMU_IRQ_CTRL / 4];
    case SMMU_PAGE1 + SMMU_EVENTQ_PROD:
        return model.prod;
    case SMMU_PAGE1 + SMMU_EVENTQ_CONS:
        return model.cons;
    default:
        return model.page0[offset / 4];
    }
}

static inline uint64_t model_device(uint64_t pa, unsigned size, bool write, uint64_t value)
{
    uint64_t offset = pa - SMMU_PA;

    host_now += 20000; /* so that a wait ends */
    if (!write) {
        return model_read(offset);
    }
    if (size == 8) {
        *(offset == SMMU_STRTAB_BASE ? &model.strtab
          : offset == SMMU_CMDQ_BASE ? &model.cmdq
                                     : &model.eventq) = value;
    } else if (offset == SMMU_PAGE1 + SMMU_EVENTQ_PROD) {
        model.prod = (uint32_t)value;
    } else if (offset == SMMU_PAGE1 + SMMU_EVENTQ_CONS) {
        model.cons = (uint32_t)value;
    } else {
        model.page0[offset / 4] = (uint32_t)(offset == SMMU_GBPA ? value & ~GBPA_UPDATE : value);
        if (offset == SMMU_CMDQ_PROD) {
            model_consume();
        }
    }
    return 0;
}

static inline void model_event(unsigned id, uint32_t stream, bool write, uint64_t address)
{
    uint64_t *event = stage1_pointer(
        PA((model.eventq & MASK(51, 12)) + model.prod % (1u << SMMU_EVENTQ_LOG2) * (8u * SMMU_EVENT_WORDS)));
    uint32_t full = (model.prod ^ model.cons) & POSITION;

    if (full == 1u << SMMU_EVENTQ_LOG2) {
        model.prod ^= (model.prod ^ model.cons) & OVERFLOW ? 0 : (uint32_t)OVERFLOW;
        return;
    }
    event[0] = id | (uint64_t)stream << 32;
    event[1] = write ? 0 : BIT(35);
    event[2] = address;
    model.prod =
        (uint32_t)(model.prod & OVERFLOW) | (((model.prod & POSITION) + 1u) % (2u << SMMU_EVENTQ_LOG2));
}

static inline const uint64_t *model_entry(uint32_t stream)
{
    unsigned slot = stream % MODEL_CACHE;
    uint64_t descriptor, at;

    if (!model.entries[slot].valid || model.entries[slot].stream != stream) {
        descriptor = model_word((model.strtab & MASK(51, 6)) + stream / SMMU_BLOCK * 8u);
        if (descriptor % 32u == 0) {
            return NULL;
        }
        at = (descriptor & MASK(51, 6)) + stream % SMMU_BLOCK * 64u;
        for (unsigned i = 0; i < SMMU_STE_WORDS; i++) {
            model.entries[slot].ste[i] = model_word(at + 8u * i);
        }
        model.entries[slot].valid = true;
        model.entries[slot].stream = stream;
    }
    return model.entries[slot].ste;
}

static inline bool model_walk(const uint64_t *ste, uint64_t ipa, uint64_t *pa, bool *writable)
{
    unsigned level = 2u - (unsigned)FIELD(ste[2], 39, 38);
    uint64_t table = ste[3] & MASK(47, 12), index = ipa >> (39u - 9u * level);

    if (ipa >> (64u - FIELD(ste[2], 37, 32)) != 0) {
        return false;
    }
    for (;; level++) {
        uint64_t entry = model_word(table + index * 8u), span = UINT64_C(1) << (39u - 9u * level);

        if (entry % 2u == 0) {
            return false;
        }
        if (level == 3u || entry % 4u == 1u) {
            *pa = (entry & MASK(47, 12)) + ipa % span;
            *writable = FIELD(entry, 7, 7) != 0;
            return true;
        }
        table = entry & MASK(47, 12);
        index = ipa / (span >> 9) % 512u;
    }
}

/* A device reads or writes there: the PA that it reaches, or false. */
static inline bool model_dma(uint32_t stream, uint64_t ipa, bool write, uint64_t *pa)
{
    const uint64_t *ste;
    unsigned slot = (unsigned)(ipa / PAGE_SIZE % MODEL_CACHE), vmid;
    bool writable;

    if ((model.page0[SMMU_CR0 / 4] & CR0_SMMUEN) == 0) {
        *pa = ipa;
        return (model.page0[SMMU_GBPA / 4] & GBPA_ABORT) == 0;
    }
    ste = model_entry(stream);
    if (ste == NULL || ste[0] == STE_ABORT) {
        return false;
    }
    if (ste[0] != STE_STAGE2) {
        host_fail("entry 0x%lx of stream 0x%x", ste[0], stream);
    }
    vmid = (unsigned)FIELD(ste[2], 15, 0);
    if (!model.tlb[slot].valid || model.tlb[slot].vmid != vmid || model.tlb[slot].page != ipa / PAGE_SIZE) {
        if (!model_walk(ste, ipa, pa, &writable)) {
            model_event(EVENT_TRANSLATION, stream, write, ipa);
            return false;
        }
        model.tlb[slot].valid = true;
        model.tlb[slot].writable = writable;
        model.tlb[slot].vmid = vmid;
        model.tlb[slot].page = ipa / PAGE_SIZE;
        model.tlb[slot].pa = align_down(*pa, PAGE_SIZE);
    }
    *pa = model.tlb[slot].pa + ipa % PAGE_SIZE;
    if (write && !model.tlb[slot].writable) {
        model_event(EVENT_PERMISSION, stream, write, ipa);
        return false;
    }
    return true;
}

/* The registers are mapped, the memory is there. */
static inline struct smmu_setup model_start(unsigned bits)
{
    uint64_t bytes = smmu_table_bytes(bits);

    memset(&model, 0, sizeof model);
    model.idr0 = IDR0_SUITED;
    model.idr1 = 0x2730010; /* QEMU's */
    model.idr5 = 0x74;
    host_device = model_device;
    return (struct smmu_setup){.page0 = stage1_map_device(PA(SMMU_PA), PAGE_SIZE),
                               .page1 = stage1_map_device(PA(SMMU_PA + SMMU_PAGE1), PAGE_SIZE),
                               .queues = machine_alloc(SMMU_QUEUE_PAGES * PAGE_SIZE, PAGE_SIZE),
                               .table = machine_alloc(bytes, max_u64(bytes, 64)),
                               .stream_bits = bits};
}

#endif
