/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/smmu_v3.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/mmio.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/timer.h"
#include "base/spinlock.h"
#include "drivers/smmu_v3_format.h"

#define LIMIT_US   10000u
#define STREAMS_PA MASK(51, 6)

static struct smmu {
    volatile uint8_t *page0, *page1;
    uint64_t (*commands)[2];
    volatile uint64_t (*events)[SMMU_EVENT_WORDS];
    uint64_t *table;
    uint32_t made; /* commands so far; the queue is empty whenever the lock is free */
    uint32_t oas;  /* as in IDR5: which of address_bits */
    uint32_t used; /* started */
    uint32_t failed;
    struct spinlock lock;
} smmus[MAX_SMMUS];

static const uint8_t address_bits[] = {32, 36, 40, 42, 44, 48, 52, 56};

/* True when the register reads so under the mask, within the limit. */
static bool reads(const volatile uint8_t *at, uint32_t mask, uint32_t value)
{
    uint64_t end = timer_now() + timer_from_us(LIMIT_US);

    while ((mmio_read32(at) & mask) != value) {
        if (timer_now() > end) {
            return (mmio_read32(at) & mask) == value;
        }
    }
    return true;
}

/* From here on it blocks everything: GBPA says abort. */
static void fail(struct smmu *smmu)
{
    store_release(&smmu->failed, 1u);
    mmio_write32(smmu->page0 + SMMU_CR0, 0);
}

/* The position has one bit more than the queue needs, to tell full from empty (3.5.1). */
static void add(struct smmu *smmu, uint64_t word0, uint64_t word1)
{
    uint64_t *command = smmu->commands[smmu->made % (1u << SMMU_CMDQ_LOG2)];

    command[0] = word0;
    command[1] = word1;
    smmu->made = (smmu->made + 1u) % (2u << SMMU_CMDQ_LOG2);
}

/* CMD_SYNC is consumed when all before it have completed (4.7.3): so is the queue. */
static bool sync(struct smmu *smmu)
{
    bool done;

    add(smmu, CMD_SYNC, 0);
    dsb(sy);
    mmio_write32(smmu->page0 + SMMU_CMDQ_PROD, smmu->made);
    done = reads(smmu->page0 + SMMU_CMDQ_CONS, POSITION, smmu->made) &&
           ((mmio_read32(smmu->page0 + SMMU_GERROR) ^ mmio_read32(smmu->page0 + SMMU_GERRORN)) &
            GERROR_CMDQ) == 0;
    if (!done) {
        fail(smmu);
    }
    return done;
}

static const char *unsuited(const struct smmu_setup *setup)
{
    const volatile uint8_t *page0 = setup->page0;
    uint32_t idr0 = mmio_read32(page0 + SMMU_IDR0), idr1 = mmio_read32(page0 + SMMU_IDR1);

    if ((idr0 & IDR0_S2P) == 0 || (idr0 & IDR0_AARCH64) == 0) {
        return "no stage 2";
    }
    if ((idr0 & IDR0_COHACC) == 0) {
        return "no coherent access to its tables";
    }
    if ((idr0 & IDR0_TWO_LEVEL) == 0 || IDR1_SIDSIZE(idr1) < setup->stream_bits) {
        return "no stream table of two levels for so many streams";
    }
    if ((idr1 & IDR1_PRESET) != 0 || IDR1_CMDQS(idr1) < SMMU_CMDQ_LOG2 ||
        IDR1_EVENTQS(idr1) < SMMU_EVENTQ_LOG2) {
        return "no queues of the size that is needed";
    }
    return (mmio_read32(page0 + SMMU_IDR5) & IDR5_GRAN4K) == 0 ? "no pages of 4 KiB" : NULL;
}

static bool switch_to(struct smmu *smmu, uint32_t cr0)
{
    mmio_write32(smmu->page0 + SMMU_CR0, cr0);
    return reads(smmu->page0 + SMMU_CR0ACK, CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN | CR0_ATSCHK, cr0);
}

/* Off, with everything blocked meanwhile, whatever the firmware had set up. */
static bool switch_off(struct smmu *smmu)
{
    volatile uint8_t *gbpa = smmu->page0 + SMMU_GBPA;

    if (!reads(gbpa, (uint32_t)GBPA_UPDATE, 0)) {
        return false;
    }
    mmio_write32(gbpa, (uint32_t)(GBPA_UPDATE | GBPA_ABORT));
    return reads(gbpa, (uint32_t)GBPA_UPDATE, 0) && switch_to(smmu, 0);
}

