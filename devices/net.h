/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The net device (VIRTIO 1.2, 5.1): queue 0 receives, queue 1 transmits. Each device is a port of a small
 * switch (devices/net_switch.h), which may have one uplink.
 *
 * A frame is copied once, from the sender's buffers into the receiver's; its Ethernet header is read once,
 * judged, and what was judged is what is delivered. Nothing of a frontend's memory is used after a call has
 * returned. A receiver without buffers loses the frame, as on a wire; a sender waits for room on the uplink.
 */
#ifndef DEVICES_NET_H
#define DEVICES_NET_H

#include "devices/device.h"
#include "devices/link.h"
#include "devices/net_frame.h"
#include "devices/net_rate.h"
#include "devices/net_switch.h"

#define NET_MAX_MERGE 8u /* buffers that one received frame may be spread over */
#define NET_BATCH     16u
#define NET_RUN       32u /* frames sent in one device_run() */

#define VIRTIO_NET_F_CSUM       (UINT64_C(1) << 0)
#define VIRTIO_NET_F_GUEST_CSUM (UINT64_C(1) << 1)
#define VIRTIO_NET_F_MTU        (UINT64_C(1) << 3)
#define VIRTIO_NET_F_MAC        (UINT64_C(1) << 5)
#define VIRTIO_NET_F_MRG_RXBUF  (UINT64_C(1) << 15)
#define VIRTIO_NET_F_STATUS     (UINT64_C(1) << 16)

struct net_counters {
    uint64_t sent, received; /* frames that the frontend sent, was given */
    uint64_t no_buffer;      /* not given for want of buffers */
    uint64_t refused;        /* by the rules of the switch */
    uint64_t malformed;
};

struct net_port {
    /* Set by the host before net_add(). */
    struct device *device;
    struct net_rules rules;
    uint32_t rate_kbit; /* of what the frontend sends, in 1,000 bit/s; 0: no limit */
    /* The library's. */
    struct net *net;
    uint32_t number;
    bool held;     /* a frame that was taken waits for the uplink */
    bool rx_again; /* there may be receive buffers that were taken and not used */
    struct net_rate rate;
    struct net_counters counters;
};

/* A switch with its ports. */
struct net {
    /* Set by the host before net_init(), all else zero. */
    struct link *uplink;                /* NULL: none */
    uint16_t mtu;                       /* without uplink; 0: 1500 */
    uint64_t (*clock)(struct net *net); /* ns, never backwards */
    void (*alarm)(struct net *net,
                  uint64_t when); /* net_alarm() is wanted at that time; replaces an earlier one */
    void *host;
    /* The library's. */
    struct net_port *ports[NET_MAX_PORTS];
    uint32_t nr;
    uint32_t max_frame;
    uint64_t alarm_at; /* 0: none */
    struct net_switch table;
    /* One frame at a time. */
    struct queue_chain from, to;
    struct net_frame frame, finished;
};

extern const struct device_class net_class;

/* Takes over the uplink's callbacks. */
void net_init(struct net *net);

/* Before device_init(): sets class, user and features of port->device. False: there are NET_MAX_PORTS, the
 * device has fewer than two queues, or the address is no station's or another port's. */
bool net_add(struct net *net, struct net_port *port);

/* The time that was asked for has come; early or unasked calls do no harm. */
void net_alarm(struct net *net);

#endif
