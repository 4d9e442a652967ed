/* SPDX-License-Identifier: Apache-2.0 */
/* What a partial tree adds to a domain, and what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "boot/passthrough.h"
#include "support.h"

enum { DIRECT = 1, STATIC = 2, RESTARTS = 4, MAX = 8 };

struct result {
    enum status status;
    struct passthrough out;
    struct domain_map maps[MAX];
    struct domain_irq irqs[MAX];
    struct domain_reset resets[MAX];
    fdt_node_t nodes[MAX];
    struct messages messages;
};

static struct host host;
static struct fdt board;

static int setup(void **state)
{
    (void)state;
    make_board(&host, &board, 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_tree(&board);
    return 0;
}

/* Scans a partial tree with these nodes in /passthrough. */
static void scan(struct result *result, unsigned how, const char *nodes)
{
    static char text[8192];
    struct fdt partial;
    struct passthrough_input in = {.host = &host,
                                   .partial = &partial,
                                   .module = fdt_path(&board, "/chosen"),
                                   .report = &result->messages.report,
                                   .direct_map = (how & DIRECT) != 0,
                                   .static_mem = (how & STATIC) != 0,
                                   .restarts = (how & RESTARTS) != 0};

    *result = (struct result){0};
    result->out = (struct passthrough){.maps = result->maps,
                                       .irqs = result->irqs,
                                       .resets = result->resets,
                                       .nodes = result->nodes,
                                       .max_maps = MAX,
                                       .max_irqs = MAX,
                                       .max_resets = MAX,
                                       .max_nodes = MAX};
    messages_start(&result->messages);
    snprintf(text, sizeof(text),
             "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;\n passthrough { compatible = "
             "\"simple-bus\"; ranges; #address-cells = <2>; #size-cells = <2>;\n %s }; };\n",
             nodes);
    compile_tree(&partial, text);
    result->status = passthrough_scan(&in, &result->out);
    close_tree(&partial);
}

#define GPIO     "gpio@9030000 { compatible = \"arm,pl061\"; xen,path = \"/soc/gpio@9030000\"; "
#define GPIO_REG "xen,reg = <0 0x9030000 0 0x1000 0 0x10000000>; "
#define FORCE    "xen,force-assign-without-iommu; "
#define NET                                                                                                \
    "net { compatible = \"test,net\"; xen,path = \"/soc/net@9040000\"; xen,reg = <0 0x9040000 0 0x2000 0 " \
    "0x9040000>; "
#define DISK                                                                    \
    "disk { compatible = \"virtio,mmio\"; xen,path = \"/soc/virtio@a000000\"; " \
    "xen,reg = <0 0xa000000 0 0x1000 0 0xa000000>; "

static void maps_and_interrupts(void **state)
{
    struct result r;

    (void)state;
    scan(&r, 0,
         GPIO GPIO_REG "}; clock { }; rtc { xen,path = \"/soc/rtc@9010000\"; compatible = \"arm,pl031\"; "
                       "xen,reg = <0 0x9010000 0 0x1000 0 0x10001000>; };");
    assert_string_equal(r.messages.text, "");
    assert_int_equal(r.status, OK);
    assert_int_equal(r.out.nr_maps, 2);
    assert_int_equal(r.maps[0].ipa.v, 0x10000000);
    assert_int_equal(r.maps[0].pa.v, 0x9030000);
    assert_int_equal(r.maps[0].size, 0x1000);
    assert_int_equal(r.maps[0].kind, MAP_DEVICE);
    assert_int_equal(r.maps[1].ipa.v, 0x10001000);
    assert_int_equal(r.out.nr_irqs, 3);
    assert_int_equal(r.irqs[0].pirq, 39);
    assert_int_equal(r.irqs[0].virq, 39);
    assert_false(r.irqs[0].edge);
    assert_int_equal(r.irqs[1].pirq, 34);
    assert_true(r.irqs[1].edge);
    assert_int_equal(r.irqs[2].pirq, 35);
    assert_int_equal(r.out.nr_nodes, 2);
    assert_int_equal(r.nodes[0], fdt_path(&board, "/soc/gpio@9030000"));
    assert_false(r.out.dma_unprotected);
    assert_int_equal(r.out.nr_resets, 0);
}

