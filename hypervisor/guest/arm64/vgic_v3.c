/* SPDX-License-Identifier: Apache-2.0 */
/* The GICv3 distributor and redistributors, non-secure side (IHI 0069 12.9, 12.11), and system-register SGIs.
 * A vCPU's affinity is Aff0 = index % 16, Aff1 = index / 16. */
#include "arch/arm64/barrier.h"
#include "guest/arm64/vgic_banks.h"
#include "virq/virq_regs.h"

#define GICD_CTLR_GROUP1A (1u << 1)
#define GICD_CTLR_ARE     (1u << 4) /* cannot be switched off */
#define GICD_CTLR_RWP     (1u << 31)
#define GICD_IROUTER      0x6000u
#define GICD_IROUTER_END  0x8000u
#define GIC_PIDR2         0xffe8u
#define GICR_CTLR         0x0000u
#define GICR_IIDR         0x0004u
#define GICR_TYPER        0x0008u
#define GICR_TYPER_HIGH   0x000cu
#define GICR_CTLR_RWP     (1u << 3)
#define GICR_STRIDE       0x20000u
#define GICR_SGI_BASE     0x10000u
#define AFF0_VCPUS        16u
#define NO_AFFINITY       0xffffu /* what the route to a processor that does not exist reads as */

static uint32_t affinity(unsigned vcpu)
{
    return vcpu % AFF0_VCPUS | vcpu / AFF0_VCPUS << 8;
}

static __attribute__((noinline)) enum vgic_result control(const struct vgic_access *a)
{
    uint32_t v = GICD_CTLR_ARE;

    if (a->size != 4) {
        return VGIC_FAULT;
    }
    if (a->write) {
        virq_forward(a->virq, (*a->value & GICD_CTLR_GROUP1A) != 0, a->self, a->effects);
        return VGIC_OK;
    }
    v |= a->virq->forwarding ? GICD_CTLR_GROUP1A : 0;
    v |= virq_recalling(a->virq) != 0 ? GICD_CTLR_RWP : 0;
    *a->value = v;
    return VGIC_OK;
}

/* 1-of-N routing is not offered: bit 31 reads as zero. */
static unsigned route_of(const struct virq *virq, uint32_t low)
{
    unsigned aff0 = low % 256u, vcpu = low / 256u % 256u * AFF0_VCPUS + aff0;

    return FIELD(low, 23, 16) == 0 && aff0 < AFF0_VCPUS && vcpu < virq->nr_vcpus ? vcpu : VIRQ_NONE;
}

static __attribute__((noinline)) enum vgic_result router(const struct vgic_access *a)
{
    unsigned intid = (a->offset - GICD_IROUTER) / 8u, index = intid / VIRQ_BANK, bit = intid % VIRQ_BANK,
             route;
    bool high = a->offset % 8u != 0;

    if (a->size < 4) {
        return VGIC_FAULT;
    }
    if (index == 0 || intid >= a->virq->nr_intids) {
        return VGIC_OK;
    }
    if (!a->write) {
        route = a->virq->spis[index - 1u].route[bit];
        *a->value = high ? 0 : route == VIRQ_NONE ? NO_AFFINITY : affinity(route);
        return VGIC_OK;
    }
    if (!high) {
        route = a->size == 8 && FIELD(*a->value, 39, 32) != 0 ? VIRQ_NONE
                                                              : route_of(a->virq, (uint32_t)*a->value);
    } else if (*a->value % 256u != 0) {
        route = VIRQ_NONE;
    } else {
        return VGIC_OK;
    }
    virq_set_route(a->virq, index, bit, 1, route, a->self, a->effects);
    return VGIC_OK;
}

enum vgic_result vgic_v3_access(const struct vgic_access *a)
{
    switch (a->offset) {
    case GICD_CTLR:
        return control(a);
    case GICD_TYPER:
        return a->write ? VGIC_OK : vgic_read_word(a->size, a->value, vgic_typer(a->virq));
    case GICD_IIDR:
        return a->write ? VGIC_OK : vgic_read_word(a->size, a->value, VGIC_IIDR);
    case GIC_PIDR2:
        return a->write ? VGIC_OK : vgic_read_word(a->size, a->value, VGIC_PIDR2(3u));
    default:
        return a->offset >= GICD_IROUTER && a->offset < GICD_IROUTER_END ? router(a) : VGIC_OK;
    }
}

/* Enables or disables SPIs that are so already: drivers write these registers whole. */
static inline bool changes_nothing(const struct virq *virq, uint32_t offset, uint32_t value)
{
    unsigned index = offset % VGIC_ROW / 4u;
    uint32_t enabled;

    if (index == 0 || index >= virq->nr_banks) {
        return index != 0;
    }
    enabled = load_relaxed(&virq->spis[index - 1u].bank.enabled);
    return (value & (offset < GICD_ICENABLER ? ~enabled : enabled)) == 0;
}

