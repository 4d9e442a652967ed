// SPDX-License-Identifier: Apache-2.0
/* What Linux does to its disk or network while it is measured: `load read MIB` reads so much of /dev/vda
 * through the page cache, in pieces of 1 MiB; `load send COUNT` sends UDP packets of 1,472 bytes (1,500 with
 * their headers) to 10.0.2.2. Between the two markers of tests/domains/marker.h. No C library: there is none
 * for the target among the packages that the build needs. */
#include <stddef.h>
#include <stdint.h>

#include "tests/system/linux/call.h"

#define SYS_OPENAT 56
#define SYS_READ   63
#define SYS_WRITE  64
#define SYS_EXIT   93
#define SYS_SOCKET 198
#define SYS_SENDTO 206

enum { MIB = 1 << 20, PACKET = 1472, WARM_PACKETS = 200, WARM_MIB = 4 };

static uint8_t buffer[MIB];

static void marker_begin(void)
{
    __asm__ volatile("hint #120" : : : "memory");
}

static void marker_end(void)
{
    __asm__ volatile("hint #121" : : : "memory");
}

static long number(const char *text)
{
    long value = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + *text - '0';
    return value;
}

static long read_disk(long mib)
{
    long file = call(SYS_OPENAT, -100, (long)"/dev/vda", 0, 0, 0, 0), done = 0;

    for (long i = -WARM_MIB; i < mib; i++) {
        if (i == 0)
            marker_begin();
        for (long at = 0; at < MIB; at += done) {
            done = call(SYS_READ, file, (long)buffer + at, MIB - at, 0, 0, 0);
            if (done <= 0)
                return -1;
        }
    }
    marker_end();
    return 0;
}

static long send_packets(long count)
{
    /* AF_INET, port 9 (discard), 10.0.2.2 */
    static const uint8_t to[16] = {2, 0, 0, 9, 10, 0, 2, 2};
    long socket = call(SYS_SOCKET, 2, 2, 0, 0, 0, 0);

    for (long i = -WARM_PACKETS; i < count; i++) {
        if (i == 0)
            marker_begin();
        if (call(SYS_SENDTO, socket, (long)buffer, PACKET, 0, (long)to, sizeof(to)) != PACKET)
            return -1;
    }
    marker_end();
    return 0;
}

__attribute__((noreturn, used)) void load_main(long argc, const char *const *argv);
void load_main(long argc, const char *const *argv)
{
    long result = argc != 3           ? -1
                  : argv[1][0] == 'r' ? read_disk(number(argv[2]))
                                      : send_packets(number(argv[2]));

    if (result == 0)
        call(SYS_WRITE, 1, (long)"GUEST DONE\n", 11, 0, 0, 0);
    else
        call(SYS_WRITE, 1, (long)"PANIC: the load failed\n", 23, 0, 0, 0);
    call(SYS_EXIT, result != 0, 0, 0, 0, 0, 0);
    for (;;)
        ;
}

__attribute__((naked, noreturn, used)) void _start(void);
void _start(void)
{
    __asm__("ldr x0, [sp]\n add x1, sp, #8\n mov x29, #0\n bl load_main\n");
}