static void nested_nodes_use_their_parents_cells(void **state)
{
    struct result r;

    (void)state;
    scan(&r, 0,
         "bus { #address-cells = <1>; #size-cells = <1>; ranges; gpio { compatible = \"arm,pl061\"; "
         "xen,path = \"/soc/gpio@9030000\"; xen,reg = <0x9030000 0x1000 0x10000000>; }; };");
    assert_string_equal(r.messages.text, "");
    assert_int_equal(r.out.nr_maps, 1);
    assert_int_equal(r.maps[0].pa.v, 0x9030000);
}

static void interrupts_of_other_controllers_are_left_out(void **state)
{
    struct result r;

    (void)state;
    scan(&r, 0,
         "gpio { compatible = \"arm,pl061\"; xen,path = \"/soc/ext@9070000\"; "
         "xen,reg = <0 0x9070000 0 0x1000 0 0x9070000>; };");
    assert_string_equal(r.messages.text, "");
    assert_int_equal(r.out.nr_irqs, 2);
    assert_int_equal(r.irqs[0].pirq, 52);
    assert_int_equal(r.irqs[1].pirq, 53);
    assert_true(r.irqs[1].edge);
}

static void dma_masters_need_three_words(void **state)
{
    static const char *const missing[] = {"direct-map xen,static-mem xen,force", "xen,static-mem xen,force",
                                          "direct-map xen,force", "needs xen,force"};
    struct result r;
    unsigned how;

    (void)state;
    for (how = 0; how < 4; how++) {
        scan(&r, how, NET "};");
        assert_int_equal(r.status, ERR_INVALID);
        assert_non_null(strstr(r.messages.text, "error /chosen:/passthrough/net xen,path"));
        assert_non_null(strstr(r.messages.text, missing[how]));
    }
    scan(&r, DIRECT, NET FORCE "};");
    assert_int_equal(r.status, ERR_INVALID);
    scan(&r, DIRECT | STATIC, NET FORCE "};");
    assert_int_equal(r.status, OK);
    assert_true(r.out.dma_unprotected);
    assert_non_null(strstr(r.messages.text, "note /chosen:/passthrough/net xen,path: does DMA unprotected"));
}

static void bulkhead_dma_overrides(void **state)
{
    struct result r;

    (void)state;
    scan(&r, 0, NET "bulkhead,dma = <0>; };");
    assert_string_equal(r.messages.text, "");
    assert_false(r.out.dma_unprotected);
    scan(&r, 0, GPIO GPIO_REG "bulkhead,dma = <1>; };");
    assert_int_equal(r.status, ERR_INVALID);
    scan(&r, 0, GPIO GPIO_REG "bulkhead,dma = <2>; };");
    assert_non_null(strstr(r.messages.text, "bulkhead,dma: must be <0> or <1>"));
    scan(&r, 0, "odd { xen,reg = <0 0x9060000 0 0x1000 0 0x9060000>; " FORCE "};");
    assert_int_equal(r.status, OK);
    assert_non_null(strstr(r.messages.text, "note /chosen:/passthrough/odd xen,reg: may do DMA"));
}

