// SPDX-License-Identifier: Apache-2.0
/* Accesses that another domain answers, as their maker sees them. What the backend does is asked of it
 * through its registers (ioreq_protocol.h). */
#include "gic.h"
#include "ioreq_protocol.h"

#define PATIENCE_US 30000000u

static struct device {
    uint64_t base;
    uint32_t intid;
} device[IOREQ_DEVICES];
static uint32_t nr_devices;

static bool find_devices(void)
{
    int node = -1;
    uint64_t size;
    uint32_t length;

    nr_devices = 0;
    while ((node = fdt_compatible("virtio,mmio", node)) >= 0 && nr_devices < IOREQ_DEVICES) {
        struct device *d = &device[nr_devices++];
        const uint8_t *interrupt = fdt_prop(node, "interrupts", &length);

        if (!fdt_reg(node, 0, &d->base, &size) || size != IOREQ_BYTES || !interrupt || length != 12 ||
            be32(interrupt) != 0 || be32(interrupt + 8) % 16 != 1) {
            test_fail("a device whose node is not whole");
            return false;
        }
        EXPECT(fdt_prop(node, "dma-coherent", NULL) != NULL, "dma-coherent");
        d->intid = be32(interrupt + 4) + 32;
    }
    if (nr_devices == 0) {
        test_fail("no device");
        return false;
    }
    return true;
}

static uint32_t command(uint32_t what)
{
    static uint32_t number;
    uint64_t mix = now(); /* a former life's number must not come back */

    number++;
    write32(device[0].base + REG_COMMAND, what | (number + (uint32_t)(mix % 0x10000)) % 0x10000 * 256);
    return read32(device[0].base + REG_RESULT);
}

static uint32_t command_with(uint32_t what, uint32_t argument)
{
    write32(device[0].base + REG_ARGUMENT, argument);
    return command(what);
}

/* ---- one access ---- */

#define LOAD(instruction, type, at)                                                            \
    ({                                                                                         \
        uint64_t value_ = 0x1122334455667788;                                                  \
        __asm__ volatile(instruction " %" type "0, [%1]" : "+r"(value_) : "r"(at) : "memory"); \
        value_;                                                                                \
    })

static uint64_t extended(uint32_t offset, uint32_t size, bool to64)
{
    uint64_t value = ioreq_pattern(offset, size), top = 1ull << (8 * size - 1);

    value = (value ^ top) - top;
    return to64 ? value : value % (1ull << 32);
}

TEST(ioreq_widths)
{
    uint64_t base;

    if (!find_devices()) {
        return;
    }
    base = device[0].base;
    for (uint32_t o = 0; o < REG_COMMAND && !test_failed(); o++) {
        EXPECT_EQ(LOAD("ldrb", "w", base + o), ioreq_pattern(o, 1), "ldrb");
        EXPECT_EQ(LOAD("ldrsb", "w", base + o), extended(o, 1, false), "ldrsb w");
        EXPECT_EQ(LOAD("ldrsb", "x", base + o), extended(o, 1, true), "ldrsb x");
        if (o % 2 == 0) {
            EXPECT_EQ(LOAD("ldrh", "w", base + o), ioreq_pattern(o, 2), "ldrh");
            EXPECT_EQ(LOAD("ldrsh", "w", base + o), extended(o, 2, false), "ldrsh w");
            EXPECT_EQ(LOAD("ldrsh", "x", base + o), extended(o, 2, true), "ldrsh x");
        }
        if (o % 4 == 0) {
            EXPECT_EQ(LOAD("ldr", "w", base + o), ioreq_pattern(o, 4), "ldr w");
            EXPECT_EQ(LOAD("ldar", "w", base + o), ioreq_pattern(o, 4), "ldar w");
            EXPECT_EQ(LOAD("ldrsw", "x", base + o), extended(o, 4, true), "ldrsw");
        }
        if (o % 8 == 0) {
            EXPECT_EQ(LOAD("ldr", "x", base + o), ioreq_pattern(o, 8), "ldr x");
        }
    }
}

static void expect_store(uint64_t at, uint64_t value, const char *what)
{
    EXPECT_EQ(read64(at), value, what);
}

