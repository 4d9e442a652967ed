/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "rig.h"

#include <stdio.h>

#include "devices/console.h"

#define CONSOLES  3u
#define MULTIPORT VIRTIO_CONSOLE_F_MULTIPORT

/* A terminal that takes `room` bytes and keeps what it was given. */
struct screen {
    struct text text;
    char seen[65536];
    uint32_t used, room;
};

struct system {
    struct screen screen;
    struct console_mux mux;
    struct console console[CONSOLES];
    struct rig rig[CONSOLES];
    uint32_t queues;
};

static const char *const names[CONSOLES] = {"one", "two", "three"};

static uint32_t on_put(struct text *text, const uint8_t *data, uint32_t length)
{
    struct screen *screen = text->user;
    uint32_t part = length < screen->room ? length : screen->room;

    assert_true(screen->used + part < sizeof screen->seen);
    memcpy(screen->seen + screen->used, data, part);
    screen->used += part;
    screen->room -= part;
    return part;
}

static void set_up(struct system *system)
{
    memset(&system->mux, 0, sizeof system->mux);
    memset(system->console, 0, sizeof system->console);
    console_mux_init(&system->mux, &system->screen.text);
    for (uint32_t i = 0; i < CONSOLES; i++) {
        system->console[i].device = &system->rig[i].device;
        system->console[i].name = names[i];
        assert_true(console_add(&system->mux, &system->console[i]));
    }
}

static void create(struct system *system, uint32_t queues, uint64_t features)
{
    memset(system, 0, sizeof *system);
    system->queues = queues;
    system->screen.text.user = &system->screen;
    system->screen.text.put = on_put;
    system->screen.room = ~0u;
    for (uint32_t i = 0; i < CONSOLES; i++) {
        rig_create(&system->rig[i], queues);
    }
    set_up(system);
    for (uint32_t i = 0; i < CONSOLES; i++) {
        rig_start(&system->rig[i], features);
        rig_run(&system->rig[i]);
    }
}

static void destroy(struct system *system)
{
    for (uint32_t i = 0; i < CONSOLES; i++) {
        rig_destroy(&system->rig[i]);
    }
}

static void crash(struct system *system)
{
    for (uint32_t i = 0; i < CONSOLES; i++) {
        rig_crash(&system->rig[i]);
    }
    set_up(system);
    for (uint32_t i = 0; i < CONSOLES; i++) {
        device_init(&system->rig[i].device);
    }
}

static void run_those_that_want(struct system *system)
{
    for (uint32_t i = 0; i < CONSOLES; i++) {
        if (system->rig[i].device.more) {
            rig_run(&system->rig[i]);
        }
    }
}

static void say(struct system *system, uint32_t who, const char *words)
{
    rig_send(&system->rig[who], 1, words, (uint32_t)strlen(words));
    rig_run(&system->rig[who]);
}

static void type(struct system *system, const char *keys)
{
    system->screen.text.input(&system->screen.text, (const uint8_t *)keys, (uint32_t)strlen(keys));
    run_those_that_want(system);
}

static void shows(struct system *system, const char *expected)
{
    system->screen.seen[system->screen.used] = '\0';
    assert_string_equal(system->screen.seen, expected);
    system->screen.used = 0;
}

static void lines_have_their_writer(void **state)
{
    struct system system;

    (void)state;
    create(&system, 2, 0);
    say(&system, 0, "hello\n");
    shows(&system, "one: hello\r\n");
    say(&system, 1, "un\r\ndeux\r\n");
    shows(&system, "two: un\r\ntwo: deux\r\n");
    say(&system, 2, "not ");
    shows(&system, "");
    say(&system, 0, "login: "); /* has the input: at once */
    shows(&system, "one: login: ");
    say(&system, 0, "me");
    shows(&system, "me");
    say(&system, 2, "yet\n"); /* the open line is closed first */
    shows(&system, "\r\nthree: not yet\r\n");
    say(&system, 0, "\n\n");
    shows(&system, "one: \r\none: \r\n");
    assert_int_equal(rig_used_idx(&system.rig[0], 1), 4);
    destroy(&system);
}

static void a_long_line_comes_in_parts(void **state)
{
    struct system system;
    char words[300], expected[400];

    (void)state;
    create(&system, 2, 0);
    memset(words, 'x', sizeof words);
    words[298] = '\n';
    words[299] = '\0';
    say(&system, 1, words);
    snprintf(expected, sizeof expected, "two: %.*s\r\n", 298, words);
    shows(&system, expected);
    destroy(&system);
}

