/* SPDX-License-Identifier: Apache-2.0 */
/* A stopped domain leaves nothing behind with others: its event channels close, its grants end, what EL2 has
 * mapped of its memory goes. */
#ifndef CORE_TEARDOWN_H
#define CORE_TEARDOWN_H

#include "base/types.h"

struct domain;

/* One slice of it, in the time of vCPU 0: after every vCPU of the domain has left, before anything of it is
 * scrubbed and before it counts as stopped. Progress is in domain->build (0 at first). True when done. */
bool domain_teardown_slice(struct domain *domain);

#endif
