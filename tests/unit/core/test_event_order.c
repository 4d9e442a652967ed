/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels: ports bound, masked, rung and closed in every order. */
#include "event_guest.h"

/* Every sequence of some calls against a model of one channel and its receiver. */
enum step { SEND, MASK, UNMASK, CLOSE_A, CLOSE_B, REBIND, SERVE, NR_STEPS };
#define LENGTH 4u
#define WALKS  1000u

struct expected {
    bool bound, open; /* b's port is bound to a's; exists at all */
    bool pending, masked, told;
};

static void step(enum step what, uint32_t port, uint32_t *other, struct expected *e)
{
    switch (what) {
    case SEND:
        send(&a->vcpus[0], port);
        e->told = e->told || (e->bound && !e->pending && !e->masked);
        e->pending = e->pending || e->bound;
        break;
    case MASK:
        set_mask(b, 1, true);
        e->masked = true;
        break;
    case UNMASK:
        host_on(2);
        assert_int_equal(event_unmask(b, 1), OK);
        machine_end(trap_return(&b->vcpus[0]));
        e->told = e->told || (e->masked && e->pending);
        e->masked = false;
        break;
    case CLOSE_A:
        assert_int_equal(event_close(a, port), OK);
        assert_int_equal(event_alloc_unbound(a, 2, &port), OK); /* the same again */
        e->bound = false;
        break;
    case CLOSE_B:
        assert_int_equal(event_close(b, 1), e->open ? OK : ERR_INVALID);
        e->pending = e->open ? false : e->pending;
        e->bound = e->open = false;
        break;
    case REBIND:
        if (e->open && !e->bound) {
            assert_int_equal(event_close(b, 1), OK); /* nobody's any more */
            e->pending = false;
        }
        host_on(2);
        assert_int_equal(event_bind_interdomain(b, 1, port, other), e->bound ? ERR_INVALID : OK);
        machine_end(trap_return(&b->vcpus[0]));
        if (!e->bound) {
            assert_int_equal(*other, 1);
            e->told = e->told || (!e->pending && !e->masked);
            e->pending = e->bound = e->open = true;
        }
        break;
    default:
        seen[1] = 0;
        assert_int_equal(serve(&b->vcpus[0]), e->told);
        assert_int_equal(seen[1], e->told && e->pending && !e->masked);
        e->pending = e->pending && (e->masked || !e->told);
        e->told = false;
        break;
    }
    assert_int_equal(pending(b, 1), e->pending);
    assert_int_equal(b->events->shared->vcpu_info.upcall_pending, e->told);
}

static void finish(uint32_t port, uint32_t *other, struct expected *e)
{
    step(UNMASK, port, other, e);
    step(CLOSE_B, port, other, e);
    step(SERVE, port, other, e);
    step(SERVE, port, other, e);
}

static void every_order(void **state)
{
    uint32_t port, other, left, random = 1;

    (void)state;
    start();
    assert_int_equal(event_alloc_unbound(a, 2, &port), OK);
    for (uint32_t n = 0; n < 2401u; n++) { /* NR_STEPS to the power of LENGTH */
        struct expected e = {0};

        left = n;
        for (unsigned i = 0; i < LENGTH; i++, left /= NR_STEPS) {
            step((enum step)(left % NR_STEPS), port, &other, &e);
        }
        finish(port, &other, &e);
    }
    for (unsigned n = 0; n < WALKS; n++) {
        struct expected e = {0};

        for (unsigned i = 0; i < 20; i++) {
            random = random * 1664525u + 1013904223u;
            step((enum step)((random >> 16) % NR_STEPS), port, &other, &e);
        }
        finish(port, &other, &e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_order)};

    return cmocka_run_group_tests_name("event_order", tests, NULL, NULL);
}
