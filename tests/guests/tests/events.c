// SPDX-License-Identifier: Apache-2.0
/* Event channels as a bare-metal guest uses them: between its own CPUs, and over a static channel with
 * another domain (arguments side=0|1, port=). */
#include "gic.h"
#include "guest.h"

enum {
    MEMORY_OP = 12,
    VCPU_OP = 24,
    SCHED_OP = 29,
    EVENT_OP = 32,
    BIND_VIRQ = 1,
    CLOSE = 3,
    SEND = 4,
    BIND_IPI = 7,
    UNMASK = 9,
    RESET_PORTS = 10,
    RUNSTATE = 5,
    SET_TIMER = 8,
    STOP_TIMER = 9,
    REGISTER_INFO = 10,
    YIELD = 0,
    POLL = 3,
    SELF = 0x7ff0,
    EVENT_PPI = 31,
    PORTS = 1024
};

#define PATIENCE_US 20000000u

struct info {
    volatile uint8_t upcall, pad[7];
    volatile uint64_t sel;
    uint64_t time[4];
};

static struct {
    struct info first;
    volatile uint64_t pending[64], mask[64];
    uint8_t rest[4096 - 48 - 1024];
} shared __attribute__((aligned(4096)));
static struct info second __attribute__((aligned(64)));

static volatile uint32_t taken[MAX_CPUS][PORTS]; /* by CPU and port */
static volatile uint32_t echo_to[PORTS];         /* port that the handler of a port rings; 0: none */
static volatile uint32_t upcalls[MAX_CPUS];

static int64_t call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;

    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "memory", "cc", "x3", "x4");
    return (int64_t)x0;
}

static int64_t on_port(uint64_t operation, uint32_t port)
{
    return call(EVENT_OP, operation, (uint64_t)&port, 0);
}

