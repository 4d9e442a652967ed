/* SPDX-License-Identifier: Apache-2.0 */
/* memory_op: what lies where in a domain's frame numbers. Pages of RAM have a home; they are parked while
 * something else or nothing lies there. */
#include "internal.h"

#define OP_BITS       6u
#define SPACE_INFO    0u
#define SPACE_GRANT   1u
#define MAX_ORDER     9u
#define EXTENTS_LIMIT 64u /* the model follows no further */

enum {
    OP_INCREASE = 0,
    OP_DECREASE = 1,
    OP_CURRENT = 3,
    OP_MAXIMUM = 4,
    OP_POPULATE = 6,
    OP_ADD = 7,
    OP_MEMORY_MAP = 9,
    OP_REMOVE = 15,
    OP_BATCH = 23,
    OP_ACQUIRE = 28
};

static struct model_slot home(unsigned domain, unsigned slot)
{
    if (slot >= MODEL_RAM) {
        return (struct model_slot){.kind = MODEL_HOLE};
    }
    return (struct model_slot){.kind = MODEL_OWN, .page = (uint16_t)MODEL_RAM_PAGE(domain, slot)};
}

static unsigned shared_at(const struct model *m, unsigned domain, unsigned page)
{
    for (unsigned i = 0; i < MODEL_SLOTS; i++) {
        const struct model_slot *slot = &m->domains[domain].slots[i];

        if (slot->kind == MODEL_SHARED && slot->page == page) {
            return i;
        }
    }
    return MODEL_NO_SLOT;
}

/* A page of the hypervisor's appears; it leaves a hole where it was, or the RAM whose home that is. */
static void place_shared(struct model *m, unsigned domain, unsigned page, unsigned slot)
{
    unsigned before = shared_at(m, domain, page);

    if (before != MODEL_NO_SLOT && before != slot) {
        slot_replace(m, domain, before, (struct model_slot){.kind = MODEL_HOLE});
        slot_choose(m, domain, before, home(domain, before));
    }
    if (slot != MODEL_NO_SLOT) {
        slot_replace(m, domain, slot, (struct model_slot){.kind = MODEL_SHARED, .page = (uint16_t)page});
    }
}

/* A frame number that is not watched: what is there is not known, unless there is no such address at all. */
static void unwatched(uint64_t gfn, struct verdict *v)
{
    if (gfn >> 36 != 0) {
        verdict_deny(v, EINVAL);
    } else {
        verdict_allow(v, EINVAL);
    }
}

