/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree that a guest gets, against the text of the one that Xen gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/fdt_write.h"
#include "boot/guest_fdt.h"
#include "support.h"

static struct host host;
static struct fdt board;
static struct messages messages;
static const struct domain_map one_bank[] = {{IPA(0x40000000), PA(0x90000000), 0x40000, MAP_RAM}};
static const struct domain_vcpu vcpus[] = {{0, 0x000}, {1, 0x001}, {0, 0x100}};

static void use_board(unsigned gic_version)
{
    make_board(&host, &board, gic_version);
    messages_start(&messages);
}

static void smallest_domain_on_gicv2(void **state)
{
    static const char expected[] =
        "/dts-v1/;\n\n/ {\n\t#address-cells = <0x02>;\n\t#size-cells = <0x02>;\n\n"
        "\tchosen {\n\t};\n\n"
        "\tpsci {\n\t\tcompatible = \"arm,psci-1.0\\0arm,psci-0.2\\0arm,psci\";\n\t\tmethod = \"hvc\";\n"
        "\t\tcpu_off = <0x01>;\n\t\tcpu_on = <0x02>;\n\t};\n\n"
        "\tcpus {\n\t\t#address-cells = <0x01>;\n\t\t#size-cells = <0x00>;\n\n"
        "\t\tcpu@0 {\n\t\t\tcompatible = \"arm,cortex-a53\";\n\t\t\tdevice_type = \"cpu\";\n"
        "\t\t\tenable-method = \"psci\";\n\t\t\treg = <0x00>;\n\t\t\tclock-frequency = "
        "<0xf4240>;\n\t\t};\n\t};\n\n"
        "\tmemory@40000000 {\n\t\tdevice_type = \"memory\";\n\t\treg = <0x00 0x40000000 0x00 "
        "0x40000>;\n\t};\n\n"
        "\tinterrupt-controller@3001000 {\n\t\t#address-cells = <0x00>;\n\t\t#interrupt-cells = <0x03>;\n"
        "\t\tinterrupt-controller;\n\t\tcompatible = \"arm,gic-400\";\n"
        "\t\treg = <0x00 0x3001000 0x00 0x1000 0x00 0x3002000 0x00 0x2000>;\n"
        "\t\tlinux,phandle = <0xfde8>;\n\t\tphandle = <0xfde8>;\n\t};\n\n"
        "\ttimer {\n\t\tcompatible = \"arm,armv8-timer\";\n"
        "\t\tinterrupts = <0x01 0x0d 0xf08 0x01 0x0e 0xf08 0x01 0x0b 0xf08>;\n\t\tinterrupt-parent = "
        "<0xfde8>;\n"
        "\t\tclock-frequency = <0x2faf080>;\n\t};\n};\n";
    struct domain_record record = {.nr_vcpus = 1,
                                   .vcpus = vcpus,
                                   .gicd = IPA(0x3001000),
                                   .gicr_or_gicc = IPA(0x3002000),
                                   .nr_maps = 1,
                                   .maps = one_bank};
    struct guest_fdt_input in = {.host = &host, .record = &record, .report = &messages.report};
    uint8_t *blob;
    size_t size;

    (void)state;
    use_board(2);
    blob = build_tree(&in, &size);
    expect_text(blob, size, expected);
    free(blob);
    close_tree(&board);
}

static const char partial_text[] =
    "/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <2>;\n"
    " gic: gic { #interrupt-cells = <3>; interrupt-controller; phandle = <0x42>; };\n"
    " aliases { net = &net; };\n other { left-out; };\n"
    " passthrough { compatible = \"simple-bus\"; ranges; #address-cells = <2>; #size-cells = <2>;\n"
    "  net: net@10000000 { compatible = \"test,net\"; reg = <0 0x10000000 0 0x1000>; interrupt-parent = "
    "<&gic>;\n"
    "   xen,path = \"/soc/net@9040000\"; xen,reg = <0 0x9040000 0 0x1000 0 0x10000000>; "
    "xen,force-assign-without-iommu;\n"
    "   bulkhead,dma = <1>; bulkhead,reset = <0 0 1 0 0>; xen,other = <1>; phy { inner { a; }; }; last { }; "
    "};\n"
    "  clock { #clock-cells = <0>; };\n };\n};\n";

