/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The socket device against VIRTIO 1.2, 5.10. */
#include "vsock_world.h"

#include <stddef.h>

#define MANY (RIG_QUEUE - 2u)

static struct sockets world;
static uint8_t data[20000], got[20000];

static void begin(uint32_t nr, uint64_t features)
{
    sockets_create(&world, nr);
    for (uint32_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7u + i / 251u);
    }
    sockets_start(&world, features);
}

static void end(void)
{
    sockets_destroy(&world);
}

static uint32_t returned(uint32_t port)
{
    uint32_t nr = 0;

    while (rig_used(&world.rig[port], VSOCK_TX, NULL, NULL)) {
        nr++;
    }
    return nr;
}

static void rooms(uint32_t port, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        sockets_room(&world, port, SOCKETS_ROOM);
    }
}

static void small_rooms(uint32_t port, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        sockets_room(&world, port, VSOCK_HEADER + 4u);
    }
}

static void expect(uint32_t port, const struct vsock_header *wanted, const void *payload)
{
    struct vsock_header header;

    assert_true(sockets_receive(&world, port, &header, got));
    assert_memory_equal(&header, wanted, VSOCK_HEADER);
    if (wanted->length != 0) {
        assert_memory_equal(got, payload, wanted->length);
    }
}

static void expect_nothing(uint32_t port)
{
    struct vsock_header header;

    assert_false(sockets_receive(&world, port, &header, got));
}

static void expect_reset(uint32_t port, const struct vsock_header *of)
{
    struct vsock_header wanted = {.src_cid = of->dst_cid,
                                  .dst_cid = of->src_cid,
                                  .src_port = of->dst_port,
                                  .dst_port = of->src_port,
                                  .type = of->type,
                                  .op = VSOCK_RST};

    expect(port, &wanted, NULL);
}

/* 5.10.4: guest_cid is no reserved number, its upper half is zero, and it cannot be written. */
static void says_who_it_is(void **state)
{
    struct device *device = &world.rig[1].device;
    static const uint32_t reserved[] = {0, 1, 2, UINT32_MAX};
    struct vsock_port port = {.device = device};

    (void)state;
    begin(2, 0);
    assert_int_equal(device_read(device, 0x008, 4), 19);
    assert_true(device_write(device, 0x014, 4, 0));
    assert_int_equal(device_read(device, 0x010, 4), 3u << 28 | 3u); /* event index, indirect; both types */
    assert_true(device_write(device, 0x014, 4, 1));
    assert_int_equal(device_read(device, 0x010, 4), 1u << 8 | 1u); /* reset of queues, version 1 */
    assert_int_equal(device_read(device, 0x100, 4), 4);
    assert_int_equal(device_read(device, 0x104, 4), 0);
    assert_true(device_write(device, 0x100, 4, 9));
    assert_int_equal(device_read(device, 0x100, 4), 4);
    assert_int_equal(device_read(device, 0x108, 4), 0);
    for (uint32_t i = 0; i < 4; i++) {
        port.cid = reserved[i];
        assert_false(vsock_add(&world.vsock, &port));
    }
    port.cid = 4; /* of port 1 */
    assert_false(vsock_add(&world.vsock, &port));
    port.cid = 5;
    assert_true(vsock_add(&world.vsock, &port));
    end();
}

static void passes_packets_on(void **state)
{
    static const uint64_t rings[] = {0, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC};

    (void)state;
    for (uint32_t k = 0; k < 2; k++) {
        struct vsock_header header;

        begin(3, rings[k]);
        rooms(1, 8);
        rooms(2, 1);
        for (uint16_t op = VSOCK_REQUEST; op <= VSOCK_CREDIT_REQUEST; op++) {
            uint32_t length = op == VSOCK_RW ? 1000 : 0;

            header = sockets_header(0, 1, op, length);
            header.flags = op == VSOCK_SHUTDOWN ? 3 : 0;
            sockets_send(&world, 0, &header, data, length);
            sockets_run(&world);
            expect(1, &header, data);
            assert_int_equal(returned(0), 1);
        }
        assert_true(world.rig[1].interrupts >= (k == 0 ? 7u : 1u));
        expect_nothing(2);
        end();
    }
}

/* A buffer may be longer than the payload (5.10.6); flags that a packet does not have are not passed on. */
static void believes_the_length(void **state)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_RW, 10);

    (void)state;
    begin(2, 0);
    rooms(1, 1);
    header.flags = 0xffffffff;
    sockets_send(&world, 0, &header, data, 500);
    sockets_run(&world);
    header.flags = 0;
    expect(1, &header, data);
    end();
}

