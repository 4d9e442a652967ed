/* SPDX-License-Identifier: Apache-2.0 */
/* The difficult cases of virtual interrupts, one test each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest.h"
#include "virq/virq.h"

static int end(void **state)
{
    (void)state;
    machine_destroy();
    return 0;
}

static void memory(void **state)
{
    (void)state;
    guest_start(3, 1, 32, 4);
    assert_in_range(virq_bytes(1, 224), 1, 2304);
    assert_in_range(virq_bytes(2, 224) - virq_bytes(1, 224), 1, 512);
}

/* --- more pending than list registers --- */

static void hundreds_in_order(void **state)
{
    (void)state;
    for (unsigned lrs = 1; lrs <= 16; lrs *= 4) {
        guest_start(3, 1, 988, lrs);
        for (unsigned i = 32; i < 1020; i++) {
            guest_setup(0, i, (i * 7) % 31 * 8, 0, true);
            machine_edge(0, 0, i);
        }
        for (unsigned p = 0; p < 31; p++) {
            for (unsigned i = 32; i < 1020; i++) {
                if ((i * 7) % 31 == p) {
                    uint32_t iar = machine_acknowledge(0);

                    assert_int_equal(iar * 7 % 31, p);
                    machine_end(0, iar);
                }
            }
        }
        guest_nothing(0);
        machine_destroy();
    }
    guest_start(3, 1, 32, 4);
}

static void newcomer_evicts(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 4);
    for (unsigned i = 0; i < 8; i++) {
        guest_setup(0, 40 + i, 0x80 + 8 * i, 0, true);
        machine_edge(0, 0, 40 + i);
    }
    assert_int_equal(machine_lrs_in_use(0), 4);
    guest_setup(0, 60, 0x10, 0, true);
    machine_edge(0, 0, 60);
    guest_take(0, 60);
    for (unsigned i = 0; i < 8; i++) {
        guest_take(0, 40 + i);
    }
    guest_nothing(0);
}

/* More become ready at once than are put into list registers in one go. */
static void many_newcomers(void **state)
{
    (void)state;
    guest_start(3, 1, 96, 16);
    for (unsigned i = 0; i < 16; i++) {
        guest_setup(0, 40 + i, 0xa0, 0, true);
        machine_edge(0, 0, 40 + i);
    }
    assert_int_equal(machine_lrs_in_use(0), 16);
    for (unsigned i = 0; i < 20; i++) {
        guest_setup(0, 96 + i, 0x98 - 8 * (i / 2), 0, true);
        guest_set(0, GICD_ICENABLER, 96 + i);
        machine_edge(0, 0, 96 + i);
    }
    guest_write(0, GICD_ISENABLER + 12, 0xfffff);
    machine_sync_all();
    for (unsigned i = 0; i < 20; i++) {
        uint32_t iar = machine_acknowledge(0);

        assert_in_range(iar, 115 - i / 2 * 2 - 1, 115 - i / 2 * 2); /* two of each priority */
        machine_end(0, iar);
    }
    for (unsigned i = 0; i < 16; i++) {
        uint32_t iar = machine_acknowledge(0);

        assert_in_range(iar, 40, 55);
        machine_end(0, iar);
    }
    guest_nothing(0);
}

/* An interrupt is pending again while active; others wait that are more urgent than it and less than what is
 * pending. */
static void pair_gives_way(void **state)
{
    (void)state;
    guest_start(3, 1, 32, 2);
    guest_setup(0, 40, 0x98, 0, true);
    guest_setup(0, 41, 0x58, 0, true);
    guest_setup(0, 42, 0x68, 0, true);
    machine_edge(0, 0, 40);
    guest_acknowledge(0, 40);
    machine_edge(0, 0, 40);
    machine_edge(0, 0, 41);
    machine_edge(0, 0, 42);
    guest_acknowledge(0, 41);
    guest_set(0, GICD_ICACTIVER, 40);
    machine_end(0, 41);
    machine_end(0, 40);
    guest_take(0, 42);
    guest_take(0, 40);
    guest_nothing(0);
}

/* --- active interrupts that have no list register --- */

