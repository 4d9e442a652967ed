/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The GPIO device by its registers and rings. Each test names what it holds the device to: sections of VIRTIO
 * 1.2. */
#include "pins.h"

#define DEVICES 2u
#define ERR     1
#define HIGH    256 /* the value of an answer */
#define IRQ     VIRTIO_GPIO_F_IRQ

/* Lines 0 to 3 are the first device's, 4 to 6 the second's, 7 is nobody's. */
struct system {
    struct pins pins;
    struct gpio_bank bank;
    struct gpio gpio[DEVICES];
    struct rig rig[DEVICES];
};

static const uint8_t names[] = "door\0\0lamp\0";

static void set_up(struct system *system)
{
    memset(&system->bank, 0, sizeof system->bank);
    memset(system->gpio, 0, sizeof system->gpio);
    gpio_init(&system->bank, &system->pins.lines);
    for (uint32_t i = 0; i < DEVICES; i++) {
        struct gpio *gpio = &system->gpio[i];

        gpio->device = &system->rig[i].device;
        gpio->first = i * 4u;
        gpio->nr = 4u - i;
        gpio->names = i == 0 ? names : NULL;
        gpio->names_size = i == 0 ? sizeof names : 0;
        assert_true(gpio_add(&system->bank, gpio));
    }
}

static void create(struct system *system, uint64_t features)
{
    memset(system, 0, sizeof *system);
    pins_create(&system->pins);
    system->pins.foreign = 1u << 7;
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_create(&system->rig[i], 2);
    }
    set_up(system);
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_start(&system->rig[i], features);
        rig_run(&system->rig[i]);
    }
}

static void destroy(struct system *system)
{
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_false(rig_failed(&system->rig[i]));
        rig_destroy(&system->rig[i]);
    }
}

/* The backend dies and comes back. */
static void crash(struct system *system)
{
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_crash(&system->rig[i]);
    }
    pins_restart(&system->pins);
    set_up(system);
    for (uint32_t i = 0; i < DEVICES; i++) {
        device_init(&system->rig[i].device);
        rig_run(&system->rig[i]);
    }
    pins_poll(&system->pins);
}

/* A buffer for a line's event, which the device has looked at. */
static uint64_t unmask(struct system *system, uint16_t line)
{
    uint64_t at = pins_unmask(&system->rig[0], line);

    rig_run(&system->rig[0]);
    pins_poll(&system->pins);
    return at;
}

static void expect_event(struct rig *rig, uint64_t at, uint8_t status)
{
    uint32_t length;

    assert_true(rig_used(rig, 1, NULL, &length));
    assert_int_equal(length, 1);
    assert_int_equal(rig_at(rig, at)[0], status);
    assert_int_equal(rig_at(rig, at)[1], 0xee);
}

static void expect_no_event(struct rig *rig)
{
    assert_false(rig_used(rig, 1, NULL, NULL));
}

static void pulse(struct system *system, uint32_t line)
{
    pins_set(&system->pins, line, true);
    pins_poll(&system->pins);
    pins_set(&system->pins, line, false);
    pins_poll(&system->pins);
}

/* The driver sets up the queue of events again. */
static void restart_event_queue(struct rig *rig)
{
    const struct rig_ring *ring = &rig->ring[1];

    memset(rig_at(rig, ring->avail), 0, 4);
    memset(rig_at(rig, ring->used), 0, 4);
    rig->ring[1].taken = 0;
    assert_true(device_write(&rig->device, 0x30, 4, 1));
    assert_true(device_write(&rig->device, 0x38, 4, RIG_QUEUE));
    assert_true(device_write(&rig->device, 0x80, 4, (uint32_t)ring->desc));
    assert_true(device_write(&rig->device, 0x90, 4, (uint32_t)ring->avail));
    assert_true(device_write(&rig->device, 0xa0, 4, (uint32_t)ring->used));
    assert_true(device_write(&rig->device, 0x44, 4, 1));
}

