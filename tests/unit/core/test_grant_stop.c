/* SPDX-License-Identifier: Apache-2.0 */
/* Grants of domains that stop: what is left with the others, and what is not. */
#include "grant_pair.h"

#include "core/guest_atomic.h"
#include "core/physmap.h"

/* --- domains that stop --- */

static void reset(struct vcpu *vcpu, unsigned function)
{
    machine_hvc(vcpu, function, 0, 0, 0);
    machine_settle();
    for (unsigned i = 0; i < 3; i++) {
        machine_run(i);
    }
    machine_settle();
}

/* The mapper keeps a page where it had mapped one, but no page of the granter's; and no hole. */
static void granter_restarts(void **state)
{
    uint32_t handle, other, again, unconcerned;

    (void)state;
    start();
    guest_put_word(granter, PAGE_A, 0x1111);
    permit(8, 2, PERMIT, PAGE_A);
    permit(9, 2, PERMIT, PAGE_B);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    assert_int_equal(map(9, PAGE_A, GNTMAP_READ_ONLY, &other), GRANT_OKAY);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, 0, TABLE), 0);
    guest_put_word(mapper, TABLE + 8u * 8u, PERMIT | UINT64_C(2) << 16 | PAGE_B / PAGE_SIZE << 32);
    guest_put_word(mapper, PAGE_B, 0x9999);
    assert_int_equal(map_of(mapper, 2, 8, HOLE + 4u * PAGE_SIZE, GNTMAP_HOST_MAP, &unconcerned), GRANT_OKAY);
    assert_int_equal(guest_word(mapper, HOLE), 0x1111); /* its TLB has it */
    reset(granter, RESET);
    assert_int_equal(a->incarnation, 2);
    assert_int_equal(guest_word(mapper, HOLE), 0);
    assert_int_equal(guest_word(mapper, HOLE + 4u * PAGE_SIZE), 0x9999); /* of another granter */
    guest_put_word(mapper, HOLE, 0x6666);
    assert_int_equal(guest_word(granter, PAGE_A), 0);
    assert_true(guest_sees(mapper, PAGE_A));
    assert_false(physmap_valid(b, IPA(PAGE_A), PHYSMAP_WRITE));
    assert_int_equal(a->grants->frame_at[0].v, ~UINT64_C(0));
    assert_int_equal(map(8, HOLE + PAGE_SIZE, 0, NULL), GRANT_ERROR); /* its new table is empty */
    assert_int_equal(place(granter, XENMAPSPACE_GRANT_TABLE, 0, TABLE), 0);
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, NULL), GRANT_ERROR); /* not before the old mapping is gone */
    assert_int_equal(map(8, HOLE + PAGE_SIZE, 0, &again), GRANT_OKAY);
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_false(guest_sees(mapper, HOLE));
    assert_int_equal(unmap(other, PAGE_A), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(unmap(again, HOLE + PAGE_SIZE), GRANT_OKAY);
    assert_int_equal(flags_of(8), PERMIT);
    assert_int_equal(a->grants->uses[8], 0);
}

/* Nobody maps pages of a domain that has stopped, or copies from them. */
static void granter_gone(void **state)
{
    uint32_t handle;

    (void)state;
    start();
    guest_put_word(granter, PAGE_A, 0x1111);
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    reset(granter, OFF);
    assert_int_equal(a->state, DOMAIN_STOPPED);
    assert_int_equal(guest_word(mapper, HOLE), 0);
    assert_int_equal(map(8, HOLE + PAGE_SIZE, 0, NULL), GRANT_BAD_DOMAIN);
    assert_int_equal(copy(8, 1, 0, GFN(PAGE_B), DOMID_SELF, 0, 8, SRC), GRANT_BAD_DOMAIN);
    assert_int_equal(unmap(handle, HOLE), GRANT_OKAY);
    assert_int_equal(unmap(handle, HOLE), GRANT_BAD_HANDLE);
}

