/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree of the hardware domain is the host's, less what it does not get and what is generated anew.
 */
#ifndef BOOT_HARDWARE_FDT_H
#define BOOT_HARDWARE_FDT_H

#include "boot/fdt_write.h"
#include "boot/guest_fdt.h"

/* Writes the root, which stays open, and below it the host's nodes. Left out: /chosen, /cpus, memory and PSCI
 * nodes, which the caller writes; the hypervisor's UART, performance counters, nodes with xen,passthrough,
 * and in->hidden. The interrupt controller keeps only the registers that a guest has. True: the host's
 * /reserved-memory was written last and stays open too, because the domain has shared memory. */
bool hardware_fdt_copy(struct fdt_writer *writer, const struct guest_fdt_input *in);

#endif
