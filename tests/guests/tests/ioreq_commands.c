// SPDX-License-Identifier: Apache-2.0
/* What the backend of the ioreq tests does when its frontend tells it to, its crashes and trespasses
 * included. */
#include "ioreq_link.h"
#include "pci.h"

enum { SCHED_OP = 29, EVENT_OP = 32, DM_OP = 41 };
enum { EVTCHNOP_SEND = 4, SCHEDOP_SHUTDOWN = 2, SHUTDOWN_CRASH = 3, SET_STATE = 5, SET_IRQ_LEVEL = 19 };

int64_t ioreq_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16)
                     :
                     : "memory", "cc", "x3", "x4", "x5");
    return (int64_t)x0;
}

static int64_t event_send(uint32_t port)
{
    return ioreq_call(EVENT_OP, EVTCHNOP_SEND, (uint64_t)&port, 0);
}

static int64_t dm_op(uint32_t domid, uint32_t operation, uint64_t low, uint64_t high)
{
    struct {
        uint32_t operation, pad;
        uint64_t words[3];
    } op = {operation, 0, {low, high, 0}};
    struct {
        uint64_t at, size;
    } buffer = {(uint64_t)&op, sizeof op};

    return ioreq_call(DM_OP, domid, 1, (uint64_t)&buffer);
}

int64_t ioreq_attach(uint32_t domid, uint32_t server, bool on)
{
    return dm_op(domid, SET_STATE, server | (uint64_t)on << 16, 0);
}

static _Noreturn void crash(void)
{
    uint32_t reason = SHUTDOWN_CRASH;

    for (;;) {
        ioreq_call(SCHED_OP, SCHEDOP_SHUTDOWN, (uint64_t)&reason, 0);
    }
}

/* ---- slots ---- */

