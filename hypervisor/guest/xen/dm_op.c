/* SPDX-License-Identifier: Apache-2.0 */
/* dm_op: x0 = domain, x1 = number of buffers, x2 = their addresses and sizes; the first holds the operation.
 * Everything is about servers that the description declares between the two domains: what Xen makes at run
 * time is there already, so that making it only tells which it is. */
#include "arch/arm64/stage1.h"
#include "core/domain.h"
#include "core/doorbell.h"
#include "core/frontend.h"
#include "core/guest_copy.h"
#include "core/physmap.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_dm.h"
#include "guest/xen/xen_errno.h"

#define FIRST_SPI 32u
#define LAST_SPI  1019u

/* The record's entry of a pair with that domain; NULL: none is declared. */
static const struct domain_frontend *first_pair(const struct domain *caller, uint16_t domid)
{
    for (uint32_t i = 0; i < caller->record->nr_frontends; i++) {
        if (caller->record->frontends[i].domid == domid) {
            return &caller->record->frontends[i];
        }
    }
    return NULL;
}

static uint64_t size_of(uint32_t op)
{
    static const uint8_t sizes[DMOP_NR_VCPUS + 1u] = {
        [DMOP_CREATE_SERVER] = sizeof(struct xen_dm_create),
        [DMOP_GET_INFO] = sizeof(struct xen_dm_info),
        [DMOP_MAP_RANGE] = sizeof(struct xen_dm_range),
        [DMOP_UNMAP_RANGE] = sizeof(struct xen_dm_range),
        [DMOP_SET_STATE] = sizeof(struct xen_dm_state),
        [DMOP_DESTROY_SERVER] = sizeof(struct xen_dm_destroy),
        [DMOP_SET_IRQ_LEVEL] = sizeof(struct xen_dm_irq_level),
        [DMOP_NR_VCPUS] = sizeof(struct xen_dm_nr_vcpus),
    };

    return op < ARRAY_SIZE(sizes) ? sizes[op] : 0;
}

/* Pairs that the caller has not yet asked for, one at a time. */
static int64_t create(struct domain *caller, uint16_t domid, struct xen_dm_create *arg)
{
    const struct domain_record *record = caller->record;

    if (arg->handle_bufioreq != 0 || (arg->pad[0] | arg->pad[1] | arg->pad[2]) != 0) {
        return -XEN_EINVAL;
    }
    for (uint32_t i = 0; i < record->nr_frontends; i++) {
        struct frontend *pair = &caller->frontends->pair[i];

        if (record->frontends[i].domid == domid &&
            !__atomic_exchange_n(&pair->created, true, __ATOMIC_RELAXED)) {
            arg->id = record->frontends[i].server;
            return 0;
        }
    }
    return -XEN_ENOSPC;
}

static int64_t get_info(struct domain *caller, uint16_t domid, struct xen_dm_info *arg)
{
    struct frontend *pair;
    enum status status = frontend_find(caller, domid, arg->id, &pair);

    if ((arg->flags & ~DMOP_NO_GFNS) != 0) {
        return -XEN_EINVAL;
    }
    if (status != OK) {
        return xen_errno(status);
    }
    if ((arg->flags & DMOP_NO_GFNS) == 0) {
        return -XEN_EOPNOTSUPP; /* the page comes from acquire_resource */
    }
    arg->bufioreq_port = 0;
    return 0;
}

/* Which accesses a server gets is declared: nothing changes. */
static int64_t range(struct domain *caller, uint16_t domid, const struct xen_dm_range *arg)
{
    const struct domain_record *record = domain_by_domid(domid)->record;
    struct frontend *pair;
    enum status status = frontend_find(caller, domid, arg->id, &pair);

    if (arg->pad != 0 || arg->start > arg->end) {
        return -XEN_EINVAL;
    }
    if (status != OK) {
        return xen_errno(status);
    }
    if (arg->type != DMOP_MEMORY) {
        return -XEN_EINVAL;
    }
    for (uint32_t i = 0; i < record->nr_ioreq_ranges; i++) {
        const struct domain_ioreq_range *r = &record->ioreq_ranges[i];

        if (r->server == arg->id && arg->start - r->ipa.v < r->size && arg->end - r->ipa.v < r->size) {
            return 0;
        }
    }
    return -XEN_EPERM;
}

static int64_t attach(struct vcpu *vcpu, uint16_t domid, uint16_t id, bool on, bool destroy)
{
    struct domain *caller = vcpu->domain;
    struct frontend *pair;
    enum status status = frontend_find(caller, domid, id, &pair);

    if (status != OK) {
        return xen_errno(status);
    }
    status = frontend_attach(caller, pair, on);
    if (status == ERR_BUSY) {
        return hypercall_again(vcpu);
    }
    if (destroy) {
        __atomic_store_n(&pair->created, false, __ATOMIC_RELAXED);
    }
    return xen_errno(status); /* -EINVAL: the frontend does not run */
}

