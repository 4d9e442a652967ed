/* SPDX-License-Identifier: Apache-2.0 */
/* The log ring: every message of the hypervisor, as text. At `bulkhead,log` it survives a warm reset and
 * tools read it from a memory dump.
 *
 * Format, little-endian, 64-bit aligned, from the first byte of the memory:
 *
 *   offset  size  field
 *        0     8  magic      "BHDLOG01"
 *        8     4  size       bytes of `data`
 *       12     4  check      size XOR 0x42484c47
 *       16     8  written    bytes ever written, over all boots
 *       24     8  boots      how often a hypervisor has taken the ring over
 *       32  size  data       byte n of the stream lies at data[n % size]
 *
 * The stream is lines that end in '\n'; the oldest line may be cut. Bytes written - min(written, size) ..
 * written - 1 are there. Each boot begins with a line of its own, "--- boot <boots>". `written` is stored
 * after the bytes it covers.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "base/types.h"

#define LOG_MAGIC        UINT64_C(0x3130474f4c444842) /* "BHDLOG01" */
#define LOG_CHECK        0x42484c47u
#define LOG_DEFAULT_SIZE 16384u
#define LOG_MIN_SIZE     4096u

struct log_header {
    uint64_t magic;
    uint32_t size;
    uint32_t check;
    uint64_t written;
    uint64_t boots;
    uint8_t data[];
};

/* Appends one line without its newline, in one piece (callers on several pCPUs are serialised). Never waits
 * for a device. */
void log_line(const char *text, size_t length);
/* The same without the lock, for a pCPU that runs alone. */
void log_line_unlocked(const char *text, size_t length);

/* Goes on in `memory` of `size` bytes (header included, at least LOG_MIN_SIZE), mapped Normal Non-cacheable,
 * because what only a cache holds does not survive a reset. Keeps what an earlier boot left there if the
 * header is sound and of this size, otherwise formats it; then appends what this boot has logged so far. Call
 * once, on the boot pCPU, and console_log_moved() after it. */
void log_attach(void *memory, size_t size);

/* --- reading the stream --- */
uint64_t log_written(void); /* position after the newest byte */
uint64_t log_oldest(void);  /* position of the oldest byte that is still there */
uint64_t log_boot(void);    /* position of this boot's first byte (or the oldest, when it is gone) */
/* The bytes from `position` on that lie in one piece, and how many. */
const uint8_t *log_bytes(uint64_t position, uint32_t *length);

/* After log_attach(): where the byte that was at `position` is now. */
uint64_t log_moved(uint64_t position);

#endif
