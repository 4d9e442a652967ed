/* SPDX-License-Identifier: Apache-2.0 */
#include "checked.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/sysreg.h"
#include "base/spinlock.h"
#include "base/string.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/pcpu.h"
#include "core/physmap.h"
#include "guest/xen/hypercall.h"

static struct spinlock lock;
static struct model model;
static struct model_config config;
static struct domain *pair[MODEL_DOMAINS];
static uint32_t begun; /* bit: domain */
static uint64_t calls;
static uint8_t *ram[MODEL_DOMAINS][MODEL_RAM];
static pa_t ram_pa[MODEL_DOMAINS];
uint32_t checked_interval = 1024;
bool checked_busy;

/* --- how the model sees the machine --- */

static pa_t home(unsigned domain, unsigned i)
{
    const struct domain_record *record = pair[domain]->record;
    uint64_t ipa = (config.ram[domain] + i) * PAGE_SIZE;

    for (uint32_t n = 0; n < record->nr_maps; n++) {
        const struct domain_map *map = &record->maps[n];

        if (map->kind == MAP_RAM && ipa - map->ipa.v < map->size) {
            return PA(map->pa.v + (ipa - map->ipa.v));
        }
    }
    return PA(0);
}

static uint8_t *at(unsigned page)
{
    const struct domain *domain = pair[page / MODEL_WATCHED];
    unsigned which = page % MODEL_WATCHED;

    if (which < MODEL_RAM) {
        return ram[page / MODEL_WATCHED][which];
    }
    return which == MODEL_RAM ? (uint8_t *)domain->events->shared
                              : (uint8_t *)domain->grants->entries + (which - MODEL_RAM - 1u) * PAGE_SIZE;
}

static const uint8_t *page_now(void *context, unsigned page)
{
    (void)context;
    return at(page);
}

/* What the model watches of a domain's RAM lies in one piece. */
static unsigned page_of(pa_t pa)
{
    for (unsigned d = 0; d < MODEL_DOMAINS; d++) {
        if (pa.v - ram_pa[d].v < MODEL_RAM * PAGE_SIZE) {
            return MODEL_RAM_PAGE(d, (unsigned)((pa.v - ram_pa[d].v) / PAGE_SIZE));
        }
        for (unsigned page = MODEL_SHARED_INFO(d); page < MODEL_GRANT_FRAME(d, config.max_frames); page++) {
            if (pa.v == stage1_pa(at(page)).v) {
                return page;
            }
        }
    }
    return MODEL_UNKNOWN;
}

static void lookup(void *context, unsigned domain, uint64_t gfn, struct model_slot *slot)
{
    struct physmap_page found;

    (void)context;
    slot->kind = MODEL_HOLE;
    if (physmap_look(pair[domain], IPA(gfn * PAGE_SIZE), &found)) {
        *slot = (struct model_slot){
            .kind = MODEL_OWN, .readonly = !found.writable, .page = (uint16_t)page_of(found.pa)};
    }
}

/* The own vCPU takes its work when it leaves; that of another pCPU may be done already. */
static bool upcall(void *context, unsigned domain, unsigned vcpu)
{
    const struct vcpu *of = &pair[domain]->vcpus[vcpu];

    (void)context;
#ifdef __aarch64__
    if (of->pcpu != this_pcpu()) {
        return true;
    }
#endif
    return (load_relaxed(&of->work) & WORK_EVENT) != 0;
}

static bool stage1(void *context, unsigned domain, uint64_t va, bool write, uint64_t *ipa)
{
    (void)context;
    (void)domain;
    *ipa = va;
    if (va - CHECKED_READONLY < CHECKED_READONLY_SIZE) {
        *ipa = va - CHECKED_READONLY + CHECKED_READONLY_OF;
        return !write;
    }
    return true;
}

/* What no guest can see at once: the core's own tables. */
static void compare_ports(void)
{
    for (unsigned d = 0; d < MODEL_DOMAINS; d++) {
        for (uint32_t i = 1; i <= config.max_port && model.failure == NULL; i++) {
            const struct model_port *want = &model.domains[d].ports[i];
            struct event_port got = {0};

            if (event_status(pair[d], i, &got) != OK || got.is_static != 0) {
                continue;
            }
            if (got.state != want->state || (want->state != PORT_CLOSED && got.vcpu != want->vcpu) ||
                (want->state == PORT_INTERDOMAIN &&
                 (got.peer != want->remote || got.peer_port != want->remote_port)) ||
                (want->state == PORT_UNBOUND && got.peer != want->remote)) {
                model.failure = "state of a port";
                model.want = want->state | (uint64_t)want->remote << 16 | (uint64_t)want->remote_port << 32;
                model.got = got.state | (uint64_t)got.peer << 16 | (uint64_t)got.peer_port << 32;
                model.where = (uint64_t)d << 32 | i;
            }
        }
    }
}

/* --- calls --- */

static unsigned index_of(const struct domain *domain)
{
    for (unsigned i = 0; i < MODEL_DOMAINS; i++) {
        if (pair[i] == domain) {
            return i;
        }
    }
    return MODEL_DOMAINS;
}

