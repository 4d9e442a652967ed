/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual CPU interface after IHI 0069 4.8 and 12.4 and IHI 0048 chapter 5. */
#include "arch/host/host_gic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define INTIDS          1024u
#define VMCR_EOI_MODE   (1u << 9)
#define EOI_COUNT_SHIFT 27u
#define RUNNING_NONE    0x100u

uint8_t gic_version, gic_nr_lrs, gic_apr_shift;
struct host_gic_cpu host_gic_cpus[HOST_GIC_PCPUS];
_Thread_local unsigned host_gic_pcpu;

void (*host_gic_hook)(void);

static struct physical {
    bool enabled, pending, active;
} spis[INTIDS], ppis[HOST_GIC_PCPUS][32];

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "host GIC, line %d: %s\n", __LINE__, #condition); \
            abort();                                                          \
        }                                                                     \
    } while (0)

static struct physical *physical(unsigned intid)
{
    REQUIRE(intid < INTIDS);
    return intid < 32u ? &ppis[host_gic_pcpu][intid] : &spis[intid];
}

static struct host_gic_cpu *here(void)
{
    return &host_gic_cpus[host_gic_pcpu];
}

void host_gic_reset(unsigned version, unsigned nr_lrs)
{
    memset(host_gic_cpus, 0, sizeof(host_gic_cpus));
    memset(spis, 0, sizeof(spis));
    memset(ppis, 0, sizeof(ppis));
    gic_version = (uint8_t)version;
    gic_nr_lrs = (uint8_t)nr_lrs;
    gic_apr_shift = 3;
    host_gic_pcpu = 0;
}

static void accessed(void)
{
    if (host_gic_hook != NULL) {
        host_gic_hook();
    }
}

uint64_t gic_lr_read(unsigned index)
{
    accessed();
    REQUIRE(index < gic_nr_lrs);
    return here()->lr[index];
}

static bool same_interrupt(uint64_t a, uint64_t b)
{
    return (a & LR_STATE) != 0 && (b & LR_STATE) != 0 && LR_VINTID(a) == LR_VINTID(b);
}

void gic_lr_write(unsigned index, uint64_t lr)
{
    accessed();
    REQUIRE(index < gic_nr_lrs);
    if ((lr & LR_STATE) != 0) {
        REQUIRE(LR_VINTID(lr) < 1020u && FIELD(lr, 50, 48) == 0);
        REQUIRE(((lr & LR_GROUP1) != 0) == (gic_version == 3));
        if ((lr & LR_HW) != 0) {
            REQUIRE((lr & LR_STATE) != LR_STATE && FIELD(lr, 41, 32) >= 16u);
            REQUIRE(physical((unsigned)FIELD(lr, 41, 32))->active);
        } else {
            REQUIRE(gic_version == 2 || FIELD(lr, 40, 32) == 0);
        }
        for (unsigned cpu = 0; cpu < HOST_GIC_PCPUS; cpu++) {
            for (unsigned i = 0; i < gic_nr_lrs; i++) {
                if (cpu == host_gic_pcpu ? i != index : LR_VINTID(lr) >= 32u) {
                    REQUIRE(!same_interrupt(lr, host_gic_cpus[cpu].lr[i])); /* in one list register at most */
                }
            }
        }
    }
    here()->lr[index] = lr;
}

uint32_t gic_lr_empty(void)
{
    uint32_t mask = 0;

    accessed();
    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        uint64_t lr = here()->lr[i];

        mask |= (lr & LR_STATE) == 0 && ((lr & LR_HW) != 0 || (lr & LR_EOI) == 0) ? 1u << i : 0;
    }
    return mask;
}

uint32_t gic_lr_eoi(void)
{
    uint32_t mask = 0;

    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        mask |= (here()->lr[i] & (LR_STATE | LR_HW | LR_EOI)) == LR_EOI ? 1u << i : 0;
    }
    return mask;
}

uint32_t gic_hcr_read(void)
{
    return here()->hcr;
}

void gic_hcr_write(uint32_t value)
{
    here()->hcr = value;
}

uint32_t gic_vmcr_read(void)
{
    return here()->vmcr;
}

void gic_vmcr_write(uint32_t value)
{
    here()->vmcr = value;
}

void gic_apr_read(uint32_t ap0[GIC_NR_APRS], uint32_t ap1[GIC_NR_APRS])
{
    ap0[0] = here()->ap0[0];
    if (gic_version == 3) {
        ap1[0] = here()->ap1[0];
    }
}

void gic_apr_write(const uint32_t ap0[GIC_NR_APRS], const uint32_t ap1[GIC_NR_APRS])
{
    here()->ap0[0] = ap0[0];
    if (gic_version == 3) {
        here()->ap1[0] = ap1[0];
    }
}

void gic_enable(unsigned intid)
{
    physical(intid)->enabled = true;
}