static void restarts_need_a_reset(void **state)
{
    struct result r;

    (void)state;
    scan(&r, DIRECT | STATIC | RESTARTS, NET FORCE "};");
    assert_int_equal(r.status, ERR_INVALID);
    assert_non_null(strstr(r.messages.text, "bulkhead,reset: net does DMA and has no reset"));
    scan(&r, DIRECT | STATIC | RESTARTS,
         NET FORCE "bulkhead,reset = <0x10 1 3 1 500>, <0x1ffc 0 0xffffffff 0 0>; };");
    assert_int_equal(r.status, OK);
    assert_int_equal(r.out.nr_resets, 2);
    assert_int_equal(r.resets[0].pa.v, 0x9040010);
    assert_int_equal(r.resets[0].value, 1);
    assert_int_equal(r.resets[0].mask, 3);
    assert_int_equal(r.resets[0].poll_mask, 3);
    assert_int_equal(r.resets[0].poll_value, 1);
    assert_int_equal(r.resets[0].limit_us, 500);
    assert_int_equal(r.resets[1].pa.v, 0x9041ffc);
    assert_int_equal(r.resets[1].poll_mask, 0);
    scan(&r, DIRECT | STATIC, NET FORCE "bulkhead,reset = <0x2000 0 1 0 0>; };");
    assert_non_null(strstr(r.messages.text, "bulkhead,reset: register 0x9042000 is not"));
    scan(&r, DIRECT | STATIC, NET FORCE "bulkhead,reset = <0x10 0 1 0>; };");
    assert_non_null(strstr(r.messages.text, "five cells"));
    scan(&r, DIRECT | STATIC, NET FORCE "bulkhead,reset = <0x11 0 1 0 0>; };");
    assert_int_equal(r.status, ERR_INVALID);
}

static void virtio_has_a_reset_and_neighbours(void **state)
{
    struct result r;

    (void)state;
    scan(&r, DIRECT | STATIC | RESTARTS, DISK FORCE "};");
    assert_int_equal(r.status, OK);
    assert_int_equal(r.out.nr_resets, 2);
    assert_int_equal(r.resets[0].pa.v, 0xa000070);
    assert_int_equal(r.resets[0].poll_mask, 0xffffffff);
    assert_int_equal(r.resets[1].pa.v, 0xa000270);
    assert_non_null(strstr(r.messages.text, "the same pages hold virtio@a000200"));
    /* The neighbour counts even if the device that was asked for does no DMA. */
    scan(&r, 0, DISK "bulkhead,dma = <0>; };");
    assert_int_equal(r.status, ERR_INVALID);
    assert_non_null(strstr(r.messages.text, "virtio@a000200 does DMA"));
    /* Both passed through by name: one map, two interrupts, each reset once. */
    scan(&r, DIRECT | STATIC | RESTARTS,
         DISK FORCE "}; two { xen,path = \"/soc/virtio@a000200\"; " FORCE
                    "compatible = \"virtio,mmio\"; xen,reg = <0 0xa000000 0 0x1000 0 0xa000000>; };");
    assert_int_equal(r.status, OK);
    assert_int_equal(r.out.nr_maps, 1);
    assert_int_equal(r.out.nr_irqs, 2);
    assert_int_equal(r.out.nr_resets, 2);
}

