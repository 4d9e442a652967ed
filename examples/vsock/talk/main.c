// SPDX-License-Identifier: Apache-2.0
/* A socket between virtual machines (AF_VSOCK) for a shell, on arm64 Linux without a C library.
 *   talk PORT        waits for one connection, sends back what comes, and says from whom
 *   talk CID PORT    connects, sends standard input and writes what comes back to standard output */
#include <stddef.h>
#include <stdint.h>

enum { AF_VSOCK = 40, SOCK_STREAM = 1, SHUT_WR = 1, CID_ANY = -1, POLLIN = 1 };
enum { NR_WRITE = 64, NR_READ = 63, NR_PPOLL = 73, NR_EXIT = 93 };
enum {
    NR_SOCKET = 198,
    NR_BIND = 200,
    NR_LISTEN = 201,
    NR_ACCEPT = 202,
    NR_CONNECT = 203,
    NR_SHUTDOWN = 210
};

/* struct sockaddr_vm of linux/vm_sockets.h. */
struct address {
    uint16_t family, reserved;
    uint32_t port, cid, zero;
};

static long call(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}

static long send(long fd, const char *bytes, long length)
{
    long done = 0, result = 1;

    while (done < length && result > 0) {
        result = call(NR_WRITE, fd, (long)(bytes + done), length - done);
        done += result > 0 ? result : 0;
    }
    return done == length;
}

static void say(const char *text, uint32_t number)
{
    char line[64];
    long n = 0, digits = 1;

    for (uint32_t rest = number; rest >= 10; rest /= 10) {
        digits++;
    }
    while (text[n] != 0) {
        line[n] = text[n];
        n++;
    }
    for (long i = digits; i > 0; i--) {
        line[n + i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    line[n + digits] = '\n';
    (void)send(2, line, n + digits + 1);
}

static uint32_t number_of(const char *text)
{
    uint32_t value = 0;

    while (*text >= '0' && *text <= '9') {
        value = value * 10 + (uint32_t)(*text++ - '0');
    }
    return value;
}

static long wait_for_one(const char *port)
{
    struct address own = {.family = AF_VSOCK, .port = number_of(port), .cid = (uint32_t)CID_ANY}, peer = {0};
    uint32_t size = sizeof peer;
    long fd = call(NR_SOCKET, AF_VSOCK, SOCK_STREAM, 0), connection, error;

    error = call(NR_BIND, fd, (long)&own, sizeof own);
    error = error < 0 ? error : call(NR_LISTEN, fd, 1, 0);
    connection = error < 0 ? error : call(NR_ACCEPT, fd, (long)&peer, (long)&size);
    if (connection >= 0) {
        say("talk: a connection from CID ", peer.cid);
    }
    return connection;
}

static long reach(const char *cid, const char *port)
{
    struct address to = {.family = AF_VSOCK, .port = number_of(port), .cid = number_of(cid)};
    long fd = call(NR_SOCKET, AF_VSOCK, SOCK_STREAM, 0);
    long error = call(NR_CONNECT, fd, (long)&to, sizeof to);

    return error < 0 ? error : fd;
}

/* Copies from `in` to the socket and from the socket to `out` until both have ended. False: the connection
 * broke. */
static int copy(long socket, int in, int out)
{
    static char bytes[65536];
    struct {
        int32_t fd;
        int16_t wanted, ready;
    } ends[2] = {{(int32_t)socket, POLLIN, 0}, {in, POLLIN, 0}};

    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        (void)call(NR_PPOLL, (long)ends, 2, 0);
        for (int i = 0; i < 2; i++) {
            long got = ends[i].fd >= 0 && ends[i].ready != 0
                           ? call(NR_READ, ends[i].fd, (long)bytes, sizeof bytes)
                           : -11; /* EAGAIN: nothing yet */

            if (got > 0 && !send(i == 0 ? out : socket, bytes, got)) {
                return 0;
            }
            if (got == 0 && i == 1) {
                (void)call(NR_SHUTDOWN, socket, SHUT_WR, 0);
            }
            if (got < 0 && got != -11) {
                return 0;
            }
            if (got == 0) {
                ends[i].fd = -1;
            }
        }
    }
    return 1;
}

_Noreturn void begin(long *stack);
_Noreturn void begin(long *stack)
{
    const char *const *arguments = (const char *const *)(stack + 1);
    long socket = stack[0] == 2 ? wait_for_one(arguments[1]) : -22;
    int fine;

    if (stack[0] == 3) {
        socket = reach(arguments[1], arguments[2]);
    }
    if (socket < 0) {
        say("talk: error ", (uint32_t)-socket);
    }
    fine = socket >= 0 && (stack[0] == 2 ? copy(socket, -1, (int)socket) : copy(socket, 0, 1));
    (void)call(NR_EXIT, fine ? 0 : 1, 0, 0);
    __builtin_unreachable();
}

__asm__(".globl _start\n_start: mov x0, sp\n    mov x29, xzr\n    b begin\n");
