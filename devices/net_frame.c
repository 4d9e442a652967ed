/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/net_frame.h"

#include "devices/libc.h"

uint32_t net_copy(struct net_cursor *to, struct net_cursor *from, uint32_t length)
{
    uint32_t done = 0;

    while (done < length && to->nr != 0 && from->nr != 0) {
        uint32_t part = length - done, room = to->buffers->length - to->offset,
                 matter = from->buffers->length - from->offset;

        part = part < room ? part : room;
        part = part < matter ? part : matter;
        memcpy(to->buffers->data + to->offset, from->buffers->data + from->offset, part);
        done += part;
        to->offset += part;
        from->offset += part;
        if (to->offset == to->buffers->length) {
            to->buffers++;
            to->nr--;
            to->offset = 0;
        }
        if (from->offset == from->buffers->length) {
            from->buffers++;
            from->nr--;
            from->offset = 0;
        }
    }
    return done;
}

/* The pieces of `from`, `length` bytes, become further pieces of the frame. */
static void add_pieces(struct net_frame *frame, struct net_cursor *from, uint32_t length)
{
    uint32_t left = length;

    while (left != 0 && from->nr != 0 && frame->nr < sizeof frame->pieces / sizeof frame->pieces[0]) {
        uint32_t matter = from->buffers->length - from->offset, part = left < matter ? left : matter;

        frame->pieces[frame->nr].data = from->buffers->data + from->offset;
        frame->pieces[frame->nr].length = part;
        frame->nr++;
        left -= part;
        from->offset += part;
        if (from->offset == from->buffers->length) {
            from->buffers++;
            from->nr--;
            from->offset = 0;
        }
    }
}

static void add_piece(struct net_frame *frame, uint8_t *data, uint32_t length)
{
    frame->pieces[frame->nr].data = data;
    frame->pieces[frame->nr].length = length;
    frame->nr++;
}

void net_frame_build(struct net_frame *frame, struct net_cursor *from, uint32_t length,
                     const struct link_checksum *checksum)
{
    struct queue_buffer own = {.data = frame->header, .length = NET_HEADER};
    struct net_cursor header = {.buffers = &own, .nr = 1};

    (void)net_copy(&header, from, NET_HEADER);
    frame->length = length;
    frame->checksum = *checksum;
    frame->nr = 0;
    add_piece(frame, frame->header, NET_HEADER);
    add_pieces(frame, from, length - NET_HEADER);
}

bool net_frame_sum_fits(const struct link_checksum *checksum, uint32_t length)
{
    return checksum->start >= NET_HEADER && (uint32_t)checksum->start + checksum->offset + 2u <= length;
}

static uint32_t fold(uint64_t sum)
{
    uint64_t folded = sum;

    while (folded > UINT16_MAX) {
        folded = folded / 65536u + folded % 65536u;
    }
    return (uint32_t)folded;
}

static uint32_t swap(uint32_t sum)
{
    return sum / 256u + sum % 256u * 256u;
}

typedef uint64_t __attribute__((may_alias)) any_word;

/* The ones' complement sum of little-endian 16-bit words: as good as of big-endian ones, with its bytes
 * swapped (RFC 1071, 2). By eight bytes where the address allows it: this is most of what a frame costs. */
static uint32_t sum_of(const uint8_t *data, uint32_t length)
{
    bool odd = (uintptr_t)data % 2u != 0;
    uint64_t sum = 0;
    uint32_t i = 0;

    for (; i < length && (uintptr_t)(data + i) % 8u != 0; i++) {
        sum += (uintptr_t)(data + i) % 2u == 0 ? data[i] : data[i] * 256u;
    }
    for (; length - i >= 8u; i += 8u) {
        uint64_t word = *(const any_word *)(const void *)(data + i);

        sum += word % (UINT64_C(1) << 32);
        sum += word >> 32;
    }
    for (; i < length; i++) {
        sum += (uintptr_t)(data + i) % 2u == 0 ? data[i] : data[i] * 256u;
    }
    return odd ? swap(fold(sum)) : fold(sum);
}

/* The same of the frame from `start` to its end. */
static uint32_t sum_from(const struct net_frame *frame, uint32_t start)
{
    uint32_t position = 0, sum = 0;

    for (uint32_t i = 0; i < frame->nr; i++) {
        const struct queue_buffer *piece = &frame->pieces[i];
        uint32_t skip = position < start ? start - position : 0;

        if (skip < piece->length) {
            uint32_t part = sum_of(piece->data + skip, piece->length - skip);

            sum += (position + skip - start) % 2u == 0 ? part : swap(part);
        }
        position += piece->length;
    }
    return fold(sum);
}

void net_frame_finish(struct net_frame *to, struct net_frame *from)
{
    const struct link_checksum none = {0};
    struct net_cursor pieces = {.buffers = from->pieces, .nr = from->nr};
    uint32_t place = (uint32_t)from->checksum.start + from->checksum.offset;
    uint32_t sum = sum_from(from, from->checksum.start);
    struct queue_buffer old = {.data = to->sum, .length = 2};
    struct net_cursor skip = {.buffers = &old, .nr = 1};

    sum = sum != UINT16_MAX ? UINT16_MAX - sum : UINT16_MAX; /* UDP: 0 would mean "none" (RFC 768) */
    to->length = from->length;
    to->checksum = none;
    to->nr = 0;
    add_pieces(to, &pieces, place);
    (void)net_copy(&skip, &pieces, 2);
    to->sum[0] = (uint8_t)(sum % 256u);
    to->sum[1] = (uint8_t)(sum / 256u);
    add_piece(to, to->sum, 2);
    add_pieces(to, &pieces, from->length - place - 2u);
}