static void nested_deeper_than_lrs(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        guest_start(version, 1, 64, 2);
        machine_link(50, false);
        for (unsigned i = 0; i < 20; i++) {
            guest_setup(0, 40 + i, 0xf0 - 8 * i, 0, true);
            if (40 + i == 50) {
                machine_fire(0, 0, 50);
            } else {
                machine_edge(0, 0, 40 + i);
            }
            guest_acknowledge(0, 40 + i);
        }
        for (unsigned i = 20; i-- > 0;) {
            assert_true(guest_test(0, GICD_ISACTIVER, 40 + i));
            assert_true(machine_physical_active(0, 50) == (i >= 10));
            machine_end(0, 40 + i);
            assert_false(guest_test(0, GICD_ISACTIVER, 40 + i));
        }
        assert_false(machine_physical_active(0, 50));
        machine_destroy();
    }
    guest_start(3, 1, 32, 4);
}

static void end_of_an_inactive_one(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 2);
    for (unsigned i = 0; i < 4; i++) {
        guest_setup(0, 40 + i, 0x80 - 8 * i, 0, true);
        machine_edge(0, 0, 40 + i);
        guest_acknowledge(0, 40 + i);
    }
    guest_set(0, GICD_ICACTIVER, 43); /* its EOI is counted although it ends nothing */
    machine_end(0, 43);
    assert_true(guest_test(0, GICD_ISACTIVER, 40));
    assert_true(guest_test(0, GICD_ISACTIVER, 41));
    assert_true(guest_test(0, GICD_ISACTIVER, 42));
    machine_end(0, 42);
    machine_end(0, 41);
    assert_true(guest_test(0, GICD_ISACTIVER, 40));
    machine_end(0, 40);
    assert_false(guest_test(0, GICD_ISACTIVER, 40));
}

static void deactivate_out_of_order(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        guest_start(version, 2, 64, 2);
        machine_interface(0, true, 0xf8, 3, true);
        machine_interface(1, true, 0xf8, 3, true);
        machine_link(43, false);
        for (unsigned i = 0; i < 6; i++) {
            guest_setup(0, 40 + i, 0x80, 0, true);
            if (i == 3) {
                machine_fire(1, 0, 43);
                machine_sync_all();
            } else {
                machine_edge(0, 0, 40 + i);
            }
            guest_take(0, 40 + i); /* priority drop only */
        }
        for (unsigned i = 0; i < 6; i++) {
            unsigned intid = 40 + (i * 5 + 3) % 6;

            assert_true(guest_test(0, GICD_ISACTIVER, intid));
            machine_deactivate(i % 2, intid); /* on either vCPU */
            machine_sync_all();
            assert_false(guest_test(0, GICD_ISACTIVER, intid));
        }
        assert_false(machine_physical_active(0, 43));
        machine_destroy();
    }
    guest_start(3, 1, 32, 4);
}

static void deactivate_software_active(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 4);
    machine_interface(0, true, 0xf8, 3, true);
    guest_set(0, GICD_ISACTIVER, 40);
    machine_sync_all();
    machine_deactivate(0, 40);
    assert_false(guest_test(0, GICD_ISACTIVER, 40));
    guest_set(0, GICD_ISACTIVER, MACHINE_TIMER);
    machine_deactivate(0, MACHINE_TIMER);
    assert_false(guest_test(0, GICD_ISACTIVER, MACHINE_TIMER));
}

