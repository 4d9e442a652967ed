/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* PL011 (DDI 0183) and the SBSA generic UART as a terminal. Its rate was set by the firmware. */
#include <stdbool.h>
#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/drivers/terminals.h"
#include "runtime/gic.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { DATA = 0, FLAGS = 0x18, CONTROL = 0x30, MASK = 0x38, CLEAR = 0x44 };
enum { RX_EMPTY = 1 << 4, TX_FULL = 1 << 5 };
enum { ENABLE = 1, TX_ENABLE = 1 << 8, RX_ENABLE = 1 << 9 };
enum { INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RX_TIMEOUT = 1 << 6 };
enum { PIECE = 32, RETRY_MS = 2 };

struct pl011 {
    struct text text;
    struct alarm alarm; /* in case no interrupt says that there is room, or input */
    uintptr_t base;
    uint32_t mask;
};

static void set_mask(struct pl011 *uart, uint32_t mask)
{
    if (mask != uart->mask) {
        uart->mask = mask;
        write32(uart->base + MASK, mask);
    }
}

/* The interrupt for room comes when the FIFO runs low, which it has to be filled for. */
static uint32_t put(struct text *text, const uint8_t *data, uint32_t length)
{
    struct pl011 *uart = text->user;
    uint32_t done = 0;

    while (done < length && (read32(uart->base + FLAGS) & TX_FULL) == 0) {
        write32(uart->base + DATA, data[done++]);
    }
    if (done < length) {
        set_mask(uart, INT_RX | INT_RX_TIMEOUT | INT_TX);
        alarm_set(&uart->alarm, ticks_now() + RETRY_MS * ticks_per_ms());
    }
    return done;
}

static void tell_room(struct pl011 *uart)
{
    if ((uart->mask & INT_TX) != 0) {
        set_mask(uart, INT_RX | INT_RX_TIMEOUT);
        uart->text.ready(&uart->text);
    }
}

/* Who types faster than this reads is read on soon: no interrupt may come for what then waits, because QEMU's
 * comes with the first byte of an empty FIFO only. */
static void receive(struct pl011 *uart)
{
    uint8_t bytes[PIECE];
    uint32_t nr = 0;

    while (nr < PIECE && (read32(uart->base + FLAGS) & RX_EMPTY) == 0) {
        bytes[nr++] = (uint8_t)read32(uart->base + DATA);
    }
    if (nr > 0) {
        uart->text.input(&uart->text, bytes, nr);
    }
    if (nr == PIECE) {
        alarm_set(&uart->alarm, ticks_now());
    }
}

static void on_alarm(struct source *source)
{
    struct pl011 *uart = (struct pl011 *)((uintptr_t)source - offsetof(struct pl011, alarm));

    receive(uart);
    tell_room(uart);
}

/* Cleared before it looks: what comes after that interrupts again. */
static void interrupt(void *context)
{
    struct pl011 *uart = context;

    write32(uart->base + CLEAR, INT_RX | INT_RX_TIMEOUT | INT_TX);
    receive(uart);
    if ((read32(uart->base + FLAGS) & TX_FULL) == 0) {
        tell_room(uart);
    }
}

struct text *pl011_start(void)
{
    tree_node node = tree_find(TREE_NONE, "arm,pl011");
    bool edge, sbsa = node == TREE_NONE;
    struct pl011 *uart;
    uint32_t intid;

    if (sbsa) {
        node = tree_find(TREE_NONE, "arm,sbsa-uart");
    }
    if (node == TREE_NONE) {
        return NULL;
    }
    uart = arena_alloc(sizeof *uart, 16, "the terminal");
    uart->base = tree_number(node, "reg", 0, 2, 0);
    intid = gic_intid(node, &edge);
    if (uart->base == 0 || intid == 0) {
        crash("no registers or interrupt: ", tree_name(node));
    }
    memory_map(uart->base, 0x1000, MEMORY_DEVICE);
    uart->text.user = uart;
    uart->text.put = put;
    uart->alarm.source.run = on_alarm;
    if (!sbsa) {
        write32(uart->base + CONTROL, ENABLE | TX_ENABLE | RX_ENABLE);
    }
    write32(uart->base + CLEAR, 0x7ff);
    log_line("terminal: %s", tree_name(node));
    set_mask(uart, INT_RX | INT_RX_TIMEOUT);
    gic_handle(intid, edge, interrupt, uart);
    alarm_set(&uart->alarm, ticks_now()); /* what was typed while nobody was here interrupts no more */
    return &uart->text;
}
