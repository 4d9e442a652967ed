// SPDX-License-Identifier: Apache-2.0
/* Verified random input and output on a block device: blkcheck DEVICE MIB SECONDS WORKERS. Each worker has a
 * part of the device to itself, fills it, writes blocks that say what they are, and reads back what was
 * acknowledged.
 * Ends after SECONDS or when /tmp/stop exists; then reads everything again. No page cache (O_DIRECT).
 *
 * What is on its way and what was acknowledged stands in a table in memory, for those who look at the memory
 * and at the disk from outside (tests/system/outside.py): for each block the version that is being written,
 * then the CRC and number of the version that was acknowledged.
 *
 * Says four times a second "BLK now OPERATIONS SLOWEST", the second in microseconds, those that are under way
 * included; at the end, for each worker, what it did and how much was wrong. */
#include "../../channels/user.h"

enum { O_DIRECT = 0x10000, MAP_ANONYMOUS = 0x20, SIGCHLD = 17, BLOCK = 4096, MOST = 16, MAX_WORKERS = 8 };
enum { CLOCK_MONOTONIC = 1, TICK_US = 250000 };

struct worker {
    volatile uint64_t started; /* microseconds; 0: between two operations */
    volatile uint64_t slowest, writes, reads, wrong, failed, bytes;
    volatile uint64_t
        sum; /* of the versions that were acknowledged last, for a look at the disk from outside */
};

/* In pages that begin with a mark and their number. */
struct entry {
    volatile uint32_t started, crc, acknowledged, reserved;
};
struct page {
    uint64_t mark;
    uint32_t number, pages;
    struct entry entries[255];
};
_Static_assert(sizeof(struct page) == BLOCK, "one page");
#define NOT_THE_MARK (~UINT64_C(0x6b636568436b6c42)) /* "BlkCheck", but not in this program's file */

static struct page *table;
static struct worker *workers;
static uint64_t deadline;

static uint64_t now(void)
{
    int64_t t[2];

    call6(113, CLOCK_MONOTONIC, (long)t, 0, 0, 0, 0);
    return (uint64_t)t[0] * 1000000 + (uint64_t)t[1] / 1000;
}

