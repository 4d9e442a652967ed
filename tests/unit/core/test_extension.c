/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions: what their calls may do, and how their lives begin and end. */
#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "../../extensions/negative.h"
#include "arch/host/host_extension.h"
#include "bulkhead/extension_abi.h"
#include "core/extension.h"

#define SVC       (UINT64_C(0x15) << 26 | UINT64_C(1) << 25)
#define ABORT     (UINT64_C(0x24) << 26)
#define RANGE     UINT64_C(0x2000000)
#define SPI       40u
#define HOSTILE   UINT64_C(0x30d5d9ad) /* SCTLR_EL1 */
#define SEGMENT   (2u * PAGE_SIZE + 100u)
#define ALL_LIVES 1000u

static struct extension *device;
static uint8_t *memory;
static uint8_t source[300];

/* --- what the extension does: one step each time that it is entered, or goes on after a call --- */

struct step {
    uint64_t call, x[5]; /* call ABORT_STEP: a fault */
};
#define ABORT_STEP UINT64_MAX

static const struct step *exit_steps, *fail_steps, *init_steps, *next_step;
static struct {
    uint64_t x[6];
} entered[3];
static uint64_t results[8][2];
static unsigned nr_results, entries[3];

static const struct step good_init[] = {{BH_EXT_CALL_VERSION, {BH_EXT_MAJOR, BH_EXT_MINOR}},
                                        {BH_EXT_CALL_DONE, {0}}};
static const struct step answer[] = {{BH_EXT_CALL_DONE, {0x1234567890u}}};
static const struct step fault[] = {{ABORT_STEP, {0}}};
static const struct step done[] = {{BH_EXT_CALL_DONE, {0}}};
static const struct step again[] = {{BH_EXT_CALL_AGAIN, {0}}};

static bool begins;

static uint64_t work(struct extension_frame *frame)
{
    const struct step *step;

    if (begins) {
        uint64_t entry = frame->x[0];

        assert_true(entry < 3u);
        memcpy(entered[entry].x, frame->x, sizeof entered[entry].x);
        entries[entry]++;
        next_step = entry == BH_EXT_INIT ? init_steps : entry == BH_EXT_EXIT ? exit_steps : fail_steps;
        nr_results = 0;
        begins = false;
        assert_true((host_effective("hcr_el2") & (HCR_TGE | HCR_VM | HCR_DC)) == (HCR_TGE | HCR_VM | HCR_DC));
        assert_int_equal(host_effective("sctlr_el1"), SCTLR_EXTENSION);
        assert_int_equal(host_effective("vttbr_el2") >> 48, device->vmid);
    } else {
        results[nr_results % 8u][0] = frame->x[0];
        results[nr_results++ % 8u][1] = frame->x[1];
    }
    step = next_step++;
    if (step->call == ABORT_STEP) {
        begins = true;
        return ABORT;
    }
    memcpy(frame->x, step->x, sizeof step->x);
    frame->x[8] = step->call;
    begins =
        step->call == BH_EXT_CALL_DONE || (step->call >= BH_EXT_CALL_AGAIN && step->call <= BH_EXT_CALL_FAIL);
    return SVC;
}

static struct vcpu *start(uint32_t restart, uint32_t domain_restart)
{
    struct domain_record *record;
    struct domain *domain;

    machine_start(2);
    record = machine_record(1, 2);
    record->restart = domain_restart;
    domain = machine_domain(record);
    device = machine_alloc(sizeof *device, 64);
    memory = machine_alloc(3u * PAGE_SIZE, PAGE_SIZE);
    memcpy(device->name, "device", 7);
    device->domid = 1;
    device->vmid = EXTENSION_VMID;
    device->budget_us = 1000;
    device->restart = restart;
    device->restart_window_ms = 1000;
    device->memory = memory;
    device->memory_size = 3u * PAGE_SIZE;
    device->nr_segments = 1;
    device->segments[0] = (struct extension_segment){memory, source, sizeof source, SEGMENT};
    device->nr_ranges = 1;
    device->ranges[0] = (struct extension_range){RANGE, 0x100};
    device->nr_interrupts = 1;
    device->interrupts[0] = SPI;
    memset(source, 0x5a, sizeof source);
    memset(entries, 0, sizeof entries);
    init_steps = good_init;
    exit_steps = answer;
    fail_steps = done;
    begins = true;
    host_extension = work;
    extension_add(device);
    machine_boot();
    host_on(0);
    host_put("sctlr_el1", HOSTILE);
    return &domain->vcpus[0];
}

