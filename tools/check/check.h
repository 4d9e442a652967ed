/* SPDX-License-Identifier: Apache-2.0 */
/* The offline check: the planner of the hypervisor, run on the build machine. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include <stdio.h>

#include "boot/plan.h"
#include "source.h"

#define MAX_MODULE_FILES 128

/* A file whose content is known, and where the boot loader puts it. */
struct module_file {
    uint64_t pa;
    size_t size;
    void *data;
    const char *name;
};

struct check {
    struct source source;
    struct fdt fdt;
    struct host host;
    struct arena arena;
    struct plan plan;
    struct report report;
    struct module_file modules[MAX_MODULE_FILES];
    unsigned nr_modules;
    void *peeked; /* copy of what peek() was asked for last */
    uint32_t host_spis;
    uint32_t ipa_bits;
    uint64_t image_pa, image_size;
    uint64_t blob_pa;
    bool quiet; /* errors and warnings only */
};

/* Runs all rules; problems go to stderr. True if there is no error, and then plan and arena are complete. */
bool check_run(struct check *check);

/* A device of the host that a domain reaches. */
struct reach {
    char path[256];
    uint32_t irqs[8]; /* of its interrupts, those that the domain was given */
    unsigned nr_irqs;
};

/* The next device behind *node (FDT_NONE: the first) whose registers lie in the domain's maps; false if there
 * is none. */
bool next_reach(const struct check *check, const struct domain_record *record, fdt_node_t *node,
                struct reach *reach);

/* The next node behind *node (the root: the first) that describes a device with registers. */
bool next_device(const struct check *check, fdt_node_t *node);
/* True if registers of the device lie in the domain's maps. */
bool domain_reaches(const struct check *check, const struct domain_record *record, fdt_node_t device);

/* A piece of host RAM and who has it. */
struct extent {
    uint64_t base, size;
    int owner;        /* index of a domain, or one of: */
    const char *what; /* "free", "hypervisor", "reserved", "module"; name of what is shared */
};
enum { OWNER_NONE = -1, OWNER_HYPERVISOR = -2, OWNER_RESERVED = -3, OWNER_MODULE = -4, OWNER_SHARED = -5 };

/* All host RAM in address order, without gaps inside a bank. Returns the count; at most `max` are written. */
size_t check_extents(const struct check *check, struct extent *extents, size_t max);

/* The node that asks for the shared memory at pa, or FDT_NONE. */
fdt_node_t shared_node(const struct check *check, uint64_t pa);
/* What the shared memory at pa is called: the channel's node, or the id of static shared memory. */
const char *shared_name(const struct check *check, uint64_t pa);
/* The domain's map of the shared memory at pa, or NULL. */
const struct domain_map *shared_map(const struct domain_record *record, uint64_t pa);
const struct domain_record *domain_of(const struct check *check, uint16_t domid);

/* What a domain shares, in its own part of the table; and who reaches whom. */
void print_shared(const struct check *check, const struct domain_record *record, FILE *out);
void print_paths(const struct check *check, FILE *out);
/* What is being printed of one domain's reach to another. */
struct path {
    const struct domain_record *from, *to;
    unsigned count; /* of items */
    FILE *out;
};
FILE *next_item(struct path *path);

/* VIRTIO devices: of a domain and those that it serves; what it sees of others, as an authority; and as items
 * of a path. */
void print_virtio(const struct check *check, const struct domain_record *record, FILE *out);
void print_seen(const struct check *check, const struct domain_record *record, FILE *out);
void path_virtio(const struct check *check, struct path *path);
/* The node of the domain's n-th VIRTIO device; bytes of RAM that a domain sees of one that it serves. */
fdt_node_t virtio_node(const struct check *check, const struct domain_record *record, uint32_t n);
uint64_t virtio_seen(const struct domain_record *record, const struct domain_frontend *frontend);
/* What plan.shared[shared] is, which a bulkhead,virtio node asked for. */
const char *virtio_memory_name(const struct check *check, uint32_t shared);

/* Bytes in the largest unit that fits. */
const char *amount(uint64_t bytes, char buf[32]);

/* The partition table as text, and the same as a picture. */
void print_table(const struct check *check, FILE *out);
void print_svg(const struct check *check, FILE *out);

#endif