static void set_places(struct smmu *smmu, const struct smmu_setup *setup)
{
    volatile uint8_t *page0 = smmu->page0;

    mmio_write32(page0 + SMMU_CR1, CR1_NORMAL);
    mmio_write32(page0 + SMMU_CR2, CR2_PTM);
    mmio_write64(page0 + SMMU_STRTAB_BASE, stage1_pa(setup->table).v | BASE_RA);
    mmio_write32(page0 + SMMU_STRTAB_BASE_CFG, TWO_LEVEL | SMMU_SPLIT << 6 | setup->stream_bits);
    mmio_write64(page0 + SMMU_CMDQ_BASE, stage1_pa(smmu->commands).v | BASE_RA | SMMU_CMDQ_LOG2);
    mmio_write32(page0 + SMMU_CMDQ_PROD, 0);
    mmio_write32(page0 + SMMU_CMDQ_CONS, 0);
    mmio_write64(page0 + SMMU_EVENTQ_BASE,
                 stage1_pa((const void *)(uintptr_t)smmu->events).v | BASE_RA | SMMU_EVENTQ_LOG2);
    mmio_write32(smmu->page1 + SMMU_EVENTQ_PROD, 0);
    mmio_write32(smmu->page1 + SMMU_EVENTQ_CONS, 0);
    mmio_write32(page0 + SMMU_GERRORN, mmio_read32(page0 + SMMU_GERROR));
}

const char *smmu_start(unsigned index, const struct smmu_setup *setup)
{
    struct smmu *smmu = &smmus[index];
    const char *lacks = unsuited(setup);
    uint32_t cr0 = CR0_CMDQEN;

    if (lacks != NULL) {
        return lacks;
    }
    smmu->page0 = setup->page0;
    smmu->page1 = setup->page1;
    smmu->commands = setup->queues;
    smmu->events = (void *)((uint8_t *)setup->queues + PAGE_SIZE);
    smmu->table = setup->table;
    smmu->made = smmu->failed = 0;
    smmu->oas = mmio_read32(smmu->page0 + SMMU_IDR5) % 8u;
    if (!switch_off(smmu)) {
        return "no answer";
    }
    set_places(smmu, setup);
    if (!switch_to(smmu, cr0)) {
        return "no answer";
    }
    add(smmu, CMD_CFGI_ALL, CMD_CFGI_ALL_RANGE);
    add(smmu, CMD_TLBI_NSNH_ALL, 0);
    if (!sync(smmu)) {
        return "no answer to a command";
    }
    cr0 |= CR0_EVENTQEN | CR0_ATSCHK | CR0_SMMUEN;
    mmio_write32(smmu->page0 + SMMU_IRQ_CTRL, IRQ_EVENTQ);
    if (!reads(smmu->page0 + SMMU_IRQ_CTRLACK, IRQ_EVENTQ, IRQ_EVENTQ) || !switch_to(smmu, cr0)) {
        return "no answer";
    }
    smmu->used = 1;
    return NULL;
}

/* The entry of a stream that was placed. */
static uint64_t *entry_of(const struct smmu *smmu, uint32_t stream)
{
    uint64_t *page = stage1_pointer(PA(smmu->table[stream / SMMU_BLOCK] & STREAMS_PA));

    return page + stream % SMMU_BLOCK * SMMU_STE_WORDS;
}

bool smmu_place(const struct domain_stream *streams, void *page)
{
    const struct smmu *smmu = &smmus[streams->smmu];
    uint32_t first = streams->first / SMMU_BLOCK,
             last = (streams->first + (streams->count - 1u)) / SMMU_BLOCK;

    if (smmu->table[first] != 0) {
        return false;
    }
    for (uint32_t i = 0; i < SMMU_BLOCK; i++) {
        ((uint64_t *)page)[i * SMMU_STE_WORDS] = STE_ABORT;
    }
    dsb(sy);
    for (uint32_t block = first; block <= last; block++) {
        __atomic_store_n(&smmu->table[block], SMMU_DESCRIPTOR(stage1_pa(page).v), __ATOMIC_RELAXED);
    }
    return true;
}

bool smmu_can_translate(unsigned index, unsigned bits)
{
    return bits <= address_bits[smmus[index].oas];
}

/* Whole blocks share their entries. */
static uint32_t entries_of(const struct domain_stream *streams)
{
    return (uint32_t)min_u64(streams->count, SMMU_BLOCK);
}

static void set_words(const struct domain_stream *streams, const struct stage2 *stage2)
{
    const struct smmu *smmu = &smmus[streams->smmu];
    unsigned vmid = (unsigned)(stage2->vttbr >> 48), oas = (unsigned)min_u64(smmu->oas, 5);

    for (uint32_t i = 0; i < entries_of(streams); i++) {
        uint64_t *entry = entry_of(smmu, streams->first + i);

        entry[1] = STE1_INCOMING;
        entry[2] = ste_word2(stage2->vtcr, vmid, oas);
        entry[3] = stage2->vttbr & MASK(47, 0);
    }
}

static void set_word0(const struct domain_stream *streams, uint64_t word)
{
    for (uint32_t i = 0; i < entries_of(streams); i++) {
        __atomic_store_n(entry_of(&smmus[streams->smmu], streams->first + i), word, __ATOMIC_RELAXED);
    }
}

