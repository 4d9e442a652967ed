/* SPDX-License-Identifier: Apache-2.0 */
#include "core/extension.h"

#include "arch/arm64/barrier.h"
#include "arch/arm64/ops.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/stage2.h"
#include "arch/arm64/timer.h"
#include "base/string.h"
#include "bulkhead/extension_abi.h"
#include "core/domain.h"
#include "core/interrupt.h"
#include "core/print.h"

#define EC_SVC64 0x15u
#define PIECE    PAGE_SIZE /* of memory that is made anew at a time */

bool extensions_in_use;

static const char *const ends[] = {[BH_EXT_END_FAULT] = "fault",
                                   [BH_EXT_END_CALL] = "bad call",
                                   [BH_EXT_END_OVERRUN] = "over its budget",
                                   [BH_EXT_END_GAVE_UP] = "gave up",
                                   [BH_EXT_END_SERROR] = "SError"};

void extension_add(struct extension *e)
{
    uint64_t range = min_u64(READ_SYSREG(id_aa64mmfr0_el1) % 16u, 5);
    struct extension **last;

    /* RES1, PS, inner shareable, write-back, a walk that begins at level 2 (Arm ARM VTCR_EL2) */
    e->vtcr = BIT(31) | range << 16 | UINT64_C(3) << 12 | UINT64_C(1) << 10 | UINT64_C(1) << 8 |
              (64u - EXTENSION_IPA_BITS);
    e->vttbr = e->table | (uint64_t)e->vmid << 48;
    e->budget = timer_from_us(e->budget_us);
    e->domain = domain_by_domid(e->domid);
    for (last = &e->domain->extensions; *last != NULL; last = &(*last)->next) {
    }
    *last = e;
    extensions_in_use = true;
    cache_clean(e->memory, e->memory_size);
    ic_ialluis();
    dsb(ish);
    isb();
}

/* An interrupt came while it ran. False: its time is over. */
static bool take_interrupts(uint64_t limit)
{
    interrupt_poll(this_pcpu());
    if (timer_now() >= limit) {
        return false;
    }
    timer_arm(limit);
    return true;
}

static enum extension_end came_back(struct extension *e, uint64_t why, uint64_t limit)
{
    if (why == EXTENSION_CAME_BY_INTERRUPT) {
#ifdef BREAK_extension_budget
        limit = UINT64_MAX;
#endif
        return take_interrupts(limit) ? EXTENSION_GOES_ON : EXTENSION_OVERRUN;
    }
    if (why == EXTENSION_CAME_BY_SERROR) {
        return EXTENSION_SERROR;
    }
    if (ESR_EC(why) == EC_SVC64 && ESR_ISS(why) == 0) {
        return extension_call(e);
    }
    return EXTENSION_FAULT;
}

static void keep_crash(struct extension *e, enum extension_end end, uint64_t esr)
{
    struct extension_crash *c = &e->crash;

    c->end = end - EXTENSION_FAULT;
    c->life = e->life;
    memcpy(c->x, e->frame.x, sizeof c->x);
    c->pc = READ_SYSREG(elr_el2);
    c->pstate = READ_SYSREG(spsr_el2);
    c->sp = READ_SYSREG(sp_el0);
    c->esr = esr;
    c->far = READ_SYSREG(far_el2);
    c->detail = end == EXTENSION_BAD_CALL || end == EXTENSION_GAVE_UP ? e->status : 0;
}

/* x0 to x5 of the frame are the entry's arguments. The alarm of the pCPU is its own again in the end; where
 * it went off meanwhile, it goes off once more, which does no harm. */
static enum extension_end run(struct extension *e, uint32_t entry)
{
    uint64_t alarm = READ_SYSREG(cnthp_ctl_el2) % 2u != 0 ? READ_SYSREG(cnthp_cval_el2) : ~UINT64_C(0);
    uint64_t limit = timer_now() + e->budget, why;
    enum extension_end end;

    e->in = entry;
    e->frame.x[0] = entry;
    extension_world_enter(&e->world, e->vttbr, e->vtcr);
    WRITE_SYSREG(elr_el2, e->entry);
    WRITE_SYSREG(spsr_el2, 0); /* EL0t, nothing masked */
    WRITE_SYSREG(sp_el0, e->stack_top);
#ifdef BREAK_extension_fp
    WRITE_SYSREG(cpacr_el1, 3u << 20);
#endif
#ifdef BREAK_extension_counter
    WRITE_SYSREG(cntkctl_el1, 3);
#endif
    if (alarm > limit) {
        timer_arm(limit);
    }
    do {
        why = extension_enter(&e->frame);
        end = came_back(e, why, limit);
    } while (end == EXTENSION_GOES_ON);
    if (end >= EXTENSION_FAULT) {
        keep_crash(e, end, why);
    }
    extension_world_leave(&e->world);
    if (alarm > limit) {
        timer_arm(alarm);
    }
    return end;
}

static bool may_restart(struct extension *e)
{
    uint64_t now = timer_now();

    if (e->restart == RESTART_NEVER || e->restart == RESTART_ALWAYS) {
        return e->restart != RESTART_NEVER;
    }
    if (e->restarts_in_window == 0 ||
        now - e->window_start > timer_from_us((uint64_t)e->restart_window_ms * 1000u)) {
        e->window_start = now;
        e->restarts_in_window = 0;
    }
    return e->restarts_in_window++ < e->restart;
}