static const char full_text[] =
    "/dts-v1/;\n\n/ {\n\t#address-cells = <0x02>;\n\t#size-cells = <0x02>;\n\n"
    "\tchosen {\n\t\tbootargs = \"console=ttyAMA0\";\n\t\tlinux,initrd-start = <0x00 0x48000000>;\n"
    "\t\tlinux,initrd-end = <0x02 0x1234>;\n\t};\n\n"
    "\tpsci {\n\t\tcompatible = \"arm,psci-1.0\\0arm,psci-0.2\\0arm,psci\";\n\t\tmethod = \"hvc\";\n"
    "\t\tcpu_off = <0x01>;\n\t\tcpu_on = <0x02>;\n\t};\n\n"
    "\tcpus {\n\t\t#address-cells = <0x01>;\n\t\t#size-cells = <0x00>;\n\n"
    "\t\tcpu@0 {\n\t\t\tcompatible = \"arm,cortex-a53\";\n\t\t\tdevice_type = \"cpu\";\n"
    "\t\t\tenable-method = \"psci\";\n\t\t\treg = <0x00>;\n\t\t\tclock-frequency = <0xf4240>;\n\t\t};\n\n"
    "\t\tcpu@1 {\n\t\t\tcompatible = \"arm,cortex-a53\";\n\t\t\tdevice_type = \"cpu\";\n"
    "\t\t\tenable-method = \"psci\";\n\t\t\treg = <0x01>;\n\t\t\tclock-frequency = <0xf4240>;\n\t\t};\n\n"
    "\t\tcpu@100 {\n\t\t\tcompatible = \"arm,cortex-a53\";\n\t\t\tdevice_type = \"cpu\";\n"
    "\t\t\tenable-method = \"psci\";\n\t\t\treg = <0x100>;\n\t\t\tclock-frequency = "
    "<0xf4240>;\n\t\t};\n\t};\n\n"
    "\tmemory@40000000 {\n\t\tdevice_type = \"memory\";\n"
    "\t\treg = <0x00 0x40000000 0x00 0xc0000000 0x02 0x00 0x01 0x00>;\n\t};\n\n"
    "\taliases {\n\t\tnet = \"/passthrough/net@10000000\";\n\t};\n\n"
    "\tpassthrough {\n\t\tcompatible = \"simple-bus\";\n\t\tranges;\n\t\t#address-cells = <0x02>;\n"
    "\t\t#size-cells = <0x02>;\n\n"
    "\t\tnet@10000000 {\n\t\t\tcompatible = \"test,net\";\n\t\t\treg = <0x00 0x10000000 0x00 0x1000>;\n"
    "\t\t\tinterrupt-parent = <0x42>;\n\t\t\txen,other = <0x01>;\n\n"
    "\t\t\tphy {\n\n\t\t\t\tinner {\n\t\t\t\t\ta;\n\t\t\t\t};\n\t\t\t};\n\n\t\t\tlast "
    "{\n\t\t\t};\n\t\t};\n\n"
    "\t\tclock {\n\t\t\t#clock-cells = <0x00>;\n\t\t};\n\t};\n\n"
    "\tinterrupt-controller@3001000 {\n\t\t#address-cells = <0x00>;\n\t\t#interrupt-cells = <0x03>;\n"
    "\t\tinterrupt-controller;\n\t\tcompatible = \"arm,gic-v3\";\n\t\t#redistributor-regions = <0x01>;\n"
    "\t\treg = <0x00 0x3001000 0x00 0x10000 0x00 0x3020000 0x00 0x1000000>;\n"
    "\t\tlinux,phandle = <0x42>;\n\t\tphandle = <0x42>;\n\t};\n\n"
    "\ttimer {\n\t\tcompatible = \"arm,armv8-timer\";\n"
    "\t\tinterrupts = <0x01 0x0d 0xf08 0x01 0x0e 0xf08 0x01 0x0b 0xf08>;\n\t\tinterrupt-parent = "
    "<0x42>;\n"
    "\t\tclock-frequency = <0x2faf080>;\n\t};\n\n"
    "\tsbsa-uart@22000000 {\n\t\tcompatible = \"arm,sbsa-uart\";\n\t\treg = <0x00 0x22000000 0x00 "
    "0x1000>;\n"
    "\t\tinterrupts = <0x00 0x00 0xf04>;\n\t\tinterrupt-parent = <0x42>;\n\t\tcurrent-speed = "
    "<0x1c200>;\n\t};\n};\n";

