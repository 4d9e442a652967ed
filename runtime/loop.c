/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/loop.h"

#include <stddef.h>

#include "runtime/arch.h"
#include "runtime/events.h"
#include "runtime/gic.h"
#include "runtime/hypercall.h"
#include "runtime/memory.h"
#include "runtime/tree.h"

enum { LOOK_TURNS = 16 };
enum { TIMER_INTID = 27, HEARTBEAT = 1 /* the watchdog of a domain with bulkhead,heartbeat-ms */ };

static struct source *first, **last;
static struct alarm *alarms;
static uint64_t heartbeat_ms; /* 0: nobody waits for it */
static void (*before_idle)(void);

static void heartbeat(struct source *source);
static struct alarm heart;

void source_ready(struct source *source)
{
    if (source->ready) {
        return;
    }
    source->ready = true;
    source->next = NULL;
    *last = source;
    last = &source->next;
}

uint64_t ticks_now(void)
{
    ISB();
    return READ_SYSREG(cntvct_el0);
}

uint64_t ticks_per_ms(void)
{
    return READ_SYSREG(cntfrq_el0) / 1000;
}

/* The timer is set to the earliest alarm, and off without one. */
static void set_timer(void)
{
    uint64_t when = UINT64_MAX;

    for (const struct alarm *alarm = alarms; alarm != NULL; alarm = alarm->next) {
        if (alarm->set && alarm->when < when) {
            when = alarm->when;
        }
    }
    WRITE_SYSREG(cntv_cval_el0, when);
    WRITE_SYSREG(cntv_ctl_el0, when != UINT64_MAX);
    ISB();
}

void alarm_set(struct alarm *alarm, uint64_t when)
{
    struct alarm **at = &alarms;

    while (*at != NULL && *at != alarm) {
        at = &(*at)->next;
    }
    *at = alarm; /* a new one is the last, and stays: there are few */
    alarm->when = when;
    alarm->set = true;
    set_timer();
}

static void timer(void *context)
{
    uint64_t now = ticks_now();

    (void)context;
    for (struct alarm *alarm = alarms; alarm != NULL; alarm = alarm->next) {
        if (alarm->set && alarm->when <= now) {
            alarm->set = false;
            source_ready(&alarm->source);
        }
    }
    set_timer();
}

static void heartbeat(struct source *source)
{
    (void)source;
    (void)watchdog(HEARTBEAT, 1);
    alarm_set(&heart, ticks_now() + heartbeat_ms * ticks_per_ms() / 4);
}

void loop_start(void)
{
    tree_node node;

    last = &first;
    gic_start();
    gic_handle(TIMER_INTID, false, timer, NULL);
    events_start();
    heart.source.run = heartbeat;
    node = tree_find(TREE_NONE, "bulkhead,backend-v1");
    if (node != TREE_NONE) {
        heartbeat_ms = tree_number(node, "bulkhead,heartbeat-ms", 0, 1, 0);
    }
    if (heartbeat_ms != 0) {
        heartbeat(NULL);
    }
}

void loop_before_idle(void (*look)(void))
{
    before_idle = look;
}

_Noreturn void loop_run(void)
{
    arena_close();
    events_look();
    for (uint32_t turn = 0;; turn++) {
        struct source *source;

        if ((first == NULL || turn % LOOK_TURNS == 0) && before_idle != NULL) {
            before_idle();
        }
        source = first;
        if (source != NULL) {
            first = source->next;
            if (first == NULL) {
                last = &first;
            }
            source->ready = false;
            source->run(source);
        } else {
            WFI();
        }
        gic_poll();
    }
}
