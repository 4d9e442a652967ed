/* SPDX-License-Identifier: Apache-2.0 */
/* The few memory and string functions that a freestanding program needs. Same contracts as in ISO C. */
#ifndef BASE_STRING_H
#define BASE_STRING_H

#include "base/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

#endif
