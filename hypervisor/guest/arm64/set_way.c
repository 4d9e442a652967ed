/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/arm64/set_way.h"

#include "arch/arm64/stage1.h"
#include "arch/arm64/sysreg.h"
#include "core/domain.h"

#define SLICE (4u * PAGE_SIZE) /* some 1,700 instructions */
_Static_assert(SLICE <= WINDOW_PAGES * PAGE_SIZE, "");

#define SCTLR_C BIT(2)

#define REG(op0, op1, crn, crm, op2)                                                                 \
    ((uint32_t)(op0) << 20 | (uint32_t)(op2) << 17 | (uint32_t)(op1) << 14 | (uint32_t)(crn) << 10 | \
     (uint32_t)(crm) << 1)

/* One slice of the domain's RAM; true when the last one is done. The position is the vCPU's own. */
static bool sweep_slice(struct vcpu *vcpu)
{
    const struct domain_record *record = vcpu->domain->record;
    struct vcpu_sweep *sweep = &vcpu->sweep;

    while (sweep->map < record->nr_maps) {
        const struct domain_map *map = &record->maps[sweep->map];

        if (map->kind == MAP_RAM && sweep->done < map->size) {
            uint64_t size = min_u64(SLICE, map->size - sweep->done);
            unsigned pages = (unsigned)(size / PAGE_SIZE);
            void *window =
                window_map(vcpu->pcpu->tables, 0, PA(map->pa.v + sweep->done), pages, WINDOW_WRITE);

            cache_clean_invalidate(window, size);
            window_unmap(vcpu->pcpu->tables, 0, pages);
            sweep->done += size;
            return false;
        }
        sweep->map++;
        sweep->done = 0;
    }
    sweep->map = 0;
    return true;
}

static void watch_registers(struct vcpu *vcpu, bool on)
{
    uint64_t hcr = READ_SYSREG(hcr_el2);

    vcpu->sweep.watching = on;
    WRITE_SYSREG(hcr_el2, on ? hcr | HCR_TVM : hcr & ~HCR_TVM);
}

bool set_way_trapped(struct vcpu *vcpu)
{
    if (vcpu->sweep.watching) {
        return true; /* part of the loop over sets and ways that the sweep stands for */
    }
    if (!sweep_slice(vcpu)) {
        return false;
    }
    watch_registers(vcpu, true);
    return true;
}

static enum tvm_result write_sctlr(struct vcpu *vcpu, uint64_t value)
{
    if (((READ_SYSREG(sctlr_el1) ^ value) & SCTLR_C) != 0) {
        if (!sweep_slice(vcpu)) {
            return TVM_AGAIN;
        }
        if ((value & SCTLR_C) != 0) {
            watch_registers(vcpu, false);
        }
    }
    WRITE_SYSREG(sctlr_el1, value);
    return TVM_DONE;
}

enum tvm_result set_way_register(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
#define PASS_ON(number, name)      \
    case number:                   \
        WRITE_SYSREG(name, value); \
        break;
    switch (reg) {
    case REG(3, 0, 1, 0, 0):
        return write_sctlr(vcpu, value);
        PASS_ON(REG(3, 0, 2, 0, 0), ttbr0_el1)
        PASS_ON(REG(3, 0, 2, 0, 1), ttbr1_el1)
        PASS_ON(REG(3, 0, 2, 0, 2), tcr_el1)
        PASS_ON(REG(3, 0, 5, 1, 0), afsr0_el1)
        PASS_ON(REG(3, 0, 5, 1, 1), afsr1_el1)
        PASS_ON(REG(3, 0, 5, 2, 0), esr_el1)
        PASS_ON(REG(3, 0, 6, 0, 0), far_el1)
        PASS_ON(REG(3, 0, 10, 2, 0), mair_el1)
        PASS_ON(REG(3, 0, 10, 3, 0), amair_el1)
        PASS_ON(REG(3, 0, 13, 0, 1), contextidr_el1)
    default:
        return TVM_NOT_MINE;
    }
    return TVM_DONE;
}
