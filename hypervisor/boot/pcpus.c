/* SPDX-License-Identifier: Apache-2.0 */
/* Physical processors: what each needs, and starting them through PSCI. */
#include "boot/pcpus.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/image.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/timer.h"
#include "core/pcpu.h"
#include "core/power.h"
#include "core/print.h"
#include "drivers/gic.h"

#define GICR_FRAMES    0x20000u /* RD_base and SGI_base */
#define START_LIMIT_US 1000000u

static struct pcpu_start starts[MAX_PCPUS];

static uint64_t own_mpidr(void)
{
    uint64_t mpidr = READ_SYSREG(mpidr_el1);

    return FIELD(mpidr, 39, 32) << 32 | FIELD(mpidr, 23, 0);
}

static bool prepare_one(struct arena *arena, unsigned index, uint64_t mpidr, bool boot)
{
    struct pcpu *pcpu = arena_alloc(arena, sizeof *pcpu, 64);
    void *stack = arena_alloc(arena, STACK_SIZE, PAGE_SIZE);
    struct stage1_tables *tables = boot ? &stage1_boot_tables : arena_alloc(arena, sizeof *tables, PAGE_SIZE);

    if (pcpu == NULL || stack == NULL || tables == NULL) {
        print_panic("no memory for pCPU %u", index);
        return false;
    }
    pcpu->index = index;
    pcpu->mpidr = mpidr;
    pcpu->tables = tables;
    pcpu->stack_top = (uint64_t)stage1_map_stack(index, stack);
    pcpu->panic_top = (uint64_t)pcpu->panic_stack + PANIC_STACK;
    pcpus[index] = pcpu;
    nr_pcpus = nr_pcpus > index + 1u ? nr_pcpus : index + 1u;
    return true;
}

static struct pcpu *by_mpidr(uint64_t mpidr)
{
    for (uint32_t i = 0; i < nr_pcpus; i++) {
        if (pcpus[i] != NULL && pcpus[i]->mpidr == mpidr) {
            return pcpus[i];
        }
    }
    return NULL;
}

static bool all_have_gicr(void)
{
    for (uint32_t i = 0; i < nr_pcpus; i++) {
        if (pcpus[i] != NULL && pcpus[i]->gicr == NULL) {
            return false;
        }
    }
    return true;
}

/* One region of redistributors: frames in a row until the one that says it is the last. */
static bool walk_redistributors(const struct host_gic *gic, const struct host_range *region,
                                struct arena *arena)
{
    uint64_t offset = 0, size;
    bool last = false;

    while (!last && offset + GICR_FRAMES <= region->size && !all_have_gicr()) {
        volatile void *gicr = stage1_map_device(PA(region->base + offset), GICR_FRAMES);
        struct pcpu *pcpu;

        if (gicr == NULL) {
            uint64_t *table = arena_alloc(arena, PAGE_SIZE, PAGE_SIZE);

            if (table == NULL) {
                return false;
            }
            stage1_give_device_table(table);
            continue;
        }
        pcpu = by_mpidr(gic_redistributor_affinity(gicr, &last, &size));
        if (pcpu != NULL) {
            pcpu->gicr = gicr;
        }
        offset += gic->gicr_stride != 0 ? gic->gicr_stride : size;
    }
    return true;
}

static bool find_redistributors(const struct host_gic *gic, struct arena *arena)
{
    for (uint32_t i = GICR; gic->version == 3 && i < gic->nr_regs; i++) {
        if (!walk_redistributors(gic, &gic->regs[i], arena)) {
            return false;
        }
    }
    if (gic->version == 3 && !all_have_gicr()) {
        print_panic("a CPU has no GIC redistributor");
        return false;
    }
    return true;
}

bool pcpus_prepare(const struct host *host, struct arena *arena, uint32_t mask)
{
    uint64_t own = own_mpidr();

    for (uint32_t i = 0; i < host->nr_cpus; i++) {
        bool boot = host->cpus[i].mpidr == own;

        if ((boot || (mask >> i) % 2u != 0) && !prepare_one(arena, i, host->cpus[i].mpidr, boot)) {
            return false;
        }
    }
    if (by_mpidr(own) == NULL) {
        print_panic("the boot CPU, MPIDR 0x%lx, is not in the device tree", own);
        return false;
    }
    return find_redistributors(&host->gic, arena);
}

static bool start_one(struct pcpu *pcpu)
{
    struct pcpu_start *start = &starts[pcpu->index];
    int64_t error;

    *start = (struct pcpu_start){stage1_pa(&stage1_boot_tables).v, (void *)pcpu->stack_top, pcpu};
    cache_clean(start, sizeof *start);
    error = power_cpu_on(pcpu->mpidr, stage1_pa(pcpu_entry).v, stage1_pa(start).v);
    if (error != 0) {
        print_panic("PSCI CPU_ON of pCPU %u failed: %d", pcpu->index, (int)error);
        return false;
    }
    return true;
}

static bool wait_for(const struct pcpu *pcpu)
{
    uint64_t limit = timer_now() + timer_from_us(START_LIMIT_US);

    while (load_acquire(&pcpu->online) == 0) {
        if (timer_now() > limit) {
            print_panic("pCPU %u does not come up", pcpu->index);
            return false;
        }
        __asm__ volatile("yield");
    }
    return true;
}

bool pcpus_start(void)
{
    struct pcpu *boot = by_mpidr(own_mpidr());

    for (uint32_t i = 0; i < nr_pcpus; i++) {
        if (pcpus[i] != NULL) {
            pcpus[i]->root =
                pcpus[i] == boot ? stage1_pa(&stage1_boot_tables).v : stage1_clone(pcpus[i]->tables).v;
        }
    }
    WRITE_SYSREG(tpidr_el2, (uint64_t)boot);
    pcpu_init(boot);
    pcpu_set_boot(boot);
    for (uint32_t i = 0; i < nr_pcpus; i++) {
        if (pcpus[i] != NULL && pcpus[i] != boot && !start_one(pcpus[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < nr_pcpus; i++) {
        if (pcpus[i] != NULL && pcpus[i] != boot && !wait_for(pcpus[i])) {
            return false;
        }
    }
    store_release(&boot->online, 1);
    return true;
}
