/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* See device.h. The effect of an access is in the state page before device_write() returns, and an access
 * that is made again has no further effect: a backend that died in between is asked again. */
#include "devices/device.h"
#include "devices/libc.h"

/* VIRTIO 1.2, 4.2.2. */
enum mmio_register {
    REG_MAGIC = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE_ID = 0x008,
    REG_VENDOR_ID = 0x00c,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SEL = 0x024,
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_NUM_MAX = 0x034,
    REG_QUEUE_NUM = 0x038,
    REG_QUEUE_READY = 0x044,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_QUEUE_DESC_LOW = 0x080,
    REG_QUEUE_DESC_HIGH = 0x084,
    REG_QUEUE_DRIVER_LOW = 0x090,
    REG_QUEUE_DRIVER_HIGH = 0x094,
    REG_QUEUE_DEVICE_LOW = 0x0a0,
    REG_QUEUE_DEVICE_HIGH = 0x0a4,
    REG_SHM_LEN_LOW = 0x0b0,
    REG_SHM_BASE_HIGH = 0x0bc,
    REG_QUEUE_RESET = 0x0c0,
    REG_CONFIG_GENERATION = 0x0fc,
    REG_CONFIG = 0x100,
};

#define MMIO_MAGIC   0x74726976u
#define MMIO_VERSION 2u

#define INTERRUPT_USED   1u
#define INTERRUPT_CONFIG 2u

#define DRIVER_BITS \
    (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK | VIRTIO_FEATURES_OK | VIRTIO_FAILED)

static uint64_t offered(const struct device *device)
{
    return device->features | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 |
           VIRTIO_F_RING_RESET;
}

static uint32_t identity_check(const struct bh_virtio_state *state)
{
    const uint32_t words[] = {state->layout, state->device_id, state->nr_queues, state->queue_max,
                              state->frontend};
    uint32_t sum = BH_VIRTIO_STATE_MAGIC;

    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        sum = (sum ^ words[i]) * 0x01000193u;
    }
    return sum;
}

static uint32_t features_check(uint64_t features)
{
    return ~((uint32_t)features ^ (uint32_t)(features >> 32) * 0x01000193u);
}

static uint32_t status_of(const struct bh_virtio_state *state)
{
    return state->status % 256u;
}

static void set_status(struct bh_virtio_state *state, uint32_t status)
{
    state->status = status + (255u - status) * 256u;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

static void interrupt(struct device *device, uint32_t cause)
{
    device->state->interrupt_status |= cause;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    device->interrupt(device);
}

struct queue *device_queue(struct device *device, uint32_t queue)
{
    struct queue *q;

    /* A class that gets room while a reset waits for its requests must not take others. */
    if (queue >= device->nr_queues || !device->started || device->failed ||
        device->state->reset_pending != 0) {
        return NULL;
    }
    q = &device->queue[queue];
    return q->state->ready != 0 && q->state->resetting == 0 ? q : NULL;
}

void device_needs_reset(struct device *device)
{
    struct bh_virtio_state *state = device->state;

    if (device->failed || state->reset_pending != 0) {
        return;
    }
    device->failed = true;
    set_status(state, status_of(state) | VIRTIO_NEEDS_RESET);
    if ((status_of(state) & VIRTIO_DRIVER_OK) != 0) {
        interrupt(device, INTERRUPT_CONFIG);
    }
}

void device_config_changed(struct device *device)
{
    device->state->config_generation++;
    if ((status_of(device->state) & VIRTIO_DRIVER_OK) != 0 && !device->failed) {
        interrupt(device, INTERRUPT_CONFIG);
    }
}

void device_complete(struct device *device, uint32_t queue, const uint16_t *heads, const uint32_t *written,
                     uint32_t count)
{
    struct queue *q = device_queue(device, queue);

    if (q == NULL) {
        return;
    }
    queue_complete(q, heads, written, count);
    if (q->broken) {
        device_needs_reset(device);
    } else if (queue_interrupts(q)) {
        interrupt(device, INTERRUPT_USED);
    }
}

static void attach_queues(struct device *device)
{
    uint64_t features = device->state->driver_features;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue *q = &device->queue[i];

        q->state = bh_virtio_state_queue(device->state, i, device->queue_max);
        q->memory = device->memory;
        q->max = device->queue_max;
        q->event_index = (features & VIRTIO_F_EVENT_IDX) != 0;
        q->indirect = (features & VIRTIO_F_INDIRECT_DESC) != 0;
        q->broken = false;
    }
}

