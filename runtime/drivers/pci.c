/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/drivers/pci.h"

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/memory.h"

enum {
    COMMAND = 0x04,
    HEADER = 0x0c, /* its third byte */
    BARS = 0x10,
    CAPABILITIES = 0x34,
    PIN = 0x3c, /* its second byte */
};
enum { MEMORY = 2, MASTER = 4, NO_INTX = 0x400, HAS_LIST = 1u << 20, NR_BARS = 6 };
enum { BAR_IO = 1, BAR_64 = 4, WINDOW_32 = 2 };
enum { FUNCTIONS = 256, FUNCTION_BYTES = 4096, MAX_CAPABILITIES = 48 };
enum { RANGE_CELLS = 7, MAP_CELLS = 8 }; /* the interrupt controller of a domain has no address cells */

/* What is left of the window of the bridge that was looked at last. */
static struct {
    tree_node bridge;
    bool known;
    uint64_t bus, offset, end; /* the processor's addresses are the bus's plus offset */
} window;

static uint32_t read_at(const struct pci_function *function, uint32_t offset)
{
    return read32(function->registers + offset);
}

uint32_t pci_id(const struct pci_function *function)
{
    return read_at(function, 0);
}

/* The first range of 32-bit memory. */
static void open_window(tree_node bridge)
{
    window.bridge = bridge;
    window.known = true;
    window.bus = window.end = 0;
    for (uint32_t at = 0; tree_number(bridge, "ranges", at, 1, 0) != 0; at += RANGE_CELLS) {
        if ((tree_number(bridge, "ranges", at, 1, 0) >> 24) % 4 == WINDOW_32) {
            window.bus = tree_number(bridge, "ranges", at + 1, 2, 0);
            window.offset = tree_number(bridge, "ranges", at + 3, 2, 0) - window.bus;
            window.end = window.bus + tree_number(bridge, "ranges", at + 5, 2, 0);
            return;
        }
    }
}

static bool is_there(struct pci_function *function)
{
    uintptr_t base = tree_number(function->bridge, "reg", 0, 2, 0);

    function->registers = base + function->number * FUNCTION_BYTES;
    return base != 0 && pci_id(function) != UINT32_MAX;
}

/* Neither registers nor DMA; addresses of a former life are no places of this one. */
static void quieten(const struct pci_function *function)
{
    write32(function->registers + COMMAND, NO_INTX);
    for (uint32_t i = 0; (read_at(function, HEADER) >> 16 & 127) == 0 && i < NR_BARS; i++) {
        write32(function->registers + BARS + 4 * i, 0);
    }
}

static void begin(tree_node bridge)
{
    struct pci_function function = {.bridge = bridge};

    memory_map(tree_number(bridge, "reg", 0, 2, 0), FUNCTIONS * FUNCTION_BYTES, MEMORY_DEVICE);
    open_window(bridge);
    for (; function.number < FUNCTIONS; function.number++) {
        if (is_there(&function)) {
            quieten(&function);
        }
    }
}

bool pci_next(struct pci_function *function)
{
    function->number++;
    for (;;) {
        for (; function->bridge != TREE_NONE && function->number < FUNCTIONS; function->number++) {
            if (is_there(function)) {
                return true;
            }
        }
        function->number = 0;
        function->bridge = tree_find(function->bridge, "pci-host-ecam-generic");
        if (function->bridge == TREE_NONE) {
            return false;
        }
        if (!window.known || function->bridge != window.bridge) {
            begin(function->bridge);
        }
    }
}

uint32_t pci_capability(const struct pci_function *function, uint32_t kind, uint32_t after)
{
    uint32_t at =
        (after == 0 ? read_at(function, CAPABILITIES) : read_at(function, after) >> 8) % 256 / 4 * 4;

    if ((read_at(function, COMMAND) & HAS_LIST) == 0) {
        return 0;
    }
    for (uint32_t n = 0; at != 0 && n < MAX_CAPABILITIES; n++) {
        if (read_at(function, at) % 256 == kind) {
            return at;
        }
        at = read_at(function, at) >> 8 & 0xfc;
    }
    return 0;
}

static uint64_t place(uintptr_t bar, uint32_t kind)
{
    uint64_t size, at;

    write32(bar, UINT32_MAX);
    size = (uint32_t)-(read32(bar) & ~15u);
    at = size == 0 ? window.end : (window.bus + size - 1) / size * size;
    if (size == 0 || size > window.end || at > window.end - size) {
        crash("no place for the registers of a PCI function", "");
    }
    write32(bar, (uint32_t)at);
    if ((kind & BAR_64) != 0) {
        write32(bar + 4, 0);
    }
    window.bus = at + size;
    memory_map(at + window.offset, size, MEMORY_DEVICE);
    return at;
}

uintptr_t pci_registers(const struct pci_function *function, uint32_t index)
{
    uintptr_t bar = function->registers + BARS + 4 * index;
    uint32_t value = index < NR_BARS ? read32(bar) : BAR_IO;

    if ((value & BAR_IO) != 0) {
        crash("registers of a PCI function are no memory", "");
    }
    return (value & ~15u) + window.offset + ((value & ~15u) == 0 ? place(bar, value) : 0);
}

void pci_enable(const struct pci_function *function)
{
    write32(function->registers + COMMAND, MEMORY | MASTER);
}

/* Entries: address (3 cells), pin, controller, interrupt (3 cells: kind, number, flags). */
uint32_t pci_intid(const struct pci_function *function, bool *edge)
{
    uint64_t mask = tree_number(function->bridge, "interrupt-map-mask", 0, 1, 0);
    uint32_t pin = read_at(function, PIN) >> 8 & 255;
    uint64_t number;

    for (uint32_t at = 0; pin != 0; at += MAP_CELLS) {
        number = tree_number(function->bridge, "interrupt-map", at + 6, 1, UINT64_MAX);
        if (number > 988) {
            break;
        }
        if (tree_number(function->bridge, "interrupt-map", at, 1, 0) ==
                ((uint64_t)function->number << 8 & mask) &&
            tree_number(function->bridge, "interrupt-map", at + 3, 1, 0) == pin) {
            *edge = tree_number(function->bridge, "interrupt-map", at + 7, 1, 0) % 4 != 0;
            return (uint32_t)number + 32;
        }
    }
    return 0;
}
