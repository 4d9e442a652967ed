/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in flight while the backend crashes between any two stores, the driver resets the device, and the frontend
 * dies: each request is completed exactly once, and not before the hardware has done it; none is lost; nothing of an
 * earlier life has an effect in a later one.
 *
 * frontend() is the driver, with its death: frontends_stop() of hypervisor/core/frontend.c, which detaches and closes
 * the windows before the memory is scrubbed, and frontends_quiet(). hardware() does
 * what it was given, in any order. backend() is one life after the other: STAGE_RESET_DEVICES of
 * hypervisor/core/build.c, then attach(), leave() and look() of runtime/backend.c;
 * device_init(), begin_reset(), finish_reset(), format_state() of devices/device.c; queue_take(),
 * queue_complete() and queue_recover(), store by store, of devices/queue.c; and a class that does as devices/block.c:
 * next_chain(), submit(), request_done(), quiesce(). Who stores is one vCPU, and the next life begins when its stores
 * have arrived: so they are in program order here. That the two sides hear of each other is another model:
 * driver_notify.pml.
 *
 * BROKEN 1: a take advances last_avail before the head is in flight. 2: a completion stores used_idx of the state page
 * first. 3: it clears in-flight before used->idx. 4: the recovery does not look for a batch that was being published.
 * 5: the hardware is not reset before the next life. 6: a request is completed before the hardware has done it. 7: a
 * reset does not wait for the hardware. 8: the next life of the frontend is taken for the last one. 9: the next life
 * takes up the first head in flight only. 10: the first attachment does not look whether it is of the life whose
 * number it has read. 11: the frontend's memory is cleared although the hardware still works on it (BREAK=quiet). */
#ifndef BROKEN
#define BROKEN 0
#endif

#define SIZE    2
#define TOTAL   3 /* requests of a life of the frontend, or between resets */
#define NO_HEAD 7
#define EVENTS  2 /* crashes, resets and deaths in all; with 3 it holds too, in 23 million states */

/* The frontend's memory. A session is what lies between two resets. */
byte avail[SIZE], used[SIZE], avail_idx, used_idx;
byte session;
bool issued[SIZE], effect[SIZE];

/* The hypervisor's. */
bool running = true;   /* the frontend */
bool attached, window; /* the backend sees the frontend's memory */
bool smmu; /* holds the hardware back behind a closed window */
bool busy;             /* attached, and since then neither detached by the backend nor its hardware reset */
byte life = 1;         /* tail.incarnation */
bool told;             /* the port of the frontend's requests */
mtype = { NONE, READY, RESPONSE, RESET, ENABLE };
mtype slot = NONE, access = NONE;
bool crash;
byte left = EVENTS;

/* The state page. */
bool magic, reset_pending, ready;
byte of_life, last_avail, used_state, batch = NO_HEAD, order = 1;
bool in_flight[SIZE];
byte order_of[SIZE], next[SIZE];

/* The hardware: what it was given, and what it has done. */
bool given[SIZE], done[SIZE];
byte given_session[SIZE];

active proctype fate()
{
end:
    do
    :: atomic { left > 0 && !crash -> left--; crash = true }
    :: atomic { left > 0 -> left-- }
    od
}

active proctype hardware()
{
    byte h;
end:
    do
    :: atomic {
           if
           :: given[0] -> h = 0
           :: given[1] -> h = 1
           fi;
           given[h] = false;
           done[h] = true;
           if
           :: given_session[h] == session -> assert(issued[h]); effect[h] = true
           :: else -> assert(smmu && !window)
           fi;
           h = 0
       }
    od
}

inline trap(what)
{
    atomic { access = what; slot = READY };
    if
    :: atomic { slot == RESPONSE -> slot = NONE; access = NONE }
    :: atomic { left > 0 -> left--; goto die }
    fi
}

inline forget()
{
    d_step {
        issued[0] = false; issued[1] = false;
        effect[0] = false; effect[1] = false;
        avail_idx = 0; used_idx = 0;
        avail[0] = 0; avail[1] = 0; used[0] = 0; used[1] = 0;
        taken = 0;
        session++
    }
}