TEST(ioreq_stores)
{
    uint64_t at;

    if (!find_devices()) {
        return;
    }
    at = device[0].base + REG_STORE + 0x40;
    write64(at, 0x8877665544332211);
    expect_store(at, 0x8877665544332211, "8 bytes");
    write8(at + 3, 0xab);
    expect_store(at, 0x88776655ab332211, "a byte in them");
    __asm__ volatile("strh %w0, [%1, #4]" : : "r"(0x1234567f), "r"(at) : "memory");
    expect_store(at, 0x8877567fab332211, "2 bytes in them");
    write32(at + 4, 0x01020304);
    expect_store(at, 0x01020304ab332211, "4 bytes in them");
    __asm__ volatile("str xzr, [%0]" : : "r"(at) : "memory");
    expect_store(at, 0, "the zero register");
    __asm__ volatile("stlr %w0, [%1]" : : "r"(0xdeadbeef), "r"(at) : "memory");
    expect_store(at, 0xdeadbeef, "store-release");
    __asm__ volatile("ldr xzr, [%0]" : : "r"(at) : "memory");
}

/* No valid syndrome: the instruction is read. Done as a whole, or an abort with nothing done. */
TEST(ioreq_write_back)
{
    uint64_t at, base, value = 0;

    if (!find_devices()) {
        return;
    }
    base = device[0].base + REG_STORE + 0x40;
    write64(base, 0x0102030405060708);
    at = base;
    fault_expect();
    __asm__ volatile("ldr %w0, [%1], #4" : "+r"(value), "+r"(at) : : "memory");
    if (fault_taken(NULL) == 0) {
        EXPECT_EQ(value, 0x05060708, "load, post-index");
        EXPECT_EQ(at, base + 4, "its base");
    } else {
        EXPECT_EQ(at, base, "base of a load that was aborted");
    }
    at = base - 8;
    fault_expect();
    __asm__ volatile("str %0, [%1, #8]!" : : "r"(0x5a5a5a5aul), "r"(at) : "memory");
    if (fault_taken(NULL) == 0) {
        expect_store(base, 0x5a5a5a5a, "store, pre-index");
    } else {
        expect_store(base, 0x0102030405060708, "a store that was aborted");
    }
}

/* Accesses that no device register can take: an abort of the one who makes them, or done; the next one is
 * served as ever. */
TEST(ioreq_odd)
{
    uint64_t base, a = 0, b = 0;
    uint32_t aborted = 0;

    if (!find_devices()) {
        return;
    }
    base = device[0].base + REG_STORE;
    fault_expect();
    __asm__ volatile("ldp %0, %1, [%2]" : "+r"(a), "+r"(b) : "r"(base) : "memory");
    aborted += fault_taken(NULL);
    fault_expect();
    __asm__ volatile("stp %0, %1, [%2]" : : "r"(a), "r"(b), "r"(base) : "memory");
    aborted += fault_taken(NULL);
    fault_expect();
    __asm__ volatile("ldxr %0, [%1]" : "+r"(a) : "r"(base) : "memory");
    aborted += fault_taken(NULL);
    fault_expect();
    __asm__ volatile("dc civac, %0" : : "r"(base) : "memory");
    (void)fault_taken(NULL);
    fault_expect();
    __asm__ volatile("dc zva, %0" : : "r"(base) : "memory");
    (void)fault_taken(NULL);
    (void)try_read(base + 1, 8, NULL, NULL); /* not aligned */
    (void)try_read(device[0].base - 4, 8, NULL, NULL);
    (void)try_read(device[nr_devices - 1].base + IOREQ_BYTES - 4, 8, NULL, NULL);
    EXPECT_EQ(read32(device[0].base), ioreq_pattern(0, 4), "the access after them");
    test_figure("aborts", aborted);
}

/* ---- several processors ---- */

static volatile uint32_t smp_errors;

