/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/arm64/decode.h"

#include "core/guest_copy.h"
#include "guest/arm64/trap.h"

bool decode_instruction(uint32_t instruction, struct decoded_access *access)
{
    uint32_t opc = (uint32_t)FIELD(instruction, 23, 22), size_log2 = instruction >> 30;
    int32_t imm9 = (int32_t)(FIELD(instruction, 20, 12) ^ 0x100u) - 0x100;

    /* size 111 V=0 00 opc 0 imm9 x1 Rn Rt */
    if ((instruction & 0x3f200400u) != 0x38000400u || (opc >= 2u && size_log2 + opc > 4u)) {
        return false;
    }
    access->size = 1u << size_log2;
    access->rt = instruction % 32u;
    access->rn = (unsigned)FIELD(instruction, 9, 5);
    access->write = opc == 0;
    access->sign = opc >= 2u;
    access->sf = opc == 2u || size_log2 == 3u;
    access->writeback = imm9;
    return access->rn == 31u || access->rn != access->rt; /* else unpredictable */
}

bool decode_fetch(struct vcpu *vcpu, uint32_t *instruction)
{
    uint64_t pc = READ_SYSREG(elr_el2);

    return pc % 4u == 0 && copy_from_guest(vcpu, instruction, (va_t){pc}, sizeof *instruction) == OK;
}

void decode_write_back(struct vcpu *vcpu, const struct decoded_access *access)
{
    uint64_t add = (uint64_t)(int64_t)access->writeback;

    if (access->rn != 31u) {
        vcpu->x[access->rn] += add;
    } else if (READ_SYSREG(spsr_el2) % 16u == SPSR_EL1H) {
        WRITE_SYSREG(sp_el1, READ_SYSREG(sp_el1) + add);
    } else {
        WRITE_SYSREG(sp_el0, READ_SYSREG(sp_el0) + add);
    }
}
