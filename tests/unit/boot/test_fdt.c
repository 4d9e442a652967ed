/* SPDX-License-Identifier: Apache-2.0 */
/* The device-tree reader: malformed blobs, and agreement with libfdt on whole trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/fdt.h"
#include "boot/ranges.h"
#include "tree.h"

static char blobs_path[400]; /* folder of compiled trees */

static void expect_error(const uint32_t *words, const char *what)
{
    struct fdt fdt;
    void *blob;
    size_t size = tree_pack(words, &blob);

    assert_int_equal(fdt_open(&fdt, blob, size), ERR_INVALID);
    assert_non_null(fdt.error);
    if (strstr(fdt.error, what) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", fdt.error, what);
    }
    free(blob);
}

#define TREE(...) ((const uint32_t[]){__VA_ARGS__, TREE_STOP})
#define BEGIN     1, 0 /* with an empty name */
#define ENDN      2
#define PROP      3
#define NOP       4
#define ENDT      9

static void test_structure(void **state)
{
    (void)state;
    expect_error(TREE(ENDT), "ends inside a node");
    expect_error(TREE(BEGIN), "no end");
    expect_error(TREE(BEGIN, ENDT), "ends inside a node");
    expect_error(TREE(BEGIN, ENDN), "no end");
    expect_error(TREE(ENDN, ENDT), "end of a node that did not begin");
    expect_error(TREE(BEGIN, ENDN, BEGIN, ENDN, ENDT), "second root");
    expect_error(TREE(BEGIN, ENDN, ENDN, ENDT), "did not begin");
    expect_error(TREE(BEGIN, 5, ENDN, ENDT), "unknown token");
    expect_error(TREE(PROP, 0, 0, BEGIN, ENDN, ENDT), "property outside");
    expect_error(TREE(BEGIN, BEGIN, ENDN, PROP, 0, 0, ENDN, ENDT), "behind a child");
    expect_error(TREE(BEGIN, PROP, 0xfffffff0, 0, ENDN, ENDT), "does not fit");
    expect_error(TREE(BEGIN, PROP, 9, 0, ENDN, ENDT), "does not fit");
    expect_error(TREE(BEGIN, PROP, 0, 4, ENDN, ENDT), "does not fit");
    expect_error(TREE(BEGIN, PROP), "does not fit");
    expect_error(TREE(1, 0x61616161, 0x61616161), "name has no end");
}

static void test_depth(void **state)
{
    uint32_t words[200];
    unsigned n = 0, i;

    (void)state;
    for (i = 0; i < FDT_MAX_DEPTH + 1u; i++) {
        words[n++] = 1;
        words[n++] = 0;
    }
    for (i = 0; i < FDT_MAX_DEPTH + 1u; i++) {
        words[n++] = ENDN;
    }
    words[n++] = ENDT;
    words[n] = TREE_STOP;
    expect_error(words, "too deep");
}

static void test_nops(void **state)
{
    struct fdt_prop prop;
    struct fdt fdt;
    void *blob;
    size_t size = tree_pack(TREE(NOP, BEGIN, NOP, PROP, 4, 0, 0x01020304, NOP, NOP, PROP, 0, 0, NOP, BEGIN,
                                 ENDN, NOP, ENDN, NOP, ENDT),
                            &blob);
    uint32_t value;
    fdt_node_t root;

    (void)state;
    assert_int_equal(fdt_open(&fdt, blob, size), OK);
    root = fdt_root(&fdt);
    assert_true(fdt_first_prop(&fdt, root, &prop));
    assert_true(fdt_cell(&prop, 0, &value));
    assert_int_equal(value, 0x01020304);
    assert_false(fdt_cell(&prop, 1, &value));
    assert_true(fdt_next_prop(&fdt, &prop));
    assert_int_equal(prop.len, 0);
    assert_false(fdt_next_prop(&fdt, &prop));
    assert_int_not_equal(fdt_first_child(&fdt, root), FDT_NONE);
    assert_int_equal(fdt_next_sibling(&fdt, fdt_first_child(&fdt, root)), FDT_NONE);
    assert_int_equal(fdt_next_sibling(&fdt, root), FDT_NONE);
    assert_int_equal(fdt_parent(&fdt, root), FDT_NONE);
    free(blob);
}

/* Every header field moved, one at a time. */
static void test_header(void **state)
{
    static const struct {
        unsigned word;
        uint32_t value;
    } wrong[] = {
        {0, 0xd00dfeee}, {1, 39}, {1, 0xffffffff}, {2, 0xfffffff0}, {2, 57},         {3, 0xffffffff},
        {4, 0xfffffff8}, {4, 41}, {5, 16},         {6, 18},         {8, 0xffffffff}, {9, 0xffffffff},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct fdt fdt;
        void *blob;
        size_t size = tree_pack(TREE(BEGIN, ENDN, ENDT), &blob);

        assert_int_equal(fdt_open(&fdt, blob, size), OK);
        tree_set_word(blob, wrong[i].word, wrong[i].value);
        assert_int_equal(fdt_open(&fdt, blob, size), ERR_INVALID);
        free(blob);
    }
}

static void test_cut(void **state)
{
    struct fdt fdt;
    void *blob;
    size_t size = tree_pack(TREE(BEGIN, PROP, 4, 0, 1, ENDN, ENDT), &blob), n;

    (void)state;
    for (n = 0; n < size; n++) {
        void *part = aligned_alloc(8, align_up(n + 1, 8));

        memcpy(part, blob, n);
        assert_int_equal(fdt_open(&fdt, part, n), ERR_INVALID);
        free(part);
    }
    assert_int_equal(fdt_open(&fdt, (char *)blob + 4, size), ERR_INVALID); /* not aligned */
    free(blob);
}

