/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, names, order and cells are those of Xen's dom0less guests: kernels and boot loaders depend on them.
 */
#include "boot/guest_fdt.h"

#include "base/string.h"
#include "boot/fdt_write.h"
#include "boot/hardware_fdt.h"
#include "boot/partial.h"

enum {
    GIC_PHANDLE = 65000,
    PPI_CELL = 1,
    SPI_CELL = 0,
    LEVEL_HIGH = 0xf04, /* with the CPU mask that GICv2 bindings want and GICv3 ignores */
    LEVEL_LOW = 0xf08,
    OWN_NAMES = 1280, /* names of all properties written here, one CPU included */
    OWN_STRUCT = 2048,
    CPU_STRUCT = 160, /* one cpu node beside its compatible */
    CPU_NAMES = 64,
};

#define GICD_V3_SIZE     KIB(64)
#define GICR_DEFAULT     UINT64_C(0x03020000)
#define GICR_REGION_SIZE MIB(16)
#define GICR_FRAME_SIZE  KIB(128)
#define GICC_SIZE        KIB(8)

static void put_range(uint32_t cells[4], uint64_t base, uint64_t size)
{
    cells[0] = (uint32_t)(base >> 32);
    cells[1] = (uint32_t)base;
    cells[2] = (uint32_t)(size >> 32);
    cells[3] = (uint32_t)size;
}

static void write_chosen(struct fdt_writer *writer, const struct guest_fdt_input *in)
{
    fdt_write_node(writer, "chosen");
    if (in->bootargs != NULL) {
        fdt_write_string(writer, "bootargs", in->bootargs);
    }
    if (in->initrd_end > in->initrd_start) {
        fdt_write_u64(writer, "linux,initrd-start", in->initrd_start);
        fdt_write_u64(writer, "linux,initrd-end", in->initrd_end);
    }
    fdt_write_node_end(writer);
}

static void write_psci(struct fdt_writer *writer)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

    fdt_write_node(writer, "psci");
    fdt_write_bytes(writer, "compatible", compatible, sizeof(compatible));
    fdt_write_string(writer, "method", "hvc");
    fdt_write_u32(writer, "cpu_off", 1);
    fdt_write_u32(writer, "cpu_on", 2);
    fdt_write_node_end(writer);
}

static bool host_cpu_prop(const struct host *host, const char *name, struct fdt_prop *prop)
{
    return host->nr_cpus != 0 && fdt_prop(host->fdt, host->cpus[0].node, name, prop);
}

static void write_cpus(struct fdt_writer *writer, const struct host *host, const struct domain_record *record)
{
    struct fdt_prop compatible, clock;
    bool has_compatible = host_cpu_prop(host, "compatible", &compatible);
    bool has_clock = host_cpu_prop(host, "clock-frequency", &clock);

    fdt_write_node(writer, "cpus");
    fdt_write_u32(writer, "#address-cells", 1);
    fdt_write_u32(writer, "#size-cells", 0);
    for (unsigned i = 0; i < record->nr_vcpus; i++) {
        fdt_write_node_at(writer, "cpu", record->vcpus[i].affinity);
        if (has_compatible) {
            fdt_write_bytes(writer, "compatible", compatible.data, compatible.len);
        }
        fdt_write_string(writer, "device_type", "cpu");
        fdt_write_string(writer, "enable-method", "psci");
        fdt_write_u32(writer, "reg", record->vcpus[i].affinity);
        if (has_clock) {
            fdt_write_bytes(writer, "clock-frequency", clock.data, clock.len);
        }
        fdt_write_node_end(writer);
    }
    fdt_write_node_end(writer);
}

/* The next piece of RAM that is contiguous in IPA, from map *index on; false behind the last. */
static bool next_bank(const struct domain_record *record, uint32_t *index, uint64_t *base, uint64_t *size)
{
    uint32_t i = *index;

    while (i < record->nr_maps && record->maps[i].kind != MAP_RAM) {
        i++;
    }
    if (i == record->nr_maps) {
        return false;
    }
    *base = record->maps[i].ipa.v;
    *size = record->maps[i].size;
    for (i++;
         i < record->nr_maps && record->maps[i].kind == MAP_RAM && record->maps[i].ipa.v == *base + *size;
         i++) {
        *size += record->maps[i].size;
    }
    *index = i;
    return true;
}

static uint32_t put_cells(uint32_t *cells, uint32_t count, uint64_t value)
{
    if (count == 2) {
        *cells++ = (uint32_t)(value >> 32);
    }
    *cells = (uint32_t)value;
    return count;
}

