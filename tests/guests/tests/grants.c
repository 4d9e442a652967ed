// SPDX-License-Identifier: Apache-2.0
/* Two domains and the grants between them: domain 1 grants, domain 2 maps. What they have to tell each other
 * stands in the first page that is granted; each of them restarts once while pages are mapped. */
#include "guest.h"

#define PAGE     4096ul
#define SELF     0x7ff0u
#define GRANTER  1u
#define MAPPER   2u
#define PATIENCE 30000000u /* us */
#define EFAULT   (-14)

/* References. Each names the page of the granter's `ram` with the same number. */
enum { TALK = 8, READ_ONLY, REVOKED, OF_ANOTHER, RACED, EMPTY, PAGES = 16 };

enum { PERMIT = 1, RO = 4, READING = 8, WRITING = 16, HOST_MAP = 2, MAP_RO = 4 };
enum { OKAY = 0, ERROR = -1, BAD_DOMAIN = -2, BAD_REF = -3, BAD_HANDLE = -4, BAD_COPY = -10 };

/* Words of the page TALK. */
enum { ALIVE, STAGE, TURN, WRITTEN };
#define MAGIC 0x6772616e746f7221ul
enum { STAGE_FIRST, STAGE_GRANTER_RESET, STAGE_MAPPER_RESET, STAGE_DONE };
enum { TURN_NONE, TURN_MAPPED, TURN_SEEN, TURN_UNMAPPED, TURN_REVOKED, TURN_RACE, TURN_RACED };

static uint8_t ram[PAGES * PAGE] __attribute__((aligned(4096)));
static uint8_t frame[PAGE] __attribute__((aligned(4096))); /* the grant table appears here */
static uint8_t places[8 * PAGE] __attribute__((aligned(4096)));

static uint64_t page_of(unsigned number)
{
    return (uint64_t)ram + number * PAGE;
}

static uint64_t place(unsigned number)
{
    return (uint64_t)places + number * PAGE;
}

/* --- hypercalls --- */

static int64_t call(uint64_t number, uint64_t a, const void *b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = (uint64_t)b, x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "memory", "cc", "x3", "x4");
    return (int64_t)x0;
}

static int map(uint32_t ref, uint64_t at, uint32_t flags, uint32_t *handle)
{
    struct {
        uint64_t at;
        uint32_t flags, ref;
        uint16_t domid;
        int16_t status;
        uint32_t handle;
        uint64_t bus;
    } arg = {at, flags | HOST_MAP, ref, GRANTER, 1, 0, 1};

    EXPECT_EQ(call(20, 0, &arg, 1), 0, "GNTTABOP_map_grant_ref");
    *handle = arg.handle;
    if (arg.status == OKAY) {
        EXPECT_EQ(arg.bus, 0, "dev_bus_addr");
    }
    return arg.status;
}

static int unmap(uint32_t handle, uint64_t at)
{
    struct {
        uint64_t at, bus;
        uint32_t handle;
        int16_t status;
    } arg = {at, 0, handle, 1};

    EXPECT_EQ(call(20, 1, &arg, 1), 0, "GNTTABOP_unmap_grant_ref");
    return arg.status;
}

static int copy(uint32_t ref, uint16_t offset, uint64_t to, uint16_t length)
{
    struct {
        uint64_t from;
        uint16_t from_domid, from_offset;
        uint64_t to;
        uint16_t to_domid, to_offset;
        uint32_t padding;
        uint16_t length, flags;
        int16_t status;
    } arg = {ref, GRANTER, offset, to / PAGE, SELF, 0, 0, length, 1, 1};

    EXPECT_EQ(call(20, 5, &arg, 1), 0, "GNTTABOP_copy");
    return arg.status;
}

static int64_t query(void *arg)
{
    return call(20, 6, arg, 1);
}

static int64_t populate(uint64_t at)
{
    uint64_t gfn = at / PAGE;
    struct {
        uint64_t list, nr;
        uint32_t order, flags;
        uint16_t domid;
    } arg = {(uint64_t)&gfn, 1, 0, 0, SELF};

    return call(12, 6, &arg, 0);
}

/* --- words of the page that both see --- */

static uint64_t word(uint64_t page, unsigned index)
{
    return read64(page + index * 8u);
}