static void each_cpu(void *arg)
{
    uint64_t cpu = this_cpu()->index, at = device[cpu % nr_devices].base + REG_STORE + 0x80 + 8 * cpu;
    uint64_t seed = cpu + 1;
    uint32_t rounds = (uint32_t)arg_number("rounds", 300);

    (void)arg;
    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t value = (uint64_t)random32(&seed) << 32 | random32(&seed);
        uint32_t o = random32(&seed) % 15 * 4;

        write64(at, value);
        if (read64(at) != value || read32(device[0].base + o) != ioreq_pattern(o, 4)) {
            __atomic_add_fetch(&smp_errors, 1, __ATOMIC_RELAXED);
        }
    }
}

TEST(ioreq_smp)
{
    if (!find_devices()) {
        return;
    }
    smp_errors = 0;
    CHECK(smp_run(cpu_count, each_cpu, PATIENCE_US), "a CPU does not end");
    EXPECT_EQ(smp_errors, 0, "wrong answers");
}

/* ---- doorbells and interrupts ---- */

static void bell_rounds(void *arg)
{
    struct device *d = &device[this_cpu()->index % nr_devices];

    for (uint32_t i = 0; i < 200 && !test_failed(); i++) {
        uint64_t end = now() + us_to_ticks(PATIENCE_US);
        uint32_t before = read32(d->base + REG_BELLS);

        write32(d->base + REG_BELL, i);
        while (read32(d->base + REG_BELLS) == before) {
            CHECK(now() < end, "bell %u of cpu %lu is lost", i, this_cpu()->index);
        }
    }
    (void)arg;
}

/* Each is seen; a burst is seen at least once; it does not wait for the backend. */
TEST(ioreq_bells)
{
    uint32_t before;
    uint64_t start, took;

    if (!find_devices()) {
        return;
    }
    bell_rounds(NULL);
    EXPECT_EQ(read32(device[0].base + REG_BELL), 0, "a read of the doorbell");
    before = read32(device[0].base + REG_BELLS);
    start = now();
    for (uint32_t i = 0; i < 1000; i++) {
        write32(device[0].base + REG_BELL, i);
    }
    took = now() - start;
    delay_us(20000);
    EXPECT(read32(device[0].base + REG_BELLS) > before, "a burst is lost");
    test_figure("ticks_1000", took);
    CHECK(smp_run(cpu_count < nr_devices ? cpu_count : nr_devices, bell_rounds, PATIENCE_US),
          "a CPU does not end");
}

TEST(ioreq_interrupts)
{
    volatile uint32_t *seen;

    if (!find_devices()) {
        return;
    }
    seen = &cpus[0].seen[device[0].intid];
    *seen = 0;
    gic_trigger(device[0].intid, true);
    gic_target(device[0].intid, 0);
    gic_enable(device[0].intid);
    irq_on();
    for (uint32_t i = 1; i <= 300 && !test_failed(); i++) {
        command_with(DO_INTERRUPT, 1);
        CHECK(wait_for(seen, i, PATIENCE_US), "interrupt %u is lost", i);
    }
    irq_off();
    command_with(DO_INTERRUPT, 100);
    irq_on();
    CHECK(wait_for(seen, 301, PATIENCE_US), "a burst is lost");
    delay_us(1000);
    EXPECT(*seen <= 302, "%u interrupts of a burst while masked", *seen - 300);
}

/* ---- memory ---- */

static uint64_t word[4] __attribute__((aligned(64)));

TEST(ioreq_windows)
{
    uint64_t base, size, at[3] = {(uint64_t)&word[1], 0, 0};

    if (!find_devices()) {
        return;
    }
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    at[1] = base + size / 2 + 0x1238;
    at[2] = base + size - 0x4008;
    for (uint32_t i = 0; i < ARRAY_SIZE(at); i++) {
        write64(at[i], 0x0123456789abcdef);
        dsb();
        write64(device[0].base + REG_ADDRESS, at[i]);
        EXPECT_EQ(command(DO_COPY), 0, "the backend's access");
        EXPECT_EQ(read64(at[i]), ~0x0123456789abcdefull, "what it wrote");
    }
    write64(device[0].base + REG_ADDRESS, base + size);
    EXPECT(command(DO_COPY) != 0, "behind the window");
}

/* ---- DMA of the backend's device ---- */

