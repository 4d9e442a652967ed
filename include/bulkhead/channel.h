/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Channel: messages between two domains through shared memory. Header only, freestanding, no allocation, no
 * call.
 *
 * Each side owns one region ("tx") that it alone may write; the other side maps it read-only ("rx"). The two
 * regions are of the same size, Normal write-back cacheable inner shareable memory, zero when the machine
 * starts, and untouched by anybody but their owner afterwards: they survive a restart of their owner.
 * Everything a side says is in its own region: its messages, how far it has written, how far it has read the
 * other region, and when it wants to be woken.
 *
 * Offset  Bytes  Field        Meaning (little-endian; every field is written by one aligned store)
 *      0      8  format       BH_CHANNEL_FORMAT once the owner has opened the region, 0 before
 *      8      4  generation   how often the owner has opened the region; never 0 once it has; 0xffffffff is
 * followed by 1 16      8  size         bytes of the region, this header included 64      8  produced
 * position behind the last published message; counts bytes, multiple of 8, never goes back 128      8
 * consumed     position in the OTHER region behind the last message whose room the owner has given back 192
 * 8  wake_data    ring the owner when `produced` of the other region first exceeds this; all ones: never 256
 * 8  wake_space   ring the owner when `consumed` of the other region first exceeds this; all ones: never 512
 * -  ring         to the end of the region; position p is at offset 512 + p % (size - 512) All other bytes of
 * the header are 0.
 *
 * A record begins at a position that is a multiple of 8, never crosses the end of the ring, and is
 *      0      4  length       bytes of the message; 0xffffffff: nothing more up to the end of the ring, go on
 * at its start 4      2  generation   low 16 bits of the writer's generation 6      2  sequence     low 16
 * bits of (position / 8) 8      -  message      and up to 7 bytes of no meaning, up to a multiple of 8
 *
 * The reader trusts nothing: each foreign field is read once, checked against what is possible, and used
 * after that. A peer that publishes nonsense is reported (BH_CHANNEL_PEER_BROKEN); it can never cause an
 * access outside the two regions or work without bound. The report is repeated for as long as the nonsense
 * stands, and changes nothing in the own region.
 *
 * Restart. A side may stop at any instruction and open its region again. What it had published stays and is
 * delivered once; what it had committed without publishing is gone. What it had received without giving the
 * room back (bh_channel_release) is delivered to the next incarnation again, unless that one opens with
 * BH_CHANNEL_DISCARD. So: each message is whole, in order, delivered exactly once to an incarnation, and only
 * the messages between the last release and the stop may be seen by two incarnations. Each message carries
 * the generation of its writer.
 *
 * Doorbell. The library calls nothing: `ring` is set (or true is returned) when the peer must be woken now,
 * and the caller does the store or the hypercall. A doorbell may be spurious; none is ever lost if whoever
 * sleeps does while (bh_channel_receive(...) == BH_CHANNEL_EMPTY) if (bh_channel_prepare_wait_data(&channel))
 *              sleep until the doorbell has rung since prepare_wait_data was called;
 * where a doorbell that rings between the two lines ends the sleep at once (a pending interrupt does). Where
 * a doorbell is asked for, the library's last access is an acquire load behind its stores: the caller's store
 * or hypercall needs no barrier.
 *
 * One handle is used by one thread at a time. Its two directions may be used by two threads if each calls
 * only the functions of its direction: "sender" or "receiver" below. Positions are good for 2^63 bytes (29
 * years at 10 GB/s).
 *
 * Other environments define all of the BH_CHANNEL_LOAD... macros and, if <stdint.h> is not theirs,
 * BH_CHANNEL_TYPES before they include this file. For Linux kernel code that is done here.
 */
#ifndef BULKHEAD_CHANNEL_H
#define BULKHEAD_CHANNEL_H

