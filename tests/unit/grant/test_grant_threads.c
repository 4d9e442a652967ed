/* SPDX-License-Identifier: Apache-2.0 */
/* Grants while everybody works at the same time: a granter that permits, revokes and writes nonsense, mappers
 * with two vCPUs, copies, and domains that stop and start again in between.
 *
 * What must hold: a granter whose revocation succeeds is seen by nobody; so is one that has stopped. When all
 * is quiet, no use is counted and no mark is left.
 *
 * One argument: the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arch/arm64/stage1.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/grant_entry.h"
#include "core/guest_atomic.h"
#include "core/physmap.h"

#define DOMAINS   3u
#define PAGES     64u /* of each domain's IPA space: the first RAM_PAGES have a home */
#define RAM_PAGES 32u
#define TRACK     24u
#define HONEST    8u  /* references 8 to 15: the guest keeps to the rules */
#define HOSTILE   16u /* 16 to 23: it does not */
#define REFS      8u
#define ROUNDS    150u
#define STEPS     1500u

#define READING UINT64_C(8)
#define WRITING UINT64_C(16)

struct fake {
    struct domain domain;
    struct domain_record record;
    pthread_rwlock_t running; /* held by its vCPUs while they are inside; by the stopper alone */
    uint8_t ram[RAM_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
    uint64_t at[PAGES]; /* PA, 0: hole; bit 0: read-only */
    bool left;          /* nobody runs on it any more; under stage2_lock, as at[] */
    unsigned changes;   /* of at[], and written without the lock where nobody may change it */
};

static struct fake fakes[DOMAINS];
static uint64_t seed = 1;
static unsigned mapped, unmapped, revoked, copied, stops, starved;
static bool quiet;

struct domain *domains[MAX_DOMAINS];
uint32_t nr_domains = DOMAINS;
struct domain *domains_by_domid[MAX_DOMAINS];
bool guest_atomic_fails;
bool dma_in_use; /* no SMMU */
static struct pcpu the_pcpu;
struct pcpu *host_pcpu = &the_pcpu;

/* --- what stands below grants --- */

static struct fake *fake_of(struct domain *domain)
{
    return (struct fake *)((uint8_t *)domain - offsetof(struct fake, domain));
}

pa_t stage1_pa(const void *pointer)
{
    return PA((uintptr_t)pointer);
}

void *pool_alloc(struct pool *pool, uint64_t size, uint64_t align)
{
    (void)pool;
    return memset(aligned_alloc(align, align_up(size, align)), 0, align_up(size, align));
}

void *window_map(struct stage1_tables *tables, unsigned window, pa_t pa, unsigned pages,
                 enum window_access access)
{
    (void)tables;
    (void)window;
    (void)pages;
    (void)access;
    return (void *)(uintptr_t)pa.v;
}

void window_unmap(struct stage1_tables *tables, unsigned window, unsigned pages)
{
    (void)tables;
    (void)window;
    (void)pages;
}

void domain_stop(struct domain *domain, enum stop_reason reason)
{
    (void)domain;
    (void)reason;
    __atomic_fetch_add(&starved, 1u, __ATOMIC_RELAXED);
}

bool dma_works(const struct domain *domain)
{
    (void)domain;
    return true;
}

static bool is_home(const struct fake *fake, uint64_t page, uint64_t entry)
{
    return page < RAM_PAGES && entry == (uintptr_t)fake->ram[page];
}

bool physmap_look(struct domain *domain, ipa_t ipa, struct physmap_page *page)
{
    struct fake *fake = fake_of(domain);
    uint64_t number = ipa.v / PAGE_SIZE, entry = 0;

    spin_lock(&domain->stage2_lock);
    if (number < PAGES) {
        entry = fake->at[number];
    }
    spin_unlock(&domain->stage2_lock);
    *page =
        (struct physmap_page){PA(entry & ~UINT64_C(1)), true, entry % 2u == 0, is_home(fake, number, entry)};
    return entry != 0;
}

enum status physmap_place(struct domain *domain, ipa_t ipa, pa_t pa, enum physmap_access access)
{
    if (ipa.v / PAGE_SIZE >= PAGES) {
        return ERR_RANGE;
    }
    spin_lock(&domain->stage2_lock);
    fake_of(domain)->at[ipa.v / PAGE_SIZE] = pa.v | (access == PHYSMAP_READ);
    fake_of(domain)->changes++;
    spin_unlock(&domain->stage2_lock);
    return OK;
}

static enum status replace(struct domain *domain, ipa_t ipa, pa_t expected, uint64_t entry)
{
    uint64_t *at = &fake_of(domain)->at[ipa.v / PAGE_SIZE];
    enum status status = ERR_NOENT;