static void ended_after_suspend(void **state)
{
    (void)state;
    guest_start(2, 1, 64, 4);
    guest_setup(0, 40, 0x80, 0, false);
    machine_link(41, false);
    guest_setup(0, 41, 0x70, 0, false);
    guest_write(0, GICD_SGIR, 2u << 24 | 9);
    guest_priority(0, 9, 0x60);
    guest_priority(0, MACHINE_TIMER, 0x50);
    guest_set(0, GICD_ISENABLER, MACHINE_TIMER);
    machine_line(0, 0, 40, true);
    guest_acknowledge(0, 9);
    machine_end(0, 9);
    guest_acknowledge(0, 40);
    machine_fire(0, 0, 41);
    guest_acknowledge(0, 41);
    machine_fire(0, 0, MACHINE_TIMER);
    guest_acknowledge(0, MACHINE_TIMER);
    machine_suspend(0);
    assert_false(machine_physical_active(0, MACHINE_TIMER)); /* another vCPU's timer must be able to fire */
    assert_true(machine_physical_active(0, 41));
    machine_resume(0);
    assert_true(machine_physical_active(0, MACHINE_TIMER));
    machine_end(0, MACHINE_TIMER);
    assert_false(machine_physical_active(0, MACHINE_TIMER));
    machine_end(0, 41);
    assert_false(machine_physical_active(0, 41));
    machine_end(0, 40);
    guest_take(0, 40); /* still high */
    machine_line(0, 0, 40, false);
    machine_suspend(0);
    machine_resume(0);
    guest_nothing(0);
}

/* --- disabling and re-targeting --- */

static void disable_recalls(void **state)
{
    (void)state;
    guest_start(3, 3, 64, 4);
    guest_setup(0, 40, 0x80, 1, true);
    machine_edge(1, 0, 40);
    guest_set(0, GICD_ICENABLER, 40);
    assert_true(machine_kicked(1));
    assert_true((guest_read(0, GICD_CTLR) & GICD_RWP) != 0);
    assert_int_equal(guest_read_redist(0, 1, GICR_CTLR), GICR_RWP);
    assert_int_equal(guest_read_redist(0, 0, GICR_CTLR), 0);
    machine_sync(1);
    assert_true((guest_read(0, GICD_CTLR) & GICD_RWP) == 0);
    guest_nothing(1);
    assert_true(guest_test(2, GICD_ISPENDR, 40));
    guest_set(0, GICD_ISENABLER, 40);
    machine_sync_all();
    guest_take(1, 40);
    machine_edge(1, 0, 40);
    guest_write(0, GICD_CTLR, 0); /* the whole distributor */
    assert_true((guest_read(0, GICD_CTLR) & GICD_RWP) != 0);
    machine_sync_all();
    assert_true((guest_read(0, GICD_CTLR) & GICD_RWP) == 0);
    guest_nothing(1);
    guest_write(0, GICD_CTLR, 2);
    machine_sync_all();
    guest_take(1, 40);
}

static void disable_while_active(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 4);
    machine_link(41, false);
    guest_setup(0, 40, 0x80, 0, true);
    guest_setup(0, 41, 0x70, 0, false);
    machine_edge(0, 0, 40);
    guest_acknowledge(0, 40);
    machine_fire(0, 0, 41);
    guest_acknowledge(0, 41);
    guest_set(0, GICD_ICENABLER, 40);
    guest_set(0, GICD_ICENABLER, 41);
    assert_false(machine_physical_enabled(0, 41));
    machine_edge(0, 0, 40);
    assert_true(guest_test(0, GICD_ISACTIVER, 40));
    assert_true(machine_physical_active(0, 41));
    machine_end(0, 41);
    assert_false(machine_physical_active(0, 41)); /* not leaked */
    machine_end(0, 40);
    assert_false(guest_test(0, GICD_ISACTIVER, 40));
    assert_true(guest_test(0, GICD_ISPENDR, 40));
    guest_nothing(0);
    guest_set(0, GICD_ISENABLER, 41);
    assert_true(machine_physical_enabled(0, 41));
    guest_set(0, GICD_ISENABLER, 40);
    guest_take(0, 40);
    guest_nothing(0);
}

static void retarget(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        guest_start(version, 3, 64, 4);
        machine_link(41, false);
        guest_setup(0, 40, 0x80, 1, true);
        guest_setup(0, 41, 0x80, 1, false);
        machine_edge(1, 0, 40); /* pending in a list register of 1 */
        guest_route(0, 40, 2);
        machine_sync_all();
        guest_nothing(1);
        guest_acknowledge(2, 40);
        machine_edge(0, 0, 40); /* again, while active on 2 */
        machine_routed = 0;
        guest_route(0, 40, 1);
        assert_int_equal(machine_routed, 0);
        machine_sync_all();
        guest_nothing(1);
        machine_end(2, 40);
        machine_sync_all();
        guest_nothing(2);
        guest_take(1, 40);
        machine_fire(0, 0, 41); /* taken by the wrong pCPU: kicked to the right one */
        machine_sync_all();
        guest_acknowledge(1, 41);
        guest_route(0, 41, 2);
        assert_int_equal(machine_routed, 1u << 9);
        machine_sync_all();
        machine_end(1, 41);
        assert_false(machine_physical_active(0, 41));
        machine_fire(2, 0, 41);
        guest_take(2, 41);
        assert_false(machine_physical_active(0, 41));
        machine_destroy();
    }
    guest_start(3, 1, 32, 4);
}

