/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the device classes share. */
#ifndef DEVICES_CLASS_H
#define DEVICES_CLASS_H

#include "devices/device.h"

/* The next chain: those in flight first, as long as *again, then new ones. *order begins with 0. */
static inline enum queue_status class_next(struct queue *queue, bool *again, uint64_t *order,
                                           struct queue_chain *chain)
{
    if (*again) {
        enum queue_status status = queue_again(queue, order, chain);

        if (status != QUEUE_EMPTY) {
            return status;
        }
        *again = false;
    }
    return queue_take(queue, chain);
}

static inline void class_complete_one(struct device *device, uint32_t queue, uint16_t head, uint32_t written)
{
    device_complete(device, queue, &head, &written, 1);
}

/* A configuration space that lies in memory, little-endian. */
static inline uint32_t class_config_read(const uint8_t *config, uint32_t offset, uint32_t size)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < size; i++) {
        value |= (uint32_t)config[offset + i] << (i * 8u);
    }
    return value;
}

#endif
