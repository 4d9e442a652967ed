/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Where a frame goes: the rules of the switch and its table of learned addresses. Knows nothing of devices.
 *
 * Stations: each port has one address of its own, which it always reaches. Addresses behind the uplink, and
 * behind ports with `any_source`, are learned from what they send.
 *
 * - To a station of a port: that port alone. To a learned address: where it was seen last. To an unknown one:
 *   the uplink and the ports with `any_source`. To a group: everybody else.
 * - An isolated port exchanges frames with the uplink only.
 * - Without `any_source` a port sends from its own address only. Nobody sends from another port's address or
 *   from a group's. Frames to 01:80:c2:00:00:00 .. 0f stay on their wire (IEEE 802.1D) and are dropped. */
#ifndef DEVICES_NET_SWITCH_H
#define DEVICES_NET_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#define NET_MAX_PORTS 8u
#define NET_UPLINK    NET_MAX_PORTS /* number of the uplink among the ports */

#define NET_TABLE_SETS 16u
#define NET_TABLE_WAYS 4u
#define NET_PER_PORT                                                                       \
    24u /* learned addresses of one port or of the uplink at most; so none fills the table \
         */
#define NET_AGE_NS UINT64_C(300000000000)

struct net_rules {
    uint8_t mac[6]; /* the port's own address */
    bool isolated;
    bool any_source;
};

struct net_learned {
    uint8_t mac[6];
    uint8_t port;
    bool used;
    uint64_t seen; /* ns */
};

struct net_switch {
    const struct net_rules *rules[NET_MAX_PORTS]; /* NULL: no such port */
    bool uplink;
    uint8_t counts[NET_MAX_PORTS + 1u]; /* of each port in the table */
    struct net_learned table[NET_TABLE_SETS][NET_TABLE_WAYS];
};

/* Port `port` begins. False: its address is none of a station, or another port's. */
bool net_switch_add(struct net_switch *table, uint32_t port, const struct net_rules *rules);

/* The ports, bit n for port n (bit NET_UPLINK: the uplink), that get the frame with this Ethernet header from
 * port `from`; 0: it is refused. Learns the sender's address. `now` in ns. */
uint32_t net_switch_route(struct net_switch *table, uint32_t from, const uint8_t header[14], uint64_t now);

/* Forgets what was learned from a port. */
void net_switch_forget(struct net_switch *table, uint32_t port);

#endif
