/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Included before all else (-include): the backend may die behind each store of devices/queue.h. */
#ifndef CRASH_STEP_H
#define CRASH_STEP_H

void crash_step(void);
#define QUEUE_STEP(step)                   \
    do {                                   \
        __asm__ volatile("" ::: "memory"); \
        (void)(step);                      \
        crash_step();                      \
    } while (0)

#endif
