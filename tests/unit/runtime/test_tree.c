/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of device trees: what libfdt writes it reads; what is damaged it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "runtime/tree.h"

enum { SIZE = 2048, DAMAGES = 200000 };

static uint64_t blob[SIZE / 8];

static void make(void)
{
    static const uint32_t cells[] = {0x01000000, 0x02000000, 0x03000000};

    assert_int_equal(fdt_create(blob, SIZE), 0);
    fdt_finish_reservemap(blob);
    fdt_begin_node(blob, "");
    fdt_property(blob, "compatible", "one\0two", 8);
    fdt_begin_node(blob, "a@1");
    fdt_begin_node(blob, "deep");
    fdt_begin_node(blob, "deeper");
    fdt_end_node(blob);
    fdt_end_node(blob);
    fdt_end_node(blob);
    fdt_begin_node(blob, "b");
    fdt_property(blob, "reg", cells, sizeof cells);
    fdt_property_string(blob, "name", "text");
    fdt_property(blob, "flag", NULL, 0);
    fdt_property(blob, "cut", "abc", 3);
    fdt_property_string(blob, "compatible", "two");
    fdt_end_node(blob);
    fdt_begin_node(blob, "c");
    fdt_end_node(blob);
    fdt_begin_node(blob, "chosen");
    fdt_property_string(blob, "bootargs", "xdog=1 dog=23 cat= dog=4 lone");
    fdt_end_node(blob);
    fdt_end_node(blob);
    assert_int_equal(fdt_finish(blob), 0);
}

static void test_nodes(void **state)
{
    tree_node root, a, b, c;

    (void)state;
    make();
    assert_true(tree_open(blob));
    root = tree_next(TREE_NONE);
    assert_string_equal(tree_name(root), "");
    a = tree_child(root);
    assert_string_equal(tree_name(a), "a@1");
    assert_string_equal(tree_name(tree_child(a)), "deep");
    assert_int_equal(tree_sibling(tree_child(a)), TREE_NONE);
    b = tree_sibling(a);
    assert_string_equal(tree_name(b), "b");
    assert_int_equal(tree_child(b), TREE_NONE);
    c = tree_sibling(b);
    assert_string_equal(tree_name(c), "c");
    assert_int_equal(tree_child(c), TREE_NONE);
    assert_int_equal(tree_sibling(c), tree_next(c));
    assert_int_equal(tree_sibling(tree_next(c)), TREE_NONE);
    assert_int_equal(tree_next(tree_next(c)), TREE_NONE);
    assert_int_equal(tree_sibling(root), TREE_NONE);
    assert_int_equal(tree_find(TREE_NONE, "two"), root);
    assert_int_equal(tree_find(root, "two"), b);
    assert_int_equal(tree_find(b, "two"), TREE_NONE);
    assert_false(tree_compatible(root, "wo"));
    assert_false(tree_compatible(root, "on"));
}

static void test_properties(void **state)
{
    uint32_t length = 7;
    tree_node b;

    (void)state;
    make();
    assert_true(tree_open(blob));
    b = tree_find(tree_next(TREE_NONE), "two");
    assert_int_equal(tree_number(b, "reg", 0, 1, 9), 1);
    assert_int_equal(tree_number(b, "reg", 1, 2, 9), UINT64_C(0x200000003));
    assert_int_equal(tree_number(b, "reg", 2, 2, 9), 9);
    assert_int_equal(tree_number(b, "reg", 3, 1, 9), 9);
    assert_int_equal(tree_number(b, "reg", 0xffffffff, 2, 9), 9);
    assert_int_equal(tree_number(b, "no", 0, 1, 9), 9);
    assert_string_equal(tree_text(b, "name"), "text");
    assert_null(tree_text(b, "cut"));
    assert_null(tree_text(b, "flag"));
    assert_true(tree_has(b, "flag"));
    assert_false(tree_has(b, "fla"));
    assert_non_null(tree_property(b, "flag", &length));
    assert_int_equal(length, 0);
    assert_null(tree_property(TREE_NONE, "flag", &length));
    assert_null(tree_property(tree_next(TREE_NONE), "reg", &length)); /* a child's */
}

static void test_arguments(void **state)
{
    (void)state;
    make();
    assert_true(tree_open(blob));
    assert_int_equal(tree_argument("xdog", 9), 1);
    assert_int_equal(tree_argument("dog", 9), 23);
    assert_int_equal(tree_argument("cat", 9), 0);
    assert_int_equal(tree_argument("do", 9), 9);
    assert_int_equal(tree_argument("lone", 9), 9);
}

static void look_everywhere(void)
{
    uint32_t length, nodes = 0;

    (void)tree_argument("dog", 0);
    for (tree_node node = tree_next(TREE_NONE); node != TREE_NONE; node = tree_next(node)) {
        (void)strlen(tree_name(node));
        (void)tree_child(node);
        (void)tree_sibling(node);
        (void)tree_property(node, "reg", &length);
        (void)tree_text(node, "name");
        (void)tree_number(node, "reg", 1, 2, 0);
        (void)tree_compatible(node, "two");
        assert_true(++nodes < SIZE);
    }
}

/* Address sanitizer judges: the tree lies at the end of its memory. */
static void test_damage(void **state)
{
    uint32_t size, opened = 0;

    (void)state;
    make();
    size = (fdt_totalsize(blob) + 7) / 8 * 8;
    srand(1);
    for (uint32_t i = 0; i < DAMAGES; i++) {
        uint8_t *copy = aligned_alloc(8, size);

        memcpy(copy, blob, size);
        for (int n = rand() % 3; n >= 0; n--) {
            uint32_t at = 8 + (uint32_t)rand() % (fdt_totalsize(blob) - 8);

            copy[at] = rand() % 2 != 0 ? (uint8_t)rand() : (uint8_t)(copy[at] ^ 1u << rand() % 8);
        }
        if (tree_open(copy)) {
            opened++;
            look_everywhere();
        }
        free(copy);
    }
    assert_true(opened > DAMAGES / 2);
}

static void test_no_tree(void **state)
{
    (void)state;
    make();
    assert_false(tree_open(NULL));
    assert_false(tree_open((uint8_t *)blob + 4));
    blob[0] ^= 1;
    assert_false(tree_open(blob));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),  cmocka_unit_test(test_properties), cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_no_tree),
    };

    return cmocka_run_group_tests_name("runtime: device tree", tests, NULL, NULL);
}
