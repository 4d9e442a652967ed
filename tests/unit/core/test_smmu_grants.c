/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain has mapped of grants, for its devices behind an SMMU: from when until when, and how. */
#include "grant_pair.h"

#include "base/bits.h"
#include "core/dma.h"
#include "core/grant_entry.h"
#include "core/physmap.h"
#include "smmu_model.h"

#define STREAM 0x45u
#define VMID   3u /* domid + 1 */
#define MS     UINT64_C(1000000)

static const struct domain_stream streams[] = {{0, 0x40, 8}};
static unsigned mapper_reserve; /* tables; 0: enough */
static uint16_t mapper_flags;

static void prepare(struct domain_record *record)
{
    struct smmu_setup setup;

    if (record->domid != 2) {
        return;
    }
    setup = model_start(16);
    assert_null(smmu_start(0, &setup));
    dma_start(0, 0);
    assert_true(smmu_place(&streams[0], machine_alloc(PAGE_SIZE, PAGE_SIZE)));
    record->streams = streams;
    record->nr_streams = ARRAY_SIZE(streams);
    record->flags |= mapper_flags;
    if (mapper_reserve != 0) {
        record->stage2_reserve = mapper_reserve - 1u;
    }
}

static void begin(void)
{
    prepare_domain = prepare;
    start();
}

static bool device_writes(uint64_t ipa, uint64_t *pa)
{
    return model_dma(STREAM, ipa, true, pa);
}

static uint64_t home(const struct domain *domain, uint64_t ipa)
{
    return domain->record->maps[0].pa.v + (ipa - GUEST_RAM);
}

static bool reaches(uint64_t ipa, uint64_t expected)
{
    uint64_t pa = 0;

    return device_writes(ipa, &pa) && pa == expected;
}

static bool reaches_nothing(uint64_t ipa)
{
    uint64_t pa;

    return !device_writes(ipa, &pa) && !model_dma(STREAM, ipa, false, &pa);
}

static void restart(struct vcpu *vcpu, unsigned function)
{
    machine_hvc(vcpu, function, 0, 0, 0);
    machine_settle();
    for (unsigned i = 0; i < 400; i++) {
        for (unsigned pcpu = 0; pcpu < 3; pcpu++) {
            if (pcpus[pcpu]->current == NULL) {
                machine_run(pcpu);
            }
        }
        machine_pass(5 * MS, MS);
    }
}

static unsigned marks_at_sync;

static void look_at_marks(void)
{
    marks_at_sync = (unsigned)a->grants->entries[8].word % 0x10000u;
}

/* The granter is told only after the SMMU has answered, and one page goes, not all. */
static void mapped_and_unmapped(void **state)
{
    uint64_t pa;
    uint32_t handle, other;

    (void)state;
    begin();
    permit(8, 2, PERMIT, PAGE_A);
    permit(9, 2, PERMIT, PAGE_B);
    assert_true(reaches_nothing(HOLE));
    model.nr_record = 0;
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    assert_int_equal(map(9, HOLE + PAGE_SIZE, 0, &other), GRANT_OKAY);
    assert_int_equal(model.nr_record, 0); /* nothing was cached of a hole */
    assert_true(reaches(HOLE + 8u, home(a, PAGE_A) + 8u));
    assert_true(reaches(HOLE + PAGE_SIZE, home(a, PAGE_B)));
    model.on_sync = look_at_marks;
    marks_at_sync = 0;
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_int_equal(marks_at_sync, PERMIT | READING | WRITING);
    assert_int_equal(flags_of(8), PERMIT);
    assert_int_equal(model.nr_record, 2);
    assert_int_equal(model.record[0], CMD_TLBI_S2_IPA | VMID << 8);
    assert_int_equal(model.record[1], CMD_SYNC);
    assert_true(reaches_nothing(HOLE));
    assert_true(reaches(HOLE + PAGE_SIZE, home(a, PAGE_B)));
    assert_int_equal(unmap(other, HOLE + PAGE_SIZE), GRANT_OKAY);
    assert_true(reaches_nothing(HOLE + PAGE_SIZE));
    assert_false(model_dma(0x48, HOLE, true, &pa)); /* a stream of nobody */
}

