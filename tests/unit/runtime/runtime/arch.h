/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the runtime's own, for the build machine. */
#ifndef RUNTIME_ARCH_H
#define RUNTIME_ARCH_H

#include <stdint.h>

#define DSB() __atomic_thread_fence(__ATOMIC_SEQ_CST)

void write32(uintptr_t at, uint32_t value);
uint32_t read32(uintptr_t at);

#endif
