/* SPDX-License-Identifier: Apache-2.0 */
/* A driver domain that dies by itself, "die-ms" or "die-us" after its devices were made, in each of its
 * lives: the main file of the domain is compiled so that its domain_start() is served_start(). Without the
 * boot argument it lives. */
#include "runtime/domain.h"
#include "runtime/hypercall.h"
#include "runtime/loop.h"
#include "runtime/tree.h"
#include "tests/domains/marker.h"

void served_start(void);

static struct alarm end;

static void die(struct source *source)
{
    (void)source;
    marker_crash();
    if (tree_argument("fault", 0) != 0) {
        __asm__ volatile("udf #0");
    }
    shutdown_crash();
}

void domain_start(void)
{
    uint64_t us = tree_argument("die-us", 1000 * tree_argument("die-ms", 0));

    served_start();
    marker_alive();
    if (us != 0) {
        end.source.run = die;
        alarm_set(&end, ticks_now() + us * ticks_per_ms() / 1000);
    }
}
