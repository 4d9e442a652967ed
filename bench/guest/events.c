// SPDX-License-Identifier: Apache-2.0
/* Xen event channels between two domains over a static port: role=send and role=receive; with bell=<address>
 * the sender rings a doorbell instead, and nothing comes back. The time of one way
 * is taken on two vCPUs of two domains, so both print CNTPCT values, which the runner pairs. */
#include "guest.h"

#define MEMORY_OP      12
#define ADD_TO_PHYSMAP 7
#define EVENT_OP       32
#define EVENT_SEND     4
#define DOMID_SELF     0x7ff0u
#define MAX_EVENTS     320
#define WARM_UP        16
#define SETTLE         20000
#define PENDING_SEL    8 /* offsets in shared_info; vcpu_info 0 is its start */
#define PENDING        48
#define MASK           560

static uint8_t shared[4096] __attribute__((aligned(4096)));
static volatile bool echo, with_fp;
static uint32_t event_port;
static uint64_t bell;
static uint64_t times[MAX_EVENTS];
static volatile uint32_t received;

static volatile uint64_t *shared_word(uint32_t offset)
{
    return (volatile uint64_t *)(void *)(shared + offset);
}

static void send(void)
{
    uint32_t port = event_port;
    hypercall(EVENT_OP, EVENT_SEND, (uint64_t)&port);
}

/* CNTPCT - CNTVCT of this domain. */
static uint64_t offset(void)
{
    uint64_t physical, virtual;
    __asm__ volatile("isb; mrs %0, cntpct_el0; mrs %1, cntvct_el0"
                     : "=&r"(physical), "=&r"(virtual)::"memory");
    return physical + 1 - virtual;
}

/* The port of a doorbell is the description's choice. */
static __attribute__((noinline)) void clear_pending(void)
{
    for (uint32_t i = 0; i < 64; i++)
        shared_word(PENDING)[i] = 0;
    dsb();
}

uint64_t event_taken(uint64_t time)
{
    if (with_fp) {
        fp_touch();
        time = now();
    }
    shared[0] = 0;
    dsb();
    *shared_word(PENDING_SEL) = 0;
    *shared_word(PENDING) = 0;
    dsb();
    if (bell)
        clear_pending();
    if (received < MAX_EVENTS)
        times[received] = time;
    received = received + 1;
    if (echo)
        send();
    return time;
}

static bool events_start(void)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, page;
    } place = {DOMID_SELF, 0, 0, 0, (uint64_t)shared / 4096};
    int64_t result = (int64_t)hypercall(MEMORY_OP, ADD_TO_PHYSMAP, (uint64_t)&place);
    if (result != 0) {
        print("I no shared_info\n");
        return false;
    }
    for (uint32_t i = 0; i < 64; i++)
        shared_word(MASK)[i] = 0;
    *shared_word(PENDING) = 0;
    *shared_word(PENDING_SEL) = 0;
    shared[0] = 0;
    dsb();
    bell = argument_number("bell", 0);
    event_port = (uint32_t)argument_number("port", 10);
    with_fp = argument_number("fp", 0) != 0;
    if (with_fp)
        fp_enable();
    return true;
}

static void wait_for_event(uint32_t before, bool sleep)
{
    if (!sleep) {
        irq_enable();
        while (received == before)
            yield();
        return;
    }
    irq_disable();
    while (received == before) {
        wfi();
        irq_enable();
        isb();
        irq_disable();
    }
    irq_enable();
}

static void print_times(const char *name, const uint64_t *list, uint64_t add)
{
    /* without an answer, not the last one: the receiver has begun to print, and burns its slice */
    for (uint32_t i = WARM_UP; i < MAX_EVENTS - (bell ? 1 : 0); i++) {
        print(name);
        print_field("i", i);
        print_field("t", list[i] + add);
        print("\n");
    }
}

static void ring(uint64_t *sent)
{
    for (uint32_t i = 0; i < MAX_EVENTS; i++) {
        uint64_t settled = now() + SETTLE + i * 7919u % 4999;
        while (now() < settled)
            yield();
        isb();
        sent[i] = now();
        write32(bell, 0);
    }
    irq_disable();
    print_times("TX", sent, offset());
}

/* With `echo` at the other end, rows of a round trip are taken here alone. */
void bench_send(const char *round_trip)
{
    static uint64_t sent[MAX_EVENTS];
    bool sleep = argument_number("sleep", 0) != 0;
    if (!events_start())
        return;
    irq_enable();
    uint64_t ready = now() + argument_number("wait", 20000000); /* until the other end is up */
    while (now() < ready)
        yield();
    received =
        0; /* what came until then is about the start: Xen makes one upcall pending when a page is shared */
    if (bell) {
        ring(sent);
        return;
    }
    bool loop = argument_number("endless", 0) != 0;
    if (loop)
        print("I loop\n");
    for (uint32_t i = 0; i < MAX_EVENTS || loop; i++) {
        uint64_t settled = now() + SETTLE + i * 7919u % 4999;
        while (now() < settled)
            yield();
        uint32_t before = received;
        if (with_fp)
            fp_touch();
        if (loop)
            trace_mark();
        isb();
        uint64_t start = now();
        send();
        wait_for_event(before, sleep);
        if (loop)
            continue;
        sent[i] = start;
        samples[i] = (uint32_t)(times[i] - start);
    }
    irq_disable();
    /* not the last one: the other end has begun to print, and burns its slice of the emulator */
    for (uint32_t i = WARM_UP; i < MAX_EVENTS - 1; i++)
        samples[i - WARM_UP] = samples[i];
    report(round_trip, MAX_EVENTS - 1 - WARM_UP);
    print_times("TX", sent, offset());
}

void bench_receive(void)
{
    bool sleep = argument_number("sleep", 0) != 0;
    if (!events_start())
        return;
    echo = !bell;
    /* What has come until then is about the start of this domain, and with a doorbell about the sender's. */
    uint64_t ready = now() + (bell ? 10000000 : 1000);
    irq_enable();
    while (now() < ready)
        yield();
    received = 0;
    while (received < MAX_EVENTS || argument_number("endless", 0))
        wait_for_event(received, sleep);
    irq_disable();
    print_times("RX", times, offset());
}