/* --- levels and edges --- */

static void level_high_after_end(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 4);
    guest_setup(0, 40, 0x80, 0, false);
    machine_line(0, 0, 40, true);
    guest_take(0, 40);
    guest_take(0, 40);
    guest_acknowledge(0, 40);
    assert_true(guest_test(0, GICD_ISPENDR, 40)); /* active and pending */
    machine_line(0, 0, 40, false);
    assert_false(guest_test(0, GICD_ISPENDR, 40));
    machine_end(0, 40);
    guest_nothing(0);
}

static void level_low_before_acknowledge(void **state)
{
    (void)state;
    guest_start(3, 2, 64, 4);
    guest_setup(0, 40, 0x80, 1, false);
    machine_line(0, 0, 40, true);
    machine_sync_all();
    machine_line(0, 0, 40, false);
    machine_sync_all();
    guest_nothing(1);
    assert_int_equal(machine_lrs_in_use(1), 0);
    guest_set(0, GICD_ISPENDR, 40); /* software's latch stays until it is acknowledged */
    machine_line(0, 0, 40, true);
    machine_line(0, 0, 40, false);
    machine_sync_all();
    guest_take(1, 40);
    guest_nothing(1);
}

static void edge_while_active(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 4);
    guest_setup(0, 40, 0x80, 0, true);
    machine_edge(0, 0, 40);
    machine_edge(0, 0, 40); /* one pending state */
    guest_acknowledge(0, 40);
    machine_edge(0, 0, 40);
    machine_edge(0, 0, 40);
    machine_end(0, 40);
    guest_take(0, 40);
    guest_nothing(0);
}

/* --- hardware-linked interrupts and the state registers --- */

static void clear_releases_hardware(void **state)
{
    (void)state;
    guest_start(3, 2, 64, 4);
    machine_link(41, true);
    guest_setup(0, 41, 0x80, 1, true);
    machine_fire(1, 0, 41); /* pending in vCPU 1 */
    guest_set(0, GICD_ICPENDR, 41);
    machine_sync_all();
    assert_false(machine_physical_active(0, 41));
    guest_nothing(1);
    machine_fire(1, 0, 41);
    guest_acknowledge(1, 41);
    guest_set(0, GICD_ICACTIVER, 41);
    machine_sync_all();
    assert_false(machine_physical_active(0, 41));
    machine_end(1, 41);
    machine_fire(1, 0, 41);
    guest_take(1, 41);
    assert_false(machine_physical_active(0, 41));
    machine_physical_set_pending(0, 41, true); /* latched by hardware while disabled */
    guest_set(0, GICD_ICENABLER, 41);
    guest_set(0, GICD_ICPENDR, 41);
    assert_false(machine_physical_pending(0, 41));
}

static void pending_by_software(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 4);
    machine_link(41, false);
    guest_setup(0, 41, 0x80, 0, false);
    guest_set(0, GICD_ISPENDR, 41);
    guest_take(0, 41); /* no hardware behind it */
    machine_fire(0, 0, 41);
    guest_acknowledge(0, 41);
    guest_set(0, GICD_ISPENDR, 41); /* a list register cannot say pending, active and hardware-linked */
    machine_end(0, 41);
    guest_take(0, 41);
    assert_false(machine_physical_active(0, 41));
    guest_set(0, GICD_ISACTIVER, 41); /* active by software; hardware fires */
    machine_fire(0, 0, 41);
    guest_nothing(0);
    assert_true(machine_physical_active(0, 41));
    guest_set(0, GICD_ICACTIVER, 41);
    guest_take(0, 41);
    assert_false(machine_physical_active(0, 41));
    guest_priority(0, MACHINE_TIMER, 0x80);
    guest_set(0, GICD_ISENABLER, MACHINE_TIMER);
    guest_set(0, GICD_ISPENDR, MACHINE_TIMER);
    guest_take(0, MACHINE_TIMER);
    machine_fire(0, 0, MACHINE_TIMER); /* into the list register that the former left, now linked */
    guest_take(0, MACHINE_TIMER);
    assert_false(machine_physical_active(0, MACHINE_TIMER));
}