static void divides_what_is_large(void **state)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_RW, 10000), piece;
    uint32_t done = 0;

    (void)state;
    begin(2, VIRTIO_VSOCK_F_SEQPACKET);
    header.type = VSOCK_SEQPACKET;
    header.flags = 3;
    sockets_send(&world, 0, &header, data, 10000);
    sockets_room(&world, 1, SOCKETS_ROOM);
    sockets_room(&world, 1, VSOCK_HEADER + 1); /* the smallest */
    sockets_run(&world);
    assert_int_equal(returned(0), 0); /* in flight, and partly there */
    rooms(1, 2);
    sockets_run(&world);
    assert_int_equal(returned(0), 1);
    while (sockets_receive(&world, 1, &piece, got)) {
        assert_memory_equal(got, data + done, piece.length);
        done += piece.length;
        assert_int_equal(piece.flags, done == 10000 ? 3 : 0); /* the end of the message, once */
        piece.length = header.length;
        piece.flags = header.flags;
        assert_memory_equal(&piece, &header, VSOCK_HEADER);
    }
    assert_int_equal(done, 10000);
    end();
}

/* Headers in pieces, as a driver may lay them out (2.7.4: no assumption about framing). */
static void takes_any_layout(void **state)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_RW, 300), seen;
    struct rig_buffer out[4], in[3];
    uint8_t all[VSOCK_HEADER + 300];

    (void)state;
    begin(2, 0);
    memcpy(all, &header, VSOCK_HEADER);
    memcpy(all + VSOCK_HEADER, data, 300);
    for (uint32_t i = 0, at = 0; i < 4; i++) {
        static const uint32_t cuts[] = {7, 30, 100, 207};

        out[i] = (struct rig_buffer){.address = rig_memory(&world.rig[0], cuts[i]), .length = cuts[i]};
        memcpy(rig_at(&world.rig[0], out[i].address), all + at, cuts[i]);
        at += cuts[i];
    }
    for (uint32_t i = 0; i < 3; i++) {
        static const uint32_t cuts[] = {40, 4, 4096};

        in[i] = (struct rig_buffer){
            .address = rig_memory(&world.rig[1], cuts[i]), .length = cuts[i], .write = true};
    }
    (void)rig_add(&world.rig[0], VSOCK_TX, out, 4);
    (void)rig_add(&world.rig[1], VSOCK_RX, in, 3);
    sockets_run(&world);
    memcpy(&seen, rig_at(&world.rig[1], in[0].address), 40);
    memcpy((uint8_t *)&seen + 40, rig_at(&world.rig[1], in[1].address), 4);
    assert_memory_equal(&seen, &header, VSOCK_HEADER);
    assert_memory_equal(rig_at(&world.rig[1], in[2].address), data, 300);
    end();
}

static void answer(struct vsock_header header, uint32_t length, bool wanted)
{
    sockets_send(&world, 0, &header, data, length);
    sockets_run(&world);
    assert_int_equal(returned(0), 1);
    if (wanted) {
        expect_reset(0, &header);
    } else {
        expect_nothing(0);
    }
}

