/* SPDX-License-Identifier: Apache-2.0 */
/* Cache maintenance by set and way. It cannot reach the caches of other pCPUs nor a system cache, so the
 * instructions are trapped and turned into maintenance by address of the domain's own RAM: once, and again
 * when the guest turns its caches on or off (Arm ARM D7.5.9 warns of exactly this use; firmware and boot
 * loaders rely on it). */
#ifndef GUEST_SET_WAY_H
#define GUEST_SET_WAY_H

#include "base/types.h"

struct vcpu;

/* A DC ISW, CSW or CISW of the resident vCPU. True when the instruction is done; false: one slice was,
 * execute it again. */
bool set_way_trapped(struct vcpu *vcpu);

/* A write to a translation control register, trapped after a sweep (HCR_EL2.TVM). `reg` as in sysreg.c. */
enum tvm_result { TVM_NOT_MINE, TVM_DONE, TVM_AGAIN };
enum tvm_result set_way_register(struct vcpu *vcpu, uint32_t reg, uint64_t value);

#endif
