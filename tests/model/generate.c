/* SPDX-License-Identifier: Apache-2.0 */
#include "generate.h"

#include "model.h"

#define PAGE     UINT64_C(4096)
#define MEMORY   12u
#define VERSION  17u
#define CONSOLE  18u
#define GRANT    20u
#define VCPU     24u
#define SCHED    29u
#define EVENT    32u
#define HVM      34u
#define LIST     176u /* offset of lists in the block, behind the structures */
#define RUNSTATE (2u * 4096u - 64u)

static uint32_t next(struct gen *gen)
{
    if (gen->left >= 2) {
        uint32_t value = gen->bytes[0] | (uint32_t)gen->bytes[1] << 8;

        gen->bytes += 2;
        gen->left -= 2;
        return value;
    }
    gen->state ^= gen->state << 13;
    gen->state ^= gen->state >> 7;
    gen->state ^= gen->state << 17;
    return (uint32_t)(gen->state >> 16);
}

static uint32_t below(struct gen *gen, uint32_t end)
{
    return next(gen) % end;
}

static bool one_in(struct gen *gen, uint32_t n)
{
    return below(gen, n) == 0;
}

void gen_init(struct gen *gen, const struct gen_layout *layout, uint64_t seed)
{
    for (size_t i = 0; i < sizeof *gen; i++) {
        ((volatile uint8_t *)gen)[i] = 0;
    }
    gen->layout = *layout;
    gen->state = (seed + 1u) * UINT64_C(0x9e3779b97f4a7c15) | 1u;
    for (unsigned i = 0; i < 8; i++) {
        (void)next(gen);
    }
}

static void put(struct gen_call *call, unsigned offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        call->block[offset + i] = (uint8_t)(value >> 8u * i);
    }
    if (call->block_size < offset + size) {
        call->block_size = (uint16_t)(offset + size);
    }
}

static uint64_t get(const uint8_t *block, unsigned offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = size; i > 0; i--) {
        value = value << 8 | block[offset + i - 1u];
    }
    return value;
}

/* --- numbers that are right, and such that are nearly so --- */

static uint64_t private_pages(const struct gen *gen)
{
    return gen->layout.ram * PAGE + (uint64_t)gen->layout.vcpu * 2u * PAGE;
}

static uint32_t some_port(struct gen *gen)
{
    const struct gen_layout *l = &gen->layout;
    const uint32_t odd[] = {0,    l->max_port, l->max_port + 1u, 4095,
                            4096, 0x7fffffffu, 0xffffffffu,      next(gen)};
    uint32_t port;

    switch (below(gen, 8)) {
    case 0:
        port = odd[below(gen, 8)];
        break;
    case 1:
    case 2:
        port = 1u + below(gen, 12);
        break;
    case 3:
        port = 1u + below(gen, l->max_port);
        break;
    default:
        port = gen->nr_ports != 0 ? gen->ports[below(gen, gen->nr_ports < 16u ? gen->nr_ports : 16u)] : 1u;
        break;
    }
    return port == l->avoid_port ? 1u : port;
}

static uint32_t some_domid(struct gen *gen, uint32_t usual)
{
    const struct gen_layout *l = &gen->layout;
    const uint32_t odd[] = {0, l->self, l->peer, l->stranger, 31, 32, 0x7ff0, 0x7ff1, 0x7ff4, 0xffff};

    return one_in(gen, 12) ? odd[below(gen, 10)] : usual;
}

static uint32_t own_domid(struct gen *gen)
{
    return some_domid(gen, one_in(gen, 3) ? gen->layout.self : 0x7ff0);
}

static uint32_t some_vcpu(struct gen *gen)
{
    const uint32_t odd[] = {2, 31, 32, 255, 256, 0xffffffffu};

    return one_in(gen, 16) ? odd[below(gen, 6)] : below(gen, MODEL_VCPUS);
}

static uint64_t data_gfn(struct gen *gen)
{
    return gen->layout.ram + MODEL_PRIVATE + below(gen, MODEL_RAM - MODEL_PRIVATE);
}

