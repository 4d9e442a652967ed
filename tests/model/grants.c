/* SPDX-License-Identifier: Apache-2.0 */
/* grant_table_op, version 1. */
#include "internal.h"

#define ENTRY_SIZE    8u
#define TYPE_MASK     3u
#define PERMIT_ACCESS 1u
#define READ_ONLY     4u
#define READING       8u
#define WRITING       16u

#define MAP_DEVICE   1u
#define MAP_HOST     2u
#define MAP_READONLY 4u

#define COPY_SOURCE_REF 1u
#define COPY_DEST_REF   2u

#define NO_MAP MODEL_MAPS

/* Minus the status codes, so that verdicts take them as they take errno. */
enum {
    GENERAL = 1,
    BAD_DOMAIN = 2,
    BAD_REF = 3,
    BAD_HANDLE = 4,
    BAD_ADDRESS = 5,
    NO_DEVICE_SPACE = 7,
    PERMISSION = 8,
    BAD_PAGE = 9,
    BAD_COPY = 10,
    NO_SPACE = 13
};

enum {
    OP_MAP = 0,
    OP_UNMAP = 1,
    OP_SETUP = 2,
    OP_COPY = 5,
    OP_QUERY = 6,
    OP_REPLACE = 7,
    OP_SET = 8,
    OP_GET = 10
};

/* --- the table --- */

bool grant_shared_frames(struct model *m, unsigned domain, uint64_t frames)
{
    if (frames > m->config.max_frames) {
        return false;
    }
    if (frames > m->domains[domain].nr_frames) {
        m->domains[domain].nr_frames = (uint32_t)frames;
    }
    return true;
}

/* Entries of frames that nobody has asked for yet may be usable or not. */
static bool entry_of(struct model *m, unsigned domain, uint64_t ref, unsigned *page, unsigned *offset)
{
    if (ref / MODEL_REFS >= m->config.max_frames) {
        return false;
    }
    *page = MODEL_GRANT_FRAME(domain, (unsigned)(ref / MODEL_REFS));
    *offset = (unsigned)(ref % MODEL_REFS) * ENTRY_SIZE;
    return true;
}

static unsigned active(const struct model *m, unsigned granter, uint64_t ref, bool writable)
{
    unsigned count = 0;

    for (unsigned d = 0; d < MODEL_DOMAINS; d++) {
        for (unsigned i = 0; i < m->domains[d].maps_end; i++) {
            const struct model_map *map = &m->domains[d].maps[i];

            count +=
                map->active && map->granter == granter && map->ref == ref && !(writable && map->readonly);
        }
    }
    return count;
}

/* Page that another mapping of the entry shows, or MODEL_UNKNOWN. */
static unsigned active_page(const struct model *m, unsigned granter, uint64_t ref)
{
    for (unsigned d = 0; d < MODEL_DOMAINS; d++) {
        for (unsigned i = 0; i < m->domains[d].maps_end; i++) {
            const struct model_map *map = &m->domains[d].maps[i];

            if (map->active && map->granter == granter && map->ref == ref) {
                return map->page;
            }
        }
    }
    return MODEL_UNKNOWN;
}

