/* SPDX-License-Identifier: Apache-2.0 */
/* memory_op, xen_version and hvm_op. */
#include "xen_call.h"

#include "base/bits.h"
#include "core/event.h"
#include "core/pv_console.h"
#include "core/shared_info.h"
#include "guest/xen/xen_abi_memory.h"

#define ARG  (GUEST_RAM + 8u * PAGE_SIZE)
#define LIST (ARG + 512u)
#define PAGE (GUEST_RAM + 20u * PAGE_SIZE)
#define HOLE UINT64_C(0x48000000)
#define GFN  (PAGE / PAGE_SIZE)

static struct domain *domain;
static struct vcpu *vcpu;

static void start_with(uint16_t flags)
{
    struct domain_record *record;

    machine_start(2);
    record = machine_record(1, 1);
    record->nr_ports = 64;
    record->nr_grant_frames = 2;
    record->stage2_reserve = 6;
    record->flags = flags;
    record->console_port = (flags & DOMAIN_ENHANCED) != 0 ? 63 : 0;
    domain = machine_domain(record);
    (void)xen_domain(2, 1, 0, 0, 4);
    machine_boot();
    vcpu = &domain->vcpus[0];
}

static void start(void)
{
    start_with(0);
}

static int64_t add(uint16_t domid, uint32_t space, uint64_t index, uint64_t gfn)
{
    struct xen_add_to_physmap a = {.domid = domid, .space = space, .idx = index, .gpfn = gfn};

    guest_put(vcpu, ARG, &a, sizeof a);
    return xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, ARG, 0);
}

static int64_t remove_at(uint16_t domid, uint64_t gfn)
{
    struct xen_remove_from_physmap r = {domid, gfn};

    guest_put(vcpu, ARG, &r, sizeof r);
    return xen_call(vcpu, MEMORY_OP, XENMEM_REMOVE_FROM_PHYSMAP, ARG, 0);
}

static int64_t reserve(uint64_t op, uint64_t nr, unsigned order, uint16_t domid)
{
    struct xen_memory_reservation r = {LIST, nr, order, 0, domid};

    guest_put(vcpu, ARG, &r, sizeof r);
    return xen_call(vcpu, MEMORY_OP, op, ARG, 0);
}

static bool shows_shared_info(uint64_t at)
{
    const struct shared_info *shared = domain->events->shared;
    uint64_t offset = (uint64_t)((const uint8_t *)&shared->mask[3] - (const uint8_t *)shared);

    if (!guest_sees(vcpu, at)) {
        return false;
    }
    domain->events->shared->mask[3] = 0x1234567812345678;
    return guest_word(vcpu, at + offset) == 0x1234567812345678;
}

/* In one place at a time; where it was, the RAM comes back. */
static void shared_info_moves(void **state)
{
    (void)state;
    start();
    guest_put_word(vcpu, PAGE, 0x5151);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, GFN), 0);
    assert_true(shows_shared_info(PAGE));
    assert_int_equal(add(1, XENMAPSPACE_SHARED_INFO, 0, HOLE / PAGE_SIZE), 0);
    assert_true(shows_shared_info(HOLE));
    assert_int_equal(guest_word(vcpu, PAGE), 0x5151);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, HOLE / PAGE_SIZE + 1u), 0);
    assert_true(shows_shared_info(HOLE + PAGE_SIZE));
    assert_false(guest_sees(vcpu, HOLE));
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, HOLE / PAGE_SIZE + 1u), 0); /* to itself */
    assert_true(shows_shared_info(HOLE + PAGE_SIZE));

    /* removed, and something else put there: that stays when shared_info appears again */
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, GFN), 0);
    assert_int_equal(remove_at(DOMID_SELF, GFN), 0);
    guest_put_word(vcpu, LIST, GFN);
    assert_int_equal(reserve(XENMEM_POPULATE_PHYSMAP, 1, 0, DOMID_SELF), 1);
    guest_put_word(vcpu, PAGE, 0x5252);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, HOLE / PAGE_SIZE), 0);
    assert_int_equal(guest_word(vcpu, PAGE), 0x5252);
}

static void grant_frames_move(void **state)
{
    (void)state;
    start();
    guest_put_word(vcpu, PAGE, 0x5151);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_GRANT_TABLE, 1, GFN), 0);
    guest_put_word(vcpu, PAGE, 0x77);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_GRANT_TABLE, 1, HOLE / PAGE_SIZE), 0);
    assert_int_equal(guest_word(vcpu, PAGE), 0x5151);
    assert_int_equal(guest_word(vcpu, HOLE), 0x77);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_GRANT_TABLE, 0, HOLE / PAGE_SIZE), 0); /* over the other */
    assert_int_equal(guest_word(vcpu, HOLE), 0);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_GRANT_TABLE, 1, GFN), 0);
    assert_int_equal(guest_word(vcpu, HOLE), 0);
    assert_int_equal(guest_word(vcpu, PAGE), 0x77);
}

