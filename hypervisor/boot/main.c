/* SPDX-License-Identifier: Apache-2.0 */
/* The boot pCPU from the first C code with the MMU on to the first domain. Everything in this folder is given
 * back. */
#include "boot/main.h"

#include "arch/arm64/image.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/stage2.h"
#include "arch/arm64/timer.h"
#include "base/string.h"
#include "boot/fdt.h"
#include "boot/host.h"
#include "boot/pcpus.h"
#include "boot/plan.h"
#include "boot/smmus.h"
#include "core/commands.h"
#include "core/console.h"
#include "core/dma.h"
#include "core/domain.h"
#include "core/extension.h"
#include "core/firmware.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/power.h"
#include "core/print.h"
#include "drivers/gic.h"
#include "drivers/uart.h"

#define VERSION   "0.1.0"
#define HEAP_MIN  MIB(2)
#define HEAP_STEP MIB(2)

static struct fdt blob;
static struct host host;
static struct arena arena;
static struct plan plan;
static struct pcpu boot_pcpu_early; /* until the arena exists: window and panic need a struct pcpu */

static void stop_boot(void) __attribute__((noreturn));
static void stop_boot(void)
{
    print_panic("the boot stops here");
    panic_end();
}

static void sink(struct report *report, enum severity severity, const char *path, const char *property,
                 const char *message)
{
    static const char *const words[] = {"note", "warning", "error"};

    (void)report;
    if (severity == REPORT_ERROR) {
        print_panic("%s: %s%s%s: %s", words[severity], path, property[0] != '\0' ? " " : "", property,
                    message);
    } else {
        print("%s: %s%s%s: %s", words[severity], path, property[0] != '\0' ? " " : "", property, message);
    }
}

static struct report report;

static void open_blob(uint64_t pa)
{
    const void *header = pa % 8u == 0 ? stage1_map_blob(PA(pa), 64) : NULL;
    uint32_t size = 0;

    if (header != NULL) {
        size = __builtin_bswap32(((const uint32_t *)header)[1]);
        header = stage1_map_blob(PA(pa), size);
    }
    if (header == NULL || fdt_open(&blob, header, size) != OK) {
        print_panic("no sound device tree at 0x%lx: %s", pa,
                    blob.error != NULL ? blob.error : "address or size");
        stop_boot();
    }
}

static volatile void *map_device(uint64_t pa, uint64_t size)
{
    volatile void *registers = stage1_map_device(PA(pa), size);

    if (registers == NULL) {
        print_panic("no room to map the registers at 0x%lx, size 0x%lx", pa, size);
        stop_boot();
    }
    return registers;
}

static void start_console(void)
{
    volatile void *registers = host.uart.type != UART_NONE ? map_device(host.uart.pa, PAGE_SIZE) : NULL;

    uart_init(host.uart.type, registers, host.uart.reg_shift, host.uart.io_width);
    console_init(&console_commands, false);
}

static void start_gic(void)
{
    const struct host_gic *gic = &host.gic;
    uint64_t gicc_size = min_u64(gic->regs[GICC].size, GICV2_CPU_SPREAD);
    volatile void *gicd = map_device(gic->regs[GICD].base, gic->version == 3 ? 0x10000 : PAGE_SIZE);
    volatile void *gicc = gic->version == 2 ? map_device(gic->regs[GICC].base, gicc_size) : NULL;
    volatile void *gich = gic->version == 2 ? map_device(gic->regs[GICH].base, PAGE_SIZE) : NULL;

    if (gic_init(gic->version, gicd, gicc, gicc_size, gich) != OK) {
        print_panic("the GIC has no virtualization interface");
        stop_boot();
    }
    host_interrupts = (struct host_interrupts){.maintenance = gic->maintenance_irq,
                                               .timer_hyp = host.irq_hyp,
                                               .timer_virt = host.irq_virt,
                                               .timer_phys = host.irq_phys,
                                               .uart = host.uart.irq};
}

static const void *peek(void *context, uint64_t pa, uint64_t size)
{
    static unsigned mapped;
    uint64_t span = pa % PAGE_SIZE + size;
    const uint8_t *page;

    (void)context;
    if (mapped != 0) {
        window_unmap(&stage1_boot_tables, 0, mapped);
        mapped = 0;
    }
    if (span > WINDOW_PAGES * PAGE_SIZE) {
        return NULL;
    }
    mapped = (unsigned)(align_up(span, PAGE_SIZE) / PAGE_SIZE);
    page = window_map(&stage1_boot_tables, 0, PA(align_down(pa, PAGE_SIZE)), mapped, WINDOW_READ);
    return page + pa % PAGE_SIZE;
}

