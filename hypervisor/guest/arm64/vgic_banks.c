/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/arm64/vgic_banks.h"

#include "virq/virq_regs.h"

#define LAST_BANK      31u
#define LAST_BANK_MASK 0x0fffffffu /* INTIDs 1020 to 1023 are special */
#define SGIS           0xffffu

/* The interrupts of a bank that this block has. */
static uint32_t implemented(const struct vgic_access *a, unsigned index)
{
    bool here = index < a->virq->nr_banks &&
                (index == 0 ? a->private_only || a->virq->version == 2 : !a->private_only);

#ifdef BREAK_distributor_bound
    here = here || (index != 0 && !a->private_only);
#endif
    return !here ? 0 : index == LAST_BANK ? LAST_BANK_MASK : ~0u;
}

static enum vgic_result state_bits(const struct vgic_access *a, unsigned index)
{
    bool active = a->offset >= GICD_ISACTIVER;
    uint32_t bits = virq_read_state(a->virq, a->cpu, index, active, a->self, a->effects);

    if (a->effects->retry) {
        return VGIC_RETRY;
    }
    *a->value = bits;
    return VGIC_OK;
}

static enum vgic_result read_bits(const struct vgic_access *a, unsigned index)
{
    if (a->offset >= GICD_ISPENDR) {
        return state_bits(a, index);
    }
    *a->value = virq_bank(a->virq, a->cpu, index)->enabled;
    return VGIC_OK;
}

static enum vgic_result bits(const struct vgic_access *a)
{
    unsigned index = a->offset % VGIC_ROW / 4u;
    uint32_t mask = implemented(a, index), changeable;

    if (a->size != 4) {
        return VGIC_FAULT;
    }
    if (mask == 0) {
        return VGIC_OK;
    }
    if (!a->write) {
        return read_bits(a, index);
    }
    mask &= (uint32_t)*a->value;
    /* GICv2: SGIs are always enabled, and pending by their senders only */
    changeable = a->virq->version == 2 && index == 0 ? mask & ~SGIS : mask;
    switch (a->offset / VGIC_ROW) {
    case GICD_ISENABLER / VGIC_ROW:
        virq_enable(a->virq, a->cpu, index, changeable, a->self, a->effects);
        break;
    case GICD_ICENABLER / VGIC_ROW:
        virq_disable(a->virq, a->cpu, index, changeable, a->self, a->effects);
        break;
    case GICD_ISPENDR / VGIC_ROW:
        virq_set_pending(a->virq, a->cpu, index, changeable, a->self, a->effects);
        break;
    case GICD_ICPENDR / VGIC_ROW:
        virq_clear_pending(a->virq, a->cpu, index, changeable, a->self, a->effects);
        break;
    case GICD_ISACTIVER / VGIC_ROW:
        virq_set_active(a->virq, a->cpu, index, mask, a->self, a->effects);
        break;
    default:
        virq_clear_active(a->virq, a->cpu, index, mask, a->self, a->effects);
        break;
    }
    return VGIC_OK;
}

static enum vgic_result priorities(const struct vgic_access *a)
{
    unsigned intid = a->offset - GICD_IPRIORITYR, index = intid / VIRQ_BANK, bit = intid % VIRQ_BANK;
    uint32_t mask = implemented(a, index);
    const uint8_t *priority;

    if (a->size != 1 && a->size != 4) {
        return VGIC_FAULT;
    }
    if ((mask >> bit) % 2u == 0) {
        return VGIC_OK;
    }
    if (a->write) {
        virq_set_priority(a->virq, a->cpu, index, bit, a->size, (uint32_t)*a->value, a->self, a->effects);
        return VGIC_OK;
    }
    priority = &virq_bank(a->virq, a->cpu, index)->priority[bit];
    for (unsigned i = 0; i < a->size; i++) {
        *a->value |= (uint64_t)priority[i] << 8u * i;
    }
    return VGIC_OK;
}

static enum vgic_result targets(const struct vgic_access *a)
{
    unsigned intid = a->offset - GICD_ITARGETSR, index = intid / VIRQ_BANK, bit = intid % VIRQ_BANK;
    uint32_t all = vgic_all_vcpus(a->virq) * 0x01010101u;

    if (a->size != 1 && a->size != 4) {
        return VGIC_FAULT;
    }
    if (a->virq->version != 2 || (implemented(a, index) >> bit) % 2u == 0 || (a->write && index == 0)) {
        return VGIC_OK;
    }
    if (a->write) {
        virq_set_route(a->virq, index, bit, a->size, (uint32_t)*a->value & all, a->self, a->effects);
        return VGIC_OK;
    }
    for (unsigned i = 0; i < a->size; i++) {
        uint64_t mask = index == 0 ? 1u << a->self->index : a->virq->spis[index - 1u].route[bit + i];

        *a->value |= mask << 8u * i;
    }
    return VGIC_OK;
}

static enum vgic_result configuration(const struct vgic_access *a)
{
    unsigned intid = (a->offset - GICD_ICFGR) * 4u, index = intid / VIRQ_BANK, first = intid % VIRQ_BANK;
    uint32_t mask = implemented(a, index) & 0xffffu << first, edge = 0;
    const struct virq_bank *bank;

    if (a->size != 4) {
        return VGIC_FAULT;
    }
    if (mask == 0) {
        return VGIC_OK;
    }
    bank = virq_bank(a->virq, a->cpu, index);
    if (a->write) {
        for (unsigned i = 0; i < 16u; i++) {
            edge |= (uint32_t)(*a->value >> (2u * i + 1u)) % 2u << (first + i);
        }
        if (index == 0) {
            mask &= ~(SGIS | bank->hw); /* SGIs are edges; what is behind a linked PPI does not change */
        }
        virq_configure(a->virq, a->cpu, index, mask, edge, a->self, a->effects);
        return VGIC_OK;
    }
    for (unsigned i = 0; i < 16u; i++) {
        *a->value |= (uint64_t)((bank->edge >> (first + i)) % 2u) << (2u * i + 1u);
    }
    return VGIC_OK;
}

enum vgic_result vgic_banks_access(const struct vgic_access *a)
{
    if (a->offset < GICD_IPRIORITYR) {
        return bits(a);
    }
    if (a->offset < GICD_ITARGETSR) {
        return priorities(a);
    }
    return a->offset < GICD_ICFGR ? targets(a) : configuration(a);
}

void vgic_dir(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint64_t value,
              struct virq_effects *effects)
{
    unsigned intid = (unsigned)FIELD(value, 23, 0);

    (void)vcpu;
    if (virq->version == 2) {
        intid %= 1024u; /* above it: the sender of an SGI */
    }
    if (intid < virq->nr_intids) {
        virq_clear_active(virq, self, intid / VIRQ_BANK, 1u << intid % VIRQ_BANK, self, effects);
    }
}
