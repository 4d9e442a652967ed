/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop under interrupts that never end: everything else still gets its turn. The models of the GIC
 * (IHI 0048, IHI 0069) answer, where the architecture leaves the choice, with the worst for that: of equal
 * priority, the device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/events.h"
#include "runtime/gic.h"
#include "runtime/hypercall.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { DIST = 0x8000000, SECOND = 0x80a0000, SGI_FRAME = SECOND + 0x10000, HEARTBEAT_MS = 200 };
enum { TIMER = 27, UPCALL = 31, DEVICE = 48, OTHER = 60, INTIDS = 96, TICKS_PER_MS = 1000, LIMIT = 10000 };

static struct {
    bool v3;
    uint8_t priority[INTIDS];
    bool enabled[INTIDS], level[INTIDS], active[INTIDS];
    uint64_t now, deadline;
    bool timer_on;
    uint32_t taken[INTIDS];
    uint32_t since; /* interrupts since something else ran */
    uint32_t worst, waits;
} model;

static jmp_buf end;

/* Each look at the time or at the pending interrupts takes some. */
static void passes(uint64_t ticks)
{
    model.now += ticks;
    model.level[TIMER] = model.timer_on && model.now >= model.deadline;
}

static uint32_t highest(void)
{
    uint32_t best = 1023;

    for (uint32_t i = 0; i < INTIDS; i++) {
        if (model.enabled[i] && model.level[i] && !model.active[i] &&
            (best == 1023 || model.priority[i] <= model.priority[best])) {
            best = i;
        }
    }
    return best;
}

static uint32_t acknowledge(void)
{
    uint32_t intid = highest();

    if (intid < INTIDS) {
        model.active[intid] = true;
        model.taken[intid]++;
        if (++model.since > LIMIT) {
            fail_msg("%u interrupts, and nothing else runs", model.since);
        }
    }
    return intid;
}

uint64_t read_sysreg(const char *name)
{
    if (strcmp(name, "isr_el1") == 0) {
        passes(20);
        return highest() < INTIDS ? 0x80 : 0;
    }
    if (strcmp(name, "S3_0_C12_C12_0") == 0) {
        return acknowledge();
    }
    if (strcmp(name, "cntvct_el0") == 0) {
        passes(1);
        return model.now;
    }
    assert_string_equal(name, "cntfrq_el0");
    return TICKS_PER_MS * 1000;
}

void write_sysreg(const char *name, uint64_t value)
{
    if (strcmp(name, "cntv_cval_el0") == 0) {
        model.deadline = value;
    } else if (strcmp(name, "cntv_ctl_el0") == 0) {
        model.timer_on = value % 2 != 0;
    } else if (strcmp(name, "S3_0_C12_C12_1") == 0) {
        model.active[value] = false;
    }
    passes(0);
}

void wfi(void)
{
    model.waits++;
    while (highest() >= INTIDS) {
        passes(100);
    }
}

uint32_t read32(uintptr_t at)
{
    uint32_t value = 0;
    uintptr_t dist = at - (at >= SGI_FRAME ? SGI_FRAME : DIST);

    if (!model.v3 && at == SECOND + 0xc) {
        return acknowledge();
    }
    if (dist >= 0x400 && dist < 0x400 + INTIDS) {
        memcpy(&value, &model.priority[dist - 0x400], sizeof value);
    }
    return value;
}

void write32(uintptr_t at, uint32_t value)
{
    uintptr_t dist = at - (at >= SGI_FRAME ? SGI_FRAME : DIST);

    if (!model.v3 && at == SECOND + 0x10) {
        model.active[value] = false;
    } else if (dist >= 0x100 && dist < 0x180) {
        for (uint32_t i = 0; i < 32; i++) {
            model.enabled[(dist - 0x100) * 8 + i] |= value >> i & 1;
        }
    } else if (dist >= 0x400 && dist < 0x400 + INTIDS) {
        memcpy(&model.priority[dist - 0x400], &value, sizeof value);
    }
}

/* ---- what the loop stands on ---- */

tree_node tree_find(tree_node node, const char *compatible)
{
    (void)node;
    if (strcmp(compatible, "bulkhead,backend-v1") == 0) {
        return 2;
    }
    return strcmp(compatible, model.v3 ? "arm,gic-v3" : "arm,gic-400") == 0 ? 1 : TREE_NONE;
}

