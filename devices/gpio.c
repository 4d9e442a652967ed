/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "devices/gpio.h"

#include "devices/class.h"
#include "devices/gpio_line.h"
#include "devices/libc.h"

/* VIRTIO 1.2, 5.18.6. */
enum message {
    GET_NAMES = 1,
    GET_DIRECTION = 2,
    SET_DIRECTION = 3,
    GET_VALUE = 4,
    SET_VALUE = 5,
    SET_IRQ_TYPE = 6,
};
struct request {
    uint16_t type, line;
    uint32_t value;
};
struct response {
    uint8_t status, value;
};
_Static_assert(sizeof(struct request) == 8 && sizeof(struct response) == 2, "VIRTIO 1.2, 5.18.6");

enum { STATUS_OK = 0, STATUS_ERR = 1 };
enum { EVENT_INVALID = 0, EVENT_VALID = 1 }; /* 5.18.7 */
enum { REQUESTS = 0, EVENTS = 1, BUDGET = 16 };

static const struct gpio_line unused = {LINE_NEVER, GPIO_NONE, false, GPIO_CALM};
_Static_assert(2u * GPIO_MAX_LINES <= BH_VIRTIO_STATE_CLASS, "every line has its place");

static uint16_t *place_of(const struct gpio *gpio, uint32_t line)
{
    return (uint16_t *)(void *)gpio->device->state->class_area + line;
}

static void set_line(const struct gpio *gpio, uint32_t number, const struct gpio_line *line)
{
    gpio_line_store(place_of(gpio, number), line);
}

/* Of a state that was checked when the backend began, and that nobody else writes. */
static struct gpio_line line_of(const struct gpio *gpio, uint32_t number)
{
    struct gpio_line line = unused;

    (void)gpio_line_load(place_of(gpio, number), &line);
    return line;
}

static struct lines *lines_of(const struct gpio *gpio)
{
    return gpio->bank->lines;
}

/* `keep`: a trigger is not new. */
static void drive(const struct gpio *gpio, uint32_t number, const struct gpio_line *line, bool keep)
{
    struct lines *lines = lines_of(gpio);
    uint32_t at = gpio->first + number;

    if (lines->interrupts) {
        lines->mask(lines, at, true);
        lines->trigger(lines, at, line->trigger, keep);
    }
    if (line->direction == GPIO_OUT) {
        lines->output(lines, at, line->high);
    } else {
        lines->input(lines, at);
    }
}

/* The buffer goes back to the driver, which masks the line. */
static void return_event(struct gpio *gpio, uint32_t number, uint8_t status)
{
    struct gpio_event *event = &gpio->events[number];

    event->waiting = false;
    *event->status = status;
    class_complete_one(gpio->device, EVENTS, event->head, sizeof *event->status);
}

/* The line's interrupt, for which a buffer waits. An edge is forgotten before the driver is told: one that
 * follows is then kept, whenever it comes. */
static void deliver(struct gpio *gpio, uint32_t number)
{
    struct lines *lines = lines_of(gpio);
    struct gpio_line line = line_of(gpio, number);

    lines->mask(lines, gpio->first + number, true);
    if (gpio_line_is_edge(&line)) {
        line.latch = GPIO_HANDED_ON;
        set_line(gpio, number, &line);
        lines->clear(lines, gpio->first + number);
    }
    return_event(gpio, number, EVENT_VALID);
    if (gpio_line_is_edge(&line)) {
        line.latch = GPIO_CALM;
        set_line(gpio, number, &line);
    }
}

static void on_interrupt(struct lines *lines, uint32_t number)
{
    struct gpio_bank *bank = lines->owner;

    for (struct gpio *gpio = bank->devices; gpio != NULL; gpio = gpio->next) {
        uint32_t line = number - gpio->first;

        if (number >= gpio->first && line < gpio->nr && gpio->events[line].waiting &&
            device_queue(gpio->device, EVENTS) != NULL) {
            deliver(gpio, line);
            return;
        }
    }
    lines->mask(lines, number, true);
}

