// SPDX-License-Identifier: Apache-2.0
/* Streams through VM sockets that say what they are.
 *   sockets listen PORT              takes connections for ever, each in a process of its own
 *   sockets connect CID PORT MIB     sends MIB and receives as much at the same time
 *   sockets refused CID PORT         expects that nobody is there
 *   sockets hold CID PORT            connects, waits for the end, and says how it came
 * Both ends send numbered words and check those that come: "SOCK sent BYTES received BYTES sum SUM wrong
 * WORDS error ERRNO", the error that ended it, 0 if the peer closed it, 110 if nothing has come or gone for
 * PATIENCE. The end that connects says "SOCK flows" when it has got FLOWS bytes. The end that listens ends
 * its stream when the other's has ended, after as many bytes. */
#include "../../channels/user.h"

enum { AF_VSOCK = 40, SOCK_STREAM = 1, SHUT_WR = 1, SIGCHLD = 17, SIGPIPE = 13, CID_ANY = -1 };
enum { WORDS = 8192, FLOWS = 256 * 1024, PATIENCE = 90000 /* ms */, ETIMEDOUT = 110 };

struct address {
    uint16_t family, reserved;
    uint32_t port, cid;
    uint8_t zero[4];
};

struct stream {
    long fd;
    uint64_t sent, received, sum, wrong;
    long error;
};

static void say(const char *words, const uint64_t *numbers, unsigned count)
{
    char line[200];
    size_t n = 0;

    for (unsigned i = 0; *words != 0 || i < count; words++) {
        char digits[20];
        unsigned d = 0;
        uint64_t value;

        if (*words != '%') {
            line[n++] = *words;
            continue;
        }
        value = numbers[i++];
        do {
            digits[d++] = (char)('0' + value % 10);
            value /= 10;
        } while (value != 0);
        while (d != 0) {
            line[n++] = digits[--d];
        }
    }
    line[n++] = '\n';
    sys_write(1, line, n);
}

static uint64_t number(const char *text)
{
    uint64_t value = 0;

    while (*text >= '0' && *text <= '9') {
        value = value * 10 + (uint64_t)(*text++ - '0');
    }
    return value;
}

/* The n-th word of a stream. */
static uint64_t word(uint64_t n)
{
    uint64_t x = n * 0x9e3779b97f4a7c15;

    return x ^ x >> 29;
}

static void check(struct stream *s, const uint8_t *bytes, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        uint64_t at = s->received + i;
        uint8_t wanted = (uint8_t)(word(at / 8) >> at % 8 * 8);

        s->wrong += bytes[i] != wanted;
        s->sum = s->sum * 31 + bytes[i];
    }
    s->received += length;
}

static uint64_t buffer[WORDS];
static uint8_t incoming[WORDS * 8];

/* Sends up to `limit` bytes in all. False: the connection has an error. */
static int send_some(struct stream *s, uint64_t limit)
{
    uint64_t first = s->sent / 8, left = limit - s->sent;
    long result;

    for (unsigned i = 0; i < WORDS; i++) {
        buffer[i] = word(first + i);
    }
    left = left < WORDS * 8 - 8 ? left : WORDS * 8 - 8;
    result = sys_write(s->fd, (const uint8_t *)buffer + s->sent % 8, left);
    if (result < 0 && result != -EAGAIN) {
        s->error = -result;
        return 0;
    }
    s->sent += result > 0 ? (uint64_t)result : 0;
    return 1;
}

/* 0 at the end of the stream, or after an error. */
static int receive_some(struct stream *s)
{
    long result = sys_read(s->fd, incoming, sizeof incoming);

    if (result > 0) {
        check(s, incoming, (uint64_t)result);
    } else if (result < 0 && result != -EAGAIN) {
        s->error = -result;
    }
    return result > 0 || result == -EAGAIN;
}

static void tell(const struct stream *s)
{
    const uint64_t numbers[] = {s->sent, s->received, s->sum, s->wrong, (uint64_t)s->error};

    say("SOCK sent % received % sum % wrong % error %", numbers, 5);
}

