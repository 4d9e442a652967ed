/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The backend dies behind each store of a run in turn, and once more behind a store of its recovery. */
#include "net_world.h"

#include <setjmp.h>
#include <stdio.h>

#include "devices/console.h"
#include "devices/entropy.h"

static jmp_buf death;
static int64_t left = -1; /* steps to live; < 0: for ever */
static uint64_t steps;
static uint64_t deaths;

void crash_step(void)
{
    steps++;
    if (left >= 0 && left-- == 0) {
        deaths++;
        longjmp(death, 1);
    }
}

/* Runs the backend. If it dies: its recovery, which may die after `again` steps, and a last one. */
static void live(void (*run)(void), void (*recover)(void), int64_t again)
{
    if (setjmp(death) == 0) {
        run();
        return;
    }
    left = again;
    if (setjmp(death) == 0) {
        recover();
        left = -1;
        return;
    }
    left = -1;
    recover();
}

/* How many steps a recovery takes at most, about. */
static int64_t second_death(int64_t first)
{
    return first % 3 == 0 ? -1 : first * 7 % 23;
}

/* Net: frames from port 0 to port 1 and to the uplink, and from the uplink to port 1. */
#define ROOMS  48u
#define ROOM   128u
#define FRAMES 9u

static struct world world;
static uint64_t room_at[RIG_QUEUE];
static uint8_t incoming[400];

static void run_net(void)
{
    for (uint32_t i = 0; i < world.nr; i++) {
        rig_run(&world.rig[i]);
    }
}

static void run_uplink(void)
{
    world.link.receive(&world.link, incoming, sizeof incoming, &(struct link_checksum){0});
}

static void recover_net(void)
{
    world_crash(&world);
    run_net();
}

static uint32_t length_of(uint32_t n)
{
    return n % 3u == 2 ? (uint32_t)sizeof incoming : 60u + n * 41u;
}

static void make_frame(uint8_t *frame, uint32_t n)
{
    static const uint8_t outside[6] = {2, 0xaa, 0, 0, 0, 1};

    if (n % 3u == 2) {
        world_frame(frame, length_of(n), world_mac(&world, 1), outside, (uint8_t)n);
    } else {
        world_frame(frame, length_of(n), n % 3u == 1 ? outside : world_mac(&world, 1), world_mac(&world, 0),
                    (uint8_t)n);
    }
}

/* The next frame that port 1 has got, joined; 0: none. Counts the buffers. */
static uint32_t next_received(uint8_t *joined, uint32_t *buffers)
{
    struct rig *rig = &world.rig[1];
    uint32_t done = 0, nr = 1, length;
    uint16_t head;

    for (uint32_t i = 0; i < nr; i++) {
        if (!rig_used(rig, 0, &head, &length)) {
            assert_int_equal(i, 0); /* never a part of a set */
            return 0;
        }
        if (i == 0) {
            nr = rig_at(rig, room_at[head])[10];
            assert_in_range(nr, 1, NET_MAX_MERGE);
        }
        memcpy(joined + done, rig_at(rig, room_at[head]), length);
        done += length;
        (*buffers)++;
    }
    return done - 12u;
}

static uint32_t check_received(uint32_t *buffers)
{
    uint8_t joined[NET_MAX_MERGE * ROOM], expected[400];
    uint32_t got = 0, n = 0, length;

    for (; (length = next_received(joined, buffers)) != 0; got++) {
        for (bool found = false; !found; n++) {
            assert_true(n < FRAMES); /* whole, in order, none twice */
            make_frame(expected, n);
            found = n % 3u != 1 && length == length_of(n) && memcmp(joined + 12, expected, length) == 0;
        }
    }
    return got;
}

static void one_net_run(int64_t step, uint64_t features)
{
    static const struct world_header plain;
    uint32_t buffers = 0, done = 0, got;
    uint8_t frame[NET_MAX_MERGE * ROOM];

    world_create(&world, 2, true);
    world_start(&world, features);
    for (uint32_t i = 0; i < ROOMS; i++) {
        uint64_t at;
        uint16_t head = rig_room(&world.rig[1], 0, ROOM, &at);

        room_at[head] = at;
    }
    steps = 0;
    left = step;
    for (uint32_t n = 0; n < FRAMES; n++) {
        if (n % 3u == 2) {
            make_frame(incoming, n);
            live(run_uplink, recover_net, second_death(step));
        } else {
            make_frame(frame, n);
            world_send(&world, 0, &plain, frame, length_of(n));
            live(run_net, recover_net, second_death(step));
        }
    }
    left = -1;
    assert_false(rig_failed(&world.rig[0]) || rig_failed(&world.rig[1]));
    while (rig_used(&world.rig[0], 1, NULL, NULL)) {
        done++;
    }
    assert_int_equal(done, 6); /* each that was sent has come back, once */
    got = check_received(&buffers);
    assert_true(got >= (step < 0 ? 6u : 5u)); /* the one at hand may be lost */
    assert_true(world.sent >= (step < 0 ? 3u : 2u) && world.sent <= 3);
    make_frame(incoming, 2);
    while (ROOMS - buffers >= 4) { /* no buffer is lost */
        run_uplink();
        assert_int_equal(next_received(frame, &(uint32_t){0}), sizeof incoming);
        buffers += 4;
    }
    world_destroy(&world);
}

