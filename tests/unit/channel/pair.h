/* SPDX-License-Identifier: Apache-2.0 */
/* Two regions as two domains see them: each mapped twice, for its owner and, read-only, for the other side;
 * inaccessible pages on both ends. */
#ifndef TEST_CHANNEL_PAIR_H
#define TEST_CHANNEL_PAIR_H

#include <bulkhead/channel.h>

struct pair {
    uint64_t region;                       /* bytes */
    struct bh_channel_header *tx[2];       /* as side 0 and side 1 see their own */
    const struct bh_channel_header *rx[2]; /* as they see the other's */
    struct bh_channel side[2];
};

/* Maps regions of `region` bytes, zero. The last byte is the last of its page. */
void pair_create(struct pair *pair, uint64_t region);
void pair_destroy(struct pair *pair);
/* Opens side 0 or 1; any other status than BH_CHANNEL_OK is a failure. */
void pair_open(struct pair *pair, unsigned side, uint32_t flags);

/* xorshift; a seed of 0 is none. */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t limit);
/* The seed of CHANNEL_SEED, or `otherwise`; printed. */
uint64_t random_seed(const char *test, uint64_t otherwise);

/* Byte `i` of message `number`: so that bytes of another message, or at another place, are seen. */
static inline unsigned char pattern(uint64_t number, uint32_t i)
{
    return (unsigned char)(number * 131u + i * 7u + (number >> 8) + (i >> 8));
}

#endif
