/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses to devices: from the syndrome, and from the instruction where there is none. */
#include "machine.h"

#include <string.h>

#include "guest/arm64/decode.h"
#include "guest/arm64/trap.h"

#define NO_SYNDROME ((uint64_t)EC_DABT_LOWER << 26 | BIT(25) | 7u)
#define EMPTY       UINT64_C(0x9990000) /* IPA where nothing is */

static const struct {
    uint32_t instruction;
    bool ok;
    struct decoded_access access; /* size, rt, rn, write, sign, sf, writeback */
} rows[] = {
    {0xb8004441, true, {4, 1, 2, true, false, false, 4}},    /* str w1, [x2], #4 */
    {0xf81f8c41, true, {8, 1, 2, true, false, true, -8}},    /* str x1, [x2, #-8]! */
    {0xb8404483, true, {4, 3, 4, false, false, false, 4}},   /* ldr w3, [x4], #4 */
    {0xf8500c83, true, {8, 3, 4, false, false, true, -256}}, /* ldr x3, [x4, #-256]! */
    {0x38401c20, true, {1, 0, 1, false, false, false, 1}},   /* ldrb w0, [x1, #1]! */
    {0x381ff420, true, {1, 0, 1, true, false, false, -1}},   /* strb w0, [x1], #-1 */
    {0x784024c5, true, {2, 5, 6, false, false, false, 2}},   /* ldrh w5, [x6], #2 */
    {0x780fffe5, true, {2, 5, 31, true, false, false, 255}}, /* strh w5, [sp, #255]! */
    {0x38801420, true, {1, 0, 1, false, true, true, 1}},     /* ldrsb x0, [x1], #1 */
    {0x38c01420, true, {1, 0, 1, false, true, false, 1}},    /* ldrsb w0, [x1], #1 */
    {0x78802420, true, {2, 0, 1, false, true, true, 2}},     /* ldrsh x0, [x1], #2 */
    {0x78dfec20, true, {2, 0, 1, false, true, false, -2}},   /* ldrsh w0, [x1, #-2]! */
    {0xb8804420, true, {4, 0, 1, false, true, true, 4}},     /* ldrsw x0, [x1], #4 */
    {0xf801047f, true, {8, 31, 3, true, false, true, 16}},   /* str xzr, [x3], #16 */
    {0xf81f0fff, true, {8, 31, 31, true, false, true, -16}}, /* str xzr, [sp, #-16]! */
    {0xb9400020, false, {0}},                                /* ldr w0, [x1]: has a syndrome */
    {0xb8403020, false, {0}},                                /* ldur w0, [x1, #3] */
    {0xb8626820, false, {0}},                                /* ldr w0, [x1, x2] */
    {0xa8c10440, false, {0}},                                /* ldp x0, x1, [x2], #16 */
    {0xbc004420, false, {0}},                                /* str s0, [x1], #4 */
    {0x3cc10420, false, {0}},                                /* ldr q0, [x1], #16 */
    {0x885f7c20, false, {0}},                                /* ldxr w0, [x1] */
    {0x889ffc20, false, {0}},                                /* stlr w0, [x1] */
    {0xb8404820, false, {0}},                                /* ldtr w0, [x1, #4] */
    {0xb8200041, false, {0}},                                /* ldadd w0, w1, [x2] */
    {0xf8801020, false, {0}},                                /* prfum */
    {0xb8c04420, false, {0}},                                /* unallocated: a word with sign into w */
    {0xf8804420, false, {0}},                                /* unallocated */
    {0xf8c04420, false, {0}},                                /* unallocated */
    {0xf8408442, false, {0}},                                /* ldr x2, [x2], #8: unpredictable */
    {0xd503201f, false, {0}},                                /* nop */
};

