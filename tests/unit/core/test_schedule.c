/* SPDX-License-Identifier: Apache-2.0 */
/* Shared pCPUs: who runs, and what must not leak from one vCPU to the next. */
#include "machine.h"

#include "core/interrupt.h"
#include "guest/arm64/trap.h"

#define US      UINT64_C(1000) /* ticks */
#define MS      (1000u * US)
#define CPU_OFF 0x84000002u
#define CPU_ON  0xc4000003u
#define SUSPEND 0xc4000001u

/* Domains of one vCPU each, all on pCPU 0. */
static struct domain *one(unsigned domid, uint8_t priority, uint32_t budget_us, uint32_t period_us)
{
    struct domain_record *record = machine_record(domid, 1);

    record->priority = priority;
    record->budget_us = budget_us;
    record->period_us = period_us;
    ((struct domain_vcpu *)record->vcpus)[0].pcpu = 0;
    return machine_domain(record);
}

static struct vcpu *current(void)
{
    host_on(0);
    return host_pcpu->current;
}

static void built(void)
{
    machine_boot();
    for (unsigned i = 0; i < 200; i++) {
        bool all = true;

        for (uint32_t n = 0; n < nr_domains; n++) {
            all = all && domains[n]->state == DOMAIN_RUNNING;
        }
        if (all) {
            return;
        }
        machine_pass(5 * MS, 500 * US);
    }
    host_fail("not all domains were built");
}

static void run_until(struct vcpu *vcpu)
{
    for (unsigned i = 0; current() != vcpu; i++) {
        assert_true(i < 1000);
        machine_pass(MS, MS);
    }
}

static void choose_again(void)
{
    struct vcpu *vcpu = current();

    vcpu_reschedule(vcpu->pcpu);
    machine_end(trap_return(vcpu));
}

/* Time that each of the vCPUs runs, in steps. */
static void measure(uint64_t steps, uint64_t step, struct vcpu *const *vcpus, uint64_t *ran, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        ran[i] = 0;
    }
    for (uint64_t n = 0; n < steps; n++) {
        struct vcpu *now = current();

        for (unsigned i = 0; i < count; i++) {
            ran[i] += vcpus[i] == now;
        }
        machine_pass(step, step);
    }
}

static void set_timer(uint64_t in)
{
    host_put("cntv_cval_el0", host_now - host_effective("cntvoff_el2") + in);
    host_put("cntv_ctl_el0", 1);
}

static void equals_take_turns(void **state)
{
    struct vcpu *vcpus[3];
    uint64_t ran[3];

    (void)state;
    machine_start(1);
    for (unsigned i = 0; i < 3; i++) {
        vcpus[i] = one(i + 1u, 128, 0, 0)->vcpus;
    }
    built();
    measure(300, MS, vcpus, ran, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_in_range(ran[i], 95, 105);
    }
    run_until(vcpus[1]);
    run_until(vcpus[2]);
    measure(4, MS, vcpus, ran, 3);
    assert_int_equal(ran[2], 4); /* a turn is 5 ms */
}

/* Interrupts for others do not cut a turn short. */
static void a_turn_is_not_cut(void **state)
{
    struct vcpu *vcpus[2];
    uint64_t ran = 0;

    (void)state;
    machine_start(1);
    vcpus[0] = one(1, 128, 0, 0)->vcpus;
    vcpus[1] = one(2, 128, 0, 0)->vcpus;
    built();
    run_until(vcpus[1]);
    run_until(vcpus[0]);
    for (unsigned i = 0; i < 45; i++) {
        ran += current() == vcpus[0];
        host_on(0);
        vcpu_request(vcpus[1], WORK_VIRQ);
        machine_end(trap_return(current()));
        machine_pass(100 * US, 100 * US);
    }
    assert_int_equal(ran, 45);
}

