/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/vsock_deliver.h"

#include "devices/class.h"
#include "devices/libc.h"

_Static_assert(VSOCK_MAX_PORTS == 8, "the intent has three bits for a receiver");

static struct vsock_ledger *ledger_of(const struct vsock_port *port)
{
    return (struct vsock_ledger *)(void *)port->device->state->class_area;
}

static uint32_t intent_of(const struct vsock_ledger *ledger, uint32_t to)
{
    uint64_t sum = (ledger->before + ledger->after + 1u) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(sum >> 36) * 16u + 8u + to;
}

/* Chains that the queue has used since it was made ready. */
static uint64_t used(const struct queue *queue)
{
    const struct bh_virtio_state_queue *state = queue->state;

    return state->order - 1u - (uint16_t)(state->last_avail - state->used_idx);
}

static void commit(struct vsock_ledger *ledger, uint32_t to)
{
    ledger->done[to] = ledger->after;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    ledger->intent = 0;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

/* The next receive buffer, in vsock->to. False: there is none, and the port is `dry`; or it has failed. */
static bool next_room(struct vsock_port *port, struct queue *queue, uint64_t *order)
{
    struct queue_chain *chain = &port->vsock->to;
    enum queue_status status = class_next(queue, &port->rx_again, order, chain);

    if (status == QUEUE_EMPTY && queue_ask(queue, true)) {
        status = queue_take(queue, chain);
    }
    if (status == QUEUE_EMPTY) {
        port->dry = true;
        return false;
    }
    if (status == QUEUE_BROKEN || chain->nr_readable != 0 || chain->writable <= VSOCK_HEADER) {
        device_needs_reset(port->device);
        return false;
    }
    return true;
}

static uint32_t least(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

/* Makes the pieces visible to the receiver. */
static void publish(struct vsock_port *from, struct vsock_port *to, uint32_t done, const uint16_t *heads,
                    const uint32_t *written, uint32_t nr)
{
    struct vsock_ledger *ledger = ledger_of(from);

    ledger->before = used(&to->device->queue[VSOCK_RX]);
    ledger->after = done;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    ledger->intent = intent_of(ledger, to->number);
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    device_complete(to->device, VSOCK_RX, heads, written, nr);
    commit(ledger, to->number);
    to->counters.received += nr;
}

/* Bytes of this packet that the receiver has. */
static uint32_t done_of(struct vsock_ledger *ledger, uint32_t to, uint64_t order)
{
    if (ledger->order[to] != order) {
        ledger->done[to] = 0;
        QUEUE_STEP(DEVICE_REGISTER_STORE);
        ledger->order[to] = order;
        QUEUE_STEP(DEVICE_REGISTER_STORE);
    }
    return ledger->done[to];
}

enum vsock_outcome vsock_deliver(struct vsock_port *from, struct vsock_port *to, uint64_t order,
                                 const struct vsock_header *header)
{
    struct vsock *vsock = from->vsock;
    struct queue *queue = device_queue(to->device, VSOCK_RX);
    uint32_t done = done_of(ledger_of(from), to->number, order), nr = 0;
    uint32_t written[VSOCK_BATCH];
    uint16_t heads[VSOCK_BATCH];
    uint64_t taken = 0;

    if (done == VSOCK_ALL || queue == NULL) {
        return done == VSOCK_ALL ? VSOCK_WHOLE : VSOCK_GONE;
    }
    while (done != VSOCK_ALL && nr < VSOCK_BATCH && vsock->budget != 0 && next_room(to, queue, &taken)) {
        /* A sender that has shortened it meanwhile gets an empty last piece delivered. */
        uint32_t left = header->length > done ? header->length - done : 0;
        uint32_t part = least(least(left, VSOCK_PIECE), vsock->to.writable - VSOCK_HEADER);

        vsock_write(&vsock->to, &vsock->from, header, done, part, part == left);
        heads[nr] = vsock->to.head;
        written[nr] = VSOCK_HEADER + part;
        nr++;
        vsock->budget--;
        done = part == left ? VSOCK_ALL : done + part;
    }
    if (nr != 0 && !to->device->failed) {
        publish(from, to, done, heads, written, nr);
    }
    if (to->device->failed) {
        return VSOCK_GONE;
    }
    if (done == VSOCK_ALL) {
        return VSOCK_WHOLE;
    }
    return to->dry ? VSOCK_NO_ROOM : VSOCK_MORE;
}

bool vsock_tell(struct vsock_port *to, const struct vsock_header *header)
{
    struct queue *queue = device_queue(to->device, VSOCK_RX);
    struct vsock *vsock = to->vsock;
    uint64_t taken = 0;

    if (queue == NULL || !next_room(to, queue, &taken)) {
        return false;
    }
    vsock_write(&vsock->to, &vsock->from, header, 0, 0, true);
    class_complete_one(to->device, VSOCK_RX, vsock->to.head, VSOCK_HEADER);
    to->counters.received++;
    return true;
}

void vsock_forget(struct vsock_port *port)
{
    memset(port->device->state->class_area, 0, sizeof port->device->state->class_area);
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

bool vsock_recover(struct vsock_port *port)
{
    struct vsock_ledger *ledger = ledger_of(port);
    const struct queue *queue = device_queue(port->device, VSOCK_TX);
    uint32_t to = ledger->intent % VSOCK_MAX_PORTS;

    if (queue == NULL) { /* a reset of the queue that an earlier backend had not finished */
        vsock_forget(port);
        return true;
    }
    for (uint32_t i = 0; i < VSOCK_MAX_PORTS; i++) {
        if (ledger->order[i] >= queue->state->order) {
            return false;
        }
    }
    if (ledger->intent == 0) {
        return true;
    }
    if (ledger->intent != intent_of(ledger, to) || to >= port->vsock->nr) {
        return false;
    }
    queue = device_queue(port->vsock->ports[to]->device, VSOCK_RX);
    if (queue != NULL && used(queue) > ledger->before) {
        commit(ledger, to);
    }
    ledger->intent = 0;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    return true;
}