/* The first bytes of what the driver sends; false: they are fewer. */
static bool get(const struct queue_chain *chain, void *bytes, uint32_t length)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < chain->nr_readable && done < length; i++) {
        uint32_t left = length - done,
                 part = chain->buffers[i].length < left ? chain->buffers[i].length : left;

        memcpy((uint8_t *)bytes + done, chain->buffers[i].data, part);
        done += part;
    }
    return done == length;
}

/* Bytes of the response, from `at` on; there is room for them. */
static void put(const struct queue_chain *chain, uint32_t at, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < chain->nr_writable && length != 0; i++) {
        const struct queue_buffer *buffer = &chain->buffers[chain->nr_readable + i];
        uint32_t skip = at < buffer->length ? at : buffer->length, room = buffer->length - skip;
        uint32_t part = room < length ? room : length;

        memcpy(buffer->data + skip, bytes, part);
        at -= skip;
        bytes += part;
        length -= part;
    }
}

static uint8_t set_direction(struct gpio *gpio, uint32_t number, uint32_t direction)
{
    struct gpio_line line = line_of(gpio, number);

    if (direction > GPIO_IN || (direction == GPIO_OUT && line.trigger != LINE_NEVER)) {
        return STATUS_ERR;
    }
    if (direction == GPIO_NONE) {
        line = unused;
    }
    line.direction = (enum gpio_direction)direction;
    set_line(gpio, number, &line);
    if (direction == GPIO_NONE) {
        drive(gpio, number, &line, false);
        if (gpio->events[number].waiting) {
            return_event(gpio, number, EVENT_INVALID);
        }
    } else if (direction == GPIO_OUT) {
        lines_of(gpio)->output(lines_of(gpio), gpio->first + number, line.high);
    } else {
        lines_of(gpio)->input(lines_of(gpio), gpio->first + number);
    }
    return STATUS_OK;
}

/* Remembered for a line that is not an output, until it is one. */
static uint8_t set_value(struct gpio *gpio, uint32_t number, uint32_t value)
{
    struct gpio_line line = line_of(gpio, number);

    if (value > 1) {
        return STATUS_ERR;
    }
    line.high = value != 0;
    set_line(gpio, number, &line);
    if (line.direction == GPIO_OUT) {
        lines_of(gpio)->output(lines_of(gpio), gpio->first + number, line.high);
    }
    return STATUS_OK;
}

/* The same type again has no effect: a request in flight is carried out again by the next backend. A new one
 * is stored when the controller has it: a backend that dies before has promised nothing yet. */
static uint8_t set_trigger(struct gpio *gpio, uint32_t number, uint32_t trigger)
{
    struct gpio_line line = line_of(gpio, number);
    struct lines *lines = lines_of(gpio);

    if (!device_has(gpio->device, VIRTIO_GPIO_F_IRQ) || !gpio_line_known(trigger)) {
        return STATUS_ERR;
    }
    if ((uint32_t)line.trigger == trigger) {
        return STATUS_OK;
    }
    if (trigger != LINE_NEVER) {
        if (line.trigger != LINE_NEVER || line.direction == GPIO_OUT) {
            return STATUS_ERR;
        }
        line.trigger = (enum line_trigger)trigger;
        lines->trigger(lines, gpio->first + number, line.trigger, false);
        set_line(gpio, number, &line);
        return STATUS_OK;
    }
    line.trigger = LINE_NEVER;
    line.latch = GPIO_CALM;
    set_line(gpio, number, &line);
    lines->mask(lines, gpio->first + number, true);
    lines->trigger(lines, gpio->first + number, LINE_NEVER, false);
    if (gpio->events[number].waiting) {
        return_event(gpio, number, EVENT_INVALID);
    }
    return STATUS_OK;
}

static struct response carry_out(struct gpio *gpio, const struct request *request)
{
    struct response response = {STATUS_ERR, 0};

