/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in a domain's address space. */
#ifndef BOOT_CONFLICTS_H
#define BOOT_CONFLICTS_H

#include "boot/planner.h"

/* What the domain has at these guest addresses beside its maps ("its vpl011"), or NULL. */
const char *ipa_reserved(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size);

/* The same, p->maps included. */
const char *ipa_taken(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size);

#endif