/* What a use of the grant may give: the page, and the reasons against it. `by` is the user. */
static unsigned use(struct model *m, unsigned by, uint64_t domid, uint64_t ref, bool write, struct verdict *v)
{
    unsigned granter = domain_by_id(m, by, domid), page, offset, slot;
    uint64_t flags, holder, frame;

    if (granter == MODEL_DOMAINS) {
        verdict_deny(v, domain_exists(m, domid) ? BAD_REF : BAD_DOMAIN);
        verdict_allow(v, GENERAL);
        return MODEL_UNKNOWN;
    }
    if (granter == by) {
        verdict_allow(v, BAD_DOMAIN); /* grants to oneself are not the point of them */
        verdict_allow(v, GENERAL);
    }
    if (!entry_of(m, granter, ref, &page, &offset)) {
        verdict_deny(v, BAD_REF);
        return MODEL_UNKNOWN;
    }
    if (ref / MODEL_REFS >= m->domains[granter].nr_frames) {
        verdict_allow(v, BAD_REF);
        if (m->domains[granter].nr_frames != 0) {
            verdict_deny(v, BAD_REF);
            return MODEL_UNKNOWN;
        }
    }
    flags = shadow_get(m, page, offset, 2);
    holder = shadow_get(m, page, offset + 2u, 2);
    frame = shadow_get(m, page, offset + 4u, 4);
    if (flags % (TYPE_MASK + 1u) != PERMIT_ACCESS || holder != m->domains[by].domid ||
        (write && (flags & READ_ONLY) != 0)) {
        verdict_deny(v, GENERAL);
        verdict_allow(v, BAD_REF);
        verdict_allow(v, PERMISSION);
    }
    slot = model_slot_of(&m->domains[granter], frame);
    if (slot == MODEL_NO_SLOT || m->domains[granter].slots[slot].kind != MODEL_OWN) {
        verdict_deny(v, BAD_PAGE);
        verdict_allow(v, GENERAL);
        return MODEL_UNKNOWN;
    }
    return m->domains[granter].slots[slot].page;
}

/* The marks of an entry after a use that has ended, or never began, and left no mapping. They are the
 * hypervisor's: where the granter wrote over them they may be as it wrote them, or as the mappings that there
 * are want them. */
static void settle_marks(struct model *m, unsigned by, uint64_t domid, uint64_t ref)
{
    unsigned granter = domain_by_id(m, by, domid), page, offset;
    uint64_t before, now, wanted;

    if (granter == MODEL_DOMAINS || !entry_of(m, granter, ref, &page, &offset)) {
        return;
    }
    before = shadow_get(m, page, offset, 2);
    now = machine_get(m, page, offset, 2);
    wanted = (active(m, granter, ref, false) != 0 ? READING : 0) |
             (active(m, granter, ref, true) != 0 ? WRITING : 0);
    for (uint64_t bit = READING; bit <= WRITING; bit *= 2u) {
        if ((now & bit) == (wanted & bit)) {
            before = (before & ~bit) | (now & bit);
        }
    }
    shadow_put(m, page, offset, 2, before);
}

/* --- map and unmap --- */

static unsigned free_map(const struct model *m, unsigned domain)
{
    unsigned end = m->domains[domain].maps_end, used = 0, free = end;

    for (unsigned i = end; i > 0; i--) {
        if (m->domains[domain].maps[i - 1u].active) {
            used++;
        } else {
            free = i - 1u;
        }
    }
    return used < m->config.max_maps && free < MODEL_MAPS ? free : NO_MAP;
}

static unsigned map_of(const struct model *m, unsigned domain, uint64_t handle)
{
    for (unsigned i = 0; i < m->domains[domain].maps_end; i++) {
        if (m->domains[domain].maps[i].active && m->domains[domain].maps[i].handle == handle) {
            return i;
        }
    }
    return NO_MAP;
}

/* An element of the array of a call; `out` is the offset of the first and last byte written. */
static bool element(struct model *m, const struct model_call *call, uint64_t index, unsigned size,
                    unsigned out, unsigned out_end, struct arg *arg)
{
    struct verdict v = {0};

    arg_read(m, call->domain, arg, call->args[1] + index * size, size, &v);
    arg_out(m, call->domain, arg, size, out, out_end - out, &v);
    if (v.errors[0] == 0) {
        return true;
    }
    /* A fault stops the call; one that only the written-back rest would take may. */
    if (call->result == -EFAULT || v.failing) {
        model_settle(m, &v, call->result);
        return false;
    }
    return true;
}

static int64_t status_at(struct model *m, const struct model_call *call, const struct arg *arg,
                         unsigned offset)
{
    uint8_t bytes[2];

    guest_peek(m, call->domain, arg->va + offset, bytes, sizeof bytes);
    guest_write(m, call->domain, arg->va + offset, bytes, sizeof bytes);
    return (int16_t)bytes_get(bytes, 2);
}

