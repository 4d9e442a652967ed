/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>

#include "arch/host/host_gic.h"
#include "base/bits.h"
#include "guest/arm64/vgic_mmio.h"
#include "virq/virq.h"

#define MAINTENANCE_LIMIT 64u
#define REDIST_STRIDE     0x20000u

unsigned machine_routed;
static struct machine_config config;
static struct virq *virq;
static int resident[HOST_GIC_PCPUS];
static uint32_t kicked;
static unsigned long maintenance_count;
static bool held;

/* With MACHINE_TRACE in the environment every call is printed. */
#define TRACE(...)                             \
    do {                                       \
        if (getenv("MACHINE_TRACE") != NULL) { \
            printf(__VA_ARGS__);               \
        }                                      \
    } while (0)

static void apply(const struct virq_effects *effects)
{
    kicked |= effects->kick;
    machine_routed = effects->hw_route;
}

static struct virq_cpu *self_on(unsigned pcpu)
{
    host_gic_pcpu = pcpu;
    return resident[pcpu] < 0 ? NULL : virq_cpu(virq, (unsigned)resident[pcpu]);
}

/* The maintenance interrupt is a level: the hypervisor gets it again until the reason is gone. */
static void take_maintenance(unsigned pcpu)
{
    for (unsigned i = 0; resident[pcpu] >= 0 && !held; i++) {
        struct virq_effects effects = {0};
        struct virq_cpu *self = self_on(pcpu);

        if (!host_gic_maintenance()) {
            return;
        }
        if (i == MAINTENANCE_LIMIT) {
            fprintf(stderr, "maintenance interrupt storm\n");
            abort();
        }
        maintenance_count++;
        virq_sync(virq, self, &effects);
        apply(&effects);
    }
}

void machine_create(const struct machine_config *c)
{
    config = *c;
    host_gic_reset(c->version, c->nr_lrs);
    virq = virq_init(calloc(1, virq_bytes(c->nr_vcpus, c->nr_spis)), c->nr_vcpus, c->nr_spis, c->version);
    for (unsigned i = 0; i < HOST_GIC_PCPUS; i++) {
        resident[i] = -1;
    }
    kicked = 0;
    machine_link(MACHINE_TIMER, false);
}

void machine_destroy(void)
{
    free(virq);
    virq = NULL;
}

void machine_link(unsigned intid, bool edge)
{
    virq_link(virq, intid, intid, edge);
}

void machine_reset(void)
{
    for (unsigned i = 0; i < config.nr_pcpus; i++) {
        if (resident[i] >= 0) {
            machine_suspend((unsigned)resident[i]);
        }
    }
    for (unsigned part = 0; virq_reset_part(virq, part); part++) {
    }
    kicked = 0;
}

unsigned machine_pcpu(unsigned vcpu)
{
    return vcpu % config.nr_pcpus;
}

int machine_resident(unsigned pcpu)
{
    return resident[pcpu];
}

void machine_suspend(unsigned vcpu)
{
    TRACE("%u: suspend\n", vcpu);
    struct virq_effects effects = {0};
    struct virq_cpu *self = self_on(machine_pcpu(vcpu));

    virq_suspend(virq, self, &effects);
    resident[machine_pcpu(vcpu)] = -1;
    apply(&effects);
    if (gic_is_active(MACHINE_TIMER) || gic_lr_eoi() != 0 || host_gic_maintenance()) {
        fprintf(stderr, "suspended vCPU %u left something behind\n", vcpu);
        abort();
    }
}

void machine_resume(unsigned vcpu)
{
    unsigned pcpu = machine_pcpu(vcpu);
    struct virq_effects effects = {0};

    if (resident[pcpu] == (int)vcpu) {
        return;
    }
    TRACE("%u: resume\n", vcpu);
    if (resident[pcpu] >= 0) {
        machine_suspend((unsigned)resident[pcpu]);
    }
    resident[pcpu] = (int)vcpu;
    kicked &= ~(1u << vcpu);
    virq_resume(virq, self_on(pcpu), &effects);
    apply(&effects);
    take_maintenance(pcpu);
}

bool machine_kicked(unsigned vcpu)
{
    return (kicked >> vcpu) % 2u != 0;
}

void machine_sync(unsigned vcpu)
{
    TRACE("%u: sync\n", vcpu);
    unsigned pcpu = machine_pcpu(vcpu);
    struct virq_effects effects = {0};

    kicked &= ~(1u << vcpu);
    if (resident[pcpu] == (int)vcpu) {
        virq_sync(virq, self_on(pcpu), &effects);
        apply(&effects);
        take_maintenance(pcpu);
    }
}

void machine_sync_all(void)
{
    for (unsigned i = 0; kicked != 0; i++) {
        machine_sync(lowest_bit(kicked));
        if (i == 1000u) {
            fprintf(stderr, "kicks without end\n");
            abort();
        }
    }
}

enum machine_result machine_dist(unsigned vcpu, uint32_t offset, unsigned size, bool write, uint64_t *value)
{
    TRACE("%u: dist %s %x %llx\n", vcpu, write ? "write" : "read", offset, (unsigned long long)*value);
    struct virq_effects effects = {0};
    struct virq_cpu *self = self_on(machine_pcpu(vcpu));
    enum vgic_result result = vgic_dist_access(virq, vcpu, self, offset, size, write, value, &effects);

