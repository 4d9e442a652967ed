/* SPDX-License-Identifier: Apache-2.0 */
/* VIRTIO devices in the tree of the domain that has them, and in that of the driver domain that serves them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support.h"

static struct host host;
static struct fdt board;
static struct messages messages;
static const struct domain_map bank[] = {{IPA(0x40000000), PA(0x90000000), 0x40000, MAP_RAM}};
static const struct domain_vcpu vcpus[] = {{0, 0}};
static const struct domain_record record = {.nr_vcpus = 1,
                                            .vcpus = vcpus,
                                            .gicd = IPA(0x3001000),
                                            .gicr_or_gicc = IPA(0x3020000),
                                            .nr_maps = 1,
                                            .maps = bank};

static const struct guest_virtio virtio[] = {
    {.ipa = 0x2000000, .size = 0x200, .spi = 287},
    {.ipa = 0x2000200,
     .size = 0x200,
     .pool = 0xc000000,
     .pool_size = 0x400000,
     .pool_phandle = 65001,
     .spi = 286},
    {.ipa = 0x2000400, .size = 0x200, .grants = true, .backend = 3, .spi = 285},
};
static const struct virtio_parameters block = {
    .class = VIRTIO_BLOCK, .read_only = true, .disk = 1, .first_sector = 0x100000800, .sectors = 2048};
static const struct virtio_parameters net = {.class = VIRTIO_NET,
                                             .mac = {0x52, 0x42, 0x48, 0, 1, 0},
                                             .isolated = true,
                                             .any_source = true,
                                             .rate_kbit = 1000};
static const struct virtio_parameters console = {.class = VIRTIO_CONSOLE, .ports = 1};
static const struct virtio_parameters sockets = {.class = VIRTIO_VSOCK, .guest_cid = 6, .isolated = true};
static const struct virtio_parameters gpio = {.class = VIRTIO_GPIO,
                                              .first_line = 3,
                                              .lines = 4,
                                              .line_names = (const uint8_t *)"door\0\0lamp",
                                              .line_names_size = 11};
static const struct guest_served served[] = {
    {&block, BUFFERS_ALL, 0, 0, 0x2000000, 0x200, 0xc002000, 0x5000, 0xc001000, 4, 256, 1020},
    {&net, BUFFERS_ALL, 0, 0, 0x2000200, 0x200, 0xc007000, 0x2000, 0xc001004, 2, 128, 1019},
    {&console, BUFFERS_BOUNCE, 0, 0, 0x1ff000000, 0x200, 0xc00a000, 0x2000, 0xc001008, 2, 128, 1016},
    {&sockets, BUFFERS_BOUNCE, 0, 0, 0x1ff000200, 0x200, 0xc00c000, 0x2000, 0xc00100c, 3, 128, 1015},
    {&gpio, BUFFERS_GRANTS, 0xc200000, 0xce000, 0x1ff000400, 0x200, 0xc00e000, 0x2000, 0xc001010, 2, 128,
     1014},
};
static const struct guest_window windows[] = {
    {{0, 0x40000000, 0, 0x2000000, 1, 0}},
    {{2, 0, 0, 0x1000000, 1, 0x2000000}},
    {{0, 0xc000000, 0, 0x400000, 1, 0x3000000}},
};
static const struct guest_frontend frontends[] = {
    {"linux", 1, 0, 2, 1021, 0xc000000, 2, 2},
    {"other", 3, 1, 1, 1017, 0xc009000, 1, 3},
};
static const struct guest_backend backend = {.nr_frontends = ARRAY_SIZE(frontends),
                                             .nr_windows = ARRAY_SIZE(windows),
                                             .nr_devices = ARRAY_SIZE(served),
                                             .frontends = frontends,
                                             .windows = windows,
                                             .devices = served};
static const struct guest_links links = {
    .nr_virtio = ARRAY_SIZE(virtio), .virtio = virtio, .iommu_phandle = 65002, .backend = &backend};

static const char text[] = "/dts-v1/;\n"
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
                           "\t\treg = <0x00 0x40000000 0x00 0x40000 0x00 0xc000000 0x00 0x400000>;\n"
                           "\t};\n"
                           "\n"
                           "\txen_iommu {\n"
                           "\t\tcompatible = \"xen,grant-dma\";\n"
                           "\t\t#iommu-cells = <0x01>;\n"
                           "\t\tphandle = <0xfdea>;\n"
                           "\t};\n"
                           "\n"
                           "\tvirtio@2000000 {\n"
                           "\t\tcompatible = \"virtio,mmio\";\n"
                           "\t\treg = <0x00 0x2000000 0x00 0x200>;\n"
                           "\t\tinterrupts = <0x00 0xff 0xf01>;\n"
                           "\t\tinterrupt-parent = <0xfde8>;\n"
                           "\t\tdma-coherent;\n"
                           "\t};\n"
                           "\n"
                           "\tvirtio@2000200 {\n"
                           "\t\tcompatible = \"virtio,mmio\";\n"
                           "\t\treg = <0x00 0x2000200 0x00 0x200>;\n"
                           "\t\tinterrupts = <0x00 0xfe 0xf01>;\n"
                           "\t\tinterrupt-parent = <0xfde8>;\n"
                           "\t\tdma-coherent;\n"
                           "\t\tmemory-region = <0xfde9>;\n"
                           "\t};\n"
                           "\n"
                           "\tvirtio@2000400 {\n"
                           "\t\tcompatible = \"virtio,mmio\";\n"
                           "\t\treg = <0x00 0x2000400 0x00 0x200>;\n"
                           "\t\tinterrupts = <0x00 0xfd 0xf01>;\n"
                           "\t\tinterrupt-parent = <0xfde8>;\n"
                           "\t\tdma-coherent;\n"
                           "\t\tiommus = <0xfdea 0x03>;\n"
                           "\t};\n"
                           "\n"
                           "\tbulkhead-backend {\n"
                           "\t\tcompatible = \"bulkhead,backend-v1\";\n"
                           "\t\t#address-cells = <0x02>;\n"
                           "\t\t#size-cells = <0x02>;\n"
                           "\t\tranges;\n"
                           "\n"
                           "\t\tfrontend@1 {\n"
                           "\t\t\tcompatible = \"bulkhead,frontend-v1\";\n"
                           "\t\t\t#address-cells = <0x02>;\n"
                           "\t\t\t#size-cells = <0x02>;\n"
                           "\t\t\treg = <0x00 0xc000000 0x00 0x1000>;\n"
                           "\t\t\tbulkhead,domid = <0x01>;\n"
                           "\t\t\tbulkhead,name = \"linux\";\n"
                           "\t\t\tbulkhead,server = <0x00>;\n"
                           "\t\t\tbulkhead,vcpus = <0x02>;\n"
                           "\t\t\tbulkhead,first-port = <0x3fd>;\n"
                           "\t\t\tbulkhead,windows = <0x00 0x40000000 0x00 0x2000000 0x01 0x00 0x02 0x00 "
                           "0x00 0x1000000 0x01 0x2000000>;\n"
                           "\n"
                           "\t\t\tdevice@2000000 {\n"
                           "\t\t\t\tcompatible = \"bulkhead,virtio\";\n"
                           "\t\t\t\tbulkhead,class = \"block\";\n"
                           "\t\t\t\treg = <0x00 0x2000000 0x00 0x200 0x00 0xc002000 0x00 0x5000>;\n"
                           "\t\t\t\tbulkhead,port = <0x3fc>;\n"
                           "\t\t\t\tbulkhead,interrupt = <0x00 0xc001000>;\n"
                           "\t\t\t\tbulkhead,queue-max = <0x100>;\n"
                           "\t\t\t\tbulkhead,queues = <0x04>;\n"
                           "\t\t\t\tbulkhead,buffers = \"all\";\n"
                           "\t\t\t\tbulkhead,disk = <0x01>;\n"
                           "\t\t\t\tbulkhead,first-sector = <0x01 0x800>;\n"
                           "\t\t\t\tbulkhead,sectors = <0x00 0x800>;\n"
                           "\t\t\t\tbulkhead,read-only;\n"
                           "\t\t\t};\n"
                           "\n"
                           "\t\t\tdevice@2000200 {\n"
                           "\t\t\t\tcompatible = \"bulkhead,virtio\";\n"
                           "\t\t\t\tbulkhead,class = \"net\";\n"
                           "\t\t\t\treg = <0x00 0x2000200 0x00 0x200 0x00 0xc007000 0x00 0x2000>;\n"
                           "\t\t\t\tbulkhead,port = <0x3fb>;\n"
                           "\t\t\t\tbulkhead,interrupt = <0x00 0xc001004>;\n"
                           "\t\t\t\tbulkhead,queue-max = <0x80>;\n"
                           "\t\t\t\tbulkhead,queues = <0x02>;\n"
                           "\t\t\t\tbulkhead,buffers = \"all\";\n"
                           "\t\t\t\tlocal-mac-address = [52 42 48 00 01 00];\n"
                           "\t\t\t\tbulkhead,isolated;\n"
                           "\t\t\t\tbulkhead,any-source;\n"
                           "\t\t\t\tbulkhead,rate-kbit = <0x3e8>;\n"
                           "\t\t\t};\n"
                           "\t\t};\n"
                           "\n"
                           "\t\tfrontend@3 {\n"
                           "\t\t\tcompatible = \"bulkhead,frontend-v1\";\n"
                           "\t\t\t#address-cells = <0x02>;\n"
                           "\t\t\t#size-cells = <0x02>;\n"
                           "\t\t\treg = <0x00 0xc009000 0x00 0x1000>;\n"
                           "\t\t\tbulkhead,domid = <0x03>;\n"
                           "\t\t\tbulkhead,name = \"other\";\n"
                           "\t\t\tbulkhead,server = <0x01>;\n"
                           "\t\t\tbulkhead,vcpus = <0x01>;\n"
                           "\t\t\tbulkhead,first-port = <0x3f9>;\n"
                           "\t\t\tbulkhead,windows = <0x00 0xc000000 0x00 0x400000 0x01 0x3000000>;\n"
                           "\n"
                           "\t\t\tdevice@1ff000000 {\n"
                           "\t\t\t\tcompatible = \"bulkhead,virtio\";\n"
                           "\t\t\t\tbulkhead,class = \"console\";\n"
                           "\t\t\t\treg = <0x01 0xff000000 0x00 0x200 0x00 0xc00a000 0x00 0x2000>;\n"
                           "\t\t\t\tbulkhead,port = <0x3f8>;\n"
                           "\t\t\t\tbulkhead,interrupt = <0x00 0xc001008>;\n"
                           "\t\t\t\tbulkhead,queue-max = <0x80>;\n"
                           "\t\t\t\tbulkhead,queues = <0x02>;\n"
                           "\t\t\t\tbulkhead,buffers = \"bounce\";\n"
                           "\t\t\t\tbulkhead,ports = <0x01>;\n"
                           "\t\t\t};\n"
                           "\n"
                           "\t\t\tdevice@1ff000200 {\n"
                           "\t\t\t\tcompatible = \"bulkhead,virtio\";\n"
                           "\t\t\t\tbulkhead,class = \"vsock\";\n"
                           "\t\t\t\treg = <0x01 0xff000200 0x00 0x200 0x00 0xc00c000 0x00 0x2000>;\n"
                           "\t\t\t\tbulkhead,port = <0x3f7>;\n"
                           "\t\t\t\tbulkhead,interrupt = <0x00 0xc00100c>;\n"
                           "\t\t\t\tbulkhead,queue-max = <0x80>;\n"
                           "\t\t\t\tbulkhead,queues = <0x03>;\n"
                           "\t\t\t\tbulkhead,buffers = \"bounce\";\n"
                           "\t\t\t\tbulkhead,isolated;\n"
                           "\t\t\t\tbulkhead,guest-cid = <0x06>;\n"
                           "\t\t\t};\n"
                           "\n"
                           "\t\t\tdevice@1ff000400 {\n"
                           "\t\t\t\tcompatible = \"bulkhead,virtio\";\n"
                           "\t\t\t\tbulkhead,class = \"gpio\";\n"
                           "\t\t\t\treg = <0x01 0xff000400 0x00 0x200 0x00 0xc00e000 0x00 0x2000>;\n"
                           "\t\t\t\tbulkhead,port = <0x3f6>;\n"
                           "\t\t\t\tbulkhead,interrupt = <0x00 0xc001010>;\n"
                           "\t\t\t\tbulkhead,queue-max = <0x80>;\n"
                           "\t\t\t\tbulkhead,queues = <0x02>;\n"
                           "\t\t\t\tbulkhead,buffers = \"grants\";\n"
                           "\t\t\t\tbulkhead,grants = <0x00 0xc200000 0x00 0xce000>;\n"
                           "\t\t\t\tbulkhead,gpio-lines = <0x03 0x04>;\n"
                           "\t\t\t\tgpio-line-names = \"door\\0\\0lamp\";\n"
                           "\t\t\t};\n"
                           "\t\t};\n"
                           "\t};\n"
                           "\n"
                           "\treserved-memory {\n"
                           "\t\t#address-cells = <0x02>;\n"
                           "\t\t#size-cells = <0x02>;\n"
                           "\t\tranges;\n"
                           "\n"
                           "\t\tbounce@c000000 {\n"
                           "\t\t\tcompatible = \"restricted-dma-pool\";\n"
                           "\t\t\treg = <0x00 0xc000000 0x00 0x400000>;\n"
                           "\t\t\tphandle = <0xfde9>;\n"
                           "\t\t};\n"
                           "\t};\n"
                           "\n"
                           "\tinterrupt-controller@3001000 {\n"
                           "\t\t#address-cells = <0x00>;\n"
                           "\t\t#interrupt-cells = <0x03>;\n"
                           "\t\tinterrupt-controller;\n"
                           "\t\tcompatible = \"arm,gic-v3\";\n"
                           "\t\t#redistributor-regions = <0x01>;\n"
                           "\t\treg = <0x00 0x3001000 0x00 0x10000 0x00 0x3020000 0x00 0x1000000>;\n"
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

static void use_board(unsigned gic_version)
{
    make_board(&host, &board, gic_version);
    messages_start(&messages);
}

/* A domain that is both: the nodes of its devices, the pool of one, and whom it serves. */
static void both_sides_are_told(void **state)
{
    struct guest_fdt_input in = {
        .host = &host, .record = &record, .links = &links, .report = &messages.report};
    uint64_t base, length;
    struct fdt tree;
    uint8_t *blob;
    size_t size;

    (void)state;
    use_board(3);
    blob = build_tree(&in, &size);
    expect_text(blob, size, text);
    assert_int_equal(fdt_open(&tree, blob, size), OK);
    assert_int_equal(fdt_by_phandle(&tree, 65001), fdt_path(&tree, "/reserved-memory/bounce@c000000"));
    /* the page of a frontend is an address of this domain */
    assert_int_equal(fdt_reg(&tree, fdt_path(&tree, "/bulkhead-backend/frontend@3"), 0, &base, &length), OK);
    assert_int_equal(base, 0xc009000);
    free(blob);
    close_tree(&board);
}