/* What it had mapped is released; it begins with nothing mapped, and its handles are free. */
static void mapper_restarts(void **state)
{
    uint64_t used = 0;
    uint32_t handle;

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    for (unsigned life = 1; life <= 20; life++) {
        for (unsigned i = 0; i < 40; i++) {
            assert_int_equal(map(8, HOLE + i * PAGE_SIZE, i % 2u != 0 ? GNTMAP_READ_ONLY : 0, &handle),
                             GRANT_OKAY);
        }
        assert_int_equal(a->grants->uses[8], 20u | 20u << 8);
        assert_true(life == 1 || used == b->pool.used);
        used = b->pool.used;
        host_now += 2000000; /* 2 ms; lives that end at once wait for the next */
        reset(mapper, RESET);
        assert_int_equal(b->incarnation, life + 1u);
        assert_int_equal(flags_of(8), PERMIT);
        assert_int_equal(a->grants->uses[8], 0);
        assert_false(guest_sees(mapper, HOLE));
        assert_int_equal(unmap(0, HOLE), GRANT_BAD_HANDLE);
    }
}

/* The granter, then the mapper: nothing of the revoked mapping touches the granter's new life. */
static void both_restart(void **state)
{
    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, NULL), GRANT_OKAY);
    reset(granter, RESET);
    assert_int_equal(place(granter, XENMAPSPACE_GRANT_TABLE, 0, TABLE), 0);
    permit(8, 2, PERMIT | READING | WRITING, PAGE_A); /* its own bits */
    reset(mapper, RESET);
    assert_int_equal(flags_of(8), PERMIT | READING | WRITING);
    assert_int_equal(a->grants->uses[8], 0);
}

/* A mapping that was replaced before the granter stops: what lies there now stays. */
static void revoked_after_replacement(void **state)
{
    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, NULL), GRANT_OKAY);
    assert_int_equal(place(mapper, XENMAPSPACE_GRANT_TABLE, 0, HOLE), 0);
    guest_put_word(mapper, HOLE, 0x77);
    reset(granter, RESET);
    assert_int_equal(guest_word(mapper, HOLE), 0x77);
}

/* A domain may map what it grants itself, as in Xen. */
static void own_grants(void **state)
{
    uint32_t handle;

    (void)state;
    start();
    permit(8, 1, PERMIT, PAGE_A);
    guest_put_word(granter, PAGE_A, 0x99);
    assert_int_equal(map_of(granter, 1, 8, HOLE, GNTMAP_HOST_MAP, &handle), GRANT_OKAY);
    assert_int_equal(guest_word(granter, HOLE), 0x99);
    permit(9, 1, PERMIT, HOLE);
    assert_int_equal(map_of(granter, 1, 9, HOLE + PAGE_SIZE, GNTMAP_HOST_MAP, NULL), GRANT_BAD_PAGE);
    reset(granter, RESET);
    assert_int_equal(a->incarnation, 2);
    assert_false(guest_sees(granter, HOLE));
}

/* A granter that never lets go of the line of its entry, so that the marks cannot be cleared, is stopped; the
 * unmap succeeds. */
static void stubborn_entry(void **state)
{
    uint32_t handle;

    (void)state;
    start();
    permit(8, 2, PERMIT, PAGE_A);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    guest_atomic_fails = true;
    assert_int_equal(grant_unmap(b, handle, IPA(HOLE)), GRANT_OKAY);
    guest_atomic_fails = false;
    assert_int_equal(a->state, DOMAIN_STOPPING);
    assert_false(guest_sees(mapper, HOLE));
    host_on(0);
    machine_end(trap_irq(granter));
    machine_settle();
    machine_run(0);
    assert_int_equal(a->incarnation, 2);
    assert_int_equal(b->incarnation, 1);
}

/* What the pool must hold. */
static void table_is_sized(void **state)
{
    struct domain_record record = {.nr_grant_frames = 3, .nr_maptrack = 256};

    (void)state;
    assert_in_range(grants_bytes(&record), 3u * (PAGE_SIZE + 1024u) + 256u * 16u + PAGE_SIZE,
                    3u * (PAGE_SIZE + 1024u) + 256u * 16u + 2u * PAGE_SIZE + 256u);
    record.nr_grant_frames = 0;
    record.nr_maptrack = 0;
    assert_in_range(grants_bytes(&record), 64, 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(granter_restarts),
        cmocka_unit_test(granter_gone),
        cmocka_unit_test(mapper_restarts),
        cmocka_unit_test(both_restart),
        cmocka_unit_test(revoked_after_replacement),
        cmocka_unit_test(own_grants),
        cmocka_unit_test(stubborn_entry),
        cmocka_unit_test(table_is_sized),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
