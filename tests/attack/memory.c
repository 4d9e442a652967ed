// SPDX-License-Identifier: Apache-2.0
/* Reads and writes at every kind of address that is not the domain's own. An attempt is one access; it is
 * blocked if it takes an exception. On the bare machine many go through: that is the control. */
#include "gic.h"
#include "guest.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

struct range {
    uint64_t base, size;
};

static struct range own[12];
static uint32_t own_count;
static uint64_t attempts, blocked, first_open;

static void add_own(uint64_t base, uint64_t size)
{
    if (own_count < ARRAY_SIZE(own)) {
        own[own_count++] = (struct range){base, size};
    }
}

/* All that the device tree gives: RAM, interrupt controller, UART. */
static void find_own(void)
{
    int depth = 0;
    uint64_t base, size;
    own_count = 0;
    for (int node = fdt_root(); node >= 0; node = fdt_next(node, &depth)) {
        bool cpu = fdt_has_string(node, "device_type", "cpu");
        for (uint32_t i = 0; !cpu && fdt_reg(node, i, &base, &size); i++) {
            add_own(base, size);
        }
    }
}

static bool is_own(uint64_t pa)
{
    for (uint32_t i = 0; i < own_count; i++) {
        if (pa - own[i].base < own[i].size) {
            return true;
        }
    }
    return false;
}

static void attempt(uint64_t pa)
{
    if (is_own(pa)) {
        return;
    }
    for (uint32_t write = 0; write < 2; write++) {
        enum mmu_type type = attempts / 2 % 2 ? MMU_DEVICE : MMU_NORMAL;
        uint64_t va = mmu_window(pa, type);
        /* What is written would be seen by the victim, whose RAM holds nothing like it. */
        bool through = write ? try_write(va, 8, 0xdeadbeefcafef00d, NULL) : try_read(va, 8, NULL, NULL);
        attempts++;
        blocked += !through;
        if (through && !first_open) {
            first_open = pa;
        }
    }
}

static void sweep(uint64_t from, uint64_t to, uint64_t step)
{
    for (uint64_t pa = from; pa < to; pa += step) {
        attempt(pa);
    }
}

TEST(attack_memory)
{
    attempts = blocked = first_open = 0;
    find_own();
    if (!is_domain()) {
        /* The control: flash, the interrupt controller and devices of the machine answer. */
        sweep(0, 1 * GIB, 1 * MIB);
        test_figure("attempts", attempts);
        test_figure("through", attempts - blocked);
        EXPECT(attempts > blocked, "nothing answers on the bare machine: the attempts prove nothing");
        return;
    }
    sweep(0, 256 * MIB, 4 * KIB);         /* devices, interrupt controllers */
    sweep(256 * MIB, 8 * GIB, 256 * KIB); /* RAM of the others, under either numbering */
    sweep(8 * GIB, 1024 * GIB, 1 * GIB);
    for (uint32_t bit = 32; bit < 48; bit++) { /* up to and above what the CPU can address */
        attempt(1ull << bit);
        attempt((1ull << bit) - 4096);
        attempt((1ull << bit) + 0x40200000);
    }
    /* What the harness knows of the machine: the hypervisor, the other domains, page by page. */
    uint64_t base = arg_number("base", 0);
    sweep(base, base + arg_number("size", 0), 4 * KIB);
    test_figure("attempts", attempts);
    test_figure("blocked", blocked);
    EXPECT(blocked == attempts, "%lu accesses go through, the first at 0x%lx", attempts - blocked,
           first_open);
}

/* Unaligned, crossing from the last byte of RAM into what follows. */
TEST(attack_edges)
{
    uint64_t base, size;
    if (!is_domain()) {
        test_skip("the edges are those of a domain");
        return;
    }
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    for (uint32_t back = 1; back < 8; back++) {
        EXPECT(!try_read(base + size - back, 8, NULL, NULL), "8 bytes read from %u before the end of RAM",
               back);
    }
}
