/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The receiving side of a port of the net device. */
#ifndef DEVICES_NET_DELIVER_H
#define DEVICES_NET_DELIVER_H

#include "devices/net.h"

#define NET_RX 0u
#define NET_TX 1u

/* VIRTIO 1.2, 5.1.6; always with num_buffers, since VIRTIO_F_VERSION_1 is. */
struct net_header {
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers;
};
_Static_assert(sizeof(struct net_header) == 12, "VIRTIO 1.2, 5.1.6");
#define NET_NEEDS_CHECKSUM 1u
#define NET_DATA_VALID     2u

/* Gives the frame to the driver of the port, which is at work, in as many of its buffers as it needs; they
 * become visible at once. Without enough of them the frame is lost; those that were taken in vain stay in
 * flight and are the next ones. A partial checksum is passed on; who does not know it is given a frame whose
 * checksum was completed. */
void net_deliver(struct net_port *port, const struct net_frame *frame);

#endif
