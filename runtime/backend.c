/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/backend.h"

#include <bulkhead/ioreq.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/grants.h"
#include "runtime/hypercall.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"

struct hosted {
    struct device device;
    struct source run; /* device_run() */
    struct hosted *next;
    struct frontend *frontend;
    struct dev_memory granted; /* if it sees what its frontend grants */
    uint64_t base, size;       /* its registers, in the frontend */
    uintptr_t bell;            /* a store there interrupts the frontend */
    uint32_t waiting;          /* vCPUs whose write is answered when the device is quiet */
    bool leaving;              /* of an earlier incarnation of the frontend, and not yet quiet */
};

/* A domain that is served. It is attached by its first request or restart; before that its rings cannot be
 * seen, so nothing of its devices is looked at. */
struct frontend {
    struct source source; /* requests, or the frontend has stopped or started */
    struct frontend *next;
    struct bh_ioreq_page *page;
    const char *name;
    uint16_t domid, server;
    uint32_t vcpus, first_port;
    uint32_t incarnation; /* that the devices are of */
    bool begun;           /* the devices are initialised */
    bool attached;
    struct hosted *devices;
    struct dev_memory memory;
};

enum { LOOK_EVERY = 16 };

static struct frontend *frontends;
static uint32_t runs; /* of devices */

static struct hosted *hosted_of(struct device *device)
{
    return device->host;
}

static void interrupt(struct device *device)
{
    DSB(); /* what the frontend is told of comes first */
    write32(hosted_of(device)->bell, 1);
}

static void answer(struct frontend *frontend, uint32_t vcpu)
{
    struct bh_ioreq *slot = &frontend->page->slot[vcpu];
    uint8_t direction = slot->state & BH_IOREQ_READ;

    __atomic_store_n(&slot->state, (uint8_t)(direction | BH_IOREQ_RESPONSE), __ATOMIC_RELEASE);
    (void)event_send(frontend->first_port + vcpu);
}

static void quiet(struct device *device)
{
    struct hosted *hosted = hosted_of(device);

    for (uint32_t waiting = hosted->waiting; waiting != 0; waiting &= waiting - 1) {
        answer(hosted->frontend, (uint32_t)__builtin_ctz(waiting));
    }
    hosted->waiting = 0;
    if (hosted->leaving) {
        hosted->leaving = false;
        source_ready(&hosted->frontend->source);
    }
}

static struct hosted *find_device(struct frontend *frontend, uint64_t address, uint32_t size)
{
    for (struct hosted *hosted = frontend->devices; hosted != NULL; hosted = hosted->next) {
        if (address - hosted->base < hosted->size && size <= hosted->size - (address - hosted->base)) {
            return hosted;
        }
    }
    return NULL;
}

/* False: it is answered later. */
static bool serve_access(struct frontend *frontend, uint32_t vcpu, struct bh_ioreq *slot)
{
    struct hosted *hosted = find_device(frontend, slot->address, slot->size);
    uint32_t offset;

    if (slot->type != BH_IOREQ_COPY || hosted == NULL) {
        slot->data = UINT64_MAX;
        return true;
    }
    offset = (uint32_t)(slot->address - hosted->base);
    if ((slot->state & BH_IOREQ_READ) != 0) {
        slot->data = device_read(&hosted->device, offset, slot->size);
        return true;
    }
    if (device_write(&hosted->device, offset, slot->size, (uint32_t)slot->data)) {
        return true;
    }
    hosted->waiting |= 1u << vcpu;
    return false;
}

static void serve_slots(struct frontend *frontend)
{
    for (uint32_t vcpu = 0; vcpu < frontend->vcpus; vcpu++) {
        struct bh_ioreq *slot = &frontend->page->slot[vcpu];
        uint8_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);

        if ((state & BH_IOREQ_STATE_MASK) != BH_IOREQ_READY) {
            continue;
        }
        __atomic_store_n(&slot->state, (uint8_t)((state & BH_IOREQ_READ) | BH_IOREQ_INPROCESS),
                         __ATOMIC_RELAXED);
        if (serve_access(frontend, vcpu, slot)) {
            answer(frontend, vcpu);
        }
    }
}

static void run_devices(struct frontend *frontend)
{
    for (struct hosted *hosted = frontend->devices; hosted != NULL; hosted = hosted->next) {
        source_ready(&hosted->run);
    }
}

/* The devices forget the frontend, whose next life is `incarnation`. False: one of them is not yet quiet. */
static bool leave(struct frontend *frontend, uint32_t incarnation)
{
    bool is_quiet = true;

    for (struct hosted *hosted = frontend->devices; hosted != NULL; hosted = hosted->next) {
        hosted->waiting = 0; /* nobody waits for these answers any more */
        if (frontend->incarnation != incarnation) {
            hosted->leaving = !device_frontend_gone(&hosted->device, incarnation);
        }
        is_quiet = is_quiet && !hosted->leaving;
    }
    frontend->incarnation = incarnation;
    return is_quiet;
}

