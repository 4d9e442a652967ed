/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Which connections a port has, as far as the packets that passed tell: so that it can be told when the other
 * end is gone. It is a hint: what is not remembered (more than VSOCK_PEERS, or no packet since the backend
 * has started) gets its RST when it sends next; a RST too many is for nobody. */
#ifndef DEVICES_VSOCK_PEERS_H
#define DEVICES_VSOCK_PEERS_H

#include "devices/vsock.h"

/* This packet went from one port to the other. */
void vsock_note(struct vsock_port *from, struct vsock_port *to, const struct vsock_header *header);

/* The port has gone: all others that have connections to it are to be told. */
void vsock_orphan(struct vsock_port *gone);

/* Tells the port of connections that are over. False: it has no room for more. */
bool vsock_tell_orphans(struct vsock_port *port);

/* As at the start of its driver. */
void vsock_forget_peers(struct vsock_port *port);

#endif
