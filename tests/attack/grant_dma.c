// SPDX-License-Identifier: Apache-2.0
/* DMA of a domain to pages that another one grants it, while it has them mapped and afterwards. The granter
 * looks at its pages after each transfer and says what it found; the mapper counts. Neither knows whether an
 * SMMU stands in between: the harness does. */
#include "pci.h"

#define PAGE     4096ul
#define SELF     0x7ff0u
#define PATIENCE 20000000u /* us */
#define STRAY    0x57a757a7u
#define HOLE     0x90000000ul /* nothing of the mapper's */
#define WATCH    1500000u     /* us, at the begin of each life of the granter */

enum { TALK = 8, TARGET, READ_ONLY, PAGES };
enum { PERMIT = 1, RO = 4 };
enum { DEVICE_MAP = 1, HOST_MAP = 2, MAP_RO = 4, OKAY = 0 };
/* Words of the page TALK. */
enum { ALIVE, STEP, SEEN, FOUND_TARGET, FOUND_READ_ONLY };
#define MAGIC 0x6772616e74646d61ul
#define LAST  99u

static uint8_t ram[PAGES * PAGE] __attribute__((aligned(4096)));
static uint8_t frame[PAGE] __attribute__((aligned(4096)));
static struct edu edu;

static int64_t call(uint64_t number, uint64_t a, const void *b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = (uint64_t)b, x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "memory", "cc", "x3", "x4");
    return (int64_t)x0;
}

static uint64_t page_of(unsigned ref)
{
    return (uint64_t)ram + ref * PAGE;
}

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
        delay_us(200);
    }
    return true;
}

/* --- the granter --- */

static void permit(unsigned ref, uint16_t flags)
{
    volatile uint64_t *entry = (volatile uint64_t *)frame + ref;

    dsb();
    *entry = PERMIT | flags | arg_number("mapper", 1) << 16 | page_of(ref) / PAGE << 32;
    dsb();
}

static void place_table(void)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, gfn;
    } arg = {SELF, 0, 1, 0, (uint64_t)frame / PAGE};

    EXPECT_EQ(call(12, 7, &arg, 0), 0, "XENMEM_add_to_physmap");
}

/* What a transfer of before does to a life that begins. */
static void watch(void)
{
    uint64_t end = now() + us_to_ticks(WATCH);
    uint32_t found = 0;

    while (now() < end) {
        found += word(page_of(TARGET), 0) != 0;
        set_word(page_of(TARGET), 0, 0);
        delay_us(1000);
    }
    print("LIFE found %u\n", found != 0);
}

TEST(grant_dma_granter)
{
    uint64_t talk = page_of(TALK), step = 0;

    watch();
    place_table();
    set_word(page_of(READ_ONLY), 0, MAGIC);
    permit(TALK, 0);
    permit(TARGET, 0);
    permit(READ_ONLY, RO);
    set_word(talk, ALIVE, MAGIC);
    while (step != LAST) {
        if (word(talk, STEP) == step) {
            delay_us(200);
            continue;
        }
        step = word(talk, STEP);
        set_word(talk, FOUND_TARGET, word(page_of(TARGET), 0));
        set_word(talk, FOUND_READ_ONLY, word(page_of(READ_ONLY), 0));
        set_word(page_of(TARGET), 0, 0);
        set_word(page_of(READ_ONLY), 0, MAGIC);
        set_word(talk, SEEN, step);
    }
    system_reset();
}

/* --- the mapper --- */

static uint64_t talk;

/* *bus: where the device finds the page. */
static int map(uint32_t ref, uint64_t at, uint32_t flags, uint32_t *handle, uint64_t *bus)
{
    struct {
        uint64_t at;
        uint32_t flags, ref;
        uint16_t domid;
        int16_t status;
        uint32_t handle;
        uint64_t bus;
    } arg = {at, flags | HOST_MAP | DEVICE_MAP, ref, (uint16_t)arg_number("granter", 2), 1, 0, 1};

    EXPECT_EQ(call(20, 0, &arg, 1), 0, "GNTTABOP_map_grant_ref");
    *handle = arg.handle;
    *bus = arg.bus;
    return arg.status;
}

