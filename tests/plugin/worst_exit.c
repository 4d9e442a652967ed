// SPDX-License-Identifier: Apache-2.0
/* QEMU TCG plugin: the most instructions that a pCPU executes with interrupts masked: from an entry into EL2,
 * or from where an interrupt was acknowledged, to the next such place or to the ERET.
 *
 * To be used under -icount shift=0, where all CPUs share one thread. Arguments, all addresses in hex:
 *   out=FILE    what was seen, written at the end
 *   ack=A       an instruction that acknowledges an interrupt; may be given several times
 *   fresh=T-N   a test of ISR_EL1 at T that goes on at N when no interrupt is pending: what comes later waits
 * from N Only instructions of EL2's image count; guests run uninstrumented. What a pCPU executes before its
 * first ERET is boot and does not count. Rounds of waiting for a lock (YIELD) are not counted as instructions
 * but on their own.
 *
 * QEMU 10.0 tells callbacks a wrong CPU where one thread runs them all, so the pCPU is told apart by its
 * TPIDR_EL2.
 *
 * The output: "max N kind K entry A" and "waited N", then "kind K max N count N" for each way in that was
 * seen, then "pc A N" for every address of the longest one. A kind is irq, serror, after (an interrupt was
 * taken), fresh, or sync-EC[-number of the hypercall]. */
#include "plugin.h"

#define ERET       0xd69f03e0u
#define EL2_FIRST  0xff8000000000u /* the image; user space of a Linux guest may lie above it */
#define EL2_END    0xff8000200000u
#define MAX_CPUS   8u
#define MAX_PLACES 32u
#define MAX_KINDS  256u
#define LOG_SIZE   (4u << 20)

#define VECTOR_SIZE   0x80u
#define VECTOR_SYNC   0x400u
#define VECTOR_IRQ    0x480u
#define VECTOR_SERROR 0x580u
#define EC_HVC64      0x16u

EXPORT int qemu_plugin_version = 4;

/* What an instruction means, in its callback's data beside its offset in the image. */
enum { IS_ACK = 1, IS_ERET = 2, IS_TEST = 4, IS_NONE = 8, IS_YIELD = 16, FLAG_BITS = 5 };

struct kind {
    char name[24];
    uint64_t max, count;
};

static struct cpu {
    uint64_t key; /* TPIDR_EL2 */
    enum { BOOT, GUEST, INSIDE } state;
    struct kind *kind;
    uint32_t entry, count, yield_at, yield_count, tested;
    uint64_t waited;
    uint32_t *log; /* offsets of what was executed since the segment began */
} cpus[MAX_CPUS], *current;

static struct kind kinds[MAX_KINDS], *most_kind;
static uint32_t *most_log;
static uint64_t most, most_entry, waited;
static uint64_t acks[MAX_PLACES], tests[MAX_PLACES], nones[MAX_PLACES];
static unsigned nr_acks, nr_tests;
static void *key_register, *esr_register, *x16_register;
static char path[512];

static void find_registers(plugin_id id, unsigned index)
{
    (void)id;
    (void)index;
    key_register = plugin_register("TPIDR_EL2");
    esr_register = plugin_register("ESR_EL2");
    x16_register = plugin_register("x16");
}

static void on_block(unsigned index, void *data)
{
    uint64_t key = plugin_read(key_register);

    (void)index;
    (void)data;
    if (current != NULL && current->key == key) {
        return;
    }
    current = NULL;
    for (unsigned i = 0; i < MAX_CPUS && key >= EL2_FIRST; i++) {
        if (cpus[i].key == key || cpus[i].key == 0) {
            cpus[i].key = key;
            current = &cpus[i];
            return;
        }
    }
}

static struct kind *kind_named(const char *name)
{
    for (unsigned i = 0; i < MAX_KINDS - 1u; i++) {
        if (kinds[i].name[0] == '\0') {
            snprintf(kinds[i].name, sizeof(kinds[i].name), "%s", name);
        }
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return &kinds[MAX_KINDS - 1u];
}

static struct kind *kind_of_entry(uint32_t offset)
{
    char name[24];
    unsigned ec, number;

