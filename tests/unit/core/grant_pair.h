/* SPDX-License-Identifier: Apache-2.0 */
/* A granter, a mapper and a third domain, and what they call. Each test file has its own. */
#ifndef TESTS_GRANT_PAIR_H
#define TESTS_GRANT_PAIR_H

#include "xen_call.h"

#include "core/grant.h"
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

static inline int64_t place(struct vcpu *vcpu, uint32_t space, uint64_t index, uint64_t at)
{
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF, .space = space, .idx = index, .gpfn = at / PAGE_SIZE};

    guest_put(vcpu, ARG, &add, sizeof add);
    return xen_call(vcpu, MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, ARG, 0);
}

static inline void start(void)
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

static inline void permit(uint32_t ref, uint16_t domid, uint64_t flags, uint64_t page)
{
    guest_put_word(granter, TABLE + ref * 8u, flags | (uint64_t)domid << 16 | page / PAGE_SIZE << 32);
}

static inline unsigned flags_of(uint32_t ref)
{
    return guest_word(granter, TABLE + ref * 8u) % 0x10000u;
}

static inline int map_of(struct vcpu *vcpu, uint16_t domid, uint32_t ref, uint64_t at, uint32_t flags,
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

static inline int map(uint32_t ref, uint64_t at, uint32_t flags, uint32_t *handle)
{
    return map_of(mapper, 1, ref, at, flags | GNTMAP_HOST_MAP, handle);
}

static inline int unmap(uint32_t handle, uint64_t at)
{
    struct xen_grant_unmap u = {at, 0, handle, 77};

    guest_put(mapper, ARG, &u, sizeof u);
    assert_int_equal(xen_call(mapper, GRANT_OP, GNTTABOP_UNMAP, ARG, 1), 0);
    guest_get(mapper, ARG, &u, sizeof u);
    return u.status;
}

static inline int copy(uint64_t from, uint16_t from_dom, unsigned from_offset, uint64_t to, uint16_t to_dom,
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

#endif
