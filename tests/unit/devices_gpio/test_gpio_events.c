/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The interrupts of the GPIO device: its queue of events. Each test names what it holds the device to:
 * sections of VIRTIO 1.2. */
#include "gpio_system.h"

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

        system_create(&system, IRQ);
        pins_set(&system.pins, 2, !rising);
        pins_ask(rig, P_SET_DIRECTION, 2, P_IN);
        assert_int_equal(pins_ask(rig, P_TYPE, 2, all[i]), 0);
        at = system_unmask(&system, 2);
        expect_no_event(rig);
        pins_set(&system.pins, 2, rising);
        pins_poll(&system.pins);
        expect_event(rig, at, 1);
        pins_poll(&system.pins);
        expect_no_event(rig);
        pins_set(&system.pins, 2, !rising);
        pins_poll(&system.pins);
        expect_no_event(rig);
        at = system_unmask(&system, 2); /* the second edge of "both" was kept */
        if (all[i] == LINE_BOTH) {
            expect_event(rig, at, 1);
        } else {
            expect_no_event(rig);
        }
        system_destroy(&system);
    }
}

/* 5.18.6.9: an edge is latched while the interrupt is masked; 5.18.7.3: nothing is sent for it before. */
static void edges_are_latched(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
    system_pulse(&system, 0); /* before it is enabled: nobody's */
    pins_ask(rig, P_TYPE, 0, LINE_RISING);
    at = system_unmask(&system, 0);
    expect_no_event(rig);
    system_pulse(&system, 0);
    expect_event(rig, at, 1);
    system_pulse(&system, 0);
    system_pulse(&system, 0);
    expect_no_event(rig);
    at = system_unmask(&system, 0);
    expect_event(rig, at, 1);
    at = system_unmask(&system, 0);
    expect_no_event(rig);
    system_pulse(&system, 0);
    expect_event(rig, at, 1);
    system_destroy(&system);
}

/* 5.18.6.9: a level is not latched; 5.18.7.1: as long as it lasts, unmasking brings it again. */
static void levels_are_not_latched(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
    pins_ask(rig, P_TYPE, 0, LINE_HIGH);
    system_pulse(&system, 0);
    at = system_unmask(&system, 0);
    expect_no_event(rig);
    pins_set(&system.pins, 0, true);
    pins_poll(&system.pins);
    expect_event(rig, at, 1);
    at = system_unmask(&system, 0);
    expect_event(rig, at, 1);
    pins_set(&system.pins, 0, false);
    system_unmask(&system, 0);
    expect_no_event(rig);
    system_destroy(&system);
}

/* 5.18.6.9, 5.18.7.3: disabled, what was latched is discarded, and the buffer comes back as invalid. */
static void disabling_returns_the_buffer(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
    pins_ask(rig, P_TYPE, 3, LINE_BOTH);
    at = system_unmask(&system, 3);
    assert_int_equal(pins_ask(rig, P_TYPE, 3, LINE_NEVER), 0);
    expect_event(rig, at, 0);
    system_pulse(&system, 3);
    expect_no_event(rig);
    pins_ask(rig, P_TYPE, 3, LINE_BOTH);
    system_pulse(&system, 3);
    pins_ask(rig, P_TYPE, 3, LINE_NEVER);
    pins_ask(rig, P_TYPE, 3, LINE_BOTH);
    system_unmask(&system, 3);
    expect_no_event(rig);
    system_destroy(&system);
}

/* 5.18.6.6: unmasked without being enabled, the buffer comes back as invalid; enabled alone, nothing is sent.
 */
static void both_are_needed(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
    at = system_unmask(&system, 1);
    expect_event(rig, at, 0);
    pins_ask(rig, P_TYPE, 1, LINE_HIGH);
    pins_set(&system.pins, 1, true);
    pins_poll(&system.pins);
    expect_no_event(rig);
    at = system_unmask(&system, 1);
    expect_event(rig, at, 1);
    system_destroy(&system);
}

