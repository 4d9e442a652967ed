/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "runtime/steps.h"

#include <stdbool.h>

#include "devices/queue.h"
#include "runtime/arch.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/tree.h"

enum { MEAN = 60, HOWS = 16, LEAST_MS = 50 };

static struct {
    uint32_t which, left, how;
    bool chosen;
    uint64_t from;
} fate;

/* Of the counter's value, which is as good as random at this moment (SplitMix64). */
static uint64_t roll(void)
{
    uint64_t x = ticks_now() * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb) >> 16;
}

static void die(void)
{
    static uint64_t private[4];

    switch (fate.how) {
    case 0: /* the watchdog's */
        for (;;) {
        }
    case 1:
    case 2:
        write32((uintptr_t)step, 0); /* read-only */
        break;
    case 3:
    case 4:
        private
        [fate.which % 4] = ~UINT64_C(0); /* corruption, then a wild store through it */
        *(volatile uint8_t *)(uintptr_t)*(volatile uint64_t *)&private[fate.which % 4] = 1;
        break;
    case 5:
        ((void (*)(void))(uintptr_t)private)(); /* not executable */
        break;
    default:
        __asm__ volatile("udf #0");
    }
}

void step(uint32_t which)
{
    if (!fate.chosen) {
        fate.chosen = true;
        fate.from = ticks_now() + LEAST_MS * ticks_per_ms();
        fate.which = (uint32_t)(roll() % QUEUE_STEPS);
        fate.left = 1 + (uint32_t)(roll() % MEAN);
        fate.how = (uint32_t)(roll() % HOWS);
    }
    if (which > QUEUE_COMPLETE_USED_IDX && fate.which > QUEUE_COMPLETE_USED_IDX) {
        which = fate.which; /* these two are rare, and one kind */
    }
    if (which == fate.which && ticks_now() > fate.from && --fate.left == 0) {
        log_line("dies behind store %u, by %u", which, fate.how);
        die();
    }
}
