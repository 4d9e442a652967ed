// SPDX-License-Identifier: Apache-2.0
#include "gic.h"
#include "guest.h"

void exception_sync(struct frame *frame, uint64_t vector);
void exception_irq(struct frame *frame, uint64_t vector);
void exception_serror(struct frame *frame, uint64_t vector);
void exception_fatal(struct frame *frame, uint64_t vector);
void exception_lower(struct frame *frame, uint64_t vector);

/* Set by tests that run code at EL0; returns true when it dealt with the exception. */
bool (*lower_hook)(struct frame *frame, uint64_t esr);

void exception_fatal(struct frame *frame, uint64_t vector)
{
    struct cpu *cpu = this_cpu();
    print("FAIL exception: cpu %lu vector %lu esr 0x%lx elr 0x%lx (offset 0x%lx) far 0x%lx spsr 0x%lx lr "
          "offset 0x%lx\n",
          cpu ? cpu->index : 0, vector, sysreg_read(esr_el1), frame->elr,
          frame->elr - boot_state.load_address, sysreg_read(far_el1), frame->spsr,
          frame->x[30] - boot_state.load_address);
    print("DONE passed=0 failed=1 skipped=0\n");
    system_off();
}

void exception_sync(struct frame *frame, uint64_t vector)
{
    struct cpu *cpu = this_cpu();
    if (!cpu || !cpu->expecting) {
        exception_fatal(frame, vector);
    }
    cpu->fault.esr = sysreg_read(esr_el1);
    cpu->fault.far = sysreg_read(far_el1);
    cpu->fault.elr = frame->elr;
    cpu->fault.count++;
    switch (ESR_EC(cpu->fault.esr)) {
    case EC_SVC: /* its return address is already behind it */
        break;
    case EC_INSTRUCTION_ABORT: /* of a call: go back to the caller */
        frame->elr = frame->x[30];
        break;
    default:
        frame->elr += 4;
        break;
    }
}

void exception_lower(struct frame *frame, uint64_t vector)
{
    if (!lower_hook || !lower_hook(frame, sysreg_read(esr_el1))) {
        exception_fatal(frame, vector);
    }
}

void exception_serror(struct frame *frame, uint64_t vector)
{
    struct cpu *cpu = this_cpu();
    if (!cpu || !cpu->expecting) {
        exception_fatal(frame, vector);
    }
    cpu->fault.esr = sysreg_read(esr_el1);
    cpu->fault.elr = frame->elr;
    cpu->fault.count++;
}

void exception_irq(struct frame *frame, uint64_t vector)
{
    (void)frame;
    (void)vector;
    irq_dispatch();
}

void fault_expect(void)
{
    struct cpu *cpu = this_cpu();
    cpu->fault = (struct fault){0};
    cpu->expecting = true;
    __asm__ volatile("msr daifclr, #4" : : : "memory");
}

uint32_t fault_taken(struct fault *out)
{
    struct cpu *cpu = this_cpu();
    dsb();
    isb();
    __asm__ volatile("msr daifset, #4" : : : "memory");
    cpu->expecting = false;
    if (out) {
        *out = cpu->fault;
    }
    return ((volatile struct cpu *)cpu)->fault.count;
}

bool try_read(uint64_t address, uint32_t size, uint64_t *value, struct fault *fault)
{
    uint64_t v = 0;
    fault_expect();
    switch (size) {
    case 1:
        __asm__ volatile("ldrb %w0, [%1]" : "+r"(v) : "r"(address) : "memory");
        break;
    case 2:
        __asm__ volatile("ldrh %w0, [%1]" : "+r"(v) : "r"(address) : "memory");
        break;
    case 4:
        __asm__ volatile("ldr %w0, [%1]" : "+r"(v) : "r"(address) : "memory");
        break;
    default:
        __asm__ volatile("ldr %0, [%1]" : "+r"(v) : "r"(address) : "memory");
        break;
    }
    if (value) {
        *value = v;
    }
    return fault_taken(fault) == 0;
}

bool try_write(uint64_t address, uint32_t size, uint64_t value, struct fault *fault)
{
    fault_expect();
    switch (size) {
    case 1:
        __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    case 2:
        __asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    case 4:
        __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    default:
        __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    }
    return fault_taken(fault) == 0;
}