/* 5.18.6.8: without the feature there are no messages on interrupts, and no queue of events. */
static void without_interrupts(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    system_create(&system, 0);
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_RISING), ERR);
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_NEVER), ERR);
    system_unmask(&system, 0);
    system_pulse(&system, 0);
    expect_no_event(rig);
    system_destroy(&system);
}

/* A controller without interrupts does not offer them. */
static void controller_without_interrupts(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];

    (void)state;
    system_create(&system, 0);
    system.pins.lines.interrupts = false;
    system.pins.lines.trigger = NULL;
    system.pins.lines.mask = NULL;
    system.pins.lines.clear = NULL;
    for (uint32_t i = 0; i < DEVICES; i++) {
        system.rig[i].device.features = 0;
    }
    system_set_up(&system);
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(system.rig[i].device.features & IRQ, 0);
        rig_start(&system.rig[i], 0);
    }
    assert_int_equal(pins_ask(rig, P_SET_DIRECTION, 0, P_OUT), 0);
    assert_int_equal(pins_ask(rig, P_TYPE, 0, LINE_RISING), ERR);
    rig_reset(rig);
    assert_false(system.pins.out[0]);
    system_destroy(&system);
}

/* An edge was being handed on when the backend died; the queue of events was being reset. It is not lost. */
static void an_edge_without_its_queue(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint16_t *word;
    uint64_t at;

    (void)state;
    system_create(&system, IRQ);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    system_unmask(&system, 1);
    word = (uint16_t *)(void *)rig->device.state->class_area + 1;
    *word = (uint16_t)((*word & 0xff) | 0x40);
    *word = (uint16_t)(*word + *word * 167u % 256u * 256u);
    bh_virtio_state_queue(rig->device.state, 1, rig->device.queue_max)->resetting = BH_VIRTIO_STATE_PENDING;
    system_crash(&system);
    restart_event_queue(rig);
    at = system_unmask(&system, 1);
    expect_event(rig, at, 1);
    at = system_unmask(&system, 1);
    expect_no_event(rig);
    system_destroy(&system);
}

/* The queue of events alone is reset: the buffer is the driver's again, an edge is kept for the next one. */
static void reset_of_the_event_queue(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;

    (void)state;
    system_create(&system, IRQ | VIRTIO_F_RING_RESET);
    pins_ask(rig, P_TYPE, 1, LINE_RISING);
    at = system_unmask(&system, 1);
    assert_true(device_write(&rig->device, 0x30, 4, 1));
    assert_true(device_write(&rig->device, 0xc0, 4, 1));
    assert_int_equal(device_read(&rig->device, 0xc0, 4), 0);
    system_pulse(&system, 1);
    assert_int_equal(rig_at(rig, at)[0], 0xee);
    assert_int_equal(rig_used_idx(rig, 1), 0);
    system_crash(&system);
    restart_event_queue(rig);
    at = system_unmask(&system, 1);
    expect_event(rig, at, 1);
    system_unmask(&system, 1);
    assert_true(device_write(&rig->device, 0xc0, 4, 1));
    restart_event_queue(rig);
    at = system_unmask(&system, 1); /* the only one of its line */
    expect_no_event(rig);
    system_pulse(&system, 1);
    expect_event(rig, at, 1);
    system_destroy(&system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(triggers),
        cmocka_unit_test(edges_are_latched),
        cmocka_unit_test(levels_are_not_latched),
        cmocka_unit_test(disabling_returns_the_buffer),
        cmocka_unit_test(both_are_needed),
        cmocka_unit_test(without_interrupts),
        cmocka_unit_test(controller_without_interrupts),
        cmocka_unit_test(an_edge_without_its_queue),
        cmocka_unit_test(reset_of_the_event_queue),
    };

    return cmocka_run_group_tests_name("devices_gpio_events", tests, NULL, NULL);
}
