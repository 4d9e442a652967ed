// SPDX-License-Identifier: Apache-2.0
#include "gic.h"
#include "guest.h"

#define STACK_SIZE 8192

_Static_assert(offsetof(struct cpu, stack_top) == 0x08, "start.S");
_Static_assert(offsetof(struct cpu, start_sctlr) == 0x10, "start.S");
_Static_assert(offsetof(struct cpu, start_mpidr) == 0x30, "start.S");

struct cpu cpus[MAX_CPUS];
uint32_t cpu_count;
struct boot_state boot_state;
_Static_assert(offsetof(struct boot_state, cpacr) == 0x138, "start.S");
static uint8_t stacks[MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));

void secondary_entry(void);
void cpu_secondary(struct cpu *cpu);

void smp_init(void)
{
    int parent = fdt_path("/cpus");
    int depth = 0;
    uint64_t me = boot_state.mpidr & 0xff00ffffffull;
    cpu_count = 0;
    for (int n = fdt_next(parent, &depth); parent >= 0 && n >= 0 && depth >= 1; n = fdt_next(n, &depth)) {
        uint64_t reg, size;
        if (depth == 1 && fdt_has_string(n, "device_type", "cpu") && cpu_count < MAX_CPUS &&
            fdt_reg(n, 0, &reg, &size)) {
            cpus[cpu_count++].mpidr = reg;
        }
    }
    if (cpu_count == 0) {
        cpus[cpu_count++].mpidr = me;
    }
    for (uint32_t i = 0; i < cpu_count; i++) {
        cpus[i].index = i;
        cpus[i].stack_top = (uint64_t)&stacks[i][STACK_SIZE];
    }
    sysreg_write(tpidr_el1, &cpus[0]);
}

void cpu_secondary(struct cpu *cpu)
{
    gic_cpu_init();
    cpu->fn(cpu->arg);
    irq_off();
    gic_cpu_exit();
    __atomic_store_n(&cpu->running, 0, __ATOMIC_RELEASE);
    int64_t r = psci(PSCI_CPU_OFF, 0, 0, 0);
    print("FAIL smp: CPU_OFF of cpu %lu returned %ld\n", cpu->index, r);
    for (;;) {
        wfi();
    }
}

int64_t cpu_start(uint32_t index, void (*fn)(void *), void *arg)
{
    struct cpu *cpu = &cpus[index];
    cpu->fn = fn;
    cpu->arg = arg;
    cpu->expecting = false;
    cpu->running = 1;
    dsb();
    int64_t r = psci(PSCI_CPU_ON, cpu->mpidr, (uint64_t)secondary_entry, (uint64_t)cpu);
    if (r != PSCI_SUCCESS) {
        cpu->running = 0;
    }
    return r;
}

bool cpu_wait_off(uint32_t index, uint64_t limit_us)
{
    uint64_t end = now() + us_to_ticks(limit_us);
    /* Firmware that starts CPUs in the background may still answer OFF for one that is about to run. */
    while (__atomic_load_n(&cpus[index].running, __ATOMIC_ACQUIRE) != 0) {
        if (now() > end) {
            return false;
        }
        cpu_relax();
    }
    while (psci(PSCI_AFFINITY_INFO, cpus[index].mpidr, 0, 0) != 1) {
        if (now() > end) {
            return false;
        }
        cpu_relax();
    }
    return true;
}

bool smp_run(uint32_t n, void (*fn)(void *), uint64_t limit_us)
{
    bool good = true;
    for (uint32_t i = 1; i < n; i++) {
        int64_t r = cpu_start(i, fn, (void *)(uint64_t)i);
        if (r != PSCI_SUCCESS) {
            test_fail("CPU_ON of cpu %u: %ld", i, r);
            good = false;
        }
    }
    fn(NULL);
    for (uint32_t i = 1; i < n; i++) {
        if (!cpu_wait_off(i, limit_us)) {
            test_fail("cpu %u did not go off", i);
            good = false;
        }
    }
    return good;
}

bool wait_for(volatile uint32_t *p, uint32_t value, uint64_t limit_us)
{
    uint64_t end = now() + us_to_ticks(limit_us);
    while (__atomic_load_n(p, __ATOMIC_ACQUIRE) < value) {
        if (now() > end) {
            return false;
        }
        cpu_relax();
    }
    return true;
}

void lock(struct lock *l)
{
    while (__atomic_exchange_n(&l->v, 1, __ATOMIC_ACQUIRE)) {
        cpu_relax();
    }
}

void unlock(struct lock *l)
{
    __atomic_store_n(&l->v, 0, __ATOMIC_RELEASE);
}

uint64_t us_to_ticks(uint64_t us)
{
    uint64_t hz = sysreg_read(cntfrq_el0);
    return us / 1000000 * hz + us % 1000000 * hz / 1000000;
}

void delay_us(uint64_t us)
{
    uint64_t end = now() + us_to_ticks(us);
    while (now() < end) {
        cpu_relax();
    }
}
