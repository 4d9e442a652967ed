/* SPDX-License-Identifier: Apache-2.0 */
/* event_channel_op as a guest calls it. */
#include "event_calls.h"

static void allocate_and_bind(void **state)
{
    uint32_t port, peer, loop;
    struct port_status s;

    (void)state;
    start();
    assert_int_equal(alloc(first, 2, 1, &port), EPERM);
    assert_int_equal(alloc(first, 9, 1, &port), ESRCH);
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(port, 1);
    assert_int_equal(alloc(first, 1, SELF, &loop), 0);
    assert_int_equal(loop, 2);
    s = status_of(first, port);
    assert_int_equal(s.status, 1);
    assert_int_equal(s.u[0], 2);
    assert_int_equal(bind(other, 9, port, &peer), ESRCH);
    assert_int_equal(bind(other, 1, loop, &peer), EINVAL);
    assert_int_equal(bind(other, 1, PORTS, &peer), EINVAL);
    assert_int_equal(bind(other, 1, ~0u, &peer), EINVAL);
    assert_int_equal(peer, 77); /* not written */
    assert_int_equal(bind(other, 1, port, &peer), 0);
    s = status_of(first, port);
    assert_int_equal(s.status, 2);
    assert_int_equal(s.u[0], 2);
    assert_int_equal(s.u[1], peer);
    assert_int_equal(bind(first, SELF, loop, &peer), 0);
    s = status_of(first, 3);
    assert_int_equal(s.status, 2);
    assert_int_equal(s.u[0], 1);
    assert_int_equal(s.u[1], 2);
    while (alloc(first, SELF, 2, &port) == 0) {
    }
    assert_int_equal(alloc(first, SELF, 2, &port), ENOSPC);
    assert_int_equal(bind(first, SELF, 1, &port), ENOSPC);
}

static void send_close_status(void **state)
{
    struct port_status s = {.dom = 2, .port = 1};
    uint32_t port;

    (void)state;
    start();
    assert_int_equal(event_op(first, 5, &s, sizeof s), EPERM);
    s.dom = 9;
    assert_int_equal(event_op(first, 5, &s, sizeof s), ESRCH);
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t bad[] = {0, PORTS, ~0u};

        s = (struct port_status){.dom = SELF, .port = bad[i]};
        assert_int_equal(event_op(first, 5, &s, sizeof s), EINVAL);
        assert_int_equal(on_port(first, SEND, bad[i]), EINVAL);
        assert_int_equal(on_port(first, CLOSE, bad[i]), EINVAL);
        assert_int_equal(on_port(first, UNMASK, bad[i]), EINVAL);
    }
    assert_int_equal(status_of(first, PORTS - 1u).status, 0);
    assert_int_equal(on_port(first, SEND, 5), EINVAL);
    assert_int_equal(on_port(first, CLOSE, 5), EINVAL);
    assert_int_equal(on_port(first, UNMASK, 5), 0);
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(on_port(first, SEND, port), 0);
    assert_int_equal(on_port(first, CLOSE, port), 0);
    /* static: bound whatever the guest does */
    assert_int_equal(on_port(first, CLOSE, 100), 0);
    assert_int_equal(status_of(first, 100).status, 2);
    assert_int_equal(on_port(first, SEND, 100), 0);
    machine_settle();
    host_on(2);
    assert_int_equal(host_gic_acknowledge(), EVENT_PPI);
    assert_int_equal(b->events->shared->pending[1], BIT(101 - 64));
}

static void virq_ipi_vcpu(void **state)
{
    struct three virq = {0, 0, 77};
    struct two ipi = {1, 77}, move;

    (void)state;
    start();
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), 0);
    assert_int_equal(virq.port, 1);
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), EEXIST);
    virq.vcpu = 2;
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), ENOENT);
    virq = (struct three){24, 0, 77};
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), EINVAL);
    virq.virq = 2;
    assert_int_equal(event_op(first, 1, &virq, sizeof virq), EBUSY);
    assert_int_equal(virq.port, 77);
    assert_int_equal(event_op(first, 7, &ipi, sizeof ipi), 0); /* {vcpu, port} */
    assert_int_equal(ipi.vcpu, 2);
    assert_int_equal(status_of(first, 1).status, 4);
    assert_int_equal(status_of(first, 2).status, 5);
    assert_int_equal(status_of(first, 2).vcpu, 1);
    ipi = (struct two){2, 0};
    assert_int_equal(event_op(first, 7, &ipi, sizeof ipi), ENOENT);
    move = (struct two){2, 0};
    assert_int_equal(event_op(first, 8, &move, sizeof move), EINVAL); /* an IPI stays */
    move = (struct two){100, 1};
    assert_int_equal(event_op(first, 8, &move, sizeof move), 0);
    assert_int_equal(status_of(first, 100).vcpu, 1);
    move = (struct two){100, 2};
    assert_int_equal(event_op(first, 8, &move, sizeof move), ENOENT);
    move = (struct two){PORTS, 0};
    assert_int_equal(event_op(first, 8, &move, sizeof move), EINVAL);
}

