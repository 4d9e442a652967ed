/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The GPIO device by its registers and its queue of requests. Each test names what it holds the device to:
 * sections of VIRTIO 1.2. */
#include "gpio_system.h"

/* 5.18.1, 5.18.3, 5.18.4, 5.18.6.9: all fields of the configuration, at every width. */
static void registers(void **state)
{
    struct system system;
    struct device *device = &system.rig[0].device;

    (void)state;
    system_create(&system, IRQ);
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
    system_destroy(&system);
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
    system_create(&system, 0);
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
    system_destroy(&system);
}

/* 5.18.6.2 to 5.18.6.5, 5.18.6.9: all fields of the response are set (pins_ask() checks its bytes). */
static void directions_and_values(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    struct pins *pins = &system.pins;

    (void)state;
    system_create(&system, 0);
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
    system_destroy(&system);
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
    system_create(&system, 0);
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
    system_destroy(&system);
}

/* 5.18.6.9: direction "none" discards all state of the line. */
static void none_discards(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
    pins_ask(rig, P_SET, 0, 1);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 0, P_NONE), 0);
    assert_false(system.pins.out[0]);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    assert_false(system.pins.value[0]);
    /* its interrupt as well: latched, and with a buffer */
    pins_ask(rig, P_SET_DIRECTION, 1, P_IN);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    system_pulse(&system, 1);
    pins_ask(rig, P_SET_DIRECTION, 1, P_NONE);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    at = system_unmask(&system, 1);
    expect_no_event(rig);
    pins_ask(rig, P_SET_DIRECTION, 1, P_NONE);
    expect_event(rig, at, 0);
    system_pulse(&system, 1);
    expect_no_event(rig);
    system_destroy(&system);
}

/* Rules of the driver's (5.18.6.8, 5.18.7.2), and values that do not exist: an error, and no effect. */
static void errors(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t first, second;

    (void)state;
    system_create(&system, IRQ);
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
    first = system_unmask(&system, 2);
    second = system_unmask(&system, 2);
    expect_event(rig, second, 0);
    second = system_unmask(&system, 4);
    expect_event(rig, second, 0);
    second = system_unmask(&system, 0xffff);
    expect_event(rig, second, 0);
    system_pulse(&system, 2);
    expect_event(rig, first, 1);
    system_destroy(&system);
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

        system_create(&system, IRQ);
        pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
        pins_ask(rig, P_TYPE, 1, LINE_HIGH);
        system_unmask(&system, 1);
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
        system_destroy(&system);
    }
}

/* Two devices on one controller: neither reaches the other's lines, nor its events. */
static void ranges(void **state)
{
    struct system system;
    struct rig *left = &system.rig[0], *right = &system.rig[1];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
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
    system_unmask(&system, 1);
    at = pins_unmask(right, 1);
    rig_run(right);
    system_pulse(&system, 5);
    expect_no_event(left);
    expect_event(right, at, 1);
    rig_reset(right);
    system.pins.foreign = 0xf0;
    system_pulse(&system, 1);
    assert_true(rig_used(left, 1, NULL, NULL));
    system.pins.foreign = 0;
    system_destroy(&system);
}

static void lines_that_cannot_be_added(void **state)
{
    static const uint32_t wrong[][2] = {{7, 0}, {7, 2}, {8, 1}, {0xffffffff, 2}, {6, 1}, {3, 2}, {0, 33}};
    struct system system;
    struct rig rig;
    struct gpio gpio;

    (void)state;
    system_create(&system, 0);
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
    system_destroy(&system);
}

/* A restart of the backend: outputs do not change, triggers and buffers are there, an edge meanwhile is sent.
 */
