/* SPDX-License-Identifier: Apache-2.0 */
/* Grants: maps and unmaps, each refusal, batches and pointers, through hypercalls of two domains. */
#include "grant_pair.h"

#include "base/bits.h"
#include "core/physmap.h"

static void maps_and_unmaps(void **state)
{
    uint32_t handle;

    (void)state;
    start();
    guest_put_word(granter, PAGE_A + 8, 0x1122334455667788);
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(guest_word(mapper, HOLE + 8), 0x1122334455667788);
    guest_put_word(mapper, HOLE + 16, 99);
    assert_int_equal(guest_word(granter, PAGE_A + 16), 99);
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_false(guest_sees(mapper, HOLE));
    assert_int_equal(flags_of(8), PERMIT);
    assert_int_equal(unmap(handle, HOLE), GRANT_BAD_HANDLE);
    assert_int_equal(guest_word(granter, PAGE_A + 16), 99);
}

/* EL2 must not write through a read-only grant for a guest that may not. */
static void read_only(void **state)
{
    struct xen_grant_query q = {.dom = DOMID_SELF};
    uint32_t handle;

    (void)state;
    start();
    guest_put(granter, PAGE_A, &q, sizeof q);
    permit(8, 2, PERMIT | RO, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, NULL), GRANT_ERROR);
    assert_int_equal(flags_of(8), PERMIT | RO);
    assert_int_equal(map(8, HOLE, GNTMAP_READ_ONLY, &handle), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT | RO | READING);
    assert_int_equal(guest_word(mapper, HOLE), DOMID_SELF);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_QUERY_SIZE, HOLE, 1), -XEN_EFAULT);
    assert_int_equal(guest_word(granter, PAGE_A + 8), 0);
    guest_put_word(mapper, ARG, 0); /* control: the same where it may write */
    guest_put_word(mapper, ARG + 8, 0);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_QUERY_SIZE, ARG, 1), 0);
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT | RO);

    permit(9, 2, PERMIT, PAGE_A); /* the mapper asks for less than it might have */
    assert_int_equal(map(9, HOLE, GNTMAP_READ_ONLY, NULL), GRANT_OKAY);
    assert_int_equal(flags_of(9), PERMIT | READING);
    assert_false(physmap_valid(b, IPA(HOLE), PHYSMAP_WRITE));
}

struct refusal {
    uint32_t ref;
    uint64_t entry; /* flags, domid */
    uint64_t page;
    uint16_t granter;
    uint32_t flags;
    uint64_t at;
    int status;
};

#define FOR_B (UINT64_C(2) << 16 | PERMIT)

static void refused_maps(void **state)
{
    static const struct refusal cases[] = {
        {8, FOR_B, PAGE_A, 1, 0, HOLE, GRANT_ERROR},
        {8, FOR_B, PAGE_A, 1, GNTMAP_READ_ONLY, HOLE, GRANT_ERROR},
        {8, FOR_B, PAGE_A, 1, GNTMAP_DEVICE_MAP, HOLE, GRANT_ERROR},
        {8, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP | 8u, HOLE, GRANT_ERROR},
        {8, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP | 16u, HOLE, GRANT_ERROR},
        {8, FOR_B, PAGE_A, 4, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_DOMAIN},
        {8, FOR_B, PAGE_A, 0, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_DOMAIN},
        {8, FOR_B, PAGE_A, DOMID_SELF, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_DOMAIN},
        {8, FOR_B, PAGE_A, 3, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_REF}, /* it has no table */
        {8, FOR_B, PAGE_A, 2, GNTMAP_HOST_MAP, HOLE, GRANT_ERROR},   /* nothing in it */
        {512, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_REF},
        {1024, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_REF},
        {0x200008, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_REF},
        {~0u, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_REF},
        {8, 0, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_ERROR},
        {8, FOR_B + 1u, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_ERROR}, /* transfer, transitive */
        {8, FOR_B + 2u, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_ERROR},
        {8, UINT64_C(1) << 16 | PERMIT, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_ERROR},
        {8, UINT64_C(3) << 16 | PERMIT, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_ERROR},
        {8, FOR_B | RO, PAGE_A, 1, GNTMAP_HOST_MAP, HOLE, GRANT_ERROR},
        {8, FOR_B, HOLE, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_PAGE},
        {8, FOR_B, TABLE, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_PAGE}, /* not its RAM: the core's */
        {8, FOR_B, 0x3001000, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_PAGE},
        {8, FOR_B, UINT64_C(0xffffffff) * PAGE_SIZE, 1, GNTMAP_HOST_MAP, HOLE, GRANT_BAD_PAGE},
        {8, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP, ~UINT64_C(0), GRANT_ERROR},
        {8, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP, BIT(40), GRANT_ERROR},
    };

    (void)state;
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct refusal *c = &cases[i];
        uint64_t used = b->pool.used;

        permit(8, (uint16_t)(c->entry >> 16), c->entry % 0x10000u, c->page);
        if (map_of(mapper, c->granter, c->ref, c->at, c->flags, NULL) != c->status) {
            fail_msg("case %u", i);
        }
        assert_int_equal(flags_of(8), c->entry % 0x10000u);
        assert_false(guest_sees(mapper, HOLE));
        assert_int_equal(b->pool.used, used);
    }
    permit(8, 2, PERMIT, PAGE_A); /* control */
    assert_int_equal(map(8, HOLE, 0, NULL), GRANT_OKAY);
}

