/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of the interrupt controller that a guest sees: GICv2 without security extensions (IHI
 * 0048 4.3), or the non-secure side of a GICv3 with affinity routing (IHI 0069 12.9, 12.11), without LPIs. */
#ifndef GUEST_VGIC_MMIO_H
#define GUEST_VGIC_MMIO_H

#include "virq/virq.h"

enum vgic_result {
    VGIC_OK,
    VGIC_RETRY, /* apply the effects, leave the pc: the guest executes the access again */
    VGIC_FAULT, /* a size or alignment that the register does not have: an external abort */
};

/* An access of `size` 1, 2, 4 or 8 bytes by vCPU `vcpu`, whose state `self` is resident on this pCPU, at
 * `offset` of the distributor. Reads set *value, zero-extended. *effects is zero before and holds what the
 * caller must apply. */
enum vgic_result vgic_dist_access(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint32_t offset,
                                  unsigned size, bool write, uint64_t *value, struct virq_effects *effects);

/* The same for the redistributors, 128 KiB for each vCPU in ascending order (GICv3 only). */
enum vgic_result vgic_redist_access(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint32_t offset,
                                    unsigned size, bool write, uint64_t *value, struct virq_effects *effects);

/* A value written to ICC_SGI1R_EL1. ICC_SGI0R_EL1 and ICC_ASGI1R_EL1 generate secure interrupts, which a
 * guest has none of: writes to them are ignored and must not come here. */
void vgic_sgi(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint64_t sgi1r,
              struct virq_effects *effects);

/* A value written to ICC_DIR_EL1 or to GICC_DIR (the second page of the GICv2 CPU interface). */
void vgic_dir(struct virq *virq, unsigned vcpu, struct virq_cpu *self, uint64_t value,
              struct virq_effects *effects);

#endif
