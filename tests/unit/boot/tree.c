/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"

/* libfdt has functions of the same names as ours: it is loaded beside them. */
static struct {
    int (*next_node)(const void *blob, int offset, int *depth);
    const char *(*get_name)(const void *blob, int offset, int *len);
    int (*get_path)(const void *blob, int offset, char *buf, int size);
    int (*parent_offset)(const void *blob, int offset);
    const void *(*getprop)(const void *blob, int offset, const char *name, int *len);
    int (*first_property_offset)(const void *blob, int offset);
    int (*next_property_offset)(const void *blob, int offset);
} libfdt;

static void load_libfdt(void)
{
    void *library = dlopen("libfdt.so.1", RTLD_NOW | RTLD_LOCAL);

    assert_non_null(library);
    *(void **)&libfdt.next_node = dlsym(library, "fdt_next_node");
    *(void **)&libfdt.get_name = dlsym(library, "fdt_get_name");
    *(void **)&libfdt.get_path = dlsym(library, "fdt_get_path");
    *(void **)&libfdt.parent_offset = dlsym(library, "fdt_parent_offset");
    *(void **)&libfdt.getprop = dlsym(library, "fdt_getprop");
    *(void **)&libfdt.first_property_offset = dlsym(library, "fdt_first_property_offset");
    *(void **)&libfdt.next_property_offset = dlsym(library, "fdt_next_property_offset");
    assert_non_null(libfdt.next_property_offset);
}

void tree_set_word(void *blob, unsigned word, uint32_t value)
{
    ((uint32_t *)blob)[word] = __builtin_bswap32(value);
}

size_t tree_pack(const uint32_t *words, void **blob)
{
    static const unsigned header = 40, reserve = 16, strings = 4;
    uint32_t size, n = 0;

    while (words[n] != TREE_STOP) {
        n++;
    }
    size = header + reserve + 4u * n + strings;
    *blob = aligned_alloc(8, align_up(size, 8));
    memset(*blob, 0, size);
    tree_set_word(*blob, 0, 0xd00dfeed);
    tree_set_word(*blob, 1, size);
    tree_set_word(*blob, 2, header + reserve);
    tree_set_word(*blob, 3, header + reserve + 4u * n);
    tree_set_word(*blob, 4, header);
    tree_set_word(*blob, 5, 17);
    tree_set_word(*blob, 6, 16);
    tree_set_word(*blob, 8, strings);
    tree_set_word(*blob, 9, 4u * n);
    for (n = 0; words[n] != TREE_STOP; n++) {
        tree_set_word(*blob, (header + reserve) / 4u + n, words[n]);
    }
    memcpy((char *)*blob + header + reserve + 4u * n, "ab", 3);
    return size;
}

void *tree_read(const char *path, struct fdt *fdt)
{
    size_t size;
    void *blob = board_file(path, &size);

    assert_int_equal(fdt_open(fdt, blob, size), OK);
    return blob;
}

static unsigned count_props(const void *blob, int node)
{
    unsigned n = 0;
    int prop;

    for (prop = libfdt.first_property_offset(blob, node); prop >= 0;
         prop = libfdt.next_property_offset(blob, prop)) {
        n++;
    }
    return n;
}

static void compare_node(const struct fdt *fdt, const void *blob, fdt_node_t node, int other)
{
    char ours[200], theirs[200];
    struct fdt_prop prop;
    unsigned n = 0;
    bool more;
    int len, parent = libfdt.parent_offset(blob, other);

    assert_string_equal(fdt_name(fdt, node), libfdt.get_name(blob, other, NULL));
    assert_int_equal(libfdt.get_path(blob, other, theirs, sizeof(theirs)), 0);
    assert_string_equal(fdt_node_path(fdt, node, ours, sizeof(ours)), theirs);
    assert_int_equal(fdt_path(fdt, theirs), node);
    assert_int_equal(fdt_parent(fdt, node), parent >= 0 ? parent : FDT_NONE);
    for (more = fdt_first_prop(fdt, node, &prop); more; more = fdt_next_prop(fdt, &prop)) {
        const void *data = libfdt.getprop(blob, other, prop.name, &len);

        assert_ptr_equal(data, prop.data);
        assert_int_equal(len, prop.len);
        n++;
    }
    assert_int_equal(n, count_props(blob, other));
}

void tree_compare(const char *path)
{
    struct fdt fdt;
    void *blob = tree_read(path, &fdt);
    fdt_node_t node = fdt_root(&fdt);
    int other = 0, depth = 0;

    load_libfdt();
    while (node != FDT_NONE) {
        assert_int_equal(node, other); /* both count from the start of the structure block */
        compare_node(&fdt, blob, node, other);
        node = fdt_next_node(&fdt, node);
        other = libfdt.next_node(blob, other, &depth);
    }
    assert_true(other < 0 || depth < 0);
    free(blob);
}