static void full_domain_on_gicv3(void **state)
{
    static const struct domain_map maps[] = {
        {IPA(0x40000000), PA(0x400000000), 0x80000000, MAP_RAM}, /* two pieces, one bank */
        {IPA(0xc0000000), PA(0x500000000), 0x40000000, MAP_RAM},
        {IPA(0x10000000), PA(0x9040000), 0x1000, MAP_DEVICE},
        {IPA(0x200000000), PA(0x600000000), 0x100000000, MAP_RAM},
    };
    struct domain_record record = {.nr_vcpus = 3,
                                   .vcpus = vcpus,
                                   .flags = DOMAIN_VPL011,
                                   .gicd = IPA(0x3001000),
                                   .gicr_or_gicc = IPA(0x3020000),
                                   .uart = IPA(0x22000000),
                                   .uart_virq = 32,
                                   .nr_maps = ARRAY_SIZE(maps),
                                   .maps = maps};
    struct fdt partial;
    struct guest_fdt_input in = {.host = &host,
                                 .record = &record,
                                 .bootargs = "console=ttyAMA0",
                                 .initrd_start = 0x48000000,
                                 .initrd_end = 0x200001234,
                                 .partial = &partial,
                                 .report = &messages.report};
    uint8_t *blob;
    size_t size, need, i;

    (void)state;
    use_board(3);
    compile_tree(&partial, partial_text);
    blob = build_tree(&in, &size);
    expect_text(blob, size, full_text);
    /* Whatever the capacity, nothing is written behind it; what fits is the same tree. */
    for (i = 0; i <= guest_fdt_bound(&in); i++) {
        uint8_t *small = malloc(i + 1);
        enum status status = guest_fdt_build(&in, small, i, &need);

        assert_true(status == ERR_NOMEM || (status == OK && need == size && memcmp(small, blob, size) == 0));
        free(small);
    }
    free(blob);
    close_tree(&partial);
    close_tree(&board);
}

static void direct_map_has_the_hosts_layout(void **state)
{
    struct domain_record record = {.nr_vcpus = 2,
                                   .vcpus = vcpus,
                                   .flags = DOMAIN_VPL011 | DOMAIN_DIRECT_MAP,
                                   .gicd = IPA(0x8000000),
                                   .gicr_or_gicc = IPA(0x80a0000),
                                   .uart = IPA(0x9000000),
                                   .uart_virq = 33,
                                   .nr_maps = 1,
                                   .maps = one_bank};
    struct guest_fdt_input in = {.host = &host, .record = &record, .report = &messages.report};
    uint64_t base, length;
    struct fdt_prop prop;
    uint32_t cell;
    struct fdt tree;
    uint8_t *blob;
    size_t size;

    (void)state;
    use_board(3);
    blob = build_tree(&in, &size);
    assert_int_equal(fdt_open(&tree, blob, size), OK);
    assert_int_equal(fdt_reg(&tree, fdt_path(&tree, "/interrupt-controller@8000000"), 1, &base, &length), OK);
    assert_int_equal(base, 0x80a0000);
    assert_int_equal(length, 0x40000);
    assert_true(fdt_prop(&tree, fdt_path(&tree, "/sbsa-uart@9000000"), "interrupts", &prop));
    assert_true(fdt_cell(&prop, 1, &cell));
    assert_int_equal(cell, 1);
    free(blob);
    close_tree(&board);
}

