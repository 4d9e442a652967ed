/* SPDX-License-Identifier: Apache-2.0 */
/* grant_table_op: x0 = command, x1 = array of structures, x2 = how many. One structure is served, then x1 and
 * x2 go on to the next one. The result is 0 even if structures failed; each has its status. */
#include "base/bits.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/grant.h"
#include "core/guest_copy.h"
#include "core/physmap.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_grant.h"
#include "guest/xen/xen_errno.h"

#define MAX_OP_SIZE   sizeof(struct xen_grant_copy)
#define COMMAND_BITS  12u /* of x0; above them: entries of setup_table's list that have been written */
#define LIST_AT_ONCE  32u
#define COUNT_REFUSED BIT(31) /* Xen reads a negative number */

/* What a handler writes back of its structure: [out, out_end). */
struct grant_command {
    void (*serve)(struct domain *domain, void *op);
    uint8_t size, out, out_end;
};

#define OUT_OF(type, first, last) \
    sizeof(type), offsetof(type, first), offsetof(type, last) + sizeof(((type *)NULL)->last)

/* The caller's own number may be written as DOMID_SELF. */
static uint16_t self_or(const struct domain *domain, uint16_t domid)
{
    return domid == DOMID_SELF ? domain->record->domid : domid;
}

/* Where devices of a domain that asks find the page that it has mapped: where it finds it itself, if an SMMU
 * translates for them. No address of the machine is for guests, but for a direct-map domain: it knows those
 * of its own RAM, and its devices see no other. */
static uint64_t bus_address(struct domain *domain, const struct xen_grant_map *m)
{
    bool told = (m->flags & GNTMAP_DEVICE_MAP) != 0 && (domain->record->flags & DOMAIN_DIRECT_MAP) != 0;
    struct physmap_page page;

    if (dma_is_translated(domain)) {
        return (m->flags & GNTMAP_DEVICE_MAP) != 0 ? align_down(m->host_addr, PAGE_SIZE) : 0;
    }
    return told && physmap_look(domain, IPA(m->host_addr), &page) ? page.pa.v : 0;
}

static void map(struct domain *domain, void *op)
{
    struct xen_grant_map *m = op;

    if ((m->flags & ~(GNTMAP_READ_ONLY | GNTMAP_DEVICE_MAP)) != GNTMAP_HOST_MAP) {
        m->status = GRANT_ERROR;
        return;
    }
    m->status = (int16_t)grant_map(domain, m->dom, m->ref, IPA(m->host_addr),
                                   (m->flags & GNTMAP_READ_ONLY) != 0, &m->handle);
    if (m->status == GRANT_OKAY) {
        m->dev_bus_addr = bus_address(domain, m);
    }
}

static void unmap(struct domain *domain, void *op)
{
    struct xen_grant_unmap *u = op;

    u->status = (int16_t)grant_unmap(domain, u->handle, IPA(u->host_addr));
}

static void unmap_and_replace(struct domain *domain, void *op)
{
    struct xen_grant_unmap_and_replace *u = op;

    (void)domain;
    u->status = GRANT_ERROR;
}

static struct grant_side side_of(const struct domain *domain, const struct xen_grant_copy_side *side,
                                 bool by_ref)
{
    return (struct grant_side){
        .domid = self_or(domain, side->domid),
        .by_ref = by_ref,
        .ref_or_gfn = side->ref_or_gmfn,
        .offset = side->offset,
    };
}

static void copy(struct domain *domain, void *op)
{
    struct xen_grant_copy *c = op;
    struct grant_side from = side_of(domain, &c->source, (c->flags & GNTCOPY_SOURCE_REF) != 0);
    struct grant_side to = side_of(domain, &c->dest, (c->flags & GNTCOPY_DEST_REF) != 0);

    c->status = (int16_t)grant_copy(domain, &from, &to, c->len);
}

static int16_t own_table(const struct domain *domain, uint16_t domid)
{
    uint16_t number = self_or(domain, domid);

    if (domain_by_domid(number) == NULL) {
        return GRANT_BAD_DOMAIN;
    }
    return number == domain->record->domid ? GRANT_OKAY : GRANT_PERMISSION;
}

static void query_size(struct domain *domain, void *op)
{
    struct xen_grant_query *q = op;

    q->status = own_table(domain, q->dom);
    if (q->status == GRANT_OKAY) {
        q->nr_frames = domain->grants->nr_active;
        q->max_nr_frames = domain->grants->nr_frames;
    }
}

static const struct grant_command commands[GNTTABOP_UNMAP_AND_REPLACE + 1] = {
    [GNTTABOP_MAP] = {map, OUT_OF(struct xen_grant_map, status, dev_bus_addr)},
    [GNTTABOP_UNMAP] = {unmap, OUT_OF(struct xen_grant_unmap, status, status)},
    [GNTTABOP_COPY] = {copy, OUT_OF(struct xen_grant_copy, status, status)},
    [GNTTABOP_QUERY_SIZE] = {query_size, OUT_OF(struct xen_grant_query, nr_frames, status)},
    [GNTTABOP_UNMAP_AND_REPLACE] = {unmap_and_replace,
                                    OUT_OF(struct xen_grant_unmap_and_replace, status, status)},
};

