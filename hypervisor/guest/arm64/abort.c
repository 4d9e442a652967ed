/* SPDX-License-Identifier: Apache-2.0 */
/* Stage-2 aborts: emulated devices, or an abort into the guest. */
#include "core/domain.h"
#include "core/doorbell.h"
#include "core/effects.h"
#include "core/extension.h"
#include "core/ioreq.h"
#include "drivers/gic.h"
#include "guest/arm64/decode.h"
#include "guest/arm64/trap.h"
#include "guest/arm64/vgic_mmio.h"
#include "core/vpl011.h"

/* ISS of a data abort (Arm ARM ESR_ELx). */
#define ISS_ISV(iss)      (FIELD(iss, 24, 24) != 0)
#define ISS_SIZE(iss)     (1u << FIELD(iss, 23, 22))
#define ISS_SSE(iss)      (FIELD(iss, 21, 21) != 0)
#define ISS_SRT(iss)      (unsigned)FIELD(iss, 20, 16)
#define ISS_SF(iss)       (FIELD(iss, 15, 15) != 0)
#define ISS_CM(iss)       (FIELD(iss, 8, 8) != 0)
#define ISS_S1PTW(iss)    (FIELD(iss, 7, 7) != 0)
#define ISS_WNR(iss)      (FIELD(iss, 6, 6) != 0)
#define ISS_FSC_TYPE(iss) FIELD(iss, 5, 2)
#define FSC_TRANSLATION   1u
#define FSC_EXTERNAL      0x10u

/* EC, ISV, SAS, SSE, CM, S1PTW and the kind of fault: a translation fault of a plain word access. */
#define WORD_MASK   (MASK(31, 26) | MASK(24, 21) | MASK(8, 7) | MASK(5, 2))
#define WORD_ACCESS ((uint64_t)EC_DABT_LOWER << 26 | BIT(24) | UINT64_C(2) << 22 | FSC_TRANSLATION << 2)

#define GICC_DIR    0x1000u
#define GICR_STRIDE 0x20000u

#ifdef BREAK_redistributor_bound
#define FRAMES(record) (MAX_VCPUS + 0u * (record)->nr_vcpus)
#else
#define FRAMES(record) ((record)->nr_vcpus)
#endif

enum outcome { DONE, RETRY, NOBODY };

/* ESR_EL1 of that abort. */
static uint64_t external_abort(uint64_t esr, bool data)
{
    bool from_el1 = READ_SYSREG(spsr_el2) % 16u != 0;
    uint64_t ec = (data ? EC_DABT_LOWER : EC_IABT_LOWER) + (from_el1 ? 1u : 0);
    uint64_t wnr = data ? esr & BIT(6) : 0;

    return ec << 26 | (esr & ESR_IL) | wnr | FSC_EXTERNAL;
}

void inject_abort(struct vcpu *vcpu, uint64_t esr, bool data)
{
    context_inject(vcpu, external_abort(esr, data), READ_SYSREG(far_el2));
}

static uint64_t fault_ipa(void)
{
    return FIELD(READ_SYSREG(hpfar_el2), 43, 4) << 12 | READ_SYSREG(far_el2) % PAGE_SIZE;
}

/* HPFAR_EL2 is valid for a translation fault, and for any fault of a stage-1 walk (Arm ARM D19.2.62); a
 * permission fault can only be that of a page which has been replaced. */
__attribute__((noinline, cold)) bool fault_is_over(struct vcpu *vcpu, uint64_t esr,
                                                   enum physmap_access access)
{
    return (ISS_FSC_TYPE(esr) == FSC_TRANSLATION || ISS_S1PTW(esr)) &&
           physmap_valid(vcpu->domain, IPA(fault_ipa()), ISS_S1PTW(esr) ? PHYSMAP_READ : access);
}

static void refuse(struct vcpu *vcpu, uint64_t esr)
{
    if (!fault_is_over(vcpu, esr, ISS_WNR(esr) ? PHYSMAP_WRITE : PHYSMAP_READ)) {
        inject_abort(vcpu, esr, true);
    }
}

static bool in_range(uint64_t ipa, ipa_t base, uint64_t size)
{
    return ipa - base.v < size;
}

static enum outcome vgic_outcome(enum vgic_result result)
{
    _Static_assert(
        (int)DONE == (int)VGIC_OK && (int)RETRY == (int)VGIC_RETRY && (int)NOBODY == (int)VGIC_FAULT, "same");
    return (enum outcome)result;
}

/* Emulated devices of the domain, the most frequent first. */
static inline __attribute__((always_inline)) enum outcome emulate(struct vcpu *vcpu, uint64_t ipa,
                                                                  unsigned size, bool write, uint64_t *value)
{
    struct domain *d = vcpu->domain;
    const struct domain_record *r = d->record;
    struct virq_effects effects = {0};
    enum outcome outcome = NOBODY;

    if (in_range(ipa, r->gicd, d->gicd_size)) {
        outcome = vgic_outcome(vgic_dist_access(d->virq, vcpu->index, vcpu->virq, (uint32_t)(ipa - r->gicd.v),
                                                size, write, value, &effects));
    } else if (d->uart != NULL && in_range(ipa, r->uart, PAGE_SIZE)) {
        effects_refresh_uarts(
            vpl011_access(d->uart, ipa - r->uart.v, size, write, value, vcpu->virq, &effects));
        outcome = DONE;
    } else if (gic_version == 3 && in_range(ipa, r->gicr_or_gicc, (uint64_t)GICR_STRIDE * FRAMES(r))) {
        outcome = vgic_outcome(vgic_redist_access(d->virq, vcpu->index, vcpu->virq,
                                                  (uint32_t)(ipa - r->gicr_or_gicc.v), size, write, value,
                                                  &effects));
    } else if (gic_version == 2 && write && ipa == r->gicr_or_gicc.v + GICC_DIR) {
        vgic_dir(d->virq, vcpu->index, vcpu->virq, *value, &effects);
        outcome = DONE;
    } else if (r->nr_doorbells != 0 && doorbell_access(r, ipa, write)) {
        *value = 0;
        outcome = DONE;
    }
    effects_apply(d, &effects);
    return outcome;
}

