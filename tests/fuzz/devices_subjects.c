/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include "devices/block.h"
#include "devices/console.h"
#include "devices/entropy.h"
#include "devices/net.h"

#include <stdlib.h>
#include <string.h>

static void no_check(void)
{
}

/* The bare ring: answers some chains at once, some later, some never. */
static struct queue_chain ring_chain;
static uint16_t ring_kept[DEVICE_MAX_QUEUES];
static bool ring_again[DEVICE_MAX_QUEUES];

static void ring_touch(const struct queue_chain *chain)
{
    for (uint32_t i = 0; i < (uint32_t)chain->nr_readable + chain->nr_writable; i++) {
        volatile uint8_t *data = chain->buffers[i].data;
        uint32_t last = chain->buffers[i].length - 1;

        if (i < chain->nr_readable) {
            (void)data[0];
            (void)data[last];
        } else {
            data[0] = (uint8_t)i;
            data[last] = (uint8_t)i;
        }
    }
}

static void ring_start(struct device *device)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        uint64_t order = 0;
        struct queue *queue = device_queue(device, i);

        while (queue != NULL && queue_again(queue, &order, &ring_chain) == QUEUE_OK) {
            ring_touch(&ring_chain);
        }
        ring_kept[i] = 0xffff;
    }
}

static bool ring_run(struct device *device)
{
    struct queue *queue;

    for (uint32_t i = 0; i < device->nr_queues; i++) {
        for (uint32_t k = 0; k < 64 && (queue = device_queue(device, i)) != NULL; k++) {
            enum queue_status status = queue_take(queue, &ring_chain);

            if (status == QUEUE_BROKEN) {
                device_needs_reset(device);
            } else if (status == QUEUE_EMPTY) {
                if (!queue_ask(queue, k % 2 == 0)) {
                    break;
                }
            } else {
                uint16_t heads[2] = {ring_chain.head, ring_kept[i]};
                uint32_t written[2] = {(uint32_t)ring_chain.writable, 0};

                ring_touch(&ring_chain);
                if (ring_chain.head % 4 == 1) {
                    ring_kept[i] = ring_chain.head;
                } else if (ring_chain.head % 4 != 2) {
                    device_complete(device, i, heads, written, ring_kept[i] != 0xffff ? 2 : 1);
                    ring_kept[i] = 0xffff;
                }
            }
        }
    }
    return false;
}

static bool ring_quiesce(struct device *device, uint32_t queue)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        if (queue == i || queue == DEVICE_ALL_QUEUES) {
            ring_kept[i] = 0xffff;
            ring_again[i] = false;
        }
    }
    return true;
}

static const struct device_class ring_class = {
    .id = 99, .start = ring_start, .run = ring_run, .quiesce = ring_quiesce};

static void ring_create(struct device *device)
{
    device->class = &ring_class;
}

static void ring_step(struct device *device, uint8_t byte)
{
    uint32_t queue = byte % device->nr_queues;
    uint16_t head = ring_kept[queue];

    if (device->started && head != 0xffff && byte >= 128) {
        ring_kept[queue] = 0xffff;
        device_complete(device, queue, &head, &(uint32_t){0}, 1);
    }
}

/* Block: sectors [8, 40) of a disk of 64. */
#define FIRST   8u
#define SECTORS 32u
#define ALL     64u

static uint8_t medium[ALL * DISK_SECTOR];
static struct disk disk;
static struct block block;
static struct block_request block_requests[4];
static struct disk_request *disk_requests[3];
static uint32_t disk_waiting;
static bool disk_refused;

static bool disk_submit(struct disk *d, struct disk_request *request)
{
    (void)d;
    if (disk_waiting == 3) {
        disk_refused = true;
        return false;
    }
    disk_requests[disk_waiting++] = request;
    return true;
}

static void block_create(struct device *device)
{
    memset(&disk, 0, sizeof(disk));
    disk_waiting = 0;
    disk_refused = false;
    disk.sectors = ALL;
    disk.has_flush = disk.has_discard = disk.has_write_zeroes = true;
    disk.submit = disk_submit;
    memset(&block, 0, sizeof(block));
    memset(block_requests, 0xa5, sizeof(block_requests));
    block.disk = &disk;
    block.first = FIRST;
    block.sectors = SECTORS;
    block.requests = block_requests;
    block.nr_requests = 4;
    if (!block_init(&block, device)) {
        abort();
    }
}

static void block_step(struct device *device, uint8_t byte)
{
    struct disk_request *request;
    uint8_t *at;
    uint64_t bytes;

    (void)device;
    if (disk_waiting == 0) {
        return;
    }
    request = disk_requests[byte % disk_waiting];
    disk_requests[byte % disk_waiting] = disk_requests[disk_waiting - 1];
    disk_waiting--;
    if (request->operation != DISK_FLUSH &&
        (request->sector < FIRST || request->sector + request->sectors > FIRST + SECTORS)) {
        abort();
    }
    at = medium + request->sector * DISK_SECTOR;
    bytes = request->sectors * DISK_SECTOR;
    for (uint32_t i = 0; i < request->nr_buffers; i++) {
        const struct queue_buffer *buffer = &request->buffers[i];

        if (buffer->length > bytes) {
            abort();
        }
        memmove(request->operation == DISK_READ ? buffer->data : at,
                request->operation == DISK_READ ? at : buffer->data, buffer->length);
        at += buffer->length;
        bytes -= buffer->length;
    }
    request->done(request, byte < 240);
    if (disk_refused) {
        disk_refused = false;
        disk.ready(&disk);
    }
}

