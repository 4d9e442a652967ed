/* SPDX-License-Identifier: Apache-2.0 */
/* Translation as the hardware does it, from tables as walks see them, into entries that stay. EL2's windows
 * are real mappings of this process, made when they are touched first, so that the code under test reads and
 * writes through them.
 *
 * A TLBI takes its entries out at once, and a walk that still sees the old tables brings them back; those
 * that are not brought back work on until the DSB, and for the pCPU itself until its ISB. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "arch/arm64/layout.h"
#include "arch/arm64/ops.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/stage1_bits.h"
#include "arch/host/host.h"
#include "base/bits.h"

#define WINDOW_SIZE    (2u * WINDOW_PAGES * PAGE_SIZE)
#define SHARE_SIZE     (STAGE1_SHARES * PAGE_SIZE)
#define MAX_ENTRIES    4096u
#define S1_DEVICE_ATTR S1_ATTR(ATTR_DEVICE)

enum regime { EL2, EL1 };
enum fate { STAYS, ISSUED, COMPLETE };

struct entry {
    bool valid;
    uint8_t regime, cpu, issuer;
    bool shareable; /* of the TLBI that was issued */
    enum fate fate;
    uint16_t vmid;
    uint64_t va, ipa, pa, leaf; /* of the page; ipa: EL1 only */
};

static struct entry entries[MAX_ENTRIES];
uint64_t (*host_stage1)(uint64_t va);
uint64_t host_memory_attributes = 0xff;
uint64_t (*host_device)(uint64_t pa, unsigned size, bool write, uint64_t value);

static bool in_window(uint64_t va)
{
    return va - WINDOW_VA < WINDOW_SIZE || va - SHARE_VA < SHARE_SIZE;
}

