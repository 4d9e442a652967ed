/* SPDX-License-Identifier: Apache-2.0 */
/* What the lower floors may know of the pCPU they run on. */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include "arch/arm64/sysreg.h"

#define PCPU_INDEX_OFFSET 24u /* of struct pcpu, to which TPIDR_EL2 points */

static inline unsigned this_pcpu_index(void)
{
    return *(const uint32_t *)(READ_SYSREG(tpidr_el2) + PCPU_INDEX_OFFSET);
}

#endif
