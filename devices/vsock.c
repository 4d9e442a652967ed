/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/vsock.h"

#include "devices/class.h"
#include "devices/libc.h"
#include "devices/vsock_deliver.h"
#include "devices/vsock_peers.h"

static uint32_t bit(const struct vsock_port *port)
{
    return 1u << port->number;
}

static bool present(const struct vsock_port *port)
{
    return device_queue(port->device, VSOCK_RX) != NULL;
}

static bool takes(const struct vsock_port *port, uint16_t type)
{
    return type == VSOCK_STREAM || device_has(port->device, VIRTIO_VSOCK_F_SEQPACKET);
}

/* Who gets the packet in vsock->from, whose header becomes vsock->header: the sender itself if it is to be
 * answered, NULL if nobody. */
static struct vsock_port *route(struct vsock_port *from)
{
    struct vsock *vsock = from->vsock;
    const struct vsock_header *header = &vsock->header;

    switch (vsock_read(&vsock->header, &vsock->from, from->cid)) {
    case VSOCK_DROP:
        return NULL;
    case VSOCK_REPLY:
        return from;
    default:
        break;
    }
    for (uint32_t i = 0; i < vsock->nr; i++) {
        struct vsock_port *to = vsock->ports[i];

        if (to->cid == header->dst_cid && to != from && present(to) && !(to->isolated && from->isolated) &&
            takes(from, header->type) && takes(to, header->type)) {
            return to;
        }
    }
    return header->op == VSOCK_RST ? NULL : from;
}

/* The packet in vsock->from, whose head was taken last. */
static void enqueue(struct vsock_port *from, struct vsock_port *to)
{
    queue_rest(&from->device->queue[VSOCK_TX], from->vsock->from.head);
    from->waiting[from->nr_waiting] = (struct vsock_waiting){
        .order = from->order, .head = from->vsock->from.head, .to = (uint16_t)to->number};
    from->nr_waiting++;
    to->waited_by |= bit(from);
    from->counters.waited++;
}

static void dequeue(struct vsock_port *from, uint32_t at)
{
    if (from->nr_waiting == VSOCK_WAITING) {
        from->device->more = true; /* it has stopped taking */
    }
    from->nr_waiting--;
    for (uint32_t i = at; i < from->nr_waiting; i++) {
        from->waiting[i] = from->waiting[i + 1u];
    }
}

/* The first that waits for the port, or nr_waiting. */
static uint32_t first_for(const struct vsock_port *from, const struct vsock_port *to)
{
    uint32_t at = 0;

    while (at < from->nr_waiting && from->waiting[at].to != to->number) {
        at++;
    }
    return at;
}

/* The sender's requests are not its any more. */
static void forget_sender(struct vsock_port *port)
{
    for (uint32_t i = 0; i < port->vsock->nr; i++) {
        port->vsock->ports[i]->waited_by &= ~bit(port);
    }
    port->nr_waiting = 0;
}

/* What waits for the port is answered; its own answers are dropped. */
static void forget_receiver(struct vsock_port *port)
{
    struct vsock *vsock = port->vsock;

    for (uint32_t at = first_for(port, port); at < port->nr_waiting; at = first_for(port, port)) {
        uint16_t head = port->waiting[at].head;

        dequeue(port, at);
        class_complete_one(port->device, VSOCK_TX, head, 0);
    }
    for (uint32_t i = 0; i < vsock->nr; i++) {
        struct vsock_port *from = vsock->ports[i];

        for (uint32_t k = 0; k < from->nr_waiting; k++) {
            if (from->waiting[k].to == port->number) {
                from->waiting[k].to = from->number;
                from->waited_by |= bit(from);
                from->device->more = true;
            }
        }
    }
    port->waited_by = 0;
    vsock_orphan(port);
}

/* The driver has broken the rules, or the state page is damaged. */
static void fail(struct vsock_port *port)
{
    device_needs_reset(port->device);
    forget_sender(port);
    forget_receiver(port);
}

/* Delivers the packet in vsock->from, or a RST for it, as far as it can be. */
static enum vsock_outcome send(struct vsock_port *from, struct vsock_port *to, uint64_t order)
{
    struct vsock *vsock = from->vsock;