/* A bus address is told to a direct-map domain that asks for one, and to no other. */
static void bus_addresses(void **state)
{
    struct xen_grant_map m = {HOLE, GNTMAP_HOST_MAP | GNTMAP_DEVICE_MAP, 8, 1, 0, 0, 0};
    struct domain_record record;
    struct physmap_page page;

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, GNTMAP_DEVICE_MAP, NULL), GRANT_OKAY); /* map_of() looks: it is told 0 */
    start();
    permit(8, 2, PERMIT, PAGE_A);
    record = *b->record;
    record.flags |= DOMAIN_DIRECT_MAP;
    b->record = &record;
    guest_put(mapper, ARG, &m, sizeof m);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_MAP, ARG, 1), 0);
    guest_get(mapper, ARG, &m, sizeof m);
    assert_int_equal(m.status, GRANT_OKAY);
    assert_true(physmap_look(a, IPA(PAGE_A), &page));
    assert_int_equal(m.dev_bus_addr, page.pa.v);
}

/* What one domain was granted it cannot grant on, and its own page that shows it is not its RAM. */
static void no_granting_on(void **state)
{
    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, PAGE_B, 0, NULL), GRANT_OKAY);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, 0, TABLE), 0);
    guest_put_word(mapper, TABLE + 8u * 8u, PERMIT | UINT64_C(1) << 16 | PAGE_B / PAGE_SIZE << 32);
    assert_int_equal(map_of(granter, 2, 8, HOLE, GNTMAP_HOST_MAP, NULL), GRANT_BAD_PAGE);
    guest_put_word(mapper, TABLE + 9u * 8u, PERMIT | UINT64_C(1) << 16 | PAGE_A / PAGE_SIZE << 32);
    assert_int_equal(map_of(granter, 2, 9, HOLE, GNTMAP_HOST_MAP, NULL), GRANT_OKAY);
}

static void refused_unmaps(void **state)
{
    static const uint32_t bad[] = {1, TRACK - 1u, TRACK, TRACK + 1u, 0x80000000u, ~0u};
    uint32_t handle;

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    assert_int_equal(handle, 0);
    memset((uint8_t *)b->grants->track + TRACK * GRANT_TRACK_SIZE, 0xff, GRANT_TRACK_SIZE); /* behind it */
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(unmap(bad[i], HOLE), GRANT_BAD_HANDLE);
    }
    assert_int_equal(unmap(handle, HOLE + PAGE_SIZE), GRANT_ERROR);
    assert_int_equal(unmap(handle, 0), GRANT_ERROR);
    assert_int_equal(unmap(handle, PAGE_A), GRANT_ERROR);
    assert_true(guest_sees(mapper, HOLE) && guest_sees(mapper, PAGE_A));
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_int_equal(unmap(handle, HOLE), GRANT_BAD_HANDLE);
}

