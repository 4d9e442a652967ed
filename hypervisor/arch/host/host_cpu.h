/* SPDX-License-Identifier: Apache-2.0 */
/* What stands for the processor in a plain process: system registers by name, barriers. Included by
 * arch/arm64/sysreg.h. A register that was written has its effect (on translation, traps, timers) only after
 * an ISB, as the architecture allows at worst. */
#ifndef ARCH_HOST_CPU_H
#define ARCH_HOST_CPU_H

#include "base/types.h"

struct host_register;

struct host_register *host_register(const char *name);
uint64_t host_sysreg_read(struct host_register *reg);
void host_sysreg_write(struct host_register *reg, uint64_t value);
void host_isb(void);
void host_dsb(const char *option);
void host_wfi(void);

#define HOST_REGISTER_(name)               \
    ({                                     \
        static struct host_register *reg_; \
        if (reg_ == NULL) {                \
            reg_ = host_register(#name);   \
        }                                  \
        reg_;                              \
    })
#define READ_SYSREG(name)         host_sysreg_read(HOST_REGISTER_(name))
#define WRITE_SYSREG(name, value) host_sysreg_write(HOST_REGISTER_(name), (uint64_t)(value))

#define isb()    host_isb()
#define dsb(opt) host_dsb(#opt)
#define wfi()    host_wfi()

#endif
