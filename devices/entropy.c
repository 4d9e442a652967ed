/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/entropy.h"

#include "devices/class.h"
#include "devices/libc.h"

#define LOOKS 4u

void entropy_init(struct entropy *entropy, struct entropy_source *source)
{
    entropy->source = source;
    entropy->nr = 0;
    entropy->next = 0;
    entropy->asked = false;
    if (source != NULL) {
        source->owner = entropy;
    }
}

bool entropy_add(struct entropy *entropy, struct device *device)
{
    if (entropy->nr == ENTROPY_MAX_DEVICES || device->nr_queues == 0) {
        return false;
    }
    device->class = &entropy_class;
    device->user = entropy;
    entropy->waiting[entropy->nr] = false;
    entropy->devices[entropy->nr] = device;
    entropy->nr++;
    return true;
}

static uint32_t number_of(const struct entropy *entropy, const struct device *device)
{
    uint32_t number = 0;

    while (number < entropy->nr && entropy->devices[number] != device) {
        number++;
    }
    return number;
}

static void ask(struct entropy *entropy)
{
    bool wanted = false;

    for (uint32_t i = 0; i < entropy->nr; i++) {
        wanted = wanted || entropy->waiting[i];
    }
    if (wanted && entropy->source != NULL && !entropy->asked) {
        entropy->asked = true;
        entropy->source->request(entropy->source, entropy->bytes, ENTROPY_CHUNK);
    }
}

/* One request of each device is in flight at most. It is read again when the bytes have come. */
static void look(struct entropy *entropy, uint32_t number)
{
    struct device *device = entropy->devices[number];
    struct queue *queue = &device->queue[0];

    for (uint32_t i = 0; i < LOOKS && !entropy->waiting[number] && device_queue(device, 0) != NULL; i++) {
        uint64_t order = 0;
        bool again = true;
        enum queue_status status = class_next(queue, &again, &order, &entropy->chain);

        if (status == QUEUE_BROKEN) {
            device_needs_reset(device);
        } else if (status == QUEUE_OK) {
            entropy->waiting[number] = true;
        } else if (!queue_ask(queue, true)) {
            break;
        }
    }
}

/* False: there is no request that could take the bytes. */
static bool answer(struct entropy *entropy, uint32_t number, uint32_t length)
{
    struct device *device = entropy->devices[number];
    const struct queue_chain *chain = &entropy->chain;
    uint64_t order = 0;
    uint32_t done = 0;

    entropy->waiting[number] = false;
    if (device_queue(device, 0) == NULL) {
        return false;
    }
    if (queue_again(&device->queue[0], &order, &entropy->chain) != QUEUE_OK || chain->nr_readable != 0 ||
        chain->writable == 0) {
        device_needs_reset(device);
        return false;
    }
    for (uint32_t i = 0; i < chain->nr_writable && done < length; i++) {
        uint32_t part = chain->buffers[i].length < length - done ? chain->buffers[i].length : length - done;

        memcpy(chain->buffers[i].data, entropy->bytes + done, part);
        done += part;
    }
    class_complete_one(device, 0, chain->head, done);
    return true;
}

void entropy_arrived(struct entropy_source *source, uint32_t length)
{
    struct entropy *entropy = source->owner;
    uint32_t usable = length <= ENTROPY_CHUNK ? length : ENTROPY_CHUNK;

    if (!entropy->asked) {
        return;
    }
    entropy->asked = false;
    if (usable == 0) {
        return;
    }
    for (uint32_t i = 0; i < entropy->nr; i++) {
        uint32_t number = (entropy->next + i) % entropy->nr;

        if (entropy->waiting[number] && answer(entropy, number, usable)) {
            entropy->next = (number + 1u) % entropy->nr;
            look(entropy, number);
            break;
        }
    }
    /* What one frontend got, and what nobody took, is given to nobody else. */
    memset(entropy->bytes, 0, sizeof entropy->bytes);
    ask(entropy);
}

static bool run(struct device *device)
{
    struct entropy *entropy = device->user;

    look(entropy, number_of(entropy, device));
    ask(entropy);
    return false;
}

static void start(struct device *device)
{
    struct entropy *entropy = device->user;

    entropy->waiting[number_of(entropy, device)] = false;
    (void)run(device);
}

static bool quiesce(struct device *device, uint32_t queue)
{
    struct entropy *entropy = device->user;

    (void)queue;
    entropy->waiting[number_of(entropy, device)] = false;
    return true;
}

static uint32_t config_read(struct device *device, uint32_t offset, uint32_t size)
{
    (void)device;
    (void)offset;
    (void)size;
    return 0;
}

static void config_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    (void)offset;
    (void)size;
    (void)value;
}

const struct device_class entropy_class = {
    .id = 4,
    .config_size = 0,
    .start = start,
    .run = run,
    .quiesce = quiesce,
    .config_read = config_read,
    .config_write = config_write,
};