static void the_input_goes_to_one(void **state)
{
    struct system system;
    uint64_t at[CONSOLES];
    uint32_t length;

    (void)state;
    create(&system, 2, 0);
    type(&system, "early"); /* is kept until there is a buffer */
    for (uint32_t i = 0; i < CONSOLES; i++) {
        rig_room(&system.rig[i], 0, 16, &at[i]);
        rig_run(&system.rig[i]);
    }
    assert_true(rig_used(&system.rig[0], 0, NULL, &length));
    assert_int_equal(length, 5);
    assert_memory_equal(rig_at(&system.rig[0], at[0]), "early", 5);
    say(&system, 1, "prompt> ");
    shows(&system, "");
    type(&system, "\001\001\001ab");
    shows(&system, "two: has the input\r\ntwo: prompt> ");
    assert_true(rig_used(&system.rig[1], 0, NULL, &length));
    assert_int_equal(length, 2);
    assert_memory_equal(rig_at(&system.rig[1], at[1]), "ab", 2);
    assert_false(rig_used(&system.rig[0], 0, NULL, NULL));
    rig_room(&system.rig[1], 0, 16, &at[1]);
    type(&system, "\001\001c\001"); /* not three: meant for the domain */
    assert_true(rig_used(&system.rig[1], 0, NULL, &length));
    assert_int_equal(length, 3);
    assert_memory_equal(rig_at(&system.rig[1], at[1]), "\001\001c", 3);
    type(&system, "\001\001\001\001\001");
    shows(&system, "\r\nthree: has the input\r\none: has the input\r\n");
    destroy(&system);
}

static void input_beyond_the_limit_is_lost(void **state)
{
    struct system system;
    uint64_t at[2];
    uint32_t length;

    (void)state;
    create(&system, 2, 0);
    for (uint32_t i = 0; i < 100; i++) {
        type(&system, "k");
    }
    rig_room(&system.rig[0], 0, 50, &at[0]);
    rig_room(&system.rig[0], 0, 50, &at[1]);
    rig_run(&system.rig[0]);
    assert_true(rig_used(&system.rig[0], 0, NULL, &length));
    assert_int_equal(length, 50);
    assert_true(rig_used(&system.rig[0], 0, NULL, &length));
    assert_int_equal(length, CONSOLE_INPUT - 50);
    destroy(&system);
}

/* A slow terminal and three writers: each byte of each writer appears once, in its order, and lines are
 * whole.
 */
static void a_slow_terminal(void **state)
{
    static const char *const words[] = {"a", "bb\n", "cccc", "\n", "ddddddddddddddddddddddddddddddd\n"};
    struct system system;
    uint32_t lines[CONSOLES] = {0}, turns = 0, got[CONSOLES] = {0};
    char *line, *rest;

    (void)state;
    srand(3);
    create(&system, 2, 0);
    system.screen.room = 0;
    for (uint32_t i = 0; i < 150; i++) {
        uint32_t who = (uint32_t)rand() % CONSOLES;
        char text[64];

        snprintf(text, sizeof text, "%u %s\n", lines[who]++, words[(uint32_t)rand() % 3u * 2u]);
        if (text[strlen(text) - 2] == '\n') {
            text[strlen(text) - 1] = '\0';
        }
        if (system.rig[who].ring[1].nr_free != 0) {
            say(&system, who, text);
        } else {
            lines[who]--;
        }
        if (rand() % 8 == 0) {
            system.screen.room += (uint32_t)rand() % 40u;
            system.screen.text.ready(&system.screen.text);
            run_those_that_want(&system);
        }
        for (uint32_t j = 0; j < CONSOLES; j++) {
            while (rig_used(&system.rig[j], 1, NULL, NULL)) {
            }
        }
    }
    while (system.mux.used != 0 || system.rig[0].device.more || system.rig[1].device.more ||
           system.rig[2].device.more) {
        system.screen.room += 16;
        system.screen.text.ready(&system.screen.text);
        run_those_that_want(&system);
        assert_true(++turns < 100000u);
    }
    system.screen.seen[system.screen.used] = '\0';
    for (line = system.screen.seen; *line != '\0'; line = rest + 2) {
        uint32_t who = 0, number;
        char prefix[24];

        rest = strstr(line, "\r\n");
        assert_non_null(rest);
        *rest = '\0';
        assert_int_equal(sscanf(line, "%23[a-z]: %u ", prefix, &number), 2);
        while (strcmp(names[who], prefix) != 0) {
            who++;
        }
        assert_int_equal(number, got[who]++);
    }
    for (uint32_t i = 0; i < CONSOLES; i++) {
        assert_int_equal(got[i], lines[i]);
    }
    destroy(&system);
}

