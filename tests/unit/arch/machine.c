/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <string.h>

#include "arch/arm64/layout.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/stage1_bits.h"
#include "core/commands.h"
#include "core/console.h"
#include "core/interrupt.h"
#include "core/power.h"
#include "drivers/uart.h"
#include "guest/arm64/trap.h"

#define TEXT_PA    (HOST_RAM + HOST_HEAP)
#define DOMAINS_PA (HOST_RAM + MIB(3))
#define WIRE       65536u

extern struct stage1_tables stage1_boot_tables;
extern uint64_t stage1_image_table[], stage1_stack_table[], stage1_device_table[], stage1_share_table[];

/* What the linker script defines: an image of 9 pages, the second serves extensions, the third SMMUs, the
 * fourth and the fifth are boot's, the last two boot's bss. */
uint8_t host_image[9 * PAGE_SIZE] __attribute__((aligned(4096)));
__asm__(".globl image_start, extension_part_start, smmu_part_start, boot_start, boot_end, boot_bss_start, "
        "image_end\n"
        ".set image_start, host_image\n"
        ".set boot_start, host_image + 0x3000\n"
        ".set extension_part_start, host_image + 0x1000\n"
        ".set smmu_part_start, host_image + 0x2000\n"
        ".set boot_end, host_image + 0x5000\n"
        ".set boot_bss_start, host_image + 0x7000\n"
        ".set image_end, host_image + 0x9000\n");

uint8_t machine_text[TEXT_SIZE];
uint64_t machine_text_pa = TEXT_PA;
bool machine_off;

static uint64_t used, ram_used;
static unsigned machine_pcpus;
static jmp_buf idle;
static char wire[WIRE];
static size_t sent;

/* --- what the hypervisor calls --- */

bool uart_put(uint8_t byte)
{
    if (sent < WIRE - 1u) {
        wire[sent++] = (char)byte;
    }
    return true;
}

bool uart_get(uint8_t *byte)
{
    (void)byte;
    return false;
}

void uart_tx_interrupt(bool on)
{
    (void)on;
}

void uart_acknowledge(void)
{
}

/* FP registers are held by the processor: EL2 must not touch them while they are trapped. */
static struct fp_context fp_registers[HOST_PCPUS];

void fp_save(struct fp_context *fp)
{
    if ((host_effective("cptr_el2") & CPTR_TFP) != 0) {
        host_fail("FP registers are trapped");
    }
    *fp = fp_registers[host_pcpu_index()];
}

void fp_load(const struct fp_context *fp)
{
    if ((host_effective("cptr_el2") & CPTR_TFP) != 0) {
        host_fail("FP registers are trapped");
    }
    fp_registers[host_pcpu_index()] = *fp;
}

char pcpu_entry[4], vectors[4], vectors_loop[4], vectors_clrbhb[4], vectors_firmware[4];

void pcpu_run(struct pcpu *pcpu)
{
    pcpu_begin(pcpu);
    longjmp(idle, 1);
}

/* --- the machine --- */

static void firmware(bool hvc, uint64_t x[8])
{
    (void)hvc;
    if (x[0] == 0x84000008u) {
        machine_off = true;
        longjmp(idle, 1);
    }
    x[0] = ~UINT64_C(0);
}

static void sleep(void)
{
    longjmp(idle, 1);
}

/* As early_map.c. */
static void early_tables(void)
{
    struct stage1_tables *t = &stage1_boot_tables;
    const uint64_t va[] = {IMAGE_VA, STACK_VA, DEVICE_VA, WINDOW_VA, SHARE_VA};
    const void *const tables[] = {stage1_image_table, stage1_stack_table, stage1_device_table, t->window,
                                  stage1_share_table};

    t->level0[IMAGE_VA >> 39] = stage1_pa(t->level1).v | S1_TABLE;
    t->level1[(IMAGE_VA >> 30) % 512u] = stage1_pa(t->level2).v | S1_TABLE;
    for (unsigned i = 0; i < ARRAY_SIZE(va); i++) {
        t->level2[(va[i] >> 21) % 512u] = stage1_pa(tables[i]).v | S1_TABLE;
    }
    for (unsigned i = 0; i < 9; i++) {
        stage1_image_table[i] = (stage1_pa(host_image).v + i * PAGE_SIZE) | S1_DATA | S1_PAGE;
    }
    stage1_map_heap(PA(HOST_RAM), HOST_HEAP);
}