static void say(const char *words, const uint64_t *numbers, unsigned count)
{
    char line[200];
    size_t n = 0;

    while (*words != 0) {
        line[n++] = *words++;
    }
    for (unsigned i = 0; i < count; i++) {
        char digits[20];
        unsigned d = 0;
        uint64_t value = numbers[i];

        do {
            digits[d++] = (char)('0' + value % 10);
            value /= 10;
        } while (value != 0);
        line[n++] = ' ';
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

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/* A block says where it belongs and which version of it this is; the rest follows from that. */
static uint64_t content(uint64_t where, uint64_t version, unsigned i)
{
    return i == 0 ? where : i == 1 ? version : mix(where * 0x9e3779b97f4a7c15 + version * 512 + i);
}

static void fill(uint64_t *block, uint64_t where, uint64_t version)
{
    for (unsigned i = 0; i < BLOCK / 8; i++) {
        block[i] = content(where, version, i);
    }
}

static uint64_t differs(const uint64_t *block, uint64_t where, uint64_t version)
{
    for (unsigned i = 0; i < BLOCK / 8; i++) {
        if (block[i] != content(where, version, i)) {
            return 1;
        }
    }
    return 0;
}

static void transfer(struct worker *w, long fd, int write, void *buffer, uint64_t block, uint64_t count)
{
    uint64_t took;
    long result;

    w->started = now();
    result = call6(write ? 68 : 67, fd, (long)buffer, (long)(count * BLOCK), (long)(block * BLOCK), 0, 0);
    took = now() - w->started;
    w->started = 0;
    if (took > w->slowest) {
        w->slowest = took;
    }
    if (result != (long)(count * BLOCK)) {
        w->failed++;
    }
    w->bytes += count * BLOCK;
}

static struct entry *entry_of(uint64_t block)
{
    return &table[block / 255].entries[block % 255];
}

/* Of the whole block, as zlib's crc32(). */
static uint32_t crc_of(const uint64_t *block)
{
    uint32_t crc = ~UINT32_C(0);

    for (unsigned i = 0; i < BLOCK / 8; i++) {
        __asm__(".arch_extension crc\n crc32x %w0, %w0, %1" : "+r"(crc) : "r"(block[i]));
    }
    return ~crc;
}

static void make_table(uint64_t blocks)
{
    uint32_t pages = (uint32_t)(blocks / 255 + 1);

    table = (struct page *)sys_mmap((size_t)pages * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                                    -1, 0);
    for (uint32_t i = 0; i < pages; i++) {
        table[i].number = i;
        table[i].pages = pages;
        table[i].mark = ~NOT_THE_MARK;
    }
}

static void verify(struct worker *w, long fd, uint64_t *buffer, const uint32_t *versions, uint64_t first,
                   uint64_t block, uint64_t count)
{
    transfer(w, fd, 0, buffer, first + block, count);
    for (uint64_t i = 0; i < count; i++) {
        if (versions[block + i] != 0 &&
            differs(buffer + i * (BLOCK / 8), first + block + i, versions[block + i])) {
            uint64_t what[] = {first + block + i, versions[block + i]};

            if (w->wrong++ < 5) {
                say("BLK wrong: block, version", what, 2);
            }
        }
    }
    w->reads++;
}

static void store(struct worker *w, long fd, uint64_t *buffer, uint32_t *versions, uint64_t first,
                  uint64_t block, uint64_t count, uint32_t version)
{
    for (uint64_t i = 0; i < count; i++) {
        fill(buffer + i * (BLOCK / 8), first + block + i, version);
        entry_of(first + block + i)->started = version;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    transfer(w, fd, 1, buffer, first + block, count);
    for (uint64_t i = 0; i < count; i++) {
        struct entry *entry = entry_of(first + block + i);

        versions[block + i] = version;
        entry->crc = crc_of(buffer + i * (BLOCK / 8));
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        entry->acknowledged = version;
    }
    w->writes++;
}

static void work(unsigned index, const char *device, uint64_t blocks)
{
    struct worker *w = &workers[index];
    uint64_t first = index * blocks, random = index + 1;
    uint32_t *versions =
        (uint32_t *)sys_mmap(blocks * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t *buffer = (uint64_t *)sys_mmap((size_t)MOST * BLOCK, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long fd = sys_open(device, O_RDWR | O_DIRECT);

    if (fd < 0) {
        w->failed++;
        return;
    }
    for (uint64_t block = 0; block < blocks; block += MOST) {
        store(w, fd, buffer, versions, first, block, blocks - block < MOST ? blocks - block : MOST, 1);
    }
    for (uint32_t version = 2; now() < deadline && call6(48, -100, (long)"/tmp/stop", 0, 0, 0, 0) != 0;
         version++) {
        uint64_t count, block;

        random = mix(random + version);
        count = random % MOST + 1;
        block = random / 64 % (blocks - count + 1);
        if (random >> 62 != 0) {
            store(w, fd, buffer, versions, first, block, count, version);
        } else {
            verify(w, fd, buffer, versions, first, block, count);
        }
    }
    for (uint64_t block = 0; block < blocks; block += MOST) {
        verify(w, fd, buffer, versions, first, block, blocks - block < MOST ? blocks - block : MOST);
    }
    w->sum = 0xcbf29ce484222325;
    for (uint64_t block = 0; block < blocks; block++) {
        w->sum = (w->sum ^ versions[block]) * 0x100000001b3;
    }
}

static void report(unsigned count)
{
    uint64_t numbers[2] = {0, 0}, at = now();

    for (unsigned i = 0; i < count; i++) {
        uint64_t started = workers[i].started;

        numbers[0] += workers[i].writes + workers[i].reads;
        if (workers[i].slowest > numbers[1]) {
            numbers[1] = workers[i].slowest;
        }
        if (started != 0 && at > started && at - started > numbers[1]) {
            numbers[1] = at - started;
        }
        workers[i].slowest = 0;
    }
    say("BLK now", numbers, 2);
}

void begin(long *stack);
void begin(long *stack)
{
    const char *const *arguments = (const char *const *)(stack + 1);
    uint64_t blocks, count, left;

    if (stack[0] != 5) {
        sys_exit(2);
    }
    count = number(arguments[4]);
    count = count < 1 ? 1 : count > MAX_WORKERS ? MAX_WORKERS : count;
    blocks = number(arguments[2]) * 256 / count;
    deadline = now() + number(arguments[3]) * 1000000;
    make_table(blocks * count);
    workers = (struct worker *)sys_mmap(4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < count; i++) {
        if (call6(220, SIGCHLD, 0, 0, 0, 0, 0) == 0) {
            work(i, arguments[1], blocks);
            sys_exit(0);
        }
    }
    left = count;
    while (left != 0) {
        int64_t tick[2] = {0, TICK_US * 1000};

        call6(115, CLOCK_MONOTONIC, 0, (long)tick, 0, 0, 0);
        report((unsigned)count);
        while (left != 0 && call6(260, -1, 0, 1, 0, 0, 0) > 0) {
            left--;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        uint64_t numbers[] = {i,
                              workers[i].writes,
                              workers[i].reads,
                              workers[i].bytes,
                              workers[i].wrong,
                              workers[i].failed,
                              workers[i].sum};

        say("BLK worker, writes, reads, bytes, wrong, failed, sum", numbers, 7);
    }
    sys_exit(0);
}

__asm__(".globl _start\n_start: mov x0, sp\n    mov x29, xzr\n    b begin\n");
