/* SPDX-License-Identifier: Apache-2.0 */
/* Physical interrupts and where they go; console commands; the end of a panic. */
#include "machine.h"

#include <setjmp.h>

#include "base/bits.h"
#include "core/commands.h"
#include "core/console.h"
#include "core/effects.h"
#include "core/interrupt.h"
#include "core/panic.h"
#include "guest/arm64/trap.h"

#define CPU_ON 0xc4000003u
#define GICD   UINT64_C(0x3001000)
#define VIRQ   40u
#define PIRQ   50u

static struct domain *domain;
static struct vcpu *first, *second;

/* One domain with a passed-through interrupt on two pCPUs, its controller on. */
static void start(void)
{
    static const struct domain_irq irq = {.virq = VIRQ, .pirq = PIRQ, .edge = true};
    struct domain_record *record;

    machine_start(2);
    record = machine_record(1, 2);
    record->irqs = &irq;
    record->nr_irqs = 1;
    domain = machine_domain(record);
    machine_boot();
    first = &domain->vcpus[0];
    second = &domain->vcpus[1];
    host_on(0);
    machine_enable_ppi(first, 27);
    machine_hvc(first, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    host_on(1);
    machine_enable_ppi(second, 27);
    machine_store(first, GICD + 0x84, ~0u); /* IGROUPR1 */
}

static void enable(void)
{
    machine_store(first, GICD + 0x104, 1u << VIRQ % 32u);
}

static void passed_through(void **state)
{
    (void)state;
    start();
    assert_false(host_gic_enabled(PIRQ));
    enable();
    assert_true(host_gic_enabled(PIRQ));
    for (unsigned i = 0; i < 5; i++) {
        host_on(0);
        gic_set_pending(PIRQ, true);
        machine_settle();
        host_on(0);
        assert_true(gic_is_active(PIRQ)); /* until the guest is done with it */
        assert_int_equal(host_gic_acknowledge(), VIRQ);
        host_gic_end(VIRQ);
        assert_false(gic_is_active(PIRQ)); /* without an exit */
    }
    machine_store(first, GICD + 0x184, 1u << VIRQ % 32u);
    assert_false(host_gic_enabled(PIRQ));
}

/* The guest names another vCPU: the physical interrupt goes to its pCPU. */
static void routed(void **state)
{
    (void)state;
    start();
    enable();
    assert_int_equal(host_route(PIRQ), 0);
    machine_store(first, GICD + 0x6000 + 8 * VIRQ, 1);
    assert_int_equal(host_route(PIRQ), 1);
    host_on(1);
    gic_set_pending(PIRQ, true);
    machine_settle();
    host_on(1);
    assert_int_equal(host_gic_acknowledge(), VIRQ);
    host_gic_end(VIRQ);
    host_on(0);
    assert_int_equal(host_gic_acknowledge(), HOST_GIC_SPURIOUS);
    machine_store(first, GICD + 0x6000 + 8 * VIRQ, 0);
    assert_int_equal(host_route(PIRQ), 0);
}

/* It comes to a pCPU whose vCPU is not the one that it is for: that one is asked to look. */
static void arrives_elsewhere(void **state)
{
    (void)state;
    start();
    enable();
    machine_store(first, GICD + 0x6000 + 8 * VIRQ, 1);
    gic_route(PIRQ, 0);
    host_on(0);
    gic_set_pending(PIRQ, true);
    machine_settle();
    host_on(1);
    assert_int_equal(host_gic_acknowledge(), VIRQ);
}

static void pending_by_software(void **state)
{
    (void)state;
    start();
    enable();
    machine_store(first, GICD + 0x204, 1u << VIRQ % 32u);
    machine_settle();
    host_on(0);
    assert_int_equal(host_gic_acknowledge(), VIRQ);
    host_gic_end(VIRQ);
    machine_store(first, GICD + 0xc08, 0); /* ICFGR2: level */
    machine_store(first, GICD + 0xc08, 2u << VIRQ % 16u * 2u);
    assert_int_equal(machine_load(first, GICD + 0xc08) >> VIRQ % 16u * 2u & 3u, 2);
}

/* What is nobody's is masked after the first time; timers of no one are dropped. */
static void strays(void **state)
{
    (void)state;
    start();
    host_on(0);
    gic_enable(77);
    gic_set_pending(77, true);
    machine_settle();
    host_on(0);
    assert_false(host_gic_enabled(77));
    assert_false(gic_is_active(77));
    machine_hvc(second, 0x84000002u, 0, 0, 0); /* CPU_OFF: pCPU 1 is idle */
    host_on(1);
    assert_null(host_pcpu->loaded);
    gic_set_pending(27, true);
    gic_set_pending(30, true);
    interrupt_poll(host_pcpu);
    assert_false(gic_is_active(27));
    assert_false(gic_is_active(30));
    assert_false(interrupt_take(host_pcpu));
}

static void uart_interrupt(void **state)
{
    (void)state;
    start();
    host_on(0);
    host_interrupts.uart = 60;
    gic_enable(60);
    gic_set_pending(60, true);
    machine_settle();
    host_on(0);
    assert_true(host_gic_enabled(60));
    assert_false(gic_is_active(60));
}

static void commands(void **state)
{
    (void)state;
    start();
    console_commands.domains();
    assert_true(machine_said("DOM1"));
    assert_true(machine_said("vCPU 1 on pCPU 1: ready"));
    console_commands.registers();
    assert_true(machine_said("last saved pc"));
    host_on(0);
    console_commands.restart(2); /* there is none */
    console_commands.restart(1);
    machine_end(trap_return(first));
    machine_settle();
    assert_int_equal(domain->incarnation, 2);
    host_on(0);
    console_commands.crash(1);
    machine_end(trap_return(first));
    machine_settle();
    assert_int_equal(domain->incarnation, 3);
    assert_true(machine_said("DOM1 crashed"));
}

static jmp_buf back;
static uint64_t asked;

static void parked(void)
{
    longjmp(back, 1);
}

static void firmware(bool hvc, uint64_t x[8])
{
    (void)hvc;
    asked = x[0];
    longjmp(back, 2);
}

/* Says what happened, calls the others, and resets the machine where that is asked for. Last: it cannot be
 * undone. */
static void panic(void **state)
{
    unsigned before;

    (void)state;
    start();
    host_on_wfi = parked;
    host_firmware = firmware;
    host_on(0);
    before = host_kicks(1);
    panic_set_reset(true);
    if (setjmp(back) == 0) {
        hypervisor_panic(4, 0x1000, 0x2000, 0x3000);
    }
    assert_int_equal(asked, 0x84000009u);
    assert_true(panic_in_progress());
    assert_int_equal(host_kicks(1), before + 1u);
    assert_true(machine_said("hypervisor fault on pCPU 0: synchronous exception"));
    assert_true(machine_said("in the time of DOM1 vCPU 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passed_through),
        cmocka_unit_test(routed),
        cmocka_unit_test(arrives_elsewhere),
        cmocka_unit_test(pending_by_software),
        cmocka_unit_test(strays),
        cmocka_unit_test(uart_interrupt),
        cmocka_unit_test(commands),
        cmocka_unit_test(panic),
    };

    return cmocka_run_group_tests_name("interrupt", tests, NULL, NULL);
}
