/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A driver domain that serves a network: a switch for its frontends, with the network device that was passed
 * through as uplink if there is one. */
#include "devices/net.h"
#include "runtime/backend.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/links.h"
#include "runtime/loop.h"
#include "runtime/memory.h"

#define NS_PER_MS UINT64_C(1000000)

static struct net net;
static struct alarm alarm;

static uint64_t clock(struct net *of)
{
    uint64_t now = ticks_now(), per_ms = ticks_per_ms();

    (void)of;
    return now / per_ms * NS_PER_MS + now % per_ms * NS_PER_MS / per_ms;
}

static void set_alarm(struct net *of, uint64_t when)
{
    uint64_t per_ms = ticks_per_ms();

    (void)of;
    alarm_set(&alarm, when / NS_PER_MS * per_ms + when % NS_PER_MS * per_ms / NS_PER_MS + 1);
}

static void ring(struct source *source)
{
    (void)source;
    net_alarm(&net);
}

static void create(struct device *device, tree_node node, const char *frontend)
{
    struct net_port *port = arena_alloc(sizeof *port, 16, "ports");
    const uint8_t *mac;
    uint32_t length = 0;

    mac = tree_property(node, "local-mac-address", &length);
    if (mac == NULL || length != sizeof port->rules.mac) {
        crash("no local-mac-address for ", frontend);
    }
    memcpy(port->rules.mac, mac, sizeof port->rules.mac);
    port->rules.isolated = tree_has(node, "bulkhead,isolated");
    port->rules.any_source = tree_has(node, "bulkhead,any-source");
    port->rate_kbit = (uint32_t)tree_number(node, "bulkhead,rate-kbit", 0, 1, 0);
    port->device = device;
    if (!net_add(&net, port)) {
        crash("no port of the switch for ", frontend);
    }
}

void domain_start(void)
{
    static const struct backend_class classes[] = {{"net", create}};

    alarm.source.run = ring;
    net.uplink = virtio_net_start();
    net.clock = clock;
    net.alarm = set_alarm;
    net_init(&net);
    backend_start(classes, 1);
}