/* What waits for room is written from its beginning after a crash; what was answered is not repeated. */
static void a_crash_with_text_in_flight(void **state)
{
    struct system system;

    (void)state;
    create(&system, 2, VIRTIO_F_EVENT_IDX);
    say(&system, 0, "before\n");
    shows(&system, "one: before\r\n");
    system.screen.room = 0;
    for (uint32_t i = 0; i < 200; i++) {
        rig_send(&system.rig[1], 1, "0123456789\n", 11);
        if (i == 60) {
            break;
        }
    }
    rig_run(&system.rig[1]);
    uint16_t answered = rig_used_idx(&system.rig[1], 1);
    assert_true(answered > 0 && answered < 61);
    system.screen.room = ~0u;
    crash(&system);
    run_those_that_want(&system);
    assert_int_equal(rig_used_idx(&system.rig[1], 1), 61);
    system.screen.seen[system.screen.used] = '\0';
    assert_int_equal(system.screen.used, (61u - answered) * strlen("two: 0123456789\r\n"));
    destroy(&system);
}

static void runs_are_bounded(void **state)
{
    struct system system;
    char *words = malloc(20001);

    (void)state;
    create(&system, 2, 0);
    memset(words, 'x', 20000);
    words[20000] = '\0';
    rig_send(&system.rig[0], 1, words, 20000);
    assert_true(device_run(&system.rig[0].device));
    assert_int_equal(rig_used_idx(&system.rig[0], 1), 0);
    assert_true(system.screen.used <= 2048 + 256);
    rig_run(&system.rig[0]);
    assert_int_equal(rig_used_idx(&system.rig[0], 1), 1);
    assert_int_equal(system.screen.used, 20000 + strlen("one: "));
    free(words);
    destroy(&system);
}

static void configuration(void **state)
{
    struct system system;

    (void)state;
    create(&system, 6, VIRTIO_CONSOLE_F_SIZE);
    assert_int_equal(device_read(&system.rig[0].device, 0x100, 2), 80);
    assert_int_equal(device_read(&system.rig[0].device, 0x102, 2), 25);
    assert_int_equal(device_read(&system.rig[0].device, 0x104, 4), 2);
    rig_reset(&system.rig[0]);
    assert_true(device_write(&system.rig[0].device, 0x108, 4, 'p'));
    assert_true(device_write(&system.rig[0].device, 0x108, 1, '!'));
    shows(&system, "one: p!");
    assert_true(device_write(&system.rig[0].device, 0x104, 4, 'q'));
    shows(&system, "");
    destroy(&system);
}

/* A control message to the device, or the next one from it. */
static void tell(struct system *system, uint32_t id, uint16_t event, uint16_t value)
{
    uint8_t message[8] = {(uint8_t)id, (uint8_t)(id / 256u), 0, 0, (uint8_t)event, 0, (uint8_t)value, 0};

    rig_send(&system->rig[0], 3, message, sizeof message);
    rig_run(&system->rig[0]);
}

static void told(struct system *system, uint64_t at, uint32_t id, uint16_t event, uint16_t value)
{
    const uint8_t message[8] = {(uint8_t)id, 0, 0, 0, (uint8_t)event, 0, (uint8_t)value, 0};
    uint32_t length;

    assert_true(rig_used(&system->rig[0], 2, NULL, &length));
    assert_int_equal(length, 8);
    assert_memory_equal(rig_at(&system->rig[0], at), message, 8);
}

