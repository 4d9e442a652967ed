/* SPDX-License-Identifier: Apache-2.0 */
/* The domain record: everything that the core needs to create, start and restart one domain, and nothing
 * else. Boot writes records from the host device tree; after boot they are read-only. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "base/types.h"

enum map_kind {
    MAP_RAM,    /* the domain's own memory: Normal write-back, read, write, execute */
    MAP_GICV,   /* the virtual CPU interface of GICv2, where the domain expects GICC; shared by all, banked by
                   CPU */
    MAP_DEVICE, /* registers of a passed-through device: Device-nGnRE, read, write, never execute */
    MAP_SHARED, /* memory of several domains (static shared memory, channels): Normal write-back, read, write,
                   never execute, never scrubbed or loaded */
    MAP_SHARED_READ, /* the same, read-only */
};

/* A static event channel, bound before any guest runs (`xen,evtchn-v1`, channels). Each end is in the record
 * of its domain. */
struct domain_port {
    uint16_t port;
    uint16_t peer; /* domid */
    uint16_t peer_port;
};

/* Addresses at which every store rings the peer: as an edge of an SPI, or as an event where `spi` is 0. Of a
 * channel it is a page, of a VIRTIO device its QueueNotify in the frontend, and in the backend the word that
 * interrupts the frontend. */
struct domain_doorbell {
    ipa_t ipa;
    uint32_t size;
    uint16_t peer; /* domid */
    uint16_t spi;  /* INTID in the peer, or 0 */
    uint16_t port; /* port of the peer that becomes pending, if spi is 0 */
};

/* A domain that serves accesses of this one which trap, in the record of the frontend. */
struct domain_server {
    uint16_t backend; /* domid */
    uint16_t link;    /* index in the backend's `frontends` */
};

/* Addresses whose accesses a server answers; doorbells inside them come first. An access while the server is
 * away parks the vCPU. */
struct domain_ioreq_range {
    ipa_t ipa;
    uint32_t size;
    uint16_t server;  /* index in `servers` */
    bool park_ones;   /* it ends as an access to nothing that reads all-ones; otherwise with an abort */
    uint32_t park_ms; /* how long it waits; 0: for ever */
};

/* A domain that this one serves, in the record of the backend. Static ports first_port + i belong to vCPU i
 * of the frontend: the core makes one pending when there is a request in the slot of that vCPU, and the
 * backend sends on it when it has answered. */
struct domain_frontend {
    uint16_t domid;
    uint16_t server; /* index in the frontend's `servers`; dm_op's ioreq server id */
    uint16_t first_port;
    uint16_t nr_vcpus; /* of the frontend: as many ports */
    ipa_t page;        /* where the backend sees the ioreq page */
    uint32_t first_window, nr_windows;
};

/* RAM of a frontend that its backend sees while both agree (core/frontend.h). Addresses and size are
 * multiples of PAGE_SIZE. */
struct domain_window {
    ipa_t ipa; /* in the backend */
    pa_t pa;
    uint64_t size;
};

/* One range of stage 2. Addresses and size are multiples of PAGE_SIZE. Ranges of one domain do not overlap in
 * IPA; MAP_RAM ranges of different domains do not overlap in PA. */
struct domain_map {
    ipa_t ipa;
    pa_t pa;
    uint64_t size;
    enum map_kind kind;
};

/* What an open window maps. */
static inline struct domain_map domain_window_map(const struct domain_window *window)
{
    return (struct domain_map){window->ipa, window->pa, window->size, MAP_SHARED};
}

/* One piece of the initial memory image: copy `size` bytes from host memory `source` to `ipa`, then zero
 * `zero_tail` bytes. The target lies inside one MAP_RAM range. Any byte alignment. */
struct domain_load {
    pa_t source;
    ipa_t ipa;
    uint64_t size;
    uint64_t zero_tail;
};

/* A physical SPI that belongs to this domain. */
struct domain_irq {
    uint16_t virq; /* INTID in the domain, 32 .. 32 + nr_spis - 1 */
    uint16_t pirq; /* INTID of the host GIC */
    bool edge;     /* trigger given by the description; the guest may change it (GICD_ICFGR) */
};

/* DMA of the domain's devices comes with these StreamIDs: a part of a block of 64, or whole blocks. */
struct domain_stream {
    uint16_t smmu; /* index of the host's SMMU */
    uint32_t first, count;
};

