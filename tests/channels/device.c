/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Linux program that tries /dev/channel-line, whose peer is peer.c with a region of 64 KiB: messages of
 * every size, refusals, poll, the mapped ring, a restart of the peer, and a peer that writes nonsense.
 */
#include "user.h"

#include <bulkhead/channel.h>

#define DEVICE "/dev/channel-line"
#define REGION 65536
#define MOST   32504 /* bytes of the longest message */

static unsigned char message[MOST + 8], answer[MOST + 8];
static uint64_t seed = 1;

static void say(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    sys_write(1, text, length);
}

static void say_number(long value)
{
    char digits[24];
    size_t at = sizeof(digits);
    unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        digits[--at] = '-';
    sys_write(1, digits + at, sizeof(digits) - at);
}

#define EXPECT(value, expected) expect(value, expected, #value, __LINE__)

static void expect(long value, long expected, const char *what, int line)
{
    if (value == expected)
        return;
    say("FAIL line ");
    say_number(line);
    say(": ");
    say(what);
    say(" is ");
    say_number(value);
    say("\n");
    sys_exit(1);
}

static void fill(size_t length)
{
    for (size_t i = 0; i < length; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        message[i] = (unsigned char)(seed / 0x100000000U);
    }
    message[0] |= 0x80; /* not a command of the peer's */
}

static long differ(size_t length)
{
    long count = 0;

    for (size_t i = 0; i < length; i++)
        count += message[i] != answer[i];
    return count;
}

static void exchange(long fd, size_t length)
{
    fill(length);
    EXPECT(sys_write(fd, message, length), (long)length);
    EXPECT(sys_read(fd, answer, sizeof(answer)), (long)length);
    EXPECT(differ(length), 0);
}

static long open_device(int flags)
{
    long fd = sys_open(DEVICE, O_RDWR | flags);

    if (fd < 0)
        EXPECT(fd, 0);
    return fd;
}

static void messages(void)
{
    long fd = open_device(0);

    for (size_t length = 1; length < 200; length++)
        exchange(fd, length);
    for (size_t length = 1000; length <= MOST; length += 1013)
        exchange(fd, length);
    exchange(fd, MOST);
    EXPECT(sys_write(fd, message, MOST + 1), -EMSGSIZE);
    fill(100);
    EXPECT(sys_write(fd, message, 100), 100);
    EXPECT(sys_poll(fd, POLLIN, 5000), POLLIN);
    EXPECT(sys_read(fd, answer, 99), -EMSGSIZE); /* and it stays */
    EXPECT(sys_read(fd, answer, 100), 100);
    EXPECT(differ(100), 0);
    sys_close(fd);
    say("PASS messages\n");
}

/* Fills both rings, since the echo cannot get rid of what it has; then room comes back. */
static void no_waiting(void)
{
    long fd = open_device(O_NONBLOCK), sent = 0, got = 0, result;

    EXPECT(sys_read(fd, answer, sizeof(answer)), -EAGAIN);
    EXPECT(sys_poll(fd, POLLIN, 50), 0);
    EXPECT(sys_poll(fd, POLLIN | POLLOUT, 0), POLLOUT);
    fill(1000);
    for (int quiet = 0; quiet < 20; quiet++) {
        while ((result = sys_write(fd, message, 1000)) == 1000) {
            sent++;
            quiet = 0;
        }
        EXPECT(result, -EAGAIN);
        sys_poll(fd, POLLOUT, 50);
    }
    EXPECT(sys_poll(fd, POLLIN | POLLOUT, 0), POLLIN);
    while (got < sent) {
        EXPECT(sys_poll(fd, POLLIN, 5000), POLLIN);
        while ((result = sys_read(fd, answer, sizeof(answer))) == 1000) {
            EXPECT(differ(1000), 0);
            got++;
        }
        EXPECT(result, -EAGAIN);
    }
    EXPECT(sys_poll(fd, POLLOUT, 5000), POLLOUT);
    EXPECT(sent > 100 && sent < 140, 1); /* two rings of 64,512 bytes */
    sys_close(fd);
    say("PASS no_waiting\n");
}