/* The state of a device that was just reset, but for `reset_pending`, `magic`, and a Status that is told. */
static void clear_state(struct device *device, uint32_t status)
{
    struct bh_virtio_state *state = device->state;

    if (device->class->forget != NULL) {
        device->class->forget(device);
    }
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        queue_reset(&device->queue[i]);
    }
    state->device_features_sel = 0;
    state->driver_features_sel = 0;
    state->driver_features = 0;
    state->features_check = 0;
    state->queue_sel = 0;
    state->interrupt_status = 0;
    memset(state->config, 0, sizeof(state->config));
    memset(state->class_area, 0, sizeof(state->class_area));
    QUEUE_STEP(QUEUE_RESET_STORE);
    set_status(state, status);
    device->failed = false;
    device->started = false;
    device->more = false;
}

/* All of a page of this frontend's, whatever it held. */
static void write_state(struct device *device, uint32_t status)
{
    struct bh_virtio_state *state = device->state;

    state->layout = BH_VIRTIO_STATE_LAYOUT;
    state->device_id = device->class->id;
    state->nr_queues = device->nr_queues;
    state->queue_max = device->queue_max;
    state->frontend = device->frontend;
    state->identity_check = identity_check(state);
    clear_state(device, status);
    state->reset_pending = 0;
    QUEUE_STEP(QUEUE_RESET_STORE);
    state->magic = BH_VIRTIO_STATE_MAGIC;
    QUEUE_STEP(QUEUE_RESET_STORE);
    device->gone = false;
}

/* A page that is new to this frontend. */
static void format_state(struct device *device)
{
    device->state->magic = 0;
    QUEUE_STEP(QUEUE_RESET_STORE);
    write_state(device, 0);
}

static void finish_reset(struct device *device)
{
    if (device->gone) {
        format_state(device);
        return;
    }
    clear_state(device, 0);
    device->state->reset_pending = 0;
    QUEUE_STEP(QUEUE_RESET_STORE);
}

/* True: done. */
static bool begin_reset(struct device *device)
{
    struct bh_virtio_state *state = device->state;
    bool quiet;

    if (state->reset_pending != 0) {
        return false;
    }
    state->reset_pending = BH_VIRTIO_STATE_PENDING;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    quiet = !device->started || device->class->quiesce(device, DEVICE_ALL_QUEUES);
    if (quiet) {
        finish_reset(device);
    }
    return quiet;
}

bool device_frontend_gone(struct device *device, uint32_t frontend)
{
    device->frontend = frontend;
    device->gone = true;
    return begin_reset(device);
}

/* True: done. */
static bool begin_queue_reset(struct device *device, struct queue *queue)
{
    uint32_t index = (uint32_t)(queue - device->queue);
    bool quiet;

    if (queue->state->resetting != 0) {
        return false;
    }
    queue->state->resetting = BH_VIRTIO_STATE_PENDING;
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    quiet = !device->started || device->class->quiesce(device, index);
    if (quiet) {
        queue_reset(queue);
    }
    return quiet;
}

void device_quiet(struct device *device)
{
    if (device->state->reset_pending != 0) {
        finish_reset(device);
    } else {
        for (uint32_t i = 0; i < device->nr_queues; i++) {
            if (device->queue[i].state->resetting != 0) {
                queue_reset(&device->queue[i]);
            }
        }
    }
    if (device->quiet != NULL) {
        device->quiet(device);
    }
}

