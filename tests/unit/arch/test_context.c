/* SPDX-License-Identifier: Apache-2.0 */
/* What changes when another vCPU takes a pCPU, and what a guest sees of it. */
#include "machine.h"

#include <string.h>

#include "arch/arm64/context.h"
#include "arch/arm64/errata.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/timer.h"
#include "base/bits.h"
#include "core/interrupt.h"

#define US UINT64_C(1000) /* ticks */

static struct domain *two_vcpus(void)
{
    struct domain *domain;

    machine_start(1);
    host_set("id_aa64isar1_el1", 1u << 4);          /* pointer authentication */
    host_set("id_aa64pfr0_el1", UINT64_C(1) << 44); /* activity monitors */
    context_init_pcpu();
    domain = machine_domain(machine_record(1, 2));
    machine_boot();
    return domain;
}

static const char *const names[] = {
    "sp_el0",       "sp_el1",       "elr_el1",      "spsr_el1",      "sctlr_el1",     "cpacr_el1",
    "ttbr0_el1",    "ttbr1_el1",    "tcr_el1",      "mair_el1",      "amair_el1",     "vbar_el1",
    "esr_el1",      "far_el1",      "afsr0_el1",    "afsr1_el1",     "par_el1",       "contextidr_el1",
    "csselr_el1",   "tpidr_el0",    "tpidrro_el0",  "tpidr_el1",     "cntkctl_el1",   "s3_0_c2_c1_0",
    "s3_0_c2_c1_3", "s3_0_c2_c2_1", "s3_0_c2_c3_1", "cntv_cval_el0", "cntp_cval_el0", "elr_el2",
    "spsr_el2",
};

/* Every register that a guest owns comes back, and nothing of the other vCPU's. */
static void registers_are_switched(void **state)
{
    struct domain *domain = two_vcpus();

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        host_put(names[i], 1000u + i);
    }
    context_save(&domain->vcpus[0]);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        host_put(names[i], 2000u + i);
    }
    context_save(&domain->vcpus[1]);
    for (unsigned n = 0; n < 2; n++) {
        context_load(&domain->vcpus[n]);
        host_eret();
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
            assert_int_equal(host_effective(names[i]), 1000u * (n + 1u) + i);
        }
        assert_int_equal(host_effective("vmpidr_el2"), BIT(31) | n);
        assert_int_equal(host_effective("vttbr_el2"), domain->stage2.vttbr);
        assert_int_equal(host_effective("cntvoff_el2"), domain->counter_offset);
    }
}

/* The traps hold from the moment at which the function returns. */
static void traps(void **state)
{
    struct domain *domain;

    (void)state;
    machine_start(1);
    host_set("id_aa64pfr0_el1", UINT64_C(1) << 44);
    host_set("id_aa64dfr0_el1", UINT64_C(1) << 32 | UINT64_C(1) << 40 | 1u << 8);
    host_set("id_aa64mmfr0_el1", UINT64_C(1) << 56 | 5u);
    host_set("id_aa64mmfr1_el1", UINT64_C(1) << 40);
    host_set("pmcr_el0", 6u << 11);
    host_put("s3_4_c1_c2_2", ~UINT64_C(0));
    host_put("s3_4_c1_c1_4", ~UINT64_C(0));
    context_init_pcpu();
    assert_int_equal(host_effective("cptr_el2"), CPTR_RES1 | CPTR_TTA | CPTR_TZ | CPTR_TSM | CPTR_TAM);
    assert_int_equal(host_effective("mdcr_el2"),
                     6u | MDCR_TPMCR | MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TPMS | MDCR_TTRF);
    assert_int_equal(host_effective("s3_4_c1_c2_2"), 0);
    assert_int_equal(host_effective("s3_4_c1_c1_4"), 0);
    domain = machine_domain(machine_record(1, 1));
    machine_boot();
    assert_int_equal(host_effective("hcr_el2") & (HCR_VM | HCR_TWI | HCR_TVM | HCR_TSC), HCR_VM | HCR_TSC);
    domain->vcpus[0].shared = true;
    domain->vcpus[0].sweep.watching = true;
    context_load(&domain->vcpus[0]);
    host_eret();
    assert_int_equal(host_effective("hcr_el2") & (HCR_VM | HCR_TWI | HCR_TVM), HCR_VM | HCR_TWI | HCR_TVM);
    assert_int_equal(host_effective("cptr_el2") & CPTR_TFP, CPTR_TFP);
}

