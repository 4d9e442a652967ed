/* SPDX-License-Identifier: Apache-2.0 */
/* The GICv2 distributor (IHI 0048 4.3). */
#include "guest/arm64/vgic_banks.h"
#include "virq/virq_regs.h"

#define GICD_SGIR      0xf00u
#define GICD_CPENDSGIR 0xf10u
#define GICD_SPENDSGIR 0xf20u
#define GICD_SGI_END   0xf30u
#define GICD_PIDR2     0xfe8u

#define SGIR_FILTER(v) (unsigned)FIELD(v, 25, 24)
#define SGIR_LIST(v)   (uint32_t)FIELD(v, 23, 16)
#define SGIR_INTID(v)  (unsigned)FIELD(v, 3, 0)

static enum vgic_result send_sgi(const struct vgic_access *a)
{
    uint32_t v = (uint32_t)*a->value, self = 1u << a->self->index, all = vgic_all_vcpus(a->virq);
    const uint32_t targets[4] = {SGIR_LIST(v) & all, all & ~self, self, 0};

    if (a->size != 4) {
        return VGIC_FAULT;
    }
    if (a->write) {
        virq_sgi(a->virq, a->self->index, targets[SGIR_FILTER(v)], SGIR_INTID(v), a->self, a->effects);
    }
    return VGIC_OK;
}

static enum vgic_result sgi_senders(const struct vgic_access *a)
{
    unsigned intid = a->offset % 16u;

    if (a->size != 1 && a->size != 4) {
        return VGIC_FAULT;
    }
    for (unsigned i = 0; i < a->size; i++) {
        uint8_t senders = (uint8_t)((*a->value >> 8u * i) & vgic_all_vcpus(a->virq));

        if (!a->write) {
            *a->value |= (uint64_t)virq_sources(a->virq, intid + i, a->self) << 8u * i;
        } else if (a->offset >= GICD_SPENDSGIR) {
            virq_set_sources(a->virq, intid + i, senders, a->self, a->effects);
        } else {
            virq_clear_sources(a->virq, intid + i, senders, a->self, a->effects);
        }
    }
    return VGIC_OK;
}

enum vgic_result vgic_v2_access(const struct vgic_access *a)
{
    switch (a->offset) {
    case GICD_CTLR:
        if (a->size == 4 && a->write) {
            virq_forward(a->virq, *a->value % 2u != 0, a->self, a->effects);
            return VGIC_OK;
        }
        return vgic_read_word(a->size, a->value, a->virq->forwarding);
    case GICD_TYPER:
        return a->write ? VGIC_OK : vgic_read_word(a->size, a->value, vgic_typer(a->virq));
    case GICD_IIDR:
        return a->write ? VGIC_OK : vgic_read_word(a->size, a->value, VGIC_IIDR);
    case GICD_SGIR:
        return send_sgi(a);
    case GICD_PIDR2:
        return a->write ? VGIC_OK : vgic_read_word(a->size, a->value, VGIC_PIDR2(2u));
    default:
        return a->offset >= GICD_CPENDSGIR && a->offset < GICD_SGI_END ? sgi_senders(a) : VGIC_OK;
    }
}
