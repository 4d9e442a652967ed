/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of the interrupt controller: identification, widths, what is read-only, what does not exist.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest.h"

static int end(void **state)
{
    (void)state;
    machine_destroy();
    return 0;
}

static enum machine_result dist(uint32_t offset, unsigned size, bool write, uint64_t value)
{
    return machine_dist(0, offset, size, write, &value);
}

static void v3_identification(void **state)
{
    uint64_t value;

    (void)state;
    guest_start(3, 3, 200, 4);
    assert_int_equal(guest_read(0, GICD_TYPER) & 0x1f, 7); /* 256 INTIDs */
    assert_int_equal(guest_read(0, GICD_TYPER) >> 19 & 0x1f, 9);
    assert_int_equal(guest_read(0, GICD_TYPER) & (1u << 16 | 1u << 17 | 1u << 10),
                     0); /* no MBIS, LPIS, SecurityExtn */
    assert_int_equal(guest_read(0, GICD_IIDR), 0x43b);
    assert_int_equal(guest_read(0, 0xffe8) >> 4 & 0xf, 3);
    assert_int_equal(guest_read(0, 0x000c), 0); /* TYPER2 */
    for (unsigned v = 0; v < 3; v++) {
        value = 0;
        assert_int_equal(machine_redist(0, v, 0x0008, 8, false, &value), MACHINE_OK);
        assert_int_equal(value, (uint64_t)v << 32 | v << 8 | (v == 2 ? 0x10 : 0));
        assert_int_equal(guest_read_redist(1, v, 0x0008), v << 8 | (v == 2 ? 0x10 : 0));
        assert_int_equal(guest_read_redist(1, v, 0x000c), v);
        assert_int_equal(guest_read_redist(1, v, 0xffe8) >> 4 & 0xf, 3);
    }
    guest_write_redist(0, 0, 0x0014, 2); /* WAKER: of the secure side */
    assert_int_equal(guest_read_redist(0, 0, 0x0014), 0);
    guest_write_redist(0, 0, 0x0000, 1); /* EnableLPIs */
    assert_int_equal(guest_read_redist(0, 0, 0x0000), 0);
}

static void v3_control(void **state)
{
    (void)state;
    guest_start(3, 1, 32, 4);
    assert_int_equal(guest_read(0, GICD_CTLR), 0x12);
    guest_write(0, GICD_CTLR, 0);
    assert_int_equal(guest_read(0, GICD_CTLR), 0x10);
    guest_write(0, GICD_CTLR, 0x13);
    assert_int_equal(guest_read(0, GICD_CTLR), 0x12);
    guest_write(0, GICD_IGROUPR + 4, ~0u);
    assert_int_equal(guest_read(0, GICD_IGROUPR + 4), 0);
}

static void v3_private_banks(void **state)
{
    (void)state;
    guest_start(3, 2, 32, 4);
    guest_write(0, GICD_ISENABLER, ~0u); /* bank 0 is in the redistributor */
    assert_int_equal(guest_read(0, GICD_ISENABLER), 0);
    assert_int_equal(guest_read_redist(0, 1, GICR_SGI + GICD_ISENABLER), 0xffff);
    guest_write_redist(0, 1, GICR_SGI + GICD_ISENABLER, 0xffff0000);
    assert_int_equal(guest_read_redist(0, 1, GICR_SGI + GICD_ICENABLER), ~0u);
    assert_int_equal(guest_read_redist(0, 0, GICR_SGI + GICD_ICENABLER), 0xffff);
    guest_write_redist(0, 1, GICR_SGI + GICD_ICENABLER, 3);
    assert_int_equal(guest_read_redist(0, 1, GICR_SGI + GICD_ISENABLER), 0xfffffffc);
    guest_write_redist(0, 0, GICR_SGI + GICD_ISENABLER + 4, ~0u); /* a redistributor has no SPIs */
    assert_int_equal(guest_read(0, GICD_ISENABLER + 4), 0);
    guest_write_redist(0, 0, GICR_SGI + GICD_ICFGR, 0); /* SGIs are edges */
    assert_int_equal(guest_read_redist(0, 0, GICR_SGI + GICD_ICFGR), 0xaaaaaaaa);
    guest_write_redist(0, 0, GICR_SGI + GICD_ICFGR + 4, ~0u); /* but for what is behind the linked PPI */
    assert_int_equal(guest_read_redist(0, 0, GICR_SGI + GICD_ICFGR + 4),
                     0xaaaaaaaa & ~(2u << 2 * (MACHINE_TIMER - 16)));
}