/* Entries if asked for, and the translations that the command names, are read anew from memory. */
static bool forget(struct smmu *smmu, bool entries, uint64_t word0, uint64_t word1)
{
    bool done;

    spin_lock(&smmu->lock);
    if (entries) {
        add(smmu, CMD_CFGI_ALL, CMD_CFGI_ALL_RANGE);
    }
    add(smmu, word0, word1);
    done = smmu->failed == 0 && sync(smmu);
    spin_unlock(&smmu->lock);
    return done;
}

/* Of all SMMUs that have some of the streams. */
static bool forget_all(const struct domain_stream *streams, uint32_t count, unsigned vmid)
{
    bool done = true;

    for (unsigned i = 0; i < MAX_SMMUS; i++) {
        bool wanted = false;

        for (uint32_t s = 0; s < count; s++) {
            wanted = wanted || streams[s].smmu == i;
        }
        done = (!wanted || forget(&smmus[i], true, CMD_TLBI_S12_VMALL | CMD_VMID(vmid), 0)) && done;
    }
    return done;
}

/* Word 0 last: an entry is looked at whole when it says that it translates (3.21.3.1). */
bool smmu_open(const struct domain_stream *streams, uint32_t count, const struct stage2 *stage2)
{
    for (uint32_t i = 0; i < count; i++) {
        set_words(&streams[i], stage2);
    }
    dsb(sy);
    for (uint32_t i = 0; i < count; i++) {
        set_word0(&streams[i], STE_STAGE2);
    }
    return forget_all(streams, count, (unsigned)(stage2->vttbr >> 48));
}

bool smmu_close(const struct domain_stream *streams, uint32_t count, unsigned vmid)
{
    for (uint32_t i = 0; i < count; i++) {
        set_word0(&streams[i], STE_ABORT);
    }
    return forget_all(streams, count, vmid);
}

static void flush(uint64_t word0, uint64_t word1)
{
    for (unsigned i = 0; i < MAX_SMMUS; i++) {
        if (smmus[i].used != 0) {
            (void)forget(&smmus[i], false, word0, word1); /* one that fails lets nothing through any more */
        }
    }
}

void smmu_flush(unsigned vmid)
{
    flush(CMD_TLBI_S12_VMALL | CMD_VMID(vmid), 0);
}

void smmu_flush_page(unsigned vmid, ipa_t ipa)
{
    flush(CMD_TLBI_S2_IPA | CMD_VMID(vmid), align_down(ipa.v, PAGE_SIZE) | CMD_TLBI_LEAF);
}

bool smmu_failed(void)
{
    uint32_t failed = 0;

    for (unsigned i = 0; i < MAX_SMMUS; i++) {
        failed |= load_acquire(&smmus[i].failed);
    }
    return failed != 0;
}

bool smmu_works(const struct domain_stream *streams, uint32_t count)
{
    uint32_t failed = 0;

    for (uint32_t i = 0; i < count; i++) {
        failed |= load_acquire(&smmus[streams[i].smmu].failed);
    }
    return failed == 0;
}

static const char *reason(unsigned id)
{
    switch (id) {
    case EVENT_TRANSLATION:
        return "nothing there";
    case EVENT_ADDRESS_SIZE:
        return "address out of range";
    case EVENT_PERMISSION:
        return "read-only";
    default:
        return "not translated";
    }
}

bool smmu_take_fault(unsigned index, struct smmu_fault *fault)
{
    struct smmu *smmu = &smmus[index];
    uint64_t event[SMMU_EVENT_WORDS];
    uint32_t prod, cons;

    if (smmu->used == 0) {
        return false;
    }
    prod = mmio_read32(smmu->page1 + SMMU_EVENTQ_PROD);
    cons = mmio_read32(smmu->page1 + SMMU_EVENTQ_CONS);
    if (((prod ^ cons) & POSITION) == 0) {
        mmio_write32(smmu->page1 + SMMU_EVENTQ_CONS, (cons & POSITION) | (uint32_t)(prod & OVERFLOW));
        return false;
    }
    dsb(sy); /* the event was written before PROD moved */
    for (unsigned i = 0; i < SMMU_EVENT_WORDS; i++) {
        event[i] = smmu->events[cons % (1u << SMMU_EVENTQ_LOG2)][i];
    }
    dsb(sy); /* it has been read before its place is given back */
    cons = ((cons & POSITION) + 1u) % (2u << SMMU_EVENTQ_LOG2);
    mmio_write32(smmu->page1 + SMMU_EVENTQ_CONS, cons | (uint32_t)(prod & OVERFLOW));
    *fault = (struct smmu_fault){.stream = EVENT_STREAM(event),
                                 .read = EVENT_READ(event),
                                 .address = EVENT_ADDRESS(event),
                                 .why = reason(EVENT_ID(event))};
    return true;
}
