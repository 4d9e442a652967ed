/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two guests for Xen's static event channels and static shared memory (docs/misc/arm/device-tree/booting.txt
 * of Xen), which know nothing of Bulkhead. Addresses and ports are those of the description: Xen tells a
 * guest neither. SIDE is 1 or 2: side 1 asks, side 2 answers.
 */
#include "guest.h"

#define SHARED         0x50000000UL
#define PORT           (SIDE == 1 ? 10U : 11U) /* this domain's end */
#define ROUNDS         1000U
#define EVENT_PPI      31U
#define DOMID_SELF     0x7ff0U
#define MEMORY_OP      12U
#define EVENT_OP       32U
#define ADD_TO_PHYSMAP 7U
#define SEND           4U

/* public/memory.h */
struct add_to_physmap {
    uint16_t domid, size;
    uint32_t space; /* 0: shared_info */
    uint64_t idx, gpfn;
};

/* public/xen.h; the first vCPU's vcpu_info is its first member. */
struct shared_info {
    uint8_t upcall_pending, upcall_mask, pad[6];
    uint64_t pending_sel;
    uint8_t others[48 - 16];
    uint64_t pending[64], mask[64];
    uint8_t clock[448];
};

/* Each side writes its own half. */
struct half {
    uint64_t sequence;
    uint64_t value;
    uint64_t unused[6]; /* a cache line */
};

static __attribute__((aligned(4096))) union {
    struct shared_info info;
    uint8_t page[4096];
} shared_info;

static int64_t hypercall(uint64_t number, uint64_t command, const void *argument)
{
    register uint64_t x0 __asm__("x0") = command, x1 __asm__("x1") = (uintptr_t)argument;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16) : : "x2", "x3", "x4", "x5", "memory");
    return (int64_t)x0;
}

static _Noreturn void fail(const char *what)
{
    print("failed: ");
    print(what);
    print("\n");
    power_off();
}

static void map_shared_info(void)
{
    const struct add_to_physmap request = {.domid = DOMID_SELF, .gpfn = (uintptr_t)&shared_info / 4096};

    if (hypercall(MEMORY_OP, ADD_TO_PHYSMAP, &request) != 0)
        fail("add_to_physmap of shared_info");
}

static void notify(void)
{
    const uint32_t port = PORT;

    if (hypercall(EVENT_OP, SEND, &port) != 0)
        fail("EVTCHNOP_send");
}

/*
 * Sleeps until an event. As in a handler, the interrupt is acknowledged before upcall_pending is cleared: an
 * event that comes in between is seen now, one that comes later is another interrupt.
 */
static void event_wait(void)
{
    struct shared_info *info = &shared_info.info;
    uint64_t words;

    interrupt_wait();
    __atomic_store_n(&info->upcall_pending, 0, __ATOMIC_SEQ_CST);
    words = __atomic_exchange_n(&info->pending_sel, 0, __ATOMIC_SEQ_CST);
    if (words % 2 != 0) /* ports 0 to 63 */
        __atomic_and_fetch(&info->pending[0], ~(UINT64_C(1) << PORT), __ATOMIC_SEQ_CST);
}

static void wait_for(const struct half *half, uint64_t sequence)
{
    while (__atomic_load_n(&half->sequence, __ATOMIC_ACQUIRE) != sequence)
        event_wait();
}

static void publish(struct half *half, uint64_t sequence, uint64_t value)
{
    half->value = value;
    __atomic_store_n(&half->sequence, sequence, __ATOMIC_RELEASE);
    notify();
}

_Noreturn void main(const uint8_t *tree)
{
    struct half *own = (struct half *)SHARED + (SIDE - 1), *peer = (struct half *)SHARED + (2 - SIDE);

    (void)tree;
    map_shared_info();
    interrupt_init();
    interrupt_enable_private(EVENT_PPI);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        if (SIDE == 1)
            publish(own, round, round * round);
        wait_for(peer, round);
        if (SIDE == 1 && peer->value != round * round + 1)
            fail("another answer");
        if (SIDE == 2)
            publish(own, round, peer->value + 1);
    }
    print(SIDE == 1 ? "first: answers " : "second: questions ");
    print_number(ROUNDS);
    print("\n");
    power_off();
}