static void check_target(struct model *m, unsigned domain, uint64_t address, struct verdict *v)
{
    unsigned slot = model_slot_of(&m->domains[domain], address / MODEL_PAGE);

    if (slot == MODEL_NO_SLOT) {
        verdict_deny(v, BAD_ADDRESS);
        verdict_allow(v, GENERAL);
        verdict_allow(v, BAD_PAGE);
    } else if (address % MODEL_PAGE != 0 || m->domains[domain].slots[slot].kind >= MODEL_SHARED) {
        verdict_allow(v, BAD_ADDRESS); /* Xen ignores the rest of the address, and replaces what is there */
        verdict_allow(v, GENERAL);
    }
}

/* It succeeded; the machine chose the handle, and the page where another mapping shows another one. */
static void mapped(struct model *m, const struct model_call *call, const struct arg *arg, unsigned page)
{
    struct model_domain *d = &m->domains[call->domain];
    unsigned granter = domain_by_id(m, call->domain, arg_get(arg, 16, 2)), entry_page = 0, entry = 0;
    unsigned slot = model_slot_of(d, arg_get(arg, 0, 8) / MODEL_PAGE), index = free_map(m, call->domain);
    uint64_t ref = arg_get(arg, 12, 4), flags;
    bool readonly = (arg_get(arg, 8, 4) & MAP_READONLY) != 0;
    unsigned shown = active_page(m, granter, ref);
    uint8_t out[16];

    guest_peek(m, call->domain, arg->va + 20, out, 4);
    guest_write(m, call->domain, arg->va + 20, out, 4);
    if (map_of(m, call->domain, bytes_get(out, 4)) != NO_MAP) {
        model_fail(m, "a handle that is in use", 0, bytes_get(out, 4), arg->va);
        return;
    }
    d->maps[index] = (struct model_map){true,           readonly,         (uint16_t)page,
                                        (uint16_t)slot, (uint8_t)granter, (uint32_t)bytes_get(out, 4),
                                        (uint32_t)ref};
    d->maps_end = index < d->maps_end ? d->maps_end : index + 1u;
    slot_replace(m, call->domain, slot,
                 (struct model_slot){MODEL_FOREIGN, readonly, (uint16_t)page, (uint16_t)index});
    if (shown != MODEL_UNKNOWN && shown != page) {
        slot_choose(m, call->domain, slot,
                    (struct model_slot){MODEL_FOREIGN, readonly, (uint16_t)shown, (uint16_t)index});
        d->maps[index].page = d->slots[slot].page;
    }
    clear_bytes(out, sizeof out);
    guest_write(m, call->domain, arg->va + 24, out, 8); /* dev_bus_addr: no host address leaves the machine */
    entry_of(m, granter, ref, &entry_page, &entry);
    flags = shadow_get(m, entry_page, entry, 2);
    shadow_put(m, entry_page, entry, 2, flags | READING | (readonly ? 0 : WRITING));
}

static bool map_one(struct model *m, const struct model_call *call, uint64_t index)
{
    struct verdict v = {0};
    struct arg arg;
    uint64_t flags, ref, domid;
    unsigned page, granter;
    int64_t status;

    if (!element(m, call, index, 32, 18, 32, &arg)) {
        return false;
    }
    flags = arg_get(&arg, 8, 4);
    ref = arg_get(&arg, 12, 4);
    domid = arg_get(&arg, 16, 2);
    if ((flags & MAP_HOST) == 0 || (flags & ~(uint64_t)(MAP_DEVICE | MAP_HOST | MAP_READONLY)) != 0) {
        verdict_deny(&v, GENERAL);
    }
    check_target(m, call->domain, arg_get(&arg, 0, 8), &v);
    page = use(m, call->domain, domid, ref, (flags & MAP_READONLY) == 0, &v);
    granter = domain_by_id(m, call->domain, domid);
    if (free_map(m, call->domain) == NO_MAP) {
        verdict_deny(&v, NO_SPACE);
        verdict_allow(&v, GENERAL);
        verdict_allow(&v, NO_DEVICE_SPACE);
    }
    status = status_at(m, call, &arg, 18);
    if (status < 0 && granter < MODEL_DOMAINS && active(m, granter, ref, false) != 0) {
        verdict_allow(&v, GENERAL); /* mapped before the entry was changed; a strict reading refuses it */
    }
    if (model_settle(m, &v, status)) {
        mapped(m, call, &arg, page);
        return true;
    }
    settle_marks(m, call->domain, domid, ref);
    guest_adopt(m, call->domain, arg.va + 20, 12); /* without meaning after an error */
    return true;
}