static void ports_are_announced(void **state)
{
    struct system system;
    uint64_t at[8];
    uint32_t length;

    (void)state;
    create(&system, 6, MULTIPORT);
    tell(&system, 0xffff, 0, 1); /* DEVICE_READY: the answers wait for buffers */
    for (uint32_t i = 0; i < 8; i++) {
        rig_room(&system.rig[0], 2, 64, &at[i]);
    }
    rig_run(&system.rig[0]);
    told(&system, at[0], 0, 1, 1);
    told(&system, at[1], 1, 1, 1);
    tell(&system, 0, 3, 1);
    told(&system, at[2], 0, 4, 1); /* a console, and open */
    told(&system, at[3], 0, 6, 1);
    tell(&system, 1, 3, 1);
    told(&system, at[4], 1, 6, 1);
    tell(&system, 1, 6, 1);
    tell(&system, 9, 3, 1); /* no such port */
    tell(&system, 0, 77, 1);
    rig_send(&system.rig[0], 3, "short", 5);
    rig_run(&system.rig[0]);
    assert_false(rig_used(&system.rig[0], 2, NULL, NULL));
    assert_false(rig_failed(&system.rig[0]));
    assert_int_equal(rig_used_idx(&system.rig[0], 3), 7);
    for (uint32_t i = 2u * CONSOLE_MAX_PORTS; i < BH_VIRTIO_STATE_CLASS; i++) {
        assert_int_equal(system.rig[0].device.state->class_area[i], 0);
    }
    rig_send(&system.rig[0], 5, "from the second port\n", 21);
    rig_send(&system.rig[0], 1, "from the first\n", 15);
    rig_run(&system.rig[0]);
    shows(&system, "one: from the first\r\none/1: from the second port\r\n");
    type(&system, "\001\001\001x");
    rig_room(&system.rig[0], 4, 8, &at[0]);
    rig_run(&system.rig[0]);
    assert_true(rig_used(&system.rig[0], 4, NULL, &length));
    assert_int_equal(length, 1);
    destroy(&system);
}

/* Linux throws away what comes for a port that nobody has open. */
static void input_waits_for_an_open_port(void **state)
{
    struct system system;
    uint64_t at;

    (void)state;
    create(&system, 6, MULTIPORT);
    rig_room(&system.rig[0], 0, 8, &at);
    type(&system, "a");
    rig_run(&system.rig[0]);
    assert_false(rig_used(&system.rig[0], 0, NULL, NULL));
    tell(&system, 0, 6, 1);
    assert_true(rig_used(&system.rig[0], 0, NULL, NULL));
    assert_int_equal(*rig_at(&system.rig[0], at), 'a');
    tell(&system, 0, 6, 0);
    rig_room(&system.rig[0], 0, 8, &at);
    type(&system, "b");
    crash(&system); /* and b with it; that the port is closed is kept */
    type(&system, "c");
    rig_run(&system.rig[0]);
    assert_false(rig_used(&system.rig[0], 0, NULL, NULL));
    tell(&system, 0, 6, 1);
    assert_true(rig_used(&system.rig[0], 0, NULL, NULL));
    assert_int_equal(*rig_at(&system.rig[0], at), 'c');
    destroy(&system);
}

static void announcements_survive_a_crash(void **state)
{
    struct system system;
    uint64_t at[2];

    (void)state;
    create(&system, 6, MULTIPORT);
    tell(&system, 0, 0, 1);
    rig_room(&system.rig[0], 2, 64, &at[0]);
    rig_run(&system.rig[0]);
    told(&system, at[0], 0, 1, 1);
    crash(&system);
    rig_room(&system.rig[0], 2, 64, &at[1]);
    rig_run(&system.rig[0]);
    told(&system, at[1], 1, 1, 1);
    rig_reset(&system.rig[0]); /* and not a reset */
    rig_start(&system.rig[0], MULTIPORT);
    rig_room(&system.rig[0], 2, 64, &at[0]);
    rig_run(&system.rig[0]);
    assert_false(rig_used(&system.rig[0], 2, NULL, NULL));
    destroy(&system);
}

/* What is kept of each port has a check: no bit of it is believed that is not as it was written, by no later
 * life, until the driver resets the device. */
