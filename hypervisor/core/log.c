/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include "base/spinlock.h"
#include "base/string.h"
#include "core/format.h"

static struct spinlock lock;
static _Alignas(8) uint8_t default_ring[LOG_DEFAULT_SIZE];
static struct log_header *ring;
static uint64_t boot;  /* position of this boot's first byte */
static uint64_t moved; /* added to positions by log_attach() */

static void append(struct log_header *to, const char *text, size_t length)
{
    uint64_t at = to->written % to->size;
    size_t first = min_u64(length, to->size - at);

    memcpy(&to->data[at], text, first);
    memcpy(to->data, text + first, length - first);
    __atomic_store_n(&to->written, to->written + length, __ATOMIC_RELEASE);
}

static void format_ring(struct log_header *header, size_t size)
{
    header->magic = LOG_MAGIC;
    header->size = (uint32_t)(size - sizeof(*header));
    header->check = header->size ^ LOG_CHECK;
    header->written = 0;
    header->boots = 0;
}

static struct log_header *current(void)
{
    if (ring == NULL) {
        ring = (struct log_header *)default_ring;
        format_ring(ring, sizeof(default_ring));
    }
    return ring;
}

static uint64_t oldest(const struct log_header *header)
{
    return header->written - min_u64(header->written, header->size);
}

void log_line_unlocked(const char *text, size_t length)
{
    append(current(), text, length);
    append(current(), "\n", 1);
}

void log_line(const char *text, size_t length)
{
    spin_lock(&lock);
    log_line_unlocked(text, length);
    spin_unlock(&lock);
}

static bool sound(const struct log_header *header, size_t size)
{
    return header->magic == LOG_MAGIC && header->check == (header->size ^ LOG_CHECK) &&
           header->size == size - sizeof(*header);
}

void log_attach(void *memory, size_t size)
{
    struct log_header *to = memory;
    struct log_header *from;
    char text[40];

    spin_lock(&lock);
    from = current();
    if (!sound(to, size)) {
        format_ring(to, size);
    }
    to->boots++;
    boot = to->written;
    append(to, text, format_line(text, sizeof(text), "--- boot %lu\n", to->boots));
    moved = to->written - oldest(from);
    for (uint64_t at = oldest(from); at < from->written; at++) {
        append(to, (const char *)&from->data[at % from->size], 1);
    }
    ring = to;
    spin_unlock(&lock);
}

uint64_t log_written(void)
{
    return __atomic_load_n(&current()->written, __ATOMIC_ACQUIRE);
}

uint64_t log_oldest(void)
{
    uint64_t written = log_written();

    return written - min_u64(written, current()->size);
}

uint64_t log_boot(void)
{
    return max_u64(boot, log_oldest());
}

const uint8_t *log_bytes(uint64_t position, uint32_t *length)
{
    const struct log_header *from = current();
    uint32_t at = (uint32_t)(position % from->size);

    *length = (uint32_t)min_u64(log_written() - position, from->size - at);
    return &from->data[at];
}

uint64_t log_moved(uint64_t position)
{
    return position + moved;
}
