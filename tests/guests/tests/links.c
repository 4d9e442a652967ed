// SPDX-License-Identifier: Apache-2.0
/* What the device tree tells of channels, shared memory and static event ports, tried from both sides. The
 * domains differ by the argument "side": 0 speaks first. */
#include "gic.h"
#include "guest.h"

enum { EVENT_PPI = 31, EVTCHNOP_SEND = 4, TX_SIZE = 0x2000 };

#define PATIENCE_US 20000000u
#define HELLO       0x0123456789abcdefu
#define ANSWER      0xfedcba9876543210u

static struct {
    int node;
    uint64_t tx, rx, size, doorbell;
    uint32_t intid, port;
} channel;

static int64_t event_send(uint32_t port)
{
    register uint64_t x0 __asm__("x0") = EVTCHNOP_SEND, x1 __asm__("x1") = (uint64_t)&port;
    register uint64_t x16 __asm__("x16") = 32;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16) : : "memory", "cc", "x2", "x3", "x4", "x5");
    return (int64_t)x0;
}

static bool find_channel(void)
{
    uint64_t rx_size, page;
    uint32_t length;
    const uint8_t *interrupt;

    channel.node = fdt_compatible("bulkhead,channel-v1", -1);
    if (channel.node < 0 || !fdt_has_string(channel.node, "bulkhead,name", "pair") ||
        !fdt_reg(channel.node, 0, &channel.tx, &channel.size) ||
        !fdt_reg(channel.node, 1, &channel.rx, &rx_size) || rx_size != channel.size) {
        test_fail("no channel, or a node that is not whole");
        return false;
    }
    if (!fdt_reg(channel.node, 2, &channel.doorbell, &page)) {
        channel.doorbell = 0;
    }
    (void)fdt_u32(channel.node, "bulkhead,port", &channel.port);
    interrupt = fdt_prop(channel.node, "interrupts", &length);
    channel.intid = interrupt != NULL && length == 12 ? be32(interrupt + 4) + 32 : EVENT_PPI;
    gic_trigger(channel.intid, interrupt != NULL);
    gic_target(channel.intid, 0);
    gic_enable(channel.intid);
    irq_on();
    return true;
}

static void ring(void)
{
    dsb();
    if (channel.doorbell != 0) {
        write32(channel.doorbell, 1);
    } else {
        EXPECT_EQ(event_send(channel.port), 0, "EVTCHNOP_send");
    }
}

static bool wait_word(uint64_t address, uint64_t value)
{
    uint64_t end = now() + us_to_ticks(PATIENCE_US);

    while (read64(address) != value && now() < end) {
        cpu_relax();
    }
    return read64(address) == value;
}

TEST(channel_talk)
{
    uint64_t side = arg_number("side", 0), sum = 0;
    struct fault fault;

    if (!find_channel()) {
        return;
    }
    EXPECT_EQ(channel.size, TX_SIZE, "bytes each way");
    for (uint64_t i = 0; i < channel.size; i += 8) {
        sum |= read64(channel.tx + i);
    }
    EXPECT_EQ(sum, 0, "memory that was not cleared");
    CHECK(!try_write(channel.rx, 8, 1, &fault), "the peer's memory can be written");
    EXPECT_EQ(ESR_EC(fault.esr), EC_DATA_ABORT, "exception class");
    write64(channel.tx + 8, side == 0 ? HELLO : ANSWER);
    CHECK(wait_word(channel.rx + 8, side == 0 ? ANSWER : HELLO), "the peer wrote nothing");
    ring(); /* it listens */
    CHECK(wait_for(&cpus[0].seen[channel.intid], 1, PATIENCE_US), "no interrupt %u", channel.intid);
    write64(channel.tx + 16, HELLO);
    CHECK(wait_word(channel.rx + 16, HELLO), "the peer was not rung");
    test_figure("intid", channel.intid);
}

static int find_shared(const char *id)
{
    int node = -1;

    do {
        node = fdt_compatible("xen,shared-memory-v1", node);
    } while (node >= 0 && !fdt_has_string(node, "xen,id", id));
    return node;
}