static void priorities(void **state)
{
    struct vcpu *low, *high;

    (void)state;
    machine_start(1);
    low = one(1, 10, 0, 0)->vcpus;
    high = one(2, 20, 0, 0)->vcpus;
    machine_boot();
    assert_ptr_equal(current(), high);
    assert_int_equal(low->domain->state, DOMAIN_BUILDING); /* built in its own priority */
    machine_pass(100 * MS, 5 * MS);
    assert_ptr_equal(current(), high);
    machine_enable_ppi(high, 27);
    set_timer(20 * MS);
    assert_ptr_equal(machine_wfi(high), low);
    assert_int_equal(high->state, VCPU_BLOCKED);
    machine_pass(19 * MS, MS);
    assert_ptr_equal(current(), low);
    machine_pass(2 * MS, 100 * US);
    assert_ptr_equal(current(), high);
    assert_int_equal(host_gic_acknowledge(), 27);
}

/* The timer of one that sleeps wakes it: while its registers are loaded, and after another one ran. */
static void sleepers_wake(void **state)
{
    struct vcpu *a, *b;

    (void)state;
    machine_start(1);
    a = one(1, 128, 0, 0)->vcpus;
    b = one(2, 128, 0, 0)->vcpus;
    built();
    run_until(a);
    machine_enable_ppi(a, 27);
    run_until(b);
    machine_enable_ppi(b, 27);
    set_timer(3 * MS);
    assert_ptr_equal(machine_wfi(b), a);
    set_timer(10 * MS);
    assert_ptr_equal(machine_wfi(a), NULL);
    machine_pass(2 * MS, MS);
    assert_null(current());
    machine_pass(2 * MS, 100 * US);
    assert_ptr_equal(current(), b);
    assert_int_equal(host_gic_acknowledge(), 27);
    host_gic_end(27);
    host_put("cntv_ctl_el0", 0);
    assert_ptr_equal(machine_wfi(b), NULL);
    machine_pass(8 * MS, 100 * US);
    assert_ptr_equal(current(), a);
    assert_int_equal(host_gic_acknowledge(), 27);
}

static void budgets(void **state)
{
    struct vcpu *vcpus[2];
    uint64_t ran[2];

    (void)state;
    machine_start(1);
    vcpus[0] = one(1, 200, 2000, 10000)->vcpus;
    vcpus[1] = one(2, 100, 0, 0)->vcpus;
    built();
    machine_pass(100 * MS, MS);
    measure(1000, 100 * US, vcpus, ran, 2);
    assert_in_range(ran[0], 190, 210); /* 2 ms of 10 */
    assert_in_range(ran[1], 790, 810);
}

/* Nobody else wants the pCPU: it sleeps until the next period. */
static void budget_alone(void **state)
{
    struct vcpu *vcpu;
    uint64_t ran[1];

    (void)state;
    machine_start(1);
    vcpu = one(1, 200, 1000, 4000)->vcpus;
    one(2, 100, 0, 0);
    built();
    run_until(domains[1]->vcpus);
    assert_ptr_not_equal(machine_wfi(domains[1]->vcpus), domains[1]->vcpus);
    measure(400, 100 * US, &vcpu, ran, 1);
    assert_in_range(ran[0], 90, 110);
}

/* --- the four classic bugs --- */

static uint64_t own_page(uint64_t va)
{
    return va - UINT64_C(0x1000000) + current()->index * PAGE_SIZE;
}

/* Both vCPUs of a domain use the same VMID, on one pCPU: each has its own translations. */
static void translations_do_not_leak(void **state)
{
    struct domain_record *record;
    struct domain *domain;
    uint64_t pa;

    (void)state;
    machine_start(1);
    record = machine_record(1, 2);
    domain = machine_domain(record);
    built();
    machine_hvc(domain->vcpus, CPU_ON, 1, GUEST_RAM, 0);
    host_stage1 = own_page;
    for (unsigned i = 0; i < 6; i++) {
        struct vcpu *vcpu = &domain->vcpus[i % 2u];

        run_until(vcpu);
        assert_true(host_guest_translate(GUEST_RAM + UINT64_C(0x1000000), &pa));
        assert_int_equal(pa, record->maps[0].pa.v + vcpu->index * PAGE_SIZE);
    }
}

/* The same with another domain between the two: the TLBI is of the domain that comes, not of the one that
 * went. */
