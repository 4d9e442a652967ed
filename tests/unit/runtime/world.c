/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "runtime/arch.h"
#include "runtime/backend.h"
#include "runtime/crash.h"
#include "runtime/hypercall.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"

enum { TREE_SIZE = 4096, MAX_HANDLERS = 8, MAX_ROUNDS = 1000 };

struct world world;
static uint64_t tree[TREE_SIZE / 8];
static struct {
    uint32_t first, ports;
    struct source *source;
} handlers[MAX_HANDLERS];
static uint32_t nr_handlers;
static struct source *ready[64];
static uint32_t nr_ready;
static void (*before_idle)(void);

/* ---- the runtime's other parts */

void source_ready(struct source *source)
{
    if (!source->ready) {
        source->ready = true;
        ready[nr_ready++] = source;
    }
}

void event_handle(uint32_t first, uint32_t ports, struct source *source)
{
    handlers[nr_handlers].first = first;
    handlers[nr_handlers].ports = ports;
    handlers[nr_handlers++].source = source;
}

void loop_before_idle(void (*look)(void))
{
    before_idle = look;
}

void *arena_alloc(size_t size, size_t align, const char *what)
{
    (void)align;
    (void)what;
    return calloc(1, size != 0 ? size : 1);
}

void memory_map(uint64_t address, uint64_t size, enum memory_kind kind)
{
    (void)address;
    (void)size;
    (void)kind;
}

_Noreturn void crash(const char *why, const char *what)
{
    fprintf(stderr, "crash: %s%s\n", why, what);
    abort();
}

void log_begin(const char *text)
{
    (void)text;
}

void log_put(const char *format, const uint64_t *values)
{
    (void)format;
    (void)values;
}

void log_end(void)
{
}

void write32(uintptr_t at, uint32_t value)
{
    *(uint32_t *)at += value;
}

/* ---- the hypervisor */

int64_t grant_table_op(uint32_t command, void *operations, uint32_t count)
{
    (void)command;
    (void)operations;
    (void)count;
    fail_msg("nothing is granted here");
    return -1;
}

int64_t serve(uint16_t frontend, uint16_t server, uint32_t enabled)
{
    assert_int_equal(frontend, DOMID);
    assert_int_equal(server, SERVER);
    if (enabled == 0) {
        world.rests++;
        return 0;
    }
    assert_int_equal(enabled, 1);
    world.serves++;
    if (world.incarnation_at_serve != 0) {
        world.page.tail.incarnation = world.incarnation_at_serve;
        world.incarnation_at_serve = 0;
    }
    world.page.tail.attached = world.serve_result == 0;
    return world.serve_result;
}

int64_t event_send(uint32_t port)
{
    assert_in_range(port, FIRST_PORT, FIRST_PORT + VCPUS - 1);
    world.sends[port - FIRST_PORT]++;
    return 0;
}

/* ---- the devices */

static uint32_t number_of(const struct device *device)
{
    return device == world.devices[0] ? 0 : 1;
}

void device_init(struct device *device)
{
    world.inits[number_of(device)]++;
}

bool device_frontend_gone(struct device *device, uint32_t frontend)
{
    world.gones[number_of(device)]++;
    world.gone_as = frontend;
    return !world.gone_delay;
}

uint32_t device_read(struct device *device, uint32_t offset, uint32_t size)
{
    (void)device;
    world.reads++;
    world.offset = offset;
    world.size = size;
    return 0x12345678;
}

bool device_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    world.writes++;
    world.offset = offset;
    world.size = size;
    world.value = value;
    return !world.delay;
}

bool device_run(struct device *device)
{
    uint32_t number = number_of(device);

    world.runs[number]++;
    device->more = world.more_once || (number == 0 && world.busy != 0);
    world.more_once = false;
    if (number != 0) {
        world.busy_still = world.busy;
    } else if (world.busy != 0) {
        world.busy--;
    }
    return device->more;
}

/* ---- */

static void put64(const char *name, const uint64_t *values, uint32_t nr)
{
    uint64_t bytes[8];

    for (uint32_t i = 0; i < nr; i++) {
        bytes[i] = cpu_to_fdt64(values[i]);
    }
    fdt_property(tree, name, bytes, (int)(nr * 8));
}

