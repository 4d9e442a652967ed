/* SPDX-License-Identifier: Apache-2.0 */
/* Finds this domain's channels in its device tree. A channel's node has no nodes in it. */
#include "guest.h"

/* One more than there may be: the last holds what is read of other nodes. */
struct channel_node channel_nodes[MAX_CHANNELS + 1];
static uint32_t nr_nodes;

uint32_t channel_find(const uint8_t *tree)
{
    struct channel_node *node = channel_nodes;
    struct tree_item item;
    bool is_channel = false;

    tree_open(&item, tree);
    while (tree_next(&item)) {
        if (item.name == NULL) { /* the end of a node */
            if (is_channel && node < channel_nodes + MAX_CHANNELS)
                node++;
            is_channel = false;
        } else if (text_equal((const char *)item.value,
                              "bulkhead,channel-v1")) { /* only `compatible` says so */
            is_channel = true;
        } else if (text_equal(item.name, "interrupts")) {
            node->intid = 32 + tree_cell(&item, 1);
        } else if (text_equal(item.name, "reg")) {
            for (uint32_t i = 0; i < 6; i++)
                node->reg[i] = (uint64_t)tree_cell(&item, 2 * i) << 32 | tree_cell(&item, 2 * i + 1);
        } else if (MAX_CHANNELS > 1 && text_equal(item.name, "bulkhead,name")) {
            node->name = (const char *)item.value;
        }
    }
    nr_nodes = (uint32_t)(node - channel_nodes);
    return nr_nodes;
}

const struct channel_node *channel_named(const char *name)
{
    for (uint32_t i = 0; i < nr_nodes; i++) {
        if (text_equal(channel_nodes[i].name, name))
            return &channel_nodes[i];
    }
    return NULL;
}