static void translations_do_not_leak_across(void **state)
{
    struct domain_record *record;
    struct domain *domain;
    struct vcpu *between;
    uint64_t pa;

    (void)state;
    machine_start(1);
    record = machine_record(1, 2);
    domain = machine_domain(record);
    between = one(2, 128, 0, 0)->vcpus;
    built();
    run_until(domain->vcpus);
    machine_hvc(domain->vcpus, CPU_ON, 1, GUEST_RAM, 0);
    host_stage1 = own_page;
    for (unsigned i = 0; i < 6; i++) {
        struct vcpu *vcpu = &domain->vcpus[i % 2u];

        vcpu->priority = 129; /* runs next */
        domain->vcpus[1u - i % 2u].priority = 127;
        choose_again();
        assert_ptr_equal(current(), vcpu);
        assert_true(host_guest_translate(GUEST_RAM + UINT64_C(0x1000000), &pa));
        assert_int_equal(pa, record->maps[0].pa.v + vcpu->index * PAGE_SIZE);
        vcpu->priority = 127; /* the other domain comes in between */
        choose_again();
        assert_ptr_equal(current(), between);
    }
}

/* The hardware's active state of the timer interrupt goes with the vCPU that has it active. */
static void active_state_is_per_vcpu(void **state)
{
    struct vcpu *a, *b;

    (void)state;
    machine_start(1);
    a = one(1, 128, 0, 0)->vcpus;
    b = one(2, 128, 0, 0)->vcpus;
    built();
    run_until(b);
    machine_enable_ppi(b, 27);
    run_until(a);
    machine_enable_ppi(a, 27);
    set_timer(0);
    machine_settle();
    assert_int_equal(host_gic_acknowledge(), 27);
    assert_true(gic_is_active(27));
    run_until(b);
    assert_false(gic_is_active(27));
    set_timer(0);
    machine_settle();
    assert_int_equal(host_gic_acknowledge(), 27);
    host_put("cntv_ctl_el0", 0);
    host_gic_end(27);
    assert_false(gic_is_active(27));
    run_until(a);
    assert_true(gic_is_active(27));
    host_put("cntv_ctl_el0", 0);
    host_gic_end(27);
    assert_false(gic_is_active(27));
    run_until(b);
    run_until(a);
    set_timer(0);
    machine_settle();
    assert_int_equal(host_gic_acknowledge(), 27);
}

