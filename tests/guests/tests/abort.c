// SPDX-License-Identifier: Apache-2.0
/* Addresses at which a domain has nothing: an external abort with the right syndrome, and life goes on. */
#include "guest.h"

enum { DFSC_EXTERNAL = 0x10 };

static const uint64_t holes[] = {
    0x0,        0x1000,      0x1ff000,    0x02200000,   0x03000000,   0x08000000,
    0x09000000, 0x0a000000,  0x10000000,  0x22001000,   0x30000000,   0x3c000000,
    0x3f000000, 0x100000000, 0x1ff000000, 0x4000000000, 0x7ffffff000, 0x8000000000,
};

static bool reachable(uint64_t pa)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
    uint64_t range = sysreg_read(id_aa64mmfr0_el1) % 16;
    return pa < 1ull << bits[range > 5 ? 5 : range];
}

static void expect_abort(uint64_t pa, uint64_t va, bool write, uint32_t size)
{
    struct fault f;
    bool through = write ? try_write(va, size, 0x5a5a, &f) : try_read(va, size, NULL, &f);
    CHECK(!through, "%s of %u bytes at 0x%lx goes through", write ? "write" : "read", size, pa);
    EXPECT_EQ(f.count, 1, "exceptions by one access");
    EXPECT(ESR_EC(f.esr) == EC_DATA_ABORT, "exception class 0x%lx at 0x%lx", ESR_EC(f.esr), pa);
    EXPECT(ESR_DFSC(f.esr) == DFSC_EXTERNAL, "DFSC 0x%lx at 0x%lx", ESR_DFSC(f.esr), pa);
    EXPECT(f.far == va, "FAR 0x%lx for an access at 0x%lx", f.far, va);
    EXPECT(f.esr / (1u << 25) % 2 == 1, "ESR.IL is 0: 0x%lx", f.esr);
    EXPECT(f.esr / 64 % 2 == write, "ESR.WnR is %lu for a %s", f.esr / 64 % 2, write ? "write" : "read");
}

TEST(holes)
{
    if (!is_domain()) {
        test_skip("the holes are those of a domain");
        return;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(holes) && !test_failed(); i++) {
        if (!reachable(holes[i])) {
            continue;
        }
        for (uint32_t size = 1; size <= 8; size *= 2) {
            expect_abort(holes[i], mmu_window(holes[i], MMU_DEVICE), false, size);
            expect_abort(holes[i], mmu_window(holes[i], MMU_NORMAL), true, size);
        }
    }
}

/* The byte before RAM and the byte after it. */
TEST(ram_edges)
{
    uint64_t base, size;
    if (!is_domain()) {
        test_skip("the edges are those of a domain");
        return;
    }
    int memory = fdt_path("/memory");
    for (uint32_t i = 0; fdt_reg(memory, i, &base, &size); i++) {
        uint64_t last = base + size - 8;
        if (last < (uint64_t)fdt_blob || last >= (uint64_t)fdt_blob + fdt_size()) {
            uint64_t old = read64(last);
            write64(last, 0x1122334455667788);
            EXPECT_EQ(read64(last), 0x1122334455667788, "last word of RAM");
            write64(last, old);
        }
        expect_abort(base + size, mmu_window(base + size, MMU_NORMAL), true, 8);
        expect_abort(base - 8, mmu_window(base - 8, MMU_NORMAL), false, 8);
    }
}

/* A pair, a vector load, an exclusive: no valid syndrome (ISV = 0), still only an abort. A store with
 * write-back is either carried out or aborted, as a whole. */
TEST(odd_accesses)
{
    struct fault f;
    if (!is_domain()) {
        test_skip("the hole is one of a domain");
        return;
    }
    uint64_t hole = mmu_window(0x30000000, MMU_NORMAL), gicd = 0x03001000, uart = 0x22000000;
    uint64_t at[] = {hole, gicd, uart};
    for (uint32_t i = 0; i < ARRAY_SIZE(at); i++) {
        uint64_t a, b, p = at[i];
        fault_expect();
        __asm__ volatile("ldp %0, %1, [%2]" : "=&r"(a), "=&r"(b) : "r"(p) : "memory");
        EXPECT_EQ(fault_taken(&f), 1, "exceptions by LDP");
        fault_expect();
        __asm__ volatile("str wzr, [%0, #4]!" : "+r"(p) : : "memory");
        uint64_t moved = fault_taken(&f) == 0 && at[i] != hole ? 4 : 0;
        EXPECT_EQ(p, at[i] + moved, "base register of a store with write-back");
        fault_expect();
        __asm__ volatile(".arch armv8-a+fp\n ldr q0, [%0]" : : "r"(at[i]) : "memory");
        EXPECT_EQ(fault_taken(&f), 1, "exceptions by a vector load");
        fault_expect();
        __asm__ volatile("ldxr %0, [%1]\n clrex" : "=&r"(a) : "r"(at[i]) : "memory");
        EXPECT_EQ(fault_taken(&f), 1, "exceptions by LDXR");
    }
}

/* Running off into a hole is an instruction abort. */
TEST(execute_hole)
{
    struct fault f;
    if (!is_domain()) {
        test_skip("the hole is one of a domain");
        return;
    }
    /* Within the first GiB but mapped executable: the RAM's own GiB is, just behind RAM. */
    uint64_t base, size;
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    if ((base + size) % (1ull << 30) == 0) {
        test_skip("RAM fills its GiB");
        return;
    }
    void (*hole)(void) = (void (*)(void))(base + size);
    fault_expect();
    hole();
    EXPECT_EQ(fault_taken(&f), 1, "exceptions");
    EXPECT_EQ(ESR_EC(f.esr), EC_INSTRUCTION_ABORT, "exception class");
    EXPECT_EQ(f.far, base + size, "FAR");
}

/* A stage 1 table walk that meets a hole: external abort on a walk or a plain external abort, to this guest
 * alone. */
TEST(walk_into_hole)
{
    struct fault f;
    extern uint64_t mmu_l0[512];
    if (!is_domain()) {
        test_skip("the hole is one of a domain");
        return;
    }
    mmu_l0[2] = 0x30000000 | 3;
    dsb();
    EXPECT(!try_read(0x10000000000, 8, NULL, &f), "a walk through a hole succeeds");
    EXPECT_EQ(ESR_EC(f.esr), EC_DATA_ABORT, "exception class");
    EXPECT_EQ(f.far, 0x10000000000, "FAR");
    mmu_l0[2] = 0;
    dsb();
    __asm__ volatile("tlbi vmalle1is\n dsb sy\n isb" : : : "memory");
}