/* Nodes of the board that the hardware domain gets, or not. */
static void hardware_domain_gets_the_rest(void **state)
{
    static const char *const there[] = {
        "/psci",    "/cpus/cpu@0",      "/cpus/cpu@100",    "/chosen",         "/timer",
        "/soc/mux", "/soc/rtc@9010000", "/memory@90000000", "/soc/off@9060000"};
    static const char *const gone[] = {"/soc/serial@9000000", "/soc/net@9040000",
                                       "/soc/gpio@9030000",   "/pmu",
                                       "/memory@80000000",    "/interrupt-controller@8000000/v2m@8020000"};
    static const struct domain_map maps[] = {{IPA(0x90000000), PA(0x90000000), 0x1000000, MAP_RAM}};
    struct domain_record record = {.nr_vcpus = 3,
                                   .vcpus = vcpus,
                                   .flags = DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP | DOMAIN_VPL011,
                                   .uart = IPA(0x9000000),
                                   .uart_virq = 33,
                                   .nr_maps = 1,
                                   .maps = maps};
    fdt_node_t hidden[1];
    struct guest_fdt_input in = {.host = &host,
                                 .record = &record,
                                 .bootargs = "quiet",
                                 .hidden = hidden,
                                 .nr_hidden = 1,
                                 .report = &messages.report};
    unsigned version, i;
    struct fdt_prop prop;
    struct fdt tree;
    uint32_t value;
    uint8_t *blob;
    size_t size;

    (void)state;
    for (version = 2; version <= 3; version++) {
        use_board(version);
        hidden[0] = fdt_path(&board, "/soc/net@9040000");
        blob = build_tree(&in, &size);
        assert_int_equal(fdt_open(&tree, blob, size), OK);
        for (i = 0; i < ARRAY_SIZE(there); i++) {
            assert_int_not_equal(fdt_path(&tree, there[i]), FDT_NONE);
        }
        for (i = 0; i < ARRAY_SIZE(gone); i++) {
            assert_int_equal(fdt_path(&tree, gone[i]), FDT_NONE);
        }
        assert_string_equal(fdt_string(&tree, fdt_path(&tree, "/psci"), "method"), "hvc");
        assert_string_equal(fdt_string(&tree, fdt_path(&tree, "/chosen"), "bootargs"), "quiet");
        assert_true(fdt_prop(&tree, fdt_path(&tree, "/interrupt-controller@8000000"), "reg", &prop));
        assert_int_equal(prop.len, 32);
        assert_false(fdt_has(&tree, fdt_path(&tree, "/interrupt-controller@8000000"), "interrupts"));
        assert_true(fdt_u32(&board, fdt_path(&board, "/interrupt-controller@8000000"), "phandle", &value));
        assert_int_equal(fdt_by_phandle(&tree, value), fdt_path(&tree, "/interrupt-controller@8000000"));
        assert_true(fdt_u32(&tree, fdt_path(&tree, "/sbsa-uart@9000000"), "interrupt-parent", &i));
        assert_int_equal(i, value);
        free(blob);
        close_tree(&board);
    }
}

