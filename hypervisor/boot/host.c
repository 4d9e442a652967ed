/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the host device tree: RAM, reservations, CPUs, PSCI, GIC, timer, and the UART of the
 * console. */
#include "boot/host.h"

#include "base/string.h"

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)
#define SMMU_SIZE      0x20000u

struct scan {
    struct host *host;
    const struct fdt *fdt;
    struct report *report;
    fdt_node_t lineage[FDT_MAX_DEPTH];
    uint32_t depth;
    fdt_node_t timer, psci;
    const char *compatible_name;
    const char *uart_path; /* what is left of it below lineage[uart_match] */
    uint32_t uart_match;
    bool uart_usable; /* neither it nor a bus above is disabled */
    fdt_node_t uart_lineage[FDT_MAX_DEPTH];
    uint32_t uart_depth;
    uint32_t cpus_cells; /* #address-cells of /cpus */
};

static void complain(const struct scan *scan, enum severity severity, fdt_node_t node, const char *property,
                     const char *message)
{
    char path[128];

    fdt_node_path(scan->fdt, node, path, sizeof(path));
    report_at(scan->report, severity, path, property, "%s", message);
}

static void error(const struct scan *scan, fdt_node_t node, const char *property, const char *message)
{
    complain(scan, REPORT_ERROR, node, property, message);
}

static bool scan_reg(const struct scan *scan, unsigned index, uint64_t *address, uint64_t *size)
{
    return fdt_reg_in(scan->fdt, scan->lineage, scan->depth, index, address, size) == OK;
}

static void add_ram(struct scan *scan, fdt_node_t node)
{
    struct host *host = scan->host;
    uint64_t base, size;
    unsigned i;

    for (i = 0; scan_reg(scan, i, &base, &size); i++) {
        if (size == 0) {
            continue;
        }
        if (host->nr_ram == HOST_MAX_RAM) {
            error(scan, node, "reg", "too many ranges of RAM");
            return;
        }
        host->ram[host->nr_ram++] = (struct host_range){base, size};
    }
    if (i == 0) {
        error(scan, node, "reg", "range of RAM is missing or malformed");
    }
}

static void add_reserved(struct scan *scan, fdt_node_t node, uint64_t base, uint64_t size)
{
    struct host *host = scan->host;

    if (size == 0) {
        return;
    }
    if (host->nr_reserved == HOST_MAX_RESERVED) {
        error(scan, node != FDT_NONE ? node : fdt_root(scan->fdt), "reg", "too many reserved ranges");
        return;
    }
    host->reserved[host->nr_reserved++] = (struct host_reserved){base, size, node};
}

/* A child of /reserved-memory. Without reg it is a wish to the operating system, and nothing is reserved
 * yet. */
static void add_reserved_node(struct scan *scan, fdt_node_t node)
{
    uint64_t base, size;
    unsigned i;

    for (i = 0; scan_reg(scan, i, &base, &size); i++) {
        add_reserved(scan, node, base, size);
    }
    if (i == 0 && fdt_has(scan->fdt, node, "reg")) {
        error(scan, node, "reg", "reserved range is malformed");
    }
}

static void add_cpu(struct scan *scan, fdt_node_t node)
{
    struct host *host = scan->host;
    struct fdt_prop reg;
    uint64_t mpidr;
    uint32_t index = 0;
    const char *method = fdt_string(scan->fdt, node, "enable-method");

    if (!fdt_prop(scan->fdt, node, "reg", &reg) || !fdt_number(&reg, &index, scan->cpus_cells, &mpidr) ||
        scan->cpus_cells == 0) {
        error(scan, node, "reg", "CPU without a number");
        return;
    }
    mpidr &= MPIDR_AFFINITY;
    for (uint32_t i = 0; i < host->nr_cpus; i++) {
        if (host->cpus[i].mpidr == mpidr) {
            error(scan, node, "reg", "another CPU has this number");
            return;
        }
    }
    if (host->nr_cpus == MAX_PCPUS) {
        complain(scan, REPORT_WARNING, node, "", "CPU is not used: there are too many");
        return;
    }
    if (host->nr_cpus > 0 && method != NULL && strcmp(method, "psci") != 0) {
        complain(scan, REPORT_WARNING, node, "enable-method", "CPU is not used: only psci is supported");
        return;
    }
    host->cpus[host->nr_cpus++] = (struct host_cpu){mpidr, node};
}

