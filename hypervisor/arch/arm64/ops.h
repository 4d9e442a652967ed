/* SPDX-License-Identifier: Apache-2.0 */
/* TLB, cache and address translation instructions by name (Arm ARM D8.14, D7.5, C5.3 to C5.5). None of them
 * waits: a DSB does, and an ISB where this pCPU's next instructions depend on it. On the host a model takes
 * their place. */
#ifndef ARCH_OPS_H
#define ARCH_OPS_H

#include "base/types.h"

#ifdef __aarch64__
#define OP_(name, instruction)                      \
    static inline void name(void)                   \
    {                                               \
        __asm__ volatile(instruction ::: "memory"); \
    }
#define OP_ADDRESS_(name, instruction)                             \
    static inline void name(uint64_t at)                           \
    {                                                              \
        __asm__ volatile(instruction ", %0" ::"r"(at) : "memory"); \
    }
#else
#define OP_(name, instruction)         void name(void);
#define OP_ADDRESS_(name, instruction) void name(uint64_t at);
#endif

OP_(tlbi_alle1, "tlbi alle1")               /* EL1 entries of all VMIDs, this pCPU */
OP_(tlbi_alle2, "tlbi alle2")               /* EL2 entries, this pCPU */
OP_(tlbi_alle2is, "tlbi alle2is")           /* EL2 entries, all pCPUs */
OP_(tlbi_vmalle1, "tlbi vmalle1")           /* EL1 entries of the current VMID, this pCPU */
OP_(tlbi_vmalls12e1is, "tlbi vmalls12e1is") /* both stages of the current VMID, all pCPUs */
OP_(ic_ialluis, "ic ialluis")               /* all instruction caches */
OP_ADDRESS_(tlbi_vae2, "tlbi vae2")         /* EL2 entry, this pCPU; argument: VA / 4096 */
OP_ADDRESS_(tlbi_vae2is, "tlbi vae2is")     /* the same, all pCPUs */
OP_ADDRESS_(dc_cvac, "dc cvac")             /* clean a line to the point of coherency */
OP_ADDRESS_(dc_civac, "dc civac")           /* clean and invalidate */
OP_ADDRESS_(at_s12e1r, "at s12e1r")         /* guest VA, as EL1 reads; the answer is in PAR_EL1 */
OP_ADDRESS_(at_s12e1w, "at s12e1w")         /* as EL1 writes */
OP_ADDRESS_(at_s1e1w, "at s1e1w")           /* as EL1 writes, stage 1 only: the answer is an IPA */

#undef OP_
#undef OP_ADDRESS_

#endif
