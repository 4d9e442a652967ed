/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the hypervisor. One call is one line of at most PRINT_LINE_MAX characters (longer ones are
 * cut); do not write a newline. The console shows it as "(BH) text". Formats: see core/format.h.
 *
 * A message goes to the log ring first, and from there to the UART when it has room: print() never waits for
 * the UART, may be called on any pCPU with interrupts masked, and before the console exists. */
#ifndef CORE_PRINT_H
#define CORE_PRINT_H

#include "base/types.h"

#define PRINT_LINE_MAX 200u

void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For the pCPU that handles a fault of the hypervisor itself, after the others were stopped: takes no lock
 * and waits for the UART (bounded, in case the UART is dead). Messages that were not yet sent go first. From
 * the first call on, the console is this pCPU's. */
void print_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