static const struct guest_port link_ports[] = {{"evtchn@1", "domU2", {10, 2, 12}}};
static const struct guest_shared link_shared[] = {
    {"my-shared-mem-0", "owner", 0x50000000, 0x10000, false},
    {"frames", "reader", 0x250000000, 0x2000, true},
};
static const struct guest_channel link_channels[] = {
    {.name = "camera",
     .peer_name = "control",
     .tx = 0xc000000,
     .rx = 0xc010000,
     .size = 0x10000,
     .doorbell = 0xc020000,
     .spi = 287,
     .peer = 2},
    {.name = "video",
     .peer_name = "viewer",
     .tx = 0xc021000,
     .rx = 0xc022000,
     .size = 0x1000,
     .port = 1021,
     .peer = 3},
};
static const struct guest_links links = {.nr_regions = 2,
                                         .regions = {{0x38000000, 0x1000000}, {0x42000000, 0xbe000000}},
                                         .nr_ports = ARRAY_SIZE(link_ports),
                                         .ports = link_ports,
                                         .nr_shared = ARRAY_SIZE(link_shared),
                                         .shared = link_shared,
                                         .nr_channels = ARRAY_SIZE(link_channels),
                                         .channels = link_channels};

static const char links_text[] =
    "/dts-v1/;\n"
    "\n"
    "/ {\n"
    "\t#address-cells = <0x02>;\n"
    "\t#size-cells = <0x02>;\n"
    "\n"
    "\tchosen {\n"
    "\t};\n"
    "\n"
    "\tpsci {\n"
    "\t\tcompatible = \"arm,psci-1.0\\0arm,psci-0.2\\0arm,psci\";\n"
    "\t\tmethod = \"hvc\";\n"
    "\t\tcpu_off = <0x01>;\n"
    "\t\tcpu_on = <0x02>;\n"
    "\t};\n"
    "\n"
    "\tcpus {\n"
    "\t\t#address-cells = <0x01>;\n"
    "\t\t#size-cells = <0x00>;\n"
    "\n"
    "\t\tcpu@0 {\n"
    "\t\t\tcompatible = \"arm,cortex-a53\";\n"
    "\t\t\tdevice_type = \"cpu\";\n"
    "\t\t\tenable-method = \"psci\";\n"
    "\t\t\treg = <0x00>;\n"
    "\t\t\tclock-frequency = <0xf4240>;\n"
    "\t\t};\n"
    "\t};\n"
    "\n"
    "\tmemory@40000000 {\n"
    "\t\tdevice_type = \"memory\";\n"
    "\t\treg = <0x00 0x40000000 0x00 0x40000 0x00 0x50000000 0x00 0x10000>;\n"
    "\t};\n"
    "\n"
    "\thypervisor {\n"
    "\t\tcompatible = \"xen,xen-4.17\\0xen,xen\";\n"
    "\t\treg = <0x00 0x38000000 0x00 0x1000000 0x00 0x42000000 0x00 0xbe000000>;\n"
    "\t\tinterrupts = <0x01 0x0f 0xf08>;\n"
    "\t\tinterrupt-parent = <0xfde8>;\n"
    "\t};\n"
    "\n"
    "\tchannel@c000000 {\n"
    "\t\tcompatible = \"bulkhead,channel-v1\";\n"
    "\t\treg = <0x00 0xc000000 0x00 0x10000 0x00 0xc010000 0x00 0x10000 0x00 0xc020000 0x00 0x1000>;\n"
    "\t\treg-names = \"tx\\0rx\\0doorbell\";\n"
    "\t\tinterrupt-parent = <0xfde8>;\n"
    "\t\tinterrupts = <0x00 0xff 0xf01>;\n"
    "\t\tbulkhead,name = \"camera\";\n"
    "\t\tbulkhead,peer = <0x02>;\n"
    "\t\tbulkhead,peer-name = \"control\";\n"
    "\t};\n"
    "\n"
    "\tchannel@c021000 {\n"
    "\t\tcompatible = \"bulkhead,channel-v1\";\n"
    "\t\treg = <0x00 0xc021000 0x00 0x1000 0x00 0xc022000 0x00 0x1000>;\n"
    "\t\treg-names = \"tx\\0rx\";\n"
    "\t\tbulkhead,port = <0x3fd>;\n"
    "\t\tbulkhead,name = \"video\";\n"
    "\t\tbulkhead,peer = <0x03>;\n"
    "\t\tbulkhead,peer-name = \"viewer\";\n"
    "\t};\n"
    "\n"
    "\tbulkhead {\n"
    "\n"
    "\t\tevents {\n"
    "\t\t\tcompatible = \"bulkhead,events-v1\";\n"
    "\t\t\t#address-cells = <0x01>;\n"
    "\t\t\t#size-cells = <0x00>;\n"
    "\n"
    "\t\t\tport@a {\n"
    "\t\t\t\treg = <0x0a>;\n"
    "\t\t\t\tbulkhead,name = \"evtchn@1\";\n"
    "\t\t\t\tbulkhead,peer = <0x02>;\n"
    "\t\t\t\tbulkhead,peer-name = \"domU2\";\n"
    "\t\t\t\tbulkhead,peer-port = <0x0c>;\n"
    "\t\t\t};\n"
    "\t\t};\n"
    "\t};\n"
    "\n"
    "\treserved-memory {\n"
    "\t\t#address-cells = <0x02>;\n"
    "\t\t#size-cells = <0x02>;\n"
    "\t\tranges;\n"
    "\n"
    "\t\txen-shmem@50000000 {\n"
    "\t\t\tcompatible = \"xen,shared-memory-v1\";\n"
    "\t\t\treg = <0x00 0x50000000 0x00 0x10000>;\n"
    "\t\t\txen,id = \"my-shared-mem-0\";\n"
    "\t\t\txen,offset = <0x00 0x00>;\n"
    "\t\t\tbulkhead,role = \"owner\";\n"
    "\t\t};\n"
    "\n"
    "\t\txen-shmem@250000000 {\n"
    "\t\t\tcompatible = \"xen,shared-memory-v1\";\n"
    "\t\t\treg = <0x02 0x50000000 0x00 0x2000>;\n"
    "\t\t\txen,id = \"frames\";\n"
    "\t\t\txen,offset = <0x00 0x00>;\n"
    "\t\t\tbulkhead,role = \"reader\";\n"
    "\t\t\tno-map;\n"
    "\t\t};\n"
    "\t};\n"
    "\n"
    "\tinterrupt-controller@3001000 {\n"
    "\t\t#address-cells = <0x00>;\n"
    "\t\t#interrupt-cells = <0x03>;\n"
    "\t\tinterrupt-controller;\n"
    "\t\tcompatible = \"arm,gic-400\";\n"
    "\t\treg = <0x00 0x3001000 0x00 0x1000 0x00 0x3002000 0x00 0x2000>;\n"
    "\t\tlinux,phandle = <0xfde8>;\n"
    "\t\tphandle = <0xfde8>;\n"
    "\t};\n"
    "\n"
    "\ttimer {\n"
    "\t\tcompatible = \"arm,armv8-timer\";\n"
    "\t\tinterrupts = <0x01 0x0d 0xf08 0x01 0x0e 0xf08 0x01 0x0b 0xf08>;\n"
    "\t\tinterrupt-parent = <0xfde8>;\n"
    "\t\tclock-frequency = <0x2faf080>;\n"
    "\t};\n"
    "};\n";