static void refused_places(void **state)
{
    static const uint64_t no_gfn[] = {~UINT64_C(0), BIT(52), BIT(52) + GFN, /* times 4096 it would be one */
                                      BIT(40), BIT(63) / PAGE_SIZE};
    static const uint32_t spaces[] = {2, 3, 4, 5, 6, ~0u};

    (void)state;
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(no_gfn); i++) {
        assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, no_gfn[i]), -XEN_EINVAL);
        assert_int_equal(add(DOMID_SELF, XENMAPSPACE_GRANT_TABLE, 0, no_gfn[i]), -XEN_EINVAL);
        assert_int_equal(remove_at(DOMID_SELF, no_gfn[i]), -XEN_ENOENT);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(spaces); i++) {
        assert_int_equal(add(DOMID_SELF, spaces[i], 0, GFN), -XEN_ENOSYS);
    }
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 1, GFN), -XEN_EINVAL);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, BIT(40), GFN), -XEN_EINVAL);
    assert_int_equal(add(2, XENMAPSPACE_SHARED_INFO, 0, GFN), -XEN_EPERM);
    assert_int_equal(add(9, XENMAPSPACE_SHARED_INFO, 0, GFN), -XEN_ESRCH);
    assert_int_equal(add(0, XENMAPSPACE_SHARED_INFO, 0, GFN), -XEN_ESRCH);
    assert_int_equal(add(0x7ff1, XENMAPSPACE_SHARED_INFO, 0, GFN), -XEN_ESRCH);
    assert_int_equal(domain->shared_info_at.v, ~UINT64_C(0));
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, GUEST_RAM + GUEST_SIZE - 16u, 0),
                     -XEN_EFAULT);
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, GFN), 0); /* control */
}

/* Devices, and what the description shares, stay where they are. */
static void fixed_places(void **state)
{
    struct domain_record *record;
    struct domain_map *maps;

    (void)state;
    machine_start(1);
    record = machine_record(1, 1);
    maps = (struct domain_map *)(uintptr_t)record->maps;
    maps[1] = (struct domain_map){IPA(0x50000000), PA(HOST_RAM + MIB(6)), PAGE_SIZE, MAP_SHARED};
    maps[2] = (struct domain_map){IPA(0x51000000), PA(0x9000000), PAGE_SIZE, MAP_DEVICE};
    record->nr_maps = 3;
    record->nr_ports = 8;
    record->stage2_reserve = 4;
    domain = machine_domain(record);
    machine_boot();
    vcpu = &domain->vcpus[0];
    for (uint64_t at = 0x50000000; at <= 0x51000000; at += 0x1000000) {
        assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, at / PAGE_SIZE), -XEN_EINVAL);
        assert_int_equal(remove_at(DOMID_SELF, at / PAGE_SIZE), -XEN_ENOENT);
        guest_put_word(vcpu, LIST, at / PAGE_SIZE);
        assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 1, 0, DOMID_SELF), 0);
        assert_true(guest_sees(vcpu, at));
    }
}

static void removes(void **state)
{
    (void)state;
    start();
    guest_put_word(vcpu, PAGE, 0x5151);
    assert_int_equal(remove_at(DOMID_SELF, HOLE / PAGE_SIZE), -XEN_ENOENT);
    assert_int_equal(remove_at(2, GFN), -XEN_EPERM);
    assert_int_equal(remove_at(7, GFN), -XEN_ESRCH);
    assert_true(guest_sees(vcpu, PAGE));
    assert_int_equal(remove_at(DOMID_SELF, GFN), 0);
    assert_false(guest_sees(vcpu, PAGE));
    assert_int_equal(remove_at(DOMID_SELF, GFN), -XEN_ENOENT);
    guest_put_word(vcpu, LIST, GFN);
    assert_int_equal(reserve(XENMEM_POPULATE_PHYSMAP, 1, 0, DOMID_SELF), 1);
    assert_int_equal(guest_word(vcpu, PAGE), 0x5151);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_REMOVE_FROM_PHYSMAP, 4, 0), -XEN_EFAULT);
}

static void put_list(uint64_t first, unsigned nr, uint64_t step)
{
    for (unsigned i = 0; i < nr; i++) {
        guest_put_word(vcpu, LIST + i * 8u, first + i * step);
    }
}

