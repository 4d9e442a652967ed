/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark guest: a bare-metal EL1 program (GICv2 or GICv3, PSCI, PL011 or SBSA UART, at most two vCPUs)
 * that finds everything in the device tree, so that one binary runs under any hypervisor and on the bare
 * machine. Time is CNTVCT_EL0; under QEMU's -icount shift=0 with a 1 GHz counter a tick is an executed
 * instruction, the hypervisor's included. */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CPUS    2
#define MAX_SAMPLES 10000
#define MAX_IRQS    1020

#define SGI_SELF   1
#define SGI_OTHER  2
#define PPI_VTIMER 27
#define PPI_EVENT  31 /* Xen's upcall */

#define PSCI_VERSION    0x84000000u
#define PSCI_CPU_ON     0xc4000003u
#define PSCI_SYSTEM_OFF 0x84000008u

#define READ_SYSREG(name)                                            \
    ({                                                               \
        uint64_t value_;                                             \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)::"memory"); \
        value_;                                                      \
    })
#define WRITE_SYSREG(name, value) __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")

static inline void isb(void)
{
    __asm__ volatile("isb" ::: "memory");
}
static inline void dsb(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}
static inline void wfi(void)
{
    __asm__ volatile("wfi" ::: "memory");
}
static inline void irq_enable(void)
{
    __asm__ volatile("msr daifclr, #2" ::: "memory");
}
static inline void irq_disable(void)
{
    __asm__ volatile("msr daifset, #2" ::: "memory");
}
static inline void compiler_barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

/* With several CPUs under icount a loop without YIELD burns its whole slice, and the slice is counted. */
static inline void yield(void)
{
    __asm__ volatile("yield" ::: "memory");
}

static inline uint64_t now(void)
{
    return READ_SYSREG(cntvct_el0);
}

/* Plain addressing modes only: a trapped access with write-back has no syndrome to decode. */
static inline uint32_t read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

static inline void write8(uint64_t address, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

/* A Xen hypercall with two arguments. Noted in undefined_seen, and harmless, where there is none. */
extern volatile uint32_t undefined_seen;
static inline uint64_t hypercall(uint64_t number, uint64_t a, uint64_t b)
{
    register uint64_t x16 __asm__("x16") = number;
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x16)::"memory", "x2", "x3", "x4", "x17");
    return x0;
}

/* platform.c: what the device tree says */
struct platform {
    uint64_t uart;
    uint64_t gicd;
    uint64_t gicr; /* GICv3; else 0 */
    uint64_t gicc; /* GICv2; else 0 */
    uint64_t ram_base, ram_size;
    uint64_t tx, rx, ring_size, doorbell; /* channel; doorbell 0: there is none */
    uint32_t channel_irq;
    bool psci_smc;
    char bootargs[512];
};
extern struct platform platform;
void platform_read(const uint8_t *device_tree);
const char *argument(const char *key); /* the text after "key=", NULL if absent */
uint64_t argument_number(const char *key, uint64_t fallback);
bool argument_is(const char *key, const char *text);

static inline uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    if (platform.psci_smc)
        __asm__ volatile("smc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory", "x4", "x5", "x6", "x7", "x17");
    else
        __asm__ volatile("hvc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory", "x4", "x5", "x6", "x7", "x17");
    return x0;
}

/* console.c */
void print(const char *text);
void print_decimal(uint64_t value);
void print_hex(uint64_t value);
void print_field(const char *key, uint64_t value); /* " key=value" */

/* cpu.c: translation, interrupts, the second vCPU */
extern volatile uint64_t irq_time[MAX_CPUS][MAX_IRQS]; /* CNTVCT at the first instruction of the vector */
extern volatile uint32_t irq_count[MAX_CPUS][MAX_IRQS];
void mmu_tables(void);
void mmu_enable(void);
void gic_init_distributor(void);
void gic_init_cpu(uint32_t cpu);
void sgi_send(uint32_t id, uint32_t cpu);
void secondary_entry(void);
enum secondary_mode { SECONDARY_SPIN, SECONDARY_WFI };
extern volatile uint32_t secondary_mode;
bool secondary_start(void);

/* samples.c */
extern uint32_t samples[MAX_SAMPLES];
void report(const char *name, uint32_t count); /* sorts samples[0..count) and prints one line "R name ..." */

void drain_interrupts(void);

/* exits.c, interrupts.c: the rows */
void bench_exits(uint32_t count);
void bench_ioreq(uint32_t count);
void bench_grants(uint32_t count);
void bench_interrupts(uint32_t count);
void bench_timer(uint32_t count, const char *spin_name, const char *wfi_name);
void sgi_self_once(uint32_t index);
void sgi_other_once(uint32_t index);
void timer_once(uint32_t index, bool sleep);

/* events.c */
void bench_send(const char *round_trip);
void bench_receive(void);
uint64_t event_taken(uint64_t time); /* in the handler; returns the time to be noted */

/* channels.c */
void bench_channel_send(void);
void bench_channel_receive(void);
void channel_taken(void); /* in the handler */

/* start.S */
void fp_enable(void);
void fp_touch(void);

/* trace.c */
void trace_loop(const char *what); /* never returns */
void trace_mark(void);

#endif