/* Who is not there, and an unknown type (5.10.6.4.2), is answered with a RST; a RST never is. */
static void answers_what_cannot_be(void **state)
{
    static const uint64_t nobody[] = {0, 1, 2, 3 /* its own */, 40, UINT32_MAX};
    struct vsock_header header;

    (void)state;
    sockets_create(&world, 4);
    world.isolated[0] = world.isolated[3] = true;
    sockets_start(&world, VIRTIO_VSOCK_F_SEQPACKET);
    rooms(0, 40);
    rooms(1, 40);
    rooms(3, 40);
    rig_reset(&world.rig[2]);
    for (uint32_t i = 0; i < 8; i++) {
        header = sockets_header(0, i >= 6 ? i - 4 : 0, VSOCK_REQUEST, 0); /* 6: not ready, 7: isolated too */
        header.dst_cid = i < 6 ? nobody[i] : header.dst_cid;
        answer(header, 0, true);
        header.op = VSOCK_RST;
        answer(header, 0, false);
    }
    header = sockets_header(0, 1, VSOCK_RW, 100);
    answer(header, 99, true); /* longer than it is */
    header.op = 0;
    answer(header, 100, true);
    header.op = 8;
    answer(header, 100, true);
    header.op = VSOCK_CREDIT_UPDATE; /* has no payload */
    answer(header, 100, true);
    header = sockets_header(0, 1, VSOCK_REQUEST, 0);
    header.type = 3;
    answer(header, 0, true);
    header.op = VSOCK_RST;
    answer(header, 0, false);
    header = sockets_header(0, 1, VSOCK_REQUEST, 0);
    header.src_cid = 5; /* another's */
    answer(header, 0, false);
    header.src_cid = (UINT64_C(1) << 32) + 3;
    answer(header, 0, false);
    header = sockets_header(0, 1, VSOCK_REQUEST, 0);
    header.dst_cid += UINT64_C(1) << 32;
    answer(header, 0, false);
    rig_send(&world.rig[0], VSOCK_TX, &header, VSOCK_HEADER - 1u);
    sockets_run(&world);
    assert_int_equal(returned(0), 1);
    expect_nothing(0);
    expect_nothing(1);
    expect_nothing(3);
    answer(sockets_header(0, 1, VSOCK_REQUEST, 0), 0, false); /* and this one arrives */
    header = sockets_header(0, 1, VSOCK_REQUEST, 0);
    expect(1, &header, NULL);
    end();
}

/* Message sockets between two who know them only. */
static void seqpacket_needs_both(void **state)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_REQUEST, 0);

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        begin(2, 0);
        for (uint32_t k = 0; k < 2; k++) {
            rig_reset(&world.rig[k]);
            rig_start(&world.rig[k], i / (k + 1u) % 2u != 0 ? VIRTIO_VSOCK_F_SEQPACKET : 0);
        }
        rooms(0, 1);
        rooms(1, 1);
        header.type = VSOCK_SEQPACKET;
        sockets_send(&world, 0, &header, NULL, 0);
        sockets_run(&world);
        if (i == 3) {
            expect(1, &header, NULL);
        } else {
            expect_reset(0, &header);
        }
        end();
    }
}

static void send_number(uint32_t from, uint32_t to, uint8_t number)
{
    struct vsock_header header = sockets_header(from, to, VSOCK_RW, 1);

    sockets_send(&world, from, &header, &number, 1);
}

static void expect_number(uint32_t from, uint32_t to, uint8_t number)
{
    struct vsock_header header = sockets_header(from, to, VSOCK_RW, 1);

    expect(to, &header, &number);
}

/* A receiver without buffers stops only what is for it, and nothing is lost. */
static void waits_for_one_only(void **state)
{
    (void)state;
    begin(3, VIRTIO_F_EVENT_IDX);
    rooms(2, 10);
    for (uint8_t i = 0; i < 10; i++) {
        send_number(0, 1 + i % 2u, i);
    }
    sockets_run(&world);
    assert_int_equal(returned(0), 5);
    for (uint8_t i = 1; i < 10; i += 2) {
        expect_number(0, 2, i);
    }
    for (uint8_t i = 0; i < 10; i += 2) {
        rooms(1, 1);
        sockets_run(&world);
        expect_number(0, 1, i);
        expect_nothing(1);
    }
    assert_int_equal(returned(0), 5);
    assert_int_equal(world.port[0].nr_waiting, 0);
    end();
}

/* What waits is limited; then nothing more of this sender is taken, and it goes on later. */
static void waits_within_limits(void **state)
{
    (void)state;
    begin(3, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC);
    for (uint8_t i = 0; i < MANY; i++) {
        send_number(0, 1, i);
    }
    rooms(2, 2);
    send_number(0, 2, 200);
    sockets_run(&world);
    assert_int_equal(world.port[0].nr_waiting, VSOCK_WAITING);
    assert_int_equal(returned(0), 0);
    send_number(1, 2, 100); /* others go on */
    sockets_run(&world);
    expect_number(1, 2, 100);
    expect_nothing(2);
    small_rooms(1, MANY);
    sockets_run(&world);
    for (uint8_t i = 0; i < MANY; i++) {
        expect_number(0, 1, i);
    }
    expect_number(0, 2, 200);
    assert_int_equal(returned(0), MANY + 1u);
    end();
}