/* Each try of an access is one trap: the pc moves on with the one that is served. */
static bool load(struct vcpu *vcpu, uint64_t *value)
{
    uint64_t pc = host_effective("elr_el2");

    *value = machine_load(vcpu, RANGE + 8);
    return host_effective("elr_el2") == pc + 4u;
}

static void serves(void **state)
{
    struct vcpu *vcpu = start(RESTART_NEVER, RESTART_NEVER);
    uint64_t value, hcr = host_effective("hcr_el2");

    (void)state;
    assert_int_equal(entries[BH_EXT_INIT], 1);
    assert_int_equal(device->state, EXTENSION_READY);
    assert_int_equal(memory[sizeof source - 1u], 0x5a);
    assert_true(load(vcpu, &value));
    assert_int_equal(value, 0x34567890u);
    assert_int_equal(entered[BH_EXT_EXIT].x[1], 0);
    assert_int_equal(entered[BH_EXT_EXIT].x[2], RANGE + 8);
    assert_int_equal(entered[BH_EXT_EXIT].x[3], 4);
    assert_int_equal(entered[BH_EXT_EXIT].x[4], 0);
    machine_store(vcpu, RANGE, 0xabcd);
    assert_int_equal(entered[BH_EXT_EXIT].x[4], 1);
    assert_int_equal(entered[BH_EXT_EXIT].x[5], 0xabcd);
    assert_int_equal(host_effective("sctlr_el1"), HOSTILE);
    assert_int_equal(host_effective("hcr_el2"), hcr);
}

static void one_at_a_time(void **state)
{
    struct vcpu *vcpu = start(RESTART_NEVER, RESTART_NEVER);
    uint64_t value;

    (void)state;
    device->busy = 1;
    assert_false(load(vcpu, &value));
    assert_int_equal(entries[BH_EXT_EXIT], 0);
    device->busy = 0;
    assert_true(load(vcpu, &value));
}

static void calls(void **state)
{
    static const struct step steps[] = {{BH_EXT_CALL_INFORMATION, {BH_EXT_ITEM_VCPUS}},
                                        {BH_EXT_CALL_INFORMATION, {BH_EXT_ITEM_LAST_END}},
                                        {BH_EXT_CALL_VCPU_READ, {7}},
                                        {BH_EXT_CALL_VCPU_READ, {31}},
                                        {BH_EXT_CALL_VCPU_WRITE, {9, 0x99}},
                                        {BH_EXT_CALL_LOG, {6, UINT64_C(0x0a6f01617568)}},
                                        {BH_EXT_CALL_TIME, {0}},
                                        {BH_EXT_CALL_INTERRUPT, {0}},
                                        {BH_EXT_CALL_DONE, {1}}};
    struct vcpu *vcpu = start(RESTART_NEVER, RESTART_NEVER);
    uint64_t value, pc = host_effective("elr_el2");

    (void)state;
    exit_steps = steps;
    vcpu->x[7] = 0x77;
    host_now += 5u;
    assert_true(load(vcpu, &value));
    assert_int_equal(nr_results, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(results[i][0], BH_EXT_STATUS_OK);
    }
    assert_int_equal(results[0][1], 2);
    assert_int_equal(results[1][1], UINT64_MAX);
    assert_int_equal(results[2][1], 0x77);
    assert_int_equal(results[3][1], pc);
    assert_int_equal(vcpu->x[9], 0x99);
    assert_true(machine_said("DOM1 extension device: hua.o"));
    assert_true(results[6][1] != 0);
}

