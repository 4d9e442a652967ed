/* SPDX-License-Identifier: Apache-2.0 */
/* StreamIDs of host devices, and the interrupts of PCI host bridges: what other nodes of the host tree say
 * about a device that is passed through. */
#ifndef BOOT_STREAMS_H
#define BOOT_STREAMS_H

#include "base/status.h"
#include "boot/host.h"
#include "core/record.h"

/* Appends the streams of the node's DMA (`iommus`, or `iommu-map` of a bridge) at streams[*count]; those that
 * are there already are not new. ERR_NOENT: not all of its DMA goes through an SMMU that the hypervisor
 * drives. ERR_INVALID: malformed. ERR_NOMEM: more than `max`. ERR_EXIST: a part of what is there. */
enum status streams_add(const struct host *host, fdt_node_t node, struct domain_stream *streams, uint32_t max,
                        uint32_t *count) MUST_CHECK;

/* First and last StreamID of the two overlap. */
bool streams_overlap(const struct domain_stream *a, const struct domain_stream *b);

/* Entry `index` of the interrupt-map of a bridge. ERR_NOENT: there is no such entry, or it does not go to
 * the GIC (*more tells which). */
enum status bridge_interrupt(const struct host *host, fdt_node_t node, unsigned index, uint32_t *intid,
                             bool *edge, bool *more);

#endif
