/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI CPU_ON by vCPU 0 against CPU_OFF of vCPU 1, a stop of the domain and its restart (guest/arm64/psci.c, core/schedule.c,
 * core/domain.c): vCPU 1 runs only in the life of the domain in which it was asked for, with the arguments of that
 * request, and a CPU_ON that succeeded is not forgotten.
 *
 * BROKEN 1: a request does not say in which life it was made. 2: it is honoured while the domain stops. 3: a stale request leaves its trace in the power state. */
#ifndef BROKEN
#define BROKEN 0
#endif

mtype = { OFF, PENDING, ON };
mtype = { BUILDING, RUNNING, STOPPING };

mtype power = OFF;              /* of vCPU 1 */
mtype state = RUNNING;
byte incarnation = 1, entry, on_incarnation, in;
bool work_on, work_stop0, work_stop1, work_off, busy; /* busy: vCPU 1's registers are in use */
bool runs;                      /* vCPU 1 is in the guest */
byte runs_with, asked, restarts;

inline enter_guest()
{
    assert(!busy);
    assert(state != BUILDING);
    busy = true;
    runs_with = entry;
    runs = true;
    power = ON
}

/* vCPU 0 on its own pCPU: the guest asks for vCPU 1; the stop is taken at the next exit. */
active proctype first()
{
    bool success;
    byte number = 0;

again:
    do
    :: number < 3 && state != BUILDING ->
        number++;
        success = false;
        atomic {
            if
            :: power == OFF -> power = PENDING; success = true
            :: else
            fi
        }
        if
        :: success ->
            entry = incarnation; /* the arguments, told apart by the life */
            on_incarnation = incarnation;
            work_on = true
        :: else
#if BROKEN == 3
            -> assert(power != PENDING || work_on || on_incarnation == incarnation)
#endif
        fi
    :: work_stop0 -> break
    :: number == 3 && timeout -> goto done
    od;
    work_stop0 = false;
    in--;
    goto wait;
wait:
    if
    :: state == BUILDING ->
        /* begin(): all have left */
#if BROKEN != 3
        power = OFF;
#endif
        number = 0;
        incarnation++;
        state = RUNNING;
        goto again
    :: in == 0 && state == STOPPING -> state = BUILDING; goto wait
    :: timeout -> goto done
    fi;
done:
    skip
}

active proctype second()
{
    bool take_on, take_stop, take_off;

    do
    :: work_on || work_stop1 || work_off ->
        atomic {
            take_on = work_on; take_stop = work_stop1; take_off = work_off;
            work_on = false; work_stop1 = false; work_off = false
        }
        if
        :: take_stop ->
            runs = false;
            busy = false;
            power = OFF;
            in--;
        :: else ->
            if
            :: take_off ->
                runs = false;
                busy = false;
                power = OFF
            :: else
            fi;
            if
            :: take_on && !runs ->
                if
#if BROKEN == 1
                :: state == RUNNING ->
#elif BROKEN == 2
                :: on_incarnation == incarnation ->
#else
                :: state == RUNNING && on_incarnation == incarnation ->
#endif
                    on_incarnation = 0;
                    enter_guest();
                    assert(runs_with == incarnation || state != RUNNING)
                :: else
                fi
            :: else
            fi
        fi
    :: runs && !work_off -> work_off = true /* its guest calls CPU_OFF */
    :: timeout -> break
    od;
    assert(!(runs && state == BUILDING));
    assert(power != PENDING || state != RUNNING);
    assert(runs == (power == ON) || state != RUNNING)
}

/* Somebody stops the domain, twice. */
active proctype stopper()
{
    do
    :: restarts < 2 && state == RUNNING ->
        atomic {
            if
            :: state == RUNNING -> state = STOPPING
            :: else -> goto next
            fi
        }
        restarts++;
        in = 2;
        work_stop0 = true;
        work_stop1 = true;
next:
        skip
    :: restarts == 2 -> break
    :: timeout -> break
    od
}