void *machine_alloc(uint64_t size, uint64_t align)
{
    uint64_t at = align_up(used, align);

    used = at + size;
    if (used > HOST_TABLES) {
        host_fail("the machine has no memory left");
    }
    return memset((void *)(HEAP_VA + at), 0, size);
}

static void add_pcpu(unsigned i)
{
    struct pcpu *pcpu = machine_alloc(sizeof *pcpu, 64);

    pcpu->index = i;
    pcpu->tables = i == 0 ? &stage1_boot_tables : machine_alloc(sizeof *pcpu->tables, PAGE_SIZE);
    pcpu->root = i == 0 ? stage1_pa(&stage1_boot_tables).v : stage1_clone(pcpu->tables).v;
    pcpu->mpidr = i;
    pcpus[i] = pcpu;
    nr_pcpus = i + 1u;
}

void machine_start(unsigned count)
{
    host_start();
    used = ram_used = 0;
    sent = 0;
    machine_off = false;
    machine_pcpus = count;
    memset(pcpus, 0, sizeof pcpus);
    memset(domains, 0, sizeof domains);
    memset(domains_by_domid, 0, sizeof domains_by_domid);
    nr_domains = nr_pcpus = 0;
    host_firmware = firmware;
    host_on_wfi = sleep;
    power_init(false);
    early_tables();
    for (unsigned i = 0; i < count; i++) {
        add_pcpu(i);
        host_on(i);
        pcpu_init(pcpus[i]);
        pcpus[i]->online = 1;
    }
    host_on(0);
    console_init(&console_commands, false);
    for (unsigned i = 0; i < TEXT_SIZE; i++) {
        machine_text[i] = (uint8_t)(1u + i % 251u);
    }
    host_memory_set(TEXT_PA, machine_text, TEXT_SIZE);
}

struct domain_record *machine_record(unsigned domid, unsigned nr_vcpus)
{
    struct domain_record *r = machine_alloc(sizeof *r, 64);
    struct domain_map *map = machine_alloc(4 * sizeof *map, 64);
    struct domain_load *load = machine_alloc(2 * sizeof *load, 64);
    struct domain_vcpu *vcpus = machine_alloc(nr_vcpus * sizeof *vcpus, 64);

    *map = (struct domain_map){IPA(GUEST_RAM), PA(DOMAINS_PA + ram_used), GUEST_SIZE, MAP_RAM};
    ram_used += GUEST_SIZE;
    *load = (struct domain_load){PA(TEXT_PA), IPA(GUEST_RAM), TEXT_SIZE, 100};
    for (unsigned i = 0; i < nr_vcpus; i++) {
        vcpus[i] = (struct domain_vcpu){(uint16_t)(i % machine_pcpus), (uint16_t)i};
    }
    *r = (struct domain_record){.domid = (uint16_t)domid,
                                .nr_vcpus = (uint16_t)nr_vcpus,
                                .nr_spis = 32,
                                .entry = IPA(GUEST_RAM),
                                .gicd = IPA(0x3001000),
                                .gicr_or_gicc = IPA(0x3020000),
                                .uart = IPA(0x22000000),
                                .uart_virq = 32,
                                .priority = 128,
                                .restart = RESTART_ALWAYS,
                                .nr_maps = 1,
                                .nr_loads = 1,
                                .maps = map,
                                .loads = load,
                                .vcpus = vcpus};
    return r;
}

struct domain *machine_domain(struct domain_record *record)
{
    record->pool_size = domain_pool_bytes(record);
    record->pool = machine_alloc(record->pool_size, PAGE_SIZE);
    if (domain_create(record) != OK) {
        host_fail("domain_create");
    }
    return domains[nr_domains - 1u];
}

struct vcpu *machine_run(unsigned pcpu)
{
    struct vcpu *vcpu;