/* With tx mapped the ring is ours: read counts doorbells, write rings. */
static void mapped(void)
{
    static struct bh_channel channel;
    long fd = open_device(0), other = open_device(0), tx, rx;
    enum bh_channel_status status;
    uint32_t length, rings;
    bool ring;

    EXPECT(sys_mmap(REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), -EBUSY);
    sys_close(other);
    EXPECT(sys_mmap(REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, REGION), -EACCES);
    EXPECT(sys_mmap(REGION, PROT_READ, MAP_PRIVATE, fd, REGION), -EINVAL);
    EXPECT(sys_mmap(REGION + 4096, PROT_READ, MAP_SHARED, fd, REGION), -EINVAL);
    EXPECT(sys_mmap(4096, PROT_READ, MAP_SHARED, fd, 4096), -EINVAL);
    rx = sys_mmap(REGION, PROT_READ, MAP_SHARED, fd, REGION);
    EXPECT(rx > 0, 1);
    EXPECT(sys_mprotect(rx, REGION, PROT_READ | PROT_WRITE), -EACCES);
    exchange(fd, 500); /* the kernel's still */
    tx = sys_mmap(REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT(tx > 0, 1);
    EXPECT(sys_open(DEVICE, O_RDWR), -EBUSY);
    EXPECT(bh_channel_open(&channel, (void *)tx, (const void *)rx, REGION, BH_CHANNEL_KEEP), BH_CHANNEL_OK);
    EXPECT(sys_write(fd, "", 1), 1);
    for (int i = 0; i < 100; i++) {
        fill(300);
        EXPECT(bh_channel_send(&channel, message, 300, &ring), BH_CHANNEL_OK);
        if (ring)
            EXPECT(sys_write(fd, "", 1), 1);
        while ((status = bh_channel_receive(&channel, answer, sizeof(answer), &length, &ring)) ==
               BH_CHANNEL_EMPTY) {
            if (bh_channel_prepare_wait_data(&channel))
                EXPECT(sys_read(fd, &rings, sizeof(rings)), sizeof(rings));
        }
        EXPECT(status, BH_CHANNEL_OK);
        EXPECT(length, 300);
        EXPECT(differ(300), 0);
        if (ring)
            EXPECT(sys_write(fd, "", 1), 1);
    }
    EXPECT(sys_munmap(tx, REGION), 0);
    EXPECT(sys_munmap(rx, REGION), 0);
    sys_close(fd);
    fd = open_device(0);
    exchange(fd, 700);
    sys_close(fd);
    say("PASS mapped\n");
}

/* The peer restarts: one EPIPE, and on it goes. What it had not given back, it takes again. */
static void restart(void)
{
    long fd = open_device(0);

    for (int i = 0; i < 10; i++) {
        EXPECT(sys_write(fd, "reset", 5), 5);
        EXPECT(sys_poll(fd, POLLIN, 10000), POLLIN);
        EXPECT(sys_read(fd, answer, sizeof(answer)), -EPIPE);
        exchange(fd, 900);
    }
    sys_close(fd);
    say("PASS restart\n");
}

/* The peer fills its region with random words again and again. Whatever read says, Linux lives. */
static void nonsense(void)
{
    long fd = open_device(O_NONBLOCK), broken = 0, result;

    EXPECT(sys_write(fd, "nonsense", 8), 8);
    for (long i = 0; i < 20000; i++) {
        result = sys_read(fd, answer, sizeof(answer));
        broken += result == -EPROTO;
        if (result < 0 && result != -EPROTO && result != -EAGAIN && result != -EPIPE)
            EXPECT(result, 0);
        result = sys_write(fd, message, 1 + i % 2000);
        if (result < 0 && result != -EPROTO && result != -EAGAIN)
            EXPECT(result, 0);
        if (i % 64 == 0)
            sys_poll(fd, POLLIN | POLLOUT, 1);
    }
    EXPECT(broken > 1000, 1);
    sys_close(fd);
    say("PASS nonsense\n");
}

/* Who spoils the mapped region spoils only this channel. */
static void spoilt(void)
{
    long fd = open_device(0), tx = sys_mmap(REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    EXPECT(tx > 0, 1);
    *(volatile uint64_t *)tx = 12345;
    EXPECT(sys_munmap(tx, REGION), 0);
    sys_close(fd);
    EXPECT(sys_open(DEVICE, O_RDWR), -EIO);
    say("PASS spoilt\n");
}

_Noreturn void _start(void);

_Noreturn void _start(void)
{
    messages();
    no_waiting();
    mapped();
    restart();
    nonsense();
    spoilt();
    sys_exit(0);
}