/* 5.10.6.1.2: each sends until its queue is full before it receives; still all arrives. */
static void has_no_deadlock(void **state)
{
    (void)state;
    begin(2, 0);
    for (uint8_t i = 0; i < RIG_QUEUE / 2u; i++) {
        send_number(0, 1, i);
        send_number(1, 0, (uint8_t)(100u + i));
    }
    sockets_run(&world);
    for (uint8_t i = 0; i < RIG_QUEUE / 2u; i++) {
        rooms(i % 2u, 1);
        rooms(1 - i % 2u, 1);
        sockets_run(&world);
        expect_number(0, 1, i);
        expect_number(1, 0, (uint8_t)(100u + i));
    }
    assert_int_equal(returned(0), RIG_QUEUE / 2u);
    assert_int_equal(returned(1), RIG_QUEUE / 2u);
    end();
}

/* Those who wait for one receiver are served in turn, also if one of them began long before. */
static void serves_in_turn(void **state)
{
    uint32_t seen[4] = {0};
    struct vsock_header header;

    (void)state;
    begin(4, 0);
    for (uint8_t i = 0; i < 20; i++) {
        send_number(0, 1, i);
    }
    sockets_run(&world);
    for (uint8_t i = 0; i < 20; i++) {
        send_number(2, 1, i);
        send_number(3, 1, i);
    }
    sockets_run(&world);
    for (uint32_t i = 0; i < 30; i++) {
        rooms(1, 1);
        sockets_run(&world);
        assert_true(sockets_receive(&world, 1, &header, got));
        assert_int_equal(got[0], seen[header.src_cid - 3u]); /* each in its order */
        seen[header.src_cid - 3u]++;
    }
    assert_int_equal(seen[0], 10);
    assert_int_equal(seen[2], 10);
    assert_int_equal(seen[3], 10);
    end();
}

/* One who never stops leaves time for the others. */
static void work_is_bounded(void **state)
{
    (void)state;
    begin(3, VIRTIO_F_INDIRECT_DESC);
    small_rooms(1, MANY);
    for (uint8_t i = 0; i < MANY; i++) {
        send_number(0, 1, i);
    }
    assert_true(device_run(&world.rig[0].device));
    assert_in_range(rig_used_idx(&world.rig[0], VSOCK_TX), 1, VSOCK_RUN);
    end();
}

static void reset_of_receiver(uint32_t how)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_RW, 6000);

    begin(3, VIRTIO_F_RING_RESET);
    rooms(0, 10);
    rooms(1, 1);
    sockets_send(&world, 0, &header, data, 6000); /* a part of it arrives */
    send_number(0, 1, 1);
    sockets_run(&world);
    assert_int_equal(returned(0), 0);
    switch (how) {
    case 0:
        rig_reset(&world.rig[1]);
        break;
    case 1:
        assert_true(device_frontend_gone(&world.rig[1].device, 2));
        break;
    case 2: /* the queue alone */
        assert_true(device_write(&world.rig[1].device, 0x30, 4, VSOCK_RX));
        assert_true(device_write(&world.rig[1].device, 0xc0, 4, 1));
        break;
    default: { /* it breaks a rule */
        struct rig_buffer small = {.address = RIG_BASE, .length = VSOCK_HEADER, .write = true};

        (void)rig_add(&world.rig[1], VSOCK_RX, &small, 1);
    }
    }
    sockets_run(&world);
    assert_int_equal(rig_failed(&world.rig[1]), how == 3);
    assert_int_equal(returned(0), 2);
    expect_reset(0, &header);
    header.length = 1;
    expect_reset(0, &header);
    expect_nothing(0);
    assert_false(rig_failed(&world.rig[0]) || rig_failed(&world.rig[2]));
    send_number(2, 0, 9);
    sockets_run(&world);
    expect_number(2, 0, 9);
    assert_int_equal(world.port[1].waited_by, 0);
    end();
}

static void a_receiver_may_go(void **state)
{
    (void)state;
    for (uint32_t how = 0; how < 4; how++) {
        reset_of_receiver(how);
    }
}

