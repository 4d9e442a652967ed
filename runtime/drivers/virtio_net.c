/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* VIRTIO network device as a link (VIRTIO 1.2, 5.1). Frames lie in buffers of this domain, so that the device
 * reaches no frontend's memory. */
#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/drivers/links.h"
#include "runtime/drivers/virtio.h"
#include "runtime/log.h"
#include "runtime/memory.h"

#define F_CSUM       (UINT64_C(1) << 0)
#define F_GUEST_CSUM (UINT64_C(1) << 1)
#define F_MAC        (UINT64_C(1) << 5)
#define F_STATUS     (UINT64_C(1) << 16)

enum { RX_FRAMES = 16, TX_FRAMES = 16, MTU = 1500, ROOM = 1536, OVERHEAD = 18 };
enum { NEEDS_CHECKSUM = 1, DATA_VALID = 2 };

struct header {
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers;
};

struct frame {
    struct header header;
    uint8_t bytes[ROOM - sizeof(struct header)];
};
_Static_assert(sizeof(struct header) == 12 && MTU + OVERHEAD + 12 <= ROOM, "VIRTIO 1.2, 5.1.6");

struct virtio_net {
    struct link link;
    uintptr_t base;
    struct virtio_queue rx, tx;
    uint64_t features;
    struct frame *received, *sent; /* by the head of their chains, which have one piece each */
    bool starved;                  /* room was asked for, and there was none */
};

static void offer(struct virtio_net *net)
{
    while (net->rx.nr_free > 0) {
        const struct virtio_piece piece = {&net->received[net->rx.first_free], sizeof(struct frame), true};

        (void)virtio_add(&net->rx, &piece, 1);
    }
}

/* Takes back the room of what was sent. False: there is none, and there will be an interrupt when there is.
 */
static bool reclaim(struct virtio_net *net)
{
    uint32_t length;

    do {
        while (virtio_used(&net->tx, &length) >= 0) {
        }
    } while (net->tx.nr_free == 0 && !virtio_wait(&net->tx));
    return net->tx.nr_free != 0;
}

static uint8_t *reserve(struct link *link)
{
    struct virtio_net *net = link->user;

    if (net->tx.nr_free == 0 && !reclaim(net)) {
        net->starved = true;
        return NULL;
    }
    return net->sent[net->tx.first_free].bytes;
}

static void send(struct link *link, uint32_t length, const struct link_checksum *checksum)
{
    struct virtio_net *net = link->user;
    struct frame *frame = &net->sent[net->tx.first_free];
    const struct virtio_piece piece = {frame, (uint32_t)sizeof frame->header + length, false};

    frame->header = (struct header){0};
    if (checksum->partial) {
        frame->header.flags = NEEDS_CHECKSUM;
        frame->header.checksum_start = checksum->start;
        frame->header.checksum_offset = checksum->offset;
    }
    (void)virtio_add(&net->tx, &piece, 1); /* reserve() saw that there is room */
}

static void receive(struct virtio_net *net, struct frame *frame, uint32_t length)
{
    const struct header *header = &frame->header;
    const struct link_checksum checksum = {.partial = (header->flags & NEEDS_CHECKSUM) != 0,
                                           .valid = (header->flags & DATA_VALID) != 0,
                                           .start = header->checksum_start,
                                           .offset = header->checksum_offset};

    if (length > sizeof *header && length <= sizeof *frame) {
        net->link.receive(&net->link, frame->bytes, length - (uint32_t)sizeof *header, &checksum);
    }
}

static void look_at_status(struct virtio_net *net)
{
    bool up = (net->features & F_STATUS) == 0 || (virtio_config(net->base, 4) >> 16) % 2 != 0;

    if (up != net->link.up) {
        net->link.up = up;
        net->link.changed(&net->link);
    }
}

static void interrupt(void *context)
{
    struct virtio_net *net = context;
    uint32_t reasons = virtio_interrupt(net->base), length;
    int32_t head;

    if (reasons / 2 % 2 != 0) {
        look_at_status(net);
    }
    while ((head = virtio_used(&net->rx, &length)) >= 0) {
        receive(net, &net->received[head], length);
    }
    offer(net);
    if (net->starved && reclaim(net)) {
        net->starved = false;
        net->link.ready(&net->link);
    }
}

struct link *virtio_net_start(void)
{
    tree_node node;
    uintptr_t base = virtio_find(VIRTIO_NET, 0, &node);
    struct virtio_net *net;
    uint32_t words[2];

    if (base == 0) {
        return NULL;
    }
    net = arena_alloc(sizeof *net, 16, "the uplink");
    net->base = base;
    net->features = virtio_negotiate(base, F_CSUM | F_GUEST_CSUM | F_MAC | F_STATUS | VIRTIO_EVENT_INDEX);
    virtio_queue_start(&net->rx, base, 0, RX_FRAMES);
    virtio_queue_start(&net->tx, base, 1, TX_FRAMES);
    virtio_queue_quieten(&net->rx, net->features, false);
    virtio_queue_quieten(&net->tx, net->features, true);
    net->received = arena_alloc(net->rx.size * sizeof(struct frame), 16, "frames");
    net->sent = arena_alloc(net->tx.size * sizeof(struct frame), 16, "frames");
    words[0] = virtio_config(base, 0);
    words[1] = virtio_config(base, 4);
    memcpy(net->link.mac, words, sizeof net->link.mac);
    net->link.user = net;
    net->link.mtu = MTU;
    net->link.up = (net->features & F_STATUS) == 0 || (words[1] >> 16) % 2 != 0;
    net->link.tx_checksum = (net->features & F_CSUM) != 0;
    net->link.reserve = reserve;
    net->link.send = send;
    virtio_start(base, node, interrupt, net);
    offer(net);
    log_line("uplink: %s", tree_name(node));
    return &net->link;
}
