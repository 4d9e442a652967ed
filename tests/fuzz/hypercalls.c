/* SPDX-License-Identifier: Apache-2.0 */
/* Typed hypercalls of two domains with two vCPUs each, on the host build of the hypervisor, with the model of
 * tests/model beside it: after every call they agree about results, memory, ownership and event state.
 *
 * As a program: hypercalls SEED CALLS. Under libFuzzer (-DFUZZER) the bytes of an input decide. */
#include "machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/arm64/sysreg.h"
#include "checked.h"
#include "core/effects.h"
#include "generate.h"
#include "guest/arm64/trap.h"

#define PAIR       2u
#define VCPUS      2u
#define RAM_GFN    (GUEST_RAM / PAGE_SIZE + 16u) /* behind what is loaded */
#define WINDOW_GFN (UINT64_C(0x38000000) / PAGE_SIZE)
#define PORTS      96u
#define FRAMES     4u
#define MAPTRACK   24u
#define CPU_ON     0xc4000003u

static struct gen gens[PAIR][VCPUS];
static uint64_t seed;
static const struct gen_call *current;
static unsigned histogram[PAIR][2]; /* calls, of them successful */

static uint8_t *view(pa_t page)
{
    static uint8_t *ram;

    if (ram == NULL) {
        ram = mmap(NULL, HOST_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, host_cache_file(), 0);
        if (ram == MAP_FAILED) {
            host_fail("no view of the RAM");
        }
    }
    host_cache_touched(page.v);
    return ram + (page.v - HOST_RAM);
}

/* Bytes of the guest's private pages: IPA is VA. */
static void block(unsigned domain, const struct gen_call *call, uint8_t *out, const uint8_t *in)
{
    pa_t ram = domains[domain]->record->maps[0].pa;

    for (unsigned i = 0; i < call->block_size; i++) {
        uint64_t at = call->block_va + i - GUEST_RAM;
        uint8_t *byte = view(PA(ram.v + align_down(at, PAGE_SIZE))) + at % PAGE_SIZE;

        if (in != NULL) {
            *byte = in[i];
        } else {
            out[i] = *byte;
        }
    }
}

uint8_t *checked_page(unsigned index, pa_t page)
{
    (void)index;
    return view(page);
}

void checked_differ(const struct model *m, const struct model_call *call, uint64_t count)
{
    printf("MISMATCH %s: want 0x%" PRIx64 " got 0x%" PRIx64 " at 0x%" PRIx64 "\n", m->failure, m->want,
           m->got, m->where);
    printf("seed %" PRIu64 " call %" PRIu64 ": domain %u vCPU %u number %" PRIu64 " (0x%" PRIx64
           ", 0x%" PRIx64 ", 0x%" PRIx64 ") = %" PRId64 "\n",
           seed, count, call->domain + 1u, call->vcpu, call->nr, call->args[0], call->args[1], call->args[2],
           call->result);
    for (unsigned i = 0; current != NULL && i < current->block_size; i++) {
        printf("%s%02x%s", i == 0 ? "block " : "", current->block[i], i % 8u == 7 ? " " : "");
    }
    printf("\n");
    if (current != NULL && call->args[1] == current->block_va) {
        uint8_t after[GEN_BLOCK];

        block(call->domain, current, after, NULL);
        for (unsigned i = 0; i < current->block_size; i++) {
            printf("%s%02x%s", i == 0 ? "after " : "", after[i], i % 8u == 7 ? " " : "");
        }
        printf("\n");
    }
    fflush(stdout);
#ifdef FUZZER
    abort();
#else
    exit(1);
#endif
}

/* --- two domains --- */

static struct vcpu *vcpu_of(unsigned domain, unsigned vcpu)
{
    return &domains[domain]->vcpus[vcpu];
}

static uint64_t call_from(struct vcpu *vcpu, uint64_t number, const uint64_t x[7])
{
    host_on(vcpu->pcpu->index);
    if (vcpu->pcpu->current != vcpu) {
        host_fail("a vCPU does not run");
    }
    vcpu->x[16] = number;
    memcpy(vcpu->x, x, 7u * sizeof x[0]);
    machine_end(trap_hvc(vcpu, (uint64_t)EC_HVC64 << 26 | 0xea1u));
    machine_settle();
    return vcpu->x[0];
}