static bool in_memory(uint64_t at)
{
    int memory = fdt_path("/memory");
    uint64_t base, size;

    for (uint32_t i = 0; fdt_reg(memory, i, &base, &size); i++) {
        if (at - base < size) {
            return true;
        }
    }
    return false;
}

/* "frames": side 0 writes, side 1 reads; "both": either. */
TEST(shared_memory)
{
    uint64_t side = arg_number("side", 0), frames, both, size, end = now() + us_to_ticks(PATIENCE_US);
    uint32_t offset = 1;

    CHECK(find_shared("frames") >= 0 && find_shared("both") >= 0, "shared memory is not told");
    CHECK(fdt_reg(find_shared("frames"), 0, &frames, &size) && size == 0x2000, "reg of frames");
    CHECK(fdt_reg(find_shared("both"), 0, &both, &size) && size == 0x1000, "reg of both");
    EXPECT(fdt_u32(find_shared("both"), "xen,offset", &offset) || offset == 1, "xen,offset has two cells");
    EXPECT_EQ(read64(frames + 0x1ff8), 0, "memory that was not cleared");
    EXPECT_EQ(in_memory(both), true, "shared memory is told as memory");
    EXPECT_EQ(in_memory(frames), side == 0, "memory that is only read is told as memory");
    EXPECT_EQ(fdt_prop(find_shared("frames"), "no-map", NULL) != NULL, side == 1, "no-map");
    EXPECT_EQ(try_write(frames, 8, side == 0 ? HELLO : 0, NULL), side == 0,
              "a store into frames goes through");
    write64(both + 8 * side, side == 0 ? HELLO : ANSWER);
    while ((read64(frames) != HELLO || read64(both + 8 - 8 * side) != (side == 0 ? ANSWER : HELLO)) &&
           now() < end) {
        cpu_relax();
    }
    EXPECT_EQ(read64(frames), HELLO, "frames");
    EXPECT_EQ(read64(both + 8 - 8 * side), side == 0 ? ANSWER : HELLO, "both");
}

/* The port is found by the name of its node in the host's tree. */
TEST(static_event)
{
    int events = fdt_path("/bulkhead/events"), node;
    uint64_t both, size, side = arg_number("side", 0);
    uint32_t port = 0;

    CHECK(events >= 0 && fdt_has_string(events, "compatible", "bulkhead,events-v1"), "no /bulkhead/events");
    node = fdt_child(events, "port");
    CHECK(node >= 0 && fdt_has_string(node, "bulkhead,name", "bell") && fdt_u32(node, "reg", &port),
          "no port of that name");
    EXPECT_EQ(port, side == 0 ? 10 : 12, "port");
    CHECK(fdt_reg(find_shared("both"), 0, &both, &size), "no shared memory");
    gic_enable(EVENT_PPI);
    irq_on();
    write64(both + 0x100 + 8 * side, HELLO);
    CHECK(wait_word(both + 0x108 - 8 * side, HELLO), "the peer does not listen");
    EXPECT_EQ(event_send(port), 0, "EVTCHNOP_send");
    EXPECT(wait_for(&cpus[0].seen[EVENT_PPI], 1, PATIENCE_US), "no event");
    write64(both + 0x100 + 8 * side, ANSWER);
    CHECK(wait_word(both + 0x108 - 8 * side, ANSWER), "the peer was not rung");
}

TEST(hypervisor_node)
{
    int node = fdt_path("/hypervisor");
    uint64_t base, size;

    CHECK(node >= 0, "no /hypervisor");
    EXPECT(fdt_has_string(node, "compatible", "xen,xen"), "compatible");
    CHECK(fdt_reg(node, 0, &base, &size), "no region for the grant table");
    EXPECT_EQ(base, 0x38000000, "region for the grant table");
    EXPECT_EQ(size, 0x1000000, "size of the region for the grant table");
    CHECK(fdt_reg(node, 1, &base, &size), "no extended region");
    EXPECT(!in_memory(base) && size >= 0x4000000, "extended region 0x%lx, 0x%lx", base, size);
}
