/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses that another domain serves: requests, answers, and what happens when one of both goes. */
#include "ioreq_pair.h"

#include "guest/arm64/decode.h"

static void attached(void)
{
    start();
    assert_int_equal(set_state(true), 0);
    clear_events();
}

/* Every width and way of extension: what the backend is told, and what comes into the register. */
static void loads_and_stores(void **state)
{
    const uint64_t data = UINT64_C(0xf1e2d3c4b5a69788);
    static const struct {
        unsigned size_log2;
        bool sign, sf;
        uint64_t value;
    } table[] = {{0, false, false, 0x88},
                 {1, false, false, 0x9788},
                 {2, false, false, 0xb5a69788},
                 {3, false, true, UINT64_C(0xf1e2d3c4b5a69788)},
                 {0, true, false, 0xffffff88},
                 {0, true, true, UINT64_C(0xffffffffffffff88)},
                 {1, true, false, 0xffff9788},
                 {1, true, true, UINT64_C(0xffffffffffff9788)},
                 {2, true, true, UINT64_C(0xffffffffb5a69788)}};

    (void)state;
    attached();
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        uint64_t at = DEVICE + 0x100 + 8u * i;
        struct bh_ioreq slot;

        user->x[7] = 1;
        touch(user,
              LOAD | how(table[i].size_log2, 7) | (table[i].sign ? BIT(21) : 0) | (table[i].sf ? BIT(15) : 0),
              at);
        assert_true(parked(user));
        assert_true(pending(PORT));
        slot = slot_of(0);
        assert_int_equal(slot.address, at);
        assert_int_equal(slot.data, 0);
        assert_int_equal(slot.count, 1);
        assert_int_equal(slot.size, 1u << table[i].size_log2);
        assert_int_equal(slot.port, PORT);
        assert_int_equal(slot.state, BH_IOREQ_READY | BH_IOREQ_READ);
        assert_int_equal(slot.type, BH_IOREQ_COPY);
        set_slot_state(0, BH_IOREQ_INPROCESS);
        answer(0, data);
        runs_at(user, 0x104);
        assert_int_equal(user->x[7], table[i].value);
        assert_int_equal(slot_of(0).state, BH_IOREQ_NONE);
    }
    for (unsigned size_log2 = 0; size_log2 < 4; size_log2++) {
        struct bh_ioreq slot;

        user->x[7] = data;
        touch(user, STORE | how(size_log2, 7), ONES);
        slot = slot_of(0);
        assert_int_equal(slot.address, ONES);
        assert_int_equal(slot.data, data & (size_log2 == 3u ? ~UINT64_C(0) : BIT(8u << size_log2) - 1u));
        assert_int_equal(slot.state, BH_IOREQ_READY);
        answer(0, ~UINT64_C(0));
        runs_at(user, 0x104);
        assert_int_equal(user->x[7], data);
    }
    touch(user, STORE | how(2, 31), ONES); /* the zero register */
    assert_int_equal(slot_of(0).data, 0);
    answer(0, 5);
    touch(user, LOAD | how(2, 31), ONES);
    answer(0, 5);
    runs_at(user, 0x104);
}

/* Both vCPUs at once: each has its slot and port. */
static void two_vcpus(void **state)
{
    (void)state;
    attached();
    touch(user, LOAD | how(2, 3), ONES);
    touch(second, LOAD | how(2, 3), ONES + 4u);
    assert_true(pending(PORT));
    assert_true(pending(PORT + 1u));
    assert_int_equal(slot_of(1).port, PORT + 1u);
    assert_int_equal(slot_of(1).address, ONES + 4u);
    answer(1, 11);
    assert_true(parked(user));
    runs_at(second, 0x104);
    assert_int_equal(second->x[3], 11);
    answer(0, 22);
    runs_at(user, 0x104);
    assert_int_equal(user->x[3], 22);
}

static void place(struct vcpu *vcpu, uint64_t at, uint32_t instruction)
{
    host_memory_set(vcpu->domain->record->maps[0].pa.v + at, &instruction, 4);
}