static void close_window(uint64_t va, uint64_t size)
{
    if (mmap((void *)va, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        host_fail("mmap of a window");
    }
}

static void drop(struct entry *entry)
{
    entry->valid = false;
    if (entry->regime == EL2 && entry->cpu == host_pcpu_index() && in_window(entry->va)) {
        close_window(entry->va, PAGE_SIZE);
    }
}

/* --- walks --- */

static bool leaf_at(uint64_t descriptor, unsigned level)
{
    return level == 3u || descriptor % 4u == 1u;
}

/* From a table at `root` (of level `level`), index into it by the bits of `input` from that level down. */
static bool walk(unsigned cpu, uint64_t root, unsigned level, uint64_t input, bool synchronized, uint64_t *pa,
                 uint64_t *leaf)
{
    uint64_t table = root, index = input >> (39u - 9u * level);

    for (;; level++) {
        uint64_t descriptor, size = UINT64_C(1) << (39u - 9u * level);

        if (!host_tables_word(cpu, table + index * 8u, synchronized, &descriptor)) {
            host_fail("walk of 0x%lx leaves the tables: 0x%lx", input, table + index * 8u);
        }
        if (descriptor % 2u == 0 || (level == 3u && descriptor % 4u != 3u)) {
            return false;
        }
        if (leaf_at(descriptor, level)) {
            uint64_t address = descriptor & MASK(47, 12);

            if (address % size != 0) {
                host_fail("block descriptor 0x%lx of level %u is not aligned", descriptor, level);
            }
            *pa = align_down(address + input % size, PAGE_SIZE);
            *leaf = descriptor & ~MASK(47, 12);
            return true;
        }
        table = descriptor & MASK(47, 12);
        index = (input >> (30u - 9u * level)) % 512u;
    }
}

static bool walk_el2(unsigned cpu, uint64_t va, bool synchronized, uint64_t *pa, uint64_t *leaf)
{
    if (va >> 48 != 0) {
        return false;
    }
    return walk(cpu, host_effective_on(cpu, "ttbr0_el2") & MASK(47, 1), 0, va, synchronized, pa, leaf);
}

static uint16_t vmid_of(unsigned cpu)
{
    return (uint16_t)(host_effective_on(cpu, "vttbr_el2") >> 48);
}

static bool walk_stage2(unsigned cpu, uint64_t ipa, bool synchronized, uint64_t *pa, uint64_t *leaf)
{
    uint64_t vtcr = host_effective_on(cpu, "vtcr_el2"), bits = 64u - vtcr % 64u, sl0 = FIELD(vtcr, 7, 6);

    if (bits == 64u || ipa >> bits != 0) {
        return false;
    }
    return walk(cpu, host_effective_on(cpu, "vttbr_el2") & MASK(47, 1), (unsigned)(2u - sl0), ipa,
                synchronized, pa, leaf);
}

/* --- entries --- */

static struct entry *find(enum regime regime, uint64_t va)
{
    for (unsigned i = 0; i < MAX_ENTRIES; i++) {
        struct entry *e = &entries[i];

        if (e->valid && e->regime == regime && e->cpu == host_pcpu_index() && e->va == va &&
            (regime == EL2 || e->vmid == vmid_of(host_pcpu_index()))) {
            return e;
        }
    }
    return NULL;
}

static struct entry *add(struct entry entry)
{
    for (unsigned i = 0; i < MAX_ENTRIES; i++) {
        if (!entries[i].valid) {
            entries[i] = entry;
            return &entries[i];
        }
    }
    host_fail("the TLB is full");
}

static struct entry *translate_el2(uint64_t va)
{
    struct entry *e = find(EL2, align_down(va, PAGE_SIZE));
    uint64_t pa, leaf;

    if (e != NULL) {
        return e;
    }
    if (!walk_el2(host_pcpu_index(), va, true, &pa, &leaf)) {
        return NULL;
    }
    return add((struct entry){.valid = true,
                              .regime = EL2,
                              .cpu = (uint8_t)host_pcpu_index(),
                              .va = align_down(va, PAGE_SIZE),
                              .pa = pa,
                              .leaf = leaf});
}

static struct entry *translate_guest(uint64_t va)
{
    struct entry *e = find(EL1, align_down(va, PAGE_SIZE));
    uint64_t ipa = host_stage1 != NULL ? host_stage1(va) : va, pa, leaf;

    if (e != NULL) {
        return e;
    }
    if (!walk_stage2(host_pcpu_index(), ipa, true, &pa, &leaf)) {
        return NULL;
    }
    return add((struct entry){.valid = true,
                              .regime = EL1,
                              .cpu = (uint8_t)host_pcpu_index(),
                              .vmid = vmid_of(host_pcpu_index()),
                              .va = align_down(va, PAGE_SIZE),
                              .ipa = align_down(ipa, PAGE_SIZE),
                              .pa = pa,
                              .leaf = leaf});
}

bool host_el2_translate(const volatile void *va, bool write, uint64_t *pa)
{
    const struct entry *e = translate_el2((uint64_t)va);

    if (e == NULL || (write && (e->leaf & S1_RO) != 0)) {
        return false;
    }
    *pa = e->pa + (uint64_t)va % PAGE_SIZE;
    return true;
}

bool host_guest_translate(uint64_t va, uint64_t *pa)
{
    const struct entry *e = translate_guest(va);

    if (e == NULL) {
        return false;
    }
    *pa = e->pa + va % PAGE_SIZE;
    return true;
}

uint64_t host_guest_attributes(uint64_t va)
{
    const struct entry *e = translate_guest(va);

    return e != NULL ? e->leaf : 0;
}

/* --- maintenance --- */

/* A walk at this moment would find the same again. Those of a guest are made while it executes. */
static bool comes_back(const struct entry *e)
{
    uint64_t pa, leaf;
    bool found;

    if (e->regime == EL2) {
        found = walk_el2(e->cpu, e->va, false, &pa, &leaf);
    } else {
        found = host_in_guest(e->cpu) && e->vmid == vmid_of(e->cpu) &&
                walk_stage2(e->cpu, e->ipa, false, &pa, &leaf);
    }
    return found && pa == e->pa && leaf == e->leaf;
}

static void invalidate(enum regime regime, bool shareable, bool by_vmid, bool by_va, uint64_t va)
{
    for (unsigned i = 0; i < MAX_ENTRIES; i++) {
        struct entry *e = &entries[i];

        if (e->valid && e->regime == regime && (shareable || e->cpu == host_pcpu_index()) &&
            (!by_vmid || e->vmid == vmid_of(host_pcpu_index())) && (!by_va || e->va == va) &&
            !comes_back(e)) {
            e->fate = ISSUED;
            e->issuer = (uint8_t)host_pcpu_index();
            e->shareable = shareable;
        }
    }
}

void tlbi_alle1(void)
{
    invalidate(EL1, false, false, false, 0);
}

void tlbi_alle2(void)
{
    invalidate(EL2, false, false, false, 0);
}

void tlbi_alle2is(void)
{
    invalidate(EL2, true, false, false, 0);
}

void tlbi_vmalle1(void)
{
    invalidate(EL1, false, true, false, 0);
}

void tlbi_vmalls12e1is(void)
{
    invalidate(EL1, true, true, false, 0);
}

void tlbi_vae2(uint64_t page)
{
    invalidate(EL2, false, false, true, page * PAGE_SIZE);
}

void tlbi_vae2is(uint64_t page)
{
    invalidate(EL2, true, false, true, page * PAGE_SIZE);
}

void host_tlb_dsb(unsigned pcpu, bool shareable)
{
    for (unsigned i = 0; i < MAX_ENTRIES; i++) {
        struct entry *e = &entries[i];

        if (e->valid && e->fate == ISSUED && e->issuer == pcpu && (shareable || !e->shareable)) {
            if (e->cpu == pcpu) {
                e->fate = COMPLETE;
            } else {
                drop(e);
            }
        }
    }
}

void host_tlb_isb(unsigned pcpu)
{
    for (unsigned i = 0; i < MAX_ENTRIES; i++) {
        if (entries[i].valid && entries[i].fate == COMPLETE && entries[i].cpu == pcpu) {
            drop(&entries[i]);
        }
    }
}

/* Another pCPU executes: its windows are its own, and so are its TLB entries for what all share. */
void host_tlb_switch(void)
{
    close_window(WINDOW_VA, WINDOW_SIZE);
    close_window(SHARE_VA, SHARE_SIZE);
}

/* --- instructions and accesses --- */

static void at(uint64_t va, bool write)
{
    uint64_t pa, attributes;

    if (!host_guest_translate(va, &pa) || (write && FIELD(host_guest_attributes(va), 7, 7) == 0)) {
        host_par_write(1);
        return;
    }
    attributes = FIELD(host_guest_attributes(va), 5, 2) == 0xf ? host_memory_attributes : UINT64_C(0x04);
    if (host_effective("sctlr_el1") % 2u == 0) {
        attributes = 0; /* the guest's MMU is off: all is Device-nGnRnE */
    }
    host_par_write(attributes << 56 | align_down(pa, PAGE_SIZE));
}

void at_s12e1r(uint64_t va)
{
    at(va, false);
}

void at_s12e1w(uint64_t va)
{
    if (host_guest_attributes(va) != 0 && FIELD(host_guest_attributes(va), 7, 7) == 0) {
        host_fail("AT S12E1W of memory that is read-only at stage 2 ends QEMU");
    }
    at(va, true);
}

void at_s1e1w(uint64_t va)
{
    uint64_t ipa = host_stage1 != NULL ? host_stage1(va) : va;

    host_par_write(ipa >> 48 != 0 ? 1u : host_memory_attributes << 56 | align_down(ipa, PAGE_SIZE));
}

uint32_t host_mmio_read(const volatile void *a, unsigned size);
void host_mmio_write(volatile void *a, unsigned size, uint64_t v);

static uint64_t device_pa(const volatile void *a, bool write)
{
    const struct entry *e = translate_el2((uint64_t)a);

    if (e == NULL || (e->leaf & MASK(4, 2)) != S1_DEVICE_ATTR || (write && (e->leaf & S1_RO) != 0)) {
        host_fail("register access at %p is not mapped as device", a);
    }
    if (host_device == NULL) {
        host_fail("no device at 0x%lx", e->pa);
    }
    return e->pa + (uint64_t)a % PAGE_SIZE;
}

uint32_t host_mmio_read(const volatile void *a, unsigned size)
{
    return (uint32_t)host_device(device_pa(a, false), size, false, 0);
}

void host_mmio_write(volatile void *a, unsigned size, uint64_t v)
{
    (void)host_device(device_pa(a, true), size, true, v);
}

static void open_window(uint64_t va, bool write)
{
    const struct entry *e = translate_el2(va);
    int protection;

    if (e == NULL) {
        host_fail("translation fault at 0x%lx (%s)", va, write ? "write" : "read");
    }
    if (write && (e->leaf & S1_RO) != 0) {
        host_fail("permission fault at 0x%lx", va);
    }
    if (e->pa - HOST_RAM >= HOST_RAM_SIZE || (e->leaf & MASK(4, 2)) == S1_DEVICE_ATTR) {
        host_fail("access to 0x%lx as memory", e->pa);
    }
    host_cache_touched(e->pa);
    protection = (e->leaf & S1_RO) != 0 ? PROT_READ : PROT_READ | PROT_WRITE;
    if (mmap((void *)align_down(va, PAGE_SIZE), PAGE_SIZE, protection, MAP_SHARED | MAP_FIXED,
             host_cache_file(), (off_t)(e->pa - HOST_RAM)) == MAP_FAILED) {
        host_fail("mmap of a page");
    }
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    const ucontext_t *state = context;
    uint64_t va = (uint64_t)info->si_addr;

    (void)signal_number;
    if (!in_window(va)) {
        host_fail("fault at 0x%lx outside of the windows", va);
    }
    open_window(va, (state->uc_mcontext.gregs[REG_ERR] & 2) != 0);
}

void host_tlb_start(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    memset(entries, 0, sizeof entries);
    host_memory_attributes = 0xff;
    close_window(WINDOW_VA, WINDOW_SIZE);
    close_window(SHARE_VA, SHARE_SIZE);
    if (sigaction(SIGSEGV, &action, NULL) != 0) {
        host_fail("sigaction");
    }
}