static void add(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    uint64_t space, index;
    unsigned slot, page;

    arg_read(m, call->domain, &arg, call->args[1], 24, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    space = arg_get(&arg, 4, 4);
    index = arg_get(&arg, 8, 8);
    slot = model_slot_of(&m->domains[call->domain], arg_get(&arg, 16, 8));
    page = MODEL_SHARED_INFO(call->domain);
    if (space == SPACE_GRANT) {
        page = MODEL_GRANT_FRAME(call->domain, (unsigned)(index % MODEL_FRAMES));
        if (index >= m->config.max_frames) {
            verdict_deny(&v, EINVAL);
        } else if (shared_at(m, call->domain, page) != MODEL_NO_SLOT) {
            verdict_allow(&v, EBUSY); /* or it moves, as shared_info does */
        }
    } else if (space != SPACE_INFO) {
        verdict_deny(&v, ENOSYS);
        verdict_allow(&v, EINVAL);
        verdict_allow(&v, EPERM);
        verdict_allow(&v, EOPNOTSUPP);
    } else if (index != 0) {
        verdict_deny(&v, EINVAL);
    }
    if (slot == MODEL_NO_SLOT) {
        unwatched(arg_get(&arg, 16, 8), &v);
    }
    if (model_settle(m, &v, call->result)) {
        if (space == SPACE_GRANT && m->domains[call->domain].nr_frames != 0) {
            grant_shared_frames(m, call->domain, index + 1u);
        }
        place_shared(m, call->domain, page, slot);
    }
}

static void remove_one(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    unsigned slot;

    arg_read(m, call->domain, &arg, call->args[1], 16, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    slot = model_slot_of(&m->domains[call->domain], arg_get(&arg, 8, 8));
    if (slot == MODEL_NO_SLOT) {
        unwatched(arg_get(&arg, 8, 8), &v);
        verdict_allow(&v, ENOENT);
    } else if (m->domains[call->domain].slots[slot].kind == MODEL_HOLE) {
        verdict_deny(&v, ENOENT);
    } else if (m->domains[call->domain].slots[slot].kind == MODEL_FOREIGN) {
        verdict_allow(&v, EINVAL); /* a grant mapping is for unmap to undo */
        verdict_allow(&v, EBUSY);
        verdict_allow(&v, EPERM);
        verdict_allow(&v, ENOENT);
    }
    if (model_settle(m, &v, call->result) && slot != MODEL_NO_SLOT) {
        bool shared = m->domains[call->domain].slots[slot].kind == MODEL_SHARED;

        slot_replace(m, call->domain, slot, (struct model_slot){.kind = MODEL_HOLE});
        if (shared) {
            slot_choose(m, call->domain, slot, home(call->domain, slot));
        }
    }
}

/* --- reservations --- */

/* One page of an extent; it was carried out if `done`. False: this one cannot have been, or cannot have
 * failed. */
static bool decrease_one(struct model *m, unsigned domain, uint64_t gfn, bool done)
{
    unsigned slot = model_slot_of(&m->domains[domain], gfn);
    unsigned kind = slot == MODEL_NO_SLOT ? MODEL_HOLE : m->domains[domain].slots[slot].kind;

    if (!done) {
        return kind != MODEL_OWN;
    }
    if (kind == MODEL_HOLE) {
        return false;
    }
    slot_replace(m, domain, slot, (struct model_slot){.kind = MODEL_HOLE});
    return true;
}

static bool populate_one(struct model *m, unsigned domain, uint64_t gfn, bool done)
{
    unsigned slot = model_slot_of(&m->domains[domain], gfn);
    bool has_home = slot < MODEL_RAM;

    if (!done) {
        return !has_home || m->domains[domain].slots[slot].kind != MODEL_HOLE;
    }
    if (!has_home) {
        return false;
    }
    slot_choose(m, domain, slot, home(domain, slot));
    return m->domains[domain].slots[slot].kind != MODEL_HOLE;
}

typedef bool (*page_t)(struct model *m, unsigned domain, uint64_t gfn, bool done);

/* An extent that was not done: one of its pages is the reason, and those before it may have been done. */
static bool given_up(struct model *m, unsigned domain, uint64_t gfn, uint64_t size, page_t one)
{
    for (uint64_t i = 0; i < size; i++) {
        unsigned slot = model_slot_of(&m->domains[domain], gfn + i);

        if (one(m, domain, gfn + i, false)) {
            return true;
        }
        slot_choose(m, domain, slot,
                    one == decrease_one ? (struct model_slot){.kind = MODEL_HOLE} : home(domain, slot));
    }
    return false;
}

static void extents(struct model *m, const struct model_call *call, const struct arg *arg, page_t one)
{
    uint64_t start = call->args[0] >> OP_BITS, list = arg_get(arg, 0, 8), end = arg_get(arg, 8, 8);
    uint64_t count = (uint64_t)call->result, size = UINT64_C(1) << arg_get(arg, 16, 4);
    uint8_t gfn[8];

    if (count < start || (count > end && count != start) || count - start > EXTENTS_LIMIT) {
        model_fail(m, "number of extents", end, count, start);
        return;
    }
    for (uint64_t i = start * size; i < count * size; i++) {
        if (!guest_read(m, call->domain, list + i / size * 8u, gfn, 8) ||
            !one(m, call->domain, bytes_get(gfn, 8) + i % size, true)) {
            model_fail(m, "an extent that cannot be done", i, count, bytes_get(gfn, 8));
            return;
        }
    }
    if (count < end && guest_read(m, call->domain, list + count * 8u, gfn, 8) &&
        !given_up(m, call->domain, bytes_get(gfn, 8), size, one)) {
        model_fail(m, "an extent that was not done", end, count, bytes_get(gfn, 8));
    }
}

static void reservation(struct model *m, const struct model_call *call, unsigned op)
{
    struct verdict v = {0}, none = {0};
    struct arg arg;
    uint64_t start = call->args[0] >> OP_BITS, order, domid;

    arg_read(m, call->domain, &arg, call->args[1], 32, &v);
    if (v.failing) {
        model_settle(m, &v, call->result);
        return;
    }
    order = arg_get(&arg, 16, 4);
    domid = arg_get(&arg, 24, 2);
    if (domain_by_id(m, call->domain, domid) != call->domain || order > MAX_ORDER || op == OP_INCREASE) {
        verdict_allow(&none, EPERM);
        verdict_allow(&none, ESRCH);
        verdict_allow(&none, EINVAL);
        verdict_allow(&none, ENOSYS);
        if (model_settle(m, &none, call->result) && (uint64_t)call->result != start) {
            model_fail(m, "extents of a reservation that is refused", start, (uint64_t)call->result, order);
        }
        return;
    }
    if (model_settle(m, &v, call->result)) {
        extents(m, call, &arg, op == OP_DECREASE ? decrease_one : populate_one);
    }
}

/* Numbers of pages: how much RAM there is beside what is watched is not known here. */
static void pages(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    arg_read(m, call->domain, &arg, call->args[1], 2, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    if (model_settle(m, &v, call->result) && call->result < 2) {
        model_fail(m, "pages of a domain", MODEL_RAM, (uint64_t)call->result, 0);
    }
}

void model_memory_op(struct model *m, const struct model_call *call)
{
    unsigned op = (unsigned)(call->args[0] % (1u << OP_BITS));
    struct verdict v = {0};

    switch (op) {
    case OP_INCREASE:
    case OP_DECREASE:
    case OP_POPULATE:
        reservation(m, call, op);
        break;
    case OP_CURRENT:
    case OP_MAXIMUM:
        pages(m, call);
        break;
    case OP_ADD:
        add(m, call);
        break;
    case OP_REMOVE:
        remove_one(m, call);
        break;
    case OP_BATCH:
    case OP_ACQUIRE:
        verdict_deny(&v, EPERM);
        verdict_allow(&v, ESRCH);
        verdict_allow(&v, EINVAL);
        verdict_allow(&v, EFAULT);
        verdict_allow(&v, EOPNOTSUPP);
        /* fall through */
    default:
        verdict_deny(&v, ENOSYS);
        model_settle(m, &v, call->result);
        break;
    }
}