static void read_only(void **state)
{
    uint32_t handle;
    uint64_t pa;

    (void)state;
    begin();
    permit(8, 2, PERMIT | RO, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_ERROR);
    assert_true(reaches_nothing(HOLE));
    assert_int_equal(map(8, HOLE, GNTMAP_READ_ONLY, &handle), GRANT_OKAY);
    assert_true(model_dma(STREAM, HOLE, false, &pa));
    assert_int_equal(pa, home(a, PAGE_A));
    assert_false(device_writes(HOLE, &pa));
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_true(reaches_nothing(HOLE));
    permit(9, 2, PERMIT, PAGE_A); /* what may be written is not more than was asked for */
    assert_int_equal(map(9, HOLE, GNTMAP_READ_ONLY, &handle), GRANT_OKAY);
    assert_false(device_writes(HOLE, &pa));
}

/* Devices find the domain's own RAM again where a grant covered it, and at all other times beside it. */
static void over_own_ram(void **state)
{
    uint32_t handle;

    (void)state;
    begin();
    permit(8, 2, PERMIT, PAGE_A);
    assert_true(reaches(PAGE_B, home(b, PAGE_B)));
    assert_true(reaches(PAGE_B + PAGE_SIZE, home(b, PAGE_B + PAGE_SIZE)));
    assert_int_equal(map(8, PAGE_B, 0, &handle), GRANT_OKAY);
    assert_true(reaches(PAGE_B, home(a, PAGE_A)));
    assert_true(reaches(PAGE_B + PAGE_SIZE, home(b, PAGE_B + PAGE_SIZE)));
    assert_int_equal(unmap(handle, PAGE_B), GRANT_OKAY);
    assert_false(guest_sees(mapper, PAGE_B)); /* as in Xen */
    assert_true(reaches(PAGE_B, home(b, PAGE_B)));
}

static int64_t remove_page(uint64_t at)
{
    struct xen_remove_from_physmap gone = {.domid = DOMID_SELF, .gpfn = at / PAGE_SIZE};

    guest_put(mapper, ARG, &gone, sizeof gone);
    return xen_call(mapper, MEMORY_OP, XENMEM_REMOVE_FROM_PHYSMAP, ARG, 0);
}

/* A mapping that its domain does not see any more is still one: the handle says when it ends. */
static void removed_meanwhile(void **state)
{
    uint32_t first, second;

    (void)state;
    begin();
    permit(8, 2, PERMIT, PAGE_A);
    permit(9, 2, PERMIT, PAGE_B);
    assert_int_equal(map(8, HOLE, 0, &first), GRANT_OKAY);
    assert_int_equal(remove_page(HOLE), 0);
    assert_true(reaches(HOLE, home(a, PAGE_A)));
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(unmap(first, HOLE), GRANT_OKAY);
    assert_true(reaches_nothing(HOLE));
    /* Another page at the same place: the first handle does not end it. */
    assert_int_equal(map(8, HOLE, 0, &first), GRANT_OKAY);
    assert_int_equal(remove_page(HOLE), 0);
    assert_int_equal(map(9, HOLE, 0, &second), GRANT_OKAY);
    assert_true(reaches(HOLE, home(a, PAGE_B)));
    assert_int_equal(unmap(first, HOLE), GRANT_OKAY);
    assert_true(reaches(HOLE, home(a, PAGE_B)));
    assert_int_equal(unmap(second, HOLE), GRANT_OKAY);
    assert_true(reaches_nothing(HOLE));
}

static bool seen_late; /* a device reached the granter while that was being made anew */

static void look_for_granter(const char *name, uint64_t value)
{
    uint64_t pa;

    (void)name;
    (void)value;
    if (a != NULL && a->state == DOMAIN_BUILDING && device_writes(HOLE, &pa) && pa == home(a, PAGE_A)) {
        seen_late = true;
    }
}

/* Transfers go on in the mapper's scratch page, until it unmaps. */
static void granter_restarts(void **state)
{
    uint32_t handle;

    (void)state;
    begin();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    assert_true(reaches(HOLE, home(a, PAGE_A)));
    seen_late = false;
    host_on_write = look_for_granter;
    restart(granter, RESET);
    host_on_write = NULL;
    assert_int_equal(a->incarnation, 2);
    assert_false(seen_late);
    assert_true(reaches(HOLE, stage1_pa(b->grants->scratch).v));
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_true(reaches_nothing(HOLE));
    assert_int_equal(b->incarnation, 1);
}

/* What it had mapped is not its devices' in its next life, and the pool is as it was. */
static void mapper_restarts(void **state)
{
    uint64_t used = 0;

    (void)state;
    begin();
    permit(8, 2, PERMIT, PAGE_A);
    for (unsigned life = 1; life <= 5; life++) {
        assert_int_equal(map(8, HOLE, 0, NULL), GRANT_OKAY);
        assert_int_equal(map(8, PAGE_B, 0, NULL), GRANT_OKAY);
        assert_true(reaches(HOLE, home(a, PAGE_A)));
        assert_true(life == 1 || used == b->pool.used);
        used = b->pool.used;
        restart(mapper, RESET);
        assert_int_equal(b->incarnation, life + 1u);
        assert_int_equal(flags_of(8), PERMIT);
        assert_true(reaches_nothing(HOLE));
        assert_true(reaches(PAGE_B, home(b, PAGE_B)));
    }
}