#if defined(__KERNEL__) && defined(__linux__) && !defined(BH_CHANNEL_LOAD)
#include <linux/types.h>
#include <linux/stddef.h>
#include <linux/compiler.h>
#include <asm/barrier.h>
#define BH_CHANNEL_TYPES
#define BH_CHANNEL_LOAD(address)                 READ_ONCE(*(address))
#define BH_CHANNEL_STORE(address, value)         WRITE_ONCE(*(address), value)
#define BH_CHANNEL_LOAD_ACQUIRE(address)         virt_load_acquire(address)
#define BH_CHANNEL_STORE_RELEASE(address, value) virt_store_release(address, value)
#define BH_CHANNEL_LOAD_ORDERED(address)         virt_load_acquire(address)
#define BH_CHANNEL_STORE_ORDERED(address, value) \
    do {                                         \
        virt_store_release(address, value);      \
        virt_mb();                               \
    } while (0)
#define BH_CHANNEL_COMPILER_BARRIER() barrier()
#endif

#ifndef BH_CHANNEL_TYPES
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

/*
 * How shared memory is read and written: 32 and 64 bits, naturally aligned, one access each. ACQUIRE and
 * RELEASE as in C11. A STORE_ORDERED is a release store that becomes visible before any later LOAD_ORDERED of
 * the same side is done (a full barrier between them, or the sequentially consistent accesses of C11); a
 * LOAD_ORDERED is an acquire load too.
 */
#ifndef BH_CHANNEL_LOAD
#define BH_CHANNEL_LOAD(address)                 __atomic_load_n(address, __ATOMIC_RELAXED)
#define BH_CHANNEL_STORE(address, value)         __atomic_store_n(address, value, __ATOMIC_RELAXED)
#define BH_CHANNEL_LOAD_ACQUIRE(address)         __atomic_load_n(address, __ATOMIC_ACQUIRE)
#define BH_CHANNEL_STORE_RELEASE(address, value) __atomic_store_n(address, value, __ATOMIC_RELEASE)
#define BH_CHANNEL_LOAD_ORDERED(address)         __atomic_load_n(address, __ATOMIC_SEQ_CST)
/* A barrier of its own, although sequentially consistent accesses would do: QEMU on x86 does not order an
 * STLR before a later LDAR. */
#define BH_CHANNEL_STORE_ORDERED(address, value)            \
    do {                                                    \
        __atomic_store_n(address, value, __ATOMIC_RELEASE); \
        __atomic_thread_fence(__ATOMIC_SEQ_CST);            \
    } while (0)
#define BH_CHANNEL_COMPILER_BARRIER() __asm__ volatile("" ::: "memory")
#endif

/* "BHCH" and the version of this layout. */
#define BH_CHANNEL_FORMAT      0x0000000148434842ull
#define BH_CHANNEL_HEADER_SIZE 512u
/* Limits of a region's size in bytes; it is a multiple of 8. */
#define BH_CHANNEL_MIN_REGION (BH_CHANNEL_HEADER_SIZE + 64u)
#define BH_CHANNEL_MAX_REGION 0x40000000u

#define BH_CHANNEL_NEVER  0xffffffffffffffffull
#define BH_CHANNEL_FILLER 0xffffffffu

enum bh_channel_status {
    BH_CHANNEL_OK,
    BH_CHANNEL_EMPTY,       /* no message now */
    BH_CHANNEL_FULL,        /* no room now */
    BH_CHANNEL_TOO_LONG,    /* longer than the limit, the reservation or the buffer */
    BH_CHANNEL_PEER_BROKEN, /* the peer's region says what cannot be */
    BH_CHANNEL_BAD_REGION,  /* open: size or alignment; or the own region holds something else than a channel
                               of that size */
    BH_CHANNEL_PEER_ABSENT, /* peer_state: the peer has not opened its region since the machine started */
    BH_CHANNEL_PEER_NEW,    /* peer_state: the peer has opened its region since the last look */
};

