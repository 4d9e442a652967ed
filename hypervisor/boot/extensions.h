/* SPDX-License-Identifier: Apache-2.0 */
/* bulkhead,extension nodes, and the bulkhead,mmio nodes of domains that they serve. docs/configuration.md has
 * the properties, core/extension.h what becomes of them. */
#ifndef BOOT_EXTENSIONS_H
#define BOOT_EXTENSIONS_H

#include "boot/planner.h"

/* All nodes. After the domains. */
void extensions_read(struct planner *p);

/* What they serve, against all else that their domains have. After those have been placed. */
void extensions_check(struct planner *p);

/* Memory, tables and content of all. Last, if there was no error. */
void extensions_place(struct planner *p);

/* What the domain has there, or NULL; whether the INTID is an extension's. */
const char *extensions_at(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size);
bool extensions_have_spi(const struct planner *p, const struct draft *d, uint32_t spi);

#endif