/* An edge, as a store to the doorbell of that interrupt makes it. Level 0 is nothing, as in Xen. */
static int64_t set_irq_level(const struct domain *caller, uint16_t domid, const struct xen_dm_irq_level *arg)
{
    if (arg->irq < FIRST_SPI || arg->irq > LAST_SPI || arg->level > 1u ||
        (arg->pad[0] | arg->pad[1] | arg->pad[2]) != 0) {
        return -XEN_EINVAL;
    }
    return doorbell_interrupt(caller->record, domid, (uint16_t)arg->irq, arg->level != 0) ? 0 : -XEN_EPERM;
}

static int64_t operate(struct vcpu *vcpu, uint16_t domid, struct xen_dm_op *op)
{
    switch (op->op) {
    case DMOP_CREATE_SERVER:
        return create(vcpu->domain, domid, &op->u.create);
    case DMOP_GET_INFO:
        return get_info(vcpu->domain, domid, &op->u.info);
    case DMOP_MAP_RANGE:
    case DMOP_UNMAP_RANGE:
        return range(vcpu->domain, domid, &op->u.range);
    case DMOP_SET_STATE:
        return op->u.state.pad != 0 ? -XEN_EINVAL
                                    : attach(vcpu, domid, op->u.state.id, op->u.state.enabled != 0, false);
    case DMOP_DESTROY_SERVER:
        return op->u.destroy.pad != 0 ? -XEN_EINVAL : attach(vcpu, domid, op->u.destroy.id, false, true);
    case DMOP_SET_IRQ_LEVEL:
        return set_irq_level(vcpu->domain, domid, &op->u.irq_level);
    default:
        op->u.nr_vcpus.vcpus = domain_by_domid(domid)->record->nr_vcpus;
        return 0;
    }
}

static bool has_answer(uint32_t op)
{
    return op == DMOP_CREATE_SERVER || op == DMOP_GET_INFO || op == DMOP_NR_VCPUS;
}

static int64_t first_buffer(struct vcpu *vcpu, uint16_t domid, const struct xen_dm_buf *buf)
{
    struct xen_dm_op op = {0};
    va_t at = {buf->at};
    uint64_t size;
    int64_t result;

    if (buf->size < DMOP_HEADER_SIZE || copy_from_guest(vcpu, &op, at, DMOP_HEADER_SIZE) != OK) {
        return -XEN_EFAULT;
    }
    size = DMOP_HEADER_SIZE + size_of(op.op);
    if (size == DMOP_HEADER_SIZE) {
        return -XEN_EOPNOTSUPP;
    }
    if (buf->size < size || copy_from_guest(vcpu, &op, at, size) != OK ||
        (has_answer(op.op) && guest_writable(vcpu, at, size) != OK)) {
        return -XEN_EFAULT;
    }
    if (op.pad != 0) {
        return -XEN_EINVAL;
    }
    result = operate(vcpu, domid, &op);
    if (result == 0 && has_answer(op.op) && copy_to_guest(vcpu, at, &op, size) != OK) {
        result = -XEN_EFAULT;
    }
    return result;
}

int64_t dm_op(struct vcpu *vcpu)
{
    uint16_t domid = (uint16_t)vcpu->x[0];
    uint32_t nr_bufs = (uint32_t)vcpu->x[1];
    const struct domain *target = domain_by_domid(domid);
    struct xen_dm_buf bufs[DMOP_MAX_BUFS];

    if (nr_bufs > DMOP_MAX_BUFS) {
        return -XEN_E2BIG;
    }
    if (nr_bufs == 0) {
        return -XEN_ENODATA;
    }
    if (copy_from_guest(vcpu, bufs, (va_t){vcpu->x[2]}, nr_bufs * sizeof bufs[0]) != OK) {
        return -XEN_EFAULT;
    }
    if (target == NULL) {
        return -XEN_ESRCH;
    }
    if (first_pair(vcpu->domain, domid) == NULL) {
        return -XEN_EPERM;
    }
    return first_buffer(vcpu, domid, &bufs[0]);
}

/* XENMEM_acquire_resource of a server: its page appears where the caller says, too. */
int64_t acquire_ioreq_page(struct vcpu *vcpu, uint16_t domid, uint32_t server, ipa_t at)
{
    struct domain *caller = vcpu->domain;
    struct frontend *pair;
    enum status status =
        server > UINT16_MAX ? ERR_NOENT : frontend_find(caller, domid, (uint16_t)server, &pair);

    if (status != OK) {
        return xen_errno(status);
    }
    return xen_errno(physmap_move(caller, &pair->acquired_at, at, stage1_pa(pair->page)));
}
