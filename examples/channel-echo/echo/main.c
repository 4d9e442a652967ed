/* SPDX-License-Identifier: Apache-2.0 */
/* Sends every message back, in place: what is sent is copied straight out of the peer's ring. */
#include "guest.h"

#include <bulkhead/channel.h>

/* Echoes one message, or says why not. */
static enum bh_channel_status echo(struct bh_channel *channel)
{
    struct bh_channel_message message;
    enum bh_channel_status status = bh_channel_peek(channel, &message);

    if (status == BH_CHANNEL_OK)
        status = bh_channel_put(channel, message.data, message.length);
    if (status == BH_CHANNEL_OK)
        bh_channel_consume(channel);
    return status;
}

_Noreturn void main(const uint8_t *tree)
{
    static struct bh_channel handle;
    const struct channel_node *node = &channel_nodes[0];
    struct bh_channel *channel = &handle;
    bool ring = true; /* once after open */

    __asm__("" : "+r"(channel)); /* one base register for all of it: shorter code */
    if (channel_find(tree) == 0 ||
        bh_channel_open(channel, (void *)node->reg[CHANNEL_TX], (const void *)node->reg[CHANNEL_RX],
                        node->reg[CHANNEL_SIZE], BH_CHANNEL_KEEP) != BH_CHANNEL_OK)
        for (;;)
            __asm__ volatile("wfi");
    interrupt_init();
    interrupt_enable_edge(node->intid);
    for (;;) {
        enum bh_channel_status status = echo(channel);
        bool sleep = true;

        /* The message is given back after its copy is published: a stop in between repeats it, and loses
         * none. */
        ring = bh_channel_publish(channel) || ring;
        ring = bh_channel_release(channel) || ring;
        if (ring)
            channel_ring(node);
        ring = false;
        if (status == BH_CHANNEL_OK)
            continue;
        if (status == BH_CHANNEL_EMPTY)
            sleep = bh_channel_prepare_wait_data(channel);
        else if (status == BH_CHANNEL_FULL) /* until the longest message fits: fewer, longer naps */
            sleep = bh_channel_prepare_wait_space(channel, bh_channel_max_message(channel));
        if (sleep)
            interrupt_wait();
    }
}