    if (to == from) {
        struct vsock_header reset = vsock_reset(&vsock->header);

        return vsock->header.op == VSOCK_RST ? VSOCK_WHOLE : vsock_deliver(from, to, order, &reset);
    }
    return vsock_deliver(from, to, order, &vsock->header);
}

static void complete(struct vsock_port *from, struct vsock_port *to)
{
    uint16_t head = from->vsock->from.head;

    if (to == NULL) {
        from->counters.dropped++;
    } else if (to == from) {
        from->counters.answered++;
    } else {
        from->counters.sent++;
        vsock_note(from, to, &from->vsock->header);
    }
    class_complete_one(from->device, VSOCK_TX, head, 0);
}

/* Goes on with the first packet that waits for `to`; it is read again. False: there is no room. */
static bool go_on(struct vsock_port *from, struct vsock_port *to)
{
    struct queue *queue = device_queue(from->device, VSOCK_TX);
    uint32_t at = first_for(from, to);
    struct vsock_port *now;
    enum vsock_outcome outcome = VSOCK_WHOLE;
    uint64_t order;

    if (queue == NULL || at == from->nr_waiting) {
        to->waited_by &= ~bit(from);
        return true;
    }
    order = from->waiting[at].order - 1u;
    from->vsock->budget--;
    if (queue_again(queue, &order, &from->vsock->from) != QUEUE_OK || order != from->waiting[at].order ||
        from->vsock->from.nr_writable != 0) {
        fail(from);
        return true;
    }
    now = route(from);
    if (now != NULL && (now == to || to == from)) {
        outcome = send(from, to, order);
        now = to;
    } else {
        now = NULL; /* it was changed meanwhile */
    }
    if (outcome == VSOCK_WHOLE) {
        dequeue(from, at);
        complete(from, now);
        return true;
    }
    queue_rest(queue, from->vsock->from.head);
    if (outcome == VSOCK_GONE) {
        fail(to);
    }
    return outcome != VSOCK_NO_ROOM;
}

/* Who waits for the port, in turn. */
static void pump(struct vsock_port *to)
{
    struct vsock *vsock = to->vsock;

    if (!present(to)) {
        if (to->waited_by != 0) {
            forget_receiver(to);
        }
        return;
    }
    if (to->nr_orphans != 0 && (to->dry || !vsock_tell_orphans(to))) {
        return;
    }
    while (to->waited_by != 0 && !to->dry && vsock->budget != 0) {
        do {
            to->turn = (to->turn + 1u) % vsock->nr;
        } while ((to->waited_by & 1u << to->turn) == 0);
        if (!go_on(vsock->ports[to->turn], to)) {
            return;
        }
    }
}

/* The packet in vsock->from, which is in flight and does not wait yet. */
static void dispatch(struct vsock_port *from)
{
    struct vsock_port *to = route(from);
    enum vsock_outcome outcome = VSOCK_WHOLE;

    if (to == from && !present(from)) {
        to = NULL; /* it cannot be told */
    }
    if (to != NULL && (to->waited_by != 0 || to->dry)) {
        outcome = VSOCK_NO_ROOM; /* not past those who wait */
    } else if (to != NULL) {
        outcome = send(from, to, from->order);
        if (outcome == VSOCK_GONE) {
            fail(to);
            to = from;
            outcome = from->device->failed ? VSOCK_WHOLE : VSOCK_MORE;
        }
    }
    if (outcome == VSOCK_WHOLE) {
        complete(from, to);
    } else {
        enqueue(from, to);
    }
}

/* Takes what the port has to send. True: there may be more. */
static bool take(struct vsock_port *port)
{
    struct vsock *vsock = port->vsock;

    while (vsock->budget != 0 && port->nr_waiting < VSOCK_WAITING) {
        struct queue *queue = device_queue(port->device, VSOCK_TX);
        enum queue_status status;

        if (queue == NULL) {
            return false;
        }
        status = class_next(queue, &port->tx_again, &port->order, &vsock->from);
        if (status == QUEUE_EMPTY) {
            if (!queue_ask(queue, true)) {
                return false;
            }
            continue;
        }
        if (status == QUEUE_BROKEN || vsock->from.nr_writable != 0) {
            fail(port);
            return false;
        }
        if (!port->tx_again) {
            port->order = queue->state->order - 1u;
        }
        vsock->budget--;
        dispatch(port);
    }
    return vsock->budget == 0;
}

