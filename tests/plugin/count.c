// SPDX-License-Identifier: Apache-2.0
/* QEMU TCG plugin: who executes how many instructions while a load runs.
 *
 * To be used under -icount shift=0, where all CPUs share one thread. Instructions are counted apart by pCPU
 * and by domain, told by TPIDR_EL2 and by the VMID of VTTBR_EL2 (QEMU 10.0 tells callbacks a wrong CPU where
 * one thread runs them all), and by whether the hypervisor executes or the domain, told by the address.
 * Waiting (WFI) executes nothing. Without a hypervisor all is pCPU 0, domain 0.
 *
 * Arguments: out=FILE, written at the end; late=1: nothing is counted before the first marker; late=2: nor is
 * code looked at (much faster, and the first instructions behind the marker are lost); pages=V: the pages
 * that domain V reads, writes and executes; profile=1: how often each address was executed between the
 * markers "begin" and "end".
 *
 * pCPUs have numbers in the order in which they were seen; at the end come lines "pcpu N K" whose keys K have
 * the order of the hypervisor's numbers.
 *
 * The output has a line for each marker that a domain executes (tests/domains/marker.h), and one for the
 * first instruction of each domain: "KIND NUMBER P V" (pCPU and VMID), then the sums until then as P.V=C+I: C
 * instructions of the hypervisor and I of the domain. Then "page A rwx" and "pc V A N" (V 0: the hypervisor).
 */
#include "plugin.h"

#define EL2_FIRST 0xff8000000000u
#define EL2_END   0xff8000200000u
#define MAX_CPUS  8u
#define MAX_VMIDS 16u
#define HINT(n)   (0xd503201fu | (n) << 5)
#define FIRST     120u
#define PAGE      4096u
#define MAX_PAGES 65536u
#define SLOTS     (1u << 18)

EXPORT int qemu_plugin_version = 4;

enum { BEGIN, END, REQUEST, DONE, CRASH, ALIVE, KINDS };
enum { READ = 1, WRITE = 2, EXECUTE = 4 }; /* the first two are those of the plugin API */
static const char *const names[KINDS] = {"begin", "end", "request", "done", "crash", "alive"};

static struct sums {
    uint64_t core, own;
} sums[MAX_CPUS][MAX_VMIDS], *current = &sums[0][0];
static struct {
    uint64_t key; /* VMID << 56 | address */
    uint64_t count;
} slots[SLOTS];
static uint64_t keys[MAX_CPUS]; /* TPIDR_EL2 */
static uint64_t pages[MAX_PAGES];
static uint8_t page_use[MAX_PAGES];
static unsigned pcpu, vmid, nr_pages, paged;
static int counting = 1, looking = 1, profiling, profile, started[MAX_VMIDS];
static plugin_id own_id;
static void *key_register, *vttbr_register, *x0_register;
static FILE *out;

static void find_registers(plugin_id id, unsigned index)
{
    (void)id;
    (void)index;
    key_register = plugin_register("TPIDR_EL2");
    vttbr_register = plugin_register("VTTBR_EL2");
    x0_register = plugin_register("x0");
}

static void say(const char *kind, uint64_t number)
{
    fprintf(out, "%s %llu %u %u", kind, (unsigned long long)number, pcpu, vmid);
    for (unsigned p = 0; p < MAX_CPUS; p++) {
        for (unsigned v = 0; v < MAX_VMIDS; v++) {
            if (sums[p][v].core != 0 || sums[p][v].own != 0) {
                fprintf(out, " %u.%u=%llu+%llu", p, v, (unsigned long long)sums[p][v].core,
                        (unsigned long long)sums[p][v].own);
            }
        }
    }
    fputc('\n', out);
}

/* Who executes from here on. */
static void on_block(unsigned index, void *data)
{
    uint64_t address = (uint64_t)(uintptr_t)data;
    uint64_t key = plugin_read(key_register);

    (void)index;
    if (!counting) {
        return;
    }
    if (key >= EL2_FIRST) {
        for (pcpu = 0; pcpu < MAX_CPUS - 1u && keys[pcpu] != 0 && keys[pcpu] != key; pcpu++) {
        }
        keys[pcpu] = key;
        vmid = (unsigned)(plugin_read(vttbr_register) >> 48) % MAX_VMIDS;
    }
    current = &sums[pcpu][vmid];
    if (!started[vmid] && (address < EL2_FIRST || address >= EL2_END)) {
        started[vmid] = 1;
        say("first", 0);
    }
}

