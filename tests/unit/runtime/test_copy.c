/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of every length and alignment: what was to be copied, nothing beside it, nothing twice. The loads
 * and stores are counted; those of the processor itself are not tested here, but their order and widths are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned nr_pieces, nr_wide;
static size_t note_size;
static unsigned char *note_to;
static unsigned char touched[512];

static void note(void *to, const void *from, size_t bytes);
#define __builtin_memcpy note
#include "runtime/copy.h"
#undef __builtin_memcpy

static void note(void *to, const void *from, size_t bytes)
{
    nr_pieces++;
    nr_wide += bytes >= 8;
    if (bytes >= 8 && note_size >= 16) {
        assert_int_equal((uintptr_t)to % 8, 0);
    }
    memcpy(to, from, bytes);
    for (size_t i = 0; i < bytes; i++) {
        touched[(unsigned char *)to - note_to + i]++;
    }
}

/* On the heap, exactly as long: the sanitizer sees an access beyond. */
static void one(size_t size, size_t to_offset, size_t from_offset)
{
    unsigned char *to = malloc(to_offset + size + 1), *from = malloc(from_offset + size + 1);

    for (size_t i = 0; i < size; i++) {
        from[from_offset + i] = (unsigned char)(i * 7 + size + 1);
    }
    memset(to, 0, to_offset + size + 1);
    memset(touched, 0, sizeof touched);
    to[to_offset + size] = 0xa5;
    from[from_offset + size] = 0x5a;
    note_to = to + to_offset;
    note_size = size;
    nr_pieces = 0;
    nr_wide = 0;
    copy(to + to_offset, from + from_offset, size);
    for (size_t i = 0; i < to_offset; i++) {
        assert_int_equal(to[i], 0);
    }
    assert_int_equal(to[to_offset + size], 0xa5);
    assert_memory_equal(to + to_offset, from + from_offset, size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(touched[i], 1);
    }
    free(to);
    free(from);
}

static void test_every_size_and_alignment(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 160; size++) {
        for (size_t to = 0; to < 9; to++) {
            for (size_t from = 0; from < 9; from++) {
                one(size, to, from);
            }
        }
    }
}

/* The work does not depend on how both sides lie to each other: a frame behind a header of 10 or 12 bytes
 * costs what an aligned one does, and some pieces at its ends. */
static void test_work(void **state)
{
    (void)state;
    for (size_t to = 0; to < 8; to++) {
        for (size_t from = 0; from < 8; from++) {
            one(448, to, from);
            assert_true(nr_pieces <= 448 / 32 + 3 + 7 + 3);
            assert_true(nr_wide >= 448 / 32 - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_and_alignment),
        cmocka_unit_test(test_work),
    };

    return cmocka_run_group_tests_name("runtime: copies", tests, NULL, NULL);
}