/* Instructions that also change their base register: x[4], or the stack pointer in use. */
static void write_back(void **state)
{
    const uint64_t none = (uint64_t)EC_DABT_LOWER << 26 | BIT(25) | 7u;

    (void)state;
    attached();
    place(user, 0x7000, 0xb8404483); /* ldr w3, [x4], #4 */
    place(user, 0x7010, 0xf81f0fff); /* str xzr, [sp, #-16]! */
    turn_to(user);
    host_put("spsr_el2", 0x3c5);
    user->x[4] = ONES;
    touch_from(user, none, ONES, GUEST_RAM + 0x7000);
    assert_int_equal(slot_of(0).size, 4);
    answer(0, 77);
    runs_at(user, GUEST_RAM + 0x7004);
    assert_int_equal(user->x[3], 77);
    assert_int_equal(user->x[4], ONES + 4u);
    host_put("sp_el1", ONES + 16u);
    touch_from(user, none | BIT(6), ONES, GUEST_RAM + 0x7010);
    answer(0, 0);
    runs_at(user, GUEST_RAM + 0x7014);
    assert_int_equal(host_effective("sp_el1"), ONES);
    host_put("spsr_el2", 0);
    host_put("sp_el0", ONES + 16u);
    touch_from(user, none | BIT(6), ONES, GUEST_RAM + 0x7010);
    answer(0, 0);
    runs_at(user, GUEST_RAM + 0x7014);
    assert_int_equal(host_effective("sp_el0"), ONES);
    assert_int_equal(host_effective("sp_el1"), ONES);
}

/* The pCPU runs somebody else while the vCPU is parked; the access ends in memory, or with an abort. */
static void on_a_shared_pcpu(void **state)
{
    const uint64_t none = (uint64_t)EC_DABT_LOWER << 26 | BIT(25) | 7u;
    struct vcpu *other;

    (void)state;
    start_with(true);
    other = &domains[2]->vcpus[0];
    assert_int_equal(set_state(true), 0);
    place(user, 0x7000, 0xb8404483); /* ldr w3, [x4], #4 */
    place(user, 0x7010, 0xf81f0fff); /* str xzr, [sp, #-16]! */
    for (unsigned el = 0; el < 2; el++) {
        turn_to(user);
        host_put("spsr_el2", el == 0 ? 0 : 0x3c5);
        host_put("sp_el0", ONES + 16u);
        host_put("sp_el1", ONES + 16u);
        user->x[4] = ONES;
        touch_from(user, none, ONES, GUEST_RAM + 0x7000);
        assert_true(parked(user));
        turn_to(other);
        answer(0, 99);
        runs_at(user, GUEST_RAM + 0x7004);
        assert_int_equal(user->x[3], 99);
        assert_int_equal(user->x[4], ONES + 4u);
        touch_from(user, none | BIT(6), ONES, GUEST_RAM + 0x7010);
        turn_to(other);
        answer(0, 99);
        runs_at(user, GUEST_RAM + 0x7014);
        assert_int_equal(host_effective("sp_el0"), ONES + (el == 0 ? 0 : 16u));
        assert_int_equal(host_effective("sp_el1"), ONES + (el == 0 ? 16u : 0));
    }
    assert_int_equal(set_state(false), 0);
    turn_to(user);
    host_put("spsr_el2", 0x3c5);
    touch(user, LOAD | how(2, 3), DEVICE);
    turn_to(other);
    machine_pass((PARK_MS + 10u) * MS, MS);
    runs_at(user, 0x1200);
    assert_int_equal(host_effective("esr_el1"), UINT64_C(0x25) << 26 | BIT(25) | 0x10);
    assert_int_equal(host_effective("elr_el1"), 0x100);
    assert_int_equal(host_effective("far_el1"), DEVICE);
}

/* An interrupt of the vCPU waits like the vCPU. */
static void takes_no_interrupt(void **state)
{
    (void)state;
    attached();
    machine_enable_ppi(user, EVENT_PPI);
    touch(user, LOAD | how(2, 3), ONES);
    event_raise(front, 9);
    vcpu_request(user, WORK_EVENT);
    machine_settle();
    assert_true(parked(user));
    assert_ptr_equal(pcpus[0]->current, NULL);
    answer(0, 1);
    runs_at(user, 0x104);
    assert_int_equal(host_gic_acknowledge(), EVENT_PPI);
}