static void use_page(uint64_t address, uint8_t use)
{
    unsigned i = 0;

    while (i < nr_pages && pages[i] != address / PAGE) {
        i++;
    }
    if (i == nr_pages && nr_pages < MAX_PAGES) {
        pages[nr_pages++] = address / PAGE;
    }
    if (i < MAX_PAGES) {
        page_use[i] |= use;
    }
}

static void tally(uint64_t address, unsigned domain)
{
    uint64_t key = (uint64_t)domain << 56 | address;
    uint32_t at = (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 46);

    while (slots[at].key != 0 && slots[at].key != key) {
        at = (at + 1u) % SLOTS;
    }
    slots[at].key = key;
    slots[at].count++;
}

static void on_core(unsigned index, void *data)
{
    (void)index;
    current->core += (unsigned)counting;
    if (profiling) {
        tally((uint64_t)(uintptr_t)data, 0);
    }
}

static void on_own(unsigned index, void *data)
{
    uint64_t address = (uint64_t)(uintptr_t)data;

    (void)index;
    current->own += (unsigned)counting;
    if (profiling) {
        tally(address % ((uint64_t)1 << 56), vmid);
    }
    if (paged != 0 && paged == vmid) {
        use_page(address, EXECUTE);
    }
}

static void on_memory(unsigned index, uint32_t info, uint64_t address, void *data)
{
    (void)index;
    (void)info;
    if (paged == vmid) {
        use_page(address, (uint8_t)(uintptr_t)data);
    }
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb);
static void report(plugin_id id, void *data);

/* All code is translated anew. */
static void look(plugin_id id)
{
    looking = 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, report, NULL);
}

static void on_marker(unsigned index, void *data)
{
    unsigned kind = (unsigned)(uintptr_t)data;

    (void)index;
    if (!counting) {
        counting = 1;
        on_block(0, NULL);
        if (!looking) {
            qemu_plugin_reset(own_id, look);
        }
    }
    if (kind == BEGIN || kind == END) {
        profiling = kind == BEGIN && profile;
    }
    say(names[kind], kind == REQUEST || kind == DONE ? plugin_read(x0_register) : 0);
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);
        void *place = (void *)(uintptr_t)address;
        uint32_t word = 0;

        if (i == 0 && looking) {
            qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, CB_R_REGS, place);
        }
        if (address >= EL2_FIRST && address < EL2_END) {
            if (looking) {
                qemu_plugin_register_vcpu_insn_exec_cb(insn, on_core, CB_NO_REGS, place);
            }
            continue;
        }
        if (looking) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_own, CB_NO_REGS, place);
        }
        if (paged != 0) {
            qemu_plugin_register_vcpu_mem_cb(insn, on_memory, CB_NO_REGS, READ, (void *)READ);
            qemu_plugin_register_vcpu_mem_cb(insn, on_memory, CB_NO_REGS, WRITE, (void *)WRITE);
        }
        qemu_plugin_insn_data(insn, &word, sizeof(word));
        for (unsigned kind = 0; kind < KINDS; kind++) {
            if (word == HINT(FIRST + kind)) {
                qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, CB_R_REGS, (void *)(uintptr_t)kind);
            }
        }
    }
}

static void report(plugin_id id, void *data)
{
    (void)id;
    (void)data;
    for (unsigned p = 0; p < MAX_CPUS; p++) {
        fprintf(out, "pcpu %u %llx\n", p, (unsigned long long)keys[p]);
    }
    for (unsigned i = 0; i < nr_pages; i++) {
        fprintf(out, "page %llx %s%s%s\n", (unsigned long long)(pages[i] * PAGE),
                page_use[i] & READ ? "r" : "", page_use[i] & WRITE ? "w" : "",
                page_use[i] & EXECUTE ? "x" : "");
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slots[i].count != 0) {
            fprintf(out, "pc %u %llx %llu\n", (unsigned)(slots[i].key >> 56),
                    (unsigned long long)(slots[i].key % ((uint64_t)1 << 56)),
                    (unsigned long long)slots[i].count);
        }
    }
    fclose(out);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "late=", 5) == 0) {
            counting = argv[i][5] == '0';
            looking = argv[i][5] != '2';
        } else if (strncmp(argv[i], "pages=", 6) == 0) {
            paged = (unsigned)strtoul(argv[i] + 6, NULL, 10);
        } else if (strncmp(argv[i], "profile=", 8) == 0) {
            profile = argv[i][8] == '1';
        }
    }
    if (out == NULL) {
        return 1;
    }
    own_id = id;
    qemu_plugin_register_vcpu_init_cb(id, find_registers);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