uint8_t slot_state(struct bh_ioreq *slot)
{
    return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

static void state_write(struct bh_ioreq *slot, uint32_t state)
{
    uint8_t old = slot_state(slot);

    __atomic_store_n(&slot->state, (uint8_t)((old & ~BH_IOREQ_STATE_MASK) | state), __ATOMIC_RELEASE);
}

void slot_notify(struct link *l, uint32_t vcpu)
{
    int64_t result = event_send(l->first_port + vcpu);

    EXPECT(result == 0, "send to vCPU %u: %ld", vcpu, (long)result);
}

void slot_answer(struct link *l, uint32_t vcpu, uint64_t data)
{
    l->page->slot[vcpu].data = data;
    state_write(&l->page->slot[vcpu], BH_IOREQ_RESPONSE);
    slot_notify(l, vcpu);
}

/* ---- commands ---- */

/* A window of RAM at or above 4 GiB, where everything is Device to the library. */
static uint64_t window_of(struct link *l, uint64_t address)
{
    for (uint32_t i = 0; i < l->nr_windows; i++) {
        const uint8_t *w = l->windows + 24 * i;

        if (address >= be64(w) && address - be64(w) < be64(w + 8)) {
            return be64(w + 16) + (address - be64(w));
        }
    }
    return 0;
}

static uint32_t copy(struct link *l, uint64_t address)
{
    uint64_t at = window_of(l, address), value, through;
    struct fault fault;

    if (at == 0) {
        return 1;
    }
    at = mmu_window(at, MMU_NORMAL);
    if (!try_read(at, 8, &value, &fault)) {
        return 2;
    }
    through = ~value;
    return try_write(at, 8, through, &fault) ? 0 : 3;
}

static struct edu edu;

bool ioreq_dma_busy(void)
{
    return edu.registers != 0 && edu_busy(&edu);
}

bool ioreq_dma(struct link *l, uint64_t address, bool wait)
{
    static uint64_t stray = DMA_STRAY;
    uint64_t to = window_of(l, address);

    if (to == 0 || (edu.registers == 0 && !edu_find(&edu)) ||
        !edu_copy(&edu, (uint64_t)&stray, sizeof stray, false)) {
        return false;
    }
    edu_begin(&edu, to, sizeof stray, true);
    while (wait && edu_busy(&edu)) {
        delay_us(1000);
    }
    return true;
}

static bool inside_any(uint64_t at)
{
    uint64_t base, size;

    for (uint32_t i = 0; i < nr_links; i++) {
        for (uint32_t n = 0; n < links[i].nr_windows; n++) {
            const uint8_t *w = links[i].windows + 24 * n;

            if (at >= be64(w + 16) && at - be64(w + 16) < be64(w + 8)) {
                return true;
            }
        }
    }
    for (uint32_t i = 0; fdt_reg(fdt_path("/memory"), i, &base, &size); i++) {
        if (at >= base && at - base < size) {
            return true;
        }
    }
    return false;
}

static uint32_t touch_outside(void)
{
    uint32_t through = 0, tried = 0;

    for (uint32_t i = 0; i < nr_links; i++) {
        for (uint32_t n = 0; n < links[i].nr_windows; n++) {
            const uint8_t *w = links[i].windows + 24 * n;
            uint64_t start = be64(w + 16), end = start + be64(w + 8);
            uint64_t at[] = {start - 8, end, end + 0x1ffff8, end + 0x40000000};

            for (uint32_t k = 0; k < ARRAY_SIZE(at); k++) {
                uint64_t va = mmu_window(at[k], MMU_NORMAL);

                tried += inside_any(at[k]) ? 0 : 1;
                if (!inside_any(at[k]) && (try_read(va, 8, NULL, NULL) || try_write(va, 8, 0, NULL))) {
                    print("0x%lx beside a window goes through\n", at[k]);
                    through++;
                }
            }
        }
    }
    print("TRIED %u accesses beside the windows, %u refused\n", tried, tried - through);
    return through;
}

/* Every domain and server but its own; interrupts that no declared device has. */
static uint32_t trespass(struct link *l)
{
    uint32_t through = 0, tried = 1;

    for (uint32_t domid = 0; domid < 8; domid++) {
        for (uint32_t server = 0; server < 3; server++) {
            bool own = false;

            for (uint32_t i = 0; i < nr_links; i++) {
                own |= links[i].domid == domid && links[i].server == server;
            }
            tried += own ? 0 : 1;
            if (!own && (ioreq_attach(domid, server, true) == 0 || ioreq_attach(domid, server, false) == 0)) {
                print("set_ioreq_server_state of d%u server %u is not refused\n", domid, server);
                through++;
            }
        }
    }
    for (uint32_t domid = 0; domid < 8; domid++) {
        bool own = false;

        for (uint32_t i = 0; i < nr_links; i++) {
            own |= links[i].domid == domid;
        }
        for (uint32_t spi = own ? 0 : 32; spi < 1024; spi += own ? 31 : 90) {
            tried += spi < 32 || !own ? 1 : 0;
            if (spi < 32 && dm_op(domid, SET_IRQ_LEVEL, spi | 1ull << 32, 0) == 0) {
                print("interrupt %u of d%u is not refused\n", spi, domid);
                through++;
            } else if (!own && dm_op(domid, SET_IRQ_LEVEL, spi | 1ull << 32, 0) == 0) {
                print("interrupt %u of d%u is not refused\n", spi, domid);
                through++;
            }
        }
    }
    if (dm_op(l->domid, 9999, 0, 0) >= 0) {
        print("an unknown operation is not refused\n");
        through++;
    }
    print("TRIED %u hypercalls, %u refused\n", tried, tried - through);
    return through;
}

static void scribble(struct bh_ioreq *slot)
{
    slot->address = ~0ull;
    slot->count = ~0u;
    slot->size = 77;
    slot->port = 0;
    slot->reserved = 0xffff;
    slot->type = 0xee;
}

static void die(struct link *l, struct unit *u, uint32_t vcpu, uint32_t command)
{
    struct bh_ioreq *slot = &l->page->slot[vcpu];
    uint64_t address;

    if (u->keep->crashed == command) {
        return;
    }
    u->keep->crashed = command;
    switch (command % 256) {
    case CRASH_TAKEN:
        state_write(slot, BH_IOREQ_INPROCESS);
        break;
    case CRASH_ANSWERED:
        state_write(slot, BH_IOREQ_RESPONSE);
        break;
    case CRASH_BACKWARDS: /* the core looks when it is told, so it must have seen the first of both */
        state_write(slot, BH_IOREQ_INPROCESS);
        slot_notify(l, vcpu);
        delay_us(20000);
        state_write(slot, BH_IOREQ_READY);
        slot_notify(l, vcpu);
        delay_us(200000);
        break;
    case CRASH_NONE:
        state_write(slot, BH_IOREQ_NONE);
        slot_notify(l, vcpu);
        delay_us(200000);
        break;
    case CRASH_DMA:
        memcpy(&address, &u->store[REG_ADDRESS], sizeof address);
        EXPECT(ioreq_dma(l, address, false), "no transfer");
        crash();
    case CRASH_GARBAGE:
        state_write(slot, 9);
        slot_notify(l, vcpu);
        delay_us(200000);
        break;
    default:
        break;
    }
    if (command % 256 >= CRASH_BACKWARDS) {
        print("VIOLATION 0x%x had no effect\n", command % 256);
    }
    crash();
}

void ioreq_command(struct link *l, struct unit *u, uint32_t vcpu, uint32_t command)
{
    uint32_t argument;
    uint64_t address;

    memcpy(&argument, &u->store[REG_ARGUMENT], sizeof argument);
    memcpy(&address, &u->store[REG_ADDRESS], sizeof address);
    u->result = 0;
    switch (command % 256) {
    case DO_INTERRUPT:
        for (uint32_t i = 0; i < argument; i++) {
            write32(u->interrupt, 1);
        }
        break;
    case DO_WAIT:
        delay_us(argument);
        break;
    case DO_COPY:
        u->result = copy(l, address);
        break;
    case DO_DMA:
        u->result = !ioreq_dma(l, address, true);
        break;
    case DO_DMA_LATE:
        u->result = !ioreq_dma(l, address, false);
        break;
    case DO_OUTSIDE:
        u->result = touch_outside();
        break;
    case DO_TRESPASS:
        u->result = trespass(l);
        break;
    case DO_SPURIOUS:
        for (uint32_t i = 0; i < l->vcpus; i++) {
            slot_notify(l, i);
        }
        event_send(u->bell);
        break;
    case DO_SCRIBBLE:
        scribble(&l->page->slot[vcpu]);
        break;
    case DO_LATE: /* once: it may be stopped for it */
        if (u->keep->crashed != command) {
            u->keep->crashed = command;
            slot_answer(l, (vcpu + 1) % l->vcpus, 0xbad);
        }
        break;
    default:
        if (command % 256 >= CRASH_BEFORE) {
            die(l, u, vcpu, command);
        }
    }
}
