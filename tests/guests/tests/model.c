// SPDX-License-Identifier: Apache-2.0
/* A random walk through the states of the interrupt controller, checked at every step against a model written
 * from the GIC specifications (IHI 0048B 3.2, IHI 0069 4) alone. One CPU with interrupts masked, so that
 * every effect is visible to the next instruction. Arguments: steps=, seed=. The bare machine must pass too.
 */
#include "gic.h"
#include "guest.h"

enum { FIRST = 96, SPIS = 40, SGIS = 16, TOTAL = SPIS + SGIS, DEPTH = 15 };

struct line {
    uint8_t priority;
    bool pending, active, enabled;
    bool acked;   /* its priority is on the stack: mode 0, or mode 1 before EOI */
    bool dropped; /* mode 1: EOI done, DIR not yet */
};

static struct line lines[TOTAL];
static uint32_t stack[DEPTH], depth;
static uint8_t pmr;
static bool mode1;
static uint64_t seed;
static uint32_t taken, none, step_number;

static uint32_t intid_of(uint32_t i)
{
    return i < SPIS ? FIRST + i : i - SPIS;
}
static uint32_t index_of(uint32_t intid)
{
    return intid >= FIRST ? intid - FIRST : intid + SPIS;
}
static bool is_sgi(uint32_t i)
{
    return i >= SPIS;
}

static uint8_t running(void)
{
    return depth ? lines[stack[depth - 1]].priority : 0xff;
}

/* The most urgent priority that could be taken now; 0x100 if none. */
static uint32_t best(void)
{
    uint32_t b = 0x100;
    for (uint32_t i = 0; i < TOTAL; i++) {
        const struct line *l = &lines[i];
        if (l->pending && l->enabled && !l->active && l->priority < b) {
            b = l->priority;
        }
    }
    return b < pmr && b < running() && depth < DEPTH ? b : 0x100;
}

static void acknowledge(void)
{
    uint32_t want = best();
    uint32_t iar = gic_ack(), intid = gic_intid(iar);
    if (want == 0x100) {
        none++;
        EXPECT(intid >= 1020, "step %u: took %u, the model nothing", step_number, intid);
        return;
    }
    CHECK(intid < 1020, "step %u: took nothing (%u), the model priority 0x%x", step_number, intid, want);
    uint32_t i = index_of(intid);
    CHECK(i < TOTAL, "step %u: took %u, which does not exist", step_number, intid);
    struct line *l = &lines[i];
    CHECK(l->pending && l->enabled && !l->active && l->priority == want,
          "step %u: took %u (pending %u active %u enabled %u priority 0x%x), the model priority 0x%x",
          step_number, intid, l->pending, l->active, l->enabled, l->priority, want);
    l->pending = false;
    l->active = true;
    l->acked = true;
    stack[depth++] = i;
    taken++;
    EXPECT(gic_running_priority() == l->priority, "step %u: running priority 0x%x, expected 0x%x",
           step_number, gic_running_priority(), l->priority);
}

static void end_one(void)
{
    if (depth == 0) {
        return;
    }
    uint32_t i = stack[--depth];
    gic_eoi(intid_of(i));
    lines[i].acked = false;
    if (mode1) {
        lines[i].dropped = true;
    } else {
        lines[i].active = false;
    }
}

static void deactivate(uint32_t i)
{
    if (mode1 && lines[i].dropped) {
        gic_deactivate(intid_of(i));
        lines[i].dropped = false;
        lines[i].active = false;
    }
}

static void pend(uint32_t i)
{
    if (is_sgi(i)) {
        gic_sgi(0, intid_of(i));
    } else {
        gic_set_pending(intid_of(i));
    }
    lines[i].pending = true;
}

static void unpend(uint32_t i)
{
    if (is_sgi(i) && gic.version == 2) {
        write8(gic.dist + GICD_CPENDSGIR + intid_of(i), 0xff);
    } else {
        gic_clear_pending(intid_of(i));
    }
    lines[i].pending = false;
}