/* A backend that stays stopped is not waited for, by whoever waits already and by whoever comes later. */
static void backend_is_gone_for_good(void **state)
{
    (void)state;
    attached();
    ((struct domain_record *)back->record)->restart = RESTART_NEVER;
    touch(user, LOAD | how(2, 3), ONES); /* waits for ever otherwise */
    assert_true(parked(user));
    domain_stop(back, STOP_CRASH);
    machine_pass(20 * MS, MS);
    assert_int_equal(back->state, DOMAIN_STOPPED);
    runs_at(user, 0x104);
    assert_int_equal(user->x[3], 0xffffffff);
    user->x[3] = 0;
    touch(user, LOAD | how(2, 3), ONES);
    runs_at(user, 0x104);
    assert_int_equal(user->x[3], 0xffffffff);
}

/* Nobody serves it yet: up to the limit, and as the range says. */
static void backend_is_away(void **state)
{
    (void)state;
    start();
    clear_events();
    turn_to(user);
    host_put("spsr_el2", 0x3c5);
    touch(user, STORE | how(2, 3), DEVICE + 4u);
    machine_pass((PARK_MS - 5u) * MS, MS);
    assert_true(parked(user));
    assert_false(pending(PORT));
    machine_pass(10 * MS, MS);
    runs_at(user, 0x1200);
    assert_int_equal(host_effective("esr_el1"), UINT64_C(0x25) << 26 | BIT(25) | BIT(6) | 0x10);
    assert_int_equal(host_effective("elr_el1"), 0x100);
    assert_int_equal(host_effective("far_el1"), DEVICE + 4u);
    touch(user, LOAD | how(2, 3), ONES); /* waits for ever */
    machine_pass(50u * PARK_MS * MS, 10 * MS);
    assert_true(parked(user));
    assert_int_equal(set_state(true), 0);
    assert_true(pending(PORT));
    answer(0, 44);
    runs_at(user, 0x104);
    assert_int_equal(user->x[3], 44);
}

/* The end of the limit can be all-ones. */
static void ends_as_ones(void **state)
{
    struct domain_ioreq_range *range;

    (void)state;
    start();
    range = (struct domain_ioreq_range *)(uintptr_t)&front->record->ioreq_ranges[0];
    struct domain_ioreq_range ranges[] = {{range->ipa, range->size, 0, true, PARK_MS}};
    struct domain_record *record = (struct domain_record *)(uintptr_t)front->record;

    record->ioreq_ranges = ranges;
    record->nr_ioreq_ranges = 1;
    user->x[3] = 5;
    touch(user, LOAD | how(1, 3), DEVICE);
    machine_pass((PARK_MS + 5u) * MS, MS);
    runs_at(user, 0x104);
    assert_int_equal(user->x[3], 0xffff);
    touch(user, LOAD | how(0, 3) | BIT(21) | BIT(15), DEVICE);
    machine_pass((PARK_MS + 5u) * MS, MS);
    runs_at(user, 0x104);
    assert_int_equal(user->x[3], ~UINT64_C(0));
    touch(user, STORE | how(2, 3), DEVICE);
    machine_pass((PARK_MS + 5u) * MS, MS);
    runs_at(user, 0x104);
}

/* The limit counts only while the backend is away; each time anew. */
static void limit_counts_while_away(void **state)
{
    (void)state;
    start();
    touch(user, LOAD | how(2, 3), DEVICE);
    machine_pass((PARK_MS - 20u) * MS, MS);
    assert_int_equal(set_state(true), 0);
    machine_pass(10u * PARK_MS * MS, MS); /* it takes its time */
    assert_true(parked(user));
    assert_int_equal(set_state(false), 0);
    machine_pass((PARK_MS - 20u) * MS, MS);
    assert_true(parked(user));
    assert_int_equal(set_state(true), 0);
    assert_int_equal(slot_of(0).state, BH_IOREQ_READY | BH_IOREQ_READ);
    answer(0, 4);
    runs_at(user, 0x104);
    machine_pass(10u * PARK_MS * MS, MS);
    runs_at(user, 0x104); /* nothing is left of the limit */
}

