/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make the plan; nobody else includes it. */
#ifndef BOOT_PLANNER_H
#define BOOT_PLANNER_H

#include "boot/extension_elf.h"
#include "boot/guest_links.h"
#include "boot/passthrough.h"
#include "boot/plan.h"
#include "boot/ranges.h"
#include "core/extension.h"

#define MAX_CLAIMS  256u
#define MAX_MAPS    128u
#define MAX_LOADS   64u
#define MAX_IRQS    256u
#define MAX_RESETS  64u
#define MAX_NODES   64u
#define MAX_STREAMS 64u
#define MAX_HIDDEN  64u
#define MAX_POOLS   MAX_PCPUS

#define MAX_WINDOWS    128u /* of one backend */
#define MAX_PORTS      256u /* ends of static event channels */
#define SHARED_ID_SIZE 16u  /* xen,shm-id */
#define NR_GUEST_BANKS 2u

/* Host memory that is spoken for. */
enum claim_kind {
    CLAIM_RESERVED,
    CLAIM_HYPERVISOR,
    CLAIM_MODULE,
    CLAIM_HEAP,
    CLAIM_STATIC,
    CLAIM_LOG,
    CLAIM_SHARED
};

/* Sees every range; node is FDT_NONE if no node says it. */
typedef void (*claim_visitor)(void *context, enum claim_kind kind, fdt_node_t node, uint64_t base,
                              uint64_t size);

struct claim {
    uint64_t base, size;
    enum claim_kind kind;
    fdt_node_t node;
};

struct module {
    fdt_node_t node; /* FDT_NONE = absent */
    uint64_t pa, size;
};

/* A domain while it is being read. */
struct draft {
    fdt_node_t node;
    struct domain_record *record;
    uint64_t memory; /* bytes */
    bool is_static;  /* xen,static-mem */
    uint32_t pool;   /* index of its cpupool */
    struct module kernel, ramdisk, partial;
    uint64_t text_offset, image_size;  /* from the kernel's header */
    uint32_t affinity[MAX_VCPUS];      /* pCPUs that hard-affinity allows; 0 = none given */
    uint32_t table_pages;              /* xen,domain-p2m-mem-mb */
    struct domain_doorbell *doorbells; /* of the record, which counts those that are complete */
    bool has_partial;                  /* its partial tree is known and sound */
    bool placed;
    uint64_t bell_page; /* IPA of the page whose words interrupt its frontends; 0: none yet */
    uint32_t bells;     /* words of it that are in use */
};

/* A port of a domain that is bound at boot. */
struct event_end {
    struct draft *domain;
    fdt_node_t node;
    struct domain_port port;
    bool is_written; /* by the integrator; otherwise chosen here */
};

enum shared_role { SHARED_OWNER, SHARED_BORROWER, SHARED_READER, SHARED_WRITER };

/* A xen,domain-shared-memory-v1 node. */
struct shared_draft {
    struct draft *domain;
    fdt_node_t node;
    const char *id;
    uint64_t pa, ipa, size;
    bool has_pa; /* the integrator chose it */
    bool owner;
    enum shared_role role;
};

/* A bulkhead,channel node. */
struct channel_side {
    struct draft *domain;
    bool by_event;      /* is rung by an event, not by an interrupt */
    uint16_t port, spi; /* that ring it; 0: none */
    uint64_t pa;        /* of what it writes */
    uint64_t doorbell;  /* IPA of its doorbell page; 0: its port rings the peer */
};

struct channel_draft {
    fdt_node_t node;
    uint64_t size; /* of the memory of each direction */
    struct channel_side side[2];
};

/* A domain and one that serves it. */
struct virtio_pair {
    struct draft *frontend, *backend;
    fdt_node_t node;       /* the first device */
    uint16_t server, link; /* index in the record of each */
    uint16_t first_port;   /* of the backend, for vCPU 0 */
    enum virtio_buffers buffers;
    uint64_t page; /* IPA of the ioreq page in the backend; 0: none yet */
};

/* A bulkhead,virtio node. */
struct virtio_draft {
    fdt_node_t node;
    struct virtio_pair *pair;
    struct virtio_parameters parameters;
    uint64_t ipa;
    uint32_t queues, queue_max, park_ms;
    bool park_ones;
    uint16_t port; /* of the backend, that the doorbell makes pending */
    uint16_t spi;  /* of the frontend */
    uint64_t state_pa, state_size;
    enum virtio_buffers buffers;
    uint64_t pool_pa, pool_size, pool_ipa; /* what it bounces through; size 0: nothing */
    uint64_t grants_size, grants_ipa;      /* where the backend maps grants; size 0: nowhere */
    uint32_t grant_entries;                /* that the frontend needs for it */
};

/* A bulkhead,extension node. */
struct extension_draft {
    fdt_node_t node;
    struct extension *extension;
    struct draft *domain; /* that it serves; NULL: none yet */
    struct module module;
    struct extension_elf elf;            /* no parts: not known */
    fdt_node_t ranges[EXTENSION_RANGES]; /* bulkhead,mmio */
};