static void links_are_told(void **state)
{
    struct domain_record record = {.nr_vcpus = 1,
                                   .vcpus = vcpus,
                                   .flags = DOMAIN_ENHANCED,
                                   .gicd = IPA(0x3001000),
                                   .gicr_or_gicc = IPA(0x3002000),
                                   .nr_maps = 1,
                                   .maps = one_bank};
    struct guest_fdt_input in = {
        .host = &host, .record = &record, .links = &links, .report = &messages.report};
    uint8_t *blob;
    size_t size;

    (void)state;
    use_board(2);
    blob = build_tree(&in, &size);
    expect_text(blob, size, links_text);
    free(blob);
    close_tree(&board);
}

/* As much of it as the bound allows for. */
static void many_links_fit(void **state)
{
    static struct guest_port ports[256];
    static struct guest_shared shared[64];
    static struct guest_channel channels[32];
    const struct guest_links many = {.nr_regions = MAX_GUEST_REGIONS,
                                     .nr_ports = ARRAY_SIZE(ports),
                                     .ports = ports,
                                     .nr_shared = ARRAY_SIZE(shared),
                                     .shared = shared,
                                     .nr_channels = ARRAY_SIZE(channels),
                                     .channels = channels};
    struct domain_record record = {.nr_vcpus = 1,
                                   .vcpus = vcpus,
                                   .gicd = IPA(0x3001000),
                                   .gicr_or_gicc = IPA(0x3020000),
                                   .nr_maps = 1,
                                   .maps = one_bank};
    struct guest_fdt_input in = {
        .host = &host, .record = &record, .links = &many, .report = &messages.report};
    static const char name[] = "a-node-whose-name-has-31-letter";
    struct fdt tree;
    fdt_node_t node;
    uint8_t *blob;
    size_t size;
    unsigned i, n = 0;

    (void)state;
    use_board(3);
    for (i = 0; i < ARRAY_SIZE(ports); i++) {
        ports[i] = (struct guest_port){name, name, {(uint16_t)(4095 - i), 31, 4095}};
    }
    for (i = 0; i < ARRAY_SIZE(shared); i++) {
        shared[i] = (struct guest_shared){"fifteen-letters", "borrower", 0xff00000000 + i * 0x1000, 0x1000,
                                          i % 2 == 0};
    }
    for (i = 0; i < ARRAY_SIZE(channels); i++) {
        channels[i] = (struct guest_channel){name,   name,         0xff10000000 + i * 0x1000, 0xff20000000,
                                             0x1000, 0xff30000000, i % 2 == 0 ? 991 : 0,      4095,
                                             31};
    }
    blob = build_tree(&in, &size);
    assert_int_equal(fdt_open(&tree, blob, size), OK);
    for (node = fdt_first_child(&tree, fdt_path(&tree, "/bulkhead/events")); node != FDT_NONE;
         node = fdt_next_sibling(&tree, node)) {
        n++;
    }
    assert_int_equal(n, ARRAY_SIZE(ports));
    free(blob);
    close_tree(&board);
}

