/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Streams through the socket device while the backend dies behind each store of a run in turn, and once more
 * behind a store of its recovery: each byte arrives once and in order, each packet comes back once, each
 * answer comes once. */
#include "vsock_world.h"

#include <stdio.h>

static jmp_buf death;
static int64_t left = -1; /* steps to live; < 0: for ever */
static uint64_t steps, deaths;
static int64_t close_at = -1; /* the step before which the memory of `closing` goes; < 0: never */
static const struct rig *closing;

void crash_step(void)
{
    if (close_at >= 0 && (uint64_t)close_at == steps) {
        memset(closing->memory, 0, RIG_MEMORY); /* as the scratch page of a closed window */
    }
    steps++;
    if (left >= 0 && left-- == 0) {
        deaths++;
        longjmp(death, 1);
    }
}

static struct sockets world;
static uint32_t victim; /* its frontend is gone too when the backend comes back; SOCKETS_PORTS: none */

static void run(void)
{
    sockets_run(&world);
}

static void recover(void)
{
    if (victim < SOCKETS_PORTS) {
        world.rig[victim].device.frontend = 2;
    }
    sockets_crash(&world);
    sockets_run(&world);
}

/* Runs the backend. If it dies: its recovery, which may die after `again` steps, and a last one. */
static void live(int64_t again)
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

/* Two streams cross between 0 and 1, one goes from 0 to 2, which is slow; 2 knocks where nobody is. */
#define STREAMS 3u

struct stream {
    uint32_t from, to, sent, got;
};
static struct stream streams[STREAMS];
static uint32_t packets[SOCKETS_PORTS], returned[SOCKETS_PORTS], answers, knocks;
static uint32_t rooms[SOCKETS_PORTS];

static uint8_t byte_of(uint32_t stream, uint32_t at)
{
    uint32_t x = (at + 1u) * 2654435761u + stream * 40503u;

    return (uint8_t)(x >> 13);
}

static void send(uint32_t number, uint32_t length)
{
    struct stream *s = &streams[number];
    struct vsock_header header = sockets_header(s->from, s->to, VSOCK_RW, length);
    uint8_t bytes[4096];

    for (uint32_t i = 0; i < length; i++) {
        bytes[i] = byte_of(number, s->sent + i);
    }
    header.src_port = number;
    sockets_send(&world, s->from, &header, bytes, length);
    s->sent += length;
    packets[s->from]++;
}

static void knock(uint32_t port)
{
    struct vsock_header header = sockets_header(2, 0, VSOCK_REQUEST, 0);

    header.dst_cid = 77;
    header.src_port = port;
    sockets_send(&world, 2, &header, NULL, 0);
    packets[2]++;
    knocks++;
}

static void collect(void)
{
    struct vsock_header header;
    uint8_t bytes[8192];

    for (uint32_t port = 0; port < world.nr; port++) {
        while (rig_used(&world.rig[port], VSOCK_TX, NULL, NULL)) {
            returned[port]++;
        }
        while (sockets_receive(&world, port, &header, bytes)) {
            struct stream *s = &streams[header.src_port % STREAMS];

            rooms[port]--;
            if (header.op == VSOCK_RST) {
                assert_int_equal(header.dst_port, answers); /* in order, none twice */
                answers++;
                continue;
            }
            assert_int_equal(header.op, VSOCK_RW);
            assert_int_equal(s->to, port);
            for (uint32_t i = 0; i < header.length; i++) {
                assert_int_equal(bytes[i], byte_of(header.src_port, s->got + i));
            }
            s->got += header.length;
        }
    }
}

static void begin(uint64_t features)
{
    static const struct stream fresh[STREAMS] = {{0, 1, 0, 0}, {1, 0, 0, 0}, {0, 2, 0, 0}};

    memcpy(streams, fresh, sizeof streams);
    memset(packets, 0, sizeof packets);
    memset(returned, 0, sizeof returned);
    memset(rooms, 0, sizeof rooms);
    answers = 0;
    knocks = 0;
    sockets_create(&world, 3);
    sockets_start(&world, features);
}