    apply(&effects);
    take_maintenance(machine_pcpu(vcpu));
    return (enum machine_result)result;
}

enum machine_result machine_redist(unsigned vcpu, unsigned owner, uint32_t offset, unsigned size, bool write,
                                   uint64_t *value)
{
    TRACE("%u: redist %u %s %x %llx\n", vcpu, owner, write ? "write" : "read", offset,
          (unsigned long long)*value);
    struct virq_effects effects = {0};
    struct virq_cpu *self = self_on(machine_pcpu(vcpu));
    enum vgic_result result =
        vgic_redist_access(virq, vcpu, self, owner * REDIST_STRIDE + offset, size, write, value, &effects);

    apply(&effects);
    take_maintenance(machine_pcpu(vcpu));
    return (enum machine_result)result;
}

void machine_sgi(unsigned vcpu, uint64_t sgi1r)
{
    TRACE("%u: sgi %llx\n", vcpu, (unsigned long long)sgi1r);
    struct virq_effects effects = {0};

    vgic_sgi(virq, vcpu, self_on(machine_pcpu(vcpu)), sgi1r, &effects);
    apply(&effects);
    take_maintenance(machine_pcpu(vcpu));
}

void machine_interface(unsigned vcpu, bool enable, unsigned pmr, unsigned bpr, bool eoi_mode)
{
    TRACE("%u: interface %d pmr %x bpr %u mode %d\n", vcpu, enable, pmr, bpr, eoi_mode);
    uint32_t enables = config.version == 3 ? 2u : 1u, bpr_shift = config.version == 3 ? 18u : 21u;

    self_on(machine_pcpu(vcpu));
    gic_vmcr_write((enable ? enables : 0) | (uint32_t)pmr << 24 | (uint32_t)bpr << bpr_shift |
                   (eoi_mode ? 1u << 9 : 0));
}

uint32_t machine_acknowledge(unsigned vcpu)
{
    uint32_t iar;

    self_on(machine_pcpu(vcpu));
    iar = host_gic_acknowledge();
    TRACE("%u: acknowledge %x\n", vcpu, iar);
    take_maintenance(machine_pcpu(vcpu));
    return iar;
}

void machine_end(unsigned vcpu, uint32_t iar)
{
    TRACE("%u: end %x\n", vcpu, iar);
    self_on(machine_pcpu(vcpu));
    host_gic_end(iar);
    take_maintenance(machine_pcpu(vcpu));
}

void machine_deactivate(unsigned vcpu, uint32_t iar)
{
    TRACE("%u: deactivate %x\n", vcpu, iar);
    struct virq_effects effects = {0};
    struct virq_cpu *self = self_on(machine_pcpu(vcpu));

    if (!host_gic_deactivate(iar)) {
        vgic_dir(virq, vcpu, self, iar, &effects);
        apply(&effects);
    }
    take_maintenance(machine_pcpu(vcpu));
}

bool machine_deliverable(unsigned vcpu)
{
    self_on(machine_pcpu(vcpu));
    return virq_deliverable(virq, virq_cpu(virq, vcpu));
}

void machine_line(unsigned pcpu, unsigned vcpu, unsigned intid, bool high)
{
    TRACE("line %u of %u: %d\n", intid, vcpu, high);
    struct virq_effects effects = {0};

    virq_line(virq, vcpu, intid, high, self_on(pcpu), &effects);
    apply(&effects);
    take_maintenance(pcpu);
}

void machine_edge(unsigned pcpu, unsigned vcpu, unsigned intid)
{
    TRACE("edge %u of %u\n", intid, vcpu);
    struct virq_effects effects = {0};

    virq_edge(virq, vcpu, intid, self_on(pcpu), &effects);
    apply(&effects);
    take_maintenance(pcpu);
}

void machine_fire(unsigned pcpu, unsigned vcpu, unsigned intid)
{
    TRACE("fire %u of %u on %u\n", intid, vcpu, pcpu);
    struct virq_effects effects = {0};
    struct virq_cpu *self = self_on(pcpu);

    gic_set_active(intid, true);
    virq_hw_fired(virq, vcpu, intid, self, &effects);
    apply(&effects);
    take_maintenance(pcpu);
}

bool machine_physical_enabled(unsigned pcpu, unsigned intid)
{
    self_on(pcpu);
    return host_gic_enabled(intid);
}

bool machine_physical_active(unsigned pcpu, unsigned intid)
{
    self_on(pcpu);
    return gic_is_active(intid);
}

void machine_physical_set_pending(unsigned pcpu, unsigned intid, bool pending)
{
    self_on(pcpu);
    gic_set_pending(intid, pending);
}

bool machine_physical_pending(unsigned pcpu, unsigned intid)
{
    self_on(pcpu);
    return host_gic_pending(intid);
}

void machine_hold_maintenance(bool hold)
{
    held = hold;
    for (unsigned i = 0; i < config.nr_pcpus; i++) {
        take_maintenance(i);
    }
}

unsigned machine_lrs_in_use(unsigned pcpu)
{
    unsigned count = 0;

    self_on(pcpu);
    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        count += (gic_lr_read(i) & LR_STATE) != 0 ? 1u : 0;
    }
    return count;
}

unsigned long machine_maintenance_count(void)
{
    return maintenance_count;
}
