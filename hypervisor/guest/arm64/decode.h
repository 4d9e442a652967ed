/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores for which the processor gives no syndrome (ESR_ELx.ISV = 0): those with write-back. */
#ifndef GUEST_DECODE_H
#define GUEST_DECODE_H

#include "base/types.h"

struct vcpu;

struct decoded_access {
    unsigned size; /* bytes */
    unsigned rt;
    unsigned rn; /* base register, 31 = SP */
    bool write, sign, sf;
    int32_t writeback; /* added to rn after the access */
};

/* LDR, LDRB, LDRH, LDRS*, STR, STRB, STRH (immediate, pre- and post-index), Arm ARM C4.1.94. False: another
 * instruction. */
bool decode_instruction(uint32_t instruction, struct decoded_access *access);

/* The instruction at which the resident vCPU stopped, read through its own translation. False: it cannot be
 * read. */
bool decode_fetch(struct vcpu *vcpu, uint32_t *instruction);

/* Write-back to the base register; the access itself is done. */
void decode_write_back(struct vcpu *vcpu, const struct decoded_access *access);

#endif
