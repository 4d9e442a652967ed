/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, doorbells, and frontends that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    world_start();
    return 0;
}

/* The frontend runs, and is served. */
static int setup_served(void **state)
{
    (void)setup(state);
    world.page.tail.incarnation = 1;
    world_loop();
    return 0;
}

static void test_before_the_frontend(void **state)
{
    (void)state;
    world.serve_result = -22;
    world_loop();
    world_event(BELL_PORT);
    world_loop();
    assert_int_equal(world.inits[0] + world.inits[1] + world.runs[0], 0);
    world.serve_result = 0;
    world_request(1, WORLD_BASE, 4, true, 0);
    world_frontend_starts(1);
    world_loop();
    assert_int_equal(world.inits[0], 1);
    assert_int_equal(world.inits[1], 1);
    assert_int_equal(world.devices[0]->frontend, 1);
    assert_true(world.runs[0] > 0 && world.runs[1] > 0);
    assert_int_equal(world_slot(1), BH_IOREQ_RESPONSE);
    assert_int_equal(world.gones[0], 0);
}

static void test_devices(void **state)
{
    (void)state;
    assert_int_equal(world.devices[0]->nr_queues, 1);
    assert_int_equal(world.devices[0]->queue_max, 8);
    assert_ptr_equal(world.devices[1]->state, world.states[1]);
    assert_int_equal(world.devices[0]->features, 0);
    assert_int_equal(world.devices[1]->features, VIRTIO_F_ACCESS_PLATFORM);
    world.devices[1]->interrupt(world.devices[1]);
    assert_int_equal(world.words[0], 0);
    assert_int_equal(world.words[1], 1);
}

static void test_accesses(void **state)
{
    (void)state;
    world_request(0, WORLD_BASE + 0x204, 2, true, 0);
    world_loop();
    assert_int_equal(world.page.slot[0].state, BH_IOREQ_READ | BH_IOREQ_RESPONSE);
    assert_int_equal(world.page.slot[0].data, 0x12345678);
    assert_int_equal(world.offset, 4);
    assert_int_equal(world.size, 2);
    assert_int_equal(world.sends[0], 1);
    world_request(2, WORLD_BASE + 0x1fc, 4, false, 0x99);
    world_loop();
    assert_int_equal(world.page.slot[2].state, BH_IOREQ_RESPONSE);
    assert_int_equal(world.value, 0x99);
    assert_int_equal(world.sends[2], 1);
    assert_int_equal(world.sends[0], 1); /* answered once */
}

static void test_elsewhere(void **state)
{
    static const uint64_t places[] = {WORLD_BASE - 4, WORLD_BASE + 0x3fe, WORLD_BASE + 0x400, UINT64_MAX - 1};

    (void)state;
    for (uint32_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        world_request(0, places[i], 4, true, 0);
        world_loop();
        assert_int_equal(world_slot(0), BH_IOREQ_RESPONSE);
        assert_int_equal(world.page.slot[0].data, UINT64_MAX);
    }
    world_request(0, WORLD_BASE, 4, false, UINT64_MAX);
    world.page.slot[0].type = BH_IOREQ_INVALIDATE;
    world_loop();
    assert_int_equal(world_slot(0), BH_IOREQ_RESPONSE);
    assert_int_equal(world.reads + world.writes, 0);
}

static void test_delayed_write(void **state)
{
    (void)state;
    world.delay = true;
    world_request(1, WORLD_BASE + 0x70, 4, false, 0);
    world_loop();
    assert_int_equal(world_slot(1), BH_IOREQ_INPROCESS);
    world_request(0, WORLD_BASE + 0x200, 4, true, 0); /* the slots are looked at again */
    world_loop();
    assert_int_equal(world_slot(0), BH_IOREQ_RESPONSE);
    assert_int_equal(world.writes, 1);
    assert_int_equal(world.sends[1], 0);
    world.devices[1]->quiet(world.devices[1]);
    assert_int_equal(world.sends[1], 0);
    world.devices[0]->quiet(world.devices[0]);
    world.devices[0]->quiet(world.devices[0]);
    assert_int_equal(world.sends[1], 1);
    assert_int_equal(world_slot(1), BH_IOREQ_RESPONSE);
}