active proctype frontend()
{
    byte taken, h;

    if
    :: smmu = true
    :: smmu = false
    fi;
begin:
    trap(ENABLE);
    do
    :: atomic { taken == TOTAL -> break }
    :: atomic {
           avail_idx < TOTAL && (!issued[0] || !issued[1]) ->
           if
           :: !issued[0] -> h = 0
           :: !issued[1] -> h = 1
           fi;
           issued[h] = true;
           effect[h] = false;
           avail[avail_idx % SIZE] = h;
           avail_idx++;
           h = 0
       }
    :: atomic {
           used_idx != taken ->
           h = used[taken % SIZE];
           assert(issued[h] && effect[h]);
           issued[h] = false;
           taken++;
           h = 0
       }
    :: atomic { left > 0 -> left-- };
        trap(RESET);
        forget();
        goto begin
    :: atomic { left > 0 -> left--; goto die }
    od;
    goto over;
die:
    atomic { running = false; attached = false; slot = NONE; access = NONE };
    window = false;
    told = true;
#if BROKEN != 11
    do
    :: smmu || !busy -> break
    :: atomic { !smmu && busy && !crash -> crash = true } /* its limit is over */
    od;
#endif
    forget();
    atomic { life++; running = true };
    told = true;
    goto begin;
over:
    skip
}

inline clear_state()
{
    d_step { ready = false; in_flight[0] = false };
    d_step { in_flight[1] = false; last_avail = 0; used_state = 0; batch = NO_HEAD; order = 1 }
}

inline format_state()
{
    d_step { magic = false; of_life = mine };
    clear_state();
    d_step { reset_pending = false; magic = true }
}

inline finish_reset()
{
    if
    :: gone -> gone = false; format_state()
    :: else -> clear_state(); reset_pending = false
    fi
}

/* Requests that the hardware has are waited for; those that it has done are dropped. */
inline begin_reset()
{
    reset_pending = true;
#if BROKEN == 7
    d_step { done[0] = false; done[1] = false };
    finish_reset();
    quiet = true
#else
    if
    :: atomic { !given[0] && !given[1] -> done[0] = false; done[1] = false }; finish_reset(); quiet = true
    :: else -> quiet = false
    fi
#endif
}

/* While the pair is detached nobody looks, and attach_now() empties the slots. */
inline answer()
{
    atomic {
        if
        :: attached -> slot = RESPONSE
        :: else
        fi
    }
}

inline leave()
{
    waiting = false;
    if
    :: mine != coming -> mine = coming; failed = false; gone = true; begin_reset()
    :: else
    fi
}

/* Behind a closed window there is no chain to submit. */
inline submit(head)
{
    atomic {
        if
        :: window -> assert(!given[head] && !done[head]); given[head] = true; given_session[head] = session
        :: else
        fi
    }
}

inline queue_take()
{
    atomic { h = (window -> avail[last_avail % SIZE] : 0); assert(!window || !in_flight[h]) };
    if
    :: in_flight[h] -> failed = true
    :: else ->
        order_of[h] = order;
#if BROKEN == 1
        last_avail = order;
        in_flight[h] = true;
#else
        in_flight[h] = true;
        last_avail = order;
#endif
        order++;
        submit(h)
    fi;
    h = 0
}

/* One head, or both. What is stored into a closed window is not seen by the frontend. */
inline queue_complete(first, count)
{
    d_step {
        next[first] = (count == 2 -> 1 - first : NO_HEAD);
        if
        :: count == 2 -> next[1 - first] = NO_HEAD
        :: else
        fi
    };
    batch = first;
#if BROKEN == 2
    used_state = used_state + count;
    n = used_state;
#elif BROKEN == 3
    in_flight[first] = false;
    n = used_state + count;
#else
    n = used_state + count;
#endif
    atomic {
        if
        :: window -> used[(n - count) % SIZE] = first
        :: else
        fi
    };
    atomic {
        if
        :: window && count == 2 -> used[(n - 1) % SIZE] = 1 - first
        :: else
        fi
    };
    atomic {
        if
        :: window -> used_idx = n
        :: else
        fi
    };
    in_flight[first] = false;
    if
    :: count == 2 -> in_flight[1 - first] = false
    :: else
    fi;
    used_state = n;
    atomic {
        done[first] = false;
        if
        :: count == 2 -> done[1 - first] = false
        :: else
        fi;
        n = 0
    }
}

/* The state page was damaged by nobody. Only who looks into a closed window may be wrong. */
inline expect(what)
{
    if
    :: what
    :: else -> assert(!window || life != mine); format_state(); failed = true; goto serve
    fi
}

inline queue_recover()
{
    n = (window -> used_idx : 0);
#if BROKEN != 4
    if
    :: n != used_state ->
        /* recover_batch(), batch_fits() */
        h = n - used_state;
        expect(h <= SIZE && batch != NO_HEAD && (!window || used[used_state % SIZE] == batch));
        expect((h == 2) == (next[batch] != NO_HEAD));
        h = batch;
        do
        :: h == NO_HEAD -> break
        :: else -> in_flight[h] = false; h = next[h]
        od;
        used_state = n
    :: else
    fi;
#endif
    d_step {
        taking = (in_flight[0] && order_of[0] == order) || (in_flight[1] && order_of[1] == order);
        n = in_flight[0] + in_flight[1];
        h = 0
    };
    if
    :: taking ->
        expect(last_avail == order - 1 || last_avail == order);
        last_avail = order;
        order++
    :: else -> expect(last_avail == order - 1)
    fi;
    expect(n == last_avail - used_state);
    d_step { n = 0; taking = false }
}

