/* SPDX-License-Identifier: Apache-2.0 */
/* What single cores need. The one place that looks at MIDR_EL1. */
#ifndef ARCH_ERRATA_H
#define ARCH_ERRATA_H

#include "base/types.h"

enum branch_mitigation { MITIGATE_NOTHING, MITIGATE_LOOP, MITIGATE_CLRBHB, MITIGATE_FIRMWARE };

/* Against branch target and branch history injection from a guest (CVE-2017-5715, CVE-2022-23960): what a
 * core needs when it enters EL2. `midr` and the ID registers are its own; `firmware`: SMCCC_ARCH_WORKAROUND_3
 * is there. */
enum branch_mitigation errata_mitigation(uint64_t midr, uint64_t pfr0, uint64_t mmfr1, uint64_t isar2,
                                         bool firmware);

/* Sets VBAR_EL2 of this pCPU accordingly, and errata_repeat_tlbi if one of the pCPUs needs it. */
void errata_choose_vectors(bool firmware);

/* CVE-2025-10263: on these cores TLBI and DSB have to be executed twice before a page may go to somebody
 * else. */
extern bool errata_repeat_tlbi;

#endif