    if (request->line >= gpio->nr) {
        return response;
    }
    switch (request->type) {
    case GET_DIRECTION:
        response.status = STATUS_OK;
        response.value = (uint8_t)line_of(gpio, request->line).direction;
        break;
    case SET_DIRECTION:
        response.status = set_direction(gpio, request->line, request->value);
        break;
    case GET_VALUE:
        response.status = STATUS_OK;
        response.value = lines_of(gpio)->get(lines_of(gpio), gpio->first + request->line) ? 1 : 0;
        break;
    case SET_VALUE:
        response.status = set_value(gpio, request->line, request->value);
        break;
    case SET_IRQ_TYPE:
        response.status = set_trigger(gpio, request->line, request->value);
        break;
    default:
        break;
    }
    return response;
}

/* A request, which the bank's chain has; false: it has not the form of one. */
static bool serve_request(struct gpio *gpio)
{
    const struct queue_chain *chain = &gpio->bank->chain;
    struct request request;
    struct response response = {STATUS_OK, 0};
    uint32_t written = sizeof response;

    if (!get(chain, &request, sizeof request) || chain->writable < sizeof response) {
        return false;
    }
    if (request.type == GET_NAMES && gpio->names_size != 0 && chain->writable > gpio->names_size) {
        put(chain, 0, &response.status, 1);
        put(chain, 1, gpio->names, gpio->names_size);
        written = 1u + gpio->names_size;
    } else {
        response = carry_out(gpio, &request);
        put(chain, 0, (const uint8_t *)&response, sizeof response);
    }
    class_complete_one(gpio->device, REQUESTS, chain->head, written);
    return true;
}

/* A buffer for events, which the bank's chain has: it unmasks its line. One that is not enabled, or that has
 * a buffer, gets it back. False: it has not the form of one. */
static bool serve_event(struct gpio *gpio)
{
    const struct queue_chain *chain = &gpio->bank->chain;
    struct lines *lines = lines_of(gpio);
    uint16_t number;
    struct gpio_line line = unused;

    if (!get(chain, &number, sizeof number) || chain->writable == 0) {
        return false;
    }
    if (number < gpio->nr) {
        line = line_of(gpio, number);
    }
    if (line.trigger == LINE_NEVER || gpio->events[number].waiting) {
        *chain->buffers[chain->nr_readable].data = EVENT_INVALID;
        class_complete_one(gpio->device, EVENTS, chain->head, 1);
        return true;
    }
    gpio->events[number] = (struct gpio_event){true, chain->head, chain->buffers[chain->nr_readable].data};
    if (line.latch != GPIO_CALM) {
        deliver(gpio, number);
    } else {
        lines->mask(lines, gpio->first + number, false);
    }
    return true;
}

/* True: there may be more. */
static bool look(struct gpio *gpio, uint32_t number, bool *again, bool (*serve)(struct gpio *gpio))
{
    struct device *device = gpio->device;
    uint64_t order = 0;

    for (uint32_t i = 0; i < BUDGET; i++) {
        struct queue *queue = device_queue(device, number);
        enum queue_status status;

        if (queue == NULL) {
            return false;
        }
        status = class_next(queue, again, &order, &gpio->bank->chain);
        if (status == QUEUE_EMPTY && queue_ask(queue, true)) {
            status = queue_take(queue, &gpio->bank->chain);
        }
        if (status == QUEUE_EMPTY) {
            return false;
        }
        if (status == QUEUE_BROKEN || !serve(gpio)) {
            device_needs_reset(device);
            return false;
        }
    }
    return true;
}

static bool run(struct device *device)
{
    struct gpio *gpio = device->user;
    bool no = false, more = look(gpio, REQUESTS, &gpio->again, serve_request);

    if (device_has(device, VIRTIO_GPIO_F_IRQ)) {
        more = look(gpio, EVENTS, &no, serve_event) || more;
    }
    return more && !device->failed;
}

/* Buffers that an earlier backend had. An edge that it was handing on when it died is handed on now, if its
 * buffer is still there; else it had been. Without the queue nobody can say: then it is kept. */