/* Flags of bh_channel_open: what the peer sent and an earlier incarnation of this side has not released. */
#define BH_CHANNEL_KEEP    0u /* is delivered to this one */
#define BH_CHANNEL_DISCARD 1u /* is dropped */

/* What a region begins with. Cache lines apart: fields that different sides poll at different times. */
struct bh_channel_header {
    uint64_t format;
    uint32_t generation;
    uint32_t reserved0;
    uint64_t size;
    uint64_t reserved1[5];
    uint64_t produced;
    uint64_t reserved2[7];
    uint64_t consumed;
    uint64_t reserved3[7];
    uint64_t wake_data;
    uint64_t reserved4[7];
    uint64_t wake_space;
    uint64_t reserved5[31];
};

_Static_assert(sizeof(struct bh_channel_header) == BH_CHANNEL_HEADER_SIZE, "header size");
_Static_assert(offsetof(struct bh_channel_header, format) == 0, "format");
_Static_assert(offsetof(struct bh_channel_header, generation) == 8, "generation");
_Static_assert(offsetof(struct bh_channel_header, size) == 16, "size");
_Static_assert(offsetof(struct bh_channel_header, produced) == 64, "produced");
_Static_assert(offsetof(struct bh_channel_header, consumed) == 128, "consumed");
_Static_assert(offsetof(struct bh_channel_header, wake_data) == 192, "wake_data");
_Static_assert(offsetof(struct bh_channel_header, wake_space) == 256, "wake_space");

/* One side of a channel. Private to this file but for `size` and `generation`, which may be read. */
struct bh_channel {
    struct bh_channel_header *tx;       /* the own region */
    const struct bh_channel_header *rx; /* the peer's */
    uint64_t size;                      /* bytes of each ring */
    uint32_t generation;                /* the own one */
    uint32_t peer_generation;           /* as last reported */
    /* Sender: published <= produced <= peer_consumed + size. */
    uint64_t produced;      /* behind the last committed message */
    uint64_t published;     /* what the own header says */
    uint64_t peer_consumed; /* as last seen and checked */
    uint64_t slot;          /* position of the reserved record */
    uint64_t room;          /* its bytes; 0: nothing is reserved */
    /* Receiver: released <= consumed <= peer_produced <= released + size. */
    uint64_t consumed;      /* behind the last message that the caller is done with */
    uint64_t released;      /* what the own header says */
    uint64_t peer_produced; /* as last seen and checked */
    uint64_t next;          /* behind the message last peeked */
};

/*
 * A message in place. `data` points into the peer's region: a hostile peer may change the bytes while they
 * are read, so whoever checks them copies them first (bh_channel_receive does).
 */
struct bh_channel_message {
    const void *data;    /* aligned to 8 bytes */
    uint32_t length;     /* bytes, 0 to bh_channel_max_message() */
    uint32_t generation; /* low 16 bits of the writer's generation */
    uint64_t position;   /* of the record: grows from message to message over all incarnations */
};

/* ---- Arithmetic: no memory is touched here; tests/proof/channel_arithmetic.c states and proves what these
 * promise. */

/* Bytes of the record of a message of `length` bytes. */
static inline uint64_t bh_channel_footprint(uint32_t length)
{
    return 8u + ((uint64_t)length + 7u) / 8u * 8u;
}

/* Bytes of the longest message in a ring of `size` bytes: with filler it fits an empty ring wherever that
 * begins. */
static inline uint32_t bh_channel_longest(uint64_t size)
{
    return (uint32_t)(size / 16u * 8u - 8u);
}

/* Bytes to skip so that a record of `need` bytes at `offset` does not cross the end of the ring. */
static inline uint64_t bh_channel_skip(uint64_t offset, uint64_t need, uint64_t size)
{
    return need <= size - offset ? 0u : size - offset;
}