/* The timers stop with the save: whoever is resident next does not get their interrupts. */
static void timers_stop(void **state)
{
    struct domain *domain = two_vcpus();

    (void)state;
    host_put("cntv_cval_el0", 0);
    host_put("cntp_cval_el0", 0);
    host_put("cntv_ctl_el0", 1);
    host_put("cntp_ctl_el0", 1);
    assert_true(host_timer_line("cntv_ctl_el0") && host_timer_line("cntp_ctl_el0"));
    context_save(&domain->vcpus[0]);
    assert_false(host_timer_line("cntv_ctl_el0"));
    assert_false(host_timer_line("cntp_ctl_el0"));
}

/* While they are loaded, the other vCPU's compare values do not fire for a moment. */
static void timers_do_not_glitch(void **state)
{
    struct domain *domain = two_vcpus();

    (void)state;
    host_put("cntv_cval_el0", 100000000u);
    host_put("cntp_cval_el0", 100000000u);
    host_put("cntv_ctl_el0", 1);
    host_put("cntp_ctl_el0", 1);
    context_save(&domain->vcpus[0]);
    host_put("cntv_cval_el0", 0);
    host_put("cntp_cval_el0", 0);
    context_save(&domain->vcpus[1]);
    (void)host_timer_glitch();
    context_load(&domain->vcpus[0]);
    host_eret();
    assert_false(host_timer_glitch());
}

static void next_timer(void **state)
{
    struct domain domain = {.counter_offset = 500};
    struct vcpu vcpu = {.domain = &domain};

    (void)state;
    machine_start(1);
    assert_int_equal(context_next_timer(&vcpu), ~UINT64_C(0));
    vcpu.el1.cntv_cval = 1000;
    vcpu.el1.cntv_ctl = 1;
    assert_int_equal(context_next_timer(&vcpu), 1500);
    vcpu.el1.cntp_cval = 1200;
    vcpu.el1.cntp_ctl = 1;
    assert_int_equal(context_next_timer(&vcpu), 1200);
    vcpu.el1.cntp_ctl = 3; /* masked */
    assert_int_equal(context_next_timer(&vcpu), 1500);
    vcpu.el1.cntv_cval = ~UINT64_C(0) - 3u;
    assert_int_equal(context_next_timer(&vcpu), ~UINT64_C(0));
}

static void exceptions_into_the_guest(void **state)
{
    static const struct {
        uint64_t pstate, offset;
    } rows[] = {{0x3c5, 0x200}, {0x3c4, 0}, {0, 0x400}, {0x10, 0x600}, {0x60000005, 0x200}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        machine_start(1);
        host_put("vbar_el1", 0x8000);
        host_put("elr_el2", 0x1234);
        host_put("spsr_el2", rows[i].pstate);
        host_set("id_aa64mmfr1_el1", 1u << 20);
        host_put("sctlr_el1", i == 0 ? BIT(23) : 0);
        context_inject(NULL, 0x2000000, 0x77);
        host_eret();
        assert_int_equal(host_effective("elr_el1"), 0x1234);
        assert_int_equal(host_effective("spsr_el1"), rows[i].pstate);
        assert_int_equal(host_effective("esr_el1"), 0x2000000);
        assert_int_equal(host_effective("far_el1"), 0x77);
        assert_int_equal(host_effective("elr_el2"), 0x8000 + rows[i].offset);
        assert_int_equal(host_effective("spsr_el2"),
                         0x3c5 | (rows[i].pstate & 0xf0000000) | (i == 0 ? 0 : BIT(22)));
    }
}

/* The alarm is set, or off, when the function returns. */
static void alarm_of_the_pcpu(void **state)
{
    (void)state;
    machine_start(1);
    timer_arm(host_now);
    assert_true(host_timer_line("cnthp_ctl_el2"));
    assert_true(host_irq_pending());
    timer_arm(~UINT64_C(0));
    assert_false(host_timer_line("cnthp_ctl_el2"));
    timer_arm(host_now + 5);
    assert_false(host_timer_line("cnthp_ctl_el2"));
    host_now += 5;
    timer_wait(); /* does not sleep */
    assert_int_equal(timer_from_us(3), 3 * US);
}