/* Registers that are mapped for the hypervisor or a domain: whole pages. */
static bool scan_pages(const struct scan *scan, unsigned index, uint64_t *address, uint64_t *size)
{
    return scan_reg(scan, index, address, size) && *address % PAGE_SIZE == 0 && *size >= PAGE_SIZE;
}

static bool gic_regs(struct scan *scan, fdt_node_t node)
{
    struct host_gic *gic = &scan->host->gic;
    uint32_t regions = 1, cells = 0;
    struct fdt_prop prop;

    if (gic->version == 2) {
        regions = GICV;
    } else {
        (void)fdt_u32(scan->fdt, node, "#redistributor-regions", &regions);
        if (fdt_prop(scan->fdt, node, "redistributor-stride", &prop)) {
            (void)fdt_number(&prop, &cells, prop.len / 4u, &gic->gicr_stride);
        }
    }
    if (regions == 0 || regions > HOST_MAX_GICR) {
        return false;
    }
    for (; gic->nr_regs <= regions; gic->nr_regs++) {
        struct host_range *regs = &gic->regs[gic->nr_regs];

        if (!scan_pages(scan, gic->nr_regs, &regs->base, &regs->size)) {
            return false;
        }
    }
    return true;
}

uint32_t host_intid(const struct fdt_prop *prop, uint32_t cell, bool *edge)
{
    uint32_t type, number, flags;

    if (!fdt_cell(prop, cell, &type) || !fdt_cell(prop, cell + 1u, &number) ||
        !fdt_cell(prop, cell + 2u, &flags)) {
        return 0;
    }
    *edge = flags % 4u != 0;
    if (type == 0 && number < 988u) {
        return 32u + number;
    }
    return type == 1 && number < 16u ? 16u + number : 0;
}

/* The GIC's and the timer's own interrupts always go to the GIC: no look at the interrupt parent. */
static uint32_t own_interrupt(const struct scan *scan, fdt_node_t node, uint32_t index)
{
    struct fdt_prop prop;
    uint32_t cells = 3;
    bool edge;

    (void)fdt_u32(scan->fdt, scan->host->gic.node, "#interrupt-cells", &cells);
    return fdt_prop(scan->fdt, node, "interrupts", &prop) ? host_intid(&prop, index * cells, &edge) : 0;
}

static void add_gic(struct scan *scan, fdt_node_t node, uint32_t version)
{
    struct host_gic *gic = &scan->host->gic;
    uint32_t cells = 0;

    if (gic->version != 0) {
        return; /* a second one hangs below the first: not ours to drive */
    }
    gic->version = version;
    gic->node = node;
    if (!gic_regs(scan, node)) {
        error(scan, node, "reg",
              version == 2 ? "GICv2 needs four ranges: distributor, CPU interface, GICH, GICV"
                           : "GICv3 needs a distributor and its redistributor regions");
    }
    if (!fdt_u32(scan->fdt, node, "#interrupt-cells", &cells) || cells < 3 || cells > 4) {
        error(scan, node, "#interrupt-cells", "must be 3");
    }
    gic->maintenance_irq = own_interrupt(scan, node, 0);
    if (gic->maintenance_irq == 0 || gic->maintenance_irq >= 32) {
        error(scan, node, "interrupts",
              "the maintenance interrupt (a PPI) is missing: no virtualization support");
    }
}

static void add_smmu(struct scan *scan, fdt_node_t node)
{
#ifdef PROFILE_STATIC
    (void)scan;
    (void)node;
#else
    struct host *host = scan->host;
    struct host_smmu *smmu = &host->smmus[host->nr_smmus];

    if (host->nr_smmus == MAX_SMMUS) {
        complain(scan, REPORT_WARNING, node, "", "SMMU is not used: there are too many");
    } else if (!scan_pages(scan, 0, &smmu->base, &smmu->size) || smmu->size < SMMU_SIZE) {
        complain(scan, REPORT_WARNING, node, "reg", "SMMU is not used: its registers are malformed");
    } else {
        smmu->node = node;
        host->nr_smmus++;
    }
#endif
}

