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
    struct alarm alarm; /* there may be room, in case the interrupt does not say so */
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

static void tell_room(struct source *source)
{
    struct pl011 *uart = (struct pl011 *)((uintptr_t)source - offsetof(struct pl011, alarm));

    if ((uart->mask & INT_TX) != 0) {
        set_mask(uart, INT_RX | INT_RX_TIMEOUT);
        uart->text.ready(&uart->text);
    }
}

static void interrupt(void *context)
{
    struct pl011 *uart = context;
    uint8_t bytes[PIECE];
    uint32_t nr = 0;

    write32(uart->base + CLEAR, INT_RX | INT_RX_TIMEOUT | INT_TX);
    while (nr < PIECE && (read32(uart->base + FLAGS) & RX_EMPTY) == 0) {
        bytes[nr++] = (uint8_t)read32(uart->base + DATA);
    }
    if (nr > 0) {
        uart->text.input(&uart->text, bytes, nr);
    }
    if ((read32(uart->base + FLAGS) & TX_FULL) == 0) {
        tell_room(&uart->alarm.source);
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
    uart->alarm.source.run = tell_room;
    if (!sbsa) {
        write32(uart->base + CONTROL, ENABLE | TX_ENABLE | RX_ENABLE);
    }
    write32(uart->base + CLEAR, 0x7ff);
    log_line("terminal: %s", tree_name(node));
    set_mask(uart, INT_RX | INT_RX_TIMEOUT);
    gic_handle(intid, edge, interrupt, uart);
    return &uart->text;
}
