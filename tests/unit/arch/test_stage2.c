/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2: the tables, and what is left of them in TLBs. */
#include "machine.h"

#include "arch/arm64/stage1.h"
#include "arch/arm64/stage2.h"
#include "base/bits.h"

#define VMID              5u
#define RAM_ATTRIBUTES    (BIT(10) | UINT64_C(3) << 8 | UINT64_C(3) << 6 | UINT64_C(0xf) << 2)
#define DEVICE_ATTRIBUTES (BIT(10) | UINT64_C(3) << 6 | UINT64_C(2) << 53 | UINT64_C(1) << 2)

static struct stage2 build(struct pool *pool, const struct domain_map *maps, unsigned nr_maps)
{
    struct domain_record record = {.maps = maps, .nr_maps = nr_maps};
    struct stage2 stage2;
    uint64_t size = stage2_table_pages(&record) * PAGE_SIZE;

    if (pool->base == NULL) {
        pool_init(pool, machine_alloc(size, PAGE_SIZE), size);
    }
    pool->used = 0;
    assert_int_equal(stage2_build(&stage2, pool, &record, VMID), OK);
    return stage2;
}

/* The guest of this pCPU runs under these tables. */
static void enter(const struct stage2 *stage2)
{
    host_put("vtcr_el2", stage2->vtcr);
    host_put("vttbr_el2", stage2->vttbr);
    host_eret();
}

static void check_map(const struct stage2 *stage2, const struct domain_map *map)
{
    const uint64_t at[] = {0, map->size / 2u, map->size - 1u};
    uint64_t pa;
    pa_t found;

    for (unsigned i = 0; i < 3; i++) {
        assert_true(host_guest_translate(map->ipa.v + at[i], &pa));
        assert_int_equal(pa, map->pa.v + at[i]);
        assert_true(stage2_lookup(stage2, IPA(map->ipa.v + at[i]), &found));
        assert_int_equal(found.v, pa);
        assert_int_equal(host_guest_attributes(map->ipa.v + at[i]) & ~UINT64_C(3),
                         map->kind == MAP_RAM ? RAM_ATTRIBUTES : DEVICE_ATTRIBUTES);
    }
    assert_false(host_guest_translate(map->ipa.v + map->size, &pa));
    assert_false(stage2_lookup(stage2, IPA(map->ipa.v + map->size), &found));
    assert_false(host_guest_translate(map->ipa.v - 1u, &pa));
    assert_false(stage2_lookup(stage2, IPA(map->ipa.v - 1u), &found));
}