/* What was asked is asked again of the next incarnation, whatever the last one had done to it. */
static void backend_dies(void **state)
{
    (void)state;
    attached();
    for (unsigned left = BH_IOREQ_NONE; left <= BH_IOREQ_RESPONSE + 1u; left++) {
        uint32_t life = back->incarnation;

        user->x[7] = 0x1234;
        touch(user, STORE | how(2, 7), DEVICE + 0x30);
        set_slot_state(0, left);
        stop(back, STOP_CRASH);
        assert_int_equal(back->incarnation, life + 1u);
        assert_true(parked(user));
        assert_true(pending(BELL));
        assert_int_equal(tail().attached, 0);
        assert_int_equal(tail().incarnation, 1);
        assert_int_equal(slot_of(0).state, BH_IOREQ_NONE);
        clear_events();
        assert_int_equal(tell(0), 0); /* too late */
        assert_true(parked(user));
        assert_int_equal(set_state(true), 0);
        assert_true(pending(PORT));
        assert_int_equal(slot_of(0).state, BH_IOREQ_READY);
        assert_int_equal(slot_of(0).data, 0x1234);
        assert_int_equal(slot_of(0).address, DEVICE + 0x30);
        answer(0, 0);
        runs_at(user, 0x104);
    }
}

/* While its backend is being restarted the limit counts. */
static void backend_dies_for_long(void **state)
{
    (void)state;
    attached();
    touch(user, LOAD | how(2, 7), DEVICE);
    stop(back, STOP_CRASH);
    assert_true(parked(user));
    machine_pass((PARK_MS + 10u) * MS, MS);
    assert_int_equal(user->state, VCPU_READY);
    turn_to(user);
    assert_int_equal(host_effective("elr_el1"), 0x100);
    assert_int_equal(set_state(true), 0);
    assert_false(pending(PORT + 1u));
    assert_int_equal(slot_of(0).state, BH_IOREQ_NONE); /* not any more */
}

/* A frontend can stop at any moment; its parked vCPU leaves, and an answer that comes late has no effect. */
static void frontend_dies(void **state)
{
    (void)state;
    attached();
    for (unsigned left = BH_IOREQ_READY; left <= BH_IOREQ_RESPONSE; left++) {
        uint32_t life = front->incarnation;

        touch(user, LOAD | how(2, 7), DEVICE);
        set_slot_state(0, left);
        clear_events();
        stop(front, STOP_RESET);
        assert_int_equal(front->incarnation, life + 1u);
        assert_int_equal(user->state, VCPU_READY);
        assert_true(pending(PORT));
        assert_int_equal(tail().attached, 0);
        assert_int_equal(tail().incarnation, life + 1u);
        assert_int_equal(slot_of(0).state & BH_IOREQ_STATE_MASK, BH_IOREQ_NONE);
        answer(0, 0x666);
        assert_int_equal(back->state, DOMAIN_RUNNING);
        runs_at(user, GUEST_RAM);
        touch(user, LOAD | how(2, 7), DEVICE);
        assert_true(parked(user));
        answer(0, 0x666);
        assert_true(parked(user));
        assert_int_equal(set_state(true), 0);
        assert_int_equal(slot_of(0).state, BH_IOREQ_READY | BH_IOREQ_READ);
        answer(0, 7);
        runs_at(user, 0x104);
        assert_int_equal(user->x[7], 7);
    }
    touch(user, LOAD | how(2, 7), DEVICE);
    stop(front, STOP_OFF);
    assert_int_equal(front->state, DOMAIN_STOPPED);
    assert_int_equal(set_state(true), -XEN_EINVAL);
    assert_int_equal(tail().attached, 0);
}

/* A sender that has nothing to say. */
static void spurious_sends(void **state)
{
    (void)state;
    attached();
    assert_int_equal(tell(0), 0);
    touch(user, LOAD | how(2, 7), DEVICE);
    assert_int_equal(tell(0), 0);
    set_slot_state(0, BH_IOREQ_INPROCESS);
    assert_int_equal(tell(0), 0);
    assert_true(parked(user));
    assert_int_equal(tell(1), 0);
    answer(0, 3);
    runs_at(user, 0x104);
    assert_int_equal(tell(0), 0);
    assert_int_equal(back->state, DOMAIN_RUNNING);
    assert_int_equal(back->incarnation, 1);
    assert_int_equal(user->x[7], 3);
}