static int64_t second_death(int64_t first)
{
    return first % 3 == 0 ? -1 : first * 7 % 97;
}

static void room(uint32_t port, uint32_t bytes)
{
    sockets_room(&world, port, bytes);
    rooms[port]++;
}

static void turn(uint32_t i, int64_t step)
{
    if (i < 8) {
        send(0, 300 + i * 97);
        send(1, 1 + i * 211);
        send(2, 50 + i);
        if (i % 2 == 0) {
            knock(i / 2u);
        }
    }
    room(0, VSOCK_HEADER + 200);
    room(0, VSOCK_HEADER + 333);
    room(1, VSOCK_HEADER + 100 + 64 * i);
    room(1, VSOCK_HEADER + 150);
    if (i % 3 == 2) {
        room(2, VSOCK_HEADER + 60);
    }
    live(second_death(step));
    collect();
}

/* What is missing at the end, without deaths. */
static void drain(void)
{
    left = -1;
    for (uint32_t i = 0; i < 30; i++) {
        for (uint32_t port = 0; port < 3; port++) {
            room(port, VSOCK_HEADER + 2000);
        }
        run();
        collect();
    }
}

/* No receive buffer is lost. */
static void use_all_rooms(void)
{
    for (uint32_t i = 0; i < STREAMS; i++) {
        uint32_t nr = rooms[streams[i].to];

        assert_true(nr != 0);
        for (uint32_t k = 0; k < nr; k++) {
            send(i, 1);
            run();
            collect();
        }
        assert_int_equal(streams[i].got, streams[i].sent);
        assert_int_equal(rooms[streams[i].to], 0);
    }
}

static void one_run(int64_t step, uint64_t features)
{
    begin(features);
    steps = 0;
    left = step;
    for (uint32_t i = 0; i < 12; i++) {
        turn(i, step);
    }
    drain();
    for (uint32_t i = 0; i < STREAMS; i++) {
        assert_int_equal(streams[i].got, streams[i].sent);
    }
    for (uint32_t port = 0; port < 3; port++) {
        assert_int_equal(returned[port], packets[port]);
        assert_false(rig_failed(&world.rig[port]));
        assert_int_equal(world.port[port].nr_waiting, 0);
    }
    assert_int_equal(answers, knocks);
    use_all_rooms();
    sockets_destroy(&world);
}

static void streams_survive_each_step(void **state)
{
    static const uint64_t rings[] = {0, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC};

    (void)state;
    victim = SOCKETS_PORTS;
    for (uint32_t i = 0; i < 2; i++) {
        one_run(-1, rings[i]);
        for (int64_t step = 0, all = (int64_t)steps; step < all; step++) {
            one_run(step, rings[i]);
        }
    }
    print_message("streams: %llu deaths\n", (unsigned long long)deaths);
    assert_true(deaths > 1000);
}

/* The backend and the frontend of port 1 die together, in each step: its peer gets answers for what has not
 * arrived, and nothing of it twice; everything else goes on. */
static void run_with_victim(int64_t step)
{
    bool died;
    uint64_t before = deaths;

    begin(0);
    steps = 0;
    left = step;
    for (uint32_t i = 0; i < 4 && deaths == before; i++) {
        send(0, 300 + i * 97);
        send(2, 50 + i);
        sockets_room(&world, 1, VSOCK_HEADER + 100);
        sockets_room(&world, 2, VSOCK_HEADER + 60);
        live(-1);
    }
    left = -1;
    died = deaths != before;
    for (uint32_t i = 0; i < 8; i++) {
        struct vsock_header header;
        uint8_t bytes[64];

        sockets_room(&world, 0, VSOCK_HEADER + 20);
        sockets_room(&world, 2, VSOCK_HEADER + 60);
        run();
        while (sockets_receive(&world, 0, &header, bytes)) {
            assert_int_equal(header.op, VSOCK_RST);
            assert_true(died && header.src_cid == 4);
            answers++;
        }
        while (sockets_receive(&world, 2, &header, bytes)) {
            assert_int_equal(header.src_port, 2);
            for (uint32_t k = 0; k < header.length; k++) {
                assert_int_equal(bytes[k], byte_of(2, streams[2].got + k));
            }
            streams[2].got += header.length;
        }
        while (rig_used(&world.rig[0], VSOCK_TX, NULL, NULL)) {
            returned[0]++;
        }
    }
    assert_int_equal(streams[2].got, streams[2].sent);
    if (died) {
        assert_int_equal(returned[0], packets[0]);
        assert_int_equal(device_read(&world.rig[1].device, 0x70, 4), 0);
    }
    sockets_destroy(&world);
}

