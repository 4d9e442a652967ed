/* SPDX-License-Identifier: Apache-2.0 */
/* The machine itself, through the firmware's PSCI (DEN0022). */
#ifndef CORE_POWER_H
#define CORE_POWER_H

#include "base/types.h"

void power_init(bool use_hvc);
/* SMCCC call to the firmware with the conduit of the host device tree; returns x0. */
uint64_t firmware_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
/* The whole of it: x0 to x3 of the answer in results. */
void firmware_call4(uint64_t function, const uint64_t arguments[6], uint64_t results[4]);
/* Starts another pCPU at a PA with its argument; 0 or a PSCI error. */
int64_t power_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t argument);
void power_off(void) __attribute__((noreturn));
void power_reset(void) __attribute__((noreturn));

#endif
