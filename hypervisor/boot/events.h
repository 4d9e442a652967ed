/* SPDX-License-Identifier: Apache-2.0 */
/* Event ports that are bound before any domain runs: Xen's static event channels, and those that channels and
 * the console need. */
#ifndef BOOT_EVENTS_H
#define BOOT_EVENTS_H

#include "boot/planner.h"

/* All xen,evtchn-v1 nodes; then the ports of the consoles. All domains have been read. */
void events_read(struct planner *p);

/* The highest port of the domain that nobody has, bound to a peer's; 0 after an error. `node` asks for it. */
uint16_t events_take_port(struct planner *p, struct draft *d, fdt_node_t node, uint16_t peer);
/* The highest `count` ports in a row that nobody has; 0 after an error. They stay free until the caller has
 * entered them somewhere. */
uint16_t events_find_ports(struct planner *p, const struct draft *d, fdt_node_t node, uint32_t count);
/* Both ends of a new channel. */
void events_join(struct planner *p, fdt_node_t node, struct draft *a, struct draft *b, uint16_t ports[2]);

/* The domain's record and device tree. */
void events_place(struct planner *p, struct draft *d);

#endif
