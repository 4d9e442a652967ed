/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A switch of sockets with its frontends; port n has the context number 3 + n. */
#ifndef VSOCK_WORLD_H
#define VSOCK_WORLD_H

#include "rig.h"

#include "devices/vsock.h"

#define SOCKETS_PORTS 4u
#define SOCKETS_ROOM  (VSOCK_HEADER + 4096u)

struct sockets {
    struct vsock vsock;
    struct vsock_port port[SOCKETS_PORTS];
    struct rig rig[SOCKETS_PORTS];
    uint64_t room[SOCKETS_PORTS][RIG_QUEUE]; /* where the receive buffer with this head lies */
    bool isolated[SOCKETS_PORTS];
    uint32_t nr;
};

void sockets_create(struct sockets *world, uint32_t nr);
void sockets_destroy(struct sockets *world);
/* Adds and starts all devices, and settles. */
void sockets_start(struct sockets *world, uint64_t features);
/* The backend dies and comes back. */
void sockets_crash(struct sockets *world);
/* As the event loop does: until no device wants more. */
void sockets_run(struct sockets *world);

/* A packet of port `from` to port `to`; its port numbers are 1000 and 2000. */
struct vsock_header sockets_header(uint32_t from, uint32_t to, uint16_t op, uint32_t length);
/* Makes it available, in two buffers. */
uint16_t sockets_send(struct sockets *world, uint32_t from, const struct vsock_header *header,
                      const void *payload, uint32_t length);
/* A receive buffer, of `bytes`. */
void sockets_room(struct sockets *world, uint32_t port, uint32_t bytes);
/* The next packet that the port was given; false: none. `payload` has room for its bytes. */
bool sockets_receive(struct sockets *world, uint32_t port, struct vsock_header *header, uint8_t *payload);

#endif
