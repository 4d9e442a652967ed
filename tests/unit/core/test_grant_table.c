/* SPDX-License-Identifier: Apache-2.0 */
/* Grants: copies, the table, versions. */
#include "grant_pair.h"

#include "base/bits.h"

/* --- copies --- */

static void copies(void **state)
{
    (void)state;
    start();
    guest_put_word(granter, PAGE_A + 4088u, 0x1111);
    guest_put_word(mapper, PAGE_A + 8, 0x2222);
    permit(8, 2, PERMIT | RO, PAGE_A);
    permit(9, 2, PERMIT, PAGE_B);
    assert_int_equal(copy(8, 1, 4088, GFN(PAGE_B), DOMID_SELF, 0, 8, SRC), GRANT_OKAY);
    assert_int_equal(guest_word(mapper, PAGE_B), 0x1111);
    assert_int_equal(copy(GFN(PAGE_A), DOMID_SELF, 8, 9, 1, 16, 8, DST), GRANT_OKAY);
    assert_int_equal(guest_word(granter, PAGE_B + 16), 0x2222);
    assert_int_equal(copy(8, 1, 4088, 9, 1, 0, 8, SRC | DST), GRANT_OKAY);
    assert_int_equal(guest_word(granter, PAGE_B), 0x1111);
    assert_int_equal(copy(9, 1, 0, 9, 1, 64, 64, SRC | DST), GRANT_OKAY); /* both ends in one page */
    assert_int_equal(guest_word(granter, PAGE_B + 64), 0x1111);
    assert_int_equal(copy(GFN(PAGE_B), 2, 0, GFN(PAGE_A), 2, 0, PAGE_SIZE, 0), GRANT_OKAY);
    assert_int_equal(guest_word(mapper, PAGE_A), 0x1111);
    assert_int_equal(copy(8, 1, 0, GFN(PAGE_A), DOMID_SELF, 0, 0, SRC), GRANT_OKAY);
    assert_int_equal(copy(UINT64_C(0xffffffff00000008), 1, 4088, GFN(PAGE_A), DOMID_SELF, 8, 8, SRC),
                     GRANT_OKAY); /* a reference is 32 bits */
    assert_int_equal(flags_of(8), PERMIT | RO);
    assert_int_equal(flags_of(9), PERMIT);
}

static void refused_copies(void **state)
{
    (void)state;
    start();
    guest_put_word(granter, PAGE_A, 0x1111);
    guest_put_word(granter, PAGE_B, 0x3333);
    guest_put_word(mapper, PAGE_A, 0x2222);
    permit(8, 2, PERMIT | RO, PAGE_A);
    permit(9, 3, PERMIT, PAGE_A);
    permit(10, 2, PERMIT, HOLE);
    permit(11, 2, PERMIT, PAGE_B);
    assert_int_equal(copy(GFN(PAGE_A), DOMID_SELF, 0, 8, 1, 0, 8, DST), GRANT_ERROR); /* read-only */
    assert_int_equal(copy(9, 1, 0, GFN(PAGE_A), DOMID_SELF, 0, 8, SRC), GRANT_ERROR); /* for another */
    assert_int_equal(copy(10, 1, 0, GFN(PAGE_A), DOMID_SELF, 0, 8, SRC), GRANT_BAD_PAGE);
    assert_int_equal(copy(512, 1, 0, GFN(PAGE_A), DOMID_SELF, 0, 8, SRC), GRANT_BAD_REF);
    assert_int_equal(copy(8, 9, 0, GFN(PAGE_A), DOMID_SELF, 0, 8, SRC), GRANT_BAD_DOMAIN);
    assert_int_equal(copy(8, 1, 4089, GFN(PAGE_A), DOMID_SELF, 0, 8, SRC), GRANT_BAD_COPY);
    assert_int_equal(copy(8, 1, 0, GFN(PAGE_A), DOMID_SELF, 4089, 8, SRC), GRANT_BAD_COPY);
    assert_int_equal(copy(8, 1, 65535, GFN(PAGE_A), DOMID_SELF, 0, 1, SRC), GRANT_BAD_COPY);
    assert_int_equal(copy(8, 1, 0, GFN(PAGE_A), DOMID_SELF, 0, PAGE_SIZE + 1u, SRC), GRANT_BAD_COPY);
    assert_int_equal(copy(GFN(PAGE_A), 1, 0, GFN(PAGE_A), DOMID_SELF, 0, 8, 0), GRANT_PERMISSION);
    assert_int_equal(copy(GFN(PAGE_A), DOMID_SELF, 0, GFN(PAGE_A), 1, 0, 8, 0), GRANT_PERMISSION);
    assert_int_equal(copy(8, 1, 0, GFN(HOLE), DOMID_SELF, 0, 8, SRC), GRANT_BAD_PAGE);
    assert_int_equal(copy(8, 1, 0, GFN(UINT64_C(0x3001000)), DOMID_SELF, 0, 8, SRC), GRANT_BAD_PAGE);
    assert_int_equal(copy(8, 1, 0, ~UINT64_C(0), DOMID_SELF, 0, 8, SRC), GRANT_BAD_PAGE);
    assert_int_equal(copy(8, 1, 0, BIT(52) + GFN(PAGE_A), DOMID_SELF, 0, 8, SRC), GRANT_BAD_PAGE);
    assert_int_equal(copy(11, 1, 0, 8, 1, 0, 8, SRC | DST), GRANT_ERROR);
    assert_int_equal(guest_word(granter, PAGE_A), 0x1111);
    assert_int_equal(guest_word(mapper, PAGE_A), 0x2222);
    assert_int_equal(flags_of(8), PERMIT | RO);
    assert_int_equal(flags_of(11), PERMIT);

    assert_int_equal(map(8, HOLE, GNTMAP_READ_ONLY, NULL), GRANT_OKAY); /* a mapped page is not its RAM */
    assert_int_equal(copy(GFN(PAGE_A), DOMID_SELF, 0, GFN(HOLE), DOMID_SELF, 0, 8, 0), GRANT_BAD_PAGE);
    assert_int_equal(guest_word(granter, PAGE_A), 0x1111);
}