static bool still_there;

static void early(const char *name, uint64_t value)
{
    uint64_t pa;

    (void)value;
    if (host_pcpu_index() == 1u &&
        strcmp(name, "mdcr_el2") == 0) { /* the first that runs on the new tables */
        still_there = host_el2_translate((void *)IMAGE_VA, true, &pa);
    }
}

/* A pCPU that comes up runs on its own tables, and keeps nothing of what firmware left in its TLB. */
static void pcpu_starts_clean(void **state)
{
    struct stage1_tables *old;
    struct domain *domain;
    uint64_t pa, own;

    (void)state;
    machine_start(2);
    domain = machine_domain(machine_record(1, 1));
    machine_boot();
    old = machine_alloc(sizeof *old, PAGE_SIZE);
    own = pcpus[1]->root;
    host_on_write = early;
    still_there = false;
    pcpus[1]->root = stage1_clone(old).v;
    memset(old->level2, 0, sizeof old->level2);
    old->level2[(HEAP_VA >> 21) % 512u] = pcpus[1]->tables->level2[(HEAP_VA >> 21) % 512u];
    dsb(ishst);
    host_on(1);
    host_put("vtcr_el2", domain->stage2.vtcr);
    host_put("vttbr_el2", domain->stage2.vttbr); /* firmware's guest, of the same VMID */
    assert_true(host_guest_translate(GUEST_RAM, &pa));
    host_put("vttbr_el2", 0);
    assert_true(host_el2_translate((void *)IMAGE_VA, true, &pa));
    host_on(0);
    domain->stage2.root[1] = 0;
    dsb(ishst);
    host_on(1);
    pcpu_init(pcpus[1]);
    host_on_write = NULL;
    assert_false(still_there);
    host_put("vttbr_el2", domain->stage2.vttbr);
    assert_false(host_guest_translate(GUEST_RAM, &pa));
    assert_int_equal(host_effective("ttbr0_el2"), pcpus[1]->root);
    assert_false(host_el2_translate((void *)IMAGE_VA, true, &pa));
    assert_true(host_el2_translate((void *)HEAP_VA, true, &pa));
    pcpus[1]->root = own;
}

static void vectors_by_core(void **state)
{
    extern char vectors[], vectors_loop[], vectors_clrbhb[], vectors_firmware[];
    const struct {
        uint64_t midr, pfr0, mmfr1, isar2;
        bool firmware;
        const char *table;
    } rows[] = {
        {0x410fd034, 0, 0, 0, true, vectors},                        /* A53 */
        {0x410fd083, 0, 0, 0, false, vectors_loop},                  /* A72 */
        {0x413fd0c1, 0, 0, 0, true, vectors_loop},                   /* N1 */
        {0x410fd490, 0, 0, UINT64_C(1) << 28, true, vectors_clrbhb}, /* N2 with CLRBHB */
        {0x410fd490, UINT64_C(3) << 56, 0, 0, true, vectors},        /* CSV2_3 */
        {0x410fd490, 0, UINT64_C(1) << 60, 0, true, vectors},        /* ECBHB */
        {0x510f8000, 0, 0, 0, true, vectors_firmware},
        {0x510f8000, 0, 0, 0, false, vectors},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        machine_start(1);
        host_set("midr_el1", rows[i].midr);
        host_set("id_aa64pfr0_el1", rows[i].pfr0);
        host_set("id_aa64mmfr1_el1", rows[i].mmfr1);
        host_set("s3_0_c0_c6_2", rows[i].isar2);
        errata_choose_vectors(rows[i].firmware);
        assert_ptr_equal((void *)host_effective("vbar_el2"), rows[i].table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_are_switched),
        cmocka_unit_test(traps),
        cmocka_unit_test(timers_stop),
        cmocka_unit_test(timers_do_not_glitch),
        cmocka_unit_test(next_timer),
        cmocka_unit_test(exceptions_into_the_guest),
        cmocka_unit_test(alarm_of_the_pcpu),
        cmocka_unit_test(pcpu_starts_clean),
        cmocka_unit_test(vectors_by_core),
    };

    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