/* What can be told of the registers. */
static bool registers_fit(const struct device *device)
{
    const struct bh_virtio_state *state = device->state;
    uint32_t status = status_of(state);
    bool negotiated = (status & VIRTIO_FEATURES_OK) != 0;

    if (state->status != status + (255u - status) * 256u ||
        (status & ~(DRIVER_BITS | VIRTIO_NEEDS_RESET)) != 0 || state->reset_pending != 0 ||
        state->interrupt_status > (INTERRUPT_USED | INTERRUPT_CONFIG)) {
        return false;
    }
    if (!negotiated) {
        return (status & VIRTIO_DRIVER_OK) == 0;
    }
    return (state->driver_features & ~offered(device)) == 0 &&
           state->features_check == features_check(state->driver_features);
}

static bool recover_queues(struct device *device)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue *q = &device->queue[i];

        if (q->state->resetting == BH_VIRTIO_STATE_PENDING) {
            queue_reset(q); /* what its requests did is over with the backend that began it */
        } else if (q->state->resetting != 0) {
            return false;
        } else if (q->state->ready == 0 ? !queue_is_new(q) : !queue_open(q) || !queue_recover(q)) {
            return false;
        }
    }
    return true;
}

static bool identity_fits(const struct device *device)
{
    const struct bh_virtio_state *state = device->state;

    return state->magic == BH_VIRTIO_STATE_MAGIC && state->identity_check == identity_check(state) &&
           state->layout == BH_VIRTIO_STATE_LAYOUT && state->device_id == device->class->id &&
           state->nr_queues == device->nr_queues && state->queue_max == device->queue_max;
}

/* Nothing is believed of the page any more; what the driver had reached is kept as far as it is a status.
 * Features whose check is wrong say so to every later life, also when this one ends on the way. */
static void give_up(struct device *device)
{
    struct bh_virtio_state *state = device->state;
    uint32_t status = (status_of(state) & DRIVER_BITS) | VIRTIO_NEEDS_RESET;

    state->driver_features = 0;
    state->features_check = 0;
    QUEUE_STEP(QUEUE_RESET_STORE);
    set_status(state, status);
    write_state(device, status);
    device->failed = true;
    interrupt(device, INTERRUPT_CONFIG);
}

/* Whether DEVICE_NEEDS_RESET may be judged anew: a life whose own variables were damaged may have taken a
 * sound ring for a broken one before it ended. Before FEATURES_OK nothing would tell a state that was given
 * up. */
static bool may_go_on(const struct device *device)
{
    uint32_t status = status_of(device->state);

    return (status & VIRTIO_NEEDS_RESET) == 0 || (status & VIRTIO_FEATURES_OK) != 0;
}

static void start(struct device *device)
{
    device->started = true;
    device->more = true;
    device->class->start(device);
}

/* What the driver might have missed. */
static void notify_again(struct device *device)
{
    uint32_t ready = 0;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        ready |= device->queue[i].state->ready;
    }
    if (ready != 0 && device->started && !device->failed) {
        device->state->interrupt_status |= INTERRUPT_USED;
    }
    if (device->state->interrupt_status != 0) {
        device->interrupt(device);
    }
}

void device_init(struct device *device)
{
    struct bh_virtio_state *state = device->state;

    device->failed = false;
    device->started = false;
    device->gone = false;
    device->more = false;
    attach_queues(device);
    if (state->magic == 0) {
        format_state(device);
        return;
    }
    if (!identity_fits(device)) {
        give_up(device);
        return;
    }
    if (state->frontend != device->frontend) {
        format_state(device);
        return;
    }
    if (state->reset_pending == BH_VIRTIO_STATE_PENDING) {
        finish_reset(device);
        return;
    }
    if (!registers_fit(device)) {
        give_up(device);
        return;
    }
    attach_queues(device);
    if (!may_go_on(device)) {
        device->failed = true;
    } else if (!recover_queues(device)) {
        give_up(device);
        return;
    } else {
        set_status(state, status_of(state) & ~VIRTIO_NEEDS_RESET);
        if ((status_of(state) & VIRTIO_DRIVER_OK) != 0) {
            start(device);
        }
    }
    notify_again(device);
}

