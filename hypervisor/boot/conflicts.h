/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in a domain's address space. */
#ifndef BOOT_CONFLICTS_H
#define BOOT_CONFLICTS_H

#include "boot/planner.h"

/* What the domain has at these guest addresses beside its maps ("its vpl011"), or NULL. */
const char *ipa_reserved(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size);

/* What lies there in p->maps, or NULL. */
const char *ipa_mapped(const struct planner *p, uint64_t base, uint64_t size);

/* Any of both, or what is placed beside maps: VIRTIO devices, and what a backend has of its frontends. */
const char *ipa_taken(const struct planner *p, const struct draft *d, uint64_t base, uint64_t size);

#endif
