/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/events.h"

#include <stdint.h>

#include "runtime/crash.h"
#include "runtime/gic.h"
#include "runtime/hypercall.h"
#include "runtime/loop.h"
#include "runtime/memory.h"

enum { UPCALL_INTID = 31, WORDS = 64 };

/* The page that the hypervisor shares with the domain. vCPU 0 is told in the words at its beginning. */
struct shared_info {
    uint8_t upcall_pending;
    uint8_t reserved[7];
    uint64_t selector; /* words of `pending` to look at */
    uint8_t reserved2[32];
    uint64_t pending[WORDS], mask[WORDS];
};

/* Who is told of ports [first, first + ports). */
struct handler {
    struct handler *next;
    uint32_t first, ports;
    struct source *source;
};

static volatile struct shared_info *shared;
static struct handler *handlers;

void event_handle(uint32_t first, uint32_t ports, struct source *source)
{
    struct handler *handler = arena_alloc(sizeof *handler, _Alignof(struct handler), "event handlers");

    *handler = (struct handler){handlers, first, ports, source};
    handlers = handler;
}

static void handle(uint32_t port)
{
    for (const struct handler *handler = handlers; handler != NULL; handler = handler->next) {
        if (port - handler->first < handler->ports) {
            source_ready(handler->source);
        }
    }
}

/* A port that becomes pending while this runs sets the selector again, or is seen here. */
static void look(uint64_t words)
{
    while (words != 0) {
        uint32_t word = (uint32_t)__builtin_ctzll(words);
        uint64_t bits = __atomic_exchange_n(&shared->pending[word], 0, __ATOMIC_ACQ_REL);

        words &= words - 1;
        for (; bits != 0; bits &= bits - 1) {
            handle(word * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
}

static void upcall(void *context)
{
    (void)context;
    __atomic_store_n(&shared->upcall_pending, 0, __ATOMIC_SEQ_CST);
    look(__atomic_exchange_n(&shared->selector, 0, __ATOMIC_ACQ_REL));
}

void events_look(void)
{
    __atomic_store_n(&shared->upcall_pending, 0, __ATOMIC_SEQ_CST);
    look(UINT64_MAX);
}

void events_start(void)
{
    shared = arena_alloc(4096, 4096, "shared_info");
    if (map_shared_info((uintptr_t)shared) != 0) {
        crash("shared_info is refused", "");
    }
    gic_handle(UPCALL_INTID, false, upcall, NULL);
}