static void unmap(uint32_t handle, uint64_t at)
{
    struct {
        uint64_t at, bus;
        uint32_t handle;
        int16_t status;
    } arg = {at, 0, handle, 1};

    EXPECT_EQ(call(20, 1, &arg, 1), 0, "GNTTABOP_unmap_grant_ref");
    EXPECT_EQ((int64_t)arg.status, (int64_t)OKAY, "its status");
}

static uint64_t own[2];

static void arm(void)
{
    own[0] = STRAY;
    EXPECT(edu_copy(&edu, (uint64_t)own, 4, false), "no end of a transfer");
}

static void transfer(uint64_t bus)
{
    arm();
    EXPECT(edu_copy(&edu, bus, 4, true), "no end of a transfer");
}

static bool step(uint64_t number)
{
    set_word(talk, STEP, number);
    return await(talk, SEEN, number);
}

static void arrived(const char *what)
{
    test_figure(what, word(talk, FOUND_TARGET) != 0);
}

static void read_only(uint64_t at)
{
    uint32_t handle;
    uint64_t bus;

    EXPECT_EQ((int64_t)map(READ_ONLY, at, MAP_RO, &handle, &bus), (int64_t)OKAY, "read-only map");
    transfer(bus); /* first: QEMU reports no write to a page that it has cached as read-only */
    (void)step(2);
    test_figure("read_only", word(talk, FOUND_READ_ONLY) != MAGIC);
    EXPECT(edu_copy(&edu, bus, 4, false), "no end of a transfer");
    own[1] = 0;
    EXPECT(edu_copy(&edu, (uint64_t)&own[1], 4, true), "no end of a transfer");
    test_figure("read", own[1] == (uint32_t)MAGIC);
    unmap(handle, at);
}

/* With the page mapped; transfers go on until the granter's new life has looked. */
static void granter_restarts(uint32_t handle, uint64_t bus)
{
    set_word(talk, STEP, LAST);
    if (!await(talk, ALIVE, 0)) {
        return;
    }
    for (unsigned i = 0; i < 10; i++) {
        transfer(bus);
    }
    unmap(handle, HOLE);
    transfer(bus);
}

TEST(grant_dma_mapper)
{
    uint64_t end = now() + us_to_ticks(PATIENCE), bus, unused;
    uint32_t handle;

    CHECK(edu_find(&edu), "no edu device");
    talk = page_of(TALK);
    while (map(TALK, talk, 0, &handle, &unused) != OKAY) {
        CHECK(now() < end, "nothing is granted");
        delay_us(1000);
    }
    CHECK(await(talk, ALIVE, MAGIC), "the granter is not there");
    CHECK(map(TARGET, HOLE, 0, &handle, &bus) == OKAY, "no map");
    print("BUS 0x%lx\n", bus);
    transfer(bus);
    CHECK(step(1), "no answer");
    arrived("mapped");
    read_only(HOLE + PAGE);
    unmap(handle, HOLE);
    transfer(bus);
    CHECK(step(3), "no answer");
    arrived("unmapped");
    CHECK(map(TARGET, HOLE, 0, &handle, &bus) == OKAY, "no map");
    transfer(bus);
    CHECK(step(4), "no answer");
    arrived("mapped_again");
    arm();
    edu_begin(&edu, bus, 4, true);
    unmap(handle, HOLE);
    while (edu_busy(&edu)) {
        delay_us(1000);
    }
    CHECK(step(5), "no answer");
    arrived("on_its_way");
    CHECK(map(TARGET, HOLE, 0, &handle, &bus) == OKAY, "no map");
    granter_restarts(handle, bus);
}