static uint64_t window_gfn(struct gen *gen)
{
    return gen->layout.window + below(gen, MODEL_WINDOW);
}

/* Frame numbers without a meaning: beyond every IPA size. */
static uint64_t far_gfn(struct gen *gen)
{
    const uint64_t odd[] = {UINT64_C(1) << 36, UINT64_C(1) << 40, UINT64_C(1) << 52, ~UINT64_C(0)};

    return odd[below(gen, 4)];
}

static uint64_t some_gfn(struct gen *gen, uint32_t of_window)
{
    if (one_in(gen, 40)) {
        return far_gfn(gen);
    }
    return below(gen, 10) < of_window ? window_gfn(gen) : data_gfn(gen);
}

static uint32_t some_ref(struct gen *gen)
{
    uint32_t limit = gen->layout.max_frames * MODEL_REFS;
    const uint32_t odd[] = {0, 7, 511, 512, limit - 1u, limit, limit + 1u, 0xffffffffu};

    if (one_in(gen, 16)) {
        return odd[below(gen, 8)];
    }
    return one_in(gen, 8) ? below(gen, limit) : 8u + below(gen, 24);
}

static uint64_t some_address(struct gen *gen, uint32_t of_window)
{
    uint64_t gfn = some_gfn(gen, of_window) % (UINT64_C(1) << 52);

    return (gfn != 0 ? gfn : UINT64_C(1) << 36) * PAGE;
}

/* Where the structure lies. Most are in the private pages, at any alignment now and then; the others are
 * elsewhere, and then hold what lies there. */
static uint64_t some_place(struct gen *gen, struct gen_call *call)
{
    uint64_t at = private_pages(gen);

    call->block_va = at + below(gen, 8) * UINT64_C(256);
    switch (below(gen, 32)) {
    case 0:
        call->block_va = at + PAGE - 8u * (1u + below(gen, 8)); /* into the other private page */
        break;
    case 1:
        call->block_va += 1u + below(gen, 7);
        break;
    case 2:
        return window_gfn(gen) * PAGE + below(gen, 512) * 8u;
    case 3:
        /* the end of a page, not of the last one: what follows that is not watched */
        return (gen->layout.ram + MODEL_PRIVATE + below(gen, MODEL_RAM - MODEL_PRIVATE - 1u)) * PAGE + PAGE -
               8u;
    case 4: {
        const uint64_t odd[] = {0,
                                4,
                                gen->layout.device,
                                UINT64_C(1) << 48,
                                UINT64_C(1) << 55,
                                UINT64_C(0xffff000000000000),
                                ~UINT64_C(0),
                                ~UINT64_C(7)};

        return odd[below(gen, 8)];
    }
    case 5:
        if (gen->layout.readonly != 0) {
            return gen->layout.readonly + (call->block_va - at);
        }
        break;
    default:
        break;
    }
    return call->block_va;
}

/* --- event_channel_op --- */

static void event_call(struct gen *gen, struct gen_call *call)
{
    static const uint8_t ops[] = {0, 0, 0, 0, 1, 3, 3, 4, 4, 4, 4, 4, 5,
                                  5, 6, 6, 6, 6, 7, 7, 8, 8, 9, 9, 9, 3};
    uint32_t op = ops[below(gen, sizeof ops)];

    if (one_in(gen, 40)) {
        op = 2u + below(gen, 16);
    }
    if (op == 10 && !one_in(gen, 4)) {
        op = 9; /* resets are rare: they end everything */
    }
    call->nr = EVENT;
    call->args[0] = op;
    switch (op) {
    case 0:
        put(call, 0, 2, some_domid(gen, one_in(gen, 6) ? 0x7ff0 : gen->layout.peer));
        put(call, 4, 4, one_in(gen, 2) ? some_port(gen) : 1u + below(gen, gen->layout.max_port - 1u));
        put(call, 8, 4, next(gen));
        break;
    case 1:
        put(call, 0, 4, one_in(gen, 4) ? below(gen, 26) : 0);
        put(call, 4, 4, some_vcpu(gen));
        put(call, 8, 4, next(gen));
        break;
    case 5:
        put(call, 0, 2, own_domid(gen));
        put(call, 4, 4, some_port(gen));
        put(call, 8, 8, next(gen));
        put(call, 16, 8, next(gen));
        break;
    case 6:
        put(call, 0, 2, own_domid(gen));
        put(call, 2, 2, some_domid(gen, one_in(gen, 6) ? 0x7ff0 : gen->layout.peer));
        put(call, 4, 4, next(gen));
        break;
    case 7:
        put(call, 0, 4, some_vcpu(gen));
        put(call, 4, 4, next(gen));
        break;
    case 8:
        put(call, 0, 4, some_port(gen));
        put(call, 4, 4, some_vcpu(gen));
        break;
    case 10:
        put(call, 0, 2, own_domid(gen));
        break;
    default:
        put(call, 0, 8, some_port(gen));
        put(call, 8, 8, next(gen));
        put(call, 16, 8, next(gen));
        break;
    }
    call->args[1] = some_place(gen, call);
}