static void damaged_flags_need_a_reset(void **state)
{
    struct system system;
    uint8_t sound[4];

    (void)state;
    for (uint32_t bit = 0; bit < 8u * sizeof sound; bit++) {
        create(&system, 6, MULTIPORT);
        tell(&system, 0, 0, 1);
        tell(&system, 0, 6, 1);
        memcpy(sound, system.rig[0].device.state->class_area, sizeof sound);
        assert_true(sound[0] != 0 && sound[2] != 0);
        crash(&system);
        assert_false(rig_failed(&system.rig[0])); /* the control */
        system.rig[0].device.state->class_area[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
        for (uint32_t life = 0; life < 2; life++) {
            crash(&system);
            assert_true(rig_failed(&system.rig[0]));
            assert_false(rig_failed(&system.rig[1]));
            say(&system, 1, "there\n");
            shows(&system, "two: there\r\n");
        }
        rig_reset(&system.rig[0]);
        rig_start(&system.rig[0], MULTIPORT);
        assert_false(rig_failed(&system.rig[0]));
        destroy(&system);
    }
    create(&system, 6, 0); /* without the feature nothing is kept: a whole word is no better */
    memcpy(system.rig[0].device.state->class_area, sound, sizeof sound);
    crash(&system);
    assert_true(rig_failed(&system.rig[0]));
    destroy(&system);
}

static void offenders_need_a_reset(void **state)
{
    struct system system;

    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        create(&system, 6, MULTIPORT);
        tell(&system, 0, 6, 1);
        if (i == 0) {
            rig_room(&system.rig[0], 1, 8, NULL);
        } else if (i == 1) {
            rig_send(&system.rig[0], 0, "x", 1);
            type(&system, "y");
        } else if (i == 2) {
            rig_room(&system.rig[0], 3, 8, NULL);
        } else if (i == 3) {
            rig_room(&system.rig[0], 2, 7, NULL);
            tell(&system, 0, 0, 1);
        } else {
            struct rig_buffer nothing = {.address = RIG_BASE, .length = 0, .write = true};

            rig_add(&system.rig[0], 0, &nothing, 1);
            type(&system, "y");
        }
        rig_run(&system.rig[0]);
        assert_true(rig_failed(&system.rig[0]));
        system.screen.used = 0;
        say(&system, 1, "still here\n");
        shows(&system, "two: still here\r\n");
        rig_reset(&system.rig[0]);
        rig_start(&system.rig[0], 0);
        say(&system, 0, "again\n");
        shows(&system, "one: again\r\n");
        destroy(&system);
    }
}

/* The line of one that is reset is ended; what it had not finished stays readable. */
static void a_reset_ends_the_line(void **state)
{
    struct system system;

    (void)state;
    create(&system, 2, 0);
    say(&system, 0, "half");
    say(&system, 1, "a quarter");
    rig_reset(&system.rig[0]);
    rig_reset(&system.rig[1]);
    shows(&system, "one: half\r\ntwo: a quarter\r\n");
    destroy(&system);
}

static void limits(void **state)
{
    struct system system;
    struct console more[CONSOLE_MAX_LINES];

    (void)state;
    create(&system, 2, 0);
    memset(more, 0, sizeof more);
    for (uint32_t i = 0; i < CONSOLE_MAX_LINES; i++) {
        struct device device = {.nr_queues = 2};

        more[i].device = &device;
        assert_int_equal(console_add(&system.mux, &more[i]), i < CONSOLE_MAX_LINES - CONSOLES);
    }
    struct system other;
    create(&other, 2, 0);
    for (uint32_t queues = 0; queues <= 10; queues++) {
        struct device device = {.nr_queues = queues};
        struct console console = {.device = &device, .name = "a name that is longer than there is room for"};

        assert_int_equal(console_add(&other.mux, &console), queues >= 2 && queues <= 8 && queues % 2 == 0);
    }
    destroy(&other);
    destroy(&system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_their_writer),
        cmocka_unit_test(a_long_line_comes_in_parts),
        cmocka_unit_test(the_input_goes_to_one),
        cmocka_unit_test(input_beyond_the_limit_is_lost),
        cmocka_unit_test(a_slow_terminal),
        cmocka_unit_test(a_crash_with_text_in_flight),
        cmocka_unit_test(runs_are_bounded),
        cmocka_unit_test(configuration),
        cmocka_unit_test(ports_are_announced),
        cmocka_unit_test(input_waits_for_an_open_port),
        cmocka_unit_test(announcements_survive_a_crash),
        cmocka_unit_test(damaged_flags_need_a_reset),
        cmocka_unit_test(offenders_need_a_reset),
        cmocka_unit_test(a_reset_ends_the_line),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests_name("devices_console", tests, NULL, NULL);
}
