/* SPDX-License-Identifier: Apache-2.0 */
/* DMA of a backend's devices behind an SMMU: what it reaches, when, and what happens when it goes astray. */
#include "ioreq_pair.h"

#include "core/dma.h"
#include "drivers/gic.h"
#include "smmu_model.h"

#define FIRST_STREAM 0x45u
#define STREAMS      70u
#define IRQ          106u
#define CELL         (GUEST_RAM + 20u * PAGE_SIZE)

static const struct domain_stream streams[] = {{0, 0x45, 0x3b}, {0, 0x80, 0xb}};
static struct domain_map maps[2];

static void prepare(struct domain_record *record)
{
    struct smmu_setup setup = model_start(16);

    assert_null(smmu_start(0, &setup));
    dma_start(0, IRQ);
    for (unsigned i = 0; i < ARRAY_SIZE(streams); i++) {
        assert_true(smmu_place(&streams[i], machine_alloc(PAGE_SIZE, PAGE_SIZE)));
    }
    /* Devices do not reach the registers of others. */
    maps[0] = record->maps[0];
    maps[1] = (struct domain_map){IPA(0xa000000), PA(0xa000000), PAGE_SIZE, MAP_DEVICE};
    record->maps = maps;
    record->nr_maps = 2;
    record->streams = streams;
    record->nr_streams = ARRAY_SIZE(streams);
}

static void begin(void)
{
    prepare_backend = prepare;
    start();
    gic_set_edge(IRQ, true);
    gic_route(IRQ, 0);
    gic_enable(IRQ);
}

static bool reaches(uint64_t ipa, uint64_t *pa)
{
    return model_dma(FIRST_STREAM + 1u, ipa, true, pa);
}

static uint64_t scratch(void)
{
    return stage1_pa(back->frontends->scratch.page).v;
}

static void own_ram_only(void **state)
{
    const uint64_t not_there[] = {0xa000000, PAGE, WORD, 0, GIB(2), GIB(600u)};
    uint64_t pa;

    (void)state;
    begin();
    for (uint64_t at = 0; at < GUEST_SIZE; at += PAGE_SIZE) {
        assert_true(reaches(GUEST_RAM + at + 4u, &pa));
        assert_int_equal(pa, back->record->maps[0].pa.v + at + 4u);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(not_there); i++) {
        assert_false(reaches(not_there[i], &pa));
    }
    assert_true(model_dma(0x7f, GUEST_RAM, true, &pa));
    assert_true(model_dma(0x80, GUEST_RAM, true, &pa));
    assert_true(model_dma(0x8a, GUEST_RAM, true, &pa));
    /* Streams beside its own, in blocks that it shares with nobody, and in others. */
    assert_false(model_dma(0x44, GUEST_RAM, true, &pa));
    assert_false(model_dma(0x8b, GUEST_RAM, true, &pa));
    assert_false(model_dma(0x100, GUEST_RAM, true, &pa));
}

/* What is shared at run time by hypercalls does not become the devices'. */
static void windows_follow(void **state)
{
    uint64_t pa;

    (void)state;
    begin();
    assert_true(reaches(WINDOW + 20u * PAGE_SIZE, &pa));
    assert_int_equal(pa, scratch());
    assert_int_equal(set_state(true), 0);
    assert_true(reaches(WINDOW + 20u * PAGE_SIZE, &pa));
    assert_int_equal(pa, front->record->maps[0].pa.v + 20u * PAGE_SIZE);
    assert_int_equal(set_state(false), 0);
    assert_true(reaches(WINDOW + 20u * PAGE_SIZE, &pa));
    assert_int_equal(pa, scratch());
    assert_int_equal(set_state(true), 0);
    assert_true(reaches(WINDOW, &pa));
    assert_int_equal(pa, front->record->maps[0].pa.v);
    stop(front, STOP_RESET); /* its memory is scrubbed */
    assert_true(reaches(WINDOW, &pa));
    assert_int_equal(pa, scratch());
}

static bool seen_open; /* DMA got through while its domain was not running */