/* 5.18.1, 5.18.3, 5.18.4, 5.18.6.9: all fields of the configuration, at every width. */
static void registers(void **state)
{
    struct system system;
    struct device *device = &system.rig[0].device;

    (void)state;
    create(&system, IRQ);
    assert_int_equal(device_read(device, 0x008, 4), 41);
    assert_true(device_write(device, 0x014, 4, 0));
    assert_int_equal(device_read(device, 0x010, 4), 3u << 28 | 1u); /* event index, indirect; interrupts */
    assert_true(device_write(device, 0x014, 4, 1));
    assert_int_equal(device_read(device, 0x010, 4), 1u << 8 | 1u); /* reset of queues, version 1 */
    assert_int_equal(device_read(device, 0x100, 4), 4);
    assert_int_equal(device_read(device, 0x100, 2), 4);
    assert_int_equal(device_read(device, 0x102, 2), 0);
    assert_int_equal(device_read(device, 0x104, 4), sizeof names);
    assert_int_equal(device_read(device, 0x104, 1), sizeof names);
    assert_int_equal(device_read(&system.rig[1].device, 0x100, 4), 3);
    assert_int_equal(device_read(&system.rig[1].device, 0x104, 4), 0);
    for (uint32_t offset = 0; offset < 8; offset++) {
        assert_true(device_write(device, 0x100 + offset, 1, 0xff));
    }
    assert_int_equal(device_read(device, 0x100, 4), 4);
    assert_int_equal(device_read(device, 0x104, 4), sizeof names);
    assert_int_equal(device_read(device, 0x108, 4), 0);
    destroy(&system);
}

/* 5.18.6.1: the block as it is, in a response of that size, in pieces or not. Without room, or without names
 * (5.18.6.9: their size is 0), an error. */
static void get_names(void **state)
{
    static const uint8_t request[8] = {P_NAMES};
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;
    uint32_t length;

    (void)state;
    create(&system, 0);
    at = rig_memory(rig, 64);
    memcpy(rig_at(rig, at), request, 8);
    struct rig_buffer pieces[5] = {{at, 3, false},
                                   {at + 3, 5, false},
                                   {at + 16, 1, true},
                                   {at + 17, 4, true},
                                   {at + 21, sizeof names - 4u, true}};
    memset(rig_at(rig, at + 16), 0xee, 40);
    rig_add(rig, 0, pieces, 5);
    rig_run(rig);
    assert_true(rig_used(rig, 0, NULL, &length));
    assert_int_equal(length, 1 + sizeof names);
    assert_int_equal(rig_at(rig, at + 16)[0], 0);
    assert_memory_equal(rig_at(rig, at + 17), names, sizeof names);
    assert_int_equal(rig_at(rig, at + 17 + sizeof names)[0], 0xee);
    pieces[4].length--;
    memset(rig_at(rig, at + 16), 0xee, 40);
    rig_add(rig, 0, pieces, 5);
    rig_run(rig);
    assert_true(rig_used(rig, 0, NULL, &length));
    assert_int_equal(length, 2);
    assert_memory_equal(rig_at(rig, at + 16), "\1\0\356", 3);
    assert_int_equal(pins_ask(&system.rig[1], P_NAMES, 0, 0), ERR);
    destroy(&system);
}

/* 5.18.6.2 to 5.18.6.5, 5.18.6.9: all fields of the response are set (pins_ask() checks its bytes). */
static void directions_and_values(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    struct pins *pins = &system.pins;

    (void)state;
    create(&system, 0);
    assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 1, 0), 256 * P_NONE);
    assert_int_equal(pins_ask(rig, P_GET, 1, 0), 0);
    pins_set(pins, 1, true);
    assert_int_equal(pins_ask(rig, P_GET, 1, 0), HIGH);
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 1, P_IN), 0);
    assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 1, 0), 256 * P_IN);
    assert_int_equal(pins_ask(rig, P_GET, 1, 0), HIGH);
    /* the value comes first, and holds from the moment the line is an output */
    assert_int_equal(pins_ask(rig, P_SET, 2, 1), 0);
    assert_false(pins->out[2]);
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 2, P_OUT), 0);
    assert_true(pins->out[2] && pins->value[2]);
    assert_int_equal(pins->changes[2], 1);
    assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 2, 0), 256 * P_OUT);
    assert_int_equal(pins_ask(rig, P_GET, 2, 0), HIGH);
    assert_int_equal(pins_ask(rig, P_SET, 2, 0), 0);
    assert_false(pins->value[2]);
    assert_int_equal(pins_ask(rig, P_GET, 2, 0), 0);
    destroy(&system);
}