static void add_device(uint32_t n)
{
    const uint64_t reg[] = {WORLD_BASE + n * 0x200, 0x200, (uintptr_t)world.states[n],
                            sizeof world.states[n]};
    const uint64_t word = (uintptr_t)&world.words[n];
    char name[16];

    snprintf(name, sizeof name, "device@%u", n);
    fdt_begin_node(tree, name);
    fdt_property_string(tree, "compatible", "bulkhead,virtio");
    fdt_property_string(tree, "bulkhead,class", "test");
    fdt_property_string(tree, "bulkhead,buffers", n == 0 ? "all" : "bounce");
    put64("reg", reg, 4);
    put64("bulkhead,interrupt", &word, 1);
    fdt_property_u32(tree, "bulkhead,port", BELL_PORT + n);
    fdt_property_u32(tree, "bulkhead,queues", 1);
    fdt_property_u32(tree, "bulkhead,queue-max", 8);
    fdt_end_node(tree);
}

static void make_tree(void)
{
    const uint64_t reg[] = {(uintptr_t)&world.page, 0x1000};
    const uint64_t windows[] = {0x40000000, 0x100000, 0x140000000};

    fdt_create(tree, TREE_SIZE);
    fdt_finish_reservemap(tree);
    fdt_begin_node(tree, "");
    fdt_begin_node(tree, "bulkhead-backend");
    fdt_property_string(tree, "compatible", "bulkhead,backend-v1");
    fdt_begin_node(tree, "frontend@7");
    fdt_property_string(tree, "compatible", "bulkhead,frontend-v1");
    put64("reg", reg, 2);
    put64("bulkhead,windows", windows, 3);
    fdt_property_u32(tree, "bulkhead,domid", DOMID);
    fdt_property_u32(tree, "bulkhead,server", SERVER);
    fdt_property_u32(tree, "bulkhead,vcpus", VCPUS);
    fdt_property_u32(tree, "bulkhead,first-port", FIRST_PORT);
    for (uint32_t i = 0; i < WORLD_DEVICES; i++) {
        add_device(i);
    }
    fdt_end_node(tree);
    fdt_end_node(tree);
    fdt_end_node(tree);
    assert_int_equal(fdt_finish(tree), 0);
}

static void create(struct device *device, tree_node node, const char *frontend)
{
    uint32_t n = (uint32_t)tree_number(node, "bulkhead,port", 0, 1, 0) - BELL_PORT;

    assert_non_null(frontend);
    assert_int_equal(device->memory->nr, 1);
    assert_int_equal(device->memory->windows[0].address, 0x40000000);
    assert_int_equal((uintptr_t)device->memory->windows[0].local, 0x140000000);
    world.devices[n] = device;
}

void world_start(void)
{
    static const struct backend_class classes[] = {{"other", NULL}, {"test", create}};

    nr_handlers = nr_ready = 0;
    make_tree();
    assert_true(tree_open(tree));
    backend_start(classes, 2);
    for (uint32_t i = 0; i < nr_handlers; i++) {
        source_ready(handlers[i].source); /* after a start every port is pending once */
    }
}

void world_loop(void)
{
    for (uint32_t rounds = 0; rounds < MAX_ROUNDS; rounds++) {
        struct source *source = ready[0];

        if (nr_ready == 0) {
            before_idle();
            if (nr_ready == 0) {
                return;
            }
            continue;
        }
        memmove(ready, ready + 1, --nr_ready * sizeof ready[0]);
        source->ready = false;
        source->run(source);
    }
    fail_msg("the loop never sleeps");
}

void world_event(uint32_t port)
{
    for (uint32_t i = 0; i < nr_handlers; i++) {
        if (port - handlers[i].first < handlers[i].ports) {
            source_ready(handlers[i].source);
        }
    }
}

void world_frontend_starts(uint32_t incarnation)
{
    world.page.tail.incarnation = incarnation;
    world.page.tail.attached = 0;
    world_event(FIRST_PORT);
}

void world_frontend_stops(void)
{
    world.page.tail.attached = 0;
    world_event(FIRST_PORT);
}

void world_request(uint32_t vcpu, uint64_t address, uint32_t size, bool read, uint64_t data)
{
    world.page.slot[vcpu] = (struct bh_ioreq){.address = address,
                                              .data = data,
                                              .count = 1,
                                              .size = size,
                                              .type = BH_IOREQ_COPY,
                                              .state = (read ? BH_IOREQ_READ : 0) | BH_IOREQ_READY};
    world_event(FIRST_PORT + vcpu);
}

uint32_t world_slot(uint32_t vcpu)
{
    return world.page.slot[vcpu].state & BH_IOREQ_STATE_MASK;
}
