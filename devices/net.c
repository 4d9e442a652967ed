/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/net.h"

#include "devices/class.h"
#include "devices/libc.h"
#include "devices/net_deliver.h"

#define LINK_UP 1u
#define NET_TAG 4u /* of a VLAN */

static void deliver_to(struct net *net, uint32_t targets)
{
    bool finished = false;

    for (uint32_t i = 0; i < net->nr; i++) {
        struct net_port *port = net->ports[i];
        const struct net_frame *frame = &net->frame;

        if (targets / (1u << i) % 2u == 0 || device_queue(port->device, NET_RX) == NULL) {
            continue;
        }
        if (net->frame.checksum.partial && !device_has(port->device, VIRTIO_NET_F_GUEST_CSUM)) {
            if (!finished) {
                net_frame_finish(&net->finished, &net->frame);
                finished = true;
            }
            frame = &net->finished;
        }
        net_deliver(port, frame);
    }
}

/* False: there is no room now. */
static bool send_up(struct net *net)
{
    struct net_frame *frame = &net->frame;
    struct queue_buffer room = {.length = frame->length};
    struct net_cursor to = {.buffers = &room, .nr = 1}, from;

    if (!net->uplink->up) {
        return true; /* lost */
    }
    room.data = net->uplink->reserve(net->uplink);
    if (room.data == NULL) {
        return false;
    }
    if (frame->checksum.partial && !net->uplink->tx_checksum) {
        net_frame_finish(&net->finished, frame);
        frame = &net->finished;
    }
    from = (struct net_cursor){.buffers = frame->pieces, .nr = frame->nr};
    (void)net_copy(&to, &from, frame->length);
    net->uplink->send(net->uplink, frame->length, &frame->checksum);
    return true;
}

/* Not more than the MTU behind the Ethernet header (VIRTIO 1.2, 5.1.4.1), of which a VLAN tag is a part. */
static bool fits_mtu(const struct net *net)
{
    const struct net_frame *frame = &net->frame;
    bool tagged = frame->header[NET_HEADER - 2u] == 0x81u && frame->header[NET_HEADER - 1u] == 0;

    return frame->length <= (tagged ? net->max_frame : net->max_frame - NET_TAG);
}

/* Reads the headers of the frame in `from` into `frame`. False: there is something wrong with it. */
static bool read_frame(struct net_port *port)
{
    struct net *net = port->net;
    struct net_header header;
    struct queue_buffer own = {.data = (uint8_t *)&header, .length = sizeof header};
    struct net_cursor to = {.buffers = &own, .nr = 1};
    struct net_cursor from = {.buffers = net->from.buffers, .nr = net->from.nr_readable};
    struct link_checksum checksum = {0};
    uint64_t length = net->from.readable - sizeof header;

    if (net->from.readable < sizeof header + NET_HEADER || length > net->max_frame) {
        return false;
    }
    (void)net_copy(&to, &from, sizeof header);
    if (header.gso_type != 0) {
        return false; /* was not offered */
    }
    if ((header.flags & NET_NEEDS_CHECKSUM) != 0) {
        checksum.partial = true;
        checksum.start = header.checksum_start;
        checksum.offset = header.checksum_offset;
        if (!device_has(port->device, VIRTIO_NET_F_CSUM) ||
            !net_frame_sum_fits(&checksum, (uint32_t)length)) {
            return false;
        }
    }
    net_frame_build(&net->frame, &from, (uint32_t)length, &checksum);
    return fits_mtu(net);
}

/* False: the frame waits for the uplink, and has had no effect. */
static bool forward(struct net_port *port)
{
    struct net *net = port->net;
    uint32_t targets;

    if (!read_frame(port)) {
        port->counters.malformed++;
        return true;
    }
    targets = net_switch_route(&net->table, port->number, net->frame.header, net->clock(net));
    if (targets == 0) {
        port->counters.refused++;
        return true;
    }
    if (targets / (1u << NET_UPLINK) % 2u != 0 && !send_up(net)) {
        return false;
    }
    deliver_to(net, targets);
    port->counters.sent++;
    return true;
}