static void test_strings(void **state)
{
    static const uint8_t list[] = "ab\0abc\0x";
    struct fdt_prop prop = {.data = list, .len = sizeof(list)};

    (void)state;
    assert_true(fdt_string_list_has(&prop, "ab"));
    assert_true(fdt_string_list_has(&prop, "abc"));
    assert_true(fdt_string_list_has(&prop, "x"));
    assert_false(fdt_string_list_has(&prop, "a"));
    assert_false(fdt_string_list_has(&prop, "abcd"));
    assert_false(fdt_string_list_has(&prop, "b"));
    assert_false(fdt_string_list_has(&prop, ""));
    prop.len--;
    assert_false(fdt_string_list_has(&prop, "x")); /* no NUL */
}

static void test_libfdt(void **state)
{
    static const char *const names[] = {"broken/device-two-domains", "good/xen-dom0less", "good/imagebuilder",
                                        "partial/rtc"};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(names); i++) {
        char path[512];

        snprintf(path, sizeof(path), "%s/%s.dtb", blobs_path, names[i]);
        tree_compare(path);
    }
}

static void test_values(void **state)
{
    char path[512], text[64];
    struct fdt fdt;
    uint64_t address, size;
    fdt_node_t node;
    void *blob;

    (void)state;
    snprintf(path, sizeof(path), "%s/good/minimal.dtb", blobs_path);
    blob = tree_read(path, &fdt);
    node = fdt_path(&fdt, "serial0:115200");
    assert_int_equal(node, fdt_path(&fdt, "/pl011@9000000"));
    assert_int_equal(node, fdt_path(&fdt, "/pl011"));
    assert_int_equal(node, fdt_path(&fdt, "/pl011@9000000:115200n8"));
    assert_int_equal(fdt_path(&fdt, "/pl011@900000"), FDT_NONE);
    assert_int_equal(fdt_path(&fdt, "serial1"), FDT_NONE);
    assert_int_equal(fdt_path(&fdt, "/"), fdt_root(&fdt));
    assert_string_equal(fdt_node_path(&fdt, node, text, sizeof(text)), "/pl011@9000000");
    assert_string_equal(fdt_node_path(&fdt, node, text, 6), "/pl01");
    assert_string_equal(fdt_node_path(&fdt, fdt_root(&fdt), text, sizeof(text)), "/");
    assert_int_equal(fdt_reg(&fdt, node, 0, &address, &size), OK);
    assert_int_equal(address, 0x9000000);
    assert_int_equal(fdt_reg(&fdt, node, 1, &address, &size), ERR_NOENT);
    node = fdt_path(&fdt, "/soc/sensor@2000");
    assert_int_equal(fdt_reg(&fdt, node, 0, &address, &size), OK); /* through ranges */
    assert_int_equal(address, 0xa002000);
    assert_int_equal(size, 0x1000);
    assert_int_equal(fdt_reg(&fdt, fdt_path(&fdt, "/cpus/cpu@1"), 0, &address, &size),
                     ERR_NOENT); /* no ranges */
    assert_int_equal(fdt_parent(&fdt, node), fdt_path(&fdt, "/soc"));
    assert_int_equal(fdt_by_phandle(&fdt, 0), FDT_NONE);
    assert_int_equal(fdt_by_phandle(&fdt, 0x12345), FDT_NONE);
    free(blob);
}

static void test_ranges(void **state)
{
    static struct ranges set;
    uint64_t base;
    unsigned i;

    (void)state;
    set.count = 0;
    assert_int_equal(ranges_add(&set, 0x1000, 0x1000), OK);
    assert_int_equal(ranges_add(&set, 0x4000, 0x1000), OK);
    assert_int_equal(ranges_add(&set, 0x2000, 0x2000), OK); /* closes the gap */
    assert_int_equal(set.count, 1);
    assert_true(ranges_contain(&set, 0x1000, 0x4000));
    assert_false(ranges_contain(&set, 0x1000, 0x4001));
    assert_int_equal(ranges_remove(&set, 0x2000, 0x1000), OK);
    assert_int_equal(set.count, 2);
    assert_int_equal(ranges_take(&set, 0x1000, 0x1000, true, &base), OK);
    assert_int_equal(base, 0x1000); /* the smaller piece */
    assert_int_equal(ranges_take(&set, 0x3000, 0x1000, false, &base), ERR_NOENT);
    assert_int_equal(ranges_largest(&set, 0x1000, &base), 0x2000);
    assert_int_equal(ranges_remove(&set, 0, UINT64_MAX), OK);
    assert_int_equal(set.count, 0);
    for (i = 0; i < RANGES_MAX; i++) {
        assert_int_equal(ranges_add(&set, i * 0x2000u, 0x1000), OK);
    }
    assert_int_equal(ranges_add(&set, UINT64_C(0x10000000), 0x1000), ERR_NOMEM);
    assert_int_equal(ranges_remove(&set, 0x10, 0x10), ERR_NOMEM);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure), cmocka_unit_test(test_depth),  cmocka_unit_test(test_nops),
        cmocka_unit_test(test_header),    cmocka_unit_test(test_cut),    cmocka_unit_test(test_strings),
        cmocka_unit_test(test_libfdt),    cmocka_unit_test(test_values), cmocka_unit_test(test_ranges),
    };
    const char *end = strrchr(argv[0], '/');

    (void)argc; /* the trees are beside the program: build/unit/test_fdt, build/corpus */
    snprintf(blobs_path, sizeof(blobs_path), "%.*s/../corpus", (int)(end - argv[0]), argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