static void look_at_compatible(struct scan *scan, fdt_node_t node, const struct fdt_prop *compatible)
{
    const char *first = (const char *)compatible->data;

    /* Nearly all nodes end here: what is sought has an Arm name first, which goes on with g, a, c, ps or sm.
     */
    if (compatible->len < 9 || first[0] != 'a' || first[1] != 'r' || first[2] != 'm' || first[3] != ',' ||
        (first[4] != 'g' && first[4] != 'a' && first[4] != 'c' && (first[4] != 'p' || first[5] != 's') &&
         (first[4] != 's' || first[5] != 'm'))) {
        return;
    }
    if (fdt_string_list_has(compatible, "arm,gic-v3")) {
        add_gic(scan, node, 3);
    } else if (fdt_string_list_has(compatible, "arm,gic-400") ||
               fdt_string_list_has(compatible, "arm,cortex-a15-gic")) {
        add_gic(scan, node, 2);
    } else if (fdt_string_list_has(compatible, "arm,armv8-timer")) {
        scan->timer = node;
    } else if (fdt_string_list_has(compatible, "arm,psci") ||
               fdt_string_list_has(compatible, "arm,psci-0.2") ||
               fdt_string_list_has(compatible, "arm,psci-1.0")) {
        scan->psci = node;
    } else if (fdt_string_list_has(compatible, "arm,smmu-v3")) {
        add_smmu(scan, node);
    }
}

/* The properties that say what a node is, found in one pass. */
struct kind {
    struct fdt_prop compatible, device_type, status; /* len 0 if absent */
};

/* Trees share their strings: after the first "compatible", an equal address tells the others. */
static void read_kind(struct scan *scan, fdt_node_t node, struct kind *kind)
{
    const struct fdt *fdt = scan->fdt;
    struct fdt_prop prop;

    kind->compatible.len = kind->device_type.len = kind->status.len = 0;
    for_each_prop (fdt, node, &prop) {
        if (prop.name == scan->compatible_name ||
            (prop.name[0] == 'c' && strcmp(prop.name, "compatible") == 0)) {
            scan->compatible_name = prop.name;
            kind->compatible = prop;
        } else if (prop.name[0] == 'd' && strcmp(prop.name, "device_type") == 0) {
            kind->device_type = prop;
        } else if (prop.name[0] == 's' && strcmp(prop.name, "status") == 0) {
            kind->status = prop;
        }
    }
}

static bool is_child_of(const struct scan *scan, const char *name)
{
    return scan->depth == 2 && strcmp(fdt_name(scan->fdt, scan->lineage[1]), name) == 0;
}

/* False if the node, and so all below it, is not to be used. */
static bool look_at(struct scan *scan, fdt_node_t node)
{
    struct kind kind;

    if (is_child_of(scan, "reserved-memory")) {
        add_reserved_node(scan, node); /* reserved, whatever the status says */
        return true;
    }
    read_kind(scan, node, &kind);
    if (kind.status.len != 0 && !fdt_string_list_has(&kind.status, "okay") &&
        !fdt_string_list_has(&kind.status, "ok")) {
        return false;
    }
    if (scan->depth == 1 && strcmp(fdt_name(scan->fdt, node), "cpus") == 0) {
        uint32_t ignored;

        fdt_cells(scan->fdt, node, &scan->cpus_cells, &ignored);
    }
    if (kind.compatible.len != 0 && kind.device_type.len == 0) {
        look_at_compatible(scan, node, &kind.compatible);
    }
    if (kind.device_type.len != 0 && scan->depth == 1 && fdt_string_list_has(&kind.device_type, "memory")) {
        add_ram(scan, node);
    } else if (kind.device_type.len != 0 && is_child_of(scan, "cpus") &&
               fdt_string_list_has(&kind.device_type, "cpu")) {
        add_cpu(scan, node);
    }
    return true;
}

