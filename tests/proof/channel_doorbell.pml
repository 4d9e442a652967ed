/* SPDX-License-Identifier: Apache-2.0 */
/* Doorbells of a channel (include/bulkhead/channel.h): a sender and a receiver that ring only when the other
 * side's mark asks for it, for messages and for room, and that may stop at any step and open their region
 * again. Nobody sleeps for ever.
 *
 * Each side's stores go through a buffer (as on x86; Arm may delay them too) and reach memory in order and
 * later; a store that is ORDERED waits until the buffer is empty before the next load. Positions count
 * messages; the ring holds ROOM of them.
 *
 * BROKEN 1: no barrier between the position and the look at the mark, in publish. 2: the same in release. 3:
 * none between the mark and the second look, waiting for messages. 4: the same, waiting for room. 5: the mark
 * is set after the last look. 6: open does not ring. 7: a batch that jumps over the mark does not ring. 8:
 * open rings before what it stored has arrived. 9: the mark for room is one too high. */
#ifndef BROKEN
#define BROKEN 0
#endif

#define TOTAL 4
#define ROOM  2
#define NEVER 255

/* Memory: what each region says. Side 0 sends, side 1 receives. */
byte produced, wake_space;           /* of side 0 */
byte consumed, wake_data;            /* of side 1 */
bool bell[2];                        /* pending doorbells */
bool crash[2];                       /* the side stops now */

mtype = { POSITION, MARK };
chan stores[2] = [3] of { mtype, byte };

#define ORDERED(side)            (empty(stores[side]))
#define CROSSED(mark, from, to)  (from <= mark && mark < to)

active proctype memory0()
{
    byte value;
end:
    do
    :: atomic { stores[0]?POSITION, value -> produced = value }
    :: atomic { stores[0]?MARK, value -> wake_space = value }
    od
}

active proctype memory1()
{
    byte value;
end:
    do
    :: atomic { stores[1]?POSITION, value -> consumed = value }
    :: atomic { stores[1]?MARK, value -> wake_data = value }
    od
}

/* Each side stops once, at any moment, or never. A doorbell that was pending may be lost with it. */
active proctype fate()
{
    if
    :: crash[0] = true
    :: true
    fi;
    if
    :: crash[1] = true
    :: true
    fi
}

inline opened(me)
{
#if BROKEN != 8
    ORDERED(me);
#endif
#if BROKEN != 6
    bell[1 - me] = true
#else
    skip
#endif
}

active proctype sender()
{
    byte mine, next, seen, mark, batch;

again:
    {
        mine = produced;
        stores[0]!MARK, NEVER;
        opened(0);
        do
        :: mine == TOTAL -> break
        :: else ->
            /* as many at once as the ring may hold, or one */
            if
            :: batch = 1
            :: mine + 2 <= TOTAL -> batch = 2
            fi;
            next = mine + batch;
look:
            seen = consumed;
            if
            :: next - seen <= ROOM ->
                stores[0]!POSITION, next;
#if BROKEN != 1
                ORDERED(0);
#endif
                mark = wake_data;
                if
#if BROKEN == 7
                :: mark == next - 1 -> bell[1] = true
#else
                :: CROSSED(mark, mine, next) -> bell[1] = true
#endif
                :: else
                fi;
                mine = next
            :: else ->
#if BROKEN == 9
                stores[0]!MARK, next - ROOM;
#else
                stores[0]!MARK, next - ROOM - 1;
#endif
#if BROKEN != 4
                ORDERED(0);
#endif
                seen = consumed;
                if
                :: next - seen <= ROOM
                :: else -> atomic { bell[0] -> bell[0] = false }
                fi;
                goto look
            fi
        od
    } unless {
        atomic { crash[0] -> crash[0] = false };
        /* the next incarnation begins when what the old one stored has arrived */
        atomic {
            empty(stores[0]);
            if
            :: bell[0] = false
            :: true
            fi
        };
        goto again
    }
}

active proctype receiver()
{
    byte read, released, seen, mark;

again:
    {
        released = consumed;
        if
        :: true
        :: released = produced; stores[1]!POSITION, released /* discard */
        fi;
        read = released;
        stores[1]!MARK, NEVER;
        opened(1);
        do
        :: released == TOTAL -> break
        :: else ->
            seen = produced;
            if
            :: seen != read ->
                read++;
                if
                :: read != TOTAL && read - released < ROOM /* gives the room back later */
                :: goto release
                fi
            :: seen == read && released != read -> goto release
            :: seen == read && released == read ->
#if BROKEN != 5
                stores[1]!MARK, read;
#endif
#if BROKEN != 3
                ORDERED(1);
#endif
                seen = produced;
#if BROKEN == 5
                stores[1]!MARK, read;
#endif
                if
                :: seen != read
                :: else -> atomic { bell[1] -> bell[1] = false }
                fi
            fi;
            goto next;
release:
            stores[1]!POSITION, read;
#if BROKEN != 2
            ORDERED(1);
#endif
            mark = wake_space;
            if
            :: CROSSED(mark, released, read) -> bell[0] = true
            :: else
            fi;
            released = read;
next:
            skip
        od
    } unless {
        atomic { crash[1] -> crash[1] = false };
        atomic {
            empty(stores[1]);
            if
            :: bell[1] = false
            :: true
            fi
        };
        goto again
    }
}