/* The same code for the rest: kept out of the way of word accesses, which are specialised. */
static __attribute__((noinline, cold)) enum outcome emulate_any(struct vcpu *vcpu, uint64_t ipa,
                                                                unsigned size, bool write, uint64_t *value)
{
    return emulate(vcpu, ipa, size, write, value);
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

/* RETRY: not yet, or the extension has refused it. */
static __attribute__((noinline)) enum outcome ask_extension(struct vcpu *vcpu, uint64_t esr, uint64_t ipa,
                                                            unsigned size, bool write, uint64_t *value)
{
    switch (extension_access(vcpu, ipa, size, write, value)) {
    case EXTENSION_SERVED:
        return DONE;
    case EXTENSION_NOT_ITS:
        return NOBODY;
    case EXTENSION_REFUSED:
        inject_abort(vcpu, esr, true);
        return RETRY;
    default:
        return RETRY;
    }
}

/* False: no other domain serves it. */
static bool ask_backend(struct vcpu *vcpu, uint64_t esr, uint64_t ipa, const struct decoded_access *access,
                        uint64_t value)
{
    const struct domain_record *record = vcpu->domain->record;
    const struct domain_ioreq_range *range;
    uint64_t fault_va = READ_SYSREG(far_el2);

    if (record->nr_ioreq_ranges == 0) {
        return false;
    }
    range = ioreq_find(vcpu->domain, ipa, access->size);
    if (range == NULL) {
        return false;
    }
    vcpu->ioreq = (struct vcpu_ioreq){.address = ipa,
                                      .data = value,
                                      .esr = external_abort(esr, true),
                                      .fault_va = fault_va,
                                      .range = (uint16_t)(range - record->ioreq_ranges),
                                      .size = (uint8_t)access->size,
                                      .reg = (uint8_t)access->rt,
                                      .write = access->write,
                                      .sign = access->sign,
                                      .sf = access->sf,
                                      .base = (uint8_t)access->rn,
                                      .base_by = access->writeback};
    ioreq_begin(vcpu);
    return true;
}

static __attribute__((noinline, cold)) void data_abort(struct vcpu *vcpu, uint64_t esr, uint64_t ipa)
{
    struct decoded_access access;
    uint64_t value = 0;
    enum outcome outcome;

    if (!decode(vcpu, ESR_ISS(esr), &access)) {
        refuse(vcpu, esr);
        return;
    }
    if (access.write) {
        value = extend(guest_register(vcpu, access.rt), access.size, false, true);
    }
    outcome = emulate_any(vcpu, ipa, access.size, access.write, &value);
    if (outcome == NOBODY && extensions_in_use) {
        outcome = ask_extension(vcpu, esr, ipa, access.size, access.write, &value);
    }
    if (outcome == RETRY || (outcome == NOBODY && ask_backend(vcpu, esr, ipa, &access, value))) {
        return;
    }
    if (outcome == NOBODY) {
        if ((vcpu->domain->record->flags & DOMAIN_UNMAPPED_ONES) == 0) {
            refuse(vcpu, esr);
            return;
        }
        if (fault_is_over(vcpu, esr, access.write ? PHYSMAP_WRITE : PHYSMAP_READ)) {
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

/* An aligned-size load or store of a word whose syndrome is complete: nearly every access to a device
 * register. False: not one, or nobody serves it; nothing has been done. */
static inline bool word_access(struct vcpu *vcpu, uint64_t esr, uint64_t ipa)
{
    unsigned reg = ISS_SRT(esr);
    uint64_t value;

    if (ISS_WNR(esr)) {
        value = (uint32_t)guest_register(vcpu, reg);
        if (emulate(vcpu, ipa, 4, true, &value) != DONE) {
            return false;
        }
    } else {
        if (emulate(vcpu, ipa, 4, false, &value) != DONE) {
            return false;
        }
        set_guest_register(vcpu, reg, (uint32_t)value);
    }
    skip_instruction();
    return true;
}

/* The same where an extension may serve it. False: none does. */
static __attribute__((noinline)) bool extension_word(struct vcpu *vcpu, uint64_t esr, uint64_t ipa)
{
    unsigned reg = ISS_SRT(esr);
    bool write = ISS_WNR(esr);
    uint64_t value = write ? (uint32_t)guest_register(vcpu, reg) : 0;
    enum outcome outcome = ask_extension(vcpu, esr, ipa, 4, write, &value);

    if (outcome == DONE) {
        if (!write) {
            set_guest_register(vcpu, reg, (uint32_t)value);
        }
        skip_instruction();
    }
    return outcome != NOBODY;
}

SAVES_NOTHING struct trap_result trap_data_abort(struct vcpu *vcpu, uint64_t esr)
{
    uint64_t ipa = fault_ipa();

    if ((esr & WORD_MASK) == WORD_ACCESS &&
        (word_access(vcpu, esr, ipa) || (extensions_in_use && extension_word(vcpu, esr, ipa)))) {
        return trap_return(vcpu);
    }
    if (ISS_FSC_TYPE(ESR_ISS(esr)) == FSC_TRANSLATION) {
        data_abort(vcpu, esr, ipa);
    } else {
        refuse(vcpu, esr); /* a write to memory that is shared for reading */
    }
    return trap_return(vcpu);
}
