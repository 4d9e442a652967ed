/* SPDX-License-Identifier: Apache-2.0 */
/* Notification between a driver and its VIRTIO device with event index, while the backend crashes and is started
 * again: no wake-up is lost; spurious ones are allowed.
 *
 * driver() is Linux: it makes requests available, one or two at a time, and rings if avail_event asks for it.
 * handler() is its interrupt: it reads and acknowledges InterruptStatus by trapped accesses, takes what is used, and
 * sets used_event. backend() is one life after the other: events_start() of hypervisor/core/event.c, device_init(),
 * queue_recover() and notify_again(), then the loop of runtime/loop.c with run_queue() of devices/block.c (a class
 * with room for ROOM requests), queue_take(), queue_ask(), queue_complete(), queue_interrupts(), interrupt() and
 * serve_access(). It may stop at every step, CRASHES times. A doorbell is ring() of hypervisor/core/doorbell.c: a
 * pending bit (of the backend's port, of the driver's SPI), however often it is rung.
 *
 * Stores to the rings go through a buffer and arrive in order, later; one that is ORDERED has arrived before what
 * follows.
 *
 * BROKEN 1: queue_ask() without its barrier. 2: queue_ask() looks, then asks. 3: after a restart no port is pending.
 * 4: no notification after a restart. 5: queue_interrupts() without its barrier. 6: that notification without
 * InterruptStatus. 7: a batch that jumps over used_event does not interrupt. 8: who ran out of room does not go on. 9:
 * the port is cleared after the look. */
#ifndef BROKEN
#define BROKEN 0
#endif

#define TOTAL   3
#define ROOM    2
#define CRASHES 2

/* The rings: positions count requests. */
byte avail_idx, used_event; /* stored by the driver */
byte used_idx, avail_event; /* by the device */

/* The state page. */
byte last_avail, state_used;
bool interrupt_status;

/* The hypervisor's. */
bool port, spi;
mtype = { NONE, READY, RESPONSE, STATUS, ACKNOWLEDGE };
mtype slot = NONE, access = NONE;
bool data;

bool crash;

mtype = { INDEX, EVENT };
chan by_driver = [2] of { byte };
chan by_handler = [2] of { byte };
chan by_device = [2] of { mtype, byte };

#define ORDERED(stores)         (empty(stores))
#define CROSSED(mark, from, to) (from <= mark && mark < to)

active proctype memory()
{
    byte value;
end:
    do
    :: atomic { by_driver?value -> avail_idx = value; value = 0 }
    :: atomic { by_handler?value -> used_event = value; value = 0 }
    :: atomic { by_device?INDEX, value -> used_idx = value; value = 0 }
    :: atomic { by_device?EVENT, value -> avail_event = value; value = 0 }
    od
}

active proctype fate()
{
    byte left = CRASHES;
end:
    do
    :: atomic { left > 0 && !crash -> left--; crash = true }
    :: atomic { left > 0 -> left-- }
    od
}

active proctype driver()
{
    byte mine, next;

    do
    :: mine == TOTAL -> break
    :: else ->
        if
        :: next = mine + 1
        :: mine + 2 <= TOTAL -> next = mine + 2
        fi;
        by_driver!next;
        ORDERED(by_driver);
        if
        :: CROSSED(avail_event, mine, next) -> port = true
        :: else
        fi;
        mine = next
    od
}

inline trap(what)
{
    atomic { access = what; slot = READY };
    atomic { slot == RESPONSE -> slot = NONE; access = NONE }
}

active proctype handler()
{
    byte taken, seen;
    bool status;

    do
    :: taken == TOTAL -> break
    :: else ->
        atomic { spi -> spi = false };
        trap(STATUS);
        atomic { status = data; data = false };
        if
        :: status ->
            trap(ACKNOWLEDGE);
more:
            taken = used_idx;
            by_handler!taken;
            ORDERED(by_handler);
            if
            :: used_idx != taken -> goto more
            :: else
            fi
        :: else
        fi
    od
}

inline interrupt()
{
    interrupt_status = true;
    ORDERED(by_device);
    spi = true
}

/* serve_access(), answer() */
inline serve()
{
    if
    :: access == STATUS -> data = interrupt_status
    :: access == ACKNOWLEDGE -> interrupt_status = false
    fi;
    slot = RESPONSE
}

active proctype backend()
{
    byte now, notified, event;
    bool starved;

again:
    {
#if BROKEN != 3
        port = true; /* events_start() */
#endif
        state_used = used_idx; /* queue_recover(): of the batch that was being published */
        notified = state_used;
        /* notify_again() */
#if BROKEN == 4
        skip;
#elif BROKEN == 6
        spi = true;
#else
        interrupt();
#endif
end:
        do
#if BROKEN == 9
        :: port ->
#else
        :: atomic { port -> port = false };
#endif
look:
            do
            :: last_avail - state_used == ROOM -> starved = true; break
            :: else ->
                if
                :: avail_idx != last_avail -> last_avail++
                :: else ->
                    /* queue_ask() */
#if BROKEN == 2
                    now = avail_idx;
                    by_device!EVENT, last_avail;
                    ORDERED(by_device);
#else
                    by_device!EVENT, last_avail;
#if BROKEN != 1
                    ORDERED(by_device);
#endif
                    now = avail_idx;
#endif
                    if
                    :: now == last_avail -> now = 0; break
                    :: else -> now = 0
                    fi
                fi
            od;
#if BROKEN == 9
            port = false
#else
            skip
#endif
        :: slot == READY -> serve()
        :: last_avail != state_used ->
            /* the hardware has done one request, or all: queue_complete(), queue_interrupts() */
            if
            :: now = state_used + 1
            :: now = last_avail
            fi;
            by_device!INDEX, now;
            state_used = now;
#if BROKEN != 5
            ORDERED(by_device);
#endif
            event = used_event;
            if
#if BROKEN == 7
            :: event == now - 1 -> interrupt()
#else
            :: CROSSED(event, notified, now) -> interrupt()
#endif
            :: else
            fi;
            notified = now;
            atomic { now = 0; event = 0 };
            if
            :: starved ->
                starved = false;
#if BROKEN != 8
                goto look
#endif
            :: else
            fi
        od
    } unless {
        atomic { crash -> crash = false };
        /* what it stored arrives before the next life sees the rings; a request that waits is given to that anew */
        atomic {
            empty(by_device);
            now = 0; event = 0; starved = false; notified = 0;
            if
            :: slot == RESPONSE -> slot = READY
            :: else
            fi
        };
        goto again
    }
}