static void a_crash_is_not_seen(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t edge, level;

    (void)state;
    system_create(&system, IRQ);
    pins_ask(rig, P_SET, 0, 1);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    pins_ask(rig, P_SET_DIRECTION, 1, P_IN);
    pins_ask(rig, P_SET, 3, 1);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    pins_ask(rig, P_TYPE, 2, LINE_HIGH);
    edge = system_unmask(&system, 1);
    level = system_unmask(&system, 2);
    system_pulse(&system, 5);
    pins_set(&system.pins, 1, true);
    pins_set(&system.pins, 1, false);
    system_crash(&system);
    assert_int_equal(system.pins.changes[0], 1);
    expect_event(rig, edge, 1);
    expect_no_event(rig);
    pins_set(&system.pins, 2, true);
    system_crash(&system);
    expect_event(rig, level, 1);
    pins_set(&system.pins, 2, false);
    system_pulse(&system, 1); /* masked */
    system_crash(&system);
    expect_no_event(rig);
    edge = system_unmask(&system, 1);
    expect_event(rig, edge, 1);
    assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 0, 0), 256 * P_OUT);
    assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 1, 0), 256 * P_IN);
    assert_int_equal(pins_ask(rig, P_GET, 0, 0), HIGH);
    pins_ask(rig, P_SET_DIRECTION, 3, P_OUT);
    assert_true(system.pins.value[3]);
    assert_int_equal(system.pins.changes[0], 1);
    system_destroy(&system);
}

/* The controller has been reset with its driver: what had been set up is put back. */
static void a_controller_that_forgets(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
    pins_ask(rig, P_SET, 0, 1);
    pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
    pins_ask(rig, P_TYPE, 1, LINE_FALLING);
    pins_ask(rig, P_TYPE, 2, LINE_HIGH);
    at = system_unmask(&system, 1);
    pins_create(&system.pins);
    system_crash(&system);
    assert_true(system.pins.out[0] && system.pins.value[0]);
    assert_int_equal(system.pins.trigger[2], LINE_HIGH);
    assert_true(system.pins.masked[2]);
    system_pulse(&system, 1);
    expect_event(rig, at, 1);
    system_destroy(&system);
}

/* Reset, another life of the frontend, a crash in between: no line stays as it was. */
static void what_is_left_behind(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    for (uint32_t how = 0; how < 5; how++) {
        system_create(&system, IRQ);
        pins_ask(rig, P_SET_DIRECTION, 0, P_OUT);
        pins_ask(rig, P_TYPE, 1, LINE_HIGH);
        system_unmask(&system, 1);
        if (how == 0) {
            rig_reset(rig);
        } else if (how == 1) {
            assert_true(device_frontend_gone(&rig->device, rig->device.frontend + 1));
        } else if (how == 2) {
            rig->device.frontend++;
            system_crash(&system);
        } else if (how == 3) {
            rig->device.state->reset_pending = BH_VIRTIO_STATE_PENDING;
            system_crash(&system);
        } else {
            rig->device.state->magic++; /* damaged */
            system_crash(&system);
            assert_true(rig_failed(rig));
            rig_reset(rig);
        }
        assert_false(system.pins.out[0]);
        assert_true(system.pins.masked[1]);
        assert_int_equal(system.pins.trigger[1], LINE_NEVER);
        assert_int_equal(rig_used_idx(rig, 1), 0);
        rig_start(rig, IRQ);
        assert_int_equal(pins_ask(rig, P_GET_DIRECTION, 0, 0), 256 * P_NONE);
        system_destroy(&system);
    }
}

/* Every damage of a line's state is seen when it makes a difference: DEVICE_NEEDS_RESET, and no guess. */
static void damaged_state(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    for (uint32_t bit = 0; bit < 16; bit++) {
        system_create(&system, IRQ);
        pins_ask(rig, P_SET_DIRECTION, 2, P_OUT);
        ((uint16_t *)(void *)rig->device.state->class_area)[2] ^= (uint16_t)(1u << bit);
        system_crash(&system);
        assert_true(rig_failed(rig));
        assert_int_equal(pins_ask(&system.rig[1], P_GET_DIRECTION, 0, 0), 0);
        rig_reset(rig);
        rig_start(rig, IRQ);
        assert_false(system.pins.out[2]);
        system_destroy(&system);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers),
        cmocka_unit_test(get_names),
        cmocka_unit_test(directions_and_values),
        cmocka_unit_test(order),
        cmocka_unit_test(none_discards),
        cmocka_unit_test(errors),
        cmocka_unit_test(malformed),
        cmocka_unit_test(ranges),
        cmocka_unit_test(lines_that_cannot_be_added),
        cmocka_unit_test(a_crash_is_not_seen),
        cmocka_unit_test(a_controller_that_forgets),
        cmocka_unit_test(what_is_left_behind),
        cmocka_unit_test(damaged_state),
    };

    return cmocka_run_group_tests_name("devices_gpio", tests, NULL, NULL);
}