/* Whether a position that goes from `before` to `after` first exceeds `mark`: before <= mark < after. */
static inline bool bh_channel_crossed(uint64_t mark, uint64_t before, uint64_t after)
{
    return before <= mark && mark < after;
}

/* Whether `now` is a position that may follow `seen`, and not behind `limit`. */
static inline bool bh_channel_plausible(uint64_t now, uint64_t seen, uint64_t limit)
{
    return seen <= now && now <= limit && now % 8u == 0u;
}

/* First word of the record at `position`. */
static inline uint64_t bh_channel_record(uint64_t position, uint32_t generation, uint32_t length)
{
    return position / 8u % 0x10000u * 0x1000000000000u + generation % 0x10000u * 0x100000000u + length;
}

/* Whether `record` can begin a message at `position`, `offset` bytes into the ring, when `ready` bytes are
 * published. */
static inline bool bh_channel_record_fits(uint64_t record, uint64_t position, uint64_t offset, uint64_t ready,
                                          uint64_t size)
{
    uint32_t length = (uint32_t)(record % 0x100000000u);
    uint64_t need = bh_channel_footprint(length);

    return record / 0x1000000000000u == position / 8u % 0x10000u && length <= bh_channel_longest(size) &&
           need <= ready && need <= size - offset;
}

/* ---- Memory of the rings. */

static inline void *bh_channel_tx_at(const struct bh_channel *channel, uint64_t offset)
{
    return (unsigned char *)channel->tx + BH_CHANNEL_HEADER_SIZE + offset;
}

static inline const void *bh_channel_rx_at(const struct bh_channel *channel, uint64_t offset)
{
    return (const unsigned char *)channel->rx + BH_CHANNEL_HEADER_SIZE + offset;
}

/* The first word of the record at `offset` of a ring. */
static inline uint64_t bh_channel_rx_record(const struct bh_channel *channel, uint64_t offset)
{
    return BH_CHANNEL_LOAD((const uint64_t *)bh_channel_rx_at(channel, offset));
}

static inline void bh_channel_tx_record(const struct bh_channel *channel, uint64_t offset, uint64_t record)
{
    BH_CHANNEL_STORE((uint64_t *)bh_channel_tx_at(channel, offset), record);
}

/*
 * Copies `length` bytes that do not overlap. The barriers keep the compiler from calling memcpy, which need
 * not exist, and from reading the source a second time in place of the copy.
 */
static inline void bh_channel_copy(void *to, const void *from, uint32_t length)
{
    typedef uint64_t __attribute__((__may_alias__)) word;
    unsigned char *out = to;
    const unsigned char *in = from;
    const unsigned char *end = in + length;

    if (((uintptr_t)out | (uintptr_t)in) % 8u == 0u) {
        for (; end - in >= 16; in += 16, out += 16) {
            word low = *(const word *)in, high = *(const word *)(in + 8);

            *(word *)out = low;
            *(word *)(out + 8) = high;
            BH_CHANNEL_COMPILER_BARRIER();
        }
        if (end - in >= 8) {
            *(word *)out = *(const word *)in;
            in += 8;
            out += 8;
        }
    }
    for (; in < end; in++, out++) {
        *out = *in;
        BH_CHANNEL_COMPILER_BARRIER();
    }
}

/* ---- Both directions. */

/*
 * Opens this side. `tx` is the own region, `rx` the peer's, both `region_size` bytes (header included),
 * aligned to 8 bytes and mapped for as long as the handle is used. `flags` is BH_CHANNEL_KEEP or
 * BH_CHANNEL_DISCARD; DISCARD drops what the peer had published when open looked. The peer need not have
 * opened its side. The own generation goes up by one. After BH_CHANNEL_OK the caller RINGS THE PEER ONCE,
 * always: the earlier incarnation may have stopped between publishing and ringing. BH_CHANNEL_BAD_REGION:
 * nothing was written.
 */