static void net_survives_each_step(void **state)
{
    static const uint64_t rings[] = {0, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        one_net_run(-1, VIRTIO_NET_F_MRG_RXBUF | rings[i]);
        for (int64_t step = 0, all = (int64_t)steps; step < all; step++) {
            one_net_run(step, VIRTIO_NET_F_MRG_RXBUF | rings[i]);
        }
    }
    print_message("net: %llu deaths\n", (unsigned long long)deaths);
    assert_true(deaths > 200);
}

/* The link behind an isolated port: what its driver knows in the end is so, wherever the backend died and
 * whether the link changed before, after or meanwhile. */
static bool known_up;
static uint32_t known_generation;

static void change_link(void)
{
    world.link.up = !world.link.up;
    world.link.changed(&world.link);
}

static void change_while_away(void)
{
    world.link.up = !world.link.up;
    world_crash(&world);
}

static void recover_link(void)
{
    world_crash(&world);
}

static void driver_looks(bool always)
{
    struct device *device = &world.rig[0].device;
    uint32_t reasons = device_read(device, 0x60, 4), generation;
    bool up;

    device_write(device, 0x64, 4, reasons);
    if (always || (reasons & 2u) != 0) {
        up = device_read(device, 0x106, 2) == 1u;
        generation = device_read(device, 0xfc, 4);
        assert_true(always || up == known_up || generation != known_generation);
        known_up = up;
        known_generation = generation;
    }
}

static void one_link_run(int64_t step)
{
    world_create(&world, 1, true);
    world.rules[0].isolated = true;
    world_start(&world, VIRTIO_NET_F_STATUS);
    driver_looks(true);
    assert_true(known_up);
    steps = 0;
    left = step;
    for (uint32_t i = 0; i < 6; i++) {
        live(i % 3u == 1 ? change_while_away : change_link, recover_link, second_death(step));
        driver_looks(false);
        assert_int_equal(known_up, world.link.up);
    }
    left = -1;
    assert_false(rig_failed(&world.rig[0]));
    world_destroy(&world);
}

static void link_changes_survive_each_step(void **state)
{
    uint64_t before = deaths;

    (void)state;
    one_link_run(-1);
    for (int64_t step = 0, all = (int64_t)steps; step < all; step++) {
        one_link_run(step);
    }
    print_message("link: %llu deaths\n", (unsigned long long)(deaths - before));
    assert_true(deaths - before > 20);
}

/* What is none of the words that the class writes says so, to every later life, until the driver resets it.
 */
static void damaged_link_word(void **state)
{
    uint32_t word;

    (void)state;
    for (uint32_t bit = 0; bit < 32; bit++) {
        world_create(&world, 1, true);
        world_start(&world, VIRTIO_NET_F_STATUS);
        memcpy(&word, world.rig[0].device.state->class_area, sizeof word);
        assert_int_not_equal(word, 0);
        world_crash(&world);
        assert_false(rig_failed(&world.rig[0])); /* the control */
        word ^= 1u << bit;
        memcpy(world.rig[0].device.state->class_area, &word, sizeof word);
        for (uint32_t life = 0; life < 2; life++) {
            world_crash(&world);
            (void)device_read(&world.rig[0].device, 0x106, 2);
            assert_true(rig_failed(&world.rig[0]));
        }
        rig_reset(&world.rig[0]);
        assert_false(rig_failed(&world.rig[0]));
        world_destroy(&world);
    }
}

/* Console with two ports: announcements, lines, input. Entropy: requests. */
static struct text text;
static struct console_mux mux;
static struct console console;
static struct entropy_source source;
static struct entropy entropy;
static struct rig rig, random_rig;
static char shown[8192];
static uint32_t nr_shown;
static uint8_t *wanted;

static uint32_t on_put(struct text *of, const uint8_t *data, uint32_t length)
{
    (void)of;
    assert_true(nr_shown + length < sizeof shown);
    memcpy(shown + nr_shown, data, length);
    nr_shown += length;
    shown[nr_shown] = '\0';
    return length;
}