    if (offset % 0x800u == VECTOR_IRQ) {
        return kind_named("irq");
    }
    if (offset % 0x800u == VECTOR_SERROR) {
        return kind_named("serror");
    }
    if (offset % 0x800u != VECTOR_SYNC) {
        return kind_named("other");
    }
    ec = (unsigned)(plugin_read(esr_register) >> 26) % 64u;
    number = (unsigned)plugin_read(x16_register) % 256u;
    if (ec == EC_HVC64 && plugin_read(esr_register) % 65536u != 0) {
        snprintf(name, sizeof(name), "sync-%02x-%u", ec, number);
    } else {
        snprintf(name, sizeof(name), "sync-%02x", ec);
    }
    return kind_named(name);
}

static void begin(struct cpu *cpu, struct kind *kind, uint32_t offset)
{
    cpu->state = INSIDE;
    cpu->kind = kind;
    cpu->entry = offset;
    cpu->count = 0;
    cpu->yield_at = 0;
}

static void end(struct cpu *cpu)
{
    struct kind *kind = cpu->kind;

    kind->count++;
    if (cpu->count > kind->max) {
        kind->max = cpu->count;
    }
    if (cpu->count > most) {
        uint32_t *log = most_log;

        most = cpu->count;
        most_entry = cpu->entry;
        most_kind = kind;
        most_log = cpu->log;
        cpu->log = log;
    }
}

/* One round of the wait for a lock is as if it had not been. */
static void on_yield(struct cpu *cpu, uint32_t offset)
{
    if (cpu->yield_at == offset && cpu->count - cpu->yield_count <= 8u) {
        cpu->waited++;
        waited = cpu->waited > waited ? cpu->waited : waited;
        cpu->count = cpu->yield_count;
    } else {
        cpu->waited = 0;
    }
    cpu->yield_at = offset;
    cpu->yield_count = cpu->count;
}

static void on_instruction(unsigned index, void *data)
{
    uint32_t offset = (uint32_t)((uintptr_t)data >> FLAG_BITS), flags = (uint32_t)(uintptr_t)data;
    struct cpu *cpu = current;

    (void)index;
    if (cpu == NULL) {
        return;
    }
    if (cpu->state == GUEST) {
        begin(cpu, kind_of_entry(offset), offset);
    } else if ((flags & IS_NONE) != 0 && cpu->tested && cpu->state == INSIDE) {
        begin(cpu, kind_named("fresh"), offset);
    }
    cpu->tested = (flags & IS_TEST) != 0;
    if (cpu->state == INSIDE) {
        if ((flags & IS_YIELD) != 0) {
            on_yield(cpu, offset);
        }
        if (cpu->log == NULL) {
            cpu->log = malloc(LOG_SIZE * sizeof(*cpu->log));
        }
        if (cpu->log != NULL && cpu->count < LOG_SIZE) {
            cpu->log[cpu->count] = offset;
        }
        cpu->count++;
    }
    if ((flags & (IS_ACK | IS_ERET)) != 0) {
        if (cpu->state == INSIDE) {
            end(cpu);
        }
        if ((flags & IS_ERET) != 0) {
            cpu->state = GUEST;
        } else if (cpu->state == INSIDE) {
            begin(cpu, kind_named("after"), offset);
        }
    }
}

static uintptr_t meaning(uint64_t address, uint32_t word)
{
    uintptr_t flags = word == ERET ? IS_ERET : word == YIELD ? IS_YIELD : 0;

    for (unsigned i = 0; i < nr_acks; i++) {
        flags |= acks[i] == address ? IS_ACK : 0;
    }
    for (unsigned i = 0; i < nr_tests; i++) {
        flags |= (tests[i] == address ? IS_TEST : 0) | (nones[i] == address ? IS_NONE : 0);
    }
    return flags;
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);
        uint32_t word = 0;

        if (address < EL2_FIRST || address >= EL2_END) {
            return;
        }
        if (i == 0) {
            qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, CB_R_REGS, NULL);
        }
        qemu_plugin_insn_data(insn, &word, sizeof(word));
        qemu_plugin_register_vcpu_insn_exec_cb(
            insn, on_instruction, address % VECTOR_SIZE == 0 ? CB_R_REGS : CB_NO_REGS,
            (void *)((uintptr_t)(address - EL2_FIRST) << FLAG_BITS | meaning(address, word)));
    }
}

static void report(plugin_id id, void *data)
{
    static uint32_t counts[(EL2_END - EL2_FIRST) / 4u];
    FILE *f = fopen(path, "w");

    (void)id;
    (void)data;
    if (f == NULL) {
        return;
    }
    fprintf(f, "max %llu kind %s entry %llx\nwaited %llu\n", (unsigned long long)most,
            most_kind != NULL ? most_kind->name : "none", (unsigned long long)(most_entry + EL2_FIRST),
            (unsigned long long)waited);
    for (unsigned i = 0; i < MAX_KINDS && kinds[i].count != 0; i++) {
        fprintf(f, "kind %s max %llu count %llu\n", kinds[i].name, (unsigned long long)kinds[i].max,
                (unsigned long long)kinds[i].count);
    }
    for (uint64_t i = 0; most_log != NULL && i < most && i < LOG_SIZE; i++) {
        counts[most_log[i] / 4u]++;
    }
    for (uint64_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (counts[i] != 0) {
            fprintf(f, "pc %llx %u\n", (unsigned long long)(EL2_FIRST + 4u * i), counts[i]);
        }
    }
    fclose(f);
}

static void argument(const char *text)
{
    char *rest;

    if (strncmp(text, "out=", 4) == 0) {
        snprintf(path, sizeof(path), "%s", text + 4);
    } else if (strncmp(text, "ack=", 4) == 0 && nr_acks < MAX_PLACES) {
        acks[nr_acks++] = strtoull(text + 4, NULL, 16);
    } else if (strncmp(text, "fresh=", 6) == 0 && nr_tests < MAX_PLACES) {
        tests[nr_tests] = strtoull(text + 6, &rest, 16);
        nones[nr_tests++] = *rest == '-' ? strtoull(rest + 1, NULL, 16) : 0;
    }
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        argument(argv[i]);
    }
    qemu_plugin_register_vcpu_init_cb(id, find_registers);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