static void a_frontend_dies_with_it(void **state)
{
    uint64_t before = deaths;
    int64_t step = 0;

    (void)state;
    victim = 1;
    for (uint64_t last = deaths - 1u; last != deaths; step++) {
        last = deaths;
        run_with_victim(step);
    }
    print_message("with a frontend: %llu deaths\n", (unsigned long long)(deaths - before));
    assert_true(deaths - before > 100);
}

/* Nobody rings: only what the devices ask for themselves. */
static void run_unasked(void)
{
    bool more = true;

    for (uint32_t turns = 0; more; turns++) {
        more = false;
        for (uint32_t i = 0; i < world.nr; i++) {
            if (world.rig[i].device.more) {
                (void)device_run(&world.rig[i].device);
                more = true;
            }
        }
        assert_true(turns < 1000u);
    }
}

/* Port 0 sends to port 1, which stops: its window closes before that step, wherever the switch is, and the
 * switch is told at once or when it has nothing else to do. True: before it had everything. */
static bool stops_at(int64_t step, uint32_t packets_sent, bool at_once)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_REQUEST, 0);
    uint32_t nr = 0;
    uint8_t bytes[64];
    bool closed;

    sockets_create(&world, 2);
    sockets_start(&world, 0);
    for (uint32_t i = 0; i < 60; i++) {
        sockets_room(&world, 0, VSOCK_HEADER + 20);
        sockets_room(&world, 1, VSOCK_HEADER + 100);
    }
    sockets_send(&world, 0, &header, NULL, 0);
    sockets_run(&world);
    for (uint32_t i = 0; i < packets_sent; i++) {
        header = sockets_header(0, 1, VSOCK_RW, 2500);
        sockets_send(&world, 0, &header, world.rig[0].memory, header.length);
    }
    steps = 0;
    closing = &world.rig[1];
    close_at = step;
    (void)device_run(&world.rig[0].device); /* its doorbell, the last one */
    if (!at_once) {
        run_unasked();
    }
    closed = steps > (uint64_t)step;
    close_at = -1;
    assert_true(device_frontend_gone(&world.rig[1].device, 2));
    run_unasked();
    while (rig_used(&world.rig[0], VSOCK_TX, NULL, NULL)) {
        nr++;
    }
    assert_int_equal(nr, packets_sent + 1u);
    nr = 0;
    while (sockets_receive(&world, 0, &header, bytes)) {
        assert_int_equal(header.op, VSOCK_RST);
        assert_int_equal(header.dst_port, 1000);
        nr++;
    }
    assert_in_range(nr, 1, packets_sent + 1u);
    assert_false(rig_failed(&world.rig[0]));
    sockets_destroy(&world);
    return closed;
}

/* The sender has used up its credit, say, and rings no more: it is told nevertheless. */
static void a_receiver_stops_at_each_step(void **state)
{
    uint32_t closed = 0;

    (void)state;
    for (uint32_t packets_sent = 1; packets_sent <= 3; packets_sent++) {
        for (uint32_t at_once = 0; at_once < 2; at_once++) {
            for (int64_t step = 0; stops_at(step, packets_sent, at_once != 0); step++) {
                closed++;
            }
        }
    }
    print_message("a receiver that stops: %u windows closed\n", closed);
    assert_true(closed > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_survive_each_step),
        cmocka_unit_test(a_frontend_dies_with_it),
        cmocka_unit_test(a_receiver_stops_at_each_step),
    };

    return cmocka_run_group_tests_name("devices_vsock_crash", tests, NULL, NULL);
}
