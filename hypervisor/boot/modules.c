/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel, ramdisk and device tree of a domain: what they are, and where they go. */
#include "base/string.h"
#include "boot/guest_fdt.h"
#include "boot/planner.h"

#define MAX_PARTIAL MIB(1) /* what the boot code maps at a time */

static const struct {
    uint8_t magic[4];
    const char *name;
} packed_kinds[] = {
    {{0x1f, 0x8b, 0, 0}, "gzip"},      {{0xfd, '7', 'z', 'X'}, "xz"}, {{0x28, 0xb5, 0x2f, 0xfd}, "zstd"},
    {{0x02, 0x21, 0x4c, 0x18}, "lz4"}, {{'B', 'Z', 'h', 0}, "bzip2"}, {{0x27, 0x05, 0x19, 0x56}, "uImage"},
    {{0x5d, 0, 0, 0}, "lzma"},
};

static uint64_t le64(const uint8_t *b)
{
    uint64_t v = 0;

    for (unsigned i = 8; i > 0; i--) {
        v = v * 256u + b[i - 1u];
    }
    return v;
}

/* Reads the arm64 Image header: magic at 56, text_offset at 8, image_size at 16
 * (Documentation/arch/arm64/booting.rst). */
static void read_kernel(struct planner *p, struct draft *d)
{
    const uint8_t *h = p->in->peek(p->in->peek_context, d->kernel.pa, min_u64(d->kernel.size, 64));
    static const uint8_t old_first_word[4] = {0x08, 0x00, 0x00, 0x14};

    d->image_size = d->kernel.size;
    if (h == NULL) {
        complain(p, REPORT_NOTE, d->kernel.node, "reg", "the content is not known here: header not checked");
        return;
    }
    for (size_t i = 0; d->kernel.size >= 64 && i < ARRAY_SIZE(packed_kinds); i++) {
        if (memcmp(h, packed_kinds[i].magic, packed_kinds[i].magic[2] == 0 ? 2 : 4) == 0) {
            error(p, d->kernel.node, "reg", "the kernel is packed (%s): unpack it with \"bulkhead image\"",
                  packed_kinds[i].name);
            return;
        }
    }
    if (d->kernel.size < 64 || (memcmp(h + 56, "ARM\x64", 4) != 0 && memcmp(h, old_first_word, 4) != 0)) {
        error(p, d->kernel.node, "reg",
              "no arm64 Image header here: is the address right, the module loaded?");
        return;
    }
    d->text_offset = le64(h + 8);
    d->image_size = max_u64(le64(h + 16), d->kernel.size);
    if (d->text_offset > GIB(1) || d->image_size > GIB(4)) {
        error(p, d->kernel.node, "reg", "the Image header has impossible sizes");
        d->text_offset = 0;
        d->image_size = d->kernel.size;
    }
}

static struct module *module_kind(struct draft *d, const struct fdt_prop *compatible)
{
    if (fdt_string_list_has(compatible, "multiboot,kernel") ||
        fdt_string_list_has(compatible, "xen,linux-zimage")) {
        return &d->kernel;
    }
    if (fdt_string_list_has(compatible, "multiboot,ramdisk") ||
        fdt_string_list_has(compatible, "xen,linux-initrd")) {
        return &d->ramdisk;
    }
    return fdt_string_list_has(compatible, "multiboot,device-tree") ? &d->partial : NULL;
}

static void read_module(struct planner *p, struct draft *d, fdt_node_t node)
{
    struct fdt_prop prop;
    struct module *m = NULL;
    uint32_t address_cells, size_cells, at = 0;

    if (fdt_prop(p->fdt, node, "compatible", &prop)) {
        m = module_kind(d, &prop);
    }
    if (m == NULL && d == p->hardware) { /* Xen knows dom0's by their order */
        m = d->kernel.node == FDT_NONE ? &d->kernel : &d->ramdisk;
    }
    if (m == NULL) {
        error(p, node, "compatible",
              "unknown module: multiboot,kernel, multiboot,ramdisk or multiboot,device-tree");
        return;
    }
    if (m->node != FDT_NONE) {
        error(p, node, "compatible", "the domain has two modules of this kind");
        return;
    }
    m->node = node;
    fdt_cells(p->fdt, d->node, &address_cells, &size_cells);
    if (!fdt_prop(p->fdt, node, "reg", &prop) || !fdt_number(&prop, &at, address_cells, &m->pa) ||
        !fdt_number(&prop, &at, size_cells, &m->size) || at * 4u != prop.len) {
        error(p, node, "reg", "must be one <address size> in the cells of the domain node (%u and %u)",
              address_cells, size_cells);
        m->size = 0;
    } else if (m->size > GIB(4)) {
        error(p, node, "reg", "is larger than 4 GiB");
        m->size = 0;
    }
}