static void event_done(struct gen *gen, const struct gen_call *call, const uint8_t *block)
{
    static const int8_t out[] = {8, 8, -1, -1, -1, -1, 4, 4};
    uint64_t op = call->args[0];

    if (op < sizeof out && out[op] >= 0 && call->args[1] == call->block_va) {
        gen->ports[gen->nr_ports++ % 16u] = (uint32_t)get(block, (unsigned)out[op], 4);
    }
}

/* --- grant_table_op --- */

static void map_element(struct gen *gen, struct gen_call *call, unsigned at)
{
    const uint32_t odd[] = {0, 1, 3, 8, 10, 16, 18, 0x80000002u};
    uint64_t address = some_address(gen, 8);

    put(call, at, 8, one_in(gen, 40) ? address + below(gen, 4096) : address);
    put(call, at + 8u, 4, one_in(gen, 24) ? odd[below(gen, 8)] : one_in(gen, 3) ? 6 : 2);
    put(call, at + 12u, 4, some_ref(gen));
    put(call, at + 16u, 2, some_domid(gen, gen->layout.peer));
    put(call, at + 18u, 2, next(gen));
    put(call, at + 20u, 4, next(gen));
    put(call, at + 24u, 8, next(gen));
}

static void unmap_element(struct gen *gen, struct gen_call *call, unsigned at)
{
    uint32_t known = gen->nr_maps < 16u ? gen->nr_maps : 16u, which = below(gen, known != 0 ? known : 1u);
    uint64_t address = gen->maps[which].address;
    uint32_t handle = gen->maps[which].handle;

    if (one_in(gen, 12)) {
        const uint32_t odd[] = {0, 1, handle + 1u, 64, 65, 0xffffu, 0x10000u, 0xffffffffu};

        handle = odd[below(gen, 8)];
    }
    if (one_in(gen, 12)) {
        address = one_in(gen, 3) ? 0 : some_address(gen, 8);
    }
    put(call, at, 8, address);
    put(call, at + 8u, 8, one_in(gen, 20) ? address : 0);
    put(call, at + 16u, 4, handle);
    put(call, at + 20u, 4, next(gen));
}

static void copy_side(struct gen *gen, struct gen_call *call, unsigned at, bool is_ref)
{
    const uint16_t odd[] = {4095, 4096, 4097, 65535, 4088, 2048};

    put(call, at, 8, is_ref ? some_ref(gen) : some_gfn(gen, 3));
    put(call, at + 8u, 2, some_domid(gen, is_ref ? gen->layout.peer : 0x7ff0));
    put(call, at + 10u, 2, one_in(gen, 12) ? odd[below(gen, 6)] : below(gen, 3900));
}

static void copy_element(struct gen *gen, struct gen_call *call, unsigned at)
{
    const uint16_t odd[] = {0, 4095, 4096, 4097, 65535, 2048};
    uint32_t flags = below(gen, 4);

    copy_side(gen, call, at, flags % 2u != 0);
    copy_side(gen, call, at + 16u, flags >= 2u);
    put(call, at + 32u, 2, one_in(gen, 12) ? odd[below(gen, 6)] : below(gen, 196));
    put(call, at + 34u, 2, one_in(gen, 60) ? 4u + flags : flags);
    put(call, at + 36u, 4, next(gen));
}