/* Given back and taken again, with what was in it: one page a stretch. */
static void balloon(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 5; i++) {
        guest_put_word(vcpu, PAGE + i * PAGE_SIZE, i + 100u);
    }
    put_list(GFN, 5, 1);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 5, 0, DOMID_SELF), 5);
    assert_int_equal(stretches, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_false(guest_sees(vcpu, PAGE + i * PAGE_SIZE));
    }
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 5, 0, DOMID_SELF), 0);
    assert_int_equal(reserve(XENMEM_POPULATE_PHYSMAP | 2u << 6, 5, 0, DOMID_SELF), 5); /* the last three */
    assert_false(guest_sees(vcpu, PAGE + PAGE_SIZE));
    assert_int_equal(guest_word(vcpu, PAGE + 2u * PAGE_SIZE), 102);
    assert_int_equal(reserve(XENMEM_POPULATE_PHYSMAP, 5, 0, DOMID_SELF), 2); /* the third is there already */
    assert_int_equal(guest_word(vcpu, PAGE + PAGE_SIZE), 101);
}

static void large_extents(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < 8; i++) {
        guest_put_word(vcpu, PAGE + i * PAGE_SIZE, i + 100u);
    }
    put_list(GFN, 2, 4);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 2, 2, DOMID_SELF), 2);
    assert_int_equal(stretches, 8);
    assert_false(guest_sees(vcpu, PAGE + 7u * PAGE_SIZE));
    assert_true(guest_sees(vcpu, PAGE + 8u * PAGE_SIZE));
    assert_int_equal(reserve(XENMEM_POPULATE_PHYSMAP, 2, 2, DOMID_SELF), 2);
    assert_int_equal(guest_word(vcpu, PAGE + 7u * PAGE_SIZE), 107);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 1, 10, DOMID_SELF), 0);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 1, 64, DOMID_SELF), 0);
    assert_true(guest_sees(vcpu, PAGE));
}

static void refused_reservations(void **state)
{
    static const uint64_t gfns[] = {HOLE / PAGE_SIZE, 0x3001, ~UINT64_C(0), BIT(52) + GFN};

    (void)state;
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(gfns); i++) {
        put_list(gfns[i], 1, 0);
        assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 1, 0, DOMID_SELF), 0);
        assert_int_equal(reserve(XENMEM_POPULATE_PHYSMAP, 1, 0, DOMID_SELF), 0);
    }
    put_list(GFN, 2, 1);
    assert_int_equal(reserve(XENMEM_INCREASE_RESERVATION, 2, 0, DOMID_SELF), 0);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 2, 0, 2), -XEN_EPERM);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 2, 0, 9), 0);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 0, 0, DOMID_SELF), 0);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, BIT(60), 0, DOMID_SELF), 0);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION | 7u << 6, 2, 0, DOMID_SELF), 7);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION | BIT(60), 2, 0, DOMID_SELF), BIT(54));
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_DECREASE_RESERVATION, 0, 0), -XEN_EFAULT);
    assert_true(guest_sees(vcpu, PAGE) && guest_sees(vcpu, PAGE + PAGE_SIZE));

    /* shared_info and grant frames are not the domain's to give back */
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, GFN), 0);
    assert_int_equal(reserve(XENMEM_DECREASE_RESERVATION, 2, 0, DOMID_SELF), 0);
    assert_true(shows_shared_info(PAGE));

    /* the list ends in the middle */
    guest_put_word(vcpu, GUEST_RAM + GUEST_SIZE - 8u, GFN + 1u);
    {
        struct xen_memory_reservation r = {GUEST_RAM + GUEST_SIZE - 8u, 2, 0, 0, DOMID_SELF};

        guest_put(vcpu, ARG, &r, sizeof r);
        assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_DECREASE_RESERVATION, ARG, 0), 1);
        assert_false(guest_sees(vcpu, PAGE + PAGE_SIZE));
    }
}

static void numbers_of_pages(void **state)
{
    (void)state;
    start();
    for (unsigned op = XENMEM_CURRENT_RESERVATION; op <= XENMEM_MAXIMUM_RESERVATION; op++) {
        guest_put_word(vcpu, ARG, DOMID_SELF);
        assert_int_equal(xen_call(vcpu, MEMORY_OP, op, ARG, 0), GUEST_SIZE / PAGE_SIZE);
        guest_put_word(vcpu, ARG, 2);
        assert_int_equal(xen_call(vcpu, MEMORY_OP, op, ARG, 0), -XEN_EPERM);
        guest_put_word(vcpu, ARG, 6);
        assert_int_equal(xen_call(vcpu, MEMORY_OP, op, ARG, 0), -XEN_ESRCH);
        assert_int_equal(xen_call(vcpu, MEMORY_OP, op, 0, 0), -XEN_EFAULT);
    }
}

