/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the runtime's own, for the build machine. */
#ifndef RUNTIME_ARCH_H
#define RUNTIME_ARCH_H

#include <stdint.h>

uint32_t read32(uintptr_t at);
void write32(uintptr_t at, uint32_t value);

#endif