/* Finds the UART on the way, so that its path need not be walked. */
static void match_uart(struct scan *scan, fdt_node_t node, bool usable)
{
    if (scan->uart_path == NULL || scan->depth != scan->uart_match + 1u || scan->uart_depth != 0 ||
        !fdt_path_step(&scan->uart_path, fdt_name(scan->fdt, node))) {
        return;
    }
    scan->uart_match = scan->depth;
    if (fdt_path_done(scan->uart_path)) {
        scan->host->uart.node = node;
        scan->uart_usable = usable;
        scan->uart_depth = scan->depth;
        memcpy(scan->uart_lineage, scan->lineage, (scan->depth + 1u) * sizeof(scan->lineage[0]));
    }
}

static void scan_tree(struct scan *scan)
{
    uint32_t depth = 0, off_depth = FDT_MAX_DEPTH;

    scan->lineage[0] = fdt_root(scan->fdt);
    for (fdt_node_t node = fdt_next_node_depth(scan->fdt, scan->lineage[0], &depth); node != FDT_NONE;
         node = fdt_next_node_depth(scan->fdt, node, &depth)) {
        scan->lineage[depth] = node;
        scan->depth = depth;
        if (depth <= off_depth) {
            off_depth = look_at(scan, node) ? FDT_MAX_DEPTH : depth;
        }
        match_uart(scan, node, off_depth == FDT_MAX_DEPTH);
    }
}

static void read_timer(struct scan *scan)
{
    struct host *host = scan->host;

    if (scan->timer == FDT_NONE) {
        report_at(scan->report, REPORT_ERROR, "/", "compatible", "no node is an arm,armv8-timer");
        return;
    }
    host->irq_phys = own_interrupt(scan, scan->timer, 1);
    host->irq_virt = own_interrupt(scan, scan->timer, 2);
    host->irq_hyp = own_interrupt(scan, scan->timer, 3);
    (void)fdt_u32(scan->fdt, scan->timer, "clock-frequency", &host->timer_frequency);
    if (host->irq_phys / 16u != 1 || host->irq_virt / 16u != 1 || host->irq_hyp / 16u != 1) {
        error(scan, scan->timer, "interrupts",
              "four PPIs are needed: secure, non-secure, virtual, hypervisor");
    }
}

static void read_psci(struct scan *scan)
{
    const char *method;

    if (scan->psci == FDT_NONE) {
        if (scan->host->nr_cpus > 1) {
            report_at(scan->report, REPORT_ERROR, "/", "compatible",
                      "no PSCI node (arm,psci-0.2 or later): other CPUs cannot be started");
        }
        return;
    }
    method = fdt_string(scan->fdt, scan->psci, "method");
    if (method == NULL || (strcmp(method, "smc") != 0 && strcmp(method, "hvc") != 0)) {
        error(scan, scan->psci, "method", "must be \"smc\" or \"hvc\"");
        return;
    }
    scan->host->psci_hvc = method[0] == 'h';
}

static const struct {
    const char *compatible;
    enum uart_type type;
} uarts[] = {
    {"arm,pl011", UART_PL011},
    {"arm,sbsa-uart", UART_PL011},
    {"xlnx,xuartps", UART_CADENCE},
    {"cdns,uart-r1p8", UART_CADENCE},
    {"cdns,uart-r1p12", UART_CADENCE},
    {"fsl,imx6q-uart", UART_IMX},
    {"fsl,imx21-uart", UART_IMX},
    {"fsl,imx8mp-uart", UART_IMX},
    {"snps,dw-apb-uart", UART_8250},
    {"ns16550a", UART_8250},
    {"ns16550", UART_8250},
};

static enum uart_type uart_type(const struct fdt_prop *compatible)
{
    for (size_t i = 0; i < ARRAY_SIZE(uarts); i++) {
        if (fdt_string_list_has(compatible, uarts[i].compatible)) {
            return uarts[i].type;
        }
    }
    return UART_NONE;
}

