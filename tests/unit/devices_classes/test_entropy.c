/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "rig.h"

#include "devices/entropy.h"

#define DEVICES 3u

/* Gives each byte of a sequence once, when the test says so. */
struct generator {
    struct entropy_source source;
    uint8_t *place;
    uint32_t wanted, requests;
    uint8_t next;
};

struct system {
    struct generator generator;
    struct entropy entropy;
    struct rig rig[DEVICES];
};

static void on_request(struct entropy_source *source, uint8_t *data, uint32_t length)
{
    struct generator *generator = source->user;

    assert_null(generator->place);
    generator->place = data;
    generator->wanted = length;
    generator->requests++;
}

static void give(struct generator *generator, uint32_t length)
{
    uint8_t *place = generator->place;

    assert_non_null(place);
    assert_true(length <= generator->wanted);
    generator->place = NULL;
    for (uint32_t i = 0; i < length; i++) {
        place[i] = ++generator->next;
    }
    entropy_arrived(&generator->source, length);
}

static void create(struct system *system, bool source)
{
    memset(system, 0, sizeof *system);
    system->generator.source.user = &system->generator;
    system->generator.source.request = on_request;
    entropy_init(&system->entropy, source ? &system->generator.source : NULL);
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_create(&system->rig[i], 1);
        assert_true(entropy_add(&system->entropy, &system->rig[i].device));
        rig_start(&system->rig[i], 0);
        rig_run(&system->rig[i]);
    }
}

static void destroy(struct system *system)
{
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_destroy(&system->rig[i]);
    }
}

static void expect(struct rig *rig, uint64_t address, uint8_t first, uint32_t length)
{
    uint32_t got;

    assert_true(rig_used(rig, 0, NULL, &got));
    assert_int_equal(got, length);
    for (uint32_t i = 0; i < length; i++) {
        assert_int_equal(rig_at(rig, address)[i], first + i);
    }
}

static void without_source_nothing_is_answered(void **state)
{
    struct system system;

    (void)state;
    create(&system, false);
    rig_room(&system.rig[0], 0, 64, NULL);
    rig_run(&system.rig[0]);
    assert_false(rig_used(&system.rig[0], 0, NULL, NULL));
    destroy(&system);
}

static void bytes_are_those_of_the_source(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at[3];

    (void)state;
    create(&system, true);
    rig_run(rig);
    assert_int_equal(system.generator.requests, 0);
    rig_room(rig, 0, 200, &at[0]);
    rig_room(rig, 0, 1, &at[1]);
    rig_room(rig, 0, 16, &at[2]);
    rig_run(rig);
    rig_run(rig);
    assert_int_equal(system.generator.requests, 1);
    assert_false(rig_used(rig, 0, NULL, NULL));
    give(&system.generator, 64);
    expect(rig, at[0], 1, 64);
    assert_int_equal(rig_at(rig, at[0])[64], 0);
    give(&system.generator, 7);
    expect(rig, at[1], 65, 1);
    give(&system.generator, 9); /* what was left of the seven is not used again */
    expect(rig, at[2], 72, 9);
    assert_null(system.generator.place);
    destroy(&system);
}

static void a_request_in_pieces(void **state)
{
    struct system system;
    struct rig *rig = &system.rig[0];
    uint64_t at;
    uint32_t got;

    (void)state;
    create(&system, true);
    at = rig_memory(rig, 64);
    struct rig_buffer pieces[3] = {{at, 3, true}, {at + 16, 5, true}, {at + 32, 16, true}};
    rig_add(rig, 0, pieces, 3);
    rig_run(rig);
    give(&system.generator, 10);
    assert_true(rig_used(rig, 0, NULL, &got));
    assert_int_equal(got, 10);
    assert_memory_equal(rig_at(rig, at), "\1\2\3\0", 4);
    assert_memory_equal(rig_at(rig, at + 16), "\4\5\6\7\10\0", 6);
    assert_memory_equal(rig_at(rig, at + 32), "\11\12\0", 3);
    destroy(&system);
}