/* Sends `limit` bytes and receives until the other's end; without a limit, what the other sends. When that
 * end comes early, a write tells why: poll() does not, if the connection was reset while there were bytes to
 * read and no credit to write. */
static void talk(long fd, uint64_t limit, int echo)
{
    struct stream s = {.fd = fd};
    int open = 1, sending = 1, flows = echo;

    call6(25, fd, 4, O_NONBLOCK, 0, 0, 0);
    while (open || sending) {
        uint64_t now = echo ? s.received : limit;
        int want = (open ? POLLIN : 0) | (sending && s.sent < now ? POLLOUT : 0);
        long ready = sys_poll(fd, (int16_t)want, PATIENCE);

        if (open && (ready & ~POLLOUT) != 0) {
            open = receive_some(&s);
        }
        if (ready == 0) {
            s.error = ETIMEDOUT;
        }
        if (s.error != 0) {
            break;
        }
        if (!flows && s.received >= FLOWS) {
            say("SOCK flows", NULL, 0);
            flows = 1;
        }
        now = echo ? s.received : limit;
        if (sending && s.sent < now && ((ready & POLLOUT) != 0 || !open) && !send_some(&s, now)) {
            break;
        }
        if (sending && s.sent == now && (!echo || !open)) {
            call6(210, fd, SHUT_WR, 0, 0, 0, 0);
            sending = 0;
        }
    }
    tell(&s);
    sys_close(fd);
}

static long connected(const char *cid, const char *port, long *error)
{
    struct address to = {.family = AF_VSOCK, .port = (uint32_t)number(port), .cid = (uint32_t)number(cid)};
    long fd = call6(198, AF_VSOCK, SOCK_STREAM, 0, 0, 0, 0);

    *error = fd < 0 ? fd : call6(203, fd, (long)&to, sizeof to, 0, 0, 0);
    return fd;
}

static void serve(const char *port)
{
    struct address own = {.family = AF_VSOCK, .port = (uint32_t)number(port), .cid = (uint32_t)CID_ANY};
    long fd = call6(198, AF_VSOCK, SOCK_STREAM, 0, 0, 0, 0);

    if (fd < 0 || call6(200, fd, (long)&own, sizeof own, 0, 0, 0) < 0 || call6(201, fd, 8, 0, 0, 0, 0) < 0) {
        say("SOCK cannot listen", NULL, 0);
        sys_exit(1);
    }
    say("SOCK listens", NULL, 0);
    for (;;) {
        long peer = call6(202, fd, 0, 0, 0, 0, 0);

        if (peer >= 0 && call6(220, SIGCHLD, 0, 0, 0, 0, 0) == 0) {
            talk(peer, 0, 1);
            sys_exit(0);
        }
        sys_close(peer);
        while (call6(260, -1, 0, 1, 0, 0, 0) > 0) {
        }
    }
}

static int same(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

void begin(long *stack);
void begin(long *stack)
{
    const char *const *arguments = (const char *const *)(stack + 1);
    const struct {
        uint64_t handler, flags, restorer, mask;
    } ignore = {1, 0, 0, 0};
    long error, fd;

    call6(134, SIGPIPE, (long)&ignore, 0, 8, 0, 0);
    if (stack[0] == 3 && same(arguments[1], "listen")) {
        serve(arguments[2]);
    }
    if (stack[0] < 4) {
        sys_exit(2);
    }
    fd = connected(arguments[2], arguments[3], &error);
    if (error != 0 || same(arguments[1], "refused")) {
        const uint64_t numbers[] = {(uint64_t)-error};

        say("SOCK connect error %", numbers, 1);
        sys_exit(error != 0);
    }
    if (same(arguments[1], "hold")) {
        struct stream s = {.fd = fd};

        say("SOCK holds", NULL, 0);
        while (receive_some(&s)) {
        }
        tell(&s);
        sys_exit(0);
    }
    talk(fd, number(arguments[4]) << 20, 0);
    sys_exit(0);
}

__asm__(".globl _start\n_start: mov x0, sp\n    mov x29, xzr\n    b begin\n");