/* What is told as memory: RAM, then memory shared with others and pools, from *index and *shared on. */
static bool next_memory(const struct guest_fdt_input *in, uint32_t *index, uint32_t *shared, uint64_t *base,
                        uint64_t *size)
{
    if (next_bank(in->record, index, base, size)) {
        return true;
    }
    while (in->links != NULL && *shared < in->links->nr_shared) {
        const struct guest_shared *s = &in->links->shared[(*shared)++];

        *base = s->ipa;
        *size = s->size;
        if (!s->read_only) {
            return true;
        }
    }
    while (in->links != NULL && *shared < in->links->nr_shared + in->links->nr_virtio) {
        const struct guest_virtio *v = &in->links->virtio[(*shared)++ - in->links->nr_shared];

        *base = v->pool;
        *size = v->pool_size;
        if (v->pool_size != 0) {
            return true;
        }
    }
    return false;
}

/* A node takes HOST_MAX_RAM ranges; memory in more pieces than that goes on in further nodes. */
static void write_memory(struct fdt_writer *writer, const struct guest_fdt_input *in, uint32_t address_cells,
                         uint32_t size_cells)
{
    uint32_t cells[4 * HOST_MAX_RAM], index = 0, shared = 0, pieces, n;
    uint64_t base, size;
    bool more = next_memory(in, &index, &shared, &base, &size);

    while (more) {
        fdt_write_node_at(writer, "memory", base);
        for (pieces = 0, n = 0; more && pieces < HOST_MAX_RAM; pieces++) {
            n += put_cells(cells + n, address_cells, base);
            n += put_cells(cells + n, size_cells, size);
            more = next_memory(in, &index, &shared, &base, &size);
        }
        fdt_write_string(writer, "device_type", "memory");
        fdt_write_cells(writer, "reg", cells, n);
        fdt_write_node_end(writer);
    }
}

static void write_gic(struct fdt_writer *writer, const struct guest_fdt_input *in, uint32_t phandle)
{
    const struct domain_record *record = in->record;
    bool v3 = in->host->gic.version == 3;
    uint64_t second = record->gicr_or_gicc.v, second_size = GICC_SIZE;
    uint32_t cells[8];

    if (v3) {
        second_size = second == GICR_DEFAULT ? GICR_REGION_SIZE : record->nr_vcpus * GICR_FRAME_SIZE;
    }
    fdt_write_node_at(writer, "interrupt-controller", record->gicd.v);
    fdt_write_u32(writer, "#address-cells", 0);
    fdt_write_u32(writer, "#interrupt-cells", 3);
    fdt_write_bytes(writer, "interrupt-controller", NULL, 0);
    fdt_write_string(writer, "compatible", v3 ? "arm,gic-v3" : "arm,gic-400");
    if (v3) {
        fdt_write_u32(writer, "#redistributor-regions", 1);
    }
    put_range(cells, record->gicd.v, v3 ? GICD_V3_SIZE : PAGE_SIZE);
    put_range(cells + 4, second, second_size);
    fdt_write_cells(writer, "reg", cells, 8);
    fdt_write_u32(writer, "linux,phandle", phandle);
    fdt_write_u32(writer, "phandle", phandle);
    fdt_write_node_end(writer);
}

static void write_timer(struct fdt_writer *writer, const struct host *host, uint32_t gic_phandle)
{
    static const uint32_t interrupts[] = {
        PPI_CELL, 29 - 16, LEVEL_LOW, /* secure physical timer */
        PPI_CELL, 30 - 16, LEVEL_LOW, /* non-secure physical timer */
        PPI_CELL, 27 - 16, LEVEL_LOW, /* virtual timer */
    };

    fdt_write_node(writer, "timer");
    fdt_write_string(writer, "compatible", "arm,armv8-timer");
    fdt_write_cells(writer, "interrupts", interrupts, ARRAY_SIZE(interrupts));
    fdt_write_u32(writer, "interrupt-parent", gic_phandle);
    if (host->timer_frequency != 0) {
        fdt_write_u32(writer, "clock-frequency", host->timer_frequency);
    }
    fdt_write_node_end(writer);
}

static void write_uart(struct fdt_writer *writer, const struct domain_record *record, uint32_t gic_phandle)
{
    const uint32_t interrupt[3] = {SPI_CELL, record->uart_virq - 32u, LEVEL_HIGH};
    uint32_t cells[4];

    fdt_write_node_at(writer, "sbsa-uart", record->uart.v);
    fdt_write_string(writer, "compatible", "arm,sbsa-uart");
    put_range(cells, record->uart.v, PAGE_SIZE);
    fdt_write_cells(writer, "reg", cells, 4);
    fdt_write_cells(writer, "interrupts", interrupt, 3);
    fdt_write_u32(writer, "interrupt-parent", gic_phandle);
    fdt_write_u32(writer, "current-speed", 115200);
    fdt_write_node_end(writer);
}

