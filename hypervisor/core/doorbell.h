/* SPDX-License-Identifier: Apache-2.0 */
/* Doorbells: addresses at which every store rings another domain, as an interrupt or as an event. The vCPU
 * that rings never waits; what is rung twice before the other looks is one notification. */
#ifndef CORE_DOORBELL_H
#define CORE_DOORBELL_H

#include "core/record.h"

/* An access of a domain with that record. False: no doorbell lies there. Loads read zero. */
bool doorbell_access(const struct domain_record *record, uint64_t ipa, bool write);

/* Whether that domain has a doorbell for that interrupt of that peer; if so, and if `now`, it rings. */
bool doorbell_interrupt(const struct domain_record *record, uint16_t peer, uint16_t spi, bool now);

#endif