/* An interrupt that came before the WFI ends it at once; one from another pCPU wakes. */
static void wait_sees_what_came(void **state)
{
    struct domain_record *record;
    struct domain *domain;
    struct vcpu *a, *b;

    (void)state;
    machine_start(2);
    record = machine_record(1, 2);
    domain = machine_domain(record);
    one(2, 128, 0, 0);
    built();
    a = &domain->vcpus[0];
    b = &domain->vcpus[1];
    run_until(a);
    machine_enable_ppi(a, 1);
    machine_hvc(a, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    host_on(1);
    assert_ptr_equal(host_pcpu->current, b);
    run_until(a);
    b->x[0] = UINT64_C(1) << 24 | 1u; /* SGI 1 to vCPU 0 */
    host_on(1);
    assert_true(sysreg_access(b, 0x3a3016u & ~(0x1fu << 5)));
    machine_end(trap_return(b));
    host_on(0); /* the kick has not been taken yet */
    schedule_wait(a);
    machine_end(trap_return(a));
    machine_settle();
    run_until(a);
    assert_int_equal(a->state, VCPU_READY);
    assert_int_equal(host_gic_acknowledge(), 1);
    host_gic_end(1);
    assert_ptr_equal(machine_wfi(a), domains[1]->vcpus);
    b->x[0] = UINT64_C(1) << 24 | 1u;
    host_on(1);
    assert_true(sysreg_access(b, 0x3a3016u & ~(0x1fu << 5)));
    machine_end(trap_return(b));
    machine_settle();
    run_until(a);
    assert_int_equal(host_gic_acknowledge(), 1);
}

static struct vcpu *watched;
static bool seen_off_early, saved;

static void watch(const char *name, uint64_t value)
{
    if (name[0] == 'c' && name[3] == 'v' && value == 0) { /* cntv_ctl_el0: the last registers are saved */
        seen_off_early = seen_off_early || watched->power == POWER_OFF || watched->state == VCPU_OFF;
        saved = true;
    }
}

/* Who sees that a vCPU is off may start it anew: its old registers are in memory by then. */
static void off_is_published_last(void **state)
{
    struct domain *domain;

    (void)state;
    machine_start(2);
    domain = machine_domain(machine_record(1, 2));
    built();
    machine_hvc(domain->vcpus, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    watched = &domain->vcpus[1];
    seen_off_early = saved = false;
    host_on(1);
    host_put("tpidr_el0", 99);
    host_on_write = watch;
    assert_null(machine_hvc(watched, CPU_OFF, 0, 0, 0));
    host_on_write = NULL;
    assert_true(saved);
    assert_false(seen_off_early);
    assert_int_equal(watched->power, POWER_OFF);
    assert_int_equal(watched->el1.tpidr_el0, 99);
    host_on(1);
    assert_null(host_pcpu->loaded);
}

/* --- FP registers, kicks --- */

static void fp_is_switched_on_first_use(void **state)
{
    struct vcpu *a, *b;

    (void)state;
    machine_start(1);
    a = one(1, 128, 0, 0)->vcpus;
    b = one(2, 128, 0, 0)->vcpus;
    built();
    a->fp.fpcr = 0xa;
    b->fp.fpcr = 0xb;
    for (unsigned i = 0; i < 6; i++) {
        struct vcpu *vcpu = i % 2u == 0 ? a : b;

        run_until(vcpu);
        machine_end(trap_sync(vcpu, (uint64_t)EC_FP << 26));
        assert_int_equal(host_effective("cptr_el2") & CPTR_TFP, 0);
        assert_ptr_equal(host_pcpu->fp_owner, vcpu);
        machine_end(trap_sync(vcpu, (uint64_t)EC_FP << 26)); /* again: nothing to do */
    }
    assert_int_equal(a->fp.fpcr, 0xa);
    assert_int_equal(b->fp.fpcr, 0xb);
    run_until(a);
    assert_int_equal(host_effective("cptr_el2") & CPTR_TFP, CPTR_TFP);
    machine_hvc(a, CPU_OFF, 0, 0, 0);
    assert_ptr_not_equal(host_pcpu->fp_owner, a);
}

/* One kick is enough until it was taken; the own pCPU needs none. */
static void kicks(void **state)
{
    struct domain *domain;

    (void)state;
    machine_start(2);
    domain = machine_domain(machine_record(1, 2));
    built();
    machine_hvc(domain->vcpus, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    host_on(0);
    for (unsigned i = 0, before = host_kicks(1); i < 3; i++) {
        vcpu_request(&domain->vcpus[1], WORK_VIRQ);
        assert_int_equal(host_kicks(1), before + 1u);
    }
    machine_settle();
    assert_int_equal(domain->vcpus[1].work, 0);
    for (unsigned before = host_kicks(0); before != host_kicks(0);) {
        vcpu_request(&domain->vcpus[0], WORK_VIRQ);
    }
    assert_int_equal(domain->vcpus[0].work, 0);
}

static void suspend_is_a_wait(void **state)
{
    struct vcpu *a;

    (void)state;
    machine_start(1);
    a = one(1, 128, 0, 0)->vcpus;
    one(2, 100, 0, 0);
    machine_boot();
    assert_ptr_equal(current(), a);
    assert_ptr_equal(machine_hvc(a, SUSPEND, 0x10000, GUEST_RAM, 0), current());
    assert_int_equal(a->state, VCPU_BLOCKED);
    assert_int_equal(a->x[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_take_turns),
        cmocka_unit_test(a_turn_is_not_cut),
        cmocka_unit_test(priorities),
        cmocka_unit_test(sleepers_wake),
        cmocka_unit_test(budgets),
        cmocka_unit_test(budget_alone),
        cmocka_unit_test(translations_do_not_leak),
        cmocka_unit_test(translations_do_not_leak_across),
        cmocka_unit_test(active_state_is_per_vcpu),
        cmocka_unit_test(wait_sees_what_came),
        cmocka_unit_test(off_is_published_last),
        cmocka_unit_test(fp_is_switched_on_first_use),
        cmocka_unit_test(kicks),
        cmocka_unit_test(suspend_is_a_wait),
    };

    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
