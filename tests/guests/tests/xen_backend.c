// SPDX-License-Identifier: Apache-2.0
/* A backend that knows nothing but Xen's calls and layouts (public/hvm/dm_op.h, ioreq.h, memory.h,
 * event_channel.h): no /bulkhead-backend, no static port, no state page. What a toolstack would tell it is in
 * its arguments: "fe", the frontend; "base", its device; "irq", the interrupt of that. The device is the one
 * of ioreq_protocol.h, as far as it needs nothing of Bulkhead's own. */
#include "gic.h"
#include "ioreq_protocol.h"

enum { MEMORY_OP = 12, EVENT_OP = 32, DM_OP = 41 };
enum { ADD_TO_PHYSMAP = 7, ACQUIRE_RESOURCE = 28, SELF = 0x7ff0 };
enum { BIND_INTERDOMAIN = 0, SEND = 4 };
enum { CREATE = 1, MAP_RANGE = 3, SET_STATE = 5, SET_IRQ_LEVEL = 19, NR_VCPUS = 20 };
enum { NONE, READY, INPROCESS, RESPONSE, IS_READ = 0x20, STATE = 0xf, COPY = 1 };
enum { EINVAL = -22, PORTS = 4096, PAGE_BYTES = 4096 };

struct request {
    uint64_t address, data;
    uint32_t count, size, vp_eport;
    uint16_t pad;
    uint8_t state, type;
};

struct operation {
    uint32_t op, pad;
    union {
        struct {
            uint8_t handle_bufioreq, pad[3];
            uint16_t id;
        } create;
        struct {
            uint16_t id, pad;
            uint32_t type;
            uint64_t start, end;
        } range;
        struct {
            uint16_t id;
            uint8_t enabled, pad;
        } state;
        struct {
            uint32_t irq;
            uint8_t level, pad[3];
        } line;
        uint32_t nr_vcpus;
        uint64_t size[3];
    } u;
};

static struct {
    volatile uint8_t upcall, pad[7];
    uint64_t sel, time[4];
    uint64_t pending[64], mask[64];
    uint8_t rest[PAGE_BYTES - 48 - 1024];
} shared __attribute__((aligned(PAGE_BYTES)));
static struct request slots[PAGE_BYTES / sizeof(struct request)] __attribute__((aligned(PAGE_BYTES)));

static uint32_t frontend, server, nr_vcpus, irq, port_of[MAX_CPUS], requests, interrupts;
static uint64_t base;
static uint8_t store[IOREQ_BYTES];

static int64_t xen_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "x3", "x4", "memory", "cc");
    return (int64_t)x0;
}

static int64_t dm_op(struct operation *op)
{
    struct {
        uint64_t at, size;
    } buffer = {(uint64_t)op, sizeof *op};

    return xen_call(DM_OP, frontend, 1, (uint64_t)&buffer);
}

static int64_t set_state(bool on)
{
    struct operation op = {.op = SET_STATE, .u.state = {(uint16_t)server, on, 0}};

    return dm_op(&op);
}

/* ---- set up ---- */

static bool place_shared_info(void)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, gfn;
    } place = {SELF, 0, 0, 0, (uint64_t)&shared / PAGE_BYTES};

    return xen_call(MEMORY_OP, ADD_TO_PHYSMAP, (uint64_t)&place, 0) == 0;
}

static bool acquire_slots(void)
{
    uint64_t frame = (uint64_t)slots / PAGE_BYTES;
    struct {
        uint16_t domid, type;
        uint32_t id, nr_frames, pad;
        uint64_t frame, frame_list;
    } resource = {(uint16_t)frontend, 0, server, 1, 0, 1, (uint64_t)&frame};

    return xen_call(MEMORY_OP, ACQUIRE_RESOURCE, (uint64_t)&resource, 0) == 0;
}

static void bind(uint32_t vcpu)
{
    struct {
        uint16_t domid, pad;
        uint32_t remote, local;
    } arg = {(uint16_t)frontend, 0, slots[vcpu].vp_eport, 0};

    CHECK(arg.remote != 0, "slot %u has no port after set_ioreq_server_state", vcpu);
    CHECK(xen_call(EVENT_OP, BIND_INTERDOMAIN, (uint64_t)&arg, 0) == 0, "bind_interdomain of vCPU %u", vcpu);
    CHECK(arg.local != 0 && arg.local < PORTS, "port %u", arg.local);
    port_of[vcpu] = arg.local;
}

static bool create_server(void)
{
    struct operation op = {.op = NR_VCPUS};

    EXPECT(dm_op(&op) == 0, "nr_vcpus");
    nr_vcpus = op.u.nr_vcpus;
    EXPECT(nr_vcpus != 0 && nr_vcpus <= MAX_CPUS, "%u vCPUs", nr_vcpus);
    op = (struct operation){.op = CREATE};
    EXPECT(dm_op(&op) == 0, "create_ioreq_server");
    server = op.u.create.id;
    op = (struct operation){.op = MAP_RANGE};
    op.u.range.id = (uint16_t)server;
    op.u.range.type = 1;
    op.u.range.start = base;
    op.u.range.end = base + IOREQ_BYTES - 1;
    EXPECT(dm_op(&op) == 0, "map_io_range_to_ioreq_server");
    EXPECT(acquire_slots(), "acquire_resource");
    return !test_failed();
}

