/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The backend dies behind each store to the rings and the state page, and behind each access to the
 * controller, of a run in turn, and once more in its recovery. Whatever it does: each request is answered
 * once, each edge is told once, no output changes by itself. */
#include "pins.h"

#include <setjmp.h>

#include "crash_step.h"

static jmp_buf death;
static int64_t left = -1; /* steps to live; < 0: for ever */
static int64_t again;     /* of the life after the first death */
static uint64_t steps, deaths;

static struct pins pins;
static struct gpio_bank bank;
static struct gpio gpio[2];
static struct rig rig[2];
static const uint8_t names[] = "a\0\0b\0";

void crash_step(void)
{
    steps++;
    if (left >= 0 && left-- == 0) {
        deaths++;
        longjmp(death, 1);
    }
}

static void set_up(void)
{
    memset(&bank, 0, sizeof bank);
    memset(gpio, 0, sizeof gpio);
    gpio_init(&bank, &pins.lines);
    for (uint32_t i = 0; i < 2; i++) {
        gpio[i] = (struct gpio){.device = &rig[i].device, .first = 4u * i, .nr = 4};
        gpio[i].names = names;
        gpio[i].names_size = sizeof names;
        assert_true(gpio_add(&bank, &gpio[i]));
    }
}

static void run_all(void)
{
    rig_run(&rig[0]);
    rig_run(&rig[1]);
    pins_poll(&pins);
}

static void recover(void)
{
    rig_crash(&rig[0]);
    rig_crash(&rig[1]);
    pins_restart(&pins);
    set_up();
    device_init(&rig[0].device);
    device_init(&rig[1].device);
    run_all();
}

static void live(void)
{
    if (setjmp(death) == 0) {
        run_all();
        return;
    }
    left = again;
    again = -1;
    if (setjmp(death) == 0) {
        recover();
        return;
    }
    left = -1;
    recover();
}

static uint64_t send(uint16_t type, uint16_t line, uint32_t value, uint32_t room)
{
    uint16_t words[4] = {type, line, (uint16_t)value, (uint16_t)(value >> 16)};
    uint64_t at = rig_memory(&rig[0], 32);
    struct rig_buffer pair[2] = {{at, 8, false}, {at + 8, room, true}};

    memcpy(rig_at(&rig[0], at), words, 8);
    memset(rig_at(&rig[0], at + 8), 0xee, room);
    rig_add(&rig[0], 0, pair, 2);
    return at + 8;
}

/* One request is answered once. */
static void ask(uint16_t type, uint16_t line, uint32_t value, uint8_t status, uint8_t result)
{
    uint64_t at = send(type, line, value, 2);
    uint32_t length;

    live();
    assert_true(rig_used(&rig[0], 0, NULL, &length));
    assert_int_equal(length, 2);
    assert_int_equal(rig_at(&rig[0], at)[0], status);
    assert_int_equal(rig_at(&rig[0], at)[1], result);
    assert_false(rig_used(&rig[0], 0, NULL, NULL));
}

static void ask_names(void)
{
    uint64_t at = send(P_NAMES, 0, 0, 1 + sizeof names);
    uint32_t length;

    live();
    assert_true(rig_used(&rig[0], 0, NULL, &length));
    assert_int_equal(length, 1 + sizeof names);
    assert_memory_equal(rig_at(&rig[0], at + 1), names, sizeof names);
}

static void expect_event(uint64_t at, uint8_t status)
{
    uint32_t length;

    assert_true(rig_used(&rig[0], 1, NULL, &length));
    assert_int_equal(length, 1);
    assert_int_equal(rig_at(&rig[0], at)[0], status);
    assert_false(rig_used(&rig[0], 1, NULL, NULL));
}

static void expect_no_event(void)
{
    assert_false(rig_used(&rig[0], 1, NULL, NULL));
}

static uint64_t unmask(uint16_t line)
{
    uint64_t at = pins_unmask(&rig[0], line);

    live();
    return at;
}