bool device_run(struct device *device)
{
    device->more = false;
    if (!device->started || device->failed || device->state->reset_pending != 0) {
        return false;
    }
    if (device->class->run(device)) {
        device->more = true; /* or it has been asked for meanwhile */
    }
    return device->more;
}

/* The queue that QueueSel names, or NULL. */
static struct queue *selected(struct device *device)
{
    uint32_t queue = device->state->queue_sel;

    return queue < device->nr_queues ? &device->queue[queue] : NULL;
}

static uint32_t read_features(const struct device *device)
{
    uint64_t features = offered(device);

    switch (device->state->device_features_sel) {
    case 0:
        return (uint32_t)features;
    case 1:
        return (uint32_t)(features >> 32);
    default:
        return 0;
    }
}

static uint32_t read_register(struct device *device, uint32_t offset)
{
    const struct queue *queue = selected(device);

    switch (offset) {
    case REG_MAGIC:
        return MMIO_MAGIC;
    case REG_VERSION:
        return MMIO_VERSION;
    case REG_DEVICE_ID:
        return device->class->id;
    case REG_VENDOR_ID:
        return VIRTIO_VENDOR;
    case REG_DEVICE_FEATURES:
        return read_features(device);
    case REG_QUEUE_NUM_MAX:
        return queue != NULL ? device->queue_max : 0;
    case REG_QUEUE_READY:
        return queue != NULL && queue_is_enabled(queue) ? 1 : 0;
    case REG_INTERRUPT_STATUS:
        return device->state->interrupt_status;
    case REG_STATUS:
        return status_of(device->state);
    case REG_QUEUE_RESET:
        return queue != NULL && queue->state->resetting != 0 ? 1 : 0;
    case REG_CONFIG_GENERATION:
        return device->state->config_generation;
    default:
        /* No shared memory: a length of -1 (4.2.2). */
        return offset >= REG_SHM_LEN_LOW && offset <= REG_SHM_BASE_HIGH ? ~0u : 0;
    }
}

static bool is_config(const struct device *device, uint32_t offset, uint32_t size)
{
    uint32_t config = offset - REG_CONFIG;

    return offset >= REG_CONFIG && (size == 1 || size == 2 || size == 4) && config % size == 0 &&
           config < device->class->config_size && size <= device->class->config_size - config;
}

uint32_t device_read(struct device *device, uint32_t offset, uint32_t size)
{
    if (is_config(device, offset, size)) {
        return device->class->config_read(device, offset - REG_CONFIG, size);
    }
    return offset < REG_CONFIG && size == 4 && offset % 4u == 0 ? read_register(device, offset) : 0;
}

static void write_features(struct device *device, uint32_t value)
{
    struct bh_virtio_state *state = device->state;
    uint64_t low = state->driver_features % (UINT64_C(1) << 32);

    if ((status_of(state) & VIRTIO_FEATURES_OK) != 0) {
        return;
    }
    if (state->driver_features_sel == 0) {
        state->driver_features = state->driver_features - low + value;
    } else if (state->driver_features_sel == 1) {
        state->driver_features = ((uint64_t)value << 32) + low;
    }
}

static bool features_fit(struct device *device)
{
    uint64_t features = device->state->driver_features;

    /* One who offers ACCESS_PLATFORM cannot reach the memory of a driver that does not know it (6.2). */
    return (features & ~offered(device)) == 0 && (features & VIRTIO_F_VERSION_1) != 0 &&
           (offered(device) & ~features & VIRTIO_F_ACCESS_PLATFORM) == 0 &&
           (device->class->features_ok == NULL || device->class->features_ok(device, features));
}