/* 5.18.6.9: messages for one line are carried out and answered in their order. */
static void order(void **state)
{
    static const uint8_t messages[4][8] = {
        {P_SET, 0, 0, 0, 1}, {P_SET_DIRECTION, 0, 0, 0, P_OUT}, {P_SET, 0, 0, 0, 0}, {P_GET, 0, 0, 0, 0}};
    struct system system;
    struct rig *rig = &system.rig[0];
    uint16_t heads[4], head;

    (void)state;
    create(&system, 0);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t at = rig_memory(rig, 16);
        struct rig_buffer pair[2] = {{at, 8, false}, {at + 8, 2, true}};

        memcpy(rig_at(rig, at), messages[i], 8);
        heads[i] = rig_add(rig, 0, pair, 2);
    }
    rig_run(rig);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(rig_used(rig, 0, &head, NULL));
        assert_int_equal(head, heads[i]);
    }
    assert_int_equal(system.pins.changes[0], 2);
    assert_true(system.pins.out[0] && !system.pins.value[0]);
    destroy(&system);
}

/* 5.18.6.9: direction "none" discards all state of the line. */
static void none_discards(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    pins_ask(rig, P_SET, 0, 1);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 0, P_NONE), 0);
    assert_false(system.pins.out[0]);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    assert_false(system.pins.value[0]);
    /* its interrupt as well: latched, and with a buffer */
    pins_ask(rig, P_SET_DIRECTION, 1, P_IN);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    pulse(&system, 1);
    pins_ask(rig, P_SET_DIRECTION, 1, P_NONE);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    at = unmask(&system, 1);
    expect_no_event(rig);
    pins_ask(rig, P_SET_DIRECTION, 1, P_NONE);
    expect_event(rig, at, 0);
    pulse(&system, 1);
    expect_no_event(rig);
    destroy(&system);
}

/* 5.18.6.6, 5.18.7.3: each trigger, enabled and unmasked; once, until it is unmasked again. */
static void triggers(void **state)
{
    static const enum line_trigger all[] = {LINE_RISING, LINE_FALLING, LINE_BOTH, LINE_HIGH, LINE_LOW};
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        bool rising = all[i] == LINE_RISING || all[i] == LINE_BOTH || all[i] == LINE_HIGH;
        uint64_t at;

        create(&system, IRQ);
        pins_set(&system.pins, 2, !rising);
        pins_ask(rig, P_SET_DIRECTION, 2, P_IN);
        assert_int_equal(pins_ask(rig, P_TYPE, 2, all[i]), 0);
        at = unmask(&system, 2);
        expect_no_event(rig);
        pins_set(&system.pins, 2, rising);
        pins_poll(&system.pins);
        expect_event(rig, at, 1);
        pins_poll(&system.pins);
        expect_no_event(rig);
        pins_set(&system.pins, 2, !rising);
        pins_poll(&system.pins);
        expect_no_event(rig);
        at = unmask(&system, 2); /* the second edge of "both" was kept */
        if (all[i] == LINE_BOTH) {
            expect_event(rig, at, 1);
        } else {
            expect_no_event(rig);
        }
        destroy(&system);
    }
}

/* 5.18.6.9: an edge is latched while the interrupt is masked; 5.18.7.3: nothing is sent for it before. */
static void edges_are_latched(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    pulse(&system, 0); /* before it is enabled: nobody's */
    pins_ask(rig, P_TYPE, 0, LINE_RISING);
    at = unmask(&system, 0);
    expect_no_event(rig);
    pulse(&system, 0);
    expect_event(rig, at, 1);
    pulse(&system, 0);
    pulse(&system, 0);
    expect_no_event(rig);
    at = unmask(&system, 0);
    expect_event(rig, at, 1);
    at = unmask(&system, 0);
    expect_no_event(rig);
    pulse(&system, 0);
    expect_event(rig, at, 1);
    destroy(&system);
}

