// SPDX-License-Identifier: Apache-2.0
/* Typed hypercalls from all CPUs of this domain, in the order of a seed. The hypervisor is a build with the
 * model beside it (tests/model/checked.h): what the guest stores into shared memory goes through it too, so
 * that the model knows the order. On the product they are just calls. */
#include "guest.h"

#include "../../model/checked_calls.h"
#include "../../model/generate.h"
#include "../../model/model.h"

#define WINDOW 0x70000000ul /* no RAM of these small domains, and mapped as memory */
#define PAGE   4096ul

static uint8_t arena[MODEL_RAM * PAGE] __attribute__((aligned(4096)));
static uint64_t readonly[512] __attribute__((aligned(4096)));
static struct gen gens[MODEL_VCPUS];
static struct gen_call calls[MODEL_VCPUS];
static volatile uint32_t bad;
static uint64_t succeeded[MODEL_VCPUS];

static int64_t xen_call(uint64_t number, const uint64_t x[7])
{
    register uint64_t x0 __asm__("x0") = x[0], x1 __asm__("x1") = x[1], x2 __asm__("x2") = x[2];
    register uint64_t x3 __asm__("x3") = x[3], x4 __asm__("x4") = x[4], x5 __asm__("x5") = x[5];
    register uint64_t x6 __asm__("x6") = x[6], x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x16)
                     :
                     : "memory", "cc");
    return (int64_t)x0;
}

/* The private pages once more, read-only. */
static void map_readonly(void)
{
    extern uint64_t mmu_l0[512];

    readonly[0] =
        CHECKED_READONLY_OF | 1u | 2u << 2 | 1u << 7 | 3u << 8 | 1u << 10; /* block, Normal, AP[2] */
    mmu_l0[CHECKED_READONLY >> 39] = (uint64_t)readonly | 3u;
    dsb();
    isb();
}

static void begin(uint64_t cpu)
{
    uint32_t self = (uint32_t)arg_number("self", 1);
    struct gen_layout layout = {.self = (uint16_t)self,
                                .peer = (uint16_t)(3u - self),
                                .stranger = 3,
                                .vcpu = (unsigned)cpu,
                                .ram = (uint64_t)arena / PAGE,
                                .window = WINDOW / PAGE,
                                .readonly =
                                    (uint64_t)arena + cpu * 2 * PAGE - CHECKED_READONLY_OF + CHECKED_READONLY,
                                .device = 0x3001000,
                                .max_port = (uint32_t)arg_number("ports", 1023),
                                .max_frames = (uint32_t)arg_number("frames", 4),
                                .avoid_port = (uint32_t)arg_number("avoid", 0)};

    gen_init(&gens[cpu], &layout, arg_number("seed", 1) * 4u + (self - 1u) * 2u + cpu);
}

static void one(uint64_t cpu)
{
    struct gen_call *call = &calls[cpu];
    uint64_t x[7];
    int64_t result;

    gen_next(&gens[cpu], call);
    if (call->kind == GEN_POKE) {
        x[0] = call->poke | (uint64_t)call->size << 8 | (uint64_t)call->page << 16 |
               (uint64_t)call->offset << 32;
        x[1] = call->value;
        (void)xen_call(CHECKED_POKE, x);
        return;
    }
    memcpy((void *)call->block_va, call->block, call->block_size);
    for (uint32_t i = 0; i < 5; i++) {
        x[i] = call->args[i];
    }
    x[5] = call->block_va;
    x[6] = call->block_size;
    result = xen_call(call->nr, x);
    succeeded[cpu] += result >= 0;
    gen_done(&gens[cpu], call, result, (const uint8_t *)call->block_va);
}

static void run(void *arg)
{
    uint64_t cpu = (uint64_t)arg, times = arg_number("times", 1000),
             x[7] = {(uint64_t)arena / PAGE, WINDOW / PAGE};

    begin(cpu);
    for (uint64_t n = 0; xen_call(CHECKED_BEGIN, x) == 0; n++) {
        if (n > 100000) {
            bad++; /* no such hypervisor, or no peer */
            return;
        }
        delay_us(20);
    }
    for (uint64_t i = 0; i < times; i++) {
        one(cpu);
    }
}

/* seed=, times= a CPU; self= own domid, the peer is 3 - self; ports=, frames= limits of both domains. */
TEST(hypercalls)
{
    uint64_t x[7] = {0};

    map_readonly();
    for (uint64_t i = MODEL_PRIVATE * PAGE; i < sizeof(arena); i++) {
        arena[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    CHECK(smp_run(MODEL_VCPUS, run, 3600000000ul), "a CPU did not end");
    CHECK(bad == 0, "the calls could not begin");
    test_figure("succeeded", succeeded[0] + succeeded[1]);
    test_figure("checked", (uint64_t)xen_call(CHECKED_END, x));
}