static inline enum bh_channel_status bh_channel_open(struct bh_channel *channel, void *tx, const void *rx,
                                                     uint64_t region_size, uint32_t flags)
{
    struct bh_channel_header *own = tx;
    const struct bh_channel_header *peer = rx;
    uint64_t format, produced, consumed, seen;
    uint32_t generation;

    if ((uintptr_t)tx % 8u != 0u || (uintptr_t)rx % 8u != 0u || region_size % 8u != 0u ||
        region_size < BH_CHANNEL_MIN_REGION || region_size > BH_CHANNEL_MAX_REGION)
        return BH_CHANNEL_BAD_REGION;
    format = BH_CHANNEL_LOAD(&own->format);
    produced = BH_CHANNEL_LOAD(&own->produced);
    consumed = BH_CHANNEL_LOAD(&own->consumed);
    if (format == 0u ? produced != 0u || consumed != 0u
                     : format != BH_CHANNEL_FORMAT || BH_CHANNEL_LOAD(&own->size) != region_size)
        return BH_CHANNEL_BAD_REGION;
    if (produced % 8u != 0u || consumed % 8u != 0u || (produced | consumed) >= 0x8000000000000000u)
        return BH_CHANNEL_BAD_REGION;

    channel->tx = own;
    channel->rx = peer;
    channel->size = region_size - BH_CHANNEL_HEADER_SIZE;
    if (flags == BH_CHANNEL_DISCARD) {
        seen = BH_CHANNEL_LOAD_ACQUIRE(&peer->produced);
        if (bh_channel_plausible(seen, consumed, consumed + channel->size))
            consumed = seen;
    }
    seen = BH_CHANNEL_LOAD_ACQUIRE(&peer->consumed);
    channel->produced = produced;
    channel->published = produced;
    channel->slot = produced;
    channel->room = 0u;
    /* If the peer is broken, the ring counts as full, and the next look at its position says so. */
    channel->peer_consumed = produced - channel->size;
    if (produced < channel->size)
        channel->peer_consumed = 0u;
    if (bh_channel_plausible(seen, channel->peer_consumed, produced))
        channel->peer_consumed = seen;
    channel->consumed = consumed;
    channel->released = consumed;
    channel->peer_produced = consumed;
    channel->next = consumed;

    /* Each store leaves a region that can be opened again. `generation` last: it announces the others. */
    BH_CHANNEL_STORE(&own->wake_data, BH_CHANNEL_NEVER);
    BH_CHANNEL_STORE(&own->wake_space, BH_CHANNEL_NEVER);
    BH_CHANNEL_STORE(&own->size, region_size);
    BH_CHANNEL_STORE_RELEASE(&own->consumed, consumed);
    BH_CHANNEL_STORE_RELEASE(&own->format, BH_CHANNEL_FORMAT);
    generation = BH_CHANNEL_LOAD(&own->generation) + 1u;
    if (generation == 0u)
        generation = 1u;
    BH_CHANNEL_STORE_ORDERED(&own->generation, generation);
    (void)BH_CHANNEL_LOAD_ORDERED(&own->generation); /* the caller's doorbell must not overtake the stores */
    channel->generation = generation;
    channel->peer_generation = 0u;
    return BH_CHANNEL_OK;
}

/* Bytes of the longest message either side may send: half the ring less 8. */
static inline uint32_t bh_channel_max_message(const struct bh_channel *channel)
{
    return bh_channel_longest(channel->size);
}

/*
 * What became of the peer since this was last called: BH_CHANNEL_OK (nothing), BH_CHANNEL_PEER_NEW (it has
 * opened its side, for the first time or again; channel->peer_generation is the new generation),
 * BH_CHANNEL_PEER_ABSENT, or BH_CHANNEL_PEER_BROKEN (its region has another format or size). The channel goes
 * on over a restart without any action. Called by the receiver, for example after each doorbell.
 * bh_channel_message.generation says which messages are of the new incarnation.
 */
