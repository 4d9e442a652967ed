/* SPDX-License-Identifier: Apache-2.0 */
/* What the board has, read from the host device tree. */
#ifndef BOOT_HOST_H
#define BOOT_HOST_H

#include "base/status.h"
#include "base/types.h"
#include "boot/fdt.h"
#include "boot/report.h"
#include "drivers/uart.h"

#define HOST_MAX_RAM      16u
#define HOST_MAX_RESERVED 64u
#define HOST_MAX_GICR     8u

struct host_range {
    uint64_t base;
    uint64_t size;
};

struct host_reserved {
    uint64_t base, size;
    fdt_node_t node; /* reserved-memory node, or FDT_NONE for /memreserve/ and other sources */
};

struct host_cpu {
    uint64_t mpidr; /* affinity fields only, RES1 masked */
    fdt_node_t node;
};

struct host_uart {
    enum uart_type type;
    uint64_t pa, size;
    uint32_t irq;                /* INTID, 0 = none */
    uint8_t reg_shift, io_width; /* 8250: reg-shift and reg-io-width */
    fdt_node_t node;
};

/* Places in host_gic.regs, in the order of the node's reg: of GICv2, and what follows the distributor of
 * GICv3. */
enum { GICD, GICC, GICH, GICV };
enum { GICR = GICC };

struct host_gic {
    uint32_t version; /* 2 or 3 */
    uint32_t nr_regs; /* GICv2: 4; GICv3: the distributor and all redistributor regions */
    struct host_range regs[1u + HOST_MAX_GICR];
    uint64_t gicr_stride;     /* 0 = by GICR_TYPER */
    uint32_t maintenance_irq; /* INTID */
    fdt_node_t node;
};

/* An SMMUv3. */
struct host_smmu {
    uint64_t base, size;
    uint32_t irq; /* INTID of fault reports, 0 = none */
    bool edge;
    fdt_node_t node;
};

struct host {
    const struct fdt *fdt;
    uint32_t nr_ram, nr_reserved, nr_cpus;
    struct host_range ram[HOST_MAX_RAM];
    struct host_reserved reserved[HOST_MAX_RESERVED];
    struct host_cpu cpus[MAX_PCPUS]; /* logical number = index, in device-tree order, okay ones only */
    struct host_gic gic;
    struct host_uart uart;
    uint32_t nr_smmus;
    struct host_smmu smmus[MAX_SMMUS];
    uint32_t irq_phys, irq_virt, irq_hyp; /* timer INTIDs: CNTP (non-secure), CNTV, CNTHP */
    uint32_t timer_frequency;             /* clock-frequency, 0 = absent */
    bool psci_hvc; /* method = "hvc" (else smc); absent PSCI: error if more than one CPU is used */
};

/* Reads the board; errors go to the report. `dtuart` is the value of the boot argument dtuart=, or NULL. */
enum status host_discover(struct host *host, const struct fdt *fdt, const char *dtuart,
                          struct report *report) MUST_CHECK;

/* INTID of a GIC specifier of three cells at `cell` of the property; 0 if it is not an SPI or PPI. */
uint32_t host_intid(const struct fdt_prop *prop, uint32_t cell, bool *edge);

/* True if the node is an SMMU that the hypervisor drives. */
bool host_is_smmu(const struct host *host, fdt_node_t node);

/* INTID of interrupt `index` of the node (interrupts or interrupts-extended, GIC 3-cell format, through
 * interrupt-parent); *edge tells the trigger. ERR_NOENT if there is no such entry or it does not go to the
 * GIC. */
enum status host_interrupt(const struct host *host, fdt_node_t node, unsigned index, uint32_t *intid,
                           bool *edge);

#endif
