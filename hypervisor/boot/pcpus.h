/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_PCPUS_H
#define BOOT_PCPUS_H

#include "boot/host.h"
#include "boot/plan.h"

/* Memory, stack and GIC registers of every pCPU in the mask and of this one. False: a message says why. */
bool pcpus_prepare(const struct host *host, struct arena *arena, uint32_t mask);
/* After the heap has its final size: own tables for each, then the firmware starts the others. Returns when
 * all are up. */
bool pcpus_start(void);

#endif