static void look(const char *name, uint64_t value)
{
    uint64_t pa;

    (void)name;
    (void)value;
    if (back != NULL && back->state == DOMAIN_BUILDING && back->build.stage != 0 && reaches(GUEST_RAM, &pa)) {
        seen_open = true;
    }
}

/* Blocked from before the teardown to the end of the build, whatever was cached. */
static void stop_order(void **state)
{
    uint64_t pa;

    (void)state;
    begin();
    assert_int_equal(set_state(true), 0);
    assert_true(reaches(GUEST_RAM, &pa));
    assert_true(reaches(WINDOW, &pa));
    model.nr_record = 0;
    domain_stop(back, STOP_CRASH);
    host_on_write = look;
    seen_open = false;
    for (unsigned i = 0; i < 3 && back->incarnation == 1; i++) {
        machine_pass(5 * MS, MS);
    }
    host_on_write = NULL;
    assert_int_equal(model.record[0], CMD_CFGI_ALL);
    assert_int_equal(model.record[1], CMD_TLBI_S12_VMALL | 3u << 8); /* VMID: domid + 1 */
    assert_int_equal(model.record[2], CMD_SYNC);
    for (unsigned i = 0; i < 1000 && back->state != DOMAIN_RUNNING; i++) {
        machine_run(2);
        machine_pass(5 * MS, MS);
    }
    assert_int_equal(back->incarnation, 2);
    assert_false(seen_open);
    assert_true(reaches(GUEST_RAM, &pa));
    assert_true(reaches(WINDOW, &pa));
    assert_int_equal(pa, scratch());
    stop(back, STOP_OFF);
    assert_int_equal(back->state, DOMAIN_STOPPED);
    assert_false(reaches(GUEST_RAM, &pa));
    assert_false(reaches(WINDOW, &pa));
}

/* An SMMU that does not answer is off, and blocks; the domain does not come back. */
static void no_answer(void **state)
{
    uint64_t pa;

    for (unsigned refuse = 0; refuse < 2; refuse++) {
        (void)state;
        begin();
        assert_true(reaches(GUEST_RAM, &pa));
        assert_false(smmu_failed());
        model.dead = refuse == 0;
        model.refuse = refuse != 0;
        stop(back, STOP_CRASH);
        assert_int_equal(back->state, DOMAIN_STOPPED);
        assert_true(smmu_failed());
        assert_int_equal(model.page0[SMMU_CR0 / 4], 0);
        assert_false(reaches(GUEST_RAM, &pa));
        assert_true(machine_said("DOM2: the SMMU does not answer: all DMA behind it is blocked"));
        assert_int_equal(front->state, DOMAIN_RUNNING);
    }
}

/* Positions count on past the end of the queue. */
static void queue_wraps(void **state)
{
    uint32_t syncs;

    (void)state;
    begin();
    syncs = model.syncs;
    for (unsigned i = 0; i < 700; i++) {
        model.nr_record = 0;
        smmu_flush(3);
        assert_int_equal(model.nr_record, 2);
        assert_int_equal(model.record[0], CMD_TLBI_S12_VMALL | 3u << 8);
        assert_int_equal(model.record[1], CMD_SYNC);
    }
    assert_int_equal(model.syncs, syncs + 700u);
    assert_int_equal(model.page0[SMMU_CMDQ_CONS / 4], model.page0[SMMU_CMDQ_PROD / 4]);
}

static void raise(void)
{
    gic_set_pending(IRQ, true);
    machine_settle();
}

