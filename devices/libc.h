/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The three functions of the C library that this folder uses; a freestanding host brings them. */
#ifndef DEVICES_LIBC_H
#define DEVICES_LIBC_H

#if __STDC_HOSTED__
#include <string.h>
#else
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);
#endif

#endif