static void handle(uint32_t intid)
{
    uint64_t cpu = this_cpu()->index, words, bits;
    struct info *info = cpu == 0 ? &shared.first : &second;

    if (intid != EVENT_PPI) {
        return;
    }
    upcalls[cpu]++;
    info->upcall = 0;
    words = __atomic_exchange_n(&info->sel, 0, __ATOMIC_SEQ_CST);
    for (uint32_t word = 0; word < PORTS / 64; word++) {
        if (words / (1ul << word) % 2 == 0) {
            continue;
        }
        bits = shared.pending[word] & ~shared.mask[word];
        __atomic_fetch_and(&shared.pending[word], ~bits, __ATOMIC_SEQ_CST);
        for (uint32_t bit = 0; bit < 64; bit++) {
            uint32_t port = word * 64 + bit;

            if (bits / (1ul << bit) % 2 != 0) {
                __atomic_fetch_add(&taken[cpu][port], 1, __ATOMIC_SEQ_CST);
                if (echo_to[port] != 0) {
                    on_port(SEND, echo_to[port]);
                }
            }
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
    int64_t result = call(MEMORY_OP, 7, (uint64_t)&place, 0);

    if (result != 0) {
        test_fail("shared_info is not placed: %ld", (long)result);
        return false;
    }
    memset((void *)taken, 0, sizeof taken);
    memset((void *)echo_to, 0, sizeof echo_to);
    memset((void *)upcalls, 0, sizeof upcalls);
    irq_body = handle;
    gic_enable(EVENT_PPI);
    return true; /* interrupts are still masked: what is on its way meets a handler that is ready */
}

static int64_t register_second(uint32_t cpu)
{
    struct {
        uint64_t gfn;
        uint32_t offset, reserved;
    } arg = {(uint64_t)&second / 4096, (uint64_t)&second % 4096, 0};

    return call(VCPU_OP, REGISTER_INFO, cpu, (uint64_t)&arg);
}

static uint32_t bind_ipi(uint32_t cpu)
{
    struct {
        uint32_t vcpu, port;
    } arg = {cpu, 0};

    EXPECT_EQ(call(EVENT_OP, BIND_IPI, (uint64_t)&arg, 0), 0, "bind_ipi");
    return arg.port;
}

static uint32_t bind_timer(uint32_t cpu)
{
    struct {
        uint32_t virq, vcpu, port;
    } arg = {0, cpu, 0};

    EXPECT_EQ(call(EVENT_OP, BIND_VIRQ, (uint64_t)&arg, 0), 0, "bind_virq");
    return arg.port;
}

static void end(void)
{
    uint16_t self = SELF;

    EXPECT_EQ(call(EVENT_OP, RESET_PORTS, (uint64_t)&self, 0), 0, "reset");
}

static bool wait_taken(uint32_t cpu, uint32_t port, uint32_t count)
{
    return wait_for(&taken[cpu][port], count, PATIENCE_US);
}

/* ---- inside one domain ---- */

TEST(event_self)
{
    uint32_t port, high = 0;

    if (!begin()) {
        return;
    }
    irq_on();
    for (uint32_t i = 0; i < 200; i++) { /* across words of the tables */
        high = bind_ipi(0);
    }
    port = high - 150;
    for (uint32_t i = 1; i <= 500 && !test_failed(); i++) {
        EXPECT_EQ(on_port(SEND, port), 0, "send");
        EXPECT_EQ(on_port(SEND, high), 0, "send");
        CHECK(wait_taken(0, port, i) && wait_taken(0, high, i), "event %u is lost", i);
    }
    end();
    CHECK(on_port(SEND, port) == -22, "a closed port is rung");
}

/* Masked at the event channel, at the interrupt controller, and by the processor. */
TEST(event_masked)
{
    uint32_t port, upcalls_before;
    uint64_t word, bit;

    if (!begin()) {
        return;
    }
    irq_on();
    port = bind_ipi(0);
    word = port / 64;
    bit = 1ul << port % 64;
    shared.mask[word] |= bit;
    upcalls_before = upcalls[0];
    on_port(SEND, port);
    delay_us(1000);
    CHECK(taken[0][port] == 0 && upcalls[0] == upcalls_before, "a masked port was told of");
    CHECK((shared.pending[word] & bit) != 0, "a masked port is not pending");
    EXPECT_EQ(on_port(UNMASK, port), 0, "unmask");
    CHECK(wait_taken(0, port, 1), "what was pending is lost by unmask");
    gic_disable(EVENT_PPI);
    on_port(SEND, port);
    delay_us(1000);
    CHECK(taken[0][port] == 1, "a disabled interrupt came");
    gic_enable(EVENT_PPI);
    CHECK(wait_taken(0, port, 2), "what came while the interrupt was disabled is lost");
    irq_off();
    on_port(SEND, port);
    wfi(); /* falls through */
    irq_on();
    CHECK(wait_taken(0, port, 3), "what came while interrupts were masked is lost");
    for (uint32_t level = 0; level < 2; level++) {
        gic_trigger(EVENT_PPI, level == 0);
        for (uint32_t i = 0; i < 100; i++) {
            uint32_t before = taken[0][port];

            on_port(SEND, port);
            CHECK(wait_taken(0, port, before + 1), "lost, trigger %u", level);
        }
    }
    end();
}

static volatile uint32_t other_ready, other_stop, other_result;

static void other(void *arg)
{
    (void)arg;
    gic_enable(EVENT_PPI);
    other_result = (uint32_t)register_second(1);
    irq_on();
    __atomic_store_n(&other_ready, 1, __ATOMIC_RELEASE);
    while (other_stop == 0) {
        irq_off();
        if (other_stop == 0 && arg_number("sleep", 1) != 0) {
            wfi();
        }
        irq_on();
        cpu_relax();
    }
    irq_off();
}

/* An event sent before the other CPU registers its vcpu_info is told when it does; then there and back. */
TEST(event_cpus)
{
    uint32_t to_other, back, rounds = (uint32_t)arg_number("rounds", 300);

    if (cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    if (!begin()) {
        return;
    }
    irq_on();
    other_ready = other_stop = 0;
    memset(&second, 0, sizeof second);
    to_other = bind_ipi(1);
    back = bind_ipi(0);
    echo_to[to_other] = back;
    EXPECT_EQ(on_port(SEND, to_other), 0, "send");
    CHECK(cpu_start(1, other, NULL) == PSCI_SUCCESS && wait_for(&other_ready, 1, PATIENCE_US),
          "CPU 1 does not start");
    EXPECT_EQ(other_result, 0, "register_vcpu_info");
    CHECK(wait_taken(1, to_other, 1) && wait_taken(0, back, 1), "what came before the registration is lost");
    for (uint32_t i = 2; i <= rounds && !test_failed(); i++) {
        EXPECT_EQ(on_port(SEND, to_other), 0, "send");
        CHECK(wait_taken(0, back, i), "round %u is lost", i);
    }
    echo_to[to_other] = 0;
    other_stop = 1;
    on_port(SEND, to_other);
    CHECK(cpu_wait_off(1, PATIENCE_US), "CPU 1 does not stop");
    end();
}

TEST(event_timer)
{
    struct {
        uint64_t at;
        uint32_t flags, pad;
    } arg = {0, 0, 0};
    struct {
        uint32_t state, pad;
        uint64_t entry, time[4];
    } state;
    uint64_t where = (uint64_t)&state, hz = sysreg_read(cntfrq_el0);
    uint32_t port;

    if (!begin()) {
        return;
    }
    irq_on();
    port = bind_timer(0);
    for (uint32_t i = 1; i <= 20 && !test_failed(); i++) {
        uint64_t deadline;

        EXPECT_EQ(call(VCPU_OP, RUNSTATE, 0, (uint64_t)&where), 0, "runstate");
        arg.at = state.time[0] + 300000 * (i % 4 + 1); /* system time is what a vCPU has run */
        deadline = arg.at / 1000 * (hz / 1000) / 1000;
        irq_off();
        EXPECT_EQ(call(VCPU_OP, SET_TIMER, 0, (uint64_t)&arg), 0, "set_singleshot_timer");
        if (i % 2 == 0) {
            while (shared.first.upcall == 0) {
                wfi();
            }
        }
        irq_on();
        CHECK(wait_taken(0, port, i), "timer %u does not come", i);
        EXPECT(now() >= deadline, "timer %u is %lu ticks early", i, deadline - now());
    }
    arg.at = 1;
    arg.flags = 1; /* VCPU_SSHOTTMR_future */
    EXPECT_EQ(call(VCPU_OP, SET_TIMER, 0, (uint64_t)&arg), (uint64_t)-62, "a time that has passed");
    arg.at = state.time[0] + 1000000000;
    EXPECT_EQ(call(VCPU_OP, SET_TIMER, 0, (uint64_t)&arg), 0, "set_singleshot_timer");
    EXPECT_EQ(call(VCPU_OP, STOP_TIMER, 0, 0), 0, "stop_singleshot_timer");
    end();
}

static int64_t poll(uint32_t port, uint64_t timeout)
{
    struct {
        uint64_t ports;
        uint32_t nr, pad;
        uint64_t timeout;
    } arg = {(uint64_t)&port, 1, 0, timeout};

    return call(SCHED_OP, POLL, (uint64_t)&arg, 0);
}

static uint64_t system_time(void)
{
    uint64_t hz = sysreg_read(cntfrq_el0), ticks = now();

    return ticks / hz * 1000000000 + ticks % hz * 1000000000 / hz;
}

/* Masked interrupts, a masked port: poll ends by time, and by an event. */
TEST(event_poll)
{
    uint32_t port;
    uint64_t start, bit;

    if (!begin()) {
        return;
    }
    irq_on();
    port = bind_ipi(0);
    bit = 1ul << port % 64;
    shared.mask[port / 64] |= bit;
    for (uint32_t i = 0; i < 20 && !test_failed(); i++) {
        start = system_time();
        EXPECT_EQ(poll(port, start + 500000), 0, "poll");
        EXPECT(system_time() >= start + 500000, "poll ended early");
        on_port(SEND, port);
        start = system_time();
        EXPECT_EQ(poll(port, start + 5000000000), 0, "poll");
        EXPECT(system_time() < start + 2500000000, "poll waited for what was pending");
        shared.pending[port / 64] &= ~bit;
        EXPECT_EQ(call(SCHED_OP, YIELD, 0, 0), 0, "yield");
    }
    shared.mask[port / 64] &= ~bit;
    end();
}

/* ---- over a static channel ---- */

/* There and back; then both at full speed, after which nothing may be missing. The domains end together. */
TEST(event_pair)
{
    uint32_t port = (uint32_t)arg_number("port", 10), side = (uint32_t)arg_number("side", 0), before;
    uint32_t rounds = (uint32_t)arg_number("rounds", 500);

    if (!begin()) {
        return;
    }
    if (side == 1) {
        echo_to[port] = port;
        irq_on();
        (void)wait_for(&taken[0][port], rounds, PATIENCE_US); /* answers while it waits */
        return;
    }
    irq_on();
    for (uint32_t i = 0; i < rounds && !test_failed(); i++) {
        before = taken[0][port];
        EXPECT_EQ(on_port(SEND, port), 0, "send");
        while (i % 2 == 0 && taken[0][port] == before) { /* asleep every other time */
            irq_off();
            if (taken[0][port] == before) {
                wfi();
            }
            irq_on();
        }
        CHECK(wait_for(&taken[0][port], before + 1, PATIENCE_US), "round %u is lost", i);
    }
    test_figure("rounds", rounds);
}

/* The other domain starts again and again; each time this one is told, and can ring it at once. */
TEST(event_restart)
{
    uint32_t port = (uint32_t)arg_number("port", 10), before;
    uint32_t lives = (uint32_t)arg_number("lives", 5);

    if (!begin()) {
        return;
    }
    irq_on();
    if (arg_number("side", 0) == 1) {
        CHECK(wait_for(&taken[0][port], 1, PATIENCE_US), "not told of the peer");
        EXPECT_EQ(on_port(SEND, port), 0, "send");
        system_reset();
    }
    for (uint32_t i = 0; i < lives && !test_failed(); i++) {
        before = taken[0][port];
        EXPECT_EQ(on_port(SEND, port), 0, "send");
        CHECK(wait_for(&taken[0][port], before + 1, PATIENCE_US), "life %u: no answer", i);
        print("LIFE %u\n", i);
    }
}