static void v3_routes(void **state)
{
    uint64_t value = 0;
    uint32_t offset = GICD_IROUTER + 8 * 40;

    (void)state;
    guest_start(3, 2, 32, 4);
    assert_int_equal(dist(offset, 8, true, 1), MACHINE_OK);
    assert_int_equal(guest_read(0, offset), 1);
    assert_int_equal(guest_read(0, offset + 4), 0);
    assert_int_equal(dist(offset, 4, true, 0x80000000), MACHINE_OK); /* no 1 of N */
    assert_int_equal(machine_dist(0, offset, 8, false, &value), MACHINE_OK);
    assert_int_equal(value, 0);
    assert_int_equal(dist(offset + 4, 4, true, 0), MACHINE_OK);
    assert_int_equal(guest_read(0, offset), 0);
    assert_int_equal(dist(offset, 8, true, 1ull << 32), MACHINE_OK); /* no such vCPU */
    assert_int_not_equal(guest_read(0, offset), 0);
    assert_int_equal(dist(offset, 4, true, 0x10000), MACHINE_OK);
    assert_int_not_equal(guest_read(0, offset), 0);
    assert_int_equal(dist(GICD_IROUTER + 8 * 31, 8, true, 1), MACHINE_OK); /* no such SPI */
    assert_int_equal(guest_read(0, GICD_IROUTER + 8 * 31), 0);
    assert_int_equal(dist(GICD_IROUTER + 8 * 64, 8, true, 1), MACHINE_OK);
    assert_int_equal(guest_read(0, GICD_IROUTER + 8 * 64), 0);
    guest_write(0, GICD_ITARGETSR + 40, 2);
    assert_int_equal(guest_read(0, GICD_ITARGETSR + 40), 0);
}

static void v3_sgi_targets(void **state)
{
    (void)state;
    guest_start(3, 4, 32, 4);
    machine_sgi(1, 1ull << 40 | 5ull << 24); /* all but oneself */
    machine_sync_all();
    guest_nothing(1);
    guest_take(0, 5);
    guest_take(2, 5);
    guest_take(3, 5);
    machine_sgi(1, 0xffff | 6ull << 24);
    machine_sync_all();
    for (unsigned v = 0; v < 4; v++) {
        guest_take(v, 6);
    }
    machine_sgi(1, 0xffff | 1ull << 16); /* Aff1 = 1, Aff2 = 1, Aff3 = 1, range 1: nobody */
    machine_sgi(1, 0xffff | 1ull << 32);
    machine_sgi(1, 0xffff | 1ull << 48);
    machine_sgi(1, 0xffff | 1ull << 44);
    machine_sgi(1, 0xfff0);
    machine_sync_all();
    for (unsigned v = 0; v < 4; v++) {
        guest_nothing(v);
    }
}

static void v2_identification(void **state)
{
    (void)state;
    guest_start(2, 3, 64, 4);
    assert_int_equal(guest_read(0, GICD_TYPER), 2 | 2 << 5);
    assert_int_equal(guest_read(0, GICD_IIDR), 0x43b);
    assert_int_equal(guest_read(0, 0xfe8) >> 4 & 0xf, 2);
    assert_int_equal(guest_read(0, GICD_CTLR), 1);
    guest_write(0, GICD_CTLR, 2);
    assert_int_equal(guest_read(0, GICD_CTLR), 0);
    for (uint32_t i = 0; i < 32; i += 4) {
        guest_write(2, GICD_ITARGETSR + i, 0x01020304);
        assert_int_equal(guest_read(2, GICD_ITARGETSR + i), 0x04040404);
        assert_int_equal(guest_read(0, GICD_ITARGETSR + i), 0x01010101);
    }
    guest_write(0, GICD_ITARGETSR + 40, 0xff020105); /* vCPUs that do not exist: zero */
    assert_int_equal(guest_read(0, GICD_ITARGETSR + 40), 0x07020105);
    guest_write(0, GICD_ICENABLER, ~0u);
    assert_int_equal(guest_read(0, GICD_ISENABLER), 0xffff); /* SGIs stay enabled */
    guest_write(0, GICD_ISPENDR, 0xffff);
    assert_int_equal(guest_read(0, GICD_ISPENDR), 0);
    assert_int_equal(dist(0x0, 8, false, 0), MACHINE_FAULT);
}

static void v2_sgis(void **state)
{
    (void)state;
    guest_start(2, 3, 32, 4);
    guest_write(1, GICD_SGIR, 1u << 24 | 3); /* all but oneself */
    guest_write(2, GICD_SGIR, 1u << 16 | 3);
    guest_write(0, GICD_SGIR, 2u << 24 | 4); /* oneself */
    guest_write(0, GICD_SGIR, 3u << 24 | 5); /* reserved */
    machine_sync_all();
    assert_int_equal(guest_read(0, GICD_SPENDSGIR), 0x06000000);
    guest_take(0, 1u << 10 | 3); /* one after the other, each with its sender */
    guest_take(0, 2u << 10 | 3);
    guest_take(0, 4);
    guest_nothing(0);
    guest_take(2, 1u << 10 | 3);
    guest_nothing(1);
    guest_write_byte(1, GICD_SPENDSGIR + 7, 0x85); /* sender 7 does not exist */
    assert_int_equal(guest_read(1, GICD_CPENDSGIR + 4), 0x05000000);
    guest_write_byte(1, GICD_CPENDSGIR + 7, 1);
    assert_int_equal(guest_read(1, GICD_CPENDSGIR + 4), 0x04000000);
    guest_take(1, 2u << 10 | 7);
    guest_nothing(1);
}