static const struct fdt *source_of(const struct guest_fdt_input *in)
{
    return (in->record->flags & DOMAIN_HARDWARE) != 0 ? in->host->fdt : in->partial;
}

/* Bytes of property names, and of everything else, that this input can need. */
static size_t names_bound(const struct guest_fdt_input *in)
{
    const struct fdt *source = source_of(in);

    return OWN_NAMES + (size_t)CPU_NAMES * in->record->nr_vcpus +
           (source != NULL ? source->strings_size : 0) +
           (in->links != NULL ? guest_links_names_bound(in->links) : 0);
}

static size_t struct_bound(const struct guest_fdt_input *in)
{
    const struct domain_record *record = in->record;
    const struct fdt *source = source_of(in);
    struct fdt_prop compatible;
    size_t cpu = CPU_STRUCT + (host_cpu_prop(in->host, "compatible", &compatible) ? compatible.len : 0u);

    return OWN_STRUCT + (in->bootargs != NULL ? strlen(in->bootargs) : 0) + record->nr_vcpus * cpu +
           (size_t)record->nr_maps * 96u + (source != NULL ? source->struct_size : 0) +
           (in->links != NULL ? guest_links_struct_bound(in->links) : 0);
}

size_t guest_fdt_bound(const struct guest_fdt_input *in)
{
    return struct_bound(in) + names_bound(in);
}

/* What every domain has, whoever describes the rest. */
static void write_common(struct fdt_writer *writer, const struct guest_fdt_input *in,
                         const struct guest_root *root)
{
    write_chosen(writer, in);
    write_psci(writer);
    write_cpus(writer, in->host, in->record);
    write_memory(writer, in, root->address_cells, root->size_cells);
    if (in->links != NULL) {
        guest_links_write(writer, in->links, root);
    }
}

static struct guest_root write_hardware(struct fdt_writer *writer, const struct guest_fdt_input *in)
{
    const struct fdt *fdt = in->host->fdt;
    struct guest_root root = {.gic_phandle = GIC_PHANDLE};

    bool is_open = hardware_fdt_copy(writer, in);

    fdt_cells(fdt, fdt_root(fdt), &root.address_cells, &root.size_cells);
    root.address_cells = root.address_cells == 1 ? 1 : 2;
    root.size_cells = root.size_cells == 1 ? 1 : 2;
    (void)fdt_u32(fdt, in->host->gic.node, "phandle", &root.gic_phandle);
    if (in->links != NULL) {
        guest_links_write_reserved(writer, in->links, &root, is_open);
    }
    write_common(writer, in, &root);
    return root;
}

static void write_guest(struct fdt_writer *writer, const struct guest_fdt_input *in,
                        const struct guest_root *root)
{
    fdt_write_node(writer, "");
    fdt_write_u32(writer, "#address-cells", 2);
    fdt_write_u32(writer, "#size-cells", 2);
    write_common(writer, in, root);
    if (in->links != NULL) {
        guest_links_write_reserved(writer, in->links, root, false);
    }
    if (in->partial != NULL) {
        partial_copy(writer, in->partial);
    }
    write_gic(writer, in, root->gic_phandle);
    write_timer(writer, in->host, root->gic_phandle);
}

static enum status choose_gic_phandle(const struct guest_fdt_input *in, uint32_t *phandle)
{
    char path[200];
    fdt_node_t user;

    *phandle = GIC_PHANDLE;
    if (in->partial == NULL) {
        return OK;
    }
    *phandle = partial_gic_phandle(in->partial, GIC_PHANDLE, &user);
    if (user == FDT_NONE) {
        return OK;
    }
    (void)partial_path(in->host->fdt, in->module, in->partial, user, path, sizeof(path));
    report_at(in->report, REPORT_ERROR, path, "phandle",
              "%u is the generated interrupt controller's; add a node /gic with a phandle of its own",
              *phandle);
    return ERR_INVALID;
}

enum status guest_fdt_build(const struct guest_fdt_input *in, void *buf, size_t capacity, size_t *size)
{
    const struct domain_record *record = in->record;
    struct guest_root root = {2, 2, GIC_PHANDLE};
    struct fdt_writer writer;
    enum status status = OK;

    fdt_write_start(&writer, buf, capacity, names_bound(in));
    if ((record->flags & DOMAIN_HARDWARE) != 0) {
        root = write_hardware(&writer, in);
    } else {
        status = choose_gic_phandle(in, &root.gic_phandle);
        write_guest(&writer, in, &root);
    }
    if ((record->flags & DOMAIN_VPL011) != 0) {
        write_uart(&writer, record, root.gic_phandle);
    }
    fdt_write_node_end(&writer);
    return status == OK ? fdt_write_end(&writer, size) : status;
}
