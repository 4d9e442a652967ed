/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Memory and its translation. Addresses are those of the domain (IPA): the tables map each to itself.
 * Code is read-only, constants are read-only, nothing is writable and executable.
 *
 * All allocation happens before the event loop begins, from the RAM behind the image, and is never undone. */
#ifndef RUNTIME_MEMORY_H
#define RUNTIME_MEMORY_H

#include <stddef.h>
#include <stdint.h>

enum memory_kind { MEMORY_DEVICE, MEMORY_NORMAL };

/* Zeroed memory; `align` is a power of two. Does not return if there is none: `what` is in the report. */
void *arena_alloc(size_t size, size_t align, const char *what);
/* What arena_alloc() could still give in one piece of page alignment. */
size_t arena_left(void);
/* From now on arena_alloc() takes from [base, base + size), which is mapped. */
void arena_move(uint64_t base, uint64_t size);
/* From now on arena_alloc() is an error. */
void arena_close(void);

/* Makes [address, address + size), rounded to pages, readable and writable. Devices are rounded further, to
 * 2 MiB, where nothing else is: the hypervisor says what is there. */
void memory_map(uint64_t address, uint64_t size, enum memory_kind kind);

/* Normal memory only, not registers of devices; before translation is on, only what is aligned (copy.h). */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