static void encodings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct decoded_access got = {0};

        assert_int_equal(decode_instruction(rows[i].instruction, &got), rows[i].ok);
        if (rows[i].ok) {
            assert_int_equal(got.size, rows[i].access.size);
            assert_int_equal(got.rt, rows[i].access.rt);
            assert_int_equal(got.rn, rows[i].access.rn);
            assert_int_equal(got.write, rows[i].access.write);
            assert_int_equal(got.sign, rows[i].access.sign);
            assert_int_equal(got.sf, rows[i].access.sf);
            assert_int_equal(got.writeback, rows[i].access.writeback);
        }
    }
}

static struct vcpu *guest(unsigned flags)
{
    struct domain_record *record;

    machine_start(1);
    record = machine_record(1, 1);
    record->flags = (uint16_t)flags;
    machine_domain(record);
    machine_boot();
    return host_pcpu->current;
}

static void abort_at(struct vcpu *vcpu, uint64_t ipa, uint64_t esr, uint64_t pc)
{
    host_put("hpfar_el2", ipa / PAGE_SIZE << 4);
    host_put("far_el2", ipa);
    host_put("elr_el2", pc);
    host_put("vbar_el1", 0x1000);
    host_put("esr_el1", 0);
    machine_end(trap_data_abort(vcpu, esr));
}

static void place(struct vcpu *vcpu, uint64_t at, uint32_t instruction)
{
    host_memory_set(vcpu->domain->record->maps[0].pa.v + at, &instruction, 4);
}

/* All-ones from a hole, through every way in which a value can be extended. */
static void extensions(void **state)
{
    static const struct {
        unsigned size_log2;
        bool sign, sf;
        uint64_t value;
    } table[] = {
        {0, false, false, 0xff},        {1, false, false, 0xffff},     {2, false, false, 0xffffffff},
        {3, false, true, ~UINT64_C(0)}, {0, true, false, 0xffffffff},  {0, true, true, ~UINT64_C(0)},
        {1, true, false, 0xffffffff},   {1, true, true, ~UINT64_C(0)}, {2, true, true, ~UINT64_C(0)}};
    struct vcpu *vcpu = guest(DOMAIN_UNMAPPED_ONES);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        vcpu->x[7] = 1;
        abort_at(vcpu, EMPTY,
                 NO_SYNDROME | BIT(24) | (uint64_t)table[i].size_log2 << 22 | (table[i].sign ? BIT(21) : 0) |
                     7u << 16 | (table[i].sf ? BIT(15) : 0),
                 0x100);
        assert_int_equal(vcpu->x[7], table[i].value);
        assert_int_equal(host_effective("elr_el2"), 0x104);
    }
    abort_at(vcpu, EMPTY, NO_SYNDROME | BIT(24) | 31u << 16, 0x100); /* into the zero register */
    assert_int_equal(host_effective("elr_el2"), 0x104);
}

/* The guest's instruction is read through its own translation; base and pc move on; its PAR_EL1 stays. */
static void instruction_without_syndrome(void **state)
{
    struct vcpu *vcpu = guest(DOMAIN_UNMAPPED_ONES);

    (void)state;
    for (unsigned el = 0; el < 2; el++) {
        host_put("spsr_el2", el == 0 ? 0 : 0x3c5);
        host_put("par_el1", 0x81);
        place(vcpu, 0x7000, 0xb8404483); /* ldr w3, [x4], #4 */
        vcpu->x[4] = EMPTY;
        abort_at(vcpu, EMPTY, NO_SYNDROME, GUEST_RAM + 0x7000);
        assert_int_equal(vcpu->x[3], 0xffffffff);
        assert_int_equal(vcpu->x[4], EMPTY + 4);
        assert_int_equal(host_effective("elr_el2"), GUEST_RAM + 0x7004);
        assert_int_equal(host_effective("par_el1"), 0x81);
    }
    host_put("sp_el1", EMPTY);
    place(vcpu, 0x7010, 0xf81f0fff); /* str xzr, [sp, #-16]! */
    abort_at(vcpu, EMPTY - 16, NO_SYNDROME | BIT(6), GUEST_RAM + 0x7010);
    assert_int_equal(host_effective("sp_el1"), EMPTY - 16);
    host_put("spsr_el2", 0);
    host_put("sp_el0", EMPTY);
    abort_at(vcpu, EMPTY - 16, NO_SYNDROME | BIT(6), GUEST_RAM + 0x7010);
    assert_int_equal(host_effective("sp_el0"), EMPTY - 16);
}

