/* SPDX-License-Identifier: Apache-2.0 */
/* A fault of the hypervisor itself: registers and a backtrace, then stop or reset (`bulkhead,on-panic`). */
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

#include "base/types.h"

void panic_set_reset(bool reset);
/* True once some pCPU panicked: the others stop at their next interrupt. */
bool panic_in_progress(void);
void panic_park(void) __attribute__((noreturn));
/* Stops everything after a message has been printed. */
void panic_end(void) __attribute__((noreturn));
/* entry.S: exception at EL2. `vector` is the index in the table, the rest is the state at that point. */
void hypervisor_panic(unsigned vector, uint64_t sp, uint64_t fp, uint64_t lr) __attribute__((noreturn));

#endif
