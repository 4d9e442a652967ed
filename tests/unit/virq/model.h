/* SPDX-License-Identifier: Apache-2.0 */
/* A GIC as its specification describes it (IHI 0048, IHI 0069): states of interrupts, priorities, preemption.
 * No list registers, no hypervisor, no delay. One security state; an SPI goes to the one vCPU it is routed
 * to. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_VCPUS   8u
#define MODEL_INTIDS  512u
#define MODEL_NESTING 64u
#define MODEL_UNKNOWN 0x200u /* running priority: acknowledged with one that the model does not know */

struct model_irq {
    bool enabled, latch, line, active, edge;
    uint8_t priority;
    uint8_t route;   /* SPI: vCPU index, 0xff none; GICv2: mask, the lowest gets it */
    uint8_t sources; /* GICv2 SGI */
    /* What the code under test may differ in until its vCPUs have synchronised; kept by the test. */
    bool may_gain, may_lose, any_active;
};

struct model_cpu {
    bool enabled, eoi_mode;
    unsigned pmr, bpr;
    unsigned depth;
    struct {
        uint32_t iar;
        unsigned group;
    } stack[MODEL_NESTING];
    unsigned nr_dropped; /* EOImode 1: priority dropped, not yet deactivated */
    uint32_t dropped[MODEL_INTIDS];
};

struct model {
    unsigned version, nr_vcpus, nr_intids;
    bool forwarding;
    struct model_cpu cpus[MODEL_VCPUS];
    struct model_irq private[MODEL_VCPUS][32];
    struct model_irq spis[MODEL_INTIDS];
};

void model_init(struct model *m, unsigned version, unsigned nr_vcpus, unsigned nr_intids);
struct model_irq *model_irq(struct model *m, unsigned vcpu, unsigned intid);
bool model_pending(const struct model_irq *irq);
int model_target(const struct model *m, unsigned vcpu, unsigned intid); /* -1: none */
void model_line(struct model *m, unsigned vcpu, unsigned intid, bool high);
void model_sgi(struct model *m, unsigned sender, unsigned target, unsigned intid);

/* Priority of the most urgent interrupt that the vCPU would be interrupted by; -1: none. */
int model_best(struct model *m, unsigned vcpu);

/* Could reading IAR return this, the priorities aside? */
bool model_is_candidate(struct model *m, unsigned vcpu, uint32_t iar);
void model_acknowledge(struct model *m, unsigned vcpu, uint32_t iar, bool priority_known);
uint32_t model_end(struct model *m, unsigned vcpu); /* returns the value to write to EOIR */
void model_deactivate(struct model *m, unsigned vcpu, unsigned intid);

/* Is the interrupt acknowledged and not yet ended and deactivated, anywhere? */
bool model_in_service(struct model *m, unsigned vcpu, unsigned intid);

#endif