static void on_request(struct entropy_source *of, uint8_t *data, uint32_t length)
{
    (void)of;
    (void)length;
    wanted = data;
}

static void set_up(void)
{
    memset(&mux, 0, sizeof mux);
    memset(&console, 0, sizeof console);
    memset(&entropy, 0, sizeof entropy);
    wanted = NULL;
    text.put = on_put;
    source.request = on_request;
    console_mux_init(&mux, &text);
    entropy_init(&entropy, &source);
    console.device = &rig.device;
    assert_true(console_add(&mux, &console));
    assert_true(entropy_add(&entropy, &random_rig.device));
}

static void run_others(void)
{
    rig_run(&rig);
    rig_run(&random_rig);
    while (wanted != NULL) {
        uint8_t *place = wanted;

        wanted = NULL;
        memset(place, 0xaa, 5);
        entropy_arrived(&source, 5);
    }
}

static void recover_others(void)
{
    rig_crash(&rig);
    rig_crash(&random_rig);
    set_up();
    device_init(&rig.device);
    device_init(&random_rig.device);
    run_others();
}

static void tell(uint32_t id, uint16_t event, int64_t step)
{
    uint8_t message[8] = {(uint8_t)id, 0, 0, 0, (uint8_t)event, 0, 1, 0};

    rig_send(&rig, 3, message, sizeof message);
    live(run_others, recover_others, second_death(step));
}

/* Which messages came: bit 8 * port + event. */
static uint32_t announced(const uint64_t *at)
{
    uint32_t seen = 0, length;
    uint16_t head;

    while (rig_used(&rig, 2, &head, &length)) {
        const uint8_t *message = rig_at(&rig, at[head]);

        assert_int_equal(length, 8);
        assert_true(message[0] < 2 && message[4] < 8 && message[6] == 1);
        seen |= 1u << (8u * message[0] + message[4]);
    }
    return seen;
}

static void one_run_of_others(int64_t step)
{
    uint64_t control[RIG_QUEUE], random_at[8];
    uint32_t used = 0, length;
    char line[16];

    rig_create(&rig, 6);
    rig_create(&random_rig, 1);
    nr_shown = 0;
    set_up();
    rig_start(&rig, VIRTIO_CONSOLE_F_MULTIPORT | VIRTIO_F_EVENT_IDX);
    rig_start(&random_rig, 0);
    for (uint32_t i = 0; i < 16; i++) {
        uint64_t at;
        uint16_t head = rig_room(&rig, 2, 8, &at);

        control[head] = at;
    }
    steps = 0;
    left = step;
    tell(0, 0, step);
    for (uint32_t i = 0; i < 8; i++) {
        if (i < 2) {
            tell(i, 3, step);
        }
        snprintf(line, sizeof line, "<%u>\n", i);
        rig_send(&rig, i % 2u == 0 ? 1 : 5, line, (uint32_t)strlen(line));
        rig_room(&random_rig, 0, 10, &random_at[i]);
        live(run_others, recover_others, second_death(step));
    }
    left = -1;
    assert_false(rig_failed(&rig) || rig_failed(&random_rig));
    assert_int_equal(announced(control), 1u << 1 | 1u << 4 | 1u << 6 | 1u << 9 | 1u << 14);
    for (uint32_t i = 0; i < 8; i++) {
        snprintf(line, sizeof line, "<%u>\r\n", i);
        assert_non_null(strstr(shown, line));
        assert_true(rig_used(&random_rig, 0, NULL, &length));
        assert_int_equal(length, 5);
        assert_int_equal(rig_at(&random_rig, random_at[i])[4], 0xaa);
    }
    assert_false(rig_used(&random_rig, 0, NULL, NULL));
    while (rig_used(&rig, 1, NULL, NULL) || rig_used(&rig, 5, NULL, NULL) || rig_used(&rig, 3, NULL, NULL)) {
        used++;
    }
    assert_int_equal(used, 8 + 3);
    rig_destroy(&rig);
    rig_destroy(&random_rig);
}

static void console_and_entropy_survive_each_step(void **state)
{
    uint64_t before = deaths;

    (void)state;
    one_run_of_others(-1);
    for (int64_t step = 0, all = (int64_t)steps; step < all; step++) {
        one_run_of_others(step);
    }
    print_message("console and entropy: %llu deaths\n", (unsigned long long)(deaths - before));
    assert_true(deaths - before > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_survives_each_step),
        cmocka_unit_test(link_changes_survive_each_step),
        cmocka_unit_test(damaged_link_word),
        cmocka_unit_test(console_and_entropy_survive_each_step),
    };

    return cmocka_run_group_tests_name("devices_classes_crash", tests, NULL, NULL);
}