    host_on(pcpu);
    if (host_pcpu->current != NULL) {
        return host_pcpu->current;
    }
    if (setjmp(idle) != 0) {
        return NULL;
    }
    interrupt_poll(host_pcpu);
    vcpu = schedule_switch(NULL, NULL);
    host_eret();
    return vcpu;
}

struct vcpu *machine_end(struct trap_result result)
{
    struct vcpu *vcpu;

    if (result.leave == NULL) {
        host_eret();
        return result.next;
    }
    if (setjmp(idle) != 0) {
        return NULL;
    }
    vcpu = schedule_switch(result.next, result.leave);
    host_eret();
    return vcpu;
}

static bool take(unsigned pcpu)
{
    host_on(pcpu);
    if (!host_irq_pending()) {
        return false;
    }
    if (host_pcpu->current != NULL) {
        machine_end(trap_irq(host_pcpu->current));
    } else {
        machine_run(pcpu);
    }
    return true;
}

void machine_settle(void)
{
    unsigned rounds = 0;
    bool any;

    do {
        any = false;
        for (unsigned i = 0; i < machine_pcpus && !machine_off; i++) {
            any = take(i) || any;
        }
        if (++rounds > 10000u) {
            host_fail("interrupts never end");
        }
    } while (any);
}

void machine_boot(void)
{
    host_on(0);
    pcpu_set_boot(pcpus[0]);
    pcpu_begin(pcpus[machine_pcpus - 1u]); /* nothing unless it is the boot pCPU */
    if (machine_pcpus > 1) {
        pcpu_begin(pcpus[0]);
    }
    for (unsigned i = 0; i < machine_pcpus; i++) {
        machine_run(i);
    }
    machine_settle();
}

void machine_pass(uint64_t ticks, uint64_t step)
{
    for (uint64_t end = host_now + ticks; host_now < end;) {
        host_now = min_u64(end, host_now + step);
        machine_settle();
    }
}

struct vcpu *machine_hvc(struct vcpu *vcpu, uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    host_on(vcpu->pcpu->index);
    vcpu->x[0] = function;
    vcpu->x[1] = a1;
    vcpu->x[2] = a2;
    vcpu->x[3] = a3;
    return machine_end(trap_hvc(vcpu, (uint64_t)EC_HVC64 << 26));
}

struct vcpu *machine_wfi(struct vcpu *vcpu)
{
    host_on(vcpu->pcpu->index);
    return machine_end(trap_sync(vcpu, (uint64_t)EC_WFX << 26));
}

#define WORD_ABORT ((uint64_t)EC_DABT_LOWER << 26 | BIT(25) | BIT(24) | 2u << 22 | 7u)

static void fault_at(struct vcpu *vcpu, uint64_t ipa)
{
    host_on(vcpu->pcpu->index);
    host_put("hpfar_el2", ipa / PAGE_SIZE << 4);
    host_put("far_el2", ipa);
}

struct vcpu *machine_store(struct vcpu *vcpu, uint64_t ipa, uint32_t value)
{
    fault_at(vcpu, ipa);
    vcpu->x[1] = value;
    return machine_end(trap_data_abort(vcpu, WORD_ABORT | 1u << 16 | BIT(6)));
}

uint32_t machine_load(struct vcpu *vcpu, uint64_t ipa)
{
    fault_at(vcpu, ipa);
    machine_end(trap_data_abort(vcpu, WORD_ABORT | 1u << 16));
    return (uint32_t)vcpu->x[1];
}

void machine_enable_ppi(struct vcpu *vcpu, unsigned intid)
{
    const struct domain_record *r = vcpu->domain->record;

    machine_store(vcpu, r->gicd.v, 0x12);
    machine_store(vcpu, r->gicr_or_gicc.v + vcpu->index * 0x20000u + 0x10080u, ~0u); /* IGROUPR0 */
    machine_store(vcpu, r->gicr_or_gicc.v + vcpu->index * 0x20000u + 0x10100u, 1u << intid);
    gic_vmcr_write(0xf8000002u);
}

bool machine_said(const char *text)
{
    for (unsigned i = 0; i < 1000u; i++) {
        (void)console_pump(); /* a burst each */
    }
    wire[sent] = '\0';
    return strstr(wire, text) != NULL;
}
