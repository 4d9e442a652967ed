/* SPDX-License-Identifier: Apache-2.0 */
/* The shadow of guest memory, pointers of guests, and what lies where. */
#include "internal.h"

void model_fail(struct model *m, const char *what, uint64_t want, uint64_t got, uint64_t where)
{
    if (m->failure == NULL) {
        m->failure = what;
        m->want = want;
        m->got = got;
        m->where = where;
    }
}

/* --- the shadow --- */

void shadow_touch(struct model *m, unsigned page)
{
    m->touched[page / 64u] |= UINT64_C(1) << page % 64u;
}

void shadow_adopt(struct model *m, unsigned page, unsigned offset, unsigned size)
{
    copy_bytes(&m->shadow[page][offset], m->machine.page(m->machine.context, page) + offset, size);
}

uint64_t shadow_get(const struct model *m, unsigned page, unsigned offset, unsigned size)
{
    return bytes_get(&m->shadow[page][offset], size);
}

void shadow_put(struct model *m, unsigned page, unsigned offset, unsigned size, uint64_t value)
{
    bytes_put(&m->shadow[page][offset], size, value);
    shadow_touch(m, page);
}

uint64_t machine_get(const struct model *m, unsigned page, unsigned offset, unsigned size)
{
    return bytes_get(m->machine.page(m->machine.context, page) + offset, size);
}

void model_sync(struct model *model, unsigned page, unsigned offset, unsigned size)
{
    shadow_adopt(model, page, offset, size);
}

/* --- what lies where --- */

unsigned model_slot_of(const struct model_domain *domain, uint64_t gfn)
{
    if (gfn - domain->ram < MODEL_RAM) {
        return (unsigned)(gfn - domain->ram);
    }
    return gfn - domain->window < MODEL_WINDOW ? (unsigned)(gfn - domain->window) + MODEL_RAM : MODEL_NO_SLOT;
}

uint64_t model_gfn_of(const struct model_domain *domain, unsigned slot)
{
    return slot < MODEL_RAM ? domain->ram + slot : domain->window + slot - MODEL_RAM;
}

void slot_replace(struct model *m, unsigned domain, unsigned slot, struct model_slot with)
{
    m->domains[domain].slots[slot] = with;
    m->repopulated = true;
}

static bool same(const struct model_slot *a, const struct model_slot *b)
{
    return a->kind == MODEL_HOLE || b->kind == MODEL_HOLE ? a->kind == b->kind
                                                          : a->page == b->page && a->readonly == b->readonly;
}

static struct model_slot look(struct model *m, unsigned domain, unsigned slot)
{
    struct model_slot now = {0};

    m->machine.lookup(m->machine.context, domain, model_gfn_of(&m->domains[domain], slot), &now);
    return now;
}

bool slot_check(struct model *m, unsigned domain, unsigned slot)
{
    struct model_slot now = look(m, domain, slot), *want = &m->domains[domain].slots[slot];

    if (!same(want, &now)) {
        model_fail(m, "stage 2",
                   want->kind == MODEL_HOLE ? 0 : want->page | (uint64_t)want->readonly << 16 | 1u << 17,
                   now.kind == MODEL_HOLE ? 0 : now.page | (uint64_t)now.readonly << 16 | 1u << 17,
                   model_gfn_of(&m->domains[domain], slot));
        return false;
    }
    return true;
}

void slot_choose(struct model *m, unsigned domain, unsigned slot, struct model_slot with)
{
    struct model_slot now = look(m, domain, slot);

    if (same(&with, &now)) {
        slot_replace(m, domain, slot, with);
    }
    m->repopulated = true;
}

/* --- pointers --- */

bool guest_place(struct model *m, unsigned domain, uint64_t va, bool write, struct place *place)
{
    const struct model_domain *d = &m->domains[domain];
    const struct model_slot *slot;
    uint64_t ipa = va;
    unsigned index;

    if (m->machine.stage1 != NULL && !m->machine.stage1(m->machine.context, domain, va, write, &ipa)) {
        return false;
    }
    index = model_slot_of(d, ipa / MODEL_PAGE);
    if (index == MODEL_NO_SLOT) {
        return false;
    }
    slot = &d->slots[index];
    if (slot->kind == MODEL_HOLE || (write && slot->readonly)) {
        return false;
    }
    *place = (struct place){slot->page, (unsigned)(ipa % MODEL_PAGE)};
    return true;
}

static unsigned piece(uint64_t va, uint64_t left)
{
    uint64_t size = MODEL_PAGE - va % MODEL_PAGE;

    return (unsigned)(size < left ? size : left);
}

bool guest_accessible(struct model *m, unsigned domain, uint64_t va, uint64_t size, bool write)
{
    struct place place;

    for (uint64_t done = 0; done < size; done += piece(va + done, size - done)) {
        if (!guest_place(m, domain, va + done, write, &place)) {
            return false;
        }
    }
    return true;
}

bool guest_read(struct model *m, unsigned domain, uint64_t va, void *to, unsigned size)
{
    struct place place;

    for (unsigned done = 0, part; done < size; done += part) {
        part = piece(va + done, size - done);
        if (!guest_place(m, domain, va + done, false, &place)) {
            return false;
        }
        copy_bytes((uint8_t *)to + done, &m->shadow[place.page][place.offset], part);
    }
    return true;
}

bool guest_write(struct model *m, unsigned domain, uint64_t va, const void *from, unsigned size)
{
    struct place place;

    for (unsigned done = 0, part; done < size; done += part) {
        part = piece(va + done, size - done);
        if (!guest_place(m, domain, va + done, true, &place)) {
            return false;
        }
        copy_bytes(&m->shadow[place.page][place.offset], (const uint8_t *)from + done, part);
        shadow_touch(m, place.page);
    }
    return true;
}

bool guest_peek(struct model *m, unsigned domain, uint64_t va, void *to, unsigned size)
{
    struct place place;

    for (unsigned done = 0, part; done < size; done += part) {
        part = piece(va + done, size - done);
        if (!guest_place(m, domain, va + done, false, &place)) {
            return false;
        }
        copy_bytes((uint8_t *)to + done, m->machine.page(m->machine.context, place.page) + place.offset,
                   part);
    }
    return true;
}

void guest_adopt(struct model *m, unsigned domain, uint64_t va, unsigned size)
{
    struct place place;

    for (unsigned done = 0, part; done < size; done += part) {
        part = piece(va + done, size - done);
        if (!guest_place(m, domain, va + done, true, &place)) {
            return;
        }
        shadow_adopt(m, place.page, place.offset, part);
        shadow_touch(m, place.page);
    }
}

/* --- structures --- */

void arg_read(struct model *m, unsigned domain, struct arg *arg, uint64_t va, unsigned size,
              struct verdict *v)
{
    clear_bytes(arg->bytes, sizeof arg->bytes);
    arg->va = va;
    arg->readable = guest_read(m, domain, va, arg->bytes, size);
    if (!arg->readable) {
        verdict_deny(v, EFAULT);
        v->unreadable = true;
    }
}

void arg_out(struct model *m, unsigned domain, const struct arg *arg, unsigned size, unsigned offset,
             unsigned out_size, struct verdict *v)
{
    if (!guest_accessible(m, domain, arg->va + offset, out_size, true)) {
        verdict_deny(v, EFAULT);
    } else if (!guest_accessible(m, domain, arg->va, size, true)) {
        verdict_allow(v, EFAULT);
    }
}

uint64_t arg_get(const struct arg *arg, unsigned offset, unsigned size)
{
    return bytes_get(&arg->bytes[offset], size);
}
