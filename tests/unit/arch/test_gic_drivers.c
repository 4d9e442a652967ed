/* SPDX-License-Identifier: Apache-2.0 */
/* The order of accesses to the GIC. The drivers themselves take the place of the host's GIC here. */
#include "machine.h"

#include <string.h>

#include "arch/arm64/stage1.h"
#include "base/bits.h"
#include "drivers/gic_v2.h"
#include "drivers/gic_v3.h"

/* clang-format off */
#include "drivers/gic_v2.c"
#include "drivers/gic_v3.c"
/* clang-format on */

#define GICD_PA UINT64_C(0x8000000)
#define GICC_PA UINT64_C(0x8010000)
#define GICH_PA UINT64_C(0x8030000)
#define GICR_PA UINT64_C(0x80a0000)

#define NAME_(r) #r
#define NAME(r)  NAME_(r)

static uint64_t written[16], order, last_pa, last_value;
static unsigned dsbs_at_write;
static bool sre_before_write;

static uint64_t device(uint64_t pa, unsigned size, bool write, uint64_t value)
{
    (void)size;
    if (write) {
        last_pa = pa;
        last_value = value;
        dsbs_at_write = host_dsbs();
        return 0;
    }
    if (pa == GICR_PA + GICR_TYPER) {
        return 1u << 4 | 1u << 1;
    }
    if (pa == GICR_PA + GICR_TYPER + 4) {
        return 0x01020304;
    }
    if (pa == GICH_PA + GICH_VTR) {
        return 3;
    }
    return pa == GICD_PA + GICD_ITARGETSR + 4 ? 0x02020202u : 0;
}

static void watch(const char *name, uint64_t value)
{
    if (strcmp(name, NAME(ICC_SGI1R_EL1)) == 0) {
        last_value = value;
        dsbs_at_write = host_dsbs();
    } else if (strcmp(name, NAME(ICC_SRE_EL1)) == 0) {
        sre_before_write = host_effective(NAME(ICC_SRE_EL2)) == ICC_SRE_ENABLE;
    } else if (strncmp(name, "s3_4_c12_c12", 12) == 0 && order++ == 0) {
        written[0] = host_effective(NAME(ICC_SRE_EL1));
    }
}

static void version_2(void **state)
{
    unsigned before;

    (void)state;
    machine_start(1);
    host_device = device;
    gicv2_init(stage1_map_device(PA(GICD_PA), PAGE_SIZE), stage1_map_device(PA(GICC_PA), 2 * PAGE_SIZE),
               2 * PAGE_SIZE, stage1_map_device(PA(GICH_PA), PAGE_SIZE));
    gicv2_init_pcpu(1);
    assert_int_equal(gic_nr_lrs, 4);
    assert_int_equal(gicv2_target(1), 2);
    before = host_dsbs();
    gicv2_kick(1);
    assert_int_equal(last_pa, GICD_PA + GICD_SGIR);
    assert_int_equal(last_value, 2u << 16);
    assert_int_equal(dsbs_at_write,
                     before + 1u); /* what was written for the other is seen before the interrupt */
}

static void version_3(void **state)
{
    volatile void *gicr;
    uint64_t size;
    unsigned before;
    bool last;

    (void)state;
    machine_start(1);
    host_device = device;
    host_on_write = watch;
    host_set(NAME(ICH_VTR_EL2), UINT64_C(4) << 26 | 3u);
    gicr = stage1_map_device(PA(GICR_PA), 0x20000);
    assert_int_equal(gic_redistributor_affinity(gicr, &last, &size), UINT64_C(0x0100020304));
    assert_true(last);
    assert_int_equal(size, 0x40000);
    gicv3_init_pcpu(0, UINT64_C(0x0500060711), gicr);
    assert_true(sre_before_write);
    assert_int_equal(written[0],
                     7); /* the system registers were on when the first list register was written */
    assert_int_equal(gic_nr_lrs, 4);
    assert_int_equal(host_effective(NAME(ICC_IGRPEN1_EL1)), 1);
    assert_int_equal(host_effective(NAME(ICC_CTLR_EL1)), ICC_CTLR_EOIMODE);
    before = host_dsbs();
    gicv3_kick(0);
    assert_int_equal(dsbs_at_write, before + 1u);
    assert_int_equal(last_value,
                     UINT64_C(5) << 48 | UINT64_C(1) << 44 | UINT64_C(6) << 32 | 7u << 16 | 1u << 1);
    assert_int_equal(host_effective(NAME(ICC_SGI1R_EL1)),
                     last_value); /* on its way when the function returns */
}

static void list_registers(void **state)
{
    (void)state;
    machine_start(1);
    for (unsigned i = 0; i < 16; i++) {
        gicv3_write_lr(i, 1000u + i);
    }
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(gicv3_read_lr(i), 1000u + i);
    }
    gicv3_write_lr(16, 5);
    assert_int_equal(gicv3_read_lr(16), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2),
        cmocka_unit_test(version_3),
        cmocka_unit_test(list_registers),
    };

    return cmocka_run_group_tests_name("gic_drivers", tests, NULL, NULL);
}