/* One step of a declared device reset (`bulkhead,reset`): write value under mask, then poll until
 * (read & poll_mask) == poll_value or limit_us passes. A row is `count` registers, `stride` bytes apart: of
 * those that do not read as all-ones (nothing is there) each is written, and nothing is polled. */
struct domain_reset {
    pa_t pa;
    uint32_t value;
    uint32_t mask;
    uint32_t poll_mask;
    uint32_t poll_value;
    uint32_t limit_us;
    uint32_t count; /* 0: one register */
    uint32_t stride;
};

struct domain_vcpu {
    uint16_t pcpu;     /* logical number of the pCPU that it runs on */
    uint16_t affinity; /* MPIDR of the vCPU: Aff1 in bits 15:8, Aff0 in bits 7:0 */
};

enum domain_flag {
    DOMAIN_VPL011 = 1u << 0,
    DOMAIN_DIRECT_MAP = 1u << 1, /* IPA = PA */
    DOMAIN_UNMAPPED_ONES =
        1u << 2,               /* trap-unmapped-accesses = <0>: holes read all-ones, writes are dropped */
    DOMAIN_HARDWARE = 1u << 3, /* Xen's dom0: domid 0, every device that nobody else was given */
    DOMAIN_SCRUB = 1u << 4,    /* zero its RAM before the first start too */
    DOMAIN_DMA_UNPROTECTED = 1u << 5, /* owns a DMA master that no SMMU translates */
    DOMAIN_ENHANCED = 1u << 6,        /* `xen,enhanced`: hypervisor node, grants, PV console */
    DOMAIN_BACKGROUND = 1u << 7,      /* the machine goes off when all others have stopped */
};

#define RESTART_NEVER  0u
#define RESTART_ALWAYS 0xffffffffu

struct domain_record {
    char name[32]; /* node name, NUL terminated, truncated */
    uint16_t domid;
    uint16_t nr_vcpus; /* 1 .. MAX_VCPUS */
    uint16_t nr_spis;  /* multiple of 32, at most 960 */
    uint16_t flags;    /* enum domain_flag */

    ipa_t entry; /* first instruction of vCPU 0 */
    ipa_t dtb;   /* x0 of vCPU 0; 0 = none */

    ipa_t gicd;         /* distributor */
    ipa_t gicr_or_gicc; /* GICv3: first redistributor frame (128 KiB each); GICv2: CPU interface (8 KiB) */
    ipa_t uart;         /* vpl011 registers, one page */
    uint16_t uart_virq;

    uint8_t priority;   /* on shared pCPUs; higher runs first, default 128 */
    uint32_t budget_us; /* 0 = no budget */
    uint32_t period_us;

    uint32_t restart; /* RESTART_NEVER, RESTART_ALWAYS or at most n times within restart_window_ms */
    uint32_t restart_window_ms;
    uint32_t quiet_ms;     /* how long its devices may work on for a frontend that has stopped */
    uint32_t heartbeat_ms; /* how long it may stay away from its watchdog 1; 0: as long as it likes */

    uint16_t console_port;    /* port of the PV console (enhanced domains); 0: none */
    uint16_t nr_ports;        /* event channels, port 0 included: 2 .. 4096 */
    uint16_t nr_grant_frames; /* 0 .. 4096 */
    uint32_t nr_maptrack;     /* grants of others that it may have mapped at once */
    uint32_t stage2_reserve;  /* table pages for what it maps and unmaps while it runs */

    uint32_t nr_maps, nr_loads, nr_irqs, nr_resets, nr_smc_ranges, nr_static_ports, nr_doorbells;
    uint32_t nr_servers, nr_ioreq_ranges, nr_frontends, nr_windows, nr_streams;
    const struct domain_map *maps;
    const struct domain_load *loads;
    const struct domain_irq *irqs;
    const struct domain_reset *resets;
    const struct domain_vcpu *vcpus; /* nr_vcpus of them */
    const uint32_t (*smc_ranges)[2]; /* first, last SMCCC function id forwarded to firmware */
    const struct domain_port *static_ports;
    const struct domain_doorbell *doorbells;
    const struct domain_server *servers;
    const struct domain_ioreq_range *ioreq_ranges;
    const struct domain_frontend *frontends;
    const struct domain_window *windows;
    const struct domain_stream *streams;

    void
        *pool; /* page-aligned memory for the domain's objects and stage-2 tables, domain_pool_bytes() long */
    uint64_t pool_size;
};

#endif
