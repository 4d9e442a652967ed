/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static unsigned version;

void guest_start(unsigned gic_version, unsigned nr_vcpus, unsigned nr_spis, unsigned nr_lrs)
{
    struct machine_config config = {gic_version, nr_vcpus, nr_vcpus, nr_spis, nr_lrs};

    version = gic_version;
    machine_create(&config);
    for (unsigned v = 0; v < nr_vcpus; v++) {
        machine_resume(v);
        machine_interface(v, true, 0xf8, version == 3 ? 3 : 2, false);
    }
    guest_write(0, GICD_CTLR, version == 3 ? 2 : 1);
}

uint32_t guest_read(unsigned v, uint32_t offset)
{
    uint64_t value = ~0ull;

    assert_int_equal(machine_dist(v, offset, 4, false, &value), MACHINE_OK);
    assert_int_equal(value >> 32, 0);
    return (uint32_t)value;
}

void guest_write(unsigned v, uint32_t offset, uint32_t value)
{
    uint64_t wide = value;

    assert_int_equal(machine_dist(v, offset, 4, true, &wide), MACHINE_OK);
}

void guest_write_byte(unsigned v, uint32_t offset, uint8_t value)
{
    uint64_t wide = value;

    assert_int_equal(machine_dist(v, offset, 1, true, &wide), MACHINE_OK);
}

uint32_t guest_read_redist(unsigned v, unsigned owner, uint32_t offset)
{
    uint64_t value = ~0ull;

    assert_int_equal(machine_redist(v, owner, offset, 4, false, &value), MACHINE_OK);
    assert_int_equal(value >> 32, 0);
    return (uint32_t)value;
}

void guest_write_redist(unsigned v, unsigned owner, uint32_t offset, uint32_t value)
{
    uint64_t wide = value;

    assert_int_equal(machine_redist(v, owner, offset, 4, true, &wide), MACHINE_OK);
}

void guest_set(unsigned v, uint32_t base, unsigned intid)
{
    if (version == 3 && intid < 32) {
        guest_write_redist(v, v, GICR_SGI + base, 1u << intid);
    } else {
        guest_write(v, base + intid / 32 * 4, 1u << intid % 32);
    }
}

bool guest_test(unsigned v, uint32_t base, unsigned intid)
{
    uint32_t bits = version == 3 && intid < 32 ? guest_read_redist(v, v, GICR_SGI + base)
                                               : guest_read(v, base + intid / 32 * 4);

    return (bits >> intid % 32 & 1) != 0;
}

void guest_route(unsigned v, unsigned intid, unsigned target)
{
    uint64_t affinity = target;

    if (version == 3) {
        assert_int_equal(machine_dist(v, GICD_IROUTER + 8 * intid, 8, true, &affinity), MACHINE_OK);
    } else {
        guest_write_byte(v, GICD_ITARGETSR + intid, (uint8_t)(1u << target));
    }
}

void guest_priority(unsigned v, unsigned intid, unsigned priority)
{
    uint64_t value = priority;

    if (version == 3 && intid < 32) {
        assert_int_equal(machine_redist(v, v, GICR_SGI + GICD_IPRIORITYR + intid, 1, true, &value),
                         MACHINE_OK);
    } else {
        guest_write_byte(v, GICD_IPRIORITYR + intid, (uint8_t)priority);
    }
}

void guest_setup(unsigned v, unsigned intid, unsigned priority, unsigned target, bool edge)
{
    uint32_t offset = GICD_ICFGR + intid / 16 * 4, shift = intid % 16 * 2 + 1;

    guest_priority(v, intid, priority);
    if (intid >= 32) {
        guest_write(v, offset, (guest_read(v, offset) & ~(1u << shift)) | (uint32_t)edge << shift);
        guest_route(v, intid, target);
    }
    guest_set(v, GICD_ISENABLER, intid);
}

void guest_acknowledge(unsigned v, uint32_t iar)
{
    assert_int_equal(machine_acknowledge(v), iar);
}

void guest_take(unsigned v, uint32_t iar)
{
    guest_acknowledge(v, iar);
    machine_end(v, iar);
}

void guest_nothing(unsigned v)
{
    guest_acknowledge(v, MACHINE_SPURIOUS);
}