/* The port may send a frame; if not, the clock is asked to say when. */
static bool may_send(struct net_port *port)
{
    struct net *net = port->net;
    uint64_t when;

    if (port->rate.kbit == 0 || net_rate_ready(&port->rate, net->clock(net), &when)) {
        return true;
    }
    if (net->alarm_at == 0 || when < net->alarm_at) {
        net->alarm_at = when;
        net->alarm(net, when);
    }
    return false;
}

void net_alarm(struct net *net)
{
    net->alarm_at = 0;
    for (uint32_t i = 0; i < net->nr; i++) {
        struct net_port *port = net->ports[i];

        if (port->rate.limited && may_send(port)) {
            port->device->more = true;
        }
    }
}

/* The next frame of the port, in net->from. */
static enum queue_status next_frame(struct net_port *port)
{
    struct queue *queue = device_queue(port->device, NET_TX);
    enum queue_status status;
    uint64_t order = 0;

    if (queue == NULL) {
        return QUEUE_EMPTY;
    }
    status = class_next(queue, &port->held, &order, &port->net->from);
    port->held = false;
    if (status == QUEUE_EMPTY && queue_ask(queue, true)) {
        status = queue_take(queue, &port->net->from);
    }
    if (status == QUEUE_OK && port->net->from.nr_writable != 0) {
        status = QUEUE_BROKEN;
    }
    return status;
}

/* Of a frame that is too long, not more than of the longest. */
static uint32_t charged(const struct net_port *port)
{
    const struct net *net = port->net;

    return net->from.readable < net->max_frame ? (uint32_t)net->from.readable : net->max_frame;
}

static bool run(struct device *device)
{
    static const uint32_t written[NET_BATCH];
    struct net_port *port = device->user;
    uint16_t heads[NET_BATCH];
    uint32_t nr = 0, frames = 0;
    enum queue_status status = QUEUE_OK;

    for (; frames < NET_RUN && !device->failed && may_send(port); frames++) {
        status = next_frame(port);
        if (status != QUEUE_OK) {
            break;
        }
        if (!forward(port)) {
            port->held = true;
            break;
        }
        net_rate_charge(&port->rate, charged(port));
        heads[nr] = port->net->from.head;
        nr++;
        if (nr == NET_BATCH) {
            device_complete(device, NET_TX, heads, written, nr);
            nr = 0;
        }
    }
    if (nr != 0) {
        device_complete(device, NET_TX, heads, written, nr);
    }
    if (status == QUEUE_BROKEN) {
        device_needs_reset(device);
    }
    return frames == NET_RUN && !device->failed;
}

/* What was being sent when an earlier backend died may be on the wire or not: it counts as sent. */
static void return_sent(struct device *device)
{
    struct queue *queue = device_queue(device, NET_TX);
    struct net_port *port = device->user;
    enum queue_status status = queue != NULL ? QUEUE_OK : QUEUE_EMPTY;
    uint64_t order = 0;

    while (status == QUEUE_OK) {
        status = queue_again(queue, &order, &port->net->from);
        if (status == QUEUE_OK) {
            class_complete_one(device, NET_TX, port->net->from.head, 0);
        }
    }
    if (status == QUEUE_BROKEN) {
        device_needs_reset(device);
    }
}

static bool quiesce(struct device *device, uint32_t queue)
{
    struct net_port *port = device->user;

    if (queue != NET_RX) {
        port->held = false;
    }
    if (queue == DEVICE_ALL_QUEUES) {
        net_switch_forget(&port->net->table, port->number);
    }
    return true;
}

static uint16_t mtu(const struct net *net)
{
    if (net->uplink != NULL) {
        return net->uplink->mtu;
    }
    return net->mtu != 0 ? net->mtu : 1500u;
}

/* An isolated port has nothing but the uplink. */
static bool link_is_up(const struct net_port *port)
{
    return !port->rules.isolated || (port->net->uplink != NULL && port->net->uplink->up);
}

/* What the driver knows of the link, in the state page, so that a change while the backend was away is told
 * too: 0 (nothing yet) or one of these. The word is changed after the driver was told: a death in between
 * tells twice. */