/* Names and numbers as long as they can be. */
static void many_devices_fit(void **state)
{
    static struct guest_virtio many_virtio[32];
    static struct guest_served many_served[32];
    static struct guest_window many_windows[128];
    static struct guest_frontend many_frontends[32];
    static const char name[] = "a-node-whose-name-has-31-letter";
    static const uint8_t many_names[1024];
    static const struct virtio_parameters all = {
        VIRTIO_GPIO, true, true, true, {2, 0, 0, 0, 0, 1}, 255,       3, 1, 5,
        1,           1,    1,    32,   sizeof many_names,  many_names};
    const struct guest_backend many_backend = {.nr_frontends = 32,
                                               .nr_windows = 128,
                                               .nr_devices = 32,
                                               .frontends = many_frontends,
                                               .windows = many_windows,
                                               .devices = many_served};
    const struct guest_links many = {
        .nr_virtio = 32, .virtio = many_virtio, .iommu_phandle = 65099, .backend = &many_backend};
    struct guest_fdt_input in = {
        .host = &host, .record = &record, .links = &many, .report = &messages.report};
    uint8_t *blob;
    size_t size;
    unsigned i;

    (void)state;
    use_board(2);
    for (i = 0; i < 32; i++) {
        many_virtio[i] = (struct guest_virtio){
            0xffff00000000 + i * 0x200, 0x200, 0xfffe00000000 + i * 0x1000, 0x1000, 65001 + i, true, 31, 991};
        many_served[i] = (struct guest_served){&all,
                                               BUFFERS_BOUNCE,
                                               0xfffb00000000,
                                               0x1000000,
                                               0xffff00000000 + i * 0x200,
                                               0x200,
                                               0xfffd00000000,
                                               0x1000000,
                                               1,
                                               8,
                                               32768,
                                               4095};
        many_frontends[i] = (struct guest_frontend){name, 31, 31, 32, 4000, 0xfffc00000000, 4, 1};
    }
    blob = build_tree(&in, &size);
    free(blob);
    close_tree(&board);
}

/* Who serves nobody is told nothing. */
static void nobody_is_served(void **state)
{
    static const struct guest_backend nothing;
    const struct guest_links none = {.backend = &nothing};
    struct guest_fdt_input in = {
        .host = &host, .record = &record, .links = &none, .report = &messages.report};
    struct fdt tree;
    uint8_t *blob;
    size_t size;

    (void)state;
    use_board(3);
    blob = build_tree(&in, &size);
    assert_int_equal(fdt_open(&tree, blob, size), OK);
    assert_int_equal(fdt_path(&tree, "/bulkhead-backend"), FDT_NONE);
    assert_int_equal(fdt_path(&tree, "/reserved-memory"), FDT_NONE);
    free(blob);
    close_tree(&board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_are_told),
        cmocka_unit_test(many_devices_fit),
        cmocka_unit_test(nobody_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