static uint32_t stray(uint64_t *words)
{
    uint32_t found = words[0] == DMA_STRAY;

    words[0] = 0;
    dsb();
    return found;
}

/* To a window while it is open, while it is closed, and behind the backend's crash. The harness knows what
 * may arrive. */
TEST(ioreq_dma)
{
    static uint64_t words[512] __attribute__((aligned(4096)));

    if (!find_devices()) {
        return;
    }
    write64(device[0].base + REG_ADDRESS, (uint64_t)words);
    EXPECT_EQ(command(DO_DMA), 0, "the transfer");
    test_figure("open", stray(words));
    EXPECT_EQ(command(DO_DMA_DETACHED), 0, "the transfer");
    test_figure("closed", stray(words));
    command(CRASH_DMA);
    delay_us(400000);
    EXPECT(read32(device[0].base + REG_LIVES) >= 2, "no crash");
    test_figure("crashed", stray(words));
}

/* To the memory of a frontend that has stopped; its next life looks. The words lie where nothing but the
 * hypervisor clears them. */
TEST(ioreq_dma_stop)
{
    uint64_t base, size, *words;
    uint32_t life;

    if (!find_devices()) {
        return;
    }
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    words = (uint64_t *)(base + size / 2);
    life = read32(device[0].base + REG_INCARNATION); /* answered when the last transfer has ended */
    print("LIFE %u found %u\n", life, stray(words));
    write64(device[0].base + REG_ADDRESS, (uint64_t)words);
    EXPECT_EQ(command(DO_DMA_LATE), 0, "the transfer");
    if (!test_failed() && life < arg_number("lives", 3)) {
        system_reset();
    }
}

/* ---- a backend that does what it must not ---- */

TEST(ioreq_hostile)
{
    if (!find_devices()) {
        return;
    }
    EXPECT_EQ(command(DO_OUTSIDE), 0, "accesses beside the windows that went through");
    EXPECT_EQ(command(DO_TRESPASS), 0, "hypercalls that were not refused");
    for (uint32_t i = 0; i < 20 && !test_failed(); i++) {
        command(DO_SPURIOUS);
        command(DO_SCRIBBLE);
        command(DO_DETACH);
        EXPECT_EQ(LOAD("ldrsh", "w", device[0].base + 2), extended(2, 2, false), "the access after it");
    }
    EXPECT_EQ(read32(device[0].base + REG_LIVES), 1, "lives of the backend");
}

/* It is stopped or not: the access ends, and the device is there. */
TEST(ioreq_violations)
{
    static const uint32_t what[] = {DO_LATE, CRASH_BACKWARDS, CRASH_NONE, CRASH_GARBAGE};

    if (!find_devices()) {
        return;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(what) && !test_failed(); i++) {
        command(what[i]);
        EXPECT_EQ(read32(device[0].base + 4), ioreq_pattern(4, 4), "the access after it");
        print("VIOLATION 0x%x survived, life %u\n", what[i], read32(device[0].base + REG_LIVES));
    }
}

/* In the middle of an access, of all processors. */
static volatile uint32_t crashing;

static void while_it_crashes(void *arg)
{
    uint64_t cpu = this_cpu()->index;
    uint32_t lives, kinds[] = {CRASH_BEFORE, CRASH_TAKEN, CRASH_ANSWERED};

    (void)arg;
    if (cpu != 0) {
        while (crashing != 0) {
            uint32_t o = (uint32_t)(now() % 15 * 4);

            if (read32(device[0].base + o) != ioreq_pattern(o, 4)) {
                __atomic_add_fetch(&smp_errors, 1, __ATOMIC_RELAXED);
            }
        }
        return;
    }
    lives = read32(device[0].base + REG_LIVES);
    for (uint32_t i = 0; i < arg_number("crashes", 9); i++) {
        uint64_t start = now(), took;

        command(kinds[i % ARRAY_SIZE(kinds)]);
        took = now() - start;
        EXPECT_EQ(read32(device[0].base + REG_LIVES), lives + i + 1, "lives of the backend");
        print("PAUSE %lu us\n", took * 1000 / (sysreg_read(cntfrq_el0) / 1000));
    }
    crashing = 0;
}

