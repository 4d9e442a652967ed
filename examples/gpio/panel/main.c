/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A frontend of a GPIO device (VIRTIO 1.2, 5.18), with the runtime of driver domains. Boot arguments: out=N:
 * a line to drive, as the keys 0 and 1 say; in=N: a line to watch; trigger=N: when it interrupts (3: on both
 * edges, the default). Without out or in there is no such line. */
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/terminals.h"
#include "runtime/drivers/virtio.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { GPIO = 41, F_IRQ = 1, LINES = VIRTIO_CONFIG, NAMES_SIZE = VIRTIO_CONFIG + 4 };
enum { GET_NAMES = 1, SET_DIRECTION = 3, GET_VALUE = 4, SET_VALUE = 5, SET_IRQ_TYPE = 6 };
enum { OUT = 1, IN = 2, EVENT_VALID = 1, NAMES_MOST = 1024, ANSWER_MS = 1000 };

static uintptr_t registers;
static struct virtio_queue requests, events;
static struct {
    uint16_t type, line;
    uint32_t value;
} request;
static uint8_t answer[1 + NAMES_MOST];
static struct {
    uint16_t line;
    uint8_t status;
} event;
static uint32_t out, in, interrupts;

/* The value of the answer; waits for it. */
static uint32_t ask(uint16_t type, uint32_t line, uint32_t value, uint32_t room)
{
    const struct virtio_piece pieces[] = {{&request, 8, false}, {answer, 1 + room, true}};
    uint64_t end = ticks_now() + ANSWER_MS * ticks_per_ms();
    uint32_t length;

    request.type = type;
    request.line = (uint16_t)line;
    request.value = value;
    (void)virtio_add(&requests, pieces, 2);
    while (virtio_used(&requests, &length) < 0) {
        if (ticks_now() > end) {
            crash("no answer from the device", "");
        }
    }
    if (answer[0] != 0) {
        log_line("request %u for line %u: refused", type, line);
    }
    return answer[1];
}

static const char *level(uint32_t line)
{
    return ask(GET_VALUE, line, 0, 1) != 0 ? "high" : "low";
}

static void unmask(void)
{
    const struct virtio_piece pieces[] = {{&event.line, 2, false}, {&event.status, 1, true}};

    event.line = (uint16_t)in;
    (void)virtio_add(&events, pieces, 2);
}

static void arrived(void *context)
{
    uint32_t length;

    (void)context;
    (void)virtio_acknowledge(registers);
    while (virtio_used(&events, &length) >= 0) {
        if (event.status == EVENT_VALID) {
            log_line("interrupt %u: line %u is %s", ++interrupts, in, level(in));
        }
        unmask();
    }
}

static void typed(struct text *text, const uint8_t *data, uint32_t length)
{
    (void)text;
    for (uint32_t i = 0; i < length; i++) {
        if (data[i] == '0' || data[i] == '1') {
            (void)ask(SET_VALUE, out, data[i] == '1', 1);
            log_line("line %u is %s", out, level(out));
        }
    }
}

static void ready(struct text *text)
{
    (void)text;
}

static void print_names(void)
{
    uint32_t lines = *(volatile uint16_t *)(registers + LINES), at = 1;
    uint32_t size = *(volatile uint32_t *)(registers + NAMES_SIZE);

    if (size > NAMES_MOST) {
        crash("too many names", "");
    }
    if (size != 0) {
        (void)ask(GET_NAMES, 0, 0, size);
    }
    for (uint32_t i = 0; i < lines; i++) {
        log_line("line %u: %s", i, at < 1 + size ? (const char *)answer + at : "");
        while (at < 1 + size && answer[at++] != 0) {
        }
    }
}

static void start_lines(void)
{
    if (out != UINT32_MAX) {
        struct text *keys = pl011_start();

        (void)ask(SET_VALUE, out, 0, 1);
        (void)ask(SET_DIRECTION, out, OUT, 1);
        log_line("line %u is %s", out, level(out));
        if (keys != NULL) {
            keys->ready = ready;
            keys->input = typed;
        }
    }
    if (in != UINT32_MAX) {
        (void)ask(SET_DIRECTION, in, IN, 1);
        (void)ask(SET_IRQ_TYPE, in, tree_argument("trigger", 3), 1);
        unmask();
        log_line("line %u is %s", in, level(in));
    }
}

void domain_start(void)
{
    tree_node node;

    registers = virtio_find(GPIO, 0, &node);
    if (registers == 0) {
        crash("there is no GPIO device", "");
    }
    out = tree_argument("out", UINT32_MAX);
    in = tree_argument("in", UINT32_MAX);
    if ((virtio_negotiate(registers, F_IRQ) & F_IRQ) == 0) {
        crash("the device has no interrupts", "");
    }
    virtio_queue_start(&requests, registers, 0, 4);
    virtio_queue_start(&events, registers, 1, 4);
    virtio_start(registers, node, arrived, NULL);
    print_names();
    start_lines();
}
