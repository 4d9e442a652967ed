/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/console.h"

#include "devices/class.h"
#include "devices/libc.h"

/* Control messages (VIRTIO 1.2, 5.3.6.2). */
enum control_event {
    DEVICE_READY = 0,
    DEVICE_ADD = 1,
    PORT_READY = 3,
    CONSOLE_PORT = 4,
    PORT_OPEN = 6,
};
struct control {
    uint32_t id;
    uint16_t event, value;
};
_Static_assert(sizeof(struct control) == 8, "VIRTIO 1.2, 5.3.6.2");

#define CONTROL_TO_DRIVER 2u
#define CONTROL_TO_DEVICE 3u

#define CONFIG_EMERGENCY 8u
#define BUDGET           16u /* buffers of one queue in one run */
#define BUDGET_BYTES     2048u

/* In the class area of the state page, for each port 16 bits that one store changes: which messages it still
 * has to send, bit n: event n, and these; then a check. 0 is a port after reset. */
#define KNOWN    0x01u /* to the driver; there is no message of that number to it */
#define OPEN     0x80u /* by the driver */
#define MESSAGES ((1u << DEVICE_ADD) | (1u << CONSOLE_PORT) | (1u << PORT_OPEN))
#define CHECK    167u

static bool multiport(const struct console *console)
{
    return device_has(console->device, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* Ports that the driver can use. */
static uint32_t ports(const struct console *console)
{
    return multiport(console) ? console->nr : 1u;
}

static uint16_t *place_of(const struct console *console, uint32_t port)
{
    return (uint16_t *)(void *)console->device->state->class_area + port;
}

static uint32_t flags_of(const struct console *console, uint32_t port)
{
    return *place_of(console, port) % 256u;
}

static void set_flags(struct console *console, uint32_t port, uint32_t flags)
{
    __atomic_store_n(place_of(console, port), (uint16_t)(flags + flags * CHECK % 256u * 256u),
                     __ATOMIC_RELAXED);
    QUEUE_STEP(DEVICE_REGISTER_STORE);
}

/* What an earlier backend left. */
static bool flags_fit(const struct console *console)
{
    for (uint32_t i = 0; i < console->nr; i++) {
        uint32_t flags = flags_of(console, i);

        if (*place_of(console, i) / 256u != flags * CHECK % 256u ||
            (flags & ~(multiport(console) ? MESSAGES | KNOWN | OPEN : 0)) != 0) {
            return false;
        }
    }
    return true;
}

/* A chain of the queue that goes one way only. EMPTY: the driver rings when there is more. */
static enum queue_status next(struct console *console, uint32_t number, bool readable, bool *again,
                              uint64_t *order)
{
    struct device *device = console->device;
    struct queue *queue = &device->queue[number];
    enum queue_status status;

    if (device_queue(device, number) == NULL) {
        return QUEUE_EMPTY;
    }
    status = class_next(queue, again, order, &console->chain);
    if (status == QUEUE_EMPTY && queue_ask(queue, true)) {
        status = queue_take(queue, &console->chain);
    }
    if (status == QUEUE_OK &&
        (readable ? console->chain.nr_writable != 0 : console->chain.nr_readable != 0)) {
        status = QUEUE_BROKEN;
    }
    if (status == QUEUE_BROKEN) {
        device_needs_reset(device);
    }
    return status;
}

/* At most *budget bytes. False: there is a rest, for which there is no room or no budget. */
static bool write_chain(struct console_port *port, uint32_t *budget)
{
    const struct queue_chain *chain = &port->console->chain;
    uint64_t skip = port->done;

    for (uint32_t i = 0; i < chain->nr_readable; i++) {
        uint32_t length = chain->buffers[i].length, from = skip < length ? (uint32_t)skip : length;
        uint32_t part = length - from < *budget ? length - from : *budget, taken;

        skip -= from;
        taken = console_mux_write(port->console->mux, &port->line, chain->buffers[i].data + from, part);
        port->done += taken;
        *budget -= taken;
        if (taken < length - from) {
            return false;
        }
    }
    port->done = 0;
    return true;
}

static bool write_port(struct console_port *port)
{
    struct console *console = port->console;
    uint32_t budget = BUDGET_BYTES;
    uint64_t order = 0;

    for (uint32_t i = 0; i < BUDGET; i++) {
        if (next(console, port->tx, true, &port->tx_again, &order) != QUEUE_OK) {
            return false;
        }
        if (!write_chain(port, &budget)) {
            port->tx_again = true;
            return budget == 0;
        }
        class_complete_one(console->device, port->tx, console->chain.head, 0);
    }
    return true;
}

/* What comes for a port that is not open, Linux throws away: it waits instead. */
static bool is_open(const struct console_port *port)
{
    const struct console *console = port->console;

    return !multiport(console) || (flags_of(console, port->number) & OPEN) != 0;
}

static void read_port(struct console_port *port)
{
    struct console *console = port->console;
    const struct queue_chain *chain = &console->chain;
    uint64_t order = 0;

    while (is_open(port) && port->line.typed_used != 0 &&
           next(console, port->rx, false, &port->rx_again, &order) == QUEUE_OK) {
        uint32_t written = 0;

        for (uint32_t i = 0; i < chain->nr_writable; i++) {
            written += console_line_read(&port->line, chain->buffers[i].data, chain->buffers[i].length);
        }
        if (chain->writable == 0) {
            device_needs_reset(console->device);
            return;
        }
        class_complete_one(console->device, port->rx, chain->head, written);
    }
}

static void control(struct console *console, const struct control *message)
{
    uint32_t flags = message->id < console->nr ? flags_of(console, message->id) : 0;

    if (message->event == DEVICE_READY && message->value == 1u) {
        for (uint32_t i = 0; i < console->nr; i++) {
            /* One that exists is not added again (VIRTIO 1.2, 5.3.6.2.1). */
            flags = flags_of(console, i);
            set_flags(console, i, flags | ((flags & KNOWN) != 0 ? 0 : 1u << DEVICE_ADD));
        }
    } else if (message->id >= console->nr) {
        return;
    } else if (message->event == PORT_READY && message->value == 1u) {
        set_flags(console, message->id,
                  flags | (1u << PORT_OPEN) | (message->id == 0 ? 1u << CONSOLE_PORT : 0u));
    } else if (message->event == PORT_OPEN) {
        set_flags(console, message->id, message->value != 0 ? flags | OPEN : flags & ~OPEN);
    }
}

static bool receive_control(struct console *console)
{
    const struct queue_chain *chain = &console->chain;
    uint64_t order = 0;

    for (uint32_t i = 0; i < BUDGET; i++) {
        uint8_t bytes[sizeof(struct control)];
        struct control message;
        uint32_t done = 0;

        if (next(console, CONTROL_TO_DEVICE, true, &console->control_again[1], &order) != QUEUE_OK) {
            return false;
        }
        for (uint32_t j = 0; j < chain->nr_readable && done < sizeof bytes; j++) {
            uint32_t left = (uint32_t)sizeof bytes - done,
                     part = chain->buffers[j].length < left ? chain->buffers[j].length : left;

            memcpy(bytes + done, chain->buffers[j].data, part);
            done += part;
        }
        if (done == sizeof bytes) {
            memcpy(&message, bytes, sizeof message);
            control(console, &message);
        }
        class_complete_one(console->device, CONTROL_TO_DEVICE, chain->head, 0);
    }
    return true;
}

static bool send_message(struct console *console, uint32_t port, uint32_t event, uint64_t *order)
{
    const struct queue_chain *chain = &console->chain;
    const struct control message = {.id = port, .event = (uint16_t)event, .value = 1};
    const uint8_t *bytes = (const uint8_t *)&message;
    uint32_t done = 0;

    if (next(console, CONTROL_TO_DRIVER, false, &console->control_again[0], order) != QUEUE_OK) {
        return false;
    }
    if (chain->writable < sizeof message) {
        device_needs_reset(console->device);
        return false;
    }
    for (uint32_t i = 0; i < chain->nr_writable && done < sizeof message; i++) {
        uint32_t left = (uint32_t)sizeof message - done,
                 part = chain->buffers[i].length < left ? chain->buffers[i].length : left;

        memcpy(chain->buffers[i].data, bytes + done, part);
        done += part;
    }
    class_complete_one(console->device, CONTROL_TO_DRIVER, chain->head, done);
    return true;
}

/* The bit goes after the message: a crash between both sends it twice, which the driver ignores. */
static void send_control(struct console *console)
{
    uint64_t order = 0;

    for (uint32_t port = 0; port < console->nr; port++) {
        for (uint32_t event = DEVICE_ADD; event <= PORT_OPEN; event++) {
            if ((flags_of(console, port) & MESSAGES & (1u << event)) == 0) {
                continue;
            }
            if (!send_message(console, port, event, &order)) {
                return;
            }
            set_flags(console, port, (flags_of(console, port) & ~(1u << event)) | KNOWN);
        }
    }
}

static bool run(struct device *device)
{
    struct console *console = device->user;
    bool more = false;

    if (multiport(console)) {
        more = receive_control(console);
        send_control(console);
    }
    for (uint32_t i = 0; i < ports(console); i++) {
        more = write_port(&console->ports[i]) || more;
        read_port(&console->ports[i]);
    }
    return more && !device->failed;
}

static void start(struct device *device)
{
    struct console *console = device->user;

    if (!flags_fit(console)) {
        device_needs_reset(device);
        return;
    }
    console->control_again[0] = true;
    console->control_again[1] = true;
    for (uint32_t i = 0; i < console->nr; i++) {
        console->ports[i].tx_again = true;
        console->ports[i].rx_again = true;
        console->ports[i].done = 0;
    }
}

static bool quiesce(struct device *device, uint32_t queue)
{
    struct console *console = device->user;

    for (uint32_t i = 0; i < console->nr; i++) {
        struct console_port *port = &console->ports[i];

        if (queue == DEVICE_ALL_QUEUES || queue == port->tx) {
            port->done = 0;
            port->line.waiting = false;
        }
        if (queue == DEVICE_ALL_QUEUES) {
            console_line_reset(console->mux, &port->line);
        }
    }
    return true;
}

static uint32_t config_read(struct device *device, uint32_t offset, uint32_t size)
{
    const struct console *console = device->user;
    uint16_t columns = console->columns != 0 ? console->columns : 80u;
    uint16_t rows = console->rows != 0 ? console->rows : 25u;
    const uint8_t config[12] = {(uint8_t)columns, (uint8_t)(columns / 256u), (uint8_t)rows,
                                (uint8_t)(rows / 256u), (uint8_t)console->nr};

    return class_config_read(config, offset, size);
}

/* Also before the driver is ready (VIRTIO 1.2, 5.3.4). Without room the character is lost. */
static void config_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    struct console *console = device->user;
    uint8_t byte = (uint8_t)value;

    (void)size;
    if (offset == CONFIG_EMERGENCY) {
        (void)console_mux_write(console->mux, &console->ports[0].line, &byte, 1);
    }
}

static void on_change(struct console_line *line)
{
    const struct console_port *port =
        (const struct console_port *)(void *)((uint8_t *)line - offsetof(struct console_port, line));

    port->console->device->more = true;
}

/* "name: ", of a further port "name/1: ". */
static void set_prefix(struct console_port *port, const char *name)
{
    char *prefix = port->line.prefix;
    uint32_t used = 0;

    while (used < CONSOLE_PREFIX - 5u && name != NULL && name[used] != '\0') {
        prefix[used] = name[used];
        used++;
    }
    if (used != 0 && port->number != 0) {
        prefix[used++] = '/';
        prefix[used++] = (char)('0' + port->number);
    }
    if (used != 0) {
        prefix[used++] = ':';
        prefix[used++] = ' ';
    }
    prefix[used] = '\0';
}

bool console_add(struct console_mux *mux, struct console *console)
{
    struct device *device = console->device;
    uint32_t nr = device->nr_queues == 2u ? 1u : (device->nr_queues - 2u) / 2u;

    if (device->nr_queues < 2u || device->nr_queues % 2u != 0 || nr > CONSOLE_MAX_PORTS ||
        CONSOLE_MAX_LINES - mux->nr < nr) {
        return false;
    }
    console->mux = mux;
    console->nr = nr;
    for (uint32_t i = 0; i < nr; i++) {
        struct console_port *port = &console->ports[i];

        port->console = console;
        port->number = i;
        port->rx = i == 0 ? 0 : 2u + 2u * i;
        port->tx = port->rx + 1u;
        port->line.room = on_change;
        port->line.input = on_change;
        set_prefix(port, console->name);
        (void)console_mux_add(mux, &port->line);
    }
    device->class = &console_class;
    device->user = console;
    device->features |= VIRTIO_CONSOLE_F_SIZE | VIRTIO_CONSOLE_F_EMERG_WRITE |
                        (device->nr_queues > 2u ? VIRTIO_CONSOLE_F_MULTIPORT : 0);
    return true;
}

const struct device_class console_class = {
    .id = 3,
    .config_size = 12,
    .start = start,
    .run = run,
    .quiesce = quiesce,
    .config_read = config_read,
    .config_write = config_write,
};
