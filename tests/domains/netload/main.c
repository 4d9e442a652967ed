/* SPDX-License-Identifier: Apache-2.0 */
/* A frontend that sends and receives frames: virtio-mmio, whether a driver domain serves it or QEMU's device
 * was passed through. Boot arguments (numbers; the default in brackets): count [0]      frames that it sends,
 * then it stops; 0: none, it receives and answers endless [0]    1: it goes on sending warm [0]     frames
 * before them that do not count to [0]         the domain that they are for; 0: nobody in this machine, so
 * that they leave by the uplink bytes [1514]   of a frame                                    verify [0]   1:
 * fill each, and compare window [8]     frames, then it waits for the answer to the last one; 0: it waits for
 * room only wait-ms [20]   for an answer that may be lost, then it goes on report [0]     a line every so
 * many frames sent stations [1]   addresses that it sends from in turn: its own, and others that differ in
 * the fourth byte "LOAD" begins each line. Times are ticks of the counter. */
#include <stddef.h>

#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/confined.h"
#include "runtime/drivers/links.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"
#include "tests/domains/marker.h"

enum { MAC = 6, MAX_BYTES = 1514, MIN_BYTES = 60 };
enum kind { PLAIN = 1, ASKS, ANSWER };

/* What a frame begins with; `kind` other than PLAIN is at a window's end. */
struct head {
    uint8_t to[MAC], from[MAC], type[2];
    uint8_t kind, unused;
    uint32_t number;
};

static struct {
    uint32_t count, warm, to, bytes, verify, window, wait_ms, report, endless, pause_us, stations;
} load;

static struct {
    uint64_t sent, received, answers, lost, wrong, first, began, slowest, slowest_since;
} seen;

static struct link *net;
static struct source sender;
static struct alarm late, pause;
static bool waiting; /* for an answer */

static bool is_over(void)
{
    return load.endless == 0 && seen.sent == (uint64_t)load.warm + load.count;
}

static uint8_t *begin_frame(const uint8_t *to, enum kind kind, uint32_t number)
{
    static const uint8_t type[2] = {0x88, 0xb5}; /* IEEE 802: for local experiments */
    uint8_t *room = net->reserve(net);
    struct head *head = (struct head *)(void *)room;

    if (room == NULL) {
        return NULL;
    }
    memcpy(head->to, to, MAC);
    memcpy(head->from, net->mac, MAC);
    memcpy(head->type, type, sizeof type);
    head->kind = (uint8_t)kind;
    head->number = number;
    return room;
}

static void send_frame(uint32_t bytes)
{
    static const struct link_checksum none;

    net->send(net, bytes, &none);
}

static uint8_t byte_of(uint32_t number, uint32_t i)
{
    return (uint8_t)(number * 7 + i);
}

static bool is_right(const uint8_t *frame, uint32_t number, uint32_t bytes)
{
    for (uint32_t i = sizeof(struct head); i < bytes; i++) {
        if (frame[i] != byte_of(number, i)) {
            return false;
        }
    }
    return true;
}

static void end(void)
{
    uint64_t ticks = ticks_now() - seen.first;

    marker_end();
    log_begin("LOAD done");
    log_add(" frames=%u bytes=%u ticks=%u slowest=%u", load.count, load.bytes, ticks, seen.slowest);
    log_add(" answers=%u lost=%u wrong=%u", seen.answers, seen.lost, seen.wrong);
    log_end();
    log_line("GUEST DONE");
}

/* The answer to a window has come, or does not come any more. */
static void account(void)
{
    uint64_t ticks = ticks_now() - seen.began;

    if (seen.sent > load.warm && ticks > seen.slowest) {
        seen.slowest = ticks;
    }
    if (ticks > seen.slowest_since) {
        seen.slowest_since = ticks;
    }
    if (load.report != 0 && seen.sent % load.report == 0) {
        log_begin("LOAD now");
        log_add(" %u ticks=%u slowest=%u lost=%u", seen.sent, ticks_now(), seen.slowest_since, seen.lost);
        log_end();
        seen.slowest_since = 0;
    }
}

