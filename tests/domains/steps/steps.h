/* SPDX-License-Identifier: Apache-2.0 */
/* A driver domain that dies behind a store of the rings or of the state page (devices/queue.h). Each life
 * chooses, by its number, behind which kind of store, after how many of them, and how. Included before every
 * file of devices/.
 *
 * Boot arguments, all of them numbers:
 *   step=    that store in every life; else one after the other, the first `steps=` of steps.c's list
 *   kind=    dies that way in every life (enum kind); else they alternate
 *   mean=    twice the mean number of such stores that a life lives through
 *   least=   milliseconds that it lives at least
 *   lives=   lives that end so; the next one goes on for ever. Absent: all end
 *   freeze=  stands still there for so many milliseconds, and goes on to the next store
 *   then=    1: stands still, and dies there
 *   shuffle= 1: its disk answers in another order than it was asked
 *   control= one of enum steps_break: what the tests must notice
 *   damage=  0: none; n: damages the state page of the device whose number is n - 1, then dies */
#ifndef TESTS_STEPS_H
#define TESTS_STEPS_H

#include <stdint.h>

void step(uint32_t which);
#define QUEUE_STEP(which) step(which)

enum steps_break {
    CONTROL_NONE,
    CONTROL_SKIP,    /* recovery forgets the first head in flight */
    CONTROL_REPEAT,  /* recovery takes the first head up twice */
    CONTROL_REORDER, /* recovery takes up the newest head first */
    CONTROL_USED,    /* state.used_idx before used->idx */
    CONTROL_EARLY,   /* a write is answered before the disk has it */
};
uint32_t steps_control(void);

/* A number that looks random, of a seed (SplitMix64). */
static inline uint64_t steps_roll(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Answers of the disk so far, and those that overtook an older request. */
extern uint32_t shuffle_answers, shuffle_overtook;

#endif