static void grant_call(struct gen *gen, struct gen_call *call)
{
    static const uint8_t ops[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 5, 5, 5, 6, 2, 10, 8, 7};
    uint32_t op = ops[below(gen, sizeof ops)], count = 1, at = 0;

    if (one_in(gen, 40)) {
        op = below(gen, 16);
    }
    if (one_in(gen, 6)) {
        count = below(gen, 4);
    }
    call->nr = GRANT;
    call->args[0] = op;
    for (uint32_t i = 0; i < count || i == 0; i++) {
        switch (op) {
        case 0:
            map_element(gen, call, at);
            at += 32u;
            break;
        case 1:
            unmap_element(gen, call, at);
            at += 24u;
            break;
        case 2:
            put(call, 0, 2, own_domid(gen));
            put(call, 4, 4, below(gen, gen->layout.max_frames + 2u));
            put(call, 8, 8, next(gen));
            put(call, 16, 8, private_pages(gen) + (one_in(gen, 8) ? 0 : 2048u + LIST));
            count = 1;
            break;
        case 5:
            copy_element(gen, call, at);
            at += 40u;
            break;
        default:
            put(call, 0, 4, op == 8 ? below(gen, 4) : own_domid(gen));
            put(call, 4, 8, next(gen));
            put(call, 12, 4, next(gen));
            put(call, 16, 8, next(gen));
            count = 1;
            break;
        }
    }
    call->args[1] = some_place(gen, call);
    call->args[2] = call->args[1] == call->block_va ? count : 1;
}

static void grant_done(struct gen *gen, const struct gen_call *call, const uint8_t *block)
{
    if (call->args[0] != 0 || call->args[1] != call->block_va) {
        return;
    }
    for (unsigned i = 0; i < call->args[2]; i++) {
        if (get(block, i * 32u + 18u, 2) == 0) {
            gen->maps[gen->nr_maps % 16u].handle = (uint32_t)get(block, i * 32u + 20u, 4);
            gen->maps[gen->nr_maps % 16u].address = get(block, i * 32u, 8);
            gen->nr_maps++;
        }
    }
}

/* --- memory_op --- */

static void reservation(struct gen *gen, struct gen_call *call)
{
    const uint32_t orders[] = {1, 1, 2, 2, 10, 31, 63, 64};
    uint32_t count = 1u + below(gen, 3), start = 0, order = one_in(gen, 16) ? orders[below(gen, 8)] : 0;

    if (one_in(gen, 10)) {
        count = below(gen, 6);
        start = below(gen, 4);
    }
    call->args[0] |= (uint64_t)start << 6;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t gfn = some_gfn(gen, 1), end = gen->layout.ram + MODEL_RAM;

        put(call, LIST + i * 8u, 8,
            gfn < end && gfn + 4u > end ? end - 4u : gfn); /* what follows is not watched */
    }
    put(call, 8, 8, count);
    put(call, 16, 4, order);
    put(call, 20, 4, 0);
    put(call, 24, 8, own_domid(gen));
}

static void memory_call(struct gen *gen, struct gen_call *call)
{
    static const uint8_t ops[] = {7, 7, 7, 15, 15, 1, 1, 1, 6, 6, 6, 6, 6, 0, 3, 4, 23, 28, 9};
    uint32_t op = ops[below(gen, sizeof ops)], space;

    if (one_in(gen, 40)) {
        op = 29u + below(gen, 35);
    }
    call->nr = MEMORY;
    call->args[0] = op;
    switch (op) {
    case 0:
    case 1:
    case 6:
        reservation(gen, call);
        break;
    case 7:
        space = one_in(gen, 12) ? below(gen, 8) : below(gen, 2);
        put(call, 0, 2, own_domid(gen));
        put(call, 2, 2, 0);
        put(call, 4, 4, space);
        put(call, 8, 8, space == 1 ? below(gen, gen->layout.max_frames + 1u) : one_in(gen, 12));
        put(call, 16, 8, some_gfn(gen, 7));
        break;
    default:
        put(call, 0, 8, own_domid(gen));
        put(call, 8, 8, some_gfn(gen, 7));
        put(call, 16, 8, 0);
        put(call, 24, 8, 0);
        break;
    }
    call->args[1] = some_place(gen, call);
    if (op == 0 || op == 1 || op == 6) {
        put(call, 0, 8, call->block_va + LIST);
    }
}

