/* SPDX-License-Identifier: Apache-2.0 */
/* From the host device tree to domain records: the same code on the target and in the offline check. */
#ifndef BOOT_PLAN_H
#define BOOT_PLAN_H

#include "base/status.h"
#include "boot/arena.h"
#include "boot/fdt.h"
#include "boot/host.h"
#include "boot/report.h"
#include "core/extension.h"
#include "core/record.h"

/* Looks at `size` bytes of a module at pa; valid until the next call. NULL if its content is not known
 * (offline check without the file); then rules about the content are skipped and a note is reported. */
typedef const void *(*plan_peek)(void *context, uint64_t pa, uint64_t size);

enum panic_action { PANIC_STOP, PANIC_RESET };

#define MAX_SHARED   64u /* nodes of static shared memory */
#define MAX_CHANNELS 32u
#define MAX_VIRTIO   32u /* devices that driver domains serve */

struct plan_input {
    const struct host *host;
    uint64_t image_pa, image_size; /* the hypervisor, bss included; 0, 0 in the offline check: unknown */
    uint64_t blob_pa;    /* where the blob lies; its size is host->fdt->size. 0 in the offline check */
    struct arena *arena; /* in host RAM; the planner treats [pa, pa + size) as taken */
    plan_peek peek;
    void *peek_context;
    uint32_t ipa_bits_max; /* largest IPA size of this CPU, 36 .. 48 */
    uint32_t host_spis;    /* SPIs of the physical GIC (GICD_TYPER): what a domain without nr_spis gets */
};

/* Host RAM that domains share, cleared before the first of them starts. */
struct plan_shared {
    uint64_t base, size;
    fdt_node_t
        node; /* bulkhead,channel, bulkhead,virtio, or the first xen,domain-shared-memory-v1 of its id */
};

struct plan {
    uint32_t nr_domains;
    struct domain_record *records[MAX_DOMAINS];
    fdt_node_t nodes[MAX_DOMAINS]; /* the xen,domain node of each */
    uint32_t pcpu_mask;            /* pCPUs that run a vCPU */
    uint64_t log_pa, log_size;     /* bulkhead,log; size 0 = none */
    enum panic_action on_panic;
    bool console_keys;
    uint64_t kept_modules; /* bytes of modules kept in RAM for restart */
    uint32_t nr_extensions;
    struct extension *extensions[MAX_EXTENSIONS];
    uint32_t nr_shared;
    /* A channel has two regions, and a page for each doorbell of a direct-map domain; a VIRTIO device its
       state, what it bounces through, and two pages of addresses if the backend is a direct-map domain. */
    struct plan_shared shared[MAX_SHARED + 4u * MAX_CHANNELS + 4u * MAX_VIRTIO];
};

/* Where the arena may lie: the largest free piece of RAM (or of xen,static-heap) of at least min_size, 2
 * MiB aligned base, clear of reservations, blob, image, modules, xen,static-mem. */
enum status plan_arena_place(const struct plan_input *input, uint64_t min_size, uint64_t *pa, uint64_t *size,
                             struct report *report) MUST_CHECK;

/* Reads, checks and places everything. With errors in the report it returns ERR_INVALID after it looked at
 * all nodes. */
enum status plan_build(const struct plan_input *input, struct plan *plan, struct report *report) MUST_CHECK;

/* The hypervisor's own command line as Xen chooses it (xen,xen-bootargs, or bootargs if dom0's are
 * elsewhere), or NULL. */
const char *plan_command_line(const struct fdt *fdt);

/* Value of option `name` ("name=value"; the last one counts) of a command line, truncated to size - 1
 * characters; "" for an option without value. False if it is not there or line is NULL. */
bool plan_argument(const char *line, const char *name, char *value, size_t size);

#endif