TEST(ioreq_crash)
{
    if (!find_devices()) {
        return;
    }
    smp_errors = 0;
    crashing = 1;
    CHECK(smp_run(cpu_count, while_it_crashes, 2 * PATIENCE_US), "a CPU does not end");
    EXPECT_EQ(smp_errors, 0, "wrong answers");
}

/* A bell while the backend is away is not lost. */
TEST(ioreq_bell_away)
{
    uint32_t before;

    if (!find_devices()) {
        return;
    }
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t end = now() + us_to_ticks(PATIENCE_US);

        write32(device[0].base + REG_BELL, 1);
        command(CRASH_BEFORE);
        before = 0;
        write32(device[0].base + REG_BELL, 1);
        while (read32(device[0].base + REG_BELLS) == before) {
            CHECK(now() < end, "a bell is lost");
        }
    }
}

/* ---- a backend that is not there ---- */

TEST(ioreq_first)
{
    uint64_t start = now(), ms;

    if (!find_devices()) {
        return;
    }
    EXPECT_EQ(read32(device[0].base), ioreq_pattern(0, 4), "the first access");
    ms = (now() - start) / (sysreg_read(cntfrq_el0) / 1000);
    EXPECT(ms >= arg_number("late", 0), "it took %lu ms", ms);
    test_figure("ms", ms);
}

/* Arguments: ms of the limit, ones=1 for all-ones; a second device may have the other end. */
TEST(ioreq_limit)
{
    uint64_t limit = arg_number("limit", 100), start, ms, value = 0;
    bool ones = arg_number("ones", 0) != 0, through;
    struct fault fault;

    if (!find_devices()) {
        return;
    }
    for (uint32_t size = 1; size <= 8; size *= 2) {
        start = now();
        through = try_read(device[0].base + 8, size, &value, &fault);
        ms = (now() - start) / (sysreg_read(cntfrq_el0) / 1000);
        EXPECT(ms >= limit && ms < limit + 5000, "an access of %u bytes waits %lu ms", size, ms);
        EXPECT_EQ(through, ones, "the access goes through");
        if (through) {
            EXPECT_EQ(value, size == 8 ? ~0ull : (1ull << 8 * size) - 1, "all-ones");
        } else {
            EXPECT_EQ(ESR_EC(fault.esr), EC_DATA_ABORT, "exception class");
            EXPECT_EQ(ESR_DFSC(fault.esr), 0x10, "fault status");
            EXPECT_EQ(fault.far, device[0].base + 8, "fault address");
        }
    }
    EXPECT_EQ(try_write(device[0].base + 0x80, 4, 1, NULL), ones, "a write goes through");
    start = now();
    write32(device[0].base + REG_BELL, 1); /* never waits */
    EXPECT((now() - start) / (sysreg_read(cntfrq_el0) / 1000) < limit, "a doorbell waits");
}

/* ---- a frontend that comes and goes ---- */

static void never_ends(void *arg)
{
    (void)arg;
    (void)read32(device[0].base + REG_NEVER);
}

/* Each life leaves with one access in flight for each further processor. */
TEST(ioreq_lives)
{
    uint32_t life, asked;
    uint64_t end;

    if (!find_devices()) {
        return;
    }
    end = now() + us_to_ticks(PATIENCE_US);
    life = read32(device[0].base + REG_INCARNATION);
    EXPECT_EQ(read64(device[0].base + REG_STORE + 0x20), 0, "a former life's register");
    EXPECT_EQ(read32(device[0].base + REG_SILENT), 0, "a former life's requests");
    EXPECT_EQ(read32(device[0].base + REG_LIVES), 1, "lives of the backend");
    write64(device[0].base + REG_STORE + 0x20, life);
    print("LIFE %u\n", life);
    for (asked = 1; asked < cpu_count; asked++) {
        CHECK(cpu_start(asked, never_ends, NULL) == PSCI_SUCCESS, "CPU_ON");
    }
    while (read32(device[0].base + REG_SILENT) < asked - 1) {
        CHECK(now() < end, "a request is lost");
    }
    if (!test_failed() && life < arg_number("lives", 5)) {
        system_reset();
    }
}
