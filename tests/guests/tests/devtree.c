// SPDX-License-Identifier: Apache-2.0
/* The generated device tree of a domain, to the last number: what Xen 4.17 writes, which Zephyr hard-codes.
 * Arguments: cpus=, memory= (KiB), gic=, vpl011=0|1, want the numbers of the description. */
#include "gic.h"
#include "guest.h"

static void expect_cells(int node, const char *name, const uint32_t *want, uint32_t count)
{
    uint32_t length = 0;
    const uint8_t *p = fdt_prop(node, name, &length);
    CHECK(p, "%s has no %s", fdt_name(node), name);
    CHECK(length == count * 4, "%s of %s has %u bytes, expected %u", name, fdt_name(node), length, count * 4);
    for (uint32_t i = 0; i < count; i++) {
        EXPECT(be32(p + i * 4) == want[i], "%s/%s cell %u is 0x%x, expected 0x%x", fdt_name(node), name, i,
               be32(p + i * 4), want[i]);
    }
}
#define EXPECT_CELLS(node, name, ...)                                 \
    do {                                                              \
        static const uint32_t want_[] = {__VA_ARGS__};                \
        expect_cells(node, name, want_, (uint32_t)ARRAY_SIZE(want_)); \
    } while (0)

static void expect_string(int node, const char *name, const char *want)
{
    EXPECT(fdt_has_string(node, name, want), "%s of %s lacks '%s'", name, fdt_name(node), want);
}

static uint32_t phandle_of(int node)
{
    uint32_t v = 0;
    (void)(fdt_u32(node, "phandle", &v) || fdt_u32(node, "linux,phandle", &v));
    return v;
}

TEST(dt_root)
{
    int root = fdt_root();
    EXPECT_CELLS(root, "#address-cells", 2);
    EXPECT_CELLS(root, "#size-cells", 2);
    EXPECT(!fdt_prop(root, "compatible", NULL), "the root has a compatible");
    EXPECT(!fdt_prop(root, "model", NULL), "the root has a model");
    EXPECT(fdt_path("/hypervisor") < 0, "a hypervisor node without xen,enhanced");
    EXPECT_EQ(be32(fdt_blob + 20) >= 16, 1, "structure version 16 or newer");
}

TEST(dt_cpus)
{
    int cpus_node = fdt_path("/cpus");
    CHECK(cpus_node >= 0, "no /cpus");
    EXPECT_CELLS(cpus_node, "#address-cells", 1);
    EXPECT_CELLS(cpus_node, "#size-cells", 0);
    uint32_t want = (uint32_t)arg_number("cpus", 1);
    EXPECT_EQ(cpu_count, want, "number of cpu nodes");
    for (uint32_t i = 0; i < cpu_count; i++) {
        EXPECT_EQ(cpus[i].mpidr, i % 16 + i / 16 * 256, "cpu reg");
    }
    int cpu = fdt_child(cpus_node, "cpu");
    CHECK(cpu >= 0, "no cpu@0");
    expect_string(cpu, "device_type", "cpu");
    expect_string(cpu, "enable-method", "psci");
    EXPECT(fdt_prop(cpu, "compatible", NULL), "cpu without compatible");
    EXPECT_EQ(boot_state.mpidr & 0xff00ffffff, 0, "MPIDR of vCPU 0");
    EXPECT_EQ(boot_state.mpidr / (1u << 31) % 2, 1, "MPIDR RES1 bit");
}

TEST(dt_memory)
{
    int memory = fdt_path("/memory");
    uint64_t address, size, total = 0;
    CHECK(memory >= 0, "no /memory");
    expect_string(memory, "device_type", "memory");
    CHECK(fdt_reg(memory, 0, &address, &size), "no reg");
    EXPECT_EQ(address, 0x40000000, "RAM bank 0");
    for (uint32_t i = 0; fdt_reg(memory, i, &address, &size); i++) {
        total += size;
        EXPECT(i == 0 || address == 0x200000000, "RAM bank %u at 0x%lx", i, address);
    }
    EXPECT_EQ(total, arg_number("memory", 0) * 1024, "bytes of RAM");
    EXPECT(!strcmp(fdt_name(memory), "memory@40000000"), "node name '%s'", fdt_name(memory));
}

