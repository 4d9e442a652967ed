/* SPDX-License-Identifier: Apache-2.0 */
/* The try-lock of the console (core/console.c, pump()): nobody waits, and no byte stays behind.
 *
 * Writers put bytes and pump; a pump moves what there is (or a part, when the FIFO is full), at most ROUNDS times. The
 * UART's interrupt, while it is on and the FIFO has room, pumps too. At the end nothing waits.
 *
 * BROKEN 1: nobody looks at the note, one round only. 2: the note is looked at before the lock is released, not after. 3: the
 * last round does not leave the interrupt on. */
#ifndef BROKEN
#define BROKEN 0
#endif

#define ROUNDS 2
#define WRITERS 2

bool work, busy, tx_on;
byte waiting, moved;

inline pump()
{
    round = 1;
    work = true;
    do
    :: round > ROUNDS -> break
    :: else ->
#if BROKEN == 2
        if
        :: round > 1 && !note -> break
        :: else
        fi;
#else
        if
        :: !work -> break
        :: else
        fi;
#endif
        atomic { got = !busy; busy = true }
        if
        :: !got -> break
        :: else
        fi;
        tx_on = false;
        work = false;
        rest = false;
        /* move(): everything, or the FIFO is full in between */
        do
        :: waiting > 0 -> atomic { waiting--; moved++ }
        :: waiting > 0 -> rest = true; break
        :: waiting == 0 -> break
        od;
#if BROKEN == 1
        tx_on = rest;
        busy = false;
        break;
#endif
#if BROKEN == 3
        tx_on = rest;
#else
        tx_on = rest || round == ROUNDS;
#endif
        note = work;
        busy = false;
        round++
    od
}

proctype writer()
{
    bool got, rest, note;
    byte round;

    waiting++;
    pump()
}

active proctype interrupt()
{
    bool got, rest, note;
    byte round;

    do
    :: tx_on -> pump()
    :: timeout -> break
    od;
    assert(waiting == 0 && moved == WRITERS)
}

init
{
    atomic { run writer(); run writer() }
}