static void take_up_events(struct gpio *gpio)
{
    struct device *device = gpio->device;
    struct queue *queue;
    uint64_t order = 0;

    while ((queue = device_queue(device, EVENTS)) != NULL) {
        enum queue_status status = queue_again(queue, &order, &gpio->bank->chain);

        if (status == QUEUE_EMPTY) {
            break;
        }
        if (status == QUEUE_BROKEN || !serve_event(gpio)) {
            device_needs_reset(device);
        }
    }
    for (uint32_t i = 0; i < gpio->nr && !device->failed; i++) {
        struct gpio_line line = line_of(gpio, i);

        if (line.latch == GPIO_HANDED_ON) {
            line.latch = queue != NULL ? GPIO_CALM : GPIO_LATCHED;
            set_line(gpio, i, &line);
        }
    }
}

static void start(struct device *device)
{
    struct gpio *gpio = device->user;
    struct gpio_line line;

    for (uint32_t i = 0; i < gpio->nr; i++) {
        if (!gpio_line_load(place_of(gpio, i), &line)) {
            device_needs_reset(device);
            return;
        }
    }
    for (uint32_t i = 0; i < gpio->nr; i++) {
        gpio->events[i].waiting = false;
        line = line_of(gpio, i);
        drive(gpio, i, &line, true);
    }
    gpio->again = true;
    if (device_has(device, VIRTIO_GPIO_F_IRQ)) {
        take_up_events(gpio);
    }
}

static bool quiesce(struct device *device, uint32_t queue)
{
    struct gpio *gpio = device->user;
    struct lines *lines = lines_of(gpio);

    for (uint32_t i = 0; i < gpio->nr && queue != REQUESTS; i++) {
        gpio->events[i].waiting = false;
        if (lines->interrupts) {
            lines->mask(lines, gpio->first + i, true);
        }
    }
    return true;
}

static void forget(struct device *device)
{
    struct gpio *gpio = device->user;

    for (uint32_t i = 0; i < gpio->nr; i++) {
        gpio->events[i].waiting = false;
        drive(gpio, i, &unused, false);
    }
}

static uint32_t config_read(struct device *device, uint32_t offset, uint32_t size)
{
    const struct gpio *gpio = device->user;
    uint32_t names = gpio->names_size;
    const uint8_t config[8] = {(uint8_t)gpio->nr,
                               0,
                               0,
                               0,
                               (uint8_t)names,
                               (uint8_t)(names / 0x100u),
                               (uint8_t)(names / 0x10000u),
                               (uint8_t)(names / 0x1000000u)};

    return class_config_read(config, offset, size);
}

static void config_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    (void)offset;
    (void)size;
    (void)value;
}

const struct device_class gpio_class = {
    .id = 41,
    .config_size = 8,
    .start = start,
    .run = run,
    .quiesce = quiesce,
    .forget = forget,
    .config_read = config_read,
    .config_write = config_write,
};

void gpio_init(struct gpio_bank *bank, struct lines *lines)
{
    bank->lines = lines;
    bank->devices = NULL;
    lines->owner = bank;
    lines->interrupt = on_interrupt;
}

static uint32_t texts(const struct gpio *gpio)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < gpio->names_size; i++) {
        nr += gpio->names[i] == 0;
    }
    return nr;
}

bool gpio_add(struct gpio_bank *bank, struct gpio *gpio)
{
    struct device *device = gpio->device;
    uint32_t lines = bank->lines->nr;

    if (gpio->nr == 0 || gpio->nr > GPIO_MAX_LINES || gpio->first >= lines ||
        gpio->nr > lines - gpio->first || device->nr_queues < 2u ||
        (gpio->names_size != 0 && texts(gpio) != gpio->nr)) {
        return false;
    }
    for (const struct gpio *other = bank->devices; other != NULL; other = other->next) {
        if (gpio->first < other->first + other->nr && other->first < gpio->first + gpio->nr) {
            return false;
        }
    }
    gpio->bank = bank;
    gpio->next = bank->devices;
    bank->devices = gpio;
    device->class = &gpio_class;
    device->user = gpio;
    device->features |= bank->lines->interrupts ? VIRTIO_GPIO_F_IRQ : 0;
    return true;
}