static inline enum bh_channel_status bh_channel_peer_state(struct bh_channel *channel)
{
    uint32_t generation = BH_CHANNEL_LOAD_ACQUIRE(&channel->rx->generation);

    if (generation == 0u)
        return BH_CHANNEL_PEER_ABSENT;
    if (BH_CHANNEL_LOAD(&channel->rx->format) != BH_CHANNEL_FORMAT ||
        BH_CHANNEL_LOAD(&channel->rx->size) != channel->size + BH_CHANNEL_HEADER_SIZE)
        return BH_CHANNEL_PEER_BROKEN;
    if (generation == channel->peer_generation)
        return BH_CHANNEL_OK;
    channel->peer_generation = generation;
    return BH_CHANNEL_PEER_NEW;
}

/* ---- Sender. */

/*
 * Finds room for the record of a message of `length` bytes: `*at` is its position, `*offset` that modulo the
 * ring's size. What is left before the end of the ring is filled if the record does not fit there. Status as
 * bh_channel_reserve.
 */
static inline enum bh_channel_status bh_channel_find_room(struct bh_channel *channel, uint32_t length,
                                                          uint64_t *at, uint64_t *offset)
{
    uint64_t size = channel->size, begin = channel->produced, where = begin % size;
    uint64_t need = bh_channel_footprint(length), skip = bh_channel_skip(where, need, size), seen;

    if (length > bh_channel_longest(size))
        return BH_CHANNEL_TOO_LONG;
    if (skip + need > size - (begin - channel->peer_consumed)) {
        seen = BH_CHANNEL_LOAD_ACQUIRE(&channel->rx->consumed);
        if (!bh_channel_plausible(seen, channel->peer_consumed, channel->published))
            return BH_CHANNEL_PEER_BROKEN;
        channel->peer_consumed = seen;
        if (skip + need > size - (begin - seen))
            return BH_CHANNEL_FULL;
    }
    if (skip != 0u) {
        bh_channel_tx_record(channel, where,
                             bh_channel_record(begin, channel->generation, BH_CHANNEL_FILLER));
        where = 0u;
    }
    *at = begin + skip;
    *offset = where;
    return BH_CHANNEL_OK;
}

/* Writes the first word of the record at position `at`, `offset` bytes into the ring, which makes it part of
 * what is committed. */
static inline void bh_channel_finish(struct bh_channel *channel, uint64_t at, uint64_t offset,
                                     uint32_t length)
{
    bh_channel_tx_record(channel, offset, bh_channel_record(at, channel->generation, length));
    channel->produced = at + bh_channel_footprint(length);
    channel->room = 0u;
}

/*
 * Reserves room for a message of up to `length` bytes; `*data` (aligned to 8 bytes) is where the caller
 * writes it before bh_channel_commit. A second reserve without commit replaces the first; bh_channel_put and
 * bh_channel_send drop it. BH_CHANNEL_TOO_LONG: more than bh_channel_max_message(). BH_CHANNEL_FULL: no room
 * now. BH_CHANNEL_PEER_BROKEN. In these cases nothing is reserved.
 */
static inline enum bh_channel_status bh_channel_reserve(struct bh_channel *channel, uint32_t length,
                                                        void **data)
{
    uint64_t at, offset;
    enum bh_channel_status status = bh_channel_find_room(channel, length, &at, &offset);

    channel->room = 0u;
    if (status != BH_CHANNEL_OK)
        return status;
    channel->slot = at;
    channel->room = bh_channel_footprint(length);
    *data = bh_channel_tx_at(channel, offset + 8u);
    return BH_CHANNEL_OK;
}

/*
 * Ends the reserved message, of `length` bytes: at most what was reserved, rounded up to 8. The peer sees it
 * after bh_channel_publish. BH_CHANNEL_TOO_LONG: longer than that, or nothing is reserved; nothing changed.
 */