/* True: done. */
static bool write_status(struct device *device, uint32_t value)
{
    struct bh_virtio_state *state = device->state;
    uint32_t status = status_of(state) | (value & DRIVER_BITS);
    uint32_t added = status & ~status_of(state);

    if (value == 0) {
        return begin_reset(device);
    }
    if ((added & VIRTIO_FEATURES_OK) != 0 && (device->failed || !features_fit(device))) {
        status &= ~VIRTIO_FEATURES_OK;
        added &= ~VIRTIO_FEATURES_OK;
    }
    if ((status & VIRTIO_FEATURES_OK) == 0) {
        status &= ~VIRTIO_DRIVER_OK;
        added &= ~VIRTIO_DRIVER_OK;
    }
    if ((added & VIRTIO_FEATURES_OK) != 0) {
        state->features_check = features_check(state->driver_features);
        QUEUE_STEP(DEVICE_REGISTER_STORE);
        attach_queues(device);
    }
    set_status(state, status);
    if ((added & VIRTIO_DRIVER_OK) != 0 && !device->failed) {
        start(device);
    }
    return true;
}

/* True: done. */
static bool write_ready(struct device *device, struct queue *queue, uint32_t value)
{
    struct bh_virtio_state_queue *state = queue->state;

    if (value == 0) {
        return state->ready == 0 || begin_queue_reset(device, queue);
    }
    if (value != 1 || state->ready != 0 || state->resetting != 0 ||
        (status_of(device->state) & VIRTIO_FEATURES_OK) == 0) {
        return true;
    }
    if (queue_open(queue)) {
        queue_enable(queue);
    } else {
        queue_refuse(queue);
        device_needs_reset(device);
    }
    return true;
}

static void set_half(uint64_t *address, bool high, uint32_t value)
{
    uint64_t low = *address % (UINT64_C(1) << 32);

    *address = high ? ((uint64_t)value << 32) + low : *address - low + value;
}

/* Size and addresses, which stand still while the queue is ready. */
static void write_queue(struct queue *queue, uint32_t offset, uint32_t value)
{
    struct bh_virtio_state_queue *state = queue->state;
    bool high = offset % 8u == 4;

    if (state->ready != 0 || state->resetting != 0) {
        return;
    }
    switch (offset) {
    case REG_QUEUE_NUM:
        state->size = value;
        break;
    case REG_QUEUE_DESC_LOW:
    case REG_QUEUE_DESC_HIGH:
        set_half(&state->desc, high, value);
        break;
    case REG_QUEUE_DRIVER_LOW:
    case REG_QUEUE_DRIVER_HIGH:
        set_half(&state->driver, high, value);
        break;
    case REG_QUEUE_DEVICE_LOW:
    case REG_QUEUE_DEVICE_HIGH:
        set_half(&state->device, high, value);
        break;
    default:
        break;
    }
}

/* True: done. */
static bool write_register(struct device *device, uint32_t offset, uint32_t value)
{
    struct queue *queue = selected(device);

    switch (offset) {
    case REG_DEVICE_FEATURES_SEL:
        device->state->device_features_sel = value;
        return true;
    case REG_DRIVER_FEATURES_SEL:
        device->state->driver_features_sel = value;
        return true;
    case REG_DRIVER_FEATURES:
        write_features(device, value);
        return true;
    case REG_QUEUE_SEL:
        device->state->queue_sel = value;
        return true;
    case REG_INTERRUPT_ACK:
        device->state->interrupt_status &= ~value;
        return true;
    case REG_QUEUE_READY:
        return queue == NULL || write_ready(device, queue, value);
    case REG_QUEUE_RESET:
        /* The driver looks itself whether it is over. */
        if (queue != NULL && value == 1 && queue->state->ready != 0 &&
            device_has(device, VIRTIO_F_RING_RESET)) {
            (void)begin_queue_reset(device, queue);
        }
        return true;
    default:
        if (queue != NULL) {
            write_queue(queue, offset, value);
        }
        return true;
    }
}

bool device_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    bool done = true;

    if (device->state->reset_pending != 0) {
        /* Nothing but the reset; it is not over for any vCPU that asked for it. */
        return !(offset == REG_STATUS && size == 4 && value == 0);
    }
    if (is_config(device, offset, size)) {
        device->class->config_write(device, offset - REG_CONFIG, size, value);
    } else if (offset < REG_CONFIG && size == 4 && offset % 4u == 0) {
        done = offset == REG_STATUS ? write_status(device, value) : write_register(device, offset, value);
    }
    QUEUE_STEP(DEVICE_REGISTER_STORE);
    return done;
}
