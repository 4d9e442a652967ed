/* SPDX-License-Identifier: Apache-2.0 */
/* System registers that a guest may name and that are not its own: identification, GIC calls, debug,
 * performance monitors, cache maintenance by set and way. */
#include "core/domain.h"
#include "core/effects.h"
#include "guest/arm64/id_registers.h"
#include "guest/arm64/set_way.h"
#include "guest/arm64/trap.h"
#include "guest/arm64/vgic_mmio.h"

/* The register as one number: op0 op1 CRn CRm op2, from the ISS of EC 0x18 with Rt and direction removed. */
#define ISS_REGISTER(iss) ((iss) & 0x3ffc1eu)
#define ISS_RT(iss)       (unsigned)FIELD(iss, 9, 5)
#define ISS_READ(iss)     (((iss) & 1u) != 0)
#define REG(op0, op1, crn, crm, op2)                                                                 \
    ((uint32_t)(op0) << 20 | (uint32_t)(op2) << 17 | (uint32_t)(op1) << 14 | (uint32_t)(crn) << 10 | \
     (uint32_t)(crm) << 1)
#define REG_OP0(r) ((r) >> 20)
#define REG_OP2(r) ((r) >> 17 & 7u)
#define REG_OP1(r) ((r) >> 14 & 7u)
#define REG_CRN(r) ((r) >> 10 & 15u)
#define REG_CRM(r) ((r) >> 1 & 15u)

#define ICC_SGI1R  REG(3, 0, 12, 11, 5)
#define ICC_ASGI1R REG(3, 0, 12, 11, 6)
#define ICC_SGI0R  REG(3, 0, 12, 11, 7)
#define ICC_DIR    REG(3, 0, 12, 11, 1)
#define ACTLR_EL1  REG(3, 0, 1, 0, 1)
#define DC_ISW     REG(1, 0, 7, 6, 2)
#define DC_CSW     REG(1, 0, 7, 10, 2)
#define DC_CISW    REG(1, 0, 7, 14, 2)

static void gic_call(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
    struct virq_effects effects = {0};
    struct domain *domain = vcpu->domain;

    if (reg == ICC_DIR) {
        vgic_dir(domain->virq, vcpu->index, vcpu->virq, value, &effects);
    } else if (reg == ICC_SGI1R) {
        vgic_sgi(domain->virq, vcpu->index, vcpu->virq, value, &effects);
    }
    effects_apply(domain, &effects);
}

/* Debug registers read as zero and ignore writes, as under Xen; the trace registers do not exist. */
static bool debug_register(uint32_t reg)
{
    return REG_OP0(reg) == 2u && REG_OP1(reg) != 1u;
}

/* PMCR_EL0 .. PMOVSSET_EL0, PMINTEN*_EL1, event counters and types. ID_AA64DFR0_EL1 says that there are none.
 */
static bool monitor_register(uint32_t reg)
{
    if (REG_OP0(reg) != 3u) {
        return false;
    }
    if (REG_CRN(reg) == 9u && REG_CRM(reg) >= 12u && REG_CRM(reg) <= 14u) {
        return REG_OP1(reg) == 3u || REG_OP1(reg) == 0;
    }
    return REG_OP1(reg) == 3u && REG_CRN(reg) == 14u && REG_CRM(reg) >= 8u;
}

bool sysreg_access(struct vcpu *vcpu, uint32_t iss)
{
    uint32_t reg = ISS_REGISTER(iss);
    unsigned rt = ISS_RT(iss);
    uint64_t value = 0;

    if (reg == ICC_SGI1R && !ISS_READ(iss)) {
        gic_call(vcpu, reg, guest_register(vcpu, rt));
        skip_instruction();
        return true;
    }
    switch (reg) {
    case ICC_ASGI1R: /* no second security state, no group 0: nobody is addressed */
    case ICC_SGI0R:
    case ICC_DIR:
        if (ISS_READ(iss)) {
            return false;
        }
        gic_call(vcpu, reg, guest_register(vcpu, rt));
        break;
    case DC_ISW:
    case DC_CSW:
    case DC_CISW:
        if (!set_way_trapped(vcpu)) {
            return true;
        }
        break;
    case ACTLR_EL1:
        break;
    default:
        if (vcpu->sweep.watching && !ISS_READ(iss)) {
            enum tvm_result result = set_way_register(vcpu, reg, guest_register(vcpu, rt));

            if (result == TVM_AGAIN) {
                return true;
            }
            if (result == TVM_DONE) {
                break;
            }
        }
        if (!id_register(reg, &value) && !debug_register(reg) && !monitor_register(reg)) {
            return false;
        }
        if (REG_CRN(reg) == 0 && REG_OP0(reg) == 3u && !ISS_READ(iss)) {
            return false;
        }
        break;
    }
    if (ISS_READ(iss)) {
        set_guest_register(vcpu, rt, value);
    }
    skip_instruction();
    return true;
}
