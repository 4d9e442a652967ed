// SPDX-License-Identifier: Apache-2.0
/* kexec IMAGE INITRD: starts another Linux where the present one was loaded, with the present device tree.
 * For a kernel without kexec_file_load; no C library. */
#include <stddef.h>
#include <stdint.h>

#include "call.h"

#define SYS_OPENAT     56
#define SYS_READ       63
#define SYS_WRITE      64
#define SYS_EXIT       93
#define SYS_KEXEC_LOAD 104
#define SYS_REBOOT     142
#define SYS_MMAP       222

#define AT_FDCWD           (-100)
#define KEXEC_ARCH_AARCH64 (183ul << 16)
#define REBOOT_KEXEC       0x45584543
#define PAGE               4096ul

struct segment {
    const void *buffer;
    size_t buffer_size;
    uint64_t address;
    size_t size;
};

static __attribute__((noreturn)) void finish(const char *text, long status)
{
    size_t length = 0;
    while (text[length])
        length++;
    call(SYS_WRITE, 2, (long)text, (long)length, 0, 0, 0);
    call(SYS_EXIT, status, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

static uint8_t *memory(size_t size)
{
    long at = call(SYS_MMAP, 0, (long)size, 3, 0x22, -1, 0); /* private, anonymous */
    if (at < 0)
        finish("kexec: no memory\n", 1);
    return (uint8_t *)at;
}

static uint8_t *load(const char *path, size_t most, size_t *size)
{
    uint8_t *to = memory(most);
    long file = call(SYS_OPENAT, AT_FDCWD, (long)path, 0, 0, 0, 0), got = 0;
    if (file < 0)
        finish("kexec: a file is missing\n", 1);
    *size = 0;
    while ((got = call(SYS_READ, file, (long)(to + *size), (long)(most - *size), 0, 0, 0)) > 0)
        *size += (size_t)got;
    return to;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The 8 bytes of a property that is named once in the tree. */
static uint8_t *property(uint8_t *tree, const char *name)
{
    uint8_t *p = tree + big32(tree + 8);
    const char *strings = (const char *)tree + big32(tree + 12);
    for (;;) {
        uint32_t token = big32(p);
        p += 4;
        if (token == 1) {
            size_t length = 0;
            while (p[length])
                length++;
            p += (length / 4 + 1) * 4;
        } else if (token == 3) {
            uint32_t length = big32(p), i = 0;
            const char *own = strings + big32(p + 4);
            while (name[i] && own[i] == name[i])
                i++;
            if (name[i] == own[i] && length == 8)
                return p + 8;
            p += 8 + (length + 3) / 4 * 4;
        } else if (token == 9) {
            finish("kexec: the device tree names no initrd\n", 1);
        }
    }
}

static uint64_t big64(const uint8_t *p)
{
    return (uint64_t)big32(p) << 32 | big32(p + 4);
}

static void put64(uint8_t *p, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        p[i] = (uint8_t)value;
}

static uint64_t pages(uint64_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

/* Entered with the MMU off: x0 is the device tree, as booting.rst asks. */
__asm__(".balign 8\n"
        "purgatory: ldr x0, 1f\n"
        " ldr x4, 2f\n"
        " mov x1, xzr\n mov x2, xzr\n mov x3, xzr\n"
        " br x4\n"
        ".balign 8\n"
        "1: .quad 0\n"
        "2: .quad 0\n"
        "purgatory_end:\n");
extern const uint8_t purgatory[], purgatory_end[];

__attribute__((used, noreturn)) void start_main(const long *stack);
void start_main(const long *stack)
{
    size_t kernel_size, initrd_size, tree_size, code_size = (size_t)(purgatory_end - purgatory);
    uint64_t base = 0x40000000, initrd_at, tree_at, code_at;
    uint8_t *code = memory(PAGE);
    if (stack[0] != 3)
        finish("usage: kexec IMAGE INITRD\n", 2);
    const uint8_t *kernel = load((const char *)stack[2], 64ul << 20, &kernel_size);
    const uint8_t *initrd = load((const char *)stack[3], 32ul << 20, &initrd_size);
    uint8_t *tree = load("/sys/firmware/fdt", 1ul << 20, &tree_size);
    initrd_at = big64(property(tree, "linux,initrd-start"));
    put64(property(tree, "linux,initrd-end"), initrd_at + initrd_size);
    tree_at = initrd_at + (pages(initrd_size) + 0x1fffff) / 0x200000 * 0x200000;
    code_at = tree_at + 0x200000;
    for (size_t i = 0; i < code_size; i++)
        code[i] = purgatory[i];
    ((uint64_t *)(void *)code)[code_size / 8 - 2] = tree_at;
    ((uint64_t *)(void *)code)[code_size / 8 - 1] = base;
    struct segment segments[] = {
        {kernel, kernel_size, base, pages(*(const uint64_t *)(const void *)(kernel + 16))},
        {initrd, initrd_size, initrd_at, pages(initrd_size)},
        {tree, tree_size, tree_at, pages(tree_size)},
        {code, code_size, code_at, PAGE},
    };
    if (call(SYS_KEXEC_LOAD, (long)code_at, 4, (long)segments, (long)KEXEC_ARCH_AARCH64, 0, 0) != 0)
        finish("kexec: refused\n", 1);
    call(SYS_REBOOT, (long)0xfee1dead, 672274793, REBOOT_KEXEC, 0, 0, 0);
    finish("kexec: did not start\n", 1);
}

__attribute__((naked, used)) void _start(void);
void _start(void)
{
    __asm__("mov x29, #0\n mov x0, sp\n b start_main\n");
}
