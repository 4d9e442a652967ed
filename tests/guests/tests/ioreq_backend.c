// SPDX-License-Identifier: Apache-2.0
/* The backend of the ioreq tests (ioreq_protocol.h): finds its frontends in /bulkhead-backend, attaches, and
 * does what their registers ask for. Argument "late": milliseconds before it attaches; ~0: never. */
#include "gic.h"
#include "ioreq_link.h"

enum { MEMORY_OP = 12, PLACE_SHARED_INFO = 7 };
enum { SELF = 0x7ff0, EVENT_PPI = 31, PORTS = 4096 };

static struct {
    volatile uint8_t upcall, pad[7];
    uint64_t sel, time[4];
    uint64_t pending[64], mask[64];
    uint8_t rest[4096 - 48 - 1024];
} shared __attribute__((aligned(4096)));

struct link links[MAX_LINKS];
uint32_t nr_links;

/* ---- what the device tree says ---- */

static void add_unit(struct link *l, int node)
{
    struct unit *u = &l->unit[l->nr_units++];
    uint64_t size, state;
    uint32_t length;
    const void *interrupt = fdt_prop(node, "bulkhead,interrupt", &length);

    CHECK(fdt_reg(node, 0, &u->address, &size) && size == IOREQ_BYTES, "reg of the device");
    CHECK(fdt_reg(node, 1, &state, &size) && size >= 4096, "state page");
    CHECK(fdt_u32(node, "bulkhead,port", &u->bell), "bell port");
    CHECK(interrupt != NULL && length == 8, "address that interrupts");
    u->interrupt = be64(interrupt);
    u->keep = (struct keep *)state;
    u->keep->lives++;
}

static void add_frontend(int node)
{
    struct link *l = &links[nr_links++];
    uint64_t page, size;
    uint32_t length = 0;
    int depth = 0;

    CHECK(fdt_reg(node, 0, &page, &size) && size == 4096, "ioreq page");
    l->page = (struct bh_ioreq_page *)page;
    CHECK(fdt_u32(node, "bulkhead,domid", &l->domid) && fdt_u32(node, "bulkhead,server", &l->server) &&
              fdt_u32(node, "bulkhead,vcpus", &l->vcpus) &&
              fdt_u32(node, "bulkhead,first-port", &l->first_port),
          "a frontend's numbers");
    l->windows = fdt_prop(node, "bulkhead,windows", &length);
    l->nr_windows = length / 24;
    for (int n = fdt_next(node, &depth); n >= 0 && depth > 0; n = fdt_next(n, &depth)) {
        if (depth == 1 && fdt_has_string(n, "compatible", "bulkhead,virtio") && l->nr_units < IOREQ_DEVICES) {
            add_unit(l, n);
        }
    }
}

static void find_frontends(void)
{
    int node = fdt_compatible("bulkhead,backend-v1", -1), depth = 0;

    CHECK(node >= 0, "no /bulkhead-backend");
    for (int n = fdt_next(node, &depth); n >= 0 && depth > 0; n = fdt_next(n, &depth)) {
        if (depth == 1 && fdt_has_string(n, "compatible", "bulkhead,frontend-v1") && nr_links < MAX_LINKS) {
            add_frontend(n);
        }
    }
    CHECK(nr_links != 0, "no frontend");
}

/* ---- events ---- */

static uint64_t rung[PORTS / 64];

static void handle(uint32_t intid)
{
    if (intid == EVENT_PPI) {
        shared.upcall = 0;
    }
}

/* Interrupts are masked. What comes behind it raises the interrupt again. */
static bool collect(void)
{
    bool any = false;

    shared.upcall = 0;
    (void)__atomic_exchange_n(&shared.sel, 0, __ATOMIC_SEQ_CST);
    for (uint32_t word = 0; word < PORTS / 64; word++) {
        uint64_t bits =
            shared.pending[word] ? __atomic_exchange_n(&shared.pending[word], 0, __ATOMIC_SEQ_CST) : 0;

        rung[word] |= bits;
        any |= bits != 0;
    }
    return any;
}

static bool was_rung(uint32_t port)
{
    uint64_t bit = 1ull << port % 64;
    bool was = (rung[port / 64] & bit) != 0;

    rung[port / 64] &= ~bit;
    return was;
}

/* ---- registers ---- */

static uint64_t device_read(struct link *l, struct unit *u, uint32_t offset, uint32_t size)
{
    uint64_t value = 0;

    switch (offset) {
    case REG_BELLS:
        return u->bells;
    case REG_INCARNATION:
        return l->incarnation;
    case REG_LIVES:
        return u->keep->lives;
    case REG_RESULT:
        return u->result;
    case REG_SILENT:
        return u->silent;
    default:
        if (offset + size <= REG_COMMAND) {
            return ioreq_pattern(offset, size) |
                   (size < 8 ? ~0ull << 8 * size : 0); /* what is above is no one's */
        }
        memcpy(&value, &u->store[offset], size);
        return value;
    }
}

