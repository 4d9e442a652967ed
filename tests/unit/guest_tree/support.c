/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void compile_tree(struct fdt *fdt, const char *text)
{
    char name[] = "/tmp/bulkhead-tree-XXXXXX", command[100];
    static char buffer[1 << 16];
    int file = mkstemp(name);
    size_t size;
    FILE *pipe;
    void *blob;

    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb %s", name);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    size = fread(buffer, 1, sizeof(buffer), pipe);
    assert_int_equal(pclose(pipe), 0);
    unlink(name);
    blob = malloc(size);
    assert_non_null(blob);
    memcpy(blob, buffer, size);
    assert_int_equal(fdt_open(fdt, blob, size), OK);
}

void close_tree(struct fdt *fdt)
{
    free((void *)(uintptr_t)fdt->blob);
    fdt->blob = NULL;
}

static const char board[] =
    "/dts-v1/;\n"
    "/ { #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>; compatible = \"test,board\";\n"
    " chosen { stdout-path = \"/soc/serial@9000000\"; };\n"
    " psci { compatible = \"arm,psci-1.0\", \"arm,psci-0.2\"; method = \"smc\"; };\n"
    " memory@80000000 { device_type = \"memory\"; reg = <0 0x80000000 0 0x40000000>; };\n"
    " reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;\n"
    "  firmware@bf000000 { reg = <0 0xbf000000 0 0x1000>; no-map; }; };\n"
    " cpus { #address-cells = <1>; #size-cells = <0>;\n"
    "  cpu@0 { device_type = \"cpu\"; compatible = \"arm,cortex-a53\"; enable-method = \"psci\"; reg = <0>;\n"
    "          clock-frequency = <1000000>; };\n"
    "  cpu@1 { device_type = \"cpu\"; compatible = \"arm,cortex-a53\"; enable-method = \"psci\"; reg = <1>; "
    "};\n"
    " };\n"
    " timer { compatible = \"arm,armv8-timer\"; clock-frequency = <50000000>;\n"
    "  interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };\n"
    " gic: interrupt-controller@8000000 { #interrupt-cells = <3>; "
    "interrupt-controller;\n"
    "  #address-cells = <2>; #size-cells = <2>; ranges; %s; interrupts = <1 9 4>;\n"
    "  v2m@8020000 { compatible = \"arm,gic-v2m-frame\"; reg = <0 0x8020000 0 0x1000>; msi-controller; }; "
    "};\n"
    " pmu { compatible = \"arm,armv8-pmuv3\"; interrupts = <1 7 4>; };\n"
    " soc { compatible = \"simple-bus\"; ranges; #address-cells = <2>; #size-cells = <2>;\n"
    "  serial@9000000 { compatible = \"arm,pl011\"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; };\n"
    "  gpio@9030000 { compatible = \"arm,pl061\"; reg = <0 0x9030000 0 0x1000>; interrupts = <0 7 4>; "
    "xen,passthrough; };\n"
    "  rtc@9010000 { compatible = \"arm,pl031\"; reg = <0 0x9010000 0 0x1000>; interrupts = <0 2 1>, <0 3 "
    "4>; };\n"
    "  net@9040000 { compatible = \"test,net\"; reg = <0 0x9040000 0 0x2000>; interrupts = <0 9 4>; "
    "dma-coherent; };\n"
    "  odd@9050000 { compatible = \"test,odd\"; reg = <0 0x9050000 0 0x1000>; interrupts = <1 5 4>; };\n"
    "  off@9060000 { compatible = \"arm,pl061\"; reg = <0 0x9060000 0 0x1000>; status = \"disabled\"; };\n"
    "  mux: mux { #interrupt-cells = <1>; interrupt-controller; };\n"
    "  ext@9070000 { compatible = \"arm,pl061\"; reg = <0 0x9070000 0 0x1000>;\n"
    "   interrupts-extended = <&mux 4>, <&gic 0 20 4>, <&mux 5>, <&gic 0 21 1>; };\n"
    "  virtio@a000000 { compatible = \"virtio,mmio\"; reg = <0 0xa000000 0 0x200>; interrupts = <0 16 1>; "
    "};\n"
    "  virtio@a000200 { compatible = \"virtio,mmio\"; reg = <0 0xa000200 0 0x200>; interrupts = <0 17 1>; "
    "};\n"
    " };\n"
    "};\n";

static const char gic_v2[] =
    "compatible = \"arm,cortex-a15-gic\"; reg = <0 0x8000000 0 0x10000>, <0 0x8010000 0 0x10000>, "
    "<0 0x8030000 0 0x10000>, <0 0x8040000 0 0x10000>";
static const char gic_v3[] =
    "compatible = \"arm,gic-v3\"; reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>";

void make_board(struct host *host, struct fdt *fdt, unsigned gic_version)
{
    static char text[sizeof(board) + sizeof(gic_v2)];
    struct messages messages;

    messages_start(&messages);
    snprintf(text, sizeof(text), board, gic_version == 3 ? gic_v3 : gic_v2);
    compile_tree(fdt, text);
    if (host_discover(host, fdt, NULL, &messages.report) != OK) {
        fail_msg("%s", messages.text);
    }
}

static void remember(struct report *report, enum severity severity, const char *path, const char *property,
                     const char *message)
{
    static const char *const names[] = {"note", "warning", "error"};
    struct messages *messages = report->context;
    size_t used = strlen(messages->text);

    snprintf(messages->text + used, sizeof(messages->text) - used, "%s %s %s: %s\n", names[severity], path,
             property, message);
}

void messages_start(struct messages *messages)
{
    *messages = (struct messages){.report = {.sink = remember, .context = messages}};
}

uint8_t *build_tree(const struct guest_fdt_input *in, size_t *size)
{
    size_t bound = guest_fdt_bound(in);
    uint8_t *blob = malloc(bound);

    assert_non_null(blob);
    assert_int_equal(guest_fdt_build(in, blob, bound, size), OK);
    assert_true(*size <= bound);
    return blob;
}

void expect_text(const uint8_t *blob, size_t size, const char *expected)
{
    static char text[1 << 16];
    char name[] = "/tmp/bulkhead-tree-XXXXXX", command[100];
    int file = mkstemp(name);
    FILE *pipe;
    size_t n;

    assert_int_equal(write(file, blob, size), size);
    close(file);
    snprintf(command, sizeof(command), "dtc -q -I dtb -O dts %s", name);
    pipe = popen(command, "r");
    n = fread(text, 1, sizeof(text) - 1, pipe);
    text[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
    unlink(name);
    assert_string_equal(text, expected);
}