void modules_read(struct planner *p, struct draft *d)
{
    d->kernel.node = d->ramdisk.node = d->partial.node = FDT_NONE;
    for_each_child (p->fdt, d->node, child) {
        if (is_module(p->fdt, child)) {
            read_module(p, d, child);
        }
    }
    if (d->kernel.node == FDT_NONE) {
        error(p, d->node, "",
              "the domain has no kernel (a child node with compatible = \"multiboot,kernel\")");
    } else if (d->kernel.size != 0) {
        read_kernel(p, d);
    }
}

/* A load lies in one range of RAM: it is cut where the IPA range is made of several. */
static void add_load(struct planner *p, struct draft *d, uint64_t source, uint64_t ipa, uint64_t size,
                     uint64_t tail)
{
    for (uint32_t i = 0; i < p->nr_maps && size + tail > 0; i++) {
        uint64_t base = p->maps[i].ipa.v, end = base + p->maps[i].size, part, part_tail;

        if (p->maps[i].kind != MAP_RAM || ipa < base || ipa >= end) {
            continue;
        }
        if (p->nr_loads == MAX_LOADS) {
            error(p, d->node, "memory", "free RAM is in too many pieces");
            return;
        }
        part = min_u64(size, end - ipa);
        part_tail = min_u64(tail, end - ipa - part);
        p->loads[p->nr_loads++] = (struct domain_load){PA(source), IPA(ipa), part, part_tail};
        source += part;
        ipa += part + part_tail;
        size -= part;
        tail -= part_tail;
    }
}

/* Where DTB and ramdisk go in [start, end): Xen's places if they fit, else the end of the bank. */
static bool place_boot_data(struct planner *p, struct draft *d, uint64_t start, uint64_t kernel_end,
                            uint64_t end, struct guest_fdt_input *in)
{
    uint64_t dtb_room = MIB(2), high = start + MIB(128);

    if (kernel_end <= high && high + dtb_room <= end && d->ramdisk.size <= end - high - dtb_room) {
        d->record->dtb = IPA(high);
        in->initrd_start = high + dtb_room;
    } else if (d->ramdisk.size <= end - kernel_end) {
        in->initrd_start = align_down(end - d->ramdisk.size, PAGE_SIZE);
    } else {
        in->initrd_start = 0;
    }
    if (in->initrd_start < kernel_end) {
        error(p, d->ramdisk.node, "reg", "kernel and ramdisk do not fit into the domain's RAM");
        return false;
    }
    in->initrd_end = in->initrd_start + d->ramdisk.size;
    return true;
}

static void place_dtb(struct planner *p, struct draft *d, uint64_t kernel_end, uint64_t limit,
                      const struct guest_fdt_input *in)
{
    struct arena *arena = p->in->arena;
    size_t bound = guest_fdt_bound(in), size = 0;
    uint64_t dtb;
    void *buffer;

    if (p->host->gic.node == FDT_NONE) {
        return; /* has been reported, and is needed below */
    }
    buffer = arena_alloc(arena, bound, 8);
    if (buffer == NULL) {
        error(p, d->node, "", "no memory is left for the generated device tree");
        return;
    }
    if (guest_fdt_build(in, buffer, bound, &size) != OK) {
        error(p, d->node, "", "the device tree for this domain cannot be made");
        return;
    }
    arena->used -= bound - size; /* the bound is generous, and this was the last allocation */
    if (d->record->dtb.v == 0) {
        dtb = limit - kernel_end >= size ? align_down(limit - size, 8) : 0;
        if (dtb < kernel_end) {
            error(p, d->node, "memory", "too small for the kernel and a device tree of %lu bytes", size);
            return;
        }
        d->record->dtb = IPA(dtb);
    }
    add_load(p, d, arena_pa(arena, buffer), d->record->dtb.v, size, 0);
}