static void unmapped(struct model *m, const struct model_call *call, unsigned index)
{
    struct model_domain *d = &m->domains[call->domain];
    struct model_map map = d->maps[index];
    const struct model_slot *slot = &d->slots[map.slot];
    unsigned page = 0, entry = 0;
    uint64_t flags;

    d->maps[index].active = false;
    if (slot->kind == MODEL_FOREIGN && slot->map == index) {
        slot_replace(m, call->domain, map.slot, (struct model_slot){.kind = MODEL_HOLE});
    } else if (slot->kind == MODEL_FOREIGN && slot->page == map.page) {
        slot_choose(m, call->domain, map.slot, (struct model_slot){.kind = MODEL_HOLE});
    }
    entry_of(m, map.granter, map.ref, &page, &entry);
    flags = shadow_get(m, page, entry, 2);
    if (active(m, map.granter, map.ref, false) == 0) {
        flags &= ~(uint64_t)READING;
    }
    if (active(m, map.granter, map.ref, true) == 0 && !map.readonly) {
        flags &= ~(uint64_t)WRITING;
    }
    shadow_put(m, page, entry, 2, flags);
}

static bool unmap_one(struct model *m, const struct model_call *call, uint64_t index)
{
    struct verdict v = {0};
    struct arg arg;
    const struct model_map *map;
    const struct model_slot *slot;
    unsigned found;
    uint64_t address;

    if (!element(m, call, index, 24, 20, 22, &arg)) {
        return false;
    }
    address = arg_get(&arg, 0, 8);
    found = map_of(m, call->domain, arg_get(&arg, 16, 4));
    if (found == NO_MAP) {
        verdict_deny(&v, BAD_HANDLE);
    } else {
        map = &m->domains[call->domain].maps[found];
        slot = &m->domains[call->domain].slots[map->slot];
        if (model_slot_of(&m->domains[call->domain], address / MODEL_PAGE) != map->slot) {
            verdict_deny(&v, BAD_ADDRESS);
            verdict_allow(&v, GENERAL);
        }
        if (address % MODEL_PAGE != 0 || slot->kind != MODEL_FOREIGN || slot->map != found) {
            verdict_allow(&v, BAD_ADDRESS); /* something else lies there by now */
            verdict_allow(&v, GENERAL);
        }
        if (arg_get(&arg, 8, 8) != 0) {
            verdict_allow(&v, GENERAL); /* no device address was given out */
        }
    }
    if (model_settle(m, &v, status_at(m, call, &arg, 20))) {
        unmapped(m, call, found);
    }
    return true;
}

/* --- copy --- */

/* Page of one side of a copy. */
static unsigned side(struct model *m, unsigned by, const struct arg *arg, unsigned at, bool is_ref,
                     bool write, struct verdict *v)
{
    uint64_t domid = arg_get(arg, at + 8u, 2), number = arg_get(arg, at, 8);
    const struct model_slot *slot;
    unsigned index;

    if (is_ref) {
        return use(m, by, domid, number % (UINT64_C(1) << 32), write, v);
    }
    if (domid != MODEL_DOMID_SELF) {
        verdict_allow(v, PERMISSION);
        if (domain_by_id(m, by, domid) != by) {
            verdict_deny(v, PERMISSION);
            verdict_allow(v, BAD_DOMAIN);
            return MODEL_UNKNOWN;
        }
    }
    index = model_slot_of(&m->domains[by], number);
    slot = index == MODEL_NO_SLOT ? NULL : &m->domains[by].slots[index];
    if (slot == NULL || slot->kind == MODEL_HOLE) {
        verdict_deny(v, BAD_PAGE);
        verdict_allow(v, GENERAL);
        return MODEL_UNKNOWN;
    }
    if (slot->kind != MODEL_OWN) {
        verdict_allow(v, BAD_PAGE); /* not its own RAM */
        verdict_allow(v, GENERAL);
        if (write && slot->readonly) {
            verdict_deny(v, BAD_PAGE);
            verdict_allow(v, PERMISSION);
        }
    }
    return slot->page;
}

