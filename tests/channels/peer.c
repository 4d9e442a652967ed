/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer for tests: sends messages back, but obeys two. "reset": restarts without giving the message's room
 * back first, and does not obey the same again. "nonsense": for ever writes random words into its region and
 * rings.
 */
#include "guest.h"

#include <bulkhead/channel.h>

static struct bh_channel channel;
static const struct channel_node *node;

static bool says(const struct bh_channel_message *message, const char *text)
{
    const char *data = message->data;
    uint32_t i = 0;

    while (i < message->length && text[i] != '\0' && data[i] == text[i])
        i++;
    return i == message->length && text[i] == '\0';
}

/* Values near what is right do most harm: small numbers, multiples of 8, the right header with one thing
 * wrong. */
static _Noreturn void nonsense(uint64_t *region, uint64_t size)
{
    uint64_t seed = 1;

    for (;;) {
        for (uint32_t i = 0; i < 64; i++) {
            uint64_t value, where;

            seed = seed * 6364136223846793005U + 1442695040888963407U;
            value = seed / 0x100;
            where = seed / 0x10000000 % 4 == 0 ? seed / 0x100000 % 64 : seed / 0x1000000 % (size / 8);
            if (value % 2 == 0)
                value = value / 2 % size / 8 * 8;
            else if (value % 4 == 1)
                value = value / 4 % 64 + (channel.published & ~63UL);
            *(volatile uint64_t *)&region[where] = value;
        }
        channel_ring(node);
    }
}

_Noreturn void main(const uint8_t *tree)
{
    struct bh_channel_message message;

    channel_find(tree);
    node = &channel_nodes[0];
    if (bh_channel_open(&channel, (void *)node->reg[CHANNEL_TX], (const void *)node->reg[CHANNEL_RX],
                        node->reg[CHANNEL_SIZE], BH_CHANNEL_KEEP) != BH_CHANNEL_OK)
        power_off();
    interrupt_init();
    interrupt_enable_edge(node->intid);
    channel_ring(node);
    for (bool first = true;; first = false) {
        enum bh_channel_status status;
        bool ring;

        while ((status = bh_channel_peek(&channel, &message)) != BH_CHANNEL_OK) {
            if (status != BH_CHANNEL_EMPTY || bh_channel_prepare_wait_data(&channel))
                interrupt_wait();
        }
        if (says(&message, "nonsense"))
            nonsense((uint64_t *)node->reg[CHANNEL_TX], node->reg[CHANNEL_SIZE]);
        if (says(&message, "reset")) {
            if (!first || channel.generation == 1)
                power_reset();
        } else {
            while ((status = bh_channel_put(&channel, message.data, message.length)) != BH_CHANNEL_OK) {
                if (status != BH_CHANNEL_FULL ||
                    bh_channel_prepare_wait_space(&channel, bh_channel_max_message(&channel)))
                    interrupt_wait();
            }
        }
        bh_channel_consume(&channel);
        ring = bh_channel_publish(&channel);
        if (bh_channel_release(&channel) || ring)
            channel_ring(node);
    }
}
