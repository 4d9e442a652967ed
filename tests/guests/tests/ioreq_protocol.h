/* SPDX-License-Identifier: Apache-2.0 */
/* The device of the ioreq tests: what its frontend writes into its registers and its backend does. The
 * frontend runs the test; the backend follows it, and survives its own crashes in the device's state page. */
#ifndef IOREQ_PROTOCOL_H
#define IOREQ_PROTOCOL_H

#include "guest.h"

#define IOREQ_BYTES   0x200u
#define IOREQ_DEVICES 4u

enum ioreq_register {
    REG_PATTERN = 0x000, /* to 0x3f: reads ioreq_pattern() */
    REG_COMMAND = 0x040, /* enum ioreq_command in bits 7:0, above it a number that differs each time */
    REG_ARGUMENT = 0x044,
    REG_ADDRESS = 0x048, /* 8 bytes */
    REG_BELL = 0x050,    /* a doorbell */
    REG_BELLS = 0x060,   /* how often the backend has seen it ring */
    REG_INCARNATION = 0x064,
    REG_LIVES = 0x068,  /* of the backend */
    REG_RESULT = 0x06c, /* of the last command */
    REG_SILENT = 0x070, /* accesses that the backend has seen and does not answer */
    REG_NEVER = 0x078,  /* an access here is never answered */
    REG_STORE = 0x080,  /* to the end: keeps what is written, zero after a new start of the frontend */
};

enum ioreq_command {
    DO_NOTHING,
    DO_INTERRUPT,        /* the frontend, ARGUMENT times */
    DO_WAIT,             /* ARGUMENT microseconds before the answer */
    DO_COPY,             /* invert 8 bytes at ADDRESS */
    DO_OUTSIDE,          /* touch what lies beside the windows; RESULT: accesses that went through */
    DO_TRESPASS,         /* hypercalls about what it does not own; RESULT: those that were not refused */
    DO_SPURIOUS,         /* send on every port without an answer */
    DO_SCRIBBLE,         /* spoil all of the slot but state and data */
    DO_LATE,             /* answer a slot in which nothing is asked */
    DO_DETACH,           /* and attach again */
    DO_DMA,              /* of a device: 8 bytes of DMA_STRAY to ADDRESS */
    DO_DMA_DETACHED,     /* the same while it is detached, after the answer */
    DO_DMA_LATE,         /* begin it, and do not attach before it has ended */
    CRASH_BEFORE = 0x80, /* once: the same number after the crash is answered */
    CRASH_TAKEN,         /* state INPROCESS */
    CRASH_ANSWERED,      /* the answer is there, the event is not sent */
    CRASH_BACKWARDS,     /* INPROCESS -> READY */
    CRASH_NONE,          /* READY -> NONE */
    CRASH_GARBAGE,       /* a state that does not exist */
    CRASH_DMA            /* with such a transfer on its way */
};

#define DMA_STRAY 0x57a757a757a757a7ull

/* Bytes whose sign bits differ. */
static inline uint8_t ioreq_pattern_byte(uint32_t offset)
{
    return (uint8_t)(offset * 83 + 0x41);
}

static inline uint64_t ioreq_pattern(uint32_t offset, uint32_t size)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++) {
        value |= (uint64_t)ioreq_pattern_byte(offset + i) << 8 * i;
    }
    return value;
}

#endif
