/* SPDX-License-Identifier: Apache-2.0 */
/* A frontend of a device: its memory, its registers and its rings, written as a driver writes them. */
#ifndef TESTS_DEVICES_DRIVER_H
#define TESTS_DEVICES_DRIVER_H

#include "devices/device.h"

#include <setjmp.h>

/* GRANTED: the device sees nothing but what runtime/grants.c maps (granted.c), and the same tests hold. */
#ifdef GRANTED
#define GRANT_BIT (UINT64_C(1) << 63)
#else
#define GRANT_BIT UINT64_C(0)
#endif
#define GUEST_BASE  (GRANT_BIT | UINT64_C(0x40000000))
#define GUEST_BYTES 0x200000u
/* A second window, far from the first. */
#define HIGH_BASE  (GRANT_BIT | UINT64_C(0x8000000000))
#define HIGH_BYTES 0x10000u

enum {
    MAGIC = 0x00,
    VERSION = 0x04,
    DEVICE_ID = 0x08,
    VENDOR_ID = 0x0c,
    DEVICE_FEATURES = 0x10,
    DEVICE_FEATURES_SEL = 0x14,
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_SEL = 0x24,
    QUEUE_SEL = 0x30,
    QUEUE_NUM_MAX = 0x34,
    QUEUE_NUM = 0x38,
    QUEUE_READY = 0x44,
    QUEUE_NOTIFY = 0x50,
    INTERRUPT_STATUS = 0x60,
    INTERRUPT_ACK = 0x64,
    STATUS = 0x70,
    QUEUE_DESC = 0x80,
    QUEUE_DRIVER = 0x90,
    QUEUE_DEVICE = 0xa0,
    SHM_SEL = 0xac,
    SHM_LEN = 0xb0,
    QUEUE_RESET = 0xc0,
    CONFIG_GENERATION = 0xfc,
    CONFIG = 0x100,
};

#define DESC_F_NEXT     1u
#define DESC_F_WRITE    2u
#define DESC_F_INDIRECT 4u

struct desc {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct driver_queue {
    uint32_t size;
    uint64_t desc_at, avail_at, used_at, indirect_at;
    struct desc *desc;
    uint16_t *avail, *used;
    bool event_index;
    uint16_t free[1024], nr_free; /* descriptors */
    uint16_t taken[1024];         /* by head: descriptors of its chain */
    uint16_t avail_idx, used_idx;
};

#define MAX_QUEUES 4u

struct rig {
    struct device device;
    struct bh_virtio_state *state;
    struct dev_window window[2];
    struct dev_memory memory, granted;
    uint32_t interrupts, quiet;
    uint64_t features;
    struct driver_queue queue[MAX_QUEUES];
};

struct part {
    uint64_t address;
    uint32_t length;
    bool write;
};

/* A device that was never used. `features`: of the class. */
void rig_create(struct rig *rig, const struct device_class *class, void *user, uint32_t nr_queues,
                uint32_t queue_max, uint64_t features);
void rig_destroy(struct rig *rig);
/* The backend is a new one: nothing of the old struct device is left. The caller then calls device_init(). */
void rig_forget(struct rig *rig, uint32_t frontend);

#ifdef GRANTED
/* Memory that can be mapped a second time. */
void *granted_memory(size_t bytes);
void granted_free(void *memory, size_t bytes);
/* A mapper in the place of the one before, whose domain has died. */
struct dev_mapper *granted_mapper(struct rig *rig);
/* Pages that are mapped. */
uint32_t granted_pages(void);
#endif

uint32_t reg(struct rig *rig, uint32_t offset);
bool set(struct rig *rig, uint32_t offset, uint32_t value);
void *guest(struct rig *rig, uint64_t address);

/* Reset up to FEATURES_OK; false: refused. VERSION_1 is added. */
bool driver_negotiate(struct rig *rig, uint64_t features);
/* Rings of `size` for a queue, in its part of the memory, and QueueReady. */
void driver_queue(struct rig *rig, uint32_t queue, uint32_t size);
/* Negotiates, sets all queues up and sets DRIVER_OK. */
void driver_start(struct rig *rig, uint64_t features, uint32_t size);

/* Makes a chain available: the head, or -1 if there is no room. From `indirect` on the parts lie in an
 * indirect table (nr: none do). */
int driver_add(struct rig *rig, uint32_t queue, const struct part *parts, uint32_t nr, uint32_t indirect);
/* A raw head. */
void driver_offer(struct rig *rig, uint32_t queue, uint16_t head);
/* Whether the device wants to be rung for what was added since avail->idx was `before`. */
bool driver_rings(struct rig *rig, uint32_t queue, uint16_t before);
/* The next used element. */
bool driver_used(struct rig *rig, uint32_t queue, uint32_t *head, uint32_t *length);
/* The driver wants an interrupt at the next element, or (without event index) none. */
void driver_want(struct rig *rig, uint32_t queue, bool interrupt);

uint32_t random_below(uint32_t bound);
extern uint64_t random_state;

/* Where queue_step() dies: after that many steps; < 0: never. */
extern int step_countdown;
extern jmp_buf step_death;
extern unsigned int step_died_at;
/* Called at every step if it is set. */
extern void (*step_hook)(unsigned int step);

#endif
