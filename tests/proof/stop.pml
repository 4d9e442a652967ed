/* SPDX-License-Identifier: Apache-2.0 */
/* domain_stop() by several at once, and the vCPUs that leave (core/domain.c): one stop counts, the last one to leave builds the
 * domain anew, and nobody runs in it then.
 *
 * BROKEN 1: the state is looked at and set in two steps. 2: the count is set after the requests. 3: a vCPU says that it left
 * before it did. */
#ifndef BROKEN
#define BROKEN 0
#endif

#define VCPUS 3

mtype = { RUNNING, STOPPING, BUILDING };
mtype state = RUNNING;
short in;
bool stop[VCPUS], inside[VCPUS];
byte stops, builds;

proctype stopper()
{
    bool mine = false;
    byte i;

#if BROKEN == 1
    if
    :: state == RUNNING -> mine = true; state = STOPPING
    :: else
    fi;
#else
    atomic {
        if
        :: state == RUNNING -> mine = true; state = STOPPING
        :: else
        fi
    }
#endif
    if
    :: mine ->
        stops++;
#if BROKEN != 2
        in = VCPUS;
#endif
        for (i : 0 .. VCPUS - 1) { stop[i] = true }
#if BROKEN == 2
        in = VCPUS
#endif
    :: else
    fi
}

proctype vcpu(byte me)
{
    bool last;

    inside[me] = true;
    do
    :: stop[me] ->
        stop[me] = false;
#if BROKEN != 3
        inside[me] = false;
#endif
        atomic { in--; last = (in == 0) }
        if
        :: last ->
            state = BUILDING;
            builds++;
            assert(!inside[0] && !inside[1] && !inside[2]);
            assert(in == 0);
            state = RUNNING;
            /* the next life; the stoppers have all come and gone, or stop it again */
        :: else
        fi;
        inside[me] = false;
        if
        :: state == RUNNING && !stop[me] -> skip
        :: else
        fi
    :: timeout -> break
    od
}

init
{
    atomic {
        run vcpu(0); run vcpu(1); run vcpu(2);
        run stopper(); run stopper()
    }
    timeout ->
    assert(builds == stops && stops >= 1 && state == RUNNING)
}
