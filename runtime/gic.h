/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Interrupts, of a GICv2 or GICv3 (IHI 0048, IHI 0069). None is ever taken: they end a WFI, and the event
 * loop acknowledges them. */
#ifndef RUNTIME_GIC_H
#define RUNTIME_GIC_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/tree.h"

#define GIC_MAX_HANDLERS 8u
#define GIC_OWN_HANDLERS 2u /* the first ones: timer and events */
#define GIC_AT_ONCE      8u /* interrupts in one gic_poll() */

void gic_start(void);
/* From now on `handler` is called for that interrupt, which it has to end at its device (unless it is an
 * edge). */
void gic_handle(uint32_t intid, bool edge, void (*handler)(void *context), void *context);
/* The interrupt of a device node: its first; 0: it has none. */
uint32_t gic_intid(tree_node node, bool *edge);
/* Calls the handlers of what is pending, of GIC_AT_ONCE at most: a device whose interrupts never end leaves
 * the loop its turn. What is left ends a WFI. */
void gic_poll(void);

#endif
