// SPDX-License-Identifier: Apache-2.0
#include "pci.h"

enum { FUNCTIONS = 256, FUNCTION_BYTES = 4096, WINDOW_32 = 2, BAR_BYTES = 0x100000 };
enum { EDU_ID = 0x11e81234, EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_BYTES = 0x90, EDU_COMMAND = 0x98 };
enum { EDU_START = 1, EDU_OUT = 2, EDU_BUFFER = 0x40000 };

static int bridge(void)
{
    return fdt_compatible("pci-host-ecam-generic", -1);
}

uint64_t pci_find(uint32_t id)
{
    uint64_t base, size;

    if (bridge() < 0 || !fdt_reg(bridge(), 0, &base, &size)) {
        return 0;
    }
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        if (read32(base + i * FUNCTION_BYTES) == id) {
            return base + i * FUNCTION_BYTES;
        }
    }
    return 0;
}

/* The address that the processor uses for the first 32-bit window, where the bus uses the same. */
static uint64_t window(void)
{
    uint32_t length;
    const uint8_t *ranges = fdt_prop(bridge(), "ranges", &length);

    for (uint32_t at = 0; ranges && at + 28 <= length; at += 28) {
        if (be32(ranges + at) / (1u << 24) % 4 == WINDOW_32) {
            return be64(ranges + at + 12);
        }
    }
    return 0;
}

uint64_t pci_enable(uint64_t config)
{
    uint64_t at = (window() + BAR_BYTES - 1) / BAR_BYTES * BAR_BYTES;

    write32(config + PCI_BAR0, (uint32_t)at);
    write32(config + PCI_COMMAND, PCI_MEMORY | PCI_MASTER);
    return at;
}

bool edu_find(struct edu *edu)
{
    edu->config = pci_find(EDU_ID);
    if (edu->config == 0) {
        return false;
    }
    edu->registers = pci_enable(edu->config);
    return read32(edu->registers) % 256 == 0xed;
}

void edu_begin(const struct edu *edu, uint64_t address, uint32_t bytes, bool out)
{
    dsb();
    write64(edu->registers + EDU_SOURCE, out ? EDU_BUFFER : address);
    write64(edu->registers + EDU_TARGET, out ? address : EDU_BUFFER);
    write64(edu->registers + EDU_BYTES, bytes);
    write64(edu->registers + EDU_COMMAND, EDU_START | (out ? EDU_OUT : 0));
}

bool edu_busy(const struct edu *edu)
{
    return (read64(edu->registers + EDU_COMMAND) & EDU_START) != 0;
}

bool edu_copy(const struct edu *edu, uint64_t address, uint32_t bytes, bool out)
{
    uint64_t end = now() + us_to_ticks(2000000);

    edu_begin(edu, address, bytes, out);
    while (edu_busy(edu)) {
        if (now() > end) {
            return false;
        }
        delay_us(1000);
    }
    dsb();
    return true;
}
