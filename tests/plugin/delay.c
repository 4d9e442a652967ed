// SPDX-License-Identifier: Apache-2.0
/* QEMU TCG plugin: how many instructions a pCPU executes between a deadline of the virtual timer and the
 * guest's handler.
 *
 * To be used under -icount shift=0 with a counter of 1 GHz: one tick of the counter is then one instruction
 * of any CPU. The guest shows itself by two hints that do nothing (tests/attack/neighbour.c): ARM, before it
 * sets its timer, and HANDLER in its interrupt handler, followed by a store of the ticks that have passed
 * since the deadline. So the deadline is found by QEMU's own clock: instructions are counted here with the
 * clock beside them, and the handler looks back.
 *
 * Counted from the deadline on are all instructions of that pCPU, whoever executes them, but not those that a
 * guest executes before the pCPU first enters EL2: there a pending interrupt is taken at once, so they only
 * show that QEMU's clock and this one drift apart (an instruction that faults counts here and not there).
 * Beside it: the most instructions that any pCPU spent at EL2 between two looks at its interrupts (entry,
 * ISR, IAR), which does not depend on where deadlines happen to fall.
 *
 * Instructions of other CPUs do not count, so the figure does not depend on how QEMU interleaves CPUs; but
 * where the pCPU waits for a lock (a YIELD at EL2, which under icount gives the turn to the others), what the
 * others execute meanwhile does: on hardware the waiting lasts as long.
 *
 * QEMU 10.0 tells callbacks a wrong CPU where one thread runs them all (the number is that of the CPU that
 * translated the block), so the pCPU is told apart by its TPIDR_EL2, in which the hypervisor keeps the pCPU's
 * own structure. */
#include "plugin.h"

#define ARM       0xd5032c1fu     /* hint #0x60 */
#define HANDLER   0xd5032c3fu     /* hint #0x61 */
#define LOOK_ISR  0xd538c100u     /* MRS ISR_EL1; the lowest five bits are the register */
#define LOOK_IAR  0xd538cc00u     /* MRS ICC_IAR1_EL1 */
#define EL2_FIRST 0xff8000000000u /* the hypervisor's addresses; guests of this test use none above 1 TiB */
#define MAX_CPUS  8u
#define HISTORY   (1u << 20) /* instructions of the victim's pCPU that are remembered */

EXPORT int qemu_plugin_version = 4;

/* Under icount all CPUs share one thread. */
static struct cpu {
    uint64_t executed; /* and waited */
    uint64_t wait_began;
    uint64_t looked; /* value of executed when it last saw its interrupts */
    int waiting, el2;
    uint64_t key; /* TPIDR_EL2 */
} cpus[MAX_CPUS];
static struct cpu *current = cpus, *victim;
static uint64_t clock_now;
static void *key_register;
static struct step {
    uint64_t clock, executed;
    int el2;
} history[HISTORY];
static uint64_t steps; /* since the timer was armed */
static int armed;
static uint64_t taken, sum, most, most_at, blind;
static char path[512];

static void find_register(plugin_id id, unsigned index)
{
    (void)id;
    (void)index;
    key_register = plugin_register("TPIDR_EL2");
}

static void on_block(unsigned index, void *data)
{
    uint64_t key = plugin_read(key_register);

    (void)index;
    (void)data;
    if (key == current->key) {
        return;
    }
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        if (cpus[i].key == key || cpus[i].key == 0) {
            cpus[i].key = key;
            current = &cpus[i];
            return;
        }
    }
}

static void on_instruction(unsigned index, void *el2)
{
    struct cpu *cpu = current;

    (void)index;

    if (cpu->waiting) {
        cpu->executed += clock_now - cpu->wait_began;
        cpu->looked += clock_now - cpu->wait_began;
        cpu->waiting = 0;
    }
    if (el2 == NULL || !cpu->el2) {
        cpu->looked = cpu->executed;
    } else if (victim != NULL && cpu->executed - cpu->looked > blind) {
        blind = cpu->executed - cpu->looked;
    }
    cpu->el2 = el2 != NULL;
    if (armed && cpu == victim) {
        history[steps++ % HISTORY] = (struct step){clock_now, cpu->executed, el2 != NULL};
    }
    cpu->executed++;
    clock_now++;
}

static void on_look(unsigned index, void *data)
{
    (void)index;
    (void)data;
    current->looked = current->executed;
}

static void on_wait(unsigned index, void *data)
{
    struct cpu *cpu = current;

    (void)index;
    (void)data;
    cpu->waiting = 1;
    cpu->wait_began = clock_now;
}

static void on_arm(unsigned index, void *data)
{
    (void)index;
    (void)data;
    victim = current;
    armed = 1;
    steps = 0;
}

static void on_handler(unsigned index, uint32_t info, uint64_t address, void *data)
{
    uint64_t late = qemu_plugin_mem_get_value(info).data.u64;
    uint64_t at = steps, oldest = steps > HISTORY ? steps - HISTORY : 0, delay;

    (void)index;
    (void)address;
    (void)data;
    if (!armed || current != victim) {
        return;
    }
    armed = 0;
    while (at > oldest && history[(at - 1) % HISTORY].clock + late >= clock_now) {
        at--;
    }
    while (at < steps && !history[at % HISTORY].el2) {
        at++;
    }
    delay = at < steps ? current->executed - history[at % HISTORY].executed : 0;
    taken++;
    sum += delay;
    if (delay > most) {
        most = delay;
        most_at = taken;
    }
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint32_t before = 0, word;
    void *el2;

    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, CB_R_REGS, NULL);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++, before = word) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

        qemu_plugin_insn_data(insn, &word, sizeof(word));
        el2 = qemu_plugin_insn_vaddr(insn) >= EL2_FIRST ? &cpus : NULL;
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, CB_NO_REGS, el2);
        if (word == YIELD && el2 != NULL) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_wait, CB_NO_REGS, NULL);
        } else if ((word & ~31u) == LOOK_ISR || (word & ~31u) == LOOK_IAR) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_look, CB_NO_REGS, NULL);
        } else if (word == ARM) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_arm, CB_NO_REGS, NULL);
        } else if (before == HANDLER) {
            qemu_plugin_register_vcpu_mem_cb(insn, on_handler, CB_NO_REGS, MEM_WRITE, NULL);
        }
    }
}

static void report(plugin_id id, void *data)
{
    FILE *f = fopen(path, "w");

    (void)id;
    (void)data;
    if (f == NULL) {
        return;
    }
    fprintf(f, "taken %llu mean %llu max %llu at %llu blind %llu\n", (unsigned long long)taken,
            (unsigned long long)(taken ? sum / taken : 0), (unsigned long long)most,
            (unsigned long long)most_at, (unsigned long long)blind);
    fclose(f);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            snprintf(path, sizeof(path), "%s", argv[i] + 4);
        }
    }
    qemu_plugin_register_vcpu_init_cb(id, find_register);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
