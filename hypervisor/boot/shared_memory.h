/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of several domains: Xen's static shared memory, and what channels need. */
#ifndef BOOT_SHARED_MEMORY_H
#define BOOT_SHARED_MEMORY_H

#include "boot/planner.h"

/* The host range that a xen,domain-shared-memory-v1 node asks for; false: it leaves that to us, or is
 * malformed, which is reported later. */
bool shared_memory_wants(const struct fdt *fdt, fdt_node_t node, uint64_t *pa, uint64_t *size);

/* All nodes; memory for those without a host address comes from p->free. All domains have been read. */
void shared_memory_read(struct planner *p);

/* The domain's maps (appended to p->maps) and device tree. */
void shared_memory_place(struct planner *p, struct draft *d);

/* A piece of p->free that is cleared before any domain runs; false after an error at `node`. */
bool shared_memory_take(struct planner *p, fdt_node_t node, uint64_t size, uint64_t *pa);

/* One range more in p->maps; false after an error at `node`. */
bool shared_memory_map(struct planner *p, fdt_node_t node, const struct domain_map *map);

#endif