static inline enum bh_channel_status bh_channel_commit(struct bh_channel *channel, uint32_t length)
{
    if (bh_channel_footprint(length) > channel->room)
        return BH_CHANNEL_TOO_LONG;
    bh_channel_finish(channel, channel->slot, channel->slot % channel->size, length);
    return BH_CHANNEL_OK;
}

/* Shows the peer all committed messages. True: ring the peer now. */
static inline bool bh_channel_publish(struct bh_channel *channel)
{
    uint64_t before = channel->published, after = channel->produced;

    if (before == after)
        return false;
    channel->published = after;
    BH_CHANNEL_STORE_ORDERED(&channel->tx->produced, after);
    return bh_channel_crossed(BH_CHANNEL_LOAD_ORDERED(&channel->rx->wake_data), before, after);
}

/* Copies a message into the ring and commits it; it is published later. Status as bh_channel_reserve. */
static inline enum bh_channel_status bh_channel_put(struct bh_channel *channel, const void *data,
                                                    uint32_t length)
{
    uint64_t at, offset;
    enum bh_channel_status status = bh_channel_find_room(channel, length, &at, &offset);

    if (status == BH_CHANNEL_OK) {
        bh_channel_copy(bh_channel_tx_at(channel, offset + 8u), data, length);
        bh_channel_finish(channel, at, offset, length);
    }
    return status;
}

/*
 * Sends one message by copy and publishes it, with all that was committed before. `*ring`: ring the peer now;
 * always set, and false if the status (as bh_channel_reserve) is not BH_CHANNEL_OK.
 */
static inline enum bh_channel_status bh_channel_send(struct bh_channel *channel, const void *data,
                                                     uint32_t length, bool *ring)
{
    enum bh_channel_status status = bh_channel_put(channel, data, length);

    *ring = status == BH_CHANNEL_OK && bh_channel_publish(channel);
    return status;
}

/*
 * To be called before sleeping until a message of `length` bytes may have room. True: sleep; the peer will
 * ring. False: do not sleep, call reserve or send again: there is room, or that call says what is wrong.
 * Publish first: the peer gives no room back for messages that it does not see.
 */
static inline bool bh_channel_prepare_wait_space(struct bh_channel *channel, uint32_t length)
{
    uint64_t size = channel->size, at = channel->produced;
    uint64_t need = bh_channel_footprint(length), end = at + need + bh_channel_skip(at % size, need, size);

    if (length > bh_channel_longest(size) || end <= size)
        return false;
    BH_CHANNEL_STORE_ORDERED(&channel->tx->wake_space, end - size - 1u);
    return BH_CHANNEL_LOAD_ORDERED(&channel->rx->consumed) < end - size;
}

/* The caller does not wait for room any more. Optional: a mark that is left costs at most one spurious
 * doorbell. */
static inline void bh_channel_cancel_wait_space(struct bh_channel *channel)
{
    BH_CHANNEL_STORE(&channel->tx->wake_space, BH_CHANNEL_NEVER);
}

/* ---- Receiver. */

/* Whether a record is published behind what is consumed: BH_CHANNEL_OK, BH_CHANNEL_EMPTY or
 * BH_CHANNEL_PEER_BROKEN. */
static inline enum bh_channel_status bh_channel_look(struct bh_channel *channel)
{
    uint64_t at = channel->consumed, seen;

    if (at == channel->peer_produced) {
        seen = BH_CHANNEL_LOAD_ACQUIRE(&channel->rx->produced);
        if (!bh_channel_plausible(seen, at, channel->released + channel->size))
            return BH_CHANNEL_PEER_BROKEN;
        channel->peer_produced = seen;
        if (seen == at)
            return BH_CHANNEL_EMPTY;
    }
    return BH_CHANNEL_OK;
}

/*
 * Finds the next message, in place. The same one until bh_channel_consume. BH_CHANNEL_EMPTY: none now.
 * BH_CHANNEL_PEER_BROKEN.
 * `*message` is set only with BH_CHANNEL_OK.
 */