static void devices_take_turns(void **state)
{
    struct system system;
    uint64_t at[DEVICES][2];

    (void)state;
    create(&system, true);
    for (uint32_t i = 0; i < DEVICES; i++) {
        rig_room(&system.rig[i], 0, 8, &at[i][0]);
        rig_room(&system.rig[i], 0, 8, &at[i][1]);
        rig_run(&system.rig[i]);
    }
    for (uint32_t i = 0; i < 2u * DEVICES; i++) {
        give(&system.generator, 8);
        expect(&system.rig[i % DEVICES], at[i % DEVICES][i / DEVICES], (uint8_t)(1u + 8u * i), 8);
    }
    assert_null(system.generator.place);
    destroy(&system);
}

static void a_reset_forgets_the_request(void **state)
{
    struct system system;
    uint64_t at, old;

    (void)state;
    create(&system, true);
    rig_room(&system.rig[0], 0, 8, &old);
    rig_run(&system.rig[0]);
    rig_reset(&system.rig[0]);
    give(&system.generator, 8); /* nobody's */
    assert_int_equal(rig_at(&system.rig[0], old)[0], 0);
    for (uint32_t i = 0; i < ENTROPY_CHUNK; i++) {
        assert_int_equal(system.entropy.bytes[i], 0);
    }
    rig_start(&system.rig[0], 0);
    rig_room(&system.rig[0], 0, 8, &at);
    rig_run(&system.rig[0]);
    give(&system.generator, 8);
    expect(&system.rig[0], at, 9, 8);
    destroy(&system);
}

static void a_failing_source_is_asked_again(void **state)
{
    struct system system;
    uint64_t at;

    (void)state;
    create(&system, true);
    rig_room(&system.rig[0], 0, 8, &at);
    rig_run(&system.rig[0]);
    give(&system.generator, 0);
    assert_false(rig_used(&system.rig[0], 0, NULL, NULL));
    rig_run(&system.rig[0]);
    give(&system.generator, 8);
    expect(&system.rig[0], at, 1, 8);
    destroy(&system);
}

static void a_crash_asks_again(void **state)
{
    struct system system;
    uint64_t at;

    (void)state;
    create(&system, true);
    rig_room(&system.rig[0], 0, 8, &at);
    rig_run(&system.rig[0]);
    rig_crash(&system.rig[0]);
    memset(&system.entropy, 0, sizeof system.entropy);
    system.generator.place = NULL;
    entropy_init(&system.entropy, &system.generator.source);
    assert_true(entropy_add(&system.entropy, &system.rig[0].device));
    device_init(&system.rig[0].device);
    give(&system.generator, 8);
    expect(&system.rig[0], at, 1, 8);
    assert_false(rig_used(&system.rig[0], 0, NULL, NULL));
    destroy(&system);
}

/* The offender needs a reset, and the other one is served. */
static void rules_are_kept(void **state)
{
    struct system system;
    uint64_t at;

    (void)state;
    for (uint32_t broken = 0; broken < 3; broken++) {
        create(&system, true);
        if (broken == 0) {
            rig_send(&system.rig[0], 0, "x", 1);
        } else if (broken == 1) {
            struct rig_buffer mixed[2] = {{RIG_BASE + 0x8000, 8, false}, {RIG_BASE + 0x9000, 8, true}};

            rig_add(&system.rig[0], 0, mixed, 2);
        } else {
            struct rig_buffer nothing = {.address = RIG_BASE, .length = 0, .write = true};
            rig_add(&system.rig[0], 0, &nothing, 1);
        }
        rig_run(&system.rig[0]);
        rig_room(&system.rig[1], 0, 8, &at);
        rig_run(&system.rig[1]);
        give(&system.generator, 8);
        assert_true(rig_failed(&system.rig[0]));
        assert_false(rig_used(&system.rig[0], 0, NULL, NULL));
        assert_false(rig_failed(&system.rig[1]));
        expect(&system.rig[1], at, 1, 8);
        destroy(&system);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_source_nothing_is_answered),
        cmocka_unit_test(bytes_are_those_of_the_source),
        cmocka_unit_test(a_request_in_pieces),
        cmocka_unit_test(devices_take_turns),
        cmocka_unit_test(a_reset_forgets_the_request),
        cmocka_unit_test(a_failing_source_is_asked_again),
        cmocka_unit_test(a_crash_asks_again),
        cmocka_unit_test(rules_are_kept),
    };

    return cmocka_run_group_tests_name("devices_entropy", tests, NULL, NULL);
}