uint64_t tree_number(tree_node node, const char *name, uint32_t at, uint32_t cells, uint64_t otherwise)
{
    (void)cells;
    if (node == 1) {
        assert_string_equal(name, "reg");
        return at == 0 ? DIST : SECOND;
    }
    return strcmp(name, "bulkhead,heartbeat-ms") == 0 ? HEARTBEAT_MS : otherwise;
}

void memory_map(uint64_t address, uint64_t size, enum memory_kind kind)
{
    (void)address;
    (void)size;
    assert_int_equal(kind, MEMORY_DEVICE);
}

void arena_close(void)
{
}

_Noreturn void crash(const char *why, const char *what)
{
    (void)what;
    fail_msg("%s", why);
    abort();
}

static struct source request;
static uint32_t requests, beats, looks, others;
static uint64_t last_beat, longest;

int64_t watchdog(uint32_t id, uint32_t seconds)
{
    assert_int_equal(id, 1);
    assert_int_equal(seconds, 1);
    if (beats != 0 && model.now - last_beat > longest) {
        longest = model.now - last_beat;
    }
    last_beat = model.now;
    beats++;
    return 0;
}

/* A request is there each time that the upcall is looked at. */
static void upcall(void *context)
{
    (void)context;
    model.level[UPCALL] = false;
    source_ready(&request);
}

void events_start(void)
{
    gic_handle(UPCALL, false, upcall, NULL);
}

void events_look(void)
{
}

/* ---- tests ---- */

/* Each handler has 16 frames' worth of work, and as many have come meanwhile. */
static void flood(void *context)
{
    (void)context;
    passes(160);
}

static void serve_request(struct source *source)
{
    (void)source;
    if (model.since > model.worst) {
        model.worst = model.since;
    }
    model.since = 0;
    model.level[UPCALL] = true; /* the next one */
    if (++requests == 2000) {
        longjmp(end, 1);
    }
}

static void other(struct source *source)
{
    others++;
    source_ready(source); /* it always has more */
}

static void look(void)
{
    looks++;
}

static void begin(bool v3)
{
    memset(&model, 0, sizeof model);
    model.v3 = v3;
    requests = beats = looks = others = 0;
    last_beat = longest = 0;
    request.run = serve_request;
    loop_start();
}

static void check(const char *what)
{
    printf("%s: %u of the device, %u requests, %u beats, at most %u interrupts in between, %u us between "
           "beats\n",
           what, model.taken[DEVICE], requests, beats, model.worst, (uint32_t)longest);
    assert_in_range(model.worst, 0, 4 * GIC_AT_ONCE);
    assert_true(beats > 1);
    assert_in_range(longest, 1, HEARTBEAT_MS * TICKS_PER_MS / 2); /* it is due four times in that */
}

static struct source busy = {.run = other};

/* The same program for both controllers, one after the other: the loop keeps what it has begun with. */
static void floods(void **state)
{
    bool v3 = *(const bool *)*state;

    begin(v3);
    gic_handle(DEVICE, false, flood, NULL);
    loop_before_idle(look);
    model.level[DEVICE] = true;
    model.level[UPCALL] = true;
    if (setjmp(end) == 0) {
        loop_run();
    }
    check(v3 ? "GICv3" : "GICv2");
    assert_true(model.taken[DEVICE] > requests);
    assert_true(looks != 0);
    requests = looks = 0;
    source_ready(&busy);
    if (setjmp(end) == 0) {
        loop_run();
    }
    check("and a source that is always ready");
    assert_true(others > requests / 2);
    assert_true(looks > others / 32);
}

static int run(bool v3)
{
    bool kinds[] = {v3};
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(floods, kinds)};

    return cmocka_run_group_tests_name(v3 ? "loop on GICv3" : "loop on GICv2", tests, NULL, NULL);
}

/* The loop starts once in the life of a process. */
int main(void)
{
    pid_t child = fork();
    int status = 0, bad;

    if (child == 0) {
        return run(true) != 0;
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return 1;
    }
    bad = run(false);
    return bad != 0 || status != 0;
}