static void copied(struct model *m, unsigned from, unsigned from_offset, unsigned to, unsigned to_offset,
                   unsigned size)
{
    uint8_t piece[64];

    shadow_touch(m, to);
    if (from == to && from_offset < to_offset + size && to_offset < from_offset + size) {
        shadow_adopt(m, to, to_offset, size); /* overlapping: the order is not defined */
        return;
    }
    for (unsigned done = 0; done < size; done += sizeof piece) {
        unsigned part = size - done < sizeof piece ? size - done : (unsigned)sizeof piece;

        copy_bytes(piece, &m->shadow[from][from_offset + done], part);
        copy_bytes(&m->shadow[to][to_offset + done], piece, part);
    }
}

static bool copy_one(struct model *m, const struct model_call *call, uint64_t index)
{
    struct verdict v = {0};
    struct arg arg;
    uint64_t flags, length, from_offset, to_offset;
    unsigned from, to;

    if (!element(m, call, index, 40, 36, 38, &arg)) {
        return false;
    }
    length = arg_get(&arg, 32, 2);
    flags = arg_get(&arg, 34, 2);
    from_offset = arg_get(&arg, 10, 2);
    to_offset = arg_get(&arg, 26, 2);
    if (from_offset + length > MODEL_PAGE || to_offset + length > MODEL_PAGE) {
        verdict_deny(&v, BAD_COPY);
    }
    if ((flags & ~(uint64_t)(COPY_SOURCE_REF | COPY_DEST_REF)) != 0) {
        verdict_allow(&v, GENERAL);
    }
    from = side(m, call->domain, &arg, 0, (flags & COPY_SOURCE_REF) != 0, false, &v);
    to = side(m, call->domain, &arg, 16, (flags & COPY_DEST_REF) != 0, true, &v);
    if (model_settle(m, &v, status_at(m, call, &arg, 36))) {
        copied(m, from, (unsigned)from_offset, to, (unsigned)to_offset, (unsigned)length);
    }
    if ((flags & COPY_SOURCE_REF) != 0) {
        settle_marks(m, call->domain, arg_get(&arg, 8, 2), arg_get(&arg, 0, 4));
    }
    if ((flags & COPY_DEST_REF) != 0) {
        settle_marks(m, call->domain, arg_get(&arg, 24, 2), arg_get(&arg, 16, 4));
    }
    return true;
}

/* --- questions about the table --- */

static bool query_one(struct model *m, const struct model_call *call, uint64_t index)
{
    struct verdict v = {0};
    struct arg arg;
    uint8_t out[8];
    uint64_t frames;

    if (!element(m, call, index, 16, 4, 14, &arg)) {
        return false;
    }
    if (domain_by_id(m, call->domain, arg_get(&arg, 0, 2)) != call->domain) {
        verdict_deny(&v, PERMISSION);
        verdict_allow(&v, BAD_DOMAIN);
    }
    guest_peek(m, call->domain, arg.va + 4, out, 8);
    guest_write(m, call->domain, arg.va + 4, out, 8);
    if (!model_settle(m, &v, status_at(m, call, &arg, 12))) {
        return true;
    }
    frames = bytes_get(out, 4);
    if (m->domains[call->domain].nr_frames == 0 && frames != 0 && frames <= m->config.max_frames) {
        m->domains[call->domain].nr_frames = (uint32_t)frames;
    }
    if (frames != m->domains[call->domain].nr_frames) {
        model_fail(m, "number of grant frames", m->domains[call->domain].nr_frames, frames, arg.va);
    }
    if (bytes_get(out + 4, 4) != m->config.max_frames) {
        model_fail(m, "limit of grant frames", m->config.max_frames, bytes_get(out + 4, 4), arg.va);
    }
    return true;
}