/* Beside what the host reserves. */
static void hardware_domain_shares(void **state)
{
    static const struct domain_map maps[] = {{IPA(0x90000000), PA(0x90000000), 0x1000000, MAP_RAM}};
    struct domain_record record = {.nr_vcpus = 1,
                                   .vcpus = vcpus,
                                   .flags = DOMAIN_HARDWARE | DOMAIN_DIRECT_MAP,
                                   .nr_maps = 1,
                                   .maps = maps};
    struct guest_fdt_input in = {
        .host = &host, .record = &record, .links = &links, .report = &messages.report};
    static const char *const there[] = {"/reserved-memory/firmware@bf000000",
                                        "/reserved-memory/xen-shmem@50000000", "/channel@c000000",
                                        "/bulkhead/events/port@a"};
    struct fdt_prop prop;
    struct fdt tree;
    uint8_t *blob;
    size_t size;
    unsigned i, with;

    (void)state;
    use_board(3);
    for (with = 0; with < 2; with++) {
        in.links = with != 0 ? &links : NULL;
        blob = build_tree(&in, &size);
        assert_int_equal(fdt_open(&tree, blob, size), OK);
        for (i = 0; i < ARRAY_SIZE(there); i++) {
            assert_int_equal(fdt_path(&tree, there[i]) != FDT_NONE, with != 0 || i == 0);
        }
        assert_true(fdt_prop(&tree, fdt_path(&tree, there[0]), "no-map", &prop));
        free(blob);
    }
    close_tree(&board);
}