    spin_lock(&domain->stage2_lock);
    if (*at != 0 && (*at & ~UINT64_C(1)) == expected.v) {
        *at = entry;
        fake_of(domain)->changes++;
        status = OK;
    }
    spin_unlock(&domain->stage2_lock);
    return status;
}

enum status physmap_replace(struct domain *domain, ipa_t ipa, pa_t expected, pa_t pa,
                            enum physmap_access access)
{
    return replace(domain, ipa, expected, pa.v | (access == PHYSMAP_READ));
}

enum status physmap_withdraw(struct domain *domain, ipa_t ipa, pa_t expected)
{
    return replace(domain, ipa, expected, 0);
}

enum status physmap_move(struct domain *domain, ipa_t *at, ipa_t ipa, pa_t pa)
{
    (void)domain;
    (void)at;
    (void)ipa;
    (void)pa;
    return ERR_RANGE;
}

/* --- the threads --- */

static uint64_t xorshift(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void give_way(uint64_t *random)
{
    if (xorshift(random) % 8u == 0) {
        sched_yield();
    }
}

static bool anybody_sees(const void *page)
{
    bool seen = false;

    for (unsigned d = 1; d < DOMAINS; d++) {
        spin_lock(&fakes[d].domain.stage2_lock);
        for (unsigned i = 0; i < PAGES; i++) {
            seen = seen || (!fakes[d].left && (fakes[d].at[i] & ~UINT64_C(1)) == (uintptr_t)page);
        }
        spin_unlock(&fakes[d].domain.stage2_lock);
    }
    return seen;
}

static uint64_t *entry_of(uint32_t ref)
{
    return &fakes[0].domain.grants->entries[ref].word;
}

static uint64_t permission(uint16_t domid, bool read_only, unsigned page)
{
    return 1u | (read_only ? 4u : 0u) | (uint64_t)domid << 16 | (uint64_t)page << 32;
}

/* Each honest reference has a page, and a vCPU that looks after it. Revoked as Linux does it: only if nobody
 * uses it. */
static void honest(unsigned vcpu, uint64_t *random)
{
    uint32_t ref = HONEST + (uint32_t)(xorshift(random) % (REFS / 2u)) * 2u + vcpu;
    uint64_t word = __atomic_load_n(entry_of(ref), __ATOMIC_SEQ_CST);

    if (word == 0) {
        __atomic_store_n(entry_of(ref),
                         permission((uint16_t)(2u + xorshift(random) % 2u), xorshift(random) % 4u == 0, ref),
                         __ATOMIC_SEQ_CST);
    } else if ((word & (READING | WRITING)) == 0 &&
               __atomic_compare_exchange_n(entry_of(ref), &word, 0, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST)) {
        if (anybody_sees(fakes[0].ram[ref])) {
            fprintf(stderr, "reference %u is revoked, and somebody still sees the page\n", ref);
            abort();
        }
        __atomic_fetch_add(&revoked, 1u, __ATOMIC_RELAXED);
    }
}

static void hostile(uint64_t *random)
{
    uint64_t *entry = entry_of(HOSTILE + xorshift(random) % REFS), before;

    switch (xorshift(random) % 4u) {
    case 0:
        __atomic_store_n(entry, xorshift(random), __ATOMIC_RELAXED);
        break;
    case 1:
        __atomic_store_n((uint16_t *)entry, (uint16_t)xorshift(random), __ATOMIC_RELAXED);
        break;
    case 2:
        (void)guest_clear_bits(entry, READING | WRITING, &before);
        break;
    default:
        __atomic_store_n(entry,
                         permission((uint16_t)(2u + xorshift(random) % 2u), false,
                                    HOSTILE + xorshift(random) % (RAM_PAGES - HOSTILE + 4u)),
                         __ATOMIC_RELAXED);
        break;
    }
}

static void *granter(void *argument)
{
    uint64_t random = seed * 7919u + (uintptr_t)argument;

    while (!__atomic_load_n(&quiet, __ATOMIC_ACQUIRE)) {
        pthread_rwlock_rdlock(&fakes[0].running);
        for (unsigned i = 0; i < 20; i++) {
            honest((unsigned)(uintptr_t)argument, &random);
            hostile(&random);
        }
        pthread_rwlock_unlock(&fakes[0].running);
        give_way(&random);
    }
    return NULL;
}

#define NO_HANDLE ~0u

struct held {
    uint32_t handle;
    uint64_t at;
};

static void map_some(struct fake *fake, struct held *held, uint64_t *random)
{
    uint32_t ref = HONEST + xorshift(random) % (2u * REFS + 1u), handle;
    uint64_t at = xorshift(random) % (PAGES + 1u) * PAGE_SIZE;

    if (grant_map(&fake->domain, 1, ref, IPA(at), xorshift(random) % 2u != 0, &handle) == GRANT_OKAY) {
        held->handle = handle;
        held->at = at;
        __atomic_fetch_add(&mapped, 1u, __ATOMIC_RELAXED);
    }
}

/* Its own handles as they should be; or any handle at any place, which may end another thread's mapping. */
static void unmap_some(struct fake *fake, struct held *held, uint64_t *random)
{
    if (xorshift(random) % 16u == 0) {
        (void)grant_unmap(&fake->domain, (uint32_t)(xorshift(random) % (TRACK + 2u)),
                          IPA(xorshift(random) % PAGES * PAGE_SIZE));
    }
    if (held->handle != NO_HANDLE) {
        if (grant_unmap(&fake->domain, held->handle, IPA(held->at)) == GRANT_OKAY) {
            __atomic_fetch_add(&unmapped, 1u, __ATOMIC_RELAXED);
        }
        if (xorshift(random) % 8u == 0) {
            (void)grant_unmap(&fake->domain, held->handle, IPA(held->at));
        }
        held->handle = NO_HANDLE;
    }
}

/* Only from the honest pages, which nobody writes, to a page that nobody else uses. */
static void copy_some(struct fake *fake, unsigned page, uint64_t *random)
{
    struct grant_side from = {1, true, HONEST + xorshift(random) % REFS, 0};
    struct grant_side to = {fake->record.domid, false, page, 0};

    if (grant_copy(&fake->domain, &from, &to, 64) == GRANT_OKAY) {
        const uint8_t *expected = fakes[0].ram[from.ref_or_gfn];

        if (memcmp(fake->ram[page], expected, 64) != 0) {
            fprintf(stderr, "a copy is not what was granted\n");
            abort();
        }
        __atomic_fetch_add(&copied, 1u, __ATOMIC_RELAXED);
    }
}

static void *mapper(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument, d = 1u + number / 2u;
    uint64_t random = seed * 104729u + number;
    struct held held[8];

    for (unsigned i = 0; i < 8; i++) {
        held[i].handle = NO_HANDLE;
    }
    for (unsigned step = 0; step < STEPS * ROUNDS / 20u; step++) {
        pthread_rwlock_rdlock(&fakes[d].running);
        for (unsigned i = 0; i < 20; i++) {
            struct held *h = &held[xorshift(&random) % 8u];

            if (h->handle == NO_HANDLE) {
                map_some(&fakes[d], h, &random);
            } else {
                unmap_some(&fakes[d], h, &random);
            }
            if (number % 2u == 0) {
                copy_some(&fakes[d], RAM_PAGES - 1u, &random);
            }
        }
        pthread_rwlock_unlock(&fakes[d].running);
        give_way(&random);
    }
    return NULL;
}

static void stop(unsigned d)
{
    struct domain *domain = &fakes[d].domain;
    uint32_t position = 0;

    spin_lock(&domain->stage2_lock);
    fakes[d].left = true;
    spin_unlock(&domain->stage2_lock);
    while (!grants_stop(domain, &position, 5)) {
        sched_yield();
    }
    if (d == 0) {
        for (unsigned i = 0; i < RAM_PAGES; i++) {
            if (anybody_sees(fakes[0].ram[i])) {
                fprintf(stderr, "the granter has stopped, and somebody still sees page %u\n", i);
                abort();
            }
        }
    }
    for (unsigned i = 0; i < TRACK; i++) {
        if (domain->grants->track[i].used) {
            fprintf(stderr, "domain %u has stopped, and entry %u is used\n", d, i);
            abort();
        }
    }
}

/* Its vCPUs have left: nobody else touches its IPA space but through maptrack. */
static void begin(unsigned d)
{
    fakes[d].changes = 0; /* without the lock: the sanitizer tells if anybody else is there */
    spin_lock(&fakes[d].domain.stage2_lock);
    for (unsigned i = 0; i < PAGES; i++) {
        fakes[d].at[i] = i < RAM_PAGES ? (uintptr_t)fakes[d].ram[i] : 0;
    }
    fakes[d].left = false;
    spin_unlock(&fakes[d].domain.stage2_lock);
    grants_start(&fakes[d].domain);
}

static void *stopper(void *argument)
{
    uint64_t random = seed * 15485863u + (uintptr_t)argument;

    while (!__atomic_load_n(&quiet, __ATOMIC_ACQUIRE)) {
        unsigned d = xorshift(&random) % DOMAINS;

        pthread_rwlock_wrlock(&fakes[d].running);
        stop(d);
        begin(d);
        pthread_rwlock_unlock(&fakes[d].running);
        __atomic_fetch_add(&stops, 1u, __ATOMIC_RELAXED);
        nanosleep(&(struct timespec){0, 300000}, NULL);
    }
    return NULL;
}

static void nothing_is_left(void)
{
    const struct grants *grants = fakes[0].domain.grants;
    unsigned nr_free = 0;

    for (unsigned d = 1; d < DOMAINS; d++) {
        pthread_rwlock_wrlock(&fakes[d].running);
        stop(d);
        pthread_rwlock_unlock(&fakes[d].running);
        nr_free = 0;
        for (uint64_t i = fakes[d].domain.grants->first_free; i < TRACK && nr_free <= TRACK;
             i = fakes[d].domain.grants->track[i].pa_page) {
            nr_free++;
        }
        assert_int_equal(nr_free, TRACK);
    }
    for (uint32_t ref = 0; ref < GRANT_ENTRIES_PER_FRAME; ref++) {
        assert_int_equal(grants->uses[ref], 0);
    }
    for (uint32_t ref = HONEST; ref < HONEST + REFS; ref++) {
        assert_int_equal(*entry_of(ref) & (READING | WRITING), 0);
    }
}

static void create(unsigned d)
{
    struct fake *fake = &fakes[d];

    fake->record =
        (struct domain_record){.domid = (uint16_t)(d + 1u), .nr_grant_frames = 1, .nr_maptrack = TRACK};
    fake->domain.record = &fake->record;
    fake->domain.grants = grants_create(NULL, &fake->record);
    pthread_rwlock_init(&fake->running, NULL);
    for (unsigned i = 0; i < RAM_PAGES; i++) {
        memset(fake->ram[i], (int)(d * 64u + i), PAGE_SIZE);
    }
    domains[d] = &fake->domain;
    domains_by_domid[d + 1u] = &fake->domain;
    begin(d);
}

static void together(void **state)
{
    pthread_t mappers[4], others[3];

    (void)state;
    printf("seed %lu\n", (unsigned long)seed);
    for (unsigned d = 0; d < DOMAINS; d++) {
        create(d);
    }
    for (uintptr_t i = 0; i < 4; i++) {
        pthread_create(&mappers[i], NULL, mapper, (void *)i);
    }
    for (uintptr_t i = 0; i < 2; i++) {
        pthread_create(&others[i], NULL, granter, (void *)i);
    }
    pthread_create(&others[2], NULL, stopper, NULL);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(mappers[i], NULL);
    }
    __atomic_store_n(&quiet, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < 3; i++) {
        pthread_join(others[i], NULL);
    }
    nothing_is_left();
    printf("%u mapped, %u unmapped, %u revoked, %u copied, %u stops\n", mapped, unmapped, revoked, copied,
           stops);
    assert_in_range(mapped, 1000, ~0u);
    assert_in_range(revoked, 100, ~0u);
    assert_in_range(copied, 100, ~0u);
    assert_in_range(stops, 20, ~0u);
    assert_int_equal(starved, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(together)};

    if (argc > 1) {
        seed = strtoul(argv[1], NULL, 0) | 1u;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