TEST(dt_gic)
{
    bool v3 = arg_number("gic", 3) == 3;
    int node = fdt_compatible(v3 ? "arm,gic-v3" : "arm,gic-400", -1);
    CHECK(node >= 0, "no interrupt controller of version %u", v3 ? 3 : 2);
    EXPECT(!strcmp(fdt_name(node), "interrupt-controller@3001000"), "node name '%s'", fdt_name(node));
    EXPECT_CELLS(node, "#interrupt-cells", 3);
    EXPECT_CELLS(node, "#address-cells", 0);
    EXPECT(fdt_prop(node, "interrupt-controller", NULL), "no interrupt-controller property");
    EXPECT_EQ(phandle_of(node), 65000, "phandle");
    if (v3) {
        EXPECT_CELLS(node, "#redistributor-regions", 1);
        EXPECT_CELLS(node, "reg", 0, 0x03001000, 0, 0x10000, 0, 0x03020000, 0, 0x01000000);
    } else {
        EXPECT_CELLS(node, "reg", 0, 0x03001000, 0, 0x1000, 0, 0x03002000, 0, 0x2000);
    }
}

TEST(dt_timer_psci)
{
    int timer = fdt_path("/timer"), node = fdt_path("/psci");
    uint32_t parent = 0;
    CHECK(timer >= 0 && node >= 0, "no timer or no psci node");
    expect_string(timer, "compatible", "arm,armv8-timer");
    EXPECT_CELLS(timer, "interrupts", 1, 13, 0xf08, 1, 14, 0xf08, 1, 11, 0xf08);
    EXPECT(fdt_u32(timer, "interrupt-parent", &parent) && parent == 65000, "interrupt-parent is %u", parent);
    expect_string(node, "compatible", "arm,psci-1.0");
    expect_string(node, "compatible", "arm,psci-0.2");
    expect_string(node, "compatible", "arm,psci");
    expect_string(node, "method", "hvc");
    EXPECT_CELLS(node, "cpu_off", 1);
    EXPECT_CELLS(node, "cpu_on", 2);
}

TEST(dt_uart)
{
    int node = fdt_compatible("arm,sbsa-uart", -1);
    uint32_t parent = 0;
    CHECK(node >= 0, "no vpl011");
    EXPECT(!strcmp(fdt_name(node), "sbsa-uart@22000000"), "node name '%s'", fdt_name(node));
    EXPECT_CELLS(node, "reg", 0, 0x22000000, 0, 0x1000);
    EXPECT_CELLS(node, "interrupts", 0, 0, 0xf04);
    EXPECT_CELLS(node, "current-speed", 115200);
    EXPECT(fdt_u32(node, "interrupt-parent", &parent) && parent == 65000, "interrupt-parent is %u", parent);
}

/* Arguments with every printable sign must arrive as written: the harness passes them and looks at this line.
 */
TEST(dt_bootargs)
{
    print("BOOTARGS [%s]\n", bootargs());
}

/* Placement: everything a domain is told about lies in its RAM, and nothing overlaps. */
TEST(dt_placement)
{
    extern uint8_t _end[];
    uint64_t base, size;
    CHECK(fdt_reg(fdt_path("/memory"), 0, &base, &size), "no memory");
    uint64_t blob = boot_state.x[0], image = boot_state.load_address;
    EXPECT(blob >= base && blob + fdt_size() <= base + size, "device tree at 0x%lx outside bank 0", blob);
    EXPECT(blob + fdt_size() <= image || blob >= (uint64_t)_end, "device tree at 0x%lx overlaps the image",
           blob);
    int chosen = fdt_path("/chosen");
    uint32_t length = 0;
    const void *p = fdt_prop(chosen, "linux,initrd-start", &length);
    if (!p) {
        return;
    }
    EXPECT_EQ(length, 8, "length of linux,initrd-start");
    uint64_t start = be64(p), end = be64(fdt_prop(chosen, "linux,initrd-end", &length));
    EXPECT(start >= base && end <= base + size && start < end, "initrd 0x%lx..0x%lx", start, end);
    uint32_t sum = 0;
    for (uint64_t a = start; a < end; a++) {
        sum = sum * 31 + read8(a);
    }
    test_figure("initrd_bytes", end - start);
    test_figure("initrd_sum", sum);
}
