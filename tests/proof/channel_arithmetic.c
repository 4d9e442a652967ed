/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts for the index arithmetic of include/bulkhead/channel.h and for the two functions that look for a
 * place in a ring, proved by Frama-C's WP (run_channel.sh). Whatever a peer says is the result of a function
 * of which nothing is known. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BH_CHANNEL_TYPES
/*@ assigns \nothing; */
uint64_t any(const void *address);
/*@ assigns \nothing; */
void put(const void *address, uint64_t value);
#define BH_CHANNEL_LOAD(address)                 any(address)
#define BH_CHANNEL_LOAD_ACQUIRE(address)         any(address)
#define BH_CHANNEL_LOAD_ORDERED(address)         any(address)
#define BH_CHANNEL_STORE(address, value)         put(address, value)
#define BH_CHANNEL_STORE_RELEASE(address, value) put(address, value)
#define BH_CHANNEL_STORE_ORDERED(address, value) put(address, value)
#define BH_CHANNEL_COMPILER_BARRIER()

/*@ predicate ring(integer size) = 64 <= size < 0x40000000 && size % 8 == 0;
    predicate position(integer at) = 0 <= at < 0x8000000000000000 && at % 8 == 0;
    logic integer footprint(integer length) = 8 + (length + 7) / 8 * 8;
    logic integer longest(integer size) = size / 16 * 8 - 8;

    lemma offset_is_aligned: \forall integer at, size;
        at >= 0 && size > 0 && at % 8 == 0 && size % 8 == 0 ==> (at % size) % 8 == 0;
*/

/*@ assigns \nothing;
    ensures \result == footprint(length);
    ensures 8 + length <= \result <= 15 + length && \result % 8 == 0; */
static inline uint64_t bh_channel_footprint(uint32_t length);

/*@ requires ring(size);
    assigns \nothing;
    ensures \result == longest(size);
    ensures 2 * footprint(\result) <= size && size < 2 * footprint(\result) + 16; */
static inline uint32_t bh_channel_longest(uint64_t size);

/*@ requires ring(size) && offset < size && need < 0x8000000000000000;
    assigns \nothing;
    ensures \result == 0 && offset + need <= size || \result == size - offset < need; */
static inline uint64_t bh_channel_skip(uint64_t offset, uint64_t need, uint64_t size);

/*@ requires before <= after;
    assigns \nothing;
    ensures \result <==> before <= mark < after; */
static inline bool bh_channel_crossed(uint64_t mark, uint64_t before, uint64_t after);

/*@ requires seen <= limit;
    assigns \nothing;
    ensures \result <==> seen <= now <= limit && now % 8 == 0; */
static inline bool bh_channel_plausible(uint64_t now, uint64_t seen, uint64_t limit);

/*@ assigns \nothing;
    ensures \result == position / 8 % 0x10000 * 0x1000000000000 + generation % 0x10000 * 0x100000000 + length;
    ensures \result / 0x1000000000000 == position / 8 % 0x10000; */
static inline uint64_t bh_channel_record(uint64_t position, uint32_t generation, uint32_t length);

/*@ requires ring(size) && offset < size;
    assigns \nothing;
    ensures \result ==> record % 0x100000000 <= longest(size);
    ensures \result ==> footprint(record % 0x100000000) <= ready;
    ensures \result ==> offset + footprint(record % 0x100000000) <= size; */
static inline bool bh_channel_record_fits(uint64_t record, uint64_t position, uint64_t offset, uint64_t ready,
                                          uint64_t size);

#include <bulkhead/channel.h>

/*@ axiomatic Places {
        logic integer offset_of(char *place) reads \nothing;
    }

    predicate sender(struct bh_channel *c) =
        ring(c->size) && position(c->peer_consumed) && c->produced % 8 == 0 && c->published % 8 == 0 &&
        c->peer_consumed <= c->published <= c->produced <= c->peer_consumed + c->size;
    predicate receiver(struct bh_channel *c) =
        ring(c->size) && position(c->released) && c->consumed % 8 == 0 && c->peer_produced % 8 == 0 &&
        c->released <= c->consumed <= c->peer_produced <= c->released + c->size; */