/* Path of the UART's node, or NULL. */
static const char *console_path(const struct scan *scan, const char *dtuart)
{
    const char *path = dtuart;

    if (path == NULL && scan->fdt->chosen != FDT_NONE) {
        path = fdt_string(scan->fdt, scan->fdt->chosen, "stdout-path");
        if (path == NULL) {
            path = fdt_string(scan->fdt, scan->fdt->chosen, "linux,stdout-path");
        }
    }
    if (path == NULL) {
        report_at(scan->report, REPORT_WARNING, "/chosen", "stdout-path", "absent: there is no console");
        return NULL;
    }
    return *path == '/' ? path : fdt_alias(scan->fdt, path);
}

static uint32_t interrupt_cells(const struct fdt *fdt, fdt_node_t controller)
{
    uint32_t cells = 0;

    return controller != FDT_NONE && fdt_u32(fdt, controller, "#interrupt-cells", &cells) && cells <= 8
               ? cells
               : 0;
}

/* The interrupt parent: nearest interrupt-parent property from the node upwards, or the nearest ancestor
 * that is one itself. */
static fdt_node_t interrupt_parent(const struct host *host, const fdt_node_t *lineage, uint32_t depth)
{
    uint32_t phandle, gic_phandle, at = depth + 1u;

    while (at > 0) {
        at--;
        if (fdt_u32(host->fdt, lineage[at], "interrupt-parent", &phandle)) {
            if (host->gic.node != FDT_NONE && fdt_u32(host->fdt, host->gic.node, "phandle", &gic_phandle) &&
                gic_phandle == phandle) {
                return host->gic.node; /* by far the most frequent: spares the search */
            }
            return fdt_by_phandle(host->fdt, phandle);
        }
        if (at != depth && fdt_has(host->fdt, lineage[at], "#interrupt-cells")) {
            return lineage[at];
        }
    }
    return FDT_NONE;
}

static enum status interrupt_in(const struct host *host, const fdt_node_t *lineage, uint32_t depth,
                                unsigned index, uint32_t *intid, bool *edge)
{
    const struct fdt *fdt = host->fdt;
    struct fdt_prop prop;
    fdt_node_t controller;
    uint32_t at = 0, cells, phandle;

    if (fdt_prop(fdt, lineage[depth], "interrupts-extended", &prop)) {
        for (;; index--) {
            if (!fdt_cell(&prop, at, &phandle)) {
                return ERR_NOENT;
            }
            controller = fdt_by_phandle(fdt, phandle);
            cells = interrupt_cells(fdt, controller);
            if (cells == 0) {
                return ERR_INVALID;
            }
            at++;
            if (index == 0) {
                break;
            }
            at += cells;
        }
    } else if (fdt_prop(fdt, lineage[depth], "interrupts", &prop)) {
        controller = interrupt_parent(host, lineage, depth);
        cells = interrupt_cells(fdt, controller);
        if (cells == 0) {
            return ERR_INVALID;
        }
        if (index >= prop.len / 4u / cells) {
            return ERR_NOENT;
        }
        at = index * cells;
    } else {
        return ERR_NOENT;
    }
    if (at + cells > prop.len / 4u || controller != host->gic.node) {
        return ERR_NOENT;
    }
    *intid = host_intid(&prop, at, edge);
    return *intid == 0 ? ERR_INVALID : OK;
}

