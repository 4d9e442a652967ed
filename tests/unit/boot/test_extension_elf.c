/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF rules of extensions: each broken alone, and files with random damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/extension_elf.h"
#include "bulkhead/extension_abi.h"

#define FILE_SIZE  0x4000u
#define HEADER(n)  (64u + (n) * 56u)
#define WINDOW_END (BH_EXT_WINDOW + BH_EXT_WINDOW_SIZE)
#define ROUNDS     200000u
#define SEED       20261u

static uint8_t file[FILE_SIZE];

static void put(unsigned at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        file[at + i] = (uint8_t)(value >> (8u * i));
    }
}

static void segment(unsigned n, uint32_t type, uint32_t flags, uint64_t offset, uint64_t va, uint64_t in_file,
                    uint64_t size)
{
    put(HEADER(n), type, 4);
    put(HEADER(n) + 4, flags, 4);
    put(HEADER(n) + 8, offset, 8);
    put(HEADER(n) + 16, va, 8);
    put(HEADER(n) + 32, in_file, 8);
    put(HEADER(n) + 40, size, 8);
}

/* Text, constants, variables, stack. */
static void good_file(void)
{
    static const uint8_t identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

    memset(file, 0, sizeof file);
    memcpy(file, identification, sizeof identification);
    put(16, 2, 2);
    put(18, 183, 2);
    put(20, 1, 4);
    put(24, BH_EXT_WINDOW + 0x10, 8);
    put(32, 64, 8);
    put(54, 56, 2);
    put(56, 4, 2);
    segment(0, 1, 5, 0x1000, BH_EXT_WINDOW, 0x800, 0x800);
    segment(1, 1, 4, 0x2000, BH_EXT_WINDOW + 0x1000, 0x100, 0x100);
    segment(2, 1, 6, 0x3000, BH_EXT_WINDOW + 0x2000, 0x20, 0x3000);
    segment(3, 0x6474e551, 6, 0, 0, 0, 0x3001);
}

static const char *read_file(struct extension_elf *elf)
{
    return extension_elf_read(file, FILE_SIZE, elf);
}

static void good(void **state)
{
    struct extension_elf elf;

    (void)state;
    good_file();
    assert_null(read_file(&elf));
    assert_int_equal(elf.entry, BH_EXT_WINDOW + 0x10);
    assert_int_equal(elf.stack_size, 0x4000);
    assert_int_equal(elf.nr_parts, 3);
    assert_true(elf.parts[0].execute && !elf.parts[0].write);
    assert_true(!elf.parts[1].execute && !elf.parts[1].write);
    assert_true(!elf.parts[2].execute && elf.parts[2].write);
    assert_int_equal(elf.parts[2].size, 0x3000);
    put(HEADER(3) + 40, 0, 8);
    assert_null(read_file(&elf));
    assert_int_equal(elf.stack_size, 0x2000);
    put(56, 5, 2); /* of no kind that matters, and of no bytes */
    segment(4, 1, 6, 0, BH_EXT_WINDOW + 0x10000, 0, 0);
    assert_null(read_file(&elf));
    assert_int_equal(elf.nr_parts, 3);
}

