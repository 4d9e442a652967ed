/* SPDX-License-Identifier: Apache-2.0 */
/* What an extension calls. All of a call is checked before anything of it is done. */
#include "arch/arm64/timer.h"
#include "bulkhead/extension_abi.h"
#include "core/domain.h"
#include "core/effects.h"
#include "core/extension.h"
#include "core/print.h"
#include "virq/virq.h"

#define NS_PER_S        UINT64_C(1000000000)
#define CALL_REGISTER   8u /* x8 */
#define REGISTER_PC     31u
#define REGISTER_PSTATE 32u
#define DECLARED        UINT64_MAX

_Static_assert(BH_EXT_ITEM_INTERRUPTS == 5 && BH_EXT_CALL_DOMAIN_OFF + 1u == BH_EXT_CALLS_END,
               "all are below");
_Static_assert(EXTENSION_SERROR - EXTENSION_FAULT == BH_EXT_END_SERROR, "in the same order");

struct row {
    uint8_t entries; /* bit = enum bh_ext_entry */
    bool early;      /* before the version is agreed on, too */
    uint8_t kinds[BH_EXT_ARGUMENTS];
};

#define ROW(name, entries, early, a, b, c, d, e) \
    [BH_EXT_CALL_##                              \
        name] = {entries,                        \
                 (early) != 0,                   \
                 {BH_EXT_KIND_##a, BH_EXT_KIND_##b, BH_EXT_KIND_##c, BH_EXT_KIND_##d, BH_EXT_KIND_##e}},
static const struct row rows[BH_EXT_CALLS_END] = {BH_EXT_CALLS(ROW)};

#define LIMITS(name, least, most) [BH_EXT_KIND_##name] = {least, most},
static const struct {
    uint64_t least, most;
} limits[] = {BH_EXT_KINDS(LIMITS, DECLARED)};

/* What is wrong with the call, or BH_EXT_STATUS_OK. */
static uint64_t check(const struct extension *e, uint64_t call, const uint64_t *arguments)
{
    const struct row *row = &rows[call < BH_EXT_CALLS_END ? call : 0];

    if (row->entries == 0) {
        return BH_EXT_STATUS_UNKNOWN;
    }
    if ((row->entries >> e->in) % 2u == 0 || !(e->agreed || row->early)) {
        return BH_EXT_STATUS_STATE;
    }
    for (unsigned i = 0; i < BH_EXT_ARGUMENTS && row->kinds[i] != BH_EXT_KIND_NONE; i++) {
        unsigned kind = row->kinds[i];
        uint64_t value = arguments[i];
        bool good = value >= limits[kind].least && value <= limits[kind].most;

#ifndef BREAK_extension_argument
        if (kind == BH_EXT_KIND_INTERRUPT) {
            good = value < e->nr_interrupts;
        }
        if (!good) {
            return BH_EXT_STATUS_ARGUMENT + i;
        }
#endif
        (void)good;
    }
    return BH_EXT_STATUS_OK;
}

static void end_line(struct extension *e)
{
    e->line[e->line_length] = '\0';
    print("DOM%u extension %s: %s", e->domid, e->name, e->line);
    e->line_length = 0;
}

/* What is no text is a dot: the console is not the extension's. */
static void add_text(struct extension *e, const uint64_t *words, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        char c = (char)(words[i / 8u] >> (i % 8u * 8u));

        if (c != '\n') {
            e->line[e->line_length++] = c >= 0x20 && c < 0x7f ? c : '.';
        }
        if (c == '\n' || e->line_length == EXTENSION_LINE) {
            end_line(e);
        }
    }
}

static uint64_t time_ns(void)
{
    uint64_t hz = READ_SYSREG(cntfrq_el0) % (1u << 31), ticks = timer_now();

    return hz == 0 ? 0 : ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz;
}

static uint64_t information(const struct extension *e, uint64_t item)
{
    switch (item) {
    case BH_EXT_ITEM_DOMID:
        return e->domid;
    case BH_EXT_ITEM_VCPUS:
        return e->domain->record->nr_vcpus;
    case BH_EXT_ITEM_LIFE:
        return e->life;
    case BH_EXT_ITEM_LAST_END:
        return e->crash.life == 0 ? UINT64_MAX : e->crash.end;
    case BH_EXT_ITEM_BUDGET:
        return e->budget_us;
    default:
        return e->nr_interrupts;
    }
}

/* Its pc and PSTATE are in the processor's registers for EL2, but not while the extension runs. */
static uint64_t read_register(const struct extension *e, uint64_t index)
{
    if (index == REGISTER_PC) {
        return e->world.pc;
    }
    return index == REGISTER_PSTATE ? e->world.pstate : e->vcpu->x[index % 32u];
}

static void interrupt(struct extension *e, uint64_t index)
{
    struct virq_effects effects = {0};

    virq_edge(e->domain->virq, e->vcpu->index, e->interrupts[index], e->vcpu->virq, &effects);
    effects_apply(e->domain, &effects);
}

/* Calls that end the entry. */
static enum extension_end end(struct extension *e, uint64_t call)
{
    switch (call) {
    case BH_EXT_CALL_DONE:
        return EXTENSION_DONE;
    case BH_EXT_CALL_AGAIN:
        return EXTENSION_AGAIN;
    case BH_EXT_CALL_ABORT:
        return EXTENSION_ABORT;
    case BH_EXT_CALL_FAIL:
        e->status = e->frame.x[0];
        return EXTENSION_GAVE_UP;
    default:
        return EXTENSION_GOES_ON;
    }
}

static void act(struct extension *e, uint64_t call)
{
    uint64_t *x = e->frame.x, status = BH_EXT_STATUS_OK;

    switch (call) {
    case BH_EXT_CALL_VERSION:
        e->agreed = x[0] == BH_EXT_MAJOR && x[1] <= BH_EXT_MINOR;
        status = e->agreed ? BH_EXT_STATUS_OK : BH_EXT_STATUS_VERSION;
        x[1] = BH_EXT_MAJOR << 16 | BH_EXT_MINOR;
        break;
    case BH_EXT_CALL_LOG:
        add_text(e, &x[1], (unsigned)x[0]);
        break;
    case BH_EXT_CALL_TIME:
        x[1] = time_ns();
        break;
    case BH_EXT_CALL_INFORMATION:
        x[1] = information(e, x[0]);
        break;
    case BH_EXT_CALL_VCPU_READ:
        x[1] = read_register(e, x[0]);
        break;
    case BH_EXT_CALL_VCPU_WRITE:
        e->vcpu->x[x[0] % 32u] = x[1];
        break;
    case BH_EXT_CALL_INTERRUPT:
        interrupt(e, x[0]);
        break;
    default:
        domain_stop(e->domain, call == BH_EXT_CALL_DOMAIN_OFF ? STOP_OFF : STOP_RESET);
        break;
    }
    x[0] = status;
}

enum extension_end extension_call(struct extension *e)
{
    uint64_t call = e->frame.x[CALL_REGISTER];
    enum extension_end ends;

    if (call == BH_EXT_CALL_DONE && e->in == BH_EXT_EXIT) {
        return EXTENSION_DONE; /* nearly every one */
    }
    e->status = check(e, call, e->frame.x);
    if (e->status != BH_EXT_STATUS_OK) {
        return EXTENSION_BAD_CALL;
    }
    ends = end(e, call);
    if (ends == EXTENSION_GOES_ON) {
        act(e, call);
    }
    return ends;
}