/* Memory of others without a grant: nobody has that right. */
static void never_foreign(void **state)
{
    struct xen_add_to_physmap_batch batch = {DOMID_SELF, XENMAPSPACE_GMFN_FOREIGN, 1, 2, LIST, LIST, LIST};
    struct xen_acquire_resource acquire = {.domid = 2, .type = 1, .nr_frames = 1};
    static const uint8_t unknown[] = {2, 5, 8, 9, 10, 14, 16, 22, 26, 29, 63};

    (void)state;
    start();
    put_list(GFN, 1, 0);
    guest_put(vcpu, ARG, &batch, sizeof batch);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP_BATCH, ARG, 0), -XEN_EPERM);
    batch.space = XENMAPSPACE_GMFN_RANGE;
    guest_put(vcpu, ARG, &batch, sizeof batch);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP_BATCH, ARG, 0), -XEN_EOPNOTSUPP);
    batch.space = XENMAPSPACE_SHARED_INFO;
    guest_put(vcpu, ARG, &batch, sizeof batch);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP_BATCH, ARG, 0), -XEN_ENOSYS);
    batch.domid = 2;
    guest_put(vcpu, ARG, &batch, sizeof batch);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP_BATCH, ARG, 0), -XEN_EPERM);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP_BATCH, 0, 0), -XEN_EFAULT);
    guest_put(vcpu, ARG, &acquire, sizeof acquire);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ACQUIRE_RESOURCE, ARG, 0), -XEN_EPERM);
    acquire.pad = 1;
    guest_put(vcpu, ARG, &acquire, sizeof acquire);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ACQUIRE_RESOURCE, ARG, 0), -XEN_EINVAL);
    assert_int_equal(xen_call(vcpu, MEMORY_OP, XENMEM_ACQUIRE_RESOURCE, 0, 0), -XEN_EFAULT);
    for (unsigned i = 0; i < sizeof unknown; i++) {
        assert_int_equal(xen_call(vcpu, MEMORY_OP, unknown[i], ARG, 0), -XEN_ENOSYS);
    }
}

/* A restart begins without them. */
static void restart_forgets(void **state)
{
    (void)state;
    start();
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, HOLE / PAGE_SIZE), 0);
    assert_int_equal(remove_at(DOMID_SELF, GFN), 0);
    machine_hvc(vcpu, 0x84000009u, 0, 0, 0);
    machine_settle();
    machine_run(0);
    assert_int_equal(domain->incarnation, 2);
    assert_int_equal(domain->shared_info_at.v, ~UINT64_C(0));
    assert_false(guest_sees(vcpu, HOLE));
    assert_true(guest_sees(vcpu, PAGE));
    assert_int_equal(add(DOMID_SELF, XENMAPSPACE_SHARED_INFO, 0, GFN), 0);
    assert_true(shows_shared_info(PAGE));
}

/* --- xen_version --- */

static int64_t version(uint64_t op, uint64_t at)
{
    return xen_call(vcpu, VERSION, op, at, 0);
}

static uint32_t features(uint16_t flags)
{
    start_with(flags);
    guest_put_word(vcpu, ARG, 0);
    assert_int_equal(version(XENVER_GET_FEATURES, ARG), 0);
    return (uint32_t)(guest_word(vcpu, ARG) >> 32);
}

