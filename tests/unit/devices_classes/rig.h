/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A frontend on the build machine: memory, a driver of split rings, and the device behind its registers. */
#ifndef RIG_H
#define RIG_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "devices/device.h"

#define RIG_BASE   UINT64_C(0x40000000)
#define RIG_MEMORY 0x40000u
#define RIG_QUEUE  64u

struct rig_buffer {
    uint64_t address;
    uint32_t length;
    bool write;
};

struct rig_ring {
    uint64_t desc, avail, used;
    uint16_t taken;           /* used elements that were collected */
    uint16_t free[RIG_QUEUE]; /* descriptors */
    uint32_t nr_free;
    uint16_t chain[RIG_QUEUE]; /* descriptors of the chain that begins here */
};

struct rig {
    struct device device; /* first: see rig_of() */
    uint8_t *memory;      /* RIG_MEMORY bytes at RIG_BASE */
    struct dev_window window;
    struct dev_memory view;
    struct rig_ring ring[DEVICE_MAX_QUEUES];
    uint64_t next; /* free memory */
    uint32_t interrupts;
    bool indirect;
};

/* A device of `queues` queues; the test gives it a class before rig_start(). */
void rig_create(struct rig *rig, uint32_t queues);
void rig_destroy(struct rig *rig);

/* device_init(), then what a driver does until DRIVER_OK. Accepts `features` and VERSION_1. */
void rig_start(struct rig *rig, uint64_t features);
/* Of rig_start(), for one queue; also after a reset of the queue. */
void rig_start_queue(struct rig *rig, uint32_t queue);
/* Status = 0. */
void rig_reset(struct rig *rig);
/* The backend is gone; state page and memory stay. The test adds the device to a new class object and calls
 * device_init(). */
void rig_crash(struct rig *rig);

/* Memory of the frontend, never given back. */
uint64_t rig_memory(struct rig *rig, uint32_t length);
uint8_t *rig_at(const struct rig *rig, uint64_t address);

/* Makes a chain available; returns its head. */
uint16_t rig_add(struct rig *rig, uint32_t queue, const struct rig_buffer *buffers, uint32_t nr);
/* Device-readable bytes, copied to new memory; device-writable room. */
uint16_t rig_send(struct rig *rig, uint32_t queue, const void *data, uint32_t length);
uint16_t rig_room(struct rig *rig, uint32_t queue, uint32_t length, uint64_t *address);
/* device_run() until there is no more. */
void rig_run(struct rig *rig);
/* The next used element; false: none. */
bool rig_used(struct rig *rig, uint32_t queue, uint16_t *head, uint32_t *length);
uint16_t rig_used_idx(const struct rig *rig, uint32_t queue);

static inline bool rig_failed(struct rig *rig)
{
    return (device_read(&rig->device, 0x70, 4) & VIRTIO_NEEDS_RESET) != 0;
}

#endif