static void edges(void)
{
    uint64_t at;

    ask(P_SET_DIRECTION, 1, P_IN, 0, 0);
    pins_set(&pins, 1, true); /* before it is enabled: never told */
    pins_set(&pins, 1, false);
    ask(P_TYPE, 1, LINE_RISING, 0, 0);
    at = unmask(1);
    expect_no_event();
    for (uint32_t i = 0; i < 3; i++) { /* unmasked, then masked */
        pins_set(&pins, 1, true);
        live();
        expect_event(at, 1);
        pins_set(&pins, 1, false);
        live();
        pins_set(&pins, 1, true);
        live();
        pins_set(&pins, 1, false);
        expect_no_event();
        at = unmask(1);
        expect_event(at, 1);
        at = unmask(1);
        expect_no_event();
    }
    /* disabled with a buffer, and with an edge that was kept */
    ask(P_TYPE, 1, LINE_NEVER, 0, 0);
    expect_event(at, 0);
    ask(P_TYPE, 1, LINE_BOTH, 0, 0);
    pins_set(&pins, 1, true);
    ask(P_SET_DIRECTION, 1, P_NONE, 0, 0);
    ask(P_TYPE, 1, LINE_BOTH, 0, 0);
    at = unmask(1);
    expect_no_event();
    pins_set(&pins, 1, false);
    live();
    expect_event(at, 1);
}

static void levels(void)
{
    uint64_t at;

    ask(P_TYPE, 2, LINE_HIGH, 0, 0);
    ask(P_TYPE, 2, LINE_LOW, 1, 0);
    at = unmask(2);
    expect_no_event();
    pins_set(&pins, 2, true);
    live();
    expect_event(at, 1);
    at = unmask(2);
    expect_event(at, 1);
    pins_set(&pins, 2, false);
    at = unmask(2);
    expect_no_event();
    at = unmask(2); /* a second one comes back */
    expect_event(at, 0);
    ask(P_SET_DIRECTION, 2, P_OUT, 1, 0);
}

static void outputs(void)
{
    ask(P_SET, 0, 1, 0, 0);
    ask(P_SET_DIRECTION, 0, P_OUT, 0, 0);
    assert_true(pins.out[0] && pins.value[0]);
    assert_int_equal(pins.changes[0], 1);
    ask(P_GET, 0, 0, 0, 1);
    ask(P_SET, 0, 0, 0, 0);
    ask(P_SET, 0, 1, 0, 0);
    ask(P_GET_DIRECTION, 0, 0, 0, P_OUT);
    assert_int_equal(pins.changes[0], 3);
}

static void one_run(int64_t step, uint64_t features)
{
    pins_create(&pins);
    rig_create(&rig[0], 2);
    rig_create(&rig[1], 2);
    set_up();
    rig_start(&rig[0], features);
    rig_start(&rig[1], features);
    assert_int_equal(pins_ask(&rig[1], P_SET, 0, 1), 0);
    assert_int_equal(pins_ask(&rig[1], P_SET_DIRECTION, 0, P_OUT), 0);
    pins.step = crash_step;
    steps = 0;
    left = step;
    again = step % 3 == 0 ? -1 : step * 7 % 61;
    ask_names();
    outputs();
    edges();
    levels();
    ask(P_SET_DIRECTION, 0, P_NONE, 0, 0);
    assert_int_equal(pins.changes[0], 4);
    left = -1;
    assert_true(step < 0 || deaths != 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_false(rig_failed(&rig[i]));
        rig_destroy(&rig[i]);
    }
    assert_true(pins.out[4] && pins.value[4]); /* the other one's has not moved */
    assert_int_equal(pins.changes[4], 1);
}

static void survives_each_step(void **state)
{
    static const uint64_t rings[] = {0, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        one_run(-1, VIRTIO_GPIO_F_IRQ | rings[i]);
        for (int64_t step = 0, all = (int64_t)steps; step < all; step++) {
            one_run(step, VIRTIO_GPIO_F_IRQ | rings[i]);
        }
    }
    print_message("gpio: %llu deaths\n", (unsigned long long)deaths);
    assert_true(deaths > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_each_step),
    };

    return cmocka_run_group_tests_name("devices_gpio_crash", tests, NULL, NULL);
}