static void fired_while_disabled(void **state)
{
    (void)state;
    guest_start(3, 1, 64, 4);
    guest_priority(0, MACHINE_TIMER, 0x80);
    machine_fire(0, 0, MACHINE_TIMER);
    guest_nothing(0);
    assert_true(guest_test(0, GICD_ISPENDR, MACHINE_TIMER));
    guest_set(0, GICD_ISENABLER, MACHINE_TIMER);
    guest_take(0, MACHINE_TIMER);
    assert_false(machine_physical_active(0, MACHINE_TIMER));
}

/* --- reading what another vCPU's list registers hold --- */

static enum machine_result read_active(unsigned v, uint64_t *value)
{
    return machine_dist(v, GICD_ISACTIVER + 4, 4, false, value);
}

static enum machine_result read_pending(unsigned v, uint64_t *value)
{
    return machine_dist(v, GICD_ISPENDR + 4, 4, false, value);
}

static void read_retries(void **state)
{
    uint64_t value = 0;

    (void)state;
    guest_start(3, 2, 64, 4);
    guest_setup(0, 40, 0x80, 1, true);
    machine_edge(1, 0, 40);
    guest_acknowledge(1, 40);
    assert_int_equal(read_active(0, &value), MACHINE_RETRY);
    assert_true(machine_kicked(1));
    assert_int_equal(read_active(0, &value), MACHINE_RETRY);
    machine_sync(1);
    machine_end(1, 40); /* the answer is what was seen */
    assert_int_equal(read_active(0, &value), MACHINE_OK);
    assert_int_equal(value, 1u << 8);
    assert_int_equal(read_active(0, &value), MACHINE_RETRY); /* asked anew */
    machine_suspend(1);                                      /* answers, too */
    assert_int_equal(read_active(0, &value), MACHINE_OK);
    assert_int_equal(value, 0);
}

static void read_sees_later_writes(void **state)
{
    uint64_t value = 0;

    (void)state;
    guest_start(3, 3, 64, 4);
    guest_setup(0, 40, 0x80, 1, true);
    guest_setup(0, 41, 0x80, 1, true);
    machine_edge(1, 0, 40);
    assert_int_equal(read_pending(0, &value), MACHINE_RETRY);
    machine_sync(1);
    guest_set(2, GICD_ICPENDR, 40);
    machine_edge(1, 0, 41);
    assert_int_equal(read_pending(0, &value), MACHINE_OK);
    assert_int_equal(value, 1u << 9);
}

/* An interrupt that comes between asking and reading may tell the guest more than the answer knows: ask
 * again. */
static void read_after_an_interrupt(void **state)
{
    uint64_t value = 0;

    (void)state;
    guest_start(3, 2, 64, 4);
    guest_setup(0, 40, 0x80, 1, true);
    machine_edge(1, 0, 40);
    assert_int_equal(read_active(0, &value), MACHINE_RETRY);
    machine_sync(1);
    guest_acknowledge(1, 40);
    machine_sgi(1, 1); /* vCPU 1 says so */
    machine_sync_all();
    guest_take(0, 0);
    assert_int_equal(read_active(0, &value), MACHINE_RETRY);
    machine_sync(1);
    assert_int_equal(read_active(0, &value), MACHINE_OK);
    assert_int_equal(value, 1u << 8);
}

