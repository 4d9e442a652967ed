/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <string.h>

#define IDLE 0x100u

void model_init(struct model *m, unsigned version, unsigned nr_vcpus, unsigned nr_intids)
{
    memset(m, 0, sizeof(*m));
    m->version = version;
    m->nr_vcpus = nr_vcpus;
    m->nr_intids = nr_intids;
    for (unsigned v = 0; v < nr_vcpus; v++) {
        for (unsigned i = 0; i < 16; i++) {
            m->private[v][i].enabled = true;
            m->private[v][i].edge = true;
        }
    }
    for (unsigned i = 32; i < nr_intids; i++) {
        m->spis[i].route = version == 3 ? 0 : 1;
    }
}

struct model_irq *model_irq(struct model *m, unsigned vcpu, unsigned intid)
{
    return intid < 32 ? &m->private[vcpu][intid] : &m->spis[intid];
}

bool model_pending(const struct model_irq *irq)
{
    return irq->latch || irq->sources != 0 || (irq->line && !irq->edge);
}

int model_target(const struct model *m, unsigned vcpu, unsigned intid)
{
    unsigned route = m->spis[intid].route;

    if (intid < 32) {
        return (int)vcpu;
    }
    if (m->version == 3) {
        return route == 0xff ? -1 : (int)route;
    }
    return route == 0 ? -1 : __builtin_ctz(route);
}

void model_line(struct model *m, unsigned vcpu, unsigned intid, bool high)
{
    struct model_irq *irq = model_irq(m, vcpu, intid);

    if (high && !irq->line && irq->edge) {
        irq->latch = true;
    }
    irq->line = high;
}

void model_sgi(struct model *m, unsigned sender, unsigned target, unsigned intid)
{
    if (m->version == 2) {
        m->private[target][intid].sources |= (uint8_t)(1u << sender);
    } else {
        m->private[target][intid].latch = true;
    }
}

static unsigned group_of(const struct model *m, const struct model_cpu *cpu, unsigned priority)
{
    unsigned ignored = m->version == 3 ? cpu->bpr : cpu->bpr + 1;

    return priority / (1u << ignored) * (1u << ignored);
}

static unsigned running(const struct model_cpu *cpu)
{
    return cpu->depth == 0 ? IDLE : cpu->stack[cpu->depth - 1].group;
}

int model_best(struct model *m, unsigned vcpu)
{
    struct model_cpu *cpu = &m->cpus[vcpu];
    unsigned best = IDLE;

    for (unsigned i = 0; i < m->nr_intids; i++) {
        struct model_irq *irq = model_irq(m, vcpu, i);

        if (model_pending(irq) && irq->enabled && !irq->active && model_target(m, vcpu, i) == (int)vcpu &&
            irq->priority < best) {
            best = irq->priority;
        }
    }
    if (!m->forwarding || !cpu->enabled || best >= cpu->pmr || group_of(m, cpu, best) >= running(cpu)) {
        return -1;
    }
    return (int)best;
}

bool model_is_candidate(struct model *m, unsigned vcpu, uint32_t iar)
{
    unsigned intid = iar % 1024;
    struct model_irq *irq = model_irq(m, vcpu, intid);

    if (m->version == 2 && intid < 16 && ((irq->sources >> (iar >> 10)) & 1) == 0) {
        return false;
    }
    return model_pending(irq) && irq->enabled && !irq->active && model_target(m, vcpu, intid) == (int)vcpu;
}

void model_acknowledge(struct model *m, unsigned vcpu, uint32_t iar, bool priority_known)
{
    struct model_cpu *cpu = &m->cpus[vcpu];
    struct model_irq *irq = model_irq(m, vcpu, iar % 1024);

    irq->latch = false;
    if (m->version == 2 && iar % 1024 < 16) {
        irq->sources &= (uint8_t)~(1u << (iar >> 10));
    }
    irq->active = true;
    cpu->stack[cpu->depth].iar = iar;
    cpu->stack[cpu->depth].group = priority_known ? group_of(m, cpu, irq->priority) : MODEL_UNKNOWN;
    cpu->depth++;
}

uint32_t model_end(struct model *m, unsigned vcpu)
{
    struct model_cpu *cpu = &m->cpus[vcpu];
    uint32_t iar = cpu->stack[--cpu->depth].iar;

    if (!cpu->eoi_mode) {
        model_irq(m, vcpu, iar % 1024)->active = false;
    } else if (model_irq(m, vcpu, iar % 1024)->active) {
        cpu->dropped[cpu->nr_dropped++] = iar;
    }
    return iar;
}

void model_deactivate(struct model *m, unsigned vcpu, unsigned intid)
{
    model_irq(m, vcpu, intid)->active = false;
    for (unsigned v = 0; v < m->nr_vcpus; v++) {
        struct model_cpu *cpu = &m->cpus[v];

        for (unsigned i = 0; i < cpu->nr_dropped; i++) {
            if (cpu->dropped[i] % 1024 == intid && (intid >= 32 || v == vcpu)) {
                cpu->dropped[i] = cpu->dropped[--cpu->nr_dropped];
                break;
            }
        }
    }
}

bool model_in_service(struct model *m, unsigned vcpu, unsigned intid)
{
    for (unsigned v = 0; v < m->nr_vcpus; v++) {
        struct model_cpu *cpu = &m->cpus[v];

        if (intid < 32 && v != vcpu) {
            continue;
        }
        for (unsigned i = 0; i < cpu->depth; i++) {
            if (cpu->stack[i].iar % 1024 == intid) {
                return true;
            }
        }
        for (unsigned i = 0; i < cpu->nr_dropped; i++) {
            if (cpu->dropped[i] % 1024 == intid) {
                return true;
            }
        }
    }
    return false;
}
