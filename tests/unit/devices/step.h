/* SPDX-License-Identifier: Apache-2.0 */
/* Included before every file of devices/: a call between two stores, where a test may let the backend die. */
#ifndef TESTS_DEVICES_STEP_H
#define TESTS_DEVICES_STEP_H

void queue_step(unsigned int step);
#define QUEUE_STEP(step)                   \
    do {                                   \
        __asm__ volatile("" ::: "memory"); \
        queue_step(step);                  \
        __asm__ volatile("" ::: "memory"); \
    } while (0)

#endif