static void broken(void **state)
{
    static const struct {
        const char *nodes, *message;
    } cases[] = {
        {GPIO "};", "error /chosen:/passthrough/gpio@9030000 xen,reg: is missing"},
        {"gpio { " GPIO_REG "};", "gpio xen,path: is missing"},
        {GPIO "xen,reg = <0 0x9030000 0 0x1000>; };", "xen,reg: must be <host address, size, guest address>"},
        {GPIO "xen,reg; };", "xen,reg: must be <host address"},
        {GPIO "xen,reg = <0 0x9030000 0 0x200 0 0x9030000>; };", "not multiples of a page"},
        {GPIO "xen,reg = <0 0x9030000 0 0x1000 0 0x9030200>; };", "not multiples of a page"},
        {GPIO "xen,reg = <0 0x9030000 0 0 0 0x9030000>; };", "is empty or wraps"},
        {GPIO "xen,reg = <0xffffffff 0xfffff000 0 0x2000 0 0x9030000>; };", "is empty or wraps"},
        {GPIO "xen,reg = <0 0x9030000 0 0x1000 0 0x9030000>, <0 0x9031000 0 0x1000 0 0x9030000>; };",
         "is mapped already"},
        {"a { xen,path = \"/soc/nothing\"; " GPIO_REG "};",
         "xen,path: the host tree has no node /soc/nothing"},
        {"a { xen,path = \"serial0\"; " GPIO_REG "};", "xen,path: the host tree has no node serial0"},
        {"a { xen,path = [61 62]; " GPIO_REG "};", "xen,path: is not a string"},
        {"a { xen,path; " GPIO_REG "};", "xen,path: is not a string"},
        {"a { xen,path = \"/soc/odd@9050000\"; xen,reg = <0 0x9050000 0 0x1000 0 0x9050000>; };",
         "belongs to one CPU"},
        {GPIO GPIO_REG "bulkhead,rset = <1>; };", "bulkhead,rset: unknown property"},
        {"a { bulkhead,dma = <0>; };", "bulkhead,dma: has no meaning without xen,reg"},
    };
    struct result r;
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        scan(&r, DIRECT | STATIC, cases[i].nodes);
        if (r.status != ERR_INVALID || strstr(r.messages.text, cases[i].message) == NULL) {
            fail_msg("case %u: %s", i, r.messages.text);
        }
    }
}

static void disabled_nodes_and_empty_trees_are_mentioned(void **state)
{
    struct passthrough_input in = {.host = &host};
    struct passthrough out = {0};
    struct messages messages;
    struct fdt partial;
    struct result r;

    (void)state;
    scan(&r, 0,
         "gpio { compatible = \"arm,pl061\"; xen,path = \"/soc/off@9060000\"; "
         "xen,reg = <0 0x9060000 0 0x1000 0 0x9060000>; };");
    assert_int_equal(r.status, OK);
    assert_non_null(strstr(r.messages.text, "warning /chosen:/passthrough/gpio xen,path: the status of"));
    messages_start(&messages);
    compile_tree(&partial, "/dts-v1/; / { };");
    in.partial = &partial;
    in.report = &messages.report;
    assert_int_equal(passthrough_scan(&in, &out), OK);
    assert_int_equal(messages.report.warnings, 1);
    close_tree(&partial);
}

static void full_arrays_are_errors(void **state)
{
    char nodes[4096] = "";
    struct result r;
    unsigned i;

    (void)state;
    for (i = 0; i <= MAX; i++) {
        snprintf(nodes + strlen(nodes), sizeof(nodes) - strlen(nodes),
                 "a%u { xen,path = \"/soc/gpio@9030000\"; compatible = \"arm,pl061\"; xen,reg = <0 0x9030000 "
                 "0 0x1000 0 0x%x>; "
                 "bulkhead,reset = <0 0 1 0 0>; };",
                 i, 0x10000000 + 0x1000 * i);
    }
    scan(&r, 0, nodes);
    assert_int_equal(r.status, ERR_INVALID);
    assert_int_equal(r.out.nr_maps, MAX);
    assert_int_equal(r.out.nr_nodes, MAX);
    assert_int_equal(r.out.nr_resets, MAX);
    assert_int_equal(r.out.nr_irqs, 1);
    assert_non_null(strstr(r.messages.text, "more than 8 ranges"));
    assert_non_null(strstr(r.messages.text, "more than 8 devices"));
    assert_non_null(strstr(r.messages.text, "more than 8 reset steps"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_and_interrupts),
        cmocka_unit_test(nested_nodes_use_their_parents_cells),
        cmocka_unit_test(interrupts_of_other_controllers_are_left_out),
        cmocka_unit_test(dma_masters_need_three_words),
        cmocka_unit_test(bulkhead_dma_overrides),
        cmocka_unit_test(restarts_need_a_reset),
        cmocka_unit_test(virtio_has_a_reset_and_neighbours),
        cmocka_unit_test(broken),
        cmocka_unit_test(disabled_nodes_and_empty_trees_are_mentioned),
        cmocka_unit_test(full_arrays_are_errors),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