/* A pending state that another vCPU clears, late; an edge that came after it must survive. */
static void edge_after_clear(void **state)
{
    (void)state;
    guest_start(3, 2, 64, 4);
    machine_sgi(0, 7ull << 24 | 1);
    guest_take(0, 7);
    guest_write_redist(1, 0, GICR_SGI + GICD_ICPENDR, 1u << 7);
    machine_sgi(0, 7ull << 24 | 1);
    machine_sync_all();
    guest_take(0, 7);
    guest_nothing(0);
}

/* --- WFI --- */

static void wake_up(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        unsigned bpr = version == 3 ? 3 : 2;

        guest_start(version, 2, 64, 1);
        guest_setup(0, 40, 0x80, 0, true);
        guest_setup(0, 41, 0x60, 0, true);
        assert_false(machine_deliverable(0));
        machine_edge(0, 0, 40);
        assert_true(machine_deliverable(0));
        assert_false(machine_deliverable(1));
        machine_interface(0, true, 0x80, bpr, false);
        assert_false(machine_deliverable(0)); /* masked */
        machine_interface(0, true, 0x88, bpr, false);
        assert_true(machine_deliverable(0));
        machine_interface(0, false, 0x88, bpr, false);
        assert_false(machine_deliverable(0)); /* group disabled */
        machine_interface(0, true, 0xf8, 7, false);
        machine_suspend(0);
        assert_true(machine_deliverable(0)); /* not resident: from memory */
        machine_resume(0);
        guest_acknowledge(0, 40);
        machine_edge(0, 0, 40);
        assert_false(machine_deliverable(0)); /* only itself */
        machine_edge(0, 0, 41);
        machine_suspend(0);
        assert_int_equal(machine_deliverable(0),
                         version == 3); /* 0x60 and 0x80: group 1 has two groups, group 0 one */
        machine_resume(0);
        assert_int_equal(machine_deliverable(0), version == 3);
        guest_write(0, GICD_CTLR, 0);
        assert_false(machine_deliverable(0));
        machine_destroy();
    }
    guest_start(3, 1, 32, 4);
}

static void reset(void **state)
{
    (void)state;
    guest_start(3, 2, 64, 4);
    machine_link(41, true);
    for (unsigned i = 40; i < 60; i++) {
        guest_setup(0, i, 8 * (i % 8), i % 2, true);
        if (i != 41) {
            machine_edge(0, 0, i);
        }
    }
    machine_sync_all();
    machine_acknowledge(0);
    guest_set(0, GICD_ISACTIVER, 50);
    machine_reset();
    machine_resume(0);
    machine_resume(1);
    machine_interface(0, true, 0xf8, 3, false);
    assert_int_equal(guest_read(0, GICD_CTLR), 0x10);
    for (uint32_t offset = GICD_ISENABLER; offset < GICD_IPRIORITYR; offset += 0x80) {
        assert_int_equal(guest_read(0, offset + 4), 0);
    }
    assert_int_equal(guest_read(0, GICD_IPRIORITYR + 44), 0);
    assert_int_equal(guest_read(0, GICD_ICFGR + 8), 2u << 2 * 9);
    guest_write(0, GICD_CTLR, 2);
    guest_nothing(0);
    guest_setup(0, 41, 0x80, 0, true);
    machine_fire(0, 0, 41); /* still linked */
    guest_take(0, 41);
    assert_false(machine_physical_active(0, 41));
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory),
        TEST(hundreds_in_order),
        TEST(newcomer_evicts),
        TEST(many_newcomers),
        TEST(pair_gives_way),
        TEST(nested_deeper_than_lrs),
        TEST(end_of_an_inactive_one),
        TEST(deactivate_out_of_order),
        TEST(deactivate_software_active),
        TEST(ended_after_suspend),
        TEST(disable_recalls),
        TEST(disable_while_active),
        TEST(retarget),
        TEST(level_high_after_end),
        TEST(level_low_before_acknowledge),
        TEST(edge_while_active),
        TEST(clear_releases_hardware),
        TEST(pending_by_software),
        TEST(fired_while_disabled),
        TEST(read_retries),
        TEST(read_sees_later_writes),
        TEST(read_after_an_interrupt),
        TEST(edge_after_clear),
        TEST(wake_up),
        TEST(reset),
    };

    return cmocka_run_group_tests_name("virtual interrupts", tests, NULL, NULL);
}
