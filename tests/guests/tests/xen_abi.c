// SPDX-License-Identifier: Apache-2.0
/* A fixed series of Xen hypercalls; each prints what came back. The same binary runs on stock Xen, so the two
 * lists can be laid side by side (tests/system/test_xen_abi.py). Nothing in it knows on which it runs. */
#include "guest.h"

#define PAGE        4096ul
#define SELF        0x7ff0u
#define OWN         1u
#define GRANT_TABLE 0x38000000ul /* the window of the hypervisor node */
#define GRANT_PLACE 0x38100000ul
#define HOLE        0x39900000ul

static uint8_t ram[8 * PAGE] __attribute__((aligned(4096)));

static int64_t call(uint64_t number, uint64_t a, const void *b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = (uint64_t)b, x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "memory", "cc", "x3", "x4");
    return (int64_t)x0;
}

static void say(const char *name, int64_t result, int64_t more)
{
    print("ABI %s %d %d\n", name, (int)result, (int)more);
}

/* --- memory, versions, parameters --- */

struct place {
    uint16_t domid, size;
    uint32_t space;
    uint64_t index, gfn;
};

static int64_t place(uint16_t domid, uint32_t space, uint64_t index, uint64_t at)
{
    struct place arg = {domid, 0, space, index, at / PAGE};

    return call(12, 7, &arg, 0);
}

static int64_t take_away(uint64_t at)
{
    struct {
        uint16_t domid;
        uint64_t gfn;
    } arg = {SELF, at / PAGE};

    return call(12, 15, &arg, 0);
}

static int64_t reservation(uint64_t op, uint64_t at, uint64_t count)
{
    uint64_t gfns[2] = {at / PAGE, at / PAGE + 1};
    struct {
        uint64_t list, nr;
        uint32_t order, flags;
        uint16_t domid;
    } arg = {(uint64_t)gfns, count, 0, 0, SELF};

    return call(12, op, &arg, 0);
}

static int64_t parameter(uint32_t index, uint64_t *value)
{
    struct {
        uint16_t domid;
        uint32_t index;
        uint64_t value;
    } arg = {SELF, index, 0};
    int64_t result = call(34, 1, &arg, 0);

    *value = arg.value;
    return result;
}

static void versions(void)
{
    struct {
        uint32_t index, map;
    } features = {0, 0}, wrong = {1, 0};
    uint64_t value;

    say("version", call(17, 0, NULL, 0), 0);
    say("features", call(17, 6, &features, 0), features.map);
    say("features_1", call(17, 6, &wrong, 0) == 0 && wrong.map == 0, 0);
    say("pagesize", call(17, 7, NULL, 0), 0);
    say("version_99", call(17, 99, NULL, 0), 0);
    say("param_callback", parameter(0, &value), (int64_t)value);
    say("param_store", parameter(1, &value), (int64_t)value);
    say("param_99", parameter(99, &value), 0);
    say("unknown", call(63, 0, NULL, 0), 0);
    say("version_bad_pointer", call(17, 6, (void *)HOLE, 0), 0);
}

static void memory(void)
{
    say("shared_info", place(SELF, 0, 0, (uint64_t)ram), 0);
    say("shared_info_again", place(SELF, 0, 0, (uint64_t)ram + PAGE), 0);
    say("shared_info_index", place(SELF, 0, 1, (uint64_t)ram), 0);
    say("place_space", place(SELF, 77, 0, (uint64_t)ram), 0);
    say("place_domain", place(77, 0, 0, (uint64_t)ram), 0);
    say("place_bad_pointer", call(12, 7, (void *)HOLE, 0), 0);
    say("remove_hole", take_away(HOLE), 0);
    say("remove", take_away((uint64_t)ram + 5 * PAGE), 0);
    say("remove_again", take_away((uint64_t)ram + 5 * PAGE), 0);
    say("decrease", reservation(1, (uint64_t)ram + 6 * PAGE, 2), 0);
    say("populate", reservation(6, (uint64_t)ram + 6 * PAGE, 2), 0);
    ram[6 * PAGE] = 1; /* is there again */
    ram[7 * PAGE] = 1;
    say("memory_map", call(12, 9, &ram[7 * PAGE], 0), 0);
    say("memory_99", call(12, 63, NULL, 0), 0);
}