/* The places of the rings: these two one-line functions are read, not proved; whoever calls them must ask for
 * a place inside. */
/*@ requires offset <= channel->size && offset % 8 == 0;
    assigns \result \from channel, offset;
    ensures offset_of((char *)\result) == offset; */
static inline void *bh_channel_tx_at(const struct bh_channel *channel, uint64_t offset);

/*@ requires offset <= channel->size && offset % 8 == 0;
    assigns \result \from channel, offset;
    ensures offset_of((char *)\result) == offset; */
static inline const void *bh_channel_rx_at(const struct bh_channel *channel, uint64_t offset);

/* What is read and written through them as a record's first word lies inside the ring. */
/*@ requires offset + 8 <= channel->size && offset % 8 == 0;
    assigns \nothing; */
static inline uint64_t bh_channel_rx_record(const struct bh_channel *channel, uint64_t offset);

/*@ requires offset + 8 <= channel->size && offset % 8 == 0;
    assigns \nothing; */
static inline void bh_channel_tx_record(const struct bh_channel *channel, uint64_t offset, uint64_t record);

/*@ requires \valid(channel) && receiver(channel);
    assigns channel->peer_produced;
    ensures receiver(channel);
    ensures \result == BH_CHANNEL_OK ==> channel->consumed < channel->peer_produced; */
static inline enum bh_channel_status bh_channel_look(struct bh_channel *channel);

/*@ requires \valid(channel) && \valid(message) && \separated(channel, message) && receiver(channel);
    assigns channel->peer_produced, channel->next, *message;
    ensures receiver(channel);
    ensures \result == BH_CHANNEL_OK ==> message->length <= longest(channel->size);
    ensures \result == BH_CHANNEL_OK ==> 8 <= offset_of((char *)message->data) &&
                offset_of((char *)message->data) + message->length <= channel->size;
    ensures \result == BH_CHANNEL_OK ==> channel->consumed < channel->next <= channel->peer_produced;
    ensures \result == BH_CHANNEL_OK ==> channel->next % 8 == 0; */
static inline enum bh_channel_status bh_channel_peek(struct bh_channel *channel,
                                                     struct bh_channel_message *message);

/*@ requires \valid(channel) && \valid(at) && \valid(offset) && \separated(channel, at, offset) &&
   sender(channel) && position(channel->published); assigns channel->peer_consumed, *at, *offset; ensures
   sender(channel); ensures \result == BH_CHANNEL_OK ==> *offset % 8 == 0 && *offset + footprint(length) <=
   channel->size; ensures \result == BH_CHANNEL_OK ==> channel->produced <= *at; ensures \result ==
   BH_CHANNEL_OK ==> *at + footprint(length) <= channel->peer_consumed + channel->size; */
static inline enum bh_channel_status bh_channel_find_room(struct bh_channel *channel, uint32_t length,
                                                          uint64_t *at, uint64_t *offset);

/*@ requires \valid(channel) && ring(channel->size) && offset % 8 == 0 && offset + footprint(length) <=
   channel->size; requires at % 8 == 0 && at + footprint(length) < 0x10000000000000000; assigns
   channel->produced, channel->room; ensures channel->produced == at + footprint(length) && channel->room ==
   0; */
static inline void bh_channel_finish(struct bh_channel *channel, uint64_t at, uint64_t offset,
                                     uint32_t length);

/*@ requires \valid(channel) && \valid(data) && \separated(channel, data) && sender(channel) &&
   position(channel->published); assigns channel->peer_consumed, channel->room, channel->slot, *data; ensures
   sender(channel); ensures \result == BH_CHANNEL_OK ==> 8 <= offset_of((char *)*data) && offset_of((char
   *)*data) + length <= channel->size; ensures \result == BH_CHANNEL_OK ==> channel->room ==
   footprint(length); */
static inline enum bh_channel_status bh_channel_reserve(struct bh_channel *channel, uint32_t length,
                                                        void **data);