/* An abort into the guest, with the state untouched, for what is not decoded and where nothing is. */
static void aborts(void **state)
{
    struct vcpu *vcpu = guest(0);
    const uint64_t word = NO_SYNDROME | BIT(24) | 2u << 22 | 7u << 16;

    (void)state;
    place(vcpu, 0x7000, 0xa8c10440); /* ldp */
    place(vcpu, 0x7004, 0xb8404483);
    const struct {
        uint64_t esr, pc, pstate, want;
    } table[] = {
        {word, 0x100, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | 0x10},
        {word, 0x100, 0, UINT64_C(0x24) << 26 | BIT(25) | 0x10},
        {word | BIT(6), 0x100, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | BIT(6) | 0x10},
        {NO_SYNDROME, GUEST_RAM + 0x7000, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | 0x10},
        {NO_SYNDROME, GUEST_RAM + 0x7004, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | 0x10},
        {NO_SYNDROME, GUEST_RAM + 0x7005, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | 0x10},
        {NO_SYNDROME, EMPTY, 0x3c5,
         UINT64_C(0x25) << 26 | BIT(25) | 0x10}, /* the text itself is not mapped */
        {word | BIT(8), 0x100, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | 0x10}, /* cache maintenance */
        {word | BIT(7), 0x100, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | 0x10}, /* a walk of its own tables */
        {word | 8u, 0x100, 0x3c5, UINT64_C(0x25) << 26 | BIT(25) | 0x10},     /* a permission fault */
    };
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        host_put("spsr_el2", table[i].pstate);
        vcpu->x[7] = 5;
        vcpu->x[4] = EMPTY;
        abort_at(vcpu, EMPTY, table[i].esr, table[i].pc);
        assert_int_equal(host_effective("esr_el1"), table[i].want);
        assert_int_equal(host_effective("far_el1"), EMPTY);
        assert_int_equal(host_effective("elr_el1"), table[i].pc);
        assert_int_equal(vcpu->x[7], 5);
        assert_int_equal(vcpu->x[4], EMPTY);
    }
    host_put("spsr_el2", 0x3c5);
    host_put("far_el2", 0x123);
    machine_end(trap_sync(vcpu, (uint64_t)EC_IABT_LOWER << 26 | BIT(25) | 7u));
    assert_int_equal(host_effective("esr_el1"), UINT64_C(0x21) << 26 | BIT(25) | 0x10);
    assert_int_equal(host_effective("far_el1"), 0x123);
}

static void uart_and_interrupt_controller(void **state)
{
    struct vcpu *vcpu = guest(DOMAIN_VPL011);

    (void)state;
    vcpu->x[7] = 'Q';
    abort_at(vcpu, 0x22000000, NO_SYNDROME | BIT(24) | BIT(6) | 7u << 16, 0x100); /* strb */
    machine_store(vcpu, 0x22000000, '\n');
    assert_true(machine_said("DOM1: Q"));
    assert_int_equal(machine_load(vcpu, 0x22000000 + 0x18) % 2u, 0);
    assert_int_equal(machine_load(vcpu, 0x3001004) % 32u, 1); /* GICD_TYPER: 64 interrupts */
    assert_int_equal(machine_load(vcpu, 0x3020008), 1u << 4); /* GICR_TYPER: the last */
    host_put("esr_el1", 0);
    abort_at(vcpu, 0x3001001, NO_SYNDROME | BIT(24) | 2u << 22 | 7u << 16, 0x100); /* not aligned */
    assert_int_not_equal(host_effective("esr_el1"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings),
        cmocka_unit_test(extensions),
        cmocka_unit_test(instruction_without_syndrome),
        cmocka_unit_test(aborts),
        cmocka_unit_test(uart_and_interrupt_controller),
    };

    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