static void start_model(void)
{
    static const struct model_machine machine = {
        .page = page_now, .lookup = lookup, .upcall = upcall, .stage1 = stage1};
    const struct domain_record *record = pair[0]->record;

    config.domids_end = 1;
    while (domain_by_domid(config.domids_end) != NULL) {
        config.domids_end++;
    }
    config.max_frames = record->nr_grant_frames;
    config.max_port = record->nr_ports - 1u;
    config.max_maps = record->nr_maptrack;
    for (unsigned i = 0; i < MODEL_DOMAINS; i++) {
        config.domids[i] = pair[i]->record->domid;
        ram_pa[i] = home(i, 0);
        for (unsigned n = 0; n < MODEL_RAM; n++) {
            ram[i][n] = checked_page(i * MODEL_RAM + n, home(i, n));
        }
    }
    config.busy = checked_busy;
    calls = 0;
    model_init(&model, &config, &machine);
}

/* A pair is two domains; the first of a new pair takes the place of both. */
static uint64_t begin(struct domain *domain, uint64_t ram_gfn, uint64_t window_gfn)
{
    unsigned index = index_of(domain);

    if (index == MODEL_DOMAINS) {
        index = begun == 0 || begun == 3 ? 0 : 1;
        begun = begun == 3 ? 0 : begun;
        pair[index] = domain;
    }
    if ((begun >> index) % 2u == 0) {
        config.ram[index] = ram_gfn;
        config.window[index] = window_gfn;
        begun |= 1u << index;
        if (begun == 3) {
            start_model();
        }
    }
    return begun == 3;
}

static void poke(struct vcpu *vcpu)
{
    unsigned domain = index_of(vcpu->domain), what = (unsigned)(vcpu->x[0] % 256u);
    unsigned size = (unsigned)(vcpu->x[0] >> 8 & 0xff), i = (unsigned)(vcpu->x[0] >> 16 & 0xffff);
    unsigned offset = (unsigned)(vcpu->x[0] >> 32), page;

    page = what == 0   ? MODEL_RAM_PAGE(domain, i)
           : what == 1 ? MODEL_SHARED_INFO(domain)
                       : MODEL_GRANT_FRAME(domain, i);
    if (size > 8 || offset > PAGE_SIZE - size || (what == 0 && i >= MODEL_RAM) ||
        (what == 2 && i >= config.max_frames)) {
        return;
    }
    memcpy(at(page) + offset, &vcpu->x[1], size);
    model_sync(&model, page, offset, size);
}

static void sync_block(unsigned domain, uint64_t va, uint64_t size)
{
    uint64_t at = va - config.ram[domain] * PAGE_SIZE;

    while (size != 0 && at < MODEL_PRIVATE * PAGE_SIZE) {
        uint64_t piece = min_u64(size, PAGE_SIZE - at % PAGE_SIZE);

        model_sync(&model, MODEL_RAM_PAGE(domain, (unsigned)(at / PAGE_SIZE)), (unsigned)(at % PAGE_SIZE),
                   (unsigned)piece);
        at += piece;
        size -= piece;
    }
}

/* To its end: a call that pauses for interrupts goes on at once. */
static void carry_out(struct vcpu *vcpu)
{
    uint64_t pc = READ_SYSREG(elr_el2);

    for (;;) {
        hypercall(vcpu);
        if (READ_SYSREG(elr_el2) == pc) {
            return;
        }
        WRITE_SYSREG(elr_el2, pc);
    }
}

static void check(struct vcpu *vcpu, unsigned domain)
{
    struct model_call call = {.domain = domain, .vcpu = vcpu->index, .nr = vcpu->x[16]};

    for (unsigned i = 0; i < 5; i++) {
        call.args[i] = vcpu->x[i];
    }
    sync_block(domain, vcpu->x[5], vcpu->x[6]);
    if (checked_interval == 1 && !model_compare(&model)) {
        call.nr += 1000;
        checked_differ(&model, &call, calls);
    }
    carry_out(vcpu);
    call.result = (int64_t)vcpu->x[0];
    calls++;
    if (model_call(&model, &call) && calls % checked_interval == 0) {
        model_compare(&model);
        compare_ports();
    }
    if (model.failure != NULL) {
        checked_differ(&model, &call, calls);
    }
}

static uint64_t end(void)
{
    static const struct model_call none;

    model_compare(&model);
    compare_ports();
    if (model.failure != NULL) {
        checked_differ(&model, &none, calls);
    }
    return calls;
}

void hypercall_checked(struct vcpu *vcpu)
{
    uint64_t number = vcpu->x[16];

    if (number < CHECKED_BEGIN && (begun != 3 || index_of(vcpu->domain) == MODEL_DOMAINS)) {
        hypercall(vcpu);
        return;
    }
    spin_lock(&lock);
    switch (number) {
    case CHECKED_BEGIN:
        vcpu->x[0] = begin(vcpu->domain, vcpu->x[0], vcpu->x[1]);
        break;
    case CHECKED_POKE:
        poke(vcpu);
        vcpu->x[0] = 0;
        break;
    case CHECKED_END:
        vcpu->x[0] = end();
        break;
    default:
        check(vcpu, index_of(vcpu->domain));
        break;
    }
    spin_unlock(&lock);
}

void checked_forget(void)
{
    begun = 0;
    pair[0] = pair[1] = NULL;
}
