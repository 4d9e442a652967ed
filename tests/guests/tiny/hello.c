// SPDX-License-Identifier: Apache-2.0
/* What the small image holds: it must start in 256 KiB of RAM, stack, tables and device tree included. */
#include "gic.h"
#include "guest.h"

TEST(hello)
{
    print("tiny guest at 0x%lx, device tree of %u bytes at 0x%lx\n", boot_state.load_address, fdt_size(),
          boot_state.x[0]);
    CHECK(fdt_valid(fdt_blob), "no device tree");
}

/* Every byte of RAM outside the image and the device tree can be written and read back. */
TEST(all_ram)
{
    extern uint8_t _end[];
    uint64_t base, size;
    int node = fdt_path("/memory");
    CHECK(node >= 0 && fdt_reg(node, 0, &base, &size), "no memory node");
    test_figure("ram", size);
    uint64_t blob = (uint64_t)fdt_blob, blob_end = blob + fdt_size();
    for (uint64_t a = (uint64_t)_end; a < base + size; a += 64) {
        if (a + 64 > blob && a < blob_end) {
            continue;
        }
        write64(a, ~a);
        CHECK(read64(a) == ~a, "0x%lx holds 0x%lx", a, read64(a));
    }
}

TEST(sgi)
{
    gic_enable(5);
    irq_on();
    gic_sgi(0, 5);
    CHECK(wait_for(&cpus[0].seen[5], 1, 1000000), "SGI to self did not arrive");
}