static __attribute__((noinline)) enum vgic_result dist_access(struct virq *virq, unsigned vcpu,
                                                              struct virq_cpu *self, uint32_t offset,
                                                              unsigned size, bool write, uint64_t *value,
                                                              struct virq_effects *effects)
{
    struct vgic_access a = {virq, self, self, offset, size, write, false, value, effects};

    (void)vcpu;
    if ((offset & (size - 1u)) != 0) {
        return VGIC_FAULT;
    }
    if (!write) {
        *value = 0;
    }
    if (offset >= GICD_ISENABLER && offset < GICD_BANKS_END) {
        return vgic_banks_access(&a);
    }
    return virq->version == 3 ? vgic_v3_access(&a) : vgic_v2_access(&a);
}

#ifdef BREAK_redistributor_bound
#define FRAMES(virq) (MAX_VCPUS + 0u * (virq)->nr_vcpus)
#else
#define FRAMES(virq) ((virq)->nr_vcpus)
#endif

enum vgic_result vgic_dist_access(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint32_t offset,
                                  unsigned size, bool write, uint64_t *value, struct virq_effects *effects)
{
    if (size == 4 && offset == GICD_TYPER && !write) {
        *value = vgic_typer(virq);
        return VGIC_OK;
    }
    if (size == 4 && write && offset - GICD_ISENABLER < GICD_ISPENDR - GICD_ISENABLER && offset % 4u == 0 &&
        changes_nothing(virq, offset, (uint32_t)*value)) {
        return VGIC_OK;
    }
    return dist_access(virq, vcpu, self, offset, size, write, value, effects);
}

static enum vgic_result redist_control(const struct vgic_access *a)
{
    unsigned last = a->cpu->index + 1u == a->virq->nr_vcpus ? 1u << 4 : 0;
    uint32_t low = last | (uint32_t)a->cpu->index << 8, high = affinity(a->cpu->index);

    if (a->write) {
        return VGIC_OK;
    }
    switch (a->offset) {
    case GICR_CTLR:
        return vgic_read_word(a->size, a->value,
                              (virq_recalling(a->virq) >> a->cpu->index) % 2u != 0 ? GICR_CTLR_RWP : 0);
    case GICR_IIDR:
        return vgic_read_word(a->size, a->value, VGIC_IIDR);
    case GICR_TYPER:
        *a->value = a->size == 8 ? low | (uint64_t)high << 32 : low;
        return a->size >= 4 ? VGIC_OK : VGIC_FAULT;
    case GICR_TYPER_HIGH:
        return vgic_read_word(a->size, a->value, high);
    case GIC_PIDR2:
        return vgic_read_word(a->size, a->value, VGIC_PIDR2(3u));
    default:
        return VGIC_OK; /* GICR_WAKER, as all of power management, belongs to the secure side: zero */
    }
}

enum vgic_result vgic_redist_access(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint32_t offset,
                                    unsigned size, bool write, uint64_t *value, struct virq_effects *effects)
{
    struct vgic_access a = {virq, self, self, offset % GICR_STRIDE, size, write, true, value, effects};

    (void)vcpu;
    if (offset % size != 0 || offset / GICR_STRIDE >= FRAMES(virq) || virq->version != 3) {
        return VGIC_FAULT;
    }
    if (!write) {
        *value = 0;
    }
    a.cpu = &virq->cpus[offset / GICR_STRIDE];
    if (a.offset < GICR_SGI_BASE) {
        return redist_control(&a);
    }
    a.offset -= GICR_SGI_BASE;
    if (a.offset >= GICD_ISENABLER && a.offset < GICD_BANKS_END) {
        return vgic_banks_access(&a);
    }
    return VGIC_OK;
}

/* ICC_SGI1R_EL1: Aff3 55:48, RS 47:44, IRM 40, Aff2 39:32, INTID 27:24, Aff1 23:16, targets 15:0. */
void vgic_sgi(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint64_t sgi1r,
              struct virq_effects *effects)
{
    uint32_t all = vgic_all_vcpus(virq), targets = 0;
    unsigned first = (unsigned)FIELD(sgi1r, 23, 16) * AFF0_VCPUS;

    if (FIELD(sgi1r, 40, 40) != 0) {
        targets = all & ~(1u << vcpu);
    } else if ((sgi1r & (MASK(55, 44) | MASK(39, 32))) == 0 && first < MAX_VCPUS) {
        targets = (uint32_t)FIELD(sgi1r, 15, 0) << first & all;
    }
    virq_sgi(virq, vcpu, targets, (unsigned)FIELD(sgi1r, 27, 24), self, effects);
}
