/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts for the walk through a chain of descriptors (devices/queue.c) and for the windows behind which
 * everything of a frontend lies (devices/memory.h), proved by Frama-C's WP (run_devices.sh): whatever the
 * ring holds, each descriptor that is read and each buffer that is given to a device lies inside one window.
 * What a descriptor says is the result of a function of which nothing is known. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_STEP(step)
#define __atomic_load_n(at, order)         (*(at))
#define __atomic_store_n(at, value, order) (*(at) = (value))
#define __atomic_thread_fence(order)

struct dev_memory;
struct queue;
struct queue_chain;

#include "devices/memory.h"
#include "devices/queue.h"

#ifdef WINDOWS
/* First dev_memory_at() by itself. Granted: the `length` bytes at `at` lie inside one window. */
/*@ predicate described(struct dev_memory *memory) =
        \valid_read(memory) && \valid_read(memory->windows + (0 .. memory->nr - 1));

    predicate granted(struct dev_memory *memory, uint8_t *at, integer length) =
        \exists integer i, integer offset; 0 <= i < memory->nr && 0 <= offset &&
            offset + length <= memory->windows[i].size && at == memory->windows[i].local + offset;

    lemma part_is_granted:
        \forall struct dev_memory *memory, uint8_t *at, integer length, integer begin, integer part;
            granted(memory, at, length) && 0 <= begin && 0 <= part && begin + part <= length ==>
            granted(memory, at + begin, part);
*/
#else
/* Then the walk, which believes of it what was proved; nobody changes the windows meanwhile. */
/*@ axiomatic Granted {
        predicate described(struct dev_memory *memory) reads \nothing;
        predicate granted(struct dev_memory *memory, uint8_t *at, integer length) reads \nothing;

        axiom part_is_granted:
            \forall struct dev_memory *memory, uint8_t *at, integer length, integer begin, integer part;
                granted(memory, at, length) && 0 <= begin && 0 <= part && begin + part <= length ==>
                granted(memory, at + begin, part);
    }
*/
#endif

/*@
    predicate buffers_granted(struct dev_memory *memory, struct queue_chain *chain) =
        \forall integer i; 0 <= i < chain->nr_readable + chain->nr_writable ==>
            granted(memory, chain->buffers[i].data, chain->buffers[i].length);

    predicate apart(struct queue *queue, struct queue_chain *chain) =
        \separated(chain, queue) && \separated(chain, queue->state);
*/

/*@ requires described(memory);
    assigns \nothing;
    ensures \result == \null || granted(memory, \result, length); */
static inline uint8_t *dev_memory_at(const struct dev_memory *memory, uint64_t address, uint64_t length);

/* dev_memory_at(), or what a mapper gives, which is the contract of devices/memory.h: runtime/grants.c is
 * tested by every test of the rings (tests/unit/devices/granted.c), and not proved. */
/*@ requires described(memory);
    assigns \nothing;
    ensures \result == \null || granted(memory, \result, length); */
static inline uint8_t *dev_memory_place(const struct dev_memory *memory, uint64_t address, uint64_t length,
                                        bool write);

/*@ assigns \nothing; */
static inline bool dev_memory_commit(const struct dev_memory *memory);

/*@ requires \valid_read(queue) && described(queue->memory) && \valid(chain) && apart(queue, chain);
    requires chain->nr_readable + chain->nr_writable <= 66;
    requires buffers_granted(queue->memory, chain);
    assigns *chain;
    ensures chain->nr_readable + chain->nr_writable <= 66;
    ensures buffers_granted(queue->memory, chain);
    ensures chain->head == \old(chain->head); */
static bool add_buffer(const struct queue *queue, struct queue_chain *chain, struct queue_descriptor d);

/*@ requires \valid_read(queue) && described(queue->memory);
    assigns \nothing;
    ensures \result == \null || granted(queue->memory, (uint8_t *)\result, 16 * (d.length / 16)); */
static const uint8_t *indirect_table(const struct queue *queue, struct queue_descriptor d);

/* One line, read and not proved: it copies the 16 bytes, which the assertion before its call shows
 * to be granted; what they hold may be anything. */
/*@ assigns \nothing; */
static struct queue_descriptor read_descriptor(const uint8_t *table, uint32_t index);

/*@ requires \valid_read(queue) && \valid_read(queue->state) && described(queue->memory) && \valid(chain);
    requires apart(queue, chain);
    requires granted(queue->memory, (uint8_t *)queue->desc, 16 * queue->state->size);
    assigns *chain;
    ensures chain->nr_readable + chain->nr_writable <= 66;
    ensures buffers_granted(queue->memory, chain);
    ensures chain->head == head; */
static bool read_chain(const struct queue *queue, uint16_t head, struct queue_chain *chain);

#include "devices/queue.c"
