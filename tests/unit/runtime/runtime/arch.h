/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the runtime's own, for the build machine. */
#ifndef RUNTIME_ARCH_H
#define RUNTIME_ARCH_H

#include <stdint.h>

#define DSB()                     __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define ISB()                     DSB()
#define WFI()                     wfi()
#define READ_SYSREG(name)         read_sysreg(#name)
#define WRITE_SYSREG(name, value) write_sysreg(#name, value)

void wfi(void);
uint64_t read_sysreg(const char *name);
void write_sysreg(const char *name, uint64_t value);

void write32(uintptr_t at, uint32_t value);
uint32_t read32(uintptr_t at);

#endif
