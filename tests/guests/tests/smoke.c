// SPDX-License-Identifier: Apache-2.0
#include "gic.h"
#include "guest.h"

TEST(hello)
{
    print("hello from EL%lu at 0x%lx, device tree at 0x%lx\n", boot_state.currentel / 4,
          boot_state.load_address, boot_state.x[0]);
    CHECK(fdt_valid(fdt_blob), "no device tree at 0x%lx", boot_state.x[0]);
    CHECK(gic.version != 0, "no interrupt controller in the device tree");
}

/* The harness asks for this one to see that a failure is reported as such. */
TEST(must_fail)
{
    test_fail("on purpose");
}

static volatile uint32_t alive;

static void count_me(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
}

TEST(smp_hello)
{
    alive = 0;
    CHECK(smp_run(cpu_count, count_me, 5000000), "not all CPUs ran");
    EXPECT_EQ(alive, cpu_count, "CPUs alive");
}

TEST(sgi_hello)
{
    gic_enable(3);
    irq_on();
    gic_sgi(0, 3);
    CHECK(wait_for(&cpus[0].seen[3], 1, 1000000), "SGI 3 to self did not arrive");
}

TEST(unmapped_hello)
{
    struct fault fault;
    uint64_t hole = 0x7000000000ull; /* nothing on any machine of the matrix */
    CHECK(!try_read(mmu_window(hole, MMU_DEVICE), 4, NULL, &fault), "reading 0x%lx gave no abort", hole);
    EXPECT_EQ(ESR_EC(fault.esr), EC_DATA_ABORT, "exception class");
}
