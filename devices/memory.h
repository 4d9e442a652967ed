/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a backend sees of its frontend's memory. */
#ifndef DEVICES_MEMORY_H
#define DEVICES_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* [address, address + size) of the frontend lies at `local`. */
struct dev_window {
    uint64_t address, size;
    uint8_t *local;
};

struct dev_memory {
    const struct dev_window *windows;
    uint32_t nr;
};

/* Where [address, address + length) lies, which must be inside one window; else NULL. Nothing is believed of
 * either number. */
static inline uint8_t *dev_memory_at(const struct dev_memory *memory, uint64_t address, uint64_t length)
{
    /*@ loop invariant 0 <= i <= memory->nr;
        loop assigns i;
        loop variant memory->nr - i; */
    for (uint32_t i = 0; i < memory->nr; i++) {
        const struct dev_window *window = &memory->windows[i];
        uint64_t offset = address - window->address;

        if (address >= window->address && offset < window->size && length <= window->size - offset) {
            return window->local + offset;
        }
    }
    return NULL;
}

#endif