/* Every wrong argument of every call: a bad call that names it, one life each. */
static void wrong_arguments(void **state)
{
    static const struct {
        const char *name;
        unsigned call, at;
        uint64_t x[5];
    } rows[] = {
#define ROW(name, at, a, b, c, d, e) {#name, BH_EXT_CALL_##name, at, {a, b, c, d, e}},
        NEGATIVE(ROW)};
    struct vcpu *vcpu = start(RESTART_ALWAYS, RESTART_NEVER);
    struct step step[2] = {{0}, {BH_EXT_CALL_DONE, {0}}};
    struct step first[2] = {{0}, {BH_EXT_CALL_DONE, {0}}};
    uint64_t value;

    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], NEGATIVE_CALLS);
    for (unsigned i = 0; i < NEGATIVE_CALLS; i++) {
        uint32_t crashes = device->crashes;

        step[0].call = first[0].call = rows[i].call;
        memcpy(step[0].x, rows[i].x, sizeof step[0].x);
        memcpy(first[0].x, rows[i].x, sizeof first[0].x);
        if (rows[i].call == BH_EXT_CALL_VERSION) { /* only init may */
            exit_steps = fault;
            begins = true;
            assert_false(load(vcpu, &value));
            init_steps = first;
            for (unsigned n = 0; n < 10 && device->crashes == crashes + 1u; n++) {
                begins = true;
                (void)load(vcpu, &value);
            }
            init_steps = good_init;
        } else {
            exit_steps = step;
            begins = true;
            assert_false(load(vcpu, &value));
        }
        assert_true(device->crashes > crashes);
        assert_int_equal(device->crash.end, BH_EXT_END_CALL);
        assert_int_equal(device->crash.detail, BH_EXT_STATUS_ARGUMENT + rows[i].at);
        exit_steps = answer;
        for (unsigned n = 0; n < 10; n++) {
            begins = true;
            if (load(vcpu, &value)) {
                break;
            }
        }
        assert_int_equal(device->state, EXTENSION_READY);
    }
    printf("refused: %u of %u\n", NEGATIVE_CALLS, NEGATIVE_CALLS);
}

/* No such call, not in this entry, not before the version is agreed on; and a version that is not served. */
static void wrong_calls(void **state)
{
    static const struct {
        bool init;
        struct step step;
        uint64_t status;
    } rows[] = {
        {false, {0, {0}}, BH_EXT_STATUS_UNKNOWN},
        {false, {BH_EXT_CALLS_END, {0}}, BH_EXT_STATUS_UNKNOWN},
        {false, {UINT64_C(1) << 32 | BH_EXT_CALL_TIME, {0}}, BH_EXT_STATUS_UNKNOWN},
        {false, {BH_EXT_CALL_VERSION, {BH_EXT_MAJOR, 0}}, BH_EXT_STATUS_STATE},
        {true, {BH_EXT_CALL_TIME, {0}}, BH_EXT_STATUS_STATE},
        {true, {BH_EXT_CALL_AGAIN, {0}}, BH_EXT_STATUS_STATE},
        {true, {BH_EXT_CALL_VCPU_READ, {0}}, BH_EXT_STATUS_STATE},
        {true, {BH_EXT_CALL_INTERRUPT, {0}}, BH_EXT_STATUS_STATE},
        {true, {BH_EXT_CALL_DOMAIN_OFF, {0}}, BH_EXT_STATUS_STATE},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vcpu *vcpu = start(RESTART_ALWAYS, RESTART_NEVER);
        struct step steps[2] = {rows[i].step, {BH_EXT_CALL_DONE, {0}}};
        uint64_t value;

        exit_steps = rows[i].init ? fault : steps;
        (void)load(vcpu, &value);
        if (rows[i].init) {
            init_steps = steps;
            for (unsigned n = 0; n < 10 && device->crashes == 1; n++) {
                begins = true;
                (void)load(vcpu, &value);
            }
        }
        assert_int_equal(device->crash.end, BH_EXT_END_CALL);
        assert_int_equal(device->crash.detail, rows[i].status);
    }
}

