/* SPDX-License-Identifier: Apache-2.0 */
#include "virq/virq_state.h"

#include "base/string.h"

_Static_assert(_Alignof(struct virq_cpu) <= _Alignof(struct virq) && sizeof(struct virq) % 8u == 0,
               "virq_init()");
_Static_assert(_Alignof(struct virq_spi_bank) <= _Alignof(struct virq_cpu), "virq_init()");

static unsigned banks_for(unsigned nr_spis)
{
    unsigned banks = 1u + (nr_spis + VIRQ_BANK - 1u) / VIRQ_BANK;

    return banks > VIRQ_MAX_BANKS ? VIRQ_MAX_BANKS : banks;
}

size_t virq_bytes(unsigned nr_vcpus, unsigned nr_spis)
{
    return sizeof(struct virq) + nr_vcpus * sizeof(struct virq_cpu) +
           (banks_for(nr_spis) - 1u) * sizeof(struct virq_spi_bank);
}

struct virq *virq_init(void *memory, unsigned nr_vcpus, unsigned nr_spis, unsigned version)
{
    struct virq *virq = memory;

    virq->cpus = (struct virq_cpu *)(void *)(virq + 1);
    virq->spis = (struct virq_spi_bank *)(void *)(virq->cpus + nr_vcpus);
    virq->nr_vcpus = (uint8_t)nr_vcpus;
    virq->nr_banks = (uint8_t)banks_for(nr_spis);
    virq->nr_intids = (uint16_t)min_u64((uint64_t)virq->nr_banks * VIRQ_BANK, 1020u);
    virq->version = (uint8_t)version;
    for (unsigned part = 0; virq_reset_part(virq, part); part++) {
    }
    return virq;
}

static void reset_bank(struct virq_bank *bank)
{
    uint32_t hw = bank->hw, hw_edge = bank->hw_edge;

    memset(bank, 0, sizeof(*bank));
    bank->hw = hw;
    bank->hw_edge = hw_edge;
    bank->edge = hw_edge;
}

static void reset_cpu(struct virq_cpu *cpu, unsigned index)
{
    uint32_t hw = cpu->bank.hw, hw_edge = cpu->bank.hw_edge;

    memset(cpu, 0, sizeof(*cpu));
    cpu->index = (uint8_t)index;
    cpu->bank.hw = hw;
    cpu->bank.hw_edge = hw_edge;
    cpu->bank.edge = hw_edge | 0xffffu; /* SGIs */
    cpu->bank.enabled = 0xffffu;        /* as in Xen */
    memset(cpu->best, VIRQ_LOWEST, sizeof(cpu->best));
}

bool virq_reset_part(struct virq *virq, unsigned part)
{
    if (part < virq->nr_vcpus) {
        reset_cpu(&virq->cpus[part], part);
        return true;
    }
    part -= virq->nr_vcpus;
    if (part + 1u < virq->nr_banks) {
        reset_bank(&virq->spis[part].bank);
        memset(virq->spis[part].route, virq->version == 3 ? 0 : 1, VIRQ_BANK); /* to vCPU 0 */
        memset(virq->spis[part].holder, VIRQ_NONE, VIRQ_BANK);
        return true;
    }
    virq->recall = 0;
    virq->forwarding = false;
    virq->soft_active = false;
    return false;
}

struct virq_cpu *virq_cpu(struct virq *virq, unsigned vcpu)
{
    return &virq->cpus[vcpu];
}

static void link_bank(struct virq_bank *bank, uint32_t mask, bool edge)
{
    bank->hw |= mask;
    if (edge) {
        bank->hw_edge |= mask;
        bank->edge |= mask;
    }
}

void virq_link(struct virq *virq, unsigned intid, unsigned pirq, bool edge)
{
    uint32_t mask = 1u << intid % VIRQ_BANK;

    if (intid < VIRQ_BANK) {
        virq->ppi_pirq[intid % 16u] = (uint16_t)pirq;
        for (unsigned i = 0; i < virq->nr_vcpus; i++) {
            link_bank(&virq->cpus[i].bank, mask, edge);
        }
    } else {
        virq->spis[intid / VIRQ_BANK - 1u].pirq[intid % VIRQ_BANK] = (uint16_t)pirq;
        link_bank(&virq->spis[intid / VIRQ_BANK - 1u].bank, mask, edge);
    }
}

unsigned virq_pirq(const struct virq *virq, unsigned intid)
{
    if (intid >= VIRQ_BANK) {
        return virq->spis[intid / VIRQ_BANK - 1u].pirq[intid % VIRQ_BANK];
    }
    return intid < VIRQ_NR_SGIS ? 0 : virq->ppi_pirq[intid % 16u];
}

unsigned virq_target(const struct virq *virq, unsigned intid)
{
    unsigned target = virq_spi_target(virq, &virq->spis[intid / VIRQ_BANK - 1u], intid % VIRQ_BANK);

    return target == VIRQ_NONE ? 0 : target;
}

bool virq_is_edge(const struct virq *virq, unsigned intid)
{
    return (virq->spis[intid / VIRQ_BANK - 1u].bank.edge >> intid % VIRQ_BANK) % 2u != 0;
}