static void last_intids(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        guest_start(version, 1, 988, 4);
        assert_int_equal(guest_read(0, GICD_TYPER) & 0x1f, 31);
        guest_write(0, GICD_ISENABLER + 124, ~0u);
        assert_int_equal(guest_read(0, GICD_ISENABLER + 124), 0x0fffffff);
        guest_write(0, GICD_IPRIORITYR + 1016, ~0u);
        guest_write(0, GICD_IPRIORITYR + 1020, ~0u);
        assert_int_equal(guest_read(0, GICD_IPRIORITYR + 1016), 0xf8f8f8f8);
        assert_int_equal(guest_read(0, GICD_IPRIORITYR + 1020), 0);
        machine_destroy();
        guest_start(version, 1, 33, 4); /* rounded up to 64 */
        guest_write(0, GICD_ISENABLER + 8, ~0u);
        guest_write(0, GICD_ISENABLER + 12, ~0u);
        assert_int_equal(guest_read(0, GICD_ISENABLER + 8), ~0u);
        assert_int_equal(guest_read(0, GICD_ISENABLER + 12), 0);
        machine_destroy();
    }
    guest_start(2, 1, 32, 4);
}

static void configuration(void **state)
{
    (void)state;
    guest_start(3, 1, 32, 4);
    machine_link(33, false);
    guest_write(0, GICD_ICFGR + 8, 0xffffffff);
    assert_int_equal(guest_read(0, GICD_ICFGR + 8), 0xaaaaaaaa);
    guest_write(0, GICD_ICFGR + 8, 0x00000008);
    assert_int_equal(guest_read(0, GICD_ICFGR + 8), 0x00000008);
}

static void widths(void **state)
{
    static const struct {
        uint32_t offset;
        unsigned sizes; /* bit n: 2^n bytes */
    } v3[] = {
        {GICD_CTLR, 4},
        {GICD_TYPER, 4},
        {GICD_ISENABLER + 4, 4},
        {GICD_ICPENDR + 4, 4},
        {GICD_ISACTIVER + 4, 4},
        {GICD_IPRIORITYR + 32, 5},
        {GICD_ICFGR + 8, 4},
        {GICD_IROUTER + 8 * 32, 12},
        {0xffe8, 4},
    };
    static const struct {
        uint32_t offset;
        unsigned sizes;
    } v2[] = {
        {GICD_CTLR, 4},           {GICD_ISENABLER, 4}, {GICD_IPRIORITYR, 5},
        {GICD_ITARGETSR + 32, 5}, {GICD_ICFGR + 8, 4}, {GICD_SPENDSGIR, 5},
    };

    (void)state;
    guest_start(3, 1, 32, 4);
    for (unsigned i = 0; i < sizeof(v3) / sizeof(v3[0]); i++) {
        for (unsigned s = 0; s < 4; s++) {
            assert_int_equal(dist(v3[i].offset, 1u << s, false, 0),
                             v3[i].sizes >> s & 1 ? MACHINE_OK : MACHINE_FAULT);
        }
    }
    assert_int_equal(dist(GICD_ISENABLER + 2, 4, false, 0), MACHINE_FAULT); /* not aligned */
    machine_destroy();
    guest_start(2, 1, 32, 4);
    for (unsigned i = 0; i < sizeof(v2) / sizeof(v2[0]); i++) {
        for (unsigned s = 0; s < 4; s++) {
            if (v2[i].offset % (1u << s) == 0) {
                assert_int_equal(dist(v2[i].offset, 1u << s, false, 0),
                                 v2[i].sizes >> s & 1 ? MACHINE_OK : MACHINE_FAULT);
            }
        }
    }
}

/* Every offset with every width, read and written with ones: nothing but an answer, and the machine still
 * works. */
static void sweep(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        guest_start(version, 2, 988, 4);
        for (unsigned i = 0; i < 4u * 0x10000u; i++) {
            uint64_t value = ~0ull;

            machine_dist(i / 7 % 2, i % 0x10000u, 1u << i / 0x10000u, i % 3 == 0, &value);
            machine_sync_all();
        }
        for (unsigned i = 0; version == 3 && i < 8u * 0x20000u; i++) {
            uint64_t value = ~0ull;
            enum machine_result result = machine_redist(0, i % 3, i / 8u, 1u << i % 4u, i % 5 < 3, &value);

            assert_true(i % 3 < 2 || result == MACHINE_FAULT); /* beyond the last redistributor */
            machine_sync_all();
        }
        machine_reset();
        machine_resume(0);
        machine_interface(0, true, 0xf8, 3, false);
        guest_write(0, GICD_CTLR, 3);
        guest_setup(0, 700, 0x40, 0, true);
        machine_edge(0, 0, 700);
        guest_take(0, 700);
        machine_destroy();
    }
    guest_start(2, 1, 32, 4);
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(v3_identification),
        TEST(v3_control),
        TEST(v3_private_banks),
        TEST(v3_routes),
        TEST(v3_sgi_targets),
        TEST(v2_identification),
        TEST(v2_sgis),
        TEST(last_intids),
        TEST(configuration),
        TEST(widths),
        TEST(sweep),
    };

    return cmocka_run_group_tests_name("registers of the interrupt controller", tests, NULL, NULL);
}
