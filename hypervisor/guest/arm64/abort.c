/* SPDX-License-Identifier: Apache-2.0 */
/* Stage-2 aborts: emulated devices, or an abort into the guest. */
#include "core/domain.h"
#include "core/effects.h"
#include "drivers/gic.h"
#include "guest/arm64/decode.h"
#include "guest/arm64/trap.h"
#include "guest/arm64/vgic_mmio.h"
#include "guest/arm64/vpl011.h"

/* ISS of a data abort (Arm ARM ESR_ELx). */
#define ISS_ISV(iss)  (FIELD(iss, 24, 24) != 0)
#define ISS_SIZE(iss) (1u << FIELD(iss, 23, 22))
#define ISS_SSE(iss)  (FIELD(iss, 21, 21) != 0)
#define ISS_SRT(iss)  (unsigned)FIELD(iss, 20, 16)
#define ISS_SF(iss)   (FIELD(iss, 15, 15) != 0)
#define ISS_CM(iss)   (FIELD(iss, 8, 8) != 0)
#define ISS_S1PTW(iss) (FIELD(iss, 7, 7) != 0)
#define ISS_WNR(iss)  (FIELD(iss, 6, 6) != 0)
#define ISS_FSC_TYPE(iss) FIELD(iss, 5, 2)
#define FSC_TRANSLATION 1u
#define FSC_EXTERNAL 0x10u

#define GICV2_CPU_SIZE (2u * PAGE_SIZE)
#define GICV3_DIST_SIZE 0x10000u
#define GICR_STRIDE     0x20000u

enum outcome { DONE, RETRY, NOBODY };

/* An external abort, as a bus gives it where there is no device. */
static void inject_abort(struct vcpu *vcpu, uint64_t esr, bool data)
{
    bool from_el1 = READ_SYSREG(spsr_el2) % 16u != 0;
    uint64_t ec = (data ? EC_DABT_LOWER : EC_IABT_LOWER) + (from_el1 ? 1u : 0);
    uint64_t wnr = data ? esr & BIT(6) : 0;

    context_inject(vcpu, ec << 26 | (esr & ESR_IL) | wnr | FSC_EXTERNAL, READ_SYSREG(far_el2));
}

static bool in_range(uint64_t ipa, ipa_t base, uint64_t size)
{
    return ipa - base.v < size;
}

static enum outcome vgic_outcome(enum vgic_result result)
{
    return result == VGIC_OK ? DONE : result == VGIC_RETRY ? RETRY : NOBODY;
}

/* Emulated devices of the domain, the most frequent first. */
static enum outcome emulate(struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write, uint64_t *value)
{
    struct domain *d = vcpu->domain;
    const struct domain_record *r = d->record;
    struct virq_effects effects = {0};
    enum outcome outcome = NOBODY;

    if (in_range(ipa, r->gicd, gic_version == 3 ? GICV3_DIST_SIZE : PAGE_SIZE)) {
        outcome = vgic_outcome(vgic_dist_access(d->virq, vcpu->index, vcpu->virq, (uint32_t)(ipa - r->gicd.v), size,
                                                write, value, &effects));
    } else if (d->uart != NULL && in_range(ipa, r->uart, PAGE_SIZE)) {
        effects_refresh_uarts(vpl011_access(d->uart, ipa - r->uart.v, size, write, value, vcpu->virq, &effects));
        outcome = DONE;
    } else if (gic_version == 3 && in_range(ipa, r->gicr_or_gicc, (uint64_t)GICR_STRIDE * r->nr_vcpus)) {
        outcome = vgic_outcome(vgic_redist_access(d->virq, vcpu->index, vcpu->virq, (uint32_t)(ipa - r->gicr_or_gicc.v),
                                                  size, write, value, &effects));
    }
    effects_apply(d, &effects);
    return outcome;
}

static uint64_t extend(uint64_t value, unsigned size, bool sign, bool sf)
{
    unsigned shift = 64u - 8u * size;

    if (sign) {
        value = (uint64_t)((int64_t)(value << shift) >> shift);
        return sf ? value : (uint32_t)value;
    }
    return value << shift >> shift;
}

/* From the syndrome, or from the instruction where there is none. */
static bool decode(struct vcpu *vcpu, uint32_t iss, struct decoded_access *access)
{
    uint32_t instruction;

    if (ISS_CM(iss) || ISS_S1PTW(iss)) {
        return false;
    }
    if (!ISS_ISV(iss)) {
        return decode_fetch(vcpu, &instruction) && decode_instruction(instruction, access);
    }
    *access = (struct decoded_access){.size = ISS_SIZE(iss),
                                      .rt = ISS_SRT(iss),
                                      .write = ISS_WNR(iss),
                                      .sign = ISS_SSE(iss),
                                      .sf = ISS_SF(iss)};
    return true;
}

static void data_abort(struct vcpu *vcpu, uint64_t esr, uint64_t ipa)
{
    struct decoded_access access;
    uint64_t value = 0;
    enum outcome outcome;

    if (!decode(vcpu, ESR_ISS(esr), &access)) {
        inject_abort(vcpu, esr, true);
        return;
    }
    if (access.write) {
        value = extend(guest_register(vcpu, access.rt), access.size, false, true);
    }
    outcome = emulate(vcpu, ipa, access.size, access.write, &value);
    if (outcome == RETRY) {
        return;
    }
    if (outcome == NOBODY) {
        if ((vcpu->domain->record->flags & DOMAIN_UNMAPPED_ONES) == 0) {
            inject_abort(vcpu, esr, true);
            return;
        }
        value = ~UINT64_C(0);
    }
    if (!access.write) {
        set_guest_register(vcpu, access.rt, extend(value, access.size, access.sign, access.sf));
    }
    if (access.writeback != 0) {
        decode_write_back(vcpu, &access);
    }
    skip_instruction();
}

void abort_handle(struct vcpu *vcpu, uint64_t esr)
{
    bool data = ESR_EC(esr) == EC_DABT_LOWER;
    uint64_t ipa = FIELD(READ_SYSREG(hpfar_el2), 43, 4) << 12 | READ_SYSREG(far_el2) % PAGE_SIZE;

    if (!data || ISS_FSC_TYPE(ESR_ISS(esr)) != FSC_TRANSLATION) {
        inject_abort(vcpu, esr, data); /* no leaf of ours forbids anything else */
        return;
    }
    data_abort(vcpu, esr, ipa);
}
