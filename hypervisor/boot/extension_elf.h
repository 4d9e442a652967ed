/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF files that are extensions: AArch64, static (ET_EXEC), whole pages inside the window of the ABI,
 * nothing both writable and executable, a stack that is not executable, no dynamic linking and no
 * thread-local storage. */
#ifndef BOOT_EXTENSION_ELF_H
#define BOOT_EXTENSION_ELF_H

#include "base/types.h"

#define EXTENSION_ELF_PARTS 8u
#define EXTENSION_ELF_HEAD  (64u + 16u * 56u) /* bytes: no more program headers are looked at */

struct extension_elf_part {
    uint64_t va, offset, file_size, size; /* va: of a page */
    bool write, execute;
};

struct extension_elf {
    uint64_t entry, stack_size; /* whole pages */
    uint32_t nr_parts;          /* in ascending order of va */
    struct extension_elf_part parts[EXTENSION_ELF_PARTS];
};

/* `head`: the first bytes of a file of `size` bytes, EXTENSION_ELF_HEAD of them or all. NULL, or what is
 * wrong. */
const char *extension_elf_read(const uint8_t *head, uint64_t size, struct extension_elf *elf);

#endif