void gic_disable(unsigned intid)
{
    physical(intid)->enabled = false;
}

void gic_set_active(unsigned intid, bool active)
{
    physical(intid)->active = active;
}

bool gic_is_active(unsigned intid)
{
    return physical(intid)->active;
}

void gic_set_pending(unsigned intid, bool pending)
{
    physical(intid)->pending = pending;
}

bool host_gic_enabled(unsigned intid)
{
    return physical(intid)->enabled;
}

bool host_gic_pending(unsigned intid)
{
    return physical(intid)->pending;
}

static uint32_t *active_priorities(void)
{
    return gic_version == 3 ? here()->ap1 : here()->ap0;
}

static unsigned running_priority(void)
{
    uint32_t active = *active_priorities();

    return active == 0 ? RUNNING_NONE : lowest_bit(active) * 8u;
}

static unsigned group_priority(unsigned priority)
{
    unsigned bpr =
        gic_version == 3 ? (unsigned)FIELD(here()->vmcr, 20, 18) : (unsigned)FIELD(here()->vmcr, 23, 21) + 1u;

    return priority >> bpr << bpr;
}

uint32_t host_gic_acknowledge(void)
{
    unsigned best = GIC_MAX_LRS, priority = 0x100u;
    uint64_t lr;

    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        lr = here()->lr[i];
        if ((lr & LR_STATE) == LR_PENDING && FIELD(lr, 55, 48) < priority) {
            best = i;
            priority = (unsigned)FIELD(lr, 55, 48);
        }
    }
    if ((here()->hcr & GIC_HCR_EN) == 0 || (here()->vmcr & (gic_version == 3 ? 2u : 1u)) == 0 ||
        priority >= FIELD(here()->vmcr, 31, 24) || group_priority(priority) >= running_priority()) {
        return HOST_GIC_SPURIOUS;
    }
    lr = here()->lr[best];
    here()->lr[best] = (lr & ~LR_STATE) | LR_ACTIVE;
    *active_priorities() |= 1u << group_priority(priority) / 8u;
    return LR_VINTID(lr) | (gic_version == 2 && LR_VINTID(lr) < 16u ? (uint32_t)FIELD(lr, 44, 42) << 10 : 0);
}

static unsigned find_active(uint32_t iar)
{
    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        uint64_t lr = here()->lr[i];

        if ((lr & LR_ACTIVE) != 0 && LR_VINTID(lr) == iar % 1024u &&
            (gic_version == 3 || iar % 1024u >= 16u || FIELD(lr, 44, 42) == iar >> 10)) {
            return i;
        }
    }
    return GIC_MAX_LRS;
}

static void deactivate_lr(unsigned i)
{
    uint64_t lr = here()->lr[i];

    here()->lr[i] = lr & ~LR_ACTIVE;
    if ((lr & LR_HW) != 0) {
        physical((unsigned)FIELD(lr, 41, 32))->active = false;
    }
}

static void count_eoi(void)
{
    if (here()->hcr >> EOI_COUNT_SHIFT < 31u) {
        here()->hcr += 1u << EOI_COUNT_SHIFT;
    }
}

void host_gic_end(uint32_t iar)
{
    unsigned i = find_active(iar), dropped = running_priority();

    if (dropped == RUNNING_NONE) {
        return;
    }
    *active_priorities() &= *active_priorities() - 1u;
    if (i == GIC_MAX_LRS) {
        if ((here()->vmcr & VMCR_EOI_MODE) == 0) {
            count_eoi();
        }
    } else if ((here()->vmcr & VMCR_EOI_MODE) == 0 &&
               group_priority((unsigned)FIELD(here()->lr[i], 55, 48)) == dropped) {
        deactivate_lr(i); /* as QEMU: only if the list register has the priority that was dropped */
    }
}

bool host_gic_deactivate(uint32_t iar)
{
    unsigned i = find_active(iar);

    if (gic_version == 2 || (here()->hcr & GIC_HCR_TDIR) != 0) {
        return false;
    }
    if (i != GIC_MAX_LRS) {
        deactivate_lr(i);
    } else {
        count_eoi();
    }
    return true;
}

bool host_gic_maintenance(void)
{
    uint32_t hcr = here()->hcr;
    unsigned valid = 0, pending = 0;

    for (unsigned i = 0; i < gic_nr_lrs; i++) {
        valid += (here()->lr[i] & LR_STATE) != 0 ? 1u : 0;
        pending += (here()->lr[i] & LR_STATE) == LR_PENDING ? 1u : 0;
    }
    return (hcr & GIC_HCR_EN) != 0 &&
           (gic_lr_eoi() != 0 || ((hcr & GIC_HCR_LRENPIE) != 0 && hcr >> EOI_COUNT_SHIFT != 0) ||
            ((hcr & GIC_HCR_NPIE) != 0 && pending == 0) || ((hcr & GIC_HCR_UIE) != 0 && valid <= 1u));
}