/* Nobody knows whether a transfer of before is over: the page stays in use, until the granter starts anew;
 * the mapper's streams are blocked for ever. */
static void no_answer(void **state)
{
    for (unsigned refuse = 0; refuse < 2; refuse++) {
        uint32_t handle;

        (void)state;
        begin();
        permit(8, 2, PERMIT, PAGE_A);
        permit(9, 2, PERMIT, PAGE_B);
        assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
        assert_true(reaches(HOLE, home(a, PAGE_A)));
        model.dead = refuse == 0;
        model.refuse = refuse != 0;
        assert_int_equal(grant_unmap(b, handle, IPA(HOLE)), GRANT_ERROR);
        assert_int_equal(b->state, DOMAIN_STOPPING);
        assert_true(reaches_nothing(HOLE));
        assert_int_equal(grant_map(b, 1, 9, IPA(HOLE + PAGE_SIZE), false, &handle), GRANT_ERROR);
        host_on(1);
        machine_end(trap_irq(mapper));
        for (unsigned i = 0; i < 1000 && b->state != DOMAIN_STOPPED; i++) {
            machine_run(1);
            machine_pass(5 * MS, MS);
        }
        assert_int_equal(b->state, DOMAIN_STOPPED);
        assert_true(machine_said("DOM2 crash: its SMMU does not answer"));
        assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
        assert_int_equal(a->state, DOMAIN_RUNNING);
        restart(granter, RESET);
        assert_int_equal(a->incarnation, 2);
        assert_int_equal(a->grants->uses[8], 0);
        assert_true(reaches_nothing(HOLE));
    }
}

/* Whichever table there is no room for, nothing is mapped for anybody. */
static void no_room(void **state)
{
    unsigned enough = 0, refused = 0;

    (void)state;
    for (mapper_reserve = 1; mapper_reserve < 12 && enough == 0; mapper_reserve++) {
        begin();
        permit(8, 2, PERMIT, PAGE_A);
        if (map(8, HOLE, 0, NULL) == GRANT_OKAY) {
            enough = mapper_reserve - 1u;
            assert_true(reaches(HOLE, home(a, PAGE_A)));
            assert_true(guest_sees(mapper, HOLE));
        } else {
            refused++;
            assert_true(reaches_nothing(HOLE));
            assert_false(guest_sees(mapper, HOLE));
            assert_int_equal(flags_of(8), PERMIT);
            assert_int_equal(a->grants->uses[8], 0);
        }
    }
    mapper_reserve = 0;
    assert_int_equal(enough, 2); /* a table each: HOLE is in the gigabyte of its RAM */
    assert_int_equal(refused, 2);
}

static uint64_t bus_of(uint64_t at, uint32_t flags)
{
    struct xen_grant_map m = {at, flags | GNTMAP_HOST_MAP, 8, 1, 77, 0, ~UINT64_C(0)};
    uint64_t bus;

    guest_put(mapper, ARG, &m, sizeof m);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_MAP, ARG, 1), 0);
    guest_get(mapper, ARG, &m, sizeof m);
    assert_int_equal(m.status, GRANT_OKAY);
    bus = m.dev_bus_addr;
    assert_int_equal(unmap(m.handle, at), GRANT_OKAY);
    return bus;
}

/* The address for devices is the domain's, unless there are some that no SMMU translates for. */
static void told_where(void **state)
{
    (void)state;
    begin();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(bus_of(HOLE, GNTMAP_DEVICE_MAP), HOLE);
    assert_int_equal(bus_of(HOLE, 0), 0);
    mapper_flags = DOMAIN_DMA_UNPROTECTED | DOMAIN_DIRECT_MAP;
    begin();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(bus_of(HOLE, GNTMAP_DEVICE_MAP), home(a, PAGE_A));
    mapper_flags = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapped_and_unmapped), cmocka_unit_test(read_only),
        cmocka_unit_test(over_own_ram),        cmocka_unit_test(removed_meanwhile),
        cmocka_unit_test(granter_restarts),    cmocka_unit_test(mapper_restarts),
        cmocka_unit_test(no_answer),           cmocka_unit_test(no_room),
        cmocka_unit_test(told_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