static void read_uart(struct scan *scan, const char *dtuart)
{
    struct host_uart *uart = &scan->host->uart;
    struct fdt_prop compatible;
    uint32_t value;
    bool edge;

    if (uart->node == FDT_NONE) {
        if (scan->uart_path != NULL || dtuart != NULL) {
            report_at(scan->report, REPORT_ERROR, "/chosen", dtuart != NULL ? "dtuart" : "stdout-path",
                      "does not lead to a node");
        }
        return;
    }
    if (!fdt_prop(scan->fdt, uart->node, "compatible", &compatible) || uart_type(&compatible) == UART_NONE) {
        complain(scan, REPORT_WARNING, uart->node, "compatible",
                 "no driver for this UART: there is no console");
        return;
    }
    if (!scan->uart_usable) {
        complain(scan, REPORT_WARNING, uart->node, "status", "not okay: there is no console");
        return;
    }
    if (fdt_reg_in(scan->fdt, scan->uart_lineage, scan->uart_depth, 0, &uart->pa, &uart->size) != OK ||
        uart->size == 0) {
        error(scan, uart->node, "reg", "registers of the UART are missing or malformed");
        return;
    }
    uart->type = uart_type(&compatible);
    uart->io_width = 1;
    if (fdt_u32(scan->fdt, uart->node, "reg-shift", &value) && value <= 4) {
        uart->reg_shift = (uint8_t)value;
    }
    if (fdt_u32(scan->fdt, uart->node, "reg-io-width", &value) && (value == 1 || value == 2 || value == 4)) {
        uart->io_width = (uint8_t)value;
    }
    if (interrupt_in(scan->host, scan->uart_lineage, scan->uart_depth, 0, &uart->irq, &edge) != OK) {
        uart->irq = 0;
        complain(scan, REPORT_WARNING, uart->node, "interrupts",
                 "no interrupt at the GIC: the console has no input");
    }
}

/* Fault reports: by their name, or the only interrupt. */
static void read_smmus(struct host *host)
{
    for (uint32_t i = 0; i < host->nr_smmus; i++) {
        struct host_smmu *smmu = &host->smmus[i];
        struct fdt_prop names = {.len = 0};
        uint32_t index = 0, at = 0;

        if (fdt_prop(host->fdt, smmu->node, "interrupt-names", &names) && names.data[names.len - 1u] == 0) {
            for (; at < names.len && strcmp((const char *)names.data + at, "eventq") != 0 &&
                   strcmp((const char *)names.data + at, "combined") != 0;
                 index++) {
                at += (uint32_t)strlen((const char *)names.data + at) + 1u;
            }
        }
        if ((names.len != 0 && at >= names.len) ||
            host_interrupt(host, smmu->node, index, &smmu->irq, &smmu->edge) != OK || smmu->irq < 32) {
            smmu->irq = 0;
        }
    }
}

bool host_is_smmu(const struct host *host, fdt_node_t node)
{
    uint32_t i = 0;

    while (i < host->nr_smmus && host->smmus[i].node != node) {
        i++;
    }
    return i < host->nr_smmus;
}

enum status host_discover(struct host *host, const struct fdt *fdt, const char *dtuart, struct report *report)
{
    struct scan scan = {
        .host = host, .fdt = fdt, .report = report, .timer = FDT_NONE, .psci = FDT_NONE, .cpus_cells = 2};
    uint32_t errors = report->errors;
    uint64_t base, size;

    memset(host, 0, sizeof(*host));
    host->fdt = fdt;
    host->gic.node = FDT_NONE;
    host->uart.node = FDT_NONE;
    scan.uart_path = console_path(&scan, dtuart);
    for (uint32_t i = 0; fdt_reservation(fdt, i, &base, &size); i++) {
        if (base + size < base) {
            report_at(report, REPORT_ERROR, "/", "/memreserve/", "range at 0x%lx wraps", base);
        } else {
            add_reserved(&scan, FDT_NONE, base, size);
        }
    }
    scan_tree(&scan);
    if (host->nr_ram == 0) {
        report_at(report, REPORT_ERROR, "/", "device_type",
                  "no node describes RAM (device_type = \"memory\")");
    }
    if (host->nr_cpus == 0) {
        report_at(report, REPORT_ERROR, "/cpus", "device_type", "no node is a CPU");
    }
    if (host->gic.version == 0) {
        report_at(report, REPORT_ERROR, "/", "compatible",
                  "no supported interrupt controller (arm,gic-400, arm,gic-v3)");
    } else {
        read_timer(&scan);
    }
    read_psci(&scan);
    read_uart(&scan, dtuart);
    read_smmus(host);
    return report->errors == errors ? OK : ERR_INVALID;
}

enum status host_interrupt(const struct host *host, fdt_node_t node, unsigned index, uint32_t *intid,
                           bool *edge)
{
    fdt_node_t lineage[FDT_MAX_DEPTH];
    uint32_t depth = fdt_lineage(host->fdt, node, lineage);

    return interrupt_in(host, lineage, depth, index, intid, edge);
}
