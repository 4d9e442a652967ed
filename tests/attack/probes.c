// SPDX-License-Identifier: Apache-2.0
/* Single attempts, each with a test-only build of the hypervisor in which it succeeds. A probe counts its
 * attempts and those that went through, and judges nothing: the harness knows which build it runs on. */
#include "gic.h"
#include "guest.h"

static uint64_t attempts, through;

/* The victims are given time to be there. */
static void begin(void)
{
    delay_us(arg_number("delay-us", 100000));
    attempts = through = 0;
}

static void report(void)
{
    test_figure("attempts", attempts);
    test_figure("through", through);
}

static void count(bool success)
{
    attempts++;
    through += success;
}

static bool is_own(uint64_t pa)
{
    uint64_t base, size;
    return fdt_reg(fdt_path("/memory"), 0, &base, &size) && pa - base < size;
}

/* Every page from base= on, size= bytes, read and written. */
TEST(probe_memory)
{
    uint64_t base = arg_number("base", 0), end = base + arg_number("size", 0);
    begin();
    for (uint64_t pa = base; pa < end; pa += 4096) {
        if (!is_own(pa)) {
            uint64_t before = through;
            count(try_read(mmu_window(pa, MMU_NORMAL), 4, NULL, NULL));
            count(try_write(mmu_window(pa, MMU_DEVICE), 4, 0x21, NULL));
            if (before == 0 && through != 0) {
                print("open at 0x%lx\n", pa);
            }
        }
    }
    report();
}

/* One value is written to a register; it went through if it can be read back. */
#define KEEPS(name, value)                    \
    ({                                        \
        fault_expect();                       \
        sysreg_write(name, value);            \
        isb();                                \
        uint64_t seen_ = sysreg_read(name);   \
        fault_taken(NULL) == 0 && seen_ != 0; \
    })

TEST(probe_debug)
{
    begin();
    count(KEEPS(dbgbvr0_el1, 0x40001000));
    count(KEEPS(dbgbcr0_el1, 0x1e4));
    count(KEEPS(dbgwvr0_el1, 0x40001000));
    count(KEEPS(dbgwcr0_el1, 0x1e4));
    count(KEEPS(mdscr_el1, 1u << 12));
    report();
}

TEST(probe_monitors)
{
    begin();
    count(KEEPS(pmcntenset_el0, 0x80000000));
    count(KEEPS(pmintenset_el1, 0x80000000));
    count(KEEPS(pmccfiltr_el0, 0x80000000));
    count(KEEPS(pmuserenr_el0, 1));
    report();
}

/* What the identification registers must not admit. */
TEST(probe_identification)
{
    uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), dfr0 = sysreg_read(id_aa64dfr0_el1);
    begin();
    count(pfr0 / 256 % 16 != 0);       /* EL2 */
    count(pfr0 / 4096 % 16 != 0);      /* EL3 */
    count(dfr0 / 256 % 16 != 0);       /* PMUVer */
    count(dfr0 / (1u << 12) % 16 > 1); /* breakpoints */
    report();
}

/* Functions of the firmware that no domain was given: PSCI 0.1 as QEMU numbers it, on this very core. */
TEST(probe_firmware)
{
    static const uint32_t ids[] = {0x95c1ba61, 0x95c1ba5e, 0x84000013, 0xc4000014, 0x82000000,
                                   0x83000000, 0x81000000, 0x95c1ba60, 0x95c1ba5f};
    begin();
    for (uint32_t i = 0; i < ARRAY_SIZE(ids); i++) {
        uint64_t regs[18] = {ids[i]};
        smccc_call(i % 2 != 0, regs);
        count((int32_t)regs[0] != -1);
    }
    report();
}

/* The machine's power, by the firmware's own conduit. Only the caller may be switched off. */
TEST(probe_power)
{
    uint64_t regs[18] = {PSCI_SYSTEM_OFF};
    begin();
    count(false);
    report();
    smccc_call(true, regs);
}

/* A vCPU shall begin where the domain has nothing. */
TEST(probe_entries)
{
    static const uint64_t entries[] = {0x0, 0x09000000, 0x3ffffffc, 0x8000000000, 0xfffffffffffffffc};
    begin();
    for (uint32_t i = 0; i < ARRAY_SIZE(entries) && through == 0; i++) {
        count(psci(PSCI_CPU_ON, cpus[1].mpidr, entries[i], 0) == PSCI_SUCCESS);
    }
    report();
}

static uint32_t code[16] __attribute__((aligned(64)));