/* False: there is no room now. */
static bool send_next(void)
{
    static const uint8_t outside[MAC] = {0x52, 0x42, 0x48, 0xff, 0, 1};
    const uint8_t inside[MAC] = {0x52, 0x42, 0x48, 0, (uint8_t)load.to, 0};
    uint32_t number = (uint32_t)seen.sent;
    bool asks = load.window != 0 && (number + 1) % load.window == 0;
    uint8_t *frame;

    if (seen.sent == load.warm) {
        seen.first = ticks_now();
        marker_begin();
    }
    frame = begin_frame(load.to != 0 ? inside : outside, asks ? ASKS : PLAIN, number);
    if (frame == NULL) {
        return false;
    }
    ((struct head *)(void *)frame)->from[3] = (uint8_t)(net->mac[3] + number % load.stations);
    for (uint32_t i = sizeof(struct head); load.verify != 0 && i < load.bytes; i++) {
        frame[i] = byte_of(number, i);
    }
    if (load.window != 0 && number % load.window == 0) {
        seen.began = ticks_now();
        marker_request(0);
    }
    send_frame(load.bytes);
    seen.sent++;
    waiting = asks;
    return true;
}

static void run(struct source *source)
{
    (void)source;
    while (!waiting && !is_over() && send_next()) {
    }
    if (waiting) {
        alarm_set(&late, ticks_now() + load.wait_ms * ticks_per_ms());
    } else if (is_over() && load.window == 0) {
        end();
    }
}

static void next_window(void)
{
    waiting = false;
    account();
    if (is_over()) {
        end();
    } else if (load.pause_us != 0) {
        alarm_set(&pause, ticks_now() + load.pause_us * ticks_per_ms() / 1000);
    } else {
        source_ready(&sender);
    }
}

static void receive(struct link *link, uint8_t *frame, uint32_t length, const struct link_checksum *checksum)
{
    struct head head;

    (void)link;
    (void)checksum;
    if (length < MIN_BYTES) {
        return;
    }
    memcpy(&head, frame, sizeof head);
    if (head.type[0] != 0x88 || head.type[1] != 0xb5) {
        return;
    }
    seen.received++;
    if (head.kind == ANSWER) {
        seen.answers++;
        if (waiting && head.number == (uint32_t)seen.sent - 1) {
            marker_done(0);
            next_window();
        }
        return;
    }
    if (load.verify != 0 && !is_right(frame, head.number, length)) {
        seen.wrong++;
        log_line("LOAD wrong: frame %u", head.number);
    }
    if (head.kind == ASKS && begin_frame(head.from, ANSWER, head.number) != NULL) {
        send_frame(MIN_BYTES);
    }
}

static void is_late(struct source *source)
{
    uint64_t end_of_wait = seen.began + load.wait_ms * ticks_per_ms();

    (void)source;
    if (waiting && ticks_now() >= end_of_wait) {
        seen.lost++;
        next_window();
    } else if (waiting) {
        alarm_set(&late, end_of_wait);
    }
}

static void ready(struct link *link)
{
    (void)link;
    source_ready(&sender);
}

static void changed(struct link *link)
{
    (void)link;
}

void domain_start(void)
{
    confined_start();
    net = virtio_net_start();
    if (net == NULL) {
        crash("there is no network", "");
    }
    load.count = tree_argument("count", 0);
    load.endless = tree_argument("endless", 0);
    load.warm = tree_argument("warm", 0);
    load.to = tree_argument("to", 0);
    load.bytes = tree_argument("bytes", MAX_BYTES);
    load.verify = tree_argument("verify", 0);
    load.window = tree_argument("window", 8);
    load.wait_ms = tree_argument("wait-ms", 20);
    load.pause_us = tree_argument("pause-us", 0);
    load.stations = tree_argument("stations", 1);
    load.report = tree_argument("report", 0);
    if (load.bytes < MIN_BYTES || load.bytes > MAX_BYTES || load.stations == 0) {
        crash("no such length of a frame, or number of stations", "");
    }
    net->receive = receive;
    net->ready = ready;
    net->changed = changed;
    sender.run = run;
    late.source.run = is_late;
    pause.source.run = run;
    if (load.count != 0 || load.endless != 0) {
        source_ready(&sender);
    }
}
