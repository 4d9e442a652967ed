/* SPDX-License-Identifier: Apache-2.0 */
/* The registers with some bits for each interrupt, which all register blocks have at the same offsets. */
#ifndef GUEST_VGIC_BANKS_H
#define GUEST_VGIC_BANKS_H

#include "guest/arm64/vgic_mmio.h"
#include "virq/virq_state.h"

#define GICD_CTLR        0x000u
#define GICD_TYPER       0x004u
#define GICD_IIDR        0x008u
#define GICD_ISENABLER   0x100u
#define GICD_ICENABLER   0x180u
#define GICD_ISPENDR     0x200u
#define GICD_ICPENDR     0x280u
#define GICD_ISACTIVER   0x300u
#define GICD_ICACTIVER   0x380u
#define GICD_IPRIORITYR  0x400u
#define GICD_ITARGETSR   0x800u
#define GICD_ICFGR       0xc00u
#define GICD_BANKS_END   0xd00u
#define VGIC_ROW         0x80u  /* a register block for 1024 interrupts, one bit each */
#define VGIC_IIDR        0x43bu /* Arm */
#define VGIC_PIDR2(arch) ((arch) << 4 | 0xbu)

struct vgic_access {
    struct virq *virq;
    struct virq_cpu *cpu; /* whose private interrupts */
    struct virq_cpu *self;
    uint32_t offset;
    uint32_t size;
    bool write;
    bool private_only; /* a redistributor: bank 0 and no other; else a distributor: GICv3 has no bank 0 there
                        */
    uint64_t *value;
    struct virq_effects *effects;
};

/* ISENABLER to ICFGR; *value is 0 before a read. */
enum vgic_result vgic_banks_access(const struct vgic_access *a) __attribute__((noinline));

static inline enum vgic_result vgic_read_word(unsigned size, uint64_t *value, uint32_t word)
{
    *value = word;
    return size == 4 ? VGIC_OK : VGIC_FAULT;
}

/* GICD_TYPER: GICv3 has 10 bits of INTID, no 1-of-N routing, and with affinity routing no number of CPUs. */
static inline uint32_t vgic_typer(const struct virq *virq)
{
    return (virq->nr_banks - 1u) | (virq->version == 3 ? 9u << 19 | 1u << 25 : (virq->nr_vcpus - 1u) << 5);
}

static inline uint32_t vgic_all_vcpus(const struct virq *virq)
{
    return (uint32_t)((UINT64_C(1) << virq->nr_vcpus) - 1u);
}

/* Out of line, so that the way to the short ones saves no registers. */
enum vgic_result vgic_v2_access(const struct vgic_access *a) __attribute__((noinline));
enum vgic_result vgic_v3_access(const struct vgic_access *a);

#endif