static void create(unsigned index)
{
    struct domain_record *record = machine_record(index + 1u, VCPUS);
    struct domain_vcpu *vcpus = machine_alloc(VCPUS * sizeof *vcpus, 64);

    for (unsigned i = 0; i < VCPUS; i++) {
        vcpus[i] = (struct domain_vcpu){(uint16_t)(index * VCPUS + i), (uint16_t)i};
    }
    record->vcpus = vcpus;
    record->nr_ports = PORTS;
    record->nr_grant_frames = FRAMES;
    record->nr_maptrack = MAPTRACK;
    record->stage2_reserve = 8;
    machine_domain(record);
    for (unsigned i = 0; i < VCPUS; i++) {
        domains[index]->vcpus[i].share_slot = index * VCPUS + i; /* they are counted on over the machines */
    }
}

/* Pages that calls may name hold something. */
static void fill(uint64_t pa)
{
    for (unsigned i = MODEL_PRIVATE * PAGE_SIZE; i < MODEL_RAM * PAGE_SIZE; i++) {
        view(PA(pa + align_down(i, PAGE_SIZE)))[i % PAGE_SIZE] = (uint8_t)(i * 2654435761u >> 13);
    }
}

static void start(void)
{
    machine_start(PAIR * VCPUS);
    checked_forget();
    for (unsigned d = 0; d < PAIR; d++) {
        create(d);
    }
    machine_boot();
    for (unsigned d = 0; d < PAIR; d++) {
        machine_hvc(vcpu_of(d, 0), CPU_ON, 1, GUEST_RAM, 0);
        machine_settle();
    }
    for (unsigned d = 0; d < PAIR; d++) {
        for (unsigned v = 0; v < VCPUS; v++) {
            host_on(vcpu_of(d, v)->pcpu->index);
            host_put("sctlr_el1", 1);
        }
    }
    for (unsigned d = 0; d < PAIR; d++) {
        fill(domains[d]->record->maps[0].pa.v + RAM_GFN * PAGE_SIZE - GUEST_RAM);
        call_from(vcpu_of(d, 0), CHECKED_BEGIN, (uint64_t[7]){RAM_GFN, WINDOW_GFN});
    }
}

static void start_generators(void)
{
    for (unsigned d = 0; d < PAIR; d++) {
        for (unsigned v = 0; v < VCPUS; v++) {
            struct gen_layout layout = {.self = (uint16_t)(d + 1u),
                                        .peer = (uint16_t)(2u - d),
                                        .stranger = 3,
                                        .vcpu = v,
                                        .ram = RAM_GFN,
                                        .window = WINDOW_GFN,
                                        .device = 0x3001000,
                                        .max_port = PORTS - 1u,
                                        .max_frames = FRAMES};

            gen_init(&gens[d][v], &layout, seed * 4u + d * 2u + v);
        }
    }
}

/* --- one call --- */

static void one(unsigned d, unsigned v)
{
    static struct gen_call call;
    uint8_t after[GEN_BLOCK] = {0};
    uint64_t x[7], result;

    gen_next(&gens[d][v], &call);
    current = &call;
    if (call.kind == GEN_POKE) {
        call_from(vcpu_of(d, v), CHECKED_POKE,
                  (uint64_t[7]){call.poke | (uint64_t)call.size << 8 | (uint64_t)call.page << 16 |
                                    (uint64_t)call.offset << 32,
                                call.value});
        return;
    }
    block(d, &call, NULL, call.block);
    memcpy(x, call.args, sizeof call.args);
    x[5] = call.block_va;
    x[6] = call.block_size;
    result = call_from(vcpu_of(d, v), call.nr, x);
    block(d, &call, after, NULL);
    gen_done(&gens[d][v], &call, (int64_t)result, after);
    histogram[d][0]++;
    histogram[d][1] += (int64_t)result >= 0;
}

static uint64_t finish(void)
{
    return call_from(vcpu_of(0, 0), CHECKED_END, (uint64_t[7]){0});
}

#ifdef FUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    checked_interval = 1;
    seed = 0;
    start();
    start_generators();
    while (size > 1) {
        unsigned who = data[0] % 4u;
        struct gen *gen = &gens[who / 2u][who % 2u];

        gen->bytes = data + 1;
        gen->left = size - 1u;
        one(who / 2u, who % 2u);
        if (gen->bytes == data + 1) {
            break;
        }
        data = gen->bytes;
        size = gen->left;
        gen->left = 0;
    }
    finish();
    return 0;
}

#else

int main(int argc, char **argv)
{
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 20000, random;

    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    checked_interval = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 16;
    random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1u;
    printf("seed %" PRIu64 "\n", seed);
    start();
    start_generators();
    for (uint64_t i = 0; i < count; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        one((unsigned)(random >> 20) % PAIR, (unsigned)(random >> 30) % VCPUS);
    }
    printf("PASS seed %" PRIu64 ": %" PRIu64 " calls agree, %u of them succeeded\n", seed, finish(),
           histogram[0][1] + histogram[1][1]);
    return 0;
}

#endif