/* Under Xen the frontend is there when its toolstack starts the backend; here both start at once. */
static bool enable_server(void)
{
    uint64_t end = now() + us_to_ticks(10000000);
    int64_t result;

    while ((result = set_state(true)) == EINVAL && now() < end) {
        delay_us(100);
    }
    if (result != 0) {
        test_fail("set_ioreq_server_state: %ld", result);
        return false;
    }
    for (uint32_t i = 0; i < nr_vcpus && !test_failed(); i++) {
        bind(i);
    }
    return !test_failed();
}

/* ---- the device ---- */

static void interrupt(uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        struct operation op = {.op = SET_IRQ_LEVEL, .u.line = {irq, 1, {0}}};

        EXPECT(dm_op(&op) == 0, "set_irq_level 1");
        op.u.line.level = 0;
        EXPECT(dm_op(&op) == 0, "set_irq_level 0");
        interrupts++;
    }
}

static uint64_t device_read(uint32_t offset, uint32_t size)
{
    uint64_t value = 0;

    if (offset + size <= REG_COMMAND) {
        return ioreq_pattern(offset, size);
    }
    memcpy(&value, &store[offset], size);
    return value;
}

static void device_write(uint32_t offset, uint32_t size, uint64_t data)
{
    uint32_t argument;

    memcpy(&argument, &store[REG_ARGUMENT], sizeof argument);
    if (offset == REG_COMMAND && data % 256 == DO_INTERRUPT) {
        interrupt(argument);
    } else if (offset >= REG_COMMAND) {
        memcpy(&store[offset], &data, size);
    }
}

static void serve(uint32_t vcpu)
{
    struct request *slot = &slots[vcpu];
    uint8_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
    uint32_t offset = (uint32_t)(slot->address - base);

    if ((state & STATE) != READY) {
        return;
    }
    __atomic_store_n(&slot->state, (uint8_t)((state & ~STATE) | INPROCESS), __ATOMIC_RELEASE);
    CHECK(slot->type == COPY && slot->count == 1 && slot->size <= 8 && slot->address >= base &&
              offset + slot->size <= IOREQ_BYTES,
          "request at 0x%lx, %u bytes, type %u", slot->address, slot->size, slot->type);
    EXPECT(slot->vp_eport == port_of[vcpu], "port %u of slot %u has become %u", port_of[vcpu], vcpu,
           slot->vp_eport);
    if ((state & IS_READ) != 0) {
        slot->data = device_read(offset, slot->size);
    } else {
        device_write(offset, slot->size, slot->data);
    }
    __atomic_store_n(&slot->state, (uint8_t)((state & ~STATE) | RESPONSE), __ATOMIC_RELEASE);
    EXPECT(xen_call(EVENT_OP, SEND, (uint64_t)&port_of[vcpu], 0) == 0, "send on the port of vCPU %u", vcpu);
    if (++requests % 1000 == 0) {
        print("SERVED %u requests, %u interrupts\n", requests, interrupts);
    }
}

/* ---- events: a slot is looked at when its port says so, and only then ---- */

static void acknowledge(uint32_t intid)
{
    (void)intid;
    shared.upcall = 0;
}

static bool look(void)
{
    bool any = false;

    shared.upcall = 0;
    (void)__atomic_exchange_n(&shared.sel, 0, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < nr_vcpus; i++) {
        uint64_t *word = &shared.pending[port_of[i] / 64], bit = 1ull << port_of[i] % 64;

        if ((__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit) != 0) {
            serve(i);
            any = true;
        }
    }
    return any;
}

static uint32_t upcall_intid(void)
{
    uint32_t length = 0;
    const uint8_t *cells = fdt_prop(fdt_compatible("xen,xen", -1), "interrupts", &length);

    return cells != NULL && length >= 12 ? be32(cells + 4) + 16 : 0;
}

TEST(xen_serve)
{
    uint32_t intid = upcall_intid();

    frontend = (uint32_t)arg_number("fe", 1);
    base = arg_number("base", 0);
    irq = (uint32_t)arg_number("irq", 0);
    CHECK(intid != 0, "no interrupt for events in the hypervisor's node");
    CHECK(place_shared_info(), "shared_info is not placed");
    irq_body = acknowledge;
    gic_enable(intid);
    if (!create_server() || !enable_server()) {
        return;
    }
    print("SERVES %u vCPUs\n", nr_vcpus);
    while (!test_failed()) {
        irq_off();
        if (!look()) {
            wfi();
        }
        irq_on();
    }
}
