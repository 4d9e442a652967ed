/* SPDX-License-Identifier: Apache-2.0 */
/* memory_op: x0 = operation, and extents that have been done; x1 = structure. A domain's RAM never changes
 * hands: what it gives back is parked, and what it asks for is the parked page of the same frame number. */
#include "arch/arm64/stage1.h"
#include "base/bits.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/guest_copy.h"
#include "core/physmap.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_dm.h"
#include "guest/xen/xen_abi_memory.h"
#include "guest/xen/xen_errno.h"

#define MAX_GFN (UINT64_MAX / PAGE_SIZE)

/* x0 while the pages of an extent are worked on: operation in 5:0, extents done in 53:6, pages of the next
 * one in 62:54. A call that comes with such bits goes on from there. */
#define MAX_ORDER      9u
#define EXTENT_BITS    48u
#define PAGES_SHIFT    (MEMOP_OP_BITS + EXTENT_BITS)
#define START(x0)      ((x0) >> MEMOP_OP_BITS)
#define EXTENTS(start) ((start) % BIT(EXTENT_BITS))
#define PAGES(start)   ((start) / BIT(EXTENT_BITS))

static int64_t require_self(const struct domain *domain, uint16_t domid)
{
    if (domid == DOMID_SELF || domid == domain->record->domid) {
        return 0;
    }
    return domain_by_domid(domid) == NULL ? -XEN_ESRCH : -XEN_EPERM;
}

static int64_t place(struct domain *domain, const struct xen_add_to_physmap *add)
{
    ipa_t at = IPA(add->gpfn * PAGE_SIZE);

    if (add->space > XENMAPSPACE_GRANT_TABLE) {
        return -XEN_ENOSYS;
    }
    if (add->gpfn > MAX_GFN) {
        return -XEN_EINVAL;
    }
    if (add->space == XENMAPSPACE_GRANT_TABLE) {
        return add->idx > UINT32_MAX ? -XEN_EINVAL
                                     : xen_errno(grant_place_frame(domain, (uint32_t)add->idx, at));
    }
    if (add->idx != 0 || domain->events == NULL) {
        return -XEN_EINVAL;
    }
    return xen_errno(physmap_move(domain, &domain->shared_info_at, at, stage1_pa(domain->events->shared)));
}

static int64_t add_to_physmap(struct vcpu *vcpu, va_t at)
{
    struct xen_add_to_physmap add;
    int64_t result;

    if (copy_from_guest(vcpu, &add, at, sizeof add) != OK) {
        return -XEN_EFAULT;
    }
    if (add.space == XENMAPSPACE_GMFN_FOREIGN) {
        return -XEN_ENOSYS;
    }
    result = require_self(vcpu->domain, add.domid);
    return result != 0 ? result : place(vcpu->domain, &add);
}

/* Its use is to map memory of others without their consent: nobody has that right. */
static int64_t add_to_physmap_batch(struct vcpu *vcpu, va_t at)
{
    struct xen_add_to_physmap_batch batch;
    int64_t result;

    if (copy_from_guest(vcpu, &batch, at, sizeof batch) != OK) {
        return -XEN_EFAULT;
    }
    if (batch.space == XENMAPSPACE_GMFN_RANGE) {
        return -XEN_EOPNOTSUPP;
    }
    result = require_self(vcpu->domain, batch.domid);
    if (result == 0) {
        result = batch.space == XENMAPSPACE_GMFN_FOREIGN ? -XEN_EPERM : -XEN_ENOSYS;
    }
    return result;
}

static int64_t remove_from_physmap(struct vcpu *vcpu, va_t at)
{
    struct xen_remove_from_physmap gone;
    int64_t result;

    if (copy_from_guest(vcpu, &gone, at, sizeof gone) != OK) {
        return -XEN_EFAULT;
    }
    result = require_self(vcpu->domain, gone.domid);
    if (result == 0) {
        result = gone.gpfn > MAX_GFN
                     ? -XEN_ENOENT
                     : xen_errno(physmap_remove(vcpu->domain, IPA(gone.gpfn * PAGE_SIZE), PHYSMAP_ANY));
    }
    return result;
}