static void make_plan(uint64_t image_pa, uint64_t blob_pa)
{
    struct plan_input input = {.host = &host,
                               .image_pa = image_pa,
                               .image_size = (uint64_t)(image_end - image_start),
                               .blob_pa = blob_pa,
                               .arena = &arena,
                               .peek = peek,
                               .ipa_bits_max = stage2_ipa_bits_max(),
                               .host_spis = gic_nr_spis()};
    uint64_t pa, size;

    if (plan_arena_place(&input, HEAP_MIN, &pa, &size, &report) != OK) {
        stop_boot();
    }
    size = align_down(min_u64(size, HEAP_STEP * 16u), HEAP_STEP);
    arena = (struct arena){.base = stage1_map_heap(PA(pa), size), .pa = pa, .size = size};
    if (plan_build(&input, &plan, &report) != OK || report.errors != 0) {
        stop_boot();
    }
}

/* bulkhead,log: mapped as a device, so that no line of it waits in a cache when the board resets. */
static void move_log(void)
{
    if (plan.log_size != 0) {
        log_attach((void *)(uintptr_t)map_device(plan.log_pa, plan.log_size), plan.log_size);
        console_log_moved();
    }
}

/* Everything that stays is allocated: the heap ends here. */
static void close_heap(void)
{
    uint64_t *table = arena_alloc(&arena, PAGE_SIZE, PAGE_SIZE);

    arena.used = align_up(arena.used, PAGE_SIZE);
    if (table == NULL) {
        print_panic("the heap is full");
        stop_boot();
    }
    stage1_trim_heap(arena.used, table);
}

static void report_memory(void)
{
    uint64_t given_back =
        (uint64_t)((boot_end - (dma_in_use ? boot_start : smmu_part_start)) + (image_end - boot_bss_start) +
                   (extensions_in_use ? 0 : smmu_part_start - extension_part_start));
    uint64_t image = (uint64_t)(image_end - image_start) - given_back;

    print("memory: %lu bytes beside the domains' own (kept modules %lu, log %u)", image + arena.used,
          plan.kept_modules, LOG_DEFAULT_SIZE);
    print("memory: image %lu, heap %lu at 0x%lx; boot code given back %lu", image, arena.used, arena.pa,
          given_back);
}

/* What domains share starts with nothing of whatever was there before; nobody clears it again. */
static void clear_shared(void)
{
    for (uint32_t i = 0; i < plan.nr_shared; i++) {
        for (uint64_t done = 0; done < plan.shared[i].size; done += PAGE_SIZE) {
            void *page = window_map(&stage1_boot_tables, 1, PA(plan.shared[i].base + done), 1, WINDOW_WRITE);

            memset(page, 0, PAGE_SIZE);
            cache_clean_invalidate(page, PAGE_SIZE);
            window_unmap(&stage1_boot_tables, 1, 1);
        }
    }
}

static void create_domains(void)
{
    for (uint32_t i = 0; i < plan.nr_domains; i++) {
        const struct domain_record *r = plan.records[i];

        if (domain_create(r) != OK) {
            print_panic("DOM%u %s: its objects do not fit", r->domid, r->name);
            stop_boot();
        }
        print("DOM%u %s: %u vCPUs, first on pCPU %u", r->domid, r->name, r->nr_vcpus, r->vcpus[0].pcpu);
    }
}

static void add_extensions(void)
{
#ifndef PROFILE_STATIC
    for (uint32_t i = 0; i < plan.nr_extensions; i++) {
        extension_add(plan.extensions[i]);
    }
#endif
}

void boot_main(uint64_t blob_pa, uint64_t image_pa)
{
    char dtuart[64];
    bool has_dtuart;
    enum status status;

    boot_pcpu_early.tables = &stage1_boot_tables;
    boot_pcpu_early.panic_top = (uint64_t)boot_pcpu_early.panic_stack + PANIC_STACK;
    WRITE_SYSREG(tpidr_el2, (uint64_t)&boot_pcpu_early);
    report.sink = sink; /* the boot part of the image has no initialised data */
    open_blob(blob_pa);
    has_dtuart = plan_argument(plan_command_line(&blob), "dtuart", dtuart, sizeof(dtuart));
    status = host_discover(&host, &blob, has_dtuart ? dtuart : NULL, &report);
    start_console(); /* what was wrong so far is in the log, and comes out now */
    if (status != OK) {
        stop_boot();
    }
    print("Bulkhead " VERSION ", image at 0x%lx, %u CPUs, GICv%u", image_pa, host.nr_cpus, host.gic.version);
    power_init(host.psci_hvc);
    firmware_probe();
    start_gic();
    make_plan(image_pa, blob_pa);
    panic_set_reset(plan.on_panic == PANIC_RESET);
    console_allow_keys(plan.console_keys);
    move_log();
    if (!pcpus_prepare(&host, &arena, plan.pcpu_mask)) {
        stop_boot();
    }
    if (!smmus_start(&host, &plan, &arena)) {
        stop_boot();
    }
    peek(NULL, 0, 1);
    clear_shared();
    stage1_unmap_blob();
    close_heap();
    if (!pcpus_start()) {
        stop_boot();
    }
    if (host.uart.irq != 0) {
        gic_set_edge(host.uart.irq, false);
        gic_route(host.uart.irq, this_pcpu()->index);
        gic_enable(host.uart.irq);
    }
    smmus_listen(&host, &plan);
    create_domains();
    add_extensions();
    report_memory();
    pcpu_run(this_pcpu());
}
