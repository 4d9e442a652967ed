/* SPDX-License-Identifier: Apache-2.0 */
/* What the registers of a distributor or redistributor do (IHI 0048 4.3, IHI 0069 12.9 and 12.11). Bank
 * `index` holds INTIDs 32 * index to 32 * index + 31, as the registers with one bit per interrupt are laid
 * out; bits that do not exist must be clear in masks. cpu is the vCPU whose private interrupts bank 0 means,
 * self the calling, resident one. */
#ifndef VIRQ_VIRQ_REGS_H
#define VIRQ_VIRQ_REGS_H

#include "virq/virq.h"

void virq_enable(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                 struct virq_cpu *self, struct virq_effects *effects);
/* Until others have given back what is pending in their list registers, virq_recalling() says so. */
void virq_disable(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                  struct virq_cpu *self, struct virq_effects *effects);
void virq_set_pending(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                      struct virq_cpu *self, struct virq_effects *effects);
void virq_clear_pending(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                        struct virq_cpu *self, struct virq_effects *effects);
void virq_set_active(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                     struct virq_cpu *self, struct virq_effects *effects);
/* Also what a trapped deactivation does. */
void virq_clear_active(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask,
                       struct virq_cpu *self, struct virq_effects *effects);

/* The pending (or active) bits, those in list registers included. If other vCPUs hold some, they are kicked
 * and effects->retry is set: the value is then meaningless, and the guest must execute the read again. */
uint32_t virq_read_state(struct virq *virq, struct virq_cpu *cpu, unsigned index, bool active,
                         struct virq_cpu *self, struct virq_effects *effects);

/* `count` (1 or 4) priority bytes from `bit` on, lowest byte first. */
void virq_set_priority(struct virq *virq, struct virq_cpu *cpu, unsigned index, unsigned bit, unsigned count,
                       uint32_t value, struct virq_cpu *self, struct virq_effects *effects);

/* `count` routes of SPIs from `bit` on. GICv3: a vCPU index or VIRQ_NONE; GICv2: a mask of vCPUs. */
void virq_set_route(struct virq *virq, unsigned index, unsigned bit, unsigned count, uint32_t value,
                    struct virq_cpu *self, struct virq_effects *effects);

/* Makes those of `mask` edge-triggered that are set in `edge`, the others level-sensitive. */
void virq_configure(struct virq *virq, struct virq_cpu *cpu, unsigned index, uint32_t mask, uint32_t edge,
                    struct virq_cpu *self, struct virq_effects *effects);

/* The distributor's group enable. */
void virq_forward(struct virq *virq, bool on, struct virq_cpu *self, struct virq_effects *effects);

/* vCPUs that still have something disabled in a list register. */
uint32_t virq_recalling(const struct virq *virq);

/* Software-generated interrupt 0 to 15 from `sender` to a mask of vCPUs. */
void virq_sgi(struct virq *virq, unsigned sender, uint32_t targets, unsigned intid, struct virq_cpu *self,
              struct virq_effects *effects);

/* GICv2, SPENDSGIR and CPENDSGIR: senders (a mask) of an SGI of the calling vCPU. Reading answers the pending
 * ones. */
void virq_set_sources(struct virq *virq, unsigned intid, uint8_t senders, struct virq_cpu *self,
                      struct virq_effects *effects);
void virq_clear_sources(struct virq *virq, unsigned intid, uint8_t senders, struct virq_cpu *self,
                        struct virq_effects *effects);
uint8_t virq_sources(struct virq *virq, unsigned intid, struct virq_cpu *self);

#endif