static void check(uint32_t i)
{
    uint32_t intid = intid_of(i);
    const struct line *l = &lines[i];
    bool p = gic_pending(intid), a = gic_active(intid), e = gic_enabled(intid);
    EXPECT(p == l->pending && a == l->active && e == l->enabled,
           "step %u: INTID %u pending/active/enabled %u/%u/%u, expected %u/%u/%u", step_number, intid, p, a,
           e, l->pending, l->active, l->enabled);
}

static void step(void)
{
    uint32_t i = random32(&seed) % TOTAL;
    struct line *l = &lines[i];
    switch (random32(&seed) % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
        pend(i);
        break;
    case 4:
    case 5:
    case 6:
        acknowledge();
        break;
    case 7:
    case 8:
    case 9:
        end_one();
        break;
    case 10:
        for (uint32_t n = 0; n < 8; n++) {
            deactivate((i + n) % TOTAL);
        }
        break;
    case 11:
        unpend(i);
        break;
    case 12:
        if (is_sgi(i) && gic.version == 2) {
            break; /* whether SGIs can be disabled is implementation defined there */
        }
        if (l->enabled) {
            gic_disable(intid_of(i));
        } else {
            gic_enable(intid_of(i));
        }
        l->enabled = !l->enabled;
        break;
    case 13: /* changing the priority of a pending or active interrupt is unpredictable */
        if (!l->pending && !l->active) {
            l->priority = (uint8_t)(random32(&seed) % 15 * 16);
            gic_priority(intid_of(i), l->priority);
        }
        break;
    case 14:
        pmr = (uint8_t)(random32(&seed) % 4 ? 0xf0 : 0x80);
        gic_set_pmr(pmr);
        break;
    default:
        if (!is_sgi(i) && !l->acked && !l->dropped) {
            if (l->active) {
                gic_clear_active(intid_of(i));
            } else {
                gic_set_active(intid_of(i));
            }
            l->active = !l->active;
        }
        break;
    }
    check(random32(&seed) % TOTAL);
}

/* Everything that is left can still be taken, in order. */
static void drain(void)
{
    while (depth) {
        end_one();
    }
    for (uint32_t i = 0; i < TOTAL; i++) {
        deactivate(i);
        if (lines[i].active) {
            gic_clear_active(intid_of(i));
            lines[i].active = false;
        }
        if (!lines[i].enabled) {
            gic_enable(intid_of(i));
            lines[i].enabled = true;
        }
    }
    pmr = 0xf0;
    gic_set_pmr(pmr);
    for (uint32_t n = 0; n < TOTAL && best() != 0x100 && !test_failed(); n++) {
        acknowledge();
        end_one();
        deactivate(stack[depth]);
    }
    acknowledge();
    for (uint32_t i = 0; i < TOTAL; i++) {
        check(i);
    }
}

static void walk(bool second_mode)
{
    uint32_t steps = (uint32_t)arg_number("steps", 4000);
    seed = arg_number("seed", 1) * 0x9e3779b97f4a7c15ull | 1;
    depth = taken = none = 0;
    mode1 = second_mode;
    pmr = 0xf0;
    gic_set_eoi_mode(mode1);
    gic_set_pmr(pmr);
    for (uint32_t i = 0; i < TOTAL; i++) {
        lines[i] = (struct line){.priority = (uint8_t)(i % 15 * 16), .enabled = true};
        if (!is_sgi(i)) {
            gic_trigger(intid_of(i), true);
            gic_target(intid_of(i), 0);
        }
        gic_priority(intid_of(i), lines[i].priority);
        gic_enable(intid_of(i));
    }
    for (step_number = 0; step_number < steps && !test_failed(); step_number++) {
        step();
    }
    if (!test_failed()) {
        drain();
    }
    test_figure("taken", taken);
    EXPECT(taken > steps / 40, "only %u interrupts taken in %u steps", taken, steps);
}

TEST(model_eoi_mode_0)
{
    walk(false);
}

TEST(model_eoi_mode_1)
{
    walk(true);
}