static void begin(struct frontend *frontend, uint32_t incarnation)
{
    frontend->begun = true;
    frontend->incarnation = incarnation;
    for (struct hosted *hosted = frontend->devices; hosted != NULL; hosted = hosted->next) {
        hosted->device.frontend = incarnation;
        device_init(&hosted->device);
    }
    log_line("%s: served, incarnation %u", frontend->name, incarnation);
}

/* False: not now; there will be an event. */
static bool attach(struct frontend *frontend)
{
    const struct bh_ioreq_tail *tail = &frontend->page->tail;
    uint32_t incarnation = __atomic_load_n(&tail->incarnation, __ATOMIC_ACQUIRE);

    for (;;) {
        uint32_t now;

        if (frontend->begun && !leave(frontend, incarnation)) {
            return false;
        }
        if (serve(frontend->domid, frontend->server, 1) != 0) {
            return false;
        }
        now = __atomic_load_n(&tail->incarnation, __ATOMIC_ACQUIRE);
        if (now == incarnation) { /* else it has been started again meanwhile, and perhaps is not attached */
            if (!frontend->begun) {
                begin(frontend, now);
            }
            return true;
        }
        incarnation = now;
    }
}

/* An event of the frontend's requests. Its devices leave a frontend that has stopped before it starts again,
 * with the number that this start will have. */
static void look(struct source *source)
{
    struct frontend *frontend = (struct frontend *)source; /* its first member */
    const struct bh_ioreq_tail *tail = &frontend->page->tail;
    uint32_t incarnation = __atomic_load_n(&tail->incarnation, __ATOMIC_ACQUIRE);

    if (frontend->attached && __atomic_load_n(&tail->attached, __ATOMIC_ACQUIRE) == 0) {
        frontend->attached = false;
        if (incarnation == frontend->incarnation) {
            (void)leave(frontend, incarnation + 1);
            log_line("%s: has stopped", frontend->name);
        }
    } else if (incarnation != frontend->incarnation) {
        frontend->attached = false;
    }
    if (!frontend->attached) {
        if (frontend->begun && (int32_t)(incarnation - frontend->incarnation) < 0) {
            if (leave(frontend, frontend->incarnation)) {
                (void)serve(frontend->domid, frontend->server, 0); /* nothing is in flight any more */
            }
            return; /* stopped, and not started again */
        }
        if (!attach(frontend)) {
            return;
        }
        frontend->attached = true;
        run_devices(frontend);
    }
    serve_slots(frontend);
}

/* A driver has called back into a class, or one device into another: who wants to go on? */
static void look_for_more(void)
{
    for (struct frontend *frontend = frontends; frontend != NULL; frontend = frontend->next) {
        for (struct hosted *hosted = frontend->devices; frontend->attached && hosted != NULL;
             hosted = hosted->next) {
            if (hosted->device.more) {
                source_ready(&hosted->run);
            }
        }
    }
}

/* A doorbell, or the device wants to go on. */
static void run(struct source *source)
{
    struct hosted *hosted = (struct hosted *)((uintptr_t)source - offsetof(struct hosted, run));

    if (hosted->frontend->attached && device_run(&hosted->device)) {
        source_ready(source);
    }
    runs = (runs + 1) % LOOK_EVERY;
    if (runs == 0) { /* a frontend that never stops ringing keeps the loop from idling */
        look_for_more();
    }
}

static void *alloc(uint64_t size, const char *what)
{
    return arena_alloc(size, 16, what);
}

static uint64_t number(tree_node node, const char *name, uint32_t at, uint32_t cells)
{
    uint64_t value = tree_number(node, name, at, cells, UINT64_MAX);

    if (value == UINT64_MAX) {
        crash("/bulkhead-backend lacks ", name);
    }
    return value;
}

static void read_windows(struct frontend *frontend, tree_node node)
{
    uint32_t bytes = 0, nr;
    struct dev_window *windows;

    (void)tree_property(node, "bulkhead,windows", &bytes);
    nr = bytes / 24;
    windows = alloc(nr * sizeof *windows, "windows");
    for (uint32_t i = 0; i < nr; i++) {
        windows[i].address = number(node, "bulkhead,windows", i * 6, 2);
        windows[i].size = number(node, "bulkhead,windows", i * 6 + 2, 2);
        windows[i].local = (uint8_t *)(uintptr_t)number(node, "bulkhead,windows", i * 6 + 4, 2);
        memory_map((uintptr_t)windows[i].local, windows[i].size, MEMORY_NORMAL);
    }
    frontend->memory = (struct dev_memory){.windows = windows, .nr = nr};
}

