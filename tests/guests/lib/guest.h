/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library of the test guests: what a bare-metal program at EL1 needs to look at its own machine.
 * Nothing in it knows the hypervisor; all numbers come from the device tree in x0.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef TINY
#define MAX_CPUS 1
#else
#define MAX_CPUS 8
#endif
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- processor ---------------------------------------------------------------------------------------- */

/* Two steps, so that a name that is itself a macro is expanded first. */
#define STRING_(x) #x
#define STRING(x)  STRING_(x)
#define sysreg_read(name)                                                \
    ({                                                                   \
        uint64_t sysreg_value_;                                          \
        __asm__ volatile("mrs %0, " STRING(name) : "=r"(sysreg_value_)); \
        sysreg_value_;                                                   \
    })
#define sysreg_write(name, value) \
    __asm__ volatile("msr " STRING(name) ", %0" : : "r"((uint64_t)(value)) : "memory")

#define isb()     __asm__ volatile("isb" : : : "memory")
#define dsb()     __asm__ volatile("dsb sy" : : : "memory")
#define wfi()     __asm__ volatile("dsb sy\n wfi" : : : "memory")
#define irq_on()  __asm__ volatile("msr daifclr, #3\n isb" : : : "memory")
#define irq_off() __asm__ volatile("msr daifset, #3\n isb" : : : "memory")
/* YIELD: under QEMU's icount a spinning CPU otherwise burns a whole slice. */
#define cpu_relax() __asm__ volatile("yield" : : : "memory")

static inline uint64_t now(void)
{
    isb();
    return sysreg_read(cntvct_el0);
}
uint64_t us_to_ticks(uint64_t us);
void delay_us(uint64_t us);

/* What the processor held when the first instruction ran (start.S stores it). */
struct boot_state {
    uint64_t x[31];
    uint64_t currentel, spsel, daif, sctlr, mpidr, cntvct, tpidr, load_address, cpacr;
};
extern struct boot_state boot_state;

/* ---- memory -------------------------------------------------------------------------------------------- */

static inline uint8_t read8(uint64_t a)
{
    return *(volatile uint8_t *)a;
}
static inline uint16_t read16(uint64_t a)
{
    return *(volatile uint16_t *)a;
}
static inline uint32_t read32(uint64_t a)
{
    uint32_t v;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}
static inline uint64_t read64(uint64_t a)
{
    uint64_t v;
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}
static inline void write8(uint64_t a, uint8_t v)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"(v), "r"(a) : "memory");
}
static inline void write32(uint64_t a, uint32_t v)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(v), "r"(a) : "memory");
}
static inline void write64(uint64_t a, uint64_t v)
{
    __asm__ volatile("str %0, [%1]" : : "r"(v), "r"(a) : "memory");
}