static void each_rule(void **state)
{
    static const struct {
        unsigned at, bytes;
        uint64_t value;
        const char *says;
    } rules[] = {
        {0, 1, 0x7e, "no 64-bit"},
        {4, 1, 1, "no 64-bit"}, /* ELFCLASS32 */
        {5, 1, 2, "no 64-bit"}, /* big endian */
        {6, 1, 0, "no 64-bit"},
        {7, 1, 3, "not for AArch64"}, /* of Linux */
        {18, 2, 62, "not for AArch64"},
        {20, 4, 2, "not for AArch64"},
        {16, 2, 3, "ET_EXEC"},
        {16, 2, 1, "ET_EXEC"},
        {32, 8, 72, "no program headers"},
        {54, 2, 55, "no program headers"},
        {56, 2, 0, "no program headers"},
        {56, 2, 17, "no program headers"},
        {HEADER(0) + 4, 4, 7, "both writable and executable"},
        {HEADER(2) + 4, 4, 7, "both writable and executable"},
        {HEADER(0) + 4, 4, 1, "not readable"},
        {HEADER(2) + 4, 4, 2, "not readable"},
        {HEADER(2) + 32, 8, 0x3001, "outside the file"}, /* more than there is of it in memory */
        {HEADER(0) + 8, 8, FILE_SIZE - 0x7ff, "outside the file"},
        {HEADER(0) + 8, 8, UINT64_MAX - 0x100, "outside the file"},
        {HEADER(0) + 16, 8, BH_EXT_WINDOW + 8, "must begin with a page"},
        {HEADER(0) + 16, 8, BH_EXT_WINDOW - 0x1000, "must begin with a page"},
        {HEADER(0) + 16, 8, WINDOW_END, "must begin with a page"},
        {HEADER(0) + 16, 8, UINT64_MAX - 0xfff, "must begin with a page"},
        {HEADER(1) + 16, 8, BH_EXT_WINDOW, "must begin with a page"}, /* over another */
        {HEADER(2) + 40, 8, BH_EXT_WINDOW_SIZE, "must begin with a page"},
        {HEADER(2) + 40, 8, UINT64_MAX, "must begin with a page"},
        {HEADER(2) + 40, 8, BH_EXT_WINDOW_SIZE - 0x6000,
         "do not fit"}, /* no room for the stack and its guards */
        {HEADER(3), 4, 4, "PT_GNU_STACK"},
        {HEADER(3) + 4, 4, 7, "stack must not be executable"},
        {HEADER(3) + 40, 8, 256 * 1024 + 1, "larger than 256 KiB"},
        {HEADER(1), 4, 2, "dynamic linker"},
        {HEADER(1), 4, 3, "dynamic linker"},
        {HEADER(1), 4, 7, "thread-local"},
        {24, 8, BH_EXT_WINDOW + 2, "entry point"},
        {24, 8, BH_EXT_WINDOW + 0x800, "entry point"},
        {24, 8, BH_EXT_WINDOW + 0x1000, "entry point"},
        {24, 8, 0, "entry point"},
    };
    struct extension_elf elf;

    (void)state;
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const char *said;

        good_file();
        put(rules[i].at, rules[i].value, rules[i].bytes);
        said = read_file(&elf);
        if (said == NULL || strstr(said, rules[i].says) == NULL) {
            fail_msg("rule %u: \"%s\" instead of \"%s\"", i, said == NULL ? "" : said, rules[i].says);
        }
    }
    good_file();
    for (unsigned size = 0; size < HEADER(4); size++) { /* nothing behind the end is looked at */
        uint8_t *cut = malloc(size + 1u);

        memcpy(cut, file, size);
        assert_non_null(extension_elf_read(cut, size, &elf));
        free(cut);
    }
    printf("rules: %zu\n", sizeof rules / sizeof rules[0]);
}

/* What is accepted fits the window and is never both. */
static void check(const struct extension_elf *elf)
{
    uint64_t end = BH_EXT_WINDOW;
    bool code = false;

    for (uint32_t i = 0; i < elf->nr_parts; i++) {
        const struct extension_elf_part *p = &elf->parts[i];

        assert_true(p->va % 4096u == 0 && p->va >= end && p->size != 0 && p->file_size <= p->size);
        assert_true(p->offset <= FILE_SIZE && p->file_size <= FILE_SIZE - p->offset);
        assert_false(p->write && p->execute);
        end = p->va + p->size;
        assert_true(end > p->va);
        code = code || (p->execute && elf->entry >= p->va && elf->entry < p->va + p->file_size);
    }
    assert_true(code && elf->stack_size != 0 && end + elf->stack_size + 8192u <= WINDOW_END + 4095u);
}

static void damaged(void **state)
{
    unsigned accepted = 0;
    struct extension_elf elf;

    (void)state;
    srand(SEED);
    for (unsigned round = 0; round < ROUNDS; round++) {
        good_file();
        for (int n = rand() % 4; n >= 0; n--) {
            file[rand() % (int)HEADER(4)] = rand() % 3 == 0 ? (uint8_t)rand() : (uint8_t)(1u << rand() % 8);
        }
        if (read_file(&elf) == NULL) {
            accepted++;
            check(&elf);
        }
    }
    printf("damaged files: %u (seed %u), accepted %u\n", ROUNDS, SEED, accepted);
    assert_true(accepted > ROUNDS / 100u && accepted < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(each_rule),
                                       cmocka_unit_test(damaged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