static void serve(struct link *l, uint32_t vcpu)
{
    struct bh_ioreq *slot = &l->page->slot[vcpu];
    uint8_t state = slot_state(slot);
    uint64_t address = slot->address, data = slot->data;
    uint32_t size = slot->size, offset;
    struct unit *u = NULL;

    if ((state & BH_IOREQ_STATE_MASK) != BH_IOREQ_READY || l->skip[vcpu]) {
        return;
    }
    for (uint32_t i = 0; i < l->nr_units; i++) {
        if (address >= l->unit[i].address && address - l->unit[i].address < IOREQ_BYTES) {
            u = &l->unit[i];
        }
    }
    CHECK(u != NULL && slot->type == BH_IOREQ_COPY && slot->count == 1 &&
              (size == 1 || size == 2 || size == 4 || size == 8) &&
              address - u->address + size <= IOREQ_BYTES,
          "request at 0x%lx, %u bytes, type %u, count %u", address, size, slot->type, slot->count);
    offset = (uint32_t)(address - u->address);
    if (offset == REG_NEVER) {
        l->skip[vcpu] = true;
        u->silent++;
    } else if ((state & BH_IOREQ_READ) != 0) {
        slot_answer(l, vcpu, device_read(l, u, offset, size));
    } else {
        EXPECT(size == 8 || data >> 8 * size == 0, "bits above %u bytes are written: 0x%lx", size, data);
        if (offset == REG_COMMAND && size == 4) {
            ioreq_command(l, u, vcpu, (uint32_t)data);
        } else if (offset >= REG_COMMAND) {
            memcpy(&u->store[offset], &data, size);
        }
        slot_answer(l, vcpu, 0x5555555555555555);
        if (offset == REG_COMMAND && data % 256 == DO_DMA_DETACHED) {
            EXPECT(ioreq_attach(l->domid, l->server, false) == 0, "detach");
            memcpy(&address, &u->store[REG_ADDRESS], sizeof address);
            u->result = !ioreq_dma(l, address, true);
        }
        if (offset == REG_COMMAND && data % 256 == DO_DETACH) {
            EXPECT(ioreq_attach(l->domid, l->server, false) == 0, "detach");
            delay_us(2000);
        }
    }
}

/* ---- life ---- */

static void new_frontend(struct link *l)
{
    l->incarnation = l->page->tail.incarnation;
    memset(l->skip, 0, sizeof l->skip);
    for (uint32_t i = 0; i < l->nr_units; i++) {
        memset(l->unit[i].store, 0, IOREQ_BYTES);
        l->unit[i].bells = l->unit[i].silent = l->unit[i].result = 0;
    }
}

/* A frontend that does not run refuses; it is told when it does, and that nothing is in flight for it any
 * more. */
static void try_attach(struct link *l)
{
    uint32_t tries = 0;
    int64_t result;

    if (__atomic_load_n(&l->page->tail.attached, __ATOMIC_ACQUIRE) != 0 || ioreq_dma_busy()) {
        return;
    }
    if (arg_number("loud", 0) == 0) {
        (void)ioreq_attach(l->domid, l->server, false);
    }
    do {
        result = ioreq_attach(l->domid, l->server, true);
    } while ((result == -11 || result == -16) && ++tries < 1000000);
    if (result == 0 && l->page->tail.incarnation != l->incarnation) { /* it may have started meanwhile */
        new_frontend(l);
    }
    if (result == 0) {
        print("ATTACHED d%u server %u incarnation %u\n", l->domid, l->server, l->incarnation);
    }
}

static void look(struct link *l)
{
    try_attach(l);
    for (uint32_t vcpu = 0; vcpu < l->vcpus; vcpu++) {
        (void)was_rung(l->first_port + vcpu);
        serve(l, vcpu);
    }
    try_attach(l); /* what it attaches to makes its ports pending: the next look serves it */
    for (uint32_t i = 0; i < l->nr_units; i++) {
        if (was_rung(l->unit[i].bell)) {
            l->unit[i].bells++;
        }
    }
}

static bool begin(void)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, gfn;
    } place = {SELF, 0, 0, 0, (uint64_t)&shared / 4096};

    if (ioreq_call(MEMORY_OP, PLACE_SHARED_INFO, (uint64_t)&place, 0) != 0) {
        test_fail("shared_info is not placed");
        return false;
    }
    irq_body = handle;
    gic_enable(EVENT_PPI);
    return true;
}

TEST(ioreq_serve)
{
    uint64_t late = arg_number("late", 0);

    find_frontends();
    if (test_failed() || !begin()) {
        return;
    }
    if (late == ~0ull) {
        irq_off();
        for (;;) {
            wfi();
        }
    }
    delay_us(late * 1000);
    while (!test_failed()) {
        bool busy = ioreq_dma_busy();

        for (uint32_t i = 0; i < nr_links; i++) {
            look(&links[i]);
        }
        irq_off();
        if (!collect() && !busy) {
            wfi();
        }
        irq_on();
    }
}