/* Nothing of an earlier life of the sender arrives, and its next life begins anew. */
static void a_sender_may_go(void **state)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_RW, 6000);

    (void)state;
    for (uint32_t how = 0; how < 3; how++) {
        begin(2, VIRTIO_F_RING_RESET);
        rooms(1, 1);
        sockets_send(&world, 0, &header, data, 6000);
        send_number(0, 1, 1);
        sockets_run(&world);
        if (how == 2) {
            assert_true(device_write(&world.rig[0].device, 0x30, 4, VSOCK_TX));
            assert_true(device_write(&world.rig[0].device, 0xc0, 4, 1));
        } else if (how == 1) {
            assert_true(device_frontend_gone(&world.rig[0].device, 2));
        }
        if (how == 2) {
            rig_start_queue(&world.rig[0], VSOCK_TX);
        } else {
            rig_reset(&world.rig[0]);
            rig_start(&world.rig[0], 0);
        }
        rooms(1, 8);
        sockets_run(&world);
        header.length = 4096;
        expect(1, &header, data);
        header.length = 6000;
        expect_nothing(1);
        assert_int_equal(world.port[0].nr_waiting, 0);
        sockets_send(&world, 0, &header, data, 6000); /* the same again, from its beginning */
        sockets_send(&world, 0, &header, data, 3000); /* too short: a RST, which has to wait */
        send_number(0, 1, 5);
        sockets_run(&world);
        header.length = 4096;
        expect(1, &header, data);
        header.length = 6000 - 4096;
        expect(1, &header, data + 4096);
        expect_number(0, 1, 5);
        rooms(0, 1);
        sockets_run(&world);
        header.length = 6000;
        expect_reset(0, &header);
        end();
    }
}

/* Who only listens is told that the other end is gone, as soon as there is room. */
static void the_idle_are_told(void **state)
{
    struct vsock_header request = sockets_header(0, 1, VSOCK_REQUEST, 0),
                        other = sockets_header(2, 0, VSOCK_REQUEST, 0);
    struct vsock_header response = sockets_header(1, 0, VSOCK_RESPONSE, 0),
                        over = sockets_header(0, 1, VSOCK_RST, 0);

    (void)state;
    begin(3, 0);
    rooms(1, 8);
    for (uint32_t i = 0; i < 3; i++) {
        request.src_port = response.dst_port = i;
        sockets_send(&world, 0, &request, NULL, 0);
        sockets_send(&world, 1, &response, NULL, 0);
    }
    over.src_port = 1; /* this one is over before */
    sockets_send(&world, 0, &over, NULL, 0);
    sockets_send(&world, 2, &other, NULL, 0);
    rooms(0, 4);
    sockets_run(&world);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(sockets_receive(&world, 0, &response, got));
    }
    rig_reset(&world.rig[1]);
    sockets_run(&world);
    expect_nothing(0);
    rooms(0, 4);
    sockets_run(&world);
    for (uint32_t i = 0; i < 3; i += 2) {
        request.src_port = i;
        expect_reset(0, &request);
    }
    expect_nothing(0); /* the third connection is another's */
    assert_int_equal(world.port[0].nr_orphans, 0);
    rig_start(&world.rig[1], 0);
    sockets_run(&world);
    expect_nothing(0);
    end();
}

/* More connections than are remembered: those that are get their answer. */
static void many_connections(void **state)
{
    struct vsock_header request = sockets_header(0, 1, VSOCK_REQUEST, 0);
    uint32_t told = 0;

    (void)state;
    begin(2, 0);
    for (uint32_t i = 0; i < VSOCK_PEERS + 10u; i++) {
        request.src_port = i;
        sockets_room(&world, 1, VSOCK_HEADER + 4u);
        sockets_send(&world, 0, &request, NULL, 0);
        sockets_run(&world);
        assert_true(sockets_receive(&world, 1, &request, got));
        assert_int_equal(returned(0), 1);
    }
    rig_reset(&world.rig[1]);
    for (uint32_t i = 0; i < VSOCK_PEERS + 1u; i++) {
        sockets_room(&world, 0, VSOCK_HEADER + 4u);
        sockets_run(&world);
        told += sockets_receive(&world, 0, &request, got) && request.op == VSOCK_RST ? 1u : 0u;
    }
    assert_int_equal(told, VSOCK_PEERS);
    end();
}

/* Its frontend alone: a chain that the device could write to in the queue of what is sent. */
static void a_broken_sender(void **state)
{
    (void)state;
    begin(3, 0);
    rooms(1, 4);
    send_number(2, 1, 1);
    rig_room(&world.rig[0], VSOCK_TX, 100, NULL);
    send_number(0, 1, 2);
    sockets_run(&world);
    assert_true(rig_failed(&world.rig[0]));
    expect_number(2, 1, 1);
    expect_nothing(1);
    assert_false(rig_failed(&world.rig[1]) || rig_failed(&world.rig[2]));
    end();
}

