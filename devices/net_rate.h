/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The limit of what one port sends: a token bucket of 3,072 bytes, or of what the rate gives in 10 ms if that
 * is more. A frame may begin as long as there is credit; what it takes beyond that is paid back first. */
#ifndef DEVICES_NET_RATE_H
#define DEVICES_NET_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct net_rate {
    uint32_t kbit;  /* 1,000 bit/s; 0: no limit */
    bool limited;   /* waits for the clock */
    int64_t credit; /* in 1/8,000,000 of a byte, so that 1 ns adds `kbit` */
    uint64_t since; /* ns */
};

/* Begins with a full bucket. `now` in ns. */
void net_rate_start(struct net_rate *rate, uint32_t kbit, uint64_t now);

/* Whether a frame may begin; if not, *when is the time at which it may. */
bool net_rate_ready(struct net_rate *rate, uint64_t now, uint64_t *when);

/* A frame of so many bytes was sent; short ones count for 64. */
void net_rate_charge(struct net_rate *rate, uint32_t bytes);

#endif