static void faults(void **state)
{
    uint64_t pa;

    (void)state;
    begin();
    assert_false(reaches(0x61000008, &pa));
    assert_false(model_dma(0x85, 0x71000000, false, &pa));
    raise();
    assert_true(machine_said("DOM2: DMA of stream 0x46 blocked: write to 0x61000008, nothing there"));
    assert_true(machine_said("DOM2: DMA of stream 0x85 blocked: read of 0x71000000, nothing there"));
    assert_int_equal(model.cons & POSITION, 2);
    for (unsigned i = 0; i < 200; i++) { /* more than the queue holds */
        assert_false(reaches(UINT64_C(0x66000000) + i * PAGE_SIZE, &pa));
    }
    assert_true(((model.prod ^ model.cons) & OVERFLOW) != 0);
    raise();
    assert_int_equal(model.cons, model.prod); /* all was taken, and the overflow acknowledged */
    assert_int_equal(back->dma->faults, 2u + (1u << SMMU_EVENTQ_LOG2));
    assert_false(machine_said("0x66006000")); /* nine of them */
    assert_int_equal(back->state, DOMAIN_RUNNING);
    for (unsigned i = 0; i < DMA_FAULTS_MAX && back->incarnation == 1; i++) {
        (void)reaches(0x61000008, &pa);
        raise();
        machine_pass(5 * MS, MS);
    }
    assert_true(machine_said("DOM2: 256 DMA faults: it is stopped"));
    for (unsigned i = 0; i < 1000 && back->state != DOMAIN_RUNNING; i++) {
        machine_run(2);
        machine_pass(5 * MS, MS);
    }
    assert_int_equal(back->incarnation, 2);
    assert_int_equal(back->dma->faults, 0);
}

static void unsuited(void **state)
{
    struct smmu_setup setup;

    (void)state;
    machine_start(1);
    setup = model_start(16);
    model.idr0 = IDR0_SUITED & ~1u;
    assert_string_equal(smmu_start(0, &setup), "no stage 2");
    model.idr0 = (uint32_t)(IDR0_SUITED & ~IDR0_COHACC);
    assert_string_equal(smmu_start(0, &setup), "no coherent access to its tables");
    model.idr0 = (uint32_t)(IDR0_SUITED & ~IDR0_TWO_LEVEL);
    assert_non_null(smmu_start(0, &setup));
    model.idr0 = IDR0_SUITED;
    model.idr1 = (model.idr1 & ~63u) | 15u;
    assert_non_null(smmu_start(0, &setup));
    model.idr1 = 0x2730010;
    model.idr5 = 0x64;
    assert_string_equal(smmu_start(0, &setup), "no pages of 4 KiB");
    model.idr5 = 0x71; /* 36 bits */
    assert_null(smmu_start(0, &setup));
    assert_true(smmu_can_translate(0, 36));
    assert_false(smmu_can_translate(0, 39));
    model.dead = true;
    assert_string_equal(smmu_start(0, &setup), "no answer to a command");
    assert_true((model.page0[SMMU_GBPA / 4] & GBPA_ABORT) != 0);
    assert_int_equal(model.page0[SMMU_CR0 / 4], 0);
}

/* Pieces of one block are in one page; whole blocks share theirs. */
static void places(void **state)
{
    static const struct domain_stream pieces[] = {{0, 3, 1}, {0, 7, 2}, {0, 0x100, 0x400}};
    struct smmu_setup setup;

    (void)state;
    machine_start(1);
    setup = model_start(12);
    assert_null(smmu_start(0, &setup));
    assert_true(smmu_place(&pieces[0], machine_alloc(PAGE_SIZE, PAGE_SIZE)));
    assert_false(smmu_place(&pieces[1], machine_alloc(PAGE_SIZE, PAGE_SIZE)));
    assert_true(smmu_place(&pieces[2], machine_alloc(PAGE_SIZE, PAGE_SIZE)));
    assert_int_equal(setup.table[1], 0);
    for (unsigned block = 4; block < 20; block++) {
        assert_int_equal(setup.table[block], setup.table[4]);
    }
    assert_int_equal(setup.table[20], 0);
    assert_int_equal(setup.table[0] % 32u, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(own_ram_only), cmocka_unit_test(windows_follow),
                                       cmocka_unit_test(stop_order),   cmocka_unit_test(no_answer),
                                       cmocka_unit_test(queue_wraps),  cmocka_unit_test(faults),
                                       cmocka_unit_test(unsuited),     cmocka_unit_test(places)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
