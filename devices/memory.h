/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a backend sees of its frontend's memory. */
#ifndef DEVICES_MEMORY_H
#define DEVICES_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [address, address + size) of the frontend lies at `local`. */
struct dev_window {
    uint64_t address, size;
    uint8_t *local;
};

/* Memory of the frontend that the host maps for the length of a request, because the frontend grants it page
 * by page. What is mapped belongs to an owner (a queue) and a part of it (a head, or the rings). Local
 * addresses are given first and mean something after commit(), so that the host maps many at once. */
#define DEV_MAPPER_RINGS 0x10000u
struct dev_mapper {
    bool full; /* why the last place() gave NULL: there will be room when others have released */
    /* What comes belongs to that part; what it had is released. */
    void (*begin)(struct dev_mapper *mapper, const void *owner, uint32_t part);
    /* Local address of the `length` bytes (not 0) at `address`, for reading only unless `write`; or NULL. */
    uint8_t *(*place)(struct dev_mapper *mapper, uint64_t address, uint64_t length, bool write);
    /* Everything placed since the last call is mapped. False: the frontend has not granted all of it. */
    bool (*commit)(struct dev_mapper *mapper);
    /* Unmaps what these heads have, or (heads NULL) all that the owner has, the rings included. */
    void (*release)(struct dev_mapper *mapper, const void *owner, const uint16_t *heads, uint32_t count);
};

struct dev_memory {
    const struct dev_window *windows;
    uint32_t nr;
    struct dev_mapper *mapper; /* then there are no windows; or NULL */
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

static inline uint8_t *dev_memory_place(const struct dev_memory *memory, uint64_t address, uint64_t length,
                                        bool write)
{
    struct dev_mapper *mapper = memory->mapper;

    return mapper == NULL ? dev_memory_at(memory, address, length)
                          : mapper->place(mapper, address, length, write);
}

static inline bool dev_memory_commit(const struct dev_memory *memory)
{
    return memory->mapper == NULL || memory->mapper->commit(memory->mapper);
}

#endif