static inline enum bh_channel_status bh_channel_peek(struct bh_channel *channel,
                                                     struct bh_channel_message *message)
{
    uint64_t size = channel->size, at = channel->consumed, offset = at % size, ready, record;
    enum bh_channel_status status = bh_channel_look(channel);

    if (status != BH_CHANNEL_OK)
        return status;
    ready = channel->peer_produced - at;
    record = bh_channel_rx_record(channel, offset);
    if (record % 0x100000000u == BH_CHANNEL_FILLER && offset != 0u && size - offset < ready) {
        at += size - offset;
        ready -= size - offset;
        offset = 0u;
        record = bh_channel_rx_record(channel, 0u);
    }
    if (!bh_channel_record_fits(record, at, offset, ready, size))
        return BH_CHANNEL_PEER_BROKEN;
    message->data = bh_channel_rx_at(channel, offset + 8u);
    message->length = (uint32_t)(record % 0x100000000u);
    message->generation = (uint32_t)(record / 0x100000000u % 0x10000u);
    message->position = at;
    channel->next = at + bh_channel_footprint(message->length);
    return BH_CHANNEL_OK;
}

/*
 * Goes on behind the message last peeked; without a peek before, nothing happens. The message stays readable
 * in place until bh_channel_release.
 */
static inline void bh_channel_consume(struct bh_channel *channel)
{
    channel->consumed = channel->next;
}

/* Gives the room of all consumed messages back. True: ring the peer now, it waits for room. */
static inline bool bh_channel_release(struct bh_channel *channel)
{
    uint64_t before = channel->released, after = channel->consumed;

    if (before == after)
        return false;
    channel->released = after;
    BH_CHANNEL_STORE_ORDERED(&channel->tx->consumed, after);
    return bh_channel_crossed(BH_CHANNEL_LOAD_ORDERED(&channel->rx->wake_space), before, after);
}

/*
 * Copies the next message to `buffer` of `capacity` bytes and gives its room back, with all that was consumed
 * before.
 * `*length`: bytes of the message, set with BH_CHANNEL_OK and with BH_CHANNEL_TOO_LONG (more than `capacity`:
 * it stays the next one). `*ring`: ring the peer now; always set. BH_CHANNEL_EMPTY, BH_CHANNEL_PEER_BROKEN.
 */
static inline enum bh_channel_status bh_channel_receive(struct bh_channel *channel, void *buffer,
                                                        uint32_t capacity, uint32_t *length, bool *ring)
{
    struct bh_channel_message message;
    enum bh_channel_status status = bh_channel_peek(channel, &message);

    *ring = false;
    if (status != BH_CHANNEL_OK)
        return status;
    *length = message.length;
    if (message.length > capacity)
        return BH_CHANNEL_TOO_LONG;
    bh_channel_copy(buffer, message.data, message.length);
    bh_channel_consume(channel);
    *ring = bh_channel_release(channel);
    return BH_CHANNEL_OK;
}

/*
 * To be called before sleeping until a message comes. True: sleep; the peer will ring. False: do not sleep,
 * call receive or peek again: there is a message, or that call says what is wrong. Release first: a peer that
 * waits for room sends nothing.
 */
static inline bool bh_channel_prepare_wait_data(struct bh_channel *channel)
{
    if (channel->consumed != channel->peer_produced)
        return false;
    BH_CHANNEL_STORE_ORDERED(&channel->tx->wake_data, channel->consumed);
    return BH_CHANNEL_LOAD_ORDERED(&channel->rx->produced) == channel->consumed;
}

/* The caller does not wait for messages any more. Optional: a mark that is left costs at most one spurious
 * doorbell. */
static inline void bh_channel_cancel_wait_data(struct bh_channel *channel)
{
    BH_CHANNEL_STORE(&channel->tx->wake_data, BH_CHANNEL_NEVER);
}

#endif