static void create(struct hosted *hosted, tree_node node, const struct backend_class *classes, uint32_t nr)
{
    const char *class = tree_text(node, "bulkhead,class");

    for (uint32_t i = 0; class != NULL && i < nr; i++) {
        if (text_equal(classes[i].name, class)) {
            classes[i].create(&hosted->device, node, hosted->frontend->name);
            return;
        }
    }
    crash("this domain does not serve the class ", class != NULL ? class : "of a device without one");
}

static struct hosted *add_device(struct frontend *frontend, tree_node node,
                                 const struct backend_class *classes, uint32_t nr)
{
    struct hosted *hosted = alloc(sizeof *hosted, "devices");
    struct device *device = &hosted->device;
    uint64_t state = number(node, "reg", 4, 2), size = number(node, "reg", 6, 2);
    const char *buffers = tree_text(node, "bulkhead,buffers");

    hosted->frontend = frontend;
    hosted->base = number(node, "reg", 0, 2);
    hosted->size = number(node, "reg", 2, 2);
    hosted->bell = number(node, "bulkhead,interrupt", 0, 2);
    hosted->run.run = run;
    device->host = hosted;
    device->memory = &frontend->memory;
    device->nr_queues = (uint32_t)number(node, "bulkhead,queues", 0, 1);
    device->queue_max = (uint32_t)number(node, "bulkhead,queue-max", 0, 1);
    device->state = (struct bh_virtio_state *)(uintptr_t)state;
    device->interrupt = interrupt;
    device->quiet = quiet;
    if (device->nr_queues > DEVICE_MAX_QUEUES || device->queue_max > 32768 ||
        BH_VIRTIO_STATE_BYTES((uint64_t)device->nr_queues, device->queue_max) > size) {
        crash("too many queues for the state page: ", tree_name(node));
    }
    memory_map(state, size, MEMORY_NORMAL);
    memory_map(hosted->bell, 4, MEMORY_DEVICE);
    create(hosted, node, classes, nr);
    if (buffers != NULL && !text_equal(buffers, "all")) { /* its driver uses the DMA interface */
        device->features |= VIRTIO_F_ACCESS_PLATFORM;
    }
    if (tree_has(node, "bulkhead,grants")) {
        hosted->granted.mapper = grants_create(frontend->domid, number(node, "bulkhead,grants", 0, 2),
                                               number(node, "bulkhead,grants", 2, 2));
        device->memory = &hosted->granted;
    }
    event_handle((uint32_t)number(node, "bulkhead,port", 0, 1), 1, &hosted->run);
    return hosted;
}

static void add_frontend(tree_node node, const struct backend_class *classes, uint32_t nr)
{
    struct frontend *frontend = alloc(sizeof *frontend, "frontends");
    uint64_t page = number(node, "reg", 0, 2);
    struct hosted **last = &frontend->devices;
    const char *name = tree_text(node, "bulkhead,name");

    frontend->source.run = look;
    frontend->page = (struct bh_ioreq_page *)(uintptr_t)page;
    frontend->name = name != NULL ? name : "";
    frontend->domid = (uint16_t)number(node, "bulkhead,domid", 0, 1);
    frontend->server = (uint16_t)number(node, "bulkhead,server", 0, 1);
    frontend->vcpus = (uint32_t)number(node, "bulkhead,vcpus", 0, 1);
    frontend->first_port = (uint32_t)number(node, "bulkhead,first-port", 0, 1);
    if (frontend->vcpus > BH_IOREQ_MAX_VCPUS) {
        crash("too many vCPUs: ", frontend->name);
    }
    memory_map(page, sizeof *frontend->page, MEMORY_NORMAL);
    read_windows(frontend, node);
    for (tree_node child = tree_child(node); child != TREE_NONE; child = tree_sibling(child)) {
        if (tree_compatible(child, "bulkhead,virtio")) {
            *last = add_device(frontend, child, classes, nr);
            last = &(*last)->next;
        }
    }
    event_handle(frontend->first_port, frontend->vcpus, &frontend->source);
    source_ready(&frontend->source);
    frontend->next = frontends;
    frontends = frontend;
}

void backend_start(const struct backend_class *classes, uint32_t nr)
{
    tree_node node = tree_find(TREE_NONE, "bulkhead,backend-v1");

    if (node == TREE_NONE) {
        log_line("no devices to serve");
        return;
    }
    for (tree_node child = tree_child(node); child != TREE_NONE; child = tree_sibling(child)) {
        if (tree_compatible(child, "bulkhead,frontend-v1")) {
            add_frontend(child, classes, nr);
        }
    }
    loop_before_idle(look_for_more);
}
