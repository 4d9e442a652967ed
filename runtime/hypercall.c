/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/hypercall.h"

#include "runtime/arch.h"

enum {
    MEMORY_OP = 12,
    CONSOLE_IO = 18,
    GRANT_TABLE_OP = 20,
    SCHED_OP = 29,
    EVENT_CHANNEL_OP = 32,
    DM_OP = 41
};
enum { ADD_TO_PHYSMAP = 7, SHUTDOWN = 2, WATCHDOG = 6, SEND = 4, SET_SERVER_STATE = 5 };
enum { REASON_CRASH = 3, DOMID_SELF = 0x7ff0 };

static int64_t hypercall(uint64_t number, uint64_t a0, const void *a1, const void *a2)
{
    register uint64_t x0 __asm__("x0") = a0;
    register const void *x1 __asm__("x1") = a1;
    register const void *x2 __asm__("x2") = a2;
    register uint64_t x16 __asm__("x16") = number;

    /* Arguments may come back changed: calls that go on in pieces keep their progress in them. */
    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16) : : "x3", "x4", "memory");
    return (int64_t)x0;
}

void console_write(const char *text, uint32_t length)
{
    (void)hypercall(CONSOLE_IO, 0, (const void *)(uintptr_t)length, text);
}

/* Space 0: shared_info, 1: the grant table. */
static int64_t add_to_physmap(uint32_t space, uint64_t index, uint64_t address)
{
    const struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t index, frame;
    } arg = {DOMID_SELF, 0, space, index, address / 4096};

    return hypercall(MEMORY_OP, ADD_TO_PHYSMAP, &arg, 0);
}

int64_t map_shared_info(uint64_t address)
{
    return add_to_physmap(0, 0, address);
}

int64_t map_grant_frame(uint32_t index, uint64_t address)
{
    return add_to_physmap(1, index, address);
}

int64_t event_send(uint32_t port)
{
    return hypercall(EVENT_CHANNEL_OP, SEND, &port, 0);
}

int64_t serve(uint16_t frontend, uint16_t server, uint32_t enabled)
{
    const struct {
        uint32_t op, pad;
        uint16_t server;
        uint8_t enabled, pad2;
        uint32_t rest[5];
    } arg = {SET_SERVER_STATE, 0, server, (uint8_t)enabled, 0, {0}};
    const struct {
        const void *at;
        uint64_t size;
    } buffer = {&arg, sizeof arg};

    return hypercall(DM_OP, frontend, (const void *)1, &buffer);
}

int64_t grant_table_op(uint32_t command, void *operations, uint32_t count)
{
    return hypercall(GRANT_TABLE_OP, command, operations, (const void *)(uintptr_t)count);
}

int64_t watchdog(uint32_t id, uint32_t seconds)
{
    const uint32_t arg[2] = {id, seconds};

    return hypercall(SCHED_OP, WATCHDOG, arg, 0);
}

_Noreturn void shutdown_crash(void)
{
    const uint32_t reason = REASON_CRASH;

    for (;;) {
        (void)hypercall(SCHED_OP, SHUTDOWN, &reason, 0);
    }
}
