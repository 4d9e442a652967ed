/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Lines of text on the domain's console. %s text, %u number, %x number in hexadecimal; numbers have 64 bits,
 * whatever their type is: the macros see to that. At most four of them. */
#ifndef RUNTIME_LOG_H
#define RUNTIME_LOG_H

#include <stdarg.h>
#include <stdint.h>

void log_begin(const char *text);
void log_put(const char *format, const uint64_t *values);
void log_end(void);
/* The last line that was written, once more. */
void log_repeat(void);

#define LOG_VALUES_(a, b, c, d, e, ...)                                           \
    (const uint64_t[])                                                            \
    {                                                                             \
        (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e) \
    }
#define log_add(format, ...) log_put(format, LOG_VALUES_(__VA_ARGS__ __VA_OPT__(, ) 0, 0, 0, 0, 0, 0))
#define log_line(...)         \
    do {                      \
        log_begin("");        \
        log_add(__VA_ARGS__); \
        log_end();            \
    } while (0)

#endif
