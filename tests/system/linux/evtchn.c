// SPDX-License-Identifier: Apache-2.0
/* evtchn COUNT: binds an event channel to this very domain (/dev/xen/evtchn), waits half a second, so that a
 * script can set its interrupts' affinity, then sends COUNT events one by one and takes each. No C library.
 */
#include <stddef.h>
#include <stdint.h>

#include "call.h"

#define SYS_IOCTL  29
#define SYS_OPENAT 56
#define SYS_READ   63
#define SYS_WRITE  64
#define SYS_EXIT   93

#define AT_FDCWD         (-100)
#define O_RDWR           2
#define IOCTL(nr, size)  ((size) << 16 | 'E' << 8 | (nr))
#define BIND_INTERDOMAIN IOCTL(1, 8)
#define BIND_UNBOUND     IOCTL(2, 4)
#define NOTIFY           IOCTL(4, 4)
#define OWN_DOMID        1

static __attribute__((noreturn)) void finish(const char *text, long status)
{
    size_t length = 0;
    while (text[length])
        length++;
    call(SYS_WRITE, 1, (long)text, (long)length, 0);
    call(SYS_EXIT, status, 0, 0, 0);
    __builtin_unreachable();
}

__attribute__((used, noreturn)) void start_main(const long *stack);
void start_main(const long *stack)
{
    uint32_t unbound = OWN_DOMID, interdomain[2], got, count = 0;
    const char *digits = stack[0] > 1 ? (const char *)stack[2] : "";
    long file = call(SYS_OPENAT, AT_FDCWD, (long)"/dev/xen/evtchn", O_RDWR, 0);
    if (file < 0)
        finish("evtchn: no /dev/xen/evtchn\n", 1);
    for (; *digits; digits++)
        count = count * 10 + (uint32_t)(*digits - '0');
    long first = call(SYS_IOCTL, file, BIND_UNBOUND, (long)&unbound, 0);
    interdomain[0] = OWN_DOMID;
    interdomain[1] = (uint32_t)first;
    long second = first < 0 ? first : call(SYS_IOCTL, file, BIND_INTERDOMAIN, (long)interdomain, 0);
    if (second < 0)
        finish("evtchn: cannot bind\n", 1);
    call(SYS_READ, 0, (long)&got, 1, 0);
    /* binding made the second port pending */
    if (call(SYS_READ, file, (long)&got, sizeof(got), 0) != sizeof(got) || got != (uint32_t)second)
        finish("evtchn: the first event is missing\n", 1);
    call(SYS_WRITE, file, (long)&got, sizeof(got), 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = (uint32_t)(i % 2 == 0 ? second : first), to = (uint32_t)(i % 2 == 0 ? first : second);
        if (call(SYS_IOCTL, file, NOTIFY, (long)&from, 0) != 0)
            finish("evtchn: cannot send\n", 1);
        if (call(SYS_READ, file, (long)&got, sizeof(got), 0) != sizeof(got) || got != to)
            finish("evtchn: not the event that was sent\n", 1);
        call(SYS_WRITE, file, (long)&got, sizeof(got), 0);
    }
    finish("TEST sent and taken\n", 0);
}

__attribute__((naked, used)) void _start(void);
void _start(void)
{
    __asm__("mov x29, #0\n mov x0, sp\n b start_main\n");
}
