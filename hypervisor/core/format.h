/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's small printf. It depends on nothing, so that boot code on the build machine can use it
 * too. */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <stdarg.h>

#include "base/types.h"

/* Writes at most size - 1 characters and a NUL; size is at least 1. Understands %s %c %d %u %x, %ld %lu %lx
 * (64 bit) and %%; no widths. A NULL string is "(null)". Returns the number of characters written, without
 * the NUL. */
size_t format_text(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
size_t format_line(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