#define TOLD_UP   0x55aa3cc3u
#define TOLD_DOWN 0xaa55c33cu

static uint32_t *told(struct device *device)
{
    return (uint32_t *)(void *)device->state->class_area;
}

static void tell_link(struct net_port *port)
{
    struct device *device = port->device;
    uint32_t now = link_is_up(port) ? TOLD_UP : TOLD_DOWN, known = *told(device);

    if (known == now) {
        return;
    }
    if (known != 0 && known != TOLD_UP && known != TOLD_DOWN) {
        device_needs_reset(device);
        return;
    }
    if (known != 0) {
        device_config_changed(device);
    }
    *told(device) = now;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

static void start(struct device *device)
{
    struct net_port *port = device->user;
    struct queue *queue = device_queue(device, NET_RX);

    tell_link(port);
    if (device->failed) {
        return;
    }
    port->held = false;
    port->rx_again = true;
    return_sent(device);
    if (queue != NULL) {
        (void)queue_ask(queue, false);
    }
}

static uint32_t config_read(struct device *device, uint32_t offset, uint32_t size)
{
    struct net_port *port = device->user;
    uint16_t limit = mtu(port->net);
    uint8_t config[12] = {0};

    tell_link(port);

    memcpy(config, port->rules.mac, sizeof port->rules.mac);
    config[6] = link_is_up(port) ? LINK_UP : 0;
    config[10] = (uint8_t)(limit % 256u);
    config[11] = (uint8_t)(limit / 256u);
    return class_config_read(config, offset, size);
}

/* Nothing can be written (VIRTIO 1.2, 5.1.4). */
static void config_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    (void)offset;
    (void)size;
    (void)value;
}

static void on_receive(struct link *link, uint8_t *data, uint32_t length,
                       const struct link_checksum *checksum)
{
    struct net *net = link->owner;
    struct queue_buffer whole = {.data = data, .length = length};
    struct net_cursor from = {.buffers = &whole, .nr = 1};
    uint32_t targets;

    if (length < NET_HEADER || length > net->max_frame ||
        (checksum->partial && !net_frame_sum_fits(checksum, length))) {
        return;
    }
    net_frame_build(&net->frame, &from, length, checksum);
    if (!fits_mtu(net)) {
        return;
    }
    targets = net_switch_route(&net->table, NET_UPLINK, net->frame.header, net->clock(net));
    deliver_to(net, targets);
}

static void on_ready(struct link *link)
{
    struct net *net = link->owner;

    for (uint32_t i = 0; i < net->nr; i++) {
        net->ports[i]->device->more = net->ports[i]->device->more || net->ports[i]->held;
    }
}

static void on_change(struct link *link)
{
    struct net *net = link->owner;

    on_ready(link);
    for (uint32_t i = 0; i < net->nr; i++) {
        if (*told(net->ports[i]->device) != 0) { /* a driver that has not looked yet will see it */
            tell_link(net->ports[i]);
        }
    }
}

void net_init(struct net *net)
{
    net->table.uplink = net->uplink != NULL;
    net->max_frame = mtu(net) + NET_HEADER + NET_TAG;
    if (net->uplink != NULL) {
        net->uplink->owner = net;
        net->uplink->receive = on_receive;
        net->uplink->ready = on_ready;
        net->uplink->changed = on_change;
    }
}

bool net_add(struct net *net, struct net_port *port)
{
    struct device *device = port->device;

    if (net->nr == NET_MAX_PORTS || device->nr_queues < 2u ||
        !net_switch_add(&net->table, net->nr, &port->rules)) {
        return false;
    }
    port->net = net;
    port->number = net->nr;
    net_rate_start(&port->rate, port->rate_kbit, net->clock(net));
    net->ports[net->nr] = port;
    net->nr++;
    device->class = &net_class;
    device->user = port;
    device->features |= VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC |
                        VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_STATUS;
    return true;
}

const struct device_class net_class = {
    .id = 1,
    .config_size = 12,
    .start = start,
    .run = run,
    .quiesce = quiesce,
    .config_read = config_read,
    .config_write = config_write,
};