/* --- events --- */

static int64_t event(uint64_t op, uint32_t a, uint32_t b, uint32_t *out, unsigned place_of_out)
{
    uint32_t arg[6] = {a, b};
    int64_t result = call(32, op, arg, 0);

    if (out != NULL) {
        *out = arg[place_of_out];
    }
    return result;
}

static void status_of(const char *name, uint32_t port)
{
    uint32_t arg[6] = {SELF, port};
    int64_t result = call(32, 5, arg, 0);

    say(name, result, arg[2]);
}

static void events(void)
{
    uint32_t unbound = 0, bound = 0, ipi = 0, timer = 0, dummy;

    say("alloc_unbound", event(6, SELF | SELF << 16, 0, &unbound, 1), unbound != 0);
    status_of("status_unbound", unbound);
    say("send_unbound", event(4, unbound, 0, NULL, 0), 0);
    say("bind_interdomain", event(0, SELF, unbound, &bound, 2), bound != unbound);
    status_of("status_bound", bound);
    status_of("status_peer", unbound);
    say("bind_again", event(0, SELF, unbound, &dummy, 2), 0);
    say("bind_nobody", event(0, 77, 1, &dummy, 2), 0);
    say("bind_range", event(0, SELF, 100000, &dummy, 2), 0);
    say("send", event(4, bound, 0, NULL, 0), 0);
    say("bind_ipi", event(7, 0, 0, &ipi, 1), ipi != 0);
    status_of("status_ipi", ipi);
    say("send_ipi", event(4, ipi, 0, NULL, 0), 0);
    say("bind_ipi_vcpu", event(7, 99, 0, &dummy, 1), 0);
    say("bind_timer", event(1, 0, 0, &timer, 2), timer != 0);
    status_of("status_timer", timer);
    say("bind_timer_again", event(1, 0, 0, &dummy, 2), 0);
    say("bind_virq_99", event(1, 99, 0, &dummy, 2), 0);
    say("bind_virq_vcpu", event(1, 0, 99, &dummy, 2), 0);
    say("bind_vcpu", event(8, bound, 0, NULL, 0), 0);
    say("bind_vcpu_99", event(8, bound, 99, NULL, 0), 0);
    say("bind_vcpu_ipi", event(8, ipi, 0, NULL, 0), 0);
    say("unmask", event(9, bound, 0, NULL, 0), 0);
    say("unmask_range", event(9, 100000, 0, NULL, 0), 0);
    say("close", event(3, bound, 0, NULL, 0), 0);
    status_of("status_closed", bound);
    status_of("status_left", unbound);
    say("close_again", event(3, bound, 0, NULL, 0), 0);
    say("send_closed", event(4, bound, 0, NULL, 0), 0);
    say("close_range", event(3, 100000, 0, NULL, 0), 0);
    say("send_0", event(4, 0, 0, NULL, 0), 0);
    say("send_bad_pointer", call(32, 4, (void *)HOLE, 0), 0);
    say("close_timer", event(3, timer, 0, NULL, 0), 0);
    say("close_ipi", event(3, ipi, 0, NULL, 0), 0);
    say("event_99", event(99, 0, 0, NULL, 0), 0);
}

/* --- grants --- */

struct entry {
    uint16_t flags, domid;
    uint32_t frame;
};

static int64_t map(uint32_t ref, uint16_t domid, uint32_t flags, uint32_t *handle, int64_t *result)
{
    struct {
        uint64_t at;
        uint32_t flags, ref;
        uint16_t domid;
        int16_t status;
        uint32_t handle;
        uint64_t bus;
    } arg = {GRANT_PLACE, flags, ref, domid, 1, 0, 0};

    *result = call(20, 0, &arg, 1);
    *handle = arg.handle;
    return arg.status;
}

static int64_t unmap(uint64_t at, uint32_t handle)
{
    struct {
        uint64_t at, bus;
        uint32_t handle;
        int16_t status;
    } arg = {at, 0, handle, 1};

    (void)call(20, 1, &arg, 1);
    return arg.status;
}