static void block_check(void)
{
    for (uint32_t i = 0; i < FIRST * DISK_SECTOR; i++) {
        if (medium[i] != 0 || medium[(FIRST + SECTORS) * DISK_SECTOR + i] != 0) {
            abort();
        }
    }
}

/* Net: the frontend's port and the uplink. */
static struct net net;
static struct net_port port;
static struct link uplink;
static uint8_t frame_room[1518];
static uint64_t now;

static uint8_t *link_reserve(struct link *link)
{
    (void)link;
    return now % 7 == 0 ? NULL : frame_room;
}

static void link_send(struct link *link, uint32_t length, const struct link_checksum *checksum)
{
    (void)link;
    (void)checksum;
    if (length < 14 || length > sizeof(frame_room)) {
        abort();
    }
}

static uint64_t net_clock(struct net *n)
{
    (void)n;
    return now += 1000;
}

static void net_set_alarm(struct net *n, uint64_t when)
{
    (void)n;
    (void)when;
}

static void net_create(struct device *device)
{
    memset(&net, 0, sizeof(net));
    memset(&port, 0, sizeof(port));
    memset(&uplink, 0, sizeof(uplink));
    uplink.mtu = 1500;
    uplink.up = true;
    uplink.reserve = link_reserve;
    uplink.send = link_send;
    net.uplink = &uplink;
    net.clock = net_clock;
    net.alarm = net_set_alarm;
    net_init(&net);
    port.device = device;
    port.rules.any_source = true;
    memcpy(port.rules.mac, (uint8_t[]){0x52, 0x42, 0x48, 0, 1, 0}, 6);
    port.rate_kbit = 100000;
    if (!net_add(&net, &port)) {
        abort();
    }
}

static void net_step(struct device *device, uint8_t byte)
{
    static uint8_t frame[1518];
    struct link_checksum checksum = {byte % 2 != 0, byte % 3 == 0, 34, 16};

    (void)device;
    now += 1000000;
    if (byte % 4 == 0) {
        net_alarm(&net);
    } else if (byte % 4 == 1) {
        uplink.ready(&uplink);
    } else {
        memcpy(frame, port.rules.mac, 6);
        frame[6] = 2;
        frame[11] = byte;
        uplink.receive(&uplink, frame, 60 + byte * 5u, &checksum);
    }
}

/* Console: two ports on one terminal. */
static struct console_mux mux;
static struct console console;
static struct text terminal;
static uint32_t terminal_room;

static uint32_t terminal_put(struct text *text, const uint8_t *data, uint32_t length)
{
    uint32_t part = length < terminal_room ? length : terminal_room;

    (void)text;
    for (uint32_t i = 0; i < part; i++) {
        (void)((const volatile uint8_t *)data)[i];
    }
    terminal_room -= part;
    return part;
}

static void console_create(struct device *device)
{
    memset(&mux, 0, sizeof(mux));
    memset(&console, 0, sizeof(console));
    memset(&terminal, 0, sizeof(terminal));
    terminal.put = terminal_put;
    console_mux_init(&mux, &terminal);
    console.device = device;
    console.name = "F";
    if (!console_add(&mux, &console)) {
        abort();
    }
}

static void console_step(struct device *device, uint8_t byte)
{
    (void)device;
    terminal_room = byte * 4u;
    if (byte % 2 != 0) {
        terminal.ready(&terminal);
    } else {
        terminal.input(&terminal, &byte, 1);
    }
}

static struct entropy entropy;
static struct entropy_source source;
static uint8_t *source_at;
static uint32_t source_wants;

static void source_request(struct entropy_source *s, uint8_t *data, uint32_t length)
{
    (void)s;
    source_at = data;
    source_wants = length;
}

static void entropy_create(struct device *device)
{
    source_at = NULL;
    source.request = source_request;
    memset(&entropy, 0, sizeof(entropy));
    entropy_init(&entropy, &source);
    if (!entropy_add(&entropy, device)) {
        abort();
    }
}

static void entropy_step(struct device *device, uint8_t byte)
{
    uint8_t *at = source_at;
    uint32_t length = byte < source_wants ? byte : source_wants;

    (void)device;
    if (at != NULL) {
        source_at = NULL;
        memset(at, byte, length);
        entropy_arrived(&source, length);
    }
}

const struct subject subjects[NR_SUBJECTS] = {
    {"ring", 2, ring_create, ring_step, no_check},
    {"block", 2, block_create, block_step, block_check},
    {"net", 2, net_create, net_step, no_check},
    {"console", 6, console_create, console_step, no_check},
    {"entropy", 1, entropy_create, entropy_step, no_check},
    {"gpio", 2, gpio_create, gpio_step, gpio_check},
};