/* 5.18.6.9: a level is not latched; 5.18.7.1: as long as it lasts, unmasking brings it again. */
static void levels_are_not_latched(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    pins_ask(rig, P_TYPE, 0, LINE_HIGH);
    pulse(&system, 0);
    at = unmask(&system, 0);
    expect_no_event(rig);
    pins_set(&system.pins, 0, true);
    pins_poll(&system.pins);
    expect_event(rig, at, 1);
    at = unmask(&system, 0);
    expect_event(rig, at, 1);
    pins_set(&system.pins, 0, false);
    unmask(&system, 0);
    expect_no_event(rig);
    destroy(&system);
}

/* 5.18.6.9, 5.18.7.3: disabled, what was latched is discarded, and the buffer comes back as invalid. */
static void disabling_returns_the_buffer(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    pins_ask(rig, P_TYPE, 3, LINE_BOTH);
    at = unmask(&system, 3);
    assert_int_equal(pins_ask(rig, P_TYPE, 3, LINE_NEVER), 0);
    expect_event(rig, at, 0);
    pulse(&system, 3);
    expect_no_event(rig);
    pins_ask(rig, P_TYPE, 3, LINE_BOTH);
    pulse(&system, 3);
    pins_ask(rig, P_TYPE, 3, LINE_NEVER);
    pins_ask(rig, P_TYPE, 3, LINE_BOTH);
    unmask(&system, 3);
    expect_no_event(rig);
    destroy(&system);
}

/* 5.18.6.6: unmasked without being enabled, the buffer comes back as invalid; enabled alone, nothing is sent.
 */
static void both_are_needed(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    at = unmask(&system, 1);
    expect_event(rig, at, 0);
    pins_ask(rig, P_TYPE, 1, LINE_HIGH);
    pins_set(&system.pins, 1, true);
    pins_poll(&system.pins);
    expect_no_event(rig);
    at = unmask(&system, 1);
    expect_event(rig, at, 1);
    destroy(&system);
}

/* Rules of the driver's (5.18.6.8, 5.18.7.2), and values that do not exist: an error, and no effect. */
static void errors(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t first, second;

    (void)state;
    create(&system, IRQ);
    for (uint32_t type = 0; type < 9; type++) {
        assert_int_equal(pins_ask(rig, (uint16_t)type, 4, 0), ERR);
        assert_int_equal(pins_ask(rig, (uint16_t)type, 0xffff, 0), ERR);
    }
    assert_int_equal(pins_ask(rig, 0, 0, 0), ERR);
    assert_int_equal(pins_ask(rig, 7, 0, 0), ERR);
    assert_int_equal(pins_ask(rig, 0x106, 0, 0), ERR);
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 0, 3), ERR);
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 0, 0x10001), ERR);
    assert_int_equal(pins_ask(rig, P_SET, 0, 2), ERR);
    for (uint32_t type = 5; type < 20; type++) {
        assert_int_equal(pins_ask(rig, P_TYPE, 0, type), type == LINE_LOW ? 0 : ERR);
    }
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_HIGH), ERR); /* enabled already, with another trigger */
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_LOW), 0);
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 0, P_OUT), ERR);
    assert_false(system.pins.out[0]);
    pins_ask(rig, P_SET_DIRECTION, 1, P_OUT);
    assert_int_equal(pins_ask(rig, P_TYPE, 1, LINE_RISING), ERR);
    /* a second buffer for a line, and one for no line */
    pins_ask(rig, P_TYPE, 2, LINE_RISING);
    first = unmask(&system, 2);
    second = unmask(&system, 2);
    expect_event(rig, second, 0);
    second = unmask(&system, 4);
    expect_event(rig, second, 0);
    second = unmask(&system, 0xffff);
    expect_event(rig, second, 0);
    pulse(&system, 2);
    expect_event(rig, first, 1);
    destroy(&system);
}

