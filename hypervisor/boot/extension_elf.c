/* SPDX-License-Identifier: Apache-2.0 */
/* ELF-64 Object File Format, version 1.5 draft 2; ELF for the Arm 64-bit Architecture. */
#include "boot/extension_elf.h"

#include "base/string.h"
#include "bulkhead/extension_abi.h"

enum {
    HEADER = 64,
    PROGRAM_HEADER = 56,
    HEADERS_MOST = 16,
    ET_EXEC = 2,
    EM_AARCH64 = 183,
    PT_LOAD = 1,
    PT_DYNAMIC = 2,
    PT_INTERP = 3,
    PT_TLS = 7,
    PT_GNU_STACK = 0x6474e551,
    PF_X = 1,
    PF_W = 2,
    PF_R = 4
};

#define STACK_DEFAULT KIB(8)
#define STACK_MOST    KIB(256)
#define GUARD         PAGE_SIZE /* on both sides of the stack */

static uint64_t number(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = bytes; i > 0; i--) {
        value = value * 256u + at[i - 1u];
    }
    return value;
}

static const char *read_header(const uint8_t *h, uint64_t size, struct extension_elf *elf)
{
    static const uint8_t identification[7] = {0x7f, 'E', 'L', 'F',
                                              2,    1,   1}; /* 64 bits, little endian, version */

    if (size < HEADER || memcmp(h, identification, sizeof(identification)) != 0) {
        return "no 64-bit little-endian ELF file here: is the address right, the module loaded?";
    }
    if (h[7] != 0 || number(h + 18, 2) != EM_AARCH64 || number(h + 20, 4) != 1) {
        return "the ELF file is not for AArch64 without an operating system";
    }
    if (number(h + 16, 2) != ET_EXEC) {
        return "the ELF file is not linked to its addresses (ET_EXEC)";
    }
    if (number(h + 54, 2) != PROGRAM_HEADER || number(h + 56, 2) - 1u >= HEADERS_MOST ||
        number(h + 32, 8) != HEADER || size < HEADER + number(h + 56, 2) * PROGRAM_HEADER) {
        return "the ELF file has no program headers behind its header, or more than 16";
    }
    elf->entry = number(h + 24, 8);
    return NULL;
}

static uint64_t end_of(const struct extension_elf *elf)
{
    const struct extension_elf_part *last;

    if (elf->nr_parts == 0) {
        return BH_EXT_WINDOW;
    }
    last = &elf->parts[elf->nr_parts - 1u];
    return last->va + align_up(last->size, PAGE_SIZE);
}

static const char *add_part(const uint8_t *h, uint64_t flags, uint64_t size, struct extension_elf *elf)
{
    struct extension_elf_part part = {.va = number(h + 16, 8),
                                      .offset = number(h + 8, 8),
                                      .file_size = number(h + 32, 8),
                                      .size = number(h + 40, 8),
                                      .write = (flags & PF_W) != 0,
                                      .execute = (flags & PF_X) != 0};

#ifndef BREAK_extension_wx
    if (part.write && part.execute) {
        return "a segment is both writable and executable";
    }
#endif
    if ((flags & PF_R) == 0) {
        return "a segment is not readable";
    }
    if (part.file_size > part.size || part.offset > size || part.file_size > size - part.offset) {
        return "a segment lies outside the file";
    }
    if (part.va % PAGE_SIZE != 0 || part.va < end_of(elf) || part.size > BH_EXT_WINDOW_SIZE ||
        part.va > BH_EXT_WINDOW + BH_EXT_WINDOW_SIZE - part.size) {
        return "segments must begin with a page, one behind the other, in the window of the ABI";
    }
    if (elf->nr_parts == EXTENSION_ELF_PARTS) {
        return "the ELF file has too many segments";
    }
    if (part.size != 0) {
        elf->parts[elf->nr_parts++] = part;
    }
    return NULL;
}

static const char *read_stack(const uint8_t *h, uint64_t flags, struct extension_elf *elf)
{
    uint64_t size = number(h + 40, 8);

    if ((flags & PF_X) != 0 || size > STACK_MOST) {
        return "the stack must not be executable, nor larger than 256 KiB";
    }
    elf->stack_size = size == 0 ? STACK_DEFAULT : align_up(size, PAGE_SIZE);
    return NULL;
}

static const char *read_segment(const uint8_t *h, uint64_t size, struct extension_elf *elf)
{
    uint64_t flags = number(h + 4, 4);

    switch (number(h, 4)) {
    case PT_LOAD:
        return add_part(h, flags, size, elf);
    case PT_GNU_STACK:
        return read_stack(h, flags, elf);
    case PT_DYNAMIC:
    case PT_INTERP:
        return "the ELF file wants a dynamic linker";
    case PT_TLS:
        return "there is no thread-local storage";
    default:
        return NULL;
    }
}

static bool is_code(const struct extension_elf *elf, uint64_t va)
{
    for (uint32_t i = 0; i < elf->nr_parts; i++) {
        if (elf->parts[i].execute && va - elf->parts[i].va < elf->parts[i].file_size) {
            return va % 4u == 0;
        }
    }
    return false;
}

const char *extension_elf_read(const uint8_t *head, uint64_t size, struct extension_elf *elf)
{
    const char *wrong;
    uint64_t headers;

    memset(elf, 0, sizeof(*elf));
    wrong = read_header(head, size, elf);
    if (wrong != NULL) {
        return wrong;
    }
    headers = number(head + 56, 2);
    for (uint64_t i = 0; i < headers && wrong == NULL; i++) {
        wrong = read_segment(head + HEADER + i * PROGRAM_HEADER, size, elf);
    }
    if (wrong != NULL) {
        return wrong;
    }
    if (elf->stack_size == 0) {
        return "the ELF file does not say that its stack is not executable (PT_GNU_STACK)";
    }
    if (end_of(elf) > BH_EXT_WINDOW + BH_EXT_WINDOW_SIZE - elf->stack_size - 2u * GUARD) {
        return "segments and stack do not fit the window of the ABI";
    }
    return is_code(elf, elf->entry) ? NULL : "the entry point is not in an executable segment";
}
