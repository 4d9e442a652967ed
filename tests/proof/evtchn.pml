/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels (core/event.c) against a guest that handles, masks and polls as it likes: nothing is lost.
 *
 * Three ports in one word. Two other domains send, the first twice on port 0, the second on ports 1 and 2; each
 * notification holds the receiver's lock, and the guest's accesses fall between any two steps of it. vCPU 0 of
 * the guest has its interrupt, clears upcall_pending, takes pending_sel, and looks at the ports; it masks and
 * unmasks port 0 once, by a hypercall or by itself as Linux does, and registers its vcpu_info once. vCPU 1 polls
 * for port 2, which is masked. At the end everybody waits; no port may be pending and not masked, no sent value
 * unseen, and the poller may not sleep while its port is pending.
 *
 * BROKEN 1: the mask is looked at before the port is made pending. 2: upcall_pending is set before pending_sel.
 * 3: unmask takes no lock, and looks at pending before it clears the mask. 4: poll looks at the port, then
 * announces itself. 5: pollers are looked for before the port is made pending. 6: a registration does not tell
 * of what came before. 7: a guest takes pending_sel before it clears upcall_pending. */
#ifndef BROKEN
#define BROKEN 0
#endif

bool pending[3], mask[3], sel, upcall;
bool told = false;      /* vcpu_info is registered */
bool interrupt = false; /* WORK_EVENT, or the edge in the list register */
bool lock = false;
bool polling = false, asleep = false, wake = false;
byte sent[3], seen[3];

inline take_lock()
{
    atomic { !lock -> lock = true }
}

inline tell()
{
    if
    :: told ->
#if BROKEN == 2
        atomic { was = upcall; upcall = true };
        if
        :: !was -> interrupt = true
        :: else
        fi;
        sel = true
#else
        atomic { was = sel; sel = true };
        if
        :: !was ->
            atomic { was = upcall; upcall = true };
            if
            :: !was -> interrupt = true
            :: else
            fi
        :: else
        fi
#endif
    :: else
    fi
}

inline notify(p)
{
#if BROKEN == 1
    masked = mask[p];
#endif
#if BROKEN == 5
    sleeper = polling;
#endif
    atomic { was = pending[p]; pending[p] = true };
    if
    :: !was ->
#if BROKEN != 1
        masked = mask[p];
#endif
        if
        :: !masked -> tell()
        :: else
        fi;
#if BROKEN != 5
        sleeper = polling;
#endif
        if
        :: sleeper -> polling = false; wake = true
        :: else
        fi
    :: else
    fi
}

inline send(p)
{
    sent[p]++;
    take_lock();
    notify(p);
    lock = false
}

proctype sender(byte first; byte second)
{
    bool was, masked, sleeper;

    send(first);
    send(second)
}

/* EVTCHNOP_unmask */
inline unmask_call()
{
#if BROKEN == 3
    found = pending[0];
#else
    take_lock();
#endif
    atomic { was = mask[0]; mask[0] = false };
#if BROKEN != 3
    found = pending[0];
#endif
    if
    :: was && found -> tell()
    :: else
    fi;
#if BROKEN != 3
    lock = false
#endif
}

inline look(p)
{
    atomic {
        if
        :: pending[p] && !mask[p] -> pending[p] = false; seen[p] = sent[p]
        :: else
        fi
    }
}

proctype guest()
{
    bool was, found, taken, masks = true, registers = true;

    do
    :: interrupt ->
        interrupt = false; /* acknowledged, and ended */
#if BROKEN == 7
        atomic { taken = sel; sel = false };
        upcall = false;
#else
        upcall = false;
        atomic { taken = sel; sel = false };
#endif
        if
        :: taken -> look(0); look(1)
        :: else
        fi
    :: masks ->
        masks = false;
        mask[0] = true;
        if
        :: unmask_call()
        :: true -> /* Linux */
            mask[0] = false;
            if
            :: pending[0] -> mask[0] = true; unmask_call()
            :: else
            fi
        fi
    :: registers ->
        registers = false;
        take_lock();
        told = true;
#if BROKEN != 6
        sel = true;
        upcall = true;
        interrupt = true;
#endif
        lock = false
    :: timeout -> break
    od;
    assert(!interrupt && told);
    assert(!pending[0] && seen[0] == sent[0]);
    assert(!pending[1] && seen[1] == sent[1])
}

/* SCHEDOP_poll, by a vCPU that handles no interrupts. */
proctype poller()
{
    bool found;

#if BROKEN == 4
    found = pending[2];
    polling = true;
#else
    polling = true;
    found = pending[2];
#endif
    if
    :: found -> polling = false
    :: else ->
        asleep = true;
        if
        :: wake -> asleep = false
        :: timeout
        fi;
        assert(!asleep || !pending[2])
    fi
}

init
{
    mask[2] = true;
    atomic { run sender(0, 0); run sender(1, 2); run guest(); run poller() }
}