/* A packet that waits is read again, and may have become another one. */
static void a_changing_sender(void **state)
{
    static const struct {
        uint32_t offset;
        uint8_t value;
    } changes[] = {
        {8, 5 /* to another port */}, {0, 4 /* from another */}, {24, 0 /* shorter */}, {28, 9 /* type */}};

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        struct vsock_header header = sockets_header(0, 1, VSOCK_RW, 4196);
        uint64_t at;

        begin(3, 0);
        at = world.rig[0].next;
        rooms(1, 1);
        rooms(2, 1);
        sockets_send(&world, 0, &header, data, 4196);
        sockets_run(&world);
        assert_int_equal(returned(0), 0);
        rig_at(&world.rig[0], at)[changes[i].offset] = changes[i].value;
        rooms(1, 2);
        rooms(0, 1);
        sockets_run(&world);
        assert_int_equal(returned(0), 1);
        expect_nothing(2);
        assert_false(rig_failed(&world.rig[1]) || rig_failed(&world.rig[2]));
        end();
    }
}

/* Its descriptors, too. */
static void a_sender_that_breaks_it(void **state)
{
    uint64_t away = 0;

    (void)state;
    begin(3, 0);
    send_number(0, 1, 1);
    sockets_run(&world);
    for (uint32_t i = 0; i < RIG_QUEUE; i++) {
        memcpy(rig_at(&world.rig[0], world.rig[0].ring[VSOCK_TX].desc + 16u * i), &away, 8);
    }
    send_number(2, 1, 2);
    rooms(1, 2);
    sockets_run(&world);
    assert_true(rig_failed(&world.rig[0]));
    assert_int_equal(world.port[1].waited_by, 0);
    expect_number(2, 1, 2);
    expect_nothing(1);
    end();
}

/* Before all ends are known nothing moves. */
static void waits_until_settled(void **state)
{
    (void)state;
    begin(2, 0);
    world.vsock.settled = false;
    rooms(0, 4);
    rooms(1, 4);
    send_number(0, 1, 1);
    sockets_run(&world);
    assert_int_equal(returned(0), 0);
    vsock_settle(&world.vsock);
    sockets_run(&world);
    expect_number(0, 1, 1);
    expect_nothing(0);
    end();
}

static void damage(uint32_t offset, uint64_t value, bool noticed)
{
    struct vsock_header header = sockets_header(0, 1, VSOCK_RW, 6000);

    begin(2, 0);
    rooms(1, 1);
    sockets_send(&world, 0, &header, data, 6000);
    sockets_run(&world);
    memcpy(world.rig[0].device.state->class_area + offset, &value, 8);
    sockets_crash(&world);
    rooms(1, 2);
    sockets_run(&world);
    assert_int_equal(rig_failed(&world.rig[0]), noticed);
    assert_false(rig_failed(&world.rig[1]));
    end();
}

/* A ledger that cannot be right: the device fails, and no guess is made. */
static void notices_damage(void **state)
{
    (void)state;
    damage(offsetof(struct vsock_ledger, order) + 8u * 1u, 1, false); /* as it is */
    damage(offsetof(struct vsock_ledger, order) + 8u * 1u, 2, true);
    damage(offsetof(struct vsock_ledger, order) + 8u * 7u, UINT64_MAX, true);
    for (uint32_t i = 0; i < 32; i++) {
        damage(offsetof(struct vsock_ledger, after), UINT64_C(1) << (32u + i), true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_who_it_is),          cmocka_unit_test(passes_packets_on),
        cmocka_unit_test(believes_the_length),     cmocka_unit_test(divides_what_is_large),
        cmocka_unit_test(takes_any_layout),        cmocka_unit_test(answers_what_cannot_be),
        cmocka_unit_test(seqpacket_needs_both),    cmocka_unit_test(waits_for_one_only),
        cmocka_unit_test(waits_within_limits),     cmocka_unit_test(has_no_deadlock),
        cmocka_unit_test(serves_in_turn),          cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(a_receiver_may_go),       cmocka_unit_test(a_sender_may_go),
        cmocka_unit_test(the_idle_are_told),       cmocka_unit_test(many_connections),
        cmocka_unit_test(a_broken_sender),         cmocka_unit_test(a_changing_sender),
        cmocka_unit_test(a_sender_that_breaks_it), cmocka_unit_test(waits_until_settled),
        cmocka_unit_test(notices_damage),
    };

    return cmocka_run_group_tests_name("devices_vsock", tests, NULL, NULL);
}