static int64_t serve_one(struct vcpu *vcpu, const struct grant_command *command)
{
    _Alignas(uint64_t) uint8_t op[MAX_OP_SIZE];
    uint64_t at = vcpu->x[1];
    va_t out = {at + command->out};
    size_t out_size = (size_t)command->out_end - command->out;

    if (copy_from_guest(vcpu, op, (va_t){at}, command->size) != OK ||
        guest_writable(vcpu, out, out_size) != OK) {
        return -XEN_EFAULT;
    }
    command->serve(vcpu->domain, op);
    return copy_to_guest(vcpu, out, op + command->out, out_size) == OK ? 0 : -XEN_EFAULT;
}

static int64_t serve_array(struct vcpu *vcpu, const struct grant_command *command, uint32_t count)
{
    int64_t result;

    if (count == 0) {
        return 0;
    }
    result = serve_one(vcpu, command);
    if (result != 0 || count == 1) {
        return result;
    }
    vcpu->x[1] += command->size;
    vcpu->x[2] = count - 1u;
    return hypercall_again(vcpu);
}

/* Frame numbers [from, to) of where the domain has mapped its table; all-ones where it has not. */
static enum status write_list(struct vcpu *vcpu, uint64_t list, uint32_t from, uint32_t to)
{
    const struct grants *grants = vcpu->domain->grants;
    uint64_t gfns[LIST_AT_ONCE];

    for (uint32_t i = from; i < to; i++) {
        uint64_t at = __atomic_load_n(&grants->frame_at[i].v, __ATOMIC_RELAXED);

        gfns[i - from] = at == ~UINT64_C(0) ? at : at / PAGE_SIZE;
    }
    return copy_to_guest(vcpu, (va_t){list + from * sizeof gfns[0]}, gfns, (to - from) * sizeof gfns[0]);
}

static int64_t setup_table(struct vcpu *vcpu)
{
    va_t at = {vcpu->x[1]}, out = {vcpu->x[1] + offsetof(struct xen_grant_setup, status)};
    uint32_t done = (uint32_t)vcpu->x[0] >> COMMAND_BITS, next;
    struct xen_grant_setup setup;

    if (copy_from_guest(vcpu, &setup, at, sizeof setup) != OK ||
        guest_writable(vcpu, out, sizeof setup.status) != OK) {
        return -XEN_EFAULT;
    }
    setup.status = own_table(vcpu->domain, setup.dom);
    if (setup.status == GRANT_OKAY && !grant_grow(vcpu->domain, setup.nr_frames)) {
        setup.status = GRANT_ERROR;
    }
    if (setup.status == GRANT_OKAY && done < setup.nr_frames) {
        next = (uint32_t)min_u64(setup.nr_frames, (uint64_t)done + LIST_AT_ONCE);
        if (write_list(vcpu, setup.frame_list, done, next) != OK) {
            setup.status = GRANT_BAD_ADDRESS;
        } else if (next < setup.nr_frames) {
            vcpu->x[0] = (uint64_t)next << COMMAND_BITS | GNTTABOP_SETUP_TABLE;
            return hypercall_again(vcpu);
        }
    }
    return copy_to_guest(vcpu, out, &setup.status, sizeof setup.status) == OK ? 0 : -XEN_EFAULT;
}

static int64_t set_version(struct vcpu *vcpu)
{
    uint32_t version;

    if (copy_from_guest(vcpu, &version, (va_t){vcpu->x[1]}, sizeof version) != OK) {
        return -XEN_EFAULT;
    }
    if (version != 1) {
        return version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    }
    return 0;
}

static int64_t get_version(struct vcpu *vcpu)
{
    struct xen_grant_get_version get;
    va_t at = {vcpu->x[1]}, out = {vcpu->x[1] + offsetof(struct xen_grant_get_version, version)};
    const struct domain *domain = vcpu->domain;

    if (copy_from_guest(vcpu, &get, at, sizeof get) != OK) {
        return -XEN_EFAULT;
    }
    switch (own_table(domain, get.dom)) {
    case GRANT_OKAY:
        get.version = 1;
        return copy_to_guest(vcpu, out, &get.version, sizeof get.version) == OK ? 0 : -XEN_EFAULT;
    case GRANT_BAD_DOMAIN:
        return -XEN_ESRCH;
    default:
        return -XEN_EPERM;
    }
}

int64_t grant_table_op(struct vcpu *vcpu)
{
    uint32_t command = (uint32_t)vcpu->x[0], count = (uint32_t)vcpu->x[2];

    if ((count & COUNT_REFUSED) != 0) {
        return -XEN_EINVAL;
    }
    if (command % (1u << COMMAND_BITS) == GNTTABOP_SETUP_TABLE) {
        return count == 1 ? setup_table(vcpu) : -XEN_EINVAL;
    }
    if (command == GNTTABOP_SET_VERSION) {
        return set_version(vcpu);
    }
    if (command == GNTTABOP_GET_VERSION) {
        return get_version(vcpu);
    }
    if (command == GNTTABOP_QUERY_SIZE && count != 1) {
        return -XEN_EINVAL;
    }
    if (command < ARRAY_SIZE(commands) && commands[command].serve != NULL) {
        return serve_array(vcpu, &commands[command], count);
    }
    return -XEN_ENOSYS;
}