static void versions(void **state)
{
    static const struct step newer[] = {{BH_EXT_CALL_VERSION, {BH_EXT_MAJOR, BH_EXT_MINOR + 1u}},
                                        {BH_EXT_CALL_FAIL, {3}}};
    static const struct step other[] = {{BH_EXT_CALL_VERSION, {BH_EXT_MAJOR + 1u, 0}},
                                        {BH_EXT_CALL_FAIL, {3}}};
    const struct step *const steps[] = {newer, other};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct vcpu *vcpu = start(RESTART_ALWAYS, RESTART_NEVER);
        uint64_t value;

        exit_steps = fault;
        (void)load(vcpu, &value);
        init_steps = steps[i];
        for (unsigned n = 0; n < 10 && device->crashes == 1; n++) {
            begins = true;
            (void)load(vcpu, &value);
        }
        assert_int_equal(results[0][0], BH_EXT_STATUS_VERSION);
        assert_int_equal(results[0][1], BH_EXT_MAJOR << 16 | BH_EXT_MINOR);
        assert_int_equal(device->crash.end, BH_EXT_END_GAVE_UP);
        assert_int_equal(device->crash.detail, 3);
    }
}

/* Its memory is as at first, a page at a time; then the access is served. */
static void new_life(void **state)
{
    struct vcpu *vcpu = start(2, RESTART_NEVER);
    uint64_t value;
    unsigned tries = 0;

    (void)state;
    memset(memory, 0xee, 3u * PAGE_SIZE);
    exit_steps = fault;
    assert_false(load(vcpu, &value));
    assert_int_equal(entries[BH_EXT_FAIL], 1);
    assert_int_equal(entered[BH_EXT_FAIL].x[1], BH_EXT_END_FAULT);
    assert_int_equal(entered[BH_EXT_FAIL].x[2], ABORT);
    assert_int_equal(device->crash.end, BH_EXT_END_FAULT);
    assert_int_equal(device->crash.life, 1);
    exit_steps = answer;
    while (!load(vcpu, &value) && tries < 20u) {
        tries++;
    }
    assert_int_equal(tries, 3u + 1u + 1u); /* pages, registers, init */
    assert_int_equal(device->life, 2);
    for (unsigned i = 0; i < SEGMENT; i++) {
        assert_int_equal(memory[i], i < sizeof source ? 0x5a : 0);
    }
    assert_int_equal(memory[SEGMENT], 0xee);
}

static void repaired(void **state)
{
    struct vcpu *vcpu = start(RESTART_NEVER, RESTART_NEVER);
    uint64_t value;

    (void)state;
    exit_steps = fault;
    fail_steps = again;
    assert_false(load(vcpu, &value));
    exit_steps = answer;
    assert_true(load(vcpu, &value));
    assert_int_equal(device->life, 1);
    assert_int_equal(device->crashes, 0);
}

/* No restart is left: the domain crashes with it, and its next life is the extension's too. */
static void last_life(void **state)
{
    struct vcpu *vcpu = start(2, 1);
    uint64_t value;

    (void)state;
    exit_steps = fault;
    for (unsigned n = 0; n < ALL_LIVES && device->state != EXTENSION_DEAD; n++) {
        begins = true;
        (void)load(vcpu, &value);
    }
    assert_int_equal(device->crashes, 3);
    assert_string_equal(vcpu->domain->stop_why, "its extension has crashed");
    begins = true;
    machine_settle();
    machine_run(0);
    machine_pass(100000000, 1000000);
    assert_int_equal(vcpu->domain->incarnation, 2);
    assert_int_equal(device->life, 4);
    assert_int_equal(device->state, EXTENSION_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves),          cmocka_unit_test(one_at_a_time), cmocka_unit_test(calls),
        cmocka_unit_test(wrong_arguments), cmocka_unit_test(wrong_calls),   cmocka_unit_test(versions),
        cmocka_unit_test(new_life),        cmocka_unit_test(repaired),      cmocka_unit_test(last_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
