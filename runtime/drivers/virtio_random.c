/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* VIRTIO entropy device as a source (VIRTIO 1.2, 5.4). */
#include <stddef.h>

#include "runtime/drivers/random.h"
#include "runtime/drivers/virtio.h"
#include "runtime/log.h"
#include "runtime/memory.h"

enum { QUEUE_SIZE = 4 };

struct virtio_random {
    struct entropy_source source;
    uintptr_t base;
    struct virtio_queue queue;
    uint32_t asked;
};

static void request(struct entropy_source *source, uint8_t *data, uint32_t length)
{
    struct virtio_random *random = source->user;
    const struct virtio_piece piece = {data, length, true};

    random->asked = length;
    (void)virtio_add(&random->queue, &piece, 1); /* there is one request at a time */
}

static void interrupt(void *context)
{
    struct virtio_random *random = context;
    uint32_t length;

    (void)virtio_interrupt(random->base);
    while (virtio_used(&random->queue, &length) >= 0) {
        entropy_arrived(&random->source, length < random->asked ? length : random->asked);
    }
}

struct entropy_source *virtio_random_start(void)
{
    tree_node node;
    uintptr_t base = virtio_find(VIRTIO_ENTROPY, 0, &node);
    struct virtio_random *random;

    if (base == 0) {
        return NULL;
    }
    random = arena_alloc(sizeof *random, 16, "the source of entropy");
    random->base = base;
    random->source.user = random;
    random->source.request = request;
    (void)virtio_negotiate(base, 0);
    virtio_queue_start(&random->queue, base, 0, QUEUE_SIZE);
    virtio_start(base, node, interrupt, random);
    log_line("entropy: %s", tree_name(node));
    return &random->source;
}