/* --- the table --- */

static int query(struct vcpu *vcpu, uint16_t domid, uint32_t *nr, uint32_t *max)
{
    struct xen_grant_query q = {.dom = domid, .nr_frames = 55, .max_nr_frames = 55, .status = 77};

    guest_put(vcpu, ARG, &q, sizeof q);
    assert_int_equal(xen_call(vcpu, GRANT_OP, GNTTABOP_QUERY_SIZE, ARG, 1), 0);
    guest_get(vcpu, ARG, &q, sizeof q);
    *nr = q.nr_frames;
    *max = q.max_nr_frames;
    return q.status;
}

static int setup(struct vcpu *vcpu, uint16_t domid, uint32_t nr, uint64_t list)
{
    struct xen_grant_setup s = {domid, nr, 77, list};

    guest_put(vcpu, ARG, &s, sizeof s);
    assert_int_equal(xen_call(vcpu, GRANT_OP, GNTTABOP_SETUP_TABLE, ARG, 1), 0);
    guest_get(vcpu, ARG, &s, sizeof s);
    return s.status;
}

static void table(void **state)
{
    struct vcpu *poor;
    uint32_t nr, max;

    (void)state;
    start();
    poor = &domains[2]->vcpus[0];
    assert_int_equal(query(mapper, DOMID_SELF, &nr, &max), GRANT_OKAY);
    assert_true(nr == 1 && max == FRAMES);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, FRAMES, HOLE), -XEN_EINVAL);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, BIT(32), HOLE), -XEN_EINVAL);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, BIT(31), HOLE), -XEN_EINVAL); /* version 2 */
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, 1, HOLE), 0);
    assert_int_equal(query(mapper, 2, &nr, &max), GRANT_OKAY);
    assert_int_equal(nr, 2);
    assert_int_equal(query(mapper, 1, &nr, &max), GRANT_PERMISSION);
    assert_true(nr == 55 && max == 55);
    assert_int_equal(query(mapper, 17, &nr, &max), GRANT_BAD_DOMAIN);
    assert_int_equal(query(poor, DOMID_SELF, &nr, &max), GRANT_OKAY);
    assert_true(nr == 0 && max == 0);
    assert_int_equal(map_of(poor, 1, 8, HOLE, GNTMAP_HOST_MAP, NULL), GRANT_NO_MAPTRACK);
    assert_int_equal(place(poor, XENMAPSPACE_GRANT_TABLE, 0, PAGE_A), -XEN_EINVAL);
    assert_int_equal(setup(poor, DOMID_SELF, 1, ARG + 64u), GRANT_ERROR);

    guest_put_word(mapper, ARG + 64u, 5);
    assert_int_equal(setup(mapper, DOMID_SELF, FRAMES + 1u, ARG + 64u), GRANT_ERROR);
    assert_int_equal(guest_word(mapper, ARG + 64u), 5);
    assert_int_equal(setup(mapper, DOMID_SELF, FRAMES, ARG + 64u), GRANT_OKAY);
    assert_int_equal(guest_word(mapper, ARG + 64u), ~UINT64_C(0));
    assert_int_equal(guest_word(mapper, ARG + 72u), HOLE / PAGE_SIZE);
    assert_int_equal(setup(mapper, DOMID_SELF, FRAMES, GUEST_RAM + GUEST_SIZE - 8u), GRANT_BAD_ADDRESS);
    assert_int_equal(setup(mapper, 1, 1, ARG + 64u), GRANT_PERMISSION);
    assert_int_equal(setup(mapper, 17, 1, ARG + 64u), GRANT_BAD_DOMAIN);
    assert_int_equal(setup(mapper, DOMID_SELF, 0, 0), GRANT_OKAY);
}

