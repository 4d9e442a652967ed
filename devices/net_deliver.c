/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/net_deliver.h"

#include "devices/class.h"
#include "devices/libc.h"

#define COUNT 10u /* offset of .buffers in the header */

/* Goes on to the next buffer of the port, which is added to the set. False: there is none, or it breaks the
 * rules. */
static bool next_buffer(struct net_port *port, uint64_t *order)
{
    struct queue_chain *chain = &port->net->to;
    struct queue *queue = device_queue(port->device, NET_RX);
    enum queue_status status;

    if (queue == NULL) {
        return false;
    }
    status = class_next(queue, &port->rx_again, order, chain);
    if (status == QUEUE_BROKEN ||
        (status == QUEUE_OK && (chain->nr_readable != 0 || chain->writable < sizeof(struct net_header)))) {
        device_needs_reset(port->device);
        return false;
    }
    return status == QUEUE_OK;
}

static void fill_header(const struct net_port *port, const struct net_frame *frame, struct net_header *header)
{
    memset(header, 0, sizeof *header);
    header->buffers = 1;
    if (device_has(port->device, VIRTIO_NET_F_GUEST_CSUM)) {
        if (frame->checksum.partial) {
            header->flags = NET_NEEDS_CHECKSUM;
            header->checksum_start = frame->checksum.start;
            header->checksum_offset = frame->checksum.offset;
        } else if (frame->checksum.valid) {
            header->flags = NET_DATA_VALID;
        }
    }
}

/* Where byte `offset` of the chain lies, which is inside it. */
static uint8_t *byte_at(const struct queue_chain *chain, uint32_t offset)
{
    uint32_t i = 0, left = offset;

    while (left >= chain->buffers[i].length) {
        left -= chain->buffers[i].length;
        i++;
    }
    return chain->buffers[i].data + left;
}

void net_deliver(struct net_port *port, const struct net_frame *frame)
{
    bool merge = device_has(port->device, VIRTIO_NET_F_MRG_RXBUF);
    struct queue_chain *chain = &port->net->to;
    struct net_cursor from = {.buffers = frame->pieces, .nr = frame->nr};
    uint16_t heads[NET_MAX_MERGE];
    uint32_t written[NET_MAX_MERGE], nr = 0, done = 0;
    uint8_t *count[2] = {NULL, NULL};
    uint64_t order = 0;

    while (done < frame->length) {
        struct net_cursor to = {.buffers = chain->buffers};
        uint32_t part;

        if (nr == (merge ? NET_MAX_MERGE : 1u) || !next_buffer(port, &order)) {
            port->rx_again = true;
            port->counters.no_buffer++;
            return;
        }
        heads[nr] = chain->head;
        written[nr] = 0;
        to.nr = chain->nr_writable;
        if (nr == 0) {
            struct net_header header;
            struct queue_buffer own = {.data = (uint8_t *)&header, .length = sizeof header};
            struct net_cursor head = {.buffers = &own, .nr = 1};

            fill_header(port, frame, &header);
            count[0] = byte_at(chain, COUNT);
            count[1] = byte_at(chain, COUNT + 1u);
            written[nr] = net_copy(&to, &head, sizeof header);
        }
        part = net_copy(&to, &from, frame->length - done);
        written[nr] += part;
        done += part;
        nr++;
    }
    *count[0] = (uint8_t)nr;
    *count[1] = 0;
    port->counters.received++;
    device_complete(port->device, NET_RX, heads, written, nr);
}