static int64_t acquire_resource(struct vcpu *vcpu, va_t at)
{
    struct xen_acquire_resource acquire;
    uint64_t gfn;

    if (copy_from_guest(vcpu, &acquire, at, sizeof acquire) != OK) {
        return -XEN_EFAULT;
    }
    if (acquire.pad != 0) {
        return -XEN_EINVAL;
    }
    if (acquire.type != RESOURCE_IOREQ_SERVER || acquire.nr_frames != 1 ||
        acquire.frame != RESOURCE_IOREQ_FRAME) {
        return -XEN_EPERM;
    }
    if (copy_from_guest(vcpu, &gfn, (va_t){acquire.frame_list}, sizeof gfn) != OK) {
        return -XEN_EFAULT;
    }
    return gfn > MAX_GFN ? -XEN_EINVAL
                         : acquire_ioreq_page(vcpu, acquire.domid, acquire.id, IPA(gfn * PAGE_SIZE));
}

static int64_t reserved(struct vcpu *vcpu, va_t at)
{
    uint16_t domid;
    int64_t result;

    if (copy_from_guest(vcpu, &domid, at, sizeof domid) != OK) {
        return -XEN_EFAULT;
    }
    result = require_self(vcpu->domain, domid);
    return result != 0 ? result : (int64_t)physmap_ram_pages(vcpu->domain);
}

/* One page; false: it is not the domain's RAM, or not at home, or not parked. */
static bool change_page(struct domain *domain, unsigned op, uint64_t gfn)
{
    struct physmap_page page;
    ipa_t ipa = IPA(gfn * PAGE_SIZE);

    if (gfn > MAX_GFN) {
        return false;
    }
    if (op == XENMEM_POPULATE_PHYSMAP) {
        return physmap_restore(domain, ipa) == OK;
    }
    return physmap_look(domain, ipa, &page) && page.home && physmap_remove(domain, ipa, page.pa) == OK;
}

/* The next page of the reservation. Its end, or a page that cannot be done, gives the number of whole
 * extents. */
static int64_t reservation_step(struct vcpu *vcpu, unsigned op, const struct xen_memory_reservation *r,
                                uint64_t extent, uint64_t page)
{
    uint64_t gfn, at = r->extent_start + extent * sizeof gfn;

    if (copy_from_guest(vcpu, &gfn, (va_t){at}, sizeof gfn) != OK ||
        !change_page(vcpu->domain, op, gfn + page)) {
        return (int64_t)extent;
    }
    page++;
    if (page == BIT(r->extent_order)) {
        page = 0;
        extent++;
    }
    if (extent == r->nr_extents) {
        return (int64_t)extent;
    }
    vcpu->x[0] = page << PAGES_SHIFT | extent << MEMOP_OP_BITS | op;
    return hypercall_again(vcpu);
}

static int64_t reservation(struct vcpu *vcpu, va_t at, unsigned op)
{
    struct xen_memory_reservation r;
    uint64_t start = START(vcpu->x[0]);

    if (copy_from_guest(vcpu, &r, at, sizeof r) != OK) {
        return -XEN_EFAULT;
    }
    if (require_self(vcpu->domain, r.domid) == -XEN_EPERM) {
        return -XEN_EPERM;
    }
    if (op == XENMEM_INCREASE_RESERVATION || require_self(vcpu->domain, r.domid) != 0 ||
        r.extent_order > MAX_ORDER || r.nr_extents >= BIT(EXTENT_BITS) ||
        PAGES(start) >= BIT(r.extent_order) || EXTENTS(start) >= r.nr_extents) {
        return (int64_t)start;
    }
    return reservation_step(vcpu, op, &r, EXTENTS(start), PAGES(start));
}

int64_t memory_op(struct vcpu *vcpu)
{
    va_t at = {vcpu->x[1]};
    unsigned op = (unsigned)(vcpu->x[0] % BIT(MEMOP_OP_BITS));

    switch (op) {
    case XENMEM_INCREASE_RESERVATION:
    case XENMEM_DECREASE_RESERVATION:
    case XENMEM_POPULATE_PHYSMAP:
        return reservation(vcpu, at, op);
    case XENMEM_CURRENT_RESERVATION:
    case XENMEM_MAXIMUM_RESERVATION:
        return reserved(vcpu, at);
    case XENMEM_ADD_TO_PHYSMAP:
        return add_to_physmap(vcpu, at);
    case XENMEM_REMOVE_FROM_PHYSMAP:
        return remove_from_physmap(vcpu, at);
    case XENMEM_ADD_TO_PHYSMAP_BATCH:
        return add_to_physmap_batch(vcpu, at);
    case XENMEM_ACQUIRE_RESOURCE:
        return acquire_resource(vcpu, at);
    default:
        return -XEN_ENOSYS;
    }
}