/* End of the RAM that begins at maps[0] without a gap. */
static uint64_t bank_end(const struct planner *p)
{
    uint64_t end = p->maps[0].ipa.v;

    for (uint32_t i = 0; i < p->nr_maps && p->maps[i].kind == MAP_RAM && p->maps[i].ipa.v == end; i++) {
        end += p->maps[i].size;
    }
    return end;
}

bool partial_open(struct planner *p, struct draft *d, struct fdt *partial)
{
    const void *blob;

    if (d->partial.size == 0) {
        return false;
    }
    if (d->partial.size > MAX_PARTIAL) {
        error(p, d->partial.node, "reg", "a partial device tree has at most 1 MiB");
        return false;
    }
    blob = p->in->peek(p->in->peek_context, d->partial.pa, d->partial.size);
    if (blob == NULL) {
        complain(p, REPORT_NOTE, d->partial.node, "reg",
                 "the content is not known here: devices not checked");
        return false;
    }
    if (fdt_open(partial, blob, d->partial.size) != OK) {
        error(p, d->partial.node, "reg", "no usable device tree here: %s (at byte 0x%x)", partial->error,
              partial->error_off);
        return false;
    }
    return true;
}

bool partial_read(struct planner *p, struct draft *d, struct passthrough *devices, struct fdt *partial)
{
    const struct passthrough_input in = {.host = p->host,
                                         .partial = partial,
                                         .module = d->partial.node,
                                         .report = p->report,
                                         .direct_map = (d->record->flags & DOMAIN_DIRECT_MAP) != 0,
                                         .static_mem = d->is_static,
                                         .restarts = d->record->restart != RESTART_NEVER};

    if (!partial_open(p, d, partial)) {
        return false;
    }
    if (passthrough_scan(&in, devices) == OK && devices->dma_unprotected) {
        d->record->flags |= DOMAIN_DMA_UNPROTECTED;
    }
    p->nr_maps = devices->nr_maps;
    return true;
}

/* Of the hardware domain: as Xen finds dom0's arguments. */
static const char *guest_arguments(const struct planner *p, const struct draft *d)
{
    const char *own = fdt_string(p->fdt, d->kernel.node, "bootargs"), *line;

    if (d != p->hardware) {
        return own;
    }
    line = fdt_string(p->fdt, p->chosen, "xen,dom0-bootargs");
    return line != NULL ? line : own != NULL ? own : fdt_string(p->fdt, p->chosen, "bootargs");
}

void modules_place(struct planner *p, struct draft *d)
{
    uint64_t start, end, entry, kernel_end, limit;
    struct guest_fdt_input in = {.host = p->host,
                                 .record = d->record,
                                 .partial = p->partial,
                                 .module = d->partial.node,
                                 .hidden = p->hidden,
                                 .nr_hidden = p->nr_hidden,
                                 .links = &p->links,
                                 .report = p->report};

    p->nr_loads = 0;
    if (p->nr_maps == 0 || d->kernel.size == 0) {
        return;
    }
    start = p->maps[0].ipa.v;
    end = bank_end(p);
    entry = start + d->text_offset;
    kernel_end = align_up(entry + d->image_size, PAGE_SIZE);
    if (kernel_end > end) {
        error(p, d->kernel.node, "reg",
              "the kernel needs %lu KiB from the start of RAM, the domain has %lu KiB there",
              (kernel_end - start) / 1024u, (end - start) / 1024u);
        return;
    }
    d->record->entry = IPA(entry);
    if (!place_boot_data(p, d, start, kernel_end, end, &in)) {
        return;
    }
    add_load(p, d, d->kernel.pa, entry, d->kernel.size, d->image_size - d->kernel.size);
    if (d->ramdisk.size != 0) {
        add_load(p, d, d->ramdisk.pa, in.initrd_start, d->ramdisk.size, 0);
    }
    in.bootargs = guest_arguments(p, d);
    limit = in.initrd_start;
    if (d->ramdisk.size == 0) {
        in.initrd_start = in.initrd_end = 0;
    }
    place_dtb(p, d, kernel_end, limit, &in);
}