static int64_t copy(uint32_t ref, uint16_t offset, uint64_t to, uint16_t length)
{
    struct {
        uint64_t from;
        uint16_t from_domid, from_offset;
        uint64_t to;
        uint16_t to_domid, to_offset;
        uint32_t padding;
        uint16_t length, flags;
        int16_t status;
    } arg = {ref, SELF, offset, to / PAGE, SELF, 0, 0, length, 1, 1};

    (void)call(20, 5, &arg, 1);
    return arg.status;
}

static void grants(void)
{
    volatile struct entry *table = (volatile struct entry *)GRANT_TABLE;
    uint32_t handle = 0, dummy;
    int64_t result, status;
    struct {
        uint16_t domid;
        uint32_t nr, most;
        int16_t status;
    } size = {SELF, 0, 0, 1};

    say("grant_frame", place(SELF, 1, 0, GRANT_TABLE), 0);
    result = call(20, 6, &size, 1);
    say("query_size", result, size.status);
    table[8] = (struct entry){1, OWN, (uint32_t)((uint64_t)ram / PAGE + 3)};
    table[9] = (struct entry){1 | 4, OWN, (uint32_t)((uint64_t)ram / PAGE + 4)};
    table[10] = (struct entry){1, 77, (uint32_t)((uint64_t)ram / PAGE + 4)};
    ram[3 * PAGE + 100] = 0x5a;
    dsb();
    status = map(8, OWN, 2, &handle, &result);
    say("map", result, status);
    if (status == 0) {
        say("map_flags", table[8].flags, read8(GRANT_PLACE + 100));
        write8(GRANT_PLACE + 101, 0xa5);
        say("map_shared", ram[3 * PAGE + 101], 0);
    }
    say("unmap_elsewhere", unmap(GRANT_PLACE + PAGE, handle), 0);
    say("unmap", unmap(GRANT_PLACE, handle), table[8].flags);
    say("unmap_again", unmap(GRANT_PLACE, handle), 0);
    say("unmap_handle", unmap(GRANT_PLACE, 0xffffff), 0);
    say("map_write_readonly", map(9, OWN, 2, &dummy, &result), 0);
    status = map(9, OWN, 2 | 4, &handle, &result);
    say("map_readonly", status, table[9].flags);
    say("unmap_readonly", unmap(GRANT_PLACE, handle), table[9].flags);
    say("map_not_for_us", map(10, OWN, 2, &dummy, &result), 0);
    say("map_not_granted", map(11, OWN, 2, &dummy, &result), 0);
    say("map_ref_range", map(1u << 20, OWN, 2, &dummy, &result), 0);
    say("map_self", map(8, SELF, 2, &dummy, &result), 0);
    say("map_domain", map(8, 77, 2, &dummy, &result), 0);
    say("copy", copy(8, 100, (uint64_t)ram + 4 * PAGE, 2), ram[4 * PAGE]);
    say("copy_over_page", copy(8, 4095, (uint64_t)ram + 4 * PAGE, 2), 0);
    say("copy_not_granted", copy(11, 0, (uint64_t)ram + 4 * PAGE, 2), 0);
    say("grant_bad_pointer", call(20, 0, (void *)HOLE, 1), 0);
    say("grant_99", call(20, 99, &size, 1), 0);
}

static void vcpus(void)
{
    struct {
        uint64_t gfn;
        uint32_t offset, rest;
    } info = {(uint64_t)ram / PAGE + 2, 64, 0}, misplaced = {(uint64_t)ram / PAGE + 2, 4090, 0};
    uint64_t runstate[6] = {0}, at = (uint64_t)runstate;

    say("vcpu_info_crosses", call(24, 10, NULL, (uint64_t)&misplaced), 0);
    say("vcpu_info", call(24, 10, NULL, (uint64_t)&info), 0);
    say("vcpu_info_pending", ram[2 * PAGE + 64], 0);
    say("vcpu_info_again", call(24, 10, NULL, (uint64_t)&info), 0);
    say("runstate", call(24, 5, NULL, (uint64_t)&at), (int64_t)(uint32_t)runstate[0]);
    say("yield", call(29, 0, NULL, 0), 0);
    say("sched_99", call(29, 99, &info, 0), 0);
}

TEST(xen_abi)
{
    versions();
    memory();
    events();
    grants();
    vcpus();
}