active proctype backend()
{
    byte h, n, mine, coming;
    bool taking, gone, quiet, failed, waiting, again0, up;

again:
    {
#if BROKEN == 5
        d_step { done[0] = false; done[1] = false; busy = false };
#else
        d_step { given[0] = false; given[1] = false; done[0] = false; done[1] = false; busy = false };
#endif
        /* attach(), begin() */
end_first:
#if BROKEN == 10
        atomic { running -> attached = true; busy = true; window = true };
        coming = life;
#else
        coming = life;
        do
        :: atomic { running -> attached = true; busy = true; window = true };
            atomic {
                if
                :: life == coming -> break
                :: else -> coming = life
                fi
            }
        od;
#endif
        mine = coming;
        up = true;
        told = true; /* events_start() */
        if
#if BROKEN == 8
        :: !magic -> format_state()
#else
        :: !magic || of_life != mine -> format_state()
#endif
        :: else ->
            if
            :: reset_pending -> finish_reset()
            :: !reset_pending && ready -> queue_recover(); again0 = true
            :: else
            fi
        fi;
serve:
end_serve:
        do
        /* next_chain(): those in flight first, in their order */
        :: again0 ->
            if
            :: in_flight[0] && (!in_flight[1] || order_of[0] < order_of[1]) -> h = 0; n = (in_flight[1] -> 1 : NO_HEAD)
            :: in_flight[1] && (!in_flight[0] || order_of[1] < order_of[0]) -> h = 1; n = (in_flight[0] -> 0 : NO_HEAD)
            :: else -> h = NO_HEAD
            fi;
            if
            :: h != NO_HEAD ->
                submit(h);
#if BROKEN != 9
                if
                :: n != NO_HEAD -> submit(n)
                :: else
                fi
#endif
            :: else
            fi;
            d_step { again0 = false; h = 0; n = 0 }
        :: up && window && ready && !again0 && !failed && !reset_pending && avail_idx > last_avail -> queue_take()
        /* request_done() */
        :: atomic { reset_pending && !given[0] && !given[1] -> done[0] = false; done[1] = false };
            /* device_quiet(), quiet() */
            if
            :: gone -> told = true
            :: else
            fi;
            finish_reset();
            if
            :: waiting -> waiting = false; answer()
            :: else
            fi
#if BROKEN == 6
        :: !reset_pending && !failed && given[0] && in_flight[0] -> queue_complete(0, 1)
#else
        :: !reset_pending && !failed && done[0] && !done[1] -> queue_complete(0, 1)
#endif
        :: !reset_pending && !failed && done[1] && !done[0] -> queue_complete(1, 1)
        :: !reset_pending && !failed && done[0] && done[1] ->
            if
            :: queue_complete(0, 2)
            :: queue_complete(1, 2)
            :: queue_complete(0, 1)
            :: queue_complete(1, 1)
            fi
        /* serve_access() */
        :: up && attached && slot == READY && !waiting ->
            if
            :: access == ENABLE ->
                if
                :: !reset_pending && !ready -> ready = true
                :: else
                fi;
                answer()
            :: access == RESET ->
                failed = false;
                begin_reset();
                if
                :: quiet -> answer()
                :: else -> waiting = true
                fi
            fi
        /* look() */
        :: atomic { told -> told = false };
            coming = life;
            if
            :: up && !attached ->
                up = false;
                if
                :: coming == mine -> coming++; leave(); goto serve
                :: else
                fi
            :: up && attached && coming != mine -> up = false
            :: else
            fi;
            if
            :: up -> goto serve
            :: coming < mine ->
                if
                :: atomic { !gone -> busy = false } /* serve(.., 0) */
                :: else
                fi;
                goto serve
            :: else
            fi;
attach:
            leave();
            if
            :: gone -> goto serve /* not yet quiet */
            :: else
            fi;
            if
            :: atomic { running -> attached = true; busy = true; window = true }
            :: else -> goto serve
            fi;
            atomic {
                if
                :: life == coming -> up = true
                :: else -> coming = life; goto attach
                fi
            }
        od
    } unless {
        /* domain_stop(): the pair is detached; what was answered and not seen is asked again */
        atomic {
            crash -> crash = false;
            attached = false;
            if
            :: slot == RESPONSE -> slot = READY
            :: else
            fi
        };
        window = false;
        d_step {
            h = 0; n = 0; mine = 0; coming = 0;
            taking = false; gone = false; quiet = false; failed = false; waiting = false; again0 = false; up = false
        };
        goto again
    }
}
