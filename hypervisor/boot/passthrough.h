/* SPDX-License-Identifier: Apache-2.0 */
/* What a partial device tree gives its domain: registers (xen,reg), interrupts of a host device (xen,path),
 * the streams of its DMA, and the reset that a restart needs (bulkhead,reset). Also the rules for devices
 * that do DMA which no SMMU holds back. */
#ifndef BOOT_PASSTHROUGH_H
#define BOOT_PASSTHROUGH_H

#include "base/status.h"
#include "boot/fdt.h"
#include "boot/host.h"
#include "boot/report.h"
#include "core/record.h"

struct passthrough_input {
    const struct host *host;
    const struct fdt *partial; /* opened */
    fdt_node_t module;         /* its module node, for messages */
    struct report *report;
    bool direct_map; /* the domain's IPA = PA */
    bool static_mem; /* its RAM is written in the description */
    bool restarts;   /* it has a restart policy */
};

/* Arrays of the caller: entries are appended to the counts that it left, and more than max_* is an error. */
struct passthrough {
    struct domain_map *maps;
    struct domain_irq *irqs;
    struct domain_reset *resets;
    struct domain_stream *streams;
    fdt_node_t *nodes; /* host nodes that are given to the domain (xen,path) */
    uint32_t max_maps, max_irqs, max_resets, max_nodes, max_streams;
    uint32_t nr_maps, nr_irqs, nr_resets, nr_nodes, nr_streams;
    bool dma_unprotected; /* a DMA master without an SMMU is among them: DOMAIN_DMA_UNPROTECTED */
};

/* Appends what /passthrough of the partial tree asks for. Every problem is reported, with the partial tree's
 * node; ERR_INVALID if one is an error. A range or interrupt that two nodes name is entered once. Conflicts
 * with other domains, with RAM or with the hypervisor's own devices are the caller's to find. */
enum status passthrough_scan(const struct passthrough_input *in, struct passthrough *out) MUST_CHECK;

/* True if the device is known to do DMA: its properties say so, or its compatible is in the short list. */
bool device_is_dma_master(const struct fdt *fdt, fdt_node_t node);

/* True if the device is known not to do DMA. */
bool device_is_dma_free(const struct fdt *fdt, fdt_node_t node);

/* The reset that a device has without being told, given the address of its registers: virtio-mmio, and the
 * functions on the first bus of a PCI bridge with ECAM, which lose bus mastering. False if it has none. */
bool device_implied_reset(const struct fdt *fdt, fdt_node_t node, uint64_t base, struct domain_reset *reset);

#endif
