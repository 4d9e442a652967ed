/* SPDX-License-Identifier: Apache-2.0 */
/* What layout.h becomes: read by test_abi.py from the object files, which never run. */
#ifndef TESTS_ABI_ENTRY_H
#define TESTS_ABI_ENTRY_H

#include <stddef.h>
#include <stdint.h>

struct entry {
    char name[248]; /* the line of layout.h */
    int64_t value;
};

#define ABI_TABLE const struct entry table[] __attribute__((used, section("abi")))

#endif
