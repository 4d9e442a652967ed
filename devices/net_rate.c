/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/net_rate.h"

#define UNITS_PER_BYTE INT64_C(8000000)
#define BURST          (INT64_C(3072) * UNITS_PER_BYTE)
#define TEN_MS         INT64_C(10000000)
#define SECOND         UINT64_C(1000000000)
#define LEAST          64u

static int64_t burst(const struct net_rate *rate)
{
    int64_t ten_ms = rate->kbit * TEN_MS;

    return ten_ms > BURST ? ten_ms : BURST;
}

void net_rate_start(struct net_rate *rate, uint32_t kbit, uint64_t now)
{
    rate->kbit = kbit;
    rate->limited = false;
    rate->credit = burst(rate);
    rate->since = now;
}

/* A second of the highest rate is 2^62 units. */
bool net_rate_ready(struct net_rate *rate, uint64_t now, uint64_t *when)
{
    uint64_t passed = now > rate->since ? now - rate->since : 0;

    if (rate->kbit == 0) {
        return true;
    }
    passed = passed < SECOND ? passed : SECOND;
    rate->since = now;
    rate->credit += (int64_t)(passed * rate->kbit);
    if (rate->credit > burst(rate)) {
        rate->credit = burst(rate);
    }
    rate->limited = rate->credit <= 0;
    if (rate->limited) {
        *when = now + (uint64_t)-rate->credit / rate->kbit + 1u;
    }
    return !rate->limited;
}

void net_rate_charge(struct net_rate *rate, uint32_t bytes)
{
    if (rate->kbit != 0) {
        rate->credit -= (bytes > LEAST ? bytes : LEAST) * UNITS_PER_BYTE;
    }
}