/* The marks stay as long as anybody needs them. */
static void marks_are_counted(void **state)
{
    uint32_t handles[4];

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(map(8, HOLE + i * PAGE_SIZE, i < 2 ? 0 : GNTMAP_READ_ONLY, &handles[i]), GRANT_OKAY);
    }
    assert_int_equal(unmap(handles[0], HOLE), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(unmap(handles[2], HOLE + 2u * PAGE_SIZE), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(unmap(handles[1], HOLE + PAGE_SIZE), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT | READING);
    assert_int_equal(unmap(handles[3], HOLE + 3u * PAGE_SIZE), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT);
}

static void limits(void **state)
{
    uint32_t handle = 0;

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    permit(9, 2, PERMIT, PAGE_B);
    for (unsigned i = 0; i < GRANT_MAX_USES; i++) {
        assert_int_equal(map(8, HOLE + i * PAGE_SIZE, 0, &handle), GRANT_OKAY);
    }
    assert_int_equal(map(8, HOLE + 400u * PAGE_SIZE, 0, NULL), GRANT_ERROR);
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    for (unsigned i = GRANT_MAX_USES; i < TRACK; i++) {
        assert_int_equal(map(9, HOLE + i * PAGE_SIZE, 0, NULL), GRANT_OKAY);
    }
    assert_int_equal(map(9, HOLE + 400u * PAGE_SIZE, 0, NULL), GRANT_NO_MAPTRACK);
    assert_int_equal(unmap(handle, HOLE + 254u * PAGE_SIZE), GRANT_OKAY);
    assert_int_equal(map(9, HOLE + 400u * PAGE_SIZE, 0, NULL), GRANT_OKAY);
}

/* Its tables are exhausted: it gets an error, and nobody else. */
static void own_tables_exhausted(void **state)
{
    unsigned nr = 0;

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    while (map(8, HOLE + nr * MIB(2), 0, NULL) == GRANT_OKAY) { /* each needs a table */
        nr++;
    }
    assert_in_range(nr, 4, 9);
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(a->grants->uses[8] / 0x100u, nr);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, 0, HOLE + nr * MIB(2)), -XEN_ENOMEM);
    assert_int_equal(place(granter, XENMAPSPACE_GRANT_TABLE, 1, HOLE + nr * MIB(2)), 0);
    assert_int_equal(map(8, HOLE + PAGE_SIZE, 0, NULL), GRANT_OKAY); /* where tables are there already */
}

/* Mapped over its own RAM: the page is parked with what is in it. */
static void over_own_ram(void **state)
{
    struct xen_memory_reservation r = {ARG + 64u, 1, 0, 0, DOMID_SELF};
    uint32_t handle;

    (void)state;
    start();
    guest_put_word(mapper, PAGE_B, 0x5151);
    guest_put_word(granter, PAGE_A, 0x4242);
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, PAGE_B + 123u, 0, &handle), GRANT_OKAY); /* Xen does not look at the offset */
    assert_int_equal(guest_word(mapper, PAGE_B), 0x4242);
    assert_int_equal(map(8, PAGE_B, 0, NULL), GRANT_ERROR); /* another mapping is there */
    assert_int_equal(unmap(handle, PAGE_B), GRANT_OKAY);
    assert_false(guest_sees(mapper, PAGE_B));
    guest_put(mapper, ARG, &r, sizeof r);
    guest_put_word(mapper, ARG + 64u, PAGE_B / PAGE_SIZE);
    assert_int_equal(xen_call(mapper, MEMORY_OP, XENMEM_POPULATE_PHYSMAP, ARG, 0), 1);
    assert_int_equal(guest_word(mapper, PAGE_B), 0x5151);
}

/* The mapper puts something else in the place of its mapping: an unmap ends the use and leaves that. */
static void replaced_before_unmap(void **state)
{
    struct xen_remove_from_physmap gone = {DOMID_SELF, HOLE / PAGE_SIZE};
    uint32_t handle;

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, 0, HOLE), 0);
    guest_put_word(mapper, HOLE, 0x77);
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_int_equal(guest_word(mapper, HOLE), 0x77);
    assert_int_equal(flags_of(8), PERMIT);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY); /* over a page of the core: as Xen */
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);

    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    guest_put(mapper, ARG, &gone, sizeof gone);
    assert_int_equal(xen_call(mapper, MEMORY_OP, XENMEM_REMOVE_FROM_PHYSMAP, ARG, 0), 0);
    assert_false(guest_sees(mapper, HOLE));
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT);
}