static void test_bells(void **state)
{
    uint32_t before[2] = {world.runs[0], world.runs[1]};

    (void)state;
    world_event(BELL_PORT + 1);
    world_loop();
    assert_int_equal(world.runs[0], before[0]);
    assert_int_equal(world.runs[1], before[1] + 1);
    world.more_once = true; /* it has not done all */
    world_event(BELL_PORT);
    world_loop();
    assert_int_equal(world.runs[0], before[0] + 2);
    world.devices[1]->more = true; /* a driver called the class */
    world_loop();
    assert_int_equal(world.runs[1], before[1] + 2);
}

/* One who always has more to do does not keep another waiting, which nobody rings for. */
static void test_a_busy_one(void **state)
{
    (void)state;
    world.busy = 200;
    world.devices[1]->more = true;
    world_event(BELL_PORT);
    world_loop();
    assert_in_range(world.busy_still, 180, 199);
}

static void test_frontend_restarts(void **state)
{
    uint32_t runs;

    (void)state;
    world_frontend_stops();
    world.serve_result = -22;
    world_loop();
    assert_int_equal(world.rests, 1); /* said once all is quiet */
    assert_int_equal(world.gones[0], 1);
    assert_int_equal(world.gones[1], 1);
    assert_int_equal(world.gone_as, 2);
    runs = world.runs[0];
    world_event(BELL_PORT);
    world.devices[0]->more = true;
    world_request(0, WORLD_BASE, 4, true, 0); /* nobody makes it, but the slot may look like it */
    world_loop();
    assert_int_equal(world.runs[0], runs);
    assert_int_equal(world.reads, 0);
    world.serve_result = 0;
    world_frontend_starts(2);
    world_loop();
    assert_int_equal(world.gones[0], 1);
    assert_int_equal(world.inits[0], 1);
    assert_true(world.runs[0] > runs);
    assert_int_equal(world.reads, 1);
}

static void test_several_restarts(void **state)
{
    (void)state;
    world_frontend_starts(4); /* two lives went by unseen */
    world_loop();
    assert_int_equal(world.gone_as, 4);
    assert_int_equal(world.page.tail.attached, 1);
    world.incarnation_at_serve = 6; /* another one while it attaches */
    world_frontend_starts(5);
    world_loop();
    assert_int_equal(world.gone_as, 6);
    assert_int_equal(world.page.tail.attached, 1);
    world_request(0, WORLD_BASE, 4, true, 0);
    world_loop();
    assert_int_equal(world_slot(0), BH_IOREQ_RESPONSE);
}

static void test_quiet_before_the_next_life(void **state)
{
    uint32_t serves = world.serves;

    (void)state;
    world.gone_delay = true;
    world.delay = true;
    world_request(1, WORLD_BASE + 0x70, 4, false, 0);
    world_loop();
    world_frontend_stops();
    world_loop();
    assert_int_equal(world.rests, 0);
    world.page.slot[1] = (struct bh_ioreq){0};
    world_frontend_starts(2);
    world_loop();
    assert_int_equal(world.serves, serves);
    world.devices[0]->quiet(world.devices[0]);
    world_loop();
    assert_int_equal(world.serves, serves);
    world.devices[1]->quiet(world.devices[1]);
    world_loop();
    assert_int_equal(world.serves, serves + 1);
    assert_int_equal(world.sends[1], 0); /* the write of the earlier life */
    assert_int_equal(world_slot(1), BH_IOREQ_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_before_the_frontend, setup),
        cmocka_unit_test_setup(test_devices, setup_served),
        cmocka_unit_test_setup(test_accesses, setup_served),
        cmocka_unit_test_setup(test_elsewhere, setup_served),
        cmocka_unit_test_setup(test_delayed_write, setup_served),
        cmocka_unit_test_setup(test_bells, setup_served),
        cmocka_unit_test_setup(test_a_busy_one, setup_served),
        cmocka_unit_test_setup(test_frontend_restarts, setup_served),
        cmocka_unit_test_setup(test_several_restarts, setup_served),
        cmocka_unit_test_setup(test_quiet_before_the_next_life, setup_served),
    };

    return cmocka_run_group_tests_name("runtime: backend", tests, NULL, NULL);
}
