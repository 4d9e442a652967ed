// SPDX-License-Identifier: Apache-2.0
/* The first program of the Linux that boots for linux_boot: prints when the kernel was entered and when it
 * got here. No C library: there is none for the target among the packages that the build needs. */
#include <stddef.h>
#include <stdint.h>

#include "tests/system/linux/call.h"

#define SYS_MOUNT  40
#define SYS_OPENAT 56
#define SYS_READ   63
#define SYS_WRITE  64
#define SYS_REBOOT 142

static char text[4096];
static size_t used;

static void add(const char *s, size_t length)
{
    for (size_t i = 0; i < length && s[i] && used < sizeof(text); i++)
        text[used++] = s[i];
}

static void add_hex(uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        add(&"0123456789abcdef"[value >> shift & 15], 1);
}

static const char *find(const char *where, const char *key)
{
    for (; *where; where++) {
        size_t i = 0;
        while (key[i] && where[i] == key[i])
            i++;
        if (!key[i])
            return where + i;
    }
    return "";
}

__attribute__((noreturn, used)) void init_main(uint64_t now);
void init_main(uint64_t now)
{
    static char command_line[2048];
    call(SYS_MOUNT, (long)"proc", (long)"/proc", (long)"proc", 0, 0);
    long file = call(SYS_OPENAT, -100, (long)"/proc/cmdline", 0, 0, 0);
    call(SYS_READ, file, (long)command_line, sizeof(command_line) - 1, 0, 0);
    add("LINUX entry=", 64);
    add(find(command_line, "bench_entry="), 16);
    add(" now=", 64);
    add_hex(now);
    add("\nGUEST DONE\n", 64);
    call(SYS_WRITE, 1, (long)text, (long)used, 0, 0);
    call(SYS_REBOOT, (long)0xfee1dead, 672274793, 0x4321fedc, 0, 0); /* power off */
    for (;;)
        ;
}

__attribute__((naked, noreturn, used)) void _start(void);
void _start(void)
{
    __asm__("isb\n mrs x0, cntvct_el0\n mov x29, #0\n bl init_main\n");
}