/* --- batches --- */

static void batches(void **state)
{
    struct xen_grant_map m[3];

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    for (unsigned i = 0; i < 3; i++) {
        m[i] = (struct xen_grant_map){HOLE + i * PAGE_SIZE, GNTMAP_HOST_MAP, i == 1 ? 99 : 8, 1, 77, 0, 0};
    }
    guest_put(mapper, ARG, m, sizeof m);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_MAP, ARG, 3), 0);
    assert_int_equal(stretches, 3);
    guest_get(mapper, ARG, m, sizeof m);
    assert_int_equal(m[0].status, GRANT_OKAY);
    assert_int_equal(m[1].status, GRANT_ERROR);
    assert_int_equal(m[2].status, GRANT_OKAY);
    assert_int_not_equal(m[0].handle, m[2].handle);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_MAP, 0, 0), 0);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_MAP, ARG, BIT(31)), -XEN_EINVAL);

    /* the second of two lies behind the end of RAM: the first is done */
    m[0] = (struct xen_grant_map){HOLE + 8u * PAGE_SIZE, GNTMAP_HOST_MAP, 8, 1, 77, 0, 0};
    guest_put(mapper, GUEST_RAM + GUEST_SIZE - sizeof m[0], &m[0], sizeof m[0]);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_MAP, GUEST_RAM + GUEST_SIZE - sizeof m[0], 2),
                     -XEN_EFAULT);
    assert_true(guest_sees(mapper, HOLE + 8u * PAGE_SIZE));
}

/* A structure that cannot be read, or its answer not written: nothing is done. */
static void bad_pointers(void **state)
{
    static const uint64_t bad[] = {0, 0x3001000, GUEST_RAM + GUEST_SIZE - 8u, GUEST_RAM + GUEST_SIZE,
                                   ~UINT64_C(0) - 7u};
    static const uint8_t ops[] = {GNTTABOP_MAP,         GNTTABOP_UNMAP,      GNTTABOP_COPY,
                                  GNTTABOP_SETUP_TABLE, GNTTABOP_QUERY_SIZE, GNTTABOP_UNMAP_AND_REPLACE,
                                  GNTTABOP_GET_VERSION};
    struct xen_grant_map m = {HOLE, GNTMAP_HOST_MAP, 8, 1, 77, 0, 0};

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    permit(9, 2, PERMIT, PAGE_B);
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
            bool inside = ops[i] == GNTTABOP_GET_VERSION && k == 2; /* its 8 bytes fit */

            if (!inside) {
                assert_int_equal(xen_call(mapper, GRANT_OP, ops[i], bad[k], 1), -XEN_EFAULT);
            }
        }
    }
    /* the argument itself lies in a page that may only be read */
    guest_put(granter, PAGE_B, &m, sizeof m);
    assert_int_equal(map(9, HOLE + PAGE_SIZE, GNTMAP_READ_ONLY, NULL), GRANT_OKAY);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_MAP, HOLE + PAGE_SIZE, 1), -XEN_EFAULT);
    assert_false(guest_sees(mapper, HOLE));
    assert_int_equal(flags_of(8), PERMIT);
    guest_get(granter, PAGE_B, &m, sizeof m);
    assert_int_equal(m.status, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_and_unmaps),       cmocka_unit_test(read_only),
        cmocka_unit_test(refused_maps),          cmocka_unit_test(bus_addresses),
        cmocka_unit_test(no_granting_on),        cmocka_unit_test(refused_unmaps),
        cmocka_unit_test(marks_are_counted),     cmocka_unit_test(limits),
        cmocka_unit_test(own_tables_exhausted),  cmocka_unit_test(over_own_ram),
        cmocka_unit_test(replaced_before_unmap), cmocka_unit_test(batches),
        cmocka_unit_test(bad_pointers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