static void many_pieces_of_ram(void **state)
{
    static struct domain_map maps[40];
    struct domain_record record = {.nr_vcpus = 1,
                                   .vcpus = vcpus,
                                   .gicd = IPA(0x3001000),
                                   .gicr_or_gicc = IPA(0x3020000),
                                   .nr_maps = 40,
                                   .maps = maps};
    struct guest_fdt_input in = {.host = &host, .record = &record, .report = &messages.report};
    uint64_t base, length, sum = 0;
    struct fdt tree;
    fdt_node_t node;
    uint8_t *blob;
    size_t size;
    unsigned i;

    (void)state;
    use_board(3);
    for (i = 0; i < 40; i++) {
        maps[i] =
            (struct domain_map){IPA(0x40000000 + 0x10000 * i), PA(0x90000000 + 0x2000 * i), 0x1000, MAP_RAM};
    }
    blob = build_tree(&in, &size);
    assert_int_equal(fdt_open(&tree, blob, size), OK);
    for (node = fdt_first_child(&tree, fdt_root(&tree)); node != FDT_NONE;
         node = fdt_next_sibling(&tree, node)) {
        for (i = 0; strncmp(fdt_name(&tree, node), "memory@", 7) == 0 &&
                    fdt_reg(&tree, node, i, &base, &length) == OK;
             i++) {
            sum += length;
        }
    }
    assert_int_equal(sum, 40 * 0x1000);
    free(blob);
    close_tree(&board);
}

static void phandle_of_the_interrupt_controller(void **state)
{
    struct domain_record record = {.nr_vcpus = 1,
                                   .vcpus = vcpus,
                                   .gicd = IPA(0x3001000),
                                   .gicr_or_gicc = IPA(0x3020000),
                                   .nr_maps = 1,
                                   .maps = one_bank};
    struct fdt partial;
    struct guest_fdt_input in = {
        .host = &host, .record = &record, .partial = &partial, .report = &messages.report};
    static uint8_t blob[8192];
    size_t size;

    (void)state;
    use_board(3);
    in.module = fdt_path(&board, "/chosen");
    compile_tree(&partial, "/dts-v1/; / { passthrough { a { phandle = <65000>; }; }; };");
    assert_int_equal(guest_fdt_build(&in, blob, sizeof(blob), &size), ERR_INVALID);
    assert_non_null(strstr(messages.text, "error /chosen:/passthrough/a phandle: 65000 is the generated"));
    close_tree(&partial);
    compile_tree(&partial, "/dts-v1/; / { gic { }; passthrough { a { phandle = <64999>; }; }; };");
    assert_int_equal(guest_fdt_build(&in, blob, sizeof(blob), &size), OK);
    close_tree(&partial);
    close_tree(&board);
}

static void unbalanced_nodes_are_refused(void **state)
{
    _Alignas(8) static uint8_t blob[256];
    struct fdt_writer writer;
    size_t size;

    (void)state;
    fdt_write_start(&writer, blob, sizeof(blob), 64);
    fdt_write_node(&writer, "");
    assert_int_equal(fdt_write_end(&writer, &size), ERR_INVALID);
    fdt_write_start(&writer, blob, sizeof(blob), sizeof(blob));
    fdt_write_node(&writer, "");
    fdt_write_node_end(&writer);
    assert_int_equal(fdt_write_end(&writer, &size), ERR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_domain_on_gicv2),
        cmocka_unit_test(full_domain_on_gicv3),
        cmocka_unit_test(direct_map_has_the_hosts_layout),
        cmocka_unit_test(hardware_domain_gets_the_rest),
        cmocka_unit_test(links_are_told),
        cmocka_unit_test(many_links_fit),
        cmocka_unit_test(hardware_domain_shares),
        cmocka_unit_test(many_pieces_of_ram),
        cmocka_unit_test(phandle_of_the_interrupt_controller),
        cmocka_unit_test(unbalanced_nodes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