void *memset(void *d, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

enum mmu_type { MMU_DEVICE = 0, MMU_UNCACHED = 1, MMU_NORMAL = 2 };
/* Everything below 512 GiB is mapped at its own address: RAM of the device tree as Normal, the rest as
 * Device. mmu_window gives an address through which any output address (up to 48 bits) is seen with the given
 * type; one window per CPU, valid until the next call on that CPU. */
uint64_t mmu_window(uint64_t pa, enum mmu_type type);

/* ---- exceptions ---------------------------------------------------------------------------------------- */

struct frame {
    uint64_t x[31];
    uint64_t elr, spsr;
};

/* The last expected exception of this CPU. */
struct fault {
    uint64_t esr, far, elr;
    uint32_t count;
};
#define ESR_EC(esr)   ((esr) / (1u << 26) % 64)
#define ESR_DFSC(esr) ((esr) % 64)
enum {
    EC_UNKNOWN = 0x00,
    EC_SVC = 0x15,
    EC_SYSREG = 0x18,
    EC_INSTRUCTION_ABORT = 0x21,
    EC_DATA_ABORT = 0x25
};

/* From fault_expect to fault_taken an exception is noted and the instruction skipped.
 * fault_taken returns how many there were; *out (may be NULL) is the last. */
void fault_expect(void);
uint32_t fault_taken(struct fault *out);
/* One access of 1, 2, 4 or 8 bytes; false if it took an exception. */
bool try_read(uint64_t address, uint32_t size, uint64_t *value, struct fault *fault);
bool try_write(uint64_t address, uint32_t size, uint64_t value, struct fault *fault);

/* ---- processors ---------------------------------------------------------------------------------------- */

struct cpu {
    uint64_t index; /* the offsets of the first seven are used by start.S */
    uint64_t stack_top;
    uint64_t start_sctlr, start_daif, start_currentel, start_spsel, start_mpidr;
    uint64_t mpidr; /* affinity from the device tree */
    void (*fn)(void *);
    void *arg;
    volatile uint32_t running;
    bool expecting;
    struct fault fault;
    uint64_t gicr;
    volatile uint32_t irqs; /* interrupts taken, spurious ones not counted */
    volatile uint32_t spurious;
    volatile uint32_t seen[1020];  /* per INTID */
    volatile uint32_t last_source; /* GICv2: CPU field of the last SGI */
};
extern struct cpu cpus[MAX_CPUS];
extern uint32_t cpu_count;
static inline struct cpu *this_cpu(void)
{
    return (struct cpu *)sysreg_read(tpidr_el1);
}

void smp_init(void);
/* Start cpu index with fn(arg); when fn returns the CPU calls CPU_OFF. PSCI's answer is returned. */
int64_t cpu_start(uint32_t index, void (*fn)(void *), void *arg);
/* Wait until AFFINITY_INFO says OFF. False after limit_us. */
bool cpu_wait_off(uint32_t index, uint64_t limit_us);
/* fn on CPUs 1..n-1 with arg = index, then on this one; waits for all. False: some CPU did not start or end.
 */
bool smp_run(uint32_t n, void (*fn)(void *), uint64_t limit_us);
/* Wait until *p >= value. False after limit_us. */
bool wait_for(volatile uint32_t *p, uint32_t value, uint64_t limit_us);

struct lock {
    volatile uint32_t v;
};
void lock(struct lock *l);
void unlock(struct lock *l);

/* ---- firmware ------------------------------------------------------------------------------------------ */

enum {
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_SUSPEND32 = 0x84000001,
    PSCI_CPU_SUSPEND = 0xc4000001,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_CPU_ON32 = 0x84000003,
    PSCI_CPU_ON = 0xc4000003,
    PSCI_AFFINITY_INFO32 = 0x84000004,
    PSCI_AFFINITY_INFO = 0xc4000004,
    PSCI_MIGRATE = 0x84000005,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    PSCI_MIGRATE_INFO_UP_CPU = 0x84000007,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
    SMCCC_VERSION = 0x80000000,
    SMCCC_ARCH_FEATURES = 0x80000001
};
enum {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INTERNAL_FAILURE = -6,
    PSCI_NOT_PRESENT = -7,
    PSCI_DISABLED = -8,
    PSCI_INVALID_ADDRESS = -9
};
extern bool conduit_smc;
void psci_init(void);
void smccc_call(bool smc, uint64_t regs[18]);
/* x0..x3 in, x0 out, through the device tree's conduit; results of 32-bit functions are sign-extended. */
int64_t psci(uint32_t fn, uint64_t a1, uint64_t a2, uint64_t a3);
_Noreturn void system_off(void);
_Noreturn void system_reset(void);

/* ---- device tree --------------------------------------------------------------------------------------- */

extern const uint8_t *fdt_blob;
bool fdt_valid(const void *blob);
uint32_t fdt_size(void);
/* Nodes are offsets, -1 = none. fdt_next walks in order; *depth (0 = root) is kept up to date. */
int fdt_next(int node, int *depth);
int fdt_root(void);
const char *fdt_name(int node);
int fdt_parent(int node);
int fdt_path(const char *path);
int fdt_child(int node, const char *name); /* by full name, or name before the '@' */
int fdt_compatible(const char *compatible, int after);
const void *fdt_prop(int node, const char *name, uint32_t *length);
bool fdt_u32(int node, const char *name, uint32_t *value);
bool fdt_has_string(int node, const char *name, const char *string); /* in a string list */
bool fdt_reg(int node, uint32_t index, uint64_t *address, uint64_t *size);
uint32_t be32(const void *p);
uint64_t be64(const void *p);
int fdt_prop_count(int node);
const char *fdt_prop_at(int node, int index, const void **value, uint32_t *length);

/* Whether this machine is a domain: its root node then has no compatible, unlike any real board's. */
bool is_domain(void);

/* ---- console and arguments ------------------------------------------------------------------------------
 */

void console_init(void);
extern uint64_t uart_base;
extern uint32_t uart_irq;
void console_putc(char c);
int console_getc(void); /* -1 = nothing there */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprint(const char *format, va_list ap);

const char *bootargs(void);
bool arg_is(const char *key, const char *value);
uint64_t arg_number(const char *key, uint64_t fallback);
bool arg_string(const char *key, char *buffer, size_t size);

/* ---- tests ------------------------------------------------------------------------------------------------
 */

struct test {
    const char *name;
    void (*fn)(void);
};
#define TEST(id)                                                          \
    static void test_##id(void);                                          \
    static const struct test test_entry_##id                              \
        __attribute__((used, section(".tests." #id))) = {#id, test_##id}; \
    static void test_##id(void)

void test_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool test_failed(void);
/* A figure for the harness: "FIG test.name value". */
void test_figure(const char *name, uint64_t value);

#define CHECK(condition, ...)       \
    do {                            \
        if (!(condition)) {         \
            test_fail(__VA_ARGS__); \
            return;                 \
        }                           \
    } while (0)
#define EXPECT(condition, ...)      \
    do {                            \
        if (!(condition)) {         \
            test_fail(__VA_ARGS__); \
        }                           \
    } while (0)
#define EXPECT_EQ(got, want, what)                                       \
    do {                                                                 \
        uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);       \
        if (got_ != want_) {                                             \
            test_fail("%s is 0x%lx, expected 0x%lx", what, got_, want_); \
        }                                                                \
    } while (0)

uint32_t random32(uint64_t *state);

#endif
