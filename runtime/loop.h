/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One event loop: what is ready runs to completion, in the order in which it became ready. */
#ifndef RUNTIME_LOOP_H
#define RUNTIME_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* A piece of work. It lies in a larger structure or is a variable of its own. */
struct source {
    void (*run)(struct source *source);
    struct source *next; /* the loop's */
    bool ready;
};

/* It runs once, soon. Ready twice before it runs is ready once. */
void source_ready(struct source *source);

/* Time: ticks of the counter, whose frequency is ticks_per_ms(). */
uint64_t ticks_now(void);
uint64_t ticks_per_ms(void);

/* A source that becomes ready at a time. */
struct alarm {
    struct source source;
    struct alarm *next; /* the loop's */
    uint64_t when;
    bool set;
};
void alarm_set(struct alarm *alarm, uint64_t when);

/* A static event port: `source` becomes ready when it is notified, and once at the start of the loop. `ports`
 * of them, from `first`, for one source. Before loop_run(). */
void event_handle(uint32_t first, uint32_t ports, struct source *source);

/* Called when nothing is ready, before the domain sleeps, and now and then where something always is: it may
 * make something ready. */
void loop_before_idle(void (*look)(void));

void loop_start(void);
/* Does not return. A domain with `bulkhead,heartbeat-ms` that stays away from here for so long counts as
 * crashed. */
_Noreturn void loop_run(void);

#endif