/* --- what a guest writes into memory that it shares --- */

static void poke_entry(struct gen *gen, struct gen_call *call)
{
    const uint16_t odd[] = {0, 2, 3, 4, 9, 25, 13, 0xffff};
    uint32_t ref = some_ref(gen) % (gen->layout.max_frames * MODEL_REFS);
    uint64_t flags = one_in(gen, 4) ? odd[below(gen, 8)] : one_in(gen, 4) ? 5 : 1, frame = data_gfn(gen);

    if (one_in(gen, 12)) {
        frame = one_in(gen, 2) ? window_gfn(gen) : far_gfn(gen);
    }
    call->poke = POKE_GRANT;
    call->page = (uint16_t)(ref / MODEL_REFS);
    call->offset = (uint16_t)(ref % MODEL_REFS * 8u);
    call->size = 8;
    call->value = flags | (uint64_t)some_domid(gen, gen->layout.peer) << 16 | frame << 32;
    if (one_in(gen, 6)) {
        call->size = 2; /* revoked, or changed, while it may be in use */
    }
}

static void poke_events(struct gen *gen, struct gen_call *call)
{
    uint32_t word = below(gen, gen->layout.max_port / 64u + 1u);
    uint64_t value = (uint64_t)next(gen) << 32 | next(gen);

    call->poke = POKE_SHARED_INFO;
    call->size = 8;
    switch (below(gen, 8)) {
    case 0:
    case 1:
        call->offset = (uint16_t)(48u + word * 8u); /* pending: taken, mostly */
        call->value = one_in(gen, 16) ? value : 0;
        return;
    case 2:
        call->offset = (uint16_t)(560u + word * 8u); /* masks */
        call->value = one_in(gen, 3) ? 0 : value;
        return;
    case 3:
    case 4:
        call->size = 1; /* the upcall, taken */
        call->value = one_in(gen, 16);
        break;
    default:
        call->offset = 8; /* pending_sel, taken */
        call->value = one_in(gen, 16) ? value : 0;
        break;
    }
    if (gen->registered) {
        call->poke = POKE_RAM;
        call->page = gen->info_page;
        call->offset = (uint16_t)(call->offset + gen->info_offset);
    }
}

static void poke_data(struct gen *gen, struct gen_call *call)
{
    call->poke = POKE_RAM;
    call->page = (uint16_t)(MODEL_PRIVATE + below(gen, MODEL_RAM - MODEL_PRIVATE));
    call->offset = (uint16_t)(below(gen, 512) * 8u);
    call->size = 8;
    call->value = one_in(gen, 2) ? 0 : (uint64_t)next(gen) << 32 | next(gen);
}

static void poke(struct gen *gen, struct gen_call *call)
{
    uint32_t which = below(gen, 8);

    call->kind = GEN_POKE;
    if (which < 4) {
        poke_entry(gen, call);
    } else if (which < 7) {
        poke_events(gen, call);
    } else {
        poke_data(gen, call);
    }
}

/* --- the others --- */

