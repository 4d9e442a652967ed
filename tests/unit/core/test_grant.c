/* SPDX-License-Identifier: Apache-2.0 */
/* Grants: each operation and each refusal, through hypercalls of two domains. */
#include "xen_call.h"

#include "base/bits.h"
#include "core/grant.h"
#include "core/physmap.h"
#include "guest/xen/xen_abi_grant.h"
#include "guest/xen/xen_abi_memory.h"

#define RESET   0x84000009u
#define OFF     0x84000008u
#define ARG     (GUEST_RAM + 8u * PAGE_SIZE) /* arguments of calls, in both domains */
#define PAGE_A  (GUEST_RAM + 20u * PAGE_SIZE)
#define PAGE_B  (GUEST_RAM + 21u * PAGE_SIZE)
#define TABLE   UINT64_C(0x38000000)
#define HOLE    UINT64_C(0x48000000)
#define FRAMES  2u
#define TRACK   300u
#define PERMIT  1u
#define RO      4u
#define READING 8u
#define WRITING 16u

static struct domain *a, *b;
static struct vcpu *granter, *mapper;

static int64_t place(struct vcpu *vcpu, uint32_t space, uint64_t index, uint64_t at)
{
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF, .space = space, .idx = index, .gpfn = at / PAGE_SIZE};

    guest_put(vcpu, ARG, &add, sizeof add);
    return xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, ARG, 0);
}

static void start(void)
{
    machine_start(3);
    a = xen_domain(1, 0, FRAMES, TRACK, 8);
    b = xen_domain(2, 1, FRAMES, TRACK, 8);
    (void)xen_domain(3, 2, 0, 0, 0);
    machine_boot();
    granter = &a->vcpus[0];
    mapper = &b->vcpus[0];
    assert_int_equal(place(granter, XENMAPSPACE_GRANT_TABLE, 0, TABLE), 0);
}

static void permit(uint32_t ref, uint16_t domid, uint64_t flags, uint64_t page)
{
    guest_put_word(granter, TABLE + ref * 8u, flags | (uint64_t)domid << 16 | page / PAGE_SIZE << 32);
}

static unsigned flags_of(uint32_t ref)
{
    return guest_word(granter, TABLE + ref * 8u) % 0x10000u;
}

static int map_of(struct vcpu *vcpu, uint16_t domid, uint32_t ref, uint64_t at, uint32_t flags,
                  uint32_t *handle)
{
    struct xen_grant_map m = {at, flags, ref, domid, 77, 0xabcd, ~UINT64_C(0)};

    guest_put(vcpu, ARG, &m, sizeof m);
    assert_int_equal(xen_call(vcpu, GRANT_OP, GNTTABOP_MAP, ARG, 1), 0);
    guest_get(vcpu, ARG, &m, sizeof m);
    assert_int_equal(m.dev_bus_addr, m.status == GRANT_OKAY ? 0 : ~UINT64_C(0));
    if (handle != NULL) {
        *handle = m.handle;
    }
    return m.status;
}

static int map(uint32_t ref, uint64_t at, uint32_t flags, uint32_t *handle)
{
    return map_of(mapper, 1, ref, at, flags | GNTMAP_HOST_MAP, handle);
}

static int unmap(uint32_t handle, uint64_t at)
{
    struct xen_grant_unmap u = {at, 0, handle, 77};

    guest_put(mapper, ARG, &u, sizeof u);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_UNMAP, ARG, 1), 0);
    guest_get(mapper, ARG, &u, sizeof u);
    return u.status;
}

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
        {8, FOR_B, PAGE_A, 1, GNTMAP_HOST_MAP | 1u, HOLE, GRANT_ERROR},
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

/* --- copies --- */

static int copy(uint64_t from, uint16_t from_dom, unsigned from_offset, uint64_t to, uint16_t to_dom,
                unsigned to_offset, unsigned length, unsigned flags)
{
    struct xen_grant_copy c = {{from, from_dom, (uint16_t)from_offset},
                               {to, to_dom, (uint16_t)to_offset},
                               (uint16_t)length,
                               (uint16_t)flags,
                               77};

    guest_put(mapper, ARG, &c, sizeof c);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_COPY, ARG, 1), 0);
    guest_get(mapper, ARG, &c, sizeof c);
    return c.status;
}

#define GFN(page) ((page) / PAGE_SIZE)
#define SRC       GNTCOPY_SOURCE_REF
#define DST       GNTCOPY_DEST_REF

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
    uint32_t handle, other, again;

    (void)state;
    start();
    guest_put_word(granter, PAGE_A, 0x1111);
    permit(8, 2, PERMIT, PAGE_A);
    permit(9, 2, PERMIT, PAGE_B);
    assert_int_equal(map(8, HOLE, 0, &handle), GRANT_OKAY);
    assert_int_equal(map(9, PAGE_A, GNTMAP_READ_ONLY, &other), GRANT_OKAY);
    assert_int_equal(guest_word(mapper, HOLE), 0x1111); /* its TLB has it */
    reset(granter, RESET);
    assert_int_equal(a->incarnation, 2);
    assert_int_equal(guest_word(mapper, HOLE), 0);
    guest_put_word(mapper, HOLE, 0x6666);
    assert_int_equal(guest_word(granter, PAGE_A), 0);
    assert_true(guest_sees(mapper, PAGE_A));
    assert_false(physmap_valid(b, IPA(PAGE_A), PHYSMAP_WRITE));
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
        cmocka_unit_test(maps_and_unmaps),
        cmocka_unit_test(read_only),
        cmocka_unit_test(refused_maps),
        cmocka_unit_test(no_granting_on),
        cmocka_unit_test(refused_unmaps),
        cmocka_unit_test(marks_are_counted),
        cmocka_unit_test(limits),
        cmocka_unit_test(own_tables_exhausted),
        cmocka_unit_test(over_own_ram),
        cmocka_unit_test(replaced_before_unmap),
        cmocka_unit_test(batches),
        cmocka_unit_test(bad_pointers),
        cmocka_unit_test(copies),
        cmocka_unit_test(refused_copies),
        cmocka_unit_test(table),
        cmocka_unit_test(long_list),
        cmocka_unit_test(versions_and_unknown),
        cmocka_unit_test(granter_restarts),
        cmocka_unit_test(granter_gone),
        cmocka_unit_test(mapper_restarts),
        cmocka_unit_test(both_restart),
        cmocka_unit_test(revoked_after_replacement),
        cmocka_unit_test(own_grants),
        cmocka_unit_test(table_is_sized),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
