/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of arm64 Linux, for a program without a C library. Results below 0 are errors of errno.h. */
#ifndef TESTS_CHANNELS_USER_H
#define TESTS_CHANNELS_USER_H

#include <stddef.h>
#include <stdint.h>

enum { EIO = 5, EAGAIN = 11, EACCES = 13, EBUSY = 16, EINVAL = 22, EPIPE = 32, EPROTO = 71, EMSGSIZE = 90 };
enum { O_RDWR = 2, O_NONBLOCK = 0x800 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2 };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8 };

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

static inline long sys_open(const char *path, int flags)
{
    return call6(56, -100, (long)path, flags, 0, 0, 0);
}

static inline long sys_close(long fd)
{
    return call6(57, fd, 0, 0, 0, 0, 0);
}

static inline long sys_read(long fd, void *buffer, size_t length)
{
    return call6(63, fd, (long)buffer, (long)length, 0, 0, 0);
}

static inline long sys_write(long fd, const void *buffer, size_t length)
{
    return call6(64, fd, (long)buffer, (long)length, 0, 0, 0);
}

/* The events that are there of those asked for, after at most so many milliseconds. */
static inline long sys_poll(long fd, int16_t events, long milliseconds)
{
    struct {
        int32_t fd;
        int16_t events, revents;
    } entry = {(int32_t)fd, events, 0};
    int64_t time[2] = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    long result = call6(73, (long)&entry, 1, (long)time, 0, 8, 0);

    return result < 0 ? result : entry.revents;
}

static inline long sys_mmap(size_t length, int protection, int flags, long fd, long offset)
{
    return call6(222, 0, (long)length, protection, flags, fd, offset);
}

static inline long sys_munmap(long address, size_t length)
{
    return call6(215, address, (long)length, 0, 0, 0, 0);
}

static inline long sys_mprotect(long address, size_t length, int protection)
{
    return call6(226, address, (long)length, protection, 0, 0, 0);
}

static inline _Noreturn void sys_exit(int status)
{
    for (;;)
        call6(94, status, 0, 0, 0, 0, 0);
}

#endif
