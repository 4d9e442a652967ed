/* SPDX-License-Identifier: Apache-2.0 */
/* A frontend that has its backend reach for what it has not granted, in each way once, on its first disk.
 * Before and after each, an honest request is answered (the control). "GRANT" begins each line. */
#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/confined.h"
#include "runtime/drivers/virtio.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum {
    PAGE = 4096,
    STATUS = 0x70,
    ALL_OK = 15,
    NEEDS_RESET = 64,
    WAIT_MS = 2000,
    QUEUE = 8,
    UNTOUCHED = 0x5a
};
enum { PERMIT_ACCESS = 1, READ_ONLY = 4, READING = 8, WRITING = 16 };

static struct {
    uint32_t type, reserved;
    uint64_t sector;
} *header;
static uint8_t *hidden, *data, *spare, *status;
static struct virtio_queue *queue;
static uintptr_t base;
static uint32_t attempts, blocked, controls;

static void start(void)
{
    tree_node node;

    base = virtio_find(VIRTIO_BLOCK, 0, &node);
    if (base == 0) {
        crash("there is no disk", "");
    }
    (void)virtio_negotiate(base, 0);
    memset(queue, 0, sizeof *queue);
    virtio_queue_start(queue, base, 0, QUEUE);
    virtio_queue_quieten(queue, 0, true);
    DSB();
    write32(base + STATUS, ALL_OK); /* it looks itself: no interrupt is used */
}

/* A read of one page into `address`, which is one of the device's: it is answered, or the device wants to be
 * reset, or neither. */
static bool read_into(uint64_t address, uint32_t *length)
{
    const struct virtio_piece pieces[] = {
        {header, 16, false},
        {(const void *)(uintptr_t)(address - virtio_offset), PAGE, true},
        {status, 1, true},
    };
    uint64_t end = ticks_now() + WAIT_MS * ticks_per_ms();

    *status = 0xff;
    (void)virtio_add(queue, pieces, 3);
    while (ticks_now() < end && (read32(base + STATUS) & NEEDS_RESET) == 0) {
        if (virtio_used(queue, length) >= 0) {
            return *status == 0;
        }
    }
    return false;
}

static uint64_t address_of(const void *page)
{
    return (uintptr_t)page + virtio_offset;
}

static void control(const char *when)
{
    uint32_t length = 0;

    memset(data, UNTOUCHED, PAGE);
    if (!read_into(address_of(data), &length) || length != PAGE + 1 || data[0] == UNTOUCHED) {
        crash("an honest request fails ", when);
    }
    controls++;
}

/* Two pages that it may not have as it wants them keep what they hold. */
static void attempt(const char *what, uint64_t address)
{
    uint32_t length = 0;
    bool answered, asked;

    attempts++;
    memset(hidden, UNTOUCHED, PAGE);
    memset(spare, UNTOUCHED, PAGE);
    answered = read_into(address, &length);
    asked = (read32(base + STATUS) & NEEDS_RESET) != 0;
    for (uint32_t i = 0; i < PAGE; i++) {
        answered = answered || hidden[i] != UNTOUCHED || spare[i] != UNTOUCHED;
    }
    blocked += !answered && asked;
    log_line("GRANT %s: %s", what, answered ? "REACHED" : asked ? "needs reset" : "no answer");
    start();
    control(what);
}

void domain_start(void)
{
    volatile struct confined_entry *entry;
    struct confined_entry before;

    confined_start();
    header = arena_alloc(PAGE, PAGE, "a request");
    data = arena_alloc(PAGE, PAGE, "a request");
    spare = arena_alloc(PAGE, PAGE, "a request");
    status = arena_alloc(PAGE, PAGE, "a request");
    hidden = arena_alloc(PAGE, PAGE, "what is not granted");
    *confined_entry(hidden) = (struct confined_entry){0};
    queue = arena_alloc(sizeof *queue, 16, "a queue");
    header->type = 0;
    header->sector = 0;
    start();
    control("first");
    attempt("never granted", address_of(hidden));
    attempt("beyond the table", UINT64_C(1) << 63 | UINT64_C(0xffffff) << 12);
    attempt("no reference", UINT64_C(1) << 63 | UINT64_C(1) << 50);
    attempt("its own address", (uintptr_t)hidden);
    entry = confined_entry(spare);
    before = *entry;
    entry->flags = PERMIT_ACCESS | READ_ONLY;
    attempt("read-only", address_of(spare));
    entry->flags = PERMIT_ACCESS;
    entry->domid = 999;
    attempt("another domain's", address_of(spare));
    entry->domid = before.domid;
    entry->flags = 0;
    attempt("revoked", address_of(spare));
    entry->flags = before.flags;
    entry->frame = 0xfffff;
    attempt("not its RAM", address_of(spare));
    entry->frame = before.frame;
    attempt("across the end", address_of(spare) + 2 * UINT64_C(0x10000000) - 8);
    /* A page is in use as long as its request is, and not longer. */
    control("last");
    if ((confined_entry(data)->flags & (READING | WRITING)) != 0) {
        crash("a page is in use after its request", "");
    }
    log_line("GRANT attempts=%u blocked=%u controls=%u", attempts, blocked, controls);
    log_line("GUEST DONE");
}