/* Pages, 2 MiB and 1 GiB blocks, congruent or not, at every level at which a walk may start. */
static void shapes(void **state)
{
    static const struct domain_map maps[][2] = {
        {{IPA(0x40000000), PA(0x80000000), KIB(256), MAP_RAM},
         {IPA(0x9000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE}},
        {{IPA(0x40000000), PA(0x80000000), MIB(6), MAP_RAM},
         {IPA(0x8010000), PA(0x8040000), 2 * PAGE_SIZE, MAP_GICV}},
        {{IPA(0x401ff000), PA(0x80000000), MIB(8), MAP_RAM},
         {IPA(0x9000000), PA(0x9001000), PAGE_SIZE, MAP_DEVICE}},
        {{IPA(0x40001000), PA(0x80001000), MIB(4), MAP_RAM},
         {IPA(0x41000000), PA(0x9001000), PAGE_SIZE, MAP_DEVICE}},
        {{IPA(0x40000000), PA(0x80000000), GIB(3), MAP_RAM},
         {IPA(0x9000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE}},
        {{IPA(0x40200000), PA(0x880200000), GIB(2), MAP_RAM},
         {IPA(0x200000000), PA(0x900000000), GIB(1), MAP_RAM}},
        {{IPA(0x8040000000), PA(0x80000000), MIB(2), MAP_RAM},
         {IPA(0x9000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE}},
        {{IPA(0x7ffc0000000), PA(0x80000000), MIB(1), MAP_RAM},
         {IPA(0x9000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE}},
        {{IPA(0x80000001000), PA(0x80000000), MIB(4), MAP_RAM},
         {IPA(0x9000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE}},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(maps); i++) {
        struct pool pool = {0};
        struct stage2 stage2;

        machine_start(1);
        stage2 = build(&pool, maps[i], 2);
        assert_true(pool.used <= pool.size);
        assert_int_equal(stage2.vttbr >> 48, VMID);
        assert_int_equal(stage1_pa(stage2.root).v % (stage2.root_tables * PAGE_SIZE), 0);
        enter(&stage2);
        check_map(&stage2, &maps[i][0]);
        check_map(&stage2, &maps[i][1]);
    }
}

static void beyond_the_input_size(void **state)
{
    static const struct domain_map map = {IPA(0x40000000), PA(0x80000000), MIB(2), MAP_RAM};
    struct pool pool = {0};
    struct stage2 stage2;
    pa_t pa;

    (void)state;
    machine_start(1);
    stage2 = build(&pool, &map, 1);
    assert_int_equal(stage2.ipa_bits, 39);
    assert_false(stage2_lookup(&stage2, IPA(UINT64_C(1) << 39), &pa));
    assert_false(stage2_lookup(&stage2, IPA(~UINT64_C(0)), &pa));
}

static void refusals(void **state)
{
    static const struct domain_map overlapping[2] = {{IPA(0x40000000), PA(0x80000000), MIB(2), MAP_RAM},
                                                     {IPA(0x40000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE}};
    static const struct domain_map twice[2] = {{IPA(0x40001000), PA(0x80001000), PAGE_SIZE, MAP_RAM},
                                               {IPA(0x40001000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE}};
    struct domain_record record = {.maps = twice, .nr_maps = 2};
    struct stage2 stage2;
    struct pool pool;
    void *memory;

    (void)state;
    machine_start(1);
    memory = machine_alloc(8 * PAGE_SIZE, PAGE_SIZE);
    pool_init(&pool, memory, 8 * PAGE_SIZE);
    assert_int_equal(stage2_build(&stage2, &pool, &record, VMID), ERR_EXIST);
    for (unsigned pages = 0; pages < 3; pages++) {
        pool_init(&pool, memory, pages * PAGE_SIZE);
        assert_int_equal(stage2_build(&stage2, &pool, &record, VMID), ERR_NOMEM);
    }
    record.maps = overlapping;
    pool_init(&pool, memory, 8 * PAGE_SIZE);
    assert_int_not_equal(stage2_build(&stage2, &pool, &record, VMID), OK);
}

static void sizes_of_cores(void **state)
{
    static const unsigned bits[] = {32, 36, 40, 42, 44, 48, 48, 48};

    (void)state;
    machine_start(1);
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        host_set("id_aa64mmfr0_el1", i);
        assert_int_equal(stage2_ipa_bits_max(), bits[i]);
    }
}

static const struct domain_map map_a = {IPA(0x40000000), PA(HOST_RAM + MIB(4)), KIB(64), MAP_RAM};
static const struct domain_map map_b = {IPA(0x40000000), PA(HOST_RAM + MIB(5)), KIB(64), MAP_RAM};

/* A walk that starts right after the build sees all of it. */
static void built_tables_are_seen(void **state)
{
    struct pool pool = {0};
    struct stage2 stage2;
    uint64_t pa;

    (void)state;
    machine_start(2);
    stage2 = build(&pool, &map_a, 1);
    host_on(1);
    enter(&stage2);
    assert_true(host_guest_translate(0x40000000, &pa));
}

/* The same VMID under other tables: no pCPU still uses the old ones. */
static void flush_reaches_all(void **state)
{
    struct pool pool = {0};
    struct stage2 stage2;
    uint64_t pa;

    (void)state;
    machine_start(3);
    stage2 = build(&pool, &map_a, 1);
    for (unsigned i = 0; i < 3; i++) {
        host_on(i);
        enter(&stage2);
        assert_true(host_guest_translate(0x40000000, &pa) && pa == map_a.pa.v);
    }
    host_on(0);
    host_put("vttbr_el2", 0);
    stage2 = build(&pool, &map_b, 1);
    stage2_flush(&stage2);
    assert_int_equal(host_effective("vttbr_el2"), 0); /* the one of before is back, at once */
    for (unsigned i = 0; i < 3; i++) {
        host_on(i);
        host_put("vtcr_el2", stage2.vtcr);
        host_put("vttbr_el2", stage2.vttbr);
        assert_true(host_guest_translate(0x40000000, &pa));
        assert_int_equal(pa, map_b.pa.v);
    }
}

/* Other VMIDs keep what they have: the TLBI is for the domain's. */
static void flush_is_of_one_vmid(void **state)
{
    struct pool pool = {0}, other = {0};
    struct stage2 mine, theirs;
    uint64_t pa;

    (void)state;
    machine_start(1);
    mine = build(&pool, &map_a, 1);
    theirs = build(&other, &map_a, 1);
    theirs.vttbr += UINT64_C(1) << 48;
    enter(&theirs);
    assert_true(host_guest_translate(0x40000000, &pa));
    theirs = build(&other, &map_b, 1);
    enter(&mine);
    stage2_flush(&mine);
    host_put("vttbr_el2", theirs.vttbr + (UINT64_C(1) << 48));
    assert_true(host_guest_translate(0x40000000, &pa));
    assert_int_equal(pa, map_a.pa.v);
}

/* Entries that were written since the last barrier are covered by the flush itself. */
static void flush_publishes(void **state)
{
    static const struct domain_map page = {IPA(0x40000000), PA(HOST_RAM + MIB(4)), PAGE_SIZE, MAP_RAM};
    struct pool pool = {0};
    struct stage2 stage2;
    uint64_t pa;

    (void)state;
    machine_start(2);
    stage2 = build(&pool, &page, 1);
    host_on(1);
    enter(&stage2);
    assert_true(host_guest_translate(0x40000000, &pa));
    host_on(0);
    stage2.root[1] = 0; /* the gigabyte from 0x40000000 */
    stage2_flush(&stage2);
    host_on(1);
    assert_false(host_guest_translate(0x40000000, &pa));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(beyond_the_input_size),
        cmocka_unit_test(refusals),
        cmocka_unit_test(sizes_of_cores),
        cmocka_unit_test(built_tables_are_seen),
        cmocka_unit_test(flush_reaches_all),
        cmocka_unit_test(flush_is_of_one_vmid),
        cmocka_unit_test(flush_publishes),
    };

    return cmocka_run_group_tests_name("stage2", tests, NULL, NULL);
}