static bool setup_one(struct model *m, const struct model_call *call, uint64_t index)
{
    struct verdict v = {0};
    struct arg arg;
    uint64_t frames, list;

    if (!element(m, call, index, 24, 8, 10, &arg)) {
        return false;
    }
    frames = arg_get(&arg, 4, 4);
    list = arg_get(&arg, 16, 8);
    if (domain_by_id(m, call->domain, arg_get(&arg, 0, 2)) != call->domain) {
        verdict_deny(&v, PERMISSION);
        verdict_allow(&v, BAD_DOMAIN);
    }
    if (frames > m->config.max_frames) {
        verdict_deny(&v, GENERAL);
    } else if (!guest_accessible(m, call->domain, list, frames * 8u, true)) {
        verdict_deny(&v, BAD_ADDRESS);
        verdict_allow(&v, GENERAL);
    }
    if (model_settle(m, &v, status_at(m, call, &arg, 8))) {
        grant_shared_frames(m, call->domain, frames);
        for (unsigned i = 0; i < frames; i++) {
            guest_adopt(m, call->domain, list + i * 8u, 8); /* where they lie, if anywhere */
        }
    } else if (v.failing && frames <= m->config.max_frames) {
        for (unsigned i = 0; i < frames; i++) {
            guest_adopt(m, call->domain, list + i * 8u, 8);
        }
    }
    return true;
}

static bool replace_one(struct model *m, const struct model_call *call, uint64_t index)
{
    struct verdict v = {0};
    struct arg arg;

    if (!element(m, call, index, 24, 20, 22, &arg)) {
        return false;
    }
    verdict_deny_any(&v);
    model_settle(m, &v, status_at(m, call, &arg, 20));
    return true;
}

static void set_version(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    arg_read(m, call->domain, &arg, call->args[1], 4, &v);
    if (!guest_accessible(m, call->domain, call->args[1], 4, true)) {
        verdict_allow(&v, EFAULT);
    }
    if (arg_get(&arg, 0, 4) != 1) {
        verdict_deny(&v, ENOSYS);
        if (arg_get(&arg, 0, 4) != 2) {
            verdict_allow(&v, EINVAL);
        }
    }
    model_settle(m, &v, call->result);
}

static void get_version(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    uint8_t one[4] = {1};

    arg_read(m, call->domain, &arg, call->args[1], 8, &v);
    arg_out(m, call->domain, &arg, 8, 4, 4, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    if (model_settle(m, &v, call->result)) {
        guest_write(m, call->domain, arg.va + 4, one, sizeof one);
    }
}

typedef bool (*each_t)(struct model *m, const struct model_call *call, uint64_t index);

static void each(struct model *m, const struct model_call *call, each_t one)
{
    if (call->result != 0 && call->result != -EFAULT) {
        model_fail(m, "result of grant_table_op", 0, (uint64_t)call->result, 0);
        return;
    }
    for (uint64_t i = 0; i < call->args[2] && m->failure == NULL; i++) {
        if (!one(m, call, i)) {
            return;
        }
    }
    if (call->result != 0) {
        model_fail(m, "a fault where there is none", 0, (uint64_t)call->result, call->args[1]);
    }
}

/* Linux and Xen ask with a count of 1; another one may be refused. */
static bool count_refused(const struct model_call *call)
{
    return call->args[2] != 1 && call->result == -EINVAL;
}

void model_grant_op(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};

    switch (call->args[0]) {
    case OP_MAP:
        each(m, call, map_one);
        break;
    case OP_UNMAP:
        each(m, call, unmap_one);
        break;
    case OP_COPY:
        each(m, call, copy_one);
        break;
    case OP_SETUP:
    case OP_QUERY:
        if (!count_refused(call)) {
            each(m, call, call->args[0] == OP_SETUP ? setup_one : query_one);
        }
        break;
    case OP_REPLACE:
        if (call->result != -ENOSYS) {
            each(m, call, replace_one);
        }
        break;
    case OP_SET:
        if (!count_refused(call)) {
            set_version(m, call);
        }
        break;
    case OP_GET:
        if (!count_refused(call)) {
            get_version(m, call);
        }
        break;
    default:
        verdict_deny(&v, ENOSYS);
        verdict_allow(&v, EOPNOTSUPP);
        verdict_allow(&v, EPERM);
        model_settle(m, &v, call->result);
        break;
    }
}