/* A long list is written in pieces. */
static void long_list(void **state)
{
    struct domain *domain;

    (void)state;
    machine_start(1);
    domain = xen_domain(1, 0, 48, 0, 4);
    machine_boot();
    assert_int_equal(place(&domain->vcpus[0], XENMAPSPACE_GRANT_TABLE, 47, HOLE), 0);
    assert_int_equal(setup(&domain->vcpus[0], DOMID_SELF, 48, ARG + 64u), GRANT_OKAY);
    assert_int_equal(stretches, 2);
    assert_int_equal(guest_word(&domain->vcpus[0], ARG + 64u + 46u * 8u), ~UINT64_C(0));
    assert_int_equal(guest_word(&domain->vcpus[0], ARG + 64u + 47u * 8u), HOLE / PAGE_SIZE);
}

static int64_t version(unsigned op, uint32_t a0, uint32_t a1)
{
    guest_put_word(mapper, ARG, a0 | (uint64_t)a1 << 32);
    return xen_call(mapper, GRANT_OP, op, ARG, 1);
}

static void versions_and_unknown(void **state)
{
    static const uint32_t unknown[] = {3, 4, 9, 11, 12, 13, 0x1000, 0x1002 - 1, ~0u};
    struct xen_grant_unmap_and_replace u = {HOLE, PAGE_A, 0, 77};

    (void)state;
    start();
    assert_int_equal(version(GNTTABOP_SET_VERSION, 1, 0), 0);
    assert_int_equal(version(GNTTABOP_SET_VERSION, 2, 0), -XEN_ENOSYS);
    assert_int_equal(version(GNTTABOP_SET_VERSION, 3, 0), -XEN_EINVAL);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_SET_VERSION, 0, 1), -XEN_EFAULT);
    assert_int_equal(version(GNTTABOP_GET_VERSION, DOMID_SELF, 0), 0);
    assert_int_equal(guest_word(mapper, ARG), DOMID_SELF | BIT(32));
    assert_int_equal(version(GNTTABOP_GET_VERSION, 1, 0), -XEN_EPERM);
    assert_int_equal(version(GNTTABOP_GET_VERSION, 19, 0), -XEN_ESRCH);
    for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++) {
        assert_int_equal(xen_call(mapper, GRANT_OP, unknown[i], ARG, 1), -XEN_ENOSYS);
    }
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_QUERY_SIZE, ARG, 2), -XEN_EINVAL);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_SETUP_TABLE, ARG, 0), -XEN_EINVAL);
    guest_put(mapper, ARG, &u, sizeof u);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_UNMAP_AND_REPLACE, ARG, 1), 0);
    guest_get(mapper, ARG, &u, sizeof u);
    assert_int_equal(u.status, GRANT_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),    cmocka_unit_test(refused_copies),       cmocka_unit_test(table),
        cmocka_unit_test(long_list), cmocka_unit_test(versions_and_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
