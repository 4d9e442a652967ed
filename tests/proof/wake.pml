/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu_request() against schedule_switch() and the guest's run (core/schedule.c, core/vcpu.c): no request is lost.
 *
 * One pCPU with two vCPUs; two other pCPUs ask either vCPU for work; the pCPU asks itself once, in the middle of its look
 * (as the last vCPU that leaves a stopping domain does). At the end everybody waits and no work may be left.
 *
 * BROKEN 1: the kick comes before the work bit. 2: what the pCPU asks itself is not looked at again. 3: a kick for a vCPU that
 * does not run is ignored. 4: the kick is taken after the look, before the sleep.  5: a kick is taken between the last look
 * and the entry. */
#ifndef BROKEN
#define BROKEN 0
#endif

bool work[2];       /* any bit of vcpu->work */
bool ready[2];      /* the vCPU wants to run: one request in two makes it so */
bool irq;           /* a kick is pending at the GIC */
bool again, resched;
bool asked_itself;
byte current = 2;   /* 2: NULL */
byte waits;         /* the guests execute WFI so often */

inline request_from_outside(v)
{
    bool before = false;

#if BROKEN == 1
    irq = true;
    work[v] = true;
#else
    atomic { before = work[v]; work[v] = true }
    if
    :: !before -> irq = true
    :: else
    fi
#endif
}

proctype other(byte v)
{
    request_from_outside(v)
}

/* vcpu_request() of the own pCPU while current is NULL */
inline request_from_inside(v)
{
    work[v] = true;
#if BROKEN != 2
    again = true
#else
    skip
#endif
}

inline look(v)
{
    atomic { took = work[v]; work[v] = false }
    if
    :: took ->
        if
        :: !asked_itself -> asked_itself = true; request_from_inside(1 - v)
        :: true
        fi;
        if
        :: ready[v] = true
        :: true
        fi
    :: else
    fi
}

active proctype pcpu()
{
    bool took;

    if
    :: waits = 0
    :: waits = 2
    fi;
choose:
    current = 2;
look_again:
    again = false;
    look(0);
    look(1);
    if
    :: again -> goto look_again
    :: else
    fi;
    if
    :: ready[0] -> current = 0
    :: ready[1] -> current = 1
    :: else
    fi;
    if
    :: current == 2 ->
#if BROKEN == 4
        irq = false;
#endif
        /* WFI: left when an interrupt is pending */
        if
        :: irq -> irq = false; goto choose
        :: timeout -> goto end_check
        fi
    :: else
    fi;
#if BROKEN == 5
    irq = false;
#else
    if
    :: work[current] -> goto choose
    :: else
    fi;
#endif
    /* the guest runs until an interrupt */
guest:
    if
    :: irq ->
        irq = false;
        resched = work[current];
#if BROKEN != 3
        resched = resched || work[1 - current];
#endif
        if
        :: resched -> goto choose
        :: else -> goto guest
        fi
    :: waits > 0 -> waits--; ready[current] = false; goto choose
    :: timeout -> goto end_check
    fi;
end_check:
    assert(!work[0] && !work[1] && !irq)
}

init
{
    atomic { run other(0); run other(1) }
}