/* States that the protocol does not have stop the backend and nobody else. */
static void violations(void **state)
{
    static const struct {
        unsigned first, then;
        bool asked;
    } table[] = {{BH_IOREQ_READY, BH_IOREQ_NONE, true},
                 {BH_IOREQ_INPROCESS, BH_IOREQ_READY, true},
                 {BH_IOREQ_INPROCESS, BH_IOREQ_NONE, true},
                 {BH_IOREQ_READY, 4, true},
                 {BH_IOREQ_READY, 15, true},
                 {BH_IOREQ_NONE, BH_IOREQ_RESPONSE, false},
                 {BH_IOREQ_NONE, BH_IOREQ_READY, false},
                 {BH_IOREQ_NONE, 9, false}};

    (void)state;
    attached();
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        uint32_t life = back->incarnation;

        if (table[i].asked) {
            touch(user, LOAD | how(2, 7), ONES);
        }
        if (table[i].first != BH_IOREQ_NONE) {
            set_slot_state(0, table[i].first);
            assert_int_equal(tell(0), 0);
        }
        set_slot_state(0, table[i].then);
        (void)tell(0);
        machine_pass(20 * MS, MS);
        for (unsigned n = 0; n < 100 && back->state != DOMAIN_RUNNING; n++) {
            machine_run(2);
            machine_pass(5 * MS, MS);
        }
        assert_int_equal(back->incarnation, life + 1u);
        assert_int_equal(front->incarnation, 1);
        assert_int_equal(parked(user), table[i].asked);
        assert_int_equal(set_state(true), 0);
        if (table[i].asked) {
            answer(0, i);
            runs_at(user, 0x104);
            assert_int_equal(user->x[7], i);
        }
    }
    /* told nobody of it: seen when there is a request */
    set_slot_state(0, BH_IOREQ_RESPONSE);
    touch(user, LOAD | how(2, 7), ONES);
    assert_true(back->state != DOMAIN_RUNNING || back->incarnation == 10u);
}

/* QueueNotify never waits; what is no whole access to the range is nobody's. */
static void doorbell_inside(void **state)
{
    (void)state;
    start(); /* not attached */
    clear_events();
    touch(user, STORE | how(2, 7), DEVICE + 0x50);
    runs_at(user, 0x104);
    assert_true(pending(BELL));
    user->x[7] = 5;
    touch(user, LOAD | how(2, 7), DEVICE + 0x50);
    runs_at(user, 0x104);
    assert_int_equal(user->x[7], 0);
    assert_false(pending(BELL));
    assert_int_equal(set_state(true), 0);
    touch(user, STORE | how(2, 7), DEVICE + 0x4c);
    assert_true(parked(user));
    answer(0, 0);
    touch(user, STORE | how(2, 7), DEVICE + 0x54);
    assert_true(parked(user));
    answer(0, 0);
    touch(user, LOAD | how(3, 7), DEVICE + 0x1fc);
    assert_false(parked(user));
    turn_to(user);
    assert_int_equal(host_effective("far_el1"), DEVICE + 0x1fc);
    touch(user, LOAD | how(2, 7), DEVICE + 0x1fc);
    assert_true(parked(user));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_and_stores),
        cmocka_unit_test(two_vcpus),
        cmocka_unit_test(write_back),
        cmocka_unit_test(on_a_shared_pcpu),
        cmocka_unit_test(takes_no_interrupt),
        cmocka_unit_test(backend_is_away),
        cmocka_unit_test(backend_is_gone_for_good),
        cmocka_unit_test(ends_as_ones),
        cmocka_unit_test(limit_counts_while_away),
        cmocka_unit_test(backend_dies),
        cmocka_unit_test(backend_dies_for_long),
        cmocka_unit_test(frontend_dies),
        cmocka_unit_test(spurious_sends),
        cmocka_unit_test(violations),
        cmocka_unit_test(doorbell_inside),
    };

    return cmocka_run_group_tests_name("ioreq", tests, NULL, NULL);
}