/* 5.18.6.8: without the feature there are no messages on interrupts, and no queue of events. */
static void without_interrupts(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    create(&system, 0);
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_RISING), ERR);
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_NEVER), ERR);
    unmask(&system, 0);
    pulse(&system, 0);
    expect_no_event(rig);
    destroy(&system);
}

/* A controller without interrupts does not offer them. */
static void controller_without_interrupts(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    create(&system, 0);
    system.pins.lines.interrupts = false;
    system.pins.lines.trigger = NULL;
    system.pins.lines.mask = NULL;
    system.pins.lines.clear = NULL;
    for (uint32_t i = 0; i < DEVICES; i++) {
        system.rig[i].device.features = 0;
    }
    set_up(&system);
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(system.rig[i].device.features & IRQ, 0);
        rig_start(&system.rig[i], 0);
    }
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 0, P_OUT), 0);
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_RISING), ERR);
    rig_reset(rig);
    assert_false(system.pins.out[0]);
    destroy(&system);
}

/* What is not the pair of buffers that 5.18.6 and 5.18.7 describe: this device needs a reset, and only it. */
static void malformed(void **state)
{
    static const struct {
        uint32_t queue, sent, room;
    } cases[] = {{0, 7, 2}, {0, 8, 1}, {0, 8, 0}, {0, 0, 2}, {1, 1, 1}, {1, 2, 0}, {1, 0, 1}};
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t at;

        create(&system, IRQ);
        pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
        pins_ask(rig, P_TYPE, 1, LINE_HIGH);
        unmask(&system, 1);
        at = rig_memory(rig, 32);
        memset(rig_at(rig, at), 0, 32);
        struct rig_buffer pair[2] = {{at, cases[i].sent, false}, {at + 16, cases[i].room, true}};
        rig_add(rig, cases[i].queue, pair, 2);
        rig_run(rig);
        assert_true(rig_failed(rig));
        pins_set(&system.pins, 1, true); /* masked then: no storm, and nothing is sent */
        pins_poll(&system.pins);
        expect_no_event(rig);
        assert_int_equal(pins_ask(&system.rig[1], P_SET_DIRECTION, 0, P_OUT), 0);
        assert_true(system.pins.out[0] && system.pins.out[4]);
        rig_reset(rig);
        assert_false(system.pins.out[0]);
        rig_start(rig, IRQ);
        assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 0, 0), 256 * P_NONE);
        destroy(&system);
    }
}

/* Two devices on one controller: neither reaches the other's lines, nor its events. */
static void ranges(void **state)
{
    struct system system;
    struct rig *left = &system.rig[0], *right = &system.rig[1];
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    system.pins.foreign |= 0xf;
    assert_int_equal(pins_ask(right, P_SET_DIRECTION, 0, P_OUT), 0);
    assert_true(system.pins.out[4]);
    for (uint32_t type = 1; type < 7; type++) {
        assert_int_equal(pins_ask(right, (uint16_t)type, 3, 1), ERR); /* line 7 */
    }
    pins_ask(right, P_TYPE, 1, LINE_BOTH);
    system.pins.foreign = 0xf0;
    pins_ask(left, P_TYPE, 1, LINE_BOTH);
    system.pins.foreign = 1u << 7;
    unmask(&system, 1);
    at = pins_unmask(right, 1);
    rig_run(right);
    pulse(&system, 5);
    expect_no_event(left);
    expect_event(right, at, 1);
    rig_reset(right);
    system.pins.foreign = 0xf0;
    pulse(&system, 1);
    assert_true(rig_used(left, 1, NULL, NULL));
    system.pins.foreign = 0;
    destroy(&system);
}