static void unknown(void **state)
{
    uint64_t arg[4] = {0};

    (void)state;
    start();
    for (unsigned op = 0; op < 40; op++) {
        if (op == 2 || op > 10) {
            assert_int_equal(event_op(first, op, arg, sizeof arg), ENOSYS);
        }
        if (op != 0 && op != 2 && op != 3 && op != 6) {
            assert_int_equal(call(first, 29, op, ARG, 0), ENOSYS);
        }
        if (op != 5 && op != 8 && op != 9 && op != 10) {
            assert_int_equal(call(first, 24, op, 0, ARG), ENOSYS);
        }
    }
}

/* Every pointer that does not lead to memory: an error, and nothing has changed. */
static void bad_pointers(void **state)
{
    static const uint64_t bad[] = {HOLE, GUEST_RAM + GUEST_SIZE - 1u, 0x3001000, ~UINT64_C(0), 0};
    uint32_t port;

    (void)state;
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        for (unsigned op = 0; op < 11; op++) {
            if (op != 2 && (bad[i] != GUEST_RAM + GUEST_SIZE - 1u || op != 10)) {
                assert_int_equal(call(first, 32, op, bad[i], 0), EFAULT);
            }
        }
        assert_int_equal(call(first, 29, 2, bad[i], 0), EFAULT);
        assert_int_equal(call(first, 29, 3, bad[i], 0), EFAULT);
        assert_int_equal(call(first, 29, 6, bad[i], 0), EFAULT);
        assert_int_equal(call(first, 24, 5, 0, bad[i]), EFAULT);
        assert_int_equal(call(first, 24, 8, 0, bad[i]), EFAULT);
        assert_int_equal(call(first, 24, 10, 0, bad[i]), EFAULT);
    }
    /* readable, but the answer could not be written */
    assert_int_equal(physmap_place(a, IPA(HOLE), PA(a->record->maps[0].pa.v), PHYSMAP_READ), OK);
    for (unsigned op = 0; op < 8; op++) {
        if (op == 0 || op == 1 || op == 6 || op == 7) {
            assert_int_equal(call(first, 32, op, HOLE, 0), EFAULT);
        }
    }
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(port, 1);
}

/* Closes everything that is not static, a few ports at a time. */
static void reset(void **state)
{
    uint32_t port, peer, count = 0;
    uint16_t dom = 2;

    (void)state;
    start();
    assert_int_equal(event_op(first, 10, &dom, sizeof dom), EPERM);
    dom = 9;
    assert_int_equal(event_op(first, 10, &dom, sizeof dom), ESRCH);
    assert_int_equal(alloc(other, SELF, 1, &peer), 0);
    assert_int_equal(bind(first, 2, peer, &port), 0);
    while (alloc(first, SELF, 2, &port) == 0) {
        count++;
    }
    assert_int_equal(count, PORTS - 3u);
    dom = SELF;
    put(first, ARG, &dom, sizeof dom);
    /* what a compiler leaves above the operation does not matter */
    assert_int_equal(call(first, 32, UINT64_C(120) << 32 | 10u, ARG, 0), 0);
    assert_true(rounds > PORTS / 64u);
    for (port = 1; port < PORTS; port++) {
        assert_int_equal(status_of(first, port).status, port == 100 ? 2 : 0);
    }
    assert_int_equal(status_of(other, peer).status, 1);
    assert_int_equal(alloc(first, SELF, 2, &port), 0);
    assert_int_equal(port, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocate_and_bind), cmocka_unit_test(send_close_status),
        cmocka_unit_test(virq_ipi_vcpu),     cmocka_unit_test(unknown),
        cmocka_unit_test(bad_pointers),      cmocka_unit_test(reset),
    };

    return cmocka_run_group_tests_name("event_op", tests, NULL, NULL);
}