/* Goes on for those that the port waits for, in turn. True: there is more to do for one of them. */
static bool help(struct vsock_port *port)
{
    struct vsock *vsock = port->vsock;
    uint32_t first = port->helped + 1u;
    bool more = false;

    for (uint32_t i = 0; i < vsock->nr; i++) {
        struct vsock_port *to = vsock->ports[(first + i) % vsock->nr];

        if ((to->waited_by & bit(port)) != 0 && vsock->budget != 0) {
            pump(to);
            port->helped = to->number;
        }
        more = more || ((to->waited_by & bit(port)) != 0 && !to->dry);
    }
    return more;
}

static bool run(struct device *device)
{
    struct vsock_port *port = device->user;
    struct vsock *vsock = port->vsock;
    bool more, full;

    if (!vsock->settled) {
        return false;
    }
    port->dry = false;
    vsock->budget = VSOCK_RUN;
    pump(port);
    more = port->waited_by != 0 && !port->dry;
    vsock->budget = VSOCK_RUN;
    more = take(port) || more;
    full = port->nr_waiting == VSOCK_WAITING;
    vsock->budget = VSOCK_RUN;
    more = help(port) || more;
    return (more || (full && port->nr_waiting < VSOCK_WAITING)) && !device->failed;
}

static void begin(struct vsock_port *port)
{
    if (!vsock_recover(port)) {
        fail(port);
    }
}

static void start(struct device *device)
{
    struct vsock_port *port = device->user;
    struct queue *queue = device_queue(device, VSOCK_RX);

    forget_sender(port);
    vsock_forget_peers(port);
    port->tx_again = true;
    port->rx_again = true;
    port->order = 0;
    port->dry = false;
    if (queue != NULL) {
        (void)queue_ask(queue, false);
    }
    if (port->vsock->settled) {
        begin(port);
    }
}

void vsock_settle(struct vsock *vsock)
{
    vsock->settled = true;
    for (uint32_t i = 0; i < vsock->nr; i++) {
        if (vsock->ports[i]->device->started) {
            begin(vsock->ports[i]);
            vsock->ports[i]->device->more = true;
        }
    }
}

static bool quiesce(struct device *device, uint32_t queue)
{
    struct vsock_port *port = device->user;

    if (queue == VSOCK_TX || queue == DEVICE_ALL_QUEUES) {
        forget_sender(port);
        vsock_forget(port);
    }
    if (queue == DEVICE_ALL_QUEUES) {
        vsock_forget_peers(port);
    }
    if (queue == VSOCK_RX || queue == DEVICE_ALL_QUEUES) {
        forget_receiver(port);
        port->dry = false;
    }
    return true; /* nothing of them is anywhere else */
}

/* The upper half of guest_cid is reserved (5.10.4). */
static uint32_t config_read(struct device *device, uint32_t offset, uint32_t size)
{
    const struct vsock_port *port = device->user;
    uint8_t config[8] = {(uint8_t)(port->cid % 256u), (uint8_t)(port->cid / 256u % 256u),
                         (uint8_t)(port->cid / 65536u % 256u), (uint8_t)(port->cid / 16777216u)};

    return class_config_read(config, offset, size);
}

static void config_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    (void)offset;
    (void)size;
    (void)value;
}

bool vsock_add(struct vsock *vsock, struct vsock_port *port)
{
    struct device *device = port->device;

    if (vsock->nr == VSOCK_MAX_PORTS || device->nr_queues < 3u || port->cid <= VSOCK_CID_HOST ||
        port->cid == VSOCK_CID_ANY) {
        return false;
    }
    for (uint32_t i = 0; i < vsock->nr; i++) {
        if (vsock->ports[i]->cid == port->cid) {
            return false;
        }
    }
    port->vsock = vsock;
    port->number = vsock->nr;
    vsock->ports[vsock->nr] = port;
    vsock->nr++;
    device->class = &vsock_class;
    device->user = port;
    device->features |= VIRTIO_VSOCK_F_STREAM | VIRTIO_VSOCK_F_SEQPACKET;
    return true;
}

const struct device_class vsock_class = {
    .id = 19,
    .config_size = 8,
    .start = start,
    .run = run,
    .quiesce = quiesce,
    .config_read = config_read,
    .config_write = config_write,
};