static void vcpu_call(struct gen *gen, struct gen_call *call)
{
    static const uint8_t ops[] = {10, 10, 10, 10, 10, 5, 5, 8, 9};
    const uint32_t odd[] = {1, 4, 4048, 4052, 4056, 4088, 4096, 0xffffffffu};
    uint32_t op = ops[below(gen, sizeof ops)];

    if (one_in(gen, 20)) {
        op = 16u + below(gen, 8);
    }
    call->nr = VCPU;
    call->args[0] = op;
    call->args[1] = one_in(gen, 8) ? some_vcpu(gen) : gen->layout.vcpu;
    if (op == 10) {
        put(call, 0, 8, some_gfn(gen, 2));
        put(call, 8, 8, one_in(gen, 8) ? odd[below(gen, 8)] : 64u * gen->layout.vcpu);
    } else if (op == 8) {
        put(call, 0, 8, UINT64_C(1) << 60);
        put(call, 8, 8, 0);
    } else {
        put(call, 0, 8, one_in(gen, 8) ? far_gfn(gen) * PAGE : private_pages(gen) + RUNSTATE);
    }
    call->args[2] = some_place(gen, call);
    if (op == 5 || op == 8) {
        call->args[2] =
            call->args[2] >= UINT64_C(1) << 47 ? call->args[2] : call->block_va; /* no chance content */
        call->args[1] = gen->layout.vcpu;
    }
}

static void other_call(struct gen *gen, struct gen_call *call)
{
    static const uint32_t numbers[] = {0, 1, 7, 21, 35, 36, 39, 41, 40, 63, 64, 0xffffffffu};

    switch (below(gen, 8)) {
    case 0:
    case 1:
        call->nr = VERSION;
        call->args[0] = one_in(gen, 3) ? below(gen, 16) : 6;
        put(call, 0, 8, one_in(gen, 8));
        call->args[1] = some_place(gen, call);
        if (call->args[0] != 6 && call->args[1] == call->block_va) {
            call->args[1] = call->block_va =
                private_pages(gen) + below(gen, 2) * 2048u; /* up to 1 KiB is written */
        }
        break;
    case 2:
        call->nr = SCHED;
        call->args[0] = one_in(gen, 4) ? 7u + below(gen, 4) : 0;
        put(call, 0, 8, 0);
        call->args[1] = some_place(gen, call);
        break;
    case 3:
        call->nr = CONSOLE;
        call->args[0] = below(gen, 4);
        call->args[1] = call->args[0] == 0 ? 0 : below(gen, 16);
        put(call, 0, 8, 0);
        call->args[2] = some_place(gen, call);
        break;
    case 4:
    case 5:
        call->nr = HVM;
        call->args[0] = one_in(gen, 4) ? below(gen, 4) : 1;
        put(call, 0, 4, own_domid(gen));
        put(call, 4, 4, one_in(gen, 4) ? below(gen, 64) : 17u + below(gen, 2));
        put(call, 8, 8, next(gen));
        call->args[1] = some_place(gen, call);
        break;
    default:
        call->nr = numbers[below(gen, sizeof numbers / sizeof numbers[0])];
        for (unsigned i = 0; i < 5; i++) {
            call->args[i] = next(gen);
        }
        break;
    }
}

void gen_next(struct gen *gen, struct gen_call *call)
{
    uint32_t which = below(gen, 64);

    for (size_t i = 0; i < sizeof *call; i++) {
        ((volatile uint8_t *)call)[i] = 0;
    }
    call->block_va = private_pages(gen);
    if (which < 22) {
        event_call(gen, call);
    } else if (which < 40) {
        grant_call(gen, call);
    } else if (which < 48) {
        memory_call(gen, call);
    } else if (which < 60) {
        poke(gen, call);
    } else if (which < 62) {
        vcpu_call(gen, call);
    } else {
        other_call(gen, call);
    }
}

static void vcpu_done(struct gen *gen, const struct gen_call *call, const uint8_t *block)
{
    uint64_t page = get(block, 0, 8) - gen->layout.ram;

    if (call->args[0] == 10 && call->args[1] == gen->layout.vcpu && call->args[2] == call->block_va &&
        page < MODEL_RAM) {
        gen->registered = true;
        gen->info_page = (uint16_t)page;
        gen->info_offset = (uint16_t)get(block, 8, 4);
    }
}

void gen_done(struct gen *gen, const struct gen_call *call, int64_t result, const uint8_t *block)
{
    if (result != 0) {
        return;
    }
    if (call->nr == EVENT) {
        event_done(gen, call, block);
    } else if (call->nr == GRANT) {
        grant_done(gen, call, block);
    } else if (call->nr == VCPU) {
        vcpu_done(gen, call, block);
    }
}
