/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that answers in another order than it was asked: answers are held back for some time, or until there
 * are some, and then one of them by chance is given. And the disk of CONTROL_EARLY, which answers writes
 * before it has them. */
#include <stddef.h>

#include "runtime/drivers/disks.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"
#include "steps.h"

enum { SLOTS = 32, HELD = 4, HELD_US = 500, EARLY_MS = 3, EARLY_BYTES = 4096 };

struct shuffle;
struct slot {
    struct disk_request inner;
    struct shuffle *owner;
    struct disk_request *outer; /* NULL: the slot is free, or its request was answered early */
    uint8_t *data;              /* of an early answer */
    struct queue_buffer copy;
    uint32_t number;
    bool over, ok, early, late; /* late: the disk has it now */
};

struct shuffle {
    struct source source; /* answers may be due */
    struct alarm late;    /* what was answered early is due at the disk */
    struct alarm held;    /* an answer is due */
    struct disk disk, *inner;
    struct slot slots[SLOTS];
    uint32_t outstanding, over, number;
    bool refused, ordered;
};

uint32_t shuffle_answers, shuffle_overtook;

static void inner_done(struct disk_request *request, bool ok)
{
    struct slot *slot = (struct slot *)(void *)request; /* its first member */
    struct shuffle *shuffle = slot->owner;

    if (slot->early) {
        slot->early = false;
        source_ready(&shuffle->source);
        return;
    }
    slot->over = true;
    slot->ok = ok;
    shuffle->over++;
    source_ready(&shuffle->source);
}

static struct slot *free_slot(struct shuffle *shuffle)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (shuffle->slots[i].outer == NULL && !shuffle->slots[i].early) {
            return &shuffle->slots[i];
        }
    }
    return NULL;
}

/* The driver hears at once that its data is on the disk; the disk hears of it later. */
static void answer_early(struct shuffle *shuffle, struct slot *slot, const struct disk_request *request)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < request->nr_buffers && request->buffers[i].length <= EARLY_BYTES - at; i++) {
        memcpy(slot->data + at, request->buffers[i].data, request->buffers[i].length);
        at += request->buffers[i].length;
    }
    slot->copy = (struct queue_buffer){slot->data, at};
    slot->inner.buffers = &slot->copy;
    slot->inner.nr_buffers = 1;
    slot->early = true;
    slot->late = false;
    slot->over = true;
    slot->ok = true;
    shuffle->outstanding++;
    shuffle->over++;
    source_ready(&shuffle->source);
    alarm_set(&shuffle->late, ticks_now() + EARLY_MS * ticks_per_ms());
}

static void write_late(struct source *source)
{
    struct shuffle *shuffle = (struct shuffle *)((uintptr_t)source - offsetof(struct shuffle, late));

    for (uint32_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &shuffle->slots[i];

        if (slot->early && slot->outer == NULL && !slot->late &&
            shuffle->inner->submit(shuffle->inner, &slot->inner)) {
            slot->late = true;
        }
    }
}

static bool submit(struct disk *disk, struct disk_request *request)
{
    struct shuffle *shuffle = disk->user;
    struct slot *slot = free_slot(shuffle);

    if (slot == NULL) {
        shuffle->refused = true;
        return false;
    }
    slot->inner = *request;
    slot->inner.done = inner_done;
    slot->owner = shuffle;
    slot->outer = request;
    slot->over = false;
    slot->number = shuffle->number++;
    if (steps_control() == CONTROL_EARLY && request->operation == DISK_WRITE) {
        answer_early(shuffle, slot, request);
        return true;
    }
    if (!shuffle->inner->submit(shuffle->inner, &slot->inner)) {
        slot->outer = NULL;
        return false; /* its disk says when there is room */
    }
    shuffle->outstanding++;
    return true;
}

/* The n-th of those that are over. */
static void answer(struct shuffle *shuffle, uint32_t n)
{
    struct slot *slot = shuffle->slots;
    struct disk_request *request;

    while (slot->outer == NULL || !slot->over || n-- != 0) {
        slot++;
    }
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (shuffle->slots[i].outer != NULL && shuffle->slots[i].number < slot->number) {
            shuffle_overtook++;
            break;
        }
    }
    shuffle_answers++;
    request = slot->outer;
    slot->outer = NULL;
    shuffle->outstanding--;
    shuffle->over--;
    request->done(request, slot->ok);
}

static void answer_some(struct shuffle *shuffle, uint32_t keep)
{
    while (shuffle->over > keep) {
        answer(shuffle,
               shuffle->ordered ? 0 : (uint32_t)(steps_roll(shuffle_answers + ticks_now()) % shuffle->over));
    }
    if (shuffle->refused && free_slot(shuffle) != NULL) {
        shuffle->refused = false;
        shuffle->disk.ready(&shuffle->disk);
    }
}

static void run(struct source *source)
{
    struct shuffle *shuffle = (struct shuffle *)source; /* its first member */

    answer_some(shuffle, shuffle->ordered ? 0 : HELD);
    if (shuffle->over != 0 && !shuffle->held.set) {
        alarm_set(&shuffle->held, ticks_now() + HELD_US * ticks_per_ms() / 1000);
    }
}

/* The first of those that are held. */
static void let_go(struct source *source)
{
    struct shuffle *shuffle = (struct shuffle *)((uintptr_t)source - offsetof(struct shuffle, held));

    if (shuffle->over != 0) {
        answer_some(shuffle, shuffle->over - 1);
    }
    run(&shuffle->source);
}

static void inner_ready(struct disk *inner)
{
    struct shuffle *shuffle = inner->clients;

    shuffle->disk.ready(&shuffle->disk);
}

static struct disk *wrap(struct disk *inner)
{
    struct shuffle *shuffle;

    if (inner == NULL || (tree_argument("shuffle", 0) == 0 && tree_argument("control", 0) != CONTROL_EARLY)) {
        return inner;
    }
    shuffle = arena_alloc(sizeof *shuffle, 16, "a shuffling disk");
    for (uint32_t i = 0; tree_argument("control", 0) == CONTROL_EARLY && i < SLOTS; i++) {
        shuffle->slots[i].data = arena_alloc(EARLY_BYTES, 16, "early answers");
    }
    shuffle->source.run = run;
    shuffle->late.source.run = write_late;
    shuffle->held.source.run = let_go;
    shuffle->ordered = tree_argument("shuffle", 0) == 0;
    shuffle->disk = *inner;
    shuffle->disk.user = shuffle;
    shuffle->disk.submit = submit;
    shuffle->disk.clients = NULL;
    shuffle->inner = inner;
    inner->clients = shuffle;
    inner->ready = inner_ready;
    return &shuffle->disk;
}

struct disk *__wrap_virtio_block_start(uint32_t n);
struct disk *__real_virtio_block_start(uint32_t n);
struct disk *__wrap_memory_disk_start(uint32_t n);
struct disk *__real_memory_disk_start(uint32_t n);

struct disk *__wrap_virtio_block_start(uint32_t n)
{
    return wrap(__real_virtio_block_start(n));
}

struct disk *__wrap_memory_disk_start(uint32_t n)
{
    return wrap(__real_memory_disk_start(n));
}