struct planner {
    const struct plan_input *in;
    const struct host *host;
    const struct fdt *fdt;
    struct plan *plan;
    struct report *report;
    uint32_t errors;     /* in the report when planning began */
    uint64_t arena_size; /* this planner included, which lies at its end */
    fdt_node_t chosen;
    uint32_t address_cells, size_cells; /* of the children of /chosen */
    bool heap_given;                    /* xen,static-heap */
    struct draft *hardware;             /* the hardware domain, or NULL */
    uint32_t nr_claims, nr_pools, nr_drafts, nr_maps, nr_loads, nr_hidden;
    uint32_t nr_ports, nr_shared, nr_channels, nr_virtio, nr_pairs, nr_extensions;
    /* Of the domain at hand: */
    struct guest_links links;
    struct guest_backend backend;
    const struct fdt *partial; /* or NULL */
    uint64_t next_ipa;         /* below it is no room for what is placed by us */
    uint32_t nr_windows, nr_streams;
    uint8_t load[MAX_PCPUS]; /* vCPUs per pCPU */

    /* Arrays; not cleared before use. */
    struct ranges ram;  /* all of it */
    struct ranges free; /* what domains without xen,static-mem may get */
    struct claim claims[MAX_CLAIMS];
    uint32_t pools[MAX_POOLS]; /* masks of pCPUs */
    fdt_node_t pool_nodes[MAX_POOLS];
    struct draft drafts[MAX_DOMAINS];
    struct event_end ports[MAX_PORTS];
    struct shared_draft shared[MAX_SHARED];
    struct channel_draft channels[MAX_CHANNELS];
    struct virtio_pair pairs[MAX_VIRTIO];
    struct virtio_draft virtio[MAX_VIRTIO];
    struct extension_draft extensions[MAX_EXTENSIONS];
    /* Of the domain at hand: */
    struct domain_map maps[MAX_MAPS + 1u];
    struct domain_load loads[MAX_LOADS];
    struct domain_irq irqs[MAX_IRQS];
    struct domain_reset resets[MAX_RESETS];
    fdt_node_t nodes[MAX_NODES];
    struct domain_stream streams[MAX_STREAMS];
    struct ranges devices;
    fdt_node_t hidden[MAX_HIDDEN];
    struct guest_port guest_ports[MAX_PORTS];
    struct guest_shared guest_shared[MAX_SHARED];
    struct guest_channel guest_channels[MAX_CHANNELS];
    struct guest_virtio guest_virtio[MAX_VIRTIO];
    struct guest_frontend guest_frontends[MAX_VIRTIO];
    struct guest_served guest_served[MAX_VIRTIO];
    struct guest_window guest_windows[MAX_WINDOWS];
    struct domain_window windows[MAX_WINDOWS];
    char path[160];
};

/* The node's path, valid until the next call. */
const char *path_of(struct planner *p, fdt_node_t node);

#define complain(p, severity, node, property, ...) \
    report_at((p)->report, severity, path_of(p, node), property, __VA_ARGS__)
#define error(p, node, property, ...) complain(p, REPORT_ERROR, node, property, __VA_ARGS__)

/* Zeroed memory for a domain's record; NULL for no bytes, or after an error. */
void *record_alloc(struct planner *p, fdt_node_t node, uint64_t size);

/* A new domain, or NULL after an error. */
struct draft *draft_new(struct planner *p, fdt_node_t node);

/* The domain of that node or number, or NULL. */
struct draft *draft_of(struct planner *p, fdt_node_t node);
struct draft *draft_by_domid(struct planner *p, uint16_t domid);

/* Reports the properties that are not in the list of names: an error for ours, else a warning. */
#define known_only(p, node, list) known_only_in(p, node, list, sizeof(list))
void known_only_in(struct planner *p, fdt_node_t node, const char *list, size_t size);

/* A property of one or two cells, at most `max`; the fallback if it is absent or after an error. */
uint64_t number_or(struct planner *p, fdt_node_t node, const char *name, uint64_t max, uint64_t fallback);

/* A list of names: one string with a NUL between them. */
#define IN_LIST(list, name) \
    fdt_string_list_has(&(struct fdt_prop){.data = (const uint8_t *)(list), .len = sizeof(list)}, name)

/* claims.c: all memory that is spoken for: checks it, and fills ram and free. */
void claims_collect(struct planner *p);

/* True if the node's compatible has multiboot,module or one of Xen's older names of it. */
bool is_module(const struct fdt *fdt, fdt_node_t node);

/* True for a xen,domain node that is not disabled. */
bool is_domain(const struct fdt *fdt, fdt_node_t node);

/* domains.c: the properties of a domain node. */
void domain_read(struct planner *p, struct draft *d);

/* modules.c: kernel, ramdisk, partial tree; what is loaded where. */
void modules_read(struct planner *p, struct draft *d);
void modules_place(struct planner *p, struct draft *d);

/* Opens the partial tree; false if there is none. */
bool partial_open(struct planner *p, struct draft *d, struct fdt *partial);

/* The same, and reads what it passes through into p->maps, irqs, resets. */
bool partial_read(struct planner *p, struct draft *d, struct passthrough *devices, struct fdt *partial);

/* memory.c: RAM and address map of a domain, in Xen's banks. */
extern const struct host_range guest_banks[NR_GUEST_BANKS];
void memory_place(struct planner *p, struct draft *d);

/* hardware.c: the domain of the kernel module directly below /chosen, if there is one. Its RAM and devices
 * are what is left when all others have been placed. */
void hardware_read(struct planner *p);
void hardware_place(struct planner *p, struct draft *d);

/* cpus.c: cpupools and the pCPU of each vCPU. */
void cpupools_read(struct planner *p);
void vcpus_read(struct planner *p, struct draft *d);
void vcpus_place(struct planner *p);

/* bootargs.c: reports the options that have no effect. */
void bootargs_check(struct planner *p);

/* conflicts.c: devices and interrupts, against the hypervisor's own and between domains. */
void conflicts_check(struct planner *p);

#endif