static void says_xen_4_17(void **state)
{
    static const uint16_t sizes[] = {
        [XENVER_EXTRAVERSION] = 16, [XENVER_COMPILE_INFO] = 144,      [XENVER_CAPABILITIES] = 1024,
        [XENVER_CHANGESET] = 64,    [XENVER_PLATFORM_PARAMETERS] = 8, [XENVER_GUEST_HANDLE] = 16};
    char text[17] = {0};

    (void)state;
    assert_int_equal(features(0), 0x16005);
    assert_int_equal(features(DOMAIN_DIRECT_MAP), 0x26005);
    assert_int_equal(features(DOMAIN_HARDWARE), 0x16805);
    assert_int_equal(version(XENVER_VERSION, 0), 0x40011);
    assert_int_equal(version(XENVER_PAGESIZE, 0), 4096);
    for (unsigned op = 0; op < ARRAY_SIZE(sizes); op++) {
        uint64_t at = GUEST_RAM + GUEST_SIZE - sizes[op];

        if (sizes[op] != 0) {
            guest_put_word(vcpu, at - 8u, 0x1234);
            assert_int_equal(version(op, at), 0); /* exactly so many bytes */
            assert_int_equal(version(op, at + 8u), -XEN_EFAULT);
            assert_int_equal(version(op, HOLE), -XEN_EFAULT);
            assert_int_equal(guest_word(vcpu, at - 8u), 0x1234);
        }
    }
    guest_put_word(vcpu, GUEST_RAM + GUEST_SIZE - 512u, 0x4321); /* all of it or nothing */
    assert_int_equal(version(XENVER_CAPABILITIES, GUEST_RAM + GUEST_SIZE - 512u), -XEN_EFAULT);
    assert_int_equal(guest_word(vcpu, GUEST_RAM + GUEST_SIZE - 512u), 0x4321);
    assert_int_equal(version(XENVER_CAPABILITIES, ARG + 1u), 0);
    guest_get(vcpu, ARG + 1u, text, 16);
    assert_string_equal(text, "xen-3.0-aarch64 ");
    assert_int_equal(guest_word(vcpu, ARG + 1u + 1016u), 0);
    guest_put_word(vcpu, ARG, ~UINT64_C(0));
    assert_int_equal(version(XENVER_COMMANDLINE, ARG), 0);
    assert_int_equal(guest_word(vcpu, ARG), ~UINT64_C(0) << 8);
    assert_int_equal(version(XENVER_BUILD_ID, ARG), -XEN_EPERM);
    assert_int_equal(version(11, ARG), -XEN_ENOSYS);
    guest_put_word(vcpu, ARG, 1);
    assert_int_equal(version(XENVER_GET_FEATURES, ARG), -XEN_EINVAL);
    assert_int_equal(version(XENVER_GET_FEATURES, HOLE), -XEN_EFAULT);
}

/* --- hvm_op --- */

static int64_t get_param(uint16_t domid, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param p = {domid, 0, index, 0x5555};
    int64_t result;

    guest_put(vcpu, ARG, &p, sizeof p);
    result = xen_call(vcpu, HVM_OP, HVMOP_GET_PARAM, ARG, 0);
    *value = guest_word(vcpu, ARG + 8u);
    return result;
}

static void parameters(void **state)
{
    static const uint32_t known[] = {HVM_PARAM_CALLBACK_IRQ, HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN,
                                     HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN};
    uint64_t value;

    (void)state;
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        assert_int_equal(get_param(DOMID_SELF, known[i], &value), 0);
        assert_int_equal(value, 0); /* it has none */
    }
    assert_int_equal(get_param(DOMID_SELF, 3, &value), -XEN_EINVAL);
    assert_int_equal(get_param(DOMID_SELF, ~0u, &value), -XEN_EINVAL);
    assert_int_equal(get_param(2, HVM_PARAM_CONSOLE_PFN, &value), -XEN_EPERM);
    assert_int_equal(get_param(8, HVM_PARAM_CONSOLE_PFN, &value), -XEN_ESRCH);
    assert_int_equal(value, 0x5555);
    assert_int_equal(xen_call(vcpu, HVM_OP, HVMOP_GET_PARAM, HOLE, 0), -XEN_EFAULT);
    assert_int_equal(xen_call(vcpu, HVM_OP, HVMOP_SET_PARAM, ARG, 0), -XEN_EPERM);
    assert_int_equal(xen_call(vcpu, HVM_OP, 2, ARG, 0), -XEN_ENOSYS);

    start_with(DOMAIN_ENHANCED);
    assert_int_equal(get_param(1, HVM_PARAM_CONSOLE_PFN, &value), 0);
    assert_int_equal(value, pv_console_gfn(domain));
    assert_int_not_equal(value, 0);
    assert_int_equal(get_param(1, HVM_PARAM_CONSOLE_EVTCHN, &value), 0);
    assert_int_equal(value, pv_console_port(domain));
    assert_int_not_equal(value, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_info_moves), cmocka_unit_test(grant_frames_move),
        cmocka_unit_test(refused_places),    cmocka_unit_test(fixed_places),
        cmocka_unit_test(removes),           cmocka_unit_test(balloon),
        cmocka_unit_test(large_extents),     cmocka_unit_test(refused_reservations),
        cmocka_unit_test(numbers_of_pages),  cmocka_unit_test(never_foreign),
        cmocka_unit_test(restart_forgets),   cmocka_unit_test(says_xen_4_17),
        cmocka_unit_test(parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