static void begin_life(struct extension *e)
{
    e->state = EXTENSION_LOADING;
    e->segment = 0;
    e->done = 0;
}

static void report(const struct extension *e, bool again)
{
    const struct extension_crash *c = &e->crash;

    print("DOM%u extension %s: %s in life %u, pc 0x%lx sp 0x%lx syndrome 0x%lx address 0x%lx, call %lu "
          "detail %lu, %s",
          e->domid, e->name, ends[c->end], c->life, c->pc, c->sp, c->esr, c->far, c->x[8], c->detail,
          again ? "restarting" : "stays stopped");
}

static void life_is_over(struct extension *e)
{
    bool serror = e->crash.end == BH_EXT_END_SERROR, again = !serror && may_restart(e);

    e->crashes++;
    report(e, again);
    if (again) {
        begin_life(e);
        return;
    }
    e->state = EXTENSION_DEAD;
    domain_crash(e->domain, serror ? "SError" : "its extension has crashed", false);
}

/* The pieces lie in EL2's heap. Text is never written again, so no instruction cache has old lines of it. */
static void make_piece(struct extension *e)
{
    const struct extension_segment *s = &e->segments[e->segment];
    uint64_t size = min_u64(PIECE, s->size - e->done);
    uint64_t copied = e->done < s->file_size ? min_u64(size, s->file_size - e->done) : 0;

    memcpy(s->memory + e->done, s->source + e->done, copied);
    memset(s->memory + e->done + copied, 0, size - copied);
    e->done += size;
    if (e->done == s->size) {
        e->segment++;
        e->done = 0;
    }
}

/* One step towards READY. */
static void prepare(struct extension *e)
{
    if (e->state == EXTENSION_LOADING && e->segment < e->nr_segments) {
        make_piece(e);
    } else if (e->state == EXTENSION_LOADING) {
        memset(&e->frame, 0, sizeof e->frame);
        e->agreed = false;
        e->line_length = 0;
        e->life++;
        e->state = EXTENSION_LOADED;
    } else if (e->state == EXTENSION_LOADED) {
        enum extension_end end = run(e, BH_EXT_INIT);

        if (end == EXTENSION_DONE) {
            e->state = EXTENSION_READY;
        } else {
            life_is_over(e);
        }
    }
}

/* What it says to its own failure. */
static enum extension_end ask_fail(struct extension *e)
{
    uint64_t *x = e->frame.x;
    const struct extension_crash kept = e->crash;
    enum extension_end end;

    x[1] = kept.end;
    x[2] = kept.end == BH_EXT_END_CALL ? kept.x[8] : kept.esr;
    x[3] = kept.end == BH_EXT_END_CALL ? kept.detail : kept.far;
    x[4] = kept.pc;
    end = run(e, BH_EXT_FAIL);
    if (end == EXTENSION_AGAIN) {
        return EXTENSION_AGAIN;
    }
    if (end != EXTENSION_SERROR) {
        e->crash = kept;
    }
    return EXTENSION_GAVE_UP;
}

static enum extension_access serve(struct extension *e, uint64_t ipa, unsigned size, bool write,
                                   uint64_t *value)
{
    uint64_t *x = e->frame.x;
    enum extension_end end;

    x[1] = e->vcpu->index;
    x[2] = ipa;
    x[3] = size;
    x[4] = write ? 1u : 0;
    x[5] = *value;
    end = run(e, BH_EXT_EXIT);
    if (end == EXTENSION_FAULT || end == EXTENSION_BAD_CALL) {
        end = ask_fail(e);
    }
    if (end == EXTENSION_DONE) {
        *value = x[0];
        return EXTENSION_SERVED;
    }
    if (end >= EXTENSION_FAULT) {
        life_is_over(e);
    }
    return end == EXTENSION_ABORT ? EXTENSION_REFUSED : EXTENSION_RETRY;
}

static struct extension *find(const struct domain *domain, uint64_t ipa, unsigned size)
{
    for (struct extension *e = domain->extensions; e != NULL; e = e->next) {
        for (uint32_t i = 0; i < e->nr_ranges; i++) {
            if (ipa - e->ranges[i].ipa < e->ranges[i].size &&
                e->ranges[i].size - (ipa - e->ranges[i].ipa) >= size) {
                return e;
            }
        }
    }
    return NULL;
}

enum extension_access extension_access(struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write,
                                       uint64_t *value)
{
    struct extension *e = find(vcpu->domain, ipa, size);
    enum extension_access access = EXTENSION_RETRY;
    uint32_t idle = 0;

    if (e == NULL) {
        return EXTENSION_NOT_ITS;
    }
    if (!__atomic_compare_exchange_n(&e->busy, &idle, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return EXTENSION_RETRY;
    }
    e->vcpu = vcpu;
    if (e->state == EXTENSION_READY) {
        access = serve(e, ipa, size, write, value);
    } else {
        prepare(e);
    }
    store_release(&e->busy, 0);
    return access;
}

void extensions_begin(struct domain *domain)
{
    for (struct extension *e = domain->extensions; e != NULL; e = e->next) {
        begin_life(e);
    }
}

enum status extensions_build_slice(struct domain *domain)
{
    for (struct extension *e = domain->extensions; e != NULL; e = e->next) {
        if (e->state == EXTENSION_DEAD) {
            return ERR_INVALID;
        }
        if (e->state != EXTENSION_READY) {
            e->vcpu = NULL;
            prepare(e);
            return ERR_BUSY;
        }
    }
    return OK;
}