static void lines_that_cannot_be_added(void **state)
{
    static const uint32_t wrong[][2] = {{7, 0}, {7, 2}, {8, 1}, {0xffffffff, 2}, {6, 1}, {3, 2}, {0, 33}};
    struct system system;
    struct rig rig;
    struct gpio gpio;

    (void)state;
    create(&system, 0);
    rig_create(&rig, 2);
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        gpio = (struct gpio){.device = &rig.device, .first = wrong[i][0], .nr = wrong[i][1]};
        assert_false(gpio_add(&system.bank, &gpio));
    }
    gpio = (struct gpio){.device = &rig.device, .first = 7, .nr = 1, .names = names, .names_size = 6};
    assert_false(gpio_add(&system.bank, &gpio));
    rig.device.nr_queues = 1;
    gpio.names_size = 5;
    assert_false(gpio_add(&system.bank, &gpio));
    rig.device.nr_queues = 2;
    assert_true(gpio_add(&system.bank, &gpio));
    rig_destroy(&rig);
    destroy(&system);
}

/* A restart of the backend: outputs do not change, triggers and buffers are there, an edge meanwhile is sent.
 */
static void a_crash_is_not_seen(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t edge, level;

    (void)state;
    create(&system, IRQ);
    pins_ask(rig, P_SET, 0, 1);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    pins_ask(rig, P_SET_DIRECTION, 1, P_IN);
    pins_ask(rig, P_SET, 3, 1);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    pins_ask(rig, P_TYPE, 2, LINE_HIGH);
    edge = unmask(&system, 1);
    level = unmask(&system, 2);
    pulse(&system, 5);
    pins_set(&system.pins, 1, true);
    pins_set(&system.pins, 1, false);
    crash(&system);
    assert_int_equal(system.pins.changes[0], 1);
    expect_event(rig, edge, 1);
    expect_no_event(rig);
    pins_set(&system.pins, 2, true);
    crash(&system);
    expect_event(rig, level, 1);
    pins_set(&system.pins, 2, false);
    pulse(&system, 1); /* masked */
    crash(&system);
    expect_no_event(rig);
    edge = unmask(&system, 1);
    expect_event(rig, edge, 1);
    assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 0, 0), 256 * P_OUT);
    assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 1, 0), 256 * P_IN);
    assert_int_equal(pins_ask(rig, P_GET, 0, 0), HIGH);
    pins_ask(rig, P_SET_DIRECTION, 3, P_OUT);
    assert_true(system.pins.value[3]);
    assert_int_equal(system.pins.changes[0], 1);
    destroy(&system);
}

/* The controller has been reset with its driver: what had been set up is put back. */
static void a_controller_that_forgets(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    pins_ask(rig, P_SET, 0, 1);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    pins_ask(rig, P_TYPE, 1, LINE_FALLING);
    pins_ask(rig, P_TYPE, 2, LINE_HIGH);
    at = unmask(&system, 1);
    pins_create(&system.pins);
    crash(&system);
    assert_true(system.pins.out[0] && system.pins.value[0]);
    assert_int_equal(system.pins.trigger[2], LINE_HIGH);
    assert_true(system.pins.masked[2]);
    pulse(&system, 1);
    expect_event(rig, at, 1);
    destroy(&system);
}

/* An edge was being handed on when the backend died; the queue of events was being reset. It is not lost. */
static void an_edge_without_its_queue(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint16_t *word;
    uint64_t at;

    (void)state;
    create(&system, IRQ);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    unmask(&system, 1);
    word = (uint16_t *)(void *)rig->device.state->class_area + 1;
    *word = (uint16_t)((*word & 0xff) | 0x40);
    *word = (uint16_t)(*word + *word * 167u % 256u * 256u);
    bh_virtio_state_queue(rig->device.state, 1, rig->device.queue_max)->resetting = BH_VIRTIO_STATE_PENDING;
    crash(&system);
    restart_event_queue(rig);
    at = unmask(&system, 1);
    expect_event(rig, at, 1);
    at = unmask(&system, 1);
    expect_no_event(rig);
    destroy(&system);
}

