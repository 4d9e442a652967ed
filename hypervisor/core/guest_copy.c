/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guest_copy.h"

#include "arch/arm64/ops.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/sysreg.h"
#include "base/string.h"
#include "core/domain.h"

#define PAR_FAULT       BIT(0)
#define PAR_PA(par)     PA((par) & MASK(47, 12))
#define PAR_DEVICE(par) (FIELD(par, 63, 60) == 0)
#define PAR_WRITE_BACK  UINT64_C(0xff) /* MAIR encoding: Normal, inner and outer write-back, allocating */
#define SCTLR_M         BIT(0)

/* A frame as the guest reaches it. */
struct frame {
    pa_t pa;
    bool coherent; /* the guest's accesses go through the caches as ours do */
};

static uint64_t translate(uint64_t va, bool write)
{
    uint64_t saved = READ_SYSREG(par_el1), par;

    if (write) {
        at_s12e1w(va);
    } else {
        at_s12e1r(va);
    }
    isb();
    par = READ_SYSREG(par_el1);
    WRITE_SYSREG(par_el1, saved);
    return par;
}

/* With its MMU off, a guest accesses all memory as Device: stage 2 knows better. */
static __attribute__((noinline, cold)) bool is_flat_memory(const struct vcpu *vcpu, uint64_t va)
{
    struct stage2_page page;

    return (READ_SYSREG(sctlr_el1) & SCTLR_M) == 0 && stage2_look(&vcpu->domain->stage2, IPA(va), &page) &&
           page.normal;
}

/* Both stages let EL1 write there. Stage 2 is looked up in its tables: what AT S12E1W finds out is the same,
 * but QEMU (10.0 at least) ends with a failed assertion when it meets memory that stage 2 has read-only. */
static bool is_writable(const struct vcpu *vcpu, uint64_t va)
{
    uint64_t saved = READ_SYSREG(par_el1), par;
    struct stage2_page page;

    at_s1e1w(va);
    isb();
    par = READ_SYSREG(par_el1);
    WRITE_SYSREG(par_el1, saved);
    return (par & PAR_FAULT) == 0 && stage2_look(&vcpu->domain->stage2, IPA(PAR_PA(par).v), &page) &&
           page.writable;
}

static inline bool find(const struct vcpu *vcpu, uint64_t va, bool write, struct frame *frame)
{
    uint64_t par;

    if (write && !is_writable(vcpu, va)) {
        return false;
    }
    par = translate(va, write);
    if ((par & PAR_FAULT) != 0 || (PAR_DEVICE(par) && !is_flat_memory(vcpu, va))) {
        return false;
    }
    frame->pa = PAR_PA(par);
    frame->coherent = FIELD(par, 63, 56) == PAR_WRITE_BACK;
    return true;
}

static inline bool copy_page(struct vcpu *vcpu, uint64_t va, void *data, size_t size, bool write)
{
    struct stage1_tables *tables = vcpu->pcpu->tables;
    struct spinlock *lock = &vcpu->domain->stage2_lock;
    struct frame frame;
    uint8_t *at;

    spin_lock(lock); /* what was found stays mapped: whoever revokes it waits until the copy is done */
    if (!find(vcpu, va, write, &frame)) {
        spin_unlock(lock);
        return false;
    }
    at = (uint8_t *)window_map(tables, 0, frame.pa, 1, write ? WINDOW_WRITE : WINDOW_READ) + va % PAGE_SIZE;
    if (!frame.coherent) {
        cache_clean_invalidate(at, size);
    }
    if (write) {
        memcpy(at, data, size);
        if (!frame.coherent) {
            cache_clean_invalidate(at, size);
        }
    } else {
        memcpy(data, at, size);
    }
    window_unmap(tables, 0, 1);
    spin_unlock(lock);
    return true;
}

static enum status copy(struct vcpu *vcpu, uint64_t va, uint8_t *data, size_t size, bool write)
{
    while (size != 0) {
        size_t piece = min_u64(size, PAGE_SIZE - va % PAGE_SIZE);

        if (!copy_page(vcpu, va, data, piece, write)) {
            return ERR_FAULT;
        }
        va += piece;
        data += piece;
        size -= piece;
    }
    return OK;
}

enum status copy_word_from_guest(struct vcpu *vcpu, uint32_t *to, va_t from)
{
    struct stage1_tables *tables = vcpu->pcpu->tables;
    struct spinlock *lock = &vcpu->domain->stage2_lock;
    const volatile uint32_t *page;
    uint64_t par;

    if (__builtin_expect(from.v % 4u == 0, 1)) {
        spin_lock(lock);
        par = translate(from.v, false);
        if (__builtin_expect((par & PAR_FAULT) == 0 && FIELD(par, 63, 56) == PAR_WRITE_BACK, 1)) {
            page = window_map(tables, 0, PAR_PA(par), 1, WINDOW_READ);
            *to = page[from.v % PAGE_SIZE / 4u];
            window_unmap(tables, 0, 1);
            spin_unlock(lock);
            return OK;
        }
        spin_unlock(lock);
    }
    return copy_from_guest(vcpu, to, from, sizeof *to);
}

enum status copy_from_guest(struct vcpu *vcpu, void *to, va_t from, size_t size)
{
    return copy(vcpu, from.v, to, size, false);
}

enum status copy_to_guest(struct vcpu *vcpu, va_t to, const void *from, size_t size)
{
    return copy(vcpu, to.v, (uint8_t *)(uintptr_t)from, size, true);
}

enum status guest_writable(struct vcpu *vcpu, va_t to, size_t size)
{
    uint64_t last = size == 0 ? to.v : to.v + size - 1u;
    struct frame frame;
    bool ok;

    spin_lock(&vcpu->domain->stage2_lock);
    ok = last >= to.v && find(vcpu, to.v, true, &frame) &&
         (to.v / PAGE_SIZE == last / PAGE_SIZE || find(vcpu, last, true, &frame));
    spin_unlock(&vcpu->domain->stage2_lock);
    return ok ? OK : ERR_FAULT;
}