static bool runs(uint32_t instruction)
{
    uint64_t (*fn)(uint64_t) = (uint64_t (*)(uint64_t))(uintptr_t)code;
    code[0] = instruction;
    code[1] = 0xd65f03c0; /* ret */
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" : : "r"(code) : "memory");
    fault_expect();
    (void)fn(PSCI_VERSION);
    return fault_taken(NULL) == 0;
}

/* Every immediate of HVC but 0 and Xen's, and one in 16 of SMC's: all are undefined. step= takes a sample. */
TEST(probe_immediates)
{
    enum { BATCH = 1024 };
    static uint32_t calls[BATCH + 1] __attribute__((aligned(4096)));
    uint64_t (*fn)(uint64_t) = (uint64_t (*)(uint64_t))(uintptr_t)calls;
    uint32_t step = (uint32_t)arg_number("step", 1);
    begin();
    for (uint32_t first = 0; first < 0x10000; first += BATCH / 2 * step) {
        uint32_t n = 0;
        for (uint32_t i = first; i < first + BATCH / 2 * step && i < 0x10000; i += step) {
            if (i != 0 && i != 0xea1) {
                calls[n++] = 0xd4000002 | i << 5;
            }
            if (i % 16 == 1) {
                calls[n++] = 0xd4000003 | i << 5;
            }
        }
        calls[n] = 0xd65f03c0; /* ret */
        for (uint64_t a = (uint64_t)calls; a < (uint64_t)(calls + BATCH + 1); a += 16) {
            __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0" : : "r"(a) : "memory");
        }
        dsb();
        isb();
        fault_expect();
        (void)fn(PSCI_VERSION);
        attempts += n;
        through += n - fault_taken(NULL);
    }
    report();
}

/* The implementation's own registers: S3_<op1>_C11_* and S3_<op1>_C15_*. */
TEST(probe_implementation)
{
    begin();
    for (uint32_t i = 0; i < 1u << 11; i++) {
        uint32_t crn = i % 2 ? 15 : 11, rest = i / 2;
        count(runs(0xd5380000 | rest / 128 % 8 << 16 | crn << 12 | rest % 128 << 5));
    }
    report();
}

/* Interrupts that the distributor does not have. */
TEST(probe_distributor)
{
    static const uint16_t banks[] = {GICD_ISENABLER, GICD_ISPENDR, GICD_ISACTIVER};
    begin();
    for (uint32_t first = (gic.lines + 31) / 32; first < 32; first++) {
        for (uint32_t b = 0; b < ARRAY_SIZE(banks); b++) {
            uint64_t seen = 0;
            bool read = try_read(gic.dist + banks[b] + first * 4, 4, &seen, NULL);
            count(read && seen != 0);
        }
        for (uint32_t n = 0; n < 32; n += 4) {
            uint64_t seen = 0;
            bool read = try_read(gic.dist + GICD_IPRIORITYR + first * 32 + n, 4, &seen, NULL);
            count(read && seen != 0);
        }
    }
    report();
}

/* Redistributors behind those of its own vCPUs. */
TEST(probe_redistributors)
{
    begin();
    for (uint32_t frame = cpu_count; frame < 16; frame++) {
        for (uint64_t offset = 0; offset < 0x20000; offset += 0x1000) {
            count(try_read(gic.redist + frame * 0x20000ull + offset, 4, NULL, NULL));
        }
    }
    report();
}

/* Enables and disables every interrupt that its distributor has, again and again, for ms=. */
TEST(probe_disable_all)
{
    uint64_t end = now() + us_to_ticks(arg_number("ms", 1000) * 1000);
    begin();
    while (now() < end) {
        for (uint32_t bank = 1; bank < gic.lines / 32; bank++) {
            write32(gic.dist + GICD_ISENABLER + bank * 4, ~0u);
            write32(gic.dist + GICD_ICENABLER + bank * 4, ~0u);
            count(false);
        }
    }
    report();
}

/* Keeps its pCPU for ms= with interrupts masked. */
TEST(probe_hog)
{
    uint64_t end = now() + us_to_ticks(arg_number("ms", 1000) * 1000);
    begin();
    irq_off();
    while (now() < end) {
        attempts++;
    }
    report();
}

/* What the last life left in RAM: looks for its secret, leaves one, and asks for a reset. */
TEST(probe_secret)
{
    extern uint8_t _end[];
    uint64_t base, size;
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    uint64_t from = ((uint64_t)_end + 4095) / 4096 * 4096;
    uint64_t to = (uint64_t)fdt_blob > from ? (uint64_t)fdt_blob / 4096 * 4096 : base + size;
    begin();
    for (uint64_t a = from; a < to; a += 8) {
        count(read64(a) == 0x5ec7e75ec7e75ec7);
        write64(a, 0x5ec7e75ec7e75ec7);
    }
    dsb();
    report();
}