/* Reset, another life of the frontend, a crash in between: no line stays as it was. */
static void what_is_left_behind(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    for (uint32_t how = 0; how < 5; how++) {
        create(&system, IRQ);
        pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
        pins_ask(rig, P_TYPE, 1, LINE_HIGH);
        unmask(&system, 1);
        if (how == 0) {
            rig_reset(rig);
        } else if (how == 1) {
            assert_true(device_frontend_gone(&rig->device, rig->device.frontend + 1));
        } else if (how == 2) {
            rig->device.frontend++;
            crash(&system);
        } else if (how == 3) {
            rig->device.state->reset_pending = BH_VIRTIO_STATE_PENDING;
            crash(&system);
        } else {
            rig->device.state->magic++; /* damaged */
            crash(&system);
            assert_true(rig_failed(rig));
            rig_reset(rig);
        }
        assert_false(system.pins.out[0]);
        assert_true(system.pins.masked[1]);
        assert_int_equal(system.pins.trigger[1], LINE_NEVER);
        assert_int_equal(rig_used_idx(rig, 1), 0);
        rig_start(rig, IRQ);
        assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 0, 0), 256 * P_NONE);
        destroy(&system);
    }
}

/* Every damage of a line's state is seen when it makes a difference: DEVICE_NEEDS_RESET, and no guess. */
static void damaged_state(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    for (uint32_t bit = 0; bit < 16; bit++) {
        create(&system, IRQ);
        pins_ask(rig, P_SET_DIRECTION, 2, P_OUT);
        ((uint16_t *)(void *)rig->device.state->class_area)[2] ^= (uint16_t)(1u << bit);
        crash(&system);
        assert_true(rig_failed(rig));
        assert_int_equal(pins_ask(&system.rig[1], P_GET_DIRECTION, 0, 0), 0);
        rig_reset(rig);
        rig_start(rig, IRQ);
        assert_false(system.pins.out[2]);
        destroy(&system);
    }
}

/* The queue of events alone is reset: the buffer is the driver's again, an edge is kept for the next one. */
static void reset_of_the_event_queue(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    create(&system, IRQ | VIRTIO_F_RING_RESET);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    at = unmask(&system, 1);
    assert_true(device_write(&rig->device, 0x30, 4, 1));
    assert_true(device_write(&rig->device, 0xc0, 4, 1));
    assert_int_equal(device_read(&rig->device, 0xc0, 4), 0);
    pulse(&system, 1);
    assert_int_equal(rig_at(rig, at)[0], 0xee);
    assert_int_equal(rig_used_idx(rig, 1), 0);
    crash(&system);
    restart_event_queue(rig);
    at = unmask(&system, 1);
    expect_event(rig, at, 1);
    unmask(&system, 1);
    assert_true(device_write(&rig->device, 0xc0, 4, 1));
    restart_event_queue(rig);
    at = unmask(&system, 1); /* the only one of its line */
    expect_no_event(rig);
    pulse(&system, 1);
    expect_event(rig, at, 1);
    destroy(&system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers),
        cmocka_unit_test(get_names),
        cmocka_unit_test(directions_and_values),
        cmocka_unit_test(order),
        cmocka_unit_test(none_discards),
        cmocka_unit_test(triggers),
        cmocka_unit_test(edges_are_latched),
        cmocka_unit_test(levels_are_not_latched),
        cmocka_unit_test(disabling_returns_the_buffer),
        cmocka_unit_test(both_are_needed),
        cmocka_unit_test(errors),
        cmocka_unit_test(without_interrupts),
        cmocka_unit_test(controller_without_interrupts),
        cmocka_unit_test(malformed),
        cmocka_unit_test(ranges),
        cmocka_unit_test(lines_that_cannot_be_added),
        cmocka_unit_test(a_crash_is_not_seen),
        cmocka_unit_test(a_controller_that_forgets),
        cmocka_unit_test(an_edge_without_its_queue),
        cmocka_unit_test(what_is_left_behind),
        cmocka_unit_test(damaged_state),
        cmocka_unit_test(reset_of_the_event_queue),
    };

    return cmocka_run_group_tests_name("devices_gpio", tests, NULL, NULL);
}