static void set_word(uint64_t page, unsigned index, uint64_t value)
{
    dsb();
    write64(page + index * 8u, value);
    dsb();
}

static bool await(uint64_t page, unsigned index, uint64_t value)
{
    uint64_t end = now() + us_to_ticks(PATIENCE);

    while (word(page, index) != value) {
        if (now() > end) {
            test_fail("word %u is %lu, not %lu", index, word(page, index), value);
            return false;
        }
        cpu_relax();
    }
    return true;
}

/* --- the granter --- */

struct entry {
    uint16_t flags, domid;
    uint32_t page;
};

static volatile struct entry *entry(unsigned ref)
{
    return (volatile struct entry *)frame + ref;
}

static void permit(unsigned ref, uint16_t domid, uint16_t flags)
{
    entry(ref)->page = (uint32_t)(page_of(ref) / PAGE);
    entry(ref)->domid = domid;
    dsb();
    entry(ref)->flags = PERMIT | flags;
    dsb();
}

/* As Linux does it: false if somebody uses it. */
static bool revoke(unsigned ref)
{
    uint16_t flags = entry(ref)->flags;

    while ((flags & (READING | WRITING)) == 0) {
        if (__atomic_compare_exchange_n(&entry(ref)->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

static bool await_marks(unsigned ref, uint16_t marks)
{
    uint64_t end = now() + us_to_ticks(PATIENCE);

    while ((entry(ref)->flags & (READING | WRITING)) != marks) {
        if (now() > end) {
            test_fail("flags of reference %u are 0x%x, not 0x%x", ref, entry(ref)->flags, marks);
            return false;
        }
        cpu_relax();
    }
    return true;
}

static bool table_is_there(void)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, gfn;
    } arg = {SELF, 0, 1, 0, (uint64_t)frame / PAGE};
    int64_t result = call(12, 7, &arg, 0);

    if (result != 0) {
        test_fail("no grant table: %d", (int)result);
    }
    return result == 0;
}

/* A page that is not granted holds 0, and one that is holds 1: nobody may see the former. */
static void revoke_under_map(uint64_t talk)
{
    uint64_t revoked = 0, refused = 0;

    while (word(talk, TURN) != TURN_RACED) {
        write64(page_of(RACED), 1);
        permit(RACED, MAPPER, 0);
        for (unsigned i = 0; i < revoked % 64u; i++) {
            cpu_relax();
        }
        while (!revoke(RACED)) {
            refused++;
            cpu_relax();
        }
        write64(page_of(RACED), 0);
        dsb();
        revoked++;
    }
    test_figure("revoked", revoked);
    test_figure("in_use", refused);
}

static void first_life(uint64_t talk)
{
    if (!await(talk, TURN, TURN_MAPPED) || !await_marks(REVOKED, READING | WRITING)) {
        return;
    }
    EXPECT(!revoke(REVOKED), "a page that is mapped was revoked");
    EXPECT_EQ(entry(READ_ONLY)->flags, PERMIT | RO | READING, "flags of the read-only page");
    EXPECT_EQ(entry(OF_ANOTHER)->flags, PERMIT, "flags of another domain's page");
    EXPECT_EQ(word(page_of(READ_ONLY), 1), 0x5a5a, "word of the read-only page");
    set_word(talk, TURN, TURN_SEEN);
    if (!await(talk, TURN, TURN_UNMAPPED) || !await_marks(REVOKED, 0)) {
        return;
    }
    EXPECT(revoke(REVOKED), "a page that nobody uses was not revoked");
    set_word(talk, TURN, TURN_REVOKED);
    if (await(talk, TURN, TURN_RACE)) {
        revoke_under_map(talk);
    }
    if (await(talk, STAGE, STAGE_GRANTER_RESET) && !test_failed()) {
        system_reset(); /* with its pages mapped */
    }
}

TEST(grant_granter)
{
    uint64_t talk = page_of(TALK);

    if (!table_is_there()) {
        return;
    }
    set_word(page_of(READ_ONLY), 0, SELF); /* a query_size structure, as it happens */
    set_word(page_of(READ_ONLY), 1, 0x5a5a);
    set_word(talk, ALIVE, MAGIC);
    permit(READ_ONLY, MAPPER, RO);
    permit(REVOKED, MAPPER, 0);
    permit(OF_ANOTHER, 7, 0);
    permit(TALK, MAPPER, 0);
    while (word(talk, STAGE) == STAGE_FIRST && word(talk, TURN) == TURN_NONE) {
        cpu_relax();
    }
    if (word(talk, STAGE) == STAGE_FIRST) {
        first_life(talk);
        return;
    }
    /* the second life: now the mapper goes, with pages mapped */
    if (await(talk, STAGE, STAGE_MAPPER_RESET) && await_marks(TALK, 0) && await_marks(READ_ONLY, 0)) {
        set_word(talk, TURN, TURN_SEEN);
        (void)await(talk, STAGE, STAGE_DONE);
    }
}

/* --- the mapper --- */

static bool map_talk(uint64_t at, uint32_t *handle)
{
    uint64_t end = now() + us_to_ticks(PATIENCE);
    int status;

    while ((status = map(TALK, at, 0, handle)) != OKAY) {
        if (status != ERROR && status != BAD_DOMAIN) {
            test_fail("the page to talk cannot be mapped: %d", status);
        }
        if (now() > end) {
            test_fail("the page to talk is never granted: %d", status);
            return false;
        }
        delay_us(200);
    }
    return await(at, ALIVE, MAGIC);
}

static void read_only_page(uint32_t *handle)
{
    uint64_t at = place(1), value;
    struct fault fault;
    struct {
        uint16_t domid;
        uint32_t nr, most;
        int16_t status;
    } own = {SELF, 77, 77, 77};

    EXPECT_EQ((int64_t)map(READ_ONLY, at, 0, handle), ERROR, "writable map of a read-only page");
    EXPECT_EQ((int64_t)map(READ_ONLY, at, MAP_RO, handle), OKAY, "read-only map");
    EXPECT_EQ(word(at, 1), 0x5a5a, "word of the read-only page");
    EXPECT(!try_write(at + 8, 8, 1, &fault), "a read-only page was written");
    EXPECT_EQ(query((void *)at), (uint64_t)EFAULT, "an answer into a read-only page");
    EXPECT_EQ(word(at, 1), 0x5a5a, "word of the read-only page after that");
    EXPECT_EQ(query(&own), 0, "the same into an own page");
    EXPECT(own.status == 0 && own.most >= own.nr && own.nr >= 1, "table of %u, at most %u", own.nr, own.most);
    EXPECT(try_read(at, 8, &value, &fault) && value == SELF, "the read-only page is not there any more");
}

static void refusals(uint32_t handle)
{
    uint32_t other;
    uint64_t at = place(2);

    EXPECT_EQ((int64_t)map(OF_ANOTHER, at, 0, &other), ERROR, "page of another");
    EXPECT_EQ((int64_t)map(EMPTY, at, 0, &other), ERROR, "empty entry");
    EXPECT_EQ((int64_t)map(1u << 30, at, 0, &other), BAD_REF, "reference that cannot be");
    EXPECT_EQ((int64_t)map(TALK, at, 1, &other), OKAY, "device map");
    EXPECT_EQ((int64_t)unmap(other, at), OKAY, "its unmap");
    EXPECT_EQ(populate(at), 1, "a page again");
    EXPECT_EQ((int64_t)map(TALK, at, 8, &other), ERROR, "unknown flag");
    EXPECT_EQ((int64_t)map(TALK, place(1), 0, &other), ERROR, "map over a map");
    EXPECT_EQ((int64_t)unmap(handle, at), ERROR, "unmap elsewhere");
    EXPECT_EQ((int64_t)unmap(handle + 100, place(1)), BAD_HANDLE, "unmap of another handle");
    EXPECT_EQ((int64_t)copy(READ_ONLY, 8, at, 8), OKAY, "copy");
    EXPECT_EQ(word(at, 0), 0x5a5a, "copied word");
    EXPECT_EQ((int64_t)copy(READ_ONLY, 4092, at, 8), BAD_COPY, "copy across a page");
    EXPECT_EQ((int64_t)copy(OF_ANOTHER, 0, at, 8), ERROR, "copy of another's page");
}

static void is_revoked(uint64_t talk)
{
    uint32_t handle, again;

    write64(place(3), 0x77);
    EXPECT_EQ((int64_t)map(REVOKED, place(3), 0, &handle), OKAY, "map of the page to revoke");
    EXPECT_EQ(word(place(3), 0), 0, "word of the page to revoke");
    set_word(talk, TURN, TURN_MAPPED);
    if (!await(talk, TURN, TURN_SEEN)) {
        return;
    }
    EXPECT_EQ((int64_t)unmap(handle, place(3)), OKAY, "unmap of the page to revoke");
    EXPECT_EQ((int64_t)unmap(handle, place(3)), BAD_HANDLE, "unmap again");
    EXPECT_EQ(populate(place(3)), 1, "populate");
    EXPECT_EQ(word(place(3), 0), 0x77, "word of the page that was parked");
    set_word(talk, TURN, TURN_UNMAPPED);
    if (await(talk, TURN, TURN_REVOKED)) {
        EXPECT_EQ((int64_t)map(REVOKED, place(3), 0, &again), ERROR, "map of a revoked page");
    }
}

static void race(uint64_t talk)
{
    uint64_t mapped = 0, end = now() + us_to_ticks(PATIENCE);
    uint32_t handle;

    set_word(talk, TURN, TURN_RACE);
    while (mapped < 2000 && now() < end && !test_failed()) {
        if (map(RACED, place(4), MAP_RO * (uint32_t)(mapped % 2u), &handle) == OKAY) {
            for (unsigned i = 0; i < 4; i++) {
                EXPECT_EQ(word(place(4), 0), 1, "word of a page that was revoked under a map");
            }
            EXPECT_EQ((int64_t)unmap(handle, place(4)), OKAY, "unmap in a race");
            mapped++;
        }
    }
    set_word(talk, TURN, TURN_RACED);
    EXPECT_EQ(mapped, 2000, "maps in the race");
}

/* The granter restarts: in the place of its pages is another one, until the unmap. */
static void granter_restarts(uint64_t talk, uint32_t talk_handle, uint32_t read_only_handle)
{
    uint64_t value;
    struct fault fault;

    set_word(talk, STAGE, STAGE_GRANTER_RESET);
    /* one after the other, before the granter's memory is scrubbed: each is seen whole or empty */
    if (!await(talk, ALIVE, 0) || !await(place(1), 0, 0)) {
        return;
    }
    EXPECT(try_read(place(1), 8, &value, &fault) && value == 0,
           "no empty page in the place of a read-only one");
    EXPECT(!try_write(place(1), 8, 1, &fault), "what replaced a read-only page can be written");
    for (unsigned i = 0; i < PAGE / 8; i++) {
        EXPECT_EQ(word(talk, i), 0, "word of a page that its owner had");
    }
    set_word(talk, WRITTEN, 1);
    EXPECT_EQ((int64_t)unmap(talk_handle, talk), OKAY, "unmap after the granter's end");
    EXPECT_EQ((int64_t)unmap(talk_handle, talk), BAD_HANDLE, "unmap again after the granter's end");
    EXPECT_EQ((int64_t)unmap(read_only_handle, place(1)), OKAY, "unmap after the granter's end");
    EXPECT_EQ(populate(talk), 1, "populate");
}

TEST(grant_mapper)
{
    uint64_t talk = place(0);
    uint32_t talk_handle, read_only_handle = 0;

    if (!map_talk(talk, &talk_handle)) {
        return;
    }
    if (word(talk, STAGE) != STAGE_MAPPER_RESET) {
        read_only_page(&read_only_handle);
        refusals(read_only_handle);
        is_revoked(talk);
        race(talk);
        granter_restarts(talk, talk_handle, read_only_handle);
        if (test_failed() || !map_talk(talk, &talk_handle)) {
            return;
        }
        EXPECT_EQ(word(talk, WRITTEN), 0, "word that was written after the granter's end");
        EXPECT_EQ((int64_t)map(READ_ONLY, place(1), MAP_RO, &read_only_handle), OKAY, "read-only map");
        if (!test_failed()) {
            set_word(talk, STAGE, STAGE_MAPPER_RESET);
            system_reset(); /* with two pages mapped */
        }
        return;
    }
    if (await(talk, TURN, TURN_SEEN)) { /* the granter has seen that nobody used them */
        EXPECT_EQ((int64_t)unmap(talk_handle + 1u, place(1)), BAD_HANDLE, "a handle of the last life");
        set_word(talk, STAGE, STAGE_DONE);
        EXPECT_EQ((int64_t)unmap(talk_handle, talk), OKAY, "unmap at the end");
    }
}
